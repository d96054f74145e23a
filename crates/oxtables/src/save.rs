//! `iptables-save` and `ip6tables-save`: a ruleset file in canonical form, or as JSON.

use std::path::Path;

use ox_rules::bytes::bytes_of;
use ox_rules::ir::Dialect;
use ox_rules::model::{Table, TableName};
use ox_rules::syntax::{self, JsonOf, Out, Program, dump_in_parts, dump_order, format_names, is_json, save_help};

use crate::files;
use crate::letters::{self, Given, Letter, letter};
use crate::names::System;

/// Stands for the letter that `--format` does not have: no word on a command line has this character in it.
const FORMAT: char = '\0';

const LETTERS: &[Letter] = &[
    letter("counters", 'c', false),
    letter("table", 't', true),
    letter("file", 'f', true),
    letter("modprobe", 'M', true),
    letter("version", 'V', false),
    letter("help", 'h', false),
    letter("dump", 'd', false),
    letter("format", FORMAT, true),
];

/// Runs it; the exit status. `json`: that is what it is to print.
pub fn main(program: Program, file: Option<&Path>, mut json: bool, words: &[&str]) -> u8 {
    let name = format!("{}-save", program.name());
    let (mut counters, mut table, mut output) = (false, None, None);
    let usage = |why: String| {
        eprintln!("{name}: {why}\n`{name} --help' lists the options.");
        1
    };
    let given = match letters::read(LETTERS, words, |_, _| false) {
        Ok(given) => given,
        Err(why) => return usage(why),
    };
    for one in given {
        match one {
            Given::Option('c', _) => counters = true,
            Given::Option('t', arg) => table = arg.map(str::to_owned),
            Given::Option('f', arg) => output = arg.map(str::to_owned),
            Given::Option('h', _) => {
                let mut out = Out::default();
                save_help(program, &mut out);
                files::print(&out.text);
                return 0;
            }
            Given::Option('V', _) => {
                files::print(&format!("{name} {}\n", program.version()));
                return 0;
            }
            Given::Option(FORMAT, arg) => {
                let name = arg.unwrap_or_default();
                match is_json(name) {
                    Some(asked) => json = asked,
                    None => return usage(format_names(name)),
                }
            }
            Given::Option(..) => {}
            Given::Word(word) => {
                eprintln!("Unknown arguments found on commandline: `{word}'");
                return 1;
            }
        }
    }
    let only = match table.as_deref().map(|name| TableName::from_name(name).ok_or(name)) {
        None => None,
        Some(Ok(table)) => Some(table),
        Some(Err(table)) => {
            match program.dialect {
                Dialect::Nft => eprintln!("Table `{table}' does not exist"),
                Dialect::Legacy => {
                    let why = "Cannot initialize: Table does not exist (do you need to insmod?)";
                    eprintln!("{name} {}: {why}: `{table}'", program.version());
                }
            }
            let list: Vec<_> = TableName::ALL.iter().map(|t| t.name()).collect();
            eprintln!("There are five tables: {}.", list.join(" "));
            return 1;
        }
    };
    let Some(file) = file else {
        let (text, status) = files::no_kernel(program);
        eprint!("{text}");
        return status;
    };
    let names = System::default();
    let mut ruleset = match files::read(file, program, &names) {
        Ok(ruleset) => ruleset,
        Err((text, status)) => {
            eprint!("{text}");
            return status;
        }
    };
    if let Some(only) = only {
        ruleset.table_mut(only);
    }
    let mut tables: Vec<&Table> = ruleset.tables.iter().filter(|t| only.is_none_or(|o| o == t.name)).collect();
    if program.dialect == Dialect::Nft {
        tables.sort_by_key(|t| dump_order().iter().position(|&o| o == t.name));
    }
    let stamp = ox_io::clock::stamp();
    let mut out = Out::default();
    // Of many rules a piece is printed before the next is made; a file is written as a whole.
    let mut flush = |out: &mut Out| {
        if output.is_none() {
            files::print(&out.text);
            out.text.clear();
        }
    };
    if json {
        let what = JsonOf { family: program.family, chain: None, rule: None, listing: false };
        syntax::json(&tables, what, &mut out, &mut flush);
    } else {
        for table in tables {
            dump_in_parts(table, program, counters, &stamp, &mut out, &mut flush);
        }
    }
    // The process is about to end, and the kernel frees faster than we do.
    std::mem::forget(ruleset);
    match output {
        None => files::print(&out.text),
        Some(path) => {
            if let Err(error) = ox_io::file::put(Path::new(&path), &bytes_of(&out.text)) {
                eprintln!("Failed to open file, error: {error}");
                return 1;
            }
        }
    }
    0
}
