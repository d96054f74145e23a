//! From the bytes of a layer 3 packet to its [`Key`] and [`Layout`], and what a host refuses before any hook.
//!
//! Kernel: net/ipv4/ip_input.c `ip_rcv_core`; net/ipv6/ip6_input.c `ip6_rcv_core`; net/ipv6/exthdrs.c
//! `ipv6_parse_hopopts`; net/ipv6/exthdrs_core.c `ipv6_find_hdr` (without a target).

use std::fmt;

use crate::checksum;
use crate::gre::Gre;
use crate::ipv6::{Ipv6, extension_len, is_extension};
use crate::key::{Family, Key, Shape};
use crate::view::be;
use crate::{icmp, icmp6, proto};

/// Where the parts of a packet are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Layout {
    /// The IP version.
    pub family: Family,
    /// The transport protocol.
    pub proto: u8,
    /// What stands in the way of reading the transport header.
    pub shape: Shape,
    /// Fragment offset in bytes.
    pub frag_off: u16,
    /// Where the transport header starts; in a later fragment, where its data starts.
    pub l4: usize,
    /// Where the transport payload starts; `l4` where the header cannot be read or is not known.
    pub payload: usize,
    /// Where the packet ends: by the IP header's count, but not past the bytes there are.
    pub end: usize,
}

impl Layout {
    /// The transport header and what follows it; empty if it is not there.
    pub fn l4<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.l4..self.end).unwrap_or_default()
    }

    /// The transport payload.
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.payload..self.end).unwrap_or_default()
    }

    /// Whether there is a transport header of `proto` whose fixed part is all there.
    pub fn has(&self, proto: u8) -> bool {
        self.proto == proto && !self.shape.any(Shape::FRAGMENT | Shape::SHORT | Shape::NOL4)
    }
}

/// Why a packet does not get as far as the first hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No bytes at all.
    Empty,
    /// Neither version 4 nor 6.
    Version(u8),
    /// Fewer bytes than the smallest IP header.
    Short(usize),
    /// IPv4 header length below 20.
    HeaderLength(usize),
    /// IPv4 header length past the end: (claimed, there).
    HeaderCut(usize, usize),
    /// IPv4 header checksum: (carried, right).
    Checksum(u16, u16),
    /// The header claims more bytes than there are: (claimed, there).
    Truncated(usize, usize),
    /// IPv4 total length below the header length: (total, header).
    TotalLength(usize, usize),
    /// IPv6: ::1 as source or destination on a wire.
    Loopback,
    /// IPv6: a multicast source.
    MulticastSource,
    /// IPv6: a multicast destination of a scope (0, or 1 on a wire) that cannot arrive.
    MulticastScope(u8),
    /// IPv6: the hop-by-hop header is cut or an option in it is broken or must not be ignored.
    HopByHop(u8),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Malformed::Empty => f.write_str("there are no bytes in it"),
            Malformed::Version(v) => write!(f, "IP version {v}: neither 4 nor 6"),
            Malformed::Short(n) => write!(f, "{n} bytes are too few for an IP header"),
            Malformed::HeaderLength(n) => write!(f, "the IPv4 header length is {n}: below 20"),
            Malformed::HeaderCut(want, have) => {
                write!(f, "the IPv4 header should be {want} bytes long but only {have} are there")
            }
            Malformed::Checksum(is, right) => {
                write!(f, "the IPv4 header checksum is {is:#06x}: {right:#06x} would be right")
            }
            Malformed::Truncated(want, have) => {
                write!(f, "the IP header counts {want} bytes but only {have} are there")
            }
            Malformed::TotalLength(total, header) => {
                write!(f, "the IPv4 total length {total} is below the header's {header}")
            }
            Malformed::Loopback => f.write_str("::1 as an address on an interface other than loopback"),
            Malformed::MulticastSource => f.write_str("the IPv6 source address is a multicast address"),
            Malformed::MulticastScope(scope) => {
                write!(f, "IPv6 multicast of scope {scope} does not come over a wire")
            }
            Malformed::HopByHop(0) => f.write_str("the IPv6 hop-by-hop header is cut short or badly padded"),
            Malformed::HopByHop(option) => {
                write!(f, "IPv6 hop-by-hop option {option} is broken or must not be ignored")
            }
        }
    }
}

