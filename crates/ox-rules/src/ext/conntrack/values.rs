//! What the options of `-m conntrack` take: states, statuses, addresses, ranges and a direction.
use super::super::plen;
use super::super::prelude::*;

/// State bits of [`ct`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct States(pub(in super::super) u16);

/// Names of states in the order in which they print.
const STATES: [(&str, u16); 7] = [
    ("INVALID", ct::INVALID),
    ("NEW", ct::NEW),
    ("RELATED", ct::RELATED),
    ("ESTABLISHED", ct::ESTABLISHED),
    ("UNTRACKED", ct::UNTRACKED),
    ("SNAT", ct::SNAT),
    ("DNAT", ct::DNAT),
];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Statuses(pub(super) u32);

/// Names of statuses in the order in which they print; none at all is `NONE`.
pub(super) const STATUSES: [(&str, u32); 4] = [
    ("EXPECTED", status::EXPECTED),
    ("SEEN_REPLY", status::SEEN_REPLY),
    ("ASSURED", status::ASSURED),
    ("CONFIRMED", status::CONFIRMED),
];

/// An address that keeps the bits outside its mask, as stock prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Host {
    pub(super) addr: u128,
    pub(super) len: u8,
}

/// First and last, in any order: a range that runs backwards is taken and never holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Span {
    pub(super) lo: u32,
    pub(super) hi: u32,
}

/// A [`Span`] of ports.
pub(super) struct PortSpan(pub(super) Span);

pub(super) struct Protocol(pub(super) u8);

/// The first entry whose name begins with `typed`, whatever its case; nothing is no beginning.
fn named<T: Copy>(typed: &str, list: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
    let begins = |name: &str| {
        !typed.is_empty()
            && name.len() >= typed.len()
            && name.as_bytes()[..typed.len()].eq_ignore_ascii_case(typed.as_bytes())
    };
    list.into_iter().find(|(name, _)| begins(name)).map(|(_, value)| value)
}

impl States {
    /// Reads names separated by commas, all among `known`.
    pub(in super::super) fn parse(text: &str, known: &[(&'static str, u16)]) -> Result<Self, String> {
        let mut bits = 0;
        for part in parts(text, b',') {
            bits |= named(part, known.iter().copied()).ok_or_else(|| {
                let list: Vec<_> = known.iter().map(|(n, _)| *n).collect();
                format!("`{part}' is not a state; there are: {}", list.join(" "))
            })?;
        }
        Ok(Self(bits))
    }

    /// The states that `-m state` knows.
    pub(in super::super) fn plain() -> &'static [(&'static str, u16)] {
        &STATES[..5]
    }

    /// ` ct state NAMES` in nft's words, or ` ct status` for those that nft counts there.
    pub(in super::super) fn translate(self, not: bool, nft: &mut Nft<'_>) -> Option<()> {
        let rewritten = self.0 & (ct::SNAT | ct::DNAT);
        if rewritten != 0 && rewritten != self.0 {
            return nft.no("to nft SNAT and DNAT are no states: it cannot ask for one of them or a state at once");
        }
        if rewritten != 0 && not {
            return nft.no("nft asks for SNAT and DNAT of packets with a connection only, so `!' means less there");
        }
        let names: Vec<String> =
            STATES.iter().filter(|s| self.0 & s.1 != 0).map(|s| s.0.to_ascii_lowercase()).collect();
        let key = if rewritten == 0 { "ct state" } else { "ct status" };
        nft.say(format_args!("{key} {}{}", if not { "! " } else { "" }, names.join(",")));
        Some(())
    }

    /// The packet has one of them.
    pub(in super::super) fn pred(self) -> Pred {
        Pred::some_of(Field::Ct, self.0)
    }
}

impl Value for States {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "STATE[,STATE]…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        Self::parse(args[0], &STATES)
    }
}

impl Print for States {
    fn print(&self, out: &mut Out) {
        print_names(STATES.iter().filter(|s| self.0 & s.1 != 0).map(|s| s.0), out);
    }
}

fn print_names(names: impl Iterator<Item = &'static str>, out: &mut Out) {
    for (i, name) in names.enumerate() {
        if i > 0 {
            out.raw(",");
        }
        out.raw(name);
    }
}

impl Value for Statuses {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "STATUS[,STATUS]…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut bits = 0;
        for part in args[0].split(',') {
            bits |= named(part, STATUSES.into_iter().chain([("NONE", 0)])).ok_or_else(|| {
                format!("`{part}' is not a status; there are: NONE EXPECTED SEEN_REPLY ASSURED CONFIRMED")
            })?;
        }
        Ok(Self(bits))
    }
}

