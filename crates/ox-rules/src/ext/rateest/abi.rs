//! How the kernel stores `-m rateest` and `-j RATEEST`.
//!
//! ABI: uapi/linux/netfilter/xt_RATEEST.h, xt_rateest.h.
use super::super::prelude::*;
use super::compare::Mode;
use super::{Rateest, SetRateest};
use ox_wire::xtables::rate::{XtRateestMatchInfo, XtRateestTargetInfo};
use std::mem::offset_of;

impl Xt<0> for SetRateest {
    type Info = XtRateestTargetInfo;
    const COMPARE: usize = offset_of!(XtRateestTargetInfo, _between);

    fn encode(&self, _: &Carry<'_>) -> Option<XtRateestTargetInfo> {
        let Self { name, typed: _, interval, ewma } = self;
        Some(XtRateestTargetInfo {
            name: chars(name)?,
            // Two steps below a second is a quarter of it.
            interval: i8::try_from(*interval).ok()? - 2,
            ewma_log: u8::try_from(*ewma).ok()?,
            ..Default::default()
        })
    }

    fn decode(info: &XtRateestTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtRateestTargetInfo { name, interval, ewma_log, _between, est: _ } = info;
        let interval = u32::try_from(interval.checked_add(2)?).ok().filter(|&n| n < 6)?;
        let ewma = u32::from(*ewma_log);
        (ewma < 32).then_some(())?;
        Some(Self { name: text(name)?.into_owned(), typed: (0.0, 0.0), interval, ewma })
    }
}

/// Bits of `flags` (`XT_RATEEST_MATCH_…`).
mod flag {
    pub(super) const INVERT: u16 = 1 << 0;
    pub(super) const ABS: u16 = 1 << 1;
    pub(super) const REL: u16 = 1 << 2;
    pub(super) const DELTA: u16 = 1 << 3;
    pub(super) const BPS: u16 = 1 << 4;
    pub(super) const PPS: u16 = 1 << 5;
}

impl Mode {
    /// `enum xt_rateest_match_mode`
    const fn number(self) -> u16 {
        match self {
            Mode::Eq => 1,
            Mode::Lt => 2,
            Mode::Gt => 3,
        }
    }
}

impl Xt<0> for Rateest {
    type Info = XtRateestMatchInfo;
    const COMPARE: usize = offset_of!(XtRateestMatchInfo, est1);

    fn encode(&self, _: &Carry<'_>) -> Option<XtRateestMatchInfo> {
        let Self { first, second, delta, not, mode, bytes, packets } = self;
        let on = |on: bool, flag: u16| if on { flag } else { 0 };
        let ((bps1, bps2), (pps1, pps2)) = (bytes.unwrap_or_default(), packets.unwrap_or_default());
        Some(XtRateestMatchInfo {
            name1: chars(first)?,
            name2: chars(second.as_deref().unwrap_or_default())?,
            flags: on(*not, flag::INVERT)
                | if second.is_some() { flag::REL } else { flag::ABS }
                | on(*delta, flag::DELTA)
                | on(bytes.is_some(), flag::BPS)
                | on(packets.is_some(), flag::PPS),
            mode: mode.map_or(0, Mode::number),
            bps1,
            pps1,
            bps2,
            pps2,
            ..Default::default()
        })
    }

    fn decode(info: &XtRateestMatchInfo, _: &Carry<'_>) -> Option<Self> {
        let XtRateestMatchInfo { name1, name2, flags, mode, bps1, pps1, bps2, pps2, _pad, est1: _, est2: _ } = info;
        let on = |flag: u16| flags & flag != 0;
        let mode = match mode {
            0 => None,
            number => Some([Mode::Eq, Mode::Lt, Mode::Gt].into_iter().find(|m| m.number() == *number)?),
        };
        let mut read = Self {
            first: text(name1)?.into_owned(),
            second: if on(flag::REL) { Some(text(name2)?.into_owned()) } else { None },
            delta: on(flag::DELTA),
            not: on(flag::INVERT),
            mode,
            bytes: on(flag::BPS).then_some((*bps1, *bps2)),
            packets: on(flag::PPS).then_some((*pps1, *pps2)),
        };
        read.settle();
        Some(read)
    }

    fn settle(info: &mut XtRateestMatchInfo, _: &Carry<'_>) {
        let on = |flag: u16| info.flags & flag != 0;
        let (delta, both) = (on(flag::DELTA), on(flag::REL));
        let kept = |asked: bool, n: u32| if asked { n } else { 0 };
        (info.bps1, info.pps1) = (kept(delta && on(flag::BPS), info.bps1), kept(delta && on(flag::PPS), info.pps1));
        let second = delta || !both;
        (info.bps2, info.pps2) = (kept(second && on(flag::BPS), info.bps2), kept(second && on(flag::PPS), info.pps2));
    }
}
