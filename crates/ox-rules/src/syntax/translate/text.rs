//! Restore text as text for `nft -f`, line by line.
//!
//! Facts: the lines of iptables-restore-translate 1.8.9.

use super::{Aside, culprit_word, translate_command};
use crate::ir::{Dialect, Hook};
use crate::model::{Policy, TableName};
use crate::syntax::command::{Setting, policy, read_command};
use crate::syntax::rule::{RuleCx, Strangers};
use crate::syntax::text::{TextFault, TextTrouble, at_word, counted, other_family, show, word_span};
use crate::syntax::{Names, Program, Trouble, split_words};
use ox_packet::Family;
use std::fmt::Write as _;

/// What became of a restore text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranslatedText {
    /// Lines for `nft -f`. What has no nft form stands there as a comment.
    pub text: String,
    /// What has no nft form.
    pub missing: Vec<Untranslated>,
    /// What was lost without changing anything for packets, by line.
    pub notes: Vec<(u32, String)>,
}

/// A line that has no nft form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untranslated {
    /// Why.
    pub why: String,
    /// The line, and the word that is the reason.
    pub line: u32,
    /// Its text, or what of a very long one is around the word.
    pub shown: String,
    /// Where the word is in it, in bytes, and how long.
    pub span: Option<(usize, usize)>,
}

/// Translates restore text of a family. What was understood before a fault is there in any case.
pub fn translate_text(text: &[u8], family: Family, names: &dyn Names) -> (TranslatedText, Result<(), Box<TextFault>>) {
    let mut reader = Reader {
        program: Program { family, dialect: Dialect::Nft },
        names,
        table: None,
        sets: 0,
        done: TranslatedText::default(),
    };
    let result = crate::syntax::book::clean(text).and_then(|text| reader.read(&text));
    (reader.done, result)
}

