//! Reading a rule: the getopt loop that merges each extension's options as it appears.
//!
//! Order matters as it does upstream: an extension's options are known only after its `-m`, `-j` or `-p`. Commands
//! (`-A`, `-L`, …) are not known here: whoever reads a whole command line passes its own options as [`Extra`].

use super::names::{protocol_name, read_protocol};
use super::value::read_net;
use super::{Fault, Names, Opt, Reading, number_u64};
use crate::ext::{self, Desc};
use crate::ir::Dialect;
use crate::model::{
    ChainName, Counters, Foreign, Head, Iface, Inv, Match, Net, Proto, Rule, Standard, TableName, Target,
};
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

/// A rule as read: `-s` and `-d` may still name several networks.
#[derive(Clone, Debug, Default)]
pub struct ReadRule {
    /// The rule; its `src` and `dst` are the first of each list.
    pub rule: Rule,
    /// Every source given.
    pub srcs: Vec<Net>,
    /// Every destination given.
    pub dsts: Vec<Net>,
    /// Whether `-c` was given.
    pub counted: bool,
    /// Which rule options were given, by letter (`s d i o p f m j g c`), in order: for "option not allowed with
    /// command" checks.
    pub given: Vec<char>,
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
        loaded: Vec::new(),
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

struct Loaded {
    ext: Match,
    seen: u32,
    word: usize,
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    cx: RuleCx<'a>,
    rule: ReadRule,
    loaded: Vec<Loaded>,
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
                    return Err(Fault::usage(here, "two `!' in a row: one is enough"));
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
            Some(at) => Err(Fault::usage(at, "`!' has no option behind it")),
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
            let core = CORE.iter().find(|o| o.0 == c).map(|&(c, _, arg)| Found::Core(c, arg));
            let found = extra
                .options()
                .iter()
                .position(|o| o.short == Some(c))
                .map(|i| Found::Extra(i, extra.options()[i].arg))
                .or(core);
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
                    let arg = self.next(here, &format!("-{c}"))?;
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

    fn next(&mut self, here: usize, option: &str) -> Result<&'a str, Fault> {
        let arg = self.words.get(self.at).copied();
        self.at += 1;
        arg.ok_or_else(|| Fault::usage(here, format!("option \"{option}\" requires an argument")))
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
        let option = format_args!("--{name}").to_string();
        match found {
            Found::Core(_, kind) | Found::Extra(_, kind) => {
                let arg = match (kind, glued) {
                    (ArgKind::No, Some(_)) => {
                        return Err(Fault::usage(here, format!("option \"{option}\" takes no argument")));
                    }
                    (ArgKind::Yes, None) => Some(self.next(here, &option)?),
                    _ => glued,
                };
                self.take(here, found, arg, not, extra)
            }
            Found::Match(..) | Found::Target(_) => self.extension(here, found, glued, not, &option),
        }
    }

    /// The option of this name: exact before abbreviated, unique abbreviations only.
    fn find(&self, here: usize, name: &str, extra: &dyn Extra) -> Result<Option<Found>, Fault> {
        let mut hits: Vec<(&str, Found)> = Vec::new();
        let mut offer = |full: &'static str, found: Found| -> Option<Found> {
            if full == name {
                return Some(found);
            }
            if full.starts_with(name) && !name.is_empty() && !hits.iter().any(|h| h.1 == found) {
                hits.push((full, found));
            }
            None
        };
        if let Some((target, ..)) = &self.target {
            for (i, o) in target.options().iter().enumerate() {
                for n in o.names {
                    if let Some(f) = offer(n, Found::Target(i)) {
                        return Ok(Some(f));
                    }
                }
            }
        }
        for (l, loaded) in self.loaded.iter().enumerate().rev() {
            for (i, o) in loaded.ext.options().iter().enumerate() {
                for n in o.names {
                    if let Some(f) = offer(n, Found::Match(l, i)) {
                        return Ok(Some(f));
                    }
                }
            }
        }
        for &(c, long, arg) in CORE {
            if let Some(f) = offer(long, Found::Core(c, arg)) {
                return Ok(Some(f));
            }
        }
        for (i, o) in extra.options().iter().enumerate() {
            if !o.long.is_empty()
                && let Some(f) = offer(o.long, Found::Extra(i, o.arg))
            {
                return Ok(Some(f));
            }
        }
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
        for l in &self.loaded {
            add(l.ext.options());
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
        if self.loaded.iter().any(|l| l.ext.desc().is_some_and(|d| d.name == name)) {
            return false;
        }
        let Some(ext) = ext::new_match(name, self.cx.family) else { return false };
        self.loaded.push(Loaded { ext, seen: 0, word: here });
        true
    }

