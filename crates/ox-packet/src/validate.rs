//! What a host refuses to receive before any hook sees it, and why, in words.
//!
//! Kernel: net/ipv4/ip_input.c `ip_rcv_core`; net/ipv6/ip6_input.c `ip6_rcv_core`; net/ipv6/exthdrs.c
//! `ipv6_parse_hopopts`.

use std::fmt;

use crate::extract::ipv4;
use crate::ipv6::{Ipv6, extension_len};
use crate::key::Key;
use crate::view::be;
use crate::{checksum, proto};

/// Why a packet does not get as far as the first hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No bytes at all.
    Empty,
    /// Neither version 4 nor 6.
    Version(u8),
    /// Fewer bytes than the smallest IP header.
    Short(usize),
    /// IPv4 header length below 20.
    HeaderLength(usize),
    /// IPv4 header length past the end: (claimed, there).
    HeaderCut(usize, usize),
    /// IPv4 header checksum: (carried, right).
    Checksum(u16, u16),
    /// The header claims more bytes than there are: (claimed, there).
    Truncated(usize, usize),
    /// IPv4 total length below the header length: (total, header).
    TotalLength(usize, usize),
    /// IPv6: ::1 as source or destination on a wire.
    Loopback,
    /// IPv6: a multicast source.
    MulticastSource,
    /// IPv6: a multicast destination of a scope (0, or 1 on a wire) that cannot arrive.
    MulticastScope(u8),
    /// IPv6: the hop-by-hop header is cut or an option in it is broken or must not be ignored.
    HopByHop(u8),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Malformed::Empty => f.write_str("there are no bytes in it"),
            Malformed::Version(v) => write!(f, "IP version {v}: neither 4 nor 6"),
            Malformed::Short(n) => write!(f, "{n} bytes are too few for an IP header"),
            Malformed::HeaderLength(n) => write!(f, "the IPv4 header length is {n}: below 20"),
            Malformed::HeaderCut(want, have) => {
                write!(f, "the IPv4 header should be {want} bytes long but only {have} are there")
            }
            Malformed::Checksum(is, right) => {
                write!(f, "the IPv4 header checksum is {is:#06x}: {right:#06x} would be right")
            }
            Malformed::Truncated(want, have) => {
                write!(f, "the IP header counts {want} bytes but only {have} are there")
            }
            Malformed::TotalLength(total, header) => {
                write!(f, "the IPv4 total length {total} is below the header's {header}")
            }
            Malformed::Loopback => f.write_str("::1 as an address on an interface other than loopback"),
            Malformed::MulticastSource => f.write_str("the IPv6 source address is a multicast address"),
            Malformed::MulticastScope(scope) => {
                write!(f, "IPv6 multicast of scope {scope} does not come over a wire")
            }
            Malformed::HopByHop(0) => f.write_str("the IPv6 hop-by-hop header is cut short or badly padded"),
            Malformed::HopByHop(option) => {
                write!(f, "IPv6 hop-by-hop option {option} is broken or must not be ignored")
            }
        }
    }
}

impl std::error::Error for Malformed {}

/// Refuses what a host drops on receipt before any hook sees it. `loopback`: the packet came in by the loopback device.
///
/// Packets a host makes itself do not come this way.
pub fn validate(bytes: &[u8], loopback: bool) -> Result<(), Malformed> {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => validate_ipv4(bytes),
        Some(6) => validate_ipv6(bytes, loopback),
        Some(version) => Err(Malformed::Version(version)),
        None => Err(Malformed::Empty),
    }
}

fn validate_ipv4(bytes: &[u8]) -> Result<(), Malformed> {
    let mut key = Key::default();
    match ipv4(bytes, &mut key) {
        // The checksum is looked at before the total length.
        Ok(_) | Err(Malformed::TotalLength(..)) => {}
        Err(other) => return Err(other),
    }
    let header = &bytes[..crate::ipv4::header_len(bytes)];
    if checksum::internet(header) != 0 {
        let carried = be::u16(header, 10);
        let right = checksum::Sum::default().bytes(&header[..10]).bytes(&header[12..]).checksum();
        return Err(Malformed::Checksum(carried, right));
    }
    let total = usize::from(be::u16(header, 2));
    if bytes.len() < total {
        return Err(Malformed::Truncated(total, bytes.len()));
    }
    if total < header.len() {
        return Err(Malformed::TotalLength(total, header.len()));
    }
    Ok(())
}

fn validate_ipv6(bytes: &[u8], loopback: bool) -> Result<(), Malformed> {
    let Some(head) = Ipv6::new(bytes) else { return Err(Malformed::Short(bytes.len())) };
    let (src, dst) = (head.source(), head.destination());
    if (src == 1 || dst == 1) && !loopback {
        return Err(Malformed::Loopback);
    }
    if dst >> 120 == 0xff {
        let scope = (dst >> 112) as u8 & 0x0f;
        if scope == 0 || scope == 1 && !loopback {
            return Err(Malformed::MulticastScope(scope));
        }
    }
    if src >> 120 == 0xff {
        return Err(Malformed::MulticastSource);
    }
    if head.total_len() > bytes.len() {
        return Err(Malformed::Truncated(head.total_len(), bytes.len()));
    }
    if head.next_header() == proto::HOPOPTS {
        return hop_by_hop(&bytes[40..head.total_len()]);
    }
    Ok(())
}

