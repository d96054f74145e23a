//! One rule of JSON as the words of a rule.

use super::NOT;
use super::node::{Node, step};
use super::value::read;
use crate::bytes::{bytes_of, has_odd, text_of};
use crate::ext;
use crate::model::{Counters, Match, Standard, Target};
use crate::syntax::{Form, ReadRule, meant};
use ox_packet::Family;
use std::borrow::Cow;

/// What is wrong with a rule, and where in it.
pub(super) struct Bad {
    pub(super) path: String,
    pub(super) message: String,
}

impl Bad {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// A rule in words.
#[derive(Default)]
pub(super) struct Words<'n> {
    pub(super) words: Vec<Cow<'n, str>>,
    /// Where each word comes from, if that is wanted.
    pub(super) spots: Option<Vec<String>>,
    /// Unknown matches and the unknown target, whose words must stay theirs.
    pub(super) strangers: Vec<(&'n str, &'n [Node<'n>])>,
    pub(super) stranger: Option<(&'n str, &'n [Node<'n>])>,
    /// The rule as text, to compare with.
    pub(super) text: Option<&'n str>,
    pub(super) counters: Option<Counters>,
}

/// What a rule may have.
const FIELDS: &[&str] = &[
    "rule",
    "number",
    "source",
    "destination",
    "in_interface",
    "out_interface",
    "protocol",
    "fragment",
    "matches",
    "target",
    "jump",
    "goto",
    "counters",
];

/// Fields of the head in the order in which they are read, their options, and what they hold.
const HEAD: &[(&str, &str, Form)] = &[
    ("source", "-s", Form::Text),
    ("destination", "-d", Form::Text),
    ("in_interface", "-i", Form::Text),
    ("out_interface", "-o", Form::Text),
    ("protocol", "-p", Form::Number),
];

impl<'n> Words<'n> {
    /// Puts a rule's words together; with `spots`, also where each comes from.
    pub(super) fn of(rule: &'n Node<'n>, family: Family, spots: bool) -> Result<Self, Bad> {
        let mut words = Self { spots: spots.then(Vec::new), ..Self::default() };
        words.rule(rule, family)?;
        Ok(words)
    }

    /// Whether some of it is for an extension that we do not know.
    pub(super) fn strange(&self) -> bool {
        self.stranger.is_some() || !self.strangers.is_empty()
    }

    fn rule(&mut self, rule: &'n Node<'n>, family: Family) -> Result<(), Bad> {
        let Node::Map(fields) = rule else {
            return Err(Bad::new("", format!("{rule} is no rule: an object is expected")));
        };
        if let Some((key, _)) = fields.iter().find(|(key, _)| !FIELDS.contains(&&**key)) {
            return Err(unknown(key, "", FIELDS.iter().copied()));
        }
        if let Some(node) = rule.get("rule") {
            self.text = Some(text(node, ".rule")?);
        }
        if let Some(node) = rule.get("number") {
            count(node, ".number")?;
        }
        for &(name, option, form) in HEAD {
            let Some(node) = rule.get(name) else { continue };
            let path = || format!(".{name}");
            let (not, node) = negated(node, &path)?;
            let word = read(form, node).map_err(|want| Bad::new(path(), format!("{node}: {want}")))?;
            self.not(not, &path)?;
            self.push(Cow::Borrowed(option), &path)?;
            self.push(word, &path)?;
        }
        if let Some(node) = rule.get("fragment") {
            let path = || ".fragment".to_owned();
            let (not, node) = negated(node, &path)?;
            flag(node, &path)?;
            self.not(not, &path)?;
            self.push(Cow::Borrowed("-f"), &path)?;
        }
        match rule.get("matches") {
            None => {}
            Some(Node::List(list)) => {
                for (i, node) in list.iter().enumerate() {
                    self.extension(node, &|| format!(".matches[{i}]"), "-m", family)?;
                }
            }
            Some(other) => return Err(Bad::new(".matches", format!("{other}: a list of matches is expected"))),
        }
        self.what(rule, family)?;
        if let Some(node) = rule.get("counters") {
            self.counters = Some(counters(node, ".counters")?);
        }
        Ok(())
    }

    /// Target, jump or goto.
    fn what(&mut self, rule: &'n Node<'n>, family: Family) -> Result<(), Bad> {
        let mut given = ["target", "jump", "goto"].into_iter().filter_map(|name| Some((name, rule.get(name)?)));
        let Some((name, node)) = given.next() else { return Ok(()) };
        if let Some((second, _)) = given.next() {
            return Err(Bad::new(format!(".{second}"), format!("a rule has one of `{name}' and `{second}', not both")));
        }
        let path = || format!(".{name}");
        if name == "target" {
            return self.extension(node, &path, "-j", family);
        }
        let chain = text(node, &path())?;
        if name == "jump" && (verdict(chain) || ext::target_desc(chain, family).is_some()) {
            let message = format!("{chain:?} is no chain: say \"target\": {{\"name\": {chain:?}}}");
            return Err(Bad::new(path(), message));
        }
        self.push(Cow::Borrowed(if name == "jump" { "-j" } else { "-g" }), &path)?;
        self.push(Cow::Borrowed(chain), &path)
    }

    pub(super) fn not(&mut self, not: bool, path: &dyn Fn() -> String) -> Result<(), Bad> {
        if not { self.push(Cow::Borrowed("!"), path) } else { Ok(()) }
    }

    pub(super) fn push(&mut self, word: Cow<'n, str>, path: &dyn Fn() -> String) -> Result<(), Bad> {
        if let Some(c) = word.chars().find(|c| matches!(c, '\n' | '\0')) {
            let what = if c == '\n' { "a line break" } else { "a zero byte" };
            return Err(Bad::new(path(), format!("{}: no word of a rule can have {what} in it", Node::Text(word))));
        }
        if let Some(spots) = &mut self.spots {
            spots.push(path());
        }
        // Odd bytes one by one may be text together.
        let word = if has_odd(&word) { Cow::Owned(text_of(&bytes_of(&word)).into_owned()) } else { word };
        self.words.push(word);
        Ok(())
    }

    /// Sees to it that words of unknown extensions stayed theirs, and that an unknown target without words is one.
    pub(super) fn claim(&self, read: &mut ReadRule) -> Result<(), Bad> {
        let same = |words: &[String], nodes: &[Node<'_>]| {
            words.iter().map(|w| Some(w.as_str())).eq(nodes.iter().map(Node::text))
        };
        let mut found = read.rule.matches.iter().filter_map(|m| match m {
            Match::Foreign(f) => Some(f),
            _ => None,
        });
        let theirs = |name: &str| format!("the words of {name} are not all its own: some would be read as the rule's");
        for (name, nodes) in &self.strangers {
            match found.next() {
                Some(f) if f.name == *name && same(&f.words, nodes) => {}
                _ => return Err(Bad::new(".matches", theirs(name))),
            }
        }
        if let Some((name, nodes)) = self.stranger {
            match &read.rule.target {
                Target::Foreign(f) if f.name == name && same(&f.words, nodes) => {}
                Target::Jump(chain) if chain.as_str() == name && nodes.is_empty() => {
                    let foreign = crate::model::Foreign { name: name.to_owned(), words: Vec::new(), raw: None };
                    read.rule.target = Target::Foreign(Box::new(foreign));
                }
                _ => return Err(Bad::new(".target", theirs(name))),
            }
        }
        Ok(())
    }
}

pub(super) fn verdict(name: &str) -> bool {
    [Standard::Accept, Standard::Drop, Standard::Return, Standard::Queue].iter().any(|s| s.name() == name)
}

/// `{"not": X}` is the opposite of `X`.
pub(super) fn negated<'n>(node: &'n Node<'n>, path: &dyn Fn() -> String) -> Result<(bool, &'n Node<'n>), Bad> {
    match node {
        Node::Map(fields) => match fields.as_slice() {
            [(key, node)] if key == NOT => Ok((true, node)),
            _ => Err(Bad::new(path(), "the only object here is {\"not\": ...}")),
        },
        node => Ok((false, node)),
    }
}

pub(super) fn flag(node: &Node<'_>, path: &dyn Fn() -> String) -> Result<(), Bad> {
    match node {
        Node::Bool(true) => Ok(()),
        node => Err(Bad::new(path(), format!("{node}: true is expected; what is not wanted is left out"))),
    }
}

/// A string.
pub(super) fn text<'n>(node: &'n Node<'_>, path: &str) -> Result<&'n str, Bad> {
    node.text().ok_or_else(|| Bad::new(path, format!("{node}: a string is expected")))
}

fn count(node: &Node<'_>, path: &str) -> Result<u64, Bad> {
    match node {
        Node::Count(n) => Ok(*n),
        node => Err(Bad::new(path, format!("{node}: a whole number from 0 to {} is expected", u64::MAX))),
    }
}

/// `{"packets": P, "bytes": B}`
pub(super) fn counters(node: &Node<'_>, path: &str) -> Result<Counters, Bad> {
    let Node::Map(fields) = node else {
        return Err(Bad::new(path, format!("{node}: an object with `packets' and `bytes' is expected")));
    };
    if let Some((key, _)) = fields.iter().find(|(key, _)| key != "packets" && key != "bytes") {
        return Err(unknown(key, path, ["packets", "bytes"].into_iter()));
    }
    let one = |name: &str| match node.get(name) {
        Some(node) => count(node, &format!("{path}.{name}")),
        None => Err(Bad::new(path, format!("`{name}' is missing"))),
    };
    Ok(Counters { packets: one("packets")?, bytes: one("bytes")? })
}

/// A field that nobody reads.
pub(super) fn unknown<'k>(key: &str, path: &str, known: impl Iterator<Item = &'k str> + Clone) -> Bad {
    let mut message = "there is no such field here".to_owned();
    match meant(key, "", known.clone()) {
        Some(near) => message.push_str(&near),
        None => {
            let names: Vec<&str> = known.collect();
            if !names.is_empty() {
                message.push_str(&format!("; there are: {}", names.join(" ")));
            }
        }
    }
    Bad::new(format!("{path}{}", step(key)), message)
}
