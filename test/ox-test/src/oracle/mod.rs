//! The same rules given to the stock programs and to us, and what differs.
//!
//! The stock programs run in a network namespace of their own for each extension, with a lock file of their own.
//!
//! * [`cases`]: where rules come from: `test/oracle/*.rules` and the generator.
//! * [`stock`] asks the stock programs, [`ours`] asks us; both give [`Answer`]s.
//! * [`coverage`] says which options were taken by a stock program at all.
//! * [`compare`] finds [`Difference`](compare::Difference)s; [`ledger`] knows which of them must stay.

pub mod cases;
pub mod compare;
pub mod coverage;
pub mod ledger;
mod names;
pub mod ours;
pub mod stock;
mod text;

pub use names::SystemNames;

use ox_packet::Family;
use ox_rules::ir::Dialect;
use std::path::PathBuf;

/// One of the four stock programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// iptables or ip6tables.
    pub family: Family,
    /// nft or legacy.
    pub dialect: Dialect,
}

impl Program {
    /// All four.
    pub const ALL: [Program; 4] = [
        Program { family: Family::V4, dialect: Dialect::Nft },
        Program { family: Family::V4, dialect: Dialect::Legacy },
        Program { family: Family::V6, dialect: Dialect::Nft },
        Program { family: Family::V6, dialect: Dialect::Legacy },
    ];

    /// Its name, or with `-save` or `-restore` behind it.
    pub fn name(self, suffix: &str) -> String {
        let family = if self.family == Family::V4 { "iptables" } else { "ip6tables" };
        let dialect = if self.dialect == Dialect::Nft { "nft" } else { "legacy" };
        format!("{family}-{dialect}{suffix}")
    }
}

/// Begins what stands for a rule that has no nft form.
pub const NO_FORM: &str = "no nft form";

/// What became of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Exit status: 0 if it was taken.
    pub exit: i32,
    /// What was said about a refusal; never compared.
    pub said: String,
    /// The lines of `-S`, behind `-A CHAIN `.
    pub rules: Vec<String>,
    /// The lines of `-L -n`.
    pub numeric: Vec<String>,
    /// The lines of `-L -v`.
    pub listed: Vec<String>,
    /// `-C` of the rule as typed finds it.
    pub found_typed: bool,
    /// `-C` of the rule as the stock program printed it finds it.
    pub found_printed: bool,
    /// What `-C` says of the lines of `-S` if it does not find them: only of ours, whose rules must come back whatever stock's do.
    pub lost: Option<String>,
    /// The lines of `iptables-translate`, behind `add rule ip TABLE CHAIN `; [`NO_FORM`] begins what it cannot say.
    pub translated: Vec<String>,
    /// What `-S` shows of it after every second rule was deleted with `-D`, as typed.
    pub left: Vec<String>,
}

/// The project's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Why the stock programs cannot be asked here, if they cannot.
pub fn cannot() -> Option<String> {
    if let Err(why) = ox_io::netns::run(|_| ()) {
        return Some(why.to_string());
    }
    Program::ALL.iter().find_map(|p| {
        let name = p.name("");
        let run = ox_io::command::Command::new(&name).arg("-V").run();
        match run {
            Ok(out) if out.success() => None,
            Ok(out) => Some(format!("{name} -V: {}", out.err().trim())),
            Err(why) => Some(why.to_string()),
        }
    })
}
