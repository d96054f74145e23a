//! Whatever we say in nft's language, nft must read: the cases of every extension, in a namespace, with `nft -c`.
//!
//! And packets must fare the same under both: random rulesets and their translations, in the kernel. `OX_DIFF_SEED` and
//! `OX_DIFF_COUNT` choose these, `OX_DIFF_SHOW` shows more differences.
//!
//! A kernel that lacks an expression, or does not take it at a hook, is no fault of the text; such cases are counted.
//! `OX_SEED` and `OX_CASES` as for the comparison with the stock programs.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_io::command::Command;
use ox_packet::Family;
use ox_rules::model::TableName;
use ox_test::differential::translated::{Fates, fates};
use ox_test::oracle::cases::{self, Case};
use ox_test::oracle::{SystemNames, cannot, ours, root};
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

/// What became of the cases.
#[derive(Default)]
struct Counts {
    said: usize,
    unsaid: usize,
    kernel: usize,
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let nft = || match Command::new("nft").arg("-v").run() {
        Ok(out) if out.success() => None,
        Ok(out) => Some(format!("nft -v: {}", out.err().trim())),
        Err(why) => Some(why.to_string()),
    };
    if !arguments.list
        && let Some(why) = cannot().or_else(nft)
    {
        println!("skipped: every translation shown to nft: {why}");
        return ExitCode::SUCCESS;
    }
    let (seed, count) = (number("OX_SEED", 20260), number("OX_CASES", 12) as usize);
    let counts = Arc::new(Mutex::new(Counts::default()));
    let (first, rulesets) = (number("OX_DIFF_SEED", 0), number("OX_DIFF_COUNT", 60));
    let mut trials: Vec<Trial> = cases::names(&root())
        .into_iter()
        .map(|name| {
            let counts = counts.clone();
            Trial::test(format!("nft_reads::{name}"), move || extension(&name, seed, count, &counts))
        })
        .collect();
    trials.push(Trial::test("packets_fare_the_same", move || packets(first, rulesets)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list
        && let Ok(Counts { said, unsaid, kernel }) = counts.lock().as_deref()
    {
        println!(
            "{said} rules read by nft, {kernel} of them not taken by this kernel; {unsaid} are refused or have no nft form"
        );
    }
    conclusion.exit_code()
}

fn extension(name: &str, seed: u64, count: usize, counts: &Mutex<Counts>) -> Result<(), Failed> {
    let mut faults = String::new();
    for family in [Family::V4, Family::V6] {
        let group = cases::group(&root(), name, family, seed, count)?;
        let result = ox_io::netns::run(|_| {
            let names = SystemNames::default();
            let mut seen = Counts::default();
            let mut faults = String::new();
            for case in &group.cases {
                let Ok(lines) = ours::translate(family, case, &names) else {
                    seen.unsaid += 1;
                    continue;
                };
                seen.said += 1;
                match read(family, case, &lines)? {
                    Answer::Taken => {}
                    Answer::NotHere => seen.kernel += 1,
                    // Writing to a String cannot fail.
                    Answer::Unread(why) => {
                        let _ =
                            writeln!(faults, "{} {}: {}\n  {why}", case.from, case.words.join(" "), lines.join(" | "));
                    }
                }
            }
            Ok::<_, String>((seen, faults))
        });
        let (seen, some): (Counts, String) = result.map_err(|e| e.to_string())??;
        faults.push_str(&some);
        let mut counts = counts.lock().map_err(|_| "another test has panicked".to_owned())?;
        counts.said += seen.said;
        counts.unsaid += seen.unsaid;
        counts.kernel += seen.kernel;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// What is translated does the same with packets.
fn packets(first: u64, count: u64) -> Result<(), Failed> {
    let (mut same, mut rules, mut pushed, mut refused) = (0, 0, 0, Vec::new());
    let mut stories = Vec::new();
    for seed in first..first + count {
        match fates(seed).map_err(|why| format!("seed {seed}: the lab broke: {why}"))? {
            Fates::Same(r, p) => {
                same += 1;
                rules += r;
                pushed += p;
            }
            Fates::Refused(why) => refused.push(format!("seed {seed}: {}", why.lines().next().unwrap_or_default())),
            Fates::Differ(story) => stories.push(story),
        }
    }
    println!(
        "{same} rulesets of {rules} rules do the same with {pushed} packets as their translations; {} not compared",
        refused.len()
    );
    for why in refused.iter().take(5) {
        println!("  {why}");
    }
    if stories.is_empty() {
        return Ok(());
    }
    let shown = number("OX_DIFF_SHOW", 2) as usize;
    let told: Vec<&str> = stories.iter().take(shown).map(String::as_str).collect();
    Err(format!("{} of {count} rulesets do something else:\n{}", stories.len(), told.join("\n")).into())
}

enum Answer {
    Taken,
    NotHere,
    Unread(String),
}

/// Shows a table with the rule in its chain to nft.
fn read(family: Family, case: &Case, lines: &[String]) -> Result<Answer, String> {
    let ip = if family == Family::V4 { "ip" } else { "ip6" };
    let Case { table, chain, .. } = case;
    let mut text = format!("add table {ip} {table}\n");
    let known = TableName::from_name(table);
    let hook = known.and_then(|t| t.hooks().iter().find(|h| h.name() == chain).map(|h| (t, *h)));
    let base = hook.map_or_else(String::new, |(table, hook)| {
        let kind = if table == TableName::Nat { "nat" } else { "filter" };
        let at = hook.name().to_ascii_lowercase();
        format!(" {{ type {kind} hook {at} priority {}; }}", table.priority(hook))
    });
    // Writing to a String cannot fail.
    let _ = writeln!(text, "add chain {ip} {table} {chain}{base}");
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    let out = Command::new("nft").args(["-c", "-f", "-"]).input(text).run().map_err(|e| e.to_string())?;
    if out.success() {
        return Ok(Answer::Taken);
    }
    let said = out.err();
    let first = said.lines().next().unwrap_or_default().to_owned();
    let here = ["Could not process rule", "Interface does not exist"];
    Ok(if here.iter().any(|h| first.contains(h)) { Answer::NotHere } else { Answer::Unread(first) })
}
