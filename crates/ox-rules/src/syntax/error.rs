//! `Fault`: what is wrong with what was typed, and where.

use std::fmt;

/// What kind of fault, which decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The words cannot be understood (exit 2).
    Usage,
    /// They can, but the kernel would refuse what they say (nft exit 4, legacy exit 1).
    Kernel,
    /// What they name is not there (exit 1, or as the command says).
    Missing,
}

/// A fault at a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Kind.
    pub kind: FaultKind,
    /// Index of the word at fault in the words given; `None` when it is the whole.
    pub word: Option<usize>,
    /// What is wrong and what would be accepted. Begins in lower case, no full stop.
    pub message: String,
}

impl Fault {
    /// Words that cannot be understood.
    pub fn usage(word: impl Into<Option<usize>>, message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Usage, word: word.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
