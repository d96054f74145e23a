//! An extension's options as fields: what `save` prints taken apart by the option table, and the words put together again.

use super::value::{print, string};
use super::{NAME, NOT, WORDS};
use crate::syntax::words::plain_words;
use crate::syntax::{Opt, Out, split_words};

/// An option as it was said.
struct Said<'a> {
    which: usize,
    opt: &'static Opt,
    name: &'a str,
    not: bool,
    args: &'a [&'a str],
}

/// Takes printed words apart. `None`: the option table did not make them.
fn take_apart<'a>(options: &'static [Opt], words: &'a [&'a str]) -> Option<Vec<Said<'a>>> {
    let mut said = Vec::new();
    let mut rest = words;
    while let Some((&first, tail)) = rest.split_first() {
        let (not, word, tail) = match first {
            "!" => (true, *tail.first()?, &tail[1..]),
            word => (false, word, tail),
        };
        let name = word.strip_prefix("--")?;
        let which = options.iter().position(|o| o.names.contains(&name))?;
        let opt = &options[which];
        let count = if opt.left_out(tail.first().copied()) { 0 } else { opt.args.into() };
        let args = tail.get(..count)?;
        rest = &tail[count..];
        said.push(Said { which, opt, name, not, args });
    }
    Some(said)
}

/// Whether words are options of a table, and nothing else.
pub(super) fn own_words(options: &'static [Opt], words: &[&str]) -> bool {
    take_apart(options, words).is_some()
}

/// Whether a field of an extension called `ext` means an option called `name`: dashes are underscores, and an option
/// that is itself called `name` is told from the extension's own by standing behind it (`recent_name`).
pub(super) fn is_field(field: &str, name: &str, ext: &str) -> bool {
    if name == NAME {
        return field.strip_prefix(ext).is_some_and(|rest| rest == "_name");
    }
    field.len() == name.len()
        && field.bytes().zip(name.bytes()).all(|(f, n)| f == n && f != b'-' || f == b'_' && n == b'-')
}

fn field(name: &str, ext: &str, out: &mut Out) {
    out.raw("\"");
    if name == NAME {
        out.raw(ext);
        out.raw("_name");
    } else {
        for (i, part) in name.split('-').enumerate() {
            out.raw(if i == 0 { "" } else { "_" });
            out.raw(part);
        }
    }
    out.raw("\":");
}

/// Prints an extension: its name, and its options from the text that `save` printed.
pub(super) fn extension(name: &str, options: Option<&'static [Opt]>, text: &str, out: &mut Out) {
    out.raw("{\"name\":");
    string(name, out);
    let mut words: Vec<&str> = Vec::new();
    let mut split = Vec::new();
    if plain_words(text, 0, &mut words) != Some(text.len()) {
        words.clear();
        // What we print we can split.
        let _ = split_words(text, &mut split);
        words.extend(split.iter().map(|w| &*w.text));
    }
    let said = options.and_then(|options| take_apart(options, &words));
    match said.filter(|said| distinct(said)) {
        Some(said) => {
            let mut groups = said.split(|s| s.opt.separates);
            options_of(groups.next().unwrap_or_default(), name, ",", out);
            let separator = said.iter().find(|s| s.opt.separates);
            for (i, group) in groups.enumerate() {
                if i == 0
                    && let Some(separator) = separator
                {
                    out.raw(",");
                    field(separator.name, name, out);
                }
                out.raw(if i == 0 { "[{" } else { ",{" });
                options_of(group, name, "", out);
                out.raw("}");
            }
            out.raw(if separator.is_some() { "]}" } else { "}" });
        }
        None => {
            out.fmt(format_args!(",\"{WORDS}\":["));
            for (i, word) in words.iter().enumerate() {
                out.raw(if i == 0 { "" } else { "," });
                string(word, out);
            }
            out.raw("]}");
        }
    }
}

/// Whether each field would be there once.
fn distinct(said: &[Said<'_>]) -> bool {
    let mut seen = 0u64;
    let mut separator = None;
    said.iter().all(|s| {
        if s.opt.separates {
            seen = 0;
            return !s.not && *separator.get_or_insert(s.which) == s.which;
        }
        let fresh = seen & (1 << s.which) == 0;
        seen |= 1 << s.which;
        fresh
    })
}

fn options_of(said: &[Said<'_>], ext: &str, first: &str, out: &mut Out) {
    for (i, &Said { opt, name, not, args, .. }) in said.iter().enumerate() {
        out.raw(if i == 0 { first } else { "," });
        field(name, ext, out);
        if not {
            out.fmt(format_args!("{{\"{NOT}\":"));
        }
        match args {
            [] => out.raw("true"),
            [word] => print(opt.form(0), word, out),
            words => {
                for (i, word) in words.iter().enumerate() {
                    out.raw(if i == 0 { "[" } else { "," });
                    print(opt.form(i), word, out);
                }
                out.raw("]");
            }
        }
        out.raw(if not { "}" } else { "" });
    }
}
