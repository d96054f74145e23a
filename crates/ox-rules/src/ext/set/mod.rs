//! `-m set` and `-j SET`: membership in an ipset.
//!
//! Kernel: net/netfilter/xt_set.c; ABI: uapi/linux/netfilter/xt_set.h (match revision 4, target revision 3).
//! A ruleset file has no sets: the world is asked, and where it was given none the answer is unknown.
mod abi;

use super::prelude::*;
use crate::ir::{SetChange, SetQuery};

/// A set and which of the packet's sides go into each dimension.
#[derive(Clone, Debug, Default, PartialEq)]
struct Named {
    name: String,
    /// True is source.
    dims: Vec<bool>,
}

/// Bytes of a name, the final zero not counted (`IPSET_MAXNAMELEN` - 1).
const NAME_MAX: usize = 31;

/// Dimensions at most (`IPSET_DIM_MAX`).
const DIMS_MAX: usize = 6;

/// Flags of a question (ABI: uapi/linux/netfilter/ipset/ip_set.h `enum ipset_cmd_flags`).
mod flag {
    pub(super) const SKIP_COUNTERS: u32 = 1 << 3;
    pub(super) const SKIP_SUBCOUNTERS: u32 = 1 << 4;
    pub(super) const MATCH_COUNTERS: u32 = 1 << 5;
    pub(super) const RETURN_NOMATCH: u32 = 1 << 7;
    pub(super) const MAP_MARK: u32 = 1 << 8;
    pub(super) const MAP_PRIO: u32 = 1 << 9;
    pub(super) const MAP_QUEUE: u32 = 1 << 10;
}

impl Value for Named {
    const FORMS: &'static [Form] = &[Form::Text, Form::Texts];
    const ARGS: u8 = 2;
    const HINT: &'static str = "SET src|dst[,…]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let name = args[0];
        if name.is_empty() || bytes::len(name) > NAME_MAX {
            return Err(format!("`{name}' is not a name of a set: 1 to {NAME_MAX} characters are expected"));
        }
        let mut dims = Vec::new();
        for part in args[1].split(',') {
            match part {
                "src" => dims.push(true),
                "dst" => dims.push(false),
                other => return Err(format!("`{other}' is neither `src' nor `dst'")),
            }
        }
        if dims.len() > DIMS_MAX {
            return Err(format!("`{}' names more than {DIMS_MAX} sides", args[1]));
        }
        Ok(Self { name: name.to_owned(), dims })
    }
}

impl Named {
    fn print(&self, option: &str, not: bool, out: &mut Out) {
        out.flag(not, option);
        out.guarded(&self.name);
        for (i, &src) in self.dims.iter().enumerate() {
            out.raw(if i == 0 { " " } else { "," });
            out.raw(if src { "src" } else { "dst" });
        }
    }

    fn query(&self, flags: u32, packets: Count, bytes: Count) -> SetQuery<'_> {
        SetQuery { name: &self.name, dims: &self.dims, flags, packets: packets.asked(), bytes: bytes.asked() }
    }
}

/// A comparison with a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Count {
    #[default]
    Any,
    Eq(u64),
    Ne(u64),
    Lt(u64),
    Gt(u64),
}

impl Count {
    /// Operator as numbered in `enum` `IPSET_COUNTER_*`, and value.
    fn asked(self) -> (u8, u64) {
        match self {
            Count::Any => (0, 0),
            Count::Eq(n) => (1, n),
            Count::Ne(n) => (2, n),
            Count::Lt(n) => (3, n),
            Count::Gt(n) => (4, n),
        }
    }

    fn equal(v: Inv<u64>) -> Self {
        if v.not { Count::Ne(v.is) } else { Count::Eq(v.is) }
    }

