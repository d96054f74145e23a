//! A ruleset as a value: `Ruleset` → `Table` → `Chain` → `Rule`.
//!
//! Neither text nor kernel bytes; both are encodings of it. Nothing here reads or prints.

mod chain;
mod edit;
mod iface;
mod inv;
mod matches;
mod net;
mod rule;
mod table;

pub use chain::{Base, Chain, ChainName, Counters, Policy};
pub use edit::{EditError, References};
pub use iface::Iface;
pub use inv::Inv;
pub use matches::Matches;
pub use net::{Net, prefix_mask};
pub use rule::{Foreign, Fresh, Head, Origin, Proto, Raw, Rule, Standard};
pub use table::{Ruleset, Table, TableName};

pub use crate::ext::{Match, Target};
