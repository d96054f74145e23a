//! Building packets from a description, lengths and checksums right.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum;
use crate::key::Family;
use crate::view::be::put;
use crate::{ipv4, proto, tcp};

/// The transport part of a packet to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the header field of that name")]
pub enum L4 {
    /// TCP; options are padded to whole words and cut at 40 bytes.
    Tcp { sport: u16, dport: u16, seq: u32, ack: u32, flags: u8, window: u16, options: Vec<u8> },
    /// UDP.
    Udp { sport: u16, dport: u16 },
    /// UDP-Lite; a coverage of 0 is all.
    Udplite { sport: u16, dport: u16, coverage: u16 },
    /// SCTP; chunks are type, flags and data.
    Sctp { sport: u16, dport: u16, tag: u32, chunks: Vec<(u8, u8, Vec<u8>)> },
    /// DCCP with 48-bit numbers; the packet type decides which fixed parts follow (acknowledgement, service: zero).
    Dccp { sport: u16, dport: u16, kind: u8, seq: u64, options: Vec<u8> },
    /// ICMP.
    Icmp { kind: u8, code: u8, rest: u32 },
    /// ICMPv6.
    Icmp6 { kind: u8, code: u8, rest: u32 },
    /// ESP.
    Esp { spi: u32, seq: u32 },
    /// AH with a 96-bit check value of zeros.
    Ah { next: u8, spi: u32, seq: u32 },
    /// GRE version 0.
    Gre { protocol: u16, key: Option<u32> },
    /// GRE version 1 as PPTP uses it.
    Pptp { call: u16 },
    /// The mobility header.
    Mh { kind: u8 },
    /// Any other protocol: only the payload follows.
    Other(u8),
}

impl L4 {
    /// The protocol number.
    pub fn proto(&self) -> u8 {
        match self {
            L4::Tcp { .. } => proto::TCP,
            L4::Udp { .. } => proto::UDP,
            L4::Udplite { .. } => proto::UDPLITE,
            L4::Sctp { .. } => proto::SCTP,
            L4::Dccp { .. } => proto::DCCP,
            L4::Icmp { .. } => proto::ICMP,
            L4::Icmp6 { .. } => proto::ICMPV6,
            L4::Esp { .. } => proto::ESP,
            L4::Ah { .. } => proto::AH,
            L4::Gre { .. } | L4::Pptp { .. } => proto::GRE,
            L4::Mh { .. } => proto::MH,
            L4::Other(number) => *number,
        }
    }

    /// An ordinary header of a protocol with these ports; a protocol without ports ignores them.
    pub fn with_ports(proto: u8, sport: u16, dport: u16) -> L4 {
        match proto {
            proto::TCP => {
                L4::Tcp { sport, dport, seq: 1, ack: 0, flags: tcp::SYN, window: 64_240, options: Vec::new() }
            }
            proto::UDP => L4::Udp { sport, dport },
            proto::UDPLITE => L4::Udplite { sport, dport, coverage: 0 },
            proto::SCTP => L4::Sctp { sport, dport, tag: 0, chunks: Vec::new() },
            proto::DCCP => L4::Dccp { sport, dport, kind: 0, seq: 1, options: Vec::new() },
            proto::ICMP => L4::Icmp { kind: crate::icmp::ECHO, code: 0, rest: 0x0001_0001 },
            proto::ICMPV6 => L4::Icmp6 { kind: crate::icmp6::ECHO_REQUEST, code: 0, rest: 0x0001_0001 },
            proto::ESP => L4::Esp { spi: 1, seq: 1 },
            proto::AH => L4::Ah { next: proto::NONE, spi: 1, seq: 1 },
            proto::GRE => L4::Gre { protocol: crate::ether::IPV4, key: None },
            proto::MH => L4::Mh { kind: 0 },
            other => L4::Other(other),
        }
    }

    fn header(&self) -> Vec<u8> {
        match self {
            L4::Tcp { sport, dport, seq, ack, flags, window, options } => {
                let mut h = vec![0; 20];
                put::u16(&mut h, 0, *sport);
                put::u16(&mut h, 2, *dport);
                put::u32(&mut h, 4, *seq);
                put::u32(&mut h, 8, *ack);
                h[13] = *flags;
                put::u16(&mut h, 14, *window);
                h.extend(options.iter().take(40));
                pad(&mut h, 4);
                h[12] = (h.len() / 4 << 4) as u8;
                h
            }
            L4::Udp { sport, dport } | L4::Udplite { sport, dport, .. } => {
                let mut h = vec![0; 8];
                put::u16(&mut h, 0, *sport);
                put::u16(&mut h, 2, *dport);
                if let L4::Udplite { coverage, .. } = self {
                    put::u16(&mut h, 4, *coverage);
                }
                h
            }
            L4::Sctp { sport, dport, tag, chunks } => {
                let mut h = vec![0; 12];
                put::u16(&mut h, 0, *sport);
                put::u16(&mut h, 2, *dport);
                put::u32(&mut h, 4, *tag);
                for (kind, flags, data) in chunks {
                    let len = u16::try_from(data.len() + 4).unwrap_or(u16::MAX).to_be_bytes();
                    h.extend([*kind, *flags, len[0], len[1]]);
                    h.extend(data);
                    pad(&mut h, 4);
                }
                h
            }
            L4::Dccp { sport, dport, kind, seq, options } => {
                let fixed = match *kind {
                    2 => 0,
                    0 => 4,
                    3..=6 | 8 | 9 => 8,
                    _ => 12,
                };
                let mut h = vec![0; 16 + fixed];
                put::u16(&mut h, 0, *sport);
                put::u16(&mut h, 2, *dport);
                h[8] = kind << 1 & 0x1e | 1;
                put::u16(&mut h, 10, (seq >> 32) as u16);
                put::u32(&mut h, 12, *seq as u32);
                h.extend(options.iter().take(1020 - h.len()));
                pad(&mut h, 4);
                h[4] = (h.len() / 4) as u8;
                h
            }
            L4::Icmp { kind, code, rest } | L4::Icmp6 { kind, code, rest } => {
                let mut h = vec![*kind, *code, 0, 0, 0, 0, 0, 0];
                put::u32(&mut h, 4, *rest);
                h
            }
            L4::Esp { spi, seq } => [spi.to_be_bytes(), seq.to_be_bytes()].concat(),
            L4::Ah { next, spi, seq } => ah(*next, *spi, *seq),
            L4::Gre { protocol, key } => {
                let flags = if key.is_some() { crate::gre::KEY } else { 0 };
                let mut h = [flags.to_be_bytes(), protocol.to_be_bytes()].concat();
                h.extend(key.iter().flat_map(|k| k.to_be_bytes()));
                h
            }
            L4::Pptp { call } => {
                let [high, low] = call.to_be_bytes();
                vec![0x20, 0x01, 0x88, 0x0b, 0, 0, high, low]
            }
            L4::Mh { kind } => vec![proto::NONE, 0, *kind, 0, 0, 0, 0, 0],
            L4::Other(_) => Vec::new(),
        }
    }
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn ah(next: u8, spi: u32, seq: u32) -> Vec<u8> {
    let mut h = vec![next, 4, 0, 0];
    h.extend(spi.to_be_bytes());
    h.extend(seq.to_be_bytes());
    h.resize(24, 0);
    h
}

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
