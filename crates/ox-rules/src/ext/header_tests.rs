//! What looks at headers and what rewrites them: canonical text, listings, and meaning on built packets.

use super::tests::{check, read, refused};
use super::trial::{Trial, udp};
use crate::ir::{Dialect, Packet, Stop, Verdict};
use crate::model::TableName::{Filter, Mangle, Raw};
use ox_packet::Family::{V4, V6};
use ox_packet::{Build, L4, iface_number};

fn sctp(chunks: &[(u8, u8)]) -> Packet {
    let chunks = chunks.iter().map(|&(kind, flags)| (kind, flags, vec![0; 4])).collect();
    let l4 = L4::Sctp { sport: 1, dport: 2, tag: 0, chunks };
    Packet::new(Build::new([10, 0, 0, 1], [10, 0, 0, 2], l4).bytes()).expect("what is built can be read")
}

fn syn(options: &[u8]) -> Packet {
    let options = options.to_vec();
    let l4 = L4::Tcp { sport: 1, dport: 2, seq: 0, ack: 0, flags: 2, window: 1, options };
    Packet::new(Build::new([10, 0, 0, 1], [10, 0, 0, 2], l4).bytes()).expect("what is built can be read")
}

#[test]
fn text_and_listings() {
    for (table, typed, printed, listed) in [
        (Filter, "-p udp --sport :80 ! --dport 53", "-p udp -m udp --sport 0:80 ! --dport 53", "udp spts:0:80 dpt:!53"),
        (Filter, "-p udp --dport 80:70", "-p udp -m udp --dport 80:70", "udp dpts:80:70"),
        (Filter, "-p icmp --icmp-type ECHO-REQ", "-p icmp -m icmp --icmp-type 8", "icmptype 8"),
        (Filter, "-p icmp ! --icmp-type 255", "-p icmp -m icmp ! --icmp-type any", "icmp !type 255"),
        (Filter, "-p icmp --icmp-type 3:3/1:4", "-p icmp -m icmp --icmp-type 3/1:4", "icmptype 3 codes 1-4"),
        (Filter, "-p icmp --icmp-type 3/0:255", "-p icmp -m icmp --icmp-type 3", "icmptype 3"),
        (Filter, "-p udp --sport 010:+20", "-p udp -m udp --sport 10:20", "udp spts:10:20"),
        (
            Filter,
            "-p sctp --chunk-types any data:Be,abort:T",
            "-p sctp -m sctp --chunk-types any DATA:Be,ABORT:T",
            "sctp any 0x0000:Be,0x0006:T",
        ),
        (Filter, "-m length ! --length :200", "-m length ! --length 0:200", "length !0:200"),
        (Filter, "-m ttl ! --ttl 5", "-m ttl ! --ttl-eq 5", "TTL match TTL != 5"),
        (Mangle, "-j TTL --ttl-dec 5", "-j TTL --ttl-dec 5", "TTL decrement by 5"),
        (Filter, "-m tos ! --tos Minimize-Delay", "-m tos ! --tos 0x10/0x3f", "tos match!0x10/0x3f"),
        (Mangle, "-j TOS --and-tos 0x10", "-j TOS --set-tos 0x00/0xef", "TOS set 0x00/0xef"),
        (Filter, "-m dscp ! --dscp-class af11", "-m dscp ! --dscp 0x0a", "DSCP match !0x0a"),
        (Filter, "-m pkttype ! --pkt-type mcast", "-m pkttype ! --pkt-type multicast", "PKTTYPE != multicast"),
        (
            Filter,
            "-m mac ! --mac-source 1:2:3:4:5:FF",
            "-m mac ! --mac-source 01:02:03:04:05:ff",
            "MAC ! 01:02:03:04:05:ff",
        ),
        (
            Filter,
            "-m iprange ! --src-range 10-20.1",
            "-m iprange ! --src-range 10.0.0.0-20.1.0.0",
            "source IP range ! 10.0.0.0-20.1.0.0",
        ),
        (
            Filter,
            "-m addrtype ! --src-type local,uni --limit-iface-in",
            "-m addrtype ! --src-type UNICAST,LOCAL --limit-iface-in",
            "ADDRTYPE match src-type !UNICAST,LOCAL limit-in",
        ),
        (
            Filter,
            "-m physdev ! --physdev-in eth+ --physdev-is-in",
            "-m physdev --physdev-is-in ! --physdev-in eth+",
            "PHYSDEV match --physdev-is-in ! --physdev-in eth+",
        ),
        (
            Filter,
            "-m time --timestart 8: ! --weekdays Sa,7",
            "-m time --timestart 08:00:00 --timestop 23:59:59 --weekdays Mon,Tue,Wed,Thu,Fri --datestop 2038-01-19T03:14:07",
            "TIME from 08:00:00 to 23:59:59 on Mon,Tue,Wed,Thu,Fri UTC",
        ),
        (
            Filter,
            "-m string ! --hex-string |0d0a| --algo bm --icase",
            "-m string ! --hex-string \"|0d0a|\" --algo bm --icase",
            "STRING match ! \"|0d0a|\" ALGO name bm ICASE",
        ),
        (
            Mangle,
            "-p tcp -j TCPMSS --set-mss 5 --clamp-mss-to-pmtu",
            "-p tcp -j TCPMSS --clamp-mss-to-pmtu",
            "TCPMSS clamp to PMTU",
        ),
        (Mangle, "-j CHECKSUM --checksum-fill", "-j CHECKSUM --checksum-fill", "CHECKSUM fill"),
        (Mangle, "-j CLASSIFY --set-class 1:a", "-j CLASSIFY --set-class 0001:000a", "CLASSIFY set 1:a"),
        (Raw, "-j TRACE", "-j TRACE", ""),
    ] {
        check(V4, table, typed, printed, listed);
    }
    check(
        V6,
        Filter,
        "-p icmpv6 -m icmpv6 --icmpv6-type 1/4",
        "-p ipv6-icmp -m icmp6 --icmpv6-type 1/4",
        "ipv6-icmptype 1 code 4",
    );
    check(V6, Mangle, "-j HL --hl-inc 5", "-j HL --hl-inc 5", "HL increment by 5");
    for wrong in [
        "-m udp --dport 5",
        "-p icmp --icmp-type host-u",
        "-p icmp -m icmp",
        "-p sctp --chunk-types any init:T",
        "-m ttl",
        "-m tos --tos Max",
        "-m dscp --dscp 64",
        "-m time --contiguous",
        "-m string --string x",
        "-m addrtype --limit-iface-in",
        "-m hl --hl-eq 5",
    ] {
        refused(V4, Filter, wrong);
    }
}

