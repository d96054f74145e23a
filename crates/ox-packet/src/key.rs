//! `Key`: everything a classifier may look at, taken out of a packet once.
//!
//! What lives here: the key, its fields, and nothing that needs the packet's bytes to answer.
//! Extraction from bytes is `extract.rs`.

/// The address family a packet, a rule or a ruleset belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4: iptables.
    #[default]
    V4,
    /// IPv6: ip6tables.
    V6,
}

/// Everything a classifier may look at. All numbers are in host order.
///
/// Addresses are numbers (IPv4 in the low 32 bits). Interface names are the 16 bytes of `IFNAMSIZ`, big-endian, zero
/// padded, so that `eth+` is a masked compare on the first three bytes, as the kernel does it
/// (Kernel: include/linux/netfilter/x_tables.h `ifname_compare_aligned`); no interface is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(32))]
pub struct Key {
    /// Source address.
    pub src: u128,
    /// Destination address.
    pub dst: u128,
    /// Name of the interface the packet came in by; 0 where there is none.
    pub iif: u128,
    /// Name of the interface the packet leaves by; 0 where there is none.
    pub oif: u128,
    /// The packet mark (`skb->mark`).
    pub mark: u32,
    /// Length of the layer 3 packet in bytes, header included (`skb->len` at the IP hooks).
    pub len: u32,
    /// Source port (TCP, UDP, UDPLITE, SCTP, DCCP); 0 where there is none or it cannot be read.
    pub sport: u16,
    /// Destination port, as `sport`.
    pub dport: u16,
    /// The transport protocol: IPv4 `protocol`; IPv6 the header after the extension headers.
    pub proto: u8,
    /// IPv4 TOS or IPv6 traffic class.
    pub tos: u8,
    /// IPv4 TTL or IPv6 hop limit.
    pub ttl: u8,
    /// The TCP flags byte, FIN the lowest bit (CWR and ECE included).
    pub tcp_flags: u8,
    /// ICMP or ICMPv6 type.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code.
    pub icmp_code: u8,
    /// Link-layer packet type (`skb->pkt_type`): see [`pkttype`].
    pub pkttype: u8,
    /// What can be said of the packet's shape: see [`Shape`].
    pub shape: Shape,
    /// Fragment offset in bytes; non-zero means "second and further fragments" (iptables `-f`).
    pub frag_off: u16,
    /// Connection tracking state bits: see [`ct`].
    pub ct: u16,
}

/// Values of [`Key::pkttype`] (ABI: uapi/linux/if_packet.h).
pub mod pkttype {
    /// To this host.
    pub const HOST: u8 = 0;
    /// To everybody.
    pub const BROADCAST: u8 = 1;
    /// To a group.
    pub const MULTICAST: u8 = 2;
    /// To somebody else.
    pub const OTHERHOST: u8 = 3;
    /// Going out.
    pub const OUTGOING: u8 = 4;
    /// Multicast or broadcast sent by us and looped back.
    pub const LOOPBACK: u8 = 5;
}

/// Bits of [`Key::ct`], as `xt_conntrack` names them: exactly one of the first five, plus SNAT and DNAT
/// (Kernel: net/netfilter/xt_conntrack.c `conntrack_mt`).
pub mod ct {
    /// No entry could be made for the packet (conntrack ran and refused it, or never ran).
    pub const INVALID: u16 = 1 << 0;
    /// Part of a connection that has seen packets both ways (`IP_CT_ESTABLISHED`).
    pub const ESTABLISHED: u16 = 1 << 1;
    /// Opens a connection related to another, or an ICMP error about one (`IP_CT_RELATED`).
    pub const RELATED: u16 = 1 << 2;
    /// Opens a connection (`IP_CT_NEW`).
    pub const NEW: u16 = 1 << 3;
    /// The source is rewritten (`IPS_SRC_NAT`).
    pub const SNAT: u16 = 1 << 6;
    /// The destination is rewritten (`IPS_DST_NAT`).
    pub const DNAT: u16 = 1 << 7;
    /// Tracking was refused by a rule (`IP_CT_UNTRACKED`).
    pub const UNTRACKED: u16 = 1 << 8;
}

