//! JSON read into a table, a rule at a time.
//!
//! The text is gone through twice: first for tables and chains, since a rule may jump to a chain that comes later and a
//! field may come before the one that says what it is about; then for the rules, each of which is words for the loader
//! of restore text before the next one is looked at.

use super::fault::JsonFault;
use super::node::{Node, Trail};
use super::rule::{Bad, Words, counters, text};
use super::walk::{Level, Walk};
use super::{NAME, VERSION};
use crate::model::{Counters, Policy, Ruleset, TableName};
use crate::syntax::command::{policy, read_append};
use crate::syntax::rule::{RuleCx, Strangers};
use crate::syntax::text::{Loader, TextTrouble};
use crate::syntax::{Fault, Only, Out, TextCx, TextKind, Trouble, save_rule, split_words};
use ox_packet::Family;
use rustc_hash::FxHashSet;
use serde::de::{DeserializeSeed as _, Error};
use std::borrow::Cow;

/// Loads JSON as restore text is loaded.
///
/// # Errors
/// The first fault. Tables before it have been committed to `ruleset`, which is not to be used then.
pub(in crate::syntax) fn load<'a>(
    bytes: &[u8],
    cx: TextCx<'a>,
    loader: &mut Loader<'a, '_>,
    ruleset: &mut Ruleset,
) -> Result<(), Box<JsonFault>> {
    let form =
        |place, message: String| Box::new(JsonFault { path: String::new(), place, what: TextTrouble::Form(message) });
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = &bytes[..e.valid_up_to()];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
        let byte = bytes.get(e.valid_up_to()).copied().unwrap_or_default();
        form(Some((line, column)), format!("the byte 0x{byte:02x} is not UTF-8, and JSON is"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut state = State {
        cx,
        loader,
        ruleset,
        tables: Vec::new(),
        names: FxHashSet::default(),
        outline: true,
        at: [0; 3],
        number: 0,
        first: Vec::new(),
        trail: Trail::new(),
        fault: None,
        line: Out::default(),
    };
    state.pass(text)?;
    state.outline = false;
    state.pass(text)
}

/// What the first reading found of a table.
pub(super) struct TableHead {
    pub(super) name: Option<TableName>,
    pub(super) chains: Vec<ChainHead>,
}

/// What it found of a chain.
#[derive(Default)]
pub(super) struct ChainHead {
    name: Option<String>,
    policy: Option<Policy>,
    counters: Option<Counters>,
}

pub(super) struct State<'s, 'a, 'o> {
    cx: TextCx<'a>,
    loader: &'s mut Loader<'a, 'o>,
    ruleset: &'s mut Ruleset,
    pub(super) tables: Vec<TableHead>,
    /// Chains of the table at hand.
    pub(super) names: FxHashSet<String>,
    /// Whether this is the first reading.
    pub(super) outline: bool,
    /// Table, chain and rule at hand.
    pub(super) at: [usize; 3],
    /// What stands for the line of restore text: chains and rules, counted.
    pub(super) number: u32,
    /// Number of each chain's first rule, in the table at hand.
    pub(super) first: Vec<u32>,
    pub(super) trail: Trail,
    fault: Option<TextTrouble>,
    line: Out,
}

impl State<'_, '_, '_> {
    fn pass(&mut self, text: &str) -> Result<(), Box<JsonFault>> {
        let mut from = serde_json::Deserializer::from_str(text);
        let walk = Walk { state: self, level: Level::Doc };
        let Err(error) = walk.deserialize(&mut from).and_then(|()| from.end()) else { return Ok(()) };
        let path: String = self.trail.iter().rev().map(String::as_str).collect();
        let path = path.strip_prefix('.').unwrap_or(&path).to_owned();
        if let Some(what) = self.fault.take() {
            return Err(Box::new(JsonFault { path, place: None, what }));
        }
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
        let what = match error.classify() {
            serde_json::error::Category::Data => message.to_owned(),
            _ => format!("this is not JSON: {message}"),
        };
        Err(Box::new(JsonFault { path, place: Some((line, column)), what: TextTrouble::Form(what) }))
    }

    /// Notes what is wrong, and where below the place at hand; what is returned only ends the reading.
    pub(super) fn fail<E: Error>(&mut self, path: String, what: TextTrouble) -> E {
        if !path.is_empty() {
            self.trail.push(path);
        }
        self.fault = Some(what);
        E::custom("")
    }

    pub(super) fn bad<E: Error>(&mut self, bad: Bad) -> E {
        self.fail(bad.path, TextTrouble::Form(bad.message))
    }

    /// A field that holds no further level.
    pub(super) fn field(&mut self, level: Level, key: &str, node: &Node<'_>) -> Result<(), Bad> {
        let [t, c, _] = self.at;
        match (level, key) {
            (Level::Doc, "oxtables") => match node {
                Node::Count(VERSION) => Ok(()),
                node => Err(Bad::new("", format!("{node}: this form is not known here; {VERSION} is"))),
            },
            (Level::Doc, _) => {
                let (own, other) = match self.cx.program.family {
                    Family::V4 => ("ipv4", "ipv6"),
                    Family::V6 => ("ipv6", "ipv4"),
                };
                match text(node, "")? {
                    family if family == own => Ok(()),
                    family if family == other => {
                        let name = self.cx.program.name();
                        Err(Bad::new("", format!("{family:?}: these are not the rules of {name}")))
                    }
                    family => Err(Bad::new("", format!("{family:?} is no family: ipv4 and ipv6 are"))),
                }
            }
            (Level::Table, _) => {
                let name = text(node, "")?;
                let known = TableName::from_name(name).ok_or_else(|| {
                    let names: Vec<_> = TableName::ALL.iter().map(|t| t.name()).collect();
                    Bad::new("", format!("{name:?} is no table; there are: {}", names.join(" ")))
                })?;
                if self.tables.iter().any(|t| t.name == Some(known)) {
                    return Err(Bad::new("", format!("the table {name} is there twice")));
                }
                self.tables[t].name = Some(known);
                Ok(())
            }
            (_, NAME) => {
                let name = text(node, "")?;
                if !self.names.insert(name.to_owned()) {
                    return Err(Bad::new("", format!("the chain {name:?} is there twice")));
                }
                self.tables[t].chains[c].name = Some(name.to_owned());
                Ok(())
            }
            (_, "policy") => {
                let word = text(node, "")?;
                let policy =
                    policy(word).map_err(|_| Bad::new("", format!("{word:?} is no policy: ACCEPT and DROP are")))?;
                self.tables[t].chains[c].policy = Some(policy);
                Ok(())
            }
            (_, "counters") => {
                self.tables[t].chains[c].counters = Some(counters(node, "")?);
                Ok(())
            }
            // How many rules jump to it: that is for whoever reads a listing.
            _ => match node {
                Node::Count(_) => Ok(()),
                node => Err(Bad::new("", format!("{node}: a whole number is expected"))),
            },
        }
    }

    /// An object ends: whether it had what it must.
    pub(super) fn close(&mut self, level: Level, seen: u32) -> Result<(), Bad> {
        let has = |name: &str| level.fields().iter().position(|f| *f == name).is_some_and(|i| seen & (1 << i) != 0);
        let needed: &[&str] = match level {
            Level::Doc => &["oxtables", "family", "tables"],
            _ => &[NAME],
        };
        match needed.iter().find(|name| !has(name)) {
            Some(name) => Err(Bad::new("", format!("`{name}' is missing"))),
            None => Ok(()),
        }
    }

    /// Whether the rules of the table at hand are wanted.
    pub(super) fn wanted(&self) -> bool {
        let only = match self.cx.kind {
            TextKind::Restore { only, .. } => only,
            TextKind::File => None,
        };
        let name = self.tables.get(self.at[0]).and_then(|t| t.name);
        only.is_none_or(|only| name.map(Only::Table) == Some(only)) && name.is_some()
    }

    /// Begins the table at hand, with all its chains.
    pub(super) fn begin<E: Error>(&mut self) -> Result<(), E> {
        let Some(head) = self.tables.get_mut(self.at[0]) else { return Ok(()) };
        let (Some(table), chains) = (head.name, std::mem::take(&mut head.chains)) else { return Ok(()) };
        self.loader.begin(self.number, table, self.ruleset);
        self.loader.make();
        self.first.clear();
        for (i, chain) in chains.iter().enumerate() {
            self.number = self.number.saturating_add(1);
            let name = chain.name.as_deref().unwrap_or_default();
            let base = table.hooks().iter().any(|h| h.name() == name);
            let path = |field: &str| format!(".chains[{i}].{field}");
            if let (Some(policy), false) = (chain.policy, base) {
                let message = format!(
                    "{:?}: {name} is a chain of the user's, and only built-in ones have a policy",
                    policy.name()
                );
                return Err(self.fail(path("policy"), TextTrouble::Form(message)));
            }
            let word = chain.policy.map_or("-", Policy::name);
            let counters = chain.counters.filter(|_| self.loader.counted());
            if let Err(fault) = self.loader.declare(self.number, name, word, counters) {
                return Err(self.fail(path(NAME), fault.what));
            }
        }
        self.tables[self.at[0]].chains = chains;
        Ok(())
    }

    /// Puts the table at hand in force.
    pub(super) fn commit<E: Error>(&mut self) -> Result<(), E> {
        self.number = self.number.saturating_add(1);
        let Err(fault) = self.loader.commit(self.number, self.ruleset) else { return Ok(()) };
        let line = match &fault.what {
            TextTrouble::Command(Trouble::Kernel(refusals)) => {
                refusals.first().map(|r| r.line).filter(|&line| line != 0).unwrap_or(fault.line)
            }
            _ => fault.line,
        };
        let chain = self.first.partition_point(|&first| first <= line).checked_sub(1);
        let path = match chain {
            Some(chain) if line < self.number => format!(".chains[{chain}].rules[{}]", line - self.first[chain]),
            _ => String::new(),
        };
        Err(self.fail(path, fault.what))
    }

    /// A rule of the chain at hand.
    pub(super) fn rule(&mut self, rule: &Node<'_>) -> Result<(), (String, TextTrouble)> {
        let [t, c, _] = self.at;
        self.number = self.number.saturating_add(1);
        let (program, table) = (self.cx.program, &self.tables[t]);
        let form = |bad: Bad| (bad.path, TextTrouble::Form(bad.message));
        let words = Words::of(rule, program.family, false).map_err(form)?;
        let chain = table.chains[c].name.as_deref().unwrap_or_default();
        let cx = RuleCx {
            family: program.family,
            dialect: program.dialect,
            table: table.name.unwrap_or(TableName::Filter),
            names: self.cx.names,
            strangers: if words.strange() { Strangers::Keep } else { Strangers::Refuse },
        };
        let plain: Vec<&str> = words.words.iter().map(|w| &**w).collect();
        let done = read_append(chain, &plain, &cx).map_err(|trouble| {
            // Words are counted from `-A`.
            let word = trouble.word().and_then(|w| w.checked_sub(2));
            located(rule, program.family, word, trouble)
        });
        let (mut read, loud) = done?;
        words.claim(&mut read).map_err(form)?;
        if let Some(said) = words.text {
            self.line.text.clear();
            self.line.text.push_str("-A ");
            self.line.text.push_str(chain);
            save_rule(&read.rule, program.family, false, &mut self.line);
            if said != self.line.text && !agrees(said, chain, &read, &cx) {
                let message =
                    format!("the rule's fields say `{}': make this agree with them, or leave it out", self.line.text);
                return Err((".rule".to_owned(), TextTrouble::Form(message)));
            }
        }
        if let Some(counters) = words.counters.filter(|_| self.loader.counted()) {
            read.rule.counters = counters;
        }
        self.loader.append(self.number, chain, read, loud > 0).map_err(|trouble| {
            let word = trouble.word().and_then(|w| w.checked_sub(2));
            located(rule, program.family, word, trouble)
        })
    }
}

