//! From the bytes of a layer 3 packet to its [`Key`] and [`Layout`].
//!
//! Kernel: net/ipv6/exthdrs_core.c `ipv6_find_hdr` (without a target); net/ipv4/netfilter/ip_tables.c `ip_packet_match`.

use crate::dccp::Dccp;
use crate::gre::Gre;
use crate::ipsec::Ah;
use crate::ipv6::{Ipv6, extension_len, is_extension};
use crate::key::{Family, Key, Shape};
use crate::validate::Malformed;
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

/// Reads a packet into the fields of `key` that come from bytes; the others stay as they are.
///
/// Refuses only what cannot be read as IP at all. A packet cut short (a capture, a quoted packet) is read as far as it
/// goes, and [`Key::len`] is what its header says. What a host would refuse to receive is the question of
/// [`validate`](crate::validate).
#[inline]
pub fn extract(bytes: &[u8], key: &mut Key) -> Result<Layout, Malformed> {
    let at = network(bytes, key)?;
    Ok(transport(bytes, at, key))
}

/// Where the parts of a packet are, when the key is of no interest.
pub fn layout(bytes: &[u8]) -> Result<Layout, Malformed> {
    extract(bytes, &mut Key::default())
}

/// What an ICMP or ICMPv6 error quotes, however little that is; `None` if this is no error.
pub fn quoted<'a>(bytes: &'a [u8], at: &Layout) -> Option<&'a [u8]> {
    let l4 = at.l4(bytes);
    let (&kind, quoted) = (l4.first()?, l4.get(8..)?);
    let error = at.has(proto::ICMP) && icmp::is_error(kind) || at.has(proto::ICMPV6) && icmp6::is_error(kind);
    error.then_some(quoted)
}

/// The packet an ICMP or ICMPv6 error quotes: where it starts, and its key and layout from there on.
pub fn inner(bytes: &[u8], at: &Layout) -> Option<(usize, Key, Layout)> {
    let quoted = quoted(bytes, at)?;
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
pub(crate) fn ipv4(bytes: &[u8], key: &mut Key) -> Result<Layout, Malformed> {
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
        let header = match at.proto {
            proto::TCP => tcp(l4, &mut at, key),
            proto::UDP => ports(l4, 8, &mut at, key),
            _ => other(l4, &mut at, key),
        };
        if header <= l4.len() {
            at.payload = at.l4 + header;
        }
    }
    key.proto = at.proto;
    key.shape = at.shape;
    key.frag_off = at.frag_off;
    at
}

/// No transport header is that long: its end is unknown.
const UNKNOWN: usize = usize::MAX;

/// Reads TCP and answers the length of its header.
#[inline]
fn tcp(l4: &[u8], at: &mut Layout, key: &mut Key) -> usize {
    let Some(head) = l4.first_chunk::<20>() else { return ports(l4, 20, at, key) };
    key.sport = be::u16(head, 0);
    key.dport = be::u16(head, 2);
    key.tcp_flags = head[13];
    let len = usize::from(head[12] >> 4) * 4;
    if len < 20 || len > l4.len() {
        at.shape.0 |= Shape::BADOFF;
        return UNKNOWN;
    }
    len
}

/// Reads the ports of a protocol that has them and answers the `least` length of its header.
#[inline]
fn ports(l4: &[u8], least: usize, at: &mut Layout, key: &mut Key) -> usize {
    match l4.first_chunk::<4>() {
        Some(head) => {
            key.sport = be::u16(head, 0);
            key.dport = be::u16(head, 2);
        }
        None => at.shape.0 |= Shape::NOPORTS,
    }
    if l4.len() < least {
        at.shape.0 |= Shape::SHORT;
    }
    least
}

/// Reads the less usual protocols and answers the length of the header.
fn other(l4: &[u8], at: &mut Layout, key: &mut Key) -> usize {
    let least = proto::min_header(at.proto);
    if proto::has_ports(at.proto) {
        ports(l4, least, at, key);
    } else if l4.len() < least {
        at.shape.0 |= Shape::SHORT;
    }
    match (at.proto, at.family) {
        (proto::ICMP, Family::V4) | (proto::ICMPV6, Family::V6) => {
            key.icmp_type = l4.first().copied().unwrap_or(0);
            key.icmp_code = l4.get(1).copied().unwrap_or(0);
            least
        }
        (proto::DCCP, _) => Dccp::new(l4).map_or(UNKNOWN, |dccp| dccp.header_len().max(12)),
        (proto::AH, _) => Ah::new(l4).map_or(UNKNOWN, |ah| ah.header_len().max(12)),
        (proto::GRE, _) => Gre::new(l4).map_or(UNKNOWN, Gre::header_len),
        _ => least,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::build::{Build, Ext};
    use crate::l4::L4;
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
    fn the_packet_an_error_quotes() {
        let quoted = &v4().bytes()[..28];
        let error = Build::new([203, 0, 113, 1], [192, 0, 2, 7], L4::Icmp { kind: 11, code: 0, rest: 0 });
        let bytes = error.payload(quoted).bytes();
        let (start, key, at) = inner(&bytes, &layout(&bytes).unwrap()).unwrap();
        assert_eq!((start, key.dport, at.end, key.len), (28, 53, 28, 40));
        assert_eq!(key.shape, Shape(Shape::SHORT));
    }
}
