//! ICMP errors about translated connections: both the error and the packet it quotes are turned back.
//!
//! Kernel: net/netfilter/nf_nat_proto.c `nf_nat_icmp_reply_translation`, `nf_nat_icmpv6_reply_translation`.

use super::mangle::write;
use super::{Manip, NAT_MASK};
use crate::flow::{Fate, Flow, tuple};
use ox_packet::{Family, Layout, Shape, checksum, icmp, icmp6, ipv4, ipv6, proto};
use ox_rules::ir::{ConnKind, Dir, Packet, Tuple, status};

/// Whether a packet is an ICMP error about its connection: such a packet never asks the rules.
pub fn is_error(packet: &Packet, kind: ConnKind) -> bool {
    let icmp = match packet.layout.family {
        Family::V4 => proto::ICMP,
        Family::V6 => proto::ICMPV6,
    };
    kind == ConnKind::Related && packet.layout.proto == icmp
}

/// Rewrites an ICMP error about a connection at a hook, if packets of the connection going the same way would be.
pub fn translate_error(packet: &mut Packet, flow: &Flow, dir: Dir, manip: Manip) -> Fate {
    if turn(packet, flow, dir, manip).is_some() { Fate::Accept } else { Fate::Drop }
}

fn turn(packet: &mut Packet, flow: &Flow, dir: Dir, manip: Manip) -> Option<()> {
    let Layout { family, l4, end, .. } = packet.layout;
    let (header, redirect) = match family {
        Family::V4 => (ipv4::Ipv4::MIN, icmp::REDIRECT),
        Family::V6 => (ipv6::Ipv6::MIN, icmp6::REDIRECT),
    };
    let quoted = l4 + 8;
    if end < quoted + header || !checksum::transport_holds(&packet.bytes, &packet.layout) {
        return None;
    }
    if packet.bytes.get(l4) == Some(&redirect) {
        // What a redirect says holds only where addresses are the same on both sides.
        let done = status::SRC_NAT_DONE | status::DST_NAT_DONE;
        if flow.conn.status & done != done || flow.has(NAT_MASK) {
            return None;
        }
    }
    if !flow.has(manip.concerns(dir)) {
        return Some(());
    }
    let other = match dir {
        Dir::Original => Dir::Reply,
        Dir::Reply => Dir::Original,
    };
    let theirs = *flow.conn.tuple(other);
    let inner = packet.bytes.get_mut(quoted..end)?;
    if !write(inner, &quoted_layout(inner, family)?, &theirs, manip.other()) {
        return None;
    }
    checksum::fix_transport(&mut packet.bytes, &packet.layout);
    let icmp = if family == Family::V4 { proto::ICMP } else { proto::ICMPV6 };
    let target = Tuple { proto: icmp, ..tuple::inverse(&theirs)? };
    let layout = packet.layout;
    if !write(&mut packet.bytes, &layout, &target, manip) {
        return None;
    }
    packet.reread().ok()
}

/// Where the headers of a quoted packet are.
fn quoted_layout(bytes: &[u8], family: Family) -> Option<Layout> {
    let at = |proto, l4, shape| Layout { family, proto, shape, frag_off: 0, l4, payload: l4, end: bytes.len() };
    match tuple::quoted_transport(bytes, family) {
        Some((protocol, l4)) => Some(at(protocol, l4, Shape(0))),
        // Of an IPv6 packet whose headers cannot be followed the addresses are still turned.
        None if family == Family::V6 => Some(at(proto::NONE, bytes.len(), Shape(Shape::NOL4))),
        None => None,
    }
}
