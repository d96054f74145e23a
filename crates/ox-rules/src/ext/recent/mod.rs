//! `-m recent`: lists of addresses seen lately.
//!
//! Kernel: net/netfilter/xt_recent.c; ABI: uapi/linux/netfilter/xt_recent.h (revision 1, with a mask).
//! A list belongs to every rule that names it: the first sets its mask, the largest hit count its depth.
mod abi;

use super::plen;
use super::prelude::*;
use crate::ir::ByStack;
use std::sync::atomic::{AtomicU32, Ordering};

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Recent {
    what: Inv<What>,
    seconds: u32,
    reap: bool,
    hits: u32,
    rttl: bool,
    name: String,
    mask: Option<u128>,
    dest: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum What {
    #[default]
    Set,
    Check,
    Update,
    Remove,
}

/// Largest hit count and one (`XT_RECENT_MAX_NSTAMPS`).
const HITS_END: u32 = 65_536;

/// Bytes of a name that the kernel keeps, the final zero not counted (`XT_RECENT_NAME_LEN` - 1).
const NAME_MAX: usize = 199;

/// Addresses that a list remembers (module parameter `ip_list_tot`); the one idle longest makes room.
const LIST_MAX: usize = 100;

/// Times that an address keeps at least, less one, where no rule of its list counts hits.
const DEPTH: u32 = 31;

impl Default for Recent {
    fn default() -> Self {
        Self {
            what: Inv::default(),
            seconds: 0,
            reap: false,
            hits: 0,
            rttl: false,
            name: "DEFAULT".into(),
            mask: None,
            dest: false,
        }
    }
}

options! { Recent;
    /// Note the address down with the time.
    SET ["set"] Inv<Flag>, .excl(Self::ANY | Self::RTTL) => |r, v| r.what = Inv { is: What::Set, not: v.not };
    /// The address is in the list.
    RCHECK ["rcheck"] Inv<Flag>, .excl(Self::ANY) => |r, v| r.what = Inv { is: What::Check, not: v.not };
    /// The address is in the list; if so, note the time.
    UPDATE ["update"] Inv<Flag>, .excl(Self::ANY) => |r, v| r.what = Inv { is: What::Update, not: v.not };
    /// The address is in the list; if so, strike it out.
    REMOVE ["remove"] Inv<Flag>, .excl(Self::ANY | Self::RTTL) => |r, v| r.what = Inv { is: What::Remove, not: v.not };
    /// Only times within so many seconds count (rcheck, update).
    SECONDS ["seconds"] Seconds => |r, v| r.seconds = v.0;
    /// Strike out the address idle longest if it is older than --seconds.
    REAP ["reap"] Flag, .also(Self::SECONDS) => |r, _v| r.reap = true;
    /// So many times at least must count (rcheck, update).
    HITCOUNT ["hitcount"] u32 => |r, v| r.hits = v;
    /// The TTL must be the one noted down, so that forged sources do not count.
    RTTL ["rttl"] Flag, .excl(Self::SET | Self::REMOVE) => |r, _v| r.rttl = true;
    /// Name of the list; DEFAULT if not given.
    NAME ["name"] Text => |r, v| r.name(v.0);
    /// Look at the source address (so it is unless said otherwise).
    RSOURCE ["rsource"] Flag => |r, _v| r.dest = false;
    /// Look at the destination address.
    RDEST ["rdest"] Flag => |r, _v| r.dest = true;
    /// Bits of the address that count, as an address mask.
    MASK ["mask"] Mask => |r, v| r.mask = Some(v.0);
}

struct Seconds(u32);

impl Value for Seconds {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], u32::MAX) {
            Some(n @ 1..) => Ok(Self(n)),
            _ => Err(format!("`{}' is not a number of seconds from 1 to {}", args[0], u32::MAX)),
        }
    }
}

struct Mask(u128);

impl Value for Mask {
    const HINT: &'static str = "MASK";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_addr(args[0], cx.family)
            .map(Self)
            .ok_or_else(|| format!("`{}' is not a mask written as an address, like 255.255.255.0", args[0]))
    }
}

impl Recent {
    const ANY: u32 = Self::SET | Self::RCHECK | Self::UPDATE | Self::REMOVE;

