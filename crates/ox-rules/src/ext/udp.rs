//! `-m udp`: the ports of a UDP header.
//!
//! Kernel: net/netfilter/xt_tcpudp.c `udp_mt`; ABI: uapi/linux/netfilter/xt_tcpudp.h `struct xt_udp`.
//! iptables-nft writes ports as payload expressions, so a short header does not match there instead of dropping the
//! packet; with no condition at all it writes the xt match.
use super::ports::Resolved;
use super::prelude::*;
use ox_wire::xtables::port::XtUdp;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Udp {
    sport: Inv<Ports>,
    dport: Inv<Ports>,
}

options! { Udp;
    /// Source port, or first and last port of a range.
    SPORT ["source-port", "sport"] Inv<Resolved> => |u, v| u.sport = Inv { is: v.is.0, not: v.not };
    /// Destination port, or first and last port of a range.
    DPORT ["destination-port", "dport"] Inv<Resolved> => |u, v| u.dport = Inv { is: v.is.0, not: v.not };
}

impl Udp {
    /// Whether the kernel gets expressions of nf_tables instead of the xt match.
    pub(super) fn is_native(&self, dialect: Dialect) -> bool {
        dialect == Dialect::Nft && *self != Self::default()
    }

    /// The same without what iptables-nft writes nothing for, right or wrong.
    pub(super) fn written(&self) -> Self {
        let Self { sport, dport } = *self;
        Self { sport: super::ports::written(sport), dport: super::ports::written(dport) }
    }

    /// Both conditions in one, if no port is asked for twice.
    pub(super) fn merged(&self, other: &Self) -> Option<Self> {
        let Self { sport, dport } = *self;
        Some(Self {
            sport: super::ports::either(sport, other.sport)?,
            dport: super::ports::either(dport, other.dport)?,
        })
    }
}

impl Ext for Udp {
    const NAME: &'static str = "udp";
    const ABOUT: &'static str = "Looks at the ports of a UDP header.";

    fn check(&mut self, _: u32, cx: &Reading<'_>) -> Result<(), String> {
        // iptables-nft asks before it writes expressions, and takes `! -p udp' as well as `-p udp'.
        if self.is_native(cx.dialect) && cx.head.proto.is != Proto::UDP {
            return Err("it goes with `-p udp'".into());
        }
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        if !self.is_native(at.dialect) && at.head.proto != Inv::plain(Proto::UDP) {
            return Err(Refused::invalid("udp is only valid behind `-p udp'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { sport, dport } = *self;
        // Stock leaves the full range out even behind a `!', which turns never into always when it is read back.
        if !sport.is.is_all() || sport.not {
            out.opt(sport.not, "--sport", sport.is);
        }
        if !dport.is.is_all() || dport.not {
            out.opt(dport.not, "--dport", dport.is);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { sport, dport } = *self;
        out.word("udp");
        super::ports::list(sport, "spt", out, show);
        super::ports::list(dport, "dpt", out, show);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { sport, dport } = *self;
        super::ports::behind(Proto::UDP, nft)?;
        super::ports::translate("udp sport", sport, nft)?;
        super::ports::translate("udp dport", dport, nft)
    }
}

impl Matching for Udp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        if self.is_native(cx.dialect) {
            let Self { sport, dport } = self.written();
            return Pred::All(super::ports::native(sport, dport, cx));
        }
        let Self { sport, dport } = *self;
        Pred::all([cx.xt_header(8), super::ports::pred(sport, Field::Sport), super::ports::pred(dport, Field::Dport)])
    }
}

impl Xt<0> for Udp {
    type Info = XtUdp;

    fn encode(&self, _: &Carry<'_>) -> Option<XtUdp> {
        let Self { sport, dport } = *self;
        Some(XtUdp {
            spts: [sport.is.lo, sport.is.hi],
            dpts: [dport.is.lo, dport.is.hi],
            invflags: bits([sport.not, dport.not]),
            ..Default::default()
        })
    }

    fn decode(info: &XtUdp, _: &Carry<'_>) -> Option<Self> {
        let XtUdp { spts, dpts, invflags, _pad } = *info;
        let [s, d] = unbits(invflags);
        Some(Self { sport: super::ports::pair(spts, s), dport: super::ports::pair(dpts, d) })
    }
}
