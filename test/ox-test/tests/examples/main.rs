//! The examples against the kernel: every dump loads and saves as it stands, and every answer is what Linux does.
//!
//! The program's own answers to the same questions are held against `questions.toml` in crates/oxtables/tests/examples.rs.

mod ask;
mod dump;
mod result;

use libtest_mimic::{Arguments, Trial};
use ox_test::oracle::cannot;
use ox_test::questions::examples;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list
        && let Some(why) = cannot().or_else(no_nft)
    {
        println!("skipped: the examples against the kernel: {why}");
        return ExitCode::SUCCESS;
    }
    let examples = match examples() {
        Ok(examples) => examples,
        Err(why) => {
            println!("error: {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = vec![Trial::test("senders are told apart and faults are seen", || Ok(ask::sender_and_faults()?))];
    for example in examples {
        for file in example.dumps() {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            trials.push(Trial::test(format!("dump: {}/{name}", example.name), move || Ok(dump::same_again(&file)?)));
        }
        for question in &example.questions {
            let (example, question) = (example.clone(), question.clone());
            let name = format!("kernel: {}: {}", example.name, question.ask);
            // Shown as ignored: nobody waits eleven minutes for a test.
            let long = question.wait > 0;
            trials.push(Trial::test(name, move || Ok(ask::confirm(&example, &question)?)).with_ignored_flag(long));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Why nft cannot be run here, if it cannot.
fn no_nft() -> Option<String> {
    match ox_io::command::Command::new("nft").arg("-v").run() {
        Ok(out) if out.success() => None,
        Ok(out) => Some(format!("nft -v: {}", out.err().trim())),
        Err(why) => Some(why.to_string()),
    }
}
