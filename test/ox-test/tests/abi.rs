//! The kernel's structures, held against a kernel: every payload that `iptables-legacy` wrote is decoded to the rule that
//! was typed, and encoded again to the same bytes.
//!
//! `OX_SEED` and `OX_CASES` as in the comparison with the stock programs. Encoding and decoding every revision in turn needs
//! no kernel: the unit tests of `src/abi.rs`.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_packet::Family;
use ox_test::abi::{self, Met};
use ox_test::oracle::{cannot, cases, root};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list
        && let Some(why) = cannot()
    {
        println!("skipped: every comparison of structures with a kernel: {why}");
        return ExitCode::SUCCESS;
    }
    let (seed, count) = (number("OX_SEED", 20260), number("OX_CASES", 25) as usize);
    let seen = Arc::new(Mutex::new(Met::default()));
    let trials: Vec<Trial> = cases::names(&root())
        .into_iter()
        .map(|name| {
            let seen = seen.clone();
            Trial::test(format!("abi::{name}"), move || extension(&name, seed, count, &seen))
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list
        && let Ok(seen) = seen.lock()
    {
        let all: usize = seen.payloads.values().sum();
        let (kinds, settled) = (seen.payloads.len(), seen.settled);
        println!(
            "{all} payloads of the kernel compared ({settled} hold junk of stock's), of {kinds} names and revisions:"
        );
        let each: Vec<String> = seen.payloads.iter().map(|((n, r), times)| format!("{n} {r} ({times})")).collect();
        println!("{}", each.join(", "));
        let Met { unreadable, lost, .. } = *seen;
        println!(
            "left out: {unreadable} rules that stock prints but cannot read, {lost} of which it prints only a part"
        );
        if !seen.missing.is_empty() {
            println!("not covered yet: {:?}", seen.missing);
        }
    }
    conclusion.exit_code()
}

fn extension(name: &str, seed: u64, count: usize, seen: &Mutex<Met>) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for family in [Family::V4, Family::V6] {
        let group = cases::group(&root(), name, family, seed, count)?;
        if group.cases.is_empty() {
            continue;
        }
        let lock = std::env::temp_dir().join(format!("ox-abi-{}-{name}-{family:?}.lock", std::process::id()));
        let met = ox_io::netns::run(|_| abi::compare(family, &group, &lock)).map_err(|why| why.to_string());
        _ = std::fs::remove_file(&lock);
        let met = met??;
        wrong.extend(met.wrong);
        let mut seen = seen.lock().map_err(|_| "another test has panicked")?;
        seen.settled += met.settled;
        seen.unreadable += met.unreadable;
        seen.lost += met.lost;
        seen.missing.extend(met.missing);
        for (payload, times) in met.payloads {
            *seen.payloads.entry(payload).or_default() += times;
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(tell(&wrong).into()) }
}

fn tell(wrong: &[String]) -> String {
    let shown = number("OX_SHOW", 12) as usize;
    format!("{} payloads differ:\n{}", wrong.len(), wrong.iter().take(shown).cloned().collect::<Vec<_>>().join("\n"))
}
