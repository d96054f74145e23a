//! What is built is what is read, and mutators keep packets as right as they were.

use ox_packet::*;
use proptest::prelude::*;

/// Both checksums recomputed from nothing: equal bytes mean that increments came to the same.
fn recomputed(bytes: &[u8]) -> Vec<u8> {
    let mut fresh = bytes.to_vec();
    checksum::fix_all(&mut fresh);
    fresh
}

/// Ones-complement checksums have two zeros; the increments may end on the other one.
fn assert_sums_hold(bytes: &[u8]) {
    let at = layout(bytes).unwrap();
    assert!(checksum::transport_holds(bytes, &at), "transport checksum of {}", show(bytes));
    if at.family == Family::V4 {
        assert_eq!(
            checksum::internet(&bytes[..Ipv4::new(bytes).unwrap().header_len()]),
            0,
            "header of {}",
            show(bytes)
        );
    }
}

proptest! {
    #![proptest_config(crate::arbitrary::cases(800))]

    #[test]
    fn building_then_reading_gives_it_back(build in crate::arbitrary::build()) {
        let bytes = build.bytes();
        let mut key = Key::default();
        let at = extract(&bytes, &mut key).unwrap();
        prop_assert_eq!(at.family, build.family());
        prop_assert_eq!(ip_address(at.family, key.src), build.src);
        prop_assert_eq!(ip_address(at.family, key.dst), build.dst);
        prop_assert_eq!((key.ttl, key.tos, key.proto), (build.ttl, build.tos, build.l4.proto()));
        prop_assert_eq!((key.len as usize, at.end), (bytes.len(), bytes.len()));
        prop_assert_eq!(key.shape, Shape(0));
        prop_assert!(at.payload(&bytes).ends_with(&build.payload));
        match &build.l4 {
            L4::Tcp { sport, dport, flags, .. } => {
                prop_assert_eq!((key.sport, key.dport, key.tcp_flags), (*sport, *dport, *flags));
                prop_assert_eq!(at.payload(&bytes), &build.payload[..]);
            }
            L4::Udp { sport, dport } | L4::Udplite { sport, dport, .. } | L4::Sctp { sport, dport, .. }
            | L4::Dccp { sport, dport, .. } => prop_assert_eq!((key.sport, key.dport), (*sport, *dport)),
            L4::Icmp { kind, code, .. } if at.family == Family::V4 =>
                prop_assert_eq!((key.icmp_type, key.icmp_code), (*kind, *code)),
            L4::Icmp6 { kind, code, .. } if at.family == Family::V6 =>
                prop_assert_eq!((key.icmp_type, key.icmp_code), (*kind, *code)),
            _ => prop_assert_eq!((key.sport, key.dport, key.icmp_type), (0, 0, 0)),
        }
        assert_sums_hold(&bytes);
        if at.family == Family::V4 {
            prop_assert_eq!(validate(&bytes, false), Ok(()));
        }
    }

    #[test]
    fn mutators_keep_checksums(build in crate::arbitrary::build(), a in any::<u128>(), n in any::<u16>()) {
        let before = build.bytes();
        let at = layout(&before).unwrap();
        let address = if at.family == Family::V4 { a & 0xffff_ffff } else { a };
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = before.clone();
            change(&mut bytes);
            assert_sums_hold(&bytes);
            let mut key = Key::default();
            extract(&bytes, &mut key).unwrap();
            key
        };
        prop_assert_eq!(with(&|b| assert!(rewrite::set_src(b, &at, address))).src, address);
        prop_assert_eq!(with(&|b| assert!(rewrite::set_dst(b, &at, address))).dst, address);
        prop_assert_eq!(with(&|b| assert!(rewrite::set_tos(b, &at, n as u8))).tos, n as u8);
        prop_assert_eq!(with(&|b| assert!(rewrite::set_dscp(b, &at, 46))).tos, 46 << 2 | build.tos & 3);
        prop_assert_eq!(with(&|b| assert!(rewrite::set_ecn(b, &at, 1))).tos, build.tos & 0xfc | 1);
        prop_assert_eq!(with(&|b| assert!(rewrite::set_ttl(b, &at, n as u8))).ttl, n as u8);
        if proto::has_ports(at.proto) {
            prop_assert_eq!(with(&|b| assert!(rewrite::set_sport(b, &at, n))).sport, n);
            prop_assert_eq!(with(&|b| assert!(rewrite::set_dport(b, &at, n))).dport, n);
        } else {
            with(&|b| assert!(!rewrite::set_dport(b, &at, n)));
        }
        with(&|b| { rewrite::set_icmp_id(b, &at, n); });
        with(&|b| { rewrite::set_gre_call_id(b, &at, n); });
        if at.proto == proto::TCP {
            prop_assert_eq!(with(&|b| assert!(rewrite::set_tcp_flags(b, &at, n as u8))).tcp_flags, n as u8);
            with(&|b| assert!(rewrite::set_tcp_seq(b, &at, a as u32)));
            with(&|b| assert!(rewrite::set_tcp_ack(b, &at, a as u32)));
            with(&|b| assert!(strip_options(b, &at, |kind| kind == n as u8 % 9)));
        }
        if at.proto == proto::TCP || at.proto == proto::UDP {
            let len = build.payload.len().min(3);
            with(&|b| {
                let now = rewrite::replace_payload(b, &at, 0, len, b"hello").unwrap();
                assert_eq!(&now.payload(b)[..5], b"hello");
                assert_eq!(b.len(), before.len() + 5 - len);
                assert_eq!(now, layout(b).unwrap());
            });
        }
    }

    #[test]
    fn increments_come_to_the_whole_sum(mut words in prop::collection::vec(any::<u16>(), 10..30), new in any::<u128>()) {
        // Never all zero: a real header is not, and the sum of nothing has its own zero.
        words[0] = 0x4500;
        let bytes = |words: &[u16]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let old = checksum::internet(&bytes(&words));
        let wide = |w: &[u16]| w.iter().fold(0u128, |n, &w| n << 16 | u128::from(w));
        let (two, four, sixteen) = (words[1], wide(&words[2..4]) as u32, wide(&words[2..10]));
        let put = |at: usize, n: usize| {
            let mut changed = words.clone();
            for i in 0..n {
                changed[at + i] = (new >> (16 * (n - 1 - i))) as u16;
            }
            checksum::internet(&bytes(&changed))
        };
        prop_assert_eq!(checksum::replace2(old, two, new as u16), put(1, 1));
        prop_assert_eq!(checksum::replace4(old, four, new as u32), put(2, 2));
        prop_assert_eq!(checksum::replace16(old, sixteen, new), put(2, 8));
    }

    #[test]
    fn fragments_put_together_are_the_packet(build in crate::arbitrary::build(), mtu in 100usize..400, id in any::<u32>()) {
        let whole = Build { payload: vec![7; 700], ..build }.bytes();
        let Some(parts) = split(&whole, mtu, id) else { return Ok(()) };
        let mut data = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            prop_assert!(part.len() <= mtu);
            let mut key = Key::default();
            let at = extract(part, &mut key).unwrap();
            if i > 0 && !at.shape.any(Shape::NOL4) {
                prop_assert!(at.shape.any(Shape::FRAGMENT));
                prop_assert_eq!((key.frag_off as usize, key.sport), (data.len(), 0));
            }
            if let Some(h) = Ipv6::new(part).filter(|_| at.family == Family::V6) {
                let fragment = h.extensions().find(|x| x.kind == proto::FRAGMENT).unwrap();
                prop_assert_eq!(fragment.fragment(), Some((data.len() as u16, i + 1 < parts.len(), id)));
                data.extend(&part[fragment.at + 8..]);
            } else {
                data.extend(&part[at.l4..]);
                prop_assert_eq!(validate(part, false), Ok(()));
            }
        }
        prop_assert!(whole.ends_with(&data));
    }
}

