//! `-m cgroup`: the control group of the socket that a packet belongs to.
//!
//! Kernel: net/netfilter/xt_cgroup.c; ABI: uapi/linux/netfilter/xt_cgroup.h (revision 2: 512 bytes of path).
use super::prelude::*;
use ox_wire::xtables::host::{XtCgroupInfoV0, XtCgroupInfoV1, XtCgroupInfoV2};
use std::mem::offset_of;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cgroup {
    path: Option<Inv<String>>,
    class: Option<Inv<u32>>,
}

options! { Cgroup;
    /// Path of a group, from the root of the cgroup2 hierarchy; groups below it count too.
    PATH ["path"] Inv<Path> => |c, v| c.path = Some(Inv { is: v.is.0, not: v.not });
    /// Class that the net_cls controller gives the group.
    CLASS ["cgroup"] Inv<u32> => |c, v| c.class = Some(v);
}

/// Bytes of a path, the final zero not counted.
const PATH_MAX: usize = 511;

#[derive(Default)]
struct Path(String);

impl Value for Path {
    const HINT: &'static str = "PATH";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            path if crate::bytes::len(path) > PATH_MAX => Err(format!("a path has {PATH_MAX} bytes at most")),
            path if path.contains('\n') => Err("a path cannot hold a line break".into()),
            path => Ok(Path(path.to_owned())),
        }
    }
}

impl Ext for Cgroup {
    const NAME: &'static str = "cgroup";
    const ABOUT: &'static str = "Asks for the control group of the sending or receiving socket.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Input, Hook::Output, Hook::Postrouting]);

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        match (&self.path, self.class) {
            (None, None) => Err(Refused::invalid("cgroup: say which group: --path or --cgroup")),
            (Some(_), Some(_)) => Err(Refused::invalid("cgroup: --path and --cgroup cannot be used together")),
            _ => Ok(()),
        }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { path, class } = self;
        if let Some(path) = path {
            out.flag(path.not, "--path");
            out.quoted(&path.is);
        }
        if let Some(class) = class {
            out.opt(class.not, "--cgroup", class.is);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { path, class } = self;
        let not = |not| if not { " !" } else { "" };
        if let Some(path) = path {
            out.fmt(format_args!("cgroup{} {}", not(path.not), path.is));
        }
        if let Some(class) = class {
            out.fmt(format_args!("cgroup{} {}", not(class.not), class.is));
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { path: None, class: Some(class) } = self else { return None };
        nft.test("meta cgroup", class.not, class.is);
        Some(())
    }
}

impl Matching for Cgroup {
    /// A packet without a socket never matches, with or without `!`.
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { path: _, class: _ } = self;
        Native::new("control group", Effect::Stable, |at| {
            if at.hook != Hook::Input && at.env.owner(at.packet) == Ok(None) {
                return Ok(false);
            }
            Err(Stop::Unknown("the control group of the socket"))
        })
        .into()
    }
}

impl Cgroup {
    /// The condition, if it is the only one: the kernel takes a path or a class.
    fn only(&self) -> Option<Only<'_>> {
        let Self { path, class } = self;
        match (path, class) {
            (Some(path), None) => Some(Only::Path(&path.is, path.not)),
            (None, Some(class)) => Some(Only::Class(class.is, class.not)),
            _ => None,
        }
    }

    fn of_path(path: &[u8], not: u8) -> Option<Self> {
        let is = text(path)?.into_owned();
        Some(Self { path: Some(Inv { is, not: not != 0 }), class: None })
    }

    fn of_class(class: u32, not: u8) -> Self {
        Self { path: None, class: Some(Inv { is: class, not: not != 0 }) }
    }
}

enum Only<'a> {
    Path(&'a str, bool),
    Class(u32, bool),
}

impl Xt<2> for Cgroup {
    type Info = XtCgroupInfoV2;
    const COMPARE: usize = offset_of!(XtCgroupInfoV2, _pad);

    fn encode(&self, _: &Carry<'_>) -> Option<XtCgroupInfoV2> {
        match self.only()? {
            Only::Path(path, not) => {
                Some(XtCgroupInfoV2 { has_path: 1, invert_path: not.into(), path: chars(path)?, ..Default::default() })
            }
            Only::Class(class, not) => {
                let mut info = XtCgroupInfoV2 { has_classid: 1, invert_classid: not.into(), ..Default::default() };
                info.path[..4].copy_from_slice(&class.to_ne_bytes());
                Some(info)
            }
        }
    }

    fn decode(info: &XtCgroupInfoV2, _: &Carry<'_>) -> Option<Self> {
        let XtCgroupInfoV2 { has_path, has_classid, invert_path, invert_classid, path, _pad, private: _ } = info;
        match (has_path, has_classid) {
            (1, 0) => Self::of_path(path, *invert_path),
            (0, 1) => Some(Self::of_class(u32::from_ne_bytes(*path.first_chunk()?), *invert_classid)),
            _ => None,
        }
    }
}

impl Xt<1> for Cgroup {
    type Info = XtCgroupInfoV1;
    const COMPARE: usize = offset_of!(XtCgroupInfoV1, private);

    fn encode(&self, _: &Carry<'_>) -> Option<XtCgroupInfoV1> {
        match self.only()? {
            Only::Path(path, not) => {
                Some(XtCgroupInfoV1 { has_path: 1, invert_path: not.into(), path: chars(path)?, ..Default::default() })
            }
            Only::Class(classid, not) => {
                Some(XtCgroupInfoV1 { has_classid: 1, invert_classid: not.into(), classid, ..Default::default() })
            }
        }
    }

    fn decode(info: &XtCgroupInfoV1, _: &Carry<'_>) -> Option<Self> {
        let XtCgroupInfoV1 { has_path, has_classid, invert_path, invert_classid, path, classid, private: _ } = info;
        match (has_path, has_classid) {
            (1, 0) => Self::of_path(path, *invert_path),
            (0, 1) => Some(Self::of_class(*classid, *invert_classid)),
            _ => None,
        }
    }
}

/// Classes alone.
impl Xt<0> for Cgroup {
    type Info = XtCgroupInfoV0;

    fn encode(&self, _: &Carry<'_>) -> Option<XtCgroupInfoV0> {
        match self.only()? {
            Only::Path(..) => None,
            Only::Class(id, not) => Some(XtCgroupInfoV0 { id, invert: not.into() }),
        }
    }

    fn decode(info: &XtCgroupInfoV0, _: &Carry<'_>) -> Option<Self> {
        let XtCgroupInfoV0 { id, invert } = *info;
        Some(Self::of_class(id, (invert != 0).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        let four = |typed: &str, listed: &str| check(Family::V4, TableName::Filter, typed, typed, listed);
        four("-m cgroup ! --path \"/a b\"", "cgroup ! /a b");
        four("-m cgroup --path \"system.slice\"", "cgroup system.slice");
        four("-m cgroup ! --cgroup 4294967295", "cgroup ! 4294967295");
        for line in ["--cgroup -1", "--cgroup 4294967296", "--cgroup 1:2", "--cgroup 1 --cgroup 2"] {
            refused(Family::V4, TableName::Filter, &format!("-m cgroup {line}"));
        }
    }

    #[test]
    fn who_has_no_socket_has_no_group() {
        let mut trial = Trial::of("-m cgroup ! --cgroup 1");
        let packet = &mut udp([1, 1, 1, 1], [2, 2, 2, 2]);
        assert!(matches!(trial.takes(packet), Err(Stop::Unknown(_))));
        trial.world.owner = Some(None);
        assert_eq!(trial.takes(packet), Ok(false));
    }
}
