//! UDP and UDP-Lite: answered or not, and whether the conversation goes on.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_udp.c `nf_conntrack_udp_packet`, `nf_conntrack_udplite_packet`.

use super::confirm::NAT_CLASH;
use super::timeout::SECOND;
use super::{Flow, Judged, Seen, State};
use ox_packet::checksum::Sum;
use ox_packet::{Udp, proto};
use ox_rules::ir::status;

/// How long answers may go on before they make a stream.
const STREAM_AFTER: u64 = 2 * SECOND;

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    let Some(header) = Udp::new(seen.l4) else { return Judged::Invalid("the UDP header is cut short") };
    if !(8..=seen.l4.len()).contains(&usize::from(header.length())) {
        return Judged::Invalid("the UDP length does not fit the packet");
    }
    if header.checksum() != 0 && seen.checksum_is_wrong() {
        return Judged::Invalid("the UDP checksum is wrong");
    }
    if !flow.confirmed() {
        flow.state = State::Udp { stream: seen.now.mono + STREAM_AFTER };
    }
    if !flow.has(status::SEEN_REPLY) {
        flow.refresh(seen, seen.timeouts.udp[0]);
        return Judged::Accept;
    }
    let stream = !matches!(flow.state, State::Udp { stream } if seen.now.mono <= stream);
    flow.refresh(seen, seen.timeouts.udp[usize::from(stream)]);
    if stream && !flow.has(NAT_CLASH) {
        flow.conn.status |= status::ASSURED;
    }
    Judged::Accept
}

pub(super) fn lite(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    let Some(header) = Udp::new(seen.l4) else { return Judged::Invalid("the UDP-Lite header is cut short") };
    let coverage = usize::from(header.length());
    if coverage != 0 && !(8..=seen.l4.len()).contains(&coverage) {
        return Judged::Invalid("the UDP-Lite checksum coverage does not fit the packet");
    }
    if header.checksum() == 0 {
        return Judged::Invalid("UDP-Lite without a checksum");
    }
    if seen.verify && !lite_checksum_holds(seen, coverage) {
        return Judged::Invalid("the UDP-Lite checksum is wrong");
    }
    if flow.has(status::SEEN_REPLY) {
        flow.refresh(seen, seen.timeouts.udp[1]);
        if !flow.has(NAT_CLASH) {
            flow.conn.status |= status::ASSURED;
        }
    } else {
        flow.refresh(seen, seen.timeouts.udp[0]);
    }
    Judged::Accept
}

/// Whether the checksum is what connection tracking takes for right. The kernel counts UDP's protocol number in, not
/// UDP-Lite's, so what is right for every other host is invalid here on receipt: nf_conntrack_proto_udp.c `udplite_error`, seen
/// on 6.18 with a packet of either kind.
fn lite_checksum_holds(seen: &Seen<'_>, coverage: usize) -> bool {
    let (key, l4) = (&seen.packet.key, seen.l4);
    let covered = if coverage == 0 { l4 } else { &l4[..coverage.min(l4.len())] };
    let pseudo = Sum::pseudo(seen.packet.layout.family, key.src, key.dst, proto::UDP, l4.len() as u32);
    pseudo.bytes(covered).folded() == 0xffff
}
