//! The differential: random rulesets and packets through the real kernel and through the engine.

pub mod compare;
pub mod dice;
pub mod lab;
pub mod packets;
mod read;
pub mod replay;
pub mod rulesets;