#[test]
fn a_udp_checksum_of_none_stays_none_and_none_is_never_made() {
    let mut bytes = Build::udp(([192, 0, 2, 1], 1), ([192, 0, 2, 2], 2)).bytes();
    let at = layout(&bytes).unwrap();
    // A port can always be found that makes the sum come to zero.
    let zero = (0..=u16::MAX).find(|&port| {
        rewrite::set_sport(&mut bytes, &at, port);
        bytes[26..28] == [0xff, 0xff]
    });
    assert!(zero.is_some());
    assert_eq!(recomputed(&bytes), bytes);
    bytes[26..28].fill(0);
    rewrite::set_dst(&mut bytes, &at, 0x0a00_0001);
    rewrite::set_dport(&mut bytes, &at, 53);
    assert_eq!(bytes[26..28], [0, 0]);
}

#[test]
fn the_quoted_packet_is_rewritten_and_the_error_stays_right() {
    let quoted = Build::tcp(([192, 0, 2, 1], 1), ([192, 0, 2, 2], 2), tcp::SYN).bytes();
    let from = Sender { src: 0x0a00_0001, ttl: 64, id: 0, mtu: 1500 };
    for cut in [40, 28] {
        let mut error = icmp_error(&quoted, from, icmp::TIME_EXCEEDED, 0, 0).unwrap();
        error.truncate(28 + cut);
        error[3] = error.len() as u8;
        checksum::fix_all(&mut error);
        let at = layout(&error).unwrap();
        rewrite::change_inner(&mut error, &at, |bytes, inner| {
            assert!(rewrite::set_dst(bytes, inner, 0x0a00_0002) && rewrite::set_dport(bytes, inner, 8080));
        })
        .unwrap();
        assert_sums_hold(&error);
        let (start, key, inner) = inner(&error, &at).unwrap();
        assert_eq!((key.dst, key.dport, key.src), (0x0a00_0002, 8080, 0xc000_0201));
        if cut == 40 {
            assert_sums_hold(&error[start..]);
        } else {
            assert!(inner.shape.any(Shape::SHORT));
        }
    }
    // An echo request quotes nothing.
    let mut echo = Build::echo([1, 1, 1, 1], [2, 2, 2, 2], 1, 1).payload(quoted).bytes();
    let at = layout(&echo).unwrap();
    assert_eq!(rewrite::change_inner(&mut echo, &at, |_, _| ()), None);
}

#[test]
fn a_wrong_checksum_stays_wrong() {
    let mut bytes = Build::tcp(([192, 0, 2, 1], 1), ([192, 0, 2, 2], 2), tcp::SYN).bytes();
    bytes[38] ^= 0x40;
    let at = layout(&bytes).unwrap();
    rewrite::set_dst(&mut bytes, &at, 0x0a00_0001);
    rewrite::set_sport(&mut bytes, &at, 77);
    assert!(!checksum::transport_holds(&bytes, &at));
    // And in the same way: undoing the damage makes it right.
    bytes[38] ^= 0x40;
    assert!(checksum::transport_holds(&bytes, &at));
}
