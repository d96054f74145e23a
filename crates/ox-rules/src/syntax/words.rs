//! Splitting a line of restore text into words, quotes and backslashes understood.

use std::borrow::Cow;

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Its text, quotes taken off.
    pub text: Cow<'a, str>,
    /// Byte offset in the line, for pointing at it.
    pub at: usize,
}

/// Splits a line as iptables-restore does: blanks separate, double quotes hold blanks, a backslash inside quotes takes
/// the next character as it is.
///
/// # Errors
/// The byte offset of a quote that is never closed.
pub fn split_words<'a>(line: &'a str, words: &mut Vec<Word<'a>>) -> Result<(), usize> {
    let bytes = line.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if matches!(bytes[i], b' ' | b'\t' | b'\r' | b'\n') {
            i += 1;
            continue;
        }
        let start = i;
        while i < bytes.len() && !matches!(bytes[i], b' ' | b'\t' | b'\r' | b'\n' | b'"') {
            i += 1;
        }
        if bytes.get(i) != Some(&b'"') {
            words.push(Word { text: Cow::Borrowed(&line[start..i]), at: start });
            continue;
        }
        // A quote somewhere in the word: the slow road, once for the rare word.
        let mut text = line[start..i].to_owned();
        let mut quoted: Option<usize> = None;
        let mut chars = line[i..].char_indices().peekable();
        let mut end = bytes.len();
        while let Some((o, c)) = chars.next() {
            match (c, quoted) {
                ('"', None) => quoted = Some(i + o),
                ('"', Some(_)) => quoted = None,
                ('\\', Some(_)) => match chars.next() {
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                (' ' | '\t' | '\r' | '\n', None) => {
                    end = i + o;
                    break;
                }
                (c, _) => text.push(c),
            }
        }
        if let Some(open) = quoted {
            return Err(open);
        }
        words.push(Word { text: Cow::Owned(text), at: start });
        i = end;
    }
    Ok(())
}

/// Splits a line whose words stand in it as they are, with quotes around them at most. `false`: one has quotes or
/// backslashes inside, and the line must be split with more care.
pub(super) fn plain_words<'a>(line: &'a str, words: &mut Vec<&'a str>) -> bool {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let mut rest = line;
    loop {
        match rest.as_bytes() {
            [] => return true,
            [b, ..] if blank(b) => rest = &rest[1..],
            [b'"', inside @ ..] => {
                let Some(len) = memchr::memchr2(b'"', b'\\', inside) else { return false };
                if inside[len] != b'"' || !inside.get(len + 1).is_none_or(blank) {
                    return false;
                }
                words.push(&rest[1..=len]);
                rest = &rest[len + 2..];
            }
            bytes => {
                let (word, after) = rest.split_at(word_end(bytes));
                if !after.as_bytes().first().is_none_or(blank) {
                    return false;
                }
                words.push(word);
                rest = after;
            }
        }
    }
}

/// Bytes before the first blank, quote or control character. Eight at a time, since a dump has more words than anything
/// else.
fn word_end(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let mut rest = bytes;
    while let Some((eight, more)) = rest.split_first_chunk() {
        let eight = u64::from_le_bytes(*eight);
        // Subtracting borrows into the highest bit of a byte below `#`; one that has it already is not ASCII.
        let low = eight.wrapping_sub(ONES * u64::from(b'#')) & !eight & (ONES << 7);
        if low != 0 {
            rest = &rest[low.trailing_zeros() as usize / 8..];
            if rest[0] != b'!' {
                return bytes.len() - rest.len();
            }
            break;
        }
        rest = more;
    }
    let tail = rest.iter().position(|&b| b <= b' ' || b == b'"').unwrap_or(rest.len());
    bytes.len() - rest.len() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_the_words() {
        let lines = [
            "",
            "   ",
            "-A INPUT -j ACCEPT",
            "\t-A  INPUT\r",
            "-m comment --comment \"two words\" -j X",
            "--comment \"\" -j X",
            "! -s 10.0.0.0/8 a!b !c abcdefgh!ijklmnop! x",
            "--set-mark 0123456789abcdef0123456789 -j \u{e9}t\u{e9}\u{20ac}\u{10ffff}",
            "a\u{1}b abcdefgh\u{7f}i",
            "\"whole\"",
        ];
        for line in lines {
            let (mut plain, mut all) = (Vec::new(), Vec::new());
            split_words(line, &mut all).unwrap();
            assert!(plain_words(line, &mut plain) || line.contains('\u{1}'), "{line:?}");
            assert!(plain == all.iter().map(|w| &*w.text).collect::<Vec<_>>() || line.contains('\u{1}'), "{line:?}");
        }
    }

    #[test]
    fn odd_words_are_left_to_care() {
        for line in ["a\"b\" c", "\"a\"b c", "--comment \"a\\\"b\"", "\"open", "--log-prefix \"a\\\\\""] {
            assert!(!plain_words(line, &mut Vec::new()), "{line:?}");
        }
    }
}