/// Whether the text of a rule, however it is written, says the same.
fn agrees(said: &str, chain: &str, read: &crate::syntax::ReadRule, cx: &RuleCx<'_>) -> bool {
    let mut split = Vec::new();
    if split_words(said, &mut split).is_err() {
        return false;
    }
    let words: Vec<&str> = split.iter().map(|w| &*w.text).collect();
    let ["-A", name, rest @ ..] = words.as_slice() else { return false };
    let Ok((other, _)) = read_append(name, rest, cx) else { return false };
    *name == chain && other.rule.same(&read.rule) && (&other.srcs, &other.dsts) == (&read.srcs, &read.dsts)
}

/// What a word of a rule is refused for, with the path of the word and its value.
fn located(rule: &Node<'_>, family: Family, word: Option<usize>, trouble: Trouble) -> (String, TextTrouble) {
    let Ok(Words { words, spots: Some(mut spots), .. }) = Words::of(rule, family, true) else {
        return (String::new(), TextTrouble::Command(trouble));
    };
    let Some(at) = word.filter(|&at| at < spots.len()) else { return (String::new(), TextTrouble::Command(trouble)) };
    let trouble = match trouble {
        Trouble::Usage(fault) if !fault.message.contains(&*words[at]) => {
            let value = Node::Text(Cow::Borrowed(&words[at]));
            Trouble::Usage(Fault { message: format!("{value}: {}", fault.message), ..fault })
        }
        trouble => trouble,
    };
    (spots.swap_remove(at), TextTrouble::Command(trouble))
}
