//! `-m ttl` and `-j TTL`: the time to live.
//!
//! Kernel: net/netfilter/xt_hl.c `ttl_mt`, net/netfilter/xt_HL.c `ttl_tg`; ABI: uapi/linux/netfilter_ipv4/ipt_ttl.h, ipt_TTL.h.
use super::hops::{Change, Compare, Step};
use super::prelude::*;
use ox_wire::xtables::mark::{IptTtlInfo, IptTtlTargetInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ttl {
    compare: Compare,
    value: u8,
}

options! { Ttl;
    /// It is this.
    EQ ["ttl-eq", "ttl"] Inv<u8>, .excl(Self::LT | Self::GT) => |t, v| t.is(Compare::eq(v.not), v.is);
    /// It is below this.
    LT ["ttl-lt"] u8, .excl(Self::EQ | Self::GT) => |t, v| t.is(Compare::Lt, v);
    /// It is above this.
    GT ["ttl-gt"] u8, .excl(Self::EQ | Self::LT) => |t, v| t.is(Compare::Gt, v);
}

impl Ttl {
    fn is(&mut self, compare: Compare, value: u8) {
        *self = Self { compare, value };
    }
}

impl Ext for Ttl {
    const NAME: &'static str = "ttl";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Compares the time to live.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say one of --ttl-eq, --ttl-lt and --ttl-gt".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { compare, value } = *self;
        compare.save(value, "--ttl", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { compare, value } = *self;
        compare.list(value, "TTL", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { compare, value } = *self;
        compare.translate("ip ttl", value, nft);
        Some(())
    }
}

impl Matching for Ttl {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { compare, value } = *self;
        compare.pred(value)
    }
}

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetTtl {
    change: Option<Change>,
}

options! { SetTtl;
    /// Set it to this.
    SET ["ttl-set"] u8, .excl(Self::INC | Self::DEC) => |t, v| t.change = Some(Change::Set(v));
    /// Lower it by this, to 0 at least.
    DEC ["ttl-dec"] Step, .excl(Self::SET | Self::INC) => |t, v| t.change = Some(Change::Dec(v.0));
    /// Raise it by this, to 255 at most.
    INC ["ttl-inc"] Step, .excl(Self::SET | Self::DEC) => |t, v| t.change = Some(Change::Inc(v.0));
}

impl Ext for SetTtl {
    const NAME: &'static str = "TTL";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Changes the time to live and goes on.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        if self.change.is_none() { Err("say one of --ttl-set, --ttl-inc and --ttl-dec".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { change } = *self;
        if let Some(change) = change {
            change.save("--ttl", out);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { change } = *self;
        if let Some(change) = change {
            change.list("TTL", out);
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { change } = *self;
        match change {
            Some(Change::Set(n)) => nft.test("ip ttl set", false, n),
            _ => return nft.no("nft can set this number, not add to it"),
        }
        Some(())
    }
}

impl Acting for SetTtl {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { change } = *self;
        change.map_or(Act::None, |c| c.act("TTL"))
    }
}

impl Xt<0> for Ttl {
    type Info = IptTtlInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<IptTtlInfo> {
        let Self { compare, value } = *self;
        Some(IptTtlInfo { mode: compare.number(), ttl: value })
    }

    fn decode(info: &IptTtlInfo, _: &Carry<'_>) -> Option<Self> {
        let IptTtlInfo { mode, ttl } = *info;
        Some(Self { compare: Compare::numbered(mode)?, value: ttl })
    }
}

impl Xt<0> for SetTtl {
    type Info = IptTtlTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<IptTtlTargetInfo> {
        let Self { change } = *self;
        let (mode, ttl) = change?.numbers();
        Some(IptTtlTargetInfo { mode, ttl })
    }

    fn decode(info: &IptTtlTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let IptTtlTargetInfo { mode, ttl } = *info;
        Some(Self { change: Some(Change::numbered(mode, ttl)?) })
    }
}
