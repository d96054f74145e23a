//! Sets asked and changed as the kernel's do.

use super::*;
use ox_packet::{Build, tcp};
use ox_rules::ir::SetChange::{Add, Del};

fn packet(src: [u8; 4], dst: [u8; 4], port: u16) -> Packet {
    Packet::new(Build::tcp((src, 40_000), (dst, port), tcp::SYN).bytes()).unwrap()
}

fn q<'a>(name: &'a str, dims: &'a [bool]) -> SetQuery<'a> {
    SetQuery { name, dims, flags: 0, packets: (0, 0), bytes: (0, 0) }
}

fn at(seconds: u64) -> Now {
    Now { wall: 0, mono: seconds * SECOND }
}

const ADD: SetChange = Add { timeout: None, exist: false };

#[test]
fn what_a_packet_adds_it_finds() {
    let mut sets = Sets::default();
    assert!(sets.create("s", "hash:ip", Family::V4));
    let p = packet([10, 0, 0, 1], [10, 0, 0, 2], 80);
    assert_eq!(sets.test(&q("s", &[true]), &p, at(0)), Ok(false));
    sets.change(&q("s", &[true]), ADD, &p, at(0)).unwrap();
    assert_eq!(sets.test(&q("s", &[true]), &p, at(0)), Ok(true));
    assert_eq!(sets.test(&q("s", &[false]), &p, at(0)), Ok(false));
    sets.change(&q("s", &[true]), Del, &p, at(0)).unwrap();
    assert_eq!(sets.test(&q("s", &[true]), &p, at(0)), Ok(false));
    assert_eq!(sets.test(&q("t", &[true]), &p, at(0)), Err(MISSING));
}

#[test]
fn what_ipset_saves_is_read() {
    let mut sets = Sets::read(
        "create a hash:ip family inet hashsize 1024 maxelem 65536 timeout 300 counters comment bucketsize 12 initval 0xa87c445c\n\
         add a 10.0.0.1 timeout 299 packets 4 bytes 9 comment \"x y\"\n\
         create c hash:net,iface family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x96de0444\n\
         add c 10.0.0.0/8,physdev:eth1 nomatch\n\
         add c 11.0.0.0/8,eth wildcard\n\
         create d hash:ip,port family inet\n\
         add d 1.1.1.1,ospf:0\n\
         add d 1.1.1.1,icmp:echo-request\n\
         add d 10.0.0.2,tcp:80\n\
         create e bitmap:port range 0-1024\n\
         add e 80\n\
         create f bitmap:ip,mac range 10.0.0.0-10.0.0.255\n\
         add f 10.0.0.3\n\
         add f 10.0.0.4,00:11:22:33:44:55\n\
         create i hash:net,port family inet6 \n\
         add i 2001:db8::/32,ipv6-icmp:echo-request\n\
         create j hash:ip family inet netmask 24\n\
         add j 10.0.0.0\n\
         create l bitmap:ip range 10.0.0.0-10.0.255.255 netmask 24\n\
         add l 10.0.0.0\n\
         create z hash:colour\n\
         add z green\n\
         create g list:set size 8\n\
         add g a\n\
         add g d before a\n",
    )
    .unwrap();
    let p = packet([10, 0, 0, 1], [10, 0, 0, 2], 80);
    let mut is = |name, dims: &[bool], t| sets.test(&q(name, dims), &p, at(t));
    assert_eq!(is("a", &[true], 7), Ok(true));
    assert_eq!(is("a", &[true], 7 + 299), Ok(true), "its time runs from the first packet");
    assert_eq!(is("a", &[true], 7 + 300), Ok(false));
    assert_eq!(is("d", &[false, false], 7), Ok(true));
    assert_eq!(is("d", &[false, true], 7), Ok(false));
    assert_eq!(is("d", &[false], 7), Ok(false), "too few dimensions");
    assert_eq!(is("e", &[false], 7), Ok(true));
    assert_eq!(is("j", &[true], 7), Ok(true));
    assert_eq!(is("l", &[false], 7), Ok(true));
    assert_eq!(is("z", &[true], 7), Err(MISSING));
    let members = &sets.by_name["g"].members;
    assert_eq!(members.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(), ["d", "a"]);
    let entry = sets.by_name["a"].elements.values().next().unwrap();
    assert_eq!((entry.packets, entry.comment.as_str()), (6, "x y"));
}

#[test]
fn what_cannot_be_read_is_named() {
    for (text, line, word) in [
        ("create a hash:ip\nadd a 1.2.3", 2, "1.2.3"),
        ("create a hash:ip colour", 1, "colour"),
        ("add a 1.1.1.1", 1, "a"),
        ("create a hash:ip\nadd a 1.1.1.1 timeout 5", 2, "timeout"),
        ("create a hash:ip\n\nadd a 0.0.0.0/8", 3, "0.0.0.0/8"),
        ("create a hash:ip,port\nadd a 1.1.1.1", 2, "1.1.1.1"),
        ("create b bitmap:ip", 1, ""),
        ("flush", 1, "flush"),
    ] {
        let error = Sets::read(text).unwrap_err();
        assert_eq!((error.line, error.word.as_str()), (line, word), "{error}");
    }
}

