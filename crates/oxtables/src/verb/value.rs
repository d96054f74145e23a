//! Values in a packet's description: addresses with ports, numbers, flags, ICMP types.

use super::packet::{Wrong, wrong};
use ox_packet::tcp;
use std::net::IpAddr;

/// `192.0.2.7:40000`, `[2001:db8::1]:80`, or an address alone.
pub fn place(text: &str) -> Result<(Option<IpAddr>, Option<String>), Wrong> {
    let (addr, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((addr, rest))) => (addr, rest.strip_prefix(':').map(str::to_owned)),
        Some(None) => return wrong(format!("`{text}': the bracket is not closed")),
        None => match text.parse::<IpAddr>() {
            Ok(_) => (text, None),
            Err(_) => match text.rsplit_once(':') {
                Some((addr, port)) => (addr, Some(port.to_owned())),
                None => (text, None),
            },
        },
    };
    match addr.parse() {
        Ok(addr) => Ok((Some(addr), port)),
        Err(_) => wrong(format!("`{text}' is no address: 192.0.2.7, 192.0.2.7:80, 2001:db8::1 or [2001:db8::1]:80")),
    }
}

/// A number in any of the ways iptables takes one.
pub fn number(text: &str, what: &str, max: u64) -> Result<u64, Wrong> {
    match ox_rules::syntax::number_u64(text, max) {
        Some(n) => Ok(n),
        None => wrong(format!("--{what} {text}: a number up to {max:#x}")),
    }
}

/// A hardware address.
pub fn mac(text: &str) -> Result<[u8; 6], Wrong> {
    let parts: Vec<_> = text.split(':').map(|p| u8::from_str_radix(p, 16)).collect();
    match parts.into_iter().collect::<Result<Vec<u8>, _>>().ok().and_then(|p| p.try_into().ok()) {
        Some(mac) => Ok(mac),
        None => wrong(format!("--mac-source {text}: six bytes, as in 02:00:00:00:00:01")),
    }
}

/// A list of TCP flags, by name or as tcpdump draws them.
pub fn tcp_flags(list: &str) -> Result<u8, Wrong> {
    let mut flags = 0;
    for name in list.split(',') {
        flags |= match name.to_ascii_uppercase().as_str() {
            "FIN" | "F" => tcp::FIN,
            "SYN" | "S" => tcp::SYN,
            "RST" | "R" => tcp::RST,
            "PSH" | "P" => tcp::PSH,
            "ACK" | "." => tcp::ACK,
            "URG" | "U" => tcp::URG,
            "ECE" => tcp::ECE,
            "CWR" => tcp::CWR,
            "NONE" => 0,
            "ALL" => 0x3f,
            "S." => tcp::SYN | tcp::ACK,
            "P." => tcp::PSH | tcp::ACK,
            "F." => tcp::FIN | tcp::ACK,
            "R." => tcp::RST | tcp::ACK,
            odd => {
                return wrong(format!(
                    "--tcp-flags: `{odd}' is none of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, ALL, NONE"
                ));
            }
        };
    }
    Ok(flags)
}

/// A type by name, `type` or `type/code`.
pub fn icmp_type(text: &str, name: fn(u8, u8) -> Option<&'static str>, what: &str) -> Result<(u8, u8), Wrong> {
    let (kind, code) = text.split_once('/').unwrap_or((text, "0"));
    if let (Ok(kind), Ok(code)) = (kind.parse(), code.parse()) {
        return Ok((kind, code));
    }
    // iptables knows some types by a second name.
    let meant = match text {
        "ping" => "echo-request",
        "pong" => "echo-reply",
        "neighbor-solicitation" => "neighbour-solicitation",
        "neighbor-advertisement" => "neighbour-advertisement",
        "ttl-exceeded" | "time-exceeded" => "ttl-zero-during-transit",
        "destination-unreachable" => "network-unreachable",
        other => other,
    };
    let all = (0..=255u8).flat_map(|k| (0..=20u8).map(move |c| (k, c)));
    match all.into_iter().find(|&(k, c)| name(k, c) == Some(meant)) {
        Some(found) => Ok(found),
        None => wrong(format!("--{what} {text}: no type of that name; `echo-request', or a number as in 3/1")),
    }
}
