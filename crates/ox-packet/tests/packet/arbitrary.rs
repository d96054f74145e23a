//! Arbitrary packets for the property tests of this crate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ox_packet::{Build, Ext, L4, proto};
use proptest::collection::vec;
use proptest::prelude::*;

/// So many cases; failures are shown, not kept in files.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Any transport header.
pub fn l4() -> impl Strategy<Value = L4> {
    let ports = (any::<u16>(), any::<u16>());
    let options = vec(
        prop_oneof![
            Just(vec![1u8]),
            Just(vec![2, 4, 5, 180]),
            Just(vec![3, 3, 7]),
            Just(vec![8, 10, 1, 2, 3, 4, 5, 6, 7, 8])
        ],
        0..4,
    )
    .prop_map(|o| o.concat());
    prop_oneof![
        (ports, any::<u32>(), any::<u32>(), any::<u8>(), any::<u16>(), options).prop_map(
            |((sport, dport), seq, ack, flags, window, options)| L4::Tcp {
                sport,
                dport,
                seq,
                ack,
                flags,
                window,
                options
            }
        ),
        ports.prop_map(|(sport, dport)| L4::Udp { sport, dport }),
        ports.prop_map(|(sport, dport)| L4::Udplite { sport, dport, coverage: 0 }),
        (ports, any::<u32>(), vec((any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..9)), 0..4))
            .prop_map(|((sport, dport), tag, chunks)| L4::Sctp { sport, dport, tag, chunks }),
        (ports, 0u8..10, 0u64..1 << 48).prop_map(|((sport, dport), kind, seq)| L4::Dccp {
            sport,
            dport,
            kind,
            seq,
            options: vec![]
        }),
        (any::<u8>(), any::<u8>(), any::<u32>()).prop_map(|(kind, code, rest)| L4::Icmp { kind, code, rest }),
        (any::<u8>(), any::<u8>(), any::<u32>()).prop_map(|(kind, code, rest)| L4::Icmp6 { kind, code, rest }),
        (any::<u32>(), any::<u32>()).prop_map(|(spi, seq)| L4::Esp { spi, seq }),
        (any::<u16>(), any::<Option<u32>>()).prop_map(|(protocol, key)| L4::Gre { protocol, key }),
        any::<u16>().prop_map(|call| L4::Pptp { call }),
        any::<u8>().prop_map(|kind| L4::Mh { kind }),
        (200u8..250).prop_map(L4::Other),
    ]
}

/// Any extension header that is not a fragment header.
pub fn extension() -> impl Strategy<Value = Ext> {
    let tlvs = vec((30u8..60, vec(any::<u8>(), 0..6)), 0..3).prop_map(|list| {
        list.into_iter().flat_map(|(kind, data)| [vec![kind, data.len() as u8], data].concat()).collect::<Vec<u8>>()
    });
    prop_oneof![
        tlvs.clone().prop_map(Ext::HopByHop),
        tlvs.prop_map(Ext::Destination),
        (0u8..5, any::<u8>(), vec(any::<u8>(), 0..20)).prop_map(|(kind, segments_left, data)| Ext::Routing {
            kind,
            segments_left,
            data
        }),
        (any::<u32>(), any::<u32>()).prop_map(|(spi, seq)| Ext::Ah { spi, seq }),
    ]
}

/// Any whole packet of either family, checksums right.
pub fn build() -> impl Strategy<Value = Build> {
    let v4 = (any::<u32>(), any::<u32>())
        .prop_map(|(a, b)| -> (IpAddr, IpAddr) { (Ipv4Addr::from(a).into(), Ipv4Addr::from(b).into()) });
    let v6 = (any::<u128>(), any::<u128>())
        .prop_map(|(a, b)| -> (IpAddr, IpAddr) { (Ipv6Addr::from(a).into(), Ipv6Addr::from(b).into()) });
    let ip_options = prop_oneof![Just(vec![]), Just(vec![148, 4, 0, 0]), Just(vec![7, 7, 4, 0, 0, 0, 0, 0])];
    (
        prop_oneof![v4, v6],
        l4(),
        vec(extension(), 0..3),
        ip_options,
        (any::<u8>(), any::<u8>(), any::<u16>(), any::<bool>(), 0u32..1 << 20),
        vec(any::<u8>(), 0..80),
    )
        .prop_map(|((src, dst), l4, extensions, ip_options, (ttl, tos, id, df, flow_label), payload)| Build {
            ttl,
            tos,
            id,
            df,
            ip_options,
            flow_label,
            extensions,
            payload,
            ..Build::new(src, dst, l4)
        })
}

/// Bytes that are no packet, or a packet somebody has cut and scratched.
pub fn rubbish() -> impl Strategy<Value = Vec<u8>> {
    let scratched = (build(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), any::<prop::sample::Index>())
        .prop_map(|(build, scratches, cut)| {
            let mut bytes = build.bytes();
            for (at, byte) in scratches {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let keep = cut.index(bytes.len() + 1);
            if keep % 2 == 0 {
                bytes.truncate(keep);
            }
            bytes
        });
    let ip = (prop_oneof![Just(0x45u8), Just(0x46), Just(0x60)], any::<u8>(), vec(any::<u8>(), 0..120)).prop_map(
        |(first, proto, mut rest)| {
            rest.insert(0, first);
            if let Some(byte) = rest.get_mut(if first == 0x60 { 6 } else { 9 }) {
                *byte = [proto::TCP, proto::UDP, 0, 43, 44, 51, 60, 1, 58, 132, 33, 47][usize::from(proto) % 12];
            }
            if let Some(bytes) = rest.get_mut(2..6) {
                bytes[0] = 0;
                bytes[2] = 0;
            }
            rest
        },
    );
    prop_oneof![vec(any::<u8>(), 0..200), scratched, ip]
}
