//! Rewriting packets in place as NAT and the mangle targets do, checksums kept by increments.
//!
//! Every function answers whether it wrote: `false` means that the field is not there to be written, and then nothing was
//! touched. A [`Layout`] that belongs to another packet can spoil bytes but cannot panic.
//!
//! Kernel: net/netfilter/nf_nat_proto.c `l4proto_manip_pkt`, `nf_nat_ipv4_manip_pkt`; net/netfilter/xt_HL.c;
//! include/net/dsfield.h; net/ipv4/netfilter/ipt_ECN.c; net/netfilter/nf_conntrack_seqadj.c.

use crate::checksum::{MANGLED_0, offset, replace2, replace4, replace16, sctp};
use crate::extract::Layout;
use crate::key::{Family, Shape};
use crate::view::be;
use crate::{icmp, icmp6, ipv4, ipv6, proto};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Src,
    Dst,
}

/// Writes the source address (IPv4 in the low 32 bits).
pub fn set_src(bytes: &mut [u8], at: &Layout, address: u128) -> bool {
    set_address(bytes, at, Side::Src, address)
}

/// Writes the destination address (IPv4 in the low 32 bits).
pub fn set_dst(bytes: &mut [u8], at: &Layout, address: u128) -> bool {
    set_address(bytes, at, Side::Dst, address)
}

fn set_address(bytes: &mut [u8], at: &Layout, side: Side, address: u128) -> bool {
    match at.family {
        Family::V4 => {
            if bytes.len() < 20 {
                return false;
            }
            let field = if side == Side::Src { 12 } else { 16 };
            let (old, new) = (be::u32(bytes, field), address as u32);
            be::put::u32(bytes, field, new);
            let check = be::u16(bytes, 10);
            be::put::u16(bytes, 10, replace4(check, old, new));
            pseudo_changed(bytes, at, |check| replace4(check, old, new));
        }
        Family::V6 => {
            if bytes.len() < 40 {
                return false;
            }
            let field = if side == Side::Src { 8 } else { 24 };
            let old = be::u128(bytes, field);
            be::put::u128(bytes, field, address);
            pseudo_changed(bytes, at, |check| replace16(check, old, address));
        }
    }
    true
}

/// The transport header in reach, if the packet is not a later fragment and has at least `least` bytes of it.
fn l4<'a>(bytes: &'a mut [u8], at: &Layout, least: usize) -> Option<&'a mut [u8]> {
    if at.shape.any(Shape::FRAGMENT | Shape::NOL4) {
        return None;
    }
    bytes.get_mut(at.l4..at.end).filter(|l4| l4.len() >= least)
}

/// Changes a transport checksum; a UDP one that says "none" stays, and never becomes one that says it.
fn update(l4: &mut [u8], proto: u8, change: impl FnOnce(u16) -> u16) {
    let Some(field) = offset(proto) else { return };
    if l4.len() < proto::min_header(proto) {
        // A header cut short in a quoted packet has lost its checksum.
        return;
    }
    let old = be::u16(l4, field);
    if proto == proto::UDP && old == 0 {
        return;
    }
    let new = match change(old) {
        0 if matches!(proto, proto::UDP | proto::UDPLITE) => MANGLED_0,
        new => new,
    };
    be::put::u16(l4, field, new);
}

fn pseudo_changed(bytes: &mut [u8], at: &Layout, change: impl FnOnce(u16) -> u16) {
    let covers = matches!(at.proto, proto::TCP | proto::UDP | proto::UDPLITE | proto::DCCP | proto::ICMPV6);
    if covers && let Some(l4) = l4(bytes, at, 8) {
        update(l4, at.proto, change);
    }
}

/// Writes the source port of TCP, UDP, UDP-Lite, SCTP or DCCP.
pub fn set_sport(bytes: &mut [u8], at: &Layout, port: u16) -> bool {
    set_port(bytes, at, 0, port)
}

/// Writes the destination port of TCP, UDP, UDP-Lite, SCTP or DCCP.
pub fn set_dport(bytes: &mut [u8], at: &Layout, port: u16) -> bool {
    set_port(bytes, at, 2, port)
}

