//! The differences that must stay: `deviations/*.toml`.
//!
//! An entry has `title`, `quote`, `source` and `reason`. Those that are about the stock programs have one or more
//! `[[match]]` tables beside, which say what they excuse; every word given must fit:
//!
//! ```toml
//! [[match]]
//! what = ["save", "numeric"]      # exit save numeric list check-typed check-printed delete translate
//! dialect = "nft"                 # or legacy
//! family = 4                      # or 6
//! name = ["udp", "mixtures"]      # file of cases
//! typed = ["--sport :"]           # each stands in the table, chain and words of the case
//! stock = ["takes it"]            # each stands in the stock program's answer
//! ours = ["exit 2"]               # each stands in ours
//! lines = ["Zeroing chain"]       # and the two are the same but for lines of output that have one of these
//! counters = true                 # and the two are the same but for what rules have counted
//! behind = ["! "]                 # and the word that stock quotes (`word') stands behind one of these
//! ```

use super::Program;
use super::compare::Difference;
use ox_packet::Family;
use ox_rules::ir::Dialect;
use serde::Deserialize;
use std::path::Path;

/// What an entry excuses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "told in the module's head")]
pub struct Pattern {
    pub what: Vec<String>,
    pub dialect: Option<String>,
    pub family: Option<u8>,
    pub name: Vec<String>,
    pub typed: Vec<String>,
    pub stock: Vec<String>,
    pub ours: Vec<String>,
    pub lines: Vec<String>,
    pub counters: bool,
    pub behind: Vec<String>,
}

/// An entry.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// File name, for messages.
    #[serde(skip)]
    pub file: String,
    /// What we do otherwise, in a line.
    pub title: String,
    /// What it excuses; nothing for an entry that is about something else.
    #[serde(default, rename = "match")]
    pub patterns: Vec<Pattern>,
    /// What it excuses in transcripts (see `transcript::ledger`).
    #[serde(default, rename = "transcript")]
    pub transcripts: Vec<Pattern>,
}

/// What is known of a difference when it is looked for in the ledger.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "a pattern's words, told in the module's head")]
pub struct Facts<'a> {
    pub what: &'a str,
    pub program: Program,
    pub name: &'a str,
    pub typed: &'a str,
    pub stock: &'a str,
    pub ours: &'a str,
}

impl Pattern {
    /// Whether every word given fits, and nothing else differs.
    pub fn fits(&self, facts: &Facts<'_>) -> bool {
        self.is_about(facts) && (!self.is_partial() || rest(&[self], facts.stock) == rest(&[self], facts.ours))
    }

    /// Whether it excuses a part of a difference only.
    pub fn is_partial(&self) -> bool {
        self.counters || !self.lines.is_empty()
    }

    /// Whether every word given fits.
    pub fn is_about(&self, facts: &Facts<'_>) -> bool {
        let Self { what, dialect, family, name, typed, stock, ours, lines: _, counters: _, behind } = self;
        let has = |text: &str, words: &[String]| words.iter().all(|w| text.contains(&w[..]));
        let one_of = |word: &str, words: &[String]| words.is_empty() || words.iter().any(|w| w == word);
        let dialects = if facts.program.dialect == Dialect::Nft { "nft" } else { "legacy" };
        let families = if facts.program.family == Family::V4 { 4 } else { 6 };
        one_of(facts.what, what)
            && dialect.as_deref().is_none_or(|x| x == dialects)
            && family.is_none_or(|x| x == families)
            && one_of(facts.name, name)
            && has(facts.typed, typed)
            && has(facts.stock, stock)
            && has(facts.ours, ours)
            && (behind.is_empty() || behind.iter().any(|before| stands_behind(facts, before)))
    }
}

/// Whether a word that stock quotes stands behind these letters as typed.
fn stands_behind(facts: &Facts<'_>, before: &str) -> bool {
    let quoted = facts.stock.split('`').skip(1).filter_map(|rest| rest.split_once('\''));
    quoted.map(|(word, _)| word).any(|word| {
        facts.typed.contains(&format!("{before}{word}")) || facts.typed.contains(&format!("{before}\"{word}"))
    })
}

/// The words of what was printed, less what these patterns excuse.
pub fn rest<'t>(patterns: &[&Pattern], said: &'t str) -> Vec<Vec<&'t str>> {
    let excused = |line: &str| patterns.iter().flat_map(|p| &p.lines).any(|w| line.contains(&w[..]));
    let counters = patterns.iter().any(|p| p.counters);
    let words = |line: &'t str| if counters { uncounted(line) } else { line.split(' ').collect() };
    printed(said).filter(|line| !excused(line)).map(words).collect()
}

fn printed(said: &str) -> impl Iterator<Item = &str> {
    said.lines().filter_map(|line| line.trim_start().strip_prefix("out: "))
}

