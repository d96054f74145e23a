//! No byte string makes anything panic, and nothing reads past the packet's end.

use ox_packet::*;
use proptest::prelude::*;

fn read_everything(bytes: &[u8]) {
    let _ = (validate(bytes, true), validate(bytes, false), show(bytes));
    if let Some(e) = Ether::new(bytes) {
        let _ = (e.source(), e.destination(), e.vlans().count(), e.payload());
    }
    if let Some(h) = Ipv4::new(bytes) {
        let _ = (h.version(), h.header_len(), h.fragment_offset(), h.options().count(), h.payload());
    }
    if let Some(h) = Ipv6::new(bytes) {
        let _ = (h.traffic_class(), h.flow_label(), h.total_len());
        for x in h.extensions() {
            let _ = (x.next(), x.fragment(), x.routing(), x.options().count());
        }
    }
    if let Some(h) = Tcp::new(bytes) {
        let _ = (h.options().count(), h.option_bytes(), h.mss(), h.window_scale(), h.sacks().count(), h.payload());
    }
    if let Some(h) = Udp::new(bytes) {
        let _ = h.payload();
    }
    if let Some(h) = Sctp::new(bytes) {
        let _ = h.chunks().map(|c| c.data.len()).sum::<usize>();
    }
    if let Some(h) = Dccp::new(bytes) {
        let _ = (h.kind(), h.seq(), h.ack(), h.option_bytes(), h.options().count(), h.payload());
    }
    if let Some(h) = Icmp::new(bytes) {
        let _ = (h.payload(), h.inner());
    }
    if let Some(h) = Icmp6::new(bytes) {
        let _ = (h.payload(), h.inner());
    }
    if let Some(h) = Ah::new(bytes) {
        let _ = h.payload();
    }
    if let Some(h) = Gre::new(bytes) {
        let _ = (h.key(), h.call_id(), h.header_len());
    }
}

fn write_everything(packet: &[u8], at: &Layout, n: u32) {
    let mut b = packet.to_vec();
    checksum::fix_all(&mut b);
    checksum::fix_transport(&mut b, at);
    let _ = checksum::transport_holds(&b, at);
    rewrite::set_src(&mut b, at, n.into());
    rewrite::set_dst(&mut b, at, n.into());
    rewrite::set_sport(&mut b, at, n as u16);
    rewrite::set_dport(&mut b, at, n as u16);
    rewrite::set_icmp_id(&mut b, at, n as u16);
    rewrite::set_gre_call_id(&mut b, at, n as u16);
    rewrite::set_dscp(&mut b, at, n as u8);
    rewrite::set_ttl(&mut b, at, n as u8);
    rewrite::set_tcp_flags(&mut b, at, n as u8);
    rewrite::set_tcp_window(&mut b, at, n as u16);
    rewrite::set_tcp_seq(&mut b, at, n);
    rewrite::set_tcp_ack(&mut b, at, n);
    strip_options(&mut b, at, |kind| n >> (kind % 32) & 1 != 0);
    set_mss(&mut b.clone(), at, n as u16);
    rewrite::replace_payload(&mut b, at, n as usize % 9, n as usize % 5, &packet[..packet.len().min(7)]);
    let from = Sender { src: 1, ttl: 64, id: 0, mtu: n };
    for kind in [0, 1, 2, 3, 11, 128] {
        let _ = icmp_error(packet, from, kind, 0, n);
    }
    let _ = (tcp_reset(packet, 64), echo_reply(packet, from), split(packet, n as usize % 200, n));
    let _ = (inner(packet, at), reject_answers(packet));
}

proptest! {
    #![proptest_config(crate::arbitrary::cases(1500))]

    #[test]
    fn nothing_panics(bytes in crate::arbitrary::rubbish(), n in any::<u32>()) {
        read_everything(&bytes);
        for start in [1, 7, 20, 40] {
            read_everything(bytes.get(start..).unwrap_or_default());
        }
        let mut key = Key::default();
        if let Ok(at) = extract(&bytes, &mut key) {
            prop_assert!(at.l4 <= at.payload && at.payload <= at.end && at.end <= bytes.len());
            prop_assert_eq!(key.shape, at.shape);
            write_everything(&bytes, &at, n);
            if let Some((start, _, inner)) = inner(&bytes, &at) {
                write_everything(&bytes[start..], &inner, n);
            }
        }
    }

    #[test]
    fn a_layout_of_another_packet_does_no_worse_than_spoil(
        bytes in crate::arbitrary::rubbish(), other in crate::arbitrary::rubbish(), n in any::<u32>()
    ) {
        if let Ok(at) = layout(&other) {
            write_everything(&bytes, &at, n);
        }
    }
}