impl std::error::Error for Malformed {}

/// Reads a packet into the fields of `key` that come from bytes; the others stay as they are.
///
/// Refuses only what cannot be read as IP at all. A packet cut short (a capture, a quoted packet) is read as far as it
/// goes, and [`Key::len`] is what its header says. What a host would refuse to receive is [`validate`]'s question.
#[inline]
pub fn extract(bytes: &[u8], key: &mut Key) -> Result<Layout, Malformed> {
    let at = network(bytes, key)?;
    Ok(transport(bytes, at, key))
}

/// Where the parts of a packet are, when the key is of no interest.
pub fn layout(bytes: &[u8]) -> Result<Layout, Malformed> {
    extract(bytes, &mut Key::default())
}

/// The packet an ICMP or ICMPv6 error quotes: where it starts, and its key and layout from there on.
pub fn inner(bytes: &[u8], at: &Layout) -> Option<(usize, Key, Layout)> {
    let l4 = at.l4(bytes);
    let (&kind, quoted) = (l4.first()?, l4.get(8..)?);
    let error = at.has(proto::ICMP) && icmp::is_error(kind) || at.has(proto::ICMPV6) && icmp6::is_error(kind);
    if !error {
        return None;
    }
    let start = at.l4 + 8;
    let mut key = Key::default();
    let inner = extract(quoted, &mut key).ok().filter(|inner| inner.family == at.family)?;
    Some((start, key, inner))
}

#[inline]
fn network(bytes: &[u8], key: &mut Key) -> Result<Layout, Malformed> {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => ipv4(bytes, key),
        Some(6) => ipv6(bytes, key),
        Some(version) => Err(Malformed::Version(version)),
        None => Err(Malformed::Empty),
    }
}

#[inline]
fn ipv4(bytes: &[u8], key: &mut Key) -> Result<Layout, Malformed> {
    let Some(head) = bytes.first_chunk::<20>() else { return Err(Malformed::Short(bytes.len())) };
    let l4 = usize::from(head[0] & 0x0f) * 4;
    if l4 < 20 {
        return Err(Malformed::HeaderLength(l4));
    }
    if l4 > bytes.len() {
        return Err(Malformed::HeaderCut(l4, bytes.len()));
    }
    let total = usize::from(be::u16(head, 2));
    if total < l4 {
        return Err(Malformed::TotalLength(total, l4));
    }
    let fragment = be::u16(head, 6);
    let frag_off = (fragment & 0x1fff) << 3;
    let shape = match (frag_off, fragment & 0x2000) {
        (0, 0) => 0,
        (0, _) => Shape::FIRST,
        _ => Shape::FRAGMENT,
    };
    key.src = be::u32(head, 12).into();
    key.dst = be::u32(head, 16).into();
    key.len = total as u32;
    key.tos = head[1];
    key.ttl = head[8];
    Ok(Layout {
        family: Family::V4,
        proto: head[9],
        shape: Shape(shape),
        frag_off,
        l4,
        payload: l4,
        end: total.min(bytes.len()),
    })
}

#[inline]
fn ipv6(bytes: &[u8], key: &mut Key) -> Result<Layout, Malformed> {
    let Some(head) = Ipv6::new(bytes) else { return Err(Malformed::Short(bytes.len())) };
    key.src = head.source();
    key.dst = head.destination();
    key.len = head.total_len() as u32;
    key.tos = head.traffic_class();
    key.ttl = head.hop_limit();
    let mut at = Layout {
        family: Family::V6,
        proto: head.next_header(),
        shape: Shape(0),
        frag_off: 0,
        l4: 40,
        payload: 40,
        end: head.total_len().min(bytes.len()),
    };
    if is_extension(at.proto) {
        follow(&bytes[..at.end], &mut at);
        at.payload = at.l4;
    }
    Ok(at)
}

