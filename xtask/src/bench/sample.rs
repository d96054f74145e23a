//! One command measured: CPU time, wall time, memory, instructions; and many of them taken by turns.

use ox_io::{netns, process};
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command to be measured.
pub struct Subject {
    /// What it is called in the table.
    pub name: String,
    /// Program and words.
    pub words: Vec<OsString>,
    /// What has to be done before each sample, untimed.
    pub before: Box<dyn Fn() -> std::io::Result<()> + Sync>,
    /// Whether it needs a network namespace of its own, made untimed before each sample.
    pub apart: bool,
    /// The CPU seconds it should stay under.
    pub bar: Option<f64>,
}

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Seconds of CPU, user and system.
    pub cpu: f64,
    /// Seconds on the wall.
    pub wall: f64,
    /// Bytes of memory at most.
    pub peak: f64,
}

impl Subject {
    /// A command that needs nothing before.
    pub fn new(name: &str, words: impl IntoIterator<Item = OsString>) -> Self {
        Self {
            name: name.to_owned(),
            words: words.into_iter().collect(),
            before: Box::new(|| Ok(())),
            apart: false,
            bar: None,
        }
    }

    fn command(&self, in_front: &[&str]) -> Command {
        let mut words = in_front.iter().map(OsString::from).chain(self.words.iter().cloned());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null());
        // Nobody else's lock is waited for.
        command.env("XTABLES_LOCKFILE", std::env::temp_dir().join(format!("ox-bench-{}.lock", std::process::id())));
        command
    }

    /// Runs it once.
    pub fn sample(&self) -> Result<Sample, String> {
        if self.apart {
            return netns::run(|_| self.sample_here()).map_err(|why| format!("{}: {why}", self.name))?;
        }
        self.sample_here()
    }

    fn sample_here(&self) -> Result<Sample, String> {
        let fault = |why: std::io::Error| format!("{}: {why}", self.name);
        (self.before)().map_err(fault)?;
        let begin = Instant::now();
        let child = self.command(&[]).stderr(Stdio::null()).spawn().map_err(fault)?;
        let (status, used) = process::wait(child).map_err(fault)?;
        let wall = begin.elapsed();
        if !status.success() {
            return Err(format!("{}: {status}", self.name));
        }
        let (cpu, wall) = (used.cpu.as_secs_f64(), Duration::as_secs_f64(&wall));
        Ok(Sample { cpu, wall, peak: used.peak as f64 })
    }

    /// The instructions it takes, by callgrind.
    pub fn instructions(&self) -> Result<u64, String> {
        (self.before)().map_err(|why| format!("{}: {why}", self.name))?;
        let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
        let out = self.command(&valgrind).output().map_err(|why| format!("valgrind: {why}"))?;
        let said = String::from_utf8_lossy(&out.stderr);
        let count = said.lines().find_map(|l| l.split_once("Collected :")?.1.trim().parse().ok());
        count.ok_or_else(|| {
            format!("{}: callgrind gave no count: {}", self.name, said.lines().last().unwrap_or_default())
        })
    }

    /// As a person would type it.
    pub fn typed(&self) -> String {
        let word = |w: &OsString| {
            let w = w.to_string_lossy();
            if w.contains([' ', '>']) { format!("'{w}'") } else { w.into_owned() }
        };
        self.words.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// Rounds that are taken however long they last.
const LEAST: usize = 3;

/// How long more rounds than that may go on: a peer that takes seconds is told apart in a few of them.
const ENOUGH: Duration = Duration::from_secs(30);

/// Samples of every subject, taken by turns so that what disturbs one disturbs all.
pub fn by_turns(subjects: &[Subject], rounds: usize) -> Vec<Result<Vec<Sample>, String>> {
    let mut all: Vec<Result<Vec<Sample>, String>> = subjects.iter().map(|_| Ok(Vec::new())).collect();
    let begin = Instant::now();
    for round in 0..rounds {
        if round >= LEAST && begin.elapsed() > ENOUGH {
            break;
        }
        for (subject, samples) in subjects.iter().zip(&mut all) {
            if let Ok(list) = samples {
                match subject.sample() {
                    Ok(sample) => list.push(sample),
                    Err(why) => *samples = Err(why),
                }
            }
        }
    }
    all
}

/// The middle of some numbers, the least and the greatest.
pub fn spread(mut of: Vec<f64>) -> (f64, f64, f64) {
    of.sort_by(f64::total_cmp);
    match (of.first(), of.get(of.len() / 2), of.last()) {
        (Some(&least), Some(&middle), Some(&greatest)) => (middle, least, greatest),
        _ => (0.0, 0.0, 0.0),
    }
}
