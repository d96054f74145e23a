//! Sessions of commands, given to the stock programs in a namespace and to ours on a file: what each of them says.
//!
//! * [`lines`] and [`texts`] write command lines and restore texts, sound ones and rude ones.
//! * [`ask`] runs a session, [`said`] finds what differs, [`ledger`] knows which differences must stay.

pub mod ask;
pub mod ledger;
pub mod lines;
mod refusals;
pub mod said;
pub mod texts;

use crate::oracle::Program;
use crate::random::Random;
use ox_rules::ir::Dialect;
use ox_rules::syntax::split_words;

/// One command of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What stands behind `iptables` in the program's name: nothing, `-save` or `-restore`.
    pub suffix: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its standard input, if it is given one.
    pub input: String,
}

impl Step {
    /// A command of `iptables`.
    pub fn line<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let args = words.into_iter().map(str::to_owned).collect();
        Self { suffix: "", args, input: String::new() }
    }

    /// As it would be typed.
    pub fn typed(&self) -> String {
        let mut text = format!("iptables{}", self.suffix);
        for word in &self.args {
            let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:,=+".contains(&b));
            text.push_str(&if plain { format!(" {word}") } else { format!(" {word:?}") });
        }
        for line in self.input.split_inclusive('\n') {
            text.push_str(&format!("\n      | {}", line.escape_debug()));
        }
        text
    }
}

/// Commands that follow each other on the same rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// How to make it again.
    pub from: String,
    /// The commands.
    pub steps: Vec<Step>,
}

/// A session of random commands.
pub fn random(program: Program, seed: u64, number: u64) -> Session {
    let family = program.family;
    let mut random = Random::named(seed, &format!("session {number} {family:?}"));
    let mut steps = texts::beginnings(family, &mut random);
    let count = 7 + random.below(6);
    for _ in 0..count {
        steps.push(match random.below(10) {
            0 | 1 => texts::restore(family, &mut random),
            2 => texts::save(program.dialect, &mut random),
            _ => lines::command(family, &mut random),
        });
    }
    steps.extend(state());
    if program.dialect == Dialect::Nft {
        // Legacy has the tables that anybody has looked at.
        steps.push(Step { suffix: "-save", ..Step::line(["-c"]) });
    }
    if program.dialect == Dialect::Legacy {
        // It forgets what policies have counted with every edit: nothing could be compared afterwards.
        steps.iter_mut().for_each(|s| texts::without_policy_counters(&mut s.input));
        let counted = |s: &&mut Step| s.args.windows(3).any(|w| w == ["-c", "5", "6"]);
        steps.iter_mut().filter(counted).for_each(|s| s.args.retain(|a| !["-c", "5", "6"].contains(&&a[..])));
    }
    Session { from: format!("OX_SEED={seed} session {number}"), steps }
}

/// Sessions of one command each, after the same beginning: what a random session hardly ever says.
pub fn single(program: Program) -> Vec<Session> {
    let mut sessions = Vec::new();
    for (n, words) in lines::SINGLE.iter().enumerate() {
        let step = |words: &[&'static str]| match words.split_first() {
            Some((&"save", rest)) => Step { suffix: "-save", ..Step::line(rest.iter().copied()) },
            Some((&"restore", [text, rest @ ..])) => {
                Step { suffix: "-restore", input: (*text).to_owned(), ..Step::line(rest.iter().copied()) }
            }
            _ => Step::line(words.iter().copied()),
        };
        let mut steps = vec![texts::beginning(program.family, &mut Random::new(n as u64))];
        steps.extend(words.split(|w| *w == "&&").map(step));
        steps.extend(state());
        if program.dialect == Dialect::Legacy {
            steps.iter_mut().for_each(|s| texts::without_policy_counters(&mut s.input));
        }
        sessions.push(Session { from: format!("OX_SINGLE={n} session {n}"), steps });
    }
    sessions
}

/// Sessions of some rules each that a kernel may refuse.
pub fn refusals() -> Vec<Session> {
    let session = |(n, rules): (usize, &[&str])| {
        let steps = rules.iter().map(|rule| quoted(rule)).collect();
        Session { from: format!("OX_REFUSALS={n} session {n}"), steps }
    };
    refusals::RULES.chunks(10).chain(refusals::SHARED.iter().copied()).enumerate().map(session).collect()
}

/// A command of `iptables` in one line, with quotes where a word has blanks.
fn quoted(line: &str) -> Step {
    let mut words = Vec::new();
    let whole = split_words(line, &mut words);
    debug_assert!(whole.is_ok(), "a quote is not closed: {line}");
    Step::line(words.iter().map(|w| &*w.text))
}

/// Commands that show all there is.
pub fn state() -> Vec<Step> {
    let mut steps = Vec::new();
    for table in ["filter", "nat", "mangle"] {
        steps.push(Step { suffix: "-save", ..Step::line(["-c", "-t", table]) });
    }
    steps.push(Step::line(["-n", "-v", "-x", "--line-numbers", "-L"]));
    steps.push(Step::line(["-t", "nat", "-nL"]));
    steps
}
