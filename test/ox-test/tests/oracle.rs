//! Every extension against the stock programs: one named test each.
//!
//! `OX_SEED` is the generator's seed, `OX_CASES` the number of generated rules for each extension and family, `OX_BOUNDS` that
//! of rules at the bounds of an extension's options. When all tests run in one process, counts are printed at the end, and an
//! entry of the ledger that excused nothing is a failure, as is an option that no stock program ever took.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_rules::ext;
use ox_test::oracle::cases::Group;
use ox_test::oracle::compare::{self, Counts, Difference};
use ox_test::oracle::{Answer, Program, cannot, cases, coverage, ledger, root};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

/// What all tests together have seen.
#[derive(Default)]
struct Seen {
    counts: BTreeMap<String, (Counts, usize)>,
    /// How often the stock programs took a rule with each extension and each of its options.
    taken: BTreeMap<String, usize>,
    excused: Vec<usize>,
}

impl Seen {
    /// What all names together have seen: their counts, and how many differences were excused.
    fn total(&self) -> (Counts, usize) {
        let mut total = (Counts::default(), 0);
        for &(counts, excused) in self.counts.values() {
            total.0 += counts;
            total.1 += excused;
        }
        total
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list
        && let Some(why) = cannot()
    {
        println!("skipped: every comparison with the stock programs: {why}");
        return ExitCode::SUCCESS;
    }
    let (seed, count) = (number("OX_SEED", 20260), number("OX_CASES", 40) as usize);
    let ledger = match ledger::read(&root()) {
        Ok(ledger) => Arc::new(ledger),
        Err(why) => {
            println!("deviations: {why}");
            return ExitCode::FAILURE;
        }
    };
    let seen = Arc::new(Mutex::new(Seen { excused: vec![0; ledger.len()], ..Seen::default() }));
    let mut trials: Vec<Trial> = cases::names(&root())
        .into_iter()
        .map(|name| {
            let (ledger, seen) = (ledger.clone(), seen.clone());
            Trial::test(format!("oracle::{name}"), move || extension(&name, seed, count, &ledger, &seen))
        })
        .collect();
    let bounds = number("OX_BOUNDS", 24) as usize;
    for name in ext::matches().iter().chain(ext::targets()).filter(|d| !d.options.is_empty()).map(|d| d.name) {
        let (ledger, seen) = (ledger.clone(), seen.clone());
        trials.push(Trial::test(format!("bounds::{name}"), move || at_bounds(name, seed, bounds, &ledger, &seen)));
    }
    trials.push(Trial::test("a_broken_printer_or_checker_is_seen", broken));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let partly = arguments.list || arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.exact;
    let Ok(seen) = seen.lock() else { return ExitCode::FAILURE };
    if partly {
        let (Counts { cases, accepted, refused }, excused) = seen.total();
        println!("{cases} cases, {accepted} accepted and {refused} refused by the stock programs, {excused} excused");
        return conclusion.exit_code();
    }
    if report(&seen, &ledger, seed) { conclusion.exit_code() } else { ExitCode::FAILURE }
}

/// Prints the counts; false if an entry of the ledger is of no use, or the stock programs took too little.
fn report(seen: &Seen, ledger: &[ledger::Entry], seed: u64) -> bool {
    println!("compared with the stock programs (nft and legacy, both families), seed {seed}:");
    println!("{:<14}{:>8}{:>10}{:>9}{:>9}{:>12}", "", "cases", "accepted", "refused", "excused", "options");
    for (name, &(counts, excused)) in &seen.counts {
        let Counts { cases, accepted, refused } = counts;
        let options = coverage::share(name, &seen.taken);
        println!("{name:<14}{cases:>8}{accepted:>10}{refused:>9}{excused:>9}{options:>12}");
    }
    let (Counts { cases, accepted, refused }, excused) = seen.total();
    println!("{:<14}{cases:>8}{accepted:>10}{refused:>9}{excused:>9}", "together");
    let mut useful = true;
    for (label, why) in coverage::EXCEPTIONS {
        println!("not comparable: {label}: {why}");
    }
    for (label, times) in coverage::shortfalls(&seen.taken) {
        println!("error: {label} was in {times} rules that a stock program took");
        useful = false;
    }
    for (entry, &times) in ledger.iter().zip(&seen.excused).filter(|(e, _)| !e.patterns.is_empty()) {
        println!("deviations/{} excused {times}: {}", entry.file, entry.title);
        if times == 0 {
            println!("error: deviations/{} excuses nothing: it is not true any more, or no case shows it", entry.file);
            useful = false;
        }
    }
    useful
}

fn extension(name: &str, seed: u64, count: usize, ledger: &[ledger::Entry], seen: &Mutex<Seen>) -> Result<(), Failed> {
    let groups = |program| cases::group_for(&root(), name, program, seed, count);
    let again = format!("OX_SEED={seed} cargo test -p ox-test --test oracle -- oracle::{name}");
    compare_groups(name, &groups, &again, ledger, seen)
}

/// The rules at the bounds of an extension's options.
fn at_bounds(name: &str, seed: u64, count: usize, ledger: &[ledger::Entry], seen: &Mutex<Seen>) -> Result<(), Failed> {
    let groups = |program| cases::bounds_for(&root(), name, program, seed, count);
    let again = format!("OX_SEED={seed} OX_BOUNDS={count} cargo test -p ox-test --test oracle -- bounds::{name}");
    compare_groups(name, &groups, &again, ledger, seen)
}

fn compare_groups(
    name: &str,
    groups: &dyn Fn(Program) -> Result<Group, String>,
    again: &str,
    ledger: &[ledger::Entry],
    seen: &Mutex<Seen>,
) -> Result<(), Failed> {
    let (mut counts, mut excused, mut left) = (Counts::default(), vec![0; ledger.len()], Vec::new());
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for program in Program::ALL {
        let group = groups(program)?;
        if group.cases.is_empty() {
            continue;
        }
        let ran = compare::run(name, program, &group, &|_| ())?;
        counts += ran.counts;
        for i in ran.accepted {
            for label in coverage::labels(&group.cases[i].words, program.family) {
                *taken.entry(label).or_default() += 1;
            }
        }
        for d in ran.differences {
            match ledger::excuse(ledger, &d) {
                Some(i) => excused[i] += 1,
                None => left.push(d),
            }
        }
    }
    let mut seen = seen.lock().map_err(|_| "another test has panicked")?;
    let sums = seen.counts.entry(name.to_owned()).or_default();
    sums.0 += counts;
    sums.1 += excused.iter().sum::<usize>();
    for (label, n) in taken {
        *seen.taken.entry(label).or_default() += n;
    }
    for (sum, n) in seen.excused.iter_mut().zip(excused) {
        *sum += n;
    }
    drop(seen);
    if left.is_empty() { Ok(()) } else { Err(tell(&left, again).into()) }
}

fn tell(left: &[Difference], again: &str) -> String {
    let shown = number("OX_SHOW", 25) as usize;
    let mut text = format!("{} unexplained differences:\n", left.len());
    for d in left.iter().take(shown) {
        text.push_str(&format!("  {d}\n"));
    }
    text.push_str(&format!("again: {again}\n"));
    text
}

/// If our answers are spoilt, it is seen: the comparison can fail.
fn broken() -> Result<(), Failed> {
    let program = Program::ALL[0];
    let mut group = cases::group_for(&root(), "tcp", program, 1, 20)?;
    group.cases.truncate(60);
    let differences = |tamper: &(dyn Fn(&mut Answer) + Sync)| -> Result<usize, Failed> {
        Ok(compare::run("tcp", program, &group, tamper)?.differences.len())
    };
    let honest = differences(&|_| ())?;
    type Fault<'a> = &'a (dyn Fn(&mut Answer) + Sync);
    let spoilt: [(&str, Fault<'_>); 6] = [
        ("a printer that forgets `!'", &|a| a.rules.iter_mut().for_each(|r| *r = r.replace("! --", "--"))),
        ("a listing that says dst for dpt", &|a| a.numeric.iter_mut().for_each(|l| *l = l.replace("dpt", "dst"))),
        ("a parser that takes everything", &|a| a.exit = 0),
        ("a parser that exits 1 for usage errors", &|a| a.exit = i32::from(a.exit != 0)),
        ("a check that finds nothing", &|a| a.found_typed = false),
        ("a deletion that leaves everything", &|a| a.left = a.rules.clone()),
    ];
    for (fault, tamper) in spoilt {
        if differences(tamper)? <= honest {
            return Err(format!("{fault} was not seen").into());
        }
    }
    Ok(())
}