#[test]
fn tcp_matches_merge_where_nothing_is_asked_twice() {
    for (typed, printed) in [
        (
            "-p tcp -m tcp --dport 80 -m mark --mark 1 -m tcp --sport 90",
            "-p tcp -m tcp --sport 90 --dport 80 -m mark --mark 0x1",
        ),
        ("-p tcp -m tcp --dport 80 -m tcp", "-p tcp -m tcp --dport 80 -m tcp"),
        ("-p tcp -m tcp --dport 80 -m tcp --dport 90", "-p tcp -m tcp --dport 80 -m tcp --dport 90"),
        ("-p tcp ! --sport 0:65535", "-p tcp"),
        ("-p udp -m udp --dport 80 -m udp --sport 90", "-p udp -m udp --sport 90 --dport 80"),
    ] {
        let rule = read(V4, Filter, typed).expect(typed);
        let mut out = crate::syntax::Out::default();
        crate::syntax::save_rule(&rule, V4, false, &mut out);
        assert_eq!(out.text, printed, "{typed}");
    }
    // Behind `! -p` nf_tables looks where the ports would be: here into an ICMP header.
    let mut trial = Trial::new(V4, Dialect::Nft, Filter, &["! -p udp -m udp --sport 2048"]);
    let mut echo = Packet::new(Build::echo([10, 0, 0, 1], [10, 0, 0, 2], 1, 1).bytes()).expect("an echo request");
    assert_eq!(trial.takes(&mut echo), Ok(true));
}

