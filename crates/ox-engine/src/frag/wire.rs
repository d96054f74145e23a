//! How a packet leaves: whole, or in fragments no larger than those it came in.
//!
//! Kernel: net/ipv4/ip_output.c `ip_fragment`, `ip_do_fragment`; net/ipv6/ip6_output.c `ip6_fragment`.

use super::word;
use ox_packet::{Family, ipv4};
use ox_rules::ir::Packet;

/// How a packet was fragmented when it came, which decides how it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Size of the largest fragment, headers included; nothing larger leaves.
    pub max: u32,
    /// Bytes of data in each fragment, in order.
    pub sizes: Vec<usize>,
}

/// A packet as it leaves by a link of this size: one that came in fragments leaves in fragments no larger than those.
///
/// `None`: it does not fit and must not be fragmented. `origin` is how it came; `id` names the fragments of an IPv6
/// packet, which get a new one even if they came as fragments.
pub fn wire(packet: &Packet, origin: Option<&Origin>, mtu: usize, id: u32) -> Option<Vec<Vec<u8>>> {
    let v4 = packet.layout.family == Family::V4;
    let bytes = packet.bytes.get(..packet.layout.end).unwrap_or_default();
    let df = v4 && word(bytes, 6) & ipv4::DF != 0;
    let Some(origin) = origin else {
        // Only its sender fragments an IPv6 packet.
        let fits = bytes.len() <= mtu;
        let may = fits || if v4 { !df } else { packet.meta.local };
        return may.then(|| ox_packet::split(bytes, mtu, id)).flatten();
    };
    let max = origin.max as usize;
    if max > mtu && (df || !v4) {
        return None;
    }
    if !v4 && bytes.len() <= max && bytes.len() <= mtu {
        return Some(vec![bytes.to_vec()]);
    }
    let room = if v4 { max.min(mtu) } else { max.max(1280).min(mtu) };
    let bytes = &without_df(bytes, v4);
    // As they came, where they still fit and nothing changed the packet's size; "don't fragment" is lost on that way.
    let in_one_piece = origin.sizes.first().is_some_and(|&first| packet.meta.pulled > first);
    let as_it_came = if in_one_piece { None } else { ox_packet::split_as(bytes, &origin.sizes, id) };
    if let Some(parts) = as_it_came.filter(|p| p.iter().all(|p| p.len() <= room)) {
        return Some(parts);
    }
    if !v4 && bytes.len() <= room {
        // One fragment that is the whole packet; a target may have put four bytes in (an option of TCP).
        let size: usize = origin.sizes.iter().sum();
        return [size, size + 4].into_iter().find_map(|size| ox_packet::split_as(bytes, &[size], id));
    }
    let parts = ox_packet::split(bytes, room, id)?;
    Some(parts.into_iter().map(|p| if df { with_df(p) } else { p }).collect())
}

fn without_df(bytes: &[u8], v4: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if v4 && bytes.len() >= 20 {
        bytes[6] &= !0x40;
        ox_packet::checksum::fix_ipv4(&mut bytes);
    }
    bytes
}

fn with_df(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[6] |= 0x40;
    ox_packet::checksum::fix_ipv4(&mut bytes);
    bytes
}
