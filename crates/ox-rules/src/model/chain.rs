//! `Chain`: rules in order, and for a built-in chain its hook and policy.

use super::Rule;
use crate::ir::Hook;
use std::sync::Arc;

/// A chain's name. Cheap to clone: every jump to a chain shares one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainName(Arc<str>);

impl ChainName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether somebody else holds this very name.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl From<&str> for ChainName {
    fn from(s: &str) -> Self {
        Self(s.into())
    }
}

/// What a built-in chain does with a packet that reaches its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// ACCEPT
    #[default]
    Accept,
    /// DROP
    Drop,
}

impl Policy {
    /// ACCEPT or DROP.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Accept => "ACCEPT",
            Policy::Drop => "DROP",
        }
    }
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct Counters {
    pub packets: u64,
    pub bytes: u64,
}

/// What makes a chain a built-in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// The hook that calls it.
    pub hook: Hook,
    /// What its end means.
    pub policy: Policy,
}

/// A chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Its name.
    pub name: ChainName,
    /// Hook and policy of a built-in chain.
    pub base: Option<Base>,
    /// Its rules in order.
    pub rules: Vec<Rule>,
    /// The policy's counters.
    pub counters: Counters,
}

impl Chain {
    /// An empty user chain.
    pub fn user(name: ChainName) -> Self {
        Self { name, base: None, rules: Vec::new(), counters: Counters::default() }
    }

    /// An empty built-in chain with policy ACCEPT.
    pub fn base(hook: Hook) -> Self {
        let base = Base { hook, policy: Policy::Accept };
        Self { name: hook.name().into(), base: Some(base), ..Self::user(hook.name().into()) }
    }
}
