//! Options of extensions, known and unknown.

use super::*;

impl<'a> Reader<'a> {
    /// Gives a word to the unknown extension that was named last.
    pub(super) fn keep(&mut self, word: &str, not: Option<usize>) {
        let foreign = match self.foreign {
            Some(LastForeign::Match(i)) => match self.rule.rule.matches.get_mut(i) {
                Some(Match::Foreign(f)) => f,
                _ => return,
            },
            Some(LastForeign::Target) => match &mut self.target {
                Some((Target::Foreign(f), ..)) => f,
                _ => return,
            },
            None => return,
        };
        if not.is_some() {
            foreign.words.push("!".to_owned());
        }
        foreign.words.push(word.to_owned());
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
            Found::Match(m, i) => (self.rule.rule.matches[m].options(), self.notes.at(m).options, i),
            Found::Target(i) => match &self.target {
                Some((t, seen, _)) => (t.options(), *seen, i),
                None => return Ok(()),
            },
            Found::Core(..) | Found::Extra(..) => return Ok(()),
        };
        let opt = &options[index];
        if let (Some(at), false) = (not, opt.invert) {
            let message = format!("option \"--{option}\" cannot be inverted");
            return Err(self.blame(found, Fault::usage(at, message)));
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
        if opt.args == 0 && glued.is_some() {
            let message = format!("option \"--{option}\" takes no argument");
            return Err(self.blame(found, Fault::usage(here, message)));
        }
        let mut args: ArrayVec<&str, 8> = ArrayVec::new();
        args.extend(glued);
        let mut invert = not.is_some();
        while args.len() < usize::from(opt.args).min(args.capacity()) {
            let arg = self.next(here, "--", option)?;
            // The old place of `!`, behind the option: still understood where an argument follows.
            if arg == "!" && args.is_empty() && opt.invert && !invert {
                invert = true;
                continue;
            }
            args.push(arg);
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
                self.notes.at(m).options |= 1 << i;
                self.rule.rule.matches[m].set(i, &args, invert, &reading)
            }
            Found::Target(i) => match &mut self.target {
                Some((t, seen, _)) => {
                    *seen |= 1 << i;
                    t.set(i, &args, invert, &reading)
                }
                None => Ok(()),
            },
            Found::Core(..) | Found::Extra(..) => Ok(()),
        };
        done.map_err(|why| self.blame(found, Fault::usage(at, format!("--{option}: {why}"))))
    }

    /// Puts the name of the extension before a fault.
    pub(super) fn blame(&self, found: Found, fault: Fault) -> Fault {
        let name = match (found, &self.target) {
            (Found::Match(m, _), _) => self.rule.rule.matches[m].name(),
            (Found::Target(_), Some((t, ..))) => t.name(),
            _ => return fault,
        };
        Fault { message: format!("{name}: {}", fault.message), ..fault }
    }
}

/// What the option table itself asks of the options seen.
pub(super) fn complete(options: &[Opt], seen: u32, name: &str, word: usize) -> Result<(), Fault> {
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
