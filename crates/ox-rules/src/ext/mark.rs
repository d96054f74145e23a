//! `-m mark` and `-j MARK`: the packet mark.
//!
//! Kernel: net/netfilter/xt_mark.c; ABI: uapi/linux/netfilter/xt_mark.h.
use super::prelude::*;
use ox_wire::xtables::mark::{XtMarkMtinfo1, XtMarkTginfo2};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mark {
    mark: Inv<Masked>,
}

options! { Mark;
    /// The mark, looked at through the mask if one is given.
    MARK ["mark"] Inv<Masked>, .needed() => |m, v| m.mark = v;
}

impl Ext for Mark {
    const NAME: &'static str = "mark";
    const ABOUT: &'static str = "Compares the packet's mark.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { mark } = *self;
        out.opt(mark.not, "--mark", mark.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { mark } = *self;
        out.word("mark match");
        out.raw(if mark.not { " !" } else { "" });
        out.value(mark.is);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { mark } = *self;
        translate_mark("mark", mark, nft)
    }
}

impl Matching for Mark {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { mark } = *self;
        Pred::masked(Field::Mark, mark.is.mask, mark.is.value).not_if(mark.not)
    }
}

impl Xt<1> for Mark {
    type Info = XtMarkMtinfo1;

    fn encode(&self, _: &Carry<'_>) -> Option<XtMarkMtinfo1> {
        let Self { mark } = *self;
        let Masked { value, mask } = mark.is;
        Some(XtMarkMtinfo1 { mark: value, mask, invert: mark.not.into(), ..Default::default() })
    }

    fn decode(info: &XtMarkMtinfo1, _: &Carry<'_>) -> Option<Self> {
        let XtMarkMtinfo1 { mark, mask, invert, _pad } = *info;
        Some(Self { mark: Inv { is: Masked { value: mark, mask }, not: invert != 0 } })
    }
}

/// A mark and its mask in nft's words.
pub(super) fn translate_mark(key: &str, mark: Inv<Masked>, nft: &mut Nft<'_>) -> Option<()> {
    let Inv { is: Masked { value, mask }, not } = mark;
    if mask == u32::MAX {
        nft.test(key, not, format_args!("{value:#x}"));
    } else {
        nft.say(format_args!("{key} and {mask:#x} {} {value:#x}", if not { "!=" } else { "==" }));
    }
    Some(())
}

/// `(key & !mask) ^ value` in nft's words.
pub(super) fn changed(key: &str, value: u32, mask: u32) -> String {
    match (value, mask) {
        (value, u32::MAX) => format!("{value:#x}"),
        (0, mask) => format!("{key} and {:#x}", !mask),
        (value, mask) if value == mask => format!("{key} or {value:#x}"),
        (value, 0) => format!("{key} xor {value:#x}"),
        (value, mask) => format!("{key} and {:#x} xor {value:#x}", !mask),
    }
}

/// The target: `mark = (mark & !mask) ^ value`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetMark {
    value: u32,
    mask: u32,
}

options! { SetMark;
    /// Clear the bits of the mask, then flip those of the value.
    XMARK ["set-xmark"] Masked, .excl(Self::ANY) => |m, v| *m = SetMark { value: v.value, mask: v.mask };
    /// Clear the bits of the mask, then set those of the value.
    MARK ["set-mark"] Masked, .excl(Self::ANY) => |m, v| *m = SetMark { value: v.value, mask: v.value | v.mask };
    /// Keep only these bits.
    AND ["and-mark"] u32, .excl(Self::ANY) => |m, v| *m = SetMark { value: 0, mask: !v };
    /// Set these bits.
    OR ["or-mark"] u32, .excl(Self::ANY) => |m, v| *m = SetMark { value: v, mask: v };
    /// Flip these bits.
    XOR ["xor-mark"] u32, .excl(Self::ANY) => |m, v| *m = SetMark { value: v, mask: 0 };
}

impl SetMark {
    const ANY: u32 = Self::XMARK | Self::MARK | Self::AND | Self::OR | Self::XOR;
}

impl Ext for SetMark {
    const NAME: &'static str = "MARK";
    const ABOUT: &'static str = "Sets the packet's mark and goes on.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 {
            Err("say which mark: --set-xmark, --set-mark, --and-mark, --or-mark or --xor-mark".into())
        } else {
            Ok(())
        }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { value, mask } = *self;
        out.opt(false, "--set-xmark", format_args!("{value:#x}/{mask:#x}"));
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { value, mask } = *self;
        out.word("MARK");
        match (value, mask) {
            (0, mask) => out.opt(false, "and", format_args!("{:#x}", !mask)),
            (value, mask) if value == mask => out.opt(false, "or", format_args!("{value:#x}")),
            (value, 0) => out.opt(false, "xor", format_args!("{value:#x}")),
            (value, u32::MAX) => out.opt(false, "set", format_args!("{value:#x}")),
            (value, mask) => out.opt(false, "xset", format_args!("{value:#x}/{mask:#x}")),
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { value, mask } = *self;
        nft.word("meta mark set");
        nft.word(&changed("mark", value, mask));
        Some(())
    }
}

impl Acting for SetMark {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { value, mask } = *self;
        Act::Set { field: Field::Mark, mask, value }
    }
}

impl Xt<2> for SetMark {
    type Info = XtMarkTginfo2;

    fn encode(&self, _: &Carry<'_>) -> Option<XtMarkTginfo2> {
        let Self { value, mask } = *self;
        Some(XtMarkTginfo2 { mark: value, mask })
    }

    fn decode(info: &XtMarkTginfo2, _: &Carry<'_>) -> Option<Self> {
        let XtMarkTginfo2 { mark, mask } = *info;
        Some(Self { value: mark, mask })
    }
}
