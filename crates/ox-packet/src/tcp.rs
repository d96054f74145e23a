//! The TCP header and its options.
//!
//! ABI: uapi/linux/tcp.h `struct tcphdr`; Kernel: include/net/tcp.h `TCPOPT_*`.

use crate::ipv4::Options;
use crate::view::{be, header};

/// Flag: no more data from the sender.
pub const FIN: u8 = 0x01;
/// Flag: opens a connection.
pub const SYN: u8 = 0x02;
/// Flag: resets the connection.
pub const RST: u8 = 0x04;
/// Flag: push.
pub const PSH: u8 = 0x08;
/// Flag: the acknowledgement number counts.
pub const ACK: u8 = 0x10;
/// Flag: the urgent pointer counts.
pub const URG: u8 = 0x20;
/// Flag: ECN echo.
pub const ECE: u8 = 0x40;
/// Flag: congestion window reduced.
pub const CWR: u8 = 0x80;

header! {
    /// A TCP header and, after it, the segment's data.
    Tcp, TcpMut, 20;
    /// Source port.
    sport, set_sport: u16 @ 0;
    /// Destination port.
    dport, set_dport: u16 @ 2;
    /// Sequence number.
    seq, set_seq: u32 @ 4;
    /// Acknowledgement number.
    ack, set_ack: u32 @ 8;
    /// The flags byte: [`FIN`] … [`CWR`].
    flags, set_flags: u8 @ 13;
    /// Window, unscaled.
    window, set_window: u16 @ 14;
    /// Checksum.
    checksum, set_checksum: u16 @ 16;
    /// Urgent pointer.
    urgent, set_urgent: u16 @ 18;
}

impl<'a> Tcp<'a> {
    /// The header's own idea of its length in bytes (0 to 60).
    pub fn header_len(self) -> usize {
        usize::from(self.0[12] >> 4) * 4
    }

    /// Whether the header length is at least 20 and inside the segment.
    pub fn is_sound(self) -> bool {
        (20..=self.0.len()).contains(&self.header_len())
    }

    /// The options, in order.
    pub fn options(self) -> Options<'a> {
        let end = self.header_len().min(self.0.len());
        Options(self.0.get(20..end).unwrap_or_default())
    }

    /// The raw bytes of the options; empty if the header length is unsound.
    pub fn option_bytes(self) -> &'a [u8] {
        self.0.get(20..self.header_len()).unwrap_or_default()
    }

    /// The maximum segment size announced.
    pub fn mss(self) -> Option<u16> {
        self.options().find(|o| o.kind == option::MSS && o.data.len() == 2).map(|o| be::u16(o.data, 0))
    }

    /// The window scale announced.
    pub fn window_scale(self) -> Option<u8> {
        self.options().find(|o| o.kind == option::WSCALE && o.data.len() == 1).map(|o| o.data[0])
    }

    /// Selective acknowledgements: left and right edge of each block.
    pub fn sacks(self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let blocks = self.options().filter(|o| o.kind == option::SACK).flat_map(|o| o.data.chunks_exact(8));
        blocks.map(|block| (be::u32(block, 0), be::u32(block, 4)))
    }

    /// The segment's data.
    pub fn payload(self) -> &'a [u8] {
        self.0.get(self.header_len().max(20)..).unwrap_or_default()
    }
}

impl TcpMut<'_> {
    /// Writes the header length in bytes (rounded down to words, at most 60).
    pub fn set_header_len(&mut self, bytes: usize) {
        self.0[12] = self.0[12] & 0x0f | ((bytes / 4).min(15) as u8) << 4;
    }
}

/// Numbers of TCP options.
pub mod option {
    /// End of the list.
    pub const END: u8 = 0;
    /// No operation.
    pub const NOP: u8 = 1;
    /// Maximum segment size.
    pub const MSS: u8 = 2;
    /// Window scale.
    pub const WSCALE: u8 = 3;
    /// Selective acknowledgements may be sent.
    pub const SACK_PERMITTED: u8 = 4;
    /// Selective acknowledgements.
    pub const SACK: u8 = 5;
    /// Timestamps.
    pub const TIMESTAMP: u8 = 8;
    /// MD5 signature.
    pub const MD5: u8 = 19;
    /// Multipath TCP.
    pub const MPTCP: u8 = 30;
    /// Fast open cookie.
    pub const FASTOPEN: u8 = 34;
}
