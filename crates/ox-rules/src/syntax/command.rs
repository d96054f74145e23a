//! `Command`: a command line of `iptables`, or a line of restore text, understood but not yet done.
//!
//! Facts: which options each command allows, and the order in which words are taken, from iptables 1.8.9.

use super::rule::{ArgKind, Extra, ExtraOpt, ReadRule, Room, RuleCx, read_line, read_line_in};
use super::{Fault, Trouble};
use crate::ir::Dialect;
use crate::model::{ChainName, Policy, Table, TableName};
use crate::{bytes, ext};
use ox_packet::Family;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the commands' own names")]
pub enum Verb {
    Append,
    Check,
    Delete,
    Insert,
    Replace,
    List,
    ListRules,
    Flush,
    Zero,
    New,
    Remove,
    Policy,
    Rename,
    Version,
    Help,
}

impl Verb {
    pub(in crate::syntax) const fn letter(self) -> char {
        match self {
            Verb::Append => 'A',
            Verb::Check => 'C',
            Verb::Delete => 'D',
            Verb::Insert => 'I',
            Verb::Replace => 'R',
            Verb::List => 'L',
            Verb::ListRules => 'S',
            Verb::Flush => 'F',
            Verb::Zero => 'Z',
            Verb::New => 'N',
            Verb::Remove => 'X',
            Verb::Policy => 'P',
            Verb::Rename => 'E',
            Verb::Version => 'V',
            Verb::Help => 'h',
        }
    }

    /// Whether it may change rules.
    pub const fn edits(self) -> bool {
        !matches!(self, Verb::Check | Verb::List | Verb::ListRules | Verb::Version | Verb::Help)
    }
}

/// A command.
#[derive(Clone, Debug)]
pub struct Command {
    /// What is to be done.
    pub verb: Verb,
    /// `-Z` stands beside `-L` or `-S`.
    pub zero: bool,
    /// Table, `filter` if not said.
    pub table: TableName,
    /// Chain, where one is named.
    pub chain: Option<String>,
    /// New name for `-E`, word for `-P`.
    pub second: String,
    /// Rule number.
    pub number: Option<usize>,
    /// The rule.
    pub rule: ReadRule,
    /// How often `-v` was given.
    pub verbose: u8,
    /// `-n`
    pub numeric: bool,
    /// `-x`
    pub exact: bool,
    /// `--line-numbers`
    pub lines: bool,
    /// `--format json`
    pub json: bool,
    /// Seconds to wait for the lock; `Some(None)`: as long as it takes.
    pub wait: Option<Option<u32>>,
    /// `-4` or `-6`.
    pub family: Option<Family>,
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// On a command line.
    Line,
    /// In restore text, for this table.
    Restore(TableName),
}

const fn opt(short: Option<char>, long: &'static str, arg: ArgKind) -> ExtraOpt {
    ExtraOpt { short, long, arg, ours: false }
}

/// The options around a rule.
const OPTIONS: &[ExtraOpt] = &[
    opt(Some('A'), "append", ArgKind::Yes),
    opt(Some('C'), "check", ArgKind::Yes),
    opt(Some('D'), "delete", ArgKind::Yes),
    opt(Some('I'), "insert", ArgKind::Yes),
    opt(Some('R'), "replace", ArgKind::Yes),
    opt(Some('L'), "list", ArgKind::Maybe),
    opt(Some('S'), "list-rules", ArgKind::Maybe),
    opt(Some('F'), "flush", ArgKind::Maybe),
    opt(Some('Z'), "zero", ArgKind::Maybe),
    opt(Some('N'), "new-chain", ArgKind::Yes),
    opt(Some('X'), "delete-chain", ArgKind::Maybe),
    opt(Some('P'), "policy", ArgKind::Yes),
    opt(Some('E'), "rename-chain", ArgKind::Yes),
    opt(Some('V'), "version", ArgKind::No),
    opt(Some('t'), "table", ArgKind::Yes),
    opt(Some('v'), "verbose", ArgKind::No),
    opt(Some('n'), "numeric", ArgKind::No),
    opt(Some('x'), "exact", ArgKind::No),
    opt(None, "line-numbers", ArgKind::No),
    opt(Some('w'), "wait", ArgKind::Maybe),
    opt(Some('W'), "wait-interval", ArgKind::Yes),
    opt(Some('M'), "modprobe", ArgKind::Yes),
    ExtraOpt { ours: true, ..opt(None, "format", ArgKind::Yes) },
];

