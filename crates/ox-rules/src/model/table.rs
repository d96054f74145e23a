//! `Table` and `Ruleset`, and the five tables that exist.

use super::chain::{Chain, ChainName};
use crate::ir::{Hook, HookSet};
use ox_packet::Family;
use rustc_hash::FxHashMap;

/// The five tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the tables' own names")]
pub enum TableName {
    Raw,
    Mangle,
    Nat,
    Filter,
    Security,
}

impl TableName {
    /// All five, in the order in which a packet meets them.
    pub const ALL: [TableName; 5] =
        [TableName::Raw, TableName::Mangle, TableName::Nat, TableName::Filter, TableName::Security];

    /// The name as `-t` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            TableName::Raw => "raw",
            TableName::Mangle => "mangle",
            TableName::Nat => "nat",
            TableName::Filter => "filter",
            TableName::Security => "security",
        }
    }

    /// The table of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Its built-in chains, in the order `iptables -S` prints them.
    pub const fn hooks(self) -> &'static [Hook] {
        match self {
            TableName::Raw => &[Hook::Prerouting, Hook::Output],
            TableName::Mangle => &Hook::ALL,
            TableName::Nat => &[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting],
            TableName::Filter | TableName::Security => &[Hook::Input, Hook::Forward, Hook::Output],
        }
    }

    /// Its hooks as a set.
    pub const fn hook_set(self) -> HookSet {
        HookSet::of(self.hooks())
    }

    /// Its priority on a hook (ABI: uapi/linux/netfilter_ipv4.h `enum nf_ip_hook_priorities`).
    pub const fn priority(self, hook: Hook) -> i32 {
        match self {
            TableName::Raw => -300,
            TableName::Mangle => -150,
            TableName::Nat => match hook {
                Hook::Prerouting | Hook::Output => -100,
                _ => 100,
            },
            TableName::Filter => 0,
            TableName::Security => 50,
        }
    }
}

/// A table: chains in the order in which they print, found by name in constant time.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which one.
    pub name: TableName,
    /// Built-in chains first. Change the order only through the table's own methods: an index by name is kept.
    pub chains: Vec<Chain>,
    pub(super) index: FxHashMap<ChainName, u32>,
}

impl Table {
    /// A table with its built-in chains, empty, policy ACCEPT.
    pub fn new(name: TableName) -> Self {
        let mut table = Self { name, chains: Vec::new(), index: FxHashMap::default() };
        for &hook in name.hooks() {
            table.push(Chain::base(hook));
        }
        table
    }

    /// Appends a chain. A chain of that name must not exist.
    pub fn push(&mut self, chain: Chain) {
        self.index.insert(chain.name.clone(), self.chains.len() as u32);
        self.chains.push(chain);
    }

    /// Position of a chain.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).map(|&i| i as usize)
    }

    /// A chain by name.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.position(name).map(|i| &self.chains[i])
    }

    /// A chain by name, to change.
    pub fn chain_mut(&mut self, name: &str) -> Option<&mut Chain> {
        self.position(name).map(|i| &mut self.chains[i])
    }

    /// The shared name of an existing chain, so that a jump need not allocate its own.
    pub fn shared_name(&self, name: &str) -> Option<ChainName> {
        self.index.get_key_value(name).map(|(k, _)| k.clone())
    }

    /// Puts user chains into name order behind the built-in ones, as the nft variant prints them.
    pub fn sort(&mut self) {
        self.chains.sort_by(|a, b| match (a.base, b.base) {
            (Some(a), Some(b)) => a.hook.cmp(&b.hook),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => a.name.cmp(&b.name),
        });
        self.reindex();
    }

    pub(super) fn reindex(&mut self) {
        self.index.clear();
        self.index.extend(self.chains.iter().enumerate().map(|(i, c)| (c.name.clone(), i as u32)));
    }
}

impl std::borrow::Borrow<str> for ChainName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// The rules of one family.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// Which family.
    pub family: Family,
    /// Its tables; one that was never touched is absent.
    pub tables: Vec<Table>,
}

impl Ruleset {
    /// No tables.
    pub fn new(family: Family) -> Self {
        Self { family, tables: Vec::new() }
    }

    /// A table, if it is there.
    pub fn table(&self, name: TableName) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == name)
    }

    /// A table to change, made if need be.
    pub fn table_mut(&mut self, name: TableName) -> &mut Table {
        let i = match self.tables.iter().position(|t| t.name == name) {
            Some(i) => i,
            None => {
                self.tables.push(Table::new(name));
                self.tables.len() - 1
            }
        };
        &mut self.tables[i]
    }
}
