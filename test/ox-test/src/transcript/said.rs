//! What a program said, and how two of them differ.
//!
//! Exit status and standard output are compared whole (but for dates, versions and help); of standard error the messages
//! that scripts look for, and that there is one where the other has one.

use super::Step;
use ox_io::command::Output;
use std::fmt;

/// What a program said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Its exit status; less than 0 for a signal.
    pub exit: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// In what two of them differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Exit status.
    Exit,
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl What {
    /// As the ledger calls it.
    pub const fn name(self) -> &'static str {
        match self {
            What::Exit => "exit",
            What::Out => "out",
            What::Err => "err",
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}", self.exit)?;
        for (mark, text) in [("out", &self.out), ("err", &self.err)] {
            for line in text.lines() {
                write!(f, "\n      {mark}: {line}")?;
            }
        }
        Ok(())
    }
}

/// Pieces of messages that programs look for: a line of stock's that has one must begin a line of ours.
const KNOWN: &[&str] = &[
    "No chain/target/match by that name",
    "Chain already exists",
    "Bad rule (does a matching rule exist in that chain?)",
    "Index of ",
    "Chain '",
    "Couldn't load target",
    "Couldn't load match",
    "RULE_APPEND failed",
    "RULE_INSERT failed",
    "RULE_REPLACE failed",
    "RULE_DELETE failed",
    "CHAIN_DEL failed",
    "CHAIN_USER_DEL failed",
    "Device or resource busy",
    "Too many links",
    "Directory not empty",
    "Too many levels of symbolic links",
    "xtables lock",
    "Permission denied",
    "can't initialize",
    " failed",
    "unknown option",
    "requires an argument",
    "COMMIT expected",
    "Error occurred at line",
    "Bad argument",
    "Bad policy name",
    "Bad built-in chain name",
    "does not exist",
];

impl Said {
    /// What a program said, with what differs between any two runs taken out.
    pub fn new(output: &Output) -> Self {
        let status = output.status.unwrap_or_else(|| -output.signal.unwrap_or(1));
        Self { exit: status, out: plain(&output.out()), err: plain(&output.err()) }
    }

    /// In what they differ, if they do. `step` is what was asked.
    pub fn differs(&self, ours: &Said, step: &Step) -> Option<What> {
        if self.exit != ours.exit {
            return Some(What::Exit);
        }
        // Help is in everybody's own words.
        let help = self.exit == 0 && (self.out.contains("Usage: ") || self.err.contains("Usage: "));
        if help && !ours.out.contains("Usage: ") && step.args.iter().all(|a| !matches!(&a[..], "-m" | "-p" | "-j")) {
            return Some(What::Out);
        }
        if !help && self.out != ours.out {
            return Some(What::Out);
        }
        let known = |l: &&str| KNOWN.iter().any(|k| l.contains(k));
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        let begins = |o: &str, l: &str| o.strip_prefix(l.trim_end_matches(['.', ' '])).is_some_and(ends);
        let told = |l: &str| ours.err.lines().any(|o| begins(o, l));
        let missing = self.err.lines().filter(known).any(|l| !told(l));
        let silent = self.exit != 0 && self.err.trim().is_empty() != ours.err.trim().is_empty();
        let loud = self.exit == 0 && self.err.is_empty() && !ours.err.is_empty();
        (missing || silent || loud).then_some(What::Err)
    }
}

/// Dates, versions and the program's own name taken out.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let line = line.replace("v1.8.9", "v1.8.13").replace("by oxtables ", "by ");
        let mut line = line.replace("-nft-", "-").replace("-legacy-", "-");
        if line.ends_with(" did not exist, and was made\n") || line.ends_with(" does not exist: no rules\n") {
            continue;
        }
        if let Some((head, _)) = line.split_once(" on ").filter(|(h, _)| *h == "# Completed" || h.contains("# Generat"))
        {
            line = format!("{head} on DATE\n");
        }
        out.push_str(&line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(exit: i32, out: &str, err: &str) -> Said {
        Said { exit, out: out.to_owned(), err: err.to_owned() }
    }

    #[test]
    fn what_scripts_look_for_is_compared_and_the_rest_is_not() {
        let step = Step::line(["-A", "INPUT"]);
        let stock = said(2, "", "iptables: unknown option \"--foo\"\nTry this\n");
        let hint = said(2, "", "iptables: unknown option \"--foo\" (is `--food' meant?)\n");
        assert_eq!(stock.differs(&hint, &step), None);
        assert_eq!(stock.differs(&said(2, "", "iptables: what?\n"), &step), Some(What::Err));
        assert_eq!(stock.differs(&said(1, "", ""), &step), Some(What::Exit));
        assert_eq!(said(0, "a\n", "").differs(&said(0, "b\n", ""), &step), Some(What::Out));
        assert_eq!(said(2, "", "own words").differs(&said(2, "", "others"), &step), None);
        assert_eq!(said(2, "", "own words").differs(&said(2, "", ""), &step), Some(What::Err));
        assert_eq!(said(0, "", "").differs(&said(0, "", "a warning"), &step), Some(What::Err));
    }

    #[test]
    fn a_date_is_no_difference() {
        let text = "# Generated by iptables-nft-save v1.8.9 (nf_tables) on Mon\n*filter\n# Completed on Tue\n";
        let ours = "# Generated by oxtables iptables-save v1.8.13 (nf_tables) on Fri\n*filter\n# Completed on Sun\n";
        assert_eq!(plain(text), plain(ours));
    }
}
