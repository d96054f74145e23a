//! Building packets from a description, lengths and checksums right.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum;
use crate::key::Family;
use crate::l4::{L4, ah, pad};
use crate::view::be::put;
use crate::{ipv4, proto};

/// An IPv6 extension header to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the header field of that name")]
pub enum Ext {
    /// Hop-by-hop options, without padding.
    HopByHop(Vec<u8>),
    /// Destination options, without padding.
    Destination(Vec<u8>),
    /// A routing header; `data` is what follows segments left.
    Routing { kind: u8, segments_left: u8, data: Vec<u8> },
    /// A fragment header; the offset in bytes.
    Fragment { offset: u16, more: bool, id: u32 },
    /// An authentication header.
    Ah { spi: u32, seq: u32 },
}

impl Ext {
    fn kind(&self) -> u8 {
        match self {
            Ext::HopByHop(_) => proto::HOPOPTS,
            Ext::Destination(_) => proto::DSTOPTS,
            Ext::Routing { .. } => proto::ROUTING,
            Ext::Fragment { .. } => proto::FRAGMENT,
            Ext::Ah { .. } => proto::AH,
        }
    }

    fn bytes(&self, next: u8) -> Vec<u8> {
        let mut h = vec![next, 0];
        match self {
            Ext::HopByHop(options) | Ext::Destination(options) => {
                h.extend(options.iter().take(2046));
                // PadN of the missing length; one byte alone is Pad1.
                match h.len().next_multiple_of(8) - h.len() {
                    0 => {}
                    1 => h.push(0),
                    n => {
                        h.extend([1, (n - 2) as u8]);
                        pad(&mut h, 8);
                    }
                }
            }
            Ext::Routing { kind, segments_left, data } => {
                h.extend([*kind, *segments_left]);
                h.extend(data.iter().take(2044));
                pad(&mut h, 8);
            }
            Ext::Fragment { offset, more, id } => {
                h.extend((offset & 0xfff8 | u16::from(*more)).to_be_bytes());
                h.extend(id.to_be_bytes());
                return h;
            }
            Ext::Ah { spi, seq } => return ah(next, *spi, *seq),
        }
        h[1] = (h.len() / 8 - 1) as u8;
        h
    }
}

/// A packet to be built. Every field may be set; [`Build::new`] fills in the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Source address. If one address is IPv6 the packet is, and the other is mapped.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// IPv4 identification.
    pub id: u16,
    /// IPv4 "don't fragment".
    pub df: bool,
    /// IPv4 fragment: offset in bytes, and whether more follow.
    pub fragment: (u16, bool),
    /// IPv4 options, padded to whole words and cut at 40 bytes.
    pub ip_options: Vec<u8>,
    /// IPv6 flow label.
    pub flow_label: u32,
    /// IPv6 extension headers in order; those that would leave no room for a transport header are left out.
    pub extensions: Vec<Ext>,
    /// The transport header.
    pub l4: L4,
    /// What follows it; in a later fragment, all there is.
    pub payload: Vec<u8>,
}

impl Build {
    /// An ordinary packet: TTL 64, no options, not a fragment, no payload.
    pub fn new(src: impl Into<IpAddr>, dst: impl Into<IpAddr>, l4: L4) -> Build {
        Build {
            src: src.into(),
            dst: dst.into(),
            ttl: 64,
            tos: 0,
            id: 0,
            df: false,
            fragment: (0, false),
            ip_options: Vec::new(),
            flow_label: 0,
            extensions: Vec::new(),
            l4,
            payload: Vec::new(),
        }
    }

    /// A TCP segment with these flags.
    pub fn tcp(src: (impl Into<IpAddr>, u16), dst: (impl Into<IpAddr>, u16), flags: u8) -> Build {
        let mut l4 = L4::with_ports(proto::TCP, src.1, dst.1);
        if let L4::Tcp { flags: f, .. } = &mut l4 {
            *f = flags;
        }
        Build::new(src.0, dst.0, l4)
    }

    /// A UDP datagram.
    pub fn udp(src: (impl Into<IpAddr>, u16), dst: (impl Into<IpAddr>, u16)) -> Build {
        Build::new(src.0, dst.0, L4::Udp { sport: src.1, dport: dst.1 })
    }

    /// An echo request of either family.
    pub fn echo(src: impl Into<IpAddr>, dst: impl Into<IpAddr>, id: u16, sequence: u16) -> Build {
        let rest = u32::from(id) << 16 | u32::from(sequence);
        let mut build = Build::new(src, dst, L4::Icmp { kind: crate::icmp::ECHO, code: 0, rest });
        if build.family() == Family::V6 {
            build.l4 = L4::Icmp6 { kind: crate::icmp6::ECHO_REQUEST, code: 0, rest };
        }
        build
    }

