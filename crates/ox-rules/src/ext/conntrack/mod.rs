//! `-m conntrack`: what connection tracking knows of a packet's connection.
//!
//! Kernel: net/netfilter/xt_conntrack.c; ABI: uapi/linux/netfilter/xt_conntrack.h (revision 3).
//! `-m state` is the same match in the kernel: see `state.rs`.
mod abi;
mod values;

pub(super) use abi::{alias, aliased};
pub(super) use values::States;

use super::plen;
use super::prelude::*;
use values::{Host, PortSpan, Protocol, STATUSES, Span, Statuses};

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
