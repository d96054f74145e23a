//! Doing what a [`Command`] says, to a table.
//!
//! Facts: what is printed, and which of two refusals comes first, from iptables 1.8.9, nft and legacy.

use super::command::{Command, Verb, chain_name, policy};
use super::list::{Listing, list_rules};
use super::why::{Asked, explain};
use super::{JsonOf, Names, Out, Program, ReadRule, Refusal, Trouble, admit, json};
use crate::ir::Dialect;
use crate::model::{Chain, Counters, EditError, Fresh, Policy, References, Rule, Table, Target};

/// What doing a command needs to know.
#[derive(Clone, Copy)]
pub struct RunCx<'a> {
    /// Who speaks.
    pub program: Program,
    /// Who knows names.
    pub names: &'a dyn Names,
    /// Line of the restore text, 0 on a command line.
    pub line: u32,
    /// The table is not there yet, and what is given in its place is a new one.
    pub absent: bool,
}

impl Command {
    /// Whether doing it makes a table that is not there. nft only lists the built-in chains of such a table, and has
    /// nothing to flush in it; legacy makes it as soon as anybody asks.
    pub fn makes_table(&self, dialect: Dialect) -> bool {
        match self.verb {
            _ if dialect == Dialect::Legacy => true,
            Verb::Flush => self.chain.is_some() || self.verbose > 0,
            Verb::Remove => self.chain.is_some(),
            Verb::Zero => false,
            verb => verb.edits(),
        }
    }
}

/// Does a command to its table, and prints what it prints. What the kernel would say to the rules is not asked here.
///
/// `refs` are the table's references if they are known; they are forgotten when rules change.
///
/// # Errors
/// What is wrong; the table may then be half changed and must be thrown away.
pub fn run(
    command: &mut Command,
    table: &mut Table,
    refs: &mut Option<References>,
    cx: &RunCx<'_>,
    out: &mut Out,
) -> Result<(), Trouble> {
    let nowhere = cx.absent && cx.program.dialect == Dialect::Nft;
    if nowhere && matches!((command.verb, &command.chain), (Verb::Remove, Some(_))) {
        return Err(EditError::NoChain.into());
    }
    if nowhere && command.verb == Verb::Zero && command.number.is_some() {
        return Err(EditError::NoRule.into());
    }
    run_on(command, table, refs, cx, out).map_err(|trouble| match trouble {
        // Where no rule ever was, the chain is what is missing.
        Trouble::Edit(EditError::DeleteIndex | EditError::ReplaceIndex) if nowhere => EditError::NoChain.into(),
        trouble => {
            let (chain, second) = (command.chain.as_deref().unwrap_or_default(), command.second.as_str());
            explain(trouble, &Asked { verb: command.verb, chain, second, family: cx.program.family }, table)
        }
    })
}

