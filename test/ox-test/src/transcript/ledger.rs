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
//! lines = ["Zeroing chain"]       # and the two print the same but for lines that have one of these
//! counters = true                 # and the two print the same but for what rules have counted
//! behind = ["! "]                 # and the word that stock quotes (`word') stands behind one of these as typed
//! ```

use super::Step;
use super::said::{Said, What};
use crate::oracle::Program;
pub use crate::oracle::ledger::Entry;
use crate::oracle::ledger::{Facts, Pattern, rest};
use std::path::Path;

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

/// Reads the entries that are about transcripts.
///
/// # Errors
/// A file that cannot be read or understood.
pub fn read(root: &Path) -> Result<Vec<Entry>, String> {
    let mut entries = crate::oracle::ledger::read(root)?;
    entries.retain(|e| !e.transcripts.is_empty());
    Ok(entries)
}

/// The first entry that excuses a difference.
pub fn excuse(ledger: &[Entry], difference: &Difference<'_>) -> Option<usize> {
    let Difference { what, program, step, stock, ours } = *difference;
    let (typed, stock, ours) = (step.typed(), stock.to_string(), ours.to_string());
    let facts = Facts { what: what.name(), program, name: "", typed: &typed, stock: &stock, ours: &ours };
    let one = ledger.iter().position(|e| e.transcripts.iter().any(|p| p.fits(&facts)));
    // Two of them may meet in one output.
    let partial = |e: &Entry| e.transcripts.iter().any(|p| p.is_partial() && p.is_about(&facts));
    let together = || {
        let patterns = ledger.iter().flat_map(|e| &e.transcripts).filter(|p| p.is_partial() && p.is_about(&facts));
        let patterns: Vec<&Pattern> = patterns.collect();
        (rest(&patterns, &stock) == rest(&patterns, &ours)).then(|| ledger.iter().position(partial)).flatten()
    };
    one.or_else(|| if what == What::Out { together() } else { None })
}