#[test]
fn the_narrowest_network_decides() {
    let text = "create n hash:net\nadd n 10.0.0.0/8\nadd n 10.0.0.0/24 nomatch\nadd n 10.0.0.1-10.0.0.2";
    let mut sets = Sets::read(text).unwrap();
    let is = |sets: &mut Sets, last, flags| {
        let p = packet([10, 0, 0, last], [9, 9, 9, 9], 1);
        sets.test(&SetQuery { flags, ..q("n", &[true]) }, &p, at(0)).unwrap()
    };
    assert_eq!([1, 2, 3].map(|last| is(&mut sets, last, 0)), [true, true, false]);
    assert_eq!([1, 2, 3].map(|last| is(&mut sets, last, flag::RETURN_NOMATCH)), [false, false, true]);
    let p = packet([10, 1, 0, 1], [9, 9, 9, 9], 1);
    assert_eq!(sets.test(&q("n", &[true]), &p, at(0)), Ok(true));
    // `-j SET` adds what is as narrow as the narrowest.
    sets.change(&q("n", &[false]), ADD, &p, at(0)).unwrap();
    assert!(sets.by_name["n"].elements.keys().any(|e| e.len[0] == 32 && e.addr[0] == 0x0909_0909));
}

#[test]
fn a_narrower_network_with_another_interface_hides_the_wider() {
    let text = "create n hash:net,iface\nadd n 10.0.0.0/8,eth0\nadd n 10.0.0.0/24,eth1\nadd n 11.0.0.0/8,et wildcard";
    let mut sets = Sets::read(text).unwrap();
    let mut is = |src: [u8; 4], dev: &str| {
        let mut p = packet(src, [9, 9, 9, 9], 1);
        p.key.iif = ox_packet::iface_number(dev);
        sets.test(&q("n", &[true, true]), &p, at(0)).unwrap()
    };
    assert!(is([10, 1, 0, 1], "eth0"));
    assert!(is([10, 0, 0, 1], "eth1"));
    assert!(!is([10, 0, 0, 1], "eth0"), "as the kernel's look-up ends at the narrower one");
    assert!(is([11, 0, 0, 1], "eth7"));
    assert!(!is([11, 0, 0, 1], "lo"));
}

#[test]
fn counters_are_compared_after_they_count() {
    let mut sets = Sets::read("create s hash:ip counters\nadd s 10.0.0.1 packets 1").unwrap();
    let p = packet([10, 0, 0, 1], [9, 9, 9, 9], 1);
    let more_than_one = SetQuery { packets: (4, 1), ..q("s", &[true]) };
    assert_eq!(sets.test(&SetQuery { flags: flag::SKIP_COUNTERS, ..more_than_one }, &p, at(0)), Ok(false));
    assert_eq!(sets.test(&more_than_one, &p, at(0)), Ok(true));
}

#[test]
fn a_timeout_is_renewed_only_if_asked() {
    let mut sets = Sets::read("create s hash:ip timeout 10").unwrap();
    let p = packet([10, 0, 0, 1], [9, 9, 9, 9], 1);
    let query = q("s", &[true]);
    sets.change(&query, ADD, &p, at(100)).unwrap();
    sets.change(&query, ADD, &p, at(105)).unwrap();
    assert_eq!(sets.test(&query, &p, at(111)), Ok(false));
    sets.change(&query, Add { timeout: Some(3), exist: false }, &p, at(111)).unwrap();
    sets.change(&query, Add { timeout: Some(0), exist: true }, &p, at(112)).unwrap();
    assert_eq!(sets.test(&query, &p, at(1_000_000)), Ok(true), "0 is for ever");
}

#[test]
fn a_bitmap_learns_the_mac_address_of_the_first_packet() {
    let mut sets = Sets::read("create s bitmap:ip,mac range 10.0.0.0/24\nadd s 10.0.0.1").unwrap();
    let mut p = packet([10, 0, 0, 1], [9, 9, 9, 9], 1);
    let query = q("s", &[true, true]);
    assert_eq!(sets.test(&query, &p, at(0)), Ok(false), "no link header");
    p.meta.link = Some(ox_rules::ir::Link { dst: [1; 6], src: [2; 6] });
    assert_eq!(sets.test(&query, &p, at(0)), Ok(true));
    p.meta.link = Some(ox_rules::ir::Link { dst: [1; 6], src: [3; 6] });
    assert_eq!(sets.test(&query, &p, at(0)), Ok(false));
}

#[test]
fn a_list_asks_its_sets_in_order() {
    let text = "create a hash:ip counters\nadd a 10.0.0.1\ncreate b hash:ip\ncreate l list:set\nadd l b\nadd l a";
    let mut sets = Sets::read(text).unwrap();
    let p = packet([10, 0, 0, 1], [9, 9, 9, 9], 1);
    assert_eq!(sets.test(&q("l", &[true]), &p, at(0)), Ok(true));
    assert_eq!(sets.test(&SetQuery { flags: flag::SKIP_SUBCOUNTERS, ..q("l", &[true]) }, &p, at(0)), Ok(true));
    assert_eq!(sets.by_name["a"].elements.values().next().unwrap().packets, 1);
    // The first that takes it.
    sets.change(&q("l", &[false]), ADD, &p, at(0)).unwrap();
    assert_eq!((sets.by_name["b"].elements.len(), sets.by_name["a"].elements.len()), (1, 1));
}

#[test]
fn later_fragments_have_no_ports() {
    let mut sets = Sets::read("create s hash:ip,port\nadd s 10.0.0.2,udp:0\nadd s 10.0.0.2,gre:0").unwrap();
    let fragment = |l4| {
        let bytes = Build::new([10, 0, 0, 1], [10, 0, 0, 2], l4).fragment(1480, false, 7).payload([0; 24]).bytes();
        Packet::new(bytes).unwrap()
    };
    let query = q("s", &[false, false]);
    assert_eq!(sets.test(&query, &fragment(ox_packet::L4::Other(17)), at(0)), Ok(false));
    assert_eq!(sets.test(&query, &fragment(ox_packet::L4::Other(47)), at(0)), Ok(true));
}
