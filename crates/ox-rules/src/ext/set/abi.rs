//! How the kernel stores `-m set` and `-j SET`: sets stand in rules by number.
//!
//! ABI: uapi/linux/netfilter/xt_set.h. Kernel: net/netfilter/xt_set.c, whose `compat_flags` turns revision 0 into what it
//! needs, in place.
use super::super::prelude::*;
use super::{ChangeSet, Count, DIMS_MAX, Named, Set, flag};
use ox_wire::xtables::set::{IpSetCounterMatch, IpSetCounterMatch0, XtSetInfo, XtSetInfoV0};
use ox_wire::xtables::set::{XtSetInfoMatchV0, XtSetInfoMatchV1, XtSetInfoMatchV3, XtSetInfoMatchV4};
use ox_wire::xtables::set::{XtSetInfoTargetV0, XtSetInfoTargetV1, XtSetInfoTargetV2, XtSetInfoTargetV3};

/// Bits of `flags` beside a set (ABI: uapi/linux/netfilter/ipset/ip_set.h): not the set, and from the next one on which
/// dimensions are sources.
const INV_MATCH: u8 = 1 << 0;
const RETURN_NOMATCH: u8 = 1 << 7;
/// No set (`IPSET_INVALID_ID`).
const NO_SET: u16 = u16::MAX;
/// `--exist` (`IPSET_FLAG_EXIST`).
const EXIST: u32 = 1 << 0;
/// No timeout of its own.
const NO_TIMEOUT: u32 = u32::MAX;

impl Named {
    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfo> {
        let Self { name, dims } = self;
        let mut sides = [false; DIMS_MAX];
        sides.get_mut(..dims.len())?.copy_from_slice(dims);
        Some(XtSetInfo { index: cx.sets.number(name)?, dim: dims.len() as u8, flags: bits(sides) << 1 })
    }

    fn decode(info: &XtSetInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfo { index, dim, flags } = *info;
        let sides: [bool; DIMS_MAX] = unbits(flags >> 1);
        Some(Self { name: cx.sets.name(index)?, dims: sides.get(..usize::from(dim))?.to_vec() })
    }
}

impl Count {
    fn numbered((op, value): (u8, u64)) -> Option<Self> {
        [Count::Any, Count::Eq(value), Count::Ne(value), Count::Lt(value), Count::Gt(value)].into_iter().nth(op.into())
    }
}

impl Xt<4> for Set {
    type Info = XtSetInfoMatchV4;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoMatchV4> {
        let Self { set, flags, packets, bytes } = self;
        let mut match_set = set.is.encode(cx)?;
        match_set.flags |= if set.not { INV_MATCH } else { 0 };
        let counter = |count: Count| {
            let (op, value) = count.asked();
            IpSetCounterMatch { value, op, ..Default::default() }
        };
        Some(XtSetInfoMatchV4 {
            match_set,
            packets: counter(*packets),
            bytes: counter(*bytes),
            flags: *flags,
            ..Default::default()
        })
    }

    fn decode(info: &XtSetInfoMatchV4, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoMatchV4 { match_set, _gap, packets, bytes, flags, _pad } = info;
        let known = flag::RETURN_NOMATCH | flag::SKIP_COUNTERS | flag::SKIP_SUBCOUNTERS;
        (flags & !known == 0).then_some(Self {
            set: Inv { is: Named::decode(match_set, cx)?, not: match_set.flags & INV_MATCH != 0 },
            flags: *flags,
            packets: Count::numbered((packets.op, packets.value))?,
            bytes: Count::numbered((bytes.op, bytes.value))?,
        })
    }
}

/// Counters stand otherwise in it.
impl Xt<3> for Set {
    type Info = XtSetInfoMatchV3;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoMatchV3> {
        let XtSetInfoMatchV4 { match_set, _gap, packets, bytes, flags, _pad } = <Self as Xt<4>>::encode(self, cx)?;
        let counter = |c: IpSetCounterMatch| IpSetCounterMatch0 { op: c.op, value: c.value, ..Default::default() };
        Some(XtSetInfoMatchV3 {
            match_set,
            packets: counter(packets),
            bytes: counter(bytes),
            flags,
            ..Default::default()
        })
    }

