//! `cargo xtask bench`: how fast it is, measured beside the stock programs. For people: no test looks at a clock.
//!
//! Figures are CPU seconds (user and system) of whole processes in a release build, medians of rounds that take turns.

mod dumps;
mod sample;

use sample::{Subject, by_turns, spread};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What can be asked for.
const KINDS: [&str; 4] = ["parse", "append", "trace", "engine"];

/// Runs what the words ask for (everything if they name nothing); whether all of it could be measured.
pub fn main(root: &Path, words: &[&str]) -> bool {
    let instructions = words.contains(&"--instructions");
    let rounds = words.iter().find_map(|w| w.strip_prefix("--rounds=")?.parse().ok()).unwrap_or(7);
    let asked: Vec<&str> = words.iter().copied().filter(|w| !w.starts_with("--")).collect();
    if let Some(wrong) = asked.iter().find(|w| !KINDS.contains(w)) {
        eprintln!("bench: {wrong}: not one of {}", KINDS.join(", "));
        return false;
    }
    let wants = |kind: &str| asked.is_empty() || asked.contains(&kind);
    match measure(root, &wants, instructions, rounds) {
        Ok(()) => true,
        Err(why) => {
            eprintln!("bench: {why}");
            false
        }
    }
}

fn measure(root: &Path, wants: &dyn Fn(&str) -> bool, instructions: bool, rounds: usize) -> Result<(), String> {
    let mut groups = Vec::new();
    if ["parse", "append", "trace"].into_iter().any(wants) {
        cargo(root, &["build", "--release", "--quiet", "-p", "oxtables"])?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let places = Places { ours: target.join("release/oxtables"), inputs: target.join("bench") };
        std::fs::create_dir_all(&places.inputs).map_err(|why| format!("{}: {why}", places.inputs.display()))?;
        if wants("parse") {
            for (rules, bar) in [(1000, None), (10_000, None), (100_000, Some(0.07))] {
                let file = places.input(&format!("flat-{rules}.v4"), |out| dumps::flat(rules, out))?;
                groups.push((format!("{rules} flat rules"), places.parse(file, bar)?));
            }
            for services in [1000, 10_000] {
                let file = places.input(&format!("services-{services}.v4"), |out| dumps::kube(services, 2, out))?;
                let group = places.parse(file, None)?;
                groups.push((format!("{services} Kubernetes Services, {} rules", group.rules), group));
            }
        }
        if wants("append") {
            groups.push(("append to 100000 rules".to_owned(), Group::of(places.append()?)));
        }
        if wants("trace") {
            groups.push(("trace through a Kubernetes node of 40000 rules".to_owned(), Group::of(places.trace()?)));
        }
    }
    println!("load {}, medians of up to {rounds} rounds, (least .. greatest)", load());
    for (title, group) in &groups {
        println!("\n{title}");
        table(group, rounds);
        if instructions {
            let ours = &group.subjects[0];
            match ours.instructions() {
                Ok(count) if group.rules > 0 => {
                    let each = count as f64 / group.rules as f64;
                    println!("  {:>9.1} million instructions, {each:.0} a rule  {}", count as f64 / 1e6, ours.typed());
                }
                Ok(count) => println!("  {:>9.1} million instructions  {}", count as f64 / 1e6, ours.typed()),
                Err(why) => println!("  {why}"),
            }
        }
    }
    if wants("engine") {
        engine(root, rounds)?;
    }
    println!("\nload {}", load());
    Ok(())
}

/// Commands that are compared: ours first, then its peers.
struct Group {
    subjects: Vec<Subject>,
    /// Rules in what they read, or 0 if that does not matter.
    rules: usize,
    /// Bytes of what they read.
    text: usize,
}

impl Group {
    fn of(subject: Subject) -> Self {
        Self { subjects: vec![subject], rules: 0, text: 0 }
    }
}

/// Prints what the subjects took: medians, and of the CPU time the least and the greatest.
fn table(group: &Group, rounds: usize) {
    let Group { subjects, rules, text } = group;
    let all = by_turns(subjects, rounds);
    let ours = all.first().and_then(|samples| samples.as_ref().ok());
    println!("  rounds: {}", ours.map_or(0, Vec::len));
    println!("  CPU s                      wall s   us a rule  peak MB  B a rule  ours is                command");
    for (n, (subject, samples)) in subjects.iter().zip(&all).enumerate() {
        let samples = match samples {
            Ok(samples) => samples,
            Err(why) => {
                println!("  not measured: {why}");
                continue;
            }
        };
        let (cpu, least, greatest) = spread(samples.iter().map(|s| s.cpu).collect());
        let (wall, ..) = spread(samples.iter().map(|s| s.wall).collect());
        let (peak, ..) = spread(samples.iter().map(|s| s.peak).collect());
        let ratio = match ours {
            Some(ours) if n > 0 => {
                let (ratio, low, high) = spread(ours.iter().zip(samples).map(|(o, s)| o.cpu / s.cpu).collect());
                format!("{ratio:.2} ({low:.2} .. {high:.2})")
            }
            _ => String::new(),
        };
        // Memory beyond the text itself, which is held as a whole.
        let each = |of: f64| if *rules > 0 { of / *rules as f64 } else { f64::NAN };
        let (time, memory) = (each(cpu * 1e6), each(peak - *text as f64));
        let mb = peak / 1e6;
        println!(
            "  {cpu:.4} ({least:.4} .. {greatest:.4})  {wall:.4}  {time:>9.2}  {mb:>7.1}  {memory:>8.0}  {ratio:<21}  {}",
            subject.typed()
        );
        if let Some(bar) = subject.bar {
            println!("  bar {bar:.2}: {}", if cpu < bar { "met" } else { "MISSED" });
        }
    }
}

