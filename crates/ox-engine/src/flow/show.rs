//! A connection in a line: as /proc/net/nf_conntrack has it, and as `conntrack -L` prints it.
//!
//! Kernel: net/netfilter/nf_conntrack_standalone.c `ct_seq_show`. Compared with both on a 6.18 kernel.

use super::timeout::SECOND;
use super::{Flow, State};
use ox_packet::{Family, proto};
use ox_rules::ir::{Dir, Now, Tuple, status};
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The line of /proc/net/nf_conntrack.
pub fn proc_line(flow: &Flow, now: Now) -> String {
    let family = match flow.conn.original.family {
        Family::V4 => "ipv4     2 ",
        Family::V6 => "ipv6     10 ",
    };
    line(flow, now, Style { start: family, long_v6: true, gre_timeouts: true, secctx: true })
}

/// The line `conntrack -L` prints.
pub fn conntrack_line(flow: &Flow, now: Now) -> String {
    line(flow, now, Style { start: "", long_v6: false, gre_timeouts: false, secctx: false })
}

struct Style {
    start: &'static str,
    /// IPv6 addresses with all their zeros.
    long_v6: bool,
    gre_timeouts: bool,
    secctx: bool,
}

fn proto_name(number: u8) -> &'static str {
    match number {
        proto::ICMP => "icmp",
        proto::TCP => "tcp",
        proto::UDP => "udp",
        proto::GRE => "gre",
        proto::SCTP => "sctp",
        proto::UDPLITE => "udplite",
        proto::ICMPV6 => "icmpv6",
        _ => "unknown",
    }
}

fn line(flow: &Flow, now: Now, style: Style) -> String {
    let mut out = String::from(style.start);
    // Writing to a string cannot fail.
    let _ = write(&mut out, flow, now, &style);
    out
}

fn write(out: &mut String, flow: &Flow, now: Now, style: &Style) -> std::fmt::Result {
    let conn = &flow.conn;
    let protocol = conn.original.proto;
    write!(out, "{:<8} {} {} ", proto_name(protocol), protocol, flow.left(now) / SECOND)?;
    if let Some(state) = flow.state_name() {
        write!(out, "{state} ")?;
    }
    if let (State::Gre { timeouts: [once, both] }, true) = (&flow.state, style.gre_timeouts) {
        write!(out, "timeout={}, stream_timeout={} ", once / SECOND, both / SECOND)?;
    }
    let [orig, reply] = flow.conn.zones;
    tuple(out, &conn.original, style)?;
    if orig != reply && orig != 0 {
        write!(out, "zone-orig={orig} ")?;
    }
    counters(out, flow, Dir::Original)?;
    if !flow.has(status::SEEN_REPLY) {
        out.push_str("[UNREPLIED] ");
    }
    tuple(out, &conn.reply, style)?;
    if orig != reply && reply != 0 {
        write!(out, "zone-reply={reply} ")?;
    }
    counters(out, flow, Dir::Reply)?;
    if flow.has(status::ASSURED) {
        out.push_str("[ASSURED] ");
    }
    write!(out, "mark={} ", conn.mark)?;
    if style.secctx && conn.secmark != 0 {
        write!(out, "secctx={} ", conn.secmark)?;
    }
    if orig == reply && (orig != 0 || style.long_v6) {
        write!(out, "zone={orig} ")?;
    }
    out.push_str(if style.long_v6 { "use=2" } else { "use=1" });
    Ok(())
}

fn tuple(out: &mut String, t: &Tuple, style: &Style) -> std::fmt::Result {
    match t.family {
        Family::V4 => {
            let (src, dst) = (Ipv4Addr::from(t.src as u32), Ipv4Addr::from(t.dst as u32));
            write!(out, "src={src} dst={dst} ")?;
        }
        Family::V6 if style.long_v6 => write!(out, "src={} dst={} ", long(t.src), long(t.dst))?,
        Family::V6 => write!(out, "src={} dst={} ", Ipv6Addr::from(t.src), Ipv6Addr::from(t.dst))?,
    }
    match t.proto {
        proto::ICMP | proto::ICMPV6 => {
            let [kind, code] = t.dport.to_be_bytes();
            write!(out, "type={kind} code={code} id={} ", t.sport)
        }
        proto::GRE => write!(out, "srckey={:#x} dstkey={:#x} ", t.sport, t.dport),
        other if super::tuple::has_ports(other) => write!(out, "sport={} dport={} ", t.sport, t.dport),
        _ => Ok(()),
    }
}

fn long(address: u128) -> String {
    Ipv6Addr::from(address).segments().map(|s| format!("{s:04x}")).join(":")
}

fn counters(out: &mut String, flow: &Flow, dir: Dir) -> std::fmt::Result {
    if flow.counted {
        let dir = dir as usize;
        write!(out, "packets={} bytes={} ", flow.conn.packets[dir], flow.conn.bytes[dir])?;
    }
    Ok(())
}
