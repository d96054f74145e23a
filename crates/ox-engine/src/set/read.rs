//! `Sets::read`: sets from the text that `ipset save` prints.
//!
//! Lines are `create NAME KIND [option …]` and `add NAME ELEMENT [option …]`. Sets of an unknown kind are passed over
//! with their elements, so that rules about them stay undecided.

use super::element::{Element, host, masked};
use super::value::{MOST, Value, address, addresses, span, values};
use super::{Entry, Kind, Part, SECOND, Set, Sets, Store};
use ox_packet::Family;
use std::collections::BTreeSet;
use std::fmt;

/// Why a text is no list of sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Line, from 1.
    pub line: usize,
    /// The word that cannot be; empty where one is missing.
    pub word: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, word, why } = self;
        if word.is_empty() { write!(f, "line {line}: {why}") } else { write!(f, "line {line}: `{word}`: {why}") }
    }
}

impl std::error::Error for ReadError {}

/// A word and what is wrong with it.
pub(super) type Wrong = (String, &'static str);

pub(super) fn wrong<T>(word: &str, why: &'static str) -> Result<T, Wrong> {
    Err((word.to_owned(), why))
}

impl Sets {
    /// Reads sets from the text that `ipset save` prints. The time of elements runs from [`Sets::start`].
    ///
    /// # Errors
    /// [`ReadError`] names the line and the word.
    pub fn read(text: &str) -> Result<Sets, ReadError> {
        let mut sets = Sets::default();
        let mut unknown = BTreeSet::new();
        for (i, line) in text.lines().enumerate() {
            let done = words(line).and_then(|w| sets.line(&w, &mut unknown));
            done.map_err(|(word, why)| ReadError { line: i + 1, word, why })?;
        }
        Ok(sets)
    }

    fn line(&mut self, words: &[String], unknown: &mut BTreeSet<String>) -> Result<(), Wrong> {
        let mut rest = words.iter().map(String::as_str).filter(|w| !matches!(*w, "-exist" | "-!"));
        let Some(command) = rest.next() else { return Ok(()) };
        match command {
            _ if command.starts_with('#') => Ok(()),
            "COMMIT" => Ok(()),
            "create" | "-N" | "--create" => {
                let name = need(&mut rest, "a name is missing")?;
                let kind = need(&mut rest, "the kind of set is missing")?;
                match Kind::by_name(kind) {
                    Some(kind) => {
                        let set = create(kind, &mut rest)?;
                        self.by_name.insert(name.to_owned(), set);
                    }
                    None => drop(unknown.insert(name.to_owned())),
                }
                Ok(())
            }
            "add" | "-A" | "--add" => {
                let name = need(&mut rest, "a name is missing")?;
                let element = need(&mut rest, "the element is missing")?;
                match self.by_name.get(name).map(|s| s.kind.store) {
                    _ if unknown.contains(name) => Ok(()),
                    None => wrong(name, "there is no such set"),
                    Some(Store::List) => self.add_member(name, element, &mut rest),
                    Some(_) => match self.by_name.get_mut(name) {
                        Some(set) => add(set, element, &mut rest),
                        None => Ok(()),
                    },
                }
            }
            other => wrong(other, "neither `create' nor `add'"),
        }
    }

    fn add_member<'a>(
        &mut self,
        list: &str,
        member: &str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), Wrong> {
        if self.is_list(member) {
            return wrong(member, "a list cannot hold a list");
        }
        let Some(set) = self.by_name.get_mut(list) else { return wrong(list, "there is no such set") };
        let mut place = set.members.len();
        let mut words = Vec::new();
        while let Some(word) = rest.next() {
            if !matches!(word, "before" | "after") {
                words.push(word);
                continue;
            }
            let near = need(rest, "a name is missing")?;
            let Some(at) = set.members.iter().position(|m| m.0 == near) else {
                return wrong(near, "it is not in the list");
            };
            place = at + usize::from(word == "after");
        }
        let entry = entry(set, &mut words.into_iter())?;
        if !set.members.iter().any(|m| m.0 == member) {
            set.members.insert(place, (member.to_owned(), entry));
        }
        Ok(())
    }
}

/// Words are separated by blanks; double quotes hold one together.
fn words(line: &str) -> Result<Vec<String>, Wrong> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some(parts) => parts,
                None => return wrong(rest, "the quotation does not end"),
            },
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}

fn need<'a>(rest: &mut impl Iterator<Item = &'a str>, why: &'static str) -> Result<&'a str, Wrong> {
    rest.next().map_or_else(|| wrong("", why), Ok)
}

pub(super) fn number<'a, T: TryFrom<u64>>(rest: &mut impl Iterator<Item = &'a str>) -> Result<T, Wrong> {
    let word = need(rest, "a number is missing")?;
    let value = match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    };
    value.and_then(|v| T::try_from(v).ok()).map_or_else(|| wrong(word, "not a number that fits here"), Ok)
}

