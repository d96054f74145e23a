//! Changing TCP options: the segment size announced, and options taken out.
//!
//! Kernel: net/netfilter/xt_TCPMSS.c `tcpmss_mangle_packet`; net/netfilter/xt_TCPOPTSTRIP.c.

use crate::checksum::{replace2, replace4};
use crate::extract::Layout;
use crate::key::{Family, Shape};
use crate::proto;
use crate::rewrite::lengthen;
use crate::tcp::option;
use crate::view::be;

/// What became of a segment whose announced size was to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mss {
    /// Left as it was: a fragment, data after the header, no room, or a size that is no larger already.
    Kept,
    /// Lowered from this to the size asked for.
    Lowered(u16),
    /// The option was not there and was put in with this size; the packet is four bytes longer.
    Inserted(u16),
    /// The header is broken: the target drops such a packet.
    Broken,
}

/// Length of the option at `at` as the kernel steps over it: never zero, so that the walk gets on.
fn step(header: &[u8], at: usize) -> usize {
    match (header[at], header.get(at + 1)) {
        (0 | 1, _) | (_, None | Some(0)) => 1,
        (_, Some(&len)) => len.into(),
    }
}

/// Sets the maximum segment size a TCP segment announces. It is never raised; where the option is missing it is put in,
/// with 536 (IPv4) or 1220 (IPv6) at most. After [`Mss::Inserted`] the packet is another: lay it out again.
pub fn set_mss(packet: &mut Vec<u8>, at: &Layout, mss: u16) -> Mss {
    if at.shape.any(Shape::FRAGMENT) || at.proto != proto::TCP {
        return Mss::Kept;
    }
    let Some(l4) = packet.get_mut(at.l4..at.end) else { return Mss::Broken };
    if l4.len() < 20 {
        return Mss::Broken;
    }
    let header = usize::from(l4[12] >> 4) * 4;
    if header < 20 || l4.len() < header {
        return Mss::Broken;
    }
    let mut i = 20;
    while i + 4 <= header {
        if l4[i] == option::MSS && l4[i + 1] == 4 {
            let old = be::u16(l4, i + 2);
            if old <= mss {
                return Mss::Kept;
            }
            be::put::u16(l4, i + 2, mss);
            // The kernel takes the two words as they stand, also when the option is at an odd offset.
            let check = be::u16(l4, 16);
            be::put::u16(l4, 16, replace2(check, old, mss));
            return Mss::Lowered(old);
        }
        i += step(l4, i);
    }
    let len = l4.len();
    if len > header || header >= 60 {
        return Mss::Kept;
    }
    let mss = mss.min(if at.family == Family::V4 { 536 } else { 1220 });
    if !lengthen(packet, at, 4) {
        return Mss::Kept;
    }
    packet.truncate(at.end);
    let [high, low] = mss.to_be_bytes();
    let added = [option::MSS, 4, high, low];
    packet.splice(at.l4 + 20..at.l4 + 20, added);
    let l4 = &mut packet[at.l4..];
    let mut check = be::u16(l4, 16);
    check = replace2(check, len as u16, (len + 4) as u16);
    check = replace4(check, 0, u32::from_be_bytes(added));
    let old = be::u16(l4, 12);
    l4[12] += 0x10;
    check = replace2(check, old, be::u16(l4, 12));
    be::put::u16(l4, 16, check);
    Mss::Inserted(mss)
}

/// Overwrites with no-operations every option `strip` names. False if the header is broken: the target drops the packet.
pub fn strip_options(bytes: &mut [u8], at: &Layout, strip: impl Fn(u8) -> bool) -> bool {
    if at.shape.any(Shape::FRAGMENT) || at.proto != proto::TCP {
        return true;
    }
    let Some(l4) = bytes.get_mut(at.l4..at.end) else { return false };
    if l4.len() < 20 {
        return false;
    }
    let header = usize::from(l4[12] >> 4) * 4;
    if header < 20 || l4.len() < header {
        return false;
    }
    let mut check = be::u16(l4, 16);
    let mut i = 20;
    while i + 1 < header {
        let len = step(l4, i);
        if i + len > header {
            break;
        }
        if strip(l4[i]) {
            for (j, byte) in l4.iter_mut().enumerate().take(i + len).skip(i) {
                let shift = if j % 2 == 0 { 8 } else { 0 };
                check = replace2(check, u16::from(*byte) << shift, u16::from(option::NOP) << shift);
                *byte = option::NOP;
            }
        }
        i += len;
    }
    be::put::u16(l4, 16, check);
    true
}
