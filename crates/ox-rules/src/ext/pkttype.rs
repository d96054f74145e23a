//! `-m pkttype`: to whom the link layer sent the packet.
//!
//! Kernel: net/netfilter/xt_pkttype.c; ABI: uapi/linux/netfilter/xt_pkttype.h, uapi/linux/if_packet.h.
use super::prelude::*;
use ox_packet::pkttype;
use ox_wire::xtables::host::XtPkttypeInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PktType {
    kind: Inv<Kind>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Kind(u8);

/// Of two names for the same the first is printed.
const NAMES: [(&str, u8); 7] = [
    ("unicast", pkttype::HOST),
    ("broadcast", pkttype::BROADCAST),
    ("multicast", pkttype::MULTICAST),
    ("otherhost", pkttype::OTHERHOST),
    ("host", pkttype::HOST),
    ("bcast", pkttype::BROADCAST),
    ("mcast", pkttype::MULTICAST),
];

options! { PktType;
    /// unicast, broadcast, multicast or otherhost.
    TYPE ["pkt-type"] Inv<Kind>, .needed() => |p, v| p.kind = v;
}

impl Value for Kind {
    const HINT: &'static str = "TYPE";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(args[0])) {
            Some(&(_, kind)) => Ok(Kind(kind)),
            None => Err(format!("`{}' is not a packet type: unicast, broadcast, multicast or otherhost", args[0])),
        }
    }
}

impl Print for Kind {
    fn print(&self, out: &mut Out) {
        match NAMES.iter().find(|n| n.1 == self.0) {
            Some((name, _)) => out.raw(name),
            None => out.dec(self.0.into()),
        }
    }
}

impl Ext for PktType {
    const NAME: &'static str = "pkttype";
    const ABOUT: &'static str = "Asks whether the link layer sent the packet to this host, to a group or to everybody.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { kind } = *self;
        out.opt(kind.not, "--pkt-type", kind.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { kind } = *self;
        out.opt(false, if kind.not { "PKTTYPE !=" } else { "PKTTYPE =" }, kind.is);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { kind } = *self;
        let Kind(n) = kind.is;
        match NAMES.iter().find(|k| k.1 == n && n != pkttype::OTHERHOST) {
            Some((name, _)) => nft.test("pkttype", kind.not, *name),
            None => nft.test("pkttype", kind.not, n),
        }
        Some(())
    }
}

impl Matching for PktType {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { kind } = *self;
        let is = |k: u8| Pred::eq(Field::PktType, k);
        // What was sent to many and looped back counts as sent to a group if its address is one's; over IPv6 always.
        let looped = is(pkttype::LOOPBACK);
        let group = Pred::masked(Field::Dst, 0xf000_0000u32, 0xe000_0000u32);
        let found = match (kind.is.0, cx.family) {
            (pkttype::MULTICAST, Family::V6) => Pred::any([is(pkttype::MULTICAST), looped]),
            (pkttype::MULTICAST, Family::V4) => Pred::any([is(pkttype::MULTICAST), Pred::all([looped, group])]),
            (pkttype::BROADCAST, Family::V4) => {
                Pred::any([is(pkttype::BROADCAST), Pred::all([looped, group.not_if(true)])])
            }
            (kind, _) => is(kind),
        };
        found.not_if(kind.not)
    }
}

impl Xt<0> for PktType {
    type Info = XtPkttypeInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtPkttypeInfo> {
        let Self { kind } = *self;
        Some(XtPkttypeInfo { pkttype: kind.is.0.into(), invert: kind.not.into() })
    }

    fn decode(info: &XtPkttypeInfo, _: &Carry<'_>) -> Option<Self> {
        let XtPkttypeInfo { pkttype, invert } = *info;
        let kind = u8::try_from(pkttype).ok().filter(|kind| NAMES.iter().any(|n| n.1 == *kind))?;
        Some(Self { kind: Inv { is: Kind(kind), not: invert != 0 } })
    }
}