#[test]
fn chunks_any_all_and_only() {
    let ask = |line: &str, chunks: &[(u8, u8)]| Trial::of(line).takes(&mut sctp(chunks));
    let (data, init, sack) = ((0, 0b0010), (1, 0), (3, 0));
    for (how, chunks, answer) in [
        ("any DATA,INIT", &[sack, data][..], true),
        ("any DATA:B", &[data][..], true),
        ("any DATA:b", &[data][..], false),
        ("all DATA,INIT", &[data][..], false),
        ("all DATA,INIT", &[data, sack, init][..], true),
        ("only DATA,INIT", &[data, data][..], true),
        ("only DATA,INIT", &[data, sack][..], false),
        ("only DATA:b", &[data][..], false),
    ] {
        assert_eq!(ask(&format!("-p sctp --chunk-types {how}"), chunks), Ok(answer), "{how} {chunks:?}");
        assert_eq!(ask(&format!("-p sctp ! --chunk-types {how}"), chunks), Ok(!answer), "! {how} {chunks:?}");
    }
    assert_eq!(ask("-p sctp --chunk-types any INIT", &[]), Err(Stop::Hotdrop), "no chunk at all");
}

#[test]
fn bridge_ports() {
    let bridged = |line: &str, inward: &str, outward: &str| {
        let mut packet = udp([10, 0, 0, 1], [10, 0, 0, 2]);
        packet.meta.phys_in = iface_number(inward);
        packet.meta.phys_out = iface_number(outward);
        Trial::of(line).takes(&mut packet)
    };
    for (line, inward, outward, answer) in [
        ("-m physdev --physdev-in eth+", "eth1", "", true),
        ("-m physdev ! --physdev-in eth+", "eth1", "", false),
        ("-m physdev --physdev-in eth1", "eth10", "", false),
        ("-m physdev --physdev-in eth1", "", "eth2", true),
        ("-m physdev ! --physdev-out eth1", "eth1", "", false),
        ("-m physdev --physdev-is-bridged", "eth1", "eth2", true),
        ("-m physdev --physdev-is-bridged", "eth1", "", false),
        ("-m physdev --physdev-is-in", "", "", false),
        ("-m physdev ! --physdev-is-in ! --physdev-out eth0", "", "", true),
    ] {
        assert_eq!(bridged(line, inward, outward), Ok(answer), "{line} {inward} {outward}");
    }
}

#[test]
fn hop_counts_stop_at_their_ends() {
    for (line, ttl, after) in [("--ttl-inc 5", 254, 255), ("--ttl-dec 5", 3, 0), ("--ttl-dec 5", 64, 59)] {
        let bytes = Build::udp(([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2)).ttl(ttl).bytes();
        let mut packet = Packet::new(bytes).expect("a packet");
        assert_eq!(Trial::of(&format!("-j TTL {line}")).run(&mut packet, None), Ok(Verdict::Continue));
        let right = Build::udp(([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2)).ttl(after).bytes();
        assert_eq!((packet.key.ttl, packet.bytes), (after, right), "{line} of {ttl}");
    }
}

#[test]
fn segment_sizes_are_lowered_and_never_raised() {
    let announced = |line: &str, options: &[u8]| {
        let mut packet = syn(options);
        let verdict = Trial::of(&format!("-p tcp --syn -j TCPMSS {line}")).run(&mut packet, None);
        assert_eq!(verdict, Ok(Verdict::Continue));
        let transport = packet.transport().to_vec();
        assert_eq!(packet.key.len as usize, packet.bytes.len(), "the key follows");
        u16::from_be_bytes([transport[22], transport[23]])
    };
    let option = [2, 4, 0x23, 0x28];
    assert_eq!(announced("--set-mss 1400", &option), 1400);
    assert_eq!(announced("--set-mss 9001", &option), 9000);
    assert_eq!(announced("--clamp-mss-to-pmtu", &option), 1460);
    assert_eq!(announced("--set-mss 1400", &[]), 536);
}

#[test]
fn a_packet_without_an_ethernet_header_matches_no_address() {
    let mut packet = udp([10, 0, 0, 1], [10, 0, 0, 2]);
    for line in ["-m mac --mac-source 1:2:3:4:5:6", "-m mac ! --mac-source 1:2:3:4:5:6"] {
        assert_eq!(Trial::of(line).takes(&mut packet), Ok(false));
    }
}
