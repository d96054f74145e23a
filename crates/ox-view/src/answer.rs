//! The whole answer to a question about a packet: every way it can go, how likely each is, and what comes back.
//!
//! This is also the JSON of `--format json`; `docs/trace-json.md` documents it, so a change here is a change there.

use crate::phrase::Ending;
use crate::story::{RuleRef, Step, Story, What};
use serde::Serialize;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Version of this form.
    pub oxtables: u32,
    /// The packet that was asked about.
    pub packet: Asked,
    /// What was assumed because nobody said it.
    pub assumed: Vec<String>,
    /// `yes`: it gets through. `no`: it does not. `sometimes`: chance decides. `unknown`: it cannot be told.
    pub through: &'static str,
    /// What could not be decided, each once.
    pub unknown: Vec<String>,
    /// Every way it can go.
    pub outcomes: Vec<Way>,
    /// False where there were too many ways to follow them all.
    pub complete: bool,
}

/// The packet as asked about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// In short.
    pub flow: String,
    /// With flags and length.
    pub detail: String,
    /// Interface it comes in by; empty when this host sends it.
    #[serde(rename = "in")]
    pub iif: String,
}

/// One way a packet can go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Way {
    /// What became of it.
    pub verdict: Ending,
    /// How likely it is, given the answers to what could not be decided.
    pub probability: f64,
    /// The same as a fraction.
    pub chance: String,
    /// What could not be decided, and the side that was followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supposing: Vec<Supposed>,
    /// Interface it leaves by.
    pub out: Option<String>,
    /// Next hop.
    pub via: Option<String>,
    /// The packet at the end, in short.
    pub packet: String,
    /// Why the stack itself dropped it.
    pub why: Option<String>,
    /// What REJECT answered.
    pub reply: Option<String>,
    /// Queue it waits in.
    pub queue: Option<u16>,
    /// The connection, as /proc/net/nf_conntrack prints it.
    pub connection: Option<String>,
    /// The story.
    #[serde(flatten)]
    pub story: Story,
    /// Answers this host sent on its own account, and what became of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Back>,
    /// Copies that rules sent elsewhere (TEE).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Back>,
    /// What the other end would answer, and what becomes of that.
    pub back: Option<Back>,
}

/// Something that could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Supposed {
    /// The condition or target.
    pub part: String,
    /// File and line of its rule.
    pub file: String,
    /// Line there.
    pub line: u32,
    /// What is missing.
    pub why: String,
    /// The side that was followed.
    pub matched: bool,
}

/// A packet in the other direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Back {
    /// As it is sent.
    pub sent: String,
    /// Interface it comes in by; empty where this host sends it.
    #[serde(rename = "in")]
    pub iif: String,
    /// What became of it.
    pub verdict: Ending,
    /// Interface it leaves by.
    pub out: Option<String>,
    /// As it arrives, in short.
    pub packet: String,
    /// The rule that stopped it.
    pub ended_by: Option<RuleRef>,
    /// Why the stack dropped it.
    pub why: Option<String>,
}

impl Supposed {
    /// What cannot be told, in a line: `-m set --match-set bad src (line 3): the contents of the ipset`.
    pub fn words(&self) -> String {
        format!("{} (line {}): {}", self.part, self.line, self.why)
    }
}

impl Story {
    /// What this story supposes, in order.
    pub fn supposes(&self) -> Vec<Supposed> {
        let chains = self.path.iter().filter_map(|s| match s {
            Step::Chain { lines, .. } => Some(lines),
            _ => None,
        });
        let undecided = chains.flatten().filter_map(|l| match &l.what {
            What::Undecided { rule, part, why, matched } => Some(Supposed {
                part: part.clone(),
                file: rule.file.clone(),
                line: rule.line,
                why: (*why).to_owned(),
                matched: *matched,
            }),
            _ => None,
        });
        undecided.collect()
    }
}

impl Way {
    /// Whether two ways are the same to somebody who asks what becomes of the packet.
    pub fn same(&self, other: &Way) -> bool {
        let Self { verdict, out, via, packet, why, reply, queue, supposing, story, .. } = self;
        let shape = (verdict, out, via, packet, why, reply, queue, supposing);
        shape
            == (
                &other.verdict,
                &other.out,
                &other.via,
                &other.packet,
                &other.why,
                &other.reply,
                &other.queue,
                &other.supposing,
            )
            && story == &other.story
    }
}
