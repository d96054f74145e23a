//! One rule of JSON as the words of a rule.

use super::fields::{is_field, separates};
use super::node::{Node, step};
use super::value::read;
use super::{NAME, NOT, WORDS};
use crate::bytes::{bytes_of, has_odd, text_of};
use crate::ext;
use crate::model::{Counters, Match, Standard, Target};
use crate::syntax::{Form, Opt, ReadRule, suggest};
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
    strangers: Vec<(&'n str, &'n [Node<'n>])>,
    stranger: Option<(&'n str, &'n [Node<'n>])>,
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
            if word == "!" {
                return Err(Bad::new(path(), "\"!\" cannot stand here: {\"not\": ...} is the opposite of a value"));
            }
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

    /// A match behind `-m` or a target behind `-j`.
    fn extension(
        &mut self,
        node: &'n Node<'n>,
        path: &dyn Fn() -> String,
        option: &'static str,
        family: Family,
    ) -> Result<(), Bad> {
        let (kind, is_match) = if option == "-m" { ("match", true) } else { ("target", false) };
        let Node::Map(fields) = node else {
            return Err(Bad::new(path(), format!("{node} is no {kind}: an object with `name' is expected")));
        };
        let at_name = || format!("{}.{NAME}", path());
        let Some(name) = node.get(NAME) else {
            return Err(Bad::new(path(), format!("a {kind} without `name'")));
        };
        let name = text(name, &at_name())?;
        self.push(Cow::Borrowed(option), &at_name)?;
        self.push(Cow::Borrowed(name), &at_name)?;
        let desc = if is_match { ext::match_desc(name, family) } else { ext::target_desc(name, family) };
        if let Some(words) = node.get(WORDS) {
            return self.foreign(fields, words, name, desc.is_none(), path, is_match);
        }
        let options = match desc {
            Some(desc) => desc.options,
            None if !is_match && verdict(name) => &[],
            None => {
                let names: Vec<_> =
                    if is_match { ext::match_names(family).collect() } else { ext::target_names(family).collect() };
                let mut message = format!("there is no {kind} {name:?}");
                match suggest(name, names.into_iter()) {
                    Some(near) => message.push_str(&format!(" (is `{near}' meant?)")),
                    None if !is_match => message.push_str("; a chain is named by `jump'"),
                    None => {}
                }
                message.push_str(&format!("; one that oxtables does not know has its words in `{WORDS}'"));
                return Err(Bad::new(at_name(), message));
            }
        };
        // The name as the table has it: fields are called after it where an alias was given.
        let name = desc.map_or(name, |d| d.name);
        self.group(fields, name, options, path, true)
    }

    /// An extension that is kept word for word.
    fn foreign(
        &mut self,
        fields: &'n [(Cow<'n, str>, Node<'n>)],
        words: &'n Node<'n>,
        name: &'n str,
        stranger: bool,
        path: &dyn Fn() -> String,
        is_match: bool,
    ) -> Result<(), Bad> {
        if let Some((key, _)) = fields.iter().find(|(key, _)| key != NAME && key != WORDS) {
            return Err(Bad::new(
                format!("{}{}", path(), step(key)),
                format!("no other field stands beside `{WORDS}'"),
            ));
        }
        let Node::List(list) = words else {
            return Err(Bad::new(format!("{}.{WORDS}", path()), format!("{words}: a list of strings is expected")));
        };
        for (i, word) in list.iter().enumerate() {
            let path = || format!("{}.{WORDS}[{i}]", path());
            self.push(Cow::Borrowed(text(word, &path())?), &path)?;
        }
        if stranger && is_match {
            self.strangers.push((name, list));
        } else if stranger {
            self.stranger = Some((name, list));
        }
        Ok(())
    }

    /// Options, in the order of the table: that of the fields means nothing.
    fn group(
        &mut self,
        fields: &'n [(Cow<'n, str>, Node<'n>)],
        ext: &str,
        options: &'static [Opt],
        path: &dyn Fn() -> String,
        first: bool,
    ) -> Result<(), Bad> {
        let mut found: Vec<(usize, &'static str, &str, &Node<'_>)> = Vec::with_capacity(fields.len());
        for (key, node) in fields.iter().filter(|(key, _)| !first || key != NAME) {
            let named = |o: &'static Opt| o.names.iter().copied().find(|name| is_field(key, name, ext));
            let Some((which, name)) = options.iter().enumerate().find_map(|(i, o)| Some((i, named(o)?))) else {
                let known: Vec<String> =
                    options.iter().flat_map(|o| o.names).map(|name| name.replace('-', "_")).collect();
                return Err(unknown(key, &path(), known.iter().map(String::as_str)));
            };
            if let Some(other) = found.iter().find(|f| f.0 == which) {
                let message = format!("this says the same as `{}' beside it", other.2);
                return Err(Bad::new(format!("{}{}", path(), step(key)), message));
            }
            found.push((which, name, key, node));
        }
        found.sort_by_key(|f| (separates(&options[f.0]), f.0));
        for (which, name, key, node) in found {
            let opt = &options[which];
            let path = || format!("{}{}", path(), step(key));
            if separates(opt) && first {
                let Node::List(groups) = node else {
                    return Err(Bad::new(path(), format!("{node}: a list of objects is expected")));
                };
                for (i, group) in groups.iter().enumerate() {
                    let path = || format!("{}[{i}]", path());
                    let Node::Map(fields) = group else {
                        return Err(Bad::new(path(), format!("{group}: an object is expected")));
                    };
                    self.push(Cow::Owned(format!("--{name}")), &path)?;
                    self.group(fields, ext, options, &path, false)?;
                }
                continue;
            }
            self.option(opt, name, node, &path)?;
        }
        Ok(())
    }

    fn option(
        &mut self,
        opt: &'static Opt,
        name: &str,
        node: &'n Node<'n>,
        path: &dyn Fn() -> String,
    ) -> Result<(), Bad> {
        let (not, node) = negated(node, path)?;
        self.not(not, path)?;
        let bad = |want: &str| Bad::new(path(), format!("{node}: {want}"));
        match (opt.args, node) {
            (0, node) => {
                flag(node, path)?;
                self.push(Cow::Owned(format!("--{name}")), path)
            }
            (1, node) => {
                let word = read(opt.form(0), node).map_err(bad)?;
                // As a word of its own it would be the old place of "not".
                if word == "!" {
                    return self.push(Cow::Owned(format!("--{name}=!")), path);
                }
                self.push(Cow::Owned(format!("--{name}")), path)?;
                self.push(word, path)
            }
            (args, Node::List(list)) if list.len() == usize::from(args) => {
                self.push(Cow::Owned(format!("--{name}")), path)?;
                for (i, node) in list.iter().enumerate() {
                    let path = || format!("{}[{i}]", path());
                    let word = read(opt.form(i), node).map_err(|w| Bad::new(path(), format!("{node}: {w}")))?;
                    self.push(word, &path)?;
                }
                Ok(())
            }
            (args, _) => Err(bad(&format!("a list of {args} is expected"))),
        }
    }

    fn not(&mut self, not: bool, path: &dyn Fn() -> String) -> Result<(), Bad> {
        if not { self.push(Cow::Borrowed("!"), path) } else { Ok(()) }
    }

    fn push(&mut self, word: Cow<'n, str>, path: &dyn Fn() -> String) -> Result<(), Bad> {
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

fn verdict(name: &str) -> bool {
    [Standard::Accept, Standard::Drop, Standard::Return, Standard::Queue].iter().any(|s| s.name() == name)
}

/// `{"not": X}` is the opposite of `X`.
fn negated<'n>(node: &'n Node<'n>, path: &dyn Fn() -> String) -> Result<(bool, &'n Node<'n>), Bad> {
    match node {
        Node::Map(fields) => match fields.as_slice() {
            [(key, node)] if key == NOT => Ok((true, node)),
            _ => Err(Bad::new(path(), "the only object here is {\"not\": ...}")),
        },
        node => Ok((false, node)),
    }
}

fn flag(node: &Node<'_>, path: &dyn Fn() -> String) -> Result<(), Bad> {
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
    match suggest(key, known.clone()) {
        Some(near) => message.push_str(&format!(" (is `{near}' meant?)")),
        None => {
            let names: Vec<&str> = known.collect();
            if !names.is_empty() {
                message.push_str(&format!("; there are: {}", names.join(" ")));
            }
        }
    }
    Bad::new(format!("{path}{}", step(key)), message)
}
