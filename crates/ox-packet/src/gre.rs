//! The GRE header, versions 0 and 1 (PPTP).
//!
//! Kernel: net/netfilter/nf_conntrack_proto_gre.c `gre_pkt_to_tuple`. ABI: uapi/linux/if_tunnel.h `GRE_*`.

use crate::view::{be, header};

header! {
    /// A GRE header and what follows it.
    Gre, GreMut, 4;
    /// Flags and version.
    flags, set_flags: u16 @ 0;
    /// EtherType of what is carried.
    protocol, set_protocol: u16 @ 2;
}

/// Flag: a checksum is present.
pub const CSUM: u16 = 0x8000;
/// Flag: routing is present.
pub const ROUTING: u16 = 0x4000;
/// Flag: a key is present.
pub const KEY: u16 = 0x2000;
/// Flag: a sequence number is present.
pub const SEQ: u16 = 0x1000;
/// Flag of version 1: an acknowledgement number is present.
pub const ACK: u16 = 0x0080;
/// The EtherType PPTP carries.
pub const PPP: u16 = 0x880b;

impl Gre<'_> {
    /// Version: 0, or 1 for PPTP.
    pub fn version(self) -> u8 {
        (self.flags() & 7) as u8
    }

    /// Length in bytes by the header's own flags.
    pub fn header_len(self) -> usize {
        let flags = self.flags();
        let four = |on: bool| if on { 4 } else { 0 };
        if self.version() == 0 {
            4 + four(flags & (CSUM | ROUTING) != 0) + four(flags & KEY != 0) + four(flags & SEQ != 0)
        } else {
            8 + four(flags & SEQ != 0) + four(flags & ACK != 0)
        }
    }

    /// The 32-bit key of a version 0 header.
    pub fn key(self) -> Option<u32> {
        let at = if self.flags() & (CSUM | ROUTING) == 0 { 4 } else { 8 };
        (self.version() == 0 && self.flags() & KEY != 0 && self.0.len() >= at + 4).then(|| be::u32(self.0, at))
    }

    /// The call number of a version 1 header, which connection tracking uses as a port.
    pub fn call_id(self) -> Option<u16> {
        (self.version() == 1 && self.protocol() == PPP && self.0.len() >= 8).then(|| be::u16(self.0, 6))
    }
}

impl GreMut<'_> {
    /// Writes the call number of a version 1 header; false if there is none.
    pub fn set_call_id(&mut self, value: u16) -> bool {
        let there = self.view().call_id().is_some();
        if there {
            be::put::u16(self.0, 6, value);
        }
        there
    }
}