const VERBS: [Verb; 14] = [
    Verb::Append,
    Verb::Check,
    Verb::Delete,
    Verb::Insert,
    Verb::Replace,
    Verb::List,
    Verb::ListRules,
    Verb::Flush,
    Verb::Zero,
    Verb::New,
    Verb::Remove,
    Verb::Policy,
    Verb::Rename,
    Verb::Version,
];

/// The command line around a rule, as far as it has been read.
pub(super) struct Around<'t> {
    pub(super) verb: Option<Verb>,
    pub(super) zero: bool,
    pub(super) table: TableName,
    pub(super) chain: Option<String>,
    second: String,
    number: Option<usize>,
    verbose: u8,
    numeric: bool,
    exact: bool,
    lines: bool,
    json: Option<bool>,
    wait: Option<Option<u32>>,
    interval: bool,
    restore: bool,
    /// A table that there is not: said only when nothing else is wrong.
    no_table: Option<String>,
    /// The table that jumps go around in, where it is at hand.
    chains: Option<&'t Table>,
}

impl Around<'_> {
    pub(super) fn new(setting: Setting) -> Self {
        let (table, restore) = match setting {
            Setting::Line => (TableName::Filter, false),
            Setting::Restore(table) => (table, true),
        };
        Self {
            verb: None,
            zero: false,
            table,
            chain: None,
            second: String::new(),
            number: None,
            verbose: 0,
            numeric: false,
            exact: false,
            lines: false,
            json: None,
            wait: None,
            interval: false,
            restore,
            no_table: None,
            chains: None,
        }
    }

    fn set_verb(&mut self, verb: Verb) -> Result<(), Fault> {
        match (self.verb, verb) {
            (None, _) | (_, Verb::Version) => self.verb = Some(verb),
            (Some(Verb::List | Verb::ListRules), Verb::Zero) if !self.zero => self.zero = true,
            (Some(Verb::Zero), Verb::List | Verb::ListRules) => {
                self.verb = Some(verb);
                self.zero = true;
            }
            (Some(old), new) => {
                let old = if new == Verb::Zero && self.zero { Verb::Zero } else { old };
                return Err(Fault::usage(None, format!("Cannot use -{} with -{}", new.letter(), old.letter())));
            }
        }
        Ok(())
    }

    /// Takes a command's own arguments: those that follow its option word.
    fn command(&mut self, verb: Verb, arg: Option<&str>, rest: &[&str]) -> Result<usize, Fault> {
        self.set_verb(verb)?;
        let is_arg = |i: usize| rest.get(i).filter(|w| !w.starts_with(['-', '!'])).copied();
        let mut taken = 0;
        match arg {
            Some(name) => self.chain = Some(name.to_owned()),
            None => {
                if let Some(name) = is_arg(0) {
                    self.chain = Some(name.to_owned());
                    taken = 1;
                }
            }
        }
        match verb {
            Verb::Delete | Verb::Insert | Verb::List | Verb::ListRules | Verb::Zero if self.chain.is_some() => {
                if let Some(word) = is_arg(taken) {
                    self.number = Some(rule_number(word, taken)?);
                    taken += 1;
                }
            }
            Verb::Replace => {
                let Some(word) = is_arg(taken) else {
                    return Err(Fault::usage(None, "-R requires a rule number"));
                };
                self.number = Some(rule_number(word, taken)?);
                taken += 1;
            }
            Verb::Policy => {
                self.second =
                    is_arg(taken).ok_or_else(|| Fault::usage(None, "-P requires a chain and a policy"))?.to_owned();
                taken += 1;
            }
            Verb::Rename => {
                self.second = is_arg(taken)
                    .ok_or_else(|| Fault::usage(None, "-E requires old-chain-name and new-chain-name"))?
                    .to_owned();
                taken += 1;
            }
            _ => {}
        }
        Ok(taken)
    }
}

