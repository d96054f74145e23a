//! The parts of an element as text: addresses, networks, ports, MAC addresses, interfaces, and ranges of them.

use super::element::{host, masked};
use super::read::{Wrong, number, wrong};
use super::{Part, Set, Store, names};
use ox_packet::{Family, iface_number, ip_number, proto};
use std::net::IpAddr;

/// Most elements that one line may stand for.
pub(super) const MOST: usize = 1 << 16;

/// One of the values a part of an element stands for.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Addr(u128, u8),
    Port(u8, u16),
    Mac([u8; 6]),
    Iface(u128, bool),
    Mark(u32),
}

/// Every value that the text of one part stands for.
pub(super) fn values(set: &Set, part: Part, text: &str) -> Result<Vec<Value>, Wrong> {
    let family = set.family;
    Ok(match part {
        Part::Ip => {
            let (first, last) = addresses(family, text)?;
            if last - first >= MOST as u128 {
                return wrong(text, "that are too many addresses");
            }
            let mut addrs: Vec<u128> = (first..=last).map(|a| a & set.mask).collect();
            addrs.dedup();
            addrs.into_iter().map(|a| Value::Addr(a, host(family))).collect()
        }
        Part::Net => {
            let (first, last) = addresses(family, text)?;
            if set.kind.name == "hash:net" && text.ends_with("/0") {
                return wrong(text, "such a set cannot hold every address as one network");
            }
            networks(family, first & set.mask, last)
        }
        Part::Port => ports(set, text)?.into_iter().map(|(proto, port)| Value::Port(proto, port)).collect(),
        Part::Mac => {
            let mut mac = [0; 6];
            let mut bytes = text.split(':');
            for byte in &mut mac {
                match bytes.next().and_then(|b| u8::from_str_radix(b, 16).ok()) {
                    Some(b) => *byte = b,
                    None => return wrong(text, "not a MAC address"),
                }
            }
            if bytes.next().is_some() {
                return wrong(text, "not a MAC address");
            }
            vec![Value::Mac(mac)]
        }
        Part::Iface => {
            let (physdev, name) = text.strip_prefix("physdev:").map_or((false, text), |name| (true, name));
            if name.is_empty() || name.len() > 15 {
                return wrong(text, "not the name of an interface");
            }
            vec![Value::Iface(iface_number(name), physdev)]
        }
        Part::Mark => vec![Value::Mark(number::<u32>(&mut [text].into_iter())? & set.mark_mask)],
        Part::Set => return wrong(text, "a set is no part of an element"),
    })
}

/// `80`, `tcp:80-90`, `icmp:echo-request`, `ospf:0`; in a bitmap only the numbers.
fn ports(set: &Set, text: &str) -> Result<Vec<(u8, u16)>, Wrong> {
    let bitmap = set.kind.store == Store::Bitmap;
    let (number, port) = match text.split_once(':') {
        None => (proto::TCP, text),
        Some((name, port)) => match proto::number(name).or_else(|| name.parse().ok()) {
            Some(number) => (number, port),
            None => return wrong(name, "not a protocol"),
        },
    };
    let number = if bitmap { 0 } else { number };
    if matches!((number, set.family), (proto::ICMP, Family::V4) | (proto::ICMPV6, Family::V6)) {
        return match names::icmp(set.family, port) {
            Some(port) => Ok(vec![(number, port)]),
            None => wrong(port, "not an ICMP message"),
        };
    }
    let (first, last) = span(port, '-', |t| t.parse::<u16>().ok(), "not a port")?;
    Ok((first..=last).map(|port| (number, port)).collect())
}

/// An address of a family.
pub(super) fn address(family: Family, text: &str) -> Result<u128, Wrong> {
    let addr = text.parse::<IpAddr>().ok().map(ip_number).filter(|n| n.0 == family);
    addr.map_or_else(|| wrong(text, "not an address of the set's family"), |n| Ok(n.1))
}

/// First and last of `a`, `a-b` or `a/len`.
pub(super) fn addresses(family: Family, text: &str) -> Result<(u128, u128), Wrong> {
    if let Some((addr, len)) = text.split_once('/') {
        let Some(len) = len.parse::<u8>().ok().filter(|&l| l <= host(family)) else {
            return wrong(text, "not the length of a prefix");
        };
        let first = masked(family, address(family, addr)?, len);
        let size = match host(family) - len {
            128.. => u128::MAX,
            bits => (1 << bits) - 1,
        };
        return Ok((first, first | size));
    }
    span(text, '-', |t| address(family, t).ok(), "not an address of the set's family")
}

/// First and last of a range; one alone is both.
pub(super) fn span<T: Copy + PartialOrd>(
    text: &str,
    sign: char,
    read: impl Fn(&str) -> Option<T>,
    why: &'static str,
) -> Result<(T, T), Wrong> {
    let (first, last) = text.split_once(sign).unwrap_or((text, text));
    match (read(first), read(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        (Some(first), Some(last)) => Ok((last, first)),
        _ => wrong(text, why),
    }
}

/// The networks that make up a range.
fn networks(family: Family, first: u128, last: u128) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = first;
    loop {
        let mut len = host(family);
        // As wide as it can begin here and still end in time.
        while len > 0 {
            let wider = masked(family, at, len - 1);
            let bits = host(family) - (len - 1);
            let end = if bits >= 128 { u128::MAX } else { wider | ((1 << bits) - 1) };
            if wider != at || end > last {
                break;
            }
            len -= 1;
        }
        found.push(Value::Addr(at, len));
        let bits = host(family) - len;
        let end = if bits >= 128 { u128::MAX } else { at | ((1 << bits) - 1) };
        if end >= last {
            return found;
        }
        at = end + 1;
    }
}
