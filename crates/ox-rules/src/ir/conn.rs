//! The part of a tracked connection that rules can see and change.
//!
//! Kernel: include/net/netfilter/nf_conntrack.h `struct nf_conn`. The engine owns the entry and everything that only
//! it needs (timers, TCP windows); natives see this.

use ox_packet::Family;

/// One direction of a connection (Kernel: nf_conntrack_tuple.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    /// Family of both addresses.
    pub family: Family,
    /// Transport protocol.
    pub proto: u8,
    /// Source address.
    pub src: u128,
    /// Destination address.
    pub dst: u128,
    /// Source port; ICMP: the identifier; GRE: the key; else 0.
    pub sport: u16,
    /// Destination port; ICMP: `type << 8 | code`; else 0.
    pub dport: u16,
}

/// Which way a packet goes in its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dir {
    /// As the first packet went.
    #[default]
    Original,
    /// The other way.
    Reply,
}

/// Bits of [`Conn::status`] (ABI: uapi/linux/netfilter/nf_conntrack_common.h `enum ip_conntrack_status`).
#[expect(missing_docs, reason = "named as the kernel names them")]
pub mod status {
    pub const EXPECTED: u32 = 1 << 0;
    pub const SEEN_REPLY: u32 = 1 << 1;
    pub const ASSURED: u32 = 1 << 2;
    pub const CONFIRMED: u32 = 1 << 3;
    pub const SRC_NAT: u32 = 1 << 4;
    pub const DST_NAT: u32 = 1 << 5;
    pub const SEQ_ADJUST: u32 = 1 << 6;
    pub const SRC_NAT_DONE: u32 = 1 << 7;
    pub const DST_NAT_DONE: u32 = 1 << 8;
    pub const DYING: u32 = 1 << 9;
    pub const FIXED_TIMEOUT: u32 = 1 << 10;
    pub const TEMPLATE: u32 = 1 << 11;
    pub const HELPER: u32 = 1 << 13;
}

/// How the packet at hand relates to its connection (Kernel: `enum ip_conntrack_info`, direction apart).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnKind {
    /// No connection (conntrack refused it or did not run).
    #[default]
    None,
    /// Opens one.
    New,
    /// Part of one that has seen both ways.
    Established,
    /// An error about one, or opening an expected one.
    Related,
    /// A rule said not to track it.
    Untracked,
}

/// A tracked connection, as rules see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conn {
    /// As the first packet asked.
    pub original: Tuple,
    /// As an answer will look, after translation.
    pub reply: Tuple,
    /// See [`status`].
    pub status: u32,
    /// `ctmark`.
    pub mark: u32,
    /// Connection labels.
    pub labels: u128,
    /// Conntrack zone by direction: its number, or 0 in a direction that it is not for.
    pub zones: [u16; 2],
    /// Monotonic time at which it expires, ns.
    pub expires: u64,
    /// Packets seen, by direction.
    pub packets: [u64; 2],
    /// Bytes seen, by direction.
    pub bytes: [u64; 2],
    /// Name of the helper assigned, if any.
    pub helper: Option<String>,
    /// `connsecmark`.
    pub secmark: u32,
    /// Original tuple of the connection that expected this one.
    pub master: Option<Tuple>,
    /// Name of the helper of the connection that expected this one.
    pub master_helper: Option<String>,
    /// TCP: the conntrack state's number (Kernel: `enum tcp_conntrack`), else 0.
    pub tcp_state: u8,
}

/// An entry of the connection table, as far as others than its own packets ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// See [`status`].
    pub status: u32,
    /// Conntrack zone by direction.
    pub zones: [u16; 2],
    /// A TCP connection of which only the end is remembered.
    pub closed: bool,
}

impl Conn {
    /// The number of its zone, for whichever direction that is.
    pub fn zone(&self) -> u16 {
        self.zones[0].max(self.zones[1])
    }

    /// The tuple of a direction.
    pub fn tuple(&self, dir: Dir) -> &Tuple {
        match dir {
            Dir::Original => &self.original,
            Dir::Reply => &self.reply,
        }
    }
}
