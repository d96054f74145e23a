//! Network address translation: which addresses and ports a connection gets, and writing them into its packets.
//!
//! Only the first packet of a connection asks the rules ([`needs_chain`]); what they answer ([`setup`]), or nothing
//! ([`null_binding`]), is fixed in the connection's reply tuple, and every packet is written by it ([`mangle`]). ICMP
//! errors about a translated connection are turned inside and out ([`translate_error`]).
//!
//! Kernel: net/netfilter/nf_nat_core.c `nf_nat_inet_fn`, `nf_nat_setup_info`; nf_nat_proto.c; nf_nat_masquerade.c;
//! nf_nat_redirect.c; xt_NETMAP.c.

mod error;
mod mangle;
mod unique;

pub use error::{is_error, translate_error};
pub use mangle::mangle;

use crate::flow::{Fate, Flow, FlowId, Flows, tuple};
use ox_packet::Family;
use ox_rules::ir::{ConnKind, Dir, Hook, NatKind, NatSpec, Now, Packet, status};
use unique::Range;

/// Both bits of address translation in a connection's status.
const NAT_MASK: u32 = status::SRC_NAT | status::DST_NAT;

/// Which end of a packet is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manip {
    /// Where it comes from: POSTROUTING and INPUT.
    Source,
    /// Where it goes to: PREROUTING and OUTPUT.
    Destination,
}

impl Manip {
    /// What is rewritten at a hook. FORWARD has no nat chain; it counts as the second.
    pub fn at(hook: Hook) -> Self {
        match hook {
            Hook::Postrouting | Hook::Input => Manip::Source,
            _ => Manip::Destination,
        }
    }

    fn bit(self) -> u32 {
        match self {
            Manip::Source => status::SRC_NAT,
            Manip::Destination => status::DST_NAT,
        }
    }

    fn done_bit(self) -> u32 {
        match self {
            Manip::Source => status::SRC_NAT_DONE,
            Manip::Destination => status::DST_NAT_DONE,
        }
    }

    fn other(self) -> Self {
        match self {
            Manip::Source => Manip::Destination,
            Manip::Destination => Manip::Source,
        }
    }

    /// The bit of a connection's status that says that packets of this direction are rewritten here.
    fn concerns(self, dir: Dir) -> u32 {
        match dir {
            Dir::Original => self.bit(),
            Dir::Reply => self.bit() ^ NAT_MASK,
        }
    }
}

/// Where a binding is made.
pub struct Place<'a> {
    /// The hook whose chain asked for it.
    pub hook: Hook,
    /// The packet that opens the connection.
    pub packet: &'a Packet,
    /// The address of this host that MASQUERADE or REDIRECT puts in, if there is one. On OUTPUT REDIRECT needs none.
    pub address: Option<u128>,
}

/// Whether the rules are asked about a packet: it opens a connection (or an expected one) that is not bound here yet.
/// ICMP errors ([`is_error`]) never come this far.
pub fn needs_chain(flow: &Flow, kind: ConnKind, manip: Manip) -> bool {
    matches!(kind, ConnKind::New | ConnKind::Related) && !flow.has(manip.done_bit())
}

/// Whether a masqueraded connection now leaves by another interface than the one whose address it took. The kernel then
/// ends it and drops the packet. Kernel: `nf_nat_oif_changed`.
pub fn oif_changed(flow: &Flow, dir: Dir, hook: Hook, oif: u128) -> bool {
    flow.masquerade != 0 && hook == Hook::Postrouting && dir == Dir::Original && flow.masquerade != oif
}

/// Binds a connection as a rule asks. Dropped if there is no address to take. Where every port is taken, the kernel notices
/// only when the connection is confirmed, and so do we.
///
/// `rng` is asked for a number wherever the kernel asks for one: where a search for a free port starts.
pub fn setup(
    flows: &mut Flows,
    id: FlowId,
    spec: &NatSpec,
    place: &Place<'_>,
    now: Now,
    rng: &mut dyn FnMut() -> u32,
) -> Fate {
    let Some(flow) = flows.get_mut(id) else { return Fate::Accept };
    let (key, family) = (&place.packet.key, place.packet.layout.family);
    let mut spec = *spec;
    let manip = match spec.kind {
        NatKind::Source => Manip::Source,
        NatKind::Destination => Manip::Destination,
        NatKind::Masquerade => {
            if family == Family::V4 && flow.conn.original.src == 0 {
                // A host that is asking for its address has none to give: left to the null binding.
                return Fate::Accept;
            }
            let Some(address) = place.address else { return Fate::Drop };
            if !flow.confirmed() {
                flow.masquerade = key.oif;
            }
            spec.addrs = Some((address, address));
            Manip::Source
        }
        NatKind::Redirect => {
            let address = match (place.hook, family) {
                (Hook::Output, Family::V4) => Some(0x7f00_0001),
                (Hook::Output, Family::V6) => Some(1),
                _ => place.address,
            };
            let Some(address) = address else { return Fate::Drop };
            spec.addrs = Some((address, address));
            Manip::Destination
        }
        NatKind::Netmap => {
            let manip = Manip::at(place.hook);
            if let Some((network, mask)) = spec.addrs {
                let host = if manip == Manip::Destination { key.dst } else { key.src };
                let address = host & !mask | network & mask;
                spec.addrs = Some((address, address));
            }
            manip
        }
    };
    bind(flows, id, &Range::of(&spec), manip, now, rng)
}

/// Binds a connection to the addresses it has, since no rule said otherwise. Its port still changes if the answers could
/// not be told from another connection's.
pub fn null_binding(flows: &mut Flows, id: FlowId, manip: Manip, now: Now, rng: &mut dyn FnMut() -> u32) -> Fate {
    let Some(flow) = flows.get(id) else { return Fate::Accept };
    let address = match manip {
        Manip::Source => flow.conn.reply.dst,
        Manip::Destination => flow.conn.reply.src,
    };
    bind(flows, id, &Range { addrs: Some((address, address)), ..Range::default() }, manip, now, rng)
}

/// Kernel: `nf_nat_setup_info`.
fn bind(flows: &mut Flows, id: FlowId, range: &Range, manip: Manip, now: Now, rng: &mut dyn FnMut() -> u32) -> Fate {
    let Some(flow) = flows.get(id) else { return Fate::Accept };
    if flow.confirmed() {
        return Fate::Accept;
    }
    if flow.has(manip.done_bit()) {
        return Fate::Drop;
    }
    let Some(current) = tuple::inverse(&flow.conn.reply) else { return Fate::Drop };
    let chosen = unique::choose(flows, id, &current, range, manip, now, rng);
    if let Some(flow) = flows.get_mut(id) {
        if chosen != current
            && let Some(reply) = tuple::inverse(&chosen)
        {
            flow.conn.reply = reply;
            flow.conn.status |= manip.bit();
        }
        flow.conn.status |= manip.done_bit();
    }
    if manip == Manip::Source {
        flows.link_source(id);
    }
    Fate::Accept
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
