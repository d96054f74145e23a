//! Netfilter in user space: the five hooks, the five tables, connection tracking, translation, routing.
//!
//! * [`machine`] — a host's packet path; `receive` and `send`.
//! * [`walk`] — how a packet goes through a chain: the specification.
//! * [`flow`] — the tracked connections; [`nat`] — their translation.
//! * [`frag`] — fragments that wait for each other.
//! * [`world`], [`route`], [`set`] — the host around the rules.
//! * [`trace`] — what a walk tells; [`chance`]: what is left to chance.
//!
//! No I/O, no clock of its own: the moment, the seed and the host are arguments, and the same arguments give the same
//! bytes. It knows no extension by name, only [`ox_rules::ir`].
#![forbid(unsafe_code)]

pub mod chance;
pub mod counter;
pub mod flow;
pub mod frag;
pub mod live;
pub mod machine;
pub mod nat;
pub mod route;
pub mod set;
pub mod trace;
pub mod walk;
pub mod world;
