//! What fuzzing checks: one function for each target, from bytes to a panic if something is wrong.
//!
//! The programs under `fuzz/` only call these, and `tests/corpus.rs` gives them every file of `test/corpus` without any
//! fuzzer.

mod argv;
mod names;
mod replay;
mod restore;
mod rule;
mod structs;
mod trace;

pub use argv::argv;
pub use names::Few;
pub use replay::replay;
pub use restore::restore;
pub use rule::{Told, rule};
pub use structs::structs;
pub use trace::trace;

use ox_packet::Family;
use ox_rules::ir::Dialect;
use ox_rules::syntax::Program;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the program under `fuzz/`, and of its directory under `test/corpus`.
    pub name: &'static str,
    /// What it checks.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 5] = [
    Target { name: "argv", check: argv },
    Target { name: "replay", check: replay },
    Target { name: "restore", check: restore },
    Target { name: "structs", check: structs },
    Target { name: "trace", check: trace },
];

/// The first byte of most inputs: five bits of settings, and in the others how the rest stands for a text.
///
/// `@` and the letters behind it say that the rest is the text itself, so that a corpus can be read and written by hand.
#[derive(Clone, Copy, Debug)]
struct Head(u8);

impl Head {
    fn bit(self, n: u8) -> bool {
        self.0 >> n & 1 == 1
    }

    fn program(self) -> Program {
        Program {
            family: if self.bit(0) { Family::V6 } else { Family::V4 },
            dialect: if self.bit(1) { Dialect::Legacy } else { Dialect::Nft },
        }
    }

    /// How the rest stands for a text: see [`crate::generate::text::written`].
    fn way(self) -> u8 {
        self.0 >> 5 & 3
    }
}
