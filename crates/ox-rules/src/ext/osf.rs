//! `-m osf`: guesses the sender's operating system from the first packet of a TCP connection.
//!
//! Kernel: net/netfilter/xt_osf.c, nfnetlink_osf.c `nf_osf_match`; ABI: uapi/linux/netfilter/nfnetlink_osf.h.
//! The fingerprints are loaded into a live kernel (`nfnl_osf`): a ruleset does not have them.
use super::prelude::*;
use ox_wire::xtables::whole::NfOsfInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Osf {
    genre: Inv<String>,
    ttl: Option<u8>,
    log: Option<u8>,
}

options! { Osf;
    /// Name of the system, as the fingerprints have it.
    GENRE ["genre"] Inv<Genre>, .needed() => |o, v| o.genre = Inv { is: v.is.0, not: v.not };
    /// How the packet's TTL is compared: 0 exactly (the same network), 1 it may be lower, 2 not at all.
    TTL ["ttl"] Level => |o, v| o.ttl = Some(v.0);
    /// What is written to the kernel's log: 0 everything, 1 the first fingerprint that fits, 2 all that fit.
    LOG ["log"] Level => |o, v| o.log = Some(v.0);
}

/// Bytes of a name, the final zero not counted (`MAXGENRELEN` - 1). Stock cuts longer ones.
const NAME_MAX: usize = 31;

#[derive(Default)]
struct Genre(String);

impl Value for Genre {
    const HINT: &'static str = "NAME";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "" => Err("a name has at least one character".into()),
            name if name.contains('\n') => Err("a name cannot hold a line break".into()),
            name => Ok(Genre(crate::bytes::cut(name, NAME_MAX).to_owned())),
        }
    }
}

struct Level(u8);

impl Value for Level {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "0|1|2";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let level = number(args[0], 2).map(|n| Level(n as u8));
        level.ok_or_else(|| format!("`{}' is not a number from 0 to 2", args[0]))
    }
}

impl Ext for Osf {
    const NAME: &'static str = "osf";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Guesses the sender's operating system from its SYN packets.";
    const PROTO: Option<u8> = Some(6);
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Input, Hook::Forward]);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { genre, ttl, log } = self;
        out.flag(genre.not, "--genre");
        out.guarded(&genre.is);
        for (name, level) in [("--ttl", ttl), ("--log", log)] {
            if let Some(level) = level {
                out.opt(false, name, level);
            }
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { genre, ttl: _, log: _ } = self;
        out.word("OS fingerprint match");
        out.raw(if genre.not { " ! " } else { " " });
        out.raw(&genre.is);
    }
}

impl Matching for Osf {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { genre: _, ttl: _, log: _ } = self;
        Native::new("OS fingerprint", Effect::Stable, |at| {
            let l4 = at.packet.transport();
            // Whatever is asked: only a whole header with SYN has a fingerprint.
            let whole = l4.get(12).is_some_and(|offset| l4.len() >= 20.max(usize::from(offset >> 4) * 4));
            if whole && l4[13] & ox_packet::tcp::SYN != 0 && at.env.fingerprints() != Some(false) {
                return Err(Stop::Unknown("the fingerprints of operating systems"));
            }
            Ok(false)
        })
        .into()
    }
}

/// Bits of `flags` (`NF_OSF_…`); that a name is asked for goes without saying.
const TTL: u32 = 1 << 1;
const LOG: u32 = 1 << 2;
const INVERT: u32 = 1 << 3;

impl Xt<0> for Osf {
    type Info = NfOsfInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<NfOsfInfo> {
        let Self { genre, ttl, log } = self;
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        Some(NfOsfInfo {
            genre: chars(&genre.is)?,
            len: bytes::len(&genre.is) as u32,
            flags: flag(ttl.is_some(), TTL) | flag(log.is_some(), LOG) | flag(genre.not, INVERT),
            loglevel: log.unwrap_or(0).into(),
            ttl: ttl.unwrap_or(0).into(),
        })
    }

    fn decode(info: &NfOsfInfo, _: &Carry<'_>) -> Option<Self> {
        let NfOsfInfo { genre, len: _, flags, loglevel, ttl } = info;
        let level = |level: u32, flag: u32| match flags & flag {
            0 => Some(None),
            _ => u8::try_from(level).ok().map(Some),
        };
        Some(Self {
            genre: Inv { is: text(genre)?.into_owned(), not: flags & INVERT != 0 },
            ttl: level(*ttl, TTL)?,
            log: level(*loglevel, LOG)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::Trial;
    use super::*;
    use ox_packet::{Build, tcp};

    #[test]
    fn text() {
        let four = |typed: &str, printed: &str, listed: &str| {
            let line = |words: &str| format!("-p tcp -m osf {words}");
            check(Family::V4, TableName::Filter, &line(typed), &line(printed), listed);
        };
        four("--genre Linux", "--genre Linux", "OS fingerprint match Linux");
        four("--log 0x1 --ttl 2 ! --genre x:y", "! --genre x:y --ttl 2 --log 1", "OS fingerprint match ! x:y");
        let long = "abcdefghijklmnopqrstuvwxyzabcde";
        four(&format!("--genre {long}fg"), &format!("--genre {long}"), &format!("OS fingerprint match {long}"));
        for line in
            ["", "--ttl 1", "--genre x --ttl 3", "--genre x --log -1", "--genre x ! --log 1", "--genre x --genre y"]
        {
            refused(Family::V4, TableName::Filter, &format!("-p tcp -m osf {line}"));
        }
        refused(Family::V6, TableName::Filter, "-p tcp -m osf --genre x");
    }

    #[test]
    fn only_a_syn_has_a_fingerprint() {
        let ask = |flags| {
            let build = Build::tcp(([1, 1, 1, 1], 1), ([2, 2, 2, 2], 2), flags);
            let mut packet = crate::ir::Packet::new(build.bytes()).unwrap();
            Trial::new(Family::V4, Dialect::Nft, TableName::Filter, &["-p tcp -m osf ! --genre x"]).takes(&mut packet)
        };
        assert_eq!(ask(tcp::ACK), Ok(false));
        assert!(matches!(ask(tcp::SYN), Err(Stop::Unknown(_))));
    }
}
