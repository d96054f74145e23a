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

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::build::{Build, Ext, L4};
    use crate::tcp;

    const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
    const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9);

    fn read(bytes: &[u8]) -> (Key, Layout) {
        let mut key = Key::default();
        let at = extract(bytes, &mut key).unwrap();
        (key, at)
    }

    fn v4() -> Build {
        Build::tcp(([192, 0, 2, 7], 40_000), ([198, 51, 100, 9], 53), tcp::SYN)
    }

    fn v6(extensions: Vec<Ext>) -> Vec<u8> {
        Build { extensions, ..Build::udp((A, 1000), (B, 53)) }.payload([1, 2, 3, 4, 5, 6, 7, 8]).bytes()
    }

    #[test]
    fn a_later_fragment_has_no_ports() {
        let (key, at) = read(&v4().fragment(1480, false, 7).payload([0xff; 24]).bytes());
        assert_eq!((key.sport, key.dport, key.tcp_flags, key.frag_off), (0, 0, 0, 1480));
        assert_eq!((key.shape, at.l4, at.payload, at.end), (Shape(Shape::FRAGMENT), 20, 20, 44));
        let (key, _) = read(&v4().fragment(0, true, 7).bytes());
        assert_eq!((key.dport, key.shape, key.frag_off), (53, Shape(Shape::FIRST), 0));
    }

    #[test]
    fn a_header_cut_short_says_how_short() {
        for (bytes, shape, sport) in [
            (3, Shape::SHORT | Shape::NOPORTS, 0),
            (4, Shape::SHORT, 40_000),
            (19, Shape::SHORT, 40_000),
            (20, 0, 40_000),
        ] {
            let mut packet = v4().bytes();
            packet[3] = 20 + bytes;
            let (key, _) = read(&packet);
            assert_eq!((key.shape, key.sport), (Shape(shape), sport), "{bytes} bytes of TCP");
        }
        let mut packet = v4().bytes();
        for (offset, shape) in [(0x40, Shape::BADOFF), (0x60, Shape::BADOFF), (0x50, 0)] {
            packet[32] = offset;
            assert_eq!(read(&packet).0.shape, Shape(shape), "data offset {offset:#x}");
        }
    }

    #[test]
    fn extension_headers_are_followed_as_the_kernel_does() {
        let routing = || Ext::Routing { kind: 0, segments_left: 1, data: vec![0; 20] };
        let (key, at) = read(&v6(vec![Ext::HopByHop(vec![5, 2, 0, 0]), routing(), Ext::Ah { spi: 1, seq: 2 }]));
        assert_eq!((key.proto, key.sport, key.dport, at.l4), (proto::UDP, 1000, 53, 40 + 8 + 24 + 24));

        // Later fragment: the search ends behind the fragment header, with the protocol it names.
        let fragment = |offset, more| Ext::Fragment { offset, more, id: 9 };
        let (key, at) = read(&v6(vec![fragment(1448, true)]));
        assert_eq!((key.proto, key.sport, key.frag_off, at.l4), (proto::UDP, 0, 1448, 48));
        assert_eq!(key.shape, Shape(Shape::FRAGMENT));
        // One that names another extension header is not found at all.
        let (key, _) = read(&v6(vec![fragment(1448, false), Ext::Destination(vec![])]));
        assert_eq!(key.shape, Shape(Shape::FRAGMENT | Shape::NOL4));
        // First fragment: the walk goes on.
        let (key, _) = read(&v6(vec![fragment(0, true), Ext::Destination(vec![])]));
        assert_eq!((key.shape, key.dport), (Shape(Shape::FIRST), 53));
        // A fragment header that is the only one (offset 0, nothing more to come) is not a fragment.
        assert_eq!(read(&v6(vec![fragment(0, false)])).0.shape, Shape(0));
    }

    #[test]
    fn an_extension_header_cut_short_leaves_no_transport() {
        let whole = v6(vec![Ext::Destination(vec![]), Ext::Routing { kind: 0, segments_left: 0, data: vec![0; 20] }]);
        for end in 40..whole.len() {
            let mut packet = whole[..end].to_vec();
            packet[5] = (end - 40) as u8;
            let expected = match end {
                ..72 => Shape::NOL4,
                72..76 => Shape::SHORT | Shape::NOPORTS,
                76..80 => Shape::SHORT,
                _ => 0,
            };
            assert_eq!(read(&packet).0.shape, Shape(expected), "{end} bytes");
        }
    }

    #[test]
    fn no_next_header_is_a_protocol_of_its_own() {
        let bytes = Build::new(A, B, L4::Other(proto::NONE)).payload([1, 2, 3]).bytes();
        let (key, at) = read(&bytes);
        assert_eq!((key.proto, key.shape, at.l4), (proto::NONE, Shape(0), 40));
    }

    #[test]
    fn icmp_types_count_in_their_own_family_only() {
        let icmp = L4::Icmp { kind: 3, code: 1, rest: 0 };
        assert_eq!(read(&Build::new([1, 1, 1, 1], [2, 2, 2, 2], icmp.clone()).bytes()).0.icmp_type, 3);
        assert_eq!(read(&Build::new(A, B, icmp).bytes()).0.icmp_type, 0);
    }

    #[test]
    fn what_a_host_refuses_and_why() {
        let good = v4().bytes();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.clone();
            change(&mut bytes);
            validate(&bytes, false).map_err(|why| why.to_string())
        };
        let refused = |change: &dyn Fn(&mut Vec<u8>), why: &str| assert_eq!(with(change), Err(why.to_owned()));
        assert_eq!(with(&|b| b.extend([0; 6])), Ok(()), "padding of the link is no fault");
        refused(&|b| b.clear(), "there are no bytes in it");
        refused(&|b| b[0] = 0x55, "IP version 5: neither 4 nor 6");
        refused(&|b| b[0] = 0x44, "the IPv4 header length is 16: below 20");
        refused(&|b| b.truncate(19), "19 bytes are too few for an IP header");
        refused(&|b| b.truncate(39), "the IP header counts 40 bytes but only 39 are there");
        let right = u16::from_be_bytes([good[10], good[11]]);
        let wrong = format!("the IPv4 header checksum is {:#06x}: {right:#06x} would be right", right ^ 0xff00);
        refused(&|b| b[10] ^= 0xff, &wrong);
        refused(
            &|b| {
                b[0] = 0x4f;
            },
            "the IPv4 header should be 60 bytes long but only 40 are there",
        );
        refused(
            &|b| {
                b[3] = 19;
                checksum::fix_ipv4(b);
            },
            "the IPv4 total length 19 is below the header's 20",
        );
    }

    #[test]
    fn what_a_host_refuses_of_ipv6() {
        let udp = |src: Ipv6Addr, dst: Ipv6Addr| Build::udp((src, 1), (dst, 2)).bytes();
        let multicast = |scope: u16| Ipv6Addr::new(0xff00 | scope, 0, 0, 0, 0, 0, 0, 1);
        assert_eq!(validate(&udp(A, B), false), Ok(()));
        assert_eq!(validate(&udp(A, multicast(2)), false), Ok(()));
        assert_eq!(validate(&udp(A, multicast(0)), true), Err(Malformed::MulticastScope(0)));
        assert_eq!(validate(&udp(A, multicast(1)), false), Err(Malformed::MulticastScope(1)));
        assert_eq!(validate(&udp(A, multicast(1)), true), Ok(()));
        assert_eq!(validate(&udp(multicast(2), B), true), Err(Malformed::MulticastSource));
        assert_eq!(validate(&udp(Ipv6Addr::LOCALHOST, B), false), Err(Malformed::Loopback));
        assert_eq!(validate(&udp(Ipv6Addr::LOCALHOST, B), true), Ok(()));
        let hop = |options: &[u8]| validate(&v6(vec![Ext::HopByHop(options.to_vec())]), false);
        assert_eq!(hop(&[5, 2, 0, 0]), Ok(()));
        assert_eq!(hop(&[30, 1, 0]), Ok(()));
        assert_eq!(hop(&[5, 1, 0]), Err(Malformed::HopByHop(5)));
        assert_eq!(hop(&[0x5e, 0]), Err(Malformed::HopByHop(0x5e)));
        assert_eq!(hop(&[0; 8]), Err(Malformed::HopByHop(0)));
        assert_eq!(hop(&[1, 2, 0, 9]), Err(Malformed::HopByHop(0)));
        assert_eq!(hop(&[30, 9, 0, 0]), Err(Malformed::HopByHop(0)));
    }

    #[test]
    fn the_packet_an_error_quotes() {
        let quoted = &v4().bytes()[..28];
        let error = Build::new([203, 0, 113, 1], [192, 0, 2, 7], L4::Icmp { kind: 11, code: 0, rest: 0 });
        let bytes = error.payload(quoted).bytes();
        let (start, key, at) = inner(&bytes, &layout(&bytes).unwrap()).unwrap();
        assert_eq!((start, key.dport, at.end, key.len), (28, 53, 28, 40));
        assert_eq!(key.shape, Shape(Shape::SHORT));
    }
}
