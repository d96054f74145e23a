//! Bytes ↔ headers: reading, building, checking and showing packets.
//!
//! No I/O, no clock, nothing of the rules: a [`Key`] is what classifiers look at, and every other file reads or writes
//! one protocol's header.
#![forbid(unsafe_code)]

mod key;

pub use key::{Family, Field, Key, Shape, ct, iface_name, iface_number, pkttype};
