//! Reading the rulesets that the generator writes, line by line.

use ox_packet::Family;
use ox_rules::ir::Dialect;
use ox_rules::model::{Chain, Policy, Ruleset, TableName};
use ox_rules::syntax::{NoNames, RuleCx, Strangers, read_rule, split_words};

/// Reads restore text.
///
/// # Errors
/// What cannot be read, with its line.
pub fn read_ruleset(text: &str, family: Family, dialect: Dialect) -> Result<Ruleset, String> {
    let mut ruleset = Ruleset::new(family);
    let mut table = TableName::Filter;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = TableName::from_name(name).ok_or_else(|| line.to_owned())?;
            ruleset.table_mut(table);
        } else if let Some(rest) = line.strip_prefix(':') {
            let (name, rest) = rest.split_once(' ').ok_or_else(|| line.to_owned())?;
            let t = ruleset.table_mut(table);
            match t.chain_mut(name).and_then(|c| c.base.as_mut()) {
                Some(base) => base.policy = if rest.starts_with("DROP") { Policy::Drop } else { Policy::Accept },
                None => t.push(Chain::user(name.into())),
            }
        } else if let Some(rest) = line.strip_prefix("-A ") {
            let mut words = Vec::new();
            split_words(rest, &mut words).map_err(|_| line.to_owned())?;
            let words: Vec<&str> = words.iter().map(|w| &*w.text).collect();
            let cx = RuleCx { family, dialect, table, names: &NoNames, strangers: Strangers::Refuse };
            let read = read_rule(&words[1..], &cx).map_err(|f| format!("{line}: {f}"))?;
            let chain = ruleset.table_mut(table).chain_mut(words[0]).ok_or_else(|| line.to_owned())?;
            chain.rules.extend(read.into_rules());
        }
    }
    if dialect == Dialect::Nft {
        for t in &mut ruleset.tables {
            t.sort();
        }
    }
    Ok(ruleset)
}
