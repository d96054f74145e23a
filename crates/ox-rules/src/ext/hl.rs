//! `-m hl` and `-j HL`: the hop limit.
//!
//! Kernel: net/netfilter/xt_hl.c `hl_mt6`, net/netfilter/xt_HL.c `hl_tg6`; ABI: uapi/linux/netfilter_ipv6/ip6t_hl.h, ip6t_HL.h.
use super::hops::{Change, Compare, Step};
use super::prelude::*;
use ox_wire::xtables::mark::{Ip6tHlInfo, Ip6tHlTargetInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hl {
    compare: Compare,
    value: u8,
}

options! { Hl;
    /// It is this.
    EQ ["hl-eq", "hl"] Inv<u8>, .excl(Self::LT | Self::GT) => |t, v| t.is(Compare::eq(v.not), v.is);
    /// It is below this.
    LT ["hl-lt"] u8, .excl(Self::EQ | Self::GT) => |t, v| t.is(Compare::Lt, v);
    /// It is above this.
    GT ["hl-gt"] u8, .excl(Self::EQ | Self::LT) => |t, v| t.is(Compare::Gt, v);
}

impl Hl {
    fn is(&mut self, compare: Compare, value: u8) {
        *self = Self { compare, value };
    }
}

impl Ext for Hl {
    const NAME: &'static str = "hl";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Compares the hop limit.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say one of --hl-eq, --hl-lt and --hl-gt".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { compare, value } = *self;
        compare.save(value, "--hl", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { compare, value } = *self;
        compare.list(value, "HL", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { compare, value } = *self;
        compare.translate("ip6 hoplimit", value, nft);
        Some(())
    }
}

impl Matching for Hl {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { compare, value } = *self;
        compare.pred(value)
    }
}

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetHl {
    change: Option<Change>,
}

options! { SetHl;
    /// Set it to this.
    SET ["hl-set"] u8, .excl(Self::INC | Self::DEC) => |t, v| t.change = Some(Change::Set(v));
    /// Lower it by this, to 0 at least.
    DEC ["hl-dec"] Step, .excl(Self::SET | Self::INC) => |t, v| t.change = Some(Change::Dec(v.0));
    /// Raise it by this, to 255 at most.
    INC ["hl-inc"] Step, .excl(Self::SET | Self::DEC) => |t, v| t.change = Some(Change::Inc(v.0));
}

impl Ext for SetHl {
    const NAME: &'static str = "HL";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Changes the hop limit and goes on.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        if self.change.is_none() { Err("say one of --hl-set, --hl-inc and --hl-dec".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { change } = *self;
        if let Some(change) = change {
            change.save("--hl", out);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { change } = *self;
        if let Some(change) = change {
            change.list("HL", out);
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { change } = *self;
        match change {
            Some(Change::Set(n)) => nft.test("ip6 hoplimit set", false, n),
            _ => return nft.no("nft can set this number, not add to it"),
        }
        Some(())
    }
}

impl Acting for SetHl {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { change } = *self;
        change.map_or(Act::None, |c| c.act("HL"))
    }
}

impl Xt<0> for Hl {
    type Info = Ip6tHlInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tHlInfo> {
        let Self { compare, value } = *self;
        Some(Ip6tHlInfo { mode: compare.number(), hop_limit: value })
    }

    fn decode(info: &Ip6tHlInfo, _: &Carry<'_>) -> Option<Self> {
        let Ip6tHlInfo { mode, hop_limit } = *info;
        Some(Self { compare: Compare::numbered(mode)?, value: hop_limit })
    }
}

impl Xt<0> for SetHl {
    type Info = Ip6tHlTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tHlTargetInfo> {
        let Self { change } = *self;
        let (mode, hop_limit) = change?.numbers();
        Some(Ip6tHlTargetInfo { mode, hop_limit })
    }

    fn decode(info: &Ip6tHlTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let Ip6tHlTargetInfo { mode, hop_limit } = *info;
        Some(Self { change: Some(Change::numbered(mode, hop_limit)?) })
    }
}
