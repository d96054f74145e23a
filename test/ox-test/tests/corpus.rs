//! What fuzzing found worth keeping, given to its targets again: one named test for each file of `test/corpus`. No fuzzer
//! is needed for it; `cargo xtask fuzz` looks for more.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_test::fuzz::{TARGETS, Target};
use ox_test::oracle::root;
use ox_test::random::Random;
use std::path::PathBuf;
use std::process::ExitCode;

/// Bytes of one file, and of all: a corpus is for finding faults again, and a reader must be able to look at it.
const MOST: (u64, u64) = (4096, 300 * 1024);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("the_corpora_are_small", || Ok(small()?))];
    for target in TARGETS {
        let files = files(target.name);
        assert!(!files.is_empty(), "test/corpus/{} is empty", target.name);
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let run = move || {
                (target.check)(&std::fs::read(file).map_err(|why| why.to_string())?);
                Ok(())
            };
            trials.push(Trial::test(format!("{}::{name}", target.name), run));
        }
        trials.push(Trial::test(format!("{}::made_up", target.name), move || made_up(target)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn files(target: &str) -> Vec<PathBuf> {
    let Ok(directory) = std::fs::read_dir(root().join("test/corpus").join(target)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = directory.filter_map(|f| Some(f.ok()?.path())).collect();
    files.sort();
    files
}

fn small() -> Result<(), String> {
    let mut sum = 0;
    for file in TARGETS.iter().flat_map(|t| files(t.name)) {
        let length = std::fs::metadata(&file).map_err(|why| why.to_string())?.len();
        if length > MOST.0 {
            return Err(format!("{} has {length} bytes", file.display()));
        }
        sum += length;
    }
    if sum > MOST.1 { Err(format!("{sum} bytes in all")) } else { Ok(()) }
}

/// Inputs of chance: few, but others than those of the corpus. `OX_SEED` and `OX_CASES` make others, and more.
fn made_up(target: Target) -> Result<(), Failed> {
    let number = |variable: &str, default: u64| -> u64 {
        std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
    };
    let (seed, cases) = (number("OX_SEED", 0), number("OX_CASES", 100));
    for case in seed..seed + cases {
        let mut random = Random::named(case, target.name);
        let length = random.below(400);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let check = || (target.check)(&bytes);
        if std::panic::catch_unwind(check).is_err() {
            return Err(format!(
                "again: OX_SEED={case} OX_CASES=1 cargo test -p ox-test --test corpus -- {}",
                target.name
            )
            .into());
        }
    }
    Ok(())
}
