//! IPv6 extension headers as the kernel's matches look for them.
//!
//! Kernel: net/ipv6/exthdrs_core.c `ipv6_find_hdr` without flags: it walks from the front, follows later fragments no
//! further than their fragment header, and says "absent" (`ENOENT`) or "broken" (`EBADMSG`, hotdrop).
use super::prelude::*;
use crate::ir::Packet;
use ox_packet::{Ipv6, proto};

/// What was found.
pub(super) enum Found<'a> {
    /// The header and all that follows it in the packet.
    Header(&'a [u8]),
    /// There is none.
    Absent,
}

/// Looks for an extension header.
pub(super) fn find(packet: &Packet, kind: u8) -> Result<Found<'_>, Stop> {
    let Some(ip) = Ipv6::new(&packet.bytes) else { return Err(Stop::Hotdrop) };
    let end = packet.layout.end.min(packet.bytes.len());
    let mut walk = ip.extensions();
    loop {
        let (next, at) = walk.rest();
        if next == kind {
            return Ok(Found::Header(packet.bytes.get(at..end).unwrap_or_default()));
        }
        if !ox_packet::ipv6::is_extension(next) || next == proto::NONE {
            return Ok(Found::Absent);
        }
        let Some(header) = walk.next() else { return Err(Stop::Hotdrop) };
        // What follows the header of a later fragment is no header.
        if header.fragment().is_some_and(|(offset, ..)| offset != 0) {
            return Ok(Found::Absent);
        }
    }
}

/// ` KEY [!=] N` for a header's length: the matches count bytes, nft the field, which counts units of so many bytes beyond
/// the first ones.
pub(super) fn translate_length(key: &str, len: Inv<u32>, (unit, first): (u32, u32), nft: &mut Nft<'_>) -> Option<()> {
    let Inv { is, not } = len;
    match is.checked_sub(first).filter(|rest| rest % unit == 0).map(|rest| rest / unit) {
        Some(field @ 0..=255) => nft.test(key, not, field),
        _ => return nft.no(format!("no header has {is} bytes, and nft cannot ask for that")),
    }
    Some(())
}