fn rule_number(word: &str, at: usize) -> Result<usize, Fault> {
    super::number(word.strip_prefix('+').unwrap_or(word), i32::MAX as u32)
        .filter(|&n| n > 0)
        .map(|n| n as usize)
        .ok_or_else(|| Fault::usage(at, format!("Invalid rule number `{word}'")))
}

impl Extra for Around<'_> {
    fn options(&self) -> &'static [ExtraOpt] {
        OPTIONS
    }

    fn table(&self) -> Option<TableName> {
        Some(self.table)
    }

    fn take(&mut self, which: usize, arg: Option<&str>, not: bool, rest: &[&str]) -> Result<usize, Fault> {
        let option = &OPTIONS[which];
        if not {
            let name = option.short.map_or_else(|| format!("--{}", option.long), |c| format!("-{c}"));
            return Err(Fault::usage(
                None,
                format!("unexpected ! flag before {name}: there is nothing it could turn round"),
            ));
        }
        if let Some(&verb) = VERBS.get(which) {
            return self.command(verb, arg, rest);
        }
        match option.short {
            Some('t') => {
                if self.restore {
                    return Err(Fault::usage(None, "The -t option cannot be used in restore text"));
                }
                let name = arg.unwrap_or_default();
                match TableName::from_name(name) {
                    Some(table) => (self.table, self.no_table) = (table, None),
                    None => self.no_table = Some(name.to_owned()),
                }
            }
            Some('v') => self.verbose = self.verbose.saturating_add(1),
            Some('n') => once(&mut self.numeric, 'n')?,
            Some('x') => once(&mut self.exact, 'x')?,
            Some('w') | Some('W') if self.restore => {
                let c = option.short.unwrap_or_default();
                return Err(Fault::usage(None, format!("You cannot use `-{c}' from iptables-restore")));
            }
            Some('w') => {
                let (word, taken) = match arg {
                    Some(arg) => (Some(arg), 0),
                    None => (rest.first().filter(|w| !w.starts_with('-') && **w != "!").copied(), 1),
                };
                let Some(word) = word else {
                    self.wait = Some(None);
                    return Ok(0);
                };
                let seconds = super::number(word, i32::MAX as u32)
                    .ok_or_else(|| Fault::usage(None, format!("wait seconds not numeric: `{word}'")))?;
                self.wait = Some(Some(seconds));
                return Ok(taken);
            }
            Some('W') => {
                let word = arg.unwrap_or_default();
                super::number(word, i32::MAX as u32)
                    .ok_or_else(|| Fault::usage(None, format!("wait interval not numeric: `{word}'")))?;
                self.interval = true;
            }
            Some(_) => {}
            None if option.long == "format" => {
                let name = arg.unwrap_or_default();
                self.json = Some(is_json(name).ok_or_else(|| Fault::usage(None, format_names(name)))?);
            }
            None => once(&mut self.lines, '0')?,
        }
        Ok(0)
    }

    fn chain(&self, name: &str) -> ChainName {
        self.chains.and_then(|table| table.shared_name(name)).unwrap_or_else(|| name.into())
    }

    fn is_done(&self) -> bool {
        self.verb == Some(Verb::Version)
    }
}

/// A flag that may stand once.
fn once(flag: &mut bool, letter: char) -> Result<(), Fault> {
    match std::mem::replace(flag, true) {
        true => Err(Fault::usage(None, format!("multiple -{letter} flags not allowed"))),
        false => Ok(()),
    }
}

/// Whether a word behind `--format` asks for JSON. `None`: it asks for nothing that there is.
pub fn is_json(name: &str) -> Option<bool> {
    match name {
        "json" => Some(true),
        "text" => Some(false),
        _ => None,
    }
}

/// What is said of another word there.
pub fn format_names(name: &str) -> String {
    format!("`{name}' is no form of output: text and json are")
}

/// Understands a command line.
///
/// # Errors
/// The first fault.
pub fn read_command(words: &[&str], cx: &RuleCx<'_>, setting: Setting) -> Result<Command, Trouble> {
    // A ruleset is text of lines: such a word would end the rule, and what follows in it would be read as a line.
    if let Some(word) = words.iter().position(|w| w.contains('\n')) {
        let message = format!("{:?} has a line break in it, and no word of a rule can", words[word]);
        return Err(Fault::usage(Some(word), message).into());
    }
    let mut around = Around::new(setting);
    let rule = read_line(words, cx, &mut around)?;
    finish(around, rule, cx)
}

