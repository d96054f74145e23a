//! Reading a rule: the getopt loop that merges each extension's options as it appears.
//!
//! Order matters as it does upstream: an extension's options are known only after its `-m`, `-j` or `-p`. Commands
//! (`-A`, `-L`, …) are not known here: whoever reads a whole command line passes its own options as [`Extra`].

use super::names::{protocol_name, read_protocol};
use super::value::{read_net, read_numeric_net};
use super::{Fault, Names, Opt, Reading, number_u64};
use crate::ext::{self, Desc};
use crate::ir::Dialect;
use crate::model::{ChainName, Counters, Foreign, Iface, Inv, Match, Net, Proto, Rule, Standard, TableName, Target};
use arrayvec::ArrayVec;
use ox_packet::Family;

/// What to do with an extension that we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// Keep it word for word (reading a file that is to survive).
    Keep,
    /// Refuse it, as stock does when it cannot load the module.
    Refuse,
}

/// What reading a rule needs to know.
#[derive(Clone, Copy)]
pub struct RuleCx<'a> {
    /// Family of the ruleset.
    pub family: Family,
    /// Whose refusals and details to follow.
    pub dialect: Dialect,
    /// Table the rule is for.
    pub table: TableName,
    /// Who knows names.
    pub names: &'a dyn Names,
    /// What to do with unknown extensions.
    pub strangers: Strangers,
}

/// An option that belongs to the command line around the rule.
#[derive(Clone, Copy, Debug)]
pub struct ExtraOpt {
    /// Letter, if it has one.
    pub short: Option<char>,
    /// Name without dashes; empty if it has none.
    pub long: &'static str,
    /// Whether it takes an argument.
    pub arg: ArgKind,
}

/// Whether an option takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// None.
    No,
    /// One, glued or as the next word.
    Yes,
    /// Only glued (`-w5`, `--wait=5`); a following word is the handler's to take.
    Maybe,
}

/// The command line around a rule: its options and what they do.
pub trait Extra {
    /// The options.
    fn options(&self) -> &'static [ExtraOpt];
    /// Takes option `which`. `rest` are the words that follow; the number of them taken is returned.
    ///
    /// # Errors
    /// What is wrong; a `None` word is set to the option's own.
    fn take(&mut self, which: usize, arg: Option<&str>, not: bool, rest: &[&str]) -> Result<usize, Fault>;
    /// The table as known so far (`-t` may stand anywhere before the rule's extensions).
    fn table(&self) -> Option<TableName> {
        None
    }
}

/// No command line around it.
#[derive(Debug, Default)]
pub struct NoExtra;

impl Extra for NoExtra {
    fn options(&self) -> &'static [ExtraOpt] {
        &[]
    }
    fn take(&mut self, _: usize, _: Option<&str>, _: bool, _: &[&str]) -> Result<usize, Fault> {
        Ok(0)
    }
}

/// Which of a rule's own options were given, by letter (`s d i o p f m j g c`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given(u64);

impl Given {
    const fn bit(letter: char) -> u64 {
        1 << (letter as u32 & 0x3f)
    }

    /// Whether this one was.
    pub const fn has(self, letter: char) -> bool {
        self.0 & Self::bit(letter) != 0
    }

    /// Whether any was.
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    fn add(&mut self, letter: char) {
        self.0 |= Self::bit(letter);
    }
}

/// A rule as read: `-s` and `-d` may still name several networks.
#[derive(Clone, Debug, Default)]
pub struct ReadRule {
    /// The rule; its `src` and `dst` are the first of each list.
    pub rule: Rule,
    /// Every source given, if there are several.
    pub srcs: Vec<Net>,
    /// Every destination given, if there are several.
    pub dsts: Vec<Net>,
    /// Whether `-c` was given.
    pub counted: bool,
    /// Which rule options were given: for "option not allowed with command" checks.
    pub given: Given,
    /// `--help` or `-h` was met; the rule is what stood before it.
    pub help: bool,
    /// `-4` or `-6` was given.
    pub family: Option<Family>,
    /// The word that names the target.
    pub target_word: Option<usize>,
}

