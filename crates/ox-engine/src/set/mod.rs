//! ipsets whose contents are known. Of the others every answer is *unknown*.
//!
//! Kernel: net/netfilter/ipset/ip_set_core.c `ip_set_test`, `ip_set_add`, `ip_set_del`, `ip_set_match_extensions`;
//! ip_set_hash_gen.h, ip_set_bitmap_gen.h, ip_set_list_set.c; net/netfilter/xt_set.c.

mod contents;
mod element;
mod kind;
mod names;
mod read;
mod value;

pub use element::Element;
pub use kind::{Kind, Part, Store};
pub use read::ReadError;

use contents::fits;
use ox_packet::Family;
use ox_rules::ir::{Now, Packet, SetChange, SetInfo, SetQuery, Stop};
use std::collections::BTreeMap;

/// Bits of [`SetQuery::flags`] (ABI: uapi/linux/netfilter/ipset/ip_set.h `enum ipset_cmd_flags`).
pub mod flag {
    /// An interface is the bridge port.
    pub const PHYSDEV: u32 = 1 << 1;
    /// Matching does not count.
    pub const SKIP_COUNTERS: u32 = 1 << 3;
    /// Matching does not count in the sets of a list.
    pub const SKIP_SUBCOUNTERS: u32 = 1 << 4;
    /// Only exceptions (`nomatch`) match.
    pub const RETURN_NOMATCH: u32 = 1 << 7;
}

/// Sets by name.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// The sets.
    pub by_name: BTreeMap<String, Set>,
    /// Whether the timeouts of elements are moments already, or still counted from when the sets were read.
    started: bool,
}

/// One set.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its kind.
    pub kind: Kind,
    /// Family of its elements; kinds without addresses take packets of both.
    pub family: Family,
    /// Seconds an element stays by default (0: for ever); `None`: elements do not go by themselves.
    pub timeout: Option<u32>,
    /// Elements count packets.
    pub counters: bool,
    /// Elements carry comments.
    pub comment: bool,
    /// Elements carry marks, priorities and queues.
    pub skbinfo: bool,
    /// Most elements that `-j SET` fills it to.
    pub maxelem: u32,
    /// A full set gives up an element for a new one.
    pub forceadd: bool,
    /// Options that decide nothing here (hashsize, bucketsize, initval), as they were written.
    pub kept: Vec<(String, String)>,
    /// First and last address or port of a bitmap.
    pub range: (u128, u128),
    /// Bits of addresses that count (`netmask`, `bitmask`).
    pub mask: u128,
    /// Bits of marks that count (`markmask`).
    pub mark_mask: u32,
    /// The elements.
    pub elements: BTreeMap<Element, Entry>,
    /// The sets of a list, in order.
    pub members: Vec<(String, Entry)>,
    /// How many networks of each length there are, for the first and the second network.
    lens: [BTreeMap<u8, u32>; 2],
}

/// What is kept beside an element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// An exception: what it covers is not in the set.
    pub nomatch: bool,
    /// Its interface is only the beginning of a name.
    pub wildcard: bool,
    /// The moment (monotonic nanoseconds) after which it is gone; `None`: it stays.
    pub until: Option<u64>,
    /// Packets counted.
    pub packets: u64,
    /// Bytes counted.
    pub bytes: u64,
    /// Comment.
    pub comment: String,
    /// Mark and mask, priority, queue.
    pub skbinfo: (u32, u32, u32, u16),
    /// The MAC address in a `bitmap:ip,mac`, once it is known.
    pub mac: Option<[u8; 6]>,
    /// Seconds its time will run, as long as its MAC address is not known.
    pub stored: Option<u32>,
}

const MISSING: Stop = Stop::Unknown("the contents of the ipset");
const SECOND: u64 = 1_000_000_000;

impl Entry {
    fn gone(&self, now: Now) -> bool {
        self.until.is_some_and(|t| t < now.mono)
    }
}

