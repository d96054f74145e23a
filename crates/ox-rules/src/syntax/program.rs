//! `Program`: which of the iptables programs is speaking, and `Trouble`: why it could not do what was asked.
//!
//! Facts: exit statuses and first lines of messages from iptables 1.8.9 and 1.8.13, nft and legacy.

use super::{Fault, FaultKind};
use crate::ir::Dialect;
use crate::model::{EditError, TableName};
use ox_packet::Family;
use std::fmt::Write as _;

/// The version of iptables that we speak as; scripts parse it.
pub const VERSION: &str = "1.8.13";

/// Which program is speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// iptables or ip6tables.
    pub family: Family,
    /// Whose refusals and exit statuses.
    pub dialect: Dialect,
}

impl Program {
    /// `iptables` or `ip6tables`.
    pub const fn name(self) -> &'static str {
        match self.family {
            Family::V4 => "iptables",
            Family::V6 => "ip6tables",
        }
    }

    /// What `-V` prints behind the name.
    pub fn version(self) -> String {
        let variant = match self.dialect {
            Dialect::Nft => "nf_tables",
            Dialect::Legacy => "legacy",
        };
        format!("v{VERSION} ({variant})")
    }
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The words cannot be understood.
    Usage(Fault),
    /// What is asked for is not there, or is there already.
    Edit(EditError),
    /// No such table.
    Table(String),
    /// Only ACCEPT and DROP are policies.
    Policy,
    /// A jump to a chain that is not there (`true`: with `-g`), and the word that names it.
    Missing(String, bool, Option<usize>),
    /// The kernel would not take it, for one reason or several.
    Kernel(Vec<Refusal>),
    /// One of the others, with more to say of it than stock says.
    Because(Box<Trouble>, String),
}

/// A refusal by the kernel, or by us in its stead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What nft was asked to do: `RULE_APPEND`, `CHAIN_DEL`, …
    pub act: &'static str,
    /// Chain it was asked for.
    pub chain: String,
    /// The kernel's answer in words.
    pub errno: &'static str,
    /// Why, in ours; may be empty.
    pub why: String,
    /// Line of the restore text that asked; 0 for none.
    pub line: u32,
}

impl Refusal {
    /// As the programs say it.
    pub fn message(&self, dialect: Dialect) -> String {
        let kind = if self.act.starts_with("CHAIN") { "" } else { "rule in " };
        match dialect {
            Dialect::Nft => format!("{} failed ({}): {kind}chain {}", self.act, self.errno, self.chain),
            Dialect::Legacy => self.errno.to_owned(),
        }
    }

    /// Why, in our words: a line of its own for each reason.
    pub fn explain(all: &[Refusal], text: &mut String) {
        let mut told: Vec<&str> = Vec::new();
        for refusal in all.iter().filter(|r| !r.why.is_empty()) {
            if !told.contains(&&refusal.why[..]) {
                told.push(&refusal.why);
                text.push_str(&format!("The kernel would refuse it: {}.\n", refusal.why));
            }
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Kernel(vec![refusal])
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Usage(fault)
    }
}

impl From<EditError> for Trouble {
    fn from(error: EditError) -> Self {
        Trouble::Edit(error)
    }
}

impl Trouble {
    /// A usage fault without a word.
    pub fn usage(message: impl Into<String>) -> Self {
        Trouble::Usage(Fault::usage(None, message))
    }

    /// Without what we say beside it, and that.
    pub fn parts(&self) -> (&Self, &str) {
        match self {
            Trouble::Because(trouble, why) => (trouble, why),
            trouble => (trouble, ""),
        }
    }

    /// The word at fault, if one is known.
    pub fn word(&self) -> Option<usize> {
        match self {
            Trouble::Usage(f) => f.word,
            Trouble::Missing(.., word) => *word,
            Trouble::Because(trouble, _) => trouble.word(),
            _ => None,
        }
    }

