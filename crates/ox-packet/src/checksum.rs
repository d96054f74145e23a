//! Checksums: the internet checksum whole and by increments, CRC32c, and putting a packet's right.
//!
//! Increments are the kernel's, step for step, so that packets whose checksum was wrong stay wrong in the same way.
//! Kernel: include/net/checksum.h `csum_replace2`, `csum_replace4`; net/core/utils.c `inet_proto_csum_replace16`;
//! include/net/sctp/checksum.h; net/netfilter/utils.c `nf_checksum`.

use crate::extract::{Layout, layout};
use crate::key::{Family, Shape};
use crate::proto;
use crate::view::be;

/// What the kernel writes where a computed UDP checksum is 0, which would mean "none".
pub const MANGLED_0: u16 = 0xffff;

/// Adds with end-around carry.
#[inline]
fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}

/// Folds to 16 bits, carries added back in.
#[inline]
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// A ones-complement sum under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// Adds bytes that start at an even offset of what is summed; a last odd byte is padded with zero.
    #[inline]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut words = bytes.chunks_exact(4);
        for word in &mut words {
            self.0 += u64::from(be::u32(word, 0));
        }
        match *words.remainder() {
            [a, b, c] => self.0 += (u64::from(a) << 8 | u64::from(b)) + (u64::from(c) << 8),
            [a, b] => self.0 += u64::from(a) << 8 | u64::from(b),
            [a] => self.0 += u64::from(a) << 8,
            _ => {}
        }
        // Keeps room: a slice has fewer than 2^31 words of 32 bits in it on anything but a forged test.
        self.0 = (self.0 & 0xffff_ffff) + (self.0 >> 32);
        self
    }

    /// Adds a 16-bit word.
    #[inline]
    pub fn word(mut self, word: u16) -> Self {
        self.0 += u64::from(word);
        self
    }

    /// The pseudo header in front of a transport header: addresses, protocol and transport length.
    #[inline]
    pub fn pseudo(family: Family, src: u128, dst: u128, proto: u8, len: u32) -> Self {
        let addresses = match family {
            Family::V4 => (src & 0xffff_ffff) as u64 + (dst & 0xffff_ffff) as u64,
            Family::V6 => quarters(src) + quarters(dst),
        };
        Self(addresses + u64::from(proto) + u64::from(len))
    }

    /// The sum folded to 16 bits, not complemented: 0xffff over a header whose checksum is right.
    #[inline]
    pub fn folded(self) -> u16 {
        fold(self.0)
    }

    /// The checksum: the complement of the folded sum.
    #[inline]
    pub fn checksum(self) -> u16 {
        !fold(self.0)
    }
}

#[inline]
fn quarters(address: u128) -> u64 {
    (0..4).map(|i| (address >> (32 * i)) as u64 & 0xffff_ffff).sum()
}

/// The internet checksum of some bytes.
#[inline]
pub fn internet(bytes: &[u8]) -> u16 {
    Sum::default().bytes(bytes).checksum()
}

/// The checksum after a 16-bit word changed.
#[inline]
pub fn replace2(check: u16, old: u16, new: u16) -> u16 {
    !add(add(!check, !old), new)
}

/// The checksum after a 32-bit word changed.
#[inline]
pub fn replace4(check: u16, old: u32, new: u32) -> u16 {
    let sum = carry32(u32::from(!check), !old);
    !fold(carry32(sum, new).into())
}

/// The checksum after an IPv6 address changed.
#[inline]
pub fn replace16(check: u16, old: u128, new: u128) -> u16 {
    !fold(u64::from(!check) + quarters(!old) + quarters(new))
}

#[inline]
fn carry32(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u32::from(carry)
}

const CRC32C: [[u32; 256]; 8] = crc_tables();

const fn crc_tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][i] = crc;
        i += 1;
    }
    let mut t = 1;
    while t < 8 {
        let mut i = 0;
        while i < 256 {
            let before = tables[t - 1][i];
            tables[t][i] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            i += 1;
        }
        t += 1;
    }
    tables
}

/// Goes on with a CRC32c (Castagnoli) over more bytes. Start from `!0`, complement at the end.
pub fn crc32c_update(mut crc: u32, bytes: &[u8]) -> u32 {
    let t = &CRC32C;
    let mut words = bytes.chunks_exact(8);
    for w in &mut words {
        let low = crc ^ u32::from_le_bytes([w[0], w[1], w[2], w[3]]);
        crc = t[7][(low & 0xff) as usize]
            ^ t[6][(low >> 8 & 0xff) as usize]
            ^ t[5][(low >> 16 & 0xff) as usize]
            ^ t[4][(low >> 24) as usize]
            ^ t[3][usize::from(w[4])]
            ^ t[2][usize::from(w[5])]
            ^ t[1][usize::from(w[6])]
            ^ t[0][usize::from(w[7])];
    }
    for &byte in words.remainder() {
        crc = crc >> 8 ^ t[0][((crc ^ u32::from(byte)) & 0xff) as usize];
    }
    crc
}

/// CRC32c (Castagnoli) of some bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !crc32c_update(!0, bytes)
}

/// The four checksum bytes an SCTP packet must carry; its own are taken as zero. `None` if it is shorter than 12 bytes.
pub fn sctp(packet: &[u8]) -> Option<[u8; 4]> {
    let (head, rest) = (packet.get(..8)?, packet.get(12..)?);
    let crc = crc32c_update(crc32c_update(crc32c_update(!0, head), &[0; 4]), rest);
    Some((!crc).to_le_bytes())
}