/// The rules of the kernel's option parser that need no configuration: lengths, padding, unknown options.
fn hop_by_hop(here: &[u8]) -> Result<(), Malformed> {
    const PADN: u8 = 1;
    const ROUTER_ALERT: u8 = 5;
    const CALIPSO: u8 = 7;
    const JUMBO: u8 = 0xc2;
    const IOAM: u8 = 49;
    let len = extension_len(proto::HOPOPTS, here).filter(|&len| here.len() >= len.max(8));
    let Some(len) = len else { return Err(Malformed::HopByHop(0)) };
    let mut options = &here[2..len];
    let mut padding = 0;
    while let Some(&kind) = options.first() {
        if kind == 0 {
            padding += 1;
            options = &options[1..];
        } else {
            let whole = options.get(1).map_or(usize::MAX, |&n| usize::from(n) + 2);
            let Some((this, rest)) = options.split_at_checked(whole) else {
                return Err(Malformed::HopByHop(0));
            };
            if kind == PADN {
                padding += whole;
                if this[2..].iter().any(|&b| b != 0) {
                    return Err(Malformed::HopByHop(0));
                }
            } else {
                padding = 0;
                let sound = match kind {
                    ROUTER_ALERT => whole == 4,
                    JUMBO => whole == 6,
                    CALIPSO => whole >= 10,
                    IOAM => true,
                    // The two high bits of an unknown option say whether it may be skipped.
                    unknown => unknown >> 6 == 0,
                };
                if !sound {
                    return Err(Malformed::HopByHop(kind));
                }
            }
            options = rest;
        }
        if padding > 7 {
            return Err(Malformed::HopByHop(0));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::build::{Build, Ext};
    use crate::tcp;

    const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
    const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9);

    fn v4() -> Build {
        Build::tcp(([192, 0, 2, 7], 40_000), ([198, 51, 100, 9], 53), tcp::SYN)
    }

    fn v6(extensions: Vec<Ext>) -> Vec<u8> {
        Build { extensions, ..Build::udp((A, 1000), (B, 53)) }.bytes()
    }

    #[test]
    fn what_a_host_refuses_and_why() {
        let good = v4().bytes();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.clone();
            change(&mut bytes);
            validate(&bytes, false).map_err(|why| why.to_string())
        };
        let refused = |change: &dyn Fn(&mut Vec<u8>), why: &str| assert_eq!(with(change), Err(why.to_owned()));
        assert_eq!(with(&|b| b.extend([0; 6])), Ok(()), "padding of the link is no fault");
        refused(&|b| b.clear(), "there are no bytes in it");
        refused(&|b| b[0] = 0x55, "IP version 5: neither 4 nor 6");
        refused(&|b| b[0] = 0x44, "the IPv4 header length is 16: below 20");
        refused(&|b| b.truncate(19), "19 bytes are too few for an IP header");
        refused(&|b| b.truncate(39), "the IP header counts 40 bytes but only 39 are there");
        let right = u16::from_be_bytes([good[10], good[11]]);
        let wrong = format!("the IPv4 header checksum is {:#06x}: {right:#06x} would be right", right ^ 0xff00);
        refused(&|b| b[10] ^= 0xff, &wrong);
        refused(
            &|b| {
                b[0] = 0x4f;
            },
            "the IPv4 header should be 60 bytes long but only 40 are there",
        );
        refused(
            &|b| {
                b[3] = 19;
                checksum::fix_ipv4(b);
            },
            "the IPv4 total length 19 is below the header's 20",
        );
    }

    #[test]
    fn what_a_host_refuses_of_ipv6() {
        let udp = |src: Ipv6Addr, dst: Ipv6Addr| Build::udp((src, 1), (dst, 2)).bytes();
        let multicast = |scope: u16| Ipv6Addr::new(0xff00 | scope, 0, 0, 0, 0, 0, 0, 1);
        assert_eq!(validate(&udp(A, B), false), Ok(()));
        assert_eq!(validate(&udp(A, multicast(2)), false), Ok(()));
        assert_eq!(validate(&udp(A, multicast(0)), true), Err(Malformed::MulticastScope(0)));
        assert_eq!(validate(&udp(A, multicast(1)), false), Err(Malformed::MulticastScope(1)));
        assert_eq!(validate(&udp(A, multicast(1)), true), Ok(()));
        assert_eq!(validate(&udp(multicast(2), B), true), Err(Malformed::MulticastSource));
        assert_eq!(validate(&udp(Ipv6Addr::LOCALHOST, B), false), Err(Malformed::Loopback));
        assert_eq!(validate(&udp(Ipv6Addr::LOCALHOST, B), true), Ok(()));
        let hop = |options: &[u8]| validate(&v6(vec![Ext::HopByHop(options.to_vec())]), false);
        assert_eq!(hop(&[5, 2, 0, 0]), Ok(()));
        assert_eq!(hop(&[30, 1, 0]), Ok(()));
        assert_eq!(hop(&[5, 1, 0]), Err(Malformed::HopByHop(5)));
        assert_eq!(hop(&[0x5e, 0]), Err(Malformed::HopByHop(0x5e)));
        assert_eq!(hop(&[0; 8]), Err(Malformed::HopByHop(0)));
        assert_eq!(hop(&[1, 2, 0, 9]), Err(Malformed::HopByHop(0)));
        assert_eq!(hop(&[30, 9, 0, 0]), Err(Malformed::HopByHop(0)));
    }
}
