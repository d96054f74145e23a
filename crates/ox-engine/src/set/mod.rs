//! ipsets whose contents are known. Of the others every answer is *unknown*.
//!
//! Kernel: net/netfilter/ipset/ip_set_core.c `ip_set_test`, `ip_set_add`, `ip_set_del`, `ip_set_match_extensions`;
//! ip_set_hash_gen.h, ip_set_bitmap_gen.h, ip_set_list_set.c; net/netfilter/xt_set.c.

mod element;
mod kind;
mod names;
mod read;

pub use element::Element;
pub use kind::{Kind, Part, Store};
pub use read::ReadError;

use element::{host, masked};
use ox_packet::Family;
use ox_rules::ir::{Now, Packet, SetChange, SetQuery, Stop};
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

/// Counts the packet on an entry and says whether the entry stands and its counters are as the rule wants them.
fn fits(counters: bool, entry: &mut Entry, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
    if entry.gone(now) {
        return false;
    }
    if !counters {
        return true;
    }
    if query.flags & flag::SKIP_COUNTERS == 0 {
        entry.packets += 1;
        entry.bytes += u64::from(packet.key.len);
    }
    let compare = |(how, than): (u8, u64), is: u64| match how {
        0 => true,
        1 => is == than,
        2 => is != than,
        3 => is < than,
        4 => is > than,
        _ => false,
    };
    compare(query.packets, entry.packets) && compare(query.bytes, entry.bytes)
}

impl Set {
    /// An empty set of a kind.
    pub fn new(kind: Kind, family: Family) -> Self {
        Self {
            kind,
            family: kind.only().unwrap_or(family),
            timeout: None,
            counters: false,
            comment: false,
            skbinfo: false,
            maxelem: if kind.store == Store::Hash { 65536 } else { u32::MAX },
            forceadd: false,
            kept: Vec::new(),
            range: (0, u128::MAX),
            mask: u128::MAX,
            mark_mask: u32::MAX,
            elements: BTreeMap::new(),
            members: Vec::new(),
            lens: [BTreeMap::new(), BTreeMap::new()],
        }
    }

    /// Whether a rule names enough dimensions, and packets of this family can be in the set.
    fn takes(&self, query: &SetQuery<'_>, packet: &Packet) -> bool {
        query.dims.len() >= self.kind.parts.len() && (!self.kind.has_family() || self.family == packet.layout.family)
    }

    fn test(&mut self, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
        let host = host(packet.layout.family);
        let Some(element) = self.element(query, packet, [host; 2]) else { return false };
        let found = if self.kind.nets() {
            self.test_nets(&element, query, packet, now)
        } else if self.kind.name == "bitmap:ip,mac" {
            return self.test_mac(&element, query, packet, now);
        } else {
            let counters = self.counters;
            self.elements
                .get_mut(&element)
                .and_then(|entry| fits(counters, entry, query, packet, now).then_some(!entry.nomatch))
        };
        match found {
            Some(inside) if self.kind.nets() && query.flags & flag::RETURN_NOMATCH != 0 => !inside,
            Some(inside) => inside,
            None => false,
        }
    }

    /// Looks for the narrowest network first (`mtype_test_cidrs`). `Some(false)`: an exception.
    fn test_nets(&mut self, of: &Element, query: &SetQuery<'_>, packet: &Packet, now: Now) -> Option<bool> {
        let lens = |i: usize| -> Vec<u8> { self.lens[i].keys().rev().copied().collect() };
        let parts = self.kind.parts.iter().filter(|p| matches!(p, Part::Ip | Part::Net)).copied();
        let [first, second] = {
            let mut each = parts.enumerate().map(|(i, p)| if p == Part::Net { lens(i) } else { vec![of.len[i]] });
            [each.next().unwrap_or_default(), each.next().unwrap_or_else(|| vec![0])]
        };
        for &a in &first {
            for &b in &second {
                let mut e = *of;
                e.len = [a, b];
                e.addr = [masked(self.family, of.addr[0], a), masked(self.family, of.addr[1], b)];
                if !self.kind.parts.contains(&Part::Iface) {
                    let counters = self.counters;
                    if let Some(entry) = self.elements.get_mut(&e)
                        && fits(counters, entry, query, packet, now)
                    {
                        return Some(!entry.nomatch);
                    }
                    continue;
                }
                // Once a network is there with any interface, wider ones are not looked at.
                let (found, there) = self.test_ifaces(&e, query, packet, now);
                if found.is_some() || there {
                    return found;
                }
            }
        }
        None
    }

    /// A network with the packet's interface; and whether the network is there with another only.
    fn test_ifaces(&mut self, of: &Element, query: &SetQuery<'_>, packet: &Packet, now: Now) -> (Option<bool>, bool) {
        let counters = self.counters;
        let mut there = false;
        let from = Element { physdev: false, iface: 0, ..*of };
        let to = Element { physdev: true, iface: u128::MAX, ..*of };
        for (e, entry) in self.elements.range_mut(from..=to) {
            there = true;
            if e.physdev == of.physdev && same_iface(e.iface, entry.wildcard, of.iface) {
                if fits(counters, entry, query, packet, now) {
                    return (Some(!entry.nomatch), true);
                }
                there = false;
            }
        }
        (None, there)
    }

    /// `bitmap:ip,mac`: an element without a MAC address learns the packet's.
    fn test_mac(&mut self, of: &Element, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
        let counters = self.counters;
        let key = Element { mac: [0; 6], ..*of };
        let Some(entry) = self.elements.get_mut(&key) else { return false };
        match entry.mac {
            Some(mac) => mac == of.mac && fits(counters, entry, query, packet, now),
            None => {
                learn(entry, of.mac, entry.stored, now);
                (entry.packets, entry.bytes) = (1, packet.key.len.into());
                true
            }
        }
    }

