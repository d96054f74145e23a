//! Editing a table as `iptables` commands do, with the refusals that the commands know.
//!
//! Nothing here asks whether the kernel would take a rule: that is asked of the whole table afterwards.

use super::{Chain, ChainName, Counters, Fresh, Policy, Rule, Table, Target};
use rustc_hash::FxHashMap;

/// Why a table was not edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// There is no such chain.
    NoChain,
    /// There is a chain of that name already.
    Exists,
    /// The new name of a chain is taken, or is that of a verdict.
    NameTaken,
    /// No rule of the chain is the one described.
    NoRule,
    /// `-I` beyond the end.
    InsertIndex,
    /// `-D` beyond the end.
    DeleteIndex,
    /// `-R` beyond the end.
    ReplaceIndex,
    /// `-Z` beyond the end.
    ZeroIndex,
    /// Only built-in chains have a policy.
    NotBuiltin,
    /// A built-in chain cannot be removed.
    Builtin,
    /// Rules jump to the chain.
    InUse,
    /// The chain has rules.
    NotEmpty,
    /// The built-in chain has a policy that would be lost.
    HasPolicy,
}

/// How many rules jump to each chain.
pub type References = FxHashMap<ChainName, u32>;

impl Table {
    /// How many rules jump to each chain that any rule jumps to.
    pub fn references(&self) -> References {
        let mut refs = References::default();
        for rule in self.chains.iter().flat_map(|c| &c.rules) {
            if let Target::Jump(name) | Target::Goto(name) = &rule.target {
                *refs.entry(name.clone()).or_insert(0) += 1;
            }
        }
        refs
    }

    fn find(&mut self, chain: &str) -> Result<&mut Chain, EditError> {
        self.chain_mut(chain).ok_or(EditError::NoChain)
    }

    /// `-A`
    ///
    /// # Errors
    /// No such chain.
    pub fn append(&mut self, chain: &str, rule: Rule) -> Result<(), EditError> {
        self.find(chain)?.rules.push(rule);
        Ok(())
    }

    /// `-I`: before rule `at` (from 1), or at the end when it is one more than there are.
    ///
    /// # Errors
    /// No such chain; index too big.
    pub fn insert(&mut self, chain: &str, at: usize, rule: Rule) -> Result<(), EditError> {
        let rules = &mut self.find(chain)?.rules;
        let at = at.wrapping_sub(1);
        if at > rules.len() {
            return Err(EditError::InsertIndex);
        }
        rules.insert(at, rule);
        Ok(())
    }

    /// `-R`: the rule takes the place of the old one, in the text as well.
    ///
    /// # Errors
    /// No such chain; index too big.
    pub fn replace(&mut self, chain: &str, at: usize, mut rule: Rule) -> Result<(), EditError> {
        let rules = &mut self.find(chain)?.rules;
        let old = rules.get_mut(at.wrapping_sub(1)).ok_or(EditError::ReplaceIndex)?;
        if old.origin.fresh == Fresh::Kept && old.origin.line != 0 {
            rule.origin.line = old.origin.line;
            rule.origin.fresh = Fresh::Changed;
        }
        *old = rule;
        Ok(())
    }

    /// `-D` by number (from 1).
    ///
    /// # Errors
    /// No such chain; index too big.
    pub fn delete_at(&mut self, chain: &str, at: usize) -> Result<(), EditError> {
        let rules = &mut self.find(chain)?.rules;
        let at = at.wrapping_sub(1);
        if at >= rules.len() {
            return Err(EditError::DeleteIndex);
        }
        rules.remove(at);
        Ok(())
    }

    /// Position (from 1) of the first rule that `-C` and `-D` take for this one.
    ///
    /// # Errors
    /// There is none, or no such chain.
    pub fn position_of(&self, chain: &str, rule: &Rule) -> Result<usize, EditError> {
        let rules = &self.chain(chain).ok_or(EditError::NoRule)?.rules;
        rules.iter().position(|r| r.same(rule)).map(|i| i + 1).ok_or(EditError::NoRule)
    }

    /// `-F`
    ///
    /// # Errors
    /// No such chain.
    pub fn flush(&mut self, chain: Option<&str>) -> Result<(), EditError> {
        match chain {
            Some(name) => self.find(name)?.rules.clear(),
            None => self.chains.iter_mut().for_each(|c| c.rules.clear()),
        }
        Ok(())
    }

    /// `-Z`: of every chain, of one, or of one rule of it.
    ///
    /// # Errors
    /// No such chain; index too big.
    pub fn zero(&mut self, chain: Option<&str>, at: Option<usize>) -> Result<(), EditError> {
        match (chain, at) {
            (Some(name), Some(at)) => {
                let rules = &mut self.find(name)?.rules;
                zero_rule(rules.get_mut(at.wrapping_sub(1)).ok_or(EditError::ZeroIndex)?);
            }
            (Some(name), None) => zero_chain(self.find(name)?),
            (None, _) => self.chains.iter_mut().for_each(zero_chain),
        }
        Ok(())
    }

    /// `-N`
    ///
    /// # Errors
    /// There is one of that name.
    pub fn create(&mut self, chain: &str) -> Result<(), EditError> {
        if self.position(chain).is_some() {
            return Err(EditError::Exists);
        }
        self.push(Chain::user(chain.into()));
        Ok(())
    }

