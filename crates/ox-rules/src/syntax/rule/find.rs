//! Which option a name stands for: exact before abbreviated, the newest extension first.

use super::suggest::meant;
use super::{CORE, Extra, Found, Reader, Seen};
use crate::ext;
use crate::ext::Desc;
use crate::ir::Dialect;
use crate::model::Match;
use crate::syntax::names::protocol_name;
use crate::syntax::{Fault, Opt};
use ox_packet::Family;

/// The protocol of the mobility header (ABI: uapi/linux/in.h `IPPROTO_MH`).
pub(super) const MOBILITY: u8 = 135;

impl<'a> Reader<'a> {
    /// The option of exactly this name.
    pub(super) fn exact(&self, name: &str, extra: &dyn Extra) -> Option<Found> {
        if let Some(i) = self.rule.rule.target.row(name) {
            return Some(Found::Target(i));
        }
        for (m, ext) in self.room.matches.iter().enumerate().rev() {
            if let Some(i) = ext.row(name) {
                return Some(Found::Match(m, i));
            }
        }
        if let Some(&(c, _, arg)) = CORE.iter().find(|o| o.1 == name).filter(|o| self.has(o.0)) {
            return Some(Found::Core(c, arg));
        }
        let i = extra.options().iter().position(|o| !name.is_empty() && o.long == name)?;
        Some(Found::Extra(i, extra.options()[i].arg))
    }

    /// Whether the program has one of the rule's own options: ip6tables of the legacy variant knows no fragments.
    fn has(&self, core: char) -> bool {
        core != 'f' || self.cx.family == Family::V4 || self.cx.dialect == Dialect::Nft
    }

    /// The option of this name: exact before abbreviated, unique abbreviations only.
    pub(super) fn find(&self, here: usize, name: &str, extra: &dyn Extra) -> Result<Option<Found>, Fault> {
        if let Some(found) = self.exact(name, extra) {
            return Ok(Some(found));
        }
        if name.is_empty() {
            return Ok(None);
        }
        let mut hits: Vec<(&str, Found)> = Vec::new();
        let mut offer = |full: &'static str, found: Found| {
            if full.starts_with(name) && !hits.iter().any(|h| h.1 == found || h.0 == full) {
                hits.push((full, found));
            }
        };
        for (i, o) in self.rule.rule.target.options().iter().enumerate() {
            o.names.iter().for_each(|n| offer(n, Found::Target(i)));
        }
        for (m, ext) in self.room.matches.iter().enumerate().rev() {
            for (i, o) in ext.options().iter().enumerate() {
                o.names.iter().for_each(|n| offer(n, Found::Match(m, i)));
            }
        }
        let core = CORE.iter().filter(|o| self.has(o.0));
        core.for_each(|&(c, long, arg)| offer(long, Found::Core(c, arg)));
        // An option that stock does not have must not make its abbreviations unclear.
        let extra = extra.options().iter().enumerate().filter(|(_, o)| !o.ours);
        extra.for_each(|(i, o)| offer(o.long, Found::Extra(i, o.arg)));
        match hits.as_slice() {
            [] => Ok(None),
            [(_, one)] => Ok(Some(*one)),
            several => {
                let list: Vec<_> = several.iter().map(|(n, _)| format!("`--{n}'")).collect();
                let message = format!("unknown option \"--{name}\" (it may stand for {})", list.join(" or "));
                Err(Fault::usage(here, message))
            }
        }
    }

    /// What is said of an option that nobody has.
    pub(super) fn nameless(&self, here: usize, name: &str, extra: &dyn Extra) -> Fault {
        let near = self.names(extra);
        let mut message = format!("unknown option \"{}\"", self.words[here]);
        if let Some(near) = meant(name, "--", near.iter().copied()) {
            message.push_str(&near);
        } else if let Some(owner) = ext::owner_of(name, self.cx.family) {
            message.push_str(&format!(" (it belongs to `{owner}', which must come before it)"));
        }
        Fault::usage(here, message)
    }

    fn names(&self, extra: &dyn Extra) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        let mut add = |options: &'static [Opt]| names.extend(options.iter().flat_map(|o| o.names));
        for m in &self.room.matches {
            add(m.options());
        }
        add(self.rule.rule.target.options());
        if let Some(proto) = self.proto_ext() {
            add(proto.options);
        }
        names.extend(CORE.iter().map(|o| o.1));
        names.extend(extra.options().iter().map(|o| o.long));
        names
    }

    /// The extension that `-p` names.
    pub(super) fn proto_ext(&self) -> Option<&'static Desc> {
        let number = self.proto?;
        // It is found by the protocol's name, which only the mobility header prints otherwise.
        let name = if number == MOBILITY { Some("mh") } else { protocol_name(number) };
        match name {
            Some(name) => ext::match_desc(name, self.cx.family),
            None => ext::match_desc(&self.cx.names.protocol_name(number)?, self.cx.family),
        }
    }

    /// Loads the extension that `-p` names, if it is not there yet. True if it was loaded just now.
    pub(super) fn load_proto(&mut self, here: usize) -> bool {
        let Some(Desc { name, .. }) = self.proto_ext() else { return false };
        if self.room.matches.iter().any(|m| m.desc().is_some_and(|d| d.name == *name)) {
            return false;
        }
        let Some(ext) = ext::new_match(name, self.cx.family) else { return false };
        self.load(ext, here);
        true
    }

    pub(super) fn load(&mut self, ext: Match, word: usize) {
        self.room.seen.push(Seen { options: 0, word });
        self.room.matches.push(ext);
    }

    /// Takes back what was loaded last.
    pub(super) fn unload(&mut self) {
        self.room.seen.pop();
        self.room.matches.pop();
    }
}
