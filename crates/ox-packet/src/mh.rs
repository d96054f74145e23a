//! The IPv6 mobility header.
//!
//! Kernel: include/net/mip6.h `struct ip6_mh`.

use crate::view::header;

header! {
    /// A mobility header.
    Mh, MhMut, 6;
    /// The header after this one: always 59.
    next_header, set_next_header: u8 @ 0;
    /// Length in units of eight bytes, the first eight not counted.
    units, set_units: u8 @ 1;
    /// Message type.
    kind, set_kind: u8 @ 2;
    /// Checksum.
    checksum, set_checksum: u16 @ 4;
}
