//! `-m conntrack`: what connection tracking knows of a packet's connection.
//!
//! Kernel: net/netfilter/xt_conntrack.c; ABI: uapi/linux/netfilter/xt_conntrack.h (revision 3).
//! `-m state` is the same match in the kernel: see `state.rs`.
mod abi;

pub(super) use abi::{alias, aliased};

use super::plen;
use super::prelude::*;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conntrack {
    state: Option<Inv<States>>,
    /// What few rules ask; absent if nothing of it is said, so that two rules are equal when they say the same.
    rest: Option<Box<Rest>>,
}

/// What is asked besides the state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rest {
    proto: Option<Inv<u8>>,
    addrs: [Option<Inv<Host>>; 4],
    ports: [Option<Inv<Span>>; 4],
    status: Option<Inv<Statuses>>,
    expire: Option<Inv<Span>>,
    dir: Option<Dir>,
}

/// Names of the four addresses, in the order of [`Rest::addrs`]; with `port` behind, of the four ports.
const ENDS: [&str; 4] = ["ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"];

/// State bits of [`ct`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct States(pub(super) u16);

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
struct Statuses(u32);

/// Names of statuses in the order in which they print; none at all is `NONE`.
const STATUSES: [(&str, u32); 4] = [
    ("EXPECTED", status::EXPECTED),
    ("SEEN_REPLY", status::SEEN_REPLY),
    ("ASSURED", status::ASSURED),
    ("CONFIRMED", status::CONFIRMED),
];

/// An address that keeps the bits outside its mask, as stock prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Host {
    addr: u128,
    len: u8,
}

/// First and last, in any order: a range that runs backwards is taken and never holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Span {
    lo: u32,
    hi: u32,
}

/// A [`Span`] of ports.
struct PortSpan(Span);

struct Protocol(u8);

options! { Conntrack;
    /// Any of these states: INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED, SNAT, DNAT.
    STATE ["ctstate"] Inv<States> => |c, v| c.state = Some(v);
    /// Transport protocol, by name or number.
    PROTO ["ctproto"] Inv<Protocol> => |c, v| c.more().proto = Some(Inv { is: v.is.0, not: v.not });
    /// Source as the first packet had it.
    ORIGSRC ["ctorigsrc"] Inv<Host> => |c, v| c.more().addrs[0] = Some(v);
    /// Destination as the first packet had it.
    ORIGDST ["ctorigdst"] Inv<Host> => |c, v| c.more().addrs[1] = Some(v);
    /// Source of the answers.
    REPLSRC ["ctreplsrc"] Inv<Host> => |c, v| c.more().addrs[2] = Some(v);
    /// Destination of the answers.
    REPLDST ["ctrepldst"] Inv<Host> => |c, v| c.more().addrs[3] = Some(v);
    /// Source port as the first packet had it, or a range.
    ORIGSRCPORT ["ctorigsrcport"] Inv<PortSpan> => |c, v| c.port(0, v);
    /// Destination port as the first packet had it, or a range.
    ORIGDSTPORT ["ctorigdstport"] Inv<PortSpan> => |c, v| c.port(1, v);
    /// Source port of the answers, or a range.
    REPLSRCPORT ["ctreplsrcport"] Inv<PortSpan> => |c, v| c.port(2, v);
    /// Destination port of the answers, or a range.
    REPLDSTPORT ["ctrepldstport"] Inv<PortSpan> => |c, v| c.port(3, v);
    /// Any of these: NONE, EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED.
    STATUS ["ctstatus"] Inv<Statuses> => |c, v| c.more().status = Some(v);
    /// Whole seconds until the entry expires, or a range of them.
    EXPIRE ["ctexpire"] Inv<Span> => |c, v| c.more().expire = Some(v);
    /// Which way the packet goes: ORIGINAL or REPLY.
    DIR ["ctdir"] Dir => |c, v| c.more().dir = Some(v);
}

