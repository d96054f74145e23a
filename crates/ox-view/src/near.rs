//! Near misses: rules that failed on exactly one condition.
//!
//! A walk stops at the first condition that fails; whether the others would have held is asked here of those that a
//! packet's key can answer. Nothing is recorded for rules that missed by more, so that a ruleset of 40,000 costs nothing.

use ox_engine::trace::{Entered, Note, Trace, Tracer};
use ox_engine::walk::Subject;
use ox_packet::{Key, Shape};
use ox_rules::ir::{ChainId, Hook, Op, Packet, Part, Pred, Program, RuleId, Step, Verdict};

/// A rule that failed on one condition only.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    /// Which set of rules.
    pub layer: usize,
    /// The rule.
    pub rule: RuleId,
    /// The step that failed.
    pub step: u32,
    /// The packet as it was then.
    pub key: Key,
    /// How telling the conditions that held are.
    pub weight: u32,
    /// Conditions that could not be asked here (a limit, a list): nobody knows whether they would have held.
    pub open: bool,
}

/// Listens to a walk as [`Trace`] does, and picks out near misses if they are wanted.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Everything that happened, rules that did not match apart.
    pub trace: Trace,
    /// Rules that almost matched, in the order met.
    pub near: Vec<Near>,
    wanted: bool,
    layer: usize,
}

impl Watch {
    /// A listener; `near`: for near misses too.
    pub fn new(near: bool) -> Self {
        Self { wanted: near, ..Self::default() }
    }
}

/// More are never told.
const KEPT: usize = 4096;

impl Tracer for Watch {
    fn hook(&mut self, hook: Hook, packet: &Packet) {
        self.trace.hook(hook, packet);
    }
    fn layer(&mut self, layer: usize) {
        self.layer = layer;
        self.trace.layer(layer);
    }
    fn enter(&mut self, program: &Program, chain: ChainId, how: Entered) {
        self.trace.enter(program, chain, how);
    }
    fn leave(&mut self, program: &Program, chain: ChainId, by: Option<RuleId>) {
        self.trace.leave(program, chain, by);
    }
    fn miss(&mut self, program: &Program, rule: RuleId, step: u32, subject: &Subject) {
        if self.wanted && self.near.len() < KEPT {
            let found = judge(program, rule, step, &subject.packet.key);
            self.near.extend(found.map(|(weight, open)| Near {
                layer: self.layer,
                rule,
                step,
                key: subject.packet.key,
                weight,
                open,
            }));
        }
    }
    fn hit(&mut self, program: &Program, rule: RuleId, subject: &Subject) {
        self.trace.hit(program, rule, subject);
    }
    fn acted(&mut self, program: &Program, rule: RuleId, verdict: Verdict, subject: &Subject) {
        self.trace.acted(program, rule, verdict, subject);
    }
    fn undecided(&mut self, program: &Program, rule: RuleId, step: u32, why: &'static str, side: bool) {
        self.trace.undecided(program, rule, step, why, side);
    }
    fn policy(&mut self, program: &Program, base: ChainId, last: ChainId, verdict: Verdict) {
        self.trace.policy(program, base, last, verdict);
    }
    fn note(&mut self, note: Note) {
        self.trace.note(note);
    }
}

/// Whether everything but the part that failed holds. The weight of what held, and whether something stays open.
fn judge(program: &Program, rule: RuleId, failed: u32, key: &Key) -> Option<(u32, bool)> {
    let steps = program.rules[rule.0 as usize].steps.clone();
    let part = program.steps[failed as usize].part;
    let (mut weight, mut open) = (0, false);
    for step in &program.steps[steps.start as usize..steps.end as usize] {
        if step.part == part {
            // Of one match with several conditions the others are part of the same miss, but for those before it.
            continue;
        }
        match holds(program, step, key) {
            Some(true) => weight += worth(program, step),
            Some(false) => return None,
            None => open = true,
        }
    }
    (weight > 0).then_some((weight, open))
}

fn holds(program: &Program, step: &Step, key: &Key) -> Option<bool> {
    match &step.op {
        Op::Narrow { field, not, mask, lo, hi } => {
            let v = key.narrow(*field) & mask;
            Some((*lo <= v && v <= *hi) != *not)
        }
        Op::Wide { field, not, test } => Some(program.wide[*test as usize].holds(key.get(*field)) != *not),
        Op::Header(_) => Some(!key.shape.any(Shape::NOL4 | Shape::FRAGMENT | Shape::SHORT)),
        Op::Tree(pred) => tree(pred, key),
    }
}

/// What a key alone says of a predicate.
fn tree(pred: &Pred, key: &Key) -> Option<bool> {
    match pred {
        Pred::Is(b) => Some(*b),
        Pred::Test(t) => Some(t.holds(key.get(t.field))),
        Pred::Header(_) => Some(!key.shape.any(Shape::NOL4 | Shape::FRAGMENT | Shape::SHORT)),
        Pred::Not(p) => tree(p, key).map(|b| !b),
        Pred::All(of) => {
            let all: Vec<_> = of.iter().map(|p| tree(p, key)).collect();
            if all.contains(&Some(false)) {
                Some(false)
            } else {
                all.contains(&None).then_some(()).map_or(Some(true), |()| None)
            }
        }
        Pred::Any(of) => {
            let all: Vec<_> = of.iter().map(|p| tree(p, key)).collect();
            if all.contains(&Some(true)) {
                Some(true)
            } else {
                all.contains(&None).then_some(()).map_or(Some(false), |()| None)
            }
        }
        Pred::Native(_) => None,
    }
}

/// How much it says about a packet that a condition holds: an address much, a protocol little.
fn worth(program: &Program, step: &Step) -> u32 {
    match (&step.part, &step.op) {
        (Part::Src | Part::Dst, Op::Narrow { mask, not: false, .. }) => mask.count_ones() * 2,
        (Part::Src | Part::Dst, Op::Wide { not: false, test, .. }) => {
            program.wide[*test as usize].mask.count_ones() / 2
        }
        (Part::Src | Part::Dst, _) => 1,
        (Part::In | Part::Out, _) => 6,
        (Part::Proto, _) => 2,
        (Part::Frag, _) => 0,
        (Part::Match(_), Op::Narrow { lo, hi, not: false, .. }) if hi - lo < 1024 => 16,
        (Part::Match(_), Op::Header(_)) => 0,
        (Part::Match(_), _) => 3,
    }
}
