//! Netfilter in user space: packets walk chains, connections are tracked, addresses translated.
//!
//! No I/O and no clock: time, chance, routes, sockets and sets are arguments ([`ox_rules::ir::Env`]).
#![forbid(unsafe_code)]

pub mod flow;
