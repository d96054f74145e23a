//! Numbers that iproute2 has names for: routing realms and device groups. Of the names only that of 0 is known here.
use super::prelude::*;

/// Reads `VALUE[/MASK]` or the name of 0.
pub(super) fn read(text: &str, zero: &str) -> Result<Masked, String> {
    if text == zero {
        return Ok(Masked::default());
    }
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (number(value, u32::MAX), number(mask, u32::MAX)),
        None => (number(text, u32::MAX), Some(u32::MAX)),
    };
    match (value, mask) {
        (Some(value), Some(mask)) => Ok(Masked { value, mask }),
        _ => Err(format!("`{text}' is not a number with an optional mask, nor `{zero}'")),
    }
}

/// Prints it; the name of 0 where names are wanted.
pub(super) fn print(value: Masked, zero: &str, numeric: bool, out: &mut Out) {
    if value == Masked::default() && !numeric {
        out.word(zero);
    } else {
        out.value(value);
    }
}