struct Reader<'a> {
    program: Program,
    names: &'a dyn Names,
    table: Option<TableName>,
    /// Sets made so far, for their names.
    sets: u32,
    done: TranslatedText,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) -> Result<(), Box<TextFault>> {
        let mut number = 0;
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            number += 1;
            self.line(number, line).map_err(|fault| show(fault, line))?;
        }
        match self.table {
            Some(_) => Err(Box::new(TextFault::new(number + 1, TextTrouble::NoCommit))),
            None => Ok(()),
        }
    }

    fn line(&mut self, number: u32, line: &str) -> Result<(), Box<TextFault>> {
        let fail = |what: TextTrouble| Box::new(TextFault::new(number, what));
        let body = line.trim();
        let Some(first) = body.bytes().next() else { return Ok(()) };
        match (first, self.table) {
            (b'#', _) => Ok(()),
            (b'*', None) => {
                let name = body[1..].trim();
                let Some(table) = TableName::from_name(name) else {
                    let name = shorten_name(name);
                    return Err(fail(TextTrouble::Form(format!("line {number} table name '{name}' invalid"))));
                };
                self.table = Some(table);
                let ip = self.ip();
                self.put(format_args!("add table {ip} {}", table.name()));
                Ok(())
            }
            (b'*', Some(open)) => Err(fail(TextTrouble::Failed(format!(
                "the table {} is not finished: COMMIT is missing before this line",
                open.name()
            )))),
            (b'C', Some(_)) if body == "COMMIT" => {
                self.table = None;
                Ok(())
            }
            (b'C', None) if body == "COMMIT" => {
                Err(fail(TextTrouble::Failed("COMMIT without a table before it".to_owned())))
            }
            (b'-' | b':' | b'[', None) => {
                let hint = "no table has been named yet: a line like `*filter' must come first";
                Err(fail(TextTrouble::Failed(hint.to_owned())))
            }
            // Talk around the tables: a banner, a prompt.
            (_, None) => Ok(()),
            (b':', Some(table)) => self.chain(number, line, table, &body[1..]),
            (_, Some(table)) => self.command(number, line, table),
        }
    }

    /// `NAME POLICY [packets:bytes]`
    fn chain(&mut self, number: u32, line: &str, table: TableName, body: &str) -> Result<(), Box<TextFault>> {
        let fail = |what: TextTrouble| Box::new(TextFault::new(number, what));
        let mut parts = body.split_ascii_whitespace();
        let Some(name) = parts.next() else {
            return Err(fail(TextTrouble::Form(format!("line {number} chain name invalid"))));
        };
        let Some(word) = parts.next() else {
            return Err(fail(TextTrouble::Form(format!("line {number} policy invalid"))));
        };
        if let Err(missing) = super::chain_name(name) {
            let at = line.find(name).map(|at| (at, name.len()));
            self.miss(number, line, at, missing.why);
            return Ok(());
        }
        let ip = self.ip();
        let Some(hook) = table.hooks().iter().copied().find(|h| h.name() == name) else {
            self.put(format_args!("add chain {ip} {} {name}", table.name()));
            return Ok(());
        };
        let policy = match word {
            "-" => "",
            word => match policy(word).map_err(|t| fail(TextTrouble::Command(t)))? {
                Policy::Accept => " policy accept;",
                Policy::Drop => " policy drop;",
            },
        };
        let (kind, at, priority) = (kind(table, hook), hook.name().to_ascii_lowercase(), table.priority(hook));
        let table = table.name();
        self.put(format_args!(
            "add chain {ip} {table} {name} {{ type {kind} hook {at} priority {priority};{policy} }}"
        ));
        Ok(())
    }

    fn command(&mut self, number: u32, line: &str, table: TableName) -> Result<(), Box<TextFault>> {
        let (_, body) = counted(line);
        let mut split = Vec::new();
        split_words(body, &mut split).map_err(|at| {
            let at = at + line.len() - body.len();
            let what = TextTrouble::Form("a quote that is opened here is never closed".to_owned());
            Box::new(TextFault { span: Some((at, 1)), ..TextFault::new(number, what) })
        })?;
        let words: Vec<&str> = split.iter().map(|w| &*w.text).collect();
        let family = self.program.family;
        if other_family(&words, family) {
            return Ok(());
        }
        // As typed: iptables-nft would leave out what it writes nothing for.
        let dialect = Dialect::Legacy;
        let cx = RuleCx { family, dialect, table, names: self.names, strangers: Strangers::Refuse };
        let mut command = read_command(&words, &cx, Setting::Restore(table))
            .and_then(|command| match command.verb {
                crate::syntax::Verb::Help | crate::syntax::Verb::Version => {
                    Err(Trouble::usage("there is no help inside of restore text"))
                }
                _ => Ok(command),
            })
            .map_err(|trouble| at_word(number, line, body, trouble))?;
        if command.family.is_some_and(|f| f != family) {
            return Ok(());
        }
        let mut aside = Aside { sets: self.sets, ..Aside::default() };
        match translate_command(&mut command, family, &mut aside) {
            Ok(lines) => {
                for line in lines {
                    self.put(format_args!("{}", line.text));
                }
            }
            Err((missing, rule)) => {
                let span = culprit_word(&words, &rule, missing.part).and_then(|w| word_span(line, body, w));
                self.miss(number, line, span, missing.why);
                self.put(format_args!("# -t {} {}", table.name(), body.trim()));
            }
        }
        self.sets = aside.sets;
        self.done.notes.extend(aside.notes.into_iter().map(|note| (number, note)));
        Ok(())
    }

    fn miss(&mut self, number: u32, line: &str, span: Option<(usize, usize)>, why: String) {
        let fault = Box::new(TextFault { span, ..TextFault::new(number, TextTrouble::Failed(String::new())) });
        let TextFault { shown, span, .. } = *show(fault, line);
        self.done.missing.push(Untranslated { why, line: number, shown, span });
    }

    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.done.text, "{line}");
    }

    fn ip(&self) -> &'static str {
        match self.program.family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        }
    }
}

fn shorten_name(name: &str) -> String {
    crate::syntax::shorten(name.to_owned())
}

/// The type of a built-in chain: nat has its own, and marks of mangle OUTPUT may route again.
const fn kind(table: TableName, hook: Hook) -> &'static str {
    match (table, hook) {
        (TableName::Nat, _) => "nat",
        (TableName::Mangle, Hook::Output) => "route",
        _ => "filter",
    }
}
