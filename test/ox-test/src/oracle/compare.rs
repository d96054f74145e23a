//! What differs between the stock programs' answers and ours.

use super::cases::{Case, Group};
use super::ours;
use super::stock;
use super::{Answer, NO_FORM, Program, SystemNames};
use ox_packet::Family;
use ox_rules::ir::Dialect;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// One takes the rule, the other refuses it, or they refuse it with different exit statuses.
    Exit,
    /// `-S` and `iptables-save`.
    Save,
    /// `-L -n`.
    Numeric,
    /// `-L -v`.
    List,
    /// `-C` of the rule as typed.
    CheckTyped,
    /// `-C` of the rule as the stock program printed it.
    CheckPrinted,
    /// Our `-C` of the rule as we print it, which must find it.
    Reread,
    /// What `-D` leaves.
    Delete,
    /// `iptables-translate`.
    Translate,
}

impl What {
    /// As ledger entries call it.
    pub const fn name(self) -> &'static str {
        match self {
            What::Exit => "exit",
            What::Save => "save",
            What::Numeric => "numeric",
            What::List => "list",
            What::CheckTyped => "check-typed",
            What::CheckPrinted => "check-printed",
            What::Reread => "reread",
            What::Delete => "delete",
            What::Translate => "translate",
        }
    }
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The group's name.
    pub name: String,
    /// Which program.
    pub program: Program,
    /// Where the case comes from.
    pub from: String,
    /// Table, chain and the rule's words.
    pub typed: String,
    /// What differs.
    pub what: What,
    /// The stock program's answer.
    pub stock: String,
    /// Ours.
    pub ours: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, program, from, typed, what, stock, ours } = self;
        write!(f, "{name}: {} of {}: {typed}\n      ({from})", what.name(), program.name(""))?;
        write!(f, "\n      stock: {stock}\n      ours:  {ours}")
    }
}

/// How many cases there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases.
    pub cases: usize,
    /// Taken by the stock program.
    pub accepted: usize,
    /// Refused by it.
    pub refused: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.cases += other.cases;
        self.accepted += other.accepted;
        self.refused += other.refused;
    }
}

/// What became of a group.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// How many cases there were.
    pub counts: Counts,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Which cases the stock program took.
    pub accepted: Vec<usize>,
}

/// Tries a group with one program. `tamper` may spoil our answers, to show that it would be seen.
///
/// # Errors
/// The stock program cannot be asked.
pub fn run(name: &str, program: Program, group: &Group, tamper: &(dyn Fn(&mut Answer) + Sync)) -> Result<Ran, String> {
    let family = if program.family == Family::V4 { 4 } else { 6 };
    let dialect = if program.dialect == Dialect::Nft { "nft" } else { "legacy" };
    // A name may be under way twice: its own cases, and those at the bounds.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let this = RUNS.fetch_add(1, Ordering::Relaxed);
    let file = format!("oracle-{}-{this}-{name}-{family}-{dialect}.lock", std::process::id());
    let lock = std::env::temp_dir().join(file);
    let result = ox_io::netns::run(|_| {
        let names = SystemNames::default();
        let mut ours = ours::answer(program, group, &names);
        let refused: Vec<bool> = ours.answers.iter().map(|a| a.exit != 0).collect();
        let asked = stock::ask(program, group, &refused, &lock)?;
        ours.follow(&asked);
        ours.answers.iter_mut().for_each(tamper);
        let accepted: Vec<usize> = (0..asked.answers.len()).filter(|&i| asked.answers[i].exit == 0).collect();
        let cases = asked.answers.len();
        let mut found = Vec::new();
        let left_as_often = left_as_often(&asked.answers, &ours.answers);
        for ((case, stock), ours) in group.cases.iter().zip(&asked.answers).zip(&ours.answers) {
            for (what, stock, ours) in differences(stock, ours) {
                if what == What::Delete && left_as_often(&stock) && left_as_often(&ours) {
                    continue;
                }
                let (from, typed) = (case.from.clone(), typed(case));
                found.push(Difference { name: name.to_owned(), program, from, typed, what, stock, ours });
            }
        }
        let counts = Counts { cases, accepted: accepted.len(), refused: cases - accepted.len() };
        Ok(Ran { counts, differences: found, accepted })
    });
    // It was made by the programs that were run; if none was, it is not there.
    let _ = std::fs::remove_file(&lock);
    result.map_err(|e| e.to_string())?
}

