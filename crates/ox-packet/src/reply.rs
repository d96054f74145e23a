//! The packets a host sends in answer: ICMP errors, TCP resets, echo replies.
//!
//! Not here, because bytes do not say it: whether the packet was to us or to everybody, rate limits, the route, and IP
//! options echoed back. The caller knows those.
//!
//! Kernel: net/ipv4/icmp.c `__icmp_send`, `icmp_echo`; net/ipv6/icmp.c `icmp6_send`, `icmpv6_echo_reply`;
//! net/ipv4/netfilter/nf_reject_ipv4.c; net/ipv6/netfilter/nf_reject_ipv6.c.

use crate::build::{Build, ip_address};
use crate::checksum::Sum;
use crate::extract::{Layout, extract};
use crate::key::{Family, Key, Shape};
use crate::l4::L4;
use crate::{icmp, icmp6, proto, tcp};

/// What the answering host chooses itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The address an error comes from: the packet's destination if that is ours, else the outgoing interface's.
    pub src: u128,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification.
    pub id: u16,
    /// MTU of the way back.
    pub mtu: u32,
}

/// The highest ICMP type the kernel knows; those above count as errors.
const NR_ICMP_TYPES: u8 = 18;

/// The ICMP or ICMPv6 error a host at `from` sends about `packet`; `rest` is the second word of the header (MTU, pointer,
/// gateway). `None` where the kernel keeps silent: about later fragments, about errors, and (IPv6) towards or about
/// addresses that are not one host's.
pub fn icmp_error(packet: &[u8], from: Sender, kind: u8, code: u8, rest: u32) -> Option<Vec<u8>> {
    let mut key = Key::default();
    let at = extract(packet, &mut key).ok()?;
    let whole = &packet[..at.end];
    let (quoted, l4, tos) = match at.family {
        Family::V4 => {
            if at.frag_off != 0 || icmp::is_error(kind) && at.proto == proto::ICMP && about_error(&at, whole) {
                return None;
            }
            let room = from.mtu.min(576).checked_sub(28).filter(|&room| room > 20)?;
            // The answer keeps the packet's delay, throughput and reliability bits; an error adds "internet control".
            let tos = if icmp::is_error(kind) { key.tos & 0x1e | 0xc0 } else { key.tos };
            (room as usize, L4::Icmp { kind, code, rest }, tos)
        }
        Family::V6 => {
            let multicast = |address: u128| address >> 120 == 0xff;
            let excused = kind == icmp6::PKT_TOOBIG || kind == icmp6::PARAMETER_PROBLEM && code == 2;
            if key.src == 0 || multicast(key.src) || multicast(key.dst) && !excused {
                return None;
            }
            // Without an ICMPv6 header to look at, only a fragment is given the benefit of the doubt.
            let error = match at.l4(whole).first() {
                Some(&inner) => icmp6::is_error(inner),
                None => !at.shape.any(Shape::FIRST),
            };
            let readable = !at.shape.any(Shape::FRAGMENT | Shape::NOL4);
            if at.proto == proto::ICMPV6 && readable && error {
                return None;
            }
            (1280 - 48, L4::Icmp6 { kind, code, rest }, 0)
        }
    };
    let payload = &whole[..whole.len().min(quoted)];
    let mut answer = Build::new(ip_address(at.family, from.src), ip_address(at.family, key.src), l4)
        .payload(payload)
        .ttl(from.ttl)
        .tos(tos);
    answer.id = from.id;
    Some(answer.bytes())
}

/// Whether an ICMP packet is an error itself, of a type nobody knows, or too short to tell.
fn about_error(at: &Layout, whole: &[u8]) -> bool {
    at.l4(whole).first().is_none_or(|&kind| kind > NR_ICMP_TYPES || icmp::is_error(kind))
}

