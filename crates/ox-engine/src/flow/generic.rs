//! Protocols nobody knows: a timeout and nothing else.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c `generic_packet`.

use super::{Flow, Judged, Seen};

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    flow.refresh(seen, seen.timeouts.generic);
    Judged::Accept
}
