//! `Value`: the kinds of argument that options take, shared by all extensions.

use super::{Names, Out, Print, Reading, decimal, number};
use crate::model::{Inv, Net, prefix_mask};
use ox_packet::Family;
use std::net::Ipv6Addr;

/// What a word behind an option is, for whoever says it otherwise than as text (JSON).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Text, whatever it looks like.
    #[default]
    Text,
    /// A number; other words may stand for some (a name, a range).
    Number,
    /// Words with commas between them.
    Texts,
    /// Numbers with commas between them, or what may stand for them.
    Numbers,
}

/// An argument that knows how to read itself.
pub trait Value: Sized {
    /// Words it takes.
    const ARGS: u8 = 1;
    /// What each of them is.
    const FORMS: &'static [Form] = &[Form::Text];
    /// Whether they may be left out.
    const OPTIONAL: bool = false;
    /// Whether `!` may stand before its option.
    const INVERT: bool = false;
    /// What help calls it.
    const HINT: &'static str;
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, naming the word and what would be accepted.
    fn read(args: &[&str], not: bool, cx: &Reading<'_>) -> Result<Self, String>;
}

/// An option without argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag;

impl Value for Flag {
    const ARGS: u8 = 0;
    const HINT: &'static str = "";
    fn read(_: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        Ok(Flag)
    }
}

impl<T: Value> Value for Inv<T> {
    const ARGS: u8 = T::ARGS;
    const FORMS: &'static [Form] = T::FORMS;
    const INVERT: bool = true;
    const HINT: &'static str = T::HINT;
    fn read(args: &[&str], not: bool, cx: &Reading<'_>) -> Result<Self, String> {
        Ok(Inv { is: T::read(args, not, cx)?, not })
    }
}

impl<T: Value> Value for Option<T> {
    const ARGS: u8 = T::ARGS;
    const FORMS: &'static [Form] = T::FORMS;
    const OPTIONAL: bool = true;
    const INVERT: bool = T::INVERT;
    const HINT: &'static str = T::HINT;
    fn read(args: &[&str], not: bool, cx: &Reading<'_>) -> Result<Self, String> {
        if args.is_empty() { Ok(None) } else { T::read(args, not, cx).map(Some) }
    }
}

macro_rules! value_number {
    ($($t:ident)*) => { $(impl Value for $t {
        const FORMS: &'static [Form] = &[Form::Number];
        const HINT: &'static str = "N";
        fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
            super::number_u64(args[0], $t::MAX.into())
                .map(|n| n as $t)
                .ok_or_else(|| format!("`{}' is not a number from 0 to {}", args[0], $t::MAX))
        }
    })* };
}
value_number!(u8 u16 u32 u64);

/// Any text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub String);

impl Value for Text {
    const HINT: &'static str = "TEXT";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        Ok(Text(args[0].to_owned()))
    }
}

/// Words with commas between them, each of which the extension reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub String);

impl Value for Texts {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "TEXT";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        Ok(Texts(args[0].to_owned()))
    }
}

/// A port or a range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// First.
    pub lo: u16,
    /// Last.
    pub hi: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { lo: 0, hi: u16::MAX }
    }
}

impl Ports {
    /// Whether every port is in it.
    pub fn is_all(self) -> bool {
        self == Self::default()
    }
}

impl Value for Ports {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PORT[:PORT]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let port = number(text, 65535).map(|n| n as u16);
        let colon = if port.is_some() { None } else { text.bytes().position(|b| b == b':') };
        let Some(colon) = colon else {
            let port = port.map_or_else(|| read_port(text, cx), Ok)?;
            return Ok(Ports { lo: port, hi: port });
        };
        let (lo, hi) = (&text[..colon], &text[colon + 1..]);
        let lo = if lo.is_empty() { 0 } else { read_port(lo, cx)? };
        let hi = if hi.is_empty() { u16::MAX } else { read_port(hi, cx)? };
        if lo > hi {
            return Err(format!("the range `{text}' runs backwards: the first port must not be above the second"));
        }
        Ok(Ports { lo, hi })
    }
}

impl Print for Ports {
    fn print(&self, out: &mut Out) {
        out.dec(self.lo.into());
        if self.lo != self.hi {
            out.raw(":");
            out.dec(self.hi.into());
        }
    }
}

/// A port by number or service name.
///
/// # Errors
/// Neither a number up to 65535 nor a service anybody knows.
pub fn read_port(text: &str, cx: &Reading<'_>) -> Result<u16, String> {
    match number(text, 65535) {
        Some(n) => Ok(n as u16),
        None => service(text, cx),
    }
}

