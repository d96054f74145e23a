//! Reading restore text, line by line: a ruleset file, or what `iptables-restore` is given.
//!
//! Facts: the lines and their refusals from iptables-restore 1.8.9. More is understood than there, because people keep
//! dumps of older releases, and dumps that went through a mail: indented lines, trailing blanks, carriage returns,
//! `* nat`, and lines of talk before a table.

mod chain;
mod commands;
mod fault;
mod form;
mod line;
mod staged;

pub(in crate::syntax) use fault::show;
pub use fault::{TextFault, TextTrouble};
use form::Form;
use line::read_pair;
pub(in crate::syntax) use line::{at_word, counted, other_family, word_span};
use staged::Staged;

use crate::ir::Dialect;
use crate::model::{Counters, Policy, Rule, Ruleset, Table, TableName};
use crate::syntax::book::Section;
use crate::syntax::command::{Setting, Verb, read_append_in, read_command};
use crate::syntax::rule::{ReadRule, Room, RuleCx, Strangers};
use crate::syntax::run::{Job, RunCx, rules, run};
use crate::syntax::why::{Asked, explain};
use crate::syntax::words::plain_words;
use crate::syntax::{Listing, Names, Out, Program, Trouble, admit, meant, split_words};

/// How to read restore text.
#[derive(Clone, Copy)]
pub struct TextCx<'a> {
    /// Who reads.
    pub program: Program,
    /// Who knows names.
    pub names: &'a dyn Names,
    /// What the text is.
    pub kind: TextKind,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// A ruleset file: it is believed, counters and unknown extensions included.
    File,
    /// Given to `iptables-restore`.
    Restore {
        /// `-c`
        counters: bool,
        /// `-n`: what is there stays.
        noflush: bool,
        /// `-T`: only this table.
        only: Option<Only>,
        /// `-v`
        verbose: bool,
        /// `-t`: nothing is to change.
        test: bool,
    },
}

/// What `-T` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// A table.
    Table(TableName),
    /// None that there is: nothing of the text is to be done.
    Nothing,
}

/// Which table of the text came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    None,
    /// One that is asked for.
    Read,
    /// One that `-T` does not name.
    PassedOver,
}

pub(in crate::syntax) struct Loader<'a, 'o> {
    cx: TextCx<'a>,
    staged: Option<Staged>,
    pub(in crate::syntax) sections: Vec<Section>,
    pub(in crate::syntax) touched: Vec<TableName>,
    last: Last,
    room: Room,
    /// The rule of the last line, whose place the next one takes.
    rule: ReadRule,
    out: &'o mut Out,
    /// The text is no ruleset but commands: it can be read, and not be edited.
    pub(in crate::syntax) read_only: bool,
}

impl<'a, 'o> Loader<'a, 'o> {
    pub(in crate::syntax) fn new(cx: TextCx<'a>, out: &'o mut Out) -> Self {
        Self {
            cx,
            staged: None,
            sections: Vec::new(),
            touched: Vec::new(),
            last: Last::None,
            room: Room::default(),
            rule: ReadRule::default(),
            out,
            read_only: false,
        }
    }

    fn is_file(&self) -> bool {
        self.cx.kind == TextKind::File
    }

    /// Whether the commands are told as they are done: stock does that only where it begins with an empty table.
    fn echoes(&self) -> bool {
        matches!(self.cx.kind, TextKind::Restore { noflush: false, verbose: true, .. })
    }

    fn verbose(&self) -> bool {
        matches!(self.cx.kind, TextKind::Restore { verbose: true, .. })
    }

