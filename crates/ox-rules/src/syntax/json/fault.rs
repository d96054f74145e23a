//! `JsonFault`: what is wrong with rules in JSON, and where in it.

use crate::ir::Dialect;
use crate::syntax::text::TextTrouble;
use crate::syntax::{Program, Trouble, shorten};
use std::fmt::Write as _;

/// A fault in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// Where, as jq writes paths: `tables[0].chains[2].rules[5].matches[1].dport`; empty for the whole.
    pub path: String,
    /// Line and column, for what is no JSON.
    pub place: Option<(usize, usize)>,
    /// What.
    pub what: TextTrouble,
}

impl JsonFault {
    /// What `iptables-restore` writes on standard error, and its exit status. `source` names the text.
    pub fn report(&self, program: Program, source: &str) -> (String, u8) {
        let dialect = program.dialect;
        let (message, why, status) = match &self.what {
            TextTrouble::Failed(m) | TextTrouble::Form(m) | TextTrouble::Policy(m) => {
                (shorten(m.clone()), String::new(), 2)
            }
            TextTrouble::NoCommit => ("a table is not finished".to_owned(), String::new(), 2),
            TextTrouble::Command(trouble) => {
                let (trouble, because) = trouble.parts();
                let status = match trouble {
                    Trouble::Usage(_) | Trouble::Missing(..) | Trouble::Table(_) => 2,
                    trouble => trouble.status(dialect),
                };
                let why = match trouble {
                    Trouble::Kernel(refusals) => refusals.first().map_or("", |r| r.why.as_str()),
                    _ => "",
                };
                let why = match (why, because) {
                    ("", because) => because.to_owned(),
                    (why, _) => format!("The kernel would refuse it: {why}."),
                };
                (own_words(trouble, dialect), why, status)
            }
        };
        let mut text = format!("{}-restore {}: {source}", program.name(), program.version());
        // Writing to a String cannot fail.
        let _ = match self.place {
            Some((line, column)) => write!(text, ", line {line}, column {column}"),
            None => Ok(()),
        };
        if !self.path.is_empty() {
            let _ = write!(text, ": {}", self.path);
        }
        let _ = writeln!(text, ": {}", message.trim());
        if !why.is_empty() {
            let _ = writeln!(text, "{why}");
        }
        (text, status)
    }
}

fn own_words(trouble: &Trouble, dialect: Dialect) -> String {
    trouble.message(dialect).trim().to_owned()
}
