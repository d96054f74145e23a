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
