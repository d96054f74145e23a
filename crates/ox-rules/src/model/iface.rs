//! `Iface`: an interface name as a rule gives it, `+` at the end standing for the rest.

use crate::bytes::{bytes_of, text_of};
use ox_packet::iface_number;
use std::borrow::Cow;

/// A name of up to 15 bytes, or a beginning of names (`eth+`). The default stands for any interface.
///
/// `+` alone is equal to the default: a listing may show it, but `-C` and `-D` make no difference.
#[derive(Clone, Copy, Default)]
pub struct Iface {
    name: [u8; 15],
    /// Length of the name without its wildcard, and [`WILD`]: rules hold two of these each.
    form: u8,
}

/// It ends in `+`.
const WILD: u8 = 0x80;

impl Iface {
    /// Reads a name; `+` as the last byte is the wildcard. `None`: longer than 15 bytes (`IFNAMSIZ` - 1).
    pub fn new(text: &str) -> Option<Self> {
        let bytes = &*bytes_of(text);
        if bytes.len() > 15 {
            return None;
        }
        let (bytes, rest) = match bytes.split_last() {
            Some((b'+', head)) => (head, true),
            _ => (bytes, false),
        };
        let mut name = [0; 15];
        name[..bytes.len()].copy_from_slice(bytes);
        Some(Self { name, form: bytes.len() as u8 | if rest { WILD } else { 0 } })
    }

    /// Whether every interface (and none) fits: no name, or `+` alone.
    pub fn is_any(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        (self.form & !WILD).into()
    }

    /// The name without its wildcard.
    pub fn stem(&self) -> Cow<'_, str> {
        text_of(self.bytes())
    }

    /// As [`Self::stem`], as the kernel has it.
    pub fn bytes(&self) -> &[u8] {
        &self.name[..self.len()]
    }

    /// Whether it ends in `+`.
    pub fn is_wild(&self) -> bool {
        self.form & WILD != 0
    }

    /// The number that a masked [`ox_packet::Key`] interface equals.
    pub fn number(&self) -> u128 {
        iface_number(self.bytes())
    }

    /// The bytes that count: the stem, and the byte after it unless there is a wildcard.
    pub fn mask(&self) -> u128 {
        if self.is_any() {
            return 0;
        }
        let bytes = if self.is_wild() { self.len() as u32 } else { 16 };
        if bytes == 16 { u128::MAX } else { !(u128::MAX >> (bytes * 8)) }
    }
}

impl PartialEq for Iface {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && (self.form == other.form || (self.is_any() && other.is_any()))
    }
}

impl Eq for Iface {}

impl std::hash::Hash for Iface {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.name, self.len()).hash(state);
    }
}

impl std::fmt::Debug for Iface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", format!("{}{}", self.stem(), if self.is_wild() { "+" } else { "" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_count_as_one() {
        let name = text_of(b"e\xff\xfe-0123456789+").into_owned();
        let iface = Iface::new(&name).expect("fifteen bytes");
        assert_eq!(iface.bytes(), b"e\xff\xfe-0123456789");
        assert_eq!((&*iface.stem(), iface.is_wild()), (&name[..name.len() - 1], true));
        assert_eq!(Iface::new(&text_of(b"\xff123456789012345")), None);
        assert_eq!(iface.number() & iface.mask(), iface.number());
    }
}
