//! When a host answers and when it keeps silent; what becomes of odd headers.

use std::net::Ipv6Addr;

use ox_packet::*;

const FROM: Sender = Sender { src: 0x0a00_0001, ttl: 64, id: 0, mtu: 1500 };

fn segment(flags: u8) -> Build {
    Build::tcp(([192, 0, 2, 7], 40_000), ([198, 51, 100, 9], 53), flags)
}

fn v6(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n)
}

#[test]
fn no_reset_for_a_reset_a_fragment_or_a_wrong_checksum() {
    assert!(tcp_reset(&segment(tcp::SYN).bytes(), 64).is_some());
    assert_eq!(tcp_reset(&segment(tcp::RST).bytes(), 64), None);
    assert_eq!(tcp_reset(&segment(tcp::SYN).fragment(8, false, 1).payload([0; 40]).bytes(), 64), None);
    let mut wrong = segment(tcp::SYN).bytes();
    wrong[37] ^= 1;
    assert_eq!(tcp_reset(&wrong, 64), None);
    assert_eq!(tcp_reset(&Build::udp(([1, 1, 1, 1], 1), ([2, 2, 2, 2], 2)).bytes(), 64), None);
    let to = |address: Ipv6Addr| tcp_reset(&Build::tcp((v6(1), 1), (address, 2), tcp::SYN).bytes(), 64);
    assert!(to(v6(2)).is_some());
    assert_eq!(to(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)), None);
    assert_eq!(to(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1)), None);
    assert_eq!(to(Ipv6Addr::UNSPECIFIED), None);
}

#[test]
fn a_reset_acknowledges_what_the_segment_took() {
    let ack = |flags, payload: &[u8]| {
        let reset = tcp_reset(&segment(flags).payload(payload).bytes(), 64).unwrap();
        let segment = Tcp::new(&reset[20..]).unwrap();
        (segment.seq(), segment.ack(), segment.flags())
    };
    // The sequence number is 1 in all of them.
    assert_eq!(ack(tcp::SYN, b""), (0, 2, tcp::RST | tcp::ACK));
    assert_eq!(ack(tcp::SYN | tcp::FIN, b"abc"), (0, 6, tcp::RST | tcp::ACK));
    assert_eq!(ack(0, b"abc"), (0, 4, tcp::RST | tcp::ACK));
    assert_eq!(ack(tcp::ACK, b"abc"), (0, 0, tcp::RST));
}

#[test]
fn no_error_about_errors_or_later_fragments() {
    let about = |l4| icmp_error(&Build::new([1, 1, 1, 1], [2, 2, 2, 2], l4).bytes(), FROM, 3, 1, 0);
    let icmp = |kind| L4::Icmp { kind, code: 0, rest: 0 };
    assert!(about(icmp(icmp::ECHO)).is_some());
    for kind in [icmp::DEST_UNREACH, icmp::REDIRECT, icmp::TIME_EXCEEDED, 19, 200] {
        assert_eq!(about(icmp(kind)), None, "ICMP type {kind}");
    }
    assert_eq!(icmp_error(&segment(0).fragment(8, false, 1).payload([0; 8]).bytes(), FROM, 3, 1, 0), None);
    assert!(icmp_error(&segment(0).fragment(0, true, 1).bytes(), FROM, 3, 1, 0).is_some());
    // What cannot hold a header at all is not worth sending.
    assert_eq!(icmp_error(&segment(0).bytes(), Sender { mtu: 48, ..FROM }, 3, 1, 0), None);
    assert!(icmp_error(&segment(0).bytes(), Sender { mtu: 49, ..FROM }, 3, 1, 0).is_some());
}

#[test]
fn no_icmp6_error_towards_or_about_many() {
    let about = |src, dst, kind, code| icmp_error(&Build::udp((src, 1), (dst, 2)).bytes(), FROM, kind, code, 0);
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    assert!(about(v6(1), v6(2), 1, 4).is_some());
    assert_eq!(about(Ipv6Addr::UNSPECIFIED, v6(2), 1, 4), None);
    assert_eq!(about(group, v6(2), 1, 4), None);
    assert_eq!(about(v6(1), group, 1, 4), None);
    assert!(about(v6(1), group, icmp6::PKT_TOOBIG, 0).is_some());
    let icmp = |kind| {
        let l4 = L4::Icmp6 { kind, code: 0, rest: 0 };
        icmp_error(&Build::new(v6(1), v6(2), l4).bytes(), FROM, 1, 0, 0)
    };
    assert!(icmp(icmp6::ECHO_REQUEST).is_some());
    assert_eq!(icmp(icmp6::DEST_UNREACH), None);
    assert_eq!(icmp(127), None);
}

#[test]
fn only_echo_requests_are_echoed() {
    let request = Build::echo([1, 1, 1, 1], [2, 2, 2, 2], 1, 1);
    let reply = echo_reply(&request.clone().bytes(), FROM).unwrap();
    assert_eq!(show(&reply), "ICMP 10.0.0.1 > 1.1.1.1 echo-reply len 28");
    assert_eq!(echo_reply(&reply, FROM), None);
    assert_eq!(echo_reply(&request.fragment(0, true, 1).bytes(), FROM), None);
}