    fn print(self, dashes: &str, what: &str, out: &mut Out) {
        let (not, op, value) = match self {
            Count::Any => return,
            Count::Eq(n) => (false, "eq", n),
            Count::Ne(n) => (true, "eq", n),
            Count::Lt(n) => (false, "lt", n),
            Count::Gt(n) => (false, "gt", n),
        };
        if not {
            out.word("!");
        }
        out.gap();
        out.fmt(format_args!("{dashes}{what}-{op} {value}"));
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    set: Inv<Named>,
    flags: u32,
    packets: Count,
    bytes: Count,
}

options! { Set;
    /// The set, and for each of its dimensions whether the packet's source or destination goes into it.
    MATCH ["match-set", "set"] Inv<Named> => |s, v| s.set = v;
    /// Match only on an element with the nomatch flag.
    NOMATCH ["return-nomatch"] Flag, .multi() => |s, _v| s.flags |= flag::RETURN_NOMATCH;
    /// With `!`: do not count on the element.
    COUNTERS ["update-counters"] Inv<Flag>, .multi() => |s, v| if v.not { s.flags |= flag::SKIP_COUNTERS };
    /// With `!`: do not count on the member of a list of sets.
    SUBCOUNTERS ["update-subcounters"] Inv<Flag>, .multi() => |s, v| if v.not { s.flags |= flag::SKIP_SUBCOUNTERS };
    /// The element has counted so many packets.
    PACKETS_EQ ["packets-eq"] Inv<u64>, .excl(Self::PACKETS) => |s, v| s.packets = Count::equal(v);
    /// The element has counted fewer packets.
    PACKETS_LT ["packets-lt"] u64, .excl(Self::PACKETS) => |s, v| s.packets = Count::Lt(v);
    /// The element has counted more packets.
    PACKETS_GT ["packets-gt"] u64, .excl(Self::PACKETS) => |s, v| s.packets = Count::Gt(v);
    /// The element has counted so many bytes.
    BYTES_EQ ["bytes-eq"] Inv<u64>, .excl(Self::BYTES) => |s, v| s.bytes = Count::equal(v);
    /// The element has counted fewer bytes.
    BYTES_LT ["bytes-lt"] u64, .excl(Self::BYTES) => |s, v| s.bytes = Count::Lt(v);
    /// The element has counted more bytes.
    BYTES_GT ["bytes-gt"] u64, .excl(Self::BYTES) => |s, v| s.bytes = Count::Gt(v);
}

impl Set {
    const PACKETS: u32 = Self::PACKETS_EQ | Self::PACKETS_LT | Self::PACKETS_GT;
    const BYTES: u32 = Self::BYTES_EQ | Self::BYTES_LT | Self::BYTES_GT;

    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { set, flags, packets, bytes } = self;
        set.is.print(&format!("{dashes}match-set"), set.not, out);
        for (bit, not, name) in [
            (flag::RETURN_NOMATCH, "", "return-nomatch"),
            (flag::SKIP_COUNTERS, "! ", "update-counters"),
            (flag::SKIP_SUBCOUNTERS, "! ", "update-subcounters"),
        ] {
            if flags & bit != 0 {
                out.fmt(format_args!(" {not}{dashes}{name}"));
            }
        }
        packets.print(dashes, "packets", out);
        bytes.print(dashes, "bytes", out);
    }
}

impl Ext for Set {
    const NAME: &'static str = "set";
    const ABOUT: &'static str = "Looks for the packet's addresses and ports in an ipset.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & Self::MATCH == 0 { Err("say which set: --match-set NAME src|dst".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        self.print("", out);
    }
}

impl Matching for Set {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { set, flags, packets, bytes } = self.clone();
        let counters = if (packets, bytes) == (Count::Any, Count::Any) { 0 } else { flag::MATCH_COUNTERS };
        Native::new("ipset", Effect::Mutates, move |at| {
            let query = set.is.query(flags | counters, packets, bytes);
            Ok(at.env.set_test(&query, at.packet)? != set.not)
        })
        .into()
    }
}

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeSet {
    add: Option<Named>,
    del: Option<Named>,
    map: Option<Named>,
    exist: bool,
    timeout: Option<u32>,
    /// `MAP_*` of [`flag`].
    maps: u32,
}