fn run_on(
    command: &mut Command,
    table: &mut Table,
    refs: &mut Option<References>,
    cx: &RunCx<'_>,
    out: &mut Out,
) -> Result<(), Trouble> {
    let Command { verb, zero, numeric, exact, lines, number, .. } = *command;
    let counters = command.verbose > 0;
    let dialect = cx.program.dialect;
    let listing = Listing { family: cx.program.family, dialect, numeric, counters, exact, lines, names: cx.names };
    let chain = command.chain.clone();
    let chain = chain.as_deref();
    match verb {
        Verb::Delete if number.is_some() => {
            *refs = None;
            table.delete_at(chain.unwrap_or_default(), number.unwrap_or_default())?;
        }
        Verb::Append | Verb::Insert | Verb::Replace | Verb::Check | Verb::Delete => {
            if verb.edits() {
                *refs = None;
            }
            let job = Job { verb, number, verbose: counters, listing: &listing };
            rules(&job, chain.unwrap_or_default(), std::mem::take(&mut command.rule), table, cx, out)?;
        }
        Verb::List | Verb::ListRules => {
            let one = match chain {
                Some(name) => Some(table.chain(name).ok_or(EditError::NoChain)?),
                None => None,
            };
            match verb {
                _ if command.json => {
                    let what =
                        JsonOf { family: cx.program.family, chain: one, rule: number, listing: verb == Verb::List };
                    json(&[&*table], what, out, &mut |_| {});
                }
                Verb::List => listing.table(table, one, number, out),
                _ => list_rules(table, one, number, cx.program.family, counters, out),
            }
            if zero {
                say_each(counters && !command.json, "Zeroing", table, chain, out);
                table.zero(chain, None)?;
            }
        }
        Verb::Flush => {
            *refs = None;
            if dialect == Dialect::Legacy {
                say_missing(counters, "Flushing", table, chain, out);
            }
            table.flush(chain)?;
            say_each(counters, "Flushing", table, chain, out);
        }
        Verb::Zero => {
            if dialect == Dialect::Legacy {
                say_missing(counters && number.is_none(), "Zeroing", table, chain, out);
            }
            zero_counters(table, chain, number, dialect)?;
            say_each(counters && number.is_none(), "Zeroing", table, chain, out);
        }
        Verb::New => table.create(chain.unwrap_or_default())?,
        Verb::Remove => remove(table, chain, refs, counters, cx, out)?,
        Verb::Policy => {
            let name = chain.unwrap_or_default();
            // nft looks at the policy first.
            if dialect == Dialect::Nft {
                policy(&command.second)?;
            }
            if table.chain(name).is_none_or(|c| c.base.is_none()) {
                return Err(EditError::NotBuiltin.into());
            }
            // nft takes `-c` here and forgets it.
            let counted = command.rule.counted && dialect == Dialect::Legacy;
            let counters = counted.then_some(command.rule.rule.counters);
            table.set_policy(name, policy(&command.second)?, counters.unwrap_or_default())?;
        }
        Verb::Rename => {
            let old = chain.unwrap_or_default();
            let verdict = ["ACCEPT", "DROP", "QUEUE", "RETURN"].contains(&command.second.as_str());
            if verdict && dialect == Dialect::Nft && table.chain(old).is_none() {
                return Err(EditError::NoChain.into());
            }
            if table.chain(old).is_some_and(|c| c.base.is_none()) && table.chain(&command.second).is_none() {
                match chain_name(&command.second, cx.program.family) {
                    // A verdict's name is said to be taken, as legacy says it.
                    Err(_) if verdict => {}
                    result => result?,
                }
            }
            *refs = None;
            table.rename(old, &command.second)?;
        }
        _ => {}
    }
    Ok(())
}

/// `-Z`
fn zero_counters(
    table: &mut Table,
    chain: Option<&str>,
    number: Option<usize>,
    dialect: Dialect,
) -> Result<(), EditError> {
    match table.zero(chain, number) {
        // nft asks for a rule that is not there, and nobody answers.
        Err(EditError::ZeroIndex) if dialect == Dialect::Nft => Ok(()),
        Err(EditError::NoChain) if dialect == Dialect::Nft && number.is_some() => Err(EditError::NoRule),
        result => result,
    }
}

/// What is to be done with a rule.
pub(super) struct Job<'a> {
    pub(super) verb: Verb,
    pub(super) number: Option<usize>,
    pub(super) verbose: bool,
    pub(super) listing: &'a Listing<'a>,
}

impl Job<'_> {
    /// Whether the rule that stands at the number is looked for before anything is said.
    fn looks_first(&self) -> bool {
        self.listing.dialect == Dialect::Nft && matches!(self.verb, Verb::Replace | Verb::Insert)
    }
}