    fn add(
        &mut self,
        query: &SetQuery<'_>,
        timeout: Option<u32>,
        exist: bool,
        packet: &Packet,
        now: Now,
    ) -> Result<bool, Stop> {
        // A network is added as narrow as the narrowest there is.
        let narrowest = |i: usize| self.lens[i].keys().next_back().copied().unwrap_or(host(packet.layout.family));
        let lens = [narrowest(0), narrowest(1)];
        if self.kind.name == "hash:net" && lens[0] == 0 {
            return Ok(false);
        }
        let Some(element) = self.element(query, packet, lens) else { return Ok(false) };
        let with_mac = self.kind.store == Store::Bitmap && self.kind.parts.len() == 2;
        let key = if with_mac { Element { mac: [0; 6], ..element } } else { element };
        let key = self.same(&key).unwrap_or(key);
        let until = self.timeout.and_then(|own| ends(timeout.unwrap_or(own), now));
        let fresh = Entry {
            until,
            packets: u64::from(self.counters),
            bytes: if self.counters { packet.key.len.into() } else { 0 },
            mac: with_mac.then_some(element.mac),
            ..Entry::default()
        };
        if let Some(entry) = self.elements.get_mut(&key) {
            let gone = entry.gone(now);
            match entry.mac {
                None if with_mac => {
                    let own = self.timeout.unwrap_or(0);
                    let seconds = timeout.filter(|&t| t != own).or(entry.stored);
                    learn(entry, element.mac, seconds, now);
                    (entry.packets, entry.bytes) = (fresh.packets, fresh.bytes);
                    return Ok(true);
                }
                _ if !gone && !exist => return Ok(false),
                mac => {
                    let comment = std::mem::take(&mut entry.comment);
                    let mac = if exist { fresh.mac } else { mac };
                    *entry = Entry { comment, mac, wildcard: entry.wildcard, ..fresh };
                    return Ok(true);
                }
            }
        }
        if self.elements.len() >= self.maxelem as usize {
            self.sweep(now);
        }
        if self.elements.len() >= self.maxelem as usize {
            return match self.forceadd {
                true => Err(Stop::Unknown("which element a full ipset gives up")),
                false => Ok(false),
            };
        }
        self.insert(key, fresh);
        Ok(true)
    }

    fn del(&mut self, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
        let narrowest = |i: usize| self.lens[i].keys().next_back().copied().unwrap_or(host(packet.layout.family));
        let Some(element) = self.element(query, packet, [narrowest(0), narrowest(1)]) else { return false };
        let bitmap = self.kind.store == Store::Bitmap;
        let key = if bitmap { Element { mac: [0; 6], ..element } } else { element };
        let key = self.same(&key).unwrap_or(key);
        let gone = self.elements.get(&key).is_none_or(|e| e.gone(now));
        if !gone || bitmap {
            self.remove(&key);
        }
        !gone
    }

    /// The element that counts as the same as this one: with interfaces, one that has the beginning of its name.
    fn same(&self, of: &Element) -> Option<Element> {
        if !self.kind.parts.contains(&Part::Iface) {
            return self.elements.contains_key(of).then_some(*of);
        }
        let from = Element { iface: 0, ..*of };
        let to = Element { iface: u128::MAX, ..*of };
        let mut near = self.elements.range(from..=to);
        near.find(|(e, entry)| same_iface(e.iface, entry.wildcard, of.iface)).map(|(e, _)| *e)
    }

    /// Puts an element in, in place of one that is the same.
    pub fn insert(&mut self, element: Element, entry: Entry) {
        if self.elements.insert(element, entry).is_none() {
            for i in self.net_places() {
                *self.lens[i].entry(element.len[i]).or_default() += 1;
            }
        }
    }

    fn remove(&mut self, element: &Element) {
        if self.elements.remove(element).is_none() {
            return;
        }
        for i in self.net_places() {
            if let Some(n) = self.lens[i].get_mut(&element.len[i]) {
                *n -= 1;
                if *n == 0 {
                    self.lens[i].remove(&element.len[i]);
                }
            }
        }
    }

    /// Which of an element's addresses are networks.
    fn net_places(&self) -> impl Iterator<Item = usize> + use<> {
        let addrs = self.kind.parts.iter().filter(|p| matches!(p, Part::Ip | Part::Net));
        addrs.enumerate().filter(|(_, p)| **p == Part::Net).map(|(i, _)| i)
    }

    fn sweep(&mut self, now: Now) {
        let gone: Vec<Element> = self.elements.iter().filter(|(_, e)| e.gone(now)).map(|(k, _)| *k).collect();
        gone.iter().for_each(|e| self.remove(e));
    }
}

/// An element learns its MAC address, and its time begins.
fn learn(entry: &mut Entry, mac: [u8; 6], seconds: Option<u32>, now: Now) {
    entry.mac = Some(mac);
    entry.until = seconds.and_then(|s| ends(s, now));
    entry.stored = None;
}

/// When a timeout in seconds ends; 0 never does.
fn ends(seconds: u32, now: Now) -> Option<u64> {
    (seconds > 0).then(|| now.mono.saturating_add(u64::from(seconds) * SECOND))
}

fn same_iface(stored: u128, wildcard: bool, iface: u128) -> bool {
    if !wildcard {
        return stored == iface;
    }
    let bytes = 16 - stored.trailing_zeros().min(128) / 8;
    bytes == 0 || (stored ^ iface) >> (128 - 8 * bytes) == 0
}

#[cfg(test)]
mod tests;
