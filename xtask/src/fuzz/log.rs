//! `fuzz/LOG.md`: what was fuzzed, how long, and what came of it. One row for each target and run, kept up to date while
//! it runs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What came of a target in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// CPU seconds.
    pub cpu: f64,
    /// Inputs tried.
    pub executions: u64,
    /// Inputs worth keeping at the end.
    pub corpus: u64,
    /// Edges of the program that they reach.
    pub edges: u64,
    /// Panics and signals, inputs that take too long, inputs that take too much memory.
    pub crashes: usize,
    /// See above.
    pub hangs: usize,
    /// See above.
    pub memory: usize,
}

impl Row {
    /// Everything found.
    pub fn found(&self) -> usize {
        self.crashes + self.hangs + self.memory
    }

    /// For people.
    pub fn told(&self) -> String {
        let Self { cpu, executions, corpus, edges, crashes, hangs, memory } = self;
        format!(
            "{:.2} CPU hours, {executions} executions, {corpus} inputs reach {edges} edges, {crashes} crashes, \
             {hangs} hangs, {memory} out of memory",
            cpu / 3600.0
        )
    }

    /// Adds what libFuzzer said of one process.
    pub fn add(&mut self, said: &str, well: bool) {
        let number = |l: &str| l.split_whitespace().last().and_then(|n| n.parse::<u64>().ok());
        let executed = said.lines().find(|l| l.starts_with("stat::number_of_executed_units:")).and_then(number);
        self.executions += executed.unwrap_or_default();
        // `#123 NEW cov: 12 ft: 34 corp: 5/678b …`
        for line in said.lines().rev().filter(|l| l.starts_with('#')) {
            let after = |name: &str| {
                let rest = line.split_once(name)?.1.trim_start();
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            if let (Some(edges), Some(corpus)) = (after(" cov:"), after(" corp:")) {
                (self.edges, self.corpus) = (edges.max(self.edges), corpus);
                break;
            }
        }
        if said.contains("ERROR: libFuzzer: timeout") {
            self.hangs += 1;
        } else if said.contains("ERROR: libFuzzer: out-of-memory") {
            self.memory += 1;
        } else if !well {
            self.crashes += 1;
        }
    }
}

/// The file, and what this run's rows begin with.
pub struct Log {
    path: PathBuf,
    date: String,
    commit: String,
}

const HEAD: &str = "\
# What was fuzzed

`cargo xtask fuzz` writes a row for each target and run. A row counts what was found in that run, at that commit; what was
found is mended, and its input is in `test/corpus`. Corpus: inputs kept, and edges of the program that they reach.
Remarks stand behind the table's last column.

| begun | commit | target | CPU hours | executions | corpus | edges | crashes | hangs | out of memory |
|---|---|---|---:|---:|---:|---:|---:|---:|---:|
";

impl Log {
    /// The log of a run that begins now.
    pub fn open(root: &Path) -> Self {
        let say = |program: &str, words: &[&str]| {
            let out = Command::new(program).args(words).current_dir(root).output();
            out.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
        };
        let changed = !say("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
        let commit = say("git", &["rev-parse", "--short", "HEAD"]);
        Self {
            path: root.join("fuzz/LOG.md"),
            date: say("date", &["-u", "+%Y-%m-%d %H:%M:%S"]),
            commit: if changed { format!("{commit} and changes") } else { commit },
        }
    }

    /// Writes a target's row, over the one that this run wrote before.
    pub fn write(&self, target: &str, row: &Row) -> Result<(), String> {
        let fault = |why: std::io::Error| format!("{}: {why}", self.path.display());
        let old = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => HEAD.to_owned(),
            Err(why) => return Err(fault(why)),
        };
        std::fs::write(&self.path, self.with(&old, target, row)).map_err(fault)
    }

    fn with(&self, old: &str, target: &str, row: &Row) -> String {
        let begin = format!("| {} | {} | {target} |", self.date, self.commit);
        let Row { cpu, executions, corpus, edges, crashes, hangs, memory } = row;
        let hours = cpu / 3600.0;
        let line = format!("{begin} {hours:.3} | {executions} | {corpus} | {edges} | {crashes} | {hangs} | {memory} |");
        let mut lines: Vec<&str> = old.lines().collect();
        match lines.iter().position(|l| l.starts_with(&begin)) {
            Some(at) => lines[at] = &line,
            None => lines.push(&line),
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_understood() {
        let mut row = Row::default();
        row.add(
            "INFO: Seed: 1\n#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 30Mb\n#90\tNEW    cov: 71 ft: 99 corp: 12/3Kb \
             lim: 4 exec/s: 0 rss: 31Mb L: 4/4 MS: 1\n#100\tpulse  exec/s: 50\nstat::number_of_executed_units: 100\n",
            true,
        );
        row.add("==1== ERROR: libFuzzer: timeout after 10 seconds\nstat::number_of_executed_units: 5\n", false);
        row.add("==1== ERROR: libFuzzer: out-of-memory (used: 2049Mb; limit: 2048Mb)\n", false);
        row.add("==1== ERROR: libFuzzer: deadly signal\n", false);
        let seen = (row.executions, row.corpus, row.edges, row.crashes, row.hangs, row.memory);
        assert_eq!(seen, (105, 12, 71, 1, 1, 1));
    }

    #[test]
    fn a_run_writes_over_its_own_rows_only() {
        let log = Log { path: PathBuf::new(), date: "2".into(), commit: "c".into() };
        let row = |executions| Row { executions, ..Row::default() };
        let text = log.with("head\n| 1 | c | a | 0 |\n", "a", &row(1));
        let text = log.with(&text, "a", &row(2));
        assert_eq!(text, "head\n| 1 | c | a | 0 |\n| 2 | c | a | 0.000 | 2 | 0 | 0 | 0 | 0 | 0 |\n");
    }
}
