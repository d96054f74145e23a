//! Lowering: `Ruleset` → `Program`.

use super::Hook;
use super::act::{Act, Verdict};
use super::pred::{Header, Pred};
use super::program::{BaseChain, ChainId, Op, Part, ProgChain, ProgRule, Program, Step};
use super::shares::Shares;
use crate::ext;
use crate::model::{Chain, Head, Policy, Rule, Ruleset, Standard, Table, TableName, Target};
use ox_packet::{Family, Field};
use rustc_hash::FxHashMap;

/// Whose details to follow where the two kernel back ends differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// iptables-nft: nf_tables expressions and nft_compat.
    #[default]
    Nft,
    /// iptables-legacy: ip_tables, ip6_tables.
    Legacy,
}

/// What an extension may want to know when it is lowered.
#[derive(Clone, Copy, Debug)]
pub struct Lowering<'a> {
    /// Family of the ruleset.
    pub family: Family,
    /// Dialect.
    pub dialect: Dialect,
    /// Table the rule stands in.
    pub table: TableName,
    /// The rule's own head (protocol and so on).
    pub head: &'a Head,
    /// What this rule and others have in common by name.
    pub shares: &'a Shares,
}

impl Lowering<'_> {
    /// A header read by an xt match: cut short, it drops the packet. In the nft dialect through nft_compat as well.
    pub fn xt_header(&self, bytes: u8) -> Pred {
        Pred::Header(Header { bytes, hotdrop: true })
    }

    /// A header read by what iptables-nft writes as payload expressions of its own.
    pub fn native_header(&self, bytes: u8) -> Pred {
        Pred::Header(Header { bytes, hotdrop: self.dialect == Dialect::Legacy })
    }
}

/// Lowers a ruleset. Chains that jumps name but that do not exist become acts that nobody knows (the parser refuses
/// them, a kernel dump cannot have them).
pub fn lower(ruleset: &Ruleset, dialect: Dialect) -> Program {
    let mut program = Program { family: ruleset.family, dialect, ..Program::default() };
    let shares = Shares::default();
    for (t, table) in ruleset.tables.iter().enumerate() {
        lower_table(&mut program, t as u32, table, &shares);
    }
    program.bases.sort_by_key(|b| (b.hook, b.priority));
    program
}

fn lower_table(program: &mut Program, t: u32, table: &Table, shares: &Shares) {
    let first = program.chains.len() as u32;
    let ids: FxHashMap<&str, ChainId> =
        table.chains.iter().enumerate().map(|(c, chain)| (chain.name.as_str(), ChainId(first + c as u32))).collect();
    for (c, chain) in table.chains.iter().enumerate() {
        let id = ChainId(first + c as u32);
        let start = program.rules.len() as u32;
        for rule in &chain.rules {
            lower_rule(program, table.name, id, rule, &ids, shares);
        }
        if let Some(base) = chain.base {
            program.bases.push(BaseChain {
                hook: base.hook,
                table: table.name,
                priority: priority(table.name, base.hook, program.dialect),
                chain: id,
            });
        }
        program.chains.push(ProgChain {
            origin: (t, c as u32),
            rules: start..program.rules.len() as u32,
            end: chain_end(chain),
        });
    }
}

fn chain_end(chain: &Chain) -> Verdict {
    match chain.base.map(|b| b.policy) {
        None => Verdict::Return,
        Some(Policy::Accept) => Verdict::Accept,
        Some(Policy::Drop) => Verdict::Drop,
    }
}

