//! ICMP: queries and their answers are connections, errors belong to the connection they are about.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_icmp.c.

use super::{Flow, Flows, Judged, Seen, Tracked, tuple};
use ox_packet::{Family, checksum, icmp};
use ox_rules::ir::{ConnKind, Dir, Now, Packet};

/// The highest type the kernel knows; those above are invalid.
const LAST_TYPE: u8 = 18;

/// What can be said of an ICMP packet before it is looked up: invalid, or an error and whom it is about. `None`: an
/// ordinary one.
pub(super) fn about(flows: &mut Flows, packet: &Packet, zones: [u16; 2], verify: bool, now: Now) -> Option<Tracked> {
    if packet.key.frag_off != 0 {
        return None;
    }
    let l4 = packet.transport();
    let Some(&[kind, ..]) = l4.first_chunk::<8>() else {
        return Some(Tracked::invalid("the ICMP header is cut short"));
    };
    if verify && !checksum::transport_holds(&packet.bytes, &packet.layout) {
        return Some(Tracked::invalid("the ICMP checksum is wrong"));
    }
    if kind > LAST_TYPE {
        return Some(Tracked::invalid("an ICMP type nobody knows"));
    }
    icmp::is_error(kind).then(|| error_about(flows, &l4[8..], packet, zones, now))
}

/// An error about a tracked connection is RELATED to it, if it goes where the connection's own packets would.
///
/// Kernel: `nf_conntrack_inet_error`.
pub(super) fn error_about(flows: &mut Flows, quoted: &[u8], packet: &Packet, zones: [u16; 2], now: Now) -> Tracked {
    let Some(inner) = tuple::of_quoted(quoted, packet.layout.family) else {
        return Tracked::invalid("the error quotes no packet that can be read");
    };
    let found = tuple::inverse(&inner).and_then(|turned| flows.find(&turned, zones, now));
    let Some((id, dir)) = found else {
        return Tracked::invalid("the error is about no known connection");
    };
    if flows.get(id).is_none_or(|flow| flow.conn.tuple(dir).dst != packet.key.dst) {
        return Tracked::invalid("the error goes elsewhere than the connection it is about");
    }
    Tracked { kind: ConnKind::Related, dir, flow: Some(id), verdict: super::Fate::Accept, note: None }
}

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    if seen.packet.layout.family != Family::V4 {
        return Judged::Invalid("ICMP over IPv6");
    }
    let [kind, _] = flow.conn.tuple(Dir::Original).dport.to_be_bytes();
    if !matches!(kind, icmp::ECHO | icmp::TIMESTAMP | icmp::INFO_REQUEST | icmp::ADDRESS) {
        return Judged::Invalid("an ICMP answer to a question nobody asked");
    }
    flow.refresh(seen, seen.timeouts.icmp);
    Judged::Accept
}