    /// `-X CHAIN`. The last user chain takes its place in the list; printing sorts by name.
    ///
    /// # Errors
    /// No such chain, a built-in one, one in use, one with rules.
    pub fn remove(&mut self, chain: &str, refs: &References) -> Result<(), EditError> {
        let at = self.position(chain).ok_or(EditError::NoChain)?;
        if self.chains[at].base.is_some() {
            return Err(EditError::Builtin);
        }
        if refs.get(chain).is_some_and(|&n| n > 0) {
            return Err(EditError::InUse);
        }
        if !self.chains[at].rules.is_empty() {
            return Err(EditError::NotEmpty);
        }
        let gone = self.chains.swap_remove(at);
        self.index.remove(&gone.name);
        if let Some(moved) = self.chains.get(at) {
            self.index.insert(moved.name.clone(), at as u32);
        }
        Ok(())
    }

    /// `-E`: the references follow.
    ///
    /// # Errors
    /// No such user chain; the new name is taken.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), EditError> {
        let verdict = ["ACCEPT", "DROP", "QUEUE", "RETURN"].contains(&new);
        if verdict || self.position(new).is_some() {
            return Err(EditError::NameTaken);
        }
        let at = self.position(old).filter(|&i| self.chains[i].base.is_none()).ok_or(EditError::NoChain)?;
        let name = ChainName::from(new);
        self.chains[at].name = name.clone();
        self.index.remove(old);
        self.index.insert(name.clone(), at as u32);
        for (chain, rule) in
            self.chains.iter_mut().enumerate().flat_map(|(i, c)| c.rules.iter_mut().map(move |r| (i, r)))
        {
            let mut changed = chain == at;
            if let Target::Jump(to) | Target::Goto(to) = &mut rule.target
                && to.as_str() == old
            {
                *to = name.clone();
                changed = true;
            }
            if changed {
                rule.origin.touch();
            }
        }
        Ok(())
    }

    /// `-P`; the counters begin again.
    ///
    /// # Errors
    /// Not a built-in chain.
    pub fn set_policy(&mut self, chain: &str, policy: Policy, counters: Counters) -> Result<(), EditError> {
        let chain = self.chain_mut(chain).ok_or(EditError::NotBuiltin)?;
        chain.base.as_mut().ok_or(EditError::NotBuiltin)?.policy = policy;
        chain.counters = counters;
        Ok(())
    }

    /// Chains in the order in which every listing prints them: built-in ones by hook, then the others by name.
    pub fn in_order(&self) -> Vec<&Chain> {
        let mut chains: Vec<&Chain> = self.chains.iter().collect();
        let key = |c: &Chain| c.base.map_or(usize::MAX, |b| b.hook as usize);
        let sorted = chains.is_sorted_by(|a, b| (key(a), &a.name) <= (key(b), &b.name));
        if !sorted {
            chains.sort_by(|a, b| (key(a), &a.name).cmp(&(key(b), &b.name)));
        }
        chains
    }
}

fn zero_chain(chain: &mut Chain) {
    chain.counters = Counters::default();
    chain.rules.iter_mut().for_each(zero_rule);
}

fn zero_rule(rule: &mut Rule) {
    if rule.counters != Counters::default() {
        rule.counters = Counters::default();
        rule.origin.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Standard, TableName};

    fn rule(target: Target) -> Rule {
        Rule { target, ..Rule::default() }
    }

    #[test]
    fn chains_are_removed_only_when_nothing_needs_them() {
        let mut t = Table::new(TableName::Filter);
        for name in ["a", "b", "c"] {
            t.create(name).unwrap();
        }
        assert_eq!(t.create("a"), Err(EditError::Exists));
        assert_eq!(t.create("INPUT"), Err(EditError::Exists));
        t.append("INPUT", rule(Target::Jump("a".into()))).unwrap();
        t.append("b", rule(Target::Standard(Standard::Drop))).unwrap();
        let refs = t.references();
        assert_eq!(t.remove("a", &refs), Err(EditError::InUse));
        assert_eq!(t.remove("b", &refs), Err(EditError::NotEmpty));
        assert_eq!(t.remove("INPUT", &refs), Err(EditError::Builtin));
        assert_eq!(t.remove("nosuch", &refs), Err(EditError::NoChain));
        t.flush(None).unwrap();
        let refs = t.references();
        t.remove("a", &refs).unwrap();
        // The one that took its place is still found by name.
        assert_eq!(t.chain("c").unwrap().name.as_str(), "c");
        assert_eq!(t.chain("b").unwrap().name.as_str(), "b");
        assert!(t.chain("a").is_none());
    }

    #[test]
    fn a_rename_takes_the_jumps_along() {
        let mut t = Table::new(TableName::Filter);
        t.create("old").unwrap();
        t.append("INPUT", rule(Target::Goto("old".into()))).unwrap();
        assert_eq!(t.rename("old", "INPUT"), Err(EditError::NameTaken));
        assert_eq!(t.rename("old", "DROP"), Err(EditError::NameTaken));
        assert_eq!(t.rename("INPUT", "x"), Err(EditError::NoChain));
        t.rename("old", "new").unwrap();
        assert_eq!(t.chain("INPUT").unwrap().rules[0].target, Target::Goto("new".into()));
        assert!(t.chain("old").is_none() && t.chain("new").is_some());
    }

    #[test]
    fn indexes_count_from_one() {
        let mut t = Table::new(TableName::Filter);
        let r = || rule(Target::Standard(Standard::Accept));
        assert_eq!(t.insert("INPUT", 2, r()), Err(EditError::InsertIndex));
        assert_eq!(t.insert("INPUT", 0, r()), Err(EditError::InsertIndex));
        t.insert("INPUT", 1, r()).unwrap();
        assert_eq!(t.replace("INPUT", 2, r()), Err(EditError::ReplaceIndex));
        assert_eq!(t.delete_at("INPUT", 2), Err(EditError::DeleteIndex));
        assert_eq!(t.zero(Some("INPUT"), Some(2)), Err(EditError::ZeroIndex));
        t.delete_at("INPUT", 1).unwrap();
    }
}
