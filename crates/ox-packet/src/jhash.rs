//! The kernel's jhash: Bob Jenkins' lookup3 with the kernel's start value.
//!
//! Kernel: include/linux/jhash.h. Where the kernel hashes a structure, pass its bytes in the order the kernel has them in.

use crate::Family;

const INIT: u32 = 0xdead_beef;

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for (first, second, third) in [(4, 6, 8), (16, 19, 4)] {
        a = a.wrapping_sub(c) ^ c.rotate_left(first);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(second);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(third);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

fn finish(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// `jhash`: hashes bytes, read as little-endian words.
pub fn jhash(bytes: &[u8], initval: u32) -> u32 {
    let start = INIT.wrapping_add(bytes.len() as u32).wrapping_add(initval);
    let (mut a, mut b, mut c) = (start, start, start);
    let word =
        |part: &[u8], at: usize| (0..4).fold(0, |word, i| word | u32::from(*part.get(at + i).unwrap_or(&0)) << (8 * i));
    let mut left = bytes;
    while !left.is_empty() {
        a = a.wrapping_add(word(left, 0));
        b = b.wrapping_add(word(left, 4));
        c = c.wrapping_add(word(left, 8));
        if left.len() <= 12 {
            return finish(a, b, c);
        }
        (a, b, c) = mix(a, b, c);
        left = &left[12..];
    }
    c
}

/// `jhash2`: hashes 32-bit words.
pub fn jhash2(words: &[u32], initval: u32) -> u32 {
    let start = INIT.wrapping_add((words.len() as u32) << 2).wrapping_add(initval);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut left = words;
    while !left.is_empty() {
        let word = |i: usize| left.get(i).copied().unwrap_or(0);
        a = a.wrapping_add(word(0));
        b = b.wrapping_add(word(1));
        c = c.wrapping_add(word(2));
        if left.len() <= 3 {
            return finish(a, b, c);
        }
        (a, b, c) = mix(a, b, c);
        left = &left[3..];
    }
    c
}

fn words(a: u32, b: u32, c: u32, initval: u32) -> u32 {
    finish(a.wrapping_add(initval), b.wrapping_add(initval), c.wrapping_add(initval))
}

/// `jhash_3words`.
pub fn jhash_3words(a: u32, b: u32, c: u32, initval: u32) -> u32 {
    words(a, b, c, initval.wrapping_add(INIT).wrapping_add(12))
}

/// `jhash_2words`.
pub fn jhash_2words(a: u32, b: u32, initval: u32) -> u32 {
    words(a, b, 0, initval.wrapping_add(INIT).wrapping_add(8))
}

/// `jhash_1word`.
pub fn jhash_1word(a: u32, initval: u32) -> u32 {
    words(a, 0, 0, initval.wrapping_add(INIT).wrapping_add(4))
}

/// `reciprocal_scale`: maps a 32-bit number evenly onto 0 .. `range`.
pub fn reciprocal_scale(value: u32, range: u32) -> u32 {
    ((u64::from(value) * u64::from(range)) >> 32) as u32
}

/// `nfqueue_hash` without its scaling: the hash by which packets are spread over queues, the same for both directions.
///
/// Kernel: include/net/netfilter/nf_queue.h. The kernel compares and hashes the addresses as they lie in memory; the
/// words here are those of a little-endian machine. `initval` is drawn by the kernel once and never told.
pub fn nfqueue(family: Family, src: u128, dst: u128, proto: u8, initval: u32) -> u32 {
    let word = |address: u128, i: u32| ((address >> (32 * i)) as u32).swap_bytes();
    let (s, d) = (word(src, 0), word(dst, 0));
    let (low, high) = (s.min(d), s.max(d));
    match family {
        Family::V4 => jhash_3words(low, high, proto.into(), initval),
        Family::V6 => jhash_3words(low, high, word(src, 2).min(word(dst, 2)), initval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors are the ones lookup3.c's own comments publish for `hashlittle`.
    #[test]
    fn the_published_vectors() {
        assert_eq!(jhash(b"", 0), 0xdead_beef);
        assert_eq!(jhash(b"", 0xdead_beef), 0xbd5b_7dde);
        assert_eq!(jhash(b"Four score and seven years ago", 0), 0x1777_0551);
        assert_eq!(jhash(b"Four score and seven years ago", 1), 0xcd62_8161);
    }

    #[test]
    fn words_and_bytes_agree() {
        let numbers = [1u32, 0xdead, 3, 0xffff_ffff, 5, 6, 7];
        for n in 0..=numbers.len() {
            let bytes: Vec<u8> = numbers[..n].iter().flat_map(|w| w.to_le_bytes()).collect();
            assert_eq!(jhash2(&numbers[..n], 9), jhash(&bytes, 9), "{n} words");
        }
        assert_eq!(jhash_1word(7, 9), jhash2(&[7], 9));
        assert_eq!(jhash_2words(7, 8, 9), jhash2(&[7, 8], 9));
        assert_eq!(jhash_3words(7, 8, 9, 10), jhash2(&[7, 8, 9], 10));
    }

    #[test]
    fn both_directions_go_to_one_queue() {
        let (a, b) = (0x2001_0db8_0000_0001_0000_0000_0000_0001, 0x2001_0db8_0000_0002_0000_0000_0000_0002);
        for family in [Family::V4, Family::V6] {
            assert_eq!(nfqueue(family, a, b, 6, 7), nfqueue(family, b, a, 6, 7));
            assert_ne!(nfqueue(family, a, b, 6, 7), nfqueue(family, a, b, 6, 8));
        }
        assert_ne!(nfqueue(Family::V4, a, b, 6, 7), nfqueue(Family::V4, a, b, 17, 7));
        assert_eq!(nfqueue(Family::V6, a, b, 6, 7), nfqueue(Family::V6, a, b, 17, 7), "IPv6 leaves the protocol out");
        // 10.0.0.1 and 10.0.0.2 as they lie in memory.
        assert_eq!(nfqueue(Family::V4, 0x0a00_0001, 0x0a00_0002, 6, 0), jhash_3words(0x0100_000a, 0x0200_000a, 6, 0));
    }
}