/// Follows the extension headers. Where the kernel's search fails, `NOL4` is set and the walk stays where it failed.
fn follow(packet: &[u8], at: &mut Layout) {
    while is_extension(at.proto) && at.proto != proto::NONE {
        let here = packet.get(at.l4..).unwrap_or_default();
        let need = if matches!(at.proto, proto::ROUTING | proto::FRAGMENT) { 4 } else { 2 };
        let Some(len) = extension_len(at.proto, here).filter(|_| here.len() >= need) else {
            at.shape.0 |= Shape::NOL4;
            return;
        };
        let next = here[0];
        if at.proto == proto::FRAGMENT {
            let word = be::u16(here, 2);
            at.frag_off = word & 0xfff8;
            if at.frag_off != 0 {
                // The search ends at the fragment header, whole or not, unless it names yet another extension.
                at.shape.0 |= Shape::FRAGMENT;
                if is_extension(next) && next != proto::NONE {
                    at.shape.0 |= Shape::NOL4;
                }
                at.l4 = (at.l4 + len).min(packet.len());
                at.proto = next;
                return;
            }
            if word & 1 != 0 {
                at.shape.0 |= Shape::FIRST;
            }
        }
        if here.len() < len {
            at.shape.0 |= Shape::NOL4;
            return;
        }
        at.l4 += len;
        at.proto = next;
    }
}

#[inline]
fn transport(bytes: &[u8], mut at: Layout, key: &mut Key) -> Layout {
    (key.sport, key.dport, key.tcp_flags, key.icmp_type, key.icmp_code) = (0, 0, 0, 0, 0);
    if !at.shape.any(Shape::FRAGMENT | Shape::NOL4) {
        let l4 = bytes.get(at.l4..at.end).unwrap_or_default();
        if proto::has_ports(at.proto) {
            match *l4 {
                [a, b, c, d, ..] => {
                    key.sport = u16::from_be_bytes([a, b]);
                    key.dport = u16::from_be_bytes([c, d]);
                }
                _ => at.shape.0 |= Shape::NOPORTS,
            }
        }
        if l4.len() < proto::min_header(at.proto) {
            at.shape.0 |= Shape::SHORT;
        }
        let header = match at.proto {
            proto::TCP if l4.len() >= 20 => {
                key.tcp_flags = l4[13];
                let len = usize::from(l4[12] >> 4) * 4;
                if len < 20 || len > l4.len() {
                    at.shape.0 |= Shape::BADOFF;
                }
                len
            }
            proto::ICMP if at.family == Family::V4 => {
                key.icmp_type = l4.first().copied().unwrap_or(0);
                key.icmp_code = l4.get(1).copied().unwrap_or(0);
                8
            }
            proto::ICMPV6 if at.family == Family::V6 => {
                key.icmp_type = l4.first().copied().unwrap_or(0);
                key.icmp_code = l4.get(1).copied().unwrap_or(0);
                8
            }
            proto::DCCP if l4.len() >= 12 => (usize::from(l4[4]) * 4).max(12),
            proto::AH if l4.len() >= 12 => ((usize::from(l4[1]) + 2) * 4).max(12),
            proto::GRE => Gre::new(l4).map_or(4, Gre::header_len),
            other => proto::min_header(other),
        };
        if header <= l4.len() && !at.shape.any(Shape::BADOFF) {
            at.payload = at.l4 + header;
        }
    }
    key.proto = at.proto;
    key.shape = at.shape;
    key.frag_off = at.frag_off;
    at
}

