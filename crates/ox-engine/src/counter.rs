//! Counters: packets and bytes, by rule and by policy.

use ox_rules::ir::{ChainId, Program, RuleId};
use ox_rules::model;

/// The counters of one program.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    rules: Vec<model::Counters>,
    chains: Vec<model::Counters>,
}

impl Counters {
    /// All zero.
    pub fn new(program: &Program) -> Self {
        Self {
            rules: vec![model::Counters::default(); program.rules.len()],
            chains: vec![model::Counters::default(); program.chains.len()],
        }
    }

    /// Counts a packet of `len` bytes on a rule.
    #[inline]
    pub fn rule(&mut self, id: RuleId, len: u32) {
        add(&mut self.rules[id.0 as usize], len);
    }

    /// Counts a packet on a chain's policy.
    #[inline]
    pub fn policy(&mut self, id: ChainId, len: u32) {
        add(&mut self.chains[id.0 as usize], len);
    }

    /// What a rule counted.
    pub fn of_rule(&self, id: RuleId) -> model::Counters {
        self.rules[id.0 as usize]
    }

    /// What a chain's policy counted.
    pub fn of_policy(&self, id: ChainId) -> model::Counters {
        self.chains[id.0 as usize]
    }
}

fn add(c: &mut model::Counters, len: u32) {
    c.packets = c.packets.wrapping_add(1);
    c.bytes = c.bytes.wrapping_add(len.into());
}
