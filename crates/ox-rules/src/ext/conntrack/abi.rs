//! How the kernel stores `-m conntrack`, in three revisions, and `-m state` in the last of them.
//!
//! ABI: uapi/linux/netfilter/xt_conntrack.h. Kernel: net/netfilter/xt_conntrack.c.
use super::super::prelude::*;
use super::{Conntrack, Host, Rest, Span, States, Statuses};
use ox_wire::xtables::conn::{XtConntrackMtinfo1, XtConntrackMtinfo2, XtConntrackMtinfo3};

/// The revisions differ in how wide masks and ports are; each is written and read by way of this one, the newest.
impl Xt<3> for Conntrack {
    type Info = XtConntrackMtinfo3;

    fn encode(&self, cx: &Carry<'_>) -> Option<Self::Info> {
        let Self { state, rest: _ } = *self;
        let Rest { proto, addrs, ports, status, expire, dir } = self.rest();
        let mut info = XtConntrackMtinfo3::default();
        let mut say = |part: u16, not: Option<bool>| {
            if let Some(not) = not {
                info.match_flags |= 1 << part;
                info.invert_flags |= u16::from(not) << part;
            }
        };
        say(STATE, state.map(|s| s.not));
        say(PROTO, proto.map(|p| p.not));
        for end in 0..4 {
            say(ADDR + end as u16, addrs[end].map(|a| a.not));
            say(PORT + end as u16, ports[end].map(|p| p.not));
        }
        say(STATUS, status.map(|s| s.not));
        say(EXPIRES, expire.map(|e| e.not));
        // The other way is this one denied: there is no field for it.
        say(DIRECTION, dir.map(|d| d == Dir::Reply));
        info.state_mask = state.map_or(0, |s| s.is.0);
        info.status_mask = status.map_or(Some(0), |s| u16::try_from(s.is.0).ok())?;
        info.l4proto = proto.map_or(0, |p| p.is.into());
        for end in 0..4 {
            if let Some(host) = addrs[end] {
                info.addrs[end] = [inet(host.is.addr, cx.family), inet_mask(host.is.len, cx.family)];
            }
            if let Some(port) = ports[end] {
                info.ports[end] = u16::try_from(port.is.lo).ok()?;
                info.ports_high[end] = u16::try_from(port.is.hi).ok()?;
            }
        }
        (info.expires_min, info.expires_max) = expire.map_or((0, 0), |e| (e.is.lo, e.is.hi));
        Some(info)
    }

    fn decode(info: &Self::Info, cx: &Carry<'_>) -> Option<Self> {
        let said = |part: u16| (info.match_flags & 1 << part != 0).then_some(info.invert_flags & 1 << part != 0);
        let state = said(STATE).map(|not| Inv { is: States(info.state_mask), not });
        let mut rest = Rest {
            proto: said(PROTO).and_then(|not| Some(Inv { is: u8::try_from(info.l4proto).ok()?, not })),
            status: said(STATUS).map(|not| Inv { is: Statuses(info.status_mask.into()), not }),
            expire: said(EXPIRES).map(|not| Inv { is: Span { lo: info.expires_min, hi: info.expires_max }, not }),
            dir: said(DIRECTION).map(|reply| if reply { Dir::Reply } else { Dir::Original }),
            ..Rest::default()
        };
        for end in 0..4 {
            if let Some(not) = said(ADDR + end as u16) {
                let [host, mask] = info.addrs[end].map(|a| addr(&a, cx.family));
                let is = Host { addr: host, len: Net::new(0, mask).prefix_len(cx.family)? };
                rest.addrs[end] = Some(Inv { is, not });
            }
            rest.ports[end] = said(PORT + end as u16).map(|not| {
                let is = Span { lo: info.ports[end].into(), hi: info.ports_high[end].into() };
                Inv { is, not }
            });
        }
        Some(Self { state, rest: (rest != Rest::default()).then(|| Box::new(rest)) })
    }

    fn settle(info: &mut Self::Info, cx: &Carry<'_>) {
        info.addrs.iter_mut().for_each(|[_, mask]| settle_mask(mask, cx.family));
    }
}

/// Bits of `match_flags` and `invert_flags`; addresses and ports take four neighbours each.
const STATE: u16 = 0;
const PROTO: u16 = 1;
const ADDR: u16 = 2;
const STATUS: u16 = 6;
const EXPIRES: u16 = 7;
const PORT: u16 = 8;
const DIRECTION: u16 = 12;
/// Nothing is asked by it: `-m state` was typed.
const STATE_ALIAS: u16 = 13;

/// What `-m state` becomes.
pub(in super::super) fn alias(state: Inv<States>) -> XtConntrackMtinfo3 {
    XtConntrackMtinfo3 {
        match_flags: 1 << STATE | 1 << STATE_ALIAS,
        invert_flags: u16::from(state.not) << STATE,
        state_mask: state.is.0,
        ..Default::default()
    }
}

/// What `-m state` asked.
pub(in super::super) fn aliased(info: &XtConntrackMtinfo3) -> Inv<States> {
    Inv { is: States(info.state_mask), not: info.invert_flags & 1 << STATE != 0 }
}

/// The older revisions are read and written by way of the newest. Their ports are no ranges, and stand in network order; the
/// first has no room for the state UNTRACKED, nor for statuses above the eighth bit.
macro_rules! without_ranges {
    ($($rev:literal $info:ident $padding:tt)*; $same:tt) => { $(without_ranges! { @one $rev $info $padding $same })* };
    (@one $rev:literal $info:ident [$($pad:ident)?] [$($same:ident)*]) => {
        impl Xt<$rev> for Conntrack {
            type Info = $info;

            fn encode(&self, cx: &Carry<'_>) -> Option<Self::Info> {
                let XtConntrackMtinfo3 { $($same,)* ports, ports_high, state_mask, status_mask, _pad } =
                    <Self as Xt<3>>::encode(self, cx)?;
                let (state_mask, status_mask) = (state_mask.try_into().ok()?, status_mask.try_into().ok()?);
                let ports_of = ports.map(Into::into);
                let all = $info { $($same,)* ports: ports_of, state_mask, status_mask, $($pad: Default::default())? };
                (ports == ports_high).then_some(all)
            }

            fn decode(info: &Self::Info, cx: &Carry<'_>) -> Option<Self> {
                let $info { $($same,)* ports, state_mask, status_mask, .. } = *info;
                let (ports, state_mask, status_mask) = (ports.map(|p| p.get()), state_mask.into(), status_mask.into());
                let all = XtConntrackMtinfo3 { $($same,)* ports, ports_high: ports, state_mask, status_mask, ..Default::default() };
                <Self as Xt<3>>::decode(&all, cx)
            }

            fn settle(info: &mut Self::Info, cx: &Carry<'_>) {
                info.addrs.iter_mut().for_each(|[_, mask]| settle_mask(mask, cx.family));
            }
        }
    };
}

without_ranges! {
    2 XtConntrackMtinfo2 [_pad]
    1 XtConntrackMtinfo1 [];
    [addrs expires_min expires_max l4proto match_flags invert_flags]
}