    fn name(&mut self, name: String) -> Result<(), String> {
        if bytes::len(&name) > NAME_MAX {
            return Err(format!("a name of {} bytes is too long: {NAME_MAX} at most", bytes::len(&name)));
        }
        self.name = name;
        Ok(())
    }

    fn whole(family: Family) -> u128 {
        prefix_mask(family, plen::width(family))
    }
}

impl Ext for Recent {
    const NAME: &'static str = "recent";
    const ABOUT: &'static str = "Keeps lists of addresses seen lately, and asks them.";

    fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
        if seen & Self::ANY == 0 {
            return Err("say what to do with the list: --set, --rcheck, --update or --remove".into());
        }
        self.mask = self.mask.filter(|&m| m != Self::whole(cx.family));
        Ok(())
    }

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        if matches!(self.what.is, What::Set | What::Remove) && (self.seconds != 0 || self.hits != 0) {
            return Err(Refused::invalid("recent: --seconds and --hitcount go with --rcheck and --update only"));
        }
        if self.hits >= HITS_END {
            return Err(Refused::invalid(format!("recent: a hit count of {} is too large", self.hits)));
        }
        plen::bad_proc_name(&self.name).map_or(Ok(()), Err)
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { what, seconds, reap, hits, rttl, name, mask, dest } = self;
        let word = match what.is {
            What::Set => "--set",
            What::Check => "--rcheck",
            What::Update => "--update",
            What::Remove => "--remove",
        };
        out.flag(what.not, word);
        if *seconds != 0 {
            out.opt(false, "--seconds", *seconds);
        }
        if *reap {
            out.word("--reap");
        }
        if *hits != 0 {
            out.opt(false, "--hitcount", *hits);
        }
        if *rttl {
            out.word("--rttl");
        }
        out.word("--name");
        out.guarded(name);
        out.word("--mask");
        out.gap();
        out.addr(family, mask.unwrap_or(Self::whole(family)));
        out.word(if *dest { "--rdest" } else { "--rsource" });
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { what, seconds, reap, hits, rttl, name, mask, dest } = self;
        out.flag(what.not, "recent:");
        out.word(match what.is {
            What::Set => "SET",
            What::Check => "CHECK",
            What::Update => "UPDATE",
            What::Remove => "REMOVE",
        });
        if *seconds != 0 {
            out.opt(false, "seconds:", *seconds);
        }
        if *reap {
            out.word("reap");
        }
        if *hits != 0 {
            out.opt(false, "hit_count:", *hits);
        }
        if *rttl {
            out.word("TTL-Match");
        }
        out.opt(false, "name:", name.as_str());
        // A name may end in a blank.
        out.raw(if *dest { " side: dest mask: " } else { " side: source mask: " });
        out.addr(show.family, mask.unwrap_or(Self::whole(show.family)));
    }
}

/// What the rules that name a list settle before the first packet.
struct Shape {
    mask: u128,
    /// Times that an address keeps, less one: a power of two less one.
    depth: AtomicU32,
}

/// A list, the address idle longest first.
#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    made: u64,
}

struct Entry {
    family: Family,
    addr: u128,
    ttl: u8,
    /// Ticks, as a ring.
    stamps: Vec<u64>,
    /// Where the next one goes.
    next: usize,
    /// Order in which entries were made: of several that fit, the kernel finds the oldest.
    made: u64,
}

impl Matching for Recent {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { what, seconds, reap, hits, rttl, name, mask, dest } = self.clone();
        let family = cx.family;
        let depth = if hits == 0 { DEPTH } else { hits.min(HITS_END).next_power_of_two() - 1 };
        let shape = cx
            .shares
            .get("recent", &name, || Shape { mask: mask.unwrap_or(Self::whole(family)), depth: AtomicU32::new(depth) });
        shape.depth.fetch_max(depth, Ordering::Relaxed);
        let ask = Ask { what: what.is, not: what.not, seconds, reap, hits, rttl };
        Native::new("recent", Effect::Mutates, move |at| {
            let now = jiffies(at.env.now().mono);
            let key = &at.packet.key;
            let addr = if dest { key.dst } else { key.src } & shape.mask;
            // As it was before this host counted it down. What has no socket counts as forwarded, so a reset by REJECT too.
            let bare = at.packet.meta.by_stack == Some(ByStack::Bare);
            let counted = key.oif != 0 && (!at.packet.meta.local || bare);
            let ttl = if counted { key.ttl.wrapping_add(1) } else { key.ttl };
            let depth = shape.depth.load(Ordering::Relaxed) as usize;
            let list = at.cell(CellKey::Named("recent", &name), List::default);
            Ok(ask.of(list, &Caller { family, addr, ttl, now, depth }))
        })
        .into()
    }
}

