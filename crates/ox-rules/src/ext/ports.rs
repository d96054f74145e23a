//! What tcp, udp, dccp and sctp share: a range of ports, listed and tested.
//!
//! Kernel: net/netfilter/xt_tcpudp.c `port_match`.
use super::prelude::*;

/// Prints ` spt:80`, ` dpts:!1:2` as `-L` does; nothing for the full range.
pub(super) fn list(ports: Inv<Ports>, name: &str, out: &mut Out, show: &Show<'_>) {
    let Inv { is, not } = ports;
    if is.is_all() && !not {
        return;
    }
    out.word(name);
    let not = if not { "!" } else { "" };
    if is.lo == is.hi {
        out.fmt(format_args!(":{not}"));
        port(is.lo, out, show);
    } else {
        out.fmt(format_args!("s:{not}"));
        port(is.lo, out, show);
        out.raw(":");
        port(is.hi, out, show);
    }
}

/// Prints a port, by name unless `-n`.
pub(super) fn port(port: u16, out: &mut Out, show: &Show<'_>) {
    let proto = match show.proto {
        6 => Some("tcp"),
        17 => Some("udp"),
        33 => Some("dccp"),
        132 => Some("sctp"),
        136 => Some("udplite"),
        _ => None,
    };
    match show.names.service(port, proto).filter(|_| !show.numeric) {
        Some(name) => out.raw(&name),
        None => port.print(out),
    }
}

/// The test, `!` included.
pub(super) fn pred(ports: Inv<Ports>, field: Field) -> Pred {
    if ports.is.is_all() {
        return Pred::Is(!ports.not);
    }
    Pred::range(field, ports.is.lo, ports.is.hi).not_if(ports.not)
}

/// A fragment that begins eight bytes into a TCP header would overwrite its flags: `tcp_mt` drops it.
pub(super) fn overlapping_fragment() -> Pred {
    Native::new("tcp fragment at offset 1", Effect::Stable, |at| {
        if at.packet.key.frag_off == 8 { Err(Stop::Hotdrop) } else { Ok(true) }
    })
    .into()
}