impl ReadRule {
    /// One rule per source and destination, in stock's order.
    pub fn into_rules(self) -> Vec<Rule> {
        let one = |list: &[Net], first: Net| if list.is_empty() { vec![first] } else { list.to_vec() };
        let (srcs, dsts) = (one(&self.srcs, self.rule.head.src.is), one(&self.dsts, self.rule.head.dst.is));
        if srcs.len() == 1 && dsts.len() == 1 {
            return vec![self.rule];
        }
        let mut rules = Vec::with_capacity(srcs.len() * dsts.len());
        for &src in &srcs {
            for &dst in &dsts {
                let mut rule = self.rule.clone();
                rule.head.src.is = src;
                rule.head.dst.is = dst;
                rules.push(rule);
            }
        }
        rules
    }
}

/// Reads a rule without any command line around it.
///
/// # Errors
/// The first fault, pointing at its word.
pub fn read_rule(words: &[&str], cx: &RuleCx<'_>) -> Result<ReadRule, Fault> {
    read_line(words, cx, &mut NoExtra)
}

/// Reads a rule and the command line around it.
///
/// # Errors
/// The first fault, pointing at its word.
pub fn read_line(words: &[&str], cx: &RuleCx<'_>, extra: &mut dyn Extra) -> Result<ReadRule, Fault> {
    let mut reader = Reader {
        words,
        at: 0,
        cx: *cx,
        rule: ReadRule::default(),
        notes: Notes::default(),
        target: None,
        foreign: None,
        proto: None,
    };
    reader.run(extra)?;
    reader.finish()
}

/// The rule's own options.
const CORE: &[(char, &str, ArgKind)] = &[
    ('s', "source", ArgKind::Yes),
    ('s', "src", ArgKind::Yes),
    ('d', "destination", ArgKind::Yes),
    ('d', "dst", ArgKind::Yes),
    ('p', "protocol", ArgKind::Yes),
    ('p', "proto", ArgKind::Yes),
    ('i', "in-interface", ArgKind::Yes),
    ('o', "out-interface", ArgKind::Yes),
    ('j', "jump", ArgKind::Yes),
    ('g', "goto", ArgKind::Yes),
    ('m', "match", ArgKind::Yes),
    ('f', "fragments", ArgKind::No),
    ('f', "fragment", ArgKind::No),
    ('c', "set-counters", ArgKind::Yes),
    ('4', "ipv4", ArgKind::No),
    ('6', "ipv6", ArgKind::No),
    ('h', "help", ArgKind::Maybe),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Core(char, ArgKind),
    Extra(usize, ArgKind),
    Match(usize, usize),
    Target(usize),
}

#[derive(Clone, Copy)]
enum LastForeign {
    Match(usize),
    Target,
}

/// What is known of a match besides what it says.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Bits of the options given.
    options: u32,
    /// The word that named it.
    word: usize,
}

/// Matches of a rule before their notes need memory of their own.
const FEW: usize = 6;

/// Notes beside the rule's matches.
#[derive(Default)]
struct Notes {
    few: [Seen; FEW],
    more: Vec<Seen>,
}

