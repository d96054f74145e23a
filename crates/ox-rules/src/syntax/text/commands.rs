//! Commands one a line, as `iptables -S` prints them and as people keep them in shell scripts, read like a ruleset.
//!
//! Of a script only what is plain is read: a line that the shell would have to work out is refused, and named.

use super::form::is_program;
use super::line::{is_target_name, word_span};
use super::{Loader, TextFault, TextTrouble, show};
use crate::model::{Foreign, Fresh, Ruleset, TableName, Target};
use crate::syntax::command::{Setting, read_command};
use crate::syntax::rule::{RuleCx, Strangers};
use crate::syntax::run::{RunCx, run};
use crate::syntax::{Out, Trouble, split_words};
use ox_packet::Family;
use std::borrow::Cow;

/// What the shell would do something with.
const SHELL: &[char] = &['$', '`', ';', '|', '&', '<', '>', '(', ')', '{', '}'];

impl Loader<'_, '_> {
    /// Reads commands; `table` is theirs if they do not name one, and a script's name their program first.
    pub(super) fn commands(
        &mut self,
        text: &str,
        table: Option<TableName>,
        ruleset: &mut Ruleset,
    ) -> Result<(), Box<TextFault>> {
        let mut number = 0;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            number += 1;
            let first = number;
            let joined;
            let mut line = line.trim_start_matches('\u{feff}');
            if table.is_none() && goes_on(line) {
                let mut whole = line[..line.len() - 1].to_owned();
                for next in lines.by_ref() {
                    number += 1;
                    let more = goes_on(next);
                    whole.push_str(&next[..next.len() - usize::from(more)]);
                    if !more {
                        break;
                    }
                }
                joined = whole;
                line = &joined;
            }
            let body = line.trim();
            if body.is_empty() || body.starts_with('#') {
                continue;
            }
            let read = match table {
                Some(table) => self.printed(first, line, body, table, ruleset),
                None => self.script_line(first, line, body, ruleset),
            };
            read.map_err(|fault| show(fault, line))?;
        }
        // What stands in a file is believed.
        for rule in ruleset.tables.iter_mut().flat_map(|t| &mut t.chains).flat_map(|c| &mut c.rules) {
            rule.origin.fresh = Fresh::Kept;
        }
        Ok(())
    }

    /// A line that `-S` printed.
    fn printed(
        &mut self,
        number: u32,
        line: &str,
        body: &str,
        table: TableName,
        ruleset: &mut Ruleset,
    ) -> Result<(), Box<TextFault>> {
        if !body.starts_with('-') {
            let what = format!("`{body}' is no rule, in a text that begins with rules as `iptables -S' prints them");
            return Err(fault(number, line, body, what));
        }
        let mut split = Vec::new();
        split_words(body, &mut split).map_err(|_| fault(number, line, body, OPEN_QUOTE.to_owned()))?;
        let mut words = vec!["-t", table.name()];
        words.extend(split.iter().map(|w| &*w.text));
        self.one(number, line, body, &words, 2, ruleset)
    }

    fn script_line(
        &mut self,
        number: u32,
        line: &str,
        body: &str,
        ruleset: &mut Ruleset,
    ) -> Result<(), Box<TextFault>> {
        let words = shell_words(body).map_err(|why| fault(number, line, body, why))?;
        let mut words: Vec<&str> = words.iter().map(|w| &**w).collect();
        let mut before = 0;
        if words.first() == Some(&"sudo") {
            words.remove(0);
            before = 1;
        }
        match words.as_slice() {
            ["set", ..] | ["exit", "0"] | ["exit" | "true" | ":"] => Ok(()),
            [program, rest @ ..] if is_program(program) => {
                let other = match self.cx.program.family {
                    Family::V4 => program.contains("ip6tables"),
                    Family::V6 => !program.contains("ip6tables"),
                };
                if other {
                    return Ok(());
                }
                let rest = rest.to_vec();
                // The words before the rule are not counted where it is pointed at.
                self.one(number, line, body, &rest, 0, ruleset).map_err(|mut f| {
                    if let (Some(_), TextTrouble::Command(trouble)) = (f.span, &f.what) {
                        f.span = trouble.word().and_then(|w| word_span(line, body, w + before + 1));
                    }
                    f
                })
            }
            [first, ..] => {
                let what = format!("`{first}' is no plain iptables command, and only those are read of a script");
                Err(fault(number, line, body, format!("{what}{ADVICE}")))
            }
            [] => Ok(()),
        }
    }

    /// Does one command. `before` words were put before those of the line.
    fn one(
        &mut self,
        number: u32,
        line: &str,
        body: &str,
        words: &[&str],
        before: usize,
        ruleset: &mut Ruleset,
    ) -> Result<(), Box<TextFault>> {
        let program = self.cx.program;
        let cx = RuleCx {
            family: program.family,
            dialect: program.dialect,
            table: TableName::Filter,
            names: self.cx.names,
            strangers: Strangers::Keep,
        };
        let told = |trouble: Trouble| {
            let span = trouble.word().and_then(|w| w.checked_sub(before)).and_then(|w| word_span(line, body, w));
            Box::new(TextFault { span, ..TextFault::new(number, TextTrouble::Command(trouble)) })
        };
        let mut command = read_command(words, &cx, Setting::Line).map_err(told)?;
        if !command.verb.edits() {
            return Ok(());
        }
        let table = ruleset.table_mut(command.table);
        if let Target::Jump(name) = &command.rule.rule.target
            && table.position(name.as_str()).is_none()
            && is_target_name(name.as_str())
        {
            let foreign = Foreign { name: name.as_str().to_owned(), ..Foreign::default() };
            command.rule.rule.target = Target::Foreign(Box::new(foreign));
        }
        let cx = RunCx { program, names: self.cx.names, line: number, absent: false };
        run(&mut command, table, &mut None, &cx, &mut Out::default()).map_err(told)
    }
}