    /// Reads a whole text into `ruleset`, table by table.
    pub(in crate::syntax) fn load(&mut self, text: &str, ruleset: &mut Ruleset) -> Result<(), Box<TextFault>> {
        let line = |number: u32| text.lines().nth(number as usize - 1).unwrap_or_default();
        let failed = |number, why: &str| {
            Err(show(Box::new(TextFault::new(number, TextTrouble::Failed(why.to_owned()))), line(number)))
        };
        match (form::of(text), self.is_file()) {
            (Form::Foreign(number, why), _) => return failed(number, why),
            (Form::Unclear(number), true) => return failed(number, UNCLEAR),
            (Form::Rules(table), true) => {
                self.read_only = true;
                return self.commands(text, Some(table), ruleset);
            }
            (Form::Script, true) => {
                self.read_only = true;
                return self.commands(text, None, ruleset);
            }
            // Nothing of these is done, and it must not look as if it were.
            (Form::Script, false) => return failed(form::first_line(text), SCRIPT),
            (Form::Rules(_) | Form::Unclear(_), false) => return failed(form::first_line(text), PRINTED),
            _ => {}
        }
        let mut number = 0;
        let mut words: Vec<&str> = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
            number += 1;
            words.clear();
            // Nearly every line of a dump is a rule, and where it ends is seen while its words are looked for.
            let plain = rest[0] == b'-' && self.staged.as_ref().is_some_and(|s| !s.skip);
            let end = if plain { plain_words(text, at, &mut words) } else { None };
            let (end, done) = match end {
                Some(end) => {
                    let line = &text[at..end];
                    (end, self.words(number, line, line, &words, false, None))
                }
                None => {
                    let end = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    (end, self.line(number, &text[at..end], &mut words, ruleset))
                }
            };
            if let Err(fault) = done {
                self.say();
                return Err(show(fault, &text[at..end]));
            }
            at = end + 1;
        }
        self.say();
        match self.staged {
            Some(Staged { skip: false, .. }) => Err(Box::new(TextFault::new(number + 1, TextTrouble::NoCommit))),
            _ => Ok(()),
        }
    }

    fn line<'t>(
        &mut self,
        number: u32,
        line: &'t str,
        words: &mut Vec<&'t str>,
        ruleset: &mut Ruleset,
    ) -> Result<(), Box<TextFault>> {
        let fail = |what: TextTrouble| Box::new(TextFault::new(number, what));
        let form = |message: String| fail(TextTrouble::Form(message));
        // Editors of another world put a byte order mark before the first line.
        let line = if number == 1 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let body = line.trim();
        let Some(&first) = body.as_bytes().first() else { return Ok(()) };
        match first {
            b'#' => {
                if self.verbose() {
                    self.say();
                    self.out.raw(line);
                    self.out.raw("\n");
                }
                Ok(())
            }
            b'*' => {
                if let Some(staged) = self.staged.as_ref().filter(|s| !s.skip) {
                    let name = staged.table.name.name();
                    return Err(fail(TextTrouble::Command(Trouble::usage(format!(
                        "Bad argument `{body}': the table {name} is not finished, COMMIT is missing before this line"
                    )))));
                }
                let name = body[1..].trim();
                // Where one table is asked for, the others may be called what they like.
                let only = matches!(self.cx.kind, TextKind::Restore { only: Some(_), .. })
                    && self.cx.program.dialect == Dialect::Legacy;
                let Some(table) = TableName::from_name(name) else {
                    if only && !name.is_empty() {
                        self.begin(number, TableName::Filter, ruleset);
                        self.last = Last::PassedOver;
                        self.staged.iter_mut().for_each(|s| s.skip = true);
                        return Ok(());
                    }
                    let prefix = format!("{}-restore", self.cx.program.name());
                    let tables = TableName::ALL.map(TableName::name);
                    let hint = meant(name, "", tables).unwrap_or_default();
                    return Err(form(match self.cx.program.dialect {
                        Dialect::Nft => format!("{prefix}: line {number} table name '{name}' invalid{hint}"),
                        Dialect::Legacy => format!("{prefix}: unable to initialize table '{name}'{hint}"),
                    }));
                };
                self.begin(number, table, ruleset);
                Ok(())
            }
            b'C' if body == "COMMIT" && !self.passes_over() => self.commit(number, ruleset),
            _ if self.passes_over() => Ok(()),
            _ if self.staged.is_none() => match first {
                b'-' | b':' | b'[' if !is_banner(body) => {
                    let hint = "no table has been named yet: a line like `*filter' must come first";
                    Err(fail(TextTrouble::Failed(hint.to_owned())))
                }
                // Talk around the tables: a banner, a prompt.
                _ => Ok(()),
            },
            _ if self.staged.as_ref().is_some_and(|s| s.skip) => Ok(()),
            b':' => self.chain(number, &body[1..]),
            _ => self.rule(number, line, words),
        }
    }

    /// Whether a line is nobody's: outside of tables, around one that `-T` does not name. Legacy begins so.
    fn passes_over(&self) -> bool {
        let only = matches!(self.cx.kind, TextKind::Restore { only: Some(_), .. });
        only && self.staged.is_none()
            && match self.last {
                Last::None => self.cx.program.dialect == Dialect::Legacy,
                Last::Read => false,
                Last::PassedOver => true,
            }
    }

    /// Prints what the commands have said so far. nft does nothing before COMMIT, and says nothing.
    fn say(&mut self) {
        if let (Some(staged), Dialect::Legacy) = (&mut self.staged, self.cx.program.dialect) {
            self.out.raw(&std::mem::take(&mut staged.out).text);
        }
    }

    pub(in crate::syntax) fn begin(&mut self, number: u32, name: TableName, ruleset: &Ruleset) {
        let mut out = Out::default();
        let mut skip = false;
        let old = ruleset.table(name);
        let made = match self.cx.kind {
            TextKind::Restore { noflush: true, .. } => old.is_some(),
            _ => self.is_file() || self.echoes(),
        };
        let fresh = Table::new(name);
        let table = match self.cx.kind {
            TextKind::File => fresh,
            TextKind::Restore { only, noflush, verbose, .. } => {
                skip = only.is_some_and(|only| only != Only::Table(name));
                match old {
                    _ if skip => fresh,
                    Some(old) if noflush => old.clone(),
                    _ => {
                        if verbose && !noflush {
                            let now = old.unwrap_or(&fresh);
                            for chain in now.in_order() {
                                out.fmt(format_args!("Flushing chain `{}'\n", chain.name.as_str()));
                            }
                            for chain in now.in_order().iter().filter(|c| c.base.is_none()) {
                                out.fmt(format_args!("Deleting chain `{}'\n", chain.name.as_str()));
                            }
                        }
                        let mut fresh = fresh;
                        // Legacy leaves alone the policies that the text does not name; nft starts afresh.
                        for chain in old.iter().flat_map(|t| &t.chains) {
                            if let Some(base) = chain.base
                                && self.cx.program.dialect == Dialect::Legacy
                                && let Some(new) = fresh.chain_mut(chain.name.as_str())
                            {
                                new.base = Some(base);
                                new.counters = chain.counters;
                            }
                        }
                        fresh
                    }
                }
            }
        };
        let section = Section::new(name, number);
        self.last = if skip { Last::PassedOver } else { Last::Read };
        self.staged = Some(Staged {
            table,
            refs: None,
            section,
            open: Vec::new(),
            last: 0,
            held: None,
            refused: Vec::new(),
            out,
            skip,
            made: made || self.cx.program.dialect == Dialect::Legacy,
        });
    }

    /// The table at hand is there, even if nothing is in it.
    pub(in crate::syntax) fn make(&mut self) {
        self.staged.iter_mut().for_each(|staged| staged.made = true);
    }

    /// Puts the table at hand in force.
    pub(in crate::syntax) fn commit(&mut self, number: u32, ruleset: &mut Ruleset) -> Result<(), Box<TextFault>> {
        let Some(mut staged) = self.staged.take() else {
            let what = TextTrouble::Failed("COMMIT without a table before it".to_owned());
            return Err(Box::new(TextFault::new(number, what)));
        };
        if staged.skip {
            return Ok(());
        }
        let name = staged.table.name;
        staged.close_jumps(self.cx.program.family)?;
        if !self.is_file() {
            let test = matches!(self.cx.kind, TextKind::Restore { test: true, .. });
            // nft does nothing in a test, and so has nothing to tell.
            if !test || self.cx.program.dialect == Dialect::Legacy {
                self.out.raw(&staged.out.text);
            }
            if let Some(fault) = staged.held {
                return Err(fault);
            }
            let mut refusals = admit(&staged.table, self.cx.program).err().unwrap_or_default();
            if !staged.refused.is_empty() {
                refusals.append(&mut staged.refused);
                refusals.sort_by_key(|r| r.line);
            }
            if !refusals.is_empty() {
                let trouble = TextTrouble::Command(Trouble::Kernel(refusals));
                return Err(Box::new(TextFault::new(number, trouble)));
            }
            if test {
                return Ok(());
            }
        }
        staged.section.end = number;
        self.sections.push(staged.section);
        self.touched.push(name);
        if staged.made {
            *ruleset.table_mut(name) = staged.table;
        } else {
            ruleset.tables.retain(|t| t.name != name);
        }
        Ok(())
    }

    fn rule<'t>(&mut self, number: u32, line: &'t str, words: &mut Vec<&'t str>) -> Result<(), Box<TextFault>> {
        let (prefix, body) = counted(line);
        let counters = match (prefix, self.cx.kind) {
            (None, _) | (_, TextKind::Restore { counters: false, .. }) => None,
            (Some(inside), _) => Some(read_pair(inside).ok_or_else(|| {
                let what = format!("`[{inside}]' is not a pair of counters: -c packet counter not numeric");
                let at = line.len() - line.trim_start().len();
                let span = Some((at, inside.len() + 2));
                Box::new(TextFault { span, ..TextFault::new(number, TextTrouble::Form(what)) })
            })?),
        };
        words.clear();
        if plain_words(body, 0, words).is_some() {
            return self.words(number, line, body, words, prefix.is_some(), counters);
        }
        let mut split = Vec::new();
        split_words(body, &mut split).map_err(|at| {
            let at = at + line.len() - body.len();
            let what = TextTrouble::Form("a quote that is opened here is never closed".to_owned());
            Box::new(TextFault { span: Some((at, 1)), ..TextFault::new(number, what) })
        })?;
        let words: Vec<&str> = split.iter().map(|w| &*w.text).collect();
        self.words(number, line, body, &words, prefix.is_some(), counters)
    }

    fn words(
        &mut self,
        number: u32,
        line: &str,
        body: &str,
        words: &[&str],
        counted: bool,
        counters: Option<Counters>,
    ) -> Result<(), Box<TextFault>> {
        let Err(trouble) = self.command(number, words, counted, counters) else { return Ok(()) };
        // A line for the other family need not mean anything in this one.
        if other_family(words, self.cx.program.family) {
            if let Some(staged) = &mut self.staged {
                staged.section.plain = false;
            }
            return Ok(());
        }
        let later = self.cx.program.dialect == Dialect::Nft && !self.is_file();
        let trouble = match (trouble, &mut self.staged) {
            (Trouble::Kernel(refusals), Some(staged)) if later => {
                staged.refused.extend(refusals);
                return Ok(());
            }
            (trouble, _) => trouble,
        };
        let can_be_done = matches!(trouble, Trouble::Usage(_));
        let fault = at_word(number, line, body, trouble);
        match &mut self.staged {
            Some(staged) if later && !can_be_done => {
                staged.held.get_or_insert(show(fault, line));
                Ok(())
            }
            _ => Err(fault),
        }
    }

    fn command(
        &mut self,
        number: u32,
        words: &[&str],
        counted: bool,
        counters: Option<Counters>,
    ) -> Result<(), Trouble> {
        let (file, echoes) = (self.is_file(), self.echoes());
        let program = self.cx.program;
        let Some(staged) = &mut self.staged else { return Ok(()) };
        let cx = RuleCx {
            family: program.family,
            dialect: program.dialect,
            table: staged.table.name,
            names: self.cx.names,
            strangers: if file { Strangers::Keep } else { Strangers::Refuse },
        };
        if let ["-A" | "--append", chain, rest @ ..] = words {
            let rule = &mut self.rule;
            let done = read_append_in(&mut self.room, rule, chain, rest, &cx, Some(&staged.table)).and_then(|loud| {
                count(rule, counters)?;
                if rule.family.is_some_and(|f| f != program.family) {
                    staged.section.plain = false;
                    rule.rule = Rule::default();
                    return Ok(None);
                }
                if file {
                    staged.section.counted |= counted;
                    staged.append(number, chain, rule)?;
                    return Ok(None);
                }
                Ok(Some((std::mem::take(rule), loud > 0)))
            });
            // The next rule begins where nothing has been said; nearly always this one has been taken out already.
            match &done {
                Ok(_) => rule.forget(),
                Err(_) => *rule = ReadRule::default(),
            }
            return match done? {
                Some((rule, loud)) => self.append(number, chain, rule, loud),
                None => Ok(()),
            };
        }
        let mut command = read_command(words, &cx, Setting::Restore(staged.table.name))?;
        if let Some(counters) = counters {
            if !matches!(command.verb, Verb::Append | Verb::Insert | Verb::Replace | Verb::Policy) {
                return Err(Trouble::usage("Illegal option `-c' with this command: it has nothing to count"));
            }
            count(&mut command.rule, Some(counters))?;
        }
        if command.family.is_some_and(|f| f != program.family) {
            staged.section.plain = false;
            return Ok(());
        }
        if echoes {
            command.verbose = command.verbose.max(1);
        }
        if file && command.verb == Verb::Append {
            staged.section.counted |= counted;
            let chain = command.chain.take().unwrap_or_default();
            return staged.append(number, &chain, &mut command.rule);
        }
        staged.section.plain = false;
        match command.verb {
            Verb::Help | Verb::Version => return Err(Trouble::usage("there is no help inside of restore text")),
            _ => {}
        }
        let cx = RunCx { program, names: self.cx.names, line: number, absent: !staged.made };
        if staged.held.is_some() {
            return Ok(());
        }
        staged.made |= command.makes_table(program.dialect);
        run(&mut command, &mut staged.table, &mut staged.refs, &cx, &mut staged.out)
    }

    /// A rule at the end of a chain of the table at hand.
    pub(in crate::syntax) fn append(
        &mut self,
        number: u32,
        chain: &str,
        rule: ReadRule,
        loud: bool,
    ) -> Result<(), Trouble> {
        let (program, names, verbose) = (self.cx.program, self.cx.names, self.echoes() || loud);
        let Some(staged) = &mut self.staged else { return Ok(()) };
        staged.refs = None;
        let (family, dialect) = (program.family, program.dialect);
        let listing = Listing { family, dialect, numeric: true, counters: false, exact: false, lines: false, names };
        let job = Job { verb: Verb::Append, number: None, verbose, listing: &listing };
        let cx = RunCx { program, names, line: number, absent: !staged.made };
        if staged.held.is_some() {
            return Ok(());
        }
        staged.made = true;
        let asked = Asked { verb: Verb::Append, chain, second: "", family };
        rules(&job, chain, rule, &mut staged.table, &cx, &mut staged.out)
            .map_err(|trouble| explain(trouble, &asked, &staged.table))
    }
}