    /// Exit status.
    pub fn status(&self, dialect: Dialect) -> u8 {
        match self {
            Trouble::Usage(f) if f.kind == FaultKind::Missing => 1,
            Trouble::Usage(_) | Trouble::Missing(..) => 2,
            Trouble::Edit(EditError::InUse | EditError::NotEmpty) | Trouble::Kernel(_) if dialect == Dialect::Nft => 4,
            Trouble::Edit(_) | Trouble::Policy | Trouble::Kernel(_) => 1,
            Trouble::Table(_) => 3,
            Trouble::Because(trouble, _) => trouble.status(dialect),
        }
    }

    /// What is wrong, without program name and full stop.
    pub fn message(&self, dialect: Dialect) -> String {
        shorten(self.whole_message(dialect))
    }

    fn whole_message(&self, dialect: Dialect) -> String {
        match self {
            Trouble::Usage(f) => f.message.clone(),
            Trouble::Edit(e) => edit_message(*e, dialect).to_owned(),
            Trouble::Table(name) => format!("table '{name}' does not exist"),
            Trouble::Policy => "Bad policy name".to_owned(),
            Trouble::Missing(name, goto, _) => match (dialect, goto) {
                (Dialect::Nft, _) => format!("Chain '{name}' does not exist"),
                (Dialect::Legacy, true) => format!("goto '{name}' is not a chain"),
                (Dialect::Legacy, false) => format!("Couldn't load target `{name}':No such file or directory\n"),
            },
            Trouble::Kernel(all) => all.first().map_or_else(String::new, |r| r.message(dialect)),
            Trouble::Because(trouble, _) => trouble.whole_message(dialect),
        }
    }

    /// What a program writes on standard error for a fault of its command line, and its exit status.
    pub fn report(&self, program: Program, words: &[&str]) -> (String, u8) {
        self.report_as(program.name(), program, words)
    }

    /// The same from a program of another name.
    pub fn report_as(&self, name: &str, program: Program, words: &[&str]) -> (String, u8) {
        if let Trouble::Because(trouble, why) = self {
            let (text, status) = trouble.report_as(name, program, words);
            return (format!("{text}{}\n", shorten(why.clone())), status);
        }
        let (version, dialect) = (program.version(), program.dialect);
        let message = self.message(dialect);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match self {
            Trouble::Edit(_) | Trouble::Policy if !self.by_kernel(dialect) => {
                let invalid = matches!(self, Trouble::Policy) || message == "Invalid argument";
                let hint = if invalid { DMESG } else { "" };
                writeln!(text, "{name}: {message}.{hint}")
            }
            Trouble::Edit(_) | Trouble::Kernel(_) | Trouble::Policy => match dialect {
                Dialect::Nft => writeln!(text, "{name} {version}:  {message}"),
                Dialect::Legacy => {
                    let hint = if message == "Invalid argument" { DMESG } else { "" };
                    writeln!(text, "{name}: {message}.{hint}")
                }
            },
            Trouble::Table(table) => {
                let message = match dialect {
                    Dialect::Nft => message,
                    Dialect::Legacy => {
                        format!(
                            "can't initialize {name} table `{table}': Table does not exist (do you need to insmod?)"
                        )
                    }
                };
                let list: Vec<_> = TableName::ALL.iter().map(|t| t.name()).collect();
                writeln!(text, "{name} {version}: {message}\nThere are five tables: {}.", list.join(" "))
            }
            Trouble::Usage(_) if message.starts_with("Bad argument") => writeln!(text, "{message}"),
            Trouble::Usage(_) | Trouble::Missing(..) | Trouble::Because(..) => {
                writeln!(text, "{name} {version}: {message}")
            }
        };
        if let Trouble::Kernel(all) = self {
            if dialect == Dialect::Nft {
                for refusal in all.iter().skip(1) {
                    let _ = writeln!(text, "{name} {version}:  {}", refusal.message(dialect));
                }
            }
            Refusal::explain(all, &mut text);
        }
        if matches!(self, Trouble::Usage(_) | Trouble::Missing(..)) {
            if let Some(at) = self.word().filter(|&at| at < words.len()) {
                let (line, column) = quote_line(name, words, at);
                point(&mut text, &line, column, words[at].chars().count());
            }
            let _ = writeln!(text, "Try `{name} -h' or '{name} --help' for more information.");
        }
        (text, self.status(dialect))
    }

