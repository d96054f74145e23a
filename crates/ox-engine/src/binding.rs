//! How the machine binds connections to translations: the seam between the hooks and [`crate::nat`].
//!
//! Kernel: net/netfilter/nf_nat_core.c `nf_nat_inet_fn`.

use crate::flow::{Fate, FlowId, Flows};
use crate::nat::{self, Manip, Place};
use ox_rules::ir::{Dir, NatSpec, Now, Packet, Verdict};

fn manip(source: bool) -> Manip {
    if source { Manip::Source } else { Manip::Destination }
}

/// Settles one side of a connection's translation as a rule asks.
pub(crate) fn setup(
    flows: &mut Flows,
    id: FlowId,
    spec: &NatSpec,
    place: &Place<'_>,
    now: Now,
    rng: &mut dyn FnMut() -> u32,
) -> Verdict {
    match nat::setup(flows, id, spec, place, now, rng) {
        Fate::Accept => Verdict::Accept,
        Fate::Drop => Verdict::Drop,
    }
}

/// Settles one side with what the connection has, unless it clashes.
pub(crate) fn null_binding(flows: &mut Flows, id: FlowId, source: bool, now: Now, rng: &mut dyn FnMut() -> u32) {
    // Refused only where the side is settled already, and then the machine does not ask.
    let _ = nat::null_binding(flows, id, manip(source), now, rng);
}

/// Rewrites a packet as its connection says.
pub(crate) fn mangle(flows: &Flows, id: FlowId, dir: Dir, source: bool, packet: &mut Packet) -> bool {
    flows.get(id).is_none_or(|flow| nat::mangle(packet, flow, dir, manip(source)) == Fate::Accept)
}

/// Rewrites an ICMP error about a translated connection.
pub(crate) fn translate_error(flows: &Flows, id: FlowId, dir: Dir, source: bool, packet: &mut Packet) -> bool {
    flows.get(id).is_none_or(|flow| nat::translate_error(packet, flow, dir, manip(source)) == Fate::Accept)
}
