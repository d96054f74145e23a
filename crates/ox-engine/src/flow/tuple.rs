//! The tuple of a packet, of a packet quoted in an ICMP error, and the tuple an answer will have.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c `nf_ct_get_tuple`, `nf_ct_get_tuplepr`, `nf_ct_invert_tuple`;
//! nf_conntrack_proto_icmp.c and nf_conntrack_proto_icmpv6.c `*_invert_*_tuple`; nf_conntrack_proto_gre.c
//! `gre_pkt_to_tuple`; net/ipv6/exthdrs_core.c `ipv6_skip_exthdr`. DCCP has no ports here: the kernel dropped its
//! tracker in 6.17, and a DCCP packet is tracked as one of any unknown protocol.

use ox_packet::{Family, Gre, Layout, Shape, gre, icmp, icmp6, proto};
use ox_rules::ir::{Packet, Tuple};

/// Whether connection tracking tells connections of this protocol apart by ports.
pub fn has_ports(protocol: u8) -> bool {
    matches!(protocol, proto::TCP | proto::UDP | proto::UDPLITE | proto::SCTP)
}

/// Whether first packets of one conversation may race each other into the table, and are then taken for one connection.
/// Others are sent again by themselves, so the loser is dropped (Kernel: `allow_clash` of `struct nf_conntrack_l4proto`).
pub fn may_race(protocol: u8) -> bool {
    !matches!(protocol, proto::TCP | proto::ICMP | proto::ICMPV6 | proto::SCTP | proto::GRE)
}

/// The tuple of a packet; `None` where connection tracking finds none: later fragments, headers it cannot follow, a
/// transport header too short for ports (or for ICMP's eight bytes), GRE of version 1 that is not PPTP.
pub fn of_packet(packet: &Packet) -> Option<Tuple> {
    let Layout { family, proto: protocol, shape, .. } = packet.layout;
    if shape.any(Shape::FRAGMENT | Shape::NOL4) || family == Family::V6 && protocol == proto::NONE {
        return None;
    }
    let mut tuple = Tuple { family, proto: protocol, src: packet.key.src, dst: packet.key.dst, ..Tuple::default() };
    fill(&mut tuple, packet.transport())?;
    Some(tuple)
}

/// The tuple of a packet quoted in an ICMP error: `bytes` from the quoted IP header to the end of the error.
pub fn of_quoted(bytes: &[u8], family: Family) -> Option<Tuple> {
    let (protocol, l4) = quoted_transport(bytes, family)?;
    let (src, dst) = match family {
        Family::V4 => (word(bytes, 12)?.into(), word(bytes, 16)?.into()),
        Family::V6 => (address(bytes, 8)?, address(bytes, 24)?),
    };
    let mut tuple = Tuple { family, proto: protocol, src, dst, ..Tuple::default() };
    fill(&mut tuple, bytes.get(l4..)?)?;
    Some(tuple)
}