/// A port by number or service name as the resolver has it, whom stock asks for some: a number is decimal, whatever it
/// begins with.
///
/// # Errors
/// As [`read_port`].
pub fn read_service(text: &str, cx: &Reading<'_>) -> Result<u16, String> {
    match decimal(text, 65535) {
        Some(n) => Ok(n as u16),
        None => service(text, cx),
    }
}

fn service(text: &str, cx: &Reading<'_>) -> Result<u16, String> {
    let proto = super::names::protocol_name(cx.head.proto.is.0).filter(|_| cx.head.proto.is.0 != 0);
    cx.names
        .port(text, proto)
        // A service of another protocol is better than none, as `getaddrinfo` has it.
        .or_else(|| cx.names.port(text, None))
        .ok_or_else(|| {
            let several = if text.contains(',') { " (several ports: `-m multiport --dports')" } else { "" };
            format!("`{text}' is not a port: a number from 0 to 65535, or a service name, is expected{several}")
        })
}

/// `VALUE[/MASK]`, as marks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked {
    /// Value.
    pub value: u32,
    /// Mask; all ones if none was given.
    pub mask: u32,
}

impl Default for Masked {
    fn default() -> Self {
        Self { value: 0, mask: u32::MAX }
    }
}

impl Value for Masked {
    const HINT: &'static str = "VALUE[/MASK]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let (value, mask) = match args[0].split_once('/') {
            Some((v, m)) => (number(v, u32::MAX), number(m, u32::MAX)),
            None => (number(args[0], u32::MAX), Some(u32::MAX)),
        };
        match (value, mask) {
            (Some(value), Some(mask)) => Ok(Masked { value, mask }),
            _ => Err(format!("`{}' is not a value with an optional mask, like 0x10/0xff", args[0])),
        }
    }
}

impl Print for Masked {
    fn print(&self, out: &mut Out) {
        out.fmt(format_args!("{:#x}", self.value));
        if self.mask != u32::MAX {
            out.fmt(format_args!("/{:#x}", self.mask));
        }
    }
}

/// One address of the ruleset's family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addr(pub u128);

impl Value for Addr {
    const HINT: &'static str = "ADDRESS";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_addr(args[0], cx.family)
            .map(Addr)
            .ok_or_else(|| format!("`{}' is not an {} address", args[0], ip(cx.family)))
    }
}

fn ip(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// A numeric address of a family.
pub fn read_addr(text: &str, family: Family) -> Option<u128> {
    match family {
        Family::V4 => leading_v4(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(addr, _)| addr.into()),
        Family::V6 => text.parse::<Ipv6Addr>().ok().map(u128::from),
    }
}

/// The IPv4 address that a text begins with, and what follows it: four numbers, none with a zero in front.
fn leading_v4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (a, text) = leading_byte(text)?;
    let (b, text) = leading_byte(text.strip_prefix(b".")?)?;
    let (c, text) = leading_byte(text.strip_prefix(b".")?)?;
    let (d, text) = leading_byte(text.strip_prefix(b".")?)?;
    Some((u32::from_be_bytes([a, b, c, d]), text))
}

#[inline]
fn leading_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    match *text {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ref rest @ ..] => {
            let n = u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0');
            Some((u8::try_from(n).ok()?, rest))
        }
        [a @ b'1'..=b'9', b @ b'0'..=b'9', ref rest @ ..] => Some(((a - b'0') * 10 + (b - b'0'), rest)),
        [a @ b'0'..=b'9', ref rest @ ..] => Some((a - b'0', rest)),
        _ => None,
    }
}

/// One numeric network: an address with or without a prefix length. `None`: anything else, right or wrong.
pub(super) fn read_numeric_net(text: &str, family: Family) -> Option<Net> {
    let (addr, len, width) = match family {
        Family::V4 => {
            let (addr, rest) = leading_v4(text.as_bytes())?;
            (addr.into(), rest, 32)
        }
        Family::V6 => {
            let end = text.bytes().position(|b| b == b'/').unwrap_or(text.len());
            (read_addr(&text[..end], family)?, &text.as_bytes()[end..], 128)
        }
    };
    let len = match *len {
        [] => width,
        [b'/', a @ b'0'..=b'9'] => a - b'0',
        [b'/', a @ b'1'..=b'9', b @ b'0'..=b'9'] => (a - b'0') * 10 + (b - b'0'),
        [b'/', b'1', b @ b'0'..=b'2', c @ b'0'..=b'9'] => 100 + (b - b'0') * 10 + (c - b'0'),
        _ => return None,
    };
    (len <= width).then(|| Net::new(addr, prefix_mask(family, len)))
}

