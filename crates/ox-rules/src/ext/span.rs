//! A range of 32-bit numbers, as `ah`, `esp`, `ipcomp`, `frag` and `rt` take them: either end may be left out.
use super::prelude::*;

/// First and last number. Stock takes ranges that run backwards; they hold nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub lo: u32,
    pub hi: u32,
}

impl Default for Span {
    fn default() -> Self {
        Self { lo: 0, hi: u32::MAX }
    }
}

impl Value for Span {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N[:N]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let end = |t: &str, default| if t.is_empty() { Some(default) } else { number(t, u32::MAX) };
        let (lo, hi) = match text.split_once(':') {
            Some((lo, hi)) => (end(lo, 0), end(hi, u32::MAX)),
            None => (number(text, u32::MAX), number(text, u32::MAX)),
        };
        match (lo, hi) {
            (Some(lo), Some(hi)) => Ok(Span { lo, hi }),
            _ => Err(format!("`{text}' is not a number or a range of numbers from 0 to {}", u32::MAX)),
        }
    }
}

impl Print for Span {
    fn print(&self, out: &mut Out) {
        out.dec(self.lo.into());
        if self.lo != self.hi {
            out.raw(":");
            out.dec(self.hi.into());
        }
    }
}

/// Whether it says anything: every number, without `!`, does not.
pub(super) fn says(span: Inv<Span>) -> bool {
    !span.is_default()
}

/// Prints ` ! --name 1:2`, or nothing when every number will do.
pub(super) fn save(span: Inv<Span>, name: &str, out: &mut Out) {
    if says(span) {
        out.opt(span.not, name, span.is);
    }
}

/// Prints `name:5` or `names:!1:2` without a blank before it.
pub(super) fn list(span: Inv<Span>, name: &str, out: &mut Out) {
    if says(span) {
        out.raw(name);
        out.raw(if span.is.lo == span.is.hi { ":" } else { "s:" });
        out.raw(if span.not { "!" } else { "" });
        span.is.print(out);
    }
}

/// Whether a number passes, `!` included.
pub(super) fn holds(span: Inv<Span>, n: u32) -> bool {
    (span.is.lo <= n && n <= span.is.hi) != span.not
}

/// The 32-bit word at an offset of some bytes, if it is there.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|w| u32::from_be_bytes(*w))
}

/// ` KEY [!=] RANGE` in nft's words, if there is anything to say.
pub(super) fn translate(key: &str, span: Inv<Span>, nft: &mut Nft<'_>) -> Option<()> {
    let Inv { is: Span { lo, hi }, not } = span;
    if !says(span) {
        return Some(());
    }
    if lo > hi {
        return nft.no("nft takes no range that runs backwards; nothing is in it");
    }
    if lo == hi {
        nft.test(key, not, lo);
    } else {
        nft.test(key, not, format_args!("{lo}-{hi}"));
    }
    Some(())
}
