//! The program `oxtables`: every iptables program by its own name, and the verbs that ask.
//!
//! It parses, wires and prints; what a command does is decided in `ox-rules`. It is a library too, so that a test can put
//! the same questions to somebody else: [`describe`] reads a packet and a host as the verbs do.
#![forbid(unsafe_code)]

pub mod describe;
mod files;
mod iptables;
mod letters;
mod multicall;
mod names;
mod restore;
mod save;
mod translate;
mod verb;

use std::process::ExitCode;

/// Runs the program that this process was called as.
pub fn main() -> ExitCode {
    ox_io::process::end_on_broken_pipe();
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    match multicall::by_name(&words) {
        Some(call) => call.run(),
        None => verb::main(&words),
    }
}
