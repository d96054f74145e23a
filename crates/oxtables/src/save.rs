//! `iptables-save` and `ip6tables-save`: a ruleset file in canonical form, or as JSON.

use std::path::Path;

use ox_rules::bytes::bytes_of;
use ox_rules::ir::Dialect;
use ox_rules::model::{Table, TableName};
use ox_rules::syntax::{self, JsonOf, Out, Program, dump, dump_order, format_names, is_json, save_help};

use crate::files;
use crate::names::System;

/// Runs it; the exit status. `json`: that is what it is to print.
pub fn main(program: Program, file: Option<&Path>, mut json: bool, words: &[&str]) -> u8 {
    let name = format!("{}-save", program.name());
    let (mut counters, mut table, mut output) = (false, None, None);
    let usage = |why: String| {
        eprintln!("{name}: {why}\n`{name} --help' lists the options.");
        1
    };
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (option, glued) = match word.strip_prefix("--").and_then(|w| w.split_once('=')) {
            Some((option, arg)) => (format!("--{option}"), Some(arg)),
            None if !word.starts_with("--") && word.len() > 2 && word.starts_with('-') && word.is_char_boundary(2) => {
                (word[..2].to_owned(), Some(&word[2..]))
            }
            None => (word.to_owned(), None),
        };
        let is = |letter: &str, long: &str| {
            option == letter
                || (option.len() > 2 && option.starts_with("--") && format!("--{long}").starts_with(&option))
        };
        let mut arg =
            || glued.or_else(|| words.next()).ok_or_else(|| format!("option requires an argument -- '{option}'"));
        if is("-c", "counters") {
            counters = true;
        } else if is("-t", "table") || is("-f", "file") || is("-M", "modprobe") {
            match arg() {
                Ok(arg) if is("-t", "table") => table = Some(arg.to_owned()),
                Ok(arg) if is("-f", "file") => output = Some(arg.to_owned()),
                Ok(_) => {}
                Err(why) => return usage(why),
            }
        } else if is("--format", "format") {
            match arg().and_then(|name| is_json(name).ok_or_else(|| format_names(name))) {
                Ok(asked) => json = asked,
                Err(why) => return usage(why),
            }
        } else if is("-h", "help") {
            let mut out = Out::default();
            save_help(program, &mut out);
            files::print(&out.text);
            return 0;
        } else if is("-V", "version") {
            files::print(&format!("{name} {}\n", program.version()));
            return 0;
        } else if is("-4", "ipv4") || is("-6", "ipv6") || is("-d", "dump") {
        } else if option.starts_with('-') {
            return usage(format!("invalid option -- '{}'", option.trim_start_matches('-')));
        } else {
            eprintln!("Unknown arguments found on commandline: `{word}'");
            return 1;
        }
    }
    let only = match table.as_deref().map(|name| TableName::from_name(name).ok_or(name)) {
        None => None,
        Some(Ok(table)) => Some(table),
        Some(Err(table)) => {
            eprintln!("Table `{table}' does not exist");
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
    if json {
        let what = JsonOf { family: program.family, chain: None, rule: None, listing: false };
        // Of many rules a piece is printed before the next is made; a file is written as a whole.
        let mut flush = |out: &mut Out| {
            if output.is_none() {
                files::print(&out.text);
                out.text.clear();
            }
        };
        syntax::json(&tables, what, &mut out, &mut flush);
    } else {
        for table in tables {
            dump(table, program, counters, &stamp, &mut out);
        }
    }
    // The process is about to end, and the kernel frees faster than we do.
    std::mem::forget(ruleset);
    match output {
        None => files::print(&out.text),
        Some(path) => {
            if let Err(error) = std::fs::write(&path, bytes_of(&out.text)) {
                eprintln!("Failed to open file, error: {path}: {error}");
                return 1;
            }
        }
    }
    0
}
