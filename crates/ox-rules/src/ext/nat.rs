//! What SNAT, DNAT, MASQUERADE and REDIRECT share: addresses and ports to choose from.
//!
//! Kernel: net/netfilter/xt_nat.c; ABI: uapi/linux/netfilter/nf_nat.h `struct nf_nat_range2`.
use super::prelude::*;
use ox_wire::xtables::nat::{NfNatIpv4MultiRangeCompat, NfNatIpv4Range, NfNatRange, NfNatRange2};
use zerocopy::{FromBytes as _, IntoBytes as _};

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
    match cut(text, b'-') {
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
    let (range, base) = match cut(text, b'/') {
        Some((range, base)) => (range, Some(base)),
        None => (text, None),
    };
    let port = |t: &str| {
        number(t, 65535).map(|n| n as u16).ok_or_else(|| format!("`{t}' is not a port: a number from 0 to 65535"))
    };
    let (lo, hi) = match cut(range, b'-') {
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
fn print_range(range: &Range, family: Family, out: &mut Out) {
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

/// Prints ` --OPTION RANGE [FLAGS]`.
pub(super) fn save(option: &str, range: &Range, choice: Choice, family: Family, out: &mut Out) {
    out.word(option);
    out.raw(" ");
    print_range(range, family, out);
    choice.print("--", out);
}

/// Prints as `-L` does.
pub(super) fn list(range: &Range, choice: Choice, show: &Show<'_>, out: &mut Out) {
    out.word("to:");
    print_range(range, show.family, out);
    choice.print("", out);
}

/// `WORD [to RANGE] [FLAGS]`, as nft writes all four.
pub(super) fn translate(word: &str, range: Range, choice: Choice, nft: &mut Nft<'_>) -> Option<()> {
    let Range { addrs, ports } = range;
    let Choice { random, fully, persistent } = choice;
    nft.word(word);
    if addrs.is_some() || ports.is_some() {
        nft.word("to ");
    }
    if let Some((lo, hi)) = addrs {
        if lo > hi {
            return nft.no("nft takes no range of addresses that runs backwards");
        }
        let (open, close) = if nft.family == Family::V6 && ports.is_some() { ("[", "]") } else { ("", "") };
        for (dash, addr) in [("", lo), ("-", hi)].into_iter().take(if lo == hi { 1 } else { 2 }) {
            nft.raw(dash);
            nft.raw(open);
            nft.raw_addr(addr);
            nft.raw(close);
        }
    }
    if let Some(PortRange { lo, hi, base }) = ports {
        if base.is_some() {
            return nft.no("nft cannot shift a range of ports");
        }
        if nft.head.proto.not {
            return nft.no("nft gives ports only where it knows the protocol");
        }
        nft.raw(":");
        nft.raw_value(lo);
        if lo != hi {
            nft.raw("-");
            nft.raw_value(hi);
        }
    }
    let chosen = [(random, "random"), (fully, "fully-random"), (persistent, "persistent")];
    let names: Vec<&str> = chosen.into_iter().filter(|c| c.0).map(|c| c.1).collect();
    if !names.is_empty() {
        nft.word(&names.join(","));
    }
    Some(())
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

/// `NF_NAT_RANGE_…`: which parts of a range count, and how is chosen.
const MAP_IPS: u32 = 1 << 0;
const PROTO_SPECIFIED: u32 = 1 << 1;
const PROTO_RANDOM: u32 = 1 << 2;
const PERSISTENT: u32 = 1 << 3;
const PROTO_RANDOM_FULLY: u32 = 1 << 4;
const PROTO_OFFSET: u32 = 1 << 5;

/// How the kernel stores a target of `to` and `choice`, SNAT and DNAT alike, in three revisions.
macro_rules! revisions {
    ($ty:ident) => {
        impl Xt<2> for $ty {
            type Info = ox_wire::xtables::nat::NfNatRange2;

            fn encode(&self, cx: &Carry<'_>) -> Option<Self::Info> {
                let Self { to, choice } = *self;
                Some($crate::ext::nat::range2(to, choice, cx.family))
            }

            fn decode(info: &Self::Info, cx: &Carry<'_>) -> Option<Self> {
                let (to, choice) = $crate::ext::nat::from_range2(info, cx.family);
                Some(Self { to, choice })
            }
        }

        impl Xt<1> for $ty {
            type Info = ox_wire::xtables::nat::NfNatRange;

            fn encode(&self, cx: &Carry<'_>) -> Option<Self::Info> {
                let Self { to, choice } = *self;
                $crate::ext::nat::range1(to, choice, cx.family)
            }

            fn decode(info: &Self::Info, cx: &Carry<'_>) -> Option<Self> {
                let (to, choice) = $crate::ext::nat::from_range1(info, cx.family);
                Some(Self { to, choice })
            }
        }

        impl Xt<0> for $ty {
            type Info = ox_wire::xtables::nat::NfNatIpv4MultiRangeCompat;

            fn encode(&self, cx: &Carry<'_>) -> Option<Self::Info> {
                let Self { to, choice } = *self;
                $crate::ext::nat::range0(to, choice, cx.family)
            }

            fn decode(info: &Self::Info, cx: &Carry<'_>) -> Option<Self> {
                let (to, choice) = $crate::ext::nat::from_range0(info, cx.family)?;
                Some(Self { to, choice })
            }
        }
    };
}

pub(super) use revisions;

/// `struct nf_nat_range2`, which says everything.
pub(super) fn range2(range: Range, choice: Choice, family: Family) -> NfNatRange2 {
    let Range { addrs, ports } = range;
    let Choice { random, fully, persistent } = choice;
    let (lo, hi) = addrs.unwrap_or_default();
    let base = ports.and_then(|p| p.base);
    let flags = [
        (addrs.is_some(), MAP_IPS),
        (ports.is_some(), PROTO_SPECIFIED),
        (random, PROTO_RANDOM),
        (persistent, PERSISTENT),
        (fully, PROTO_RANDOM_FULLY),
        (base.is_some(), PROTO_OFFSET),
    ];
    NfNatRange2 {
        flags: flags.iter().filter(|f| f.0).map(|f| f.1).sum(),
        min_addr: inet(lo, family),
        max_addr: inet(hi, family),
        min_proto: ports.map_or(0, |p| p.lo).into(),
        max_proto: ports.map_or(0, |p| p.hi).into(),
        base_proto: base.unwrap_or(0).into(),
        ..Default::default()
    }
}

/// What it says.
pub(super) fn from_range2(info: &NfNatRange2, family: Family) -> (Range, Choice) {
    let NfNatRange2 { flags, min_addr, max_addr, min_proto, max_proto, base_proto, _pad } = *info;
    let on = |flag| flags & flag != 0;
    let base = on(PROTO_OFFSET).then_some(base_proto.get());
    let range = Range {
        addrs: on(MAP_IPS).then(|| (addr(&min_addr, family), addr(&max_addr, family))),
        ports: on(PROTO_SPECIFIED).then(|| PortRange { lo: min_proto.get(), hi: max_proto.get(), base }),
    };
    (range, Choice { random: on(PROTO_RANDOM), fully: on(PROTO_RANDOM_FULLY), persistent: on(PERSISTENT) })
}

/// `struct nf_nat_range`, which shifts no ports.
pub(super) fn range1(range: Range, choice: Choice, family: Family) -> Option<NfNatRange> {
    let NfNatRange2 { flags, min_addr, max_addr, min_proto, max_proto, base_proto: _, _pad } =
        range2(range, choice, family);
    (flags & PROTO_OFFSET == 0).then_some(NfNatRange { flags, min_addr, max_addr, min_proto, max_proto })
}

/// What it says.
pub(super) fn from_range1(info: &NfNatRange, family: Family) -> (Range, Choice) {
    let NfNatRange { flags, min_addr, max_addr, min_proto, max_proto } = *info;
    from_range2(&NfNatRange2 { flags, min_addr, max_addr, min_proto, max_proto, ..Default::default() }, family)
}

/// `struct nf_nat_ipv4_multi_range_compat`, a list that must hold one range, of IPv4.
pub(super) fn range0(range: Range, choice: Choice, family: Family) -> Option<NfNatIpv4MultiRangeCompat> {
    let NfNatRange { flags, min_addr, max_addr, min_proto, max_proto } = range1(range, choice, family)?;
    let first4 = |[a, b, c, d, ..]: [u8; 16]| [a, b, c, d];
    let range =
        NfNatIpv4Range { flags, min_ip: first4(min_addr), max_ip: first4(max_addr), min: min_proto, max: max_proto };
    (family == Family::V4).then_some(NfNatIpv4MultiRangeCompat { rangesize: 1, range })
}

/// What it says.
pub(super) fn from_range0(info: &NfNatIpv4MultiRangeCompat, family: Family) -> Option<(Range, Choice)> {
    let NfNatIpv4MultiRangeCompat { rangesize, range } = *info;
    let NfNatIpv4Range { flags, min_ip, max_ip, min, max } = range;
    let wide = |ip: [u8; 4]| inet(u32::from_be_bytes(ip).into(), Family::V4);
    let range = NfNatRange { flags, min_addr: wide(min_ip), max_addr: wide(max_ip), min_proto: min, max_proto: max };
    (rangesize == 1 && family == Family::V4).then(|| from_range1(&range, family))
}

/// Revision 0 of what has only that: `struct nf_nat_ipv4_multi_range_compat` in IPv4, `struct nf_nat_range` in IPv6.
pub(super) type ByFamily = [u8; size_of::<NfNatRange>()];

/// Bytes of it.
pub(super) fn size_by_family(family: Family) -> usize {
    match family {
        Family::V4 => size_of::<NfNatIpv4MultiRangeCompat>(),
        Family::V6 => size_of::<NfNatRange>(),
    }
}

/// The range in the structure of its family.
pub(super) fn by_family(range: Range, choice: Choice, family: Family) -> Option<ByFamily> {
    let mut all = [0; size_of::<NfNatRange>()];
    match family {
        Family::V4 => all[..size_by_family(family)].copy_from_slice(range0(range, choice, family)?.as_bytes()),
        Family::V6 => all = zerocopy::transmute!(range1(range, choice, family)?),
    }
    Some(all)
}

/// What it says.
pub(super) fn from_by_family(info: &ByFamily, family: Family) -> Option<(Range, Choice)> {
    match family {
        Family::V4 => from_range0(&NfNatIpv4MultiRangeCompat::read_from_prefix(info).ok()?.0, family),
        Family::V6 => Some(from_range1(&NfNatRange::read_from_prefix(info).ok()?.0, family)),
    }
}

/// Masquerading and redirecting choose ports alone.
pub(super) fn ports_by_family(ports: Option<PortRange>, choice: Choice, family: Family) -> Option<ByFamily> {
    by_family(Range { addrs: None, ports }, choice, family)
}

/// What they say.
pub(super) fn from_ports_by_family(info: &ByFamily, family: Family) -> Option<(Option<PortRange>, Choice)> {
    let (range, choice) = from_by_family(info, family)?;
    range.addrs.is_none().then_some((range.ports, choice))
}

impl Value for PortRange {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PORT[-PORT]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_ports(args[0], false, cx)
    }
}