fn set_port(bytes: &mut [u8], at: &Layout, field: usize, port: u16) -> bool {
    if !proto::has_ports(at.proto) {
        return false;
    }
    // Eight bytes are what connection tracking wants of any of these, and what an ICMP error quotes at least.
    let Some(l4) = l4(bytes, at, 8) else { return false };
    let old = be::u16(l4, field);
    be::put::u16(l4, field, port);
    if at.proto == proto::SCTP {
        if let Some(right) = sctp(l4) {
            l4[8..12].copy_from_slice(&right);
        }
    } else {
        update(l4, at.proto, |check| replace2(check, old, port));
    }
    true
}

/// Writes the identifier of an ICMP or ICMPv6 query; other types have none.
pub fn set_icmp_id(bytes: &mut [u8], at: &Layout, id: u16) -> bool {
    let Some(l4) = l4(bytes, at, 8) else { return false };
    let query = match at.proto {
        proto::ICMP => icmp::is_query(l4[0]),
        proto::ICMPV6 => icmp6::is_query(l4[0]),
        _ => false,
    };
    if query {
        let old = be::u16(l4, 4);
        be::put::u16(l4, 4, id);
        update(l4, at.proto, |check| replace2(check, old, id));
    }
    query
}

/// Writes the call number of a PPTP GRE header, which connection tracking uses as a port.
pub fn set_gre_call_id(bytes: &mut [u8], at: &Layout, call: u16) -> bool {
    if at.proto != proto::GRE {
        return false;
    }
    l4(bytes, at, 8).and_then(crate::GreMut::new).is_some_and(|mut gre| gre.set_call_id(call))
}

/// Writes TOS or traffic class.
pub fn set_tos(bytes: &mut [u8], at: &Layout, tos: u8) -> bool {
    change_tos(bytes, at, 0, tos)
}

/// Writes the six bits of DSCP above the two of ECN.
pub fn set_dscp(bytes: &mut [u8], at: &Layout, dscp: u8) -> bool {
    change_tos(bytes, at, 0x03, dscp << 2)
}

/// Writes the two bits of ECN in TOS or traffic class.
pub fn set_ecn(bytes: &mut [u8], at: &Layout, ecn: u8) -> bool {
    change_tos(bytes, at, 0xfc, ecn & 0x03)
}

/// TOS or traffic class becomes (old & `keep`) | `value`.
pub fn change_tos(bytes: &mut [u8], at: &Layout, keep: u8, value: u8) -> bool {
    match at.family {
        Family::V4 => {
            let Some(mut header) = crate::Ipv4Mut::new(bytes) else { return false };
            let old = header.view().tos();
            let new = old & keep | value;
            header.set_tos(new);
            let check = header.view().checksum();
            header.set_checksum(replace2(check, old.into(), new.into()));
        }
        Family::V6 => {
            let Some(mut header) = crate::Ipv6Mut::new(bytes) else { return false };
            let old = header.view().traffic_class();
            header.set_traffic_class(old & keep | value);
        }
    }
    true
}

/// Forbids fragments of an IPv4 packet; IPv6 routers make none anyway.
pub fn set_df(bytes: &mut [u8], at: &Layout) {
    let Some([word, low]) = bytes.get(6..8).and_then(|w| <[u8; 2]>::try_from(w).ok()) else { return };
    let (old, new) = (u16::from_be_bytes([word, low]), u16::from_be_bytes([word | 0x40, low]));
    if at.family == Family::V4
        && let Some(mut header) = crate::Ipv4Mut::new(bytes)
    {
        let check = header.view().checksum();
        header.set_checksum(replace2(check, old, new));
        bytes[6] = word | 0x40;
    }
}

/// Writes TTL or hop limit.
pub fn set_ttl(bytes: &mut [u8], at: &Layout, ttl: u8) -> bool {
    match at.family {
        Family::V4 => {
            let Some(mut header) = crate::Ipv4Mut::new(bytes) else { return false };
            let (old, check) = (header.view().ttl(), header.view().checksum());
            header.set_ttl(ttl);
            header.set_checksum(replace2(check, u16::from(old) << 8, u16::from(ttl) << 8));
        }
        Family::V6 => {
            let Some(mut header) = crate::Ipv6Mut::new(bytes) else { return false };
            header.set_hop_limit(ttl);
        }
    }
    true
}

/// Writes the TCP flags byte.
pub fn set_tcp_flags(bytes: &mut [u8], at: &Layout, flags: u8) -> bool {
    tcp_word(bytes, at, 12, |word| word & 0xff00 | u16::from(flags))
}

/// Writes the TCP window.
pub fn set_tcp_window(bytes: &mut [u8], at: &Layout, window: u16) -> bool {
    tcp_word(bytes, at, 14, |_| window)
}