    fn by_kernel(&self, dialect: Dialect) -> bool {
        match self {
            Trouble::Edit(EditError::InUse | EditError::NotEmpty) => dialect == Dialect::Nft,
            Trouble::Kernel(_) => true,
            _ => false,
        }
    }
}

/// A message that quotes a word of ten million letters is no message: the middle is left out.
pub fn shorten(message: String) -> String {
    const KEPT: usize = 160;
    if message.len() <= 4 * KEPT {
        return message;
    }
    let floor = |mut i: usize| {
        while !message.is_char_boundary(i) {
            i -= 1;
        }
        i
    };
    format!("{} [...] {}", &message[..floor(KEPT)], &message[floor(message.len() - KEPT)..])
}

const DMESG: &str = " Run `dmesg' for more information.";

fn edit_message(error: EditError, dialect: Dialect) -> &'static str {
    match (error, dialect) {
        (EditError::NoChain, _) | (EditError::Builtin, Dialect::Nft) => "No chain/target/match by that name",
        (EditError::Builtin, Dialect::Legacy) => "Invalid argument",
        (EditError::Exists, _) => "Chain already exists",
        (EditError::NameTaken, _) => "File exists",
        (EditError::NoRule, _) => "Bad rule (does a matching rule exist in that chain?)",
        (EditError::InsertIndex, _) => "Index of insertion too big",
        (EditError::DeleteIndex, _) => "Index of deletion too big",
        (EditError::ReplaceIndex, _) => "Index of replacement too big",
        (EditError::ZeroIndex, _) => "Index of counter too big",
        (EditError::NotBuiltin, _) => "Bad built-in chain name",
        (EditError::HasPolicy, _) => "Directory not empty",
        (EditError::InUse | EditError::NotEmpty, Dialect::Nft) => "Device or resource busy",
        (EditError::InUse, Dialect::Legacy) => "Too many links",
        (EditError::NotEmpty, Dialect::Legacy) => "Directory not empty",
    }
}

/// The words as one line behind a program's name, and the column at which word `at` begins.
pub fn quote_line(name: &str, words: &[&str], at: usize) -> (String, usize) {
    let (mut line, mut column) = (name.to_owned(), 0);
    for (i, word) in words.iter().enumerate() {
        line.push(' ');
        if i == at {
            column = line.chars().count();
        }
        if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"\\$`*?;&|<>()#".contains(c)) {
            line.push_str(&format!("{word:?}"));
        } else {
            line.push_str(word);
        }
    }
    (line, column)
}

/// Widest piece of a line that is shown around a fault.
const SHOWN: usize = 76;

/// Shows a line with carets under `len` characters from `column` on; of a long line only what is around them.
pub fn point(text: &mut String, line: &str, column: usize, len: usize) {
    let chars: Vec<char> = line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let from = if chars.len() <= SHOWN || column + len.min(20) <= SHOWN { 0 } else { column.saturating_sub(SHOWN / 2) };
    let to = chars.len().min(from + SHOWN);
    let (before, after) = (if from > 0 { "..." } else { "" }, if to < chars.len() { "..." } else { "" });
    let shown: String = chars.get(from..to).unwrap_or_default().iter().collect();
    let blanks = column - from.min(column) + before.len();
    let carets = len.max(1).min(SHOWN.saturating_sub(column - from.min(column)).max(1));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {before}{shown}{after}\n  {:blanks$}{}", "", "^".repeat(carets));
}
