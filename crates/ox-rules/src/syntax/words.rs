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

/// Splits the line that begins at a byte of a text, if its words stand in it as they are, with quotes around them at most,
/// and says where it ends. `None`: a word has quotes or backslashes inside, and the line must be split with more care.
/// Eight bytes at a time, since a dump has more words than anything else.
pub(super) fn plain_words<'a>(text: &'a str, line: usize, words: &mut Vec<&'a str>) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut start, mut at) = (line, line);
    'eight: loop {
        let rest = bytes.get(at..)?;
        // The end of the text ends its last line.
        let mut marks = match rest.first_chunk() {
            Some(eight) => low(*eight),
            None => low(padded(rest)),
        };
        while marks != 0 {
            let here = at + marks.trailing_zeros() as usize / 8;
            marks &= marks - 1;
            let byte = match bytes.get(here) {
                // As nearly all of them are.
                Some(b' ') => {
                    if here > start {
                        words.push(text.get(start..here)?);
                    }
                    start = here + 1;
                    continue;
                }
                Some(b'!') => continue,
                byte => byte.copied().unwrap_or(b'\n'),
            };
            if byte == b'"' && here == start {
                let inside = &bytes[here + 1..];
                let len = memchr::memchr3(b'"', b'\\', b'\n', inside)?;
                if inside[len] != b'"' || !matches!(inside.get(len + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n')) {
                    return None;
                }
                words.push(text.get(here + 1..here + 1 + len)?);
                start = here + len + 2;
                at = start;
                continue 'eight;
            }
            if !matches!(byte, b'\n' | b'\t' | b'\r') {
                return None;
            }
            if here > start {
                words.push(text.get(start..here)?);
            }
            if byte == b'\n' {
                return Some(here.min(bytes.len()));
            }
            start = here + 1;
        }
        at += 8;
    }
}

/// The parts of a word between separators. For words as short as a rule's this is quicker than the library's search.
pub(crate) fn parts(word: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(word);
    std::iter::from_fn(move || {
        let part = rest?;
        let cut = cut(part, separator);
        rest = cut.map(|(_, rest)| rest);
        Some(cut.map_or(part, |(part, _)| part))
    })
}

/// What stands before and behind the first separator.
#[inline]
pub(crate) fn cut(word: &str, separator: u8) -> Option<(&str, &str)> {
    let at = word.bytes().position(|b| b == separator)?;
    Some((word.get(..at)?, word.get(at + 1..)?))
}

#[cold]
fn padded(rest: &[u8]) -> [u8; 8] {
    let mut all = [b'\n'; 8];
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
            let end = plain_words(line, 0, &mut plain);
            assert!(end == Some(line.len()) || line.contains('\u{1}'), "{line:?}");
            assert!(plain == all.iter().map(|w| &*w.text).collect::<Vec<_>>() || line.contains('\u{1}'), "{line:?}");
        }
    }

    #[test]
    fn odd_words_are_left_to_care() {
        for line in ["a\"b\" c", "\"a\"b c", "--comment \"a\\\"b\"", "\"open", "--log-prefix \"a\\\\\""] {
            assert_eq!(plain_words(line, 0, &mut Vec::new()), None, "{line:?}");
            assert_eq!(plain_words(&format!("{line}\n-j \"\"\n"), 0, &mut Vec::new()), None, "{line:?}");
        }
    }

    #[test]
    fn parts_are_those_of_the_library() {
        for word in ["", ",", "a", "a,b", ",a,,b,", "\u{e9},\u{20ac}"] {
            assert!(parts(word, b',').eq(word.split(',')), "{word:?}");
            assert_eq!(cut(word, b','), word.split_once(','));
        }
    }

    #[test]
    fn lines_end_where_they_end() {
        let text = "-A  a\n\n-m \"x y\"\n\"z\"\r\n\"\"\nabcdefghijklmnop\nabcdefg\nabcdefgh\nlast one";
        let mut at = 0;
        let mut lines = text.split('\n');
        while at <= text.len() {
            let (mut plain, mut all) = (Vec::new(), Vec::new());
            let end = plain_words(text, at, &mut plain).unwrap();
            let line = lines.next().unwrap();
            split_words(line, &mut all).unwrap();
            assert_eq!(&text[at..end], line);
            assert_eq!(plain, all.iter().map(|w| &*w.text).collect::<Vec<_>>(), "{line:?}");
            at = end + 1;
        }
        assert_eq!(lines.next(), None);
    }
}
