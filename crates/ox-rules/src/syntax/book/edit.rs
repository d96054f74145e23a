//! Changes to the text of a ruleset file, line by line.

use super::Section;
use crate::bytes::bytes_of;
use crate::model::{Chain, Counters, Fresh, Rule, Table};
use crate::syntax::list::{append_line, chain_line};
use crate::syntax::text::untouched;
use crate::syntax::{Out, Program};
use rustc_hash::FxHashSet;

/// Where the lines of a text are.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text).map(|i| i + 1));
        if starts.last() == Some(&text.len()) {
            starts.pop();
        }
        Self { text, starts }
    }

    /// A line with its end, from 1.
    fn get(&self, line: u32) -> &'a [u8] {
        &self.text[self.start(line)..self.start(line + 1)]
    }

    fn start(&self, line: u32) -> usize {
        (line as usize).checked_sub(1).and_then(|i| self.starts.get(i)).copied().unwrap_or(self.text.len())
    }

    /// The first of the comment lines that stand right above a line, or the line itself.
    pub(super) fn above(&self, line: u32) -> u32 {
        let comment = |l: u32| self.get(l).trim_ascii_start().starts_with(b"#");
        let mut at = line;
        while at > 1 && comment(at - 1) && !self.get(at - 1).trim_ascii_start().starts_with(b"# Completed on ") {
            at -= 1;
        }
        at
    }
}

/// Changes to a text, line by line.
pub(super) struct Edits<'a> {
    lines: Lines<'a>,
    /// Text that goes in before a line.
    before: Vec<(u32, String)>,
    /// Lines that go out, or change.
    replaced: Vec<(u32, Option<String>)>,
    /// What ends a line here.
    crlf: bool,
}

impl<'a> Edits<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let lines = Lines::new(text);
        let crlf = lines.get(1).ends_with(b"\r\n");
        Self { lines, before: Vec::new(), replaced: Vec::new(), crlf }
    }

    pub(super) fn insert(&mut self, before: u32, text: &str) {
        self.before.push((before, text.to_owned()));
    }

    pub(super) fn apply(mut self) -> Vec<u8> {
        // Insertions at one place stay in the order in which they came.
        self.before.sort_by_key(|e| e.0);
        self.replaced.sort_by_key(|e| e.0);
        let text = self.lines.text;
        let added: usize = self.before.iter().map(|e| e.1.len()).sum();
        let mut out = Vec::with_capacity(text.len() + added + 64);
        let mut at = 0;
        let put = |out: &mut Vec<u8>, new: &str, crlf: bool| {
            if out.last().is_some_and(|&b| b != b'\n') {
                out.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
            }
            if crlf {
                out.extend_from_slice(&bytes_of(&new.replace('\n', "\r\n")));
            } else {
                out.extend_from_slice(&bytes_of(new));
            }
        };
        let (mut before, mut replaced) = (self.before.iter().peekable(), self.replaced.iter().peekable());
        loop {
            let (insert, replace) = (before.peek().map(|e| e.0), replaced.peek().map(|e| e.0));
            match (insert, replace) {
                (None, None) => break,
                (Some(line), other) if other.is_none_or(|o| line <= o) => {
                    let start = self.lines.start(line);
                    out.extend_from_slice(&text[at..start]);
                    at = start;
                    if let Some((_, new)) = before.next() {
                        put(&mut out, new, self.crlf);
                    }
                }
                (_, Some(line)) => {
                    let start = self.lines.start(line);
                    out.extend_from_slice(&text[at..start]);
                    at = self.lines.start(line + 1);
                    if let Some((_, Some(new))) = replaced.next() {
                        put(&mut out, new, self.crlf);
                    }
                }
                (Some(_), None) => break,
            }
        }
        out.extend_from_slice(&text[at..]);
        out
    }
}

/// One rule as a line.
fn rule_line(chain: &str, rule: &Rule, program: Program, counted: bool) -> String {
    let mut out = Out::default();
    if counted || rule.counters != Counters::default() {
        out.fmt(format_args!("[{}:{}] ", rule.counters.packets, rule.counters.bytes));
    }
    append_line(chain, rule, program.family, false, &mut out);
    out.text
}

fn chain_text(chain: &Chain) -> String {
    let mut out = Out::default();
    chain_line(chain, &mut out);
    out.text
}

