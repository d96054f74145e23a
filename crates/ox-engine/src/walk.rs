//! The walk: how a packet goes through a chain. This is the specification; whatever is faster must agree with it.
//!
//! Kernel: net/ipv4/netfilter/ip_tables.c `ipt_do_table`, net/netfilter/nf_tables_core.c `nft_do_chain`.
//!
//! Tracing is a type parameter: `walk::<_, Off>` compiles to nothing but the walk, and what `trace` shows is this very
//! function with a recorder plugged in. There is no second walker.

use crate::counter::Counters;
use crate::trace::{Entered, Tracer};
use ox_packet::{Field, Shape};
use ox_rules::ir::{
    Act, At, ChainId, Conn, ConnKind, Dir, Env, Header, Hook, LogSpec, NatSpec, Op, Packet, Pred, Program, RejectWith,
    RuleId, Stop, Verdict,
};

/// What is being walked: a packet, its connection, and where it is.
#[derive(Debug)]
pub struct Subject {
    /// The packet.
    pub packet: Packet,
    /// What rules can see of its connection: a copy, made when a rule first looks ([`Host::attend`]).
    pub conn: Option<Conn>,
    /// How the packet relates to the connection.
    pub kind: ConnKind,
    /// Which way it goes.
    pub dir: Dir,
    /// Where it is.
    pub hook: Hook,
}

/// What a walk needs of its surroundings beyond answers: the acts that reach outside the packet.
pub trait Host: Env {
    /// A rule is about to look at the subject's connection: it must be there, if it has one.
    fn attend(&mut self, subject: &mut Subject);
    /// Sets up address translation for the subject's connection.
    fn nat(&mut self, spec: &NatSpec, subject: &mut Subject) -> Verdict;
    /// Answers with an error; the packet is then dropped.
    fn reject(&mut self, with: RejectWith, subject: &mut Subject);
    /// Writes a log record.
    fn log(&mut self, spec: &LogSpec, subject: &Subject);
    /// A question nobody can answer: which side to follow.
    fn undecided(&mut self, why: &'static str) -> bool;
    /// The header of the packet changed: `field = value`.
    fn set(&mut self, field: Field, mask: u32, value: u32, subject: &mut Subject);
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// What becomes of the packet. Never `Return` or `Continue`.
    pub verdict: Verdict,
    /// The rule that said so; `None` when a chain's policy did.
    pub rule: Option<RuleId>,
    /// A match dropped the packet before any rule could decide (`par->hotdrop`).
    pub hotdrop: bool,
}

/// A program with its counters, and the number its sites are offset by among the host's state cells.
#[derive(Debug)]
pub struct Walked<'a> {
    /// The program.
    pub program: &'a Program,
    /// Its counters.
    pub counters: &'a mut Counters,
    /// Added to every site.
    pub site_base: u32,
    /// Room for the chains to go back to, so that a walk allocates nothing.
    pub calls: &'a mut Vec<(ChainId, u32)>,
}

/// Chains deep in each other: beyond this the ruleset has a loop that nobody refused.
const DEEPEST: usize = 4096;

/// Walks a built-in chain.
pub fn walk<H: Host, T: Tracer>(
    on: &mut Walked<'_>,
    base: ChainId,
    subject: &mut Subject,
    host: &mut H,
    tracer: &mut T,
) -> End {
    let program = on.program;
    on.calls.clear();
    let mut chain = base;
    let mut next = program.chains[chain.0 as usize].rules.start;
    tracer.enter(program, chain, Entered::Hook);
    loop {
        let here = &program.chains[chain.0 as usize];
        if next >= here.rules.end {
            match on.calls.pop() {
                Some((caller, at)) => {
                    tracer.leave(program, chain, None);
                    (chain, next) = (caller, at);
                    continue;
                }
                None => return finish(on, base, chain, subject, tracer),
            }
        }
        let id = RuleId(next);
        let rule = &program.rules[next as usize];
        next += 1;
        match matches(on, id, subject, host, tracer) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(Stop::Hotdrop) => return End { verdict: Verdict::Drop, rule: Some(id), hotdrop: true },
            // `matches` has asked the host about what cannot be decided.
            Err(Stop::Unknown(_)) => continue,
        }
        on.counters.rule(id, subject.packet.key.len);
        tracer.hit(program, id, subject);
        let verdict = match &rule.act {
            Act::None => Verdict::Continue,
            Act::Verdict(v) => *v,
            Act::Call(to) | Act::Goto(to) => {
                let goto = matches!(rule.act, Act::Goto(_));
                if !goto {
                    if on.calls.len() >= DEEPEST {
                        return End { verdict: Verdict::Drop, rule: Some(id), hotdrop: true };
                    }
                    on.calls.push((chain, next));
                }
                tracer.enter(program, *to, if goto { Entered::Goto } else { Entered::Call });
                chain = *to;
                next = program.chains[chain.0 as usize].rules.start;
                continue;
            }
            act => perform(on, id, act, subject, host, tracer),
        };
        tracer.acted(program, id, verdict, subject);
        match verdict {
            Verdict::Continue => {}
            Verdict::Return => match on.calls.pop() {
                Some((caller, at)) => {
                    tracer.leave(program, chain, Some(id));
                    (chain, next) = (caller, at);
                }
                None => return finish(on, base, chain, subject, tracer),
            },
            verdict => return End { verdict, rule: Some(id), hotdrop: false },
        }
    }
}