/// A packet before a list.
struct Caller {
    family: Family,
    addr: u128,
    ttl: u8,
    now: u64,
    depth: usize,
}

struct Ask {
    what: What,
    not: bool,
    seconds: u32,
    reap: bool,
    hits: u32,
    rttl: bool,
}

impl Ask {
    /// Kernel: `recent_mt`, its tests in its order.
    fn of(&self, list: &mut List, who: &Caller) -> bool {
        let Some(at) = list.find(who, self.rttl) else {
            if self.what == What::Set {
                list.insert(who);
                return !self.not;
            }
            return self.not;
        };
        match self.what {
            What::Set => {
                list.touch(at, who);
                !self.not
            }
            What::Remove => {
                list.entries.remove(at);
                !self.not
            }
            What::Check | What::Update => {
                // The product is 32 bits wide in the kernel.
                let since = who.now.wrapping_sub(u64::from(self.seconds.wrapping_mul(HZ as u32)));
                let yes = self.enough(&list.entries[at], since) != self.not;
                let update = self.what == What::Update && yes;
                let mut at = Some(at);
                if self.reap && !(update && at == Some(0)) && before(list.entries[0].newest(), since) {
                    list.entries.remove(0);
                    at = at.and_then(|i| i.checked_sub(1));
                }
                if let (Some(at), true) = (at, update) {
                    list.touch(at, who);
                }
                yes
            }
        }
    }

    fn enough(&self, entry: &Entry, since: u64) -> bool {
        let recent = entry.stamps.iter().filter(|&&s| self.seconds == 0 || !before(s, since)).count();
        recent >= self.hits.max(1) as usize
    }
}

/// Whether a tick comes before another, round the end of the count (`time_after`).
fn before(tick: u64, other: u64) -> bool {
    (tick.wrapping_sub(other) as i64) < 0
}

impl Entry {
    fn newest(&self) -> u64 {
        let at = self.next.checked_sub(1).unwrap_or(self.stamps.len() - 1);
        self.stamps.get(at).copied().unwrap_or(0)
    }
}

impl List {
    fn find(&self, who: &Caller, rttl: bool) -> Option<usize> {
        let ttl = if rttl { who.ttl } else { 0 };
        let fits = |e: &Entry| e.family == who.family && e.addr == who.addr && (ttl == e.ttl || ttl == 0 || e.ttl == 0);
        let found = self.entries.iter().enumerate().filter(|(_, e)| fits(e));
        found.min_by_key(|(_, e)| e.made).map(|(i, _)| i)
    }

    fn insert(&mut self, who: &Caller) {
        if self.entries.len() >= LIST_MAX {
            self.entries.remove(0);
        }
        self.made += 1;
        let Caller { family, addr, ttl, now, .. } = *who;
        self.entries.push(Entry { family, addr, ttl, stamps: vec![now], next: 1, made: self.made });
    }

    /// Notes the time down, over the oldest where the ring is full; the entry is the freshest now.
    fn touch(&mut self, at: usize, who: &Caller) {
        let mut entry = self.entries.remove(at);
        entry.next &= who.depth;
        match entry.stamps.get_mut(entry.next) {
            Some(slot) => *slot = who.now,
            None => entry.stamps.push(who.now),
        }
        entry.next += 1;
        entry.ttl = who.ttl;
        self.entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        for (typed, printed, listed) in [
            (
                "-m recent --set",
                "-m recent --set --name DEFAULT --mask 255.255.255.255 --rsource",
                "recent: SET name: DEFAULT side: source mask: 255.255.255.255",
            ),
            (
                "-m recent ! --update --rdest --rttl --hitcount 3 --reap --seconds 60 --mask 255.255.0.0 --name b",
                "-m recent ! --update --seconds 60 --reap --hitcount 3 --rttl --name b --mask 255.255.0.0 --rdest",
                "! recent: UPDATE seconds: 60 reap hit_count: 3 TTL-Match name: b side: dest mask: 255.255.0.0",
            ),
        ] {
            check(Family::V4, TableName::Filter, typed, printed, listed);
        }
        for line in ["", "--set --rcheck", "--rcheck --reap", "--set --rttl", "--rcheck --seconds 0", "--set --mask 24"]
        {
            refused(Family::V4, TableName::Filter, &format!("-m recent {line}"));
        }
    }