#[test]
fn segment_sizes_are_never_raised_and_broken_headers_are_dropped() {
    let with = |options: Vec<u8>| {
        let mut build = segment(tcp::SYN);
        if let L4::Tcp { options: o, .. } = &mut build.l4 {
            *o = options;
        }
        build
    };
    let set = |bytes: &[u8], mss| {
        let mut packet = bytes.to_vec();
        let at = layout(&packet).unwrap();
        (set_mss(&mut packet, &at, mss), packet == bytes)
    };
    assert_eq!(set(&with(vec![2, 4, 2, 0]).bytes(), 1000), (Mss::Kept, true));
    assert_eq!(set(&with(vec![]).payload("data").bytes(), 1000), (Mss::Kept, true));
    // Sixty bytes of header leave no room.
    assert_eq!(set(&with(vec![1; 40]).bytes(), 1000), (Mss::Kept, true));
    assert_eq!(set(&with(vec![1; 36]).bytes(), 100), (Mss::Inserted(100), false));
    assert_eq!(set(&with(vec![]).fragment(8, false, 1).payload([0; 24]).bytes(), 9), (Mss::Kept, true));
    for offset in [0x40, 0x60] {
        let mut broken = with(vec![]).bytes();
        broken[32] = offset;
        assert_eq!(set(&broken, 1000), (Mss::Broken, true));
        let at = layout(&broken).unwrap();
        assert!(!strip_options(&mut broken, &at, |_| true));
    }
}

#[test]
fn stripping_stops_at_an_option_that_runs_out() {
    let mut build = segment(tcp::SYN);
    if let L4::Tcp { options, .. } = &mut build.l4 {
        // Timestamps inside a zero-length option that the walk steps over byte by byte, then one that is too long.
        *options = vec![99, 0, 8, 3, 7, 1, 8, 9];
    }
    let mut packet = build.bytes();
    let at = layout(&packet).unwrap();
    assert!(strip_options(&mut packet, &at, |kind| kind == tcp::option::TIMESTAMP));
    assert_eq!(packet[40..48], [99, 0, 1, 1, 1, 1, 8, 9]);
    assert!(checksum::transport_holds(&packet, &at));
}

#[test]
fn chunks_and_options_are_walked_to_the_first_broken_one() {
    let mut sctp = vec![0; 12];
    sctp.extend([1, 7, 0, 5, 9, 0, 0, 0, 3, 0, 0, 40, 1, 2]);
    let packet = Sctp::new(&sctp).unwrap();
    let chunks: Vec<_> = packet.chunks().map(|c| (c.kind, c.flags, c.len, c.data.len())).collect();
    assert_eq!(chunks, [(1, 7, 5, 1), (3, 0, 40, 2)]);
    sctp.truncate(20);
    sctp.extend([3, 0, 0, 3, 0, 0]);
    let mut chunks = Sctp::new(&sctp).unwrap().chunks();
    assert_eq!(chunks.by_ref().count(), 1);
    assert_eq!(chunks.rest().len(), 6, "a length of three is no chunk");

    let dccp = |kind, options: &[u8]| {
        let l4 = L4::Dccp { sport: 1, dport: 2, kind, seq: 5, options: options.to_vec() };
        Build::new([1, 1, 1, 1], [2, 2, 2, 2], l4).payload("data").bytes()
    };
    for kind in 0..=15 {
        let bytes = dccp(kind, &[32, 4, 1, 2, 1, 33, 3, 9]);
        let packet = Dccp::new(&bytes[20..]).unwrap();
        assert_eq!((packet.kind(), packet.seq(), packet.payload()), (kind, 5, &b"data"[..]));
        let options: Vec<_> = packet.options().map(|(kind, data)| (kind, data.len())).collect();
        assert_eq!(options, [(32, 2), (1, 0), (33, 1)], "DCCP type {kind}");
    }
    let mut bytes = dccp(1, &[]);
    bytes[24] = 4;
    assert_eq!(Dccp::new(&bytes[20..]).unwrap().option_bytes(), None, "data before the end of the fixed part");
}

#[test]
fn lines_for_odd_packets() {
    assert_eq!(show(&[]), "not IP: there are no bytes in it");
    let mut cut = segment(tcp::SYN | tcp::ACK).bytes();
    assert_eq!(show(&cut), "TCP 192.0.2.7:40000 > 198.51.100.9:53 [S.] len 40");
    cut.truncate(30);
    assert_eq!(show(&cut), "TCP 192.0.2.7:40000 > 198.51.100.9:53 (header cut short) len 40");
    cut.truncate(22);
    assert_eq!(show(&cut), "TCP 192.0.2.7 > 198.51.100.9 (header cut short) len 40");
    let icmp = L4::Icmp { kind: 3, code: 3, rest: 0 };
    let unreachable = Build::new([1, 1, 1, 1], [2, 2, 2, 2], icmp).bytes();
    assert_eq!(show(&unreachable), "ICMP 1.1.1.1 > 2.2.2.2 port-unreachable len 28");
    let odd = Build::new(v6(1), v6(2), L4::Icmp6 { kind: 150, code: 9, rest: 0 }).bytes();
    assert_eq!(show(&odd), "ICMPv6 2001:db8::1 > 2001:db8::2 type 150 code 9 len 48");
    assert_eq!(
        show(&Build::new([1, 1, 1, 1], [2, 2, 2, 2], L4::Other(253)).bytes()),
        "protocol 253 1.1.1.1 > 2.2.2.2 len 20"
    );
    assert_eq!((tcp_flags(0x12), tcp_flags(0)), ("SYN,ACK".to_owned(), "none".to_owned()));
}
