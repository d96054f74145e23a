//! `iptables-translate` and `iptables-restore-translate`: iptables' language in, nft's out. No ruleset is touched.

use std::fmt::Write as _;
use std::path::Path;

use ox_rules::ir::Dialect;
use ox_rules::model::TableName;
use ox_rules::syntax::{
    Aside, Fault, Out, Program, RuleCx, Setting, Strangers, Trouble, VERSION, Verb, culprit_word, point, quote_line,
    read_command, restore_translate_help, translate_command, translate_help, translate_text,
};

use crate::files;
use crate::letters::{self, Given, Letter, letter};
use crate::names::System;

/// What has no nft form.
const MISSING: u8 = 1;

/// `iptables-translate`: one command; the exit status.
pub fn main(program: Program, words: &[&str]) -> u8 {
    let name = format!("{}-translate", program.name());
    let names = System::default();
    let cx = RuleCx {
        family: program.family,
        // As typed: iptables-nft would leave out what it writes nothing for.
        dialect: Dialect::Legacy,
        table: TableName::Filter,
        names: &names,
        strangers: Strangers::Refuse,
    };
    let fail = |trouble: Trouble| {
        let (text, status) = trouble.report_as(&name, program, words);
        eprint!("{text}");
        status
    };
    let mut command = match read_command(words, &cx, Setting::Line) {
        Ok(command) => command,
        Err(trouble) => return fail(trouble),
    };
    if command.family.is_some_and(|f| f != program.family) {
        let other = if program.name() == "iptables" { "ip6tables" } else { "iptables" };
        return fail(Trouble::Usage(Fault::usage(None, format!("this is {name}: {other}-translate does that"))));
    }
    match command.verb {
        Verb::Help => {
            let mut out = Out::default();
            translate_help(&command, program, &mut out);
            files::print(&out.text);
            return 0;
        }
        Verb::Version => {
            files::print(&format!("{name} {}\n", program.version()));
            return 0;
        }
        _ => {}
    }
    let mut aside = Aside::default();
    let result = translate_command(&mut command, program.family, &mut aside);
    for note in aside.notes {
        eprintln!("{name}: {note}");
    }
    match result {
        Ok(lines) => {
            let mut text = String::new();
            for line in lines {
                // Writing to a String cannot fail.
                let _ = match line.rule {
                    true => writeln!(text, "nft {}", shell(&line.text)),
                    false => writeln!(text, "nft {}", line.text),
                };
            }
            files::print(&text);
            0
        }
        Err((missing, rule)) => {
            let mut text = format!("{name} {}: no nft form: {}\n", program.version(), missing.why);
            if let Some(at) = culprit_word(words, &rule, missing.part) {
                let (line, column) = quote_line(&name, words, at);
                point(&mut text, &line, column, words[at].chars().count());
            }
            eprint!("{text}");
            MISSING
        }
    }
}

/// A word in apostrophes, as a shell takes it back.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What `iptables-restore-translate` was asked.
enum Asked {
    Help,
    Version,
    File(Option<String>),
}

const LETTERS: &[Letter] = &[letter("help", 'h', false), letter("file", 'f', true), letter("version", 'V', false)];

fn read(words: &[&str]) -> Result<Asked, String> {
    let mut file = None;
    for given in letters::read(LETTERS, words, |_, _| false)? {
        match given {
            Given::Option('h', _) => return Ok(Asked::Help),
            Given::Option('V', _) => return Ok(Asked::Version),
            Given::Option(_, arg) => file = arg.map(str::to_owned),
            Given::Word(word) => return Err(format!("`{word}' is not understood: the file stands behind -f")),
        }
    }
    Ok(Asked::File(file))
}

/// `iptables-restore-translate`: restore text; the exit status. `given` is a file named before the program's name.
pub fn restore(program: Program, given: Option<&Path>, words: &[&str]) -> u8 {
    let name = format!("{}-restore-translate", program.name());
    let asked = match read(words) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{name}: {why}\nTry `{name} -h' for more information.");
            return 1;
        }
    };
    let file = match asked {
        Asked::Help => {
            let mut out = Out::default();
            restore_translate_help(program, &mut out);
            files::print(&out.text);
            return 0;
        }
        Asked::Version => {
            files::print(&format!("{name} v{VERSION}\n"));
            return 0;
        }
        Asked::File(file) => match (file, given) {
            (Some(file), _) => file,
            (None, Some(path)) => path.display().to_string(),
            (None, None) => {
                eprintln!("{name}: no file is named: -f FILE, - is standard input");
                return 1;
            }
        },
    };
    let bytes = match ox_io::file::read(Path::new(&file)) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{name}: {error}");
            return 1;
        }
    };
    let names = System::default();
    let stamp = ox_io::clock::stamp();
    let (done, result) = translate_text(&bytes, program.family, &names);
    let mut out = format!("# Translated by oxtables {name} v{VERSION} on {stamp}\n{}", done.text);
    if result.is_ok() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# Completed on {stamp}");
    }
    files::print(&out);
    let mut said = String::new();
    for (line, note) in done.notes {
        // Writing to a String cannot fail.
        let _ = writeln!(said, "{name}: {file}, line {line}: {note}");
    }
    let mut status = 0;
    for missing in done.missing {
        status = MISSING;
        let _ = writeln!(said, "{name}: {file}, line {}: no nft form: {}", missing.line, missing.why);
        if let Some((at, len)) = missing.span {
            let column = missing.shown.get(..at).map_or(0, |s| s.chars().count());
            let len = missing.shown.get(at..at + len).map_or(1, |s| s.chars().count());
            point(&mut said, &missing.shown, column, len);
        }
    }
    if let Err(fault) = result {
        let (text, failed) = fault.report_as(&name, program, &file);
        said.push_str(&text);
        status = failed;
    }
    eprint!("{said}");
    status
}
