//! What the kernel refuses of a whole table: targets in the wrong place, loops, calls that go too deep.
//!
//! Kernel: nft: net/netfilter/nf_tables_api.c `nft_table_validate`, nft_compat.c `nft_target_validate`;
//! legacy: net/ipv4/netfilter/ip_tables.c `mark_source_chains`, x_tables.c `xt_check_match`.

use super::{Program, Refusal, shared};
use crate::ext::{Place, Refused};
use crate::ir::{Dialect, HookSet};
use crate::model::{Fresh, Head, Iface, Rule, Standard, Table, Target};

/// Deepest nesting of calls that nf_tables takes, counted in chains below a built-in one
/// (Kernel: include/net/netfilter/nf_tables.h `NFT_JUMP_STACK_SIZE`, less the built-in chain itself).
const DEEPEST: usize = 15;

/// Refusals that are told. Whose text has more of them looks at the first ones first.
const MOST_TOLD: usize = 200;

/// Whether the kernel would take a table as it stands. Faults that were there before (no rule of them is new or
/// changed) are not held against an edit.
///
/// # Errors
/// Every refusal, in the order of the lines that asked, and where rules share a line in that of the chains. What only the
/// whole table shows (loops, depth) comes last, as the kernel asks about it last.
pub fn admit(table: &Table, program: Program) -> Result<(), Vec<Refusal>> {
    if !table.chains.iter().any(|c| c.rules.iter().any(is_new)) {
        return Ok(());
    }
    let graph = Graph::new(table, program.dialect);
    let (reach, whole) = graph.walk(table, program);
    let mut refusals = Vec::new();
    let new_jump = graph.calls.iter().flatten().any(|call| is_new(&table.chains[call.from].rules[call.rule]));
    'table: for (c, chain) in table.chains.iter().enumerate() {
        for (r, rule) in chain.rules.iter().enumerate() {
            if !is_new(rule) && !new_jump {
                continue;
            }
            let place = Place {
                family: program.family,
                table: table.name,
                hooks: if r < graph.ends[c] { reach[c] } else { HookSet::NONE },
                base: chain.base.is_some(),
                head: &rule.head,
                matches: &rule.matches,
                dialect: program.dialect,
            };
            if let Err(refused) = rule_fits(rule, &place) {
                let by_hook = rule_fits(rule, &Place { hooks: HookSet::NONE, ..place }).is_ok();
                let blamed = if by_hook { graph.newest_above(table, &reach, c, r) } else { (c, r) };
                let rule = &table.chains[blamed.0].rules[blamed.1];
                let chain = table.chains[blamed.0].name.as_str();
                refusals.push(refuse(rule, chain, refused));
                if refusals.len() == MOST_TOLD {
                    break 'table;
                }
            }
        }
    }
    refusals.extend(shared::disagreements(table).take(MOST_TOLD));
    refusals.sort_by_key(|r| r.line);
    refusals.dedup();
    refusals.extend(whole);
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}

pub(super) fn is_new(rule: &Rule) -> bool {
    rule.origin.fresh != Fresh::Kept
}

/// The refusal of a rule that is new.
pub(super) fn refuse(rule: &Rule, chain: &str, refused: Refused) -> Refusal {
    let Refused { errno, why } = refused;
    Refusal { act: rule_act(rule), chain: chain.to_owned(), errno, why, line: rule.origin.line }
}

fn rule_act(rule: &Rule) -> &'static str {
    match rule.origin.fresh {
        Fresh::Changed => "RULE_REPLACE",
        _ => "RULE_APPEND",
    }
}

fn rule_fits(rule: &Rule, place: &Place<'_>) -> Result<(), Refused> {
    let Head { src, dst, .. } = rule.head;
    if place.dialect == Dialect::Nft && ((src.not && src.is.is_any()) || (dst.not && dst.is.is_any())) {
        return Err(Refused::invalid("no packet is without an address, so `!' of all addresses never matches"));
    }
    for m in &rule.matches {
        m.admit(place)?;
    }
    rule.target.admit(place)
}

/// A jump or goto.
#[derive(Clone, Copy)]
struct Call {
    from: usize,
    rule: usize,
    to: usize,
}

/// Which chain calls which.
struct Graph {
    calls: Vec<Vec<Call>>,
    /// Rules of each chain that can be reached at all: in legacy none behind one that always gives a verdict.
    ends: Vec<usize>,
    dialect: Dialect,
}

impl Graph {
    fn new(table: &Table, dialect: Dialect) -> Self {
        let mut calls = Vec::with_capacity(table.chains.len());
        let mut ends = Vec::with_capacity(table.chains.len());
        for (from, chain) in table.chains.iter().enumerate() {
            let stop = match dialect {
                Dialect::Nft => None,
                Dialect::Legacy => chain.rules.iter().position(always_ends),
            };
            let end = stop.map_or(chain.rules.len(), |i| i + 1);
            let mut list = Vec::new();
            for (rule, r) in chain.rules[..end].iter().enumerate() {
                if let Target::Jump(name) | Target::Goto(name) = &r.target
                    && let Some(to) = table.position(name.as_str())
                {
                    list.push(Call { from, rule, to });
                }
            }
            calls.push(list);
            ends.push(end);
        }
        Self { calls, ends, dialect }
    }