/// Where a protocol keeps its internet checksum, from the start of its header.
#[inline]
pub(crate) fn offset(proto: u8) -> Option<usize> {
    Some(match proto {
        proto::TCP => 16,
        proto::UDP | proto::UDPLITE | proto::DCCP => 6,
        proto::ICMP | proto::ICMPV6 => 2,
        _ => return None,
    })
}

/// How many bytes of the transport data the checksum covers, where the header can restrict it.
fn covered(proto: u8, l4: &[u8]) -> usize {
    let all = l4.len();
    match proto {
        proto::UDPLITE if all >= 8 => match usize::from(be::u16(l4, 4)) {
            0 => all,
            n => n.min(all),
        },
        proto::DCCP if all >= 12 => match usize::from(l4[5] & 0x0f) {
            0 => all,
            n => (usize::from(l4[4]) * 4 + (n - 1) * 4).min(all),
        },
        _ => all,
    }
}

fn addresses(bytes: &[u8], family: Family) -> Option<(u128, u128)> {
    match family {
        Family::V4 if bytes.len() >= 20 => Some((be::u32(bytes, 12).into(), be::u32(bytes, 16).into())),
        Family::V6 if bytes.len() >= 40 => Some((be::u128(bytes, 8), be::u128(bytes, 24))),
        _ => None,
    }
}

/// The sum over a packet's transport part, its checksum field as it stands; 0xffff if that field is right.
fn transport_sum(bytes: &[u8], at: &Layout) -> Option<Sum> {
    let l4 = bytes.get(at.l4..at.end)?;
    let start = if at.proto == proto::ICMP {
        Sum::default()
    } else {
        let (src, dst) = addresses(bytes, at.family)?;
        Sum::pseudo(at.family, src, dst, at.proto, l4.len() as u32)
    };
    Some(start.bytes(&l4[..covered(at.proto, l4)]))
}

/// Whether the transport checksum holds. Protocols without one, unreadable headers and fragments count as right, and so
/// does a UDP checksum of zero (over IPv6 too, as in the kernel's connection tracking, unlike in its UDP input).
pub fn transport_holds(bytes: &[u8], at: &Layout) -> bool {
    if at.shape.any(Shape::FRAGMENT | Shape::FIRST | Shape::SHORT | Shape::NOL4) {
        return true;
    }
    if at.proto == proto::SCTP {
        let l4 = bytes.get(at.l4..at.end).unwrap_or_default();
        return sctp(l4).is_none_or(|right| l4[8..12] == right);
    }
    let Some(field) = offset(at.proto) else { return true };
    if at.proto == proto::UDP && bytes.get(at.l4 + field..at.l4 + field + 2) == Some(&[0, 0]) {
        return true;
    }
    transport_sum(bytes, at).is_none_or(|sum| sum.folded() == 0xffff)
}

/// Writes the transport checksum anew. Fragments and headers cut short are left alone.
pub fn fix_transport(bytes: &mut [u8], at: &Layout) {
    if at.shape.any(Shape::FRAGMENT | Shape::FIRST | Shape::SHORT | Shape::NOL4) {
        return;
    }
    if at.proto == proto::SCTP {
        if let Some(l4) = bytes.get_mut(at.l4..at.end)
            && let Some(right) = sctp(l4)
        {
            l4[8..12].copy_from_slice(&right);
        }
        return;
    }
    let Some(field) = offset(at.proto) else { return };
    let field = at.l4 + field;
    if at.end < field + 2 || bytes.len() < at.end {
        return;
    }
    be::put::u16(bytes, field, 0);
    if let Some(sum) = transport_sum(bytes, at) {
        let zero_is_none = matches!(at.proto, proto::UDP | proto::UDPLITE);
        let check = match sum.checksum() {
            0 if zero_is_none => MANGLED_0,
            check => check,
        };
        be::put::u16(bytes, field, check);
    }
}

/// Writes what stands in the place of a transport checksum that a network device is to finish: the sum of the pseudo
/// header (Kernel: `CHECKSUM_PARTIAL`).
pub fn leave_transport(bytes: &mut [u8], at: &Layout) {
    let Some(field) = offset(at.proto).map(|field| at.l4 + field) else { return };
    let Some((src, dst)) = addresses(bytes, at.family) else { return };
    let in_part = at.shape.any(Shape::FRAGMENT | Shape::FIRST | Shape::SHORT | Shape::NOL4);
    if in_part || at.end < field + 2 || bytes.len() < at.end {
        return;
    }
    let sum = Sum::pseudo(at.family, src, dst, at.proto, (at.end - at.l4) as u32).folded();
    be::put::u16(bytes, field, sum);
}

/// Writes an IPv4 header's checksum anew; false if `bytes` does not start with a whole IPv4 header.
pub fn fix_ipv4(bytes: &mut [u8]) -> bool {
    let len = crate::ipv4::header_len(bytes);
    if len < 20 || bytes.len() < len {
        return false;
    }
    be::put::u16(bytes, 10, 0);
    let check = internet(&bytes[..len]);
    be::put::u16(bytes, 10, check);
    true
}

/// Writes every checksum of a packet anew: the IPv4 header's and the transport's. Packets that cannot be read are left
/// alone, and so is a fragment's transport checksum.
pub fn fix_all(bytes: &mut [u8]) {
    let Ok(at) = layout(bytes) else { return };
    if at.family == Family::V4 {
        fix_ipv4(bytes);
    }
    fix_transport(bytes, &at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_usual_check_string() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn the_sum_of_the_rfc_1071_example() {
        assert_eq!(Sum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).folded(), 0xddf2);
        assert_eq!(Sum::default().bytes(&[1]).folded(), 0x0100);
        assert_eq!(Sum::default().bytes(&[0, 0, 1, 2, 3]).folded(), 0x0402);
    }
}
