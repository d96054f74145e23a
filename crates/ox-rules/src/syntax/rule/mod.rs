//! Reading a rule: the getopt loop that merges each extension's options as it appears.
//!
//! Order matters as it does upstream: an extension's options are known only after its `-m`, `-j` or `-p`. Commands
//! (`-A`, `-L`, …) are not known here: whoever reads a whole command line passes its own options as [`Extra`].
//!
//! What lives where: the loop and what it needs to know are here, the look-up of option names in `find.rs`, the rule's own
//! options in `own.rs`, those of extensions in `extension.rs`, guesses at what was meant in `suggest.rs`.

mod extension;
mod find;
mod own;
mod suggest;

use extension::complete;

pub use suggest::{meant, suggest};

use crate::ext;
use crate::ir::Dialect;
use crate::model::{ChainName, Match, Matches, Net, Rule, Standard, TableName, Target};
use crate::syntax::{Fault, Names, Reading};
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
    /// Stock does not have it: it has no abbreviations.
    pub ours: bool,
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
    /// The name of a chain that the rule jumps to: the table's own, where it has one.
    fn chain(&self, name: &str) -> ChainName {
        name.into()
    }
    /// Whether what follows does not matter any more, as behind `-V`.
    fn is_done(&self) -> bool {
        false
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
    /// Whether it stands for more than one rule.
    pub fn is_several(&self) -> bool {
        !self.srcs.is_empty() || !self.dsts.is_empty()
    }

    /// Makes it as if nothing had been said, once its rule has been taken out and left as a new one.
    pub(in crate::syntax) fn forget(&mut self) {
        let Self { rule: _, srcs, dsts, counted, given, help, family, target_word } = self;
        srcs.clear();
        dsts.clear();
        (*counted, *given, *help, *family, *target_word) = (false, Given::default(), false, None, None);
    }

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
    let mut rule = ReadRule::default();
    read_line_in(&mut Room::default(), &mut rule, words, cx, extra)?;
    Ok(rule)
}

/// As [`read_line`], for many rules: in the same room each time, into a rule of which nothing has been said.
///
/// # Errors
/// The first fault, pointing at its word.
pub fn read_line_in(
    room: &mut Room,
    rule: &mut ReadRule,
    words: &[&str],
    cx: &RuleCx<'_>,
    extra: &mut dyn Extra,
) -> Result<(), Fault> {
    room.matches.clear();
    room.seen.clear();
    let cx = RuleCx { table: extra.table().unwrap_or(cx.table), ..*cx };
    let mut reader =
        Reader { words, at: 0, cx, rule, room, target: None, foreign: None, kept: 0, proto: None, late: None };
    reader.run(extra)?;
    reader.finish()
}

/// Matches in a rule: more than any kernel takes, few enough to look through again for every word.
/// Kernel: `ipt_entry.target_offset` holds their bytes, 32 or more each, in 16 bits; nf_tables takes 128 expressions.
const MOST_MATCHES: usize = 2048;

/// Rules that one line may stand for.
const MOST_RULES: usize = 1 << 20;

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

/// What is known of an extension besides what it says.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Bits of the options given.
    options: u32,
    /// The word that named it.
    word: usize,
}

/// Room that reading a rule needs and leaves for the next one.
#[derive(Debug, Default)]
pub struct Room {
    matches: Vec<Match>,
    /// Beside each match.
    seen: Vec<Seen>,
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    cx: RuleCx<'a>,
    rule: &'a mut ReadRule,
    room: &'a mut Room,
    /// Beside the rule's target, if it has one.
    target: Option<Seen>,
    foreign: Option<LastForeign>,
    /// Behind the last word of that unknown extension: what stands there without dashes is its own too.
    kept: usize,
    /// The protocol that `-p` names, whose extension need not be loaded yet.
    proto: Option<u8>,
    /// An address that cannot be understood: hosts are looked for when all else is well.
    late: Option<Fault>,
}

