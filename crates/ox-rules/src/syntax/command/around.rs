//! The options around a rule: commands, tables, and how to list.

use super::{Setting, Verb};
use crate::model::{ChainName, Table, TableName};
use crate::syntax::Fault;
use crate::syntax::rule::{ArgKind, Extra, ExtraOpt};

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
pub(in crate::syntax) struct Around<'t> {
    pub(in crate::syntax) verb: Option<Verb>,
    pub(in crate::syntax) zero: bool,
    pub(in crate::syntax) table: TableName,
    pub(in crate::syntax) chain: Option<String>,
    pub(super) second: String,
    pub(super) number: Option<usize>,
    pub(super) verbose: u8,
    pub(super) numeric: bool,
    pub(super) exact: bool,
    pub(super) lines: bool,
    pub(super) json: Option<bool>,
    pub(super) wait: Option<Option<u32>>,
    pub(super) interval: bool,
    pub(super) restore: bool,
    /// A table that there is not: said only when nothing else is wrong.
    pub(super) no_table: Option<String>,
    /// The table that jumps go around in, where it is at hand.
    pub(super) chains: Option<&'t Table>,
}

impl Around<'_> {
    pub(in crate::syntax) fn new(setting: Setting) -> Self {
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
    crate::syntax::number(word.strip_prefix('+').unwrap_or(word), i32::MAX as u32)
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
                let seconds = crate::syntax::number(word, i32::MAX as u32)
                    .ok_or_else(|| Fault::usage(None, format!("wait seconds not numeric: `{word}'")))?;
                self.wait = Some(Some(seconds));
                return Ok(taken);
            }
            Some('W') => {
                let word = arg.unwrap_or_default();
                crate::syntax::number(word, i32::MAX as u32)
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