    fn trial(lines: &[&str]) -> Trial {
        Trial::new(Family::V4, Dialect::Nft, TableName::Mangle, lines)
    }

    fn ask(trial: &mut Trial, rule: usize, last: u8) -> bool {
        trial.ask(rule, &mut udp([10, 0, 0, last], [2, 2, 2, 2]), None).expect("recent always knows")
    }

    #[test]
    fn seconds_and_hits() {
        let mut t = trial(&["-m recent --set --name s", "-m recent --update --seconds 10 --hitcount 3 --name s"]);
        assert!(!ask(&mut t, 1, 1));
        assert!(ask(&mut t, 0, 1));
        t.wait(4000);
        ask(&mut t, 0, 1);
        assert!(!ask(&mut t, 1, 1));
        t.wait(4000);
        ask(&mut t, 0, 1);
        // Three within ten seconds; updating makes four.
        assert!(ask(&mut t, 1, 1));
        t.wait(6004);
        assert!(!ask(&mut t, 1, 1), "two of the four are older than ten seconds");
        assert!(!ask(&mut t, 1, 2), "another address");
    }

    #[test]
    fn not_and_remove() {
        let mut t = trial(&["-m recent --set", "-m recent ! --rcheck", "-m recent --remove", "-m recent ! --set"]);
        assert!(ask(&mut t, 1, 1));
        assert!(!ask(&mut t, 3, 1), "it is noted all the same");
        assert!(!ask(&mut t, 1, 1));
        assert!(ask(&mut t, 2, 1));
        assert!(!ask(&mut t, 2, 1));
    }

    /// The hundred and first address drives out the one idle longest.
    #[test]
    fn a_hundred_addresses() {
        let mut t = trial(&["-m recent --set", "-m recent --rcheck"]);
        for last in 0..100 {
            ask(&mut t, 0, last);
        }
        ask(&mut t, 0, 0);
        ask(&mut t, 0, 100);
        assert!(ask(&mut t, 1, 0) && !ask(&mut t, 1, 1) && ask(&mut t, 1, 2) && ask(&mut t, 1, 100));
    }

    /// The mask is the first rule's; the depth is the largest hit count's, here and not the default.
    #[test]
    fn rules_share_the_list() {
        let mut t = trial(&[
            "-m recent --set --name m --mask 255.255.255.0",
            "-m recent --rcheck --name m",
            "-m recent --rcheck --hitcount 40 --name m",
        ]);
        ask(&mut t, 0, 1);
        assert!(ask(&mut t, 1, 200));
        for _ in 0..38 {
            ask(&mut t, 0, 1);
        }
        assert!(!ask(&mut t, 2, 1));
        ask(&mut t, 0, 1);
        assert!(ask(&mut t, 2, 1));
    }

    #[test]
    fn reaping_takes_the_idlest() {
        let mut t = trial(&["-m recent --set", "-m recent --rcheck --seconds 5 --reap", "-m recent --rcheck"]);
        ask(&mut t, 0, 1);
        t.wait(6000);
        ask(&mut t, 0, 2);
        assert!(ask(&mut t, 1, 2));
        assert!(!ask(&mut t, 2, 1), "reaped while another was asked for");
    }

    /// With --rttl a packet of another TTL is a stranger; on its way out the TTL counts as it came in.
    #[test]
    fn ttl_tells_apart() {
        let mut t = trial(&["-m recent --set", "-m recent --rcheck --rttl"]);
        let mut packet = udp([10, 0, 0, 1], [2, 2, 2, 2]);
        packet.key.ttl = 64;
        t.ask(0, &mut packet, None).expect("known");
        assert_eq!(t.ask(1, &mut packet, None), Ok(true));
        packet.key.oif = ox_packet::iface_number("eth1");
        assert_eq!(t.ask(1, &mut packet, None), Ok(false));
        packet.key.ttl = 63;
        assert_eq!(t.ask(1, &mut packet, None), Ok(true));
    }
}