fn tcp_word(bytes: &mut [u8], at: &Layout, field: usize, change: impl FnOnce(u16) -> u16) -> bool {
    if at.proto != proto::TCP {
        return false;
    }
    let Some(l4) = l4(bytes, at, 20) else { return false };
    let old = be::u16(l4, field);
    let new = change(old);
    be::put::u16(l4, field, new);
    update(l4, at.proto, |check| replace2(check, old, new));
    true
}

/// Writes the TCP sequence number.
pub fn set_tcp_seq(bytes: &mut [u8], at: &Layout, seq: u32) -> bool {
    tcp_double(bytes, at, 4, seq)
}

/// Writes the TCP acknowledgement number.
pub fn set_tcp_ack(bytes: &mut [u8], at: &Layout, ack: u32) -> bool {
    tcp_double(bytes, at, 8, ack)
}

fn tcp_double(bytes: &mut [u8], at: &Layout, field: usize, new: u32) -> bool {
    if at.proto != proto::TCP {
        return false;
    }
    let Some(l4) = l4(bytes, at, 20) else { return false };
    let old = be::u32(l4, field);
    be::put::u32(l4, field, new);
    update(l4, at.proto, |check| replace4(check, old, new));
    true
}

/// Counts `more` (or fewer) bytes into the IP header's length, the IPv4 checksum kept. False if that does not fit.
pub(crate) fn lengthen(bytes: &mut [u8], at: &Layout, more: isize) -> bool {
    let field = match at.family {
        Family::V4 if bytes.len() >= ipv4::Ipv4::MIN => 2,
        Family::V6 if bytes.len() >= ipv6::Ipv6::MIN => 4,
        _ => return false,
    };
    let old = be::u16(bytes, field);
    let Some(new) = isize::try_from(old).ok().and_then(|n| u16::try_from(n + more).ok()) else { return false };
    be::put::u16(bytes, field, new);
    if at.family == Family::V4 {
        let check = be::u16(bytes, 10);
        be::put::u16(bytes, 10, replace2(check, old, new));
    }
    true
}

/// Lets `change` rewrite the packet an ICMP or ICMPv6 error quotes, then computes the error's checksum anew, as NAT does
/// with errors about a translated connection. `None`, and nothing called, if nothing readable is quoted.
///
/// Kernel: net/netfilter/nf_nat_proto.c `nf_nat_icmp_reply_translation`, `nf_nat_icmpv6_reply_translation`.
pub fn change_inner<R>(bytes: &mut [u8], at: &Layout, change: impl FnOnce(&mut [u8], &Layout) -> R) -> Option<R> {
    let (start, _, inner) = crate::extract::inner(bytes, at)?;
    let result = change(bytes.get_mut(start..at.end)?, &inner);
    crate::checksum::fix_transport(bytes, at);
    Some(result)
}

/// Puts `new` in the place of `len` bytes at `from` of the transport payload: what NAT helpers do to FTP, SIP and such.
/// Lengths and checksums follow. `None`, and nothing changed, if there is no such place or the packet would not fit.
///
/// Kernel: net/netfilter/nf_nat_helper.c `__nf_nat_mangle_tcp_packet`, `nf_nat_mangle_udp_packet`.
pub fn replace_payload(packet: &mut Vec<u8>, at: &Layout, from: usize, len: usize, new: &[u8]) -> Option<Layout> {
    if !(at.has(proto::TCP) || at.has(proto::UDP)) || at.end > packet.len() || at.shape != Shape(0) {
        return None;
    }
    let start = at.payload.checked_add(from)?;
    let stop = start.checked_add(len)?;
    if stop > at.end {
        return None;
    }
    let more = isize::try_from(new.len()).ok()? - isize::try_from(len).ok()?;
    if at.end.checked_add_signed(more)? > 0xffff || !lengthen(packet, at, more) {
        return None;
    }
    packet.truncate(at.end);
    packet.splice(start..stop, new.iter().copied());
    let now = Layout { end: packet.len(), ..*at };
    let udp_without = at.proto == proto::UDP && packet[at.l4 + 6..at.l4 + 8] == [0, 0];
    if at.proto == proto::UDP {
        be::put::u16(packet, at.l4 + 4, (now.end - now.l4) as u16);
    }
    if !udp_without {
        crate::checksum::fix_transport(packet, &now);
    }
    Some(now)
}
