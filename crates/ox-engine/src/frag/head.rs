//! What a fragment says of itself.
//!
//! Kernel: net/ipv4/ip_fragment.c `ip_frag_queue`; net/ipv6/netfilter/nf_conntrack_reasm.c `find_prev_fhdr`,
//! include/net/ipv6_frag.h `ipv6frag_thdr_truncated`.

use super::User;
use ox_packet::{Shape, ipv4, ipv6, proto};
use ox_rules::ir::Packet;

/// What a fragment says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    /// Where its data starts and ends in the bytes.
    pub(super) data: (usize, usize),
    pub(super) offset: usize,
    pub(super) more: bool,
    /// IPv6: where the fragment header is, and the byte that names it.
    pub(super) header: (usize, usize),
}

/// Only the host itself tells the sender.
pub(super) fn answer(user: User, code: u8, pointer: u32) -> Option<(u8, u8, u32)> {
    (user == User::Local).then_some((4, code, pointer))
}

pub(super) type Found = Option<(Head, u32)>;

pub(super) fn fragment4(packet: &Packet) -> Result<Found, Option<(u8, u8, u32)>> {
    let Some(header) = ipv4::Ipv4::new(&packet.bytes) else { return Ok(None) };
    let at = packet.layout;
    if at.frag_off == 0 && !at.shape.any(Shape::FIRST) {
        return Ok(None);
    }
    let more = word(&packet.bytes, 6) & ipv4::MF != 0;
    let head = Head { data: (at.l4, at.end), offset: at.frag_off.into(), more, header: (0, 0) };
    Ok(Some((head, header.id().into())))
}

pub(super) fn fragment6(packet: &Packet, user: User) -> Result<Found, Option<(u8, u8, u32)>> {
    let Some(header) = ipv6::Ipv6::new(&packet.bytes) else { return Ok(None) };
    if header.payload_len() == 0 {
        return Ok(None);
    }
    let mut names = 6;
    let Some(extension) = header.extensions().find(|e| {
        let found = e.kind == proto::FRAGMENT;
        names = if found { names } else { e.at };
        found
    }) else {
        return Ok(None);
    };
    let Some((offset, more, id)) = extension.fragment() else { return Ok(None) };
    if user == User::Local && offset == 0 && !more {
        return Ok(None);
    }
    // A first fragment must hold all headers; tracking lets one pass that does not.
    let short = Shape::SHORT | Shape::NOL4 | Shape::NOPORTS;
    let kind = matches!(packet.key.proto, proto::TCP | proto::UDP | proto::ICMPV6);
    if offset == 0 && packet.key.shape.any(short) && kind {
        return if user == User::Local { Err(Some((4, 3, 0))) } else { Ok(None) };
    }
    let start = extension.at + 8;
    let data = (start, packet.layout.end.max(start));
    Ok(Some((Head { data, offset: offset.into(), more, header: (extension.at, names) }, id)))
}

pub(super) fn word(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
}