fn create<'a>(kind: Kind, rest: &mut impl Iterator<Item = &'a str>) -> Result<Set, Wrong> {
    let mut set = Set::new(kind, Family::V4);
    let mut range = None;
    while let Some(word) = rest.next() {
        match word {
            "family" => {
                let name = need(rest, "a family is missing")?;
                let family = match name {
                    "inet" | "ipv4" => Family::V4,
                    "inet6" | "ipv6" => Family::V6,
                    _ => return wrong(name, "neither `inet' nor `inet6'"),
                };
                if kind.only().is_some_and(|only| only != family) {
                    return wrong(name, "a bitmap has no IPv6 addresses");
                }
                set.family = family;
            }
            "timeout" => set.timeout = Some(number(rest)?),
            "counters" => set.counters = true,
            "comment" => set.comment = true,
            "skbinfo" => set.skbinfo = true,
            "forceadd" => set.forceadd = true,
            "maxelem" => set.maxelem = number(rest)?,
            "netmask" => {
                let len = number::<u8>(rest)?;
                set.mask = masked(set.family, u128::MAX >> (128 - host(set.family)), len);
            }
            "bitmask" => {
                let text = need(rest, "an address is missing")?;
                set.mask = address(set.family, text)?;
            }
            "markmask" => set.mark_mask = number(rest)?,
            "range" => range = Some(need(rest, "a range is missing")?),
            "hashsize" | "bucketsize" | "initval" | "size" => {
                let value = need(rest, "a number is missing")?;
                set.kept.push((word.to_owned(), value.to_owned()));
            }
            _ => return wrong(word, "not an option of sets"),
        }
    }
    match (kind.store, range) {
        (Store::Bitmap, None) => return wrong("", "a bitmap needs a range"),
        (Store::Bitmap, Some(text)) => {
            set.range = match kind.parts[0] {
                Part::Port => span(text, '-', |t| t.parse::<u16>().ok().map(u128::from), "not a port")?,
                _ => addresses(Family::V4, text)?,
            };
        }
        _ => {}
    }
    Ok(set)
}

/// What follows an element.
fn entry<'a>(set: &Set, rest: &mut impl Iterator<Item = &'a str>) -> Result<Entry, Wrong> {
    let mut entry = Entry::default();
    let mut timeout = set.timeout;
    while let Some(word) = rest.next() {
        match word {
            "timeout" if set.timeout.is_some() => timeout = Some(number(rest)?),
            "packets" if set.counters => entry.packets = number(rest)?,
            "bytes" if set.counters => entry.bytes = number(rest)?,
            "comment" if set.comment => entry.comment = need(rest, "a comment is missing")?.to_owned(),
            "nomatch" if set.kind.nets() => entry.nomatch = true,
            "wildcard" if set.kind.parts.contains(&Part::Iface) => entry.wildcard = true,
            "skbmark" if set.skbinfo => {
                let word = need(rest, "a mark is missing")?;
                let (mark, mask) = word.split_once('/').unwrap_or((word, "0xffffffff"));
                entry.skbinfo.0 = number(&mut [mark].into_iter())?;
                entry.skbinfo.1 = number(&mut [mask].into_iter())?;
            }
            "skbprio" if set.skbinfo => {
                let word = need(rest, "a priority is missing")?;
                let hex = |t: &str| u16::from_str_radix(t, 16).ok();
                let parts = word.split_once(':').and_then(|(a, b)| Some((hex(a)?, hex(b)?)));
                let Some((major, minor)) = parts else { return wrong(word, "not a priority like 1:2") };
                entry.skbinfo.2 = u32::from(major) << 16 | u32::from(minor);
            }
            "skbqueue" if set.skbinfo => entry.skbinfo.3 = number(rest)?,
            _ => return wrong(word, "not an option of this set's elements"),
        }
    }
    entry.until = timeout.filter(|&t| t > 0).map(|t| u64::from(t) * SECOND);
    Ok(entry)
}

fn add<'a>(set: &mut Set, text: &str, rest: &mut impl Iterator<Item = &'a str>) -> Result<(), Wrong> {
    let entry = entry(set, rest)?;
    let texts: Vec<&str> = text.split(',').collect();
    let without_mac = set.kind.store == Store::Bitmap && set.kind.parts == [Part::Ip, Part::Mac] && texts.len() == 1;
    if texts.len() != set.kind.parts.len() && !without_mac {
        return wrong(text, "not as many parts as this kind of set has");
    }
    let mut elements = vec![(Element::default(), 0)];
    for (part, text) in set.kind.parts.iter().zip(texts) {
        let values = values(set, *part, text)?;
        if elements.len().saturating_mul(values.len()) > MOST {
            return wrong(text, "that are too many elements");
        }
        let each = elements.iter().flat_map(|&(element, addrs)| {
            values.iter().map(move |&value| {
                let (mut e, mut addrs) = (element, addrs);
                match value {
                    Value::Addr(addr, len) => {
                        (e.addr[addrs], e.len[addrs]) = (addr, len);
                        addrs += 1;
                    }
                    Value::Port(proto, port) => (e.proto, e.port) = (proto, port),
                    Value::Mac(mac) => e.mac = mac,
                    Value::Iface(iface, physdev) => (e.iface, e.physdev) = (iface, physdev),
                    Value::Mark(mark) => e.mark = mark,
                }
                (e, addrs)
            })
        });
        elements = each.collect();
    }
    for (mut element, _) in elements {
        let mut entry = entry.clone();
        if set.kind.store == Store::Bitmap {
            let place = if set.kind.parts == [Part::Port] { element.port.into() } else { element.addr[0] };
            if !(set.range.0..=set.range.1).contains(&place) {
                return wrong(text, "outside the range of the set");
            }
            if set.kind.parts.len() == 2 {
                entry.mac = Some(std::mem::take(&mut element.mac)).filter(|_| !without_mac);
                if without_mac {
                    // Its time has not begun.
                    entry.stored = entry.until.take().map(|t| (t / SECOND) as u32);
                }
            }
        } else if matches!(set.kind.parts[0], Part::Ip) && set.kind.parts.len() == 1 && element.addr[0] == 0 {
            return wrong(text, "this address cannot be in such a set");
        }
        set.insert(element, entry);
    }
    Ok(())
}
