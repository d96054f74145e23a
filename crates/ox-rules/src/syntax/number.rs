//! Numbers as `strtoul` with base 0 takes them: decimal, `0x` hex, `0` octal, blanks and a plus before them.

/// A number of at most `max`. No minus, and nothing behind it.
pub fn number(text: &str, max: u32) -> Option<u32> {
    number_u64(text, max.into()).map(|n| n as u32)
}

/// As [`number`], up to 64 bits.
pub fn number_u64(text: &str, max: u64) -> Option<u64> {
    if let Some(n) = short(text.as_bytes()) {
        return Some(n).filter(|&n| n <= max);
    }
    let text = behind_sign(text);
    let (digits, radix) = match text.as_bytes() {
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

/// As [`number`], but decimal whatever it begins with.
pub fn decimal(text: &str, max: u32) -> Option<u32> {
    decimal_u64(text, max.into()).map(|n| n as u32)
}

/// As [`decimal`], up to 64 bits.
pub fn decimal_u64(text: &str, max: u64) -> Option<u64> {
    let digits = behind_sign(text);
    let plain = !digits.starts_with('+');
    digits.parse().ok().filter(|&n| plain && n <= max)
}

/// A number with a fraction, not below 0, as `strtod` takes it: a whole one may be hexadecimal.
pub fn fraction(text: &str) -> Option<f64> {
    let digits = behind_sign(text);
    let hex = digits.starts_with("0x") || digits.starts_with("0X");
    let n = if hex { number_u64(digits, u64::MAX).map(|n| n as f64) } else { digits.parse().ok() };
    n.filter(|n: &f64| n.is_finite() && *n >= 0.0)
}

/// What stands behind blanks and a plus.
fn behind_sign(text: &str) -> &str {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    text.strip_prefix('+').unwrap_or(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_strtoul() {
        for (text, n) in
            [("0", 0), ("10", 10), ("010", 8), ("0x1F", 31), ("+1", 1), (" \t+010", 8), ("4294967295", u32::MAX)]
        {
            assert_eq!(number(text, u32::MAX), Some(n), "{text:?}");
        }
        for text in
            ["", " ", "+", "-1", "++1", "+-1", "+ 1", "1 ", "08", "0x", "0x+1", "0+1", "1x", "4294967296", "\u{a0}1"]
        {
            assert_eq!(number(text, u32::MAX), None, "{text:?}");
        }
        assert_eq!(number_u64("18446744073709551615", u64::MAX), Some(u64::MAX));
        assert_eq!(number_u64("18446744073709551616", u64::MAX), None);
        assert_eq!(number("256", 255), None);
        assert_eq!([decimal("010", 99), decimal(" +9", 99), decimal("100", 99)], [Some(10), Some(9), None]);
        assert_eq!([decimal("0x5", 99), decimal("++5", 99), decimal("", 99), decimal("-1", 99)], [None; 4]);
        assert_eq!([fraction(" .5"), fraction("0X10"), fraction("1e3")], [Some(0.5), Some(16.0), Some(1000.0)]);
        assert_eq!([fraction("-1"), fraction("inf"), fraction("nan"), fraction("0x1p2")], [None; 4]);
    }
}
