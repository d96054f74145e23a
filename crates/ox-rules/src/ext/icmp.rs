//! `-m icmp`: the type and code of an ICMP message.
//!
//! Kernel: net/ipv4/netfilter/ip_tables.c `icmp_match`; ABI: uapi/linux/netfilter_ipv4/ip_tables.h `struct ipt_icmp`.
use super::prelude::*;
use ox_wire::xtables::port::IptIcmp;

/// The match.
#[derive(Clone, Debug, Default)]
pub struct Icmp {
    kind: Inv<Kind>,
}

impl PartialEq for Icmp {
    /// Where every type is meant, the kernel asks for no code.
    fn eq(&self, other: &Self) -> bool {
        let any = |icmp: &Self| icmp.kind.is.kind == ANY;
        self.kind == other.kind || (any(self) && any(other) && self.kind.not == other.kind.not)
    }
}

/// A type and the codes of it that count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Kind {
    /// Type.
    pub(super) kind: u8,
    /// First code.
    pub(super) lo: u8,
    /// Last code.
    pub(super) hi: u8,
}

/// A name of a type, or of one code of it.
pub(super) struct Name {
    name: &'static str,
    kind: Kind,
}

/// A type with any code.
pub(super) const fn all(name: &'static str, kind: u8) -> Name {
    Name { name, kind: Kind { kind, lo: 0, hi: 255 } }
}

/// One code of a type.
pub(super) const fn one(name: &'static str, kind: u8, code: u8) -> Name {
    Name { name, kind: Kind { kind, lo: code, hi: code } }
}

/// The type that stands for every type.
const ANY: u8 = 255;

/// In stock's order; of two names for the same the first is printed.
static NAMES: [Name; 40] = [
    all("any", ANY),
    all("echo-reply", 0),
    all("pong", 0),
    all("destination-unreachable", 3),
    one("network-unreachable", 3, 0),
    one("host-unreachable", 3, 1),
    one("protocol-unreachable", 3, 2),
    one("port-unreachable", 3, 3),
    one("fragmentation-needed", 3, 4),
    one("source-route-failed", 3, 5),
    one("network-unknown", 3, 6),
    one("host-unknown", 3, 7),
    one("network-prohibited", 3, 9),
    one("host-prohibited", 3, 10),
    one("TOS-network-unreachable", 3, 11),
    one("TOS-host-unreachable", 3, 12),
    one("communication-prohibited", 3, 13),
    one("host-precedence-violation", 3, 14),
    one("precedence-cutoff", 3, 15),
    all("source-quench", 4),
    all("redirect", 5),
    one("network-redirect", 5, 0),
    one("host-redirect", 5, 1),
    one("TOS-network-redirect", 5, 2),
    one("TOS-host-redirect", 5, 3),
    all("echo-request", 8),
    all("ping", 8),
    all("router-advertisement", 9),
    all("router-solicitation", 10),
    all("time-exceeded", 11),
    all("ttl-exceeded", 11),
    one("ttl-zero-during-transit", 11, 0),
    one("ttl-zero-during-reassembly", 11, 1),
    all("parameter-problem", 12),
    one("ip-header-bad", 12, 0),
    one("required-option-missing", 12, 1),
    all("timestamp-request", 13),
    all("timestamp-reply", 14),
    all("address-mask-request", 17),
    all("address-mask-reply", 18),
];

options! { Icmp;
    /// Type by name or number, with an optional code or range of codes: echo-request, 8, 3/4, 3/0:3; `any' is every type.
    TYPE ["icmp-type"] Inv<Kind>, .needed() => |i, v| i.kind = v;
}

impl Value for Kind {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "TYPE[/CODE[:CODE]]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        match cx.family {
            Family::V4 => read(args[0], &NAMES),
            Family::V6 => read(args[0], &super::icmp6::NAMES),
        }
    }
}

/// A type by name or unambiguous beginning of one, or by number with an optional code.
fn read(text: &str, names: &[Name]) -> Result<Kind, String> {
    let begins =
        |n: &&Name| n.name.len() >= text.len() && n.name.as_bytes()[..text.len()].eq_ignore_ascii_case(text.as_bytes());
    let mut hits = names.iter().filter(begins);
    match (hits.next(), hits.next()) {
        (Some(a), Some(b)) => return Err(format!("`{text}' may mean `{}' or `{}'", a.name, b.name)),
        (Some(one), None) => return Ok(one.kind),
        (None, _) => {}
    }
    let (kind, code) = match text.split_once('/') {
        Some((kind, code)) => (kind, Some(code)),
        None => (text, None),
    };
    // A range of types is understood only where it is none.
    let Some((kind, _)) = span(kind).filter(|(first, last)| first == last) else {
        return Err(format!(
            "`{text}' is not a type: a name like echo-request, or a number from 0 to 255, is expected"
        ));
    };
    let (lo, hi) = match code.map(span) {
        None => (0, 255),
        Some(Some(codes)) => codes,
        Some(None) => return Err(format!("`{text}' has no code from 0 to 255 behind the `/', nor a range of them")),
    };
    Ok(Kind { kind, lo, hi })
}

