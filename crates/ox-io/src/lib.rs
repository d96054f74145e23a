//! Every system call of the project, and its only unsafe code: files, captures, devices, namespaces, clocks, names.
//!
//! What is read here is handed on as bytes or plain structs. Nothing in this crate understands a rule.

pub mod clock;
mod error;
pub mod file;
mod journal;
pub mod lock;
pub mod names;
pub mod term;

pub use error::Error;
