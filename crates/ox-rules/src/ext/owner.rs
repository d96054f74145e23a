//! `-m owner`: who has the socket that a packet was sent from.
//!
//! Kernel: net/netfilter/xt_owner.c; ABI: uapi/linux/netfilter/xt_owner.h (revision 1).
use super::prelude::*;
use ox_wire::xtables::host::XtOwnerMatchInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owner {
    uid: Option<Inv<Ids>>,
    gid: Option<Inv<Ids>>,
    /// Whether there is to be a socket at all.
    socket: Option<bool>,
    suppl: bool,
}

/// First and last number of a user or group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ids {
    lo: u32,
    hi: u32,
}

struct User(Ids);
struct Group(Ids);

options! { Owner;
    /// User who sent it, by name or number, or a range of numbers.
    UID ["uid-owner"] Inv<User> => |o, v| o.uid = Some(Inv { is: v.is.0, not: v.not });
    /// Group that sent it, likewise.
    GID ["gid-owner"] Inv<Group> => |o, v| o.gid = Some(Inv { is: v.is.0, not: v.not });
    /// It comes from a socket at all.
    SOCKET ["socket-exists"] Inv<Flag> => |o, v| o.socket = Some(!v.not);
    /// Look at the supplementary groups as well (after --gid-owner).
    SUPPL ["suppl-groups"] Flag => |o, _v| o.suppl();
}

impl Value for User {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "USER|UID[-UID]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        match cx.names.user(args[0]) {
            Some(n) => Ok(Self(Ids { lo: n, hi: n })),
            None => Ids::read(args[0], "user").map(Self),
        }
    }
}

impl Value for Group {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "GROUP|GID[-GID]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        match cx.names.group(args[0]) {
            Some(n) => Ok(Self(Ids { lo: n, hi: n })),
            None => Ids::read(args[0], "group").map(Self),
        }
    }
}

impl Ids {
    /// The last number stands for "nobody" in the kernel and cannot be asked for.
    const MAX: u32 = u32::MAX - 1;

    fn read(text: &str, what: &str) -> Result<Self, String> {
        let ids = match text.split_once(['-', ':']) {
            None => number(text, Self::MAX).map(|n| (n, n)),
            Some((lo, hi)) => number(lo, Self::MAX).zip(number(hi, Self::MAX)),
        };
        ids.map(|(lo, hi)| Self { lo, hi })
            .ok_or_else(|| format!("`{text}' is neither a known {what} nor a number or range up to {}", Self::MAX))
    }

    fn has(self, id: u32) -> bool {
        self.lo <= id && id <= self.hi
    }
}

impl Print for Ids {
    fn print(&self, out: &mut Out) {
        self.lo.print(out);
        if self.lo != self.hi {
            out.raw("-");
            self.hi.print(out);
        }
    }
}

impl Owner {
    fn suppl(&mut self) -> Result<(), String> {
        if self.gid.is_none() {
            return Err("supplementary groups go with `--gid-owner', which must come before".into());
        }
        self.suppl = true;
        Ok(())
    }
}

impl Ext for Owner {
    const NAME: &'static str = "owner";
    const ABOUT: &'static str = "Asks which user or group sent a packet from this host.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Output, Hook::Postrouting]);

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::UID | Self::GID | Self::SOCKET) == 0 {
            return Err("say who: --uid-owner, --gid-owner or --socket-exists".into());
        }
        Ok(())
    }

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        for (ids, what) in [(self.uid, "users"), (self.gid, "groups")] {
            if ids.is_some_and(|i| i.is.lo > i.is.hi) {
                return Err(Refused::invalid(format!("owner: the range of {what} runs backwards")));
            }
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { uid, gid, socket, suppl } = *self;
        if let Some(yes) = socket {
            out.flag(!yes, "--socket-exists");
        }
        if let Some(uid) = uid {
            out.opt(uid.not, "--uid-owner", uid.is);
        }
        if let Some(gid) = gid {
            out.opt(gid.not, "--gid-owner", gid.is);
        }
        if suppl {
            out.word("--suppl-groups");
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { uid, gid, socket, suppl } = *self;
        if let Some(yes) = socket {
            out.flag(!yes, "owner socket exists");
        }
        let mut who = |ids: Option<Inv<Ids>>, label: &str, name: &dyn Fn(u32) -> Option<String>| {
            let Some(Inv { is, not }) = ids else { return };
            out.flag(not, label);
            match name(is.lo).filter(|_| !show.numeric && is.lo == is.hi) {
                Some(name) => out.word(&name),
                None => out.value(is),
            }
        };
        who(uid, "owner UID match", &|n| show.names.user_name(n));
        who(gid, "owner GID match", &|n| show.names.group_name(n));
        if suppl {
            out.word("incl. suppl. groups");
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { uid, gid, socket, suppl } = *self;
        if suppl || socket.is_some() {
            return nft.no("nft knows neither --suppl-groups nor --socket-exists");
        }
        for (key, ids) in [("skuid", uid), ("skgid", gid)] {
            let Some(Inv { is: Ids { lo, hi }, not }) = ids else { continue };
            if lo > hi {
                return nft.no("nft takes no range of ids that runs backwards; nobody is in it");
            }
            if not {
                nft.note("packets that no socket sends pass `! --uid-owner' and `! --gid-owner'; nft asks for the owner only \
                     where there is a socket");
            }
            match lo == hi {
                true => nft.test(key, not, lo),
                false => nft.test(key, not, format_args!("{lo}-{hi}")),
            }
        }
        Some(())
    }
}

impl Matching for Owner {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { uid, gid, socket, suppl } = *self;
        Native::new("owner", Effect::Stable, move |at| {
            let Some(owner) = at.env.owner(at.packet)? else {
                // Nobody sent it: right only where everything asked for was turned round, which `--suppl-groups` cannot be.
                let turned = |i: Option<Inv<Ids>>| i.is_none_or(|i| i.not);
                return Ok(turned(uid) && turned(gid) && socket != Some(true) && !suppl);
            };
            if socket == Some(false) {
                return Ok(false);
            }
            if owner.nobody {
                // Kernel: a socket without a file passes only where users and groups are not asked for, or turned round.
                return Ok(uid.is_none_or(|u| u.not) && gid.is_none_or(|g| g.not));
            }
            let user = uid.is_none_or(|u| u.is.has(owner.uid) != u.not);
            let group = gid.is_none_or(|g| {
                let among = g.is.has(owner.gid) || suppl && owner.groups.iter().any(|&id| g.is.has(id));
                among != g.not
            });
            Ok(user && group)
        })
        .into()
    }
}

