//! `Program`: a ruleset lowered for walking. Flat arrays, indices instead of pointers, nothing shared with the text.

use super::act::{Act, Verdict};
use super::env::Hook;
use super::lower::Dialect;
use super::pred::{Header, Pred, Test};
use crate::model::TableName;
use ox_packet::{Family, Field};
use std::ops::Range;

/// Index of a chain in [`Program::chains`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(pub u32);

/// Index of a rule in [`Program::rules`]; also of its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// A ruleset ready to be walked.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its family.
    pub family: Family,
    /// Whose details it follows.
    pub dialect: Dialect,
    /// Built-in chains, by hook and then in the order in which the hook runs them.
    pub bases: Vec<BaseChain>,
    /// Whether something in it makes the kernel track connections (and put fragments together). A nat table alone does not.
    pub tracking: bool,
    /// Whether something in it makes the kernel put fragments together, tracking or not.
    pub defrag: bool,
    /// Whether something in it makes the kernel count what connections carry, whatever the host's settings say.
    pub accounting: bool,
    /// Every chain.
    pub chains: Vec<ProgChain>,
    /// Every rule, chain after chain.
    pub rules: Vec<ProgRule>,
    /// Every step, rule after rule. A step's index is the site of its native's own state cell.
    pub steps: Vec<Step>,
    /// Tests on fields wider than 32 bits, referred to by [`Op::Wide`].
    pub wide: Vec<Test>,
}

/// A chain that a hook calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseChain {
    /// Which hook.
    pub hook: Hook,
    /// Its table.
    pub table: TableName,
    /// Smaller runs earlier (`NF_IP_PRI_*`).
    pub priority: i32,
    /// The chain.
    pub chain: ChainId,
}

/// A chain.
#[derive(Clone, Debug)]
pub struct ProgChain {
    /// Index of its table in the ruleset, and of the chain in that table.
    pub origin: (u32, u32),
    /// Its rules in [`Program::rules`].
    pub rules: Range<u32>,
    /// What its end means: a verdict for built-in chains, `Return` for others.
    pub end: Verdict,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct ProgRule {
    /// The chain it stands in.
    pub chain: ChainId,
    /// Its steps in [`Program::steps`].
    pub steps: Range<u32>,
    /// What it does.
    pub act: Act,
}

/// The part of a rule that a step came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `-s`
    Src,
    /// `-d`
    Dst,
    /// `-i`
    In,
    /// `-o`
    Out,
    /// `-p`
    Proto,
    /// `-f`
    Frag,
    /// The match with this index in the rule.
    Match(u16),
}

/// One thing that must hold.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it came from.
    pub part: Part,
    /// The question.
    pub op: Op,
}

/// A question in the form that is quickest to ask.
#[derive(Clone, Debug)]
pub enum Op {
    /// A test on at most 32 bits.
    Narrow {
        /// Field.
        field: Field,
        /// Outcome is turned round.
        not: bool,
        /// Bits that count.
        mask: u32,
        /// Least.
        lo: u32,
        /// Greatest.
        hi: u32,
    },
    /// A wider one: index into [`Program::wide`].
    Wide {
        /// Field.
        field: Field,
        /// Outcome is turned round.
        not: bool,
        /// Which test.
        test: u32,
    },
    /// The transport header can be read.
    Header(Header),
    /// Everything else.
    Tree(Box<Pred>),
}

impl Program {
    /// The site of a rule's act, for its own state cell.
    pub fn act_site(&self, rule: RuleId) -> u32 {
        self.steps.len() as u32 + rule.0
    }
}
