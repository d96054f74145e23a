//! The UDP and UDP-Lite headers.
//!
//! ABI: uapi/linux/udp.h `struct udphdr`.

use crate::view::header;

header! {
    /// A UDP header and, after it, the datagram's data.
    Udp, UdpMut, 8;
    /// Source port.
    sport, set_sport: u16 @ 0;
    /// Destination port.
    dport, set_dport: u16 @ 2;
    /// Length of header and data; in UDP-Lite the number of bytes the checksum covers, 0 for all.
    length, set_length: u16 @ 4;
    /// Checksum; 0 means none was made (IPv4 UDP only).
    checksum, set_checksum: u16 @ 6;
}

impl<'a> Udp<'a> {
    /// The data, cut at the length field where that is shorter than what is there (not for UDP-Lite).
    pub fn payload(self) -> &'a [u8] {
        let end = usize::from(self.length()).min(self.0.len());
        self.0.get(8..end).unwrap_or_default()
    }
}
