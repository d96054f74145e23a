//! What is wrong with a restore text, and how it is told: line, word, what would be accepted.

use crate::ir::Dialect;
use crate::syntax::program::shorten;
use crate::syntax::{Program, Refusal, Trouble, point};
use std::fmt::Write as _;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFault {
    /// Line, from 1.
    pub line: u32,
    /// The line's text.
    pub shown: String,
    /// Where in it the fault is, in bytes; and how long the word is.
    pub span: Option<(usize, usize)>,
    /// What is wrong.
    pub what: TextTrouble,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTrouble {
    /// The command on it.
    Command(Trouble),
    /// It cannot stand there, and stock says no more than that it failed; why is in our words.
    Failed(String),
    /// A line that breaks the text's form (exit 2).
    Form(String),
    /// A policy that cannot be set, as legacy says it.
    Policy(String),
    /// The end of the text comes before COMMIT.
    NoCommit,
}

impl TextFault {
    pub(in crate::syntax) fn new(line: u32, what: TextTrouble) -> Self {
        Self { line, shown: String::new(), span: None, what }
    }

    /// What `iptables-restore` writes on standard error, and its exit status. `source` names the text.
    pub fn report(&self, program: Program, source: &str) -> (String, u8) {
        self.report_as(&format!("{}-restore", program.name()), program, source)
    }

    /// The same from a program of another name.
    pub fn report_as(&self, name: &str, program: Program, source: &str) -> (String, u8) {
        let (version, line) = (program.version(), self.line);
        let mut text = String::new();
        let dialect = program.dialect;
        let mut status = 1;
        // Writing to a String cannot fail.
        let _ = match &self.what {
            TextTrouble::NoCommit => writeln!(text, "{name}: COMMIT expected at line {line}"),
            TextTrouble::Failed(why) => writeln!(text, "{name}: line {line} failed\n{source}, line {line}: {why}"),
            TextTrouble::Policy(message) => writeln!(text, "{name} {version}: {message}"),
            TextTrouble::Form(message) => {
                status = 2;
                let message = shorten(message.clone());
                writeln!(text, "{name} {version}: {message}\nError occurred at line: {line}")
            }
            TextTrouble::Command(trouble) => {
                status = trouble.status(dialect);
                let message = trouble.message(dialect);
                match (trouble.parts().0, dialect) {
                    (Trouble::Usage(_) | Trouble::Missing(..) | Trouble::Table(_), _) => {
                        status = 2;
                        if message.starts_with("Bad argument") {
                            writeln!(text, "{message}\nError occurred at line: {line}")
                        } else {
                            writeln!(text, "{name} {version}: {message}\nError occurred at line: {line}")
                        }
                    }
                    (Trouble::Kernel(all), Dialect::Nft) => {
                        let each = |r: &Refusal| format!("line {}: {}\n", r.line, r.message(dialect));
                        write!(text, "{name} {version}: \n{}", all.iter().map(each).collect::<String>())
                    }
                    (_, Dialect::Nft) => writeln!(text, "{name}: line {line} failed: {message}."),
                    (Trouble::Kernel(all), Dialect::Legacy) => {
                        let each = |r: &Refusal| format!("line {}: {}\n", r.line, r.message(dialect));
                        write!(text, "{name}: line {line} failed\n{}", all.iter().map(each).collect::<String>())
                    }
                    (_, Dialect::Legacy) => writeln!(text, "{name}: line {line} failed\n{message}"),
                }
            }
        };
        self.explain(&mut text);
        if status == 2 {
            let _ = writeln!(text, "Try `{name} -h' or '{name} --help' for more information.");
        }
        (text, status)
    }

    /// What a program writes on standard error when this is wrong with the file it works on: exit status 2.
    pub fn report_file(&self, program: Program, file: &str) -> String {
        let mut text = format!("{} {}: {file}, line {}: ", program.name(), program.version(), self.line);
        match &self.what {
            TextTrouble::NoCommit => text.push_str("COMMIT expected: the last table is not finished"),
            TextTrouble::Failed(m) | TextTrouble::Form(m) | TextTrouble::Policy(m) => {
                text.push_str(&shorten(m.clone()));
            }
            TextTrouble::Command(t) => text.push_str(t.message(program.dialect).trim_end()),
        }
        text.push('\n');
        self.explain(&mut text);
        text
    }

    fn explain(&self, text: &mut String) {
        if let Some((at, len)) = self.span {
            let column = self.shown.get(..at).map_or(0, |s| s.chars().count());
            let len = self.shown.get(at..at + len).map_or(1, |s| s.chars().count());
            point(text, &self.shown, column, len);
        }
        match &self.what {
            TextTrouble::Command(Trouble::Kernel(all)) => Refusal::explain(all, text),
            TextTrouble::Command(Trouble::Because(_, why)) => {
                text.push_str(&shorten(why.clone()));
                text.push('\n');
            }
            _ => {}
        }
    }
}

/// A fault with the text of its line, if it has not one already.
pub(in crate::syntax) fn show(mut fault: Box<TextFault>, line: &str) -> Box<TextFault> {
    if fault.shown.is_empty() {
        fault.shown = clip(line, &mut fault.span);
    }
    fault
}

/// A line short enough to be kept in a fault: of a very long one the part around the span.
fn clip(line: &str, span: &mut Option<(usize, usize)>) -> String {
    const KEPT: usize = 400;
    if line.len() <= 2 * KEPT {
        return line.to_owned();
    }
    let at = span.map_or(0, |s| s.0);
    let floor = |mut i: usize| {
        while i > 0 && !line.is_char_boundary(i) {
            i -= 1;
        }
        i
    };
    let from = floor(at.saturating_sub(KEPT));
    let to = floor((at + KEPT).min(line.len()));
    if let Some((at, len)) = span {
        *at -= from;
        *len = (*len).min(to - from - *at);
    }
    line[from..to].to_owned()
}
