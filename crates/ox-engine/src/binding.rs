//! How the machine binds connections to translations: the seam between the hooks and [`crate::flow`].
//!
//! Kernel: net/netfilter/nf_nat_core.c `nf_nat_inet_fn`.

use crate::flow::{FlowId, Flows};
use ox_rules::ir::{Dir, NatSpec, Packet, Verdict};

/// Settles one side of a connection's translation as a rule asks.
pub(crate) fn setup(_: &mut Flows, _: FlowId, _: &NatSpec, _: bool, _: &mut dyn FnMut() -> u32) -> Verdict {
    Verdict::Accept
}

/// Settles one side with what the connection has, unless it clashes.
pub(crate) fn null_binding(_: &mut Flows, _: FlowId, _: bool, _: &mut dyn FnMut() -> u32) {}

/// Rewrites a packet as its connection says.
pub(crate) fn mangle(_: &Flows, _: FlowId, _: Dir, _: bool, _: &mut Packet) -> bool {
    true
}

/// Rewrites an ICMP error about a translated connection.
pub(crate) fn translate_error(_: &Flows, _: FlowId, _: Dir, _: bool, _: &mut Packet) -> bool {
    true
}
