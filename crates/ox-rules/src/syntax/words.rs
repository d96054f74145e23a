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
/// backslashes inside, and the line must be split with more care. Eight bytes at a time, since a dump has more words than
/// anything else.
pub(super) fn plain_words<'a>(line: &'a str, words: &mut Vec<&'a str>) -> bool {
    let bytes = line.as_bytes();
    let (mut start, mut at) = (0, 0);
    'eight: while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        // A blank behind the end ends the last word.
        let mut marks = low(*rest.first_chunk().unwrap_or(&padded(rest)));
        while marks != 0 {
            let here = at + marks.trailing_zeros() as usize / 8;
            marks &= marks - 1;
            match bytes.get(here) {
                Some(b'!') => {}
                None | Some(b' ' | b'\t' | b'\r' | b'\n') => {
                    let end = here.min(bytes.len());
                    if end > start {
                        words.push(&line[start..end]);
                    }
                    start = end + 1;
                }
                Some(b'"') if start == here => {
                    let inside = &bytes[here + 1..];
                    let Some(len) = memchr::memchr2(b'"', b'\\', inside) else { return false };
                    if inside[len] != b'"' || !matches!(inside.get(len + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
                    {
                        return false;
                    }
                    words.push(&line[here + 1..][..len]);
                    start = here + len + 3;
                    at = start;
                    continue 'eight;
                }
                Some(_) => return false,
            }
        }
        at += 8;
    }
    if start < bytes.len() {
        words.push(&line[start..]);
    }
    true
}

fn padded(rest: &[u8]) -> [u8; 8] {
    let mut all = [b' '; 8];
    all.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    all
}

/// Marks each byte below `#` (a blank, a quote, `!`, a control character) in its highest bit.
fn low(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let eight = u64::from_le_bytes(bytes);
    // Seven bits and this never carry into the next byte; a byte with the eighth is not ASCII.
    let not_low = (eight & !HIGH) + ONES * (0x80 - b'#' as u64);
    !(not_low | eight) & HIGH
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
