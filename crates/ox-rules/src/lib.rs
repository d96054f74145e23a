//! The heart: what a rule is, how it is written, and what it means.
//!
//! * [`model`]: a ruleset as a value. No text, no kernel bytes.
//! * [`ext`]: one file for each match and target: syntax, printing, checks, meaning.
//! * [`syntax`]: words in, words out: rules, restore text, listings, help.
//! * [`bytes`]: bytes that are no text, held in text.
//! * [`ir`]: meaning said once, as predicates and acts over packet fields; what engines read.
//!
//! No I/O, no clock, no randomness in here: names, time and chance are asked through traits.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod ext;
pub mod ir;
pub mod model;
pub mod syntax;
