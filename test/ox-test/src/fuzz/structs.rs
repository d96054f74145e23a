//! `structs`: whatever bytes a kernel hands over as an extension's payload, or as a table of rules. What is read of a payload
//! is written again as what reads the same, and can be printed, listed, lowered and translated.

use super::restore::listed;
use super::{Few, Head};
use crate::generate::{self, Kind};
use crate::random::Random;
use ox_packet::Family;
use ox_rules::ext::abi::{Carried, Carry, SetIds};
use ox_rules::ext::{self, Match, Target};
use ox_rules::ir::{Dialect, lower};
use ox_rules::model::{Raw, Rule, Ruleset, TableName};
use ox_rules::syntax::{Out, Program, RuleCx, Strangers, read_rule, save_rule};
use ox_wire::xtables::entry::{self, entries};

/// Words of the generator; the bytes behind them damage what came of it.
const WORDS: usize = 32;

/// Reads payloads, by bits of the first byte: IPv6, a target, a whole table instead. The rest is a payload as it stands
/// (number of the extension, revision, bytes), or makes a rule, whose payloads are then damaged.
pub fn structs(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else { return };
    let head = Head(first);
    let family = head.program().family;
    let kind = if head.bit(1) { Kind::Target } else { Kind::Match };
    if head.bit(2) {
        let kind = if family == Family::V4 { entry::Kind::Ipt } else { entry::Kind::Ip6t };
        for entry in entries(kind, rest).unwrap_or_default() {
            for piece in entry.matches {
                let raw = Raw { revision: piece.revision, info: piece.info.to_vec() };
                payload(Kind::Match, &String::from_utf8_lossy(piece.name), raw, family);
            }
            let raw = Raw { revision: entry.target.revision, info: entry.target.info.to_vec() };
            payload(Kind::Target, &String::from_utf8_lossy(entry.target.name), raw, family);
        }
        return;
    }
    let list = if kind == Kind::Match { ext::matches() } else { ext::targets() };
    let [number, rest @ ..] = rest else { return };
    let desc = &list[usize::from(*number) % list.len()];
    if head.way() >= 2 {
        let [revision, info @ ..] = rest else { return };
        return payload(kind, desc.name, Raw { revision: *revision, info: info.to_vec() }, family);
    }
    let (words, damage) = rest.split_at(rest.len().min(WORDS));
    let family = if desc.families.has(family) { family } else { other(family) };
    let made = generate::one(desc, kind, family, 0, &mut Random::from_bytes(words));
    let words: Vec<&str> = made.words.iter().map(String::as_str).collect();
    let Some(table) = TableName::from_name(made.table) else { return };
    let cx = RuleCx { family, dialect: Dialect::Legacy, table, names: &Few, strangers: Strangers::Refuse };
    let Ok(read) = read_rule(&words, &cx) else { return };
    let carry = Carry { family, sets: &Sets };
    for wanted in 0..=4 {
        let confirmed = |_: &str, revision: u8| revision == wanted;
        let all = read.rule.matches.iter().map(|m| (Kind::Match, m.encode(&carry, &confirmed)));
        for (kind, good) in all.chain([(Kind::Target, read.rule.target.encode(&carry, &confirmed))]) {
            let Some(Carried { name, revision, mut info, .. }) = good else { continue };
            for pair in damage.chunks_exact(2) {
                let at = usize::from(pair[0]) % info.len().max(1);
                if let Some(byte) = info.get_mut(at) {
                    *byte ^= pair[1];
                }
            }
            payload(kind, &name, Raw { revision, info }, family);
        }
    }
}

fn other(family: Family) -> Family {
    if family == Family::V4 { Family::V6 } else { Family::V4 }
}

/// Sixteen sets, by number.
struct Sets;

impl SetIds for Sets {
    fn number(&self, name: &str) -> Option<u16> {
        // Words of the generator have no number in them.
        let known = ["ips", "nets", "pairs", "three"].iter().position(|s| *s == name).map(|at| at as u16);
        known.or_else(|| name.strip_prefix("set")?.parse().ok().filter(|n| (4..16).contains(n)))
    }
    fn name(&self, number: u16) -> Option<String> {
        let known = ["ips", "nets", "pairs", "three"].get(usize::from(number)).map(|s| (*s).to_owned());
        known.or_else(|| (number < 16).then(|| format!("set{number}")))
    }
}

/// What must hold of one payload.
fn payload(kind: Kind, name: &str, raw: Raw, family: Family) {
    let cx = Carry { family, sets: &Sets };
    let revision = raw.revision;
    let confirmed = |_: &str, r: u8| r == revision;
    let mut rule = Rule::default();
    match kind {
        Kind::Match => {
            let found = Match::decode(name, raw.clone(), &cx);
            let Some(again) = found.encode(&cx, &confirmed) else { panic!("{name}: {raw:?} cannot be written again") };
            let read = Match::decode(&again.name, Raw { revision, info: again.info }, &cx);
            assert!(read == found, "{name}: {raw:?} reads {found:?}, and written again {read:?}");
            rule.matches = vec![found].into();
        }
        Kind::Target => {
            let found = Target::decode(name, raw.clone(), &cx);
            let Some(again) = found.encode(&cx, &confirmed) else { panic!("{name}: {raw:?} cannot be written again") };
            let read = Target::decode(&again.name, Raw { revision, info: again.info }, &cx);
            assert!(read == found, "{name}: {raw:?} reads {found:?}, and written again {read:?}");
            rule.target = found;
        }
    }
    save_rule(&rule, family, false, &mut Out::default());
    let mut ruleset = Ruleset::new(family);
    let table = ruleset.table_mut(TableName::Mangle);
    table.chains[0].rules.push(rule);
    for dialect in [Dialect::Legacy, Dialect::Nft] {
        listed(table, Program { family, dialect });
    }
    for dialect in [Dialect::Legacy, Dialect::Nft] {
        let _ = lower(&ruleset, dialect);
    }
}