impl Conntrack {
    fn more(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    fn rest(&self) -> Rest {
        self.rest.as_deref().copied().unwrap_or_default()
    }

    fn port(&mut self, end: usize, v: Inv<PortSpan>) {
        self.more().ports[end] = Some(Inv { is: v.is.0, not: v.not });
    }
}

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
    pub(super) fn parse(text: &str, known: &[(&'static str, u16)]) -> Result<Self, String> {
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
    pub(super) fn plain() -> &'static [(&'static str, u16)] {
        &STATES[..5]
    }

    /// ` ct state NAMES` in nft's words, or ` ct status` for those that nft counts there.
    pub(super) fn translate(self, not: bool, nft: &mut Nft<'_>) -> Option<()> {
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
    pub(super) fn pred(self) -> Pred {
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
    fn translate_seconds(self, not: bool, nft: &mut Nft<'_>) -> Option<()> {
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

    fn has(self, n: u32) -> bool {
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

impl Host {
    fn print(self, family: Family, out: &mut Out) {
        out.addr(family, self.addr);
        if self.len != plen::width(family) {
            out.raw("/");
            self.len.print(out);
        }
    }

    fn net(self, family: Family) -> Net {
        Net::prefix(family, self.addr, self.len)
    }
}

impl Ext for Conntrack {
    const NAME: &'static str = "conntrack";
    const ABOUT: &'static str = "Asks what connection tracking knows of the packet's connection.";
    const TRACKING: bool = true;

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("nothing is asked: one option at least is needed".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, family: Family) {
        self.print("--", out, |host, out| host.print(family, out));
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        self.print("", out, |host, out| {
            if show.numeric {
                host.print(show.family, out);
            } else if host.addr == 0 {
                out.raw("anywhere");
            } else if let Some(name) = show.names.host_name(host.addr, show.family) {
                out.raw(&name);
                if host.len != plen::width(show.family) {
                    out.raw("/");
                    host.len.print(out);
                }
            } else {
                host.print(show.family, out);
            }
        });
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { state, rest: _ } = *self;
        let Rest { proto, addrs, ports, status, expire, dir } = self.rest();
        let way = match dir {
            Some(Dir::Original) => "original",
            _ => "reply",
        };
        if dir.is_some() {
            nft.say(format_args!("ct direction {way}"));
        }
        if let Some(Inv { is, not }) = proto {
            let way = if dir.is_some() { way } else { "original" };
            let Inv { is: head, not: other } = nft.head.proto;
            if !not && !other && head != Proto::ANY && head != Proto(is) {
                return nft.no("nft takes no rule that asks for two protocols; no packet has both");
            }
            nft.test(&format!("ct {way} protocol"), not, is);
        }
        if let Some(s) = state {
            s.is.translate(s.not, nft)?;
        }
        if let Some(Inv { is: Statuses(bits), not }) = status {
            let names: Vec<String> = STATUSES
                .iter()
                .filter(|s| bits & s.1 != 0)
                .map(|s| s.0.to_ascii_lowercase().replace('_', "-"))
                .collect();
            if names.is_empty() {
                return nft.no("nft cannot ask for no status at all");
            }
            nft.say(format_args!("ct status {}{}", if not { "! " } else { "" }, names.join(",")));
        }
        if let Some(e) = expire {
            e.is.translate_seconds(e.not, nft)?;
        }
        for (key, addr) in ["original saddr", "original daddr", "reply saddr", "reply daddr"].into_iter().zip(addrs) {
            let Some(Inv { is, not }) = addr else { continue };
            let net = is.net(nft.family);
            // Without the family in it, nft 1.0.6 reads a prefix as an address, and the wrong one.
            let (way, end) = key.split_once(' ').unwrap_or((key, ""));
            match is.len == plen::width(nft.family) {
                true => nft.say(format_args!("ct {key}")),
                false => nft.say(format_args!("ct {way} {} {end}", nft.ip())),
            }
            nft.net(Inv { is: net, not });
        }
        let keys = ["original proto-src", "original proto-dst", "reply proto-src", "reply proto-dst"];
        for (key, port) in keys.into_iter().zip(ports) {
            let Some(Inv { is: Span { lo, hi }, not }) = port else { continue };
            let with_ports = |p: Inv<Proto>| !p.not && p.is.has_ports();
            if proto.is_some_and(|p| with_ports(Inv { is: Proto(p.is), not: p.not })) {
                // Said already.
            } else if with_ports(nft.head.proto) {
                nft.needs_protocol();
            } else {
                return nft.no("nft asks for ports of a connection only behind its protocol (--ctproto)");
            }
            if lo > hi {
                return nft.no("nft takes no range of ports that runs backwards; no connection is in it");
            }
            if lo == hi {
                nft.test(&format!("ct {key}"), not, lo);
            } else {
                nft.test(&format!("ct {key}"), not, format_args!("{lo}-{hi}"));
            }
        }
        Some(())
    }
}

impl Conntrack {
    /// `-S` and `-L` print the same words in the same order; only the dashes and the addresses differ.
    fn print(&self, dashes: &str, out: &mut Out, addr: impl Fn(Host, &mut Out)) {
        let Self { state, rest: _ } = *self;
        let Rest { proto, addrs, ports, status, expire, dir } = self.rest();
        let name = |out: &mut Out, not: bool, name: &str, tail: &str| {
            if not {
                out.word("!");
            }
            out.gap();
            out.fmt(format_args!("{dashes}{name}{tail} "));
        };
        if let Some(s) = state {
            name(out, s.not, "ctstate", "");
            s.is.print(out);
        }
        if let Some(p) = proto {
            name(out, p.not, "ctproto", "");
            p.is.print(out);
        }
        for (end, host) in ENDS.into_iter().zip(addrs) {
            if let Some(h) = host {
                name(out, h.not, end, "");
                addr(h.is, out);
            }
        }
        for (end, port) in ENDS.into_iter().zip(ports) {
            if let Some(p) = port {
                name(out, p.not, end, "port");
                p.is.print(out);
            }
        }
        if let Some(s) = status {
            name(out, s.not, "ctstatus", "");
            s.is.print(out);
        }
        if let Some(e) = expire {
            name(out, e.not, "ctexpire", "");
            e.is.print(out);
        }
        if let Some(d) = dir {
            name(out, false, "ctdir", "");
            out.raw(if d == Dir::Original { "ORIGINAL" } else { "REPLY" });
        }
    }
}

impl Matching for Conntrack {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { state, rest: _ } = *self;
        let Rest { proto, addrs, ports, status, expire, dir } = self.rest();
        let family = cx.family;
        let nets = addrs.map(|a| a.map(|a| Inv { is: a.is.net(family), not: a.not }));
        let asks_state = state.is_some();
        let in_state = state.map_or(Pred::Is(true), |s| s.is.pred().not_if(s.not));
        let more = proto.is_some()
            || addrs.iter().any(Option::is_some)
            || ports.iter().any(Option::is_some)
            || status.is_some()
            || expire.is_some()
            || dir.is_some();
        if !more {
            return in_state;
        }
        let entry = Native::new("connection", Effect::Stable, move |at| {
            // What `-j CT` attached stands for the connection until tracking takes it, with all its addresses zero.
            let template = Conn { status: status::CONFIRMED | status::TEMPLATE, ..Conn::default() };
            let attached = at.packet.meta.template.is_some().then_some(&template);
            // Without an entry only the state counts.
            let Some(conn) = at.conn.as_deref().or(attached) else { return Ok(asks_state) };
            let ends = [conn.original.src, conn.original.dst, conn.reply.src, conn.reply.dst];
            let end_ports = [conn.original.sport, conn.original.dport, conn.reply.sport, conn.reply.dport];
            Ok(dir.is_none_or(|d| d == at.dir)
                && nets.iter().zip(ends).all(|(n, a)| n.is_none_or(|n| n.is.has(a) != n.not))
                && proto.is_none_or(|p| (p.is == conn.original.proto) != p.not)
                && ports.iter().zip(end_ports).all(|(p, port)| p.is_none_or(|p| p.is.has(port.into()) != p.not))
                && status.is_none_or(|s| (s.is.0 & conn.status != 0) != s.not)
                && expire.is_none_or(|e| e.is.has(seconds_left(conn, at.env.now().mono)) != e.not))
        });
        Pred::all([in_state, entry.into()])
    }
}

/// Kernel: `nf_ct_expires`. An entry that is not confirmed yet has no date, and counts as expired.
fn seconds_left(conn: &Conn, now: u64) -> u32 {
    if conn.status & status::CONFIRMED == 0 {
        return 0;
    }
    let ticks = jiffies(conn.expires).saturating_sub(jiffies(now));
    u32::try_from(ticks / HZ).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;
    use crate::ir::Tuple;

    #[test]
    fn text() {
        for (typed, printed, listed) in [
            (
                "-m conntrack --ctstate new,invalid,untracked,snat,dnat,rel,established",
                "-m conntrack --ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED,SNAT,DNAT",
                "ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED,SNAT,DNAT",
            ),
            (
                "-m conntrack --ctdir reply --ctexpire 5: ! --ctstatus ASS,none --ctorigdstport 0:9 --ctorigsrc 10.1.2.3/8 --ctproto udp",
                "-m conntrack --ctproto 17 --ctorigsrc 10.1.2.3/8 --ctorigdstport 0:9 ! --ctstatus ASSURED --ctexpire 5:4294967295 --ctdir REPLY",
                "ctproto 17 ctorigsrc 10.1.2.3/8 ctorigdstport 0:9 ! ctstatus ASSURED ctexpire 5:4294967295 ctdir REPLY",
            ),
            ("-m conntrack --ctreplsrcport :5", "-m conntrack --ctreplsrcport 0:5", "ctreplsrcport 0:5"),
            ("-m conntrack --ctrepldst 10", "-m conntrack --ctrepldst 0.0.0.10", "ctrepldst 0.0.0.10"),
            ("-m state ! --state new", "-m state ! --state NEW", "! state NEW"),
        ] {
            check(Family::V4, TableName::Filter, typed, printed, listed);
        }
        check(
            Family::V6,
            TableName::Filter,
            "-m conntrack ! --ctorigsrc 2001:db8::1/64",
            "-m conntrack ! --ctorigsrc 2001:db8::1/64",
            "! ctorigsrc 2001:db8::1/64",
        );
        for line in [
            "-m conntrack",
            "-m conntrack --ctstate NEW,",
            "-m conntrack ! --ctdir REPLY",
            "-m conntrack --ctorigsrc 10.0.0.0/255.0.255.0",
            "-m conntrack --ctorigsrcport 65536",
            "-m state --state SNAT",
            "-m state",
        ] {
            refused(Family::V4, TableName::Filter, line);
        }
    }

    fn conn() -> Conn {
        let to = |src, dst, sport, dport| Tuple { family: Family::V4, proto: 17, src, dst, sport, dport };
        Conn {
            original: to(0x0a00_0001, 0x0a00_0002, 1000, 53),
            reply: to(0x0a00_0003, 0x0a00_0001, 5353, 1000),
            status: status::CONFIRMED | status::DST_NAT,
            expires: 9_999_000_000,
            ..Conn::default()
        }
    }

    #[test]
    fn every_part_must_fit() {
        for (options, fits) in [
            ("--ctorigsrc 10.0.0.0/24 --ctreplsrc 10.0.0.3 ! --ctorigdst 10.0.0.3", true),
            ("--ctorigdstport 53 ! --ctreplsrcport 53", true),
            ("--ctorigdstport 60:50", false),
            ("--ctproto tcp", false),
            ("! --ctproto tcp", true),
            ("--ctstatus NONE", false),
            ("! --ctstatus NONE", true),
            ("--ctstatus EXPECTED,CONFIRMED", true),
            ("--ctdir REPLY", false),
            ("--ctstate DNAT --ctdir ORIGINAL", true),
            // 9.999 s are nine whole ones.
            ("--ctexpire 9", true),
            ("--ctexpire 10", false),
        ] {
            let mut packet = udp([10, 0, 0, 1], [10, 0, 0, 2]);
            packet.key.ct = ct::NEW | ct::DNAT;
            let mut trial = Trial::of(&format!("-m conntrack {options}"));
            assert_eq!(trial.ask(0, &mut packet, Some(&mut conn())), Ok(fits), "{options}");
        }
    }

    /// A connection that is not confirmed yet has no date of expiry.
    #[test]
    fn unconfirmed_counts_as_expired() {
        let mut packet = udp([10, 0, 0, 1], [10, 0, 0, 2]);
        let mut fresh = Conn { status: 0, ..conn() };
        assert_eq!(Trial::of("-m conntrack --ctexpire 0").ask(0, &mut packet, Some(&mut fresh)), Ok(true));
    }

    /// Without a connection only the state is asked; whatever else is asked, a fitting state is enough.
    #[test]
    fn without_connection_only_the_state_counts() {
        for (options, fits) in [
            ("--ctstate INVALID", true),
            ("--ctstate INVALID --ctproto tcp", true),
            ("! --ctstate NEW --ctdir REPLY", true),
            ("--ctstate NEW --ctproto udp", false),
            ("--ctproto udp", false),
            ("! --ctproto udp", false),
        ] {
            let mut packet = udp([10, 0, 0, 1], [10, 0, 0, 2]);
            packet.key.ct = ct::INVALID;
            assert_eq!(Trial::of(&format!("-m conntrack {options}")).takes(&mut packet), Ok(fits), "{options}");
        }
    }
}
