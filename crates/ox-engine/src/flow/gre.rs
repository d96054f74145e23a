//! GRE: two timeouts, fixed when the connection starts.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_gre.c `nf_conntrack_gre_packet`.

use super::{Flow, Judged, Seen, State};
use ox_rules::ir::status;

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    if !flow.confirmed() {
        flow.state = State::Gre { timeouts: seen.timeouts.gre };
    }
    let timeouts = match flow.state {
        State::Gre { timeouts } => timeouts,
        _ => seen.timeouts.gre,
    };
    if flow.has(status::SEEN_REPLY) {
        flow.refresh(seen, timeouts[1]);
        flow.conn.status |= status::ASSURED;
    } else {
        flow.refresh(seen, timeouts[0]);
    }
    Judged::Accept
}
