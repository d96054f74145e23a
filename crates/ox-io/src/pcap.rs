//! Packet captures: pcap and pcapng read as one stream of packets, pcap written.
//!
//! What a packet's bytes mean depends on its [`Link`]; nothing here looks into them.

mod read;
mod write;

use std::sync::Arc;

pub use read::{Capture, open};
pub use write::{Writer, create};

/// What a captured packet's bytes begin with.
///
/// ABI: the numbers of <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// An address family in the capturing machine's byte order, four bytes.
    Null,
    /// An Ethernet header.
    Ethernet,
    /// An IPv4 or IPv6 header; the first four bits tell which.
    #[default]
    Ip,
    /// An address family in network byte order, four bytes.
    Loop,
    /// Linux's stand-in for a link header, sixteen bytes.
    LinuxSll,
    /// Its second version, twenty bytes, which names the interface by number.
    LinuxSll2,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
    /// Something else, by its number.
    Other(u32),
}

impl Link {
    fn from_number(number: u32) -> Link {
        // The upper bits tell of a frame check sequence.
        match number & 0x03ff_ffff {
            0 => Link::Null,
            1 => Link::Ethernet,
            // 12 and 14 are what some systems call it in memory, and old programs wrote down.
            12 | 14 | 101 => Link::Ip,
            108 => Link::Loop,
            113 => Link::LinuxSll,
            228 => Link::Ipv4,
            229 => Link::Ipv6,
            276 => Link::LinuxSll2,
            other => Link::Other(other),
        }
    }

    /// The number that capture files use.
    pub fn number(self) -> u32 {
        match self {
            Link::Null => 0,
            Link::Ethernet => 1,
            Link::Ip => 101,
            Link::Loop => 108,
            Link::LinuxSll => 113,
            Link::Ipv4 => 228,
            Link::Ipv6 => 229,
            Link::LinuxSll2 => 276,
            Link::Other(number) => number,
        }
    }
}

/// One packet of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// When it was seen, in nanoseconds since 1970-01-01 00:00:00 UTC; 0 where the capture does not tell.
    pub timestamp_ns: u64,
    /// What `bytes` begin with.
    pub link: Link,
    /// The interface's name, where the capture tells.
    pub interface: Option<Arc<str>>,
    /// What was captured of it.
    pub bytes: Vec<u8>,
    /// Its length on the wire, never less than that of `bytes`.
    pub original_len: u32,
}

/// An error's text with those of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
