//! The questions of the examples, read once for everybody who puts them to something.
//!
//! `examples/README.md` says what the keys of a `questions.toml` mean.

use crate::oracle::root;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A directory of `examples/` with its questions.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its path below `examples/`.
    pub name: String,
    /// Where it is.
    pub directory: PathBuf,
    /// Its questions.
    pub questions: Vec<Question>,
}

/// A question.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// In plain words.
    pub ask: String,
    /// The packet, in the words of `oxtables trace`.
    pub packet: String,
    /// Packets sent first.
    #[serde(default)]
    pub before: Vec<String>,
    /// Seconds between those and the packet.
    #[serde(default)]
    pub wait: u32,
    /// Decides the random branches of the packets sent first.
    #[serde(default = "one")]
    pub seed: u64,
    /// Everything that can happen.
    pub outcome: Vec<Outcome>,
}

/// Something that can happen. What is `None` is not claimed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "examples/README.md has them all")]
pub struct Outcome {
    pub verdict: String,
    pub out: Option<String>,
    pub packet: Option<String>,
    pub probability: Option<f64>,
    pub decided_by: Option<String>,
    pub reply: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    question: Vec<Question>,
}

fn one() -> u64 {
    1
}

impl Example {
    /// The files of its rules.
    pub fn dumps(&self) -> Vec<PathBuf> {
        ["rules.v4", "rules.v6"].map(|f| self.directory.join(f)).into_iter().filter(|f| f.exists()).collect()
    }
}

impl Question {
    /// Whether chance decides what happens, and every outcome has its share of it.
    pub fn is_random(&self) -> bool {
        self.outcome.len() > 1 || self.outcome.iter().any(|o| o.probability.is_some())
    }
}

/// Every example, by name.
///
/// # Errors
/// The file that cannot be read, and why.
pub fn examples() -> Result<Vec<Example>, String> {
    let at = root().join("examples");
    let mut found = Vec::new();
    collect(&at, &at, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn collect(base: &Path, at: &Path, found: &mut Vec<Example>) -> Result<(), String> {
    let say = |path: &Path, why: String| format!("{}: {why}", path.display());
    let file = at.join("questions.toml");
    if file.exists() {
        let text = std::fs::read_to_string(&file).map_err(|e| say(&file, e.to_string()))?;
        let File { question } = toml::from_str(&text).map_err(|e| say(&file, e.to_string()))?;
        let name = at.strip_prefix(base).unwrap_or(at).display().to_string();
        found.push(Example { name, directory: at.to_owned(), questions: question });
    }
    for entry in std::fs::read_dir(at).map_err(|e| say(at, e.to_string()))?.flatten() {
        if entry.path().is_dir() {
            collect(base, &entry.path(), found)?;
        }
    }
    Ok(())
}

/// Whether a packet is the one expected; a port `*` is any port.
pub fn same_packet(want: &str, got: &str) -> bool {
    let (want, got): (Vec<&str>, Vec<&str>) = (want.split(' ').collect(), got.split(' ').collect());
    want.len() == got.len()
        && want.iter().zip(&got).all(|(w, g)| match w.strip_suffix(":*") {
            Some(addr) => g.rsplit_once(':').is_some_and(|(a, port)| a == addr && port.parse::<u16>().is_ok()),
            None => w == g,
        })
}
