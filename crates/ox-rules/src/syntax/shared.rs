//! What the rules of a table share by name, and where they do not agree about it.
//!
//! Kernel: net/netfilter/xt_hashlimit.c `hashlimit_mt_check_common`, xt_RATEEST.c `xt_rateest_tg_checkentry`,
//! xt_IDLETIMER.c `idletimer_tg_checkentry`: the first rule that says a name makes the thing, and settles what it is.

use super::Refusal;
use super::admit::{is_new, refuse};
use crate::ext::{Refused, Shared};
use crate::model::{Rule, Table};
use std::collections::BTreeMap;

/// The refusals of rules that are new and mean something else by a name than a rule before them: those that were there
/// already come first, then the others in the order of their lines.
pub(super) fn disagreements(table: &Table) -> impl Iterator<Item = Refusal> {
    let mut all: Vec<(&str, &Rule, Shared<'_>)> = Vec::new();
    if rules(table).any(|(_, rule)| is_new(rule) && shared(rule).next().is_some()) {
        all.extend(rules(table).flat_map(|(chain, rule)| shared(rule).map(move |s| (chain, rule, s))));
        all.sort_by_key(|(_, rule, _)| (is_new(rule), rule.origin.line));
    }
    let mut settled: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    all.into_iter().filter_map(move |(chain, rule, Shared { what, name, terms })| {
        let first = *settled.entry((what, name)).or_insert(terms);
        let why = || format!("another rule has made the {what} `{name}' with other figures");
        (first != terms && is_new(rule)).then(|| refuse(rule, chain, Refused::invalid(why())))
    })
}

fn rules(table: &Table) -> impl Iterator<Item = (&str, &Rule)> {
    table.chains.iter().flat_map(|chain| chain.rules.iter().map(|rule| (chain.name.as_str(), rule)))
}

fn shared(rule: &Rule) -> impl Iterator<Item = Shared<'_>> {
    rule.matches.iter().filter_map(|m| m.shared()).chain(rule.target.shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Dialect;
    use crate::model::{Fresh, TableName};
    use crate::syntax::{NoNames, RuleCx, Strangers, read_rule};
    use ox_packet::Family;

    /// What is said of a filter INPUT with these rules, of which the first `kept` were there before.
    fn told(kept: usize, lines: &[&str]) -> Vec<u32> {
        let (family, dialect, table) = (Family::V4, Dialect::Nft, TableName::Filter);
        let cx = RuleCx { family, dialect, table, names: &NoNames, strangers: Strangers::Refuse };
        let mut table = Table::new(table);
        let chain = table.position("INPUT").expect("a built-in chain");
        for (i, line) in lines.iter().enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            let mut rule = read_rule(&words, &cx).expect(line).rule;
            rule.origin.line = i as u32 + 1;
            rule.origin.fresh = if i < kept { Fresh::Kept } else { Fresh::New };
            table.chains[chain].rules.push(rule);
        }
        disagreements(&table).map(|r| r.line).collect()
    }

    #[test]
    fn the_first_rule_of_a_name_settles_it() {
        let plain = "-m hashlimit --hashlimit-upto 5/s --hashlimit-name x";
        let other = "-m hashlimit --hashlimit-above 7kb/s --hashlimit-mode srcip --hashlimit-name x";
        let rates = "-m hashlimit --hashlimit-upto 5/s --hashlimit-rate-match --hashlimit-name x";
        let away = "-m hashlimit --hashlimit-upto 5/s --hashlimit-rate-match --hashlimit-name y";
        assert_eq!(told(0, &[plain, other, away, rates, rates]), [4, 5]);
        assert_eq!(told(0, &[rates, plain]), [2]);
        // What was there comes first wherever it stands, and is not held against an edit.
        assert_eq!(told(2, &[plain, rates]), [0; 0]);
        assert_eq!(told(2, &[plain, rates, rates]), [3]);
    }

    #[test]
    fn estimators_and_timers_are_shared_too() {
        let estimator = |ms: u32| format!("-j RATEEST --rateest-name a --rateest-interval {ms}ms --rateest-ewmalog 1s");
        assert_eq!(told(0, &[&estimator(250), &estimator(250), &estimator(500)]), [3]);
        let timer = "-j IDLETIMER --timeout 5 --label x";
        assert_eq!(told(0, &[timer, "-j IDLETIMER --timeout 9 --label x", &format!("{timer} --alarm")]), [3]);
    }
}
