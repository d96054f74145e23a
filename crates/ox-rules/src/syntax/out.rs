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
    #[inline]
    pub fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends formatted text as it is.
    pub fn fmt(&mut self, args: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.text.write_fmt(args);
    }

    /// A blank, unless at the beginning.
    #[inline]
    pub fn gap(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'\n' | b' ')) {
            self.text.push(' ');
        }
    }

    /// A word after a blank.
    #[inline]
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
    #[inline(always)]
    pub fn flag(&mut self, not: bool, name: &str) {
        self.gap();
        self.raw(if not { "! " } else { "" });
        self.raw(name);
    }

    /// `--option value`, with `!` before it if `not`.
    #[inline(always)]
    pub fn opt(&mut self, not: bool, name: &str, value: impl Print) {
        self.flag(not, name);
        self.raw(" ");
        value.print(self);
    }

    /// A word in quotes unless it has only letters, digits, `_` and `-`; quotes, backslashes and apostrophes behind a
    /// backslash. Facts from `iptables-save`.
    pub fn quoted(&mut self, text: &str) {
        self.gap();
        let bare = |b| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-');
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
        let last = (n % 1000) as u32;
        if n > 999 {
            self.dec(n / 1000);
            self.three(last);
        } else {
            self.small(last);
        }
    }

    /// The last so many digits of a number, zeros in front included.
    pub fn padded(&mut self, n: u64, digits: u32) {
        match digits {
            0 => {}
            1 => self.digit((n % 10) as u32),
            2 => {
                self.digit((n / 10 % 10) as u32);
                self.digit((n % 10) as u32);
            }
            _ => {
                self.padded(n / 1000, digits - 3);
                self.three((n % 1000) as u32);
            }
        }
    }

    /// A number below a thousand: most numbers in rules are parts of addresses.
    #[inline(always)]
    fn small(&mut self, n: u32) {
        match n {
            0..10 => self.digit(n),
            10..100 => {
                self.digit(n / 10);
                self.digit(n % 10);
            }
            _ => self.three(n),
        }
    }

    /// A number below a thousand, zeros in front included.
    #[inline(always)]
    fn three(&mut self, n: u32) {
        let (hundreds, rest) = (n / 100, n % 100);
        self.digit(hundreds);
        self.digit(rest / 10);
        self.digit(rest % 10);
    }

    #[inline(always)]
    fn digit(&mut self, n: u32) {
        // The compiler sees that this is ASCII.
        self.text.push(char::from(b'0' | (n & 0xf) as u8));
    }

    /// An address as it is.
    pub fn addr(&mut self, family: Family, addr: u128) {
        match family {
            Family::V4 => {
                let [a, b, c, d] = (addr as u32).to_be_bytes();
                for byte in [a, b, c] {
                    self.small(byte.into());
                    self.raw(".");
                }
                self.small(d.into());
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

macro_rules! print_dec {
    ($($t:ty)*) => { $(impl Print for $t {
        fn print(&self, out: &mut Out) {
            out.dec(u64::from(*self));
        }
    })* };
}
print_dec!(u8 u16 u32 u64);

impl Print for &str {
    #[inline]
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
    #[inline]
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
            for digits in 1..12 {
                let mut out = Out::default();
                out.padded(n, digits);
                assert_eq!(out.text, format!("{:0width$}", n % 10u64.pow(digits), width = digits as usize));
            }
        }
    }
}
