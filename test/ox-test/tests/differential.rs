//! The engine against the real kernel: random rulesets, random packets, verdicts, bytes and counters compared.
//!
//! Every run of the tests takes all the seeds (`SEEDS`), and asks that every extension, option and hook is hit often enough:
//! for what is not, it takes more.
//! `CHANGELOG.md` tells what the generator does not write yet.
//!
//! `OX_DIFF_SEED` and `OX_DIFF_COUNT` run a part again: `OX_DIFF_SEED=17 OX_DIFF_COUNT=1 cargo test -p ox-test --test differential`.

use ox_rules::ir::{Act, Now, Op, Program};
use ox_test::differential::compare::{Breakage, Tally, compare, differs};
use ox_test::differential::coverage;
use ox_test::differential::excuse::{EXCUSES, Small, excuse as find_excuse};
use std::sync::atomic::{AtomicU64, Ordering};

fn now() -> Now {
    let now = ox_io::clock::now();
    Now { wall: now.realtime_ns, mono: now.monotonic_ns }
}

/// First seed and count of an ordinary run.
const SEEDS: (u64, u64) = (0, 1060);

/// The second range: rulesets with what few have, and those that leave fragments as they are.
const WIDE: (u64, u64) = (ox_test::differential::wide::FIRST, 240);

/// How often a rule is hit is partly the kernel's luck. While something is hit too rarely, an ordinary run takes this many
/// seeds more, until there are so many.
const MORE: (u64, u64) = (60, 1500);

/// Rulesets compared at once: making and unmaking namespaces is mostly waiting.
const WORKERS: usize = 6;

fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn can_run() -> bool {
    let on_path =
        |p: &str| std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|d| d.join(p).exists()));
    let needed = ["iptables-nft-restore", "iptables-legacy-restore", "nft", "ipset", "nfacct"];
    let missing: Vec<&str> = needed.into_iter().filter(|p| !on_path(p)).collect();
    let why = if !ox_io::process::is_root() {
        "needs root".to_owned()
    } else if !missing.is_empty() {
        format!("needs {}", missing.join(" "))
    } else {
        return true;
    };
    println!("skipped: the differential against the kernel {why}");
    false
}

fn run(first: u64, count: u64, breakage: Option<Breakage>) -> Tally {
    let next = AtomicU64::new(first);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return tally;
            }
            match compare(seed, now, breakage) {
                Ok(one) => tally.add(one),
                Err(why) => panic!("seed {seed}: the lab broke: {why}"),
            }
        }
    };
    let mut total = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            total.add(worker.join().expect("a worker panicked"));
        }
    });
    total
}

#[test]
fn engine_and_kernel_agree() {
    if !can_run() {
        return;
    }
    let (first, count) = (env("OX_DIFF_SEED", SEEDS.0), env("OX_DIFF_COUNT", SEEDS.1));
    let mut tally = run(first, count, None);
    let full = count >= 1000;
    if full {
        tally.add(run(WIDE.0, WIDE.1, None));
    }
    let mut taken = count;
    while full && tally.differences.is_empty() && taken < MORE.1 && !coverage::shortfalls(&tally.hits).is_empty() {
        tally.add(run(first + taken, MORE.0, None));
        taken += MORE.0;
    }
    for label in coverage::wanted() {
        println!("hits {:7} {label}", tally.hits.get(&label).unwrap_or(&0));
    }
    println!(
        "differential: {} rulesets, {} packets ({} after looking for the kernel's luck), {} refused, {} that \
         did not come again, {} differences",
        tally.rulesets,
        tally.packets,
        tally.lucky,
        tally.refused.len(),
        tally.unsettled.len(),
        tally.differences.len()
    );
    for refused in tally.refused.iter().take(5) {
        println!("refused: {refused}");
    }
    for d in tally.differences.iter().take(env("OX_DIFF_SHOW", 3) as usize) {
        println!("{}", d.story);
        if let Some(small) = &d.small {
            println!("{}", small.write());
        }
    }
    for story in tally.unsettled.iter().take(env("OX_DIFF_SHOW", 3) as usize) {
        println!("did not come again: {story}");
    }
    println!("explained by the ledger: {:?}", tally.excused);
    let missed = coverage::shortfalls(&tally.hits);
    println!("hit fewer than {} times: {missed:?}", coverage::ENOUGH);
    let seeds: Vec<u64> = tally.differences.iter().map(|d| d.seed).collect();
    assert!(tally.unsettled.len() * 100 <= tally.rulesets, "too many differences that do not come again");
    assert!(seeds.is_empty(), "engine and kernel differ for the seeds {seeds:?}");
    assert!(!full || missed.is_empty(), "hit too rarely: {missed:?}");
}

/// Every plain test of every rule is turned round.
fn turn_tests(program: &mut Program) {
    for step in &mut program.steps {
        if let Op::Narrow { not, .. } = &mut step.op {
            *not = !*not;
        }
    }
}

/// Translations to an address go to the one beside it.
fn shift_translations(program: &mut Program) {
    for rule in &mut program.rules {
        if let Act::Nat(nat) = &mut rule.act
            && let Some(addrs) = &mut nat.addrs
        {
            *addrs = (addrs.0 ^ 1, addrs.1 ^ 1);
        }
    }
}

#[test]
fn a_broken_engine_is_caught() {
    if !can_run() {
        return;
    }
    for (name, breakage) in [("tests", turn_tests as Breakage), ("translations", shift_translations)] {
        let tally = run(0, 12, Some(breakage));
        assert!(!tally.differences.is_empty(), "an engine with broken {name} passed the differential");
    }
}

/// Each excuse has an entry in the ledger and a replay that still shows the difference.
#[test]
fn excuses_hold() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let can_run = can_run();
    for excuse in &EXCUSES {
        let read = |path: String| std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
        let entry = read(format!("{root}/deviations/{}.toml", excuse.name));
        assert!(entry.contains("net/"), "{}: names no file of the kernel", excuse.name);
        let text = read(format!("{root}/test/differential/{}.replay", excuse.name));
        let small = Small::read(&text).expect("a replay");
        assert_eq!(small.write(), text);
        assert_eq!(find_excuse(&small), Some(excuse.name));
        if can_run {
            assert!(differs(&small, now).expect("a lab"), "{}: no difference any more", excuse.name);
        }
    }
}
