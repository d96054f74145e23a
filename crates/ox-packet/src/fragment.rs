//! Splitting a packet into fragments.
//!
//! Kernel: net/ipv4/ip_output.c `ip_do_fragment`; net/ipv6/ip6_output.c `ip6_fragment`.

use crate::extract::{Layout, layout};
use crate::key::Family;
use crate::view::be;
use crate::{checksum, ipv4, ipv6, proto};

/// The packet as fragments of at most `mtu` bytes; itself alone if it fits. `id` names the fragments of an IPv6 packet.
///
/// `None` if it cannot be read, or `mtu` leaves no room for eight bytes of data. "Don't fragment" is the caller's to obey.
/// IPv4 options are copied to later fragments only where their number says so; the others become no-operations.
pub fn split(packet: &[u8], mtu: usize, id: u32) -> Option<Vec<Vec<u8>>> {
    let at = layout(packet).ok()?;
    let packet = &packet[..at.end];
    if packet.len() <= mtu {
        return Some(vec![packet.to_vec()]);
    }
    let head = head_len(&at, packet);
    let extra = if at.family == Family::V6 { 8 } else { 0 };
    let room = mtu.checked_sub(head + extra)? / 8 * 8;
    if room == 0 {
        return None;
    }
    let mut sizes = vec![room; (packet.len() - head) / room];
    sizes.extend(Some((packet.len() - head) % room).filter(|&last| last > 0));
    split_as(packet, &sizes, id)
}

/// The packet as fragments that hold so many bytes of data each.
///
/// `None` if it cannot be read, the sizes are not those of its data, or one but the last is no multiple of eight.
pub fn split_as(packet: &[u8], sizes: &[usize], id: u32) -> Option<Vec<Vec<u8>>> {
    let at = layout(packet).ok()?;
    let packet = &packet[..at.end];
    let head = head_len(&at, packet);
    let data = packet.get(head..)?;
    let even = sizes.iter().rev().skip(1).all(|s| s % 8 == 0);
    if !even || sizes.iter().sum::<usize>() != data.len() || sizes.contains(&0) {
        return None;
    }
    let mut start = 0;
    let fragments = sizes.iter().enumerate().map(|(i, &size)| {
        let (offset, more) = (start as u16, i + 1 < sizes.len());
        let part = &data[start..start + size];
        start += size;
        let mut fragment = packet[..head].to_vec();
        match at.family {
            Family::V4 => {
                let word = be::u16(packet, 6);
                let base = word & ipv4::OFFSET;
                let last = if more { ipv4::MF } else { word & ipv4::MF };
                be::put::u16(&mut fragment, 6, word & !(ipv4::OFFSET | ipv4::MF) | last | (base + (offset >> 3)));
                be::put::u16(&mut fragment, 2, (head + part.len()) as u16);
                if i > 0 {
                    blank_options(&mut fragment[20..]);
                }
                fragment.extend(part);
                checksum::fix_ipv4(&mut fragment);
            }
            Family::V6 => {
                let next = name_next(&mut fragment);
                fragment.extend([next, 0]);
                fragment.extend((offset | u16::from(more)).to_be_bytes());
                fragment.extend(id.to_be_bytes());
                fragment.extend(part);
                let len = (fragment.len() - 40) as u16;
                be::put::u16(&mut fragment, 4, len);
            }
        }
        fragment
    });
    Some(fragments.collect())
}

/// Length of what every fragment repeats.
fn head_len(at: &Layout, packet: &[u8]) -> usize {
    match at.family {
        Family::V4 => ipv4::header_len(packet),
        Family::V6 => unfragmentable(packet),
    }
}

/// Where the part of an IPv6 packet ends that every fragment repeats: hop-by-hop, routing, destination options before it.
fn unfragmentable(packet: &[u8]) -> usize {
    let Some(header) = ipv6::Ipv6::new(packet) else { return 40.min(packet.len()) };
    let mut end = 40;
    for extension in header.extensions() {
        if matches!(extension.kind, proto::HOPOPTS | proto::ROUTING) {
            end = extension.at + extension.bytes.len();
        }
    }
    end
}

/// Makes the last header of an unfragmentable part name a fragment header, and says what it named before.
fn name_next(head: &mut [u8]) -> u8 {
    let mut field = 6;
    if let Some(header) = ipv6::Ipv6::new(head) {
        // The payload length still counts the whole packet, so the walk is bounded by the slice.
        for extension in header.extensions() {
            field = extension.at;
        }
    }
    std::mem::replace(&mut head[field], proto::FRAGMENT)
}

fn blank_options(mut options: &mut [u8]) {
    while let Some(&kind) = options.first() {
        let len = match kind {
            ipv4::option::END => return,
            ipv4::option::NOOP => 1,
            _ => usize::from(*options.get(1).unwrap_or(&0)),
        };
        if len == 0 || len > options.len() || kind != ipv4::option::NOOP && len < 2 {
            return;
        }
        let (this, rest) = options.split_at_mut(len);
        if kind & 0x80 == 0 {
            this.fill(ipv4::option::NOOP);
        }
        options = rest;
    }
}