impl Print for Statuses {
    fn print(&self, out: &mut Out) {
        if self.0 == 0 {
            out.raw("NONE");
        }
        print_names(STATUSES.iter().filter(|s| self.0 & s.1 != 0).map(|s| s.0), out);
    }
}

impl Value for Protocol {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PROTOCOL";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_protocol(args[0], cx.names)
            .map(Self)
            .ok_or_else(|| format!("`{}' is not a protocol: a number up to 255 or a known name is expected", args[0]))
    }
}

impl Value for Host {
    const HINT: &'static str = "ADDRESS[/MASK]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let (host, mask) = args[0].split_once('/').map_or((args[0], None), |(h, m)| (h, Some(m)));
        // Unlike behind `-s`, one number alone is an address, and short ones are what the resolver makes of them.
        let digits = cx.family == Family::V4 && host.starts_with(|c: char| c.is_ascii_digit());
        let addr = match number(host, u32::MAX).filter(|_| digits) {
            Some(n) => n.into(),
            None if is_other(host, cx.family) => return Err(format!("`{host}' is an address of the other family")),
            None => match read_addr(host, cx.family) {
                Some(addr) => addr,
                None => one_host(host, cx)?,
            },
        };
        let len = mask.map_or(Ok(plen::width(cx.family)), |m| plen::read(m, cx.family))?;
        Ok(Self { addr, len })
    }
}

impl Host {
    pub(super) fn print(self, family: Family, out: &mut Out) {
        out.addr(family, self.addr);
        if self.len != plen::width(family) {
            out.raw("/");
            self.len.print(out);
        }
    }

    pub(super) fn net(self, family: Family) -> Net {
        Net::prefix(family, self.addr, self.len)
    }
}

fn one_host(name: &str, cx: &Reading<'_>) -> Result<u128, String> {
    match cx.names.hosts(name, cx.family) {
        Ok(found) => found.first().copied().ok_or_else(|| format!("`{name}' has no address of this family")),
        Err(why) => Err(format!("`{name}' is neither an address nor a host that can be found: {why}")),
    }
}

/// Whether it is an address, but not of this family.
fn is_other(text: &str, family: Family) -> bool {
    let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
    read_addr(text, other).is_some()
}

impl Value for Span {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N[:N]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let one = |text: &str, none: u32| {
            let n = if text.is_empty() { Some(none) } else { number(text, u32::MAX) };
            n.ok_or_else(|| format!("`{text}' is not a number from 0 to {}", u32::MAX))
        };
        match args[0].split_once(':') {
            Some((lo, hi)) => Ok(Self { lo: one(lo, 0)?, hi: one(hi, u32::MAX)? }),
            None => one(args[0], 0).map(|n| Self { lo: n, hi: n }),
        }
    }
}

impl Value for PortSpan {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PORT[:PORT]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let one = |text: &str, none: u16| {
            let port = if text.is_empty() { Ok(none) } else { read_service(text, cx) };
            port.map(u32::from)
        };
        match args[0].split_once(':') {
            Some((lo, hi)) => Ok(Self(Span { lo: one(lo, 0)?, hi: one(hi, u16::MAX)? })),
            None => one(args[0], 0).map(|n| Self(Span { lo: n, hi: n })),
        }
    }
}

impl Print for Span {
    fn print(&self, out: &mut Out) {
        self.lo.print(out);
        if self.lo != self.hi {
            out.raw(":");
            self.hi.print(out);
        }
    }
}

impl Span {
    /// ` ct expiration RANGE`: the kernel's match counts whole seconds, nft milliseconds, 32 bits of them.
    pub(super) fn translate_seconds(self, not: bool, nft: &mut Nft<'_>) -> Option<()> {
        const MOST: u32 = u32::MAX / 1000 - 1;
        let Self { lo, hi } = self;
        if lo > hi {
            return nft.no("nft takes no range of times that runs backwards; no connection is in it");
        }
        if lo > MOST {
            return nft.no("nft counts no such time: 49 days at most");
        }
        nft.word("ct expiration");
        match (hi > MOST, not) {
            (true, false) => nft.say(format_args!(">= {lo}s")),
            (true, true) => nft.say(format_args!("< {lo}s")),
            (false, _) => nft.say(format_args!("{}{lo}s-{hi}s999ms", if not { "!= " } else { "" })),
        }
        Some(())
    }

    pub(super) fn has(self, n: u32) -> bool {
        self.lo <= n && n <= self.hi
    }
}

impl Value for Dir {
    const HINT: &'static str = "ORIGINAL|REPLY";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            t if t.eq_ignore_ascii_case("ORIGINAL") => Ok(Dir::Original),
            t if t.eq_ignore_ascii_case("REPLY") => Ok(Dir::Reply),
            t => Err(format!("`{t}' is not a direction: ORIGINAL or REPLY")),
        }
    }
}
