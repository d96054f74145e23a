//! The IPv4 header and its options.
//!
//! ABI: uapi/linux/ip.h `struct iphdr`, `IPOPT_*`.

use crate::view::{be, header};

/// Flag in [`Ipv4::fragment`]: don't fragment.
pub const DF: u16 = 0x4000;
/// Flag in [`Ipv4::fragment`]: more fragments follow.
pub const MF: u16 = 0x2000;
/// Mask in [`Ipv4::fragment`]: the offset in units of eight bytes.
pub const OFFSET: u16 = 0x1fff;

header! {
    /// An IPv4 header.
    Ipv4, Ipv4Mut, 20;
    /// Type of service: DSCP and ECN.
    tos, set_tos: u8 @ 1;
    /// Length of the datagram in bytes, header included.
    total_len, set_total_len: u16 @ 2;
    /// Identification, common to the fragments of a datagram.
    id, set_id: u16 @ 4;
    /// Flags and fragment offset as they stand: [`DF`], [`MF`], [`OFFSET`].
    fragment, set_fragment: u16 @ 6;
    /// Time to live.
    ttl, set_ttl: u8 @ 8;
    /// Transport protocol.
    protocol, set_protocol: u8 @ 9;
    /// Header checksum.
    checksum, set_checksum: u16 @ 10;
    /// Source address.
    source, set_source: u32 @ 12;
    /// Destination address.
    destination, set_destination: u32 @ 16;
}

impl<'a> Ipv4<'a> {
    /// The version nibble; 4 in a sound header.
    pub fn version(self) -> u8 {
        self.0[0] >> 4
    }

    /// The header's own idea of its length in bytes (0 to 60).
    pub fn header_len(self) -> usize {
        usize::from(self.0[0] & 0x0f) * 4
    }

    /// Fragment offset in bytes.
    pub fn fragment_offset(self) -> u16 {
        (self.fragment() & OFFSET) << 3
    }

    /// Whether more fragments follow.
    pub fn more_fragments(self) -> bool {
        self.fragment() & MF != 0
    }

    /// Whether routers must not fragment.
    pub fn dont_fragment(self) -> bool {
        self.fragment() & DF != 0
    }

    /// The options, in order; ends at the end-of-list option or at the first one that does not fit.
    pub fn options(self) -> Options<'a> {
        let end = self.header_len().min(self.0.len());
        Options(self.0.get(20..end).unwrap_or_default())
    }

    /// What the datagram carries, cut at the total length.
    pub fn payload(self) -> &'a [u8] {
        let end = usize::from(self.total_len()).min(self.0.len());
        self.0.get(self.header_len()..end).unwrap_or_default()
    }
}

impl Ipv4Mut<'_> {
    /// Writes version 4 and the header length in bytes (rounded down to words, at most 60).
    pub fn set_header_len(&mut self, bytes: usize) {
        self.0[0] = 0x40 | (bytes / 4).min(15) as u8;
    }
}

/// Numbers of IPv4 options, copied flag and class included.
pub mod option {
    /// End of the list.
    pub const END: u8 = 0;
    /// No operation.
    pub const NOOP: u8 = 1;
    /// Security.
    pub const SECURITY: u8 = 130;
    /// Loose source route.
    pub const LSRR: u8 = 131;
    /// Timestamp.
    pub const TIMESTAMP: u8 = 68;
    /// CIPSO.
    pub const CIPSO: u8 = 134;
    /// Record route.
    pub const RR: u8 = 7;
    /// Stream identifier.
    pub const SID: u8 = 136;
    /// Strict source route.
    pub const SSRR: u8 = 137;
    /// Router alert.
    pub const RA: u8 = 148;
}

/// An option: its number and the bytes after number and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt<'a> {
    /// The number.
    pub kind: u8,
    /// What follows number and length.
    pub data: &'a [u8],
}

/// Iterator over options of the IPv4 or TCP form: 0 ends, 1 stands alone, all others carry their length.
#[derive(Clone, Debug)]
pub struct Options<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = Opt<'a>;

    fn next(&mut self) -> Option<Opt<'a>> {
        let (&kind, rest) = self.0.split_first()?;
        let len = match kind {
            0 => {
                self.0 = &[];
                return None;
            }
            1 => 1,
            _ => usize::from(*rest.first().unwrap_or(&0)),
        };
        if kind != 1 && len < 2 || len > self.0.len() {
            self.0 = &[];
            return None;
        }
        let (this, after) = self.0.split_at(len);
        self.0 = after;
        Some(Opt { kind, data: this.get(2..).unwrap_or_default() })
    }
}

/// The header length nibble of a packet in bytes, or 0 for an empty slice.
pub(crate) fn header_len(bytes: &[u8]) -> usize {
    bytes.first().map_or(0, |_| usize::from(be::u8(bytes, 0) & 0x0f) * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stop_at_the_first_that_does_not_fit() {
        let list = |bytes: &'static [u8]| Options(bytes).map(|o| (o.kind, o.data.len())).collect::<Vec<_>>();
        assert_eq!(list(&[1, 148, 4, 0, 0, 0, 9, 9]), [(1, 0), (148, 2)]);
        assert_eq!(list(&[7, 1]), []);
        assert_eq!(list(&[7]), []);
        assert_eq!(list(&[7, 3, 0, 7, 9]), [(7, 1)]);
    }
}
