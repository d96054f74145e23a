//! The differential: random rulesets and packets through the real kernel and through the engine.

pub mod compare;
mod counted;
pub mod coverage;
pub mod dice;
pub mod excuse;
pub mod lab;
mod luck;
mod matches;
pub mod packets;
mod read;
pub mod replay;
pub mod rulesets;
mod shrink;
mod targets;
pub mod translated;
pub mod values;
pub mod wide;
