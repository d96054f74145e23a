//! ipsets whose contents are known. Of the others every answer is *unknown*.
//!
//! Kernel: net/netfilter/ipset/ip_set_hash_*.c, net/netfilter/xt_set.c.

use ox_rules::ir::{Now, Packet, SetChange, SetQuery, Stop};
use std::collections::BTreeMap;

/// Sets by name.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// The sets.
    pub by_name: BTreeMap<String, Set>,
}

/// One set.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// `hash:ip`, `hash:net,port`, …
    pub kind: String,
}

const MISSING: Stop = Stop::Unknown("the contents of the ipset");

impl Sets {
    /// Whether a packet's element is in a set.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    pub fn test(&mut self, _: &SetQuery<'_>, _: &Packet, _: Now) -> Result<bool, Stop> {
        Err(MISSING)
    }

    /// Adds or removes a packet's element.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    pub fn change(&mut self, _: &SetQuery<'_>, _: SetChange, _: &Packet, _: Now) -> Result<(), Stop> {
        Err(MISSING)
    }
}
