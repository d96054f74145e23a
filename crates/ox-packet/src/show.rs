//! A packet in one line, for people.

use std::fmt::Write;
use std::net::IpAddr;

use crate::build::ip_address;
use crate::extract::{Layout, extract};
use crate::key::{Family, Key, Shape};
use crate::{Ah, Dccp, Esp, Gre, Mh, Sctp, Tcp, icmp, icmp6, proto};

/// Names of the TCP flags in the order of their bits, FIN first.
const FLAGS: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/// The flags set, by name and separated by commas, SYN before ACK; `none` if there are none.
pub fn tcp_flags(flags: u8) -> String {
    let set: Vec<&str> = (0..8).filter(|bit| flags >> bit & 1 != 0).map(|bit| FLAGS[bit]).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(",") }
}

/// The flags as tcpdump draws them: a letter each, `.` for ACK, `none` for none.
fn letters(flags: u8) -> String {
    let drawn = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W'];
    let order = [1, 0, 2, 3, 5, 6, 7, 4];
    let set: String = order.iter().filter(|&&bit| flags >> bit & 1 != 0).map(|&bit| drawn[bit]).collect();
    if set.is_empty() { "none".to_owned() } else { set }
}

/// A packet in one line: `TCP 192.0.2.7:40000 > 10.96.0.10:53 [S] len 60`. One that cannot be read says why.
pub fn show(bytes: &[u8]) -> String {
    let mut key = Key::default();
    match extract(bytes, &mut key) {
        Ok(at) => line(&key, Some((bytes, &at)), at.family),
        Err(why) => format!("not IP: {why}"),
    }
}

/// What a key alone says of a packet, in the form of [`show`].
pub fn show_key(key: &Key, family: Family) -> String {
    line(key, None, family)
}

fn line(key: &Key, packet: Option<(&[u8], &Layout)>, family: Family) -> String {
    let mut out = match (proto::name(key.proto), key.proto) {
        (_, proto::ICMPV6) => "ICMPv6".to_owned(),
        (_, proto::HOPOPTS) | (None, _) => format!("protocol {}", key.proto),
        (Some(name), _) => name.to_uppercase(),
    };
    let ports = proto::has_ports(key.proto) && !key.shape.any(Shape::FRAGMENT | Shape::NOPORTS | Shape::NOL4);
    let end = |address: u128, port: u16| match (ip_address(family, address), ports) {
        (IpAddr::V6(a), true) => format!("[{a}]:{port}"),
        (a, true) => format!("{a}:{port}"),
        (a, false) => a.to_string(),
    };
    put(&mut out, format_args!(" {} > {}", end(key.src, key.sport), end(key.dst, key.dport)));
    if key.shape.any(Shape::FRAGMENT) {
        put(&mut out, format_args!(" fragment at {}", key.frag_off));
    } else {
        if key.shape.any(Shape::FIRST) {
            out.push_str(" first fragment");
        }
        if !key.shape.any(Shape::NOL4) {
            header(&mut out, key, packet.map(|(bytes, at)| at.l4(bytes)).unwrap_or_default());
        }
    }
    let troubles = [
        (Shape::NOL4, "extension headers unreadable"),
        (Shape::SHORT, "header cut short"),
        (Shape::BADOFF, "bad data offset"),
    ];
    for (_, trouble) in troubles.iter().filter(|(bit, _)| key.shape.any(*bit)) {
        put(&mut out, format_args!(" ({trouble})"));
    }
    put(&mut out, format_args!(" len {}", key.len));
    out
}

/// What the transport header says beyond addresses and ports; `l4` is empty when only the key is known.
fn header(out: &mut String, key: &Key, l4: &[u8]) {
    match key.proto {
        proto::TCP if !key.shape.any(Shape::SHORT) => {
            put(out, format_args!(" [{}]", letters(key.tcp_flags)));
            if let Some(mss) = Tcp::new(l4).and_then(Tcp::mss) {
                put(out, format_args!(" mss {mss}"));
            }
        }
        proto::ICMP if !key.shape.any(Shape::SHORT) => match icmp::name(key.icmp_type, key.icmp_code) {
            Some(name) => put(out, format_args!(" {name}")),
            None => put(out, format_args!(" type {} code {}", key.icmp_type, key.icmp_code)),
        },
        proto::ICMPV6 if !key.shape.any(Shape::SHORT) => match icmp6::name(key.icmp_type, key.icmp_code) {
            Some(name) => put(out, format_args!(" {name}")),
            None => put(out, format_args!(" type {} code {}", key.icmp_type, key.icmp_code)),
        },
        proto::SCTP => {
            let names: Vec<String> =
                Sctp::new(l4).into_iter().flat_map(Sctp::chunks).take(8).map(|c| chunk_name(c.kind)).collect();
            if !names.is_empty() {
                put(out, format_args!(" [{}]", names.join(" ")));
            }
        }
        proto::DCCP => {
            if let Some(dccp) = Dccp::new(l4) {
                put(out, format_args!(" [{}]", dccp_name(dccp.kind())));
            }
        }
        proto::ESP => {
            if let Some(esp) = Esp::new(l4) {
                put(out, format_args!(" spi {:#x}", esp.spi()));
            }
        }
        proto::AH => {
            if let Some(ah) = Ah::new(l4) {
                put(out, format_args!(" spi {:#x}", ah.spi()));
            }
        }
        proto::GRE => {
            if let Some(gre) = Gre::new(l4) {
                match (gre.key(), gre.call_id()) {
                    (Some(key), _) => put(out, format_args!(" key {key:#x}")),
                    (None, Some(call)) => put(out, format_args!(" call {call}")),
                    (None, None) => {}
                }
            }
        }
        proto::MH => {
            if let Some(mh) = Mh::new(l4) {
                put(out, format_args!(" type {}", mh.kind()));
            }
        }
        _ => {}
    }
}

fn put(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(args);
}

fn chunk_name(kind: u8) -> String {
    const FIRST: [&str; 16] = [
        "DATA",
        "INIT",
        "INIT_ACK",
        "SACK",
        "HEARTBEAT",
        "HEARTBEAT_ACK",
        "ABORT",
        "SHUTDOWN",
        "SHUTDOWN_ACK",
        "ERROR",
        "COOKIE_ECHO",
        "COOKIE_ACK",
        "ECN_ECNE",
        "ECN_CWR",
        "SHUTDOWN_COMPLETE",
        "AUTH",
    ];
    match kind {
        64 => "I_DATA".to_owned(),
        128 => "ASCONF_ACK".to_owned(),
        130 => "RE_CONFIG".to_owned(),
        192 => "FORWARD_TSN".to_owned(),
        193 => "ASCONF".to_owned(),
        _ => FIRST.get(usize::from(kind)).map_or_else(|| format!("chunk {kind}"), |name| (*name).to_owned()),
    }
}

fn dccp_name(kind: u8) -> String {
    const NAMES: [&str; 10] =
        ["REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK"];
    NAMES.get(usize::from(kind)).map_or_else(|| format!("type {kind}"), |name| (*name).to_owned())
}
