//! `Iface`: an interface name as a rule gives it, `+` at the end standing for the rest.

use ox_packet::iface_number;

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
        let bytes = text.as_bytes();
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
    pub fn stem(&self) -> &str {
        std::str::from_utf8(&self.name[..self.len()]).unwrap_or("?")
    }

    /// Whether it ends in `+`.
    pub fn is_wild(&self) -> bool {
        self.form & WILD != 0
    }

    /// The number that a masked [`ox_packet::Key`] interface equals.
    pub fn number(&self) -> u128 {
        iface_number(self.stem())
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