    /// The same with this payload.
    pub fn payload(mut self, payload: impl Into<Vec<u8>>) -> Build {
        self.payload = payload.into();
        self
    }

    /// The same with this TTL or hop limit.
    pub fn ttl(mut self, ttl: u8) -> Build {
        self.ttl = ttl;
        self
    }

    /// The same with this TOS or traffic class.
    pub fn tos(mut self, tos: u8) -> Build {
        self.tos = tos;
        self
    }

    /// The same as a fragment: offset in bytes (a multiple of eight), whether more follow, identification.
    pub fn fragment(mut self, offset: u16, more: bool, id: u32) -> Build {
        match self.family() {
            Family::V4 => (self.fragment, self.id) = ((offset, more), id as u16),
            Family::V6 => self.extensions.push(Ext::Fragment { offset, more, id }),
        }
        self
    }

    /// The IP version of the packet.
    pub fn family(&self) -> Family {
        if self.src.is_ipv4() && self.dst.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// The packet. What does not fit in 65,535 bytes of IP length is cut from the payload's end. A first fragment's
    /// transport checksum is left zero, since it is over more than the fragment: see [`split`](crate::split).
    pub fn bytes(&self) -> Vec<u8> {
        let later = match self.family() {
            Family::V4 => self.fragment.0 != 0,
            Family::V6 => self.extensions.iter().any(|e| matches!(e, Ext::Fragment { offset, .. } if *offset >= 8)),
        };
        let mut body = if later { Vec::new() } else { self.l4.header() };
        body.extend(&self.payload);
        let mut packet = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => self.ipv4(src, dst, &mut body),
            (src, dst) => self.ipv6(mapped(src), mapped(dst), &mut body),
        };
        if !later && let L4::Udp { .. } = self.l4 {
            let len = u16::try_from(body.len()).unwrap_or(u16::MAX);
            put::u16(&mut body, 4, len);
        }
        packet.append(&mut body);
        checksum::fix_all(&mut packet);
        packet
    }

    fn ipv4(&self, src: Ipv4Addr, dst: Ipv4Addr, body: &mut Vec<u8>) -> Vec<u8> {
        let mut h = vec![0; 20];
        h.extend(self.ip_options.iter().take(40));
        pad(&mut h, 4);
        body.truncate(65_535 - h.len());
        let (offset, more) = self.fragment;
        h[0] = 0x40 | (h.len() / 4) as u8;
        h[1] = self.tos;
        let total = (h.len() + body.len()) as u16;
        put::u16(&mut h, 2, total);
        put::u16(&mut h, 4, self.id);
        let flags = if self.df { ipv4::DF } else { 0 } | if more { ipv4::MF } else { 0 };
        put::u16(&mut h, 6, flags | offset >> 3);
        h[8] = self.ttl;
        h[9] = self.l4.proto();
        put::u32(&mut h, 12, src.into());
        put::u32(&mut h, 16, dst.into());
        h
    }

    fn ipv6(&self, src: Ipv6Addr, dst: Ipv6Addr, body: &mut Vec<u8>) -> Vec<u8> {
        let kinds: Vec<u8> = self.extensions.iter().map(Ext::kind).chain([self.l4.proto()]).collect();
        let mut h = vec![0; 40];
        put::u32(&mut h, 0, 6 << 28 | u32::from(self.tos) << 20 | self.flow_label & 0x000f_ffff);
        h[6] = kinds[0];
        h[7] = self.ttl;
        put::u128(&mut h, 8, src.into());
        put::u128(&mut h, 24, dst.into());
        for (extension, &next) in self.extensions.iter().zip(&kinds[1..]) {
            let bytes = extension.bytes(next);
            if h.len() + bytes.len() <= 65_535 - 1100 {
                h.extend(bytes);
            }
        }
        body.truncate(65_535 + 40 - h.len());
        let len = (h.len() - 40 + body.len()) as u16;
        put::u16(&mut h, 4, len);
        h
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// The number an address is in a [`Key`](crate::Key), and its family.
pub fn ip_number(address: IpAddr) -> (Family, u128) {
    match address {
        IpAddr::V4(v4) => (Family::V4, u32::from(v4).into()),
        IpAddr::V6(v6) => (Family::V6, v6.into()),
    }
}

/// The address a number in a [`Key`](crate::Key) is.
pub fn ip_address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(number as u32).into(),
        Family::V6 => Ipv6Addr::from(number).into(),
    }
}
