//! The IPv6 header and the chain of extension headers behind it.
//!
//! Kernel: net/ipv6/exthdrs_core.c `ipv6_ext_hdr`, `ipv6_find_hdr`. ABI: uapi/linux/ipv6.h.

use crate::proto;
use crate::view::{be, header};

header! {
    /// An IPv6 header.
    Ipv6, Ipv6Mut, 40;
    /// Bytes after this header; 0 for a jumbogram.
    payload_len, set_payload_len: u16 @ 4;
    /// The first header after this one.
    next_header, set_next_header: u8 @ 6;
    /// Hop limit.
    hop_limit, set_hop_limit: u8 @ 7;
    /// Source address.
    source, set_source: u128 @ 8;
    /// Destination address.
    destination, set_destination: u128 @ 24;
}

impl<'a> Ipv6<'a> {
    /// The version nibble; 6 in a sound header.
    pub fn version(self) -> u8 {
        self.0[0] >> 4
    }

    /// Traffic class: DSCP and ECN.
    pub fn traffic_class(self) -> u8 {
        (be::u16(self.0, 0) >> 4) as u8
    }

    /// Flow label (20 bits).
    pub fn flow_label(self) -> u32 {
        be::u32(self.0, 0) & 0x000f_ffff
    }

    /// Bytes of the packet by this header's count; all that is there if it is a jumbogram.
    pub fn total_len(self) -> usize {
        match self.payload_len() {
            0 if self.next_header() == proto::HOPOPTS => self.0.len(),
            n => 40 + usize::from(n),
        }
    }

    /// The extension headers, in order, up to the transport header.
    pub fn extensions(self) -> Extensions<'a> {
        let end = self.total_len().min(self.0.len());
        Extensions { bytes: &self.0[..end.max(40)], next: self.next_header(), at: 40 }
    }
}

impl Ipv6Mut<'_> {
    /// Writes version 6, traffic class and flow label, all of the first word.
    pub fn set_first_word(&mut self, traffic_class: u8, flow_label: u32) {
        be::put::u32(self.0, 0, 6 << 28 | u32::from(traffic_class) << 20 | flow_label & 0x000f_ffff);
    }

    /// Writes the traffic class.
    pub fn set_traffic_class(&mut self, value: u8) {
        let word = be::u16(self.0, 0) & 0xf00f | u16::from(value) << 4;
        be::put::u16(self.0, 0, word);
    }

    /// Writes the flow label.
    pub fn set_flow_label(&mut self, value: u32) {
        let word = be::u32(self.0, 0) & 0xfff0_0000 | value & 0x000f_ffff;
        be::put::u32(self.0, 0, word);
    }
}

/// Whether the kernel walks over this header when it looks for the transport header. `NONE` counts: it ends the walk.
pub fn is_extension(next_header: u8) -> bool {
    matches!(next_header, proto::HOPOPTS | proto::ROUTING | proto::FRAGMENT | proto::AH | proto::NONE | proto::DSTOPTS)
}

/// One extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its own number.
    pub kind: u8,
    /// Where it starts in the packet.
    pub at: usize,
    /// Its bytes, next-header and length bytes included.
    pub bytes: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The number of the header after this one.
    pub fn next(self) -> u8 {
        self.bytes[0]
    }

    /// Fragment header: offset in bytes, whether more follow, identification.
    pub fn fragment(self) -> Option<(u16, bool, u32)> {
        (self.kind == proto::FRAGMENT && self.bytes.len() >= 8).then(|| {
            let word = be::u16(self.bytes, 2);
            (word & 0xfff8, word & 1 != 0, be::u32(self.bytes, 4))
        })
    }

    /// Routing header: type and segments left.
    pub fn routing(self) -> Option<(u8, u8)> {
        (self.kind == proto::ROUTING && self.bytes.len() >= 4).then(|| (self.bytes[2], self.bytes[3]))
    }

    /// Hop-by-hop and destination options: the options, padding included.
    pub fn options(self) -> Tlvs<'a> {
        match self.kind {
            proto::HOPOPTS | proto::DSTOPTS => Tlvs(self.bytes.get(2..).unwrap_or_default()),
            _ => Tlvs(&[]),
        }
    }
}

/// Iterator over extension headers; ends where the walk of the kernel ends or fails.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    bytes: &'a [u8],
    next: u8,
    at: usize,
}

impl<'a> Extensions<'a> {
    /// After the last extension: the number that follows it, and its offset.
    pub fn rest(&self) -> (u8, usize) {
        (self.next, self.at)
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        let kind = self.next;
        if !is_extension(kind) || kind == proto::NONE {
            return None;
        }
        let here = self.bytes.get(self.at..)?;
        let len = extension_len(kind, here)?;
        let extension = Extension { kind, at: self.at, bytes: here.get(..len)? };
        if extension.fragment().is_some_and(|(offset, ..)| offset != 0) {
            // What follows is data of another packet: say so by ending here.
            self.bytes = &self.bytes[..self.at + len];
        }
        self.next = extension.next();
        self.at += len;
        Some(extension)
    }
}

/// Length in bytes of an extension header by its own account; `None` if the bytes that say it are missing.
#[inline]
pub(crate) fn extension_len(kind: u8, here: &[u8]) -> Option<usize> {
    if here.len() < 2 {
        return None;
    }
    let units = usize::from(here[1]);
    Some(match kind {
        proto::FRAGMENT => 8,
        proto::AH => (units + 2) * 4,
        _ => (units + 1) * 8,
    })
}

/// Iterator over the options of a hop-by-hop or destination header; `Pad1` is option 0 without data.
#[derive(Clone, Debug)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first()?;
        if kind == 0 {
            self.0 = rest;
            return Some((0, &[]));
        }
        let (&len, rest) = rest.split_first()?;
        let Some((data, rest)) = rest.split_at_checked(usize::from(len)) else {
            self.0 = &[];
            return None;
        };
        self.0 = rest;
        Some((kind, data))
    }
}