impl Xt<1> for Owner {
    type Info = XtOwnerMatchInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtOwnerMatchInfo> {
        let Self { uid, gid, socket, suppl } = *self;
        let [users, groups] = [uid, gid].map(|ids| ids.map_or(Ids::default(), |i| i.is));
        Some(XtOwnerMatchInfo {
            uid_min: users.lo,
            uid_max: users.hi,
            gid_min: groups.lo,
            gid_max: groups.hi,
            asked: bits([uid.is_some(), gid.is_some(), socket.is_some(), suppl]),
            invert: bits([uid.is_some_and(|u| u.not), gid.is_some_and(|g| g.not), socket == Some(false)]),
            ..Default::default()
        })
    }

    fn decode(info: &XtOwnerMatchInfo, _: &Carry<'_>) -> Option<Self> {
        let XtOwnerMatchInfo { uid_min, uid_max, gid_min, gid_max, asked, invert, _pad } = *info;
        let [uid, gid, socket, suppl] = unbits(asked);
        let [not_uid, not_gid, no_socket] = unbits(invert);
        Some(Self {
            uid: uid.then_some(Inv { is: Ids { lo: uid_min, hi: uid_max }, not: not_uid }),
            gid: gid.then_some(Inv { is: Ids { lo: gid_min, hi: gid_max }, not: not_gid }),
            socket: socket.then_some(!no_socket),
            suppl,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        check(
            Family::V4,
            TableName::Filter,
            "-m owner ! --gid-owner 5-5 --suppl-groups --uid-owner 0x10:20 ! --socket-exists",
            "-m owner ! --socket-exists --uid-owner 16-20 ! --gid-owner 5 --suppl-groups",
            "! owner socket exists owner UID match 16-20 ! owner GID match 5 incl. suppl. groups",
        );
        for line in
            ["", "--suppl-groups --gid-owner 1", "--uid-owner 4294967295", "--uid-owner 5-", "--uid-owner nosuch"]
        {
            refused(Family::V4, TableName::Filter, &format!("-m owner {line}"));
        }
    }

    #[test]
    fn who_sent_it() {
        let alice = crate::ir::Owner { uid: 1000, gid: 100, groups: vec![27], nobody: false };
        for (options, alice_sent, nobody_sent) in [
            ("--uid-owner 999-1000", true, false),
            ("! --uid-owner 1000", false, true),
            ("--gid-owner 27", false, false),
            ("--gid-owner 27 --suppl-groups", true, false),
            ("! --gid-owner 27 --suppl-groups", false, false),
            ("--socket-exists", true, false),
            ("! --socket-exists", false, true),
            ("! --socket-exists ! --uid-owner 1", false, true),
            ("! --socket-exists --uid-owner 1000", false, false),
        ] {
            for (owner, fits) in [(Some(alice.clone()), alice_sent), (None, nobody_sent)] {
                let mut trial = Trial::of(&format!("-m owner {options}"));
                trial.world.owner = Some(owner);
                assert_eq!(trial.takes(&mut udp([1, 1, 1, 1], [2, 2, 2, 2])), Ok(fits), "{options}");
            }
        }
        let unknown = Trial::of("-m owner --uid-owner 1").takes(&mut udp([1, 1, 1, 1], [2, 2, 2, 2]));
        assert!(matches!(unknown, Err(Stop::Unknown(_))));
    }
}