/// Understands `-A CHAIN RULE` of restore text, the words of the rule only; also says how often `-v` is among them.
pub(super) fn read_append(chain: &str, words: &[&str], cx: &RuleCx<'_>) -> Result<(ReadRule, u8), Trouble> {
    let mut rule = ReadRule::default();
    let loud = read_append_in(&mut Room::default(), &mut rule, chain, words, cx, None)?;
    Ok((rule, loud))
}

/// As [`read_append`], for many rules: in the same room each time, into a rule of which nothing has been said, and with the
/// table whose chains it may jump to.
pub(super) fn read_append_in(
    room: &mut Room,
    rule: &mut ReadRule,
    chain: &str,
    words: &[&str],
    cx: &RuleCx<'_>,
    chains: Option<&Table>,
) -> Result<u8, Trouble> {
    let mut around = Around { verb: Some(Verb::Append), chains, ..Around::new(Setting::Restore(cx.table)) };
    read_line_in(room, rule, words, cx, &mut around)
        .map_err(|f| Trouble::Usage(Fault { word: f.word.map(|w| w + 2), ..f }))?;
    rule.target_word = rule.target_word.map(|w| w + 2);
    if rule.help {
        return Err(Trouble::usage("there is no help inside of restore text"));
    }
    if let Some(c) = [('n', around.numeric), ('x', around.exact), ('0', around.lines)].iter().find(|o| o.1) {
        return Err(Trouble::usage(format!("Illegal option `-{}' with this command", c.0)));
    }
    if around.json.is_some() {
        return Err(Trouble::usage("--format goes with -L and -S only"));
    }
    placed(chain, rule)?;
    Ok(around.verbose)
}

fn finish(mut around: Around<'_>, rule: ReadRule, cx: &RuleCx<'_>) -> Result<Command, Trouble> {
    let no_table = around.no_table.take();
    let verb = match around.verb {
        Some(Verb::Version) => Verb::Version,
        _ if rule.help => Verb::Help,
        Some(verb) => verb,
        None => return Err(Trouble::usage("no command specified (one of -A -C -D -I -R -L -S -F -Z -N -X -P -E)")),
    };
    let command = Command {
        verb,
        zero: around.zero,
        table: around.table,
        chain: around.chain,
        second: around.second,
        number: around.number,
        verbose: around.verbose,
        numeric: around.numeric,
        exact: around.exact,
        lines: around.lines,
        json: around.json.unwrap_or_default(),
        wait: around.wait,
        family: rule.family,
        rule,
    };
    if matches!(verb, Verb::Help | Verb::Version) {
        return Ok(command);
    }
    if around.interval && command.wait.is_none() {
        return Err(Trouble::usage("--wait-interval only makes sense with --wait"));
    }
    if let Some(c) = illegal(&command) {
        let place = if matches!(c, 'n' | 'x' | '0') { "-L" } else { "rules" };
        return Err(Trouble::usage(format!("Illegal option `-{c}' with this command (it goes with {place})")));
    }
    if around.json.is_some() && (around.restore || !matches!(verb, Verb::List | Verb::ListRules)) {
        return Err(Trouble::usage("--format goes with -L and -S only"));
    }
    names(&command, cx)?;
    if verb == Verb::Replace && command.rule.is_several() {
        return Err(Trouble::usage("Replacement rule does not specify a unique address"));
    }
    match no_table {
        Some(name) => Err(Trouble::Table(name)),
        None => Ok(command),
    }
}

/// The first option that the command does not allow. `0` stands for `--line-numbers`, as stock prints it.
fn illegal(command: &Command) -> Option<char> {
    use Verb::{Append, Check, Delete, Insert, List, Policy, Replace};
    let Command { verb, numeric, exact, lines, .. } = *command;
    let by_number = verb == Delete && command.number.is_some();
    let rule = matches!(verb, Append | Check | Delete | Insert | Replace) && !by_number;
    let given = |c: char| command.rule.given.has(c);
    let listing = verb == List;
    let checks = [
        ('n', numeric && !listing),
        ('s', given('s') && !rule),
        ('d', given('d') && !rule),
        ('p', given('p') && !rule),
        ('j', (given('j') || given('g')) && !rule),
        ('x', exact && !listing),
        ('i', given('i') && !rule),
        ('o', given('o') && !rule),
        ('0', lines && !listing),
        ('c', given('c') && !matches!(verb, Append | Insert | Replace | Policy)),
        ('f', given('f') && !rule),
    ];
    checks.into_iter().find(|&(_, bad)| bad).map(|(c, _)| c)
}

