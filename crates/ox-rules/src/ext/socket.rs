//! `-m socket`: a socket on this host would take the packet.
//!
//! Kernel: net/netfilter/xt_socket.c; ABI: uapi/linux/netfilter/xt_socket.h (revision 3).
//! Which sockets there are, only the host knows: without one the answer is unknown.
use super::prelude::*;

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