impl Sets {
    /// Makes an empty set with default options; it replaces one of that name. False: there is no such kind.
    pub fn create(&mut self, name: &str, kind: &str, family: Family) -> bool {
        let Some(kind) = Kind::by_name(kind) else { return false };
        self.by_name.insert(name.to_owned(), Set::new(kind, family));
        true
    }

    /// From now on the time of elements runs. Said by the first packet, unless somebody says it before.
    pub fn start(&mut self, now: Now) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for set in self.by_name.values_mut() {
            let entries = set.elements.values_mut().chain(set.members.iter_mut().map(|m| &mut m.1));
            for until in entries.filter_map(|e| e.until.as_mut()) {
                *until = until.saturating_add(now.mono);
            }
        }
    }

    /// Whether a packet's element is in a set.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    pub fn test(&mut self, query: &SetQuery<'_>, packet: &Packet, now: Now) -> Result<bool, Stop> {
        self.start(now);
        let set = self.by_name.get_mut(query.name).ok_or(MISSING)?;
        if !set.takes(query, packet) {
            return Ok(false);
        }
        if set.kind.store != Store::List {
            return Ok(set.test(query, packet, now));
        }
        let counts = set.counters;
        let sub = SetQuery {
            packets: (0, 0),
            bytes: (0, 0),
            flags: match query.flags & flag::SKIP_SUBCOUNTERS {
                0 => query.flags,
                _ => query.flags | flag::SKIP_COUNTERS,
            },
            ..*query
        };
        let names: Vec<String> = set.members.iter().map(|m| m.0.clone()).collect();
        for (i, name) in names.iter().enumerate() {
            // Lists of lists do not exist, so this goes one deep.
            if self.is_list(name) || !self.test(&SetQuery { name, ..sub }, packet, now)? {
                continue;
            }
            let set = self.by_name.get_mut(query.name).ok_or(MISSING)?;
            if set.members.get_mut(i).is_some_and(|m| fits(counts, &mut m.1, query, packet, now)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a packet's element says of the mark, the priority and the queue (`-j SET --map-set`). Known of sets without
    /// networks; of the others, and of lists, nobody here says.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given or the kind of set does not tell.
    pub fn map(&mut self, query: &SetQuery<'_>, packet: &Packet, now: Now) -> Result<Option<SetInfo>, Stop> {
        if !self.test(query, packet, now)? {
            return Ok(None);
        }
        let set = self.by_name.get(query.name).ok_or(MISSING)?;
        if set.kind.nets() || set.kind.store == Store::List {
            return Err(Stop::Unknown("which element of the ipset fits"));
        }
        Ok(set.info(query, packet).map(|(mark, mask, priority, _)| SetInfo { mark, mask, priority }))
    }

    /// Adds or removes a packet's element.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    pub fn change(&mut self, query: &SetQuery<'_>, change: SetChange, packet: &Packet, now: Now) -> Result<(), Stop> {
        self.start(now);
        self.changed(query, change, packet, now).map(|_| ())
    }

    /// As [`Sets::change`]; says whether it could be done.
    fn changed(&mut self, query: &SetQuery<'_>, change: SetChange, packet: &Packet, now: Now) -> Result<bool, Stop> {
        let set = self.by_name.get_mut(query.name).ok_or(MISSING)?;
        if !set.takes(query, packet) {
            return Ok(false);
        }
        if set.kind.store != Store::List {
            return match change {
                SetChange::Add { timeout, exist } => set.add(query, timeout, exist, packet, now),
                SetChange::Del => Ok(set.del(query, packet, now)),
            };
        }
        let alive = set.members.iter().filter(|m| !m.1.gone(now));
        for name in alive.map(|m| m.0.clone()).collect::<Vec<_>>() {
            if !self.is_list(&name) && self.changed(&SetQuery { name: &name, ..*query }, change, packet, now)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_list(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|s| s.kind.store == Store::List)
    }
}

#[cfg(test)]
mod tests;
