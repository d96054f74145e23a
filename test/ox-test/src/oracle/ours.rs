//! Our own answers, from the library.

use super::cases::{Case, Group};
use super::stock::Asked;
use super::{Answer, Program};
use ox_rules::ext::{Place, Refused};
use ox_rules::ir::{Dialect, HookSet};
use ox_rules::model::{Rule, Standard, TableName, Target};
use ox_rules::syntax::{Fault, FaultKind, Names, Out, RuleCx, Show, Strangers, read_rule, save_rule, split_words};

/// Our answers and the rules behind them.
pub struct Ours<'a> {
    /// One for each case.
    pub answers: Vec<Answer>,
    rules: Vec<Vec<Rule>>,
    program: Program,
    cases: &'a [Case],
    names: &'a dyn Names,
}

/// Reads and prints every case.
pub fn answer<'a>(program: Program, group: &'a Group, names: &'a dyn Names) -> Ours<'a> {
    let cases = &group.cases[..];
    let mut ours = Ours { answers: Vec::new(), rules: Vec::new(), program, cases, names };
    for case in cases {
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        let (answer, rules) = match ours.take(case, &words) {
            Ok(rules) => (ours.print(&rules), rules),
            Err((exit, said)) => (Answer { exit, said, ..Answer::default() }, Vec::new()),
        };
        ours.answers.push(answer);
        ours.rules.push(rules);
    }
    ours
}

impl Ours<'_> {
    fn read(&self, case: &Case, words: &[&str]) -> Result<Vec<Rule>, Fault> {
        let table = TableName::from_name(&case.table).ok_or_else(|| Fault::usage(None, "no such table"))?;
        let Program { family, dialect } = self.program;
        let cx = RuleCx { family, dialect, table, names: self.names, strangers: Strangers::Refuse };
        Ok(read_rule(words, &cx)?.into_rules())
    }

    /// The rules, or exit status and message.
    fn take(&self, case: &Case, words: &[&str]) -> Result<Vec<Rule>, (i32, String)> {
        let rules = self.read(case, words).map_err(|f| match f.kind {
            FaultKind::Usage => (2, f.message),
            FaultKind::Missing => (1, f.message),
            FaultKind::Kernel => (self.kernel(), f.message),
        })?;
        for rule in &rules {
            self.admit(case, rule)?;
        }
        Ok(rules)
    }

    /// Exit status of a refusal by the kernel.
    fn kernel(&self) -> i32 {
        if self.program.dialect == Dialect::Nft { 4 } else { 1 }
    }

    fn admit(&self, case: &Case, rule: &Rule) -> Result<(), (i32, String)> {
        let Some(table) = TableName::from_name(&case.table) else { return Ok(()) };
        let hook = table.hooks().iter().find(|h| h.name() == case.chain);
        let hooks = hook.map_or(HookSet::NONE, |&h| HookSet::of(&[h]));
        let Program { family, dialect } = self.program;
        let (base, head, matches) = (hook.is_some(), &rule.head, &rule.matches[..]);
        let place = Place { family, table, hooks, base, head, matches, dialect };
        let refused = |r: Refused| (self.kernel(), r.why);
        for m in &rule.matches {
            m.admit(&place).map_err(refused)?;
        }
        match &rule.target {
            Target::Jump(name) | Target::Goto(name) => {
                let known = self.cases.iter().any(|c| c.table == case.table && c.chain == name.as_str());
                if !known {
                    return Err((2, format!("chain `{}' does not exist", name.as_str())));
                }
            }
            Target::Standard(Standard::Drop) if table == TableName::Nat => {
                return Err((2, "DROP in the nat table".to_owned()));
            }
            target => target.admit(&place).map_err(refused)?,
        }
        Ok(())
    }

    fn print(&self, rules: &[Rule]) -> Answer {
        let family = self.program.family;
        let list = |rule: &Rule, numeric: bool| {
            let show = Show { numeric, names: self.names, family, proto: rule.head.proto.is.0 };
            let mut out = Out::default();
            if matches!(rule.target, Target::Goto(_)) {
                out.word("[goto]");
            }
            for m in &rule.matches {
                m.list(&mut out, &show);
            }
            rule.target.list(&mut out, &show);
            out.text.trim().to_owned()
        };
        Answer {
            rules: rules.iter().map(|r| self.saved(r)).collect(),
            numeric: rules.iter().map(|r| list(r, true)).collect(),
            listed: rules.iter().map(|r| list(r, false)).collect(),
            ..Answer::default()
        }
    }

    fn saved(&self, rule: &Rule) -> String {
        let mut out = Out::default();
        save_rule(rule, self.program.family, false, &mut out);
        out.text
    }

    /// Fills in what `-C` and `-D` would do, in a chain as the stock program's.
    pub fn find_and_delete(&mut self, stock: &Asked) {
        for &i in &stock.order {
            let case = &self.cases[i];
            let same_chain = |&j: &usize| self.cases[j].chain == case.chain && self.cases[j].table == case.table;
            let chain: Vec<&Rule> =
                stock.order.iter().copied().filter(same_chain).flat_map(|j| &self.rules[j]).collect();
            let has = |rules: Result<Vec<Rule>, Fault>| match rules {
                Ok(rules) => rules.iter().all(|r| chain.iter().any(|c| c.same(r))),
                Err(_) => false,
            };
            let typed: Vec<&str> = case.words.iter().map(String::as_str).collect();
            let found_typed = has(self.read(case, &typed));
            let found_printed = stock.answers[i].rules.iter().all(|line| {
                let mut words = Vec::new();
                let split = split_words(line, &mut words).is_ok();
                let words: Vec<&str> = words.iter().map(|w| &*w.text).collect();
                split && has(self.read(case, &words))
            });
            self.answers[i].found_typed = found_typed;
            self.answers[i].found_printed = found_printed;
        }
        // Which case's which rule stands in the chains, in order.
        let mut standing: Vec<(usize, usize)> =
            stock.order.iter().flat_map(|&i| (0..self.rules[i].len()).map(move |r| (i, r))).collect();
        for &i in &stock.deleted {
            for rule in &self.rules[i] {
                let case = &self.cases[i];
                let found = standing.iter().position(|&(j, r)| {
                    let other = &self.cases[j];
                    other.chain == case.chain && other.table == case.table && self.rules[j][r].same(rule)
                });
                if let Some(found) = found {
                    standing.remove(found);
                }
            }
        }
        for (i, r) in standing {
            let saved = self.saved(&self.rules[i][r]);
            self.answers[i].left.push(saved);
        }
    }
}
