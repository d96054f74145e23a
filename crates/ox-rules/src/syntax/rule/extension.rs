//! Options of extensions, known and unknown.

use super::{Found, LastForeign, Reader};
use crate::ext::Desc;
use crate::model::{Match, Target};
use crate::syntax::{Fault, Opt, Reading};
use arrayvec::ArrayVec;

impl<'a> Reader<'a> {
    /// Gives a word to the unknown extension that was named last.
    pub(super) fn keep(&mut self, word: &str, not: Option<usize>) {
        let foreign = match self.foreign {
            Some(LastForeign::Match(i)) => match self.room.matches.get_mut(i) {
                Some(Match::Foreign(f)) => f,
                _ => return,
            },
            Some(LastForeign::Target) => match &mut self.rule.rule.target {
                Target::Foreign(f) => f,
                _ => return,
            },
            None => return,
        };
        if not.is_some() {
            foreign.words.push("!".to_owned());
        }
        foreign.words.push(word.to_owned());
        self.kept = self.at;
    }

    /// An option that went to an unknown extension, though what is named behind it has one of that name: when the rule is
    /// printed the protocol comes first and the target last, and whoever reads that would give the option to another.
    pub(super) fn claimed_later(&self) -> Option<Fault> {
        if self.kept == 0 {
            return None;
        }
        let proto = self.proto_ext().map_or(&[][..], |d| d.options);
        let has = |options: &[Opt], name: &str| options.iter().any(|o| o.names.iter().any(|n| n.starts_with(name)));
        let matches = &self.room.matches;
        let claimed = |word: &&String, of_target: bool| {
            let Some(name) = word.strip_prefix("--").map(|w| w.split_once('=').map_or(w, |(name, _)| name)) else {
                return false;
            };
            !name.is_empty() && (has(proto, name) || of_target && matches.iter().any(|m| has(m.options(), name)))
        };
        let of_matches = matches.iter().filter_map(|m| if let Match::Foreign(f) = m { Some(f) } else { None });
        let mut word = of_matches.flat_map(|f| &f.words).find(|w| claimed(w, false));
        if let Target::Foreign(f) = &self.rule.rule.target {
            word = word.or_else(|| f.words.iter().find(|w| claimed(w, true)));
        }
        let word = word?;
        let at = self.words.iter().position(|w| w == word);
        Some(Fault::usage(at, format!("unclear whose option \"{word}\" is: name what has it before it, by -p or -m")))
    }

    /// Keeps what was named last as unknown: its options were not written, and `[unsupported revision]` was instead.
    pub(super) fn unsupported(&mut self, here: usize) {
        let foreign = |name: &str| Box::new(crate::model::Foreign { name: name.to_owned(), ..Default::default() });
        if self.rule.target_word.is_some() && self.rule.target_word == here.checked_sub(1) {
            let name = self.rule.rule.target.name().to_owned();
            self.rule.rule.target = Target::Foreign(foreign(&name));
            self.foreign = Some(LastForeign::Target);
        } else if let Some(last) = self.room.matches.last_mut() {
            let name = last.name().to_owned();
            *last = Match::Foreign(foreign(&name));
            self.foreign = Some(LastForeign::Match(self.room.matches.len() - 1));
        }
        self.keep(self.words[here], None);
    }

    pub(super) fn extension(
        &mut self,
        here: usize,
        found: Found,
        glued: Option<&'a str>,
        not: Option<usize>,
        option: &str,
    ) -> Result<(), Fault> {
        let (options, seen, index) = match found {
            Found::Match(m, i) => (self.room.matches[m].options(), self.room.seen[m].options, i),
            Found::Target(i) => (self.rule.rule.target.options(), self.target.map_or(0, |t| t.options), i),
            Found::Core(..) | Found::Extra(..) => return Ok(()),
        };
        let opt = &options[index];
        if let (Some(at), false) = (not, opt.invert) {
            let message = format!("option \"--{option}\" cannot be inverted");
            return Err(self.blame(found, Fault::usage(at, message)));
        }
        if opt.args > 0 && glued.is_none() && self.words.get(self.at).is_none() && !opt.left_out(None) {
            self.next(here, "--", option)?;
        }
        if seen & (1 << index) != 0 && !opt.multi {
            let message = format!("option \"--{option}\" can only be used once");
            return Err(self.blame(found, Fault::usage(here, message)));
        }
        if opt.excl & seen != 0
            && let Some(other) = (0..32).find(|&b| opt.excl & seen & (1 << b) != 0 && b as usize != index)
        {
            let other = options.get(other as usize).map_or("?", |o| o.names[0]);
            let message = format!("option \"--{option}\" cannot be used together with \"--{other}\"");
            return Err(self.blame(found, Fault::usage(here, message)));
        }
        if (opt.args == 0 || opt.optional) && glued.is_some() {
            let message = format!("option \"--{option}\" takes no argument");
            return Err(self.blame(found, Fault::usage(here, message)));
        }
        let mut invert = not.is_some();
        let wanted = if opt.left_out(self.words.get(self.at).copied()) { 0 } else { usize::from(opt.args) };
        if wanted > 0 && glued.is_none() && opt.invert && !invert && self.words.get(self.at) == Some(&"!") {
            self.at += 1;
            match self.argument_follows() {
                true => invert = true,
                false => self.at -= 1,
            }
        }
        let mut gathered: ArrayVec<&str, 8> = ArrayVec::new();
        let words = self.words;
        let args = match (glued, words.get(self.at..self.at + wanted)) {
            (None, Some(args)) => {
                self.at += wanted;
                args
            }
            _ => {
                gathered.extend(glued);
                while gathered.len() < wanted.min(gathered.capacity()) {
                    gathered.push(self.next(here, "--", option)?);
                }
                gathered.as_slice()
            }
        };
        // The same of a flag, `--syn ! -j DROP`, where nothing behind the `!' could be meant.
        if opt.args == 0 && opt.invert && !invert && self.words.get(self.at) == Some(&"!") {
            let next = self.words.get(self.at + 1).copied();
            if next.is_none_or(|w| ["-j", "--jump", "-g", "--goto", "-m", "--match"].contains(&w)) {
                invert = true;
                self.at += 1;
            }
        }
        let reading = Reading {
            family: self.cx.family,
            dialect: self.cx.dialect,
            table: self.cx.table,
            head: &self.rule.rule.head,
            names: self.cx.names,
        };
        let at = if glued.is_some() || args.is_empty() { here } else { self.at - 1 };
        if let Some(after) = opt.after
            && let Err(message) = after(&reading)
        {
            return Err(self.blame(found, Fault::usage(here, message)));
        }
        let done = match found {
            Found::Match(m, i) => {
                self.room.seen[m].options |= 1 << i;
                self.room.matches[m].set(i, args, invert, &reading)
            }
            Found::Target(i) => {
                if let Some(seen) = &mut self.target {
                    seen.options |= 1 << i;
                }
                self.rule.rule.target.set(i, args, invert, &reading)
            }
            Found::Core(..) | Found::Extra(..) => Ok(()),
        };
        done.map_err(|why| self.blame(found, Fault::usage(at, format!("--{option}: {why}"))))
    }