/// What stands in the way of reading a packet's transport header. Zero is the ordinary packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape(pub u8);

impl Shape {
    /// Second or further fragment: there is no transport header in it.
    pub const FRAGMENT: u8 = 1 << 0;
    /// First fragment of several (offset 0, more to come).
    pub const FIRST: u8 = 1 << 1;
    /// The transport header is cut short (fewer bytes than its protocol needs at least).
    pub const SHORT: u8 = 1 << 2;
    /// Fewer than the four bytes that hold the ports (implies `SHORT` for protocols with ports).
    pub const NOPORTS: u8 = 1 << 3;
    /// IPv6: the extension headers could not be followed to a transport header.
    pub const NOL4: u8 = 1 << 4;
    /// TCP: the data offset is below 5 or points past the end.
    pub const BADOFF: u8 = 1 << 5;

    /// Whether any of the given bits is set.
    pub fn any(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// A field of the [`Key`] that a test may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the field of `Key` of that name")]
pub enum Field {
    Src,
    Dst,
    Iif,
    Oif,
    Mark,
    Len,
    Sport,
    Dport,
    Proto,
    Tos,
    Ttl,
    TcpFlags,
    IcmpType,
    IcmpCode,
    PktType,
    FragOff,
    Ct,
}

impl Field {
    /// Width in bits of the field in a family.
    pub fn bits(self, family: Family) -> u32 {
        match self {
            Field::Src | Field::Dst => match family {
                Family::V4 => 32,
                Family::V6 => 128,
            },
            Field::Iif | Field::Oif => 128,
            Field::Mark | Field::Len => 32,
            Field::Sport | Field::Dport | Field::FragOff | Field::Ct => 16,
            Field::Proto
            | Field::Tos
            | Field::Ttl
            | Field::TcpFlags
            | Field::IcmpType
            | Field::IcmpCode
            | Field::PktType => 8,
        }
    }
}

impl Key {
    /// The value of a field as a number.
    #[inline]
    pub fn get(&self, field: Field) -> u128 {
        match field {
            Field::Src => self.src,
            Field::Dst => self.dst,
            Field::Iif => self.iif,
            Field::Oif => self.oif,
            narrow => u128::from(self.narrow(narrow)),
        }
    }

    /// The value of a field of at most 32 bits: of wider ones the lowest, which is all of an IPv4 address.
    #[inline]
    pub fn narrow(&self, field: Field) -> u32 {
        match field {
            Field::Src => self.src as u32,
            Field::Dst => self.dst as u32,
            Field::Iif => self.iif as u32,
            Field::Oif => self.oif as u32,
            Field::Mark => self.mark,
            Field::Len => self.len,
            Field::Sport => self.sport.into(),
            Field::Dport => self.dport.into(),
            Field::Proto => self.proto.into(),
            Field::Tos => self.tos.into(),
            Field::Ttl => self.ttl.into(),
            Field::TcpFlags => self.tcp_flags.into(),
            Field::IcmpType => self.icmp_type.into(),
            Field::IcmpCode => self.icmp_code.into(),
            Field::PktType => self.pkttype.into(),
            Field::FragOff => self.frag_off.into(),
            Field::Ct => self.ct.into(),
        }
    }
}

/// The number an interface name is in a [`Key`]: up to 15 bytes, big-endian, zero padded. Longer names are cut.
pub fn iface_number(name: impl AsRef<[u8]>) -> u128 {
    let mut bytes = [0u8; 16];
    for (to, from) in bytes[..15].iter_mut().zip(name.as_ref()) {
        *to = *from;
    }
    u128::from_be_bytes(bytes)
}

/// The interface name a number in a [`Key`] stands for; empty for none.
pub fn iface_name(number: u128) -> String {
    let bytes = number.to_be_bytes();
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(16);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