/// Protocol and place of a quoted packet's transport header.
///
/// Unlike the outer packet this one was not checked by anybody; the kernel looks at nothing it does not need, not even
/// at the version.
pub fn quoted_transport(bytes: &[u8], family: Family) -> Option<(u8, usize)> {
    match family {
        Family::V4 => {
            let head = bytes.first_chunk::<20>()?;
            if u16::from_be_bytes([head[6], head[7]]) & 0x1fff != 0 {
                return None;
            }
            let l4 = usize::from(head[0] & 0x0f) * 4;
            (l4 <= bytes.len()).then_some((head[9], l4))
        }
        Family::V6 => {
            let mut next = *bytes.get(6)?;
            let mut at = 40;
            loop {
                match next {
                    proto::NONE => return None,
                    proto::HOPOPTS | proto::ROUTING | proto::DSTOPTS => {
                        let head = bytes.get(at..at + 2)?;
                        at += (usize::from(head[1]) + 1) * 8;
                        next = head[0];
                    }
                    proto::AH => {
                        let head = bytes.get(at..at + 2)?;
                        at += (usize::from(head[1]) + 2) * 4;
                        next = head[0];
                    }
                    proto::FRAGMENT => {
                        let head = bytes.get(at..at + 4)?;
                        if u16::from_be_bytes([head[2], head[3]]) & !7 != 0 {
                            return None;
                        }
                        at += 8;
                        next = head[0];
                    }
                    _ => return Some((next, at)),
                }
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|w| u32::from_be_bytes(*w))
}

fn address(bytes: &[u8], at: usize) -> Option<u128> {
    bytes.get(at..)?.first_chunk().map(|w| u128::from_be_bytes(*w))
}

/// Writes the part of a tuple that depends on the protocol.
fn fill(tuple: &mut Tuple, l4: &[u8]) -> Option<()> {
    match tuple.proto {
        proto::ICMP | proto::ICMPV6 => {
            // The second word is taken as an identifier whatever the type.
            let head = l4.first_chunk::<8>()?;
            tuple.sport = u16::from_be_bytes([head[4], head[5]]);
            tuple.dport = u16::from_be_bytes([head[0], head[1]]);
        }
        proto::GRE => {
            if let Some(header) = Gre::new(l4).filter(|header| header.version() == 1)
                && l4.len() >= 8
            {
                if header.protocol() != gre::PPP {
                    return None;
                }
                // The sender's own key is not in the packet; only a PPTP helper would know it.
                tuple.dport = header.call_id()?;
            }
        }
        other if has_ports(other) => {
            let head = l4.first_chunk::<4>()?;
            tuple.sport = u16::from_be_bytes([head[0], head[1]]);
            tuple.dport = u16::from_be_bytes([head[2], head[3]]);
        }
        _ => {}
    }
    Some(())
}

/// The tuple an answer has. `None` for ICMP types that no other type answers.
pub fn inverse(of: &Tuple) -> Option<Tuple> {
    let (sport, dport) = match of.proto {
        proto::ICMP | proto::ICMPV6 => {
            let [kind, code] = of.dport.to_be_bytes();
            let answer = if of.proto == proto::ICMP { icmp::answer(kind) } else { icmp6::answer(kind) };
            (of.sport, u16::from_be_bytes([answer?, code]))
        }
        _ => (of.dport, of.sport),
    };
    Some(Tuple { src: of.dst, dst: of.src, sport, dport, ..*of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ox_packet::{Build, L4};

    fn tuple(build: Build) -> Option<Tuple> {
        Packet::new(build.bytes()).ok().as_ref().and_then(of_packet)
    }

    #[test]
    fn ports_are_swapped_and_icmp_types_answered() {
        let t = tuple(Build::udp(([10, 0, 0, 1], 5), ([10, 0, 0, 2], 53))).unwrap();
        assert_eq!((t.sport, t.dport), (5, 53));
        let back = inverse(&t).unwrap();
        assert_eq!((back.src, back.dst, back.sport, back.dport), (t.dst, t.src, 53, 5));
        assert_eq!(inverse(&back), Some(t));

        let echo = tuple(Build::echo([10, 0, 0, 1], [10, 0, 0, 2], 77, 1)).unwrap();
        assert_eq!((echo.sport, echo.dport), (77, 0x0800));
        let reply = inverse(&echo).unwrap();
        assert_eq!((reply.sport, reply.dport), (77, 0x0000));
        assert_eq!(inverse(&reply), Some(echo));
    }

    #[test]
    fn router_discovery_has_no_inverse() {
        let solicit =
            tuple(Build::new([10, 0, 0, 1], [224, 0, 0, 2], L4::Icmp { kind: 10, code: 0, rest: 0 })).unwrap();
        assert_eq!(inverse(&solicit), None);
    }

    #[test]
    fn later_fragments_and_short_headers_have_no_tuple() {
        let udp = || Build::udp(([10, 0, 0, 1], 5), ([10, 0, 0, 2], 53)).payload(vec![0; 32]);
        assert_eq!(tuple(udp().fragment(16, false, 9)), None);
        let mut cut = udp().bytes();
        cut.truncate(23);
        cut[2..4].copy_from_slice(&23u16.to_be_bytes());
        assert_eq!(of_packet(&Packet::new(cut).unwrap()), None);
    }

    #[test]
    fn pptp_calls_are_told_apart_and_other_gre_is_not() {
        let call = tuple(Build::new([10, 0, 0, 1], [10, 0, 0, 2], L4::Pptp { call: 9 })).unwrap();
        assert_eq!((call.sport, call.dport), (0, 9));
        let plain = L4::Gre { protocol: 0x800, key: Some(7) };
        let plain = tuple(Build::new([10, 0, 0, 1], [10, 0, 0, 2], plain)).unwrap();
        assert_eq!((plain.sport, plain.dport), (0, 0));
    }

    #[test]
    fn dccp_is_a_protocol_like_any_other() {
        let dccp = L4::with_ports(proto::DCCP, 1, 2);
        let t = tuple(Build::new([10, 0, 0, 1], [10, 0, 0, 2], dccp)).unwrap();
        assert_eq!((t.sport, t.dport), (0, 0));
    }

    #[test]
    fn a_quoted_packet_reads_like_the_packet_itself() {
        for build in [
            Build::udp(([10, 0, 0, 1], 5), ([10, 0, 0, 2], 53)),
            Build::tcp((std::net::Ipv6Addr::LOCALHOST, 5), (std::net::Ipv6Addr::LOCALHOST, 53), 2),
            Build::echo([10, 0, 0, 1], [10, 0, 0, 2], 3, 4),
        ] {
            assert_eq!(of_quoted(&build.bytes(), build.family()), tuple(build.clone()));
        }
        assert_eq!(of_quoted(&[0x45; 19], Family::V4), None);
        assert_eq!(
            of_quoted(&[0x60; 40], Family::V6),
            Some(Tuple { proto: 0x60, ..of_quoted(&[0x60; 40], Family::V6).unwrap() })
        );
    }
}
