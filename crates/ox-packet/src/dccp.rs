//! The DCCP header, its packet types and options.
//!
//! ABI: uapi/linux/dccp.h `struct dccp_hdr`. Kernel: net/netfilter/xt_dccp.c (where options start); uapi/linux/dccp.h `dccp_packet_hdr_len`.

use crate::view::{be, header};

header! {
    /// A DCCP header and what follows it.
    Dccp, DccpMut, 12;
    /// Source port.
    sport, set_sport: u16 @ 0;
    /// Destination port.
    dport, set_dport: u16 @ 2;
    /// Words from the start of the header to the data.
    data_offset, set_data_offset: u8 @ 4;
    /// CCVal (high nibble) and checksum coverage (low nibble).
    coverage, set_coverage: u8 @ 5;
    /// Checksum.
    checksum, set_checksum: u16 @ 6;
    /// Reserved bits, type and the extended-sequence bit, as they stand.
    type_byte, set_type_byte: u8 @ 8;
}

/// Packet types.
#[expect(missing_docs, reason = "each is the packet type of that name")]
pub mod packet {
    pub const REQUEST: u8 = 0;
    pub const RESPONSE: u8 = 1;
    pub const DATA: u8 = 2;
    pub const ACK: u8 = 3;
    pub const DATAACK: u8 = 4;
    pub const CLOSEREQ: u8 = 5;
    pub const CLOSE: u8 = 6;
    pub const RESET: u8 = 7;
    pub const SYNC: u8 = 8;
    pub const SYNCACK: u8 = 9;
}

impl<'a> Dccp<'a> {
    /// Packet type (0 to 15).
    pub fn kind(self) -> u8 {
        self.type_byte() >> 1 & 0x0f
    }

    /// Whether sequence numbers are 48 bits long.
    pub fn extended(self) -> bool {
        self.type_byte() & 1 != 0
    }

    /// Sequence number: 48 bits if [`extended`](Self::extended) and there, else 24.
    pub fn seq(self) -> u64 {
        if self.extended() && self.0.len() >= 16 {
            u64::from(be::u16(self.0, 10)) << 32 | u64::from(be::u32(self.0, 12))
        } else {
            u64::from(be::u32(self.0, 8) & 0x00ff_ffff)
        }
    }

    /// Bytes from the start of the header to the data, by the header's own account.
    pub fn header_len(self) -> usize {
        usize::from(self.data_offset()) * 4
    }

    /// Acknowledgement number where the packet type has one. Read as 48 bits whatever the type, as the kernel does.
    pub fn ack(self) -> Option<u64> {
        if matches!(self.kind(), packet::REQUEST | packet::DATA) {
            return None;
        }
        let word = self.0.get(self.generic_len()..)?.first_chunk::<8>()?;
        Some(u64::from(be::u16(word, 2)) << 32 | u64::from(be::u32(word, 4)))
    }

    /// The bytes of the options: after generic header, acknowledgement and service or reset code.
    ///
    /// `None` if the data offset leaves them before their start or past the end, which the kernel's match hotdrops.
    pub fn option_bytes(self) -> Option<&'a [u8]> {
        self.0.get(self.fixed_len()..self.header_len())
    }

    /// The options, in order: number and data. Numbers below 32 stand alone.
    pub fn options(self) -> DccpOptions<'a> {
        DccpOptions(self.option_bytes().unwrap_or_default())
    }

    /// What follows the header.
    pub fn payload(self) -> &'a [u8] {
        self.0.get(self.header_len().max(12)..).unwrap_or_default()
    }

    fn generic_len(self) -> usize {
        if self.extended() { 16 } else { 12 }
    }

    fn fixed_len(self) -> usize {
        self.generic_len()
            + match self.kind() {
                packet::DATA => 0,
                packet::REQUEST => 4,
                packet::DATAACK | packet::ACK | packet::SYNC | packet::SYNCACK | packet::CLOSE | packet::CLOSEREQ => 8,
                _ => 12,
            }
    }
}

/// Iterator over DCCP options.
#[derive(Clone, Debug)]
pub struct DccpOptions<'a>(&'a [u8]);

impl<'a> Iterator for DccpOptions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first()?;
        if kind < 32 {
            self.0 = rest;
            return Some((kind, &[]));
        }
        let len = usize::from(*rest.first()?);
        if len < 2 || len > self.0.len() {
            self.0 = &[];
            return None;
        }
        let (this, after) = self.0.split_at(len);
        self.0 = after;
        Some((kind, &this[2..]))
    }
}