    fn decode(info: &XtSetInfoMatchV3, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoMatchV3 { match_set, _gap, packets, bytes, flags, _pad } = *info;
        let counter = |c: IpSetCounterMatch0| IpSetCounterMatch { op: c.op, value: c.value, ..Default::default() };
        let info = XtSetInfoMatchV4 {
            match_set,
            packets: counter(packets),
            bytes: counter(bytes),
            flags,
            ..Default::default()
        };
        <Self as Xt<4>>::decode(&info, cx)
    }
}

/// Beside the set it says `--return-nomatch` alone.
impl Xt<2> for Set {
    type Info = XtSetInfoMatchV1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoMatchV1> {
        let XtSetInfoMatchV4 { mut match_set, _gap, packets, bytes, flags, _pad } = <Self as Xt<4>>::encode(self, cx)?;
        if flags == flag::RETURN_NOMATCH {
            match_set.flags |= RETURN_NOMATCH;
        } else if flags != 0 {
            return None;
        }
        (packets.op == 0 && bytes.op == 0).then_some(XtSetInfoMatchV1 { match_set })
    }

    fn decode(info: &XtSetInfoMatchV1, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoMatchV1 { mut match_set } = *info;
        let nomatch = match_set.flags & RETURN_NOMATCH != 0;
        match_set.flags &= !RETURN_NOMATCH;
        let flags = if nomatch { flag::RETURN_NOMATCH } else { 0 };
        <Self as Xt<4>>::decode(&XtSetInfoMatchV4 { match_set, flags, ..Default::default() }, cx)
    }
}

/// Not even that.
impl Xt<1> for Set {
    type Info = XtSetInfoMatchV1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoMatchV1> {
        <Self as Xt<2>>::encode(self, cx).filter(|_| self.flags == 0)
    }

    fn decode(info: &XtSetInfoMatchV1, cx: &Carry<'_>) -> Option<Self> {
        <Self as Xt<2>>::decode(info, cx)
    }
}

/// A set as revision 0 has it: a word for each dimension, of IPv4 alone.
fn old(set: XtSetInfo, cx: &Carry<'_>) -> Option<XtSetInfoV0> {
    let XtSetInfo { index, dim, flags } = set;
    let mut old = XtSetInfoV0 { index, ..Default::default() };
    for (i, word) in old.flags.iter_mut().take(dim.into()).enumerate() {
        *word = if flags & 2 << i != 0 { SRC } else { DST };
    }
    old.flags[0] |= if flags & INV_MATCH != 0 { MATCH_INV } else { 0 };
    (cx.family == Family::V4).then_some(old)
}

fn from_old(old: &XtSetInfoV0) -> XtSetInfo {
    let XtSetInfoV0 { index, _pad, flags } = *old;
    let dims = flags.iter().take(DIMS_MAX).take_while(|word| **word & (SRC | DST) != 0);
    let sources = flags.iter().take(DIMS_MAX).map(|word| word & SRC != 0).enumerate();
    let sources = sources.fold(0, |all, (i, src)| all | u8::from(src) << (i + 1));
    let not = if flags[0] & MATCH_INV != 0 { INV_MATCH } else { 0 };
    XtSetInfo { index, dim: dims.count() as u8, flags: sources | not }
}

/// The kernel puts its own form over the last word, which no dimension needs.
fn settle_old(old: &mut XtSetInfoV0) {
    old.flags[DIMS_MAX] = 0;
}

/// Words of a dimension, and of the first for the set.
const SRC: u32 = 1;
const DST: u32 = 2;
const MATCH_INV: u32 = 4;

/// As revision 1, written otherwise.
impl Xt<0> for Set {
    type Info = XtSetInfoMatchV0;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoMatchV0> {
        let XtSetInfoMatchV1 { match_set } = <Self as Xt<1>>::encode(self, cx)?;
        Some(XtSetInfoMatchV0 { match_set: old(match_set, cx)? })
    }