/// Where the program and its inputs are.
struct Places {
    ours: PathBuf,
    inputs: PathBuf,
}

impl Places {
    /// A file with what `write` writes.
    fn input(&self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<PathBuf, String> {
        let path = self.inputs.join(name);
        let file = File::create(&path).map(BufWriter::new);
        let done = file.and_then(|mut file| write(&mut file).and_then(|()| file.flush()));
        done.map(|()| path.clone()).map_err(|why| format!("{}: {why}", path.display()))
    }

    /// Our program on a ruleset file.
    fn on(&self, file: &Path, words: &[&str]) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec![self.ours.clone().into(), "-f".into(), file.into()];
        all.extend(words.iter().map(OsString::from));
        all
    }

    /// A text read and printed by us; by the others only read, each time in a network namespace of its own.
    fn parse(&self, file: PathBuf, bar: Option<f64>) -> Result<Group, String> {
        let fault = |why: io::Error| format!("{}: {why}", file.display());
        let (mut rules, mut text) = (0, 0);
        for line in BufReader::new(File::open(&file).map_err(fault)?).lines() {
            let line = line.map_err(fault)?;
            rules += usize::from(line.starts_with("-A "));
            text += line.len() + 1;
        }
        let mut subjects = vec![Subject { bar, ..Subject::new("oxtables", self.on(&file, &["iptables-save"])) }];
        for peer in ["iptables-legacy-restore", "iptables-nft-restore"] {
            let words = [peer.into(), "--test".into(), file.clone().into()];
            subjects.push(Subject { apart: true, ..Subject::new(peer, words) });
        }
        Ok(Group { subjects, rules, text })
    }

    fn append(&self) -> Result<Subject, String> {
        let whole = self.input("flat-100000.v4", |out| dumps::flat(100_000, out))?;
        let file = self.inputs.join("append.v4");
        let rule = ["iptables", "-A", "INPUT", "-s", "192.0.2.1", "-p", "tcp", "--dport", "22", "-j", "ACCEPT"];
        let subject = Subject::new("oxtables", self.on(&file, &rule));
        let before = move || std::fs::copy(&whole, &file).map(|_| ());
        Ok(Subject { before: Box::new(before), bar: Some(0.15), ..subject })
    }

    fn trace(&self) -> Result<Subject, String> {
        let file = self.input("kube-40000.v4", |out| dumps::kube(2272, 5, out))?;
        let packet = ["trace", "tcp", "10.244.9.9:40000", "->", "10.96.3.3:80", "in", "eth0"];
        Ok(Subject { bar: Some(0.15), ..Subject::new("oxtables", self.on(&file, &packet)) })
    }
}

/// Packets a second: the engine's own bench, which prints name, packets, and ns a packet of each round.
fn engine(root: &Path, rounds: usize) -> Result<(), String> {
    let words = ["bench", "--quiet", "-p", "ox-engine", "--bench", "packets"];
    let out = command(root, &words).env("OX_BENCH_ROUNDS", rounds.to_string()).output();
    let out = out.map_err(|why| format!("cargo bench: {why}"))?;
    if !out.status.success() {
        return Err(format!("cargo bench: {}", String::from_utf8_lossy(&out.stderr).trim_end()));
    }
    println!("\npackets through all hooks, one thread, CPU time (cargo {})", words.join(" "));
    println!("  M packets/s   ns a packet");
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let mut cells = line.split('\t');
        let (Some(name), Some(_)) = (cells.next(), cells.next()) else { continue };
        let (middle, least, greatest) = spread(cells.filter_map(|c| c.parse().ok()).collect());
        println!("  {:>11.2}   {middle:.0} ({least:.0} .. {greatest:.0})  {name}", 1000.0 / middle);
    }
    println!("  bar: 1 M packets/s for established traffic");
    Ok(())
}

fn command(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root);
    command
}

fn cargo(root: &Path, words: &[&str]) -> Result<(), String> {
    match command(root, words).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo {}: {status}", words.join(" "))),
        Err(why) => Err(format!("cargo: {why}")),
    }
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