/// The end of the built-in chain: its policy counts and decides.
fn finish<T: Tracer>(on: &mut Walked<'_>, base: ChainId, last: ChainId, subject: &Subject, tracer: &mut T) -> End {
    on.counters.policy(base, subject.packet.key.len);
    let verdict = on.program.chains[base.0 as usize].end;
    tracer.policy(on.program, base, last, verdict);
    End { verdict, rule: None, hotdrop: false }
}

/// Whether every step of a rule holds. A question that cannot be decided is put to the host, which chooses a side.
#[inline]
fn matches<H: Host, T: Tracer>(
    on: &Walked<'_>,
    id: RuleId,
    subject: &mut Subject,
    host: &mut H,
    tracer: &mut T,
) -> Result<bool, Stop> {
    let rule = &on.program.rules[id.0 as usize];
    for s in rule.steps.clone() {
        let step = &on.program.steps[s as usize];
        let holds = match &step.op {
            Op::Narrow { field, not, mask, lo, hi } => {
                let v = subject.packet.key.narrow(*field) & mask;
                (*lo <= v && v <= *hi) != *not
            }
            Op::Wide { field, not, test } => {
                on.program.wide[*test as usize].holds(subject.packet.key.get(*field)) != *not
            }
            Op::Header(header) => readable(*header, subject.packet.key.shape, subject.packet.transport().len())?,
            Op::Tree(pred) => match holds(pred, on.site_base + s, subject, host) {
                Err(Stop::Unknown(why)) => {
                    let side = host.undecided(why);
                    tracer.undecided(on.program, id, s, why, side);
                    side
                }
                answer => answer?,
            },
        };
        if !holds {
            tracer.miss(on.program, id, s, subject);
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a transport header can be read. See [`Header`].
#[inline]
fn readable(header: Header, shape: Shape, there: usize) -> Result<bool, Stop> {
    let short = if shape.any(Shape::NOL4) {
        true
    } else if header.bytes == 0 {
        false
    } else if shape.any(Shape::FRAGMENT) {
        return Ok(false);
    } else {
        there < header.bytes.into()
    };
    match (short, header.hotdrop) {
        (false, _) => Ok(true),
        (true, true) => Err(Stop::Hotdrop),
        (true, false) => Ok(false),
    }
}

fn holds<H: Host>(pred: &Pred, site: u32, subject: &mut Subject, host: &mut H) -> Result<bool, Stop> {
    match pred {
        Pred::Is(b) => Ok(*b),
        Pred::Test(t) => Ok(t.holds(subject.packet.key.get(t.field))),
        Pred::Header(h) => readable(*h, subject.packet.key.shape, subject.packet.transport().len()),
        Pred::Not(p) => holds(p, site, subject, host).map(|b| !b),
        Pred::All(of) => {
            for p in of {
                if !holds(p, site, subject, host)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Pred::Any(of) => {
            for p in of {
                if holds(p, site, subject, host)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Pred::Native(n) => n.eval.eval(&mut at(subject, site, host)),
    }
}

fn at<'a, H: Host>(subject: &'a mut Subject, site: u32, host: &'a mut H) -> At<'a> {
    host.attend(subject);
    let Subject { packet, conn, kind, dir, hook } = subject;
    At { packet, conn: conn.as_mut(), kind: *kind, dir: *dir, hook: *hook, site, env: host }
}

/// Does what a target does that is neither a verdict nor a jump.
fn perform<H: Host, T: Tracer>(
    on: &Walked<'_>,
    id: RuleId,
    act: &Act,
    subject: &mut Subject,
    host: &mut H,
    tracer: &mut T,
) -> Verdict {
    match act {
        Act::None | Act::Verdict(_) | Act::Call(_) | Act::Goto(_) => Verdict::Continue,
        Act::Set { field, mask, value } => {
            host.set(*field, *mask, *value, subject);
            Verdict::Continue
        }
        Act::Nat(spec) => host.nat(spec, subject),
        Act::Reject(with) => {
            host.reject(*with, subject);
            Verdict::Drop
        }
        Act::Log(spec) => {
            host.log(spec, subject);
            Verdict::Continue
        }
        Act::Native(native) => {
            let site = on.site_base + on.program.act_site(id);
            match (native.run)(&mut at(subject, site, host)) {
                Ok(verdict) => verdict,
                Err(Stop::Hotdrop) => Verdict::Drop,
                Err(Stop::Unknown(why)) => unknown_act(on, id, why, host, tracer),
            }
        }
        Act::Unknown(why) => unknown_act(on, id, why, host, tracer),
    }
}

/// A target that nobody can evaluate: either it goes on, or it takes the packet.
fn unknown_act<H: Host, T: Tracer>(
    on: &Walked<'_>,
    id: RuleId,
    why: &'static str,
    host: &mut H,
    tracer: &mut T,
) -> Verdict {
    let goes_on = host.undecided(why);
    let step = on.program.rules[id.0 as usize].steps.end;
    tracer.undecided(on.program, id, step, why, goes_on);
    if goes_on { Verdict::Continue } else { Verdict::Stolen }
}
