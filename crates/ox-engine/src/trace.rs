//! `Tracer`: what a walk tells whoever listens; `Trace`: everything it told, in order.
//!
//! Every decision is reported where it is made. `Off` listens to nothing and costs nothing.

use crate::walk::Subject;
use ox_packet::Key;
use ox_rules::ir::{ChainId, ConnKind, Dir, Hook, LogSpec, Packet, Program, RuleId, Tuple, Verdict};

/// How a chain came to be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// By its hook.
    Hook,
    /// By `-j`.
    Call,
    /// By `-g`.
    Goto,
}

/// Listens to a walk. Every method does nothing unless it is written.
#[expect(unused_variables, reason = "a listener's silence is its default")]
pub trait Tracer {
    /// A hook begins.
    fn hook(&mut self, hook: Hook, packet: &Packet) {}
    /// The program with this index is about to be walked.
    fn layer(&mut self, layer: usize) {}
    /// A chain begins.
    fn enter(&mut self, program: &Program, chain: ChainId, how: Entered) {}
    /// A user chain ends and the walk goes back: by its end, or by the rule that said RETURN.
    fn leave(&mut self, program: &Program, chain: ChainId, by: Option<RuleId>) {}
    /// A rule did not match; `step` is the first that failed.
    fn miss(&mut self, program: &Program, rule: RuleId, step: u32, subject: &Subject) {}
    /// A rule matched.
    fn hit(&mut self, program: &Program, rule: RuleId, subject: &Subject) {}
    /// The target of a rule that matched did its work.
    fn acted(&mut self, program: &Program, rule: RuleId, verdict: Verdict, subject: &Subject) {}
    /// Something on a rule cannot be decided; `side` is the answer that is followed. `step` is the rule's end for a target.
    fn undecided(&mut self, program: &Program, rule: RuleId, step: u32, why: &'static str, side: bool) {}
    /// A built-in chain came to its end, or RETURN was said: the policy decides. `last` is the chain that ended.
    fn policy(&mut self, program: &Program, base: ChainId, last: ChainId, verdict: Verdict) {}
    /// Anything that is not a rule's doing.
    fn note(&mut self, note: Note) {}
    /// Whether anybody listens: where nobody does, no note is even made.
    const LISTENS: bool = true;
    /// As [`Tracer::note`], with the note made only for somebody who listens.
    #[inline]
    fn tell(&mut self, note: impl FnOnce() -> Note) {
        if Self::LISTENS {
            self.note(note());
        }
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl Tracer for Off {
    const LISTENS: bool = false;
}

/// What happens between the chains.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The packet enters by an interface, or is made by this host (empty name).
    Arrives {
        /// Interface.
        by: String,
    },
    /// Connection tracking looked at the packet.
    Tracked {
        /// How it relates.
        kind: ConnKind,
        /// Which way it goes.
        dir: Dir,
        /// Original and reply tuples of its connection.
        tuples: Option<(Tuple, Tuple)>,
    },
    /// Connection tracking is not running: no rule needs it.
    NotTracking,
    /// Addresses or ports were rewritten.
    Translated {
        /// Before.
        from: Key,
        /// After.
        to: Key,
        /// True where an earlier packet of the connection had it set up.
        known: bool,
        /// True for the destination, false for the source.
        destination: bool,
    },
    /// A routing decision.
    Routed(Decision),
    /// The kernel itself drops the packet.
    Dropped {
        /// Why.
        why: String,
    },
    /// A log record is written.
    Logged(LogSpec),
    /// This host sends an answer (REJECT, time exceeded, …).
    Answers {
        /// What it sends, in a line.
        what: String,
    },
    /// The packet waits for the rest of its fragments.
    Fragment,
}

/// Where a packet goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is decided.
    pub to: Where,
    /// The route that decided, in `ip route` words.
    pub route: String,
    /// Whether this is a second decision after the packet changed.
    pub again: bool,
}

/// Directions a routing decision can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// To this host.
    Local,
    /// Out by an interface, through a gateway if one is named.
    Out {
        /// Interface.
        dev: String,
        /// Next hop; `None` when the destination is on the link.
        via: Option<u128>,
    },
    /// Nowhere.
    Nowhere {
        /// Why.
        why: String,
    },
}

/// One thing that happened.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the Tracer method of that name")]
pub enum Event {
    Hook { hook: Hook, key: Key },
    Layer(usize),
    Enter { chain: ChainId, how: Entered },
    Leave { chain: ChainId, by: Option<RuleId> },
    Miss { rule: RuleId, step: u32, key: Key },
    Hit { rule: RuleId },
    Acted { rule: RuleId, verdict: Verdict, key: Key },
    Undecided { rule: RuleId, step: u32, why: &'static str, side: bool },
    Policy { base: ChainId, last: ChainId, verdict: Verdict },
    Note(Note),
}

/// Everything that happened to a packet, in order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The events.
    pub events: Vec<Event>,
    /// Whether rules that did not match are wanted.
    pub misses: bool,
}

impl Trace {
    /// An empty trace that records near misses too.
    pub fn with_misses() -> Self {
        Self { events: Vec::new(), misses: true }
    }
}

impl Tracer for Trace {
    fn hook(&mut self, hook: Hook, packet: &Packet) {
        self.events.push(Event::Hook { hook, key: packet.key });
    }
    fn layer(&mut self, layer: usize) {
        self.events.push(Event::Layer(layer));
    }
    fn enter(&mut self, _: &Program, chain: ChainId, how: Entered) {
        self.events.push(Event::Enter { chain, how });
    }
    fn leave(&mut self, _: &Program, chain: ChainId, by: Option<RuleId>) {
        self.events.push(Event::Leave { chain, by });
    }
    fn miss(&mut self, _: &Program, rule: RuleId, step: u32, subject: &Subject) {
        if self.misses {
            self.events.push(Event::Miss { rule, step, key: subject.packet.key });
        }
    }
    fn hit(&mut self, _: &Program, rule: RuleId, _: &Subject) {
        self.events.push(Event::Hit { rule });
    }
    fn acted(&mut self, _: &Program, rule: RuleId, verdict: Verdict, subject: &Subject) {
        self.events.push(Event::Acted { rule, verdict, key: subject.packet.key });
    }
    fn undecided(&mut self, _: &Program, rule: RuleId, step: u32, why: &'static str, side: bool) {
        self.events.push(Event::Undecided { rule, step, why, side });
    }
    fn policy(&mut self, _: &Program, base: ChainId, last: ChainId, verdict: Verdict) {
        self.events.push(Event::Policy { base, last, verdict });
    }
    fn note(&mut self, note: Note) {
        self.events.push(Event::Note(note));
    }
}
