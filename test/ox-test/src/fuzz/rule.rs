//! One rule: read, saved, read again, found by `-C`, listed, admitted and lowered.

use super::Few;
use super::restore::{holds, listed};
use crate::generate::Made;
use ox_rules::model::{Fresh, Rule, Ruleset, TableName};
use ox_rules::syntax::{Out, Program, RuleCx, Strangers, TextKind, admit, read_rule, save_rule, split_words};

/// What came of a rule's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The program refuses them.
    Refused,
    /// The program takes them, the kernel would not.
    NotAdmitted,
    /// Both take them.
    Taken,
}

/// Checks everything that must hold of a rule, whatever its words.
///
/// # Panics
/// Something does not.
pub fn rule(made: &Made, program: Program) -> Told {
    let Some(table) = TableName::from_name(made.table) else { panic!("no table {}", made.table) };
    let words: Vec<&str> = made.words.iter().map(String::as_str).collect();
    let rules = match read(&words, table, program) {
        Ok(rules) => rules,
        Err(why) => {
            assert!(!why.is_empty(), "{words:?}: refused without a word");
            return Told::Refused;
        }
    };
    let mut ruleset = Ruleset::new(program.family);
    for rule in rules {
        let text = saved(&rule, program);
        let mut split = Vec::new();
        assert_eq!(split_words(&text, &mut split), Ok(()), "{text}");
        let again: Vec<&str> = split.iter().map(|w| &*w.text).collect();
        match read(&again, table, program).as_deref() {
            Ok([again]) => {
                assert!(rule.same(again), "{words:?} is saved as{text}\n{rule:?}\n{again:?}");
                assert_eq!(saved(again, program), text, "{words:?}");
            }
            other => panic!("{words:?} is saved as{text}, which is {other:?}"),
        }
        if let Some(chain) = ruleset.table_mut(table).chain_mut(made.chain) {
            chain.rules.push(rule);
        }
    }
    holds(&ruleset, program, TextKind::File);
    let Some(table) = ruleset.table(table) else { return Told::Taken };
    listed(table, program);
    if admit(table, program).is_ok() { Told::Taken } else { Told::NotAdmitted }
}

/// The rules that words stand for.
fn read(words: &[&str], table: TableName, program: Program) -> Result<Vec<Rule>, String> {
    let Program { family, dialect } = program;
    let cx = RuleCx { family, dialect, table, names: &Few, strangers: Strangers::Refuse };
    let read = read_rule(words, &cx).map_err(|fault| fault.message)?;
    if read.help {
        return Ok(Vec::new());
    }
    let mut rules = read.into_rules();
    for rule in &mut rules {
        rule.origin.fresh = Fresh::New;
    }
    Ok(rules)
}

/// A rule's words as `-S` prints them.
fn saved(rule: &Rule, program: Program) -> String {
    let mut out = Out::default();
    save_rule(rule, program.family, false, &mut out);
    out.text
}
