//! Ports as values: one of them, and what tcp, udp, dccp and sctp share: a range, listed and tested.
//!
//! Kernel: net/netfilter/xt_tcpudp.c `port_match`.
use super::prelude::*;

/// One port, by number or service.
#[derive(Default)]
pub(super) struct Port(pub(super) u16);

impl Value for Port {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "PORT";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_service(args[0], cx).map(Port)
    }
}

/// Ports of which stock asks the resolver. Unlike for tcp it does not ask that they run upwards; a range that does not has no
/// port in it.
pub(super) struct Resolved(pub(super) Ports);

impl Value for Resolved {
    const FORMS: &'static [Form] = Ports::FORMS;
    const HINT: &'static str = Ports::HINT;
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let one = |text: &str, none: u16| if text.is_empty() { Ok(none) } else { read_service(text, cx) };
        Ok(Self(match args[0].split_once(':') {
            Some((lo, hi)) => Ports { lo: one(lo, 0)?, hi: one(hi, u16::MAX)? },
            None => read_service(args[0], cx).map(|port| Ports { lo: port, hi: port })?,
        }))
    }
}

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

/// A range as `xt_tcp` and its like hold it.
pub(super) fn pair([lo, hi]: [u16; 2], not: bool) -> Inv<Ports> {
    Inv { is: Ports { lo, hi }, not }
}

/// The test, `!` included.
pub(super) fn pred(ports: Inv<Ports>, field: Field) -> Pred {
    if ports.is.is_all() {
        return Pred::Is(!ports.not);
    }
    Pred::range(field, ports.is.lo, ports.is.hi).not_if(ports.not)
}

/// A fragment that begins eight bytes into a TCP header would overwrite its flags: `tcp_mt` drops it. Over IPv6 the
/// kernel counts the offset in bytes there and so never sees one.
pub(super) fn overlapping_fragment(family: Family) -> Pred {
    if family == Family::V6 {
        return Pred::Is(true);
    }
    Native::new("tcp fragment at offset 1", Effect::Stable, |at| {
        if at.packet.key.frag_off == 8 { Err(Stop::Hotdrop) } else { Ok(true) }
    })
    .into()
}

/// ` KEY [!=] PORTS` in nft's words; nothing for the full range.
pub(super) fn translate(key: &str, ports: Inv<Ports>, nft: &mut Nft<'_>) -> Option<()> {
    let Inv { is: Ports { lo, hi }, not } = ports;
    if ports.is_default() {
        return Some(());
    }
    if lo > hi {
        return nft.no("nft takes no range of ports that runs backwards; no packet is in it");
    }
    if lo == hi {
        nft.test(key, not, lo);
    } else {
        nft.test(key, not, format_args!("{lo}-{hi}"));
    }
    Some(())
}

/// nft asks for the protocol whose ports it looks at; xt_tcpudp is refused without, and iptables-nft looks at any.
pub(super) fn behind(proto: Proto, nft: &mut Nft<'_>) -> Option<()> {
    if nft.head.proto == Inv::plain(proto) {
        return Some(());
    }
    nft.no("nft looks at these ports only where the protocol is theirs, and -p does not say so")
}

/// Ports as iptables-nft gives them to the kernel: nothing for the full range, even behind a `!`.
pub(super) fn written(ports: Inv<Ports>) -> Inv<Ports> {
    if ports.is.is_all() { Inv::default() } else { ports }
}

/// The one of two conditions that says something; `None` if both do.
pub(super) fn either<T: Default + PartialEq>(a: Inv<T>, b: Inv<T>) -> Option<Inv<T>> {
    match (a.is_default(), b.is_default()) {
        (true, _) => Some(b),
        (_, true) => Some(a),
        _ => None,
    }
}

/// The ports of a tcp or udp match that iptables-nft wrote as payload expressions. Behind `! -p` they look at whatever
/// stands where ports would.
pub(super) fn native(sport: Inv<Ports>, dport: Inv<Ports>, cx: &Lowering<'_>) -> Vec<Pred> {
    let mut all = Vec::new();
    for (ports, field, at) in [(sport, Field::Sport, 0), (dport, Field::Dport, 2)] {
        if ports.is_default() {
            continue;
        }
        let Ports { lo, hi } = ports.is;
        all.push(cx.native_header(4));
        let test = if cx.head.proto.not {
            payload("bytes where ports would be", at, move |b| (lo..=hi).contains(&u16::from_be_bytes(b)))
        } else {
            Pred::range(field, lo, hi)
        };
        all.push(test.not_if(ports.not));
    }
    all
}

/// Asks `test` of the bytes at an offset from the transport header, whatever the protocol.
///
/// Kernel: net/netfilter/nft_payload.c.
pub(super) fn payload<const N: usize>(
    name: &'static str,
    offset: usize,
    test: impl Fn([u8; N]) -> bool + Send + Sync + 'static,
) -> Pred {
    Native::new(name, Effect::Stable, move |at| {
        let bytes = at.packet.transport().get(offset..).and_then(|rest| rest.first_chunk::<N>());
        Ok(bytes.is_some_and(|b| test(*b)))
    })
    .into()
}
