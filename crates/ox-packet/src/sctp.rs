//! The SCTP common header and its chunks.
//!
//! ABI: uapi/linux/sctp.h; Kernel: include/linux/sctp.h `struct sctphdr`, `struct sctp_chunkhdr`.

use crate::view::{be, header};

header! {
    /// An SCTP packet.
    Sctp, SctpMut, 12;
    /// Source port.
    sport, set_sport: u16 @ 0;
    /// Destination port.
    dport, set_dport: u16 @ 2;
    /// Verification tag.
    tag, set_tag: u32 @ 4;
    /// The checksum's four bytes, as a big-endian number; CRC32c itself goes little-endian.
    checksum, set_checksum: u32 @ 8;
}

/// Types of chunks.
#[expect(missing_docs, reason = "each is the chunk of that name")]
pub mod chunk {
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const SACK: u8 = 3;
    pub const HEARTBEAT: u8 = 4;
    pub const HEARTBEAT_ACK: u8 = 5;
    pub const ABORT: u8 = 6;
    pub const SHUTDOWN: u8 = 7;
    pub const SHUTDOWN_ACK: u8 = 8;
    pub const ERROR: u8 = 9;
    pub const COOKIE_ECHO: u8 = 10;
    pub const COOKIE_ACK: u8 = 11;
    pub const ECN_ECNE: u8 = 12;
    pub const ECN_CWR: u8 = 13;
    pub const SHUTDOWN_COMPLETE: u8 = 14;
    pub const AUTH: u8 = 15;
    pub const I_DATA: u8 = 64;
    pub const ASCONF_ACK: u8 = 128;
    pub const RE_CONFIG: u8 = 130;
    pub const PAD: u8 = 132;
    pub const FORWARD_TSN: u8 = 192;
    pub const ASCONF: u8 = 193;
    pub const I_FORWARD_TSN: u8 = 194;
}

/// One chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Type.
    pub kind: u8,
    /// Flags.
    pub flags: u8,
    /// Length by the chunk's own account, header included, padding not.
    pub len: u16,
    /// What follows the four bytes of chunk header, as much of it as is there.
    pub data: &'a [u8],
}

impl<'a> Sctp<'a> {
    /// The chunks, in order; ends at the first whose length is below four, which the kernel calls broken.
    pub fn chunks(self) -> Chunks<'a> {
        Chunks(&self.0[12..])
    }
}

/// Iterator over chunks; a last chunk that claims more than is there is still given.
#[derive(Clone, Debug)]
pub struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    /// Bytes not yet walked: after the last chunk, what stands behind it or broke the walk.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        if self.0.len() < 4 {
            return None;
        }
        let len = be::u16(self.0, 2);
        if len < 4 {
            return None;
        }
        let whole = usize::from(len);
        let data = &self.0[4..whole.min(self.0.len())];
        let chunk = Chunk { kind: self.0[0], flags: self.0[1], len, data };
        self.0 = self.0.get(whole.next_multiple_of(4)..).unwrap_or_default();
        Some(chunk)
    }
}
