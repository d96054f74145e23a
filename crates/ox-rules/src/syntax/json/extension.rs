//! A match or a target of JSON as words: its name, and its options by their table.

use super::fields::{is_field, own_words};
use super::node::{Node, step};
use super::rule::{Bad, Words, flag, negated, text, unknown, verdict};
use super::value::read;
use super::{NAME, WORDS};
use crate::ext;
use crate::syntax::{Opt, meant};
use ox_packet::Family;
use std::borrow::Cow;

impl<'n> Words<'n> {
    /// A match behind `-m` or a target behind `-j`.
    pub(super) fn extension(
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
            let known = desc.map(|d| d.options);
            return self.foreign(fields, words, name, known, path, is_match);
        }
        let options = match desc {
            Some(desc) => desc.options,
            None if !is_match && verdict(name) => &[],
            None => {
                let names: Vec<_> =
                    if is_match { ext::match_names(family).collect() } else { ext::target_names(family).collect() };
                let mut message = format!("there is no {kind} {name:?}");
                match meant(name, "", names) {
                    Some(near) => message.push_str(&near),
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
        known: Option<&'static [Opt]>,
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
        match known {
            None if is_match => self.strangers.push((name, list)),
            None => self.stranger = Some((name, list)),
            // Written before it was known here: then its words are its options, and nothing else.
            Some(options) => {
                let words: Vec<&str> = list.iter().filter_map(Node::text).collect();
                if !own_words(options, &words) {
                    let message = format!("these are not only options of {name}");
                    return Err(Bad::new(format!("{}.{WORDS}", path()), message));
                }
            }
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
        found.sort_by_key(|f| (options[f.0].separates, f.0));
        for (which, name, key, node) in found {
            let opt = &options[which];
            let path = || format!("{}{}", path(), step(key));
            if opt.separates && !first {
                return Err(Bad::new(path(), "groups stand in one list, not in one another"));
            }
            if opt.separates {
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
            (1, Node::Bool(true)) if opt.optional => self.push(Cow::Owned(format!("--{name}")), path),
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
}
