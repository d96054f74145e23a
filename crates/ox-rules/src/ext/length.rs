//! `-m length`: the length of the packet, IP header included.
//!
//! Kernel: net/netfilter/xt_length.c; ABI: uapi/linux/netfilter/xt_length.h.
use super::prelude::*;
use ox_wire::xtables::host::XtLengthInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Length {
    length: Inv<Range>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Range {
    lo: u16,
    hi: u16,
}

options! { Length;
    /// Bytes, or fewest and most of them; either end of a range may be left out.
    LENGTH ["length"] Inv<Range>, .needed() => |l, v| l.length = v;
}

impl Value for Range {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "BYTES[:BYTES]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let end = |t: &str, open: u16| {
            if t.is_empty() {
                return Ok(open);
            }
            let wrong = || format!("`{t}' is not a length: a number from 0 to 65535 is expected");
            number(t, 65535).map(|n| n as u16).ok_or_else(wrong)
        };
        match text.split_once(':') {
            Some((lo, hi)) => Ok(Range { lo: end(lo, 0)?, hi: end(hi, u16::MAX)? }),
            // Stock takes no word at all for no bytes at all.
            None => end(text, 0).map(|n| Range { lo: n, hi: n }),
        }
    }
}

impl Print for Range {
    fn print(&self, out: &mut Out) {
        out.dec(self.lo.into());
        if self.lo != self.hi {
            out.raw(":");
            out.dec(self.hi.into());
        }
    }
}

impl Ext for Length {
    const NAME: &'static str = "length";
    const ABOUT: &'static str = "Compares the length of the packet, IP header included.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { length } = *self;
        out.opt(length.not, "--length", length.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { length } = *self;
        out.word("length");
        out.word(if length.not { "!" } else { "" });
        length.is.print(out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { length: Inv { is: Range { lo, hi }, not } } = *self;
        if lo > hi {
            return nft.no("nft takes no range that runs backwards; no length is in it");
        }
        if lo == hi {
            nft.test("meta length", not, lo);
        } else {
            nft.test("meta length", not, format_args!("{lo}-{hi}"));
        }
        Some(())
    }
}

impl Matching for Length {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { length } = *self;
        Pred::range(Field::Len, length.is.lo, length.is.hi).not_if(length.not)
    }
}

impl Xt<0> for Length {
    type Info = XtLengthInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtLengthInfo> {
        let Self { length } = *self;
        let Range { lo, hi } = length.is;
        Some(XtLengthInfo { min: lo, max: hi, invert: length.not.into(), ..Default::default() })
    }

    fn decode(info: &XtLengthInfo, _: &Carry<'_>) -> Option<Self> {
        let XtLengthInfo { min, max, invert, _pad } = *info;
        Some(Self { length: Inv { is: Range { lo: min, hi: max }, not: invert != 0 } })
    }
}
