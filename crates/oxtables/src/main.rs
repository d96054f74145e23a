//! The program `oxtables`: every iptables program by its own name, and the verbs that ask.
//!
//! It parses, wires and prints; what a command does is decided in `ox-rules`.
#![forbid(unsafe_code)]

mod files;
mod iptables;
mod multicall;
mod names;
mod restore;
mod save;
mod verb;

use std::process::ExitCode;

fn main() -> ExitCode {
    ox_io::process::end_on_broken_pipe();
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    match multicall::by_name(&words) {
        Some(call) => call.run(),
        None => verb::main(&words),
    }
}
