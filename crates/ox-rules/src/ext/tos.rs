//! `-m tos` and `-j TOS`: the IPv4 TOS byte or IPv6 traffic class, ECN included.
//!
//! Kernel: net/netfilter/xt_dscp.c `tos_mt`, net/netfilter/xt_DSCP.c `tos_tg`; ABI: uapi/linux/netfilter/xt_dscp.h
//! `struct xt_tos_match_info`, xt_DSCP.h `struct xt_tos_target_info`.
use super::prelude::*;
use ox_wire::xtables::mark::{XtTosMatchInfo, XtTosTargetInfo};

/// A value and the bits of it that count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tos {
    value: u8,
    mask: u8,
}

/// The names of RFC 1349, which look at the six bits it gives a meaning.
const NAMES: [(&str, u8); 5] = [
    ("Minimize-Delay", 0x10),
    ("Maximize-Throughput", 0x08),
    ("Maximize-Reliability", 0x04),
    ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
];
const NAMED: u8 = 0x3f;

impl Value for Tos {
    const HINT: &'static str = "VALUE[/MASK]|NAME";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        if let Some(&(_, value)) = NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(text)) {
            return Ok(Tos { value, mask: NAMED });
        }
        let (value, mask) = match text.split_once('/') {
            Some((v, m)) => (number(v, 255), number(m, 255)),
            None => (number(text, 255), Some(255)),
        };
        match (value, mask) {
            (Some(value), Some(mask)) => Ok(Tos { value: value as u8, mask: mask as u8 }),
            _ => {
                let names: Vec<_> = NAMES.iter().map(|n| n.0).collect();
                Err(format!("`{text}' is neither a byte with an optional mask nor one of {}", names.join(" ")))
            }
        }
    }
}

impl Tos {
    fn name(self, show: &Show<'_>) -> Option<&'static str> {
        let known = NAMES.iter().find(|n| n.1 == self.value && self.mask == NAMED);
        known.filter(|_| !show.numeric).map(|n| n.0)
    }
}

impl Print for Tos {
    fn print(&self, out: &mut Out) {
        out.fmt(format_args!("0x{:02x}/0x{:02x}", self.value, self.mask));
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IsTos {
    tos: Inv<Tos>,
}

options! { IsTos;
    /// A byte with an optional mask, or a name such as Minimize-Delay.
    TOS ["tos"] Inv<Tos>, .needed() => |t, v| t.tos = v;
}

impl Ext for IsTos {
    const NAME: &'static str = "tos";
    const ABOUT: &'static str = "Compares the TOS byte of IPv4 or the traffic class of IPv6.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { tos } = *self;
        out.opt(tos.not, "--tos", tos.is);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { tos } = *self;
        out.word(if tos.not { "tos match!" } else { "tos match" });
        // Stock separates a name, but not a number.
        match tos.is.name(show) {
            Some(name) => out.word(name),
            None => tos.is.print(out),
        }
    }
}

impl Matching for IsTos {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { tos } = *self;
        Pred::masked(Field::Tos, tos.is.mask, tos.is.value).not_if(tos.not)
    }
}

/// The target: `tos = (tos & !mask) ^ value`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetTos {
    tos: Tos,
}

options! { SetTos;
    /// Clear the bits of the mask (all if there is none), then flip those of the value; or a name.
    SET ["set-tos"] Tos, .excl(Self::ANY) => |t, v| t.tos = v;
    /// Keep only these bits.
    AND ["and-tos"] u8, .excl(Self::ANY) => |t, v| t.tos = Tos { value: 0, mask: !v };
    /// Set these bits.
    OR ["or-tos"] u8, .excl(Self::ANY) => |t, v| t.tos = Tos { value: v, mask: v };
    /// Flip these bits.
    XOR ["xor-tos"] u8, .excl(Self::ANY) => |t, v| t.tos = Tos { value: v, mask: 0 };
}

impl SetTos {
    const ANY: u32 = Self::SET | Self::AND | Self::OR | Self::XOR;
}

impl Ext for SetTos {
    const NAME: &'static str = "TOS";
    const ABOUT: &'static str = "Changes the TOS byte of IPv4 or the traffic class of IPv6, and goes on.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say what: --set-tos, --and-tos, --or-tos or --xor-tos".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { tos } = *self;
        out.opt(false, "--set-tos", tos);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { tos } = *self;
        if let Some(name) = tos.name(show) {
            // Stock has the blank on the wrong side.
            out.gap();
            out.raw(" TOS set");
            return out.raw(name);
        }
        out.word("TOS");
        match tos {
            t if show.numeric => out.opt(false, "set", t),
            Tos { value: 0, mask } => out.fmt(format_args!(" and 0x{:02x}", !mask)),
            Tos { value, mask } if value == mask => out.fmt(format_args!(" or 0x{value:02x}")),
            Tos { value, mask: 0 } => out.fmt(format_args!(" xor 0x{value:02x}")),
            t => out.opt(false, "set", t),
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { tos: Tos { value, mask } } = *self;
        let ip = nft.ip();
        match mask {
            0xfc if value & 3 == 0 => nft.say(format_args!("{ip} dscp set 0x{:02x}", value >> 2)),
            0xff => {
                let ecn = ["not-ect", "ect1", "ect0", "ce"][usize::from(value & 3)];
                nft.say(format_args!("{ip} dscp set 0x{:02x} {ip} ecn set {ecn}", value >> 2));
            }
            _ => return nft.no("nft sets the upper six bits or the lower two, and no other part of them"),
        }
        Some(())
    }
}

impl Acting for SetTos {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { tos } = *self;
        Act::Set { field: Field::Tos, mask: tos.mask.into(), value: tos.value.into() }
    }
}

impl Xt<1> for IsTos {
    type Info = XtTosMatchInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTosMatchInfo> {
        let Self { tos } = *self;
        Some(XtTosMatchInfo { tos_mask: tos.is.mask, tos_value: tos.is.value, invert: tos.not.into() })
    }

    fn decode(info: &XtTosMatchInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTosMatchInfo { tos_mask, tos_value, invert } = *info;
        Some(Self { tos: Inv { is: Tos { value: tos_value, mask: tos_mask }, not: invert != 0 } })
    }
}

impl Xt<1> for SetTos {
    type Info = XtTosTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTosTargetInfo> {
        let Self { tos } = *self;
        Some(XtTosTargetInfo { tos_value: tos.value, tos_mask: tos.mask })
    }

    fn decode(info: &XtTosTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTosTargetInfo { tos_value, tos_mask } = *info;
        Some(Self { tos: Tos { value: tos_value, mask: tos_mask } })
    }
}
