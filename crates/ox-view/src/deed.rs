//! What rules do, in words: verdicts, translations, changes of a packet's fields.

use crate::phrase;
use ox_packet::{Family, Key, ip_address};
use ox_rules::ir::{ConnKind, NatKind, NatSpec, Tuple, Verdict};

/// A verdict as a target names it.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "ACCEPT",
        Verdict::Drop => "DROP",
        Verdict::Return => "RETURN",
        Verdict::Stolen => "taken",
        Verdict::Queue { .. } => "QUEUE",
        Verdict::Continue => "",
    }
}

/// A verdict as what it does to a packet.
pub fn does(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accepted",
        Verdict::Drop => "dropped",
        Verdict::Return => "goes back",
        Verdict::Stolen => "taken away",
        Verdict::Queue { .. } => "handed to a program",
        Verdict::Continue => "",
    }
}

/// How a packet relates to its connection, as `--ctstate` says it.
pub fn state(kind: ConnKind) -> &'static str {
    match kind {
        ConnKind::None => "INVALID",
        ConnKind::New => "NEW",
        ConnKind::Established => "ESTABLISHED",
        ConnKind::Related => "RELATED",
        ConnKind::Untracked => "UNTRACKED",
    }
}

/// One direction of a connection in the short form of a packet.
pub fn tuple(t: &Tuple) -> String {
    let key = Key { src: t.src, dst: t.dst, sport: t.sport, dport: t.dport, proto: t.proto, ..Key::default() };
    phrase::flow(&key, t.family)
}

/// What a translation does, in words.
pub fn nat(spec: &NatSpec, family: Family) -> String {
    let addr = |a| ip_address(family, a).to_string();
    let mut to = match spec.addrs {
        Some((a, b)) if a == b => addr(a),
        Some((a, b)) => format!("{} to {}", addr(a), addr(b)),
        None => String::new(),
    };
    if let Some((lo, hi)) = spec.ports {
        let ports = if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") };
        to = match (to.is_empty(), family) {
            (true, _) => format!("port {ports}"),
            (false, Family::V6) => format!("[{to}]:{ports}"),
            (false, Family::V4) => format!("{to}:{ports}"),
        };
    }
    let drawn = if spec.random || spec.random_fully { ", its port drawn at random" } else { "" };
    let what = match spec.kind {
        NatKind::Source => format!("source becomes {to}"),
        NatKind::Destination => format!("destination becomes {to}"),
        NatKind::Masquerade => "source becomes this host's address".to_owned(),
        NatKind::Redirect if to.is_empty() => "destination becomes this host".to_owned(),
        NatKind::Redirect => format!("destination becomes this host, {to}"),
        NatKind::Netmap => "the network part of the address is replaced".to_owned(),
    };
    what + drawn
}

/// What differs between two keys of one packet, as far as rules change it by themselves.
pub fn changes(old: &Key, new: &Key, family: Family) -> Vec<String> {
    let ttl = if family == Family::V6 { "hop limit" } else { "TTL" };
    let mut all = Vec::new();
    if old.mark != new.mark {
        all.push(format!("mark {:#x} -> {:#x}", old.mark, new.mark));
    }
    if old.tos != new.tos {
        all.push(format!("TOS {:#04x} -> {:#04x}", old.tos, new.tos));
    }
    if old.ttl != new.ttl {
        all.push(format!("{ttl} {} -> {}", old.ttl, new.ttl));
    }
    if old.len != new.len {
        all.push(format!("length {} -> {}", old.len, new.len));
    }
    all
}
