//! Generators and oracles, for tests that hold oxtables against the stock programs.
//!
//! * [`abi`]: the kernel's tables, decoded and encoded again.
//! * [`random`]: numbers that only depend on a seed.
//! * [`differential`]: random rulesets and packets through the real kernel and through the engine.
//! * [`fuzz`]: what holds whatever bytes come, for fuzzing and for the corpora it left.
//! * [`generate`]: rules made from the option tables of the extensions.
//! * [`oracle`]: the same rules given to the stock programs and to us, and what differs.
//! * [`transcript`]: sessions of commands given to the stock programs and to ours.
//! * [`questions`]: the questions of the examples, for whoever is to answer them.
#![forbid(unsafe_code)]

pub mod abi;
pub mod differential;
pub mod fuzz;
pub mod generate;
pub mod oracle;
pub mod questions;
pub mod random;
pub mod transcript;
