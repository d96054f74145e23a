//! The stock programs' answers, in a namespace that the caller has made.
//!
//! What we take is added in one batch for each table; only if that fails, and for what we refuse, rules are added one by
//! one. So an extension costs some ten runs and one more for each refusal.

use super::cases::{Case, Group};
use super::text::{self, line, marker, restorable};
use super::{Answer, Program};
use ox_io::command::{Command, Output};
use ox_packet::Family;
use ox_rules::ir::Dialect;
use ox_rules::syntax::split_words;
use std::path::Path;

/// The answers, and the order in which things were done.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// One for each case.
    pub answers: Vec<Answer>,
    /// The cases taken, in the order in which they stand in their chains.
    pub order: Vec<usize>,
    /// The cases deleted, in order.
    pub deleted: Vec<usize>,
}

struct Stock<'a> {
    program: Program,
    cases: &'a [Case],
    lock: &'a Path,
}

/// Asks about every case. `refused` says which ones we refuse ourselves, which only costs time where it is wrong.
///
/// # Errors
/// A program could not be run, or refused what it must take.
pub fn ask(program: Program, group: &Group, refused: &[bool], lock: &Path) -> Result<Asked, String> {
    for words in &group.before {
        let [command, args @ ..] = words.as_slice() else { continue };
        let out = Command::new(command).args(args).run().map_err(|e| e.to_string())?;
        if !out.success() {
            return Err(format!("{}: {}", words.join(" "), out.err().trim()));
        }
    }
    let stock = Stock { program, cases: &group.cases, lock };
    let mut asked = Asked { answers: vec![Answer::default(); group.cases.len()], ..Asked::default() };
    for table in stock.tables() {
        stock.table(&table, refused, &mut asked)?;
    }
    Ok(asked)
}