    /// Gives a word to the unknown extension that was named last.
    fn keep(&mut self, word: &str, not: Option<usize>) {
        let foreign = match self.foreign {
            Some(LastForeign::Match(i)) => match self.loaded.get_mut(i).map(|l| &mut l.ext) {
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
        let (opt, seen, name) = match found {
            Found::Match(l, i) => {
                let l = &self.loaded[l];
                (&l.ext.options()[i], l.seen, l.ext.name())
            }
            Found::Target(i) => match &self.target {
                Some((t, seen, _)) => (&t.options()[i], *seen, t.name()),
                None => return Ok(()),
            },
            Found::Core(..) | Found::Extra(..) => return Ok(()),
        };
        let (index, name) = match found {
            Found::Match(_, i) | Found::Target(i) => (i, name.to_owned()),
            _ => (0, name.to_owned()),
        };
        let fault = |message: String| Fault::usage(here, format!("{name}: {message}"));
        if let (Some(at), false) = (not, opt.invert) {
            return Err(Fault::usage(at, format!("{name}: option \"{option}\" cannot be inverted")));
        }
        if seen & (1 << index) != 0 && !opt.multi {
            return Err(fault(format!("option \"{option}\" can only be used once")));
        }
        if let Some(other) = (0..32).find(|&b| opt.excl & seen & (1 << b) != 0 && b as usize != index) {
            let options = match found {
                Found::Match(l, _) => self.loaded[l].ext.options(),
                _ => self.target.as_ref().map_or(&[][..], |t| t.0.options()),
            };
            let other = options.get(other as usize).map_or("?", |o| o.names[0]);
            return Err(fault(format!("option \"{option}\" cannot be used together with \"--{other}\"")));
        }
        let mut args: Vec<&str> = Vec::with_capacity(opt.args.into());
        if opt.args == 0 && glued.is_some() {
            return Err(fault(format!("option \"{option}\" takes no argument")));
        }
        args.extend(glued);
        let mut invert = not.is_some();
        while args.len() < opt.args.into() {
            let arg = self.next(here, option).map_err(|f| Fault { message: format!("{name}: {}", f.message), ..f })?;
            // The old place of `!`, behind the option: still understood where an argument follows.
            if arg == "!" && args.is_empty() && opt.invert && !invert {
                invert = true;
                continue;
            }
            args.push(arg);
        }
        let table = self.cx.table;
        let head = self.head();
        let reading =
            Reading { family: self.cx.family, dialect: self.cx.dialect, table, head: &head, names: self.cx.names };
        let at = if glued.is_some() || args.is_empty() { here } else { self.at - 1 };
        if let Some(after) = opt.after {
            after(&reading).map_err(&fault)?;
        }
        let done = match found {
            Found::Match(l, i) => {
                let l = &mut self.loaded[l];
                l.seen |= 1 << i;
                l.ext.set(i, &args, invert, &reading)
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
        done.map_err(|why| Fault::usage(at, format!("{name}: {option}: {why}")))
    }

    fn head(&self) -> Head {
        self.rule.rule.head
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
            arg = self.next(here, &format!("-{c}"))?;
        }
        let once = matches!(c, 's' | 'd' | 'p' | 'i' | 'o' | 'f' | 'c');
        if once && self.rule.given.contains(&c) {
            return Err(Fault::usage(here, format!("multiple -{c} flags not allowed")));
        }
        self.rule.given.push(c);
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
                let mut nets = Vec::new();
                for part in arg.split(',') {
                    nets.extend(read_net(part, family, self.cx.names).map_err(|m| Fault::usage(at, m))?);
                }
                let Some(&first) = nets.first() else {
                    return Err(Fault::usage(at, format!("`{arg}' has no address in this family")));
                };
                if not && nets.len() > 1 {
                    return Err(Fault::usage(
                        at,
                        format!(
                            "! not allowed with multiple {} IP addresses",
                            if c == 's' { "source" } else { "destination" }
                        ),
                    ));
                }
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
                    None => (arg, self.next(here, "-c")?),
                };
                let count = |t: &str| {
                    number_u64(t, u64::MAX)
                        .ok_or_else(|| Fault::usage(at, format!("-c packet or byte counter `{t}' not numeric")))
                };
                self.rule.rule.counters = Counters { packets: count(packets)?, bytes: count(bytes)? };
                self.rule.counted = true;
            }
            'm' => {
                self.foreign = None;
                match ext::new_match(arg, family) {
                    Some(ext) => self.loaded.push(Loaded { ext, seen: 0, word: at }),
                    None if self.cx.strangers == Strangers::Keep => {
                        self.foreign = Some(LastForeign::Match(self.loaded.len()));
                        let ext = Match::Foreign(Box::new(Foreign { name: arg.to_owned(), words: Vec::new() }));
                        self.loaded.push(Loaded { ext, seen: 0, word: at });
                    }
                    None => {
                        let mut message = format!("Couldn't load match `{arg}'");
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

    fn jump(&mut self, c: char, arg: &str, here: usize, at: usize) -> Result<(), Fault> {
        if self.target.is_some() {
            return Err(Fault::usage(here, "multiple -j/-g flags not allowed"));
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
            self.rule.rule.matches = self.loaded.into_iter().map(|l| l.ext).collect();
            self.rule.rule.target = self.target.map_or(Target::None, |t| t.0);
            return Ok(self.rule);
        }
        let head = self.head();
        let table = self.cx.table;
        let reading =
            Reading { family: self.cx.family, dialect: self.cx.dialect, table, head: &head, names: self.cx.names };
        for l in &mut self.loaded {
            complete(l.ext.options(), l.seen, l.ext.name(), l.word)?;
            l.ext.check(l.seen, &reading).map_err(|m| Fault::usage(l.word, format!("{}: {m}", l.ext.name())))?;
        }
        if let Some((t, seen, word)) = &mut self.target {
            complete(t.options(), *seen, t.name(), *word)?;
            t.check(*seen, &reading).map_err(|m| Fault::usage(*word, format!("{}: {m}", t.name())))?;
            if table == TableName::Nat && *t == Target::Standard(Standard::Drop) {
                let why = "the nat table sees only the first packet of a connection: DROP is not allowed there";
                return Err(Fault::usage(*word, why));
            }
        }
        self.rule.rule.matches = self.loaded.into_iter().map(|l| l.ext).collect();
        if self.cx.dialect == Dialect::Nft {
            ext::as_nft_writes(&mut self.rule.rule.matches);
        }
        self.rule.rule.target = self.target.map_or(Target::None, |t| t.0);
        Ok(self.rule)
    }
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
