//! What the rules counted, as the kernel says it and as the engine does.

use super::compare::{Failure, stock_name};
use super::coverage;
use super::lab::Lab;
use super::replay::Run;
use ox_packet::Family;
use ox_rules::ir::Dialect;
use ox_rules::model::{Counters, Ruleset};
use std::collections::BTreeMap;

/// Counters by table, chain and position; the position after the last rule is the policy's.
pub type Counted = BTreeMap<(String, String, usize), Counters>;

/// The kernel's.
///
/// # Errors
/// The lab broke.
pub fn kernel_counters(lab: &Lab<'_>, family: Family, dialect: Dialect) -> Result<Counted, Failure> {
    let saved = lab.stock(&stock_name(family, dialect, "save"), &["-c"], "")?;
    let mut counted = Counted::new();
    let mut table = String::new();
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for line in saved.out().lines() {
        let pair = |text: &str| -> Option<Counters> {
            let (p, b) = text.trim_start_matches('[').split_once(']')?.0.split_once(':')?;
            Some(Counters { packets: p.parse().ok()?, bytes: b.parse().ok()? })
        };
        if let Some(name) = line.strip_prefix('*') {
            table = name.to_owned();
            next.clear();
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split(' ');
            let (name, policy, count) = (words.next(), words.next(), words.next());
            if let (Some(name), Some(policy), Some(count)) = (name, policy, count.and_then(pair))
                && policy != "-"
            {
                counted.insert((table.clone(), name.to_owned(), usize::MAX), count);
            }
        } else if let (Some(count), Some(rest)) = (pair(line), line.split_once("] -A ")) {
            let chain = rest.1.split(' ').next().unwrap_or_default().to_owned();
            let at = next.entry(chain.clone()).or_default();
            counted.insert((table.clone(), chain, *at), count);
            *at += 1;
        }
    }
    Ok(counted)
}

/// The engine's.
pub fn engine_counters(run: &Run, ruleset: &Ruleset) -> Counted {
    let mut counted = Counted::new();
    for (table, chain, rules, policy) in run.counters(ruleset) {
        let base = ruleset
            .tables
            .iter()
            .find(|t| t.name.name() == table)
            .and_then(|t| t.chain(&chain))
            .is_some_and(|c| c.base.is_some());
        if base {
            counted.insert((table.clone(), chain.clone(), usize::MAX), policy);
        }
        for (i, c) in rules.into_iter().enumerate() {
            counted.insert((table.clone(), chain.clone(), i), c);
        }
    }
    counted
}

/// Adds what the rules of a text are made of to `hits`, as often as each matched, and how often each built-in chain was
/// walked to a rule that matched or to its end.
pub fn count_hits(hits: &mut BTreeMap<String, u64>, text: &str, family: Family, counted: &Counted) {
    let mut table = "";
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
            next.clear();
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let chain = rule.split(' ').next().unwrap_or_default();
            let at = next.entry(chain).or_default();
            let packets = counted.get(&(table.to_owned(), chain.to_owned(), *at)).map_or(0, |c| c.packets);
            *at += 1;
            let walked = (!chain.starts_with("user")).then(|| format!("{table} {chain}"));
            for label in coverage::labels(line, family).into_iter().chain(walked) {
                *hits.entry(label).or_default() += packets;
            }
        }
    }
}
