//! `iptables-restore` and `ip6tables-restore`: restore text, or rules in JSON, into a ruleset file.

use std::path::Path;

use ox_rules::ir::Dialect;
use ox_rules::model::TableName;
use ox_rules::syntax::{Only, Out, Program, TextCx, TextKind, format_names, is_json, number, restore_help};

use crate::files::{self, Edited};
use crate::letters::{self, Given, Letter, letter};
use crate::names::System;

/// The options.
#[derive(Default)]
struct Options {
    counters: bool,
    noflush: bool,
    test: bool,
    verbose: bool,
    table: Option<String>,
    json: bool,
    wait: Option<Option<u32>>,
    file: Option<String>,
    help: bool,
    version: bool,
}

/// Stands for the letter that `--format` does not have: no word on a command line has this character in it.
const FORMAT: char = '\0';

const LETTERS: &[Letter] = &[
    letter("counters", 'c', false),
    letter("noflush", 'n', false),
    letter("test", 't', false),
    letter("verbose", 'v', false),
    letter("version", 'V', false),
    letter("help", 'h', false),
    letter("table", 'T', true),
    letter("modprobe", 'M', true),
    letter("wait", 'w', false),
    letter("wait-interval", 'W', false),
    letter("ipv4", '4', false),
    letter("ipv6", '6', false),
    letter("format", FORMAT, true),
];

/// A command line that cannot be understood: why, and the exit status.
type Refused = (String, u8);

fn read(words: &[&str], dialect: Dialect) -> Result<Options, Refused> {
    let mut options = Options::default();
    let digits = |letter, rest: &str| matches!(letter, 'w' | 'W') && rest.bytes().all(|b| b.is_ascii_digit());
    let given = letters::read(LETTERS, words, digits).map_err(|why| (why, 1))?;
    let mut given = given.into_iter().peekable();
    let mut interval = false;
    while let Some(one) = given.next() {
        let (letter, mut arg) = match one {
            Given::Word(word) => {
                if options.file.replace(word.to_owned()).is_some() {
                    let why =
                        format!("Unknown arguments found on commandline: one file at most, and `{word}' is one more");
                    return Err((why, 1));
                }
                continue;
            }
            Given::Option(letter, arg) => (letter, arg),
        };
        match letter {
            'c' => options.counters = true,
            'n' => options.noflush = true,
            't' => options.test = true,
            'v' => options.verbose = true,
            'V' => options.version = true,
            'h' => options.help = true,
            'T' => options.table = arg.map(str::to_owned),
            FORMAT => {
                let name = arg.unwrap_or_default();
                options.json = is_json(name).ok_or_else(|| (format_names(name), 1))?;
            }
            // Their argument may stand behind them, and is looked for there.
            'w' | 'W' => {
                if let (None, Some(&Given::Word(word))) = (arg, given.peek()) {
                    arg = Some(word);
                    given.next();
                }
                let what = if letter == 'w' { "wait seconds" } else { "wait interval" };
                // nft takes no lock, and does not look at how long to wait for it.
                let count = |word| match number(word, i32::MAX as u32) {
                    None if dialect == Dialect::Legacy => Err((format!("{what} not numeric: `{word}'"), 2)),
                    seconds => Ok(seconds),
                };
                match (letter, arg.map(count).transpose()?) {
                    ('w', seconds) => options.wait = Some(seconds.flatten()),
                    (_, None) if dialect == Dialect::Legacy => {
                        return Err(("wait interval value required".to_owned(), 2));
                    }
                    _ => interval = true,
                }
            }
            _ => {}
        }
        if options.help || options.version {
            return Ok(options);
        }
    }
    if interval && options.wait.is_none() && dialect == Dialect::Legacy {
        return Err(("Option --wait-interval requires option --wait".to_owned(), 1));
    }
    Ok(options)
}

/// Runs it; the exit status. `json`: that is what it is given.
pub fn main(program: Program, file: Option<&Path>, json: bool, words: &[&str]) -> u8 {
    let name = format!("{}-restore", program.name());
    let options = match read(words, program.dialect) {
        Ok(options) => options,
        Err((why, status)) => {
            // Stock counts the command line as line 0 of the text.
            let line = if status == 2 { "\nError occurred at line: 0" } else { "" };
            let version = if status == 2 { format!(" {}", program.version()) } else { String::new() };
            eprintln!("{name}{version}: {why}{line}\nTry `{name} -h' for more information.");
            return status;
        }
    };
    if options.help {
        let mut out = Out::default();
        restore_help(program, &mut out);
        files::print(&out.text);
        return 0;
    }
    if options.version {
        files::print(&format!("{name} {}\n", program.version()));
        return 0;
    }
    let source = options.file.as_deref().filter(|f| *f != "-");
    let text = match ox_io::file::read(Path::new(source.unwrap_or("-"))) {
        Ok(text) => text,
        Err(ox_io::Error::File { cause, .. }) => {
            let cause = cause.to_string();
            let cause = cause.split(" (os error ").next().unwrap_or_default();
            eprintln!("Can't open {}: {cause}", source.unwrap_or("standard input"));
            return 1;
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            return 1;
        }
    };
    let Some(file) = file else {
        let (text, status) = files::no_kernel(program);
        eprint!("{text}");
        return status;
    };
    let only = options.table.as_deref().map(|name| TableName::from_name(name).map_or(Only::Nothing, Only::Table));
    let names = System::default();
    let Options { counters, noflush, verbose, test, .. } = options;
    let kind = TextKind::Restore { counters, noflush, only, verbose, test };
    let cx = TextCx { program, names: &names, kind };
    let done = files::edit(file, files::wait(options.wait), program, &names, |book| {
        let mut out = Out::default();
        let source = source.unwrap_or("standard input");
        let (touched, failure) = if json || options.json {
            match book.restore_json(&text, cx, &mut out) {
                Ok(touched) => (touched, None),
                Err(fault) => (Vec::new(), Some(fault.report(program, source))),
            }
        } else {
            let (touched, result) = book.restore(&text, cx, &mut out);
            (touched, result.err().map(|fault| fault.report(program, source)))
        };
        Edited { touched, out: out.text, failure }
    });
    match done {
        Ok(edited) => {
            files::print(&edited.out);
            match edited.failure {
                Some((text, status)) => {
                    eprint!("{text}");
                    status
                }
                None => 0,
            }
        }
        Err((text, status)) => {
            eprint!("{text}");
            status
        }
    }
}
