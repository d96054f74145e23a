//! What a chain may be called.

use crate::ir::Dialect;
use crate::syntax::Trouble;
use crate::{bytes, ext};
use ox_packet::Family;

/// Longest name of a chain (`XT_EXTENSION_MAXNAMELEN` - 1).
const LONGEST: usize = 28;

pub(super) fn is_too_long(name: &str) -> bool {
    // No text stands for more bytes than it has.
    name.len() > LONGEST && bytes::len(name) > LONGEST
}

pub(super) fn too_long(name: &str) -> Trouble {
    Trouble::usage(format!("chain name `{name}' too long (must be under {} chars)", LONGEST + 1))
}

/// What a new chain may not be called.
pub(in crate::syntax) fn chain_name(name: &str, family: Family) -> Result<(), Trouble> {
    if let Some(c) = name.chars().next().filter(|c| matches!(c, '-' | '!')) {
        return Err(Trouble::usage(format!("chain name not allowed to start with `{c}'")));
    }
    if is_too_long(name) {
        return Err(too_long(name));
    }
    let verdict = matches!(name, "" | "ACCEPT" | "DROP" | "RETURN" | "QUEUE");
    if verdict || ext::target_desc(name, family).is_some() {
        return Err(Trouble::usage("chain name may not clash with target name"));
    }
    if !name.bytes().all(|b| b.is_ascii_graphic()) && name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Trouble::usage(format!("Invalid chain name `{name}'")));
    }
    Ok(())
}

/// What a chain may not be called that restore text declares: it may have a target's name, and to legacy nearly any.
pub(in crate::syntax) fn declared_name(name: &str, dialect: Dialect) -> Result<(), Trouble> {
    if is_too_long(name) {
        return Err(too_long(name));
    }
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Trouble::usage(format!("Invalid chain name `{name}'")));
    }
    let verdict = matches!(name, "ACCEPT" | "DROP" | "RETURN" | "QUEUE");
    match dialect {
        Dialect::Legacy if verdict => Err(Trouble::usage(format!("error creating chain '{name}':File exists"))),
        Dialect::Legacy => Ok(()),
        Dialect::Nft => match name.chars().next().filter(|c| matches!(c, '-' | '!')) {
            Some(c) => Err(Trouble::usage(format!("chain name not allowed to start with `{c}'"))),
            None if verdict => Err(Trouble::usage("chain name may not clash with target name")),
            None => Ok(()),
        },
    }
}