struct Timeout(u32);

impl Value for Timeout {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "SECONDS";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        number(args[0], u32::MAX - 1)
            .map(Self)
            .ok_or_else(|| format!("`{}' is not a number of seconds from 0 to {}", args[0], u32::MAX - 1))
    }
}

options! { ChangeSet;
    /// Add the packet's element to the set.
    ADD ["add-set"] Named => |s, v| s.add = Some(v);
    /// Remove the packet's element from the set.
    DEL ["del-set"] Named => |s, v| s.del = Some(v);
    /// Take mark, priority or queue from the packet's element in the set.
    MAP ["map-set"] Named => |s, v| s.map = Some(v);
    /// Renew the timeout of an element that is already there.
    EXIST ["exist"] Flag, .multi() => |s, _v| s.exist = true;
    /// Seconds after which the element goes.
    TIMEOUT ["timeout"] Timeout, .multi() => |s, v| s.timeout = Some(v.0);
    /// Take the mark.
    MARK ["map-mark"] Flag, .multi() => |s, _v| s.maps |= flag::MAP_MARK;
    /// Take the priority.
    PRIO ["map-prio"] Flag, .multi() => |s, _v| s.maps |= flag::MAP_PRIO;
    /// Take the queue of the device.
    QUEUE ["map-queue"] Flag, .multi() => |s, _v| s.maps |= flag::MAP_QUEUE;
}

impl ChangeSet {
    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { add, del, map, exist, timeout, maps } = self;
        for (set, name) in [(add, "add-set"), (del, "del-set"), (map, "map-set")] {
            if let Some(set) = set {
                set.print(&format!("{dashes}{name}"), false, out);
            }
            // What belongs to adding stands behind it, before the others.
            if name == "add-set" {
                if *exist {
                    out.fmt(format_args!(" {dashes}exist"));
                }
                if let Some(seconds) = timeout {
                    out.fmt(format_args!(" {dashes}timeout {seconds}"));
                }
            }
        }
        let named = [(flag::MAP_MARK, "map-mark"), (flag::MAP_PRIO, "map-prio"), (flag::MAP_QUEUE, "map-queue")];
        for (bit, name) in named {
            if maps & bit != 0 {
                out.fmt(format_args!(" {dashes}{name}"));
            }
        }
    }
}