/// What is refused of names and of their use together.
fn names(command: &Command, cx: &RuleCx<'_>) -> Result<(), Trouble> {
    let chain = command.chain.as_deref().unwrap_or_default();
    if is_too_long(chain) {
        return Err(too_long(chain));
    }
    if command.verb == Verb::New {
        chain_name(chain, cx.family)?;
    }
    placed(chain, &command.rule)?;
    if command.table == TableName::Nat && command.verb == Verb::Policy && command.second == "DROP" {
        return Err(Trouble::usage(
            "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n",
        ));
    }
    Ok(())
}

/// What is refused of a rule in a chain of this name: interfaces that a packet does not have there.
fn placed(chain: &str, rule: &ReadRule) -> Result<(), Trouble> {
    if is_too_long(chain) {
        return Err(too_long(chain));
    }
    if rule.given.has('o') && matches!(chain, "PREROUTING" | "INPUT") {
        return Err(Trouble::usage(format!("Can't use -o with {chain} (a packet there has not been routed out yet)")));
    }
    if rule.given.has('i') && matches!(chain, "OUTPUT" | "POSTROUTING") {
        return Err(Trouble::usage(format!("Can't use -i with {chain} (a packet there does not come in any more)")));
    }
    Ok(())
}

/// Longest name of a chain (`XT_EXTENSION_MAXNAMELEN` - 1).
const LONGEST: usize = 28;

fn is_too_long(name: &str) -> bool {
    // No text stands for more bytes than it has.
    name.len() > LONGEST && bytes::len(name) > LONGEST
}

fn too_long(name: &str) -> Trouble {
    Trouble::usage(format!("chain name `{name}' too long (must be under {} chars)", LONGEST + 1))
}

/// What a new chain may not be called.
pub(super) fn chain_name(name: &str, family: Family) -> Result<(), Trouble> {
    if let Some(c) = name.chars().next().filter(|c| matches!(c, '-' | '!')) {
        return Err(Trouble::usage(format!("chain name not allowed to start with `{c}'")));
    }
    if is_too_long(name) {
        return Err(too_long(name));
    }
    let verdict = matches!(name, "" | "ACCEPT" | "DROP" | "RETURN" | "QUEUE");
    if verdict || ext::target_desc(name, family).is_some() {
        return Err(Trouble::usage("chain name may not clash with target name"));
    }
    if !name.bytes().all(|b| b.is_ascii_graphic()) && name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Trouble::usage(format!("Invalid chain name `{name}'")));
    }
    Ok(())
}

/// What a chain may not be called that restore text declares: it may have a target's name, and to legacy nearly any.
pub(super) fn declared_name(name: &str, dialect: Dialect) -> Result<(), Trouble> {
    if is_too_long(name) {
        return Err(too_long(name));
    }
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Trouble::usage(format!("Invalid chain name `{name}'")));
    }
    let verdict = matches!(name, "ACCEPT" | "DROP" | "RETURN" | "QUEUE");
    match dialect {
        Dialect::Legacy if verdict => Err(Trouble::usage(format!("error creating chain '{name}':File exists"))),
        Dialect::Legacy => Ok(()),
        Dialect::Nft => match name.chars().next().filter(|c| matches!(c, '-' | '!')) {
            Some(c) => Err(Trouble::usage(format!("chain name not allowed to start with `{c}'"))),
            None if verdict => Err(Trouble::usage("chain name may not clash with target name")),
            None => Ok(()),
        },
    }
}

/// The policy of a name.
pub(super) fn policy(name: &str) -> Result<Policy, Trouble> {
    match name {
        "ACCEPT" => Ok(Policy::Accept),
        "DROP" => Ok(Policy::Drop),
        _ => Err(Trouble::Policy),
    }
}