impl Stock<'_> {
    fn run(&self, suffix: &str, args: &[&str], input: &str) -> Result<Output, String> {
        Command::new(self.program.name(suffix))
            .args(args)
            .env("XTABLES_LOCKFILE", self.lock)
            .input(input)
            .run()
            .map_err(|e| e.to_string())
    }

    /// Runs what must succeed; its output.
    fn print(&self, suffix: &str, args: &[&str]) -> Result<String, String> {
        let out = self.run(suffix, args, "")?;
        if out.success() {
            return Ok(out.out());
        }
        let name = self.program.name(suffix);
        Err(format!("{name} {}: status {:?}, signal {:?}: {}", args.join(" "), out.status, out.signal, out.err()))
    }

    fn tables(&self) -> Vec<String> {
        let mut tables: Vec<String> = self.cases.iter().map(|c| c.table.clone()).collect();
        tables.sort();
        tables.dedup();
        tables
    }

    fn table(&self, table: &str, refused: &[bool], asked: &mut Asked) -> Result<(), String> {
        let of_table = |i: &usize| self.cases[*i].table == table;
        let all: Vec<usize> = (0..self.cases.len()).filter(of_table).collect();
        self.make_chains(table, &all)?;
        let (batch, alone): (Vec<usize>, Vec<usize>) =
            all.iter().filter(|&&i| !refused[i]).partition(|&&i| restorable(&self.cases[i].words));
        if self.batch(table, &batch, |i| self.commands('A', i))? {
            asked.order.extend(&batch);
        } else {
            self.add_each(table, &batch, asked)?;
        }
        self.add_each(table, &alone, asked)?;
        let taken: Vec<usize> = asked.order.iter().copied().filter(of_table).collect();
        self.show(table, &taken, &mut asked.answers)?;
        if self.program.dialect == Dialect::Nft {
            self.translate(table, &taken, &mut asked.answers)?;
        }
        self.find(table, &taken, &mut asked.answers)?;
        self.delete(table, &taken, asked)?;
        // What we refuse comes last, because it changes the table where stock takes it.
        for &i in all.iter().filter(|&&i| refused[i]) {
            let out = self.one(table, 'A', i)?;
            asked.answers[i].exit = out.status.unwrap_or(-1);
            asked.answers[i].said = first_line(&out);
        }
        Ok(())
    }

    fn make_chains(&self, table: &str, cases: &[usize]) -> Result<(), String> {
        let mut chains: Vec<&str> = cases.iter().map(|&i| &self.cases[i].chain[..]).collect();
        chains.sort_unstable();
        chains.dedup();
        for chain in chains.into_iter().filter(|c| !c.bytes().all(|b| b.is_ascii_uppercase())) {
            let out = self.run("", &["-t", table, "-N", chain], "")?;
            if !out.success() {
                return Err(format!("-t {table} -N {chain}: {}", out.err()));
            }
        }
        Ok(())
    }

    /// `-A` (or another command) of a case as typed, with its marker before it when it is added.
    fn commands(&self, command: char, i: usize) -> Vec<String> {
        let case = &self.cases[i];
        let words = [format!("-{command}"), case.chain.clone()];
        let typed = line(words.iter().chain(&case.words).map(String::as_str));
        if command != 'A' {
            return vec![typed];
        }
        vec![format!("-A {} -m comment --comment {}", case.chain, marker(i)), typed]
    }

    /// Whether all was done; nothing was done if not.
    fn batch(&self, table: &str, cases: &[usize], lines: impl Fn(usize) -> Vec<String>) -> Result<bool, String> {
        if cases.is_empty() {
            return Ok(true);
        }
        let mut text = format!("*{table}\n");
        for &i in cases {
            for line in lines(i) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text.push_str("COMMIT\n");
        Ok(self.run("-restore", &["--noflush"], &text)?.success())
    }

    fn one(&self, table: &str, command: char, i: usize) -> Result<Output, String> {
        let case = &self.cases[i];
        let command = format!("-{command}");
        let mut args = vec!["-t", table, &command, &case.chain];
        args.extend(case.words.iter().map(String::as_str));
        self.run("", &args, "")
    }

    fn add_each(&self, table: &str, cases: &[usize], asked: &mut Asked) -> Result<(), String> {
        for &i in cases {
            let chain = &self.cases[i].chain;
            let mark = self.run("", &["-t", table, "-A", chain, "-m", "comment", "--comment", &marker(i)], "")?;
            if !mark.success() {
                return Err(format!("a marker in {table} {chain}: {}", mark.err()));
            }
            let out = self.one(table, 'A', i)?;
            asked.answers[i].exit = out.status.unwrap_or(-1);
            asked.answers[i].said = first_line(&out);
            if out.success() {
                asked.order.push(i);
            }
        }
        Ok(())
    }

    fn show(&self, table: &str, taken: &[usize], answers: &mut [Answer]) -> Result<(), String> {
        let count = self.cases.len();
        let mut rules = text::rules(&self.print("", &["-t", table, "-S"])?, count);
        let saved = text::rules(&self.print("-save", &["-t", table])?, count);
        let mut numeric = text::listing(&self.print("", &["-t", table, "-L", "-n"])?, count);
        let mut listed = text::listing(&self.print("", &["-t", table, "-L", "-v"])?, count);
        for &i in taken {
            if rules[i] != saved[i] {
                return Err(format!("stock's -S and -save differ: {:?} and {:?}", rules[i], saved[i]));
            }
            let answer = &mut answers[i];
            answer.rules = std::mem::take(&mut rules[i]);
            answer.numeric = std::mem::take(&mut numeric[i]);
            answer.listed = std::mem::take(&mut listed[i]);
        }
        Ok(())
    }

    /// Every rule in nft's language; one by one where restore text cannot have it, or stock ends before the end.
    fn translate(&self, table: &str, taken: &[usize], answers: &mut [Answer]) -> Result<(), String> {
        let family = if self.program.family == Family::V4 { "iptables" } else { "ip6tables" };
        let (batch, mut alone): (Vec<usize>, Vec<usize>) =
            taken.iter().partition(|&&i| restorable(&self.cases[i].words));
        let mut text = format!("*{table}\n");
        for &i in &batch {
            for line in self.commands('A', i) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text.push_str("COMMIT\n");
        let file = self.lock.with_extension("rules");
        std::fs::write(&file, text).map_err(|e| e.to_string())?;
        let run = Command::new(format!("{family}-restore-translate")).arg("-f").arg(&file).run();
        let _ = std::fs::remove_file(&file);
        let out = run.map_err(|e| e.to_string())?;
        if out.success() {
            for (i, lines) in text::translated(&out.out(), self.cases.len()).into_iter().enumerate() {
                answers[i].translated.extend(lines);
            }
        } else {
            alone.extend(batch);
        }
        for i in alone {
            let case = &self.cases[i];
            let mut args = vec!["-t", table, "-A", &case.chain];
            args.extend(case.words.iter().map(String::as_str));
            let out = Command::new(format!("{family}-translate")).args(args).run().map_err(|e| e.to_string())?;
            answers[i].translated = match out.success() {
                true => out.out().lines().map(text::unquoted).collect(),
                false => vec![format!("status {:?}, signal {:?}", out.status, out.signal)],
            };
        }
        Ok(())
    }

    /// `-C` of every rule as typed and as printed. The nft variant's restore does it for all at once, and one by one only
    /// when not all are found; the legacy variant's says nothing about what it does not find.
    fn find(&self, table: &str, taken: &[usize], answers: &mut [Answer]) -> Result<(), String> {
        let batches = self.program.dialect == Dialect::Nft;
        let (batch, alone): (Vec<usize>, Vec<usize>) = taken.iter().partition(|&&i| restorable(&self.cases[i].words));
        let all = batches && self.batch(table, &batch, |i| self.commands('C', i))?;
        for &i in &batch {
            answers[i].found_typed = all || self.one(table, 'C', i)?.success();
        }
        for &i in &alone {
            answers[i].found_typed = self.one(table, 'C', i)?.success();
        }
        let printed = |i: usize, answers: &[Answer]| -> Vec<String> {
            answers[i].rules.iter().map(|r| format!("-C {} {r}", self.cases[i].chain)).collect()
        };
        let all = batches && self.batch(table, taken, |i| printed(i, answers))?;
        for &i in taken {
            answers[i].found_printed = all || self.finds_all(table, &printed(i, answers))?;
        }
        Ok(())
    }

    /// Whether each of these lines succeeds as a command of its own.
    fn finds_all(&self, table: &str, lines: &[String]) -> Result<bool, String> {
        for line in lines {
            let mut words = Vec::new();
            if split_words(line, &mut words).is_err() {
                return Ok(false);
            }
            let args: Vec<&str> = ["-t", table].into_iter().chain(words.iter().map(|w| &*w.text)).collect();
            if !self.run("", &args, "")?.success() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes every second case as typed, and looks at what is left.
    fn delete(&self, table: &str, taken: &[usize], asked: &mut Asked) -> Result<(), String> {
        let half: Vec<usize> = taken.iter().copied().step_by(2).collect();
        let (batch, alone): (Vec<usize>, Vec<usize>) = half.iter().partition(|&&i| restorable(&self.cases[i].words));
        if !self.batch(table, &batch, |i| self.commands('D', i))? {
            for &i in &batch {
                self.one(table, 'D', i)?;
            }
        }
        for &i in &alone {
            self.one(table, 'D', i)?;
        }
        asked.deleted.extend(batch.iter().chain(&alone));
        let mut left = text::rules(&self.print("", &["-t", table, "-S"])?, self.cases.len());
        for &i in taken {
            asked.answers[i].left = std::mem::take(&mut left[i]);
        }
        Ok(())
    }
}

fn first_line(out: &Output) -> String {
    out.err().lines().next().unwrap_or_default().to_owned()
}
