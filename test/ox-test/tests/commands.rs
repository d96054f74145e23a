//! Whole sessions of commands against the stock programs: exit status, output, and the messages that scripts look for.
//!
//! `OX_SEED` is the generator's seed, `OX_SESSIONS` the number of sessions for each of the four programs, `OX_FIRST` the
//! first of them. Called as `oxtables` (by a link of that name) this program is our program.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_test::oracle::{Program, cannot, root};
use ox_test::transcript::ask::Room;
use ox_test::transcript::ledger::{self, Difference, Entry};
use ox_test::transcript::said::Said;
use ox_test::transcript::{Session, Step, random, refusals, single};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What all tests together have seen.
struct Seen {
    ledger: Vec<Entry>,
    ours: PathBuf,
    sessions: AtomicUsize,
    commands: AtomicUsize,
    refused: AtomicUsize,
    excused: Mutex<Vec<usize>>,
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|name| Path::new(&name).ends_with("oxtables")) {
        return oxtables::main();
    }
    let arguments = Arguments::from_args();
    if !arguments.list
        && let Some(why) = cannot()
    {
        println!("skipped: every transcript of the stock programs: {why}");
        return ExitCode::SUCCESS;
    }
    let dir = std::env::temp_dir().join(format!("oxtables-commands-{}", std::process::id()));
    let prepared = prepare(&dir);
    let (ledger, ours) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => {
            println!("error: {why}");
            return ExitCode::FAILURE;
        }
    };
    let excused = Mutex::new(vec![0; ledger.len()]);
    let (sessions, commands, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let seen = Arc::new(Seen { ledger, ours, sessions, commands, refused, excused });
    let (first, count) = (number("OX_FIRST", 0), number("OX_SESSIONS", 100));
    let parts = 4;
    let mut trials = Vec::new();
    for program in Program::ALL {
        for part in 0..parts {
            let seen = seen.clone();
            let range = first + count * part / parts..first + count * (part + 1) / parts;
            let name = format!("commands::{}::{part}", program.name(""));
            trials.push(Trial::test(name, move || sessions_of(program, range, &seen)));
        }
    }
    for program in Program::ALL {
        let seen = seen.clone();
        let name = format!("commands::{}::single", program.name(""));
        trials.push(Trial::test(name, move || these(program, single(program), &seen)));
    }
    for program in Program::ALL {
        let seen = seen.clone();
        let name = format!("commands::{}::refusals", program.name(""));
        trials.push(Trial::test(name, move || these(program, refusals(), &seen)));
    }
    let spoilt = seen.clone();
    trials.push(Trial::test("a_program_that_says_something_else_is_seen", move || broken(&spoilt)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Whoever cleans up temporary files does it otherwise.
    let _ = std::fs::remove_dir_all(&dir);
    let partly = arguments.list || arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.exact;
    if partly || report(&seen) { conclusion.exit_code() } else { ExitCode::FAILURE }
}

/// The ledger, and a link to this program that makes it ours.
fn prepare(dir: &Path) -> Result<(Vec<Entry>, PathBuf), String> {
    let ledger = ledger::read(&root())?;
    let link = dir.join("oxtables");
    let made = std::fs::create_dir_all(dir)
        .and_then(|()| std::env::current_exe())
        .and_then(|exe| std::os::unix::fs::symlink(exe, &link));
    made.map(|()| (ledger, link)).map_err(|e| format!("{}: {e}", dir.display()))
}

/// Prints the counts; false if an entry of the ledger is of no use.
fn report(seen: &Seen) -> bool {
    let count = |n: &AtomicUsize| n.load(Ordering::Relaxed);
    let (sessions, commands, refused) = (count(&seen.sessions), count(&seen.commands), count(&seen.refused));
    println!("{sessions} sessions, {commands} commands, {refused} of them refused, said as the stock programs say it");
    let Ok(excused) = seen.excused.lock() else { return false };
    // The entries are written for as many sessions as are run when nothing else is said.
    let fewer = ["OX_SEED", "OX_SESSIONS", "OX_FIRST"].iter().any(|v| std::env::var_os(v).is_some());
    let mut useful = true;
    for (entry, &times) in seen.ledger.iter().zip(excused.iter()) {
        println!("deviations/{} excused {times}: {}", entry.file, entry.title);
        if times == 0 && !fewer {
            println!(
                "error: deviations/{} excuses no transcript: it is not true any more, or none shows it",
                entry.file
            );
            useful = false;
        }
    }
    useful
}

fn sessions_of(program: Program, range: std::ops::Range<u64>, seen: &Seen) -> Result<(), Failed> {
    let seed = number("OX_SEED", 20260);
    these(program, range.map(|i| random(program, seed, i)).collect(), seen)
}

fn these(program: Program, sessions: Vec<Session>, seen: &Seen) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for session in sessions {
        wrong.extend(hold(program, &session, seen, &|_| ())?);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let shown = number("OX_SHOW", 10) as usize;
    let text: String = wrong.iter().take(shown).map(|w| format!("{w}\n")).collect();
    Err(format!("{} sessions differ:\n{text}", wrong.len()).into())
}

/// Runs a session with both; the first difference that nothing excuses.
fn hold(
    program: Program,
    session: &Session,
    seen: &Seen,
    tamper: &(dyn Fn(&mut Said) + Sync),
) -> Result<Option<String>, String> {
    let id = format!("{}-{:?}", program.name(""), std::thread::current().id()).replace(['(', ')'], "");
    let room = Room::new(&seen.ours, &id)?;
    room.clear();
    let run = || {
        let mut before: Vec<&Step> = Vec::new();
        for step in &session.steps {
            let stock = room.stock(program, step)?;
            let mut ours = room.ours(program, step)?;
            tamper(&mut ours);
            seen.commands.fetch_add(1, Ordering::Relaxed);
            seen.refused.fetch_add(usize::from(stock.exit != 0), Ordering::Relaxed);
            before.push(step);
            let Some(what) = stock.differs(&ours, step) else { continue };
            let difference = Difference { what, program, step, stock: &stock, ours: &ours };
            let Some(entry) = ledger::excuse(&seen.ledger, &difference) else {
                return Ok(Some(tell(program, session, &before, &difference)));
            };
            if let Ok(mut excused) = seen.excused.lock() {
                excused[entry] += 1;
            }
            // From here on the two have different rules.
            if what == ox_test::transcript::said::What::Exit || step.suffix == "-restore" {
                break;
            }
        }
        Ok(None)
    };
    seen.sessions.fetch_add(1, Ordering::Relaxed);
    ox_io::netns::run(|_| run()).map_err(|e| e.to_string())?
}

fn tell(program: Program, session: &Session, steps: &[&Step], d: &Difference<'_>) -> String {
    let mut text = format!("{} {}: {}\n", program.name(""), session.from, d.what.name());
    for step in steps {
        text.push_str(&format!("    $ {}\n", step.typed()));
    }
    text.push_str(&format!("    stock: {}\n    ours:  {}\n", d.stock, d.ours));
    text
}

/// If our answers are spoilt, it is seen.
fn broken(seen: &Seen) -> Result<(), Failed> {
    type Fault = (&'static str, fn(&mut Said));
    let faults: [Fault; 5] = [
        ("an exit status of 1 for 2", |s| s.exit = s.exit.min(1)),
        ("a rule that says DROP for ACCEPT", |s| s.out = s.out.replace("-j ACCEPT", "-j DROP")),
        ("a listing without its counters", |s| s.out = s.out.replace(" pkts", "     ")),
        ("a message in other words", |s| s.err = s.err.replace("No chain/target/match", "No such thing")),
        ("a missing line number", |s| s.err = s.err.replace("Error occurred at line", "Error occurred")),
    ];
    for (fault, tamper) in faults {
        let mut noticed = false;
        for i in 0..40 {
            let program = Program::ALL[i as usize % 2];
            noticed |= hold(program, &random(program, 1, i), seen, &tamper)?.is_some();
            if noticed {
                break;
            }
        }
        if !noticed {
            return Err(format!("{fault} was not seen").into());
        }
    }
    Ok(())
}