impl Notes {
    fn at(&mut self, i: usize) -> &mut Seen {
        if i < FEW {
            return &mut self.few[i];
        }
        if self.more.len() <= i - FEW {
            self.more.resize(i - FEW + 1, Seen::default());
        }
        &mut self.more[i - FEW]
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    cx: RuleCx<'a>,
    rule: ReadRule,
    notes: Notes,
    target: Option<(Target, u32, usize)>,
    foreign: Option<LastForeign>,
    /// The extension that `-p` names, whether loaded yet or not.
    proto: Option<&'static str>,
}

impl<'a> Reader<'a> {
    fn run(&mut self, extra: &mut dyn Extra) -> Result<(), Fault> {
        let mut not: Option<usize> = None;
        while let Some(&word) = self.words.get(self.at) {
            let here = self.at;
            self.at += 1;
            if let Some(table) = extra.table() {
                self.cx.table = table;
            }
            if word == "!" {
                if not.is_some() {
                    return Err(Fault::usage(here, "multiple consecutive ! not allowed"));
                }
                not = Some(here);
                continue;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, glued) = match long.split_once('=') {
                    Some((n, v)) => (n, Some(v)),
                    None => (long, None),
                };
                self.long(here, name, glued, not.take(), extra)?;
            } else if word.len() > 1 && word.starts_with('-') {
                self.shorts(here, &word[1..], not.take(), extra)?;
            } else if self.foreign.is_some() {
                self.keep(word, not.take());
            } else {
                return Err(Fault::usage(here, format!("Bad argument `{word}'")));
            }
            if self.rule.help {
                return Ok(());
            }
        }
        match not {
            Some(at) => Err(Fault::usage(at, "nothing appropriate following !")),
            None => Ok(()),
        }
    }

    fn shorts(
        &mut self,
        here: usize,
        mut cluster: &'a str,
        not: Option<usize>,
        extra: &mut dyn Extra,
    ) -> Result<(), Fault> {
        while let Some(c) = cluster.chars().next() {
            let tail = &cluster[c.len_utf8()..];
            // No letter is in both tables, and the rule's own are by far the more frequent.
            let core = CORE.iter().find(|o| o.0 == c).map(|&(c, _, arg)| Found::Core(c, arg));
            let found = core.or_else(|| {
                let options = extra.options();
                options.iter().position(|o| o.short == Some(c)).map(|i| Found::Extra(i, options[i].arg))
            });
            let Some(found) = found else {
                return Err(Fault::usage(here, format!("unknown option \"-{c}\"")));
            };
            let arg = match found {
                Found::Core(_, arg) | Found::Extra(_, arg) => arg,
                Found::Match(..) | Found::Target(_) => ArgKind::No,
            };
            match arg {
                ArgKind::No => {
                    self.take(here, found, None, not, extra)?;
                    cluster = tail;
                    continue;
                }
                ArgKind::Yes if tail.is_empty() => {
                    let arg = self.next(here, "-", letter(&mut [0; 4], c))?;
                    return self.take(here, found, Some(arg), not, extra);
                }
                ArgKind::Yes => return self.take(here, found, Some(tail), not, extra),
                ArgKind::Maybe => {
                    return self.take(here, found, Some(tail).filter(|t| !t.is_empty()), not, extra);
                }
            }
        }
        Ok(())
    }

