//! One set: what is in it, and how a packet finds, adds and removes its element.
//!
//! Kernel: net/netfilter/ipset/ip_set_hash_gen.h, ip_set_bitmap_gen.h, ip_set_bitmap_ipmac.c.

use super::element::{Element, host, masked};
use super::{Entry, Kind, Part, SECOND, Set, Store, flag};
use ox_packet::Family;
use ox_rules::ir::{Now, Packet, SetQuery, Stop};
use std::collections::BTreeMap;

/// Counts the packet on an entry and says whether the entry stands and its counters are as the rule wants them.
pub(super) fn fits(counters: bool, entry: &mut Entry, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
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
    pub(super) fn takes(&self, query: &SetQuery<'_>, packet: &Packet) -> bool {
        query.dims.len() >= self.kind.parts.len() && (!self.kind.has_family() || self.family == packet.layout.family)
    }

    pub(super) fn test(&mut self, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
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

    /// What an element of a set without networks carries for `--map-set`.
    pub(super) fn info(&self, query: &SetQuery<'_>, packet: &Packet) -> Option<(u32, u32, u32, u16)> {
        let element = self.element(query, packet, [host(packet.layout.family); 2])?;
        self.elements.get(&element).map(|entry| entry.skbinfo)
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

    pub(super) fn add(
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

    pub(super) fn del(&mut self, query: &SetQuery<'_>, packet: &Packet, now: Now) -> bool {
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