/// Gives a rule the counters that stand before it on its line.
fn count(rule: &mut ReadRule, counters: Option<Counters>) -> Result<(), Trouble> {
    let Some(counters) = counters else { return Ok(()) };
    if rule.counted {
        return Err(Trouble::usage("multiple -c flags not allowed: the counters stand before the rule already"));
    }
    rule.rule.counters = counters;
    Ok(())
}

/// Why commands are not read that could be of several tables.
const UNCLEAR: &str = "these are commands as `iptables -S' prints them, and it cannot be told of which table: put a line \
    like `*nat' before them and COMMIT behind them";

/// What to do with texts that `iptables-restore` is not given.
const SCRIPT: &str = "these are commands of a shell script, which `sh' runs; `oxtables -f SCRIPT iptables-save' makes \
    restore text of plain ones";
const PRINTED: &str = "no table has been named yet: a line like `*filter' must come first. These are rules as `iptables -S' \
    prints them: put such a line before them and COMMIT behind them, or let `oxtables -f FILE iptables-save' do it";

/// A line of dashes, or a prompt, and no rule that has lost its table.
fn is_banner(body: &str) -> bool {
    match body.as_bytes() {
        [b'-', second, ..] => !second.is_ascii_alphabetic(),
        [b'[', second, ..] => !second.is_ascii_digit(),
        [b'-' | b'['] => true,
        _ => false,
    }
}

/// Whether a policy and counters are those of a built-in chain that nobody has touched.
pub(in crate::syntax) fn untouched(policy: Option<Policy>, counters: Counters) -> bool {
    policy.is_none_or(|p| p == Policy::Accept) && counters == Counters::default()
}
