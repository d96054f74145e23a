//! A TCP segment as connection tracking looks at it.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_tcp.c `get_conntrack_index`, `segment_seq_plus_len`, `tcp_valid_flags`.

use ox_packet::Tcp as Header;
use ox_packet::tcp::{ACK, FIN, RST, SYN, URG};

// What a segment is to the machine, by its flags.
pub(super) const IS_SYN: u8 = 0;
pub(super) const IS_SYNACK: u8 = 1;
pub(super) const IS_FIN: u8 = 2;
pub(super) const IS_ACK: u8 = 3;
pub(super) const IS_RST: u8 = 4;
pub(super) const IS_NONE: u8 = 5;

/// A segment, read once.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub window: u16,
    /// First sequence number after it.
    pub end: u32,
    pub options: &'a [u8],
}

impl<'a> Segment<'a> {
    pub fn new(header: Header<'a>) -> Self {
        let flags = header.flags();
        let data = (header.bytes().len() - header.header_len()) as u32;
        let taken = data + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        Self {
            seq: header.seq(),
            ack: header.ack(),
            flags,
            window: header.window(),
            end: header.seq().wrapping_add(taken),
            options: header.option_bytes(),
        }
    }

    pub fn kind(&self) -> u8 {
        match self.flags {
            f if f & RST != 0 => IS_RST,
            f if f & SYN != 0 && f & ACK != 0 => IS_SYNACK,
            f if f & SYN != 0 => IS_SYN,
            f if f & FIN != 0 => IS_FIN,
            f if f & ACK != 0 => IS_ACK,
            _ => IS_NONE,
        }
    }

    pub fn is_plain_ack(&self) -> bool {
        self.kind() == IS_ACK
    }

    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }
}

/// Combinations of flags that make sense; PSH, ECE and CWR always do.
pub(super) fn flags_make_sense(flags: u8) -> bool {
    const FIN_ACK: u8 = FIN | ACK;
    const SYN_ACK: u8 = SYN | ACK;
    const RST_ACK: u8 = RST | ACK;
    match flags & (FIN | SYN | RST | ACK | URG) {
        SYN | SYN_ACK | RST | RST_ACK | FIN_ACK | ACK => true,
        f => f & URG != 0 && matches!(f & !URG, SYN | FIN_ACK | ACK),
    }
}
