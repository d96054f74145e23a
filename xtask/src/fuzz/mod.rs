//! `cargo xtask fuzz`: fuzzing, outside of the ordinary tests, for as many hours as one has.
//!
//! It needs a C++ compiler, because libFuzzer is written in C++, and nothing else that the rest does not need: the stable
//! compiler's own coverage pass is enough. What was done is written into `fuzz/LOG.md`.

mod build;
mod keep;
mod log;
mod turn;

use log::{Log, Row};
use std::path::Path;

/// What was asked for.
struct Asked {
    targets: Vec<String>,
    /// CPU hours for each target; none: only keep what there is.
    hours: Option<f64>,
    jobs: usize,
}

/// Runs what the words ask for; whether nothing was found.
pub fn main(root: &Path, words: &[&str]) -> bool {
    let asked = match read(words) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("fuzz: {why}");
            return false;
        }
    };
    match run(root, &asked) {
        Ok(found) => found == 0,
        Err(why) => {
            eprintln!("fuzz: {why}");
            false
        }
    }
}

fn read(words: &[&str]) -> Result<Asked, String> {
    let mut asked = Asked { targets: Vec::new(), hours: None, jobs: 1 };
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
        let mut value = || value.or_else(|| words.next().copied()).ok_or(format!("{name}: its number is missing"));
        match name {
            "--hours" => {
                let hours: f64 = value()?.parse().map_err(|_| "--hours takes a number of CPU hours, such as 0.5")?;
                asked.hours = Some(hours).filter(|h| *h > 0.0);
            }
            "--jobs" => asked.jobs = value()?.parse().map_err(|_| "--jobs takes a number of processes")?,
            _ if name.starts_with('-') => return Err(format!("{name}: not one of --hours, --jobs")),
            _ => asked.targets.push(word.to_owned()),
        }
    }
    Ok(asked)
}

/// Seconds of one turn: targets take turns, and the log is written behind each, so that whoever stops early has something of
/// every target.
const TURN: f64 = 600.0;

/// Crashes after which a target waits for somebody to mend it.
const ENOUGH: usize = 10;

fn run(root: &Path, asked: &Asked) -> Result<usize, String> {
    let all = build::targets(root)?;
    let wanted = |name: &String| asked.targets.contains(name) || asked.targets.iter().any(|t| t == "all");
    let targets: Vec<String> = all.iter().filter(|t| wanted(t)).cloned().collect();
    if let Some(wrong) = asked.targets.iter().find(|t| *t != "all" && !all.contains(t)) {
        return Err(format!("{wrong}: not one of {}, all", all.join(", ")));
    }
    if targets.is_empty() {
        return Err(format!("which target? {}, all", all.join(", ")));
    }
    let programs = build::build(root)?;
    let Some(hours) = asked.hours else {
        for target in &targets {
            keep::keep(root, &programs, target)?;
        }
        return Ok(0);
    };
    let log = Log::open(root);
    let mut done = vec![Row::default(); targets.len()];
    let wants = |row: &Row| row.cpu < hours * 3600.0 && row.found() < ENOUGH;
    while done.iter().any(wants) {
        for (target, row) in targets.iter().zip(&mut done) {
            let seconds = TURN.min(hours * 3600.0 - row.cpu);
            if !wants(row) {
                continue;
            }
            turn::turn(root, &programs, target, seconds, asked.jobs.max(1), row)?;
            log.write(target, row)?;
            println!("{target}: {}", row.told());
        }
    }
    Ok(done.iter().map(Row::found).sum())
}
