//! How the kernel stores `-m hashlimit`.
//!
//! ABI: uapi/linux/netfilter/xt_hashlimit.h. Kernel: net/netfilter/xt_hashlimit.c `cfg_copy`.
use super::super::plen;
use super::super::prelude::*;
use super::{GC, HashLimit, Mode, Rate, SCALE};
use ox_wire::xtables::rate::{HashlimitCfg1, HashlimitCfg2, HashlimitCfg3};
use ox_wire::xtables::rate::{XtHashlimitMtinfo1, XtHashlimitMtinfo2, XtHashlimitMtinfo3};
use std::mem::offset_of;

/// Bits of `mode` above those that say what has a limit of its own (`XT_HASHLIMIT_…`).
const INVERT: u32 = 1 << 4;
const BYTES: u32 = 1 << 5;
const RATE_MATCH: u32 = 1 << 6;

impl HashLimit {
    /// What a table is made by. The other revisions are written and read by way of this one, the newest.
    fn cfg(&self, family: Family) -> HashlimitCfg3 {
        let Self {
            name: _,
            rate,
            above,
            burst: _,
            mode,
            size,
            max,
            gc,
            expire: _,
            srcmask,
            dstmask,
            rate_match,
            interval: _,
        } = self;
        let Mode { srcip, srcport, dstip, dstport } = *mode;
        let (avg, bytes) = match *rate {
            Rate::Packets { period, unit: _ } => (period, 0),
            Rate::Bytes { cost } => (cost.into(), BYTES),
        };
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        HashlimitCfg3 {
            avg,
            burst: self.burst(),
            mode: u32::from(bits([dstip, dstport, srcip, srcport]))
                | flag(*above, INVERT)
                | bytes
                | flag(*rate_match, RATE_MATCH),
            size: *size,
            max: *max,
            gc_interval: gc.unwrap_or(GC),
            expire: self.expire(),
            interval: if *rate_match { self.interval() } else { 0 },
            srcmask: srcmask.unwrap_or(plen::width(family)),
            dstmask: dstmask.unwrap_or(plen::width(family)),
            ..Default::default()
        }
    }

    fn from_cfg(name: &[u8], cfg: &HashlimitCfg3, family: Family) -> Option<Self> {
        let HashlimitCfg3 { avg, burst, mode, size, max, gc_interval, expire, interval, srcmask, dstmask, _pad } = *cfg;
        let [dstip, dstport, srcip, srcport] = unbits(mode as u8);
        let bytes = mode & BYTES != 0;
        let rate_match = mode & RATE_MATCH != 0;
        let mask = |mask: u8| Some(mask).filter(|&m| m != plen::width(family));
        Some(Self {
            name: text(name)?.into_owned(),
            rate: if bytes {
                Rate::Bytes { cost: avg.try_into().ok()? }
            } else {
                Rate::Packets { period: avg, unit: 1 }
            },
            above: mode & INVERT != 0,
            burst: Some(burst).filter(|&b| !bytes || b != 0),
            mode: Mode { srcip, srcport, dstip, dstport },
            size,
            max,
            gc: Some(gc_interval).filter(|&gc| gc != GC),
            expire: Some(expire),
            srcmask: mask(srcmask),
            dstmask: mask(dstmask),
            rate_match,
            interval: Some(interval).filter(|&i| rate_match && i != 1),
        })
    }
}

impl Xt<3> for HashLimit {
    type Info = XtHashlimitMtinfo3;
    const COMPARE: usize = offset_of!(XtHashlimitMtinfo3, hinfo);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtHashlimitMtinfo3> {
        Some(XtHashlimitMtinfo3 { name: chars(&self.name)?, cfg: self.cfg(cx.family), ..Default::default() })
    }

    fn decode(info: &XtHashlimitMtinfo3, cx: &Carry<'_>) -> Option<Self> {
        let XtHashlimitMtinfo3 { name, _gap, cfg, hinfo: _ } = info;
        Self::from_cfg(name, cfg, cx.family)
    }

    /// Nobody looks at an interval that no rate is compared over.
    fn settle(info: &mut XtHashlimitMtinfo3, _: &Carry<'_>) {
        if info.cfg.mode & RATE_MATCH == 0 {
            info.cfg.interval = 0;
        }
    }
}

/// It compares no rates of intervals.
impl Xt<2> for HashLimit {
    type Info = XtHashlimitMtinfo2;
    const COMPARE: usize = offset_of!(XtHashlimitMtinfo2, hinfo);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtHashlimitMtinfo2> {
        let HashlimitCfg3 { avg, burst, mode, size, max, gc_interval, expire, interval: _, srcmask, dstmask, _pad } =
            self.cfg(cx.family);
        let cfg =
            HashlimitCfg2 { avg, burst, mode, size, max, gc_interval, expire, srcmask, dstmask, ..Default::default() };
        let info = XtHashlimitMtinfo2 { name: chars(&self.name)?, cfg, ..Default::default() };
        (!self.rate_match).then_some(info)
    }

    fn decode(info: &XtHashlimitMtinfo2, cx: &Carry<'_>) -> Option<Self> {
        let XtHashlimitMtinfo2 { name, _gap, cfg, hinfo: _ } = info;
        let HashlimitCfg2 { avg, burst, mode, size, max, gc_interval, expire, srcmask, dstmask, _pad } = *cfg;
        let cfg =
            HashlimitCfg3 { avg, burst, mode, size, max, gc_interval, expire, srcmask, dstmask, ..Default::default() };
        Self::from_cfg(name, &cfg, cx.family).filter(|h| !h.rate_match)
    }
}

/// Nor does it know long names or packets closer than a ten-thousandth of a second: its times are so many (`XT_HASHLIMIT_SCALE`).
impl Xt<1> for HashLimit {
    type Info = XtHashlimitMtinfo1;
    const COMPARE: usize = offset_of!(XtHashlimitMtinfo1, hinfo);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtHashlimitMtinfo1> {
        let HashlimitCfg3 { avg, burst, mode, size, max, gc_interval, expire, interval: _, srcmask, dstmask, _pad } =
            self.cfg(cx.family);
        let finer = if mode & BYTES == 0 { FINER } else { 1 };
        let cfg = HashlimitCfg1 {
            mode,
            avg: u32::try_from(avg / finer).ok()?,
            burst: u32::try_from(burst).ok()?,
            size,
            max,
            gc_interval,
            expire,
            srcmask,
            dstmask,
            ..Default::default()
        };
        let info = XtHashlimitMtinfo1 { name: chars(&self.name)?, cfg, ..Default::default() };
        (!self.rate_match && avg % finer == 0).then_some(info)
    }

    fn decode(info: &XtHashlimitMtinfo1, cx: &Carry<'_>) -> Option<Self> {
        let XtHashlimitMtinfo1 { name, cfg, hinfo: _ } = info;
        let HashlimitCfg1 { mode, avg, burst, size, max, gc_interval, expire, srcmask, dstmask, _pad } = *cfg;
        let finer = if mode & BYTES == 0 { FINER } else { 1 };
        let cfg = HashlimitCfg3 {
            avg: u64::from(avg) * finer,
            burst: burst.into(),
            mode,
            size,
            max,
            gc_interval,
            expire,
            srcmask,
            dstmask,
            ..Default::default()
        };
        Self::from_cfg(name, &cfg, cx.family).filter(|h| !h.rate_match)
    }
}

/// Parts of a second now, for each that revision 1 knew.
const FINER: u64 = SCALE / 10_000;
