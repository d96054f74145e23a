//! The project's own tasks: `cargo xtask tidy`, `cargo xtask test`, `cargo xtask bench` and `cargo xtask fuzz`.
#![forbid(unsafe_code)]

mod bench;
mod fuzz;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let passed = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy::main(&root()),
        ["test"] => test::main(&root()),
        ["bench", words @ ..] => bench::main(&root(), words),
        ["fuzz", words @ ..] => fuzz::main(&root(), words),
        _ => {
            eprintln!("cargo xtask tidy    what no compiler checks: layers, files, licences, the ledger of deviations");
            eprintln!("cargo xtask test    formatting, lints, tidy and every test");
            eprintln!("cargo xtask bench [parse|append|trace|engine]... [--rounds=N] [--instructions]");
            eprintln!("                    how fast it is, in a release build, beside the stock programs");
            eprintln!("cargo xtask fuzz TARGET...|all [--hours=H] [--jobs=N]");
            eprintln!(
                "                    fuzzes each target for H CPU hours and writes fuzz/LOG.md; without --hours,"
            );
            eprintln!("                    keeps the best of what was found in test/corpus");
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The project's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