/// Whether the shell reads a line and the next as one.
fn goes_on(line: &str) -> bool {
    let slashes = line.bytes().rev().take_while(|&b| b == b'\\').count();
    slashes % 2 == 1 && !line.trim_start().starts_with('#')
}

const OPEN_QUOTE: &str = "a quote that is opened here is never closed";
const ADVICE: &str = ": run it in a namespace of its own and keep what comes of it, \
    `unshare -rn sh -c 'sh SCRIPT; iptables-save'";

fn fault(number: u32, line: &str, body: &str, what: String) -> Box<TextFault> {
    let at = line.len() - line.trim_start().len();
    let len = body.split_ascii_whitespace().next().map_or(1, str::len);
    Box::new(TextFault { span: Some((at, len)), ..TextFault::new(number, TextTrouble::Form(what)) })
}

/// The words of a line of shell, if it is plain.
fn shell_words(line: &str) -> Result<Vec<Cow<'_, str>>, String> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quote) = (String::new(), false, None);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => word.push(c),
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (_, '\\') => match chars.next() {
                Some(c) => (word, begun) = (word + c.encode_utf8(&mut [0; 4]), true),
                None => return Err("the text ends where this command would go on".to_owned()),
            },
            (None, '#') if !begun => break,
            (_, c) if c == '$' || c == '`' || (quote.is_none() && SHELL.contains(&c)) => {
                return Err(format!("the shell would work out `{c}' here, and only plain commands are read{ADVICE}"));
            }
            (None, c) if c.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(Cow::Owned(std::mem::take(&mut word)));
                }
            }
            (_, c) => (word, begun) = (word + c.encode_utf8(&mut [0; 4]), true),
        }
    }
    if quote.is_some() {
        return Err(OPEN_QUOTE.to_owned());
    }
    if begun {
        words.push(Cow::Owned(word));
    }
    Ok(words)
}