/// The words of a line, with the counters of a rule taken out: `[1:2] -A`, `-c 1 2`, and the numbers that a line of a listing
/// begins with.
fn uncounted(line: &str) -> Vec<&str> {
    let number = |w: &str| w.trim_end_matches(['K', 'M', 'G', 'T']).bytes().all(|b| b.is_ascii_digit());
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let counts = |i: usize| {
        let before = words.get(i + 1) == Some(&"-A") && words[i].starts_with('[');
        let begins = i < 3 && words[..=i].iter().all(|w| number(w));
        let behind = (i > 0 && words[i - 1] == "-c") || (i > 1 && words[i - 2] == "-c");
        before || begins || (behind && number(words[i]))
    };
    (0..words.len()).filter(|&i| !counts(i)).map(|i| words[i]).collect()
}

/// Reads the ledger, in order of file names.
///
/// # Errors
/// A file that cannot be read or understood.
pub fn read(root: &Path) -> Result<Vec<Entry>, String> {
    let mut files: Vec<_> = match std::fs::read_dir(root.join("deviations")) {
        Ok(dir) => dir.filter_map(|f| f.ok().map(|f| f.path())).collect(),
        Err(_) => Vec::new(),
    };
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let shown = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{shown}: {e}"))?;
        let mut entry: Entry = toml::from_str(&text).map_err(|e| format!("{shown}: {e}"))?;
        entry.file = shown;
        entries.push(entry);
    }
    Ok(entries)
}

/// The first entry that excuses a difference.
pub fn excuse(ledger: &[Entry], difference: &Difference) -> Option<usize> {
    let Difference { name, program, typed, what, stock, ours, from: _ } = difference;
    let facts = Facts { what: what.name(), program: *program, name, typed, stock, ours };
    ledger.iter().position(|e| e.patterns.iter().any(|p| p.fits(&facts)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Program, compare::What};

    #[test]
    fn lines_and_counters_excuse_nothing_else() {
        let facts = |stock, ours| Facts { what: "out", program: Program::ALL[0], name: "", typed: "", stock, ours };
        let lines = Pattern { lines: vec!["Zeroing".into()], ..Pattern::default() };
        let (stock, ours) = ("exit 0\n      out: a", "exit 0\n      out: Zeroing x\n      out: a");
        assert!(lines.fits(&facts(stock, ours)));
        assert!(!lines.fits(&facts(stock, "exit 0\n      out: Zeroing x\n      out: b")));
        let counters = Pattern { counters: true, ..Pattern::default() };
        let fits = |stock: &str, ours: &str| {
            let (stock, ours) = (format!("      out: {stock}"), format!("      out: {ours}"));
            let facts =
                Facts { what: "out", program: Program::ALL[0], name: "", typed: "", stock: &stock, ours: &ours };
            counters.fits(&facts)
        };
        assert!(fits("[0:0] -A INPUT -j LOG", "[3:4] -A INPUT -j LOG"));
        assert!(!fits("[0:0] -A INPUT -j LOG", "[3:4] -A INPUT -j DROP"));
        let behind = Pattern { behind: vec!["! ".into()], ..Pattern::default() };
        let (typed, stock) = ("-s ! 10.0.0.1 x", "Bad argument `10.0.0.1'");
        assert!(behind.fits(&Facts { typed, ..facts(stock, "") }));
        assert!(!behind.fits(&Facts { typed, ..facts("Bad argument `x'", "") }));
        assert!(!fits(":INPUT ACCEPT [0:0]", ":INPUT ACCEPT [3:4]"));
        assert!(fits("-A INPUT -c 0 0 -j LOG", "-A INPUT -c 3 4 -j LOG"));
        assert!(fits("2     0     0 LOG  6 --", "2    12   3K LOG  6 --"));
        assert!(!fits("2     0     0 LOG  6 --", "2    12   3K LOG  7 --"));
        assert!(!fits(
            "Chain INPUT (policy ACCEPT 0 packets, 0 bytes)",
            "Chain INPUT (policy ACCEPT 3 packets, 0 bytes)"
        ));
    }

    #[test]
    fn an_entry_excuses_exactly_what_it_names() {
        let text = "title = \"t\"\nquote = \"q\"\nsource = \"s\"\nreason = \"r\"\n[[match]]\nwhat = [\"save\"]\n\
                    dialect = \"nft\"\nfamily = 4\ntyped = [\"--sport :\"]\n";
        let ledger: Vec<Entry> = vec![toml::from_str(text).unwrap()];
        let program = Program::ALL[0];
        let difference = |what, typed: &str, program| Difference {
            name: "tcp".into(),
            program,
            from: String::new(),
            typed: typed.into(),
            what,
            stock: String::new(),
            ours: String::new(),
        };
        assert_eq!(excuse(&ledger, &difference(What::Save, "filter INPUT ! --sport :", program)), Some(0));
        assert_eq!(excuse(&ledger, &difference(What::List, "filter INPUT ! --sport :", program)), None);
        assert_eq!(excuse(&ledger, &difference(What::Save, "filter INPUT ! --sport 1", program)), None);
        assert_eq!(excuse(&ledger, &difference(What::Save, "! --sport :", Program::ALL[1])), None);
        assert!(toml::from_str::<Pattern>("whatever = 1").is_err());
    }
}