impl<'a> Reader<'a> {
    fn run(&mut self, extra: &mut dyn Extra) -> Result<(), Fault> {
        let mut not: Option<usize> = None;
        while let Some(&word) = self.words.get(self.at) {
            let here = self.at;
            self.at += 1;
            match word.as_bytes() {
                b"!" if not.is_some() => return Err(Fault::usage(here, "multiple consecutive ! not allowed")),
                b"!" => {
                    not = Some(here);
                    continue;
                }
                b"--" => match self.words.get(self.at) {
                    Some(word) => {
                        let message = format!(
                            "unknown arguments found on commandline: nothing may follow `--', and `{word}' does"
                        );
                        return Err(Fault::usage(self.at, message));
                    }
                    None => break,
                },
                // What iptables-save writes of an extension whose revision it does not know.
                b"[unsupported" if self.cx.strangers == Strangers::Keep => self.unsupported(here),
                // As nearly all words of a dump are.
                &[b'-', c] if own::arg_of(c.into()) == Some(ArgKind::Yes) => {
                    let arg = self.next(here, "-", &word[1..])?;
                    self.own(here, c.into(), arg, not.take(), extra)?;
                }
                [b'-', b'-', ..] => self.long(here, &word[2..], not.take(), extra)?,
                [b'-', _, ..] => self.shorts(here, &word[1..], not.take(), extra)?,
                _ if self.foreign.is_some() && self.kept == not.unwrap_or(here) => self.keep(word, not.take()),
                _ => return Err(Fault::usage(here, format!("Bad argument `{word}'{}", bad_word(word)))),
            }
            if self.rule.help {
                return Ok(());
            }
            if self.room.matches.len() > MOST_MATCHES {
                return Err(Fault::usage(
                    here,
                    format!("a rule with more than {MOST_MATCHES} matches fits into no kernel"),
                ));
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
            let core = own::arg_of(c).map(|arg| Found::Core(c, arg));
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
        match arg {
            Some(arg) => Ok(arg),
            None => Err(without_argument(here, dashes, option)),
        }
    }

    fn long(&mut self, here: usize, typed: &'a str, not: Option<usize>, extra: &mut dyn Extra) -> Result<(), Fault> {
        // Nearly every option is written in full, with its argument apart.
        let (mut found, mut name, mut glued) = (self.exact(typed, extra), typed, None);
        if found.is_none() {
            if let Some((n, v)) = typed.split_once('=') {
                (name, glued) = (n, Some(v));
            }
            found = self.find(here, name, extra)?;
        }
        if found.is_none() && self.load_proto(here) {
            found = self.find(here, name, extra)?;
            // An unknown extension's option does not call for the protocol's.
            if found.is_none() {
                self.unload();
            }
        }
        let Some(found) = found else {
            if self.foreign.is_some() {
                let word = self.words[here];
                self.keep(word, not);
                return Ok(());
            }
            return Err(self.nameless(here, name, extra));
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

    fn finish(self) -> Result<(), Fault> {
        if let Some(fault) = self.claimed_later() {
            return Err(fault);
        }
        let Self { cx, rule, room, target, late, .. } = self;
        if rule.help {
            // What was named before `--help` is what help is wanted for.
            rule.rule.matches = Matches::take(&mut room.matches);
            return Ok(());
        }
        let (srcs, dsts) = (rule.srcs.len().max(1), rule.dsts.len().max(1));
        if srcs.saturating_mul(dsts) > MOST_RULES {
            let message =
                format!("{srcs} sources and {dsts} destinations are more than {MOST_RULES} rules from one line");
            return Err(Fault::usage(None, message));
        }
        let Rule { head, target: does, .. } = &mut rule.rule;
        let reading = Reading { family: cx.family, dialect: cx.dialect, table: cx.table, head, names: cx.names };
        for (ext, &Seen { options, word }) in room.matches.iter_mut().zip(&room.seen) {
            if let Some(desc) = ext.desc() {
                complete(desc, options, word)?;
                ext.check(options, &reading).map_err(|m| Fault::usage(word, format!("{}: {m}", ext.name())))?;
            }
        }
        if let Some(Seen { options, word }) = target {
            if let Some(desc) = does.desc() {
                complete(desc, options, word)?;
                does.check(options, &reading).map_err(|m| Fault::usage(word, format!("{}: {m}", does.name())))?;
            }
            // Files of old releases have such rules.
            let typed = cx.strangers == Strangers::Refuse;
            if typed && cx.table == TableName::Nat && *does == Target::Standard(Standard::Drop) {
                let why =
                    "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n";
                return Err(Fault::usage(word, why));
            }
        }
        if cx.dialect == Dialect::Nft {
            ext::as_nft_writes(&mut room.matches);
        }
        if let Some(fault) = late {
            return Err(fault);
        }
        if rule.is_several() && (rule.rule.head.src.not || rule.rule.head.dst.not) {
            let message = "! not allowed with multiple source or destination IP addresses";
            return Err(Fault::usage(None, message));
        }
        rule.rule.matches = Matches::take(&mut room.matches);
        Ok(())
    }
}

#[cold]
fn without_argument(here: usize, dashes: &str, option: &str) -> Fault {
    Fault::usage(here, format!("option \"{dashes}{option}\" requires an argument"))
}

/// What a word that stands where an option should may have been meant to be.
fn bad_word(word: &str) -> String {
    match word {
        "ACCEPT" | "DROP" | "RETURN" | "REJECT" | "LOG" | "MASQUERADE" => format!(" (is `-j {word}' meant?)"),
        _ if word.starts_with(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}']) => {
            " (it begins with a dash that is no `-')".to_owned()
        }
        _ => String::new(),
    }
}

/// A letter as text.
fn letter(buffer: &mut [u8; 4], c: char) -> &str {
    c.encode_utf8(buffer)
}
