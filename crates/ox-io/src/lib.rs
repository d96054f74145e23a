//! Every system call of the project, and its only unsafe code: files, captures, devices, namespaces, clocks, names.
//!
//! What is read here is handed on as bytes or plain structs. Nothing in this crate understands a rule.

pub mod clock;
pub mod command;
mod error;
pub mod file;
pub mod heap;
mod journal;
pub mod link;
pub mod lock;
pub mod names;
mod netlink;
pub mod netns;
pub mod nflog;
pub mod pcap;
pub mod poll;
pub mod process;
pub mod raw;
pub mod symlink;
pub mod term;
pub mod tun;
pub mod xtables;

pub use error::Error;
