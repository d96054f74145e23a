//! The headers of IPsec: ESP and AH.
//!
//! ABI: uapi/linux/ip.h `struct ip_esp_hdr`, `struct ip_auth_hdr`.

use crate::view::header;

header! {
    /// An encapsulating security payload.
    Esp, EspMut, 8;
    /// Security parameters index.
    spi, set_spi: u32 @ 0;
    /// Sequence number.
    seq, set_seq: u32 @ 4;
}

header! {
    /// An authentication header.
    Ah, AhMut, 12;
    /// The header after this one.
    next_header, set_next_header: u8 @ 0;
    /// Length in words, minus two.
    words, set_words: u8 @ 1;
    /// Reserved.
    reserved, set_reserved: u16 @ 2;
    /// Security parameters index.
    spi, set_spi: u32 @ 4;
    /// Sequence number.
    seq, set_seq: u32 @ 8;
}

impl<'a> Ah<'a> {
    /// Length in bytes by the header's own account.
    pub fn header_len(self) -> usize {
        (usize::from(self.words()) + 2) * 4
    }

    /// What follows the header.
    pub fn payload(self) -> &'a [u8] {
        self.0.get(self.header_len()..).unwrap_or_default()
    }
}
