//! Bytes that are no text. iptables takes any in a comment, a prefix or a name, and old files have them; here all is text.
//!
//! An *odd* byte, one that is no part of UTF-8, is the character U+10FF00 + byte: one of 128 at the very end of Unicode,
//! which belong to nobody. Where a file spells one of those in UTF-8, its bytes are odd too. So the way back always gives
//! the same bytes.

use std::borrow::Cow;

/// The characters that stand for bytes from 0x80 on.
const FIRST: u32 = 0x10_ff80;

/// The first byte of their UTF-8, which begins few other characters.
const LEAD: u8 = 0xf4;

/// The byte that a character stands for, if it stands for one.
pub fn odd_byte(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(FIRST)?).ok().map(|n| n + 0x80)
}

fn odd(byte: u8) -> char {
    // Bytes that are no ASCII have the eighth bit, and the sum is below the end of Unicode.
    char::from_u32(FIRST - 0x80 + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Bytes as text.
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !has_odd(text)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match odd_byte(c) {
                None => text.push(c),
                Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(odd)),
            }
        }
        text.extend(chunk.invalid().iter().map(|&b| odd(b)));
    }
    Cow::Owned(text)
}

/// The bytes that a text stands for.
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !has_odd(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match odd_byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// Whether any byte of a text is odd.
pub fn has_odd(text: &str) -> bool {
    memchr::memchr(LEAD, text.as_bytes()).is_some() && text.chars().any(|c| odd_byte(c).is_some())
}

/// How many bytes a text stands for.
pub fn len(text: &str) -> usize {
    let odd = if has_odd(text) { text.chars().filter(|&c| odd_byte(c).is_some()).count() } else { 0 };
    text.len() - 3 * odd
}

/// The longest beginning of at most `max` bytes that is whole characters.
pub fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut left = max;
    let end = text.char_indices().find(|&(_, c)| {
        let width = if odd_byte(c).is_some() { 1 } else { c.len_utf8() };
        let full = width > left;
        left = left.saturating_sub(width);
        full
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_bytes_are_one_character_each() {
        assert_eq!(text_of(b"caf\xe9"), "caf\u{10ffe9}");
        assert!(matches!(text_of("caf\u{e9} \u{1f600} \u{100000}".as_bytes()), Cow::Borrowed(_)));
        // The characters themselves, spelt out.
        assert_eq!(text_of("\u{10ffe9}".as_bytes()), "\u{10fff4}\u{10ff8f}\u{10ffbf}\u{10ffa9}");
        assert_eq!(text_of(b"\xed\xa0\x80"), "\u{10ffed}\u{10ffa0}\u{10ff80}");
        assert_eq!(len("caf\u{10ffe9}\u{e9}"), 6);
        assert_eq!(cut("caf\u{10ffe9}\u{10ffe8}x", 5), "caf\u{10ffe9}\u{10ffe8}");
        assert_eq!(cut("caf\u{e9}", 4), "caf");
        assert_eq!(cut("\u{10ff80}", 0), "");
    }

    proptest! {
        #[test]
        fn the_way_back_gives_the_same_bytes(
            bytes in proptest::collection::vec(
                proptest::sample::select(vec![b'a', b'"', 0x80, 0x8f, 0xbe, 0xbf, 0xc3, 0xa9, 0xe2, 0xf0, 0xf4, 0xff]), 0..40),
            max in 0..50usize,
        ) {
            let text = text_of(&bytes);
            prop_assert_eq!(&*bytes_of(&text), &bytes[..]);
            prop_assert_eq!(len(&text), bytes.len());
            prop_assert!(bytes.starts_with(&bytes_of(cut(&text, max))));
            prop_assert!(len(cut(&text, max)) <= max);
        }
    }
}