impl Ext for ChangeSet {
    const NAME: &'static str = "SET";
    const ABOUT: &'static str = "Adds the packet's element to an ipset, removes it, or takes a mark from it; goes on.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::ADD | Self::DEL | Self::MAP) == 0 {
            return Err("say what to do: --add-set, --del-set or --map-set".into());
        }
        if seen & Self::ADD == 0 && seen & (Self::EXIST | Self::TIMEOUT) != 0 {
            return Err("`--exist' and `--timeout' go with `--add-set' only".into());
        }
        match (seen & Self::MAP != 0, self.maps != 0) {
            (false, true) => Err("`--map-mark', `--map-prio' and `--map-queue' go with `--map-set' only".into()),
            (true, false) => Err("say what to take: `--map-mark', `--map-prio' or `--map-queue'".into()),
            _ => Ok(()),
        }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        if self.map.is_none() {
            return Ok(());
        }
        if at.table != TableName::Mangle {
            return Err(Refused::invalid("SET: --map-set is only valid in the mangle table"));
        }
        let leaving = HookSet::of(&[Hook::Forward, Hook::Output, Hook::Postrouting]);
        if self.maps & (flag::MAP_PRIO | flag::MAP_QUEUE) != 0 && !leaving.covers(at.hooks) {
            return Err(Refused::invalid("SET: priority and queue are only taken on FORWARD, OUTPUT and POSTROUTING"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("");
        self.print("", out);
    }
}

impl Acting for ChangeSet {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { add, del, map, exist, timeout, maps } = self.clone();
        // More would not fit into the kernel's timers (`IPSET_MAX_TIMEOUT`).
        let timeout = timeout.map(|t| t.min((u32::MAX >> 1) / 1000));
        Act::Native(NativeAct::new("SET", Effect::Mutates, move |at| {
            if let Some(set) = &add {
                let change = SetChange::Add { timeout, exist };
                at.env.set_change(&set.query(0, Count::Any, Count::Any), change, at.packet)?;
            }
            if let Some(set) = &del {
                at.env.set_change(&set.query(0, Count::Any, Count::Any), SetChange::Del, at.packet)?;
            }
            if let Some(set) = &map
                && let Some(info) = at.env.set_map(&set.query(maps, Count::Any, Count::Any), at.packet)?
            {
                if maps & flag::MAP_MARK != 0 {
                    at.packet.key.mark = (at.packet.key.mark & !info.mask) ^ info.mark;
                }
                if maps & flag::MAP_PRIO != 0 {
                    at.packet.meta.priority = info.priority;
                }
            }
            Ok(Verdict::Continue)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;
    use crate::ir::SetInfo;

    #[test]
    fn text() {
        for (typed, printed, listed) in [
            (
                "-m set --bytes-gt 5 ! --packets-eq 4 ! --update-subcounters ! --update-counters --return-nomatch ! --match-set foo src,dst",
                "-m set ! --match-set foo src,dst --return-nomatch ! --update-counters ! --update-subcounters ! --packets-eq 4 --bytes-gt 5",
                "! match-set foo src,dst return-nomatch ! update-counters ! update-subcounters ! packets-eq 4 bytes-gt 5",
            ),
            ("-m set --set foo src --update-counters", "-m set --match-set foo src", "match-set foo src"),
            (
                "-j SET --timeout 7 --exist --map-mark --map-set s src --del-set d dst,src --add-set a src",
                "-j SET --add-set a src --exist --timeout 7 --del-set d dst,src --map-set s src --map-mark",
                "add-set a src exist timeout 7 del-set d dst,src map-set s src map-mark",
            ),
        ] {
            check(Family::V4, TableName::Mangle, typed, printed, listed);
        }
        for line in [
            "-m set --return-nomatch",
            "-m set --match-set foo sr",
            "-m set --match-set foo src,src,src,src,src,src,src",
            "-m set --match-set foo src --packets-eq 5 --packets-lt 6",
            "-m set --match-set foo src ! --packets-lt 6",
            "-j SET --exist",
            "-j SET --del-set foo src --timeout 1",
            "-j SET --map-set foo src",
            "-j SET --add-set foo src --map-mark",
        ] {
            refused(Family::V4, TableName::Mangle, line);
        }
    }

    #[test]
    fn sets_are_asked() {
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        for (line, inside) in [("-m set --match-set foo src", true), ("-m set ! --match-set foo src", false)] {
            let mut trial = Trial::of(line);
            assert!(matches!(trial.takes(&mut packet), Err(Stop::Unknown(_))), "{line}");
            trial.world.set = Some(true);
            assert_eq!(trial.takes(&mut packet), Ok(inside), "{line}");
        }
    }

    #[test]
    fn sets_are_changed() {
        let mut trial = Trial::of("-j SET --add-set a src --timeout 4294967294 --map-set s src --map-mark --map-prio");
        trial.world.info = Some(SetInfo { mark: 0x10, mask: 0xff, priority: 3 });
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        packet.key.mark = 0xabcd;
        assert_eq!(trial.run(&mut packet, None), Ok(Verdict::Continue));
        assert_eq!((packet.key.mark, packet.meta.priority), (0xab10, 3));
        assert_eq!(trial.world.changes, [SetChange::Add { timeout: Some(2_147_483), exist: false }]);
    }
}