/// `N` or `N:N`.
fn span(text: &str) -> Option<(u8, u8)> {
    let (lo, hi) = text.split_once(':').unwrap_or((text, text));
    Some((number(lo, 255)? as u8, number(hi, 255)? as u8))
}

/// Prints ` --OPTION TYPE[/CODE[:CODE]]`.
pub(super) fn save(kind: Inv<Kind>, option: &str, out: &mut Out) {
    out.flag(kind.not, option);
    out.gap();
    out.dec(kind.is.kind.into());
    match (kind.is.lo, kind.is.hi) {
        (0, 255) => {}
        (lo, hi) if lo == hi => out.fmt(format_args!("/{lo}")),
        (lo, hi) => out.fmt(format_args!("/{lo}:{hi}")),
    }
}

/// Prints as `-L` does: `icmptype 8 code 0`, `icmp !echo-request`.
pub(super) fn list(kind: Inv<Kind>, proto: &str, names: &[Name], out: &mut Out, show: &Show<'_>) {
    let Inv { is, not } = kind;
    out.word(proto);
    let known = names.iter().find(|n| n.kind == is).filter(|_| !show.numeric);
    if let Some(known) = known {
        out.raw(if not { " !" } else { " " });
        out.raw(known.name);
        return;
    }
    out.fmt(format_args!("{}type {}", if not { " !" } else { "" }, is.kind));
    if is.lo == is.hi {
        out.fmt(format_args!(" code {}", is.lo));
    } else if (is.lo, is.hi) != (0, 255) {
        out.fmt(format_args!(" codes {}-{}", is.lo, is.hi));
    }
}

/// Names that nft has for types of ICMP.
const IN_NFT: [(u8, &str); 15] = [
    (0, "echo-reply"),
    (3, "destination-unreachable"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo-request"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
    (15, "info-request"),
    (16, "info-reply"),
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
];

/// ` PROTOCOL type TYPE [PROTOCOL code CODE]` in nft's words.
pub(super) fn translate(kind: Inv<Kind>, proto: &str, names: &[(u8, &str)], nft: &mut Nft<'_>) -> Option<()> {
    let Inv { is: Kind { kind, lo, hi }, not } = kind;
    let coded = (lo, hi) != (0, 255);
    if coded && not {
        return nft.no("nft cannot say `not this type with this code' in one rule");
    }
    match names.iter().find(|n| n.0 == kind) {
        Some((_, name)) => nft.test(&format!("{proto} type"), not, *name),
        None => nft.test(&format!("{proto} type"), not, kind),
    }
    if lo > hi {
        return nft.no("nft takes no range of codes that runs backwards");
    }
    if lo == hi {
        nft.test(&format!("{proto} code"), false, lo);
    } else if coded {
        nft.test(&format!("{proto} code"), false, format_args!("{lo}-{hi}"));
    }
    Some(())
}

impl Ext for Icmp {
    const NAME: &'static str = "icmp";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Looks at the type and code of an ICMP message.";
    const PROTO: Option<u8> = Some(1);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { kind } = *self;
        if kind.is.kind == ANY {
            out.opt(kind.not, "--icmp-type", "any");
        } else {
            save(kind, "--icmp-type", out);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { kind } = *self;
        list(kind, "icmp", &NAMES, out, show);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { kind } = *self;
        match (kind.is.kind, kind.not) {
            (ANY, false) => Some(()),
            (ANY, true) => nft.no("no message is of another type than any"),
            _ => translate(kind, "icmp", &IN_NFT, nft),
        }
    }
}

impl Matching for Icmp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { kind } = *self;
        let test = if kind.is.kind == ANY { Pred::Is(true) } else { pred(kind.is) };
        Pred::all([cx.xt_header(8), test.not_if(kind.not)])
    }
}

/// Type and code.
pub(super) fn pred(kind: Kind) -> Pred {
    Pred::all([Pred::eq(Field::IcmpType, kind.kind), Pred::range(Field::IcmpCode, kind.lo, kind.hi)])
}

/// How the kernel stores a match of a `kind`, in two structures that differ by their names.
macro_rules! revision {
    ($ty:ident as $info:ident) => {
        impl Xt<0> for $ty {
            type Info = $info;

            fn encode(&self, _: &Carry<'_>) -> Option<$info> {
                let Self { kind: Inv { is: Kind { kind, lo, hi }, not } } = *self;
                Some($info { kind, code: [lo, hi], invflags: not.into() })
            }

            fn decode(info: &$info, _: &Carry<'_>) -> Option<Self> {
                let $info { kind, code: [lo, hi], invflags } = *info;
                Some(Self { kind: Inv { is: Kind { kind, lo, hi }, not: invflags & 1 != 0 } })
            }
        }
    };
}

pub(super) use revision;

revision! { Icmp as IptIcmp }
