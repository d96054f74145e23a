//! `Net`: an address and a mask, which need not be a prefix.

use ox_packet::Family;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address with its mask, as 16 bytes each (IPv4 in the last four). Bits outside the mask are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Net {
    addr: [u8; 16],
    mask: [u8; 16],
}

impl Net {
    /// Every address.
    pub const ANY: Self = Self { addr: [0; 16], mask: [0; 16] };

    /// The addresses that equal `addr` in the bits of `mask`.
    pub fn new(addr: u128, mask: u128) -> Self {
        Self { addr: (addr & mask).to_be_bytes(), mask: mask.to_be_bytes() }
    }

    /// The prefix of this length; `len` above the family's width is cut to it.
    pub fn prefix(family: Family, addr: u128, len: u8) -> Self {
        Self::new(addr, prefix_mask(family, len))
    }

    /// One IPv4 address.
    pub fn v4(addr: Ipv4Addr) -> Self {
        Self::prefix(Family::V4, u32::from(addr).into(), 32)
    }

    /// One IPv6 address.
    pub fn v6(addr: Ipv6Addr) -> Self {
        Self::prefix(Family::V6, addr.into(), 128)
    }

    /// The address as a number.
    pub fn addr(&self) -> u128 {
        u128::from_be_bytes(self.addr)
    }

    /// The mask as a number.
    pub fn mask(&self) -> u128 {
        u128::from_be_bytes(self.mask)
    }

    /// Whether every address is in it.
    pub fn is_any(&self) -> bool {
        self.mask == [0; 16]
    }

    /// The prefix length, if the mask is one.
    pub fn prefix_len(&self, family: Family) -> Option<u8> {
        let mask = self.mask();
        let len = match family {
            Family::V4 => (mask as u32).leading_ones() as u8,
            Family::V6 => mask.leading_ones() as u8,
        };
        (mask == prefix_mask(family, len)).then_some(len)
    }

    /// Whether an address is in it.
    pub fn has(&self, addr: u128) -> bool {
        addr & self.mask() == self.addr()
    }
}

/// The mask of a prefix length, in the low bits of the family's width.
pub fn prefix_mask(family: Family, len: u8) -> u128 {
    match family {
        Family::V4 => (!u32::MAX.checked_shr(len.into()).unwrap_or(0)).into(),
        Family::V6 => !u128::MAX.checked_shr(len.into()).unwrap_or(0),
    }
}
