//! How the kernel stores `-m recent`.
//!
//! ABI: uapi/linux/netfilter/xt_recent.h. Kernel: net/netfilter/xt_recent.c.
use super::super::prelude::*;
use super::{Recent, What};
use ox_wire::xtables::rate::{XtRecentMtinfo, XtRecentMtinfoV1};

/// Bits of `check_set` (`XT_RECENT_CHECK` and so on).
const WHATS: [What; 4] = [What::Check, What::Set, What::Update, What::Remove];
const TTL: u8 = 1 << 4;
const REAP: u8 = 1 << 5;

impl Xt<1> for Recent {
    type Info = XtRecentMtinfoV1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtRecentMtinfoV1> {
        let Self { what, seconds, reap, hits, rttl, name, mask, dest } = self;
        let asked = WHATS.iter().position(|w| *w == what.is)?;
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = 1 << asked | flag(*rttl, TTL) | flag(*reap, REAP);
        Some(XtRecentMtinfoV1 {
            seconds: *seconds,
            hit_count: *hits,
            check_set: flags,
            invert: what.not.into(),
            name: chars(name)?,
            side: (*dest).into(),
            mask: mask.map_or([0xff; 16], |m| inet(m, cx.family)),
            ..Default::default()
        })
    }

    fn decode(info: &XtRecentMtinfoV1, cx: &Carry<'_>) -> Option<Self> {
        let XtRecentMtinfoV1 { seconds, hit_count, check_set, invert, name, side, _pad, mask } = info;
        let what = WHATS.into_iter().enumerate().find(|(i, _)| check_set & 1 << i != 0)?.1;
        Some(Self {
            what: Inv { is: what, not: *invert != 0 },
            seconds: *seconds,
            reap: check_set & REAP != 0,
            hits: *hit_count,
            rttl: check_set & TTL != 0,
            name: text(name)?.into_owned(),
            mask: Some(addr(mask, cx.family)).filter(|&m| m != Self::whole(cx.family)),
            dest: *side != 0,
        })
    }

    /// Behind the name of the list may stand what is left of `DEFAULT`.
    fn settle(info: &mut XtRecentMtinfoV1, cx: &Carry<'_>) {
        settle_name(&mut info.name);
        settle_mask(&mut info.mask, cx.family);
    }
}

/// It looks at whole addresses.
impl Xt<0> for Recent {
    type Info = XtRecentMtinfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtRecentMtinfo> {
        let XtRecentMtinfoV1 { seconds, hit_count, check_set, invert, name, side, _pad, mask: _ } =
            <Self as Xt<1>>::encode(self, cx)?;
        let info = XtRecentMtinfo { seconds, hit_count, check_set, invert, name, side, ..Default::default() };
        self.mask.is_none().then_some(info)
    }

    fn decode(info: &XtRecentMtinfo, cx: &Carry<'_>) -> Option<Self> {
        let XtRecentMtinfo { seconds, hit_count, check_set, invert, name, side, _pad } = *info;
        let mask = [0xff; 16];
        let info = XtRecentMtinfoV1 { seconds, hit_count, check_set, invert, name, side, mask, ..Default::default() };
        <Self as Xt<1>>::decode(&info, cx)
    }

    fn settle(info: &mut XtRecentMtinfo, _: &Carry<'_>) {
        settle_name(&mut info.name);
    }
}

fn settle_name(name: &mut [u8]) {
    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    name[end..].fill(0);
}
