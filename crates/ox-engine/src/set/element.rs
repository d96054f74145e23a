//! A packet's element: what a set of some kind looks at in it.
//!
//! Kernel: net/netfilter/ipset/ip_set_*.c `*_kadt`; net/netfilter/ipset/ip_set_getport.c.

use super::kind::{Part, Store};
use super::{Set, flag};
use ox_packet::{Family, Shape, proto};
use ox_rules::ir::{Packet, SetQuery};

/// An element. What its kind does not have is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// First and second address, masked.
    pub addr: [u128; 2],
    /// Length of their prefixes; of plain addresses that of a host.
    pub len: [u8; 2],
    /// Protocol of the port.
    pub proto: u8,
    /// Port, or ICMP type and code.
    pub port: u16,
    /// MAC address.
    pub mac: [u8; 6],
    /// Packet mark.
    pub mark: u32,
    /// The interface is a bridge port.
    pub physdev: bool,
    /// Interface (as in [`ox_packet::Key`]).
    pub iface: u128,
}

/// Bits of an address of a family.
pub(super) fn host(family: Family) -> u8 {
    if family == Family::V4 { 32 } else { 128 }
}

/// The network an address is in.
pub(super) fn masked(family: Family, addr: u128, len: u8) -> u128 {
    match host(family).saturating_sub(len) {
        128.. => 0,
        bits => addr >> bits << bits,
    }
}

impl Set {
    /// The element a packet is to this set. Networks are as narrow as `lens` says. `None`: it is none.
    pub(super) fn element(&self, query: &SetQuery<'_>, packet: &Packet, lens: [u8; 2]) -> Option<Element> {
        let mut e = Element::default();
        let mut addresses = 0;
        let key = &packet.key;
        for (part, &source) in self.kind.parts.iter().zip(query.dims) {
            match part {
                Part::Ip | Part::Net => {
                    let addr = if source { key.src } else { key.dst };
                    let len = if *part == Part::Net { lens[addresses] } else { host(packet.layout.family) };
                    e.len[addresses] = len;
                    e.addr[addresses] = masked(packet.layout.family, addr & self.mask, len);
                    addresses += 1;
                }
                Part::Port => (e.proto, e.port) = port(packet, source)?,
                Part::Mac => {
                    let link = packet.meta.link?;
                    e.mac = if source { link.src } else { link.dst };
                    if e.mac == [0; 6] {
                        return None;
                    }
                }
                Part::Iface => {
                    e.physdev = query.flags & flag::PHYSDEV != 0;
                    e.iface = match (e.physdev, source) {
                        (false, true) => key.iif,
                        (false, false) => key.oif,
                        (true, true) => packet.meta.phys_in,
                        (true, false) => packet.meta.phys_out,
                    };
                    if e.iface == 0 {
                        return None;
                    }
                }
                Part::Mark => e.mark = key.mark & self.mark_mask,
                Part::Set => return None,
            }
        }
        match (self.kind.store, self.kind.parts) {
            // A port's bitmap has no protocols; only these two count.
            (Store::Bitmap, [Part::Port]) => {
                if !matches!(e.proto, proto::TCP | proto::UDP) {
                    return None;
                }
                e.proto = 0;
                (self.range.0..=self.range.1).contains(&e.port.into()).then_some(e)
            }
            (Store::Bitmap, _) => {
                let addr = if *query.dims.first()? { key.src } else { key.dst };
                // Its MAC address is not what an element is found by.
                (self.range.0..=self.range.1).contains(&addr).then_some(e)
            }
            (_, [Part::Ip] | [Part::Ip, Part::Mac]) if e.addr[0] == 0 => None,
            _ => Some(e),
        }
    }
}

/// Protocol and port of a packet, or type and code of an ICMP message. `None` where they cannot be read.
fn port(packet: &Packet, source: bool) -> Option<(u8, u16)> {
    let (key, v4) = (&packet.key, packet.layout.family == Family::V4);
    let number = key.proto;
    let readable = match number {
        proto::TCP => 20,
        proto::SCTP => 12,
        proto::UDP | proto::UDPLITE | proto::ICMP => 8,
        proto::ICMPV6 if !v4 || !key.shape.any(Shape::FRAGMENT) => 8,
        _ => 0,
    };
    // The search for an IPv6 transport header fails at "no next header", and on later fragments of any protocol.
    let none = if v4 { number == 0 } else { key.shape.any(Shape::FRAGMENT | Shape::NOL4) || number == proto::NONE };
    if none || readable > 0 && (key.shape.any(Shape::FRAGMENT) || packet.transport().len() < readable) {
        return None;
    }
    let l4 = packet.transport();
    let word = |at: usize| l4.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    Some((
        number,
        match number {
            proto::TCP | proto::SCTP | proto::UDP | proto::UDPLITE => word(if source { 0 } else { 2 }),
            proto::ICMP | proto::ICMPV6 if readable > 0 => word(0),
            _ => 0,
        },
    ))
}
