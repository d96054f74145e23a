//! ICMPv6: as ICMP, but what neighbours say to each other is never tracked.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_icmpv6.c.

use super::icmp::error_about;
use super::{Fate, Flow, Flows, Judged, Seen, Tracked};
use ox_packet::{Family, checksum, icmp6};
use ox_rules::ir::{ConnKind, Dir, Now, Packet};

/// What can be said of an ICMPv6 packet before it is looked up; `None`: an ordinary one.
pub(super) fn about(flows: &mut Flows, packet: &Packet, zones: [u16; 2], verify: bool, now: Now) -> Option<Tracked> {
    if packet.layout.shape.any(ox_packet::Shape::FRAGMENT | ox_packet::Shape::NOL4) {
        return None;
    }
    let l4 = packet.transport();
    let Some(&[kind, code, ..]) = l4.first_chunk::<8>() else {
        return Some(Tracked::invalid("the ICMPv6 header is cut short"));
    };
    if verify && !checksum::transport_holds(&packet.bytes, &packet.layout) {
        return Some(Tracked::invalid("the ICMPv6 checksum is wrong"));
    }
    match kind {
        icmp6::MLD_QUERY..=icmp6::NEIGHBOUR_ADVERT | icmp6::MLD2_REPORT => Some(Tracked {
            kind: ConnKind::Untracked,
            dir: Dir::Original,
            flow: None,
            verdict: Fate::Accept,
            note: Some("neighbour discovery and multicast listeners are not tracked"),
        }),
        icmp6::REDIRECT => redirect(flows, packet, code, zones, now),
        _ => icmp6::is_error(kind).then(|| error_about(flows, &l4[8..], packet, zones, now)),
    }
}

/// A redirect quotes the packet that caused it as an option. Kernel: `nf_conntrack_icmpv6_redirect`.
fn redirect(flows: &mut Flows, packet: &Packet, code: u8, zones: [u16; 2], now: Now) -> Option<Tracked> {
    /// Header, target and destination address.
    const FIXED: usize = 40;
    const REDIRECTED_HEADER: u8 = 4;
    let l4 = packet.transport();
    if l4.len() < FIXED {
        return Some(Tracked::invalid("the redirect is cut short"));
    }
    if code != 0 {
        return None;
    }
    let link_local = packet.key.src >> 118 == 0xfe80 >> 6;
    if packet.key.ttl != 255 || !link_local {
        return Some(Tracked::invalid("a redirect that does not come from a neighbour"));
    }
    match *l4.get(FIXED..FIXED + 2).unwrap_or_default() {
        [_, 0] | [] | [_] => Some(Tracked::invalid("a redirect without options")),
        [REDIRECTED_HEADER, _] => Some(error_about(flows, l4.get(FIXED + 8..).unwrap_or_default(), packet, zones, now)),
        _ => None,
    }
}

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    if seen.packet.layout.family != Family::V6 {
        return Judged::Invalid("ICMPv6 over IPv4");
    }
    let [kind, _] = flow.conn.tuple(Dir::Original).dport.to_be_bytes();
    if !flow.confirmed() && !matches!(kind, icmp6::ECHO_REQUEST | icmp6::NI_QUERY) {
        return Judged::Invalid("an ICMPv6 answer to a question nobody asked");
    }
    flow.refresh(seen, seen.timeouts.icmp6);
    Judged::Accept
}
