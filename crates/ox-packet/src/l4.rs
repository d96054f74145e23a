//! The transport headers a packet can be built with.

use crate::view::be::put;
use crate::{proto, tcp};

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

    pub(crate) fn header(&self) -> Vec<u8> {
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
                h[12] = ((h.len() / 4) << 4) as u8;
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

/// Fills up with zeros to a multiple of `to` bytes.
pub(crate) fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

/// An authentication header with a 96-bit check value of zeros, padded for IPv6.
pub(crate) fn ah(next: u8, spi: u32, seq: u32) -> Vec<u8> {
    let mut h = vec![next, 4, 0, 0];
    h.extend(spi.to_be_bytes());
    h.extend(seq.to_be_bytes());
    h.resize(24, 0);
    h
}