/// Takes out the lines of a table that is there no more. People's comments stay, and the first header, which names the
/// family.
pub(super) fn take_out(section: &Section, edits: &mut Edits<'_>) {
    let Section { start, end, .. } = *section;
    let begins = |line: u32, with: &[u8]| edits.lines.get(line).trim_ascii_start().starts_with(with);
    let mut gone: Vec<u32> = (start..=end).filter(|&l| l == start || l == end || !begins(l, b"#")).collect();
    if begins(end + 1, b"# Completed on ") {
        gone.push(end + 1);
    }
    let headers: Vec<u32> = (1..start).filter(|&l| begins(l, b"# Generated by ")).collect();
    gone.extend(headers.iter().skip(1).filter(|&&l| l + 1 == start));
    edits.replaced.extend(gone.into_iter().map(|line| (line, None)));
}

/// Changes the lines of a plain table that must change.
pub(super) fn splice(section: &Section, table: &Table, program: Program, edits: &mut Edits<'_>) {
    let Section { start, end, counted, .. } = *section;
    let first_rule = (start + 1..end)
        .find(|&l| matches!(edits.lines.get(l).trim_ascii_start().first(), Some(b'-' | b'[')))
        .unwrap_or(end);
    // Chains.
    let mut named: FxHashSet<&str> = FxHashSet::default();
    for (line, name, policy, counters) in &section.chains {
        let now = table.chain(name.as_str());
        let fresh = named.insert(name.as_str());
        match now {
            Some(chain) if fresh => {
                if chain.base.map(|b| b.policy) != *policy || chain.counters != *counters {
                    edits.replaced.push((*line, Some(chain_text(chain))));
                }
            }
            _ => edits.replaced.push((*line, None)),
        }
    }
    let below_chains = section.chains.last().map_or(start + 1, |c| c.0 + 1).min(end);
    for chain in table.in_order().into_iter().filter(|c| !named.contains(c.name.as_str())) {
        if chain.base.is_none() || !untouched(chain.base.map(|b| b.policy), chain.counters) {
            // A chain must be named before the first rule.
            edits.before.push((below_chains.min(first_rule), chain_text(chain)));
        }
    }
    // Rules.
    let mut seen = vec![false; (end - start) as usize];
    for chain in &table.chains {
        let name = chain.name.as_str();
        let mut after: Option<u32> = None;
        let mut waiting: Vec<String> = Vec::new();
        for rule in &chain.rules {
            let line = Some(rule.origin.line).filter(|&l| rule.origin.fresh != Fresh::New && l > start && l < end);
            match line {
                Some(line) => {
                    seen[(line - start) as usize] = true;
                    if !waiting.is_empty() {
                        let place = edits.lines.above(line);
                        edits.before.extend(waiting.drain(..).map(|text| (place, text)));
                    }
                    if rule.origin.fresh == Fresh::Changed {
                        edits.replaced.push((line, Some(rule_line(name, rule, program, counted))));
                    }
                    after = Some(line);
                }
                None => {
                    let text = rule_line(name, rule, program, counted);
                    match after {
                        Some(line) => edits.before.push((line + 1, text)),
                        None => waiting.push(text),
                    }
                }
            }
        }
        edits.before.extend(waiting.into_iter().map(|text| (end, text)));
    }
    for line in start + 1..end {
        let is_rule = matches!(edits.lines.get(line).trim_ascii_start().first(), Some(b'-' | b'['));
        if is_rule && !seen[(line - start) as usize] {
            edits.replaced.push((line, None));
        }
    }
}

/// Writes a table anew, the comments of the old one first.
pub(super) fn rewrite(section: &Section, table: &Table, program: Program, edits: &mut Edits<'_>) {
    let Section { start, end, counted, .. } = *section;
    let mut out = Out::default();
    for line in start + 1..end {
        let text = edits.lines.get(line).trim_ascii_start();
        if !text.starts_with(b"#") && !text.is_empty() {
            edits.replaced.push((line, None));
        }
    }
    for chain in table.in_order() {
        chain_line(chain, &mut out);
    }
    for chain in table.in_order() {
        for rule in &chain.rules {
            out.raw(&rule_line(chain.name.as_str(), rule, program, counted));
        }
    }
    edits.insert(end, &out.text);
}
