//! `Out`: text being printed, word by word; `Print`: values that know their canonical form.

use super::Names;
use ox_packet::Family;
use std::fmt::Write as _;

/// A line under construction.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// What stands so far.
    pub text: String,
}

/// How a listing wants values shown.
#[derive(Clone, Copy)]
pub struct Show<'a> {
    /// `-n`: numbers, not names.
    pub numeric: bool,
    /// Who knows names.
    pub names: &'a dyn Names,
    /// Family of the ruleset.
    pub family: Family,
    /// Protocol of the rule being listed (0: any).
    pub proto: u8,
}

/// A value's canonical text.
pub trait Print {
    /// Appends it, without blanks around it.
    fn print(&self, out: &mut Out);
}

impl Out {
    /// Appends text as it is.
    pub fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends formatted text as it is.
    pub fn fmt(&mut self, args: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.text.write_fmt(args);
    }

    /// A blank, unless at the beginning.
    pub fn gap(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'\n' | b' ')) {
            self.text.push(' ');
        }
    }

    /// A word after a blank.
    pub fn word(&mut self, word: &str) {
        self.gap();
        self.text.push_str(word);
    }

    /// A value after a blank.
    pub fn value(&mut self, value: impl Print) {
        self.gap();
        value.print(self);
    }

    /// `--flag`, with `!` before it if `not`.
    pub fn flag(&mut self, not: bool, name: &str) {
        if not {
            self.word("!");
        }
        self.word(name);
    }

    /// `--option value`, with `!` before it if `not`.
    pub fn opt(&mut self, not: bool, name: &str, value: impl Print) {
        self.flag(not, name);
        self.value(value);
    }

    /// A word in quotes unless it has only letters, digits, `_` and `-`; quotes, backslashes and apostrophes behind a
    /// backslash. Facts from `iptables-save`.
    pub fn quoted(&mut self, text: &str) {
        self.gap();
        let bare = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        self.quoted_unless(!text.is_empty() && text.bytes().all(bare), text);
    }

    /// A word where stock never writes quotes: bare, unless it would then be read back as something else.
    pub fn guarded(&mut self, text: &str) {
        self.gap();
        let bare = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\\' | '\'');
        self.quoted_unless(!text.is_empty() && text.chars().all(bare), text);
    }

    fn quoted_unless(&mut self, bare: bool, text: &str) {
        if bare {
            self.text.push_str(text);
            return;
        }
        self.text.push('"');
        let mut rest = text;
        while let Some(at) = memchr::memchr3(b'"', b'\\', b'\'', rest.as_bytes()) {
            self.text.push_str(&rest[..at]);
            self.text.push('\\');
            self.text.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        self.text.push('"');
    }

    /// A decimal number as it is.
    pub fn dec(&mut self, n: u64) {
        let last = (n % 1000) as usize;
        if n > 999 {
            self.dec(n / 1000);
            self.text.push_str(["00", "0", ""][usize::from(last > 9) + usize::from(last > 99)]);
        }
        self.text.push_str(match last {
            0..10 => &DECIMAL[last..=last],
            10..100 => &DECIMAL[2 * last - 10..][..2],
            _ => &DECIMAL[3 * last - 110..][..3],
        });
    }

    /// An address as it is.
    pub fn addr(&mut self, family: Family, addr: u128) {
        match family {
            Family::V4 => {
                for (i, byte) in (addr as u32).to_be_bytes().into_iter().enumerate() {
                    if i > 0 {
                        self.text.push('.');
                    }
                    self.dec(byte.into());
                }
            }
            // The C library prints addresses below ::1:0:0, but not those below ::1:0, with an IPv4 tail.
            Family::V6 if addr >> 32 == 0 && addr >> 16 != 0 => {
                self.raw("::");
                self.addr(Family::V4, addr);
            }
            Family::V6 => self.fmt(format_args!("{}", std::net::Ipv6Addr::from(addr))),
        }
    }
}

/// The numbers below a thousand, one behind the other: most numbers in rules are parts of addresses.
const DECIMAL: &str = match std::str::from_utf8(&digits()) {
    Ok(text) => text,
    Err(_) => panic!("digits are text"),
};

const fn digits() -> [u8; 10 + 2 * 90 + 3 * 900] {
    let mut all = [0; 10 + 2 * 90 + 3 * 900];
    let (mut n, mut at) = (0, 0);
    while n < 1000 {
        if n > 99 {
            all[at] = b'0' + (n / 100) as u8;
            at += 1;
        }
        if n > 9 {
            all[at] = b'0' + (n / 10 % 10) as u8;
            at += 1;
        }
        all[at] = b'0' + (n % 10) as u8;
        at += 1;
        n += 1;
    }
    all
}

macro_rules! print_dec {
    ($($t:ty)*) => { $(impl Print for $t {
        fn print(&self, out: &mut Out) {
            out.dec(u64::from(*self));
        }
    })* };
}
print_dec!(u8 u16 u32 u64);

impl Print for &str {
    fn print(&self, out: &mut Out) {
        out.raw(self);
    }
}

impl Print for std::fmt::Arguments<'_> {
    fn print(&self, out: &mut Out) {
        out.fmt(*self);
    }
}

impl<T: Print + ?Sized> Print for &T {
    fn print(&self, out: &mut Out) {
        (*self).print(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        let some = (0..2100).chain([9_999, 10_000, 10_009, 65_535, 100_099, 1_000_000, 4_294_967_295, u64::MAX]);
        for n in some {
            let mut out = Out::default();
            out.dec(n);
            assert_eq!(out.text, n.to_string());
        }
    }
}