    fn decode(info: &XtSetInfoMatchV0, cx: &Carry<'_>) -> Option<Self> {
        <Self as Xt<1>>::decode(&XtSetInfoMatchV1 { match_set: from_old(&info.match_set) }, cx)
    }

    fn settle(info: &mut XtSetInfoMatchV0, _: &Carry<'_>) {
        settle_old(&mut info.match_set);
    }
}

impl Xt<3> for ChangeSet {
    type Info = XtSetInfoTargetV3;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoTargetV3> {
        let Self { add, del, map, exist, timeout, maps } = self;
        let set = |set: &Option<Named>| match set {
            Some(set) => set.encode(cx),
            None => Some(XtSetInfo { index: NO_SET, ..Default::default() }),
        };
        Some(XtSetInfoTargetV3 {
            add_set: set(add)?,
            del_set: set(del)?,
            map_set: set(map)?,
            flags: maps | if *exist { EXIST } else { 0 },
            timeout: timeout.unwrap_or(NO_TIMEOUT),
        })
    }

    fn decode(info: &XtSetInfoTargetV3, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoTargetV3 { add_set, del_set, map_set, flags, timeout } = info;
        let set = |set: &XtSetInfo| match set.index {
            NO_SET => Some(None),
            _ => Named::decode(set, cx).map(Some),
        };
        Some(Self {
            add: set(add_set)?,
            del: set(del_set)?,
            map: set(map_set)?,
            exist: flags & EXIST != 0,
            timeout: Some(*timeout).filter(|&t| t != NO_TIMEOUT),
            maps: flags & (flag::MAP_MARK | flag::MAP_PRIO | flag::MAP_QUEUE),
        })
    }
}

/// It takes nothing from a set.
impl Xt<2> for ChangeSet {
    type Info = XtSetInfoTargetV2;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoTargetV2> {
        let XtSetInfoTargetV3 { add_set, del_set, map_set: _, flags, timeout } = <Self as Xt<3>>::encode(self, cx)?;
        let info = XtSetInfoTargetV2 { add_set, del_set, flags, timeout };
        self.map.is_none().then_some(info)
    }

    fn decode(info: &XtSetInfoTargetV2, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoTargetV2 { add_set, del_set, flags, timeout } = *info;
        let map_set = XtSetInfo { index: NO_SET, ..Default::default() };
        <Self as Xt<3>>::decode(&XtSetInfoTargetV3 { add_set, del_set, map_set, flags, timeout }, cx)
            .filter(|change| change.maps == 0)
    }
}

/// Nor does it know timeouts.
impl Xt<1> for ChangeSet {
    type Info = XtSetInfoTargetV1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoTargetV1> {
        let XtSetInfoTargetV2 { add_set, del_set, flags, timeout } = <Self as Xt<2>>::encode(self, cx)?;
        (flags == 0 && timeout == NO_TIMEOUT).then_some(XtSetInfoTargetV1 { add_set, del_set })
    }

    fn decode(info: &XtSetInfoTargetV1, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoTargetV1 { add_set, del_set } = *info;
        <Self as Xt<2>>::decode(&XtSetInfoTargetV2 { add_set, del_set, flags: 0, timeout: NO_TIMEOUT }, cx)
    }
}

/// As revision 1, written otherwise.
impl Xt<0> for ChangeSet {
    type Info = XtSetInfoTargetV0;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtSetInfoTargetV0> {
        let XtSetInfoTargetV1 { add_set, del_set } = <Self as Xt<1>>::encode(self, cx)?;
        Some(XtSetInfoTargetV0 { add_set: old(add_set, cx)?, del_set: old(del_set, cx)? })
    }

    fn decode(info: &XtSetInfoTargetV0, cx: &Carry<'_>) -> Option<Self> {
        let XtSetInfoTargetV0 { add_set, del_set } = info;
        let info = XtSetInfoTargetV1 { add_set: from_old(add_set), del_set: from_old(del_set) };
        <Self as Xt<1>>::decode(&info, cx)
    }

    fn settle(info: &mut XtSetInfoTargetV0, _: &Carry<'_>) {
        settle_old(&mut info.add_set);
        settle_old(&mut info.del_set);
    }
}
