//! What the Linux kernel did to these packets, and what Scapy makes of these descriptions, byte for byte.
//!
//! The kernel's answers were captured from a 6.18 kernel in a network namespace of its own, with iptables rules that
//! reject, translate and mangle. What a host chooses (identification, flow label, TTL) is taken from its answer.

use ox_packet::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The host's own choices, read off its answer.
fn sender(answer: &[u8]) -> Sender {
    let mut key = Key::default();
    extract(answer, &mut key).unwrap();
    Sender { src: key.src, ttl: key.ttl, id: u16::from_be_bytes([answer[4], answer[5]]), mtu: 1500 }
}

/// IPv6 flow labels are hashes with a secret of the host.
fn without_label(mut packet: Vec<u8>) -> Vec<u8> {
    if let Some(mut header) = Ipv6Mut::new(&mut packet)
        && header.view().version() == 6
    {
        header.set_flow_label(0);
    }
    packet
}

#[test]
fn tcp_resets() {
    for (segment, answer) in [
        (
            "4508002c000100004006f6bac0000207c00002010fa00051000000640000000060022000e3c80000020405b4",
            "45000028000040004006b6c7c0000201c000020700510fa000000000000000655014000084230000",
        ),
        (
            "4500002b000100004006f6c3c0000207c00002010fa0005100000064000000005001200037200000616263",
            "45000028000040004006b6c7c0000201c000020700510fa000000000000000685014000084230000",
        ),
        (
            "4500002b000100004006f6c3c0000207c00002010fa0005100000064000003095018200034000000616263",
            "45000028000040004006b6c7c0000201c000020700510fa000000309000000005004000084230000",
        ),
        (
            "608000000014064020010db800000000000000000000000720010db80000000000000000000000010fa00051\
         00000064000000005002200024140000",
            "600000000014064020010db800000000000000000000000120010db800000000000000000000000700510fa0\
         00000000000000655014000044010000",
        ),
    ] {
        let mut expected = bytes(answer);
        // The capture is before the device fills in the checksum.
        checksum::fix_all(&mut expected);
        assert_eq!(tcp_reset(&bytes(segment), 64), Some(without_label(expected)), "{}", show(&bytes(segment)));
    }
}

#[test]
fn icmp_errors() {
    for (packet, answer) in [
        (
            "451c0024000100004011f6a3c0000207c0000201000100520010e9dc6162636465666768",
            "45dc00407c93000040017945c0000201c00002070303812700000000451c0024000100004011f6a3c0000207\
         c0000201000100520010e9dc6162636465666768",
        ),
        (
            "61c000050010114020010db800000000000000000000000720010db800000000000000000000000100010052\
         0010126c6162636465666768",
            "6003f6ef00403a4020010db800000000000000000000000120010db800000000000000000000000701043013\
         0000000061c000050010114020010db800000000000000000000000720010db8000000000000000000000001\
         000100520010126c6162636465666768",
        ),
        (
            "4500001f000100000111bbc0c0000207cb00710500010002000b3d65616263",
            "45c0003b7c98000040017961c0000201c00002070b00f329000000004500001f000100000111bbc0c0000207\
         cb00710500010002000b3d65616263",
        ),
        (
            "60000000000b110120010db800000000000000000000000720010db800050000000000000000000500010002\
         000bdfef616263",
            "600503f9003b3a4020010db800000000000000000000000120010db800000000000000000000000703003020\
         0000000060000000000b110120010db800000000000000000000000720010db8000500000000000000000005\
         00010002000bdfef616263",
        ),
    ] {
        let (packet, answer) = (bytes(packet), bytes(answer));
        let mut key = Key::default();
        extract(&answer, &mut key).unwrap();
        let error = icmp_error(&packet, sender(&answer), key.icmp_type, key.icmp_code, 0).unwrap();
        assert_eq!(without_label(error), without_label(answer), "{}", show(&packet));
    }
}

#[test]
fn errors_about_long_packets_quote_what_fits() {
    let mut packet = bytes("4503033c000100004011f3a4c0000207c00002010001005203283906");
    packet.extend([b'x'; 800]);
    let mut answer = bytes("45c202407c9400004001775ec0000201c00002070303662100000000");
    answer.extend(&packet[..548]);
    let mut key = Key::default();
    extract(&answer, &mut key).unwrap();
    let error = icmp_error(&packet, sender(&answer), key.icmp_type, key.icmp_code, 0).unwrap();
    assert_eq!(without_label(error), without_label(answer));
    let mut packet = bytes(
        "60000000051c114020010db800000000000000000000000720010db800000000000000000000000100010052\
         051cb807",
    );
    packet.extend([b'x'; 1300]);
    let mut answer = bytes(
        "6003f6ef04d83a4020010db800000000000000000000000120010db80000000000000000000000070104788b\
         00000000",
    );
    answer.extend(&packet[..1232]);
    let mut key = Key::default();
    extract(&answer, &mut key).unwrap();
    let error = icmp_error(&packet, sender(&answer), key.icmp_type, key.icmp_code, 0).unwrap();
    assert_eq!(without_label(error), without_label(answer));
}

