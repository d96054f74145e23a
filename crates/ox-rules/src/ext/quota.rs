//! `-m quota`: so many bytes, and no more.
//!
//! Kernel: net/netfilter/xt_quota.c; ABI: uapi/linux/netfilter/xt_quota.h.
use super::prelude::*;
use ox_wire::xtables::rate::XtQuotaInfo;
use std::mem::offset_of;

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

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { bytes } = *self;
        if i64::try_from(bytes.is).is_err() {
            return nft.no("nft takes no quota beyond 63 bits");
        }
        nft.say(format_args!("quota {}{} bytes", if bytes.not { "over " } else { "" }, bytes.is));
        Some(())
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

impl Xt<0> for Quota {
    type Info = XtQuotaInfo;
    const COMPARE: usize = offset_of!(XtQuotaInfo, master);

    fn encode(&self, _: &Carry<'_>) -> Option<XtQuotaInfo> {
        let Self { bytes } = *self;
        Some(XtQuotaInfo { flags: bytes.not.into(), quota: bytes.is, ..Default::default() })
    }

    fn decode(info: &XtQuotaInfo, _: &Carry<'_>) -> Option<Self> {
        let XtQuotaInfo { flags, pad: _, quota, master: _ } = *info;
        Some(Self { bytes: Inv { is: quota, not: flags != 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        check(Family::V4, TableName::Filter, "-m quota ! --quota 0x10", "-m quota ! --quota 16", "quota: 16 bytes");
        for line in ["-m quota", "-m quota --quota -1", "-m quota --quota 18446744073709551616"] {
            refused(Family::V4, TableName::Filter, line);
        }
    }

    /// What does not fit ends it, and smaller packets do not pass afterwards.
    #[test]
    fn the_first_that_does_not_fit_ends_it() {
        for (not, line) in [(false, "-m quota --quota 300"), (true, "-m quota ! --quota 300")] {
            let mut trial = Trial::of(line);
            let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
            let mut lens = [128, 128, 128, 20].into_iter().map(|len| {
                packet.key.len = len;
                trial.takes(&mut packet) == Ok(!not)
            });
            assert_eq!(
                [lens.next(), lens.next(), lens.next(), lens.next()].map(Option::unwrap),
                [true, true, false, false]
            );
        }
    }
}
