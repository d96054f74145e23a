//! What SNAT, DNAT, MASQUERADE and REDIRECT share: addresses and ports to choose from.
//!
//! Kernel: net/netfilter/xt_nat.c; ABI: uapi/linux/netfilter/nf_nat.h `struct nf_nat_range2`.
use super::prelude::*;

/// Addresses and ports that a connection may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Range {
    /// First and last address.
    pub addrs: Option<(u128, u128)>,
    /// Ports.
    pub ports: Option<PortRange>,
}

/// Ports that a connection may be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PortRange {
    lo: u16,
    hi: u16,
    /// The port that maps to `lo`, when the range is shifted.
    base: Option<u16>,
}

/// `--random`, `--random-fully`, `--persistent`: how a port or address is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Choice {
    /// Ports in random order.
    pub random: bool,
    /// Ports wholly at random.
    pub fully: bool,
    /// The same address for a client each time.
    pub persistent: bool,
}

/// Reads `[ADDRESS[-ADDRESS]][:PORTS]`; IPv6 addresses stand in brackets when ports follow. `shift`: `/base` may follow.
pub(super) fn read_range(text: &str, shift: bool, cx: &Reading<'_>) -> Result<Range, String> {
    let (addrs, ports) = split(text, cx.family)?;
    let addrs = if addrs.is_empty() && ports.is_some() { None } else { Some(read_addrs(addrs, cx.family)?) };
    let ports = ports.map(|p| read_ports(p, shift, cx)).transpose()?;
    Ok(Range { addrs, ports })
}

/// Where addresses end and ports begin.
fn split(text: &str, family: Family) -> Result<(&str, Option<&str>), String> {
    if family == Family::V4 {
        return Ok(match text.split_once(':') {
            Some((addrs, ports)) => (addrs, Some(ports)),
            None => (text, None),
        });
    }
    if let Some(inside) = text.strip_prefix('[') {
        let Some((addrs, rest)) = inside.split_once(']') else {
            return Err(format!("`{text}' lacks the closing bracket"));
        };
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((addrs, Some(ports))),
            None if rest.is_empty() => Ok((addrs, None)),
            None => Err(format!("`{rest}' behind the bracket is not understood: `:PORT' is expected")),
        };
    }
    match text.strip_prefix(':') {
        Some(ports) if !ports.contains(':') => Ok(("", Some(ports))),
        _ => Ok((text, None)),
    }
}

fn read_addrs(text: &str, family: Family) -> Result<(u128, u128), String> {
    let one = |t: &str| {
        read_addr(t, family).ok_or_else(|| match family {
            Family::V4 => format!("`{t}' is not an IPv4 address: ADDRESS[-ADDRESS][:PORT[-PORT]] is expected"),
            Family::V6 => format!("`{t}' is not an IPv6 address: ADDRESS or [ADDRESS[-ADDRESS]]:PORT is expected"),
        })
    };
    match text.split_once('-') {
        Some((lo, hi)) => Ok((one(lo)?, one(hi)?)),
        None => one(text).map(|a| (a, a)),
    }
}

/// Reads `PORT[-PORT[/BASE]]` or a service name, behind a `-p` that has ports.
pub(super) fn read_ports(text: &str, shift: bool, cx: &Reading<'_>) -> Result<PortRange, String> {
    // Kernel and stock look at the number alone: `! -p tcp` passes, and so does icmp, whose ids count as ports.
    if !matches!(cx.head.proto.is, Proto::TCP | Proto::UDP | Proto::SCTP | Proto::DCCP | Proto::ICMP) {
        return Err("ports need `-p tcp', `-p udp', `-p sctp' or `-p dccp' before them".into());
    }
    if text.contains(':') {
        return Err(format!("`{text}' is not a range of ports: it is written with a dash, like 1024-2048"));
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let port = read_port(text, cx)?;
        return Ok(PortRange { lo: port, hi: port, base: None });
    }
    let (range, base) = match text.split_once('/') {
        Some((range, base)) => (range, Some(base)),
        None => (text, None),
    };
    let port = |t: &str| {
        number(t, 65535).map(|n| n as u16).ok_or_else(|| format!("`{t}' is not a port: a number from 0 to 65535"))
    };
    let (lo, hi) = match range.split_once('-') {
        Some((lo, hi)) => (port(lo)?, port(hi)?),
        None if base.is_some() => return Err("`/BASE' goes with a range of ports".into()),
        None => port(range).map(|p| (p, p))?,
    };
    if lo > hi {
        return Err(format!("the range `{range}' runs backwards: the first port must not be above the second"));
    }
    let base = match base {
        Some(_) if !shift => return Err("only DNAT can shift ports by a `/BASE'".into()),
        Some(base) => match read_port(base, cx)? {
            0 => return Err("the base port must not be 0".into()),
            base => Some(base),
        },
        None => None,
    };
    Ok(PortRange { lo, hi, base })
}

impl Print for PortRange {
    fn print(&self, out: &mut Out) {
        let Self { lo, hi, base } = *self;
        out.dec(lo.into());
        if lo != hi {
            out.raw("-");
            out.dec(hi.into());
        }
        if let Some(base) = base {
            out.raw("/");
            out.dec(base.into());
        }
    }
}

/// Prints a range as it is written.
pub(super) fn print_range(range: &Range, family: Family, out: &mut Out) {
    let Range { addrs, ports } = *range;
    if let Some((lo, hi)) = addrs {
        let brackets = family == Family::V6 && ports.is_some();
        out.raw(if brackets { "[" } else { "" });
        out.addr(family, lo);
        if lo != hi {
            out.raw("-");
            out.addr(family, hi);
        }
        out.raw(if brackets { "]" } else { "" });
    }
    if let Some(ports) = ports {
        out.raw(":");
        ports.print(out);
    }
}

impl Choice {
    /// Prints ` --random` and the like, or without dashes for listings.
    pub(super) fn print(self, dashes: &str, out: &mut Out) {
        let Self { random, fully, persistent } = self;
        for (on, name) in [(random, "random"), (fully, "random-fully"), (persistent, "persistent")] {
            if on {
                out.word(dashes);
                out.raw(name);
            }
        }
    }
}

/// The order to the engine.
pub(super) fn spec(kind: NatKind, range: Range, choice: Choice) -> Act {
    let Range { addrs, ports } = range;
    let Choice { random, fully, persistent } = choice;
    Act::Nat(NatSpec {
        kind,
        addrs,
        ports: ports.map(|p| (p.lo, p.hi)),
        base: ports.and_then(|p| p.base),
        random,
        random_fully: fully,
        persistent,
    })
}

impl Value for PortRange {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PORT[-PORT]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_ports(args[0], false, cx)
    }
}
