//! The differences in what programs say that must stay: the `[[transcript]]` tables of `deviations/*.toml`.
//!
//! ```toml
//! [[transcript]]
//! what = ["exit"]                 # exit out err
//! dialect = "nft"                 # or legacy
//! family = 4                      # or 6
//! typed = ["iptables-restore"]    # each stands in the command as typed, or in its input
//! stock = ["exit 2", "err: "]     # each stands in what the stock program said, as a failure shows it
//! ours = ["exit 0"]               # each stands in what ours said
//! ```

use super::Step;
use super::said::{Said, What};
use crate::oracle::Program;
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
    pub typed: Vec<String>,
    pub stock: Vec<String>,
    pub ours: Vec<String>,
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
    #[serde(default, rename = "transcript")]
    pub patterns: Vec<Pattern>,
}

/// Something said otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'a> {
    /// In what.
    pub what: What,
    /// Which program.
    pub program: Program,
    /// What was asked.
    pub step: &'a Step,
    /// What stock said.
    pub stock: &'a Said,
    /// What ours said.
    pub ours: &'a Said,
}

impl Pattern {
    fn fits(&self, d: &Difference<'_>) -> bool {
        let Self { what, dialect, family, typed, stock, ours } = self;
        let has = |text: String, words: &[String]| words.iter().all(|w| text.contains(&w[..]));
        let dialects = if d.program.dialect == Dialect::Nft { "nft" } else { "legacy" };
        let families = if d.program.family == Family::V4 { 4 } else { 6 };
        (what.is_empty() || what.iter().any(|w| w == d.what.name()))
            && dialect.as_deref().is_none_or(|x| x == dialects)
            && family.is_none_or(|x| x == families)
            && has(d.step.typed(), typed)
            && has(d.stock.to_string(), stock)
            && has(d.ours.to_string(), ours)
    }
}

/// Reads the entries that are about transcripts.
///
/// # Errors
/// A file that cannot be read or understood.
pub fn read(root: &Path) -> Result<Vec<Entry>, String> {
    let dir = root.join("deviations");
    let listed = std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut files: Vec<_> = listed.filter_map(|f| f.ok().map(|f| f.path())).collect();
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
    entries.retain(|e| !e.patterns.is_empty());
    Ok(entries)
}

/// The first entry that excuses a difference.
pub fn excuse(ledger: &[Entry], difference: &Difference<'_>) -> Option<usize> {
    ledger.iter().position(|e| e.patterns.iter().any(|p| p.fits(difference)))
}
