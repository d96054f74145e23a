//! `iptables-restore` and `ip6tables-restore`: restore text, or rules in JSON, into a ruleset file.

use std::path::Path;

use ox_rules::model::TableName;
use ox_rules::syntax::{Out, Program, TextCx, TextKind, format_names, is_json, number, restore_help};

use crate::files::{self, Edited};
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

/// Long names, their letters, and whether they take an argument (`Some(false)`: only if one follows).
const LONG: &[(&str, char, Option<bool>)] = &[
    ("counters", 'c', None),
    ("noflush", 'n', None),
    ("test", 't', None),
    ("verbose", 'v', None),
    ("version", 'V', None),
    ("help", 'h', None),
    ("table", 'T', Some(true)),
    ("modprobe", 'M', Some(true)),
    ("wait", 'w', Some(false)),
    ("wait-interval", 'W', Some(true)),
    ("ipv4", '4', None),
    ("ipv6", '6', None),
    ("format", FORMAT, Some(true)),
];

/// Stands for the letter that `--format` does not have: no word on a command line has this character in it.
const FORMAT: char = '\0';

fn read(words: &[&str]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, mut arg) = match long.split_once('=') {
                Some((name, arg)) => (name, Some(arg)),
                None => (long, None),
            };
            let exact = LONG.iter().find(|l| l.0 == name);
            let mut fits = LONG.iter().filter(|l| l.0.starts_with(name) && !name.is_empty());
            let &(_, letter, takes) = match (exact, fits.next(), fits.next()) {
                (Some(one), ..) | (None, Some(one), None) => one,
                (None, Some(_), Some(_)) => return Err(format!("option '--{name}' is ambiguous")),
                (None, None, _) => return Err(format!("unrecognized option '--{name}'")),
            };
            if takes == Some(true) && arg.is_none() {
                arg = Some(words.next().ok_or_else(|| format!("option '--{name}' requires an argument"))?);
            }
            let follows = words.peek().filter(|w| !w.starts_with('-')).copied();
            if options.take(letter, arg, follows)? {
                words.next();
            }
            continue;
        }
        let Some(cluster) = word.strip_prefix('-').filter(|c| !c.is_empty()) else {
            if options.file.replace(word.to_owned()).is_some() {
                return Err(format!("one file at most: `{word}' is one too many"));
            }
            continue;
        };
        let mut letters = cluster.chars();
        while let Some(letter) = letters.next() {
            let takes = LONG.iter().find(|l| l.1 == letter).map(|l| l.2);
            match takes {
                None => return Err(format!("invalid option -- '{letter}'")),
                Some(None) => {
                    options.take(letter, None, None)?;
                }
                Some(Some(must)) => {
                    let rest = letters.as_str();
                    let mut arg = Some(rest).filter(|r| !r.is_empty());
                    if must && arg.is_none() {
                        arg = Some(words.next().ok_or_else(|| format!("option requires an argument -- '{letter}'"))?);
                    }
                    let follows = words.peek().filter(|w| !w.starts_with('-')).copied();
                    if options.take(letter, arg, follows)? {
                        words.next();
                    }
                    break;
                }
            }
        }
    }
    Ok(options)
}

impl Options {
    /// Takes one option. `true`: the word that follows was its argument.
    fn take(&mut self, letter: char, arg: Option<&str>, follows: Option<&str>) -> Result<bool, String> {
        match letter {
            'c' => self.counters = true,
            'n' => self.noflush = true,
            't' => self.test = true,
            'v' => self.verbose = true,
            'V' => self.version = true,
            'h' => self.help = true,
            'T' => self.table = arg.map(str::to_owned),
            FORMAT => {
                let name = arg.unwrap_or_default();
                self.json = is_json(name).ok_or_else(|| format_names(name))?;
            }
            'w' => {
                let follows = follows.filter(|f| f.bytes().all(|b| b.is_ascii_digit()));
                let Some(word) = arg.or(follows) else {
                    self.wait = Some(None);
                    return Ok(false);
                };
                let seconds = number(word, i32::MAX as u32).ok_or("wait seconds not numeric")?;
                self.wait = Some(Some(seconds));
                return Ok(arg.is_none());
            }
            _ => {}
        }
        Ok(false)
    }
}

/// Runs it; the exit status. `json`: that is what it is given.
pub fn main(program: Program, file: Option<&Path>, json: bool, words: &[&str]) -> u8 {
    let name = format!("{}-restore", program.name());
    let options = match read(words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{name}: {why}\nTry `{name} -h' for more information.");
            return 1;
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
    let only = match options.table.as_deref().map(TableName::from_name) {
        None => None,
        Some(Some(only)) => Some(only),
        // No table of this name can stand in the text: nothing to do, as stock does it.
        Some(None) => return 0,
    };
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
