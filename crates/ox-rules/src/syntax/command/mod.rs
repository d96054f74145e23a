//! `Command`: a command line of `iptables`, or a line of restore text, understood but not yet done.
//!
//! Facts: which options each command allows, and the order in which words are taken, from iptables 1.8.9.

mod around;
mod chain_name;

use around::Around;
pub use around::{format_names, is_json};
pub(super) use chain_name::{chain_name, declared_name};
use chain_name::{is_too_long, too_long};

use super::rule::{ReadRule, Room, RuleCx, read_line, read_line_in};
use super::{Fault, Trouble};
use crate::model::{Policy, Table, TableName};
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

/// The policy of a name.
pub(super) fn policy(name: &str) -> Result<Policy, Trouble> {
    match name {
        "ACCEPT" => Ok(Policy::Accept),
        "DROP" => Ok(Policy::Drop),
        _ => Err(Trouble::Policy),
    }
}
