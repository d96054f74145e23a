//! `-m socket`: a socket on this host would take the packet.
//!
//! Kernel: net/netfilter/xt_socket.c; ABI: uapi/linux/netfilter/xt_socket.h (revision 3).
//! Which sockets there are, only the host knows: without one the answer is unknown.
use super::prelude::*;
use ox_wire::xtables::host::{XtSocketMtinfo1, XtSocketMtinfo2, XtSocketMtinfo3};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Socket {
    transparent: bool,
    nowildcard: bool,
    restore: bool,
}

options! { Socket;
    /// Only sockets with the transparent option.
    TRANSPARENT ["transparent"] Flag => |s, _v| s.transparent = true;
    /// Sockets that listen on any address count as well.
    NOWILDCARD ["nowildcard"] Flag => |s, _v| s.nowildcard = true;
    /// Give the packet the socket's mark.
    RESTORE ["restore-skmark"] Flag => |s, _v| s.restore = true;
}

impl Ext for Socket {
    const NAME: &'static str = "socket";
    const ABOUT: &'static str = "Matches packets that a socket of this host is waiting for.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Input]);
    const DEFRAG: bool = true;

    fn save(&self, out: &mut Out, _: Family) {
        let Self { transparent, nowildcard, restore } = *self;
        for (on, name) in [(transparent, "--transparent"), (nowildcard, "--nowildcard"), (restore, "--restore-skmark")]
        {
            if on {
                out.word(name);
            }
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        out.word("socket");
        self.save(out, show.family);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { transparent, nowildcard, restore } = *self;
        match (nowildcard, transparent) {
            (false, _) => nft.word("socket wildcard 0"),
            // Any socket has the one or the other.
            (true, false) => nft.word("socket transparent <= 1"),
            (true, true) => {}
        }
        if transparent {
            nft.word("socket transparent 1");
        }
        if restore {
            nft.word("meta mark set socket mark");
        }
        Some(())
    }
}

impl Matching for Socket {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { transparent, nowildcard, restore } = *self;
        Native::new("socket", if restore { Effect::Mutates } else { Effect::Stable }, move |at| {
            let Some(found) = at.env.socket(at.packet)? else { return Ok(false) };
            let fits = (nowildcard || !found.wildcard) && (!transparent || found.transparent);
            if fits && restore {
                at.packet.key.mark = found.mark;
            }
            Ok(fits)
        })
        .into()
    }
}

impl Socket {
    /// `XT_SOCKET_…`; `None`: others are set than the first `known` ones.
    fn flags(&self, known: u32) -> Option<u8> {
        let Self { transparent, nowildcard, restore } = *self;
        Some(bits([transparent, nowildcard, restore])).filter(|flags| flags >> known == 0)
    }

    fn from_flags(flags: u8) -> Option<Self> {
        let [transparent, nowildcard, restore] = unbits(flags);
        Some(Self { transparent, nowildcard, restore })
    }
}

impl Xt<3> for Socket {
    type Info = XtSocketMtinfo3;

    fn encode(&self, _: &Carry<'_>) -> Option<XtSocketMtinfo3> {
        Some(XtSocketMtinfo3 { flags: self.flags(3)? })
    }

    fn decode(info: &XtSocketMtinfo3, _: &Carry<'_>) -> Option<Self> {
        Self::from_flags(info.flags)
    }
}

impl Xt<2> for Socket {
    type Info = XtSocketMtinfo2;

    fn encode(&self, _: &Carry<'_>) -> Option<XtSocketMtinfo2> {
        Some(XtSocketMtinfo2 { flags: self.flags(2)? })
    }

    fn decode(info: &XtSocketMtinfo2, _: &Carry<'_>) -> Option<Self> {
        Self::from_flags(info.flags)
    }
}

impl Xt<1> for Socket {
    type Info = XtSocketMtinfo1;

    fn encode(&self, _: &Carry<'_>) -> Option<XtSocketMtinfo1> {
        Some(XtSocketMtinfo1 { flags: self.flags(1)? })
    }

    fn decode(info: &XtSocketMtinfo1, _: &Carry<'_>) -> Option<Self> {
        Self::from_flags(info.flags)
    }
}

/// IPv4 alone.
impl Xt<0> for Socket {
    type Info = [u8; 0];

    fn encode(&self, cx: &Carry<'_>) -> Option<[u8; 0]> {
        self.flags(0).filter(|_| cx.family == Family::V4).map(|_| [])
    }

    fn decode(_: &[u8; 0], _: &Carry<'_>) -> Option<Self> {
        Some(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;
    use crate::ir::SocketAnswer;

    #[test]
    fn text() {
        check(
            Family::V4,
            TableName::Mangle,
            "-m socket --restore-skmark --nowildcard --transparent",
            "-m socket --transparent --nowildcard --restore-skmark",
            "socket --transparent --nowildcard --restore-skmark",
        );
        check(Family::V6, TableName::Mangle, "-m socket", "-m socket", "socket");
        refused(Family::V4, TableName::Mangle, "-m socket ! --transparent");
    }

    #[test]
    fn wildcard_and_mark() {
        let any = SocketAnswer { transparent: false, wildcard: true, mark: 7 };
        for (options, found, fits, mark) in [
            ("", Some(any), false, 0),
            ("--nowildcard", Some(any), true, 0),
            ("--nowildcard --restore-skmark", Some(any), true, 7),
            ("--nowildcard --transparent --restore-skmark", Some(any), false, 0),
            ("", Some(SocketAnswer { wildcard: false, ..any }), true, 0),
            ("--nowildcard", None, false, 0),
        ] {
            let mut trial = Trial::of(&format!("-m socket {options}"));
            trial.world.socket = found;
            let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
            assert_eq!(trial.takes(&mut packet), Ok(fits), "{options}");
            assert_eq!(packet.key.mark, mark, "{options}");
        }
    }
}