    /// From which hooks each chain is reached; and the refusal of a loop, or for nft of nesting that is too deep.
    fn walk(&self, table: &Table, program: Program) -> (Vec<HookSet>, Option<Refusal>) {
        let mut refusal = None;
        let n = table.chains.len();
        let mut reach = vec![HookSet::NONE; n];
        // Chains in the order in which a depth-first walk leaves them, and how deep each one's calls go.
        let mut state = vec![State::Unseen; n];
        let mut left = Vec::with_capacity(n);
        let mut path: Vec<(usize, usize)> = Vec::new();
        for start in (0..n).filter(|&i| table.chains[i].base.is_some()) {
            path.push((start, 0));
            state[start] = State::Open;
            while let Some((chain, next)) = path.last_mut() {
                let chain = *chain;
                let Some(&call) = self.calls[chain].get(*next) else {
                    state[chain] = State::Left;
                    left.push(chain);
                    path.pop();
                    continue;
                };
                *next += 1;
                match state[call.to] {
                    State::Unseen => {
                        state[call.to] = State::Open;
                        path.push((call.to, 0));
                    }
                    // One circle is told, however many there are.
                    State::Open if refusal.is_some() => {}
                    State::Open => {
                        let from = path.iter().position(|p| p.0 == call.to).unwrap_or(0);
                        let round: Vec<Call> = path[from..]
                            .iter()
                            .filter_map(|&(c, i)| self.calls[c].get(i.wrapping_sub(1)))
                            .copied()
                            .collect();
                        let all = path.iter().filter_map(|&(c, i)| self.calls[c].get(i.wrapping_sub(1))).copied();
                        if let Some(blamed) = blame(table, all) {
                            let names: Vec<_> = round.iter().map(|c| table.chains[c.from].name.as_str()).collect();
                            let why = format!(
                                "the chains call each other in a circle: {} -> {}",
                                names.join(" -> "),
                                names[0]
                            );
                            refusal.get_or_insert_with(|| self.refuse(table, blamed, why));
                        }
                    }
                    State::Left => {}
                }
            }
        }
        // Callers before the called: the order of leaving, backwards.
        for &chain in left.iter().rev() {
            if let Some(base) = table.chains[chain].base {
                reach[chain] = HookSet(reach[chain].0 | HookSet::of(&[base.hook]).0);
            }
            for call in &self.calls[chain] {
                reach[call.to] = HookSet(reach[call.to].0 | reach[chain].0);
            }
        }
        if refusal.is_none() && program.dialect == Dialect::Nft {
            refusal = self.depth(table, &left);
        }
        (reach, refusal)
    }

    fn depth(&self, table: &Table, left: &[usize]) -> Option<Refusal> {
        let mut below: Vec<(usize, Option<Call>)> = vec![(0, None); table.chains.len()];
        for &chain in left {
            for &call in &self.calls[chain] {
                let depth = below[call.to].0 + 1;
                if depth > below[chain].0 {
                    below[chain] = (depth, Some(call));
                }
            }
        }
        let too_deep = |c: &usize| table.chains[*c].base.is_some() && below[*c].0 > DEEPEST;
        for &start in left.iter().filter(|c| too_deep(c)) {
            let mut calls = Vec::new();
            let mut at = start;
            while let Some(call) = below[at].1 {
                calls.push(call);
                at = call.to;
            }
            let depth = calls.len();
            if let Some(blamed) = blame(table, calls.into_iter()) {
                let name = table.chains[start].name.as_str();
                let why = format!("calls from {name} would nest {depth} deep, and {DEEPEST} is the most");
                return Some(self.refuse(table, blamed, why));
            }
        }
        None
    }

    /// The newest of a rule and the calls by which its chain is reached: the one that the kernel would refuse.
    fn newest_above(&self, table: &Table, reach: &[HookSet], chain: usize, rule: usize) -> (usize, usize) {
        let line = |at: (usize, usize)| {
            let rule = &table.chains[at.0].rules[at.1];
            is_new(rule).then_some(rule.origin.line)
        };
        let mut above = vec![false; table.chains.len()];
        above[chain] = true;
        let mut newest = (chain, rule);
        // Each round goes one call up; there are no more rounds than chains.
        let mut grew = true;
        while grew {
            grew = false;
            for call in self.calls.iter().flatten() {
                if !above[call.to] || reach[call.from] == HookSet::NONE {
                    continue;
                }
                grew |= !std::mem::replace(&mut above[call.from], true);
                let at = (call.from, call.rule);
                if line(at) > line(newest) {
                    newest = at;
                }
            }
        }
        newest
    }

    fn refuse(&self, table: &Table, call: Call, why: String) -> Refusal {
        let rule = &table.chains[call.from].rules[call.rule];
        let errno = match self.dialect {
            Dialect::Nft => "Too many links",
            Dialect::Legacy => "Too many levels of symbolic links",
        };
        refuse(rule, table.chains[call.from].name.as_str(), Refused { errno, why })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    Open,
    Left,
}

/// The newest of some calls: the one without which nothing would be wrong. `None`: none of them is new.
fn blame(table: &Table, calls: impl Iterator<Item = Call>) -> Option<Call> {
    calls
        .filter(|c| is_new(&table.chains[c.from].rules[c.rule]))
        .max_by_key(|c| table.chains[c.from].rules[c.rule].origin.line)
}

/// Kernel: ip_tables.c `unconditional` and a verdict below zero.
fn always_ends(rule: &Rule) -> bool {
    let Head { src, dst, iif, oif, proto, frag } = rule.head;
    let any = |i: crate::model::Inv<Iface>| i.is.is_any() && !i.not;
    let verdict =
        matches!(rule.target, Target::Standard(Standard::Accept | Standard::Drop | Standard::Return | Standard::Queue));
    verdict
        && rule.matches.is_empty()
        && src.is_default()
        && dst.is_default()
        && any(iif)
        && any(oif)
        && proto.is_default()
        && frag.is_none()
}
