//! `restore`: whatever text is restored, what comes of it can be saved, and the saved text says the same.

use super::{Few, Head};
use crate::generate::text;
use ox_packet::Family;
use ox_rules::bytes::bytes_of;
use ox_rules::ir::lower;
use ox_rules::model::{Ruleset, Table, TableName};
use ox_rules::syntax::{Book, JsonOf, Listing, Out, Program, TextCx, TextKind, dump, json, list_rules, translate_text};

/// Reads a text, by bits of its first byte: IPv6, legacy, `--noflush`, `--counters`, a ruleset file instead.
pub fn restore(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else { return };
    let head = Head(first);
    let program = head.program();
    let text = text::written(head.way(), rest, program.family);
    let file = head.bit(4);
    if file {
        match Book::read(&text, program, &Few) {
            Ok(book) => holds(&book.ruleset, program, TextKind::File),
            Err(fault) => told(&fault.report_file(program, "rules"), &text),
        }
        return;
    }
    let kind =
        TextKind::Restore { counters: head.bit(3), noflush: head.bit(2), only: None, verbose: true, test: false };
    let before = before(program.family);
    let mut book = read(&before, program);
    let mut out = Out::default();
    let cx = TextCx { program, names: &Few, kind };
    let touched = if text.trim_ascii_start().starts_with(b"{") {
        match book.restore_json(&text, cx, &mut out) {
            Ok(touched) => touched,
            Err(fault) => {
                told(&fault.report(program, "text").0, &text);
                return;
            }
        }
    } else {
        let (touched, result) = book.restore(&text, cx, &mut out);
        if let Err(fault) = result {
            told(&fault.report(program, "text").0, &text);
        }
        touched
    };
    let _ = translate_text(&text, program.family, &Few);
    let all = TextKind::Restore { counters: true, noflush: false, only: None, verbose: false, test: false };
    holds(&book.ruleset, program, all);
    // The file that is edited says the same as the rules.
    let written = book.write(&touched, program, STAMP);
    let again = read(&written, program);
    assert_eq!(saved(&again.ruleset, program), saved(&book.ruleset, program), "the edited file differs");
}

/// A date for the headers.
const STAMP: &str = "Thu Jan  1 00:00:00 1970";

/// What is there before.
pub(super) fn before(family: Family) -> Vec<u8> {
    let net = if family == Family::V4 { "10.0.0.0/8" } else { "2001:db8::/32" };
    format!(
        "# mine\n*filter\n:INPUT DROP [3:4]\n:one - [0:0]\n:two - [0:0]\n# why\n-A INPUT -s {net} -j one\n\
         -A one -p tcp -m tcp --dport 22 -j ACCEPT\n-A two -j RETURN\nCOMMIT\n*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
    )
    .into_bytes()
}

pub(super) fn read(text: &[u8], program: Program) -> Book<'_> {
    match Book::read(text, program, &Few) {
        Ok(book) => book,
        Err(fault) => panic!("{}\n{}", fault.report_file(program, "it"), String::from_utf8_lossy(text)),
    }
}

/// A complaint is a complaint, and no copy of the text.
fn told(complaint: &str, text: &[u8]) {
    assert!(!complaint.trim().is_empty(), "a refusal without a word");
    assert!(complaint.len() < 4000, "{} bytes of complaint about {} bytes", complaint.len(), text.len());
}

/// All tables, as they are saved.
pub(super) fn saved(ruleset: &Ruleset, program: Program) -> String {
    let mut out = Out::default();
    let mut tables: Vec<&Table> = ruleset.tables.iter().collect();
    tables.sort_by_key(|t| t.name);
    for table in tables {
        dump(table, program, true, STAMP, &mut out);
    }
    out.text
}

/// What is saved can be read, says the same, and is saved the same; and it can be listed and lowered.
pub(super) fn holds(ruleset: &Ruleset, program: Program, kind: TextKind) {
    let text = saved(ruleset, program);
    let bytes = bytes_of(&text);
    let mut again = Book::empty(program.family);
    match kind {
        TextKind::File => again = read(&bytes, program),
        kind => {
            let cx = TextCx { program, names: &Few, kind };
            let (_, result) = again.restore(&bytes, cx, &mut Out::default());
            if let Err(fault) = result {
                panic!("what was saved is refused: {}\n{text}", fault.report(program, "it").0);
            }
        }
    }
    assert_eq!(saved(&again.ruleset, program), text, "saved again it differs");
    if kind != TextKind::File {
        through_json(ruleset, program, kind, &text);
    }
    for table in &ruleset.tables {
        let new = again.ruleset.table(table.name);
        same(table, new, &text);
        listed(table, program);
    }
    let _ = lower(ruleset, program.dialect);
}

/// What is written as JSON is read as the same.
fn through_json(ruleset: &Ruleset, program: Program, kind: TextKind, text: &str) {
    let mut out = Out::default();
    let tables: Vec<&Table> = ruleset.tables.iter().collect();
    let what = JsonOf { family: program.family, chain: None, rule: None, listing: false };
    json(&tables, what, &mut out, &mut |_| {});
    let mut again = Book::empty(program.family);
    match again.restore_json(&bytes_of(&out.text), TextCx { program, names: &Few, kind }, &mut Out::default()) {
        Ok(_) => assert_eq!(saved(&again.ruleset, program), text, "by way of {}", out.text),
        Err(fault) => panic!("{}\n{}", fault.report(program, "it").0, out.text),
    }
}

/// `-C` finds every rule again.
fn same(old: &Table, new: Option<&Table>, text: &str) {
    let Some(new) = new else { panic!("the table {} is lost\n{text}", TableName::name(old.name)) };
    for chain in &old.chains {
        let Some(other) = new.chain(chain.name.as_str()) else { panic!("{:?} is lost\n{text}", chain.name) };
        assert_eq!((chain.base, chain.rules.len()), (other.base, other.rules.len()), "{:?}\n{text}", chain.name);
        for (a, b) in chain.rules.iter().zip(&other.rules) {
            assert!(a.same(b) && a.counters == b.counters, "two rules with one text:\n{a:?}\n{b:?}\n{text}");
        }
    }
}

/// Every way of listing.
pub(super) fn listed(table: &Table, program: Program) {
    let Program { family, dialect } = program;
    for n in 0..4 {
        let (numeric, counters) = (n & 1 == 1, n & 2 == 2);
        let listing =
            Listing { family, dialect, numeric, counters, exact: counters && numeric, lines: true, names: &Few };
        listing.table(table, None, None, &mut Out::default());
    }
    list_rules(table, None, None, family, true, &mut Out::default());
}
