//! A story: what happened to a packet, with the rules, chains and tables it is about, in order. These are its parts, and the
//! form they have in JSON; `teller.rs` makes one of a trace.

use ox_rules::ir::Program;
use ox_rules::model::Ruleset;
use serde::Serialize;

/// A set of rules as the walk saw it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The rules.
    pub ruleset: &'a Ruleset,
    /// The same, lowered.
    pub program: &'a Program,
    /// The file they came from.
    pub file: &'a str,
}

/// A rule that is spoken of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    /// Table.
    pub table: &'static str,
    /// Chain.
    pub chain: String,
    /// Its number in the chain, from 1; 0 for a policy.
    pub number: u32,
    /// File it stands in.
    pub file: String,
    /// Line there, from 1; 0 where there is none.
    pub line: u32,
    /// As `iptables-save` prints it; a policy as `-P CHAIN TARGET`.
    pub text: String,
    /// The program that wrote it, where that can be told.
    pub owner: Option<&'static str>,
    /// Its comment.
    pub comment: Option<String>,
}

/// What happened to a packet, one way through all choices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// Everything in order.
    pub path: Vec<Step>,
    /// The rule or policy that ended the packet's way, if one did.
    pub ended_by: Option<RuleRef>,
    /// Rules that shaped the outcome: those that accepted, translated, or ended.
    pub decided_by: Vec<RuleRef>,
    /// What the packet wanted and the rules said, in one sentence's worth: the rule to name first.
    pub because: Option<RuleRef>,
    /// Rules that almost matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<NearMiss>,
}

/// A near miss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearMiss {
    /// The rule.
    pub rule: RuleRef,
    /// The condition that failed.
    pub wanted: String,
    /// What the packet had instead; empty where that cannot be said in a word.
    pub had: String,
    /// Other conditions could not be asked.
    pub open: bool,
    #[serde(skip)]
    pub(crate) weight: u32,
}

/// A step of the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Step {
    /// The packet is at a hook.
    Hook {
        /// Which.
        hook: &'static str,
        /// The packet, in short.
        packet: String,
        /// Interface it came in by.
        #[serde(rename = "in")]
        iif: String,
        /// Interface it leaves by.
        out: String,
    },
    /// A built-in chain of a table is walked.
    Chain {
        /// Table.
        table: &'static str,
        /// Chain.
        chain: &'static str,
        /// How many rules it has at all.
        rules: u32,
        /// What happened in it and in the chains it called.
        lines: Vec<Line>,
        /// How it ended: ACCEPT, DROP, QUEUE, …
        verdict: String,
        /// The policy decided.
        policy: bool,
    },
    /// It enters by an interface, or is made by this host (empty).
    Arrives {
        /// Interface.
        by: String,
    },
    /// Connection tracking.
    Tracked {
        /// As `--ctstate` says it.
        state: &'static str,
        /// `original` or `reply`.
        direction: &'static str,
        /// Tuple of the original direction.
        original: String,
        /// Tuple that answers will have.
        reply: String,
    },
    /// Addresses or ports change.
    Translated {
        /// Before.
        from: String,
        /// After.
        to: String,
        /// `source` or `destination`.
        what: &'static str,
        /// An earlier packet of the connection had it set up.
        known: bool,
    },
    /// A routing decision.
    Routed {
        /// `local`, `out` or `nowhere`.
        to: &'static str,
        /// Interface.
        dev: String,
        /// Next hop.
        via: String,
        /// The route that decided.
        route: String,
        /// A second decision.
        again: bool,
    },
    /// The stack drops it.
    Dropped {
        /// Why.
        why: String,
    },
    /// A log record.
    Logged {
        /// `log`, `nflog` or `trace`.
        to: &'static str,
        /// Its prefix.
        prefix: String,
    },
    /// An answer is sent.
    Answers {
        /// What.
        what: String,
    },
    /// It waits for its other fragments.
    Fragment,
}

/// A line of a chain's story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// How many chains deep.
    pub depth: u32,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum What {
    /// Rules that did not match.
    Missed {
        /// How many.
        count: u32,
    },
    /// A rule that matched.
    Rule {
        /// The rule.
        rule: RuleRef,
        /// Its number in its chain and so on is in `rule`; this is what it did.
        does: String,
        /// Fields of the packet that it changed.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        changes: Vec<String>,
    },
    /// A user chain begins.
    Enter {
        /// Chain.
        chain: String,
        /// Its owner.
        owner: Option<&'static str>,
        /// What such a chain is for.
        role: &'static str,
        /// By `-g`.
        goto: bool,
    },
    /// A user chain ends.
    Leave {
        /// Chain.
        chain: String,
        /// By RETURN.
        returned: bool,
    },
    /// Something that cannot be decided.
    Undecided {
        /// The rule.
        rule: RuleRef,
        /// The part of the rule.
        part: String,
        /// What is missing.
        why: &'static str,
        /// Whether this story goes on as if it matched.
        matched: bool,
    },
    /// A match could not read the packet, and dropped it.
    Hotdrop {
        /// The rule.
        rule: RuleRef,
    },
}
