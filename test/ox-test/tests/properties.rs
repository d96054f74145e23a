//! What must hold of every rule, tried with rules of every extension: one named test for each, from the registry itself.
//!
//! What is asserted is in `ox_test::fuzz::rule`. `OX_SEED` is the seed, `OX_CASES` the number of rules for each extension
//! and family. That is all empty words unless rules are taken, so each option must have been in one that was.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_packet::Family;
use ox_rules::ext::{self, Desc};
use ox_rules::ir::Dialect;
use ox_rules::model::TableName;
use ox_rules::syntax::Program;
use ox_test::fuzz::{Told, rule};
use ox_test::generate::{self, Kind, Made};
use ox_test::oracle::{self, cases, root};
use ox_test::random::Random;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::ExitCode;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (seed, cases) = (number("OX_SEED", 20260), number("OX_CASES", 300) as u32);
    let mut trials = Vec::new();
    for (kind, list) in [(Kind::Match, ext::matches()), (Kind::Target, ext::targets())] {
        for desc in list {
            let families: Vec<&str> =
                [Family::V4, Family::V6].into_iter().filter(|&f| desc.families.has(f)).map(number_of).collect();
            let name = format!("properties::{}::{}::{}", kind_of(kind), desc.name, families.concat());
            trials.push(Trial::test(name, move || extension(desc, kind, seed, cases)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn kind_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Match => "match",
        Kind::Target => "target",
    }
}

fn number_of(family: Family) -> &'static str {
    match family {
        Family::V4 => "4",
        Family::V6 => "6",
    }
}

/// What was seen of an extension.
#[derive(Default)]
struct Seen {
    taken: usize,
    options: BTreeSet<&'static str>,
}

fn extension(desc: &'static Desc, kind: Kind, seed: u64, cases: u32) -> Result<(), Failed> {
    let seen = RefCell::new(Seen::default());
    for family in [Family::V4, Family::V6].into_iter().filter(|&f| desc.families.has(f)) {
        // A byte for each choice; the test makes them fewer and smaller until it has the least rule that fails.
        let rules = proptest::collection::vec(any::<u8>(), 0..80).prop_map(move |bytes| {
            let rude = if bytes.first().is_some_and(|b| b % 5 == 0) { 15 } else { 0 };
            generate::one(desc, kind, family, rude, &mut Random::from_bytes(&bytes))
        });
        let mut key = [0; 32];
        key[..8].copy_from_slice(&Random::named(seed, desc.name).draw().to_le_bytes());
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
        let result = runner.run(&rules, |made| {
            for dialect in [Dialect::Nft, Dialect::Legacy] {
                if rule(&made, Program { family, dialect }) == Told::Taken {
                    note(desc, &made, &mut seen.borrow_mut());
                }
            }
            Ok(())
        });
        result.map_err(|why| format!("OX_SEED={seed}: {why}"))?;
    }
    // Rules that were written by hand, and all at the bounds of options.
    for family in [Family::V4, Family::V6] {
        for dialect in [Dialect::Nft, Dialect::Legacy] {
            let by_hand = cases::group(&root(), desc.name, family, seed, 0)?;
            let at_bounds =
                cases::bounds_for(&root(), desc.name, oracle::Program { family, dialect }, seed, usize::MAX)?;
            for case in by_hand.cases.into_iter().chain(at_bounds.cases) {
                let Some(table) = TableName::from_name(&case.table) else { continue };
                let Some(hook) = table.hooks().iter().find(|h| h.name() == case.chain) else { continue };
                let made = Made { table: table.name(), chain: hook.name(), words: case.words };
                if rule(&made, Program { family, dialect }) == Told::Taken {
                    note(desc, &made, &mut seen.borrow_mut());
                }
            }
        }
    }
    let seen = seen.into_inner();
    if seen.taken < 20 {
        return Err(format!("only {} rules with {} were taken", seen.taken, desc.name).into());
    }
    let never = desc.options.iter().map(|o| o.names[0]).filter(|o| !seen.options.contains(o));
    let never: Vec<&str> = never.collect();
    if never.is_empty() { Ok(()) } else { Err(format!("no rule with --{} was taken", never.join(", --")).into()) }
}

/// Notes the options of a rule that was taken.
fn note(desc: &'static Desc, made: &Made, seen: &mut Seen) {
    seen.taken += 1;
    for option in desc.options {
        let written = |w: &String| {
            let name = w.strip_prefix("--").map(|w| w.split('=').next().unwrap_or(w));
            name.is_some_and(|name| option.names.contains(&name))
        };
        if made.words.iter().any(written) {
            seen.options.insert(option.names[0]);
        }
    }
}
