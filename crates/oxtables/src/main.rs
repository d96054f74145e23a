//! The program `oxtables`, which is all in the library beside it.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    oxtables::main()
}