/// An address, a host name or a network name, with an optional `/mask` or `/length`: one network per address found.
///
/// IPv4 addresses may leave out trailing parts when a mask follows (`10/8` is `10.0.0.0/8`), as stock takes them.
///
/// # Errors
/// What is wrong with the mask, or the resolver's words about the name.
pub fn read_net(text: &str, family: Family, names: &dyn Names) -> Result<Vec<Net>, String> {
    let (host, mask) = match text.split_once('/') {
        Some((host, mask)) => (host, Some(mask)),
        None => (text, None),
    };
    let width: u8 = if family == Family::V4 { 32 } else { 128 };
    let mask = match mask {
        None => prefix_mask(family, width),
        Some(m) => match number(m, width.into()) {
            Some(len) if m.bytes().all(|b| b.is_ascii_digit()) => prefix_mask(family, len as u8),
            _ => read_addr(m, family).ok_or_else(|| {
                format!("`{m}' is not a mask: a length from 0 to {width} or an address mask is expected")
            })?,
        },
    };
    if let Some(addr) = read_addr(host, family).or_else(|| short_v4(host, family)) {
        return Ok(vec![Net::new(addr, mask)]);
    }
    let found = names.hosts(host, family).map_err(|why| no_host(host, family, &why))?;
    Ok(found.into_iter().map(|addr| Net::new(addr, mask)).collect())
}

/// Why a word is no host: what people write there by mistake, or what the resolver says.
fn no_host(host: &str, family: Family, why: &str) -> String {
    let (other, program) = match family {
        Family::V4 => (Family::V6, "ip6tables"),
        Family::V6 => (Family::V4, "iptables"),
    };
    let is_addr = |text: &str| read_addr(text, family).is_some();
    if let Some(rest) = host.strip_prefix('!') {
        return format!("`{host}' is no address: the `!' is a word of its own before the option, like `! -s {rest}'");
    }
    if read_addr(host, other).is_some() {
        return format!("`{host}' is an {} address, and {program} takes those", ip(other));
    }
    if host.split_once('-').is_some_and(|(first, last)| is_addr(first) && is_addr(last)) {
        return format!("`{host}' is a range, and `-m iprange' with --src-range and --dst-range takes those");
    }
    if family == Family::V4 && host.contains('.') && host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return format!("`{host}' is no IPv4 address: four numbers from 0 to 255");
    }
    format!("`{host}' is neither an {} address nor a host that can be found: {why}", ip(family))
}

/// `10`, `10.1`, `10.1.2`: missing parts are zero.
pub(crate) fn short_v4(text: &str, family: Family) -> Option<u128> {
    if family != Family::V4 || text.is_empty() {
        return None;
    }
    let parts: Option<Vec<u8>> = text.split('.').map(|p| number(p, 255).map(|n| n as u8)).collect();
    let parts = parts.filter(|p| p.len() <= 4)?;
    let mut bytes = [0; 4];
    bytes[..parts.len()].copy_from_slice(&parts);
    Some(u32::from_be_bytes(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        for text in [
            "0.0.0.0",
            "1.2.3.4",
            "255.255.255.255",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.",
            "1.2.3.4.",
            "1.2.3.4.5",
            ".1.2.3",
            "01.2.3.4",
            "1.2.3.00",
            "1..2.3",
            "",
            "1.2.3.4 ",
            "+1.2.3.4",
            "1.2.3.1000",
            "a.b.c.d",
            "10.20.30.40",
        ] {
            let std = text.parse::<std::net::Ipv4Addr>().ok().map(|a| u32::from(a).into());
            assert_eq!(read_addr(text, Family::V4), std, "{text:?}");
        }
    }

    #[test]
    fn lengths_of_prefixes() {
        for (text, len) in [("1.2.3.4/0", 0), ("1.2.3.4/7", 7), ("1.2.3.4/32", 32), ("1.2.3.4", 32)] {
            assert_eq!(read_numeric_net(text, Family::V4).and_then(|n| n.prefix_len(Family::V4)), Some(len), "{text}");
        }
        for (text, len) in [("::1/99", 99), ("::1/100", 100), ("::1/128", 128)] {
            assert_eq!(read_numeric_net(text, Family::V6).and_then(|n| n.prefix_len(Family::V6)), Some(len), "{text}");
        }
        // These are for the reader that knows everything.
        for text in ["1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/", "1.2.3.4/+8", "10/8", "1.2.3.4/255.0.0.0", "1.2.3.4/132"] {
            assert_eq!(read_numeric_net(text, Family::V4), None, "{text}");
        }
        assert_eq!(read_numeric_net("::1/129", Family::V6), None);
    }
}
