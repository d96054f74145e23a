//! Our own answers: the commands that the stock programs were given, done by the library on a table of its own.

use super::cases::{Case, Group};
use super::stock::Asked;
use super::{Answer, NO_FORM, Program, text};
use ox_packet::Family;
use ox_rules::ir::Dialect;
use ox_rules::model::{Table, TableName};
use ox_rules::syntax::{
    self, Aside, Names, Out, RuleCx, RunCx, Setting, Strangers, Trouble, admit, read_command, run, split_words,
    translate_command,
};
use std::collections::BTreeMap;

/// Our answers, and the tables behind them.
pub struct Ours<'a> {
    /// One for each case.
    pub answers: Vec<Answer>,
    tables: BTreeMap<String, Table>,
    program: syntax::Program,
    cases: &'a [Case],
    names: &'a dyn Names,
}

/// Whether each case is taken, and what is said if not.
pub fn answer<'a>(program: Program, group: &'a Group, names: &'a dyn Names) -> Ours<'a> {
    let cases = &group.cases[..];
    let program = syntax::Program { family: program.family, dialect: program.dialect };
    let mut ours = Ours { answers: Vec::new(), tables: BTreeMap::new(), program, cases, names };
    for case in cases {
        let Some(name) = TableName::from_name(&case.table) else { continue };
        let table = ours.tables.entry(case.table.clone()).or_insert_with(|| Table::new(name));
        if table.chain(&case.chain).is_none() {
            // A name that is taken is told by the chain being there.
            let _ = table.create(&case.chain);
        }
    }
    for case in cases {
        let mut table = ours.tables.get(&case.table).cloned().unwrap_or_else(|| Table::new(TableName::Filter));
        let (exit, said) = ours.case('A', case, &mut table);
        let said = said.lines().next().unwrap_or_default().to_owned();
        ours.answers.push(Answer { exit, said, ..Answer::default() });
    }
    ours
}

/// A case in nft's language, or why it has none.
///
/// # Errors
/// It has no nft form, or is refused.
pub fn translate(family: Family, case: &Case, names: &dyn Names) -> Result<Vec<String>, String> {
    // As the programs read it.
    let dialect = Dialect::Legacy;
    let cx = RuleCx { family, dialect, table: TableName::Filter, names, strangers: Strangers::Refuse };
    let mut words = vec!["-t", &case.table, "-A", &case.chain];
    words.extend(case.words.iter().map(String::as_str));
    let mut command = read_command(&words, &cx, Setting::Line).map_err(|t| t.message(dialect))?;
    match translate_command(&mut command, family, &mut Aside::default()) {
        Ok(lines) => Ok(lines.into_iter().map(|l| l.text).collect()),
        Err((missing, _)) => Err(missing.why),
    }
}

/// Whether we take a rule in an otherwise empty table.
pub fn takes(program: Program, case: &Case, names: &dyn Names) -> bool {
    let group = Group { before: Vec::new(), cases: vec![case.clone()] };
    answer(program, &group, names).answers.iter().all(|a| a.exit == 0)
}

impl Ours<'_> {
    /// Does a command as the programs do: exit status, and what was printed or said.
    fn command(&self, words: &[&str], table: &mut Table) -> (i32, String) {
        let syntax::Program { family, dialect } = self.program;
        let cx = RuleCx { family, dialect, table: TableName::Filter, names: self.names, strangers: Strangers::Refuse };
        let cx_run = RunCx { program: self.program, names: self.names, line: 0, absent: false };
        let mut out = Out::default();
        let done = read_command(words, &cx, Setting::Line).and_then(|mut command| {
            run(&mut command, table, &mut None, &cx_run, &mut out)?;
            if command.verb.edits() {
                admit(table, self.program).map_err(Trouble::Kernel)?;
            }
            Ok(())
        });
        match done {
            Ok(()) => (0, out.text),
            Err(trouble) => {
                let (text, status) = trouble.report(self.program, words);
                (status.into(), text)
            }
        }
    }

    /// `-A`, `-C` or `-D` of a case.
    fn case(&self, command: char, case: &Case, table: &mut Table) -> (i32, String) {
        let command = format!("-{command}");
        let mut words = vec!["-t", &case.table, &command, &case.chain];
        words.extend(case.words.iter().map(String::as_str));
        self.command(&words, table)
    }

    /// Does what the stock programs were asked to do with the cases they took: add, list, check, delete.
    pub fn follow(&mut self, stock: &Asked) {
        let mut tables = std::mem::take(&mut self.tables);
        for (name, table) in &mut tables {
            let taken: Vec<usize> = stock.order.iter().copied().filter(|&i| self.cases[i].table == *name).collect();
            for &i in taken.iter().filter(|&&i| self.answers[i].exit == 0) {
                let (case, mark) = (&self.cases[i], text::marker(i));
                self.command(&["-t", name, "-A", &case.chain, "-m", "comment", "--comment", &mark], table);
                self.case('A', case, table);
            }
            self.show(name, &taken, table);
            if self.program.dialect == Dialect::Nft {
                for &i in &taken {
                    self.answers[i].translated = match translate(self.program.family, &self.cases[i], self.names) {
                        Ok(lines) => {
                            lines.iter().filter(|l| l.starts_with("add rule")).map(|l| text::unquoted(l)).collect()
                        }
                        Err(why) => vec![format!("{NO_FORM}: {why}")],
                    };
                }
            }
            for &i in &taken {
                let found_typed = self.case('C', &self.cases[i], table).0 == 0;
                let mut look = |line: &String| self.find(&self.cases[i], line, table);
                let found_printed = stock.answers[i].rules.iter().all(|line| look(line).is_ok());
                let lost = self.answers[i].rules.iter().find_map(|line| look(line).err());
                self.answers[i].found_typed = found_typed;
                self.answers[i].found_printed = found_printed;
                self.answers[i].lost = lost;
            }
            for &i in stock.deleted.iter().filter(|&&i| self.cases[i].table == *name) {
                let mut after = table.clone();
                if self.case('D', &self.cases[i], &mut after).0 == 0 {
                    *table = after;
                }
            }
            let mut left = text::rules(&self.command(&["-t", name, "-S"], table).1, self.cases.len());
            for &i in &taken {
                self.answers[i].left = std::mem::take(&mut left[i]);
            }
        }
        self.tables = tables;
    }

    fn show(&mut self, name: &str, taken: &[usize], table: &mut Table) {
        let count = self.cases.len();
        let mut rules = text::rules(&self.command(&["-t", name, "-S"], table).1, count);
        let mut numeric = text::listing(&self.command(&["-t", name, "-L", "-n"], table).1, count);
        let mut listed = text::listing(&self.command(&["-t", name, "-L", "-v"], table).1, count);
        for &i in taken {
            let answer = &mut self.answers[i];
            answer.rules = std::mem::take(&mut rules[i]);
            answer.numeric = std::mem::take(&mut numeric[i]);
            answer.listed = std::mem::take(&mut listed[i]);
        }
    }

    /// `-C` of a line that was printed; what it says if it does not find it.
    fn find(&self, case: &Case, line: &str, table: &mut Table) -> Result<(), String> {
        let mut words = Vec::new();
        split_words(line, &mut words).map_err(|fault| format!("{line}: {fault:?}"))?;
        let mut all = vec!["-t", &case.table, "-C", &case.chain];
        all.extend(words.iter().map(|w| &*w.text));
        match self.command(&all, table) {
            (0, _) => Ok(()),
            (_, said) => Err(format!("{line}: {said}")),
        }
    }
}