#[test]
fn echo_replies() {
    for (request, answer) in [
        (
            "451c0020000100004001f6b7c0000207c00002010800191f0007000970696e67",
            "451c00207c96000040017a22c0000201c00002070000211f0007000970696e67",
        ),
        (
            "61c00000000c3a4020010db800000000000000000000000720010db80000000000000000000000018000455e\
         0007000970696e67",
            "61c8e354000c3a4020010db800000000000000000000000120010db80000000000000000000000078100445e\
         0007000970696e67",
        ),
    ] {
        let answer = bytes(answer);
        let reply = echo_reply(&bytes(request), sender(&answer)).unwrap();
        assert_eq!(without_label(reply), without_label(answer));
    }
}

#[test]
fn destination_nat_with_mangling() {
    let mut packet = bytes(
        "4503003c000100004006f6afc0000207c00002010fa0005a0000000500000000a002200093f70000020405b4\
         0402080a000000010000000001030307",
    );
    let at = layout(&packet).unwrap();
    assert!(strip_options(&mut packet, &at, |kind| matches!(kind, 4 | 8)));
    rewrite::set_ttl(&mut packet, &at, 9);
    rewrite::set_dscp(&mut packet, &at, 46);
    rewrite::set_dst(&mut packet, &at, 0xc000_0207);
    rewrite::set_dport(&mut packet, &at, 8090);
    // Forwarding takes one hop.
    rewrite::set_ttl(&mut packet, &at, 8);
    assert_eq!(
        packet,
        bytes(
            "45bb003c0001000008062df2c0000207c00002070fa01f9a0000000500000000a00220007ab80000020405b4\
         01010101010101010101010101030307"
        )
    );

    let mut packet = bytes("4500001d000100004011f6c6c0000207c00002010fa0005a0009fad871");
    let at = layout(&packet).unwrap();
    rewrite::set_dst(&mut packet, &at, 0xc000_0207);
    rewrite::set_dport(&mut packet, &at, 8090);
    rewrite::set_ttl(&mut packet, &at, 63);
    assert_eq!(packet, bytes("4500001d000100003f11f7c0c0000207c00002070fa01f9a0009db9271"));
}

#[test]
fn segment_sizes_set_to_1000() {
    for (segment, expected, became) in [
        (
            "4500003c0001000040067caec0000207cb0071050fa0005b0000000000000000a002200019f70000020405b4\
         0402080a000000010000000001030307",
            "4500003c000100003f067daec0000207cb0071050fa0005b0000000000000000a00220001bc30000020403e8\
         0402080a000000010000000001030307",
            Mss::Lowered(1460),
        ),
        (
            "4500002c0001000040067cbec0000207cb0071050fa0005b00000000000000006002200067d2000003030701",
            "45000030000100003f067dbac0000207cb0071050fa0005b00000000000000007002200053b2000002040218\
         03030701",
            Mss::Inserted(536),
        ),
        (
            "450000280001000040067cc2c0000207cb0071050fa0005b00000000000000005002200081da0000",
            "4500002c000100003f067dbec0000207cb0071050fa0005b0000000000000000600220006dba000002040218",
            Mss::Inserted(536),
        ),
        (
            "450000300001000040067cbac0000207cb0071050fa0005b000000000000000070022000a8ca000001020405\
         b4000000",
            "45000030000100003f067dbac0000207cb0071050fa0005b000000000000000070022000aa96000001020403\
         e8000000",
            Mss::Lowered(1460),
        ),
        (
            "600000000014064020010db800000000000000000000000720010db80005000000000000000000050fa0005b\
         00000000000000005002200024650000",
            "600000000018063f20010db800000000000000000000000720010db80005000000000000000000050fa0005b\
         0000000000000000600220000e750000020403e8",
            Mss::Inserted(1000),
        ),
        (
            "600000000028064020010db800000000000000000000000720010db80005000000000000000000050fa0005b\
         0000000000000000a0022000bc810000020405b40402080a000000010000000001030307",
            "600000000028063f20010db800000000000000000000000720010db80005000000000000000000050fa0005b\
         0000000000000000a0022000be4d0000020403e80402080a000000010000000001030307",
            Mss::Lowered(1460),
        ),
    ] {
        let mut packet = bytes(segment);
        let at = layout(&packet).unwrap();
        assert_eq!(set_mss(&mut packet, &at, 1000), became);
        rewrite::set_ttl(&mut packet, &at, 63);
        assert_eq!(packet, bytes(expected), "{}", show(&bytes(segment)));
    }
}