/// Refuses what a host drops on receipt before any hook sees it. `loopback`: the packet came in by the loopback device.
///
/// Packets a host makes itself do not come this way.
pub fn validate(bytes: &[u8], loopback: bool) -> Result<(), Malformed> {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => validate_ipv4(bytes),
        Some(6) => validate_ipv6(bytes, loopback),
        Some(version) => Err(Malformed::Version(version)),
        None => Err(Malformed::Empty),
    }
}

fn validate_ipv4(bytes: &[u8]) -> Result<(), Malformed> {
    let mut key = Key::default();
    match ipv4(bytes, &mut key) {
        // The checksum is looked at before the total length.
        Ok(_) | Err(Malformed::TotalLength(..)) => {}
        Err(other) => return Err(other),
    }
    let header = &bytes[..crate::ipv4::header_len(bytes)];
    if checksum::internet(header) != 0 {
        let carried = be::u16(header, 10);
        let right = checksum::Sum::default().bytes(&header[..10]).bytes(&header[12..]).checksum();
        return Err(Malformed::Checksum(carried, right));
    }
    let total = usize::from(be::u16(header, 2));
    if bytes.len() < total {
        return Err(Malformed::Truncated(total, bytes.len()));
    }
    if total < header.len() {
        return Err(Malformed::TotalLength(total, header.len()));
    }
    Ok(())
}

fn validate_ipv6(bytes: &[u8], loopback: bool) -> Result<(), Malformed> {
    let Some(head) = Ipv6::new(bytes) else { return Err(Malformed::Short(bytes.len())) };
    let (src, dst) = (head.source(), head.destination());
    if (src == 1 || dst == 1) && !loopback {
        return Err(Malformed::Loopback);
    }
    if dst >> 120 == 0xff {
        let scope = (dst >> 112) as u8 & 0x0f;
        if scope == 0 || scope == 1 && !loopback {
            return Err(Malformed::MulticastScope(scope));
        }
    }
    if src >> 120 == 0xff {
        return Err(Malformed::MulticastSource);
    }
    if head.total_len() > bytes.len() {
        return Err(Malformed::Truncated(head.total_len(), bytes.len()));
    }
    if head.next_header() == proto::HOPOPTS {
        return hop_by_hop(&bytes[40..head.total_len()]);
    }
    Ok(())
}

/// The rules of the kernel's option parser that need no configuration: lengths, padding, unknown options.
fn hop_by_hop(here: &[u8]) -> Result<(), Malformed> {
    const PADN: u8 = 1;
    const ROUTER_ALERT: u8 = 5;
    const CALIPSO: u8 = 7;
    const JUMBO: u8 = 0xc2;
    const IOAM: u8 = 49;
    let len = extension_len(proto::HOPOPTS, here).filter(|&len| here.len() >= len.max(8));
    let Some(len) = len else { return Err(Malformed::HopByHop(0)) };
    let mut options = &here[2..len];
    let mut padding = 0;
    while let Some(&kind) = options.first() {
        if kind == 0 {
            padding += 1;
            options = &options[1..];
        } else {
            let whole = options.get(1).map_or(usize::MAX, |&n| usize::from(n) + 2);
            let Some((this, rest)) = options.split_at_checked(whole) else {
                return Err(Malformed::HopByHop(0));
            };
            if kind == PADN {
                padding += whole;
                if this[2..].iter().any(|&b| b != 0) {
                    return Err(Malformed::HopByHop(0));
                }
            } else {
                padding = 0;
                let sound = match kind {
                    ROUTER_ALERT => whole == 4,
                    JUMBO => whole == 6,
                    CALIPSO => whole >= 10,
                    IOAM => true,
                    // The two high bits of an unknown option say whether it may be skipped.
                    unknown => unknown >> 6 == 0,
                };
                if !sound {
                    return Err(Malformed::HopByHop(kind));
                }
            }
            options = rest;
        }
        if padding > 7 {
            return Err(Malformed::HopByHop(0));
        }
    }
    Ok(())
}