fn lower_rule(
    program: &mut Program,
    table: TableName,
    chain: ChainId,
    rule: &Rule,
    ids: &FxHashMap<&str, ChainId>,
    shares: &Shares,
) {
    let start = program.steps.len() as u32;
    let cx = Lowering { family: program.family, dialect: program.dialect, table, head: &rule.head, shares };
    lower_head(program, &cx);
    program.tracking |= rule.matches.iter().any(|m| m.tracks()) || rule.target.tracks();
    program.defrag |= rule.matches.iter().any(|m| m.defrags()) || rule.target.defrags();
    program.accounting |= rule.matches.iter().any(|m| m.accounts());
    for (i, m) in rule.matches.iter().enumerate() {
        push(program, Part::Match(i as u16), ext::pred(m, &cx));
    }
    let jump = |name: &str, make: fn(ChainId) -> Act| {
        ids.get(name).map_or(Act::Unknown("the chain it names does not exist"), |&id| make(id))
    };
    let act = match &rule.target {
        Target::None => Act::None,
        Target::Jump(name) => jump(name.as_str(), Act::Call),
        Target::Goto(name) => jump(name.as_str(), Act::Goto),
        Target::Standard(s) => Act::Verdict(match s {
            Standard::Accept => Verdict::Accept,
            Standard::Drop => Verdict::Drop,
            Standard::Return => Verdict::Return,
            Standard::Queue => Verdict::Queue { num: 0, total: 1, bypass: false, fanout: false },
        }),
        other => ext::act(other, &cx),
    };
    program.rules.push(ProgRule { chain, steps: start..program.steps.len() as u32, act });
}

/// Kernel: net/ipv4/netfilter/ip_tables.c `ip_packet_match`, net/ipv6/netfilter/ip6_tables.c `ip6_packet_match`.
fn lower_head(program: &mut Program, cx: &Lowering<'_>) {
    let Head { src, dst, iif, oif, proto, frag } = *cx.head;
    for (part, field, net) in [(Part::Src, Field::Src, src), (Part::Dst, Field::Dst, dst)] {
        if !net.is.is_any() || net.not {
            push(program, part, Pred::masked(field, net.is.mask(), net.is.addr()).not_if(net.not));
        }
    }
    for (part, field, iface) in [(Part::In, Field::Iif, iif), (Part::Out, Field::Oif, oif)] {
        if !iface.is.is_any() || iface.not {
            push(program, part, Pred::masked(field, iface.is.mask(), iface.is.number()).not_if(iface.not));
        }
    }
    if !proto.is_default() {
        if cx.family == Family::V6 {
            // Kernel: ip6_packet_match asks ipv6_find_hdr and drops what it cannot follow.
            push(program, Part::Proto, cx.native_header(0));
        }
        push(program, Part::Proto, Pred::eq(Field::Proto, proto.is.0).not_if(proto.not));
    }
    if let Some(further) = frag {
        push(program, Part::Frag, Pred::eq(Field::FragOff, 0u8).not_if(further));
    }
}

/// Appends a predicate as steps: conjunctions are laid flat, simple tests take their quick form.
fn push(program: &mut Program, part: Part, pred: Pred) {
    let op = match pred {
        Pred::Is(true) => return,
        Pred::All(of) => {
            for p in of {
                push(program, part, p);
            }
            return;
        }
        Pred::Not(inner) => match *inner {
            Pred::Not(p) => return push(program, part, *p),
            Pred::Test(t) => quick(program, t, true),
            other => Op::Tree(Box::new(Pred::Not(Box::new(other)))),
        },
        Pred::Test(t) => quick(program, t, false),
        Pred::Header(h) => Op::Header(h),
        other => Op::Tree(Box::new(other)),
    };
    program.steps.push(Step { part, op });
}

fn quick(program: &mut Program, t: super::Test, not: bool) -> Op {
    let bits = t.field.bits(program.family);
    if bits <= 32 {
        let all = u32::MAX >> (32 - bits);
        let (hi, never) = (t.hi.min(all.into()) as u32, t.lo > all.into());
        let lo = if never { 1 } else { t.lo as u32 };
        let hi = if never { 0 } else { hi };
        Op::Narrow { field: t.field, not, mask: t.mask as u32 & all, lo, hi }
    } else {
        program.wide.push(t);
        Op::Wide { field: t.field, not, test: program.wide.len() as u32 - 1 }
    }
}

/// iptables-nft hooks its security table up behind nat, not before it as the kernel's own tables stand (seen with
/// `nft list ruleset` on what iptables 1.8.9 makes).
fn priority(table: TableName, hook: Hook, dialect: Dialect) -> i32 {
    match (table, dialect) {
        (TableName::Security, Dialect::Nft) => 150,
        _ => table.priority(hook),
    }
}