/// The commands that name a rule.
pub(super) fn rules(
    job: &Job<'_>,
    chain: &str,
    mut read: ReadRule,
    table: &mut Table,
    cx: &RunCx<'_>,
    out: &mut Out,
) -> Result<(), Trouble> {
    let verb = job.verb;
    let at = table.position(chain);
    let goto = matches!(read.rule.target, Target::Goto(_));
    if let Target::Jump(name) | Target::Goto(name) = &mut read.rule.target {
        let Some(to) = table.position(name.as_str()) else {
            return Err(Trouble::Missing(name.as_str().to_owned(), goto, read.target_word));
        };
        let to = &table.chains[to];
        let entered = to.base.is_some() && !matches!(verb, Verb::Check | Verb::Delete);
        *name = to.name.clone();
        if let Some(at) = at.filter(|_| entered) {
            let name = name.clone();
            let count = table.chains[at].rules.len();
            match (verb, job.number) {
                (Verb::Insert, Some(n)) if n > count + 1 => return Err(EditError::InsertIndex.into()),
                (Verb::Replace, Some(n)) if n > count => return Err(EditError::ReplaceIndex.into()),
                _ if job.verbose => read.clone().into_rules().iter().for_each(|rule| job.listing.echo(rule, out)),
                _ => {}
            }
            let act = act(verb, job.number, count);
            return Err(refused_match(act, table, at, read.rule, cx)
                .unwrap_or_else(|| to_builtin(act, chain, name.as_str(), cx).into()));
        }
    }
    let Some(at) = at else {
        let seek = matches!(verb, Verb::Check | Verb::Delete);
        if job.verbose && !job.looks_first() && (!seek || job.listing.dialect == Dialect::Legacy) {
            // Legacy tries every address, nft only the first.
            let legacy = job.listing.dialect == Dialect::Legacy;
            let tried = if legacy { read.into_rules() } else { vec![read.rule] };
            tried.iter().for_each(|rule| job.listing.echo(rule, out));
        }
        return Err(if seek { EditError::NoRule } else { EditError::NoChain }.into());
    };
    read.rule.origin.line = cx.line;
    read.rule.origin.fresh = Fresh::New;
    if !read.is_several() {
        return one(job, table, at, read.rule, out);
    }
    // Inserted at one place, each pushes the one before it down, in stock too.
    let rules = read.into_rules();
    let mut done = Ok(());
    for rule in rules {
        // Legacy goes on with the next address, and fails in the end.
        match one(job, table, at, rule, out) {
            Err(trouble) if job.listing.dialect == Dialect::Legacy => done = Err(trouble),
            result => result?,
        }
    }
    done
}

fn one(job: &Job<'_>, table: &mut Table, at: usize, rule: Rule, out: &mut Out) -> Result<(), Trouble> {
    let seek = matches!(job.verb, Verb::Check | Verb::Delete);
    let count = table.chains[at].rules.len();
    let beyond = job.number.is_some_and(|n| n > count + usize::from(job.verb == Verb::Insert));
    if job.verbose && (!seek || job.listing.dialect == Dialect::Legacy) && !(beyond && job.looks_first()) {
        job.listing.echo(&rule, out);
    }
    let name = table.chains[at].name.clone();
    match job.verb {
        Verb::Append => table.chains[at].rules.push(rule),
        Verb::Insert => table.insert(name.as_str(), job.number.unwrap_or(1), rule)?,
        Verb::Replace => table.replace(name.as_str(), job.number.unwrap_or(1), rule)?,
        _ => {
            let rules = &mut table.chains[at].rules;
            // Legacy asks for the target last, and then that is what it did not find.
            let missing = match (&rule.target, job.listing.dialect) {
                (Target::None | Target::Standard(_), _) | (_, Dialect::Nft) => EditError::NoRule,
                (_, Dialect::Legacy) => EditError::NoChain,
            };
            let found = rules.iter().position(|r| r.same(&rule)).ok_or(missing)?;
            // nft says nothing of a rule that it does not find.
            if job.verbose && job.listing.dialect == Dialect::Nft {
                job.listing.echo(&rule, out);
            }
            if job.verb == Verb::Delete {
                rules.remove(found);
            }
        }
    }
    Ok(())
}

/// What nft's kernel refuses of a rule before it comes to its target.
fn refused_match(act: &'static str, table: &mut Table, at: usize, mut rule: Rule, cx: &RunCx<'_>) -> Option<Trouble> {
    if cx.program.dialect != Dialect::Nft {
        return None;
    }
    rule.target = Target::None;
    rule.origin.line = cx.line;
    rule.origin.fresh = Fresh::New;
    table.chains[at].rules.push(rule);
    let mut refusals = admit(table, cx.program).err().unwrap_or_default();
    table.chains[at].rules.pop();
    refusals.retain(|r| r.line == cx.line && r.chain == table.chains[at].name.as_str());
    refusals.iter_mut().for_each(|r| r.act = act);
    (!refusals.is_empty()).then_some(Trouble::Kernel(refusals))
}

/// A jump to a built-in chain.
fn to_builtin(act: &'static str, chain: &str, name: &str, cx: &RunCx<'_>) -> Refusal {
    Refusal {
        act,
        chain: chain.to_owned(),
        errno: match cx.program.dialect {
            Dialect::Nft => "Operation not supported",
            Dialect::Legacy => "Invalid argument",
        },
        why: format!("{name} is a built-in chain, and only the kernel's hooks enter those"),
        line: cx.line,
    }
}