/// Whether REJECT answers a packet with an ICMP error at all: not where it finds the checksum wrong, and it sums what has
/// no checksum too. Protocols with another integrity check, or one over a part only, are trusted; so is a UDP packet
/// without a checksum. A device that has checked checksums itself, or a packet made here, is not asked.
///
/// Kernel: include/net/netfilter/nf_reject.h `nf_reject_verify_csum`; net/netfilter/utils.c `nf_ip_checksum`,
/// `nf_ip6_checksum`; net/ipv6/netfilter/nf_reject_ipv6.c `reject6_csum_ok`.
pub fn reject_answers(packet: &[u8]) -> bool {
    let mut key = Key::default();
    let Ok(at) = extract(packet, &mut key) else { return false };
    let l4 = at.l4(packet);
    // IPv6: a header that names a transport but brings not a byte of it is not answered.
    if at.frag_off != 0
        || at.family == Family::V6 && (at.shape.any(Shape::NOL4) || at.proto == proto::NONE || l4.is_empty())
    {
        return false;
    }
    match at.proto {
        proto::UDP if l4.get(6..8) == Some(&[0, 0]) => return true,
        // DCCP was one of these until 6.16.
        proto::GRE | proto::AH | proto::ESP | proto::SCTP | proto::UDPLITE => return true,
        _ => {}
    }
    let pseudo = at.family == Family::V6 || matches!(at.proto, proto::TCP | proto::UDP);
    let start =
        if pseudo { Sum::pseudo(at.family, key.src, key.dst, at.proto, l4.len() as u32) } else { Sum::default() };
    // Both zeros of ones-complement are right: the sum runs over a sound IPv4 header as well.
    matches!(start.bytes(l4).folded(), 0 | 0xffff)
}

/// The reset REJECT sends for a TCP segment. `None` for anything else, for later fragments, for resets, for segments
/// whose checksum is wrong, and (IPv6) where an address is not one host's.
pub fn tcp_reset(packet: &[u8], ttl: u8) -> Option<Vec<u8>> {
    let mut key = Key::default();
    let at = extract(packet, &mut key).ok()?;
    if !at.has(proto::TCP) || at.family == Family::V6 && !(unicast(key.src) && unicast(key.dst)) {
        return None;
    }
    let segment = tcp::Tcp::new(at.l4(packet))?;
    // The checksum is asked as for an ICMP answer: a first fragment is summed as if it were the whole, and found wrong.
    if segment.flags() & tcp::RST != 0 || !reject_answers(packet) {
        return None;
    }
    let flags = segment.flags();
    let (seq, ack, answer) = if flags & tcp::ACK != 0 {
        (segment.ack(), 0, tcp::RST)
    } else {
        let length = (at.end - at.l4) as u32;
        let ack = segment
            .seq()
            .wrapping_add(u32::from(flags >> 1 & 1) + u32::from(flags & 1))
            .wrapping_add(length)
            .wrapping_sub(segment.header_len() as u32);
        (0, ack, tcp::RST | tcp::ACK)
    };
    let l4 = L4::Tcp { sport: key.dport, dport: key.sport, seq, ack, flags: answer, window: 0, options: Vec::new() };
    let mut reset = Build::new(ip_address(at.family, key.dst), ip_address(at.family, key.src), l4).ttl(ttl);
    reset.df = true;
    Some(reset.bytes())
}

/// Whether the kernel calls an IPv6 address unicast: not unspecified, not multicast, not a mapped IPv4 one.
fn unicast(address: u128) -> bool {
    address != 0 && address >> 120 != 0xff && address >> 32 != 0xffff
}

/// The reply to an echo request, from `from`; `None` for anything else and for fragments.
pub fn echo_reply(packet: &[u8], from: Sender) -> Option<Vec<u8>> {
    let mut key = Key::default();
    let at = extract(packet, &mut key).ok()?;
    let l4 = at.l4(packet);
    if at.shape != Shape(0) {
        return None;
    }
    let rest = l4.get(4..8).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))?;
    let l4 = match (at.proto, at.family, key.icmp_type) {
        (proto::ICMP, Family::V4, icmp::ECHO) => L4::Icmp { kind: icmp::ECHO_REPLY, code: key.icmp_code, rest },
        (proto::ICMPV6, Family::V6, icmp6::ECHO_REQUEST) => {
            L4::Icmp6 { kind: icmp6::ECHO_REPLY, code: key.icmp_code, rest }
        }
        _ => return None,
    };
    let mut reply = Build::new(ip_address(at.family, from.src), ip_address(at.family, key.src), l4)
        .payload(at.payload(packet))
        .ttl(from.ttl)
        .tos(key.tos);
    reply.id = from.id;
    Some(reply.bytes())
}