    /// Whether the word behind a `!` is an argument: then that `!` stands in its old place, behind the option
    /// (`--dport ! 22`), and else it is the argument, as it always is for stock.
    pub(super) fn argument_follows(&self) -> bool {
        self.words.get(self.at).is_some_and(|w| !w.starts_with('-') && *w != "!")
    }

    /// Puts the name of the extension before a fault.
    pub(super) fn blame(&self, found: Found, fault: Fault) -> Fault {
        let name = match found {
            Found::Match(m, _) => self.room.matches[m].name(),
            Found::Target(_) => self.rule.rule.target.name(),
            Found::Core(..) | Found::Extra(..) => return fault,
        };
        Fault { message: format!("{name}: {}", fault.message), ..fault }
    }
}

/// What the option table itself asks of the options seen.
pub(super) fn complete(desc: &Desc, seen: u32, word: usize) -> Result<(), Fault> {
    let Desc { name, options, needed, also, .. } = *desc;
    if seen & needed == needed && seen & also == 0 {
        return Ok(());
    }
    for (i, o) in options.iter().enumerate() {
        if o.needed && seen & (1 << i) == 0 {
            return Err(Fault::usage(word, format!("{name}: option \"--{}\" must be specified", o.names[0])));
        }
        if o.also != 0 && seen & (1 << i) != 0 && seen & o.also == 0 {
            let also = (0..32).find(|b| o.also & (1 << b) != 0).and_then(|b| options.get(b as usize));
            let also = also.map_or("?", |o| o.names[0]);
            return Err(Fault::usage(
                word,
                format!("{name}: option \"--{}\" also requires \"--{also}\" to be specified", o.names[0]),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ir::Dialect;
    use crate::syntax::{Book, NoNames, Out, Program, dump};
    use ox_packet::Family;

    /// A rule of a ruleset file, as it is saved.
    fn kept(rule: &str) -> Option<String> {
        let program = Program { family: Family::V4, dialect: Dialect::Nft };
        let text = format!("*filter\n:XX - [0:0]\n{rule}\nCOMMIT\n");
        let book = Book::read(text.as_bytes(), program, &NoNames).ok()?;
        let mut out = Out::default();
        book.ruleset.tables.iter().for_each(|table| dump(table, program, false, "DATE", &mut out));
        out.text.lines().find(|l| l.starts_with("-A")).map(str::to_owned)
    }

    #[test]
    fn what_an_unknown_extension_is_told_stays_with_it() {
        for rule in [
            "-A INPUT -m nosuch word ! --flag=1 other -j ACCEPT",
            "-A INPUT -m nosuch --rcheck -m recent --rcheck --name DEFAULT --mask 255.255.255.255 --rsource",
            "-A INPUT -s 1.2.3.4/32 -m nosuch [unsupported revision] -j YY --foo a ! --bar",
            "-A INPUT -j YY ! --foo",
            "-A INPUT -m \"no such\" \"a word\" -j \"Y\\'Y\" --foo",
            "-A INPUT -j YY [unsupported revision] 1",
        ] {
            assert_eq!(kept(rule).as_deref(), Some(rule));
        }
        // Our own options may stand between an unknown extension's.
        let (typed, saved) = ("-A INPUT -j YY --foo -s 1.2.3.4 --bar", "-A INPUT -s 1.2.3.4/32 -j YY --foo --bar");
        assert_eq!(kept(typed).as_deref(), Some(saved));
    }

    #[test]
    fn words_that_are_nobodys_are_refused() {
        for rule in [
            "-A INPUT -m nosuch --espspi 5 -p esp",
            "-A INPUT -m nosuch --esps=5 -p esp",
            "-A INPUT -j YY --dport 5 -p tcp -m tcp",
            "-A INPUT -j YY --rcheck -m recent --rcheck",
            "-A INPUT -j YY --foo -s 1.2.3.4 word",
            "-A INPUT -j YY --modprobe=x word",
            "-A INPUT -j YY --mo x word",
            "-A INPUT -j XX word",
        ] {
            assert_eq!(kept(rule), None, "{rule}");
        }
        for rule in ["-A INPUT -j XX --mo x", "-A INPUT -j XX --modprobe=x"] {
            assert_eq!(kept(rule).as_deref(), Some("-A INPUT -j XX"), "{rule}");
        }
    }
}