/// What nft is asked to do for a command on a chain with so many rules: it appends what is inserted behind the last one.
pub fn act(verb: Verb, number: Option<usize>, count: usize) -> &'static str {
    match verb {
        Verb::Insert if number.is_some_and(|n| n > 1 && n == count + 1) => "RULE_APPEND",
        Verb::Insert => "RULE_INSERT",
        Verb::Replace => "RULE_REPLACE",
        _ => "RULE_APPEND",
    }
}

/// `-X`
fn remove(
    table: &mut Table,
    chain: Option<&str>,
    refs: &mut Option<References>,
    verbose: bool,
    cx: &RunCx<'_>,
    out: &mut Out,
) -> Result<(), Trouble> {
    let refs: &References = refs.get_or_insert_with(|| table.references());
    let names: Vec<String> = match chain {
        Some(name) => vec![name.to_owned()],
        None => table.in_order().iter().filter(|c| c.base.is_none()).map(|c| c.name.as_str().to_owned()).collect(),
    };
    let legacy = cx.program.dialect == Dialect::Legacy;
    if verbose {
        for name in names.iter().filter(|n| legacy || table.chain(n).is_some_and(|c| c.base.is_none())) {
            out.fmt(format_args!("Deleting chain `{name}'\n"));
        }
    }
    let mut failed = Ok(());
    for name in names {
        if let (Dialect::Nft, Some(built_in)) =
            (cx.program.dialect, table.chain_mut(&name).filter(|c| c.base.is_some()))
        {
            remove_built_in(built_in, cx)?;
            continue;
        }
        let removed = table.remove(&name, refs).map_err(|e| match e {
            EditError::InUse | EditError::NotEmpty if cx.program.dialect == Dialect::Nft => {
                let count = refs.get(name.as_str()).copied().unwrap_or(0);
                let rules = table.chain(&name).map_or(0, |c| c.rules.len());
                let why = match (count, rules) {
                    (0, n) => format!("{name} still has {n} rule{}", if n == 1 { "" } else { "s" }),
                    (1, _) => format!("one rule jumps to {name}"),
                    (n, _) => format!("{n} rules jump to {name}"),
                };
                let errno = "Device or resource busy";
                Trouble::from(Refusal { act: "CHAIN_DEL", chain: name.clone(), errno, why, line: cx.line })
            }
            e => e.into(),
        });
        // nft stops at the first that it cannot remove; legacy tries them all, and complains about the last.
        match removed {
            Err(trouble) if legacy => failed = Err(trouble),
            removed => removed?,
        }
    }
    if chain.is_none() && !legacy {
        // Built-in chains of which nothing would be lost go too, and with them what they have counted.
        let open = |c: &&mut Chain| c.base.is_some_and(|b| b.policy == Policy::Accept) && c.rules.is_empty();
        table.chains.iter_mut().filter(open).for_each(|c| c.counters = Counters::default());
    }
    failed
}

/// nft removes a built-in chain as well, if nothing would be lost; it comes again with the first rule.
fn remove_built_in(chain: &mut Chain, cx: &RunCx<'_>) -> Result<(), Trouble> {
    if chain.base.is_some_and(|b| b.policy != Policy::Accept) {
        return Err(EditError::HasPolicy.into());
    }
    if !chain.rules.is_empty() {
        let (name, errno) = (chain.name.as_str().to_owned(), "Device or resource busy");
        let why = format!("{name} has rules");
        return Err(Refusal { act: "CHAIN_DEL", chain: name, errno, why, line: cx.line }.into());
    }
    chain.counters = Counters::default();
    Ok(())
}

/// Legacy says what it does before it looks for the chain.
fn say_missing(verbose: bool, what: &str, table: &Table, chain: Option<&str>, out: &mut Out) {
    if let Some(name) = chain.filter(|name| verbose && table.chain(name).is_none()) {
        out.fmt(format_args!("{what} chain `{name}'\n"));
    }
}

/// `Flushing chain `X'` and its like, for every chain meant.
fn say_each(verbose: bool, what: &str, table: &Table, chain: Option<&str>, out: &mut Out) {
    if !verbose {
        return;
    }
    let wanted = |c: &&Chain| chain.is_none_or(|name| c.name.as_str() == name);
    for chain in table.in_order().into_iter().filter(wanted) {
        out.fmt(format_args!("{what} chain `{}'\n", chain.name.as_str()));
    }
}
