//! Numbers as `strtoul` with base 0 takes them: decimal, `0x` hex, `0` octal.

/// A number of at most `max`. No sign, no blanks, nothing behind it.
pub fn number(text: &str, max: u32) -> Option<u32> {
    number_u64(text, max.into()).map(|n| n as u32)
}

/// As [`number`], up to 64 bits.
pub fn number_u64(text: &str, max: u64) -> Option<u64> {
    let bytes = text.as_bytes();
    if let Some(n) = short(bytes) {
        return Some(n).filter(|&n| n <= max);
    }
    let (digits, radix) = match bytes {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (&text[2..], 16),
        [b'0', rest @ ..] if !rest.is_empty() => (&text[1..], 8),
        [_, ..] => (text, 10),
        [] => return None,
    };
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().filter(|&n| n <= max)
}

/// The numbers that nearly all numbers are: up to nine decimal digits.
#[inline]
fn short(bytes: &[u8]) -> Option<u64> {
    if !(1..=9).contains(&bytes.len()) || bytes[0] == b'0' && bytes.len() > 1 {
        return None;
    }
    let mut n: u32 = 0;
    for &b in bytes {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + u32::from(digit);
    }
    Some(n.into())
}