/// What another builder makes of the same descriptions.
#[test]
fn scapy_builds_the_same() {
    let v4 = |l4| Build::new([192, 0, 2, 7], [198, 51, 100, 9], l4);
    let a = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
    let b = std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9);
    let v6 = |l4| Build::new(a, b, l4);
    let tcp = L4::Tcp {
        sport: 40_000,
        dport: 443,
        seq: 0x1122_3344,
        ack: 0,
        flags: tcp::SYN,
        window: 64_240,
        options: vec![2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7],
    };
    let push = L4::Tcp {
        sport: 40_000,
        dport: 443,
        seq: 1,
        ack: 2,
        flags: tcp::PSH | tcp::ACK,
        window: 8192,
        options: vec![],
    };
    let sctp = L4::Sctp {
        sport: 1000,
        dport: 2000,
        tag: 0xcafe_babe,
        chunks: vec![(0, 0, [&[0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0][..], b"abc"].concat())],
    };
    let hop = Ext::HopByHop(vec![5, 2, 0, 0]);
    let routing = Ext::Routing {
        kind: 0,
        segments_left: 0,
        data: [&[0; 4][..], &bytes("20010db8000000000000000000000001")].concat(),
    };
    let cases = [
        (
            Build { id: 0x1234, df: true, ..v4(tcp).ttl(63).tos(0x48) },
            "4548003c123440003f063cfcc0000207c63364099c4001bb1122334400000000a002faf07e680000020405b4\
         0402080a000000010000000001030307",
            "TCP 192.0.2.7:40000 > 198.51.100.9:443 [S] mss 1460 len 60",
        ),
        (
            Build { id: 1, ..v4(L4::Udp { sport: 5353, dport: 53 }).payload("hello world") },
            "450000270001000040118e81c0000207c633640914e9003500136c9768656c6c6f20776f726c64",
            "UDP 192.0.2.7:5353 > 198.51.100.9:53 len 39",
        ),
        (
            Build { id: 1, ..Build::echo([192, 0, 2, 7], [198, 51, 100, 9], 7, 9).payload("ping") },
            "450000200001000040018e98c0000207c63364090800191f0007000970696e67",
            "ICMP 192.0.2.7 > 198.51.100.9 echo-request len 32",
        ),
        (
            Build { id: 1, ..v4(sctp) },
            "450000340001000040848e01c0000207c633640903e807d0cafebabe28bde41a000000130000000500000000\
         0000000061626300",
            "SCTP 192.0.2.7:1000 > 198.51.100.9:2000 [DATA] len 52",
        ),
        (
            Build { flow_label: 0x12345, ..v6(push).payload("data").tos(0xb8).ttl(61) },
            "6b8123450018063d20010db800000000000000000000000720010db80001000000000000000000099c4001bb\
         000000010000000250182000bd84000064617461",
            "TCP [2001:db8::7]:40000 > [2001:db8:1::9]:443 [P.] len 64",
        ),
        (
            Build {
                extensions: vec![hop, routing, Ext::Destination(vec![])],
                ..v6(L4::Udp { sport: 1, dport: 2 }).payload("xyz")
            },
            "600000000033004020010db800000000000000000000000720010db80001000000000000000000092b000502\
         000001003c0200000000000020010db8000000000000000000000001110001040000000000010002000bb1d8\
         78797a",
            "UDP [2001:db8::7]:1 > [2001:db8:1::9]:2 len 91",
        ),
        (
            Build::echo(a, b, 3, 4).payload("ping6"),
            "60000000000d3a4020010db800000000000000000000000720010db800010000000000000000000980000f5d\
         0003000470696e6736",
            "ICMPv6 2001:db8::7 > 2001:db8:1::9 echo-request len 53",
        ),
        (
            v6(L4::Udp { sport: 1, dport: 2 }).fragment(1480, true, 0xdead_beef).payload([b'z'; 16]),
            "6000000000182c4020010db800000000000000000000000720010db8000100000000000000000009110005c9\
         deadbeef7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
            "UDP 2001:db8::7 > 2001:db8:1::9 fragment at 1480 len 64",
        ),
    ];
    for (build, expected, line) in cases {
        assert_eq!(build.bytes(), bytes(expected), "{line}");
        assert_eq!(show(&bytes(expected)), line);
    }
}

/// Whether REJECT answered, asked of the same kernel with packets that came by a device without checksum offload.
#[test]
fn reject_answers_what_the_kernel_answers() {
    let a = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
    let b = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    for (proto, l4, answered4, answered6) in [
        (253, "61626364", false, false),
        (253, "", true, false),
        (253, "ffff", true, false),
        (253, "00000000", true, false),
        (proto::UDPLITE, "00010002000812346162", true, true),
        (proto::UDP, "00010002000a00006162", true, true),
        (proto::UDP, "00010002000a12346162", false, false),
        (proto::TCP, "0001000200000000000000005002000012340000", false, false),
        (253, "a386", false, true),
    ] {
        // Built as an unknown protocol, so that no checksum is put right.
        let raw = |build: Build| {
            let mut packet = build.payload(bytes(l4)).bytes();
            let at = if packet[0] >> 4 == 4 { 9 } else { 6 };
            packet[at] = proto;
            checksum::fix_ipv4(&mut packet[..if at == 9 { 20 } else { 0 }]);
            packet
        };
        let v4 = raw(Build::new([192, 0, 2, 7], [192, 0, 2, 1], L4::Other(253)));
        assert_eq!(reject_answers(&v4), answered4, "{} {l4}", show(&v4));
        let v6 = raw(Build::new(a, b, L4::Other(253)));
        assert_eq!(reject_answers(&v6), answered6, "{} {l4}", show(&v6));
    }
}
