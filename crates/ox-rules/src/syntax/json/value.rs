//! One word as a JSON value, by its [`Form`], and back.

use super::node::Node;
use crate::bytes::{has_odd, odd_byte};
use crate::syntax::{Form, Out};
use std::borrow::Cow;

/// Prints text as a JSON string.
pub(super) fn string(text: &str, out: &mut Out) {
    if has_odd(text) {
        return odd_string(text, out);
    }
    out.raw("\"");
    escaped(text, out);
    out.raw("\"");
}

fn escaped(text: &str, out: &mut Out) {
    let mut from = 0;
    for (i, b) in text.bytes().enumerate() {
        if b >= b' ' && b != b'"' && b != b'\\' && b != 0x7f {
            continue;
        }
        out.raw(&text[from..i]);
        from = i + 1;
        match b {
            b'"' => out.raw("\\\""),
            b'\\' => out.raw("\\\\"),
            b'\n' => out.raw("\\n"),
            b'\t' => out.raw("\\t"),
            b => out.fmt(format_args!("\\u{b:04x}")),
        }
    }
    out.raw(&text[from..]);
}

/// Prints text that has odd bytes: their characters are written as escapes, for nobody has them in a font.
fn odd_string(text: &str, out: &mut Out) {
    let mut from = 0;
    out.raw("\"");
    for (i, c) in text.char_indices().filter(|&(_, c)| odd_byte(c).is_some()) {
        escaped(&text[from..i], out);
        let mut pair = [0; 2];
        c.encode_utf16(&mut pair);
        out.fmt(format_args!("\\u{:04x}\\u{:04x}", pair[0], pair[1]));
        from = i + c.len_utf8();
    }
    escaped(&text[from..], out);
    out.raw("\"");
}

/// Prints a word.
pub(super) fn print(form: Form, word: &str, out: &mut Out) {
    match form {
        Form::Text => string(word, out),
        Form::Number => number(word, out),
        Form::Texts | Form::Numbers => {
            let one = if form == Form::Texts { string } else { number };
            for (i, part) in word.split(',').enumerate() {
                out.raw(if i == 0 { "[" } else { "," });
                one(part, out);
            }
            out.raw("]");
        }
    }
}

/// Prints a number as such, and whatever stands for one as text.
fn number(word: &str, out: &mut Out) {
    let hex = word.strip_prefix("0x").filter(|d| !d.is_empty() && d.len() <= 16 && !d.starts_with('+'));
    if let Some(n) = hex.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
        return out.dec(n);
    }
    let (whole, part) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |t: &str| !t.is_empty() && t.len() <= 20 && t.bytes().all(|b| b.is_ascii_digit());
    let plain = digits(whole) && digits(part) && (whole == "0" || !whole.starts_with('0'));
    if plain && whole.parse::<u64>().is_ok() { out.raw(word) } else { string(word, out) }
}

/// The word that a value stands for.
///
/// # Errors
/// What would be accepted.
pub(super) fn read<'n>(form: Form, node: &'n Node<'_>) -> Result<Cow<'n, str>, &'static str> {
    match (form, node) {
        (_, Node::Text(text)) => Ok(Cow::Borrowed(text)),
        (Form::Text, _) => Err("a string is expected"),
        (Form::Number, node) => node.number().map(Cow::Owned).ok_or("a number or a string is expected"),
        (Form::Texts | Form::Numbers, Node::List(list)) if list.is_empty() => {
            Err("a list with something in it is expected")
        }
        (Form::Texts, Node::List(list)) => {
            join(list, |n| n.text().map(Cow::Borrowed)).ok_or("a list of strings is expected")
        }
        (Form::Numbers, Node::List(list)) => join(list, |n| match n {
            Node::Text(text) => Some(Cow::Borrowed(&**text)),
            n => n.number().map(Cow::Owned),
        })
        .ok_or("a list of numbers or strings is expected"),
        (Form::Texts, _) => Err("a list of strings is expected"),
        (Form::Numbers, node) => node.number().map(Cow::Owned).ok_or("a list of numbers or strings is expected"),
    }
}

fn join<'n>(list: &'n [Node<'_>], one: impl Fn(&'n Node<'_>) -> Option<Cow<'n, str>>) -> Option<Cow<'n, str>> {
    let words: Option<Vec<_>> = list.iter().map(one).collect();
    Some(Cow::Owned(words?.join(",")))
}
