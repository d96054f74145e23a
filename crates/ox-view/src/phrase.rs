//! The short form of a packet, and the words for what became of it.

use crate::words::protocol;
use ox_engine::machine::Fate;
use ox_packet::{Family, Key, Shape, icmp, icmp6, ip_address, proto};
use serde::Serialize;
use std::net::IpAddr;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Came in and went out.
    Forwarded,
    /// Sent by this host.
    Sent,
    /// Taken by this host.
    Delivered,
    /// Discarded without a word.
    Dropped,
    /// Discarded with an answer.
    Rejected,
    /// Handed to a program.
    Queued,
    /// Taken by something that nobody here knows.
    Taken,
    /// Kept until its other fragments come.
    Waiting,
}

impl Ending {
    /// Whether the packet got where it wanted; `None`: somebody else decides.
    pub fn through(self) -> Option<bool> {
        match self {
            Ending::Forwarded | Ending::Sent | Ending::Delivered => Some(true),
            Ending::Dropped | Ending::Rejected => Some(false),
            Ending::Queued | Ending::Taken | Ending::Waiting => None,
        }
    }

    /// Its name in JSON and in questions.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Forwarded => "forwarded",
            Ending::Sent => "sent",
            Ending::Delivered => "delivered",
            Ending::Dropped => "dropped",
            Ending::Rejected => "rejected",
            Ending::Queued => "queued",
            Ending::Taken => "taken",
            Ending::Waiting => "waiting",
        }
    }
}

/// The ending that a fate is. `rejected`: a rule answered it.
pub fn verdict(fate: &Fate, rejected: bool) -> Ending {
    match fate {
        Fate::Forwarded { .. } => Ending::Forwarded,
        Fate::Sent { .. } => Ending::Sent,
        Fate::Delivered { .. } => Ending::Delivered,
        Fate::Dropped(_) if rejected => Ending::Rejected,
        Fate::Dropped(_) => Ending::Dropped,
        Fate::Queued { .. } => Ending::Queued,
        Fate::Stolen { .. } => Ending::Taken,
        Fate::Waiting => Ending::Waiting,
    }
}

/// One end of a packet: `192.0.2.7:40000`, `[2001:db8::1]:80`, or the address alone.
pub fn end(family: Family, addr: u128, port: u16, ports: bool) -> String {
    match (ip_address(family, addr), ports) {
        (IpAddr::V6(a), true) => format!("[{a}]:{port}"),
        (a, true) => format!("{a}:{port}"),
        (a, false) => a.to_string(),
    }
}

/// Whether a packet's ports can be seen.
pub fn has_ports(key: &Key) -> bool {
    proto::has_ports(key.proto) && !key.shape.any(Shape::FRAGMENT | Shape::NOPORTS | Shape::NOL4)
}

/// A packet in short: `tcp 192.0.2.7:40000 -> 10.96.0.10:53`.
pub fn flow(key: &Key, family: Family) -> String {
    let ports = has_ports(key);
    let (src, dst) = (end(family, key.src, key.sport, ports), end(family, key.dst, key.dport, ports));
    format!("{} {src} -> {dst}", protocol(key.proto))
}

/// A packet in words: its flow, what its header says, its length.
pub fn detail(key: &Key, family: Family) -> String {
    let mut text = flow(key, family);
    let readable = !key.shape.any(Shape::FRAGMENT | Shape::SHORT | Shape::NOL4);
    if key.shape.any(Shape::FRAGMENT) {
        text.push_str(&format!(", a fragment at byte {}", key.frag_off));
    }
    match key.proto {
        proto::TCP if readable => {
            text.push_str(&format!(", {}", ox_packet::tcp_flags(key.tcp_flags).replace(',', "+")))
        }
        proto::ICMP | proto::ICMPV6 if readable => {
            let name = if key.proto == proto::ICMP { icmp::name } else { icmp6::name };
            match name(key.icmp_type, key.icmp_code) {
                Some(name) => text.push_str(&format!(", {name}")),
                None => text.push_str(&format!(", type {} code {}", key.icmp_type, key.icmp_code)),
            }
        }
        _ => {}
    }
    if key.mark != 0 {
        text.push_str(&format!(", mark {:#x}", key.mark));
    }
    text.push_str(&format!(", {} bytes", key.len));
    text
}