/// Tells whether both sides left a rule of these words as often as the other: of rules that print the same, it is all one
/// which is deleted.
fn left_as_often(stock: &[Answer], ours: &[Answer]) -> impl Fn(&str) -> bool {
    let mut counts: BTreeMap<String, isize> = BTreeMap::new();
    for (answers, one) in [(stock, 1), (ours, -1)] {
        for answer in answers.iter().filter(|a| !a.left.is_empty()) {
            *counts.entry(answer.left.join(" | ")).or_default() += one;
        }
    }
    move |text| counts.get(text).is_none_or(|&n| n == 0)
}

/// Table, chain and words of a case in one line.
fn typed(case: &Case) -> String {
    let words = [&case.table, &case.chain].into_iter().chain(&case.words).map(String::as_str);
    super::text::line(words)
}

fn differences(stock: &Answer, ours: &Answer) -> Vec<(What, String, String)> {
    if stock.exit != ours.exit {
        let say = |a: &Answer| match a.exit {
            0 => format!("takes it: {}", a.rules.join(" | ")),
            n => format!("exit {n}: {}", a.said),
        };
        return vec![(What::Exit, say(stock), say(ours))];
    }
    if stock.exit != 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut lines = |what, stock: &[String], ours: &[String]| {
        if stock != ours {
            found.push((what, stock.join(" | "), ours.join(" | ")));
        }
    };
    lines(What::Save, &stock.rules, &ours.rules);
    lines(What::Numeric, &stock.numeric, &ours.numeric);
    lines(What::List, &stock.listed, &ours.listed);
    // If it prints otherwise anyway, that is one fault and not two.
    if stock.rules == ours.rules {
        lines(What::Delete, &stock.left, &ours.left);
    }
    // Why there is no form is said by one side only.
    let none = |lines: &[String]| lines.iter().any(|l| l.starts_with(NO_FORM));
    if !(none(&stock.translated) && none(&ours.translated)) {
        lines(What::Translate, &stock.translated, &ours.translated);
    }
    if let Some(why) = &ours.lost {
        found.push((What::Reread, "what is printed can be read".to_owned(), why.clone()));
    }
    let mut found_or_not = |what, stock: bool, ours: bool| {
        let say = |b| if b { "found" } else { "not found" }.to_owned();
        if stock != ours {
            found.push((what, say(stock), say(ours)));
        }
    };
    found_or_not(What::CheckTyped, stock.found_typed, ours.found_typed);
    found_or_not(What::CheckPrinted, stock.found_printed, ours.found_printed);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_answer_is_compared() {
        let stock = Answer { rules: vec!["-p tcp".into()], found_typed: true, ..Answer::default() };
        assert!(differences(&stock, &stock).is_empty());
        type Fault = fn(&mut Answer);
        let spoil: [(What, Fault); 8] = [
            (What::Exit, |a| a.exit = 2),
            (What::Save, |a| a.rules.push(String::new())),
            (What::Numeric, |a| a.numeric.push("x".into())),
            (What::List, |a| a.listed.push("x".into())),
            (What::CheckTyped, |a| a.found_typed = false),
            (What::CheckPrinted, |a| a.found_printed = true),
            (What::Delete, |a| a.left.push("x".into())),
            (What::Translate, |a| a.translated.push("x".into())),
        ];
        for (what, spoil) in spoil {
            let mut ours = stock.clone();
            spoil(&mut ours);
            let found: Vec<What> = differences(&stock, &ours).into_iter().map(|d| d.0).collect();
            assert_eq!(found, [what]);
        }
        let (four, one) = (Answer { exit: 4, ..Answer::default() }, Answer { exit: 1, ..Answer::default() });
        assert_eq!(differences(&four, &one).len(), 1);
    }
}
