//! How the kernel stores `-j CT` and `-j NOTRACK`.
//!
//! ABI: uapi/linux/netfilter/xt_CT.h. Kernel: net/netfilter/xt_CT.c, whose `usersize` of every revision is that of the first:
//! of a timeout policy's name the kernel tells only the first four bytes.
use super::super::prelude::*;
use super::{Ct, EVENTS, EXP_EVENTS, Notrack, Zone};
use ox_wire::xtables::conn::{XtCtTargetInfo, XtCtTargetInfoV1};
use std::mem::offset_of;

/// `XT_CT_…`
const NOTRACK: u16 = 1 << 0;
const NOTRACK_ALIAS: u16 = 1 << 1;
const ZONE_DIRS: u16 = 2;
const ZONE_MARK: u16 = 1 << 4;

impl Xt<2> for Ct {
    type Info = XtCtTargetInfoV1;
    const COMPARE: usize = offset_of!(XtCtTargetInfoV1, ct);

    fn encode(&self, _: &Carry<'_>) -> Option<XtCtTargetInfoV1> {
        let Self { notrack, helper, timeout, events, exp_events, zone } = self;
        let Zone { id, from_mark, dirs } = *zone;
        let flag = |on: bool, bit: u16| if on { bit } else { 0 };
        Some(XtCtTargetInfoV1 {
            flags: flag(*notrack, NOTRACK) | flag(from_mark, ZONE_MARK) | u16::from(dirs) << ZONE_DIRS,
            zone: id,
            ct_events: (*events).into(),
            exp_events: (*exp_events).into(),
            helper: chars(helper.as_deref().unwrap_or_default())?,
            timeout: chars(timeout.as_deref().unwrap_or_default())?,
            ..Default::default()
        })
    }

    fn decode(info: &XtCtTargetInfoV1, _: &Carry<'_>) -> Option<Self> {
        let XtCtTargetInfoV1 { flags, zone, ct_events, exp_events, helper, timeout, _pad, ct: _ } = info;
        let name = |chars| Some(Some(text(chars)?.into_owned()).filter(|name| !name.is_empty()));
        let known = |events: u32, names: &[&str]| u16::try_from(events).ok().filter(|e| e >> names.len() == 0);
        let mut zone = from_flags(*flags, *zone);
        zone.settle();
        Some(Self {
            notrack: flags & NOTRACK != 0,
            helper: name(helper)?,
            timeout: name(timeout)?,
            events: known(*ct_events, &EVENTS)?,
            exp_events: known(*exp_events, &EXP_EVENTS)?,
            zone,
        })
    }

    fn settle(info: &mut XtCtTargetInfoV1, _: &Carry<'_>) {
        let mut zone = from_flags(info.flags, info.zone);
        zone.settle();
        info.zone = zone.id;
        info.flags = info.flags & !(3 << ZONE_DIRS) | u16::from(zone.dirs) << ZONE_DIRS;
    }
}

fn from_flags(flags: u16, id: u16) -> Zone {
    Zone { id, from_mark: flags & ZONE_MARK != 0, dirs: (flags >> ZONE_DIRS & 3) as u8 }
}

/// It knows a zone for both ways alone.
impl Xt<1> for Ct {
    type Info = XtCtTargetInfoV1;
    const COMPARE: usize = offset_of!(XtCtTargetInfoV1, ct);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtCtTargetInfoV1> {
        <Self as Xt<2>>::encode(self, cx).filter(|info| info.flags & !NOTRACK == 0)
    }

    fn decode(info: &XtCtTargetInfoV1, cx: &Carry<'_>) -> Option<Self> {
        <Self as Xt<2>>::decode(info, cx)
    }
}

/// As revision 1, without timeout policies.
impl Xt<0> for Ct {
    type Info = XtCtTargetInfo;
    const COMPARE: usize = offset_of!(XtCtTargetInfo, ct);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtCtTargetInfo> {
        let XtCtTargetInfoV1 { flags, zone, ct_events, exp_events, helper, timeout: _, _pad, ct: _ } =
            <Self as Xt<1>>::encode(self, cx)?;
        let info = XtCtTargetInfo { flags, zone, ct_events, exp_events, helper, ..Default::default() };
        self.timeout.is_none().then_some(info)
    }

    fn decode(info: &XtCtTargetInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtCtTargetInfo { flags, zone, ct_events, exp_events, helper, _pad, ct: _ } = *info;
        let info = XtCtTargetInfoV1 { flags, zone, ct_events, exp_events, helper, ..Default::default() };
        <Self as Xt<1>>::decode(&info, cx)
    }
}

/// `CT` that remembers what it was called.
impl Xt<2> for Notrack {
    type Info = XtCtTargetInfoV1;
    const KERNEL: Option<&'static str> = Some("CT");
    const COMPARE: usize = offset_of!(XtCtTargetInfoV1, ct);

    fn encode(&self, _: &Carry<'_>) -> Option<XtCtTargetInfoV1> {
        let Self = self;
        Some(XtCtTargetInfoV1 { flags: NOTRACK | NOTRACK_ALIAS, ..Default::default() })
    }

    fn decode(_: &XtCtTargetInfoV1, _: &Carry<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// A target of its own, as it was before CT.
impl Xt<0> for Notrack {
    type Info = [u8; 0];

    fn encode(&self, _: &Carry<'_>) -> Option<[u8; 0]> {
        let Self = self;
        Some([])
    }

    fn decode(_: &[u8; 0], _: &Carry<'_>) -> Option<Self> {
        Some(Self)
    }
}
