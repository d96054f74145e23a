//! `argv`: command lines on a small ruleset file, as the programs do them, one after the other.
//!
//! A line break ends a command, a zero byte a word; the byte 1 in a word is a line break.

use super::restore::{before, holds, listed, read, saved};
use super::{Few, Head};
use crate::generate::{self, Kind, text};
use crate::random::Random;
use ox_packet::Family;
use ox_rules::bytes::text_of;
use ox_rules::ext;
use ox_rules::model::{Table, TableName};
use ox_rules::syntax::{
    Command, Out, Program, RuleCx, RunCx, Setting, Strangers, TextKind, Trouble, Verb, admit, help, read_command, run,
};

/// Does commands, by bits of the first byte: IPv6, legacy.
pub fn argv(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else { return };
    let head = Head(first);
    let program = head.program();
    let mut file = before(program.family);
    for words in commands(head.way(), rest, program.family).iter().take(16) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match command(&words, &file, program) {
            Ok(None) => {}
            Ok(Some(written)) => file = written,
            Err(trouble) => {
                let (complaint, status) = trouble.report(program, &words);
                assert!((1..=4).contains(&status) && !complaint.trim().is_empty(), "{words:?}: {status} {complaint}");
                assert!(complaint.len() < 4000, "{} bytes of complaint", complaint.len());
            }
        }
    }
    holds(&read(&file, program).ruleset, program, TextKind::File);
}

/// The three ways in which bytes stand for commands.
fn commands(way: u8, bytes: &[u8], family: Family) -> Vec<Vec<String>> {
    match way {
        2 => split(&text_of(bytes), '\0'),
        3 => split(&text::spelt(bytes), ' '),
        way => {
            let mut random = Random::from_bytes(bytes);
            let rude = if way == 0 { 0 } else { 15 };
            let count = random.below(6) + 1;
            (0..count).map(|_| made(family, rude, &mut random)).collect()
        }
    }
}

fn split(text: &str, end: char) -> Vec<Vec<String>> {
    let words = |line: &str| -> Vec<String> {
        let words = line.split(end).filter(|w| end == '\0' || !w.is_empty());
        words.map(|w| w.replace('\u{1}', "\n")).collect()
    };
    text.split('\n').map(words).collect()
}

/// One command about a generated rule.
fn made(family: Family, rude: u64, random: &mut Random) -> Vec<String> {
    let (all, kind) = match random.below(2) {
        0 => (ext::matches(), Kind::Match),
        _ => (ext::targets(), Kind::Target),
    };
    let list: Vec<_> = all.iter().filter(|d| d.families.has(family)).collect();
    let desc = list[random.below(list.len() as u64) as usize];
    let rule = generate::one(desc, kind, family, rude, random);
    let chain = if random.percent(20) { random.pick(&["one", "two", "nosuch"]) } else { rule.chain };
    let number = (random.below(3) + 1).to_string();
    let mut words = vec!["-t".to_owned(), rule.table.to_owned()];
    let (command, arguments, ruled): (_, Vec<&str>, bool) = match random.below(24) {
        0..8 => ("-A", vec![chain], true),
        8..11 => ("-I", vec![chain, &number], true),
        11 => ("-R", vec![chain, &number], true),
        12 => ("-C", vec![chain], true),
        13 => ("-D", vec![chain], true),
        14 => ("-D", vec![chain, &number], false),
        15 => ("-L", vec![], false),
        16 => ("-S", vec![chain], false),
        17 => ("-F", vec![chain], false),
        18 => ("-N", vec!["new"], false),
        19 => ("-X", vec!["two"], false),
        20 => ("-E", vec!["one", "other"], false),
        21 => ("-P", vec![chain, random.pick(&["DROP", "ACCEPT", "x"])], false),
        22 => ("-Z", vec![chain], false),
        _ => ("--help", vec![], true),
    };
    words.push(command.to_owned());
    words.extend(arguments.iter().map(|&w| w.to_owned()));
    if ruled {
        words.extend(rule.words);
    }
    for flag in ["-v", "-n", "-x", "--line-numbers", "-w"] {
        if random.percent(8) {
            words.push(flag.to_owned());
        }
    }
    words
}

/// One command, as the program does it to a file, and what the file is then; and what must hold of a command that was
/// done.
fn command(words: &[&str], file: &[u8], program: Program) -> Result<Option<Vec<u8>>, Trouble> {
    let mut book = read(file, program);
    let cx = RuleCx {
        family: program.family,
        dialect: program.dialect,
        table: TableName::Filter,
        names: &Few,
        strangers: Strangers::Refuse,
    };
    let mut command = read_command(words, &cx, Setting::Line)?;
    let mut out = Out::default();
    if matches!(command.verb, Verb::Help | Verb::Version) {
        help(&command, program, &mut out);
        return Ok(None);
    }
    let old = book.ruleset.table(command.table).cloned().unwrap_or_else(|| Table::new(command.table));
    let mut table = old.clone();
    let again = command.clone();
    one(&mut command, &mut table, program)?;
    if command.verb == Verb::Append {
        undone(again, &old, &table, program);
    }
    listed(&table, program);
    if !command.verb.edits() && !command.zero {
        return Ok(None);
    }
    *book.ruleset.table_mut(command.table) = table;
    let written = book.write(&[command.table], program, "DATE");
    assert_eq!(saved(&read(&written, program).ruleset, program), saved(&book.ruleset, program), "{words:?}");
    Ok(Some(written))
}

fn one(command: &mut Command, table: &mut Table, program: Program) -> Result<(), Trouble> {
    run(command, table, &mut None, &RunCx { program, names: &Few, line: 0, absent: false }, &mut Out::default())?;
    if command.verb.edits() { admit(table, program).map_err(Trouble::Kernel) } else { Ok(()) }
}

/// What was appended is found by `-C`, and `-D` takes as many rules away as there were more.
fn undone(again: Command, old: &Table, new: &Table, program: Program) {
    let chain = again.chain.clone().unwrap_or_default();
    let count = |t: &Table| t.chain(&chain).map_or(0, |c| c.rules.len());
    for verb in [Verb::Check, Verb::Delete] {
        let mut command = Command { verb, ..again.clone() };
        let mut table = new.clone();
        let done = run(
            &mut command,
            &mut table,
            &mut None,
            &RunCx { program, names: &Few, line: 0, absent: false },
            &mut Out::default(),
        );
        assert!(done.is_ok(), "{verb:?} of what -A added: {done:?}: {:?}", again.rule.rule);
        if verb == Verb::Delete {
            assert_eq!(count(&table), count(old), "{:?}", again.rule.rule);
        }
    }
}
