//! `-m quota`: so many bytes, and no more.
//!
//! Kernel: net/netfilter/xt_quota.c; ABI: uapi/linux/netfilter/xt_quota.h.
use super::prelude::*;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quota {
    bytes: Inv<u64>,
}

options! { Quota;
    /// Bytes that pass before it stops matching; with `!`, before it begins to.
    QUOTA ["quota"] Inv<u64>, .needed() => |q, v| q.bytes = v;
}

impl Ext for Quota {
    const NAME: &'static str = "quota";
    const ABOUT: &'static str = "Matches until a number of bytes has passed this rule.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { bytes } = *self;
        out.opt(bytes.not, "--quota", bytes.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        // Stock does not show the `!` here.
        let Self { bytes: Inv { is, not: _ } } = *self;
        out.word("quota:");
        out.value(is);
        out.word("bytes");
    }
}

impl Matching for Quota {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { bytes: Inv { is, not } } = *self;
        Native::new("quota", Effect::Mutates, move |at| {
            let len = u64::from(at.packet.key.len);
            let left = at.cell(CellKey::Own, || is);
            // The first packet that does not fit ends it: what is left is forfeited, so smaller ones do not pass either.
            let fits = *left >= len;
            *left = if fits { *left - len } else { 0 };
            Ok(fits != not)
        })
        .into()
    }
}
