//! The verbs of `oxtables`.

mod assume;
mod batch;
mod hints;
pub mod host;
mod journey;
mod link;
mod links;
mod packet;
mod replay;
mod rules;
pub mod trace;
mod value;
mod wanted;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use ox_rules::syntax::shorten;

use crate::multicall::{self, Call};

/// Netfilter in user space: the iptables programs on a ruleset file, and verbs that ask what the rules do.
///
/// Every iptables program is a verb too: `oxtables -f rules.v4 iptables -S`.
#[derive(Debug, Parser)]
#[command(name = "oxtables", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// Ruleset file to work on instead of the kernel; - is standard input, for verbs that only read
    #[arg(short = 'f', long = "file", value_name = "FILE", global = true)]
    pub files: Vec<PathBuf>,
    /// Family of rules whose file does not say
    #[arg(long, value_enum, global = true)]
    pub family: Option<FamilyName>,
    /// Form of what is printed, and of what iptables-restore reads
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub format: Format,
    /// Whose details and refusals to follow
    #[arg(long, value_enum, default_value = "auto", global = true)]
    pub dialect: DialectName,
}

/// A family by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FamilyName {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A dialect by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DialectName {
    /// As the name of the program says, else nft
    Auto,
    /// As iptables-nft
    Nft,
    /// As iptables-legacy
    Legacy,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Trace(Box<trace::Trace>),
    Replay(Box<replay::Replay>),
    /// Make a link to oxtables for every iptables program
    Links(links::Links),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// An iptables program: iptables, ip6tables, their -save, -restore, -translate and -restore-translate
    #[command(external_subcommand)]
    Program(Vec<OsString>),
}

/// Runs `oxtables` as such.
pub fn main(words: &[OsString]) -> ExitCode {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            if !error.use_stderr() {
                let _ = error.print();
                return ExitCode::SUCCESS;
            }
            let plain = error.to_string();
            let short = short_lines(&plain);
            if short == plain {
                let _ = error.print();
            } else {
                eprint!("{short}");
            }
            return ExitCode::from(2);
        }
    };
    match cli.verb {
        Verb::Trace(trace) => trace.run(&cli.global),
        Verb::Replay(replay) => replay.run(&cli.global),
        Verb::Links(links) => links.run(),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "oxtables", &mut script);
            write(&script)
        }
        Verb::Man => {
            let mut page = Vec::new();
            match clap_mangen::Man::new(Cli::command()).render(&mut page) {
                Ok(()) => write(&page),
                Err(error) => complain(&error.to_string()),
            }
        }
        Verb::Program(words) => program(&cli.global, &words),
    }
}

/// An iptables program as a verb.
fn program(global: &Global, words: &[OsString]) -> ExitCode {
    let name = words.first().map(|w| w.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((kind, mut program)) = multicall::program(&name) else {
        let verbs: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        let programs: Vec<String> = multicall::all_names().collect();
        let known = verbs.iter().chain(&programs).map(String::as_str);
        return match ox_rules::syntax::suggest(&name, known) {
            Some(near) => complain(&format!("`{name}' is no verb: is `{near}' meant?")),
            None => complain(&format!("`{name}' is no verb; `oxtables --help' lists them")),
        };
    };
    match global.dialect {
        DialectName::Auto => {}
        DialectName::Nft => program.dialect = ox_rules::ir::Dialect::Nft,
        DialectName::Legacy => program.dialect = ox_rules::ir::Dialect::Legacy,
    }
    let file = match global.files.as_slice() {
        [] => None,
        [file] => Some(file.clone()),
        _ => return complain(&format!("{name} works on one file: -f was given {} times", global.files.len())),
    };
    let json = global.format == Format::Json;
    Call { kind, program, file, json, words: words[1..].to_vec() }.run()
}

fn write(bytes: &[u8]) -> ExitCode {
    crate::files::print(&String::from_utf8_lossy(bytes));
    ExitCode::SUCCESS
}

fn complain(why: &str) -> ExitCode {
    eprintln!("oxtables: {}", short_lines(why));
    ExitCode::from(2)
}

/// A complaint quotes words that come from outside, and they may be of any length.
fn short_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| shorten(line.to_owned())).collect();
    lines.join("\n")
}