    fn next(&mut self, here: usize, dashes: &str, option: &str) -> Result<&'a str, Fault> {
        let arg = self.words.get(self.at).copied();
        self.at += 1;
        arg.ok_or_else(|| Fault::usage(here, format!("option \"{dashes}{option}\" requires an argument")))
    }

    fn long(
        &mut self,
        here: usize,
        name: &'a str,
        glued: Option<&'a str>,
        not: Option<usize>,
        extra: &mut dyn Extra,
    ) -> Result<(), Fault> {
        let Some(found) = self.find(here, name, extra)? else {
            if self.load_proto(here) {
                return self.long(here, name, glued, not, extra);
            }
            if self.foreign.is_some() {
                let word = self.words[here];
                self.keep(word, not);
                return Ok(());
            }
            let near = self.names(extra);
            let mut message = format!("unknown option \"--{name}\"");
            if let Some(best) = suggest(name, near.iter().copied()) {
                message.push_str(&format!(" (is `--{best}' meant?)"));
            } else if let Some(owner) = ext::owner_of(name, self.cx.family) {
                message.push_str(&format!(" (it belongs to `{owner}', which must come before it)"));
            }
            return Err(Fault::usage(here, message));
        };
        match found {
            Found::Core(_, kind) | Found::Extra(_, kind) => {
                let arg = match (kind, glued) {
                    (ArgKind::No, Some(_)) => {
                        return Err(Fault::usage(here, format!("option \"--{name}\" takes no argument")));
                    }
                    (ArgKind::Yes, None) => Some(self.next(here, "--", name)?),
                    _ => glued,
                };
                self.take(here, found, arg, not, extra)
            }
            Found::Match(..) | Found::Target(_) => self.extension(here, found, glued, not, name),
        }
    }

    /// The option of this name: exact before abbreviated, unique abbreviations only.
    fn find(&self, here: usize, name: &str, extra: &dyn Extra) -> Result<Option<Found>, Fault> {
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

    fn names(&self, extra: &dyn Extra) -> Vec<&'static str> {
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
    fn load_proto(&mut self, here: usize) -> bool {
        let Some(name) = self.proto else { return false };
        if self.rule.rule.matches.iter().any(|m| m.desc().is_some_and(|d| d.name == name)) {
            return false;
        }
        let Some(ext) = ext::new_match(name, self.cx.family) else { return false };
        self.load(ext, here);
        true
    }

    fn load(&mut self, ext: Match, word: usize) {
        let matches = &mut self.rule.rule.matches;
        *self.notes.at(matches.len()) = Seen { options: 0, word };
        if matches.len() == matches.capacity() {
            // Most rules have one or two.
            matches.reserve_exact(matches.len().max(2));
        }
        matches.push(ext);
    }

    /// Gives a word to the unknown extension that was named last.
    fn keep(&mut self, word: &str, not: Option<usize>) {
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

    fn extension(
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
    fn blame(&self, found: Found, fault: Fault) -> Fault {
        let name = match (found, &self.target) {
            (Found::Match(m, _), _) => self.rule.rule.matches[m].name(),
            (Found::Target(_), Some((t, ..))) => t.name(),
            _ => return fault,
        };
        Fault { message: format!("{name}: {}", fault.message), ..fault }
    }

    fn take(
        &mut self,
        here: usize,
        found: Found,
        arg: Option<&'a str>,
        not: Option<usize>,
        extra: &mut dyn Extra,
    ) -> Result<(), Fault> {
        let c = match found {
            Found::Core(c, _) => c,
            Found::Extra(i, _) => {
                let rest = self.words.get(self.at..).unwrap_or_default();
                let taken = extra
                    .take(i, arg, not.is_some(), rest)
                    .map_err(|f| Fault { word: f.word.map(|w| w + self.at).or(Some(here)), ..f })?;
                self.at += taken;
                return Ok(());
            }
            Found::Match(..) | Found::Target(_) => return Ok(()),
        };
        let mut arg = arg.unwrap_or_default();
        let mut not = not;
        // The old place of `!`: `-s ! 10.0.0.1`.
        if arg == "!" && matches!(c, 's' | 'd' | 'p' | 'i' | 'o') && not.is_none() {
            not = Some(self.at - 1);
            arg = self.next(here, "-", letter(&mut [0; 4], c))?;
        }
        let once = matches!(c, 's' | 'd' | 'p' | 'i' | 'o' | 'f' | 'c');
        if once && self.rule.given.has(c) {
            return Err(Fault::usage(here, format!("multiple -{c} flags not allowed")));
        }
        self.rule.given.add(c);
        if let Some(at) = not.filter(|_| matches!(c, 'm' | 'j' | 'g' | 'c' | '4' | '6' | 'h')) {
            return Err(Fault::usage(at, format!("unexpected ! flag before -{c}")));
        }
        let at = if arg.is_empty() { here } else { self.at - 1 };
        self.core(c, arg, not.is_some(), here, at)
    }

    fn core(&mut self, c: char, arg: &'a str, not: bool, here: usize, at: usize) -> Result<(), Fault> {
        let family = self.cx.family;
        let head = &mut self.rule.rule.head;
        match c {
            's' | 'd' => {
                let (nets, first) = match read_numeric_net(arg, family) {
                    Some(net) => (Vec::new(), net),
                    None => self.networks(c, arg, not, at)?,
                };
                let head = &mut self.rule.rule.head;
                let inv = Inv { is: first, not };
                if c == 's' {
                    head.src = inv;
                    self.rule.srcs = nets;
                } else {
                    head.dst = inv;
                    self.rule.dsts = nets;
                }
            }
            'i' | 'o' => {
                if arg.is_empty() {
                    return Err(Fault::usage(here, "Empty interface is likely to be undesired"));
                }
                let Some(iface) = Iface::new(arg) else {
                    return Err(Fault::usage(at, format!("interface name `{arg}' must be shorter than 16 characters")));
                };
                *(if c == 'i' { &mut head.iif } else { &mut head.oif }) = Inv { is: iface, not };
            }
            'p' => {
                let Some(number) = read_protocol(arg, self.cx.names) else {
                    return Err(Fault::usage(at, format!("unknown protocol \"{arg}\" specified")));
                };
                if number == 0 && not {
                    return Err(Fault::usage(at, "rule would never match protocol"));
                }
                head.proto = Inv { is: Proto(number), not };
                // What is loaded is found by the protocol's name, which only the mobility header prints otherwise.
                let name = if number == 135 { Some("mh") } else { protocol_name(number) };
                let name = name.map(str::to_owned).or_else(|| self.cx.names.protocol_name(number));
                self.proto = name.and_then(|n| ext::match_desc(&n, family)).map(|d: &Desc| d.name);
            }
            'f' => {
                if family == Family::V6 {
                    return Err(Fault::usage(here, "`-f' is not for IPv6: use `-m frag'"));
                }
                head.frag = Some(!not);
            }
            'c' => {
                let (packets, bytes) = match arg.split_once(',') {
                    Some((p, b)) => (p, b),
                    None => match self.words.get(self.at) {
                        Some(bytes) if !bytes.starts_with('-') => (arg, self.next(here, "-", "c")?),
                        _ => return Err(Fault::usage(at, "-c requires packet and byte counter")),
                    },
                };
                let count = |what: &str, t: &str| {
                    number_u64(t, u64::MAX)
                        .ok_or_else(|| Fault::usage(at, format!("-c {what} counter not numeric: `{t}'")))
                };
                self.rule.rule.counters = Counters { packets: count("packet", packets)?, bytes: count("byte", bytes)? };
                self.rule.counted = true;
            }
            'm' => {
                self.foreign = None;
                match ext::new_match(arg, family) {
                    Some(ext) => self.load(ext, at),
                    None if self.cx.strangers == Strangers::Keep => {
                        self.foreign = Some(LastForeign::Match(self.rule.rule.matches.len()));
                        let ext = Match::Foreign(Box::new(Foreign { name: arg.to_owned(), words: Vec::new() }));
                        self.load(ext, at);
                    }
                    None => {
                        let mut message = format!("Couldn't load match `{arg}':No such file or directory");
                        if let Some(best) = suggest(arg, ext::match_names(family)) {
                            message.push_str(&format!(" (is `{best}' meant?)"));
                        }
                        return Err(Fault::usage(at, message));
                    }
                }
            }
            'j' | 'g' => self.jump(c, arg, here, at)?,
            '4' | '6' => self.rule.family = Some(if c == '4' { Family::V4 } else { Family::V6 }),
            _ => self.rule.help = true,
        }
        Ok(())
    }

    /// Networks by name, or several of them: the list if there is more than one, and the first.
    fn networks(&self, c: char, arg: &str, not: bool, at: usize) -> Result<(Vec<Net>, Net), Fault> {
        let mut nets = Vec::new();
        for part in arg.split(',') {
            nets.extend(read_net(part, self.cx.family, self.cx.names).map_err(|m| Fault::usage(at, m))?);
        }
        let Some(&first) = nets.first() else {
            return Err(Fault::usage(at, format!("`{arg}' has no address in this family")));
        };
        if nets.len() == 1 {
            nets.clear();
        } else if not {
            let side = if c == 's' { "source" } else { "destination" };
            return Err(Fault::usage(at, format!("! not allowed with multiple {side} IP addresses")));
        }
        Ok((nets, first))
    }

    fn jump(&mut self, c: char, arg: &str, here: usize, at: usize) -> Result<(), Fault> {
        if self.target.is_some() {
            return Err(Fault::usage(here, "multiple -j flags not allowed"));
        }
        if arg.is_empty() {
            return Err(Fault::usage(here, "Invalid target name (empty)"));
        }
        self.foreign = None;
        let target = if c == 'g' {
            Target::Goto(ChainName::from(arg))
        } else {
            match arg {
                "ACCEPT" => Target::Standard(Standard::Accept),
                "DROP" => Target::Standard(Standard::Drop),
                "RETURN" => Target::Standard(Standard::Return),
                "QUEUE" => Target::Standard(Standard::Queue),
                _ => match ext::new_target(arg, self.cx.family) {
                    Some(t) => t,
                    None => Target::Jump(ChainName::from(arg)),
                },
            }
        };
        self.target = Some((target, 0, at));
        self.rule.target_word = Some(at);
        // Words behind an unknown upper-case name may be the options of a target that we do not know.
        if self.cx.strangers == Strangers::Keep
            && let Some((Target::Jump(name), ..)) = &self.target
            && self.words.get(self.at).is_some_and(|w| w.starts_with("--") || *w == "!")
            && self.find(self.at, self.words[self.at].trim_start_matches('-'), &NoExtra)?.is_none()
        {
            let foreign = Foreign { name: name.as_str().to_owned(), words: Vec::new() };
            self.target = Some((Target::Foreign(Box::new(foreign)), 0, at));
            self.foreign = Some(LastForeign::Target);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ReadRule, Fault> {
        if self.rule.help {
            // What was named before `--help` is what help is wanted for.
            self.rule.rule.target = self.target.map_or(Target::None, |t| t.0);
            return Ok(self.rule);
        }
        let reading = Reading {
            family: self.cx.family,
            dialect: self.cx.dialect,
            table: self.cx.table,
            head: &self.rule.rule.head,
            names: self.cx.names,
        };
        for (i, ext) in self.rule.rule.matches.iter_mut().enumerate() {
            let Seen { options, word } = *self.notes.at(i);
            complete(ext.options(), options, ext.name(), word)?;
            ext.check(options, &reading).map_err(|m| Fault::usage(word, format!("{}: {m}", ext.name())))?;
        }
        if let Some((t, seen, word)) = &mut self.target {
            complete(t.options(), *seen, t.name(), *word)?;
            t.check(*seen, &reading).map_err(|m| Fault::usage(*word, format!("{}: {m}", t.name())))?;
            // Files of old releases have such rules.
            let typed = self.cx.strangers == Strangers::Refuse;
            if typed && self.cx.table == TableName::Nat && *t == Target::Standard(Standard::Drop) {
                let why =
                    "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n";
                return Err(Fault::usage(*word, why));
            }
        }
        if self.cx.dialect == Dialect::Nft && !self.rule.rule.matches.is_empty() {
            ext::as_nft_writes(&mut self.rule.rule.matches);
        }
        self.rule.rule.target = self.target.map_or(Target::None, |t| t.0);
        Ok(self.rule)
    }
}

/// A letter as text.
fn letter(buffer: &mut [u8; 4], c: char) -> &str {
    c.encode_utf8(buffer)
}

/// What the option table itself asks of the options seen.
fn complete(options: &[Opt], seen: u32, name: &str, word: usize) -> Result<(), Fault> {
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

/// The nearest of some names, if one is near enough to be what was meant.
pub fn suggest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (typed.len() / 3).clamp(1, 3);
    names
        .into_iter()
        .filter(|n| !n.is_empty())
        .map(|n| (distance(typed, n), n))
        .filter(|&(d, _)| d <= limit)
        .min_by_key(|&(d, _)| d)
        .map(|(_, n)| n)
}

/// Edits between two short words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 3 || a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let next = (diagonal + usize::from(ca != cb)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
