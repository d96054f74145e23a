//! Writing a connection's translation into a packet.
//!
//! Kernel: net/netfilter/nf_nat_core.c `nf_nat_packet`; nf_nat_proto.c `nf_nat_manip_pkt`, `l4proto_manip_pkt`.

use super::Manip;
use crate::flow::{Fate, Flow, tuple};
use ox_packet::{Gre, Layout, Shape, proto, rewrite};
use ox_rules::ir::{Dir, Packet, Tuple};

/// Rewrites a packet of a connection at a hook, if the connection is translated there. Dropped if it cannot be.
pub fn mangle(packet: &mut Packet, flow: &Flow, dir: Dir, manip: Manip) -> Fate {
    if !flow.has(manip.concerns(dir)) {
        return Fate::Accept;
    }
    let other = match dir {
        Dir::Original => Dir::Reply,
        Dir::Reply => Dir::Original,
    };
    // Packets shall look as the answers to the other direction's.
    let Some(target) = tuple::inverse(flow.conn.tuple(other)) else { return Fate::Drop };
    let layout = packet.layout;
    if !write(&mut packet.bytes, &layout, &target, manip) || packet.reread().is_err() {
        return Fate::Drop;
    }
    Fate::Accept
}

/// Writes one end of `target` into a packet; false if there is no room for it.
///
/// `bytes` starts with the IP header that `at` describes; for a quoted packet it ends where the quoting one ends.
pub(super) fn write(bytes: &mut [u8], at: &Layout, target: &Tuple, manip: Manip) -> bool {
    let mut at = *at;
    let source = manip == Manip::Source;
    let reachable = !at.shape.any(Shape::FRAGMENT | Shape::NOL4);
    let len = at.l4(bytes).len();
    let written = match target.proto {
        _ if !reachable => true,
        other if tuple::has_ports(other) => {
            at.proto = other;
            if source {
                rewrite::set_sport(bytes, &at, target.sport)
            } else {
                rewrite::set_dport(bytes, &at, target.dport)
            }
        }
        proto::ICMP | proto::ICMPV6 => {
            // Types without an identifier keep what stands in its place.
            rewrite::set_icmp_id(bytes, &at, target.sport);
            len >= 8
        }
        proto::GRE => {
            let version = Gre::new(at.l4(bytes)).map(Gre::version);
            if !source && version == Some(1) {
                rewrite::set_gre_call_id(bytes, &at, target.dport);
            }
            len >= 8 && (source || matches!(version, Some(0 | 1)))
        }
        _ => {
            // Nobody here knows whether the checksum of such a protocol covers addresses; the kernel lets it be.
            at.proto = proto::NONE;
            true
        }
    };
    let address = if source { rewrite::set_src } else { rewrite::set_dst };
    written && address(bytes, &at, if source { target.src } else { target.dst })
}
