//! Which option a name stands for: exact before abbreviated, the newest extension first.

use super::*;

impl<'a> Reader<'a> {
    /// The option of this name: exact before abbreviated, unique abbreviations only.
    pub(super) fn find(&self, here: usize, name: &str, extra: &dyn Extra) -> Result<Option<Found>, Fault> {
        let exact = |options: &'static [Opt]| options.iter().position(|o| o.names.contains(&name));
        if let Some((target, ..)) = &self.target
            && let Some(i) = exact(target.options())
        {
            return Ok(Some(Found::Target(i)));
        }
        for (m, ext) in self.rule.rule.matches.iter().enumerate().rev() {
            if let Some(i) = exact(ext.options()) {
                return Ok(Some(Found::Match(m, i)));
            }
        }
        if let Some(&(c, _, arg)) = CORE.iter().find(|o| o.1 == name) {
            return Ok(Some(Found::Core(c, arg)));
        }
        if let Some(i) = extra.options().iter().position(|o| !name.is_empty() && o.long == name) {
            return Ok(Some(Found::Extra(i, extra.options()[i].arg)));
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
        for (i, o) in self.target.iter().flat_map(|t| t.0.options().iter().enumerate()) {
            o.names.iter().for_each(|n| offer(n, Found::Target(i)));
        }
        for (m, ext) in self.rule.rule.matches.iter().enumerate().rev() {
            for (i, o) in ext.options().iter().enumerate() {
                o.names.iter().for_each(|n| offer(n, Found::Match(m, i)));
            }
        }
        CORE.iter().for_each(|&(c, long, arg)| offer(long, Found::Core(c, arg)));
        extra.options().iter().enumerate().for_each(|(i, o)| offer(o.long, Found::Extra(i, o.arg)));
        match hits.as_slice() {
            [] => Ok(None),
            [(_, one)] => Ok(Some(*one)),
            several => {
                let list: Vec<_> = several.iter().map(|(n, _)| format!("--{n}")).collect();
                Err(Fault::usage(here, format!("option \"--{name}\" is ambiguous: {}", list.join(", "))))
            }
        }
    }

    pub(super) fn names(&self, extra: &dyn Extra) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        let mut add = |options: &'static [Opt]| names.extend(options.iter().flat_map(|o| o.names));
        for m in &self.rule.rule.matches {
            add(m.options());
        }
        if let Some((t, ..)) = &self.target {
            add(t.options());
        }
        if let Some(proto) = self.proto.and_then(|p| ext::match_desc(p, self.cx.family)) {
            add(proto.options);
        }
        names.extend(CORE.iter().map(|o| o.1));
        names.extend(extra.options().iter().map(|o| o.long));
        names
    }

    /// Loads the extension that `-p` names, if it is not there yet. True if it was loaded just now.
    pub(super) fn load_proto(&mut self, here: usize) -> bool {
        let Some(name) = self.proto else { return false };
        if self.rule.rule.matches.iter().any(|m| m.desc().is_some_and(|d| d.name == name)) {
            return false;
        }
        let Some(ext) = ext::new_match(name, self.cx.family) else { return false };
        self.load(ext, here);
        true
    }

    pub(super) fn load(&mut self, ext: Match, word: usize) {
        let matches = &mut self.rule.rule.matches;
        *self.notes.at(matches.len()) = Seen { options: 0, word };
        if matches.len() == matches.capacity() {
            // Most rules have one or two.
            matches.reserve_exact(matches.len().max(2));
        }
        matches.push(ext);
    }
}
