//! Tests of everything that needs a network namespace: the namespace itself, TUN devices, raw sockets, NFLOG.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use super::*;
use crate::link::{MarkRule, Route};
use crate::nflog::Nflog;
use crate::raw::{Options, RawSender};
use crate::tun::{Carries, Tun};

/// Long enough for a busy machine; only a failing test waits for it.
const LONG: Option<Duration> = Some(Duration::from_secs(10));

/// Runs a test inside, or says that it cannot.
fn inside(test: impl FnOnce(&Netns) + Send) {
    if let Err(error) = run(test) {
        eprintln!("skipped: {error}");
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A UDP packet of either family, with right checksums (IPv4's own is filled in by the kernel or checked off).
fn udp(source: &str, destination: &str, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    let mut segment =
        [&4000u16.to_be_bytes()[..], &5000u16.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat();
    let pseudo = |addresses: &[u8]| [addresses, &u32::from(length).to_be_bytes(), &17u32.to_be_bytes()].concat();
    match (ip(source), ip(destination)) {
        (IpAddr::V4(s), IpAddr::V4(d)) => {
            let sum = checksum(&[&pseudo(&[s.octets(), d.octets()].concat())[..], &segment].concat());
            segment[6..8].copy_from_slice(&sum.to_be_bytes());
            let total = (20 + length).to_be_bytes();
            let head = [0x45, 0, total[0], total[1], 0, 1, 0, 0, 64, 17, 0, 0];
            let mut head = [&head[..], &s.octets(), &d.octets()].concat();
            let sum = checksum(&head);
            head[10..12].copy_from_slice(&sum.to_be_bytes());
            [head, segment].concat()
        }
        (IpAddr::V6(s), IpAddr::V6(d)) => {
            let sum = checksum(&[&pseudo(&[s.octets(), d.octets()].concat())[..], &segment].concat());
            segment[6..8].copy_from_slice(&sum.to_be_bytes());
            let length = length.to_be_bytes();
            [&[0x60, 0, 0, 0, length[0], length[1], 17, 64][..], &s.octets(), &d.octets(), &segment].concat()
        }
        _ => unreachable!(),
    }
}

fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

/// The next packet of a device that is not of the kernel's own making (router and group messages).
fn next(tun: &Tun) -> Option<Vec<u8>> {
    let mut buffer = [0; 2000];
    while tun.wait(LONG).unwrap() {
        while let Some(length) = tun.read(&mut buffer).unwrap() {
            let packet = &buffer[..length];
            if packet[0] >> 4 == 4 || packet[6] == 17 {
                return Some(packet.to_vec());
            }
        }
    }
    None
}

#[test]
fn a_namespace_is_fresh_and_its_own() {
    let link = |()| std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let outside = link(());
    inside(|ns| {
        assert_ne!(link(()), outside);
        // lo is up, so a packet to oneself arrives.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        assert_eq!(socket.recv(&mut [0; 8]).unwrap(), 1);
        // A setting inside is not the one outside, and a command sees the inner one.
        let before = ns.sysctl("net.ipv4.ip_forward").unwrap();
        let other = if before == "0" { "1" } else { "0" };
        ns.set_sysctl("net.ipv4.ip_forward", other).unwrap();
        assert_eq!(ns.sysctl("net.ipv4.ip_forward").unwrap(), other);
        let seen = ns.command("cat").arg("/proc/sys/net/ipv4/ip_forward").run().unwrap();
        assert_eq!(seen.out().trim(), other);
        let inner = ns.command("readlink").arg("/proc/self/ns/net").run().unwrap();
        assert_eq!(inner.out().trim(), link(()).to_str().unwrap());
        let error = ns.set_sysctl("net.ipv4.no_such", "1").unwrap_err().to_string();
        assert!(error.starts_with("cannot write /proc/sys/net/ipv4/no_such: "), "{error}");
    });
    assert_eq!(link(()), outside);
    assert_eq!(
        sysctl_path("net.ipv4.conf.eth0/7.rp_filter"),
        PathBuf::from("/proc/sys/net/ipv4/conf/eth0.7/rp_filter")
    );
}

#[test]
fn a_panic_inside_comes_out() {
    let result = std::panic::catch_unwind(|| run(|_| -> () { std::panic::resume_unwind(Box::new("from inside")) }));
    match result {
        Ok(Err(error)) => eprintln!("skipped: {error}"),
        Ok(Ok(())) => panic!("the panic was lost"),
        Err(panic) => assert_eq!(panic.downcast_ref::<&str>(), Some(&"from inside")),
    }
}

#[test]
fn packets_are_routed_between_two_tun_devices() {
    inside(|ns| {
        let (one, two) = (Tun::open("one").unwrap(), Tun::open("tun%d").unwrap());
        assert_eq!((one.name(), two.name()), ("one", "tun0"));
        assert_eq!(one.read(&mut [0; 100]).unwrap(), None);
        let error = one.write(&udp("10.1.0.2", "10.2.0.2", b"down")).unwrap_err().to_string();
        assert_eq!(error, "cannot write to one: Input/output error");
        for (tun, v4, v6) in [(&one, "10.1.0.1", "fd00:1::1"), (&two, "10.2.0.1", "fd00:2::1")] {
            link::set_mtu(tun.index(), 1400).unwrap();
            link::up(tun.index()).unwrap();
            link::add_address(tun.index(), ip(v4), 24).unwrap();
            link::add_address(tun.index(), ip(v6), 64).unwrap();
        }
        link::add_route(&Route::through(ip("192.0.2.0"), 24, two.index())).unwrap();
        ns.set_sysctl("net.ipv4.ip_forward", "1").unwrap();
        ns.set_sysctl("net.ipv6.conf.all.forwarding", "1").unwrap();
        for (from, to) in [("10.1.0.2", "10.2.0.2"), ("10.1.0.2", "192.0.2.9"), ("fd00:1::2", "fd00:2::2")] {
            one.write(&udp(from, to, b"hello")).unwrap();
            let packet = next(&two).unwrap_or_else(|| panic!("{from} to {to} did not arrive"));
            assert!(packet.ends_with(b"hello"));
            let ttl = if packet[0] >> 4 == 4 { packet[8] } else { packet[7] };
            assert_eq!(ttl, 63, "it was forwarded");
        }
        let again = Tun::open("one").unwrap_err().to_string();
        assert_eq!(again, "cannot open TUN device one: Device or resource busy");
        two.set_persistent(true).unwrap();
        let (gone, kept) = (one.index(), two.name().to_owned());
        drop((one, two));
        assert!(link::up(gone).is_err());
        assert!(link::index(&kept).is_ok());
        assert!(Tun::open("a-name-that-is-far-too-long").is_err());
    });
}

#[test]
fn local_packets_leave_with_their_mark_and_device() {
    inside(|_| {
        let (one, two) = (Tun::open("one").unwrap(), Tun::open("two").unwrap());
        for (tun, v4, v6) in [(&one, "10.1.0.1", "fd00:1::1"), (&two, "10.2.0.1", "fd00:2::1")] {
            link::up(tun.index()).unwrap();
            link::add_address(tun.index(), ip(v4), 24).unwrap();
            link::add_address(tun.index(), ip(v6), 64).unwrap();
        }
        let sender = RawSender::open(&Options::default()).unwrap();
        for packet in [udp("10.1.0.1", "10.1.0.9", b"four"), udp("fd00:1::1", "fd00:1::9", b"six")] {
            sender.send(&packet).unwrap();
            let seen = next(&one).expect("it leaves by the routed device");
            assert_eq!(seen, packet);
        }
        // The device of the socket beats the route.
        let bound =
            RawSender::open(&Options { device: Some("two".into()), mark: Some(7), ..Options::default() }).unwrap();
        bound.send(&udp("10.1.0.1", "10.1.0.9", b"bound")).unwrap();
        assert!(next(&two).expect("it leaves by the bound device").ends_with(b"bound"));
        let error = sender.send(&udp("10.1.0.1", "203.0.113.1", b"x")).unwrap_err().to_string();
        assert_eq!(error, "cannot send a packet to 203.0.113.1: Network is unreachable");
        assert!(sender.send(&[]).is_err());
        assert!(sender.send(&[0x60; 39]).is_err());
        assert!(RawSender::open(&Options { device: Some("none".into()), ..Options::default() }).is_err());
    });
}

#[test]
fn a_mark_chooses_the_route() {
    inside(|_| {
        let (one, two) = (Tun::open("one").unwrap(), Tun::open("two").unwrap());
        for tun in [&one, &two] {
            link::up(tun.index()).unwrap();
        }
        link::add_address(one.index(), ip("10.1.0.1"), 24).unwrap();
        link::add_address(one.index(), ip("fd00:1::1"), 64).unwrap();
        for (ipv6, to, prefix) in [(false, "0.0.0.0", 0), (true, "::", 0)] {
            let table = Some(100);
            link::add_route(&Route { table, ..Route::through(ip(to), prefix, two.index()) }).unwrap();
            link::add_mark_rule(&MarkRule { ipv6, mark: 0x10, mask: 0xf0, table: 100, priority: 50 }).unwrap();
        }
        let plain = RawSender::open(&Options { mark: Some(0x21), ..Options::default() }).unwrap();
        let marked = RawSender::open(&Options { mark: Some(0x1f), ..Options::default() }).unwrap();
        for (from, to) in [("10.1.0.1", "10.1.0.9"), ("fd00:1::1", "fd00:1::9")] {
            plain.send(&udp(from, to, b"plain")).unwrap();
            assert!(next(&one).expect("by the main table").ends_with(b"plain"));
            marked.send(&udp(from, to, b"marked")).unwrap();
            assert!(next(&two).expect("by the mark's table").ends_with(b"marked"));
        }
    });
}

#[test]
fn a_tap_device_carries_ethernet_frames() {
    inside(|_| {
        let tap = Tun::open_as("tap%d", Carries::Ethernet).unwrap();
        assert_eq!(tap.name(), "tap0");
        let (own, other) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 9]);
        link::set_ethernet_address(tap.index(), own).unwrap();
        link::up(tap.index()).unwrap();
        link::add_address(tap.index(), ip("10.1.0.1"), 24).unwrap();
        link::add_neighbour(tap.index(), ip("10.1.0.9"), other).unwrap();
        let packet = udp("10.1.0.1", "10.1.0.9", b"framed");
        RawSender::open(&Options::default()).unwrap().send(&packet).unwrap();
        let mut buffer = [0; 2000];
        let expected = [&other[..], &own, &[8, 0], &packet].concat();
        loop {
            assert!(tap.wait(LONG).unwrap(), "the frame did not leave");
            let length = tap.read(&mut buffer).unwrap().unwrap();
            // The kernel's own IPv6 messages may come first.
            if buffer[12..14] == [8, 0] {
                assert_eq!(buffer[..length], expected);
                return;
            }
        }
    });
}

#[test]
fn nflog_tells_where_a_packet_was() {
    inside(|ns| {
        let nft = "table inet t {\n\
            chain in { type filter hook input priority 0; meta l4proto udp log group 5 prefix \"in:\"; }\n\
            chain out { type filter hook output priority 0; meta l4proto udp log group 5 prefix \"out:\"; }\n}\n";
        match ns.command("nft").args(["-f", "-"]).input(nft).run() {
            Ok(output) if output.success() => {}
            Ok(output) => return eprintln!("skipped: nft cannot load a log rule here: {}", output.err()),
            Err(error) => return eprintln!("skipped: {error}"),
        }
        let mut log = Nflog::bind(5).unwrap();
        assert_eq!(Nflog::bind(5).unwrap_err().errno(), Some(libc::EPERM));
        assert_eq!(log.read().unwrap(), None);
        let tun = Tun::open("one").unwrap();
        link::up(tun.index()).unwrap();
        link::add_address(tun.index(), ip("10.1.0.1"), 24).unwrap();
        link::add_address(tun.index(), ip("fd00:1::1"), 64).unwrap();
        for packet in [udp("10.1.0.2", "10.1.0.1", &[1; 1000]), udp("fd00:1::2", "fd00:1::1", b"six")] {
            tun.write(&packet).unwrap();
            assert!(log.wait(LONG).unwrap());
            let seen = log.read().unwrap().unwrap();
            assert_eq!((seen.prefix.as_str(), seen.hook, seen.indev, seen.outdev), ("in:", 1, tun.index(), 0));
            assert_eq!(seen.bytes, packet, "whole");
        }
        let sender = RawSender::open(&Options { mark: Some(0x1234), ..Options::default() }).unwrap();
        sender.send(&udp("10.1.0.1", "10.1.0.9", b"out")).unwrap();
        assert!(log.wait(LONG).unwrap());
        let seen = log.read().unwrap().unwrap();
        assert_eq!((seen.prefix.as_str(), seen.hook, seen.mark), ("out:", 3, 0x1234));
        assert_eq!((seen.family, seen.indev, seen.outdev), (2, 0, tun.index()));
        // Many at once: none is lost, and they come in order.
        for number in 0..500u16 {
            tun.write(&udp("10.1.0.2", "10.1.0.1", &number.to_be_bytes())).unwrap();
        }
        for number in 0..500u16 {
            assert!(log.wait(LONG).unwrap(), "packet {number} is missing");
            let seen = log.read().unwrap().unwrap();
            assert!(seen.bytes.ends_with(&number.to_be_bytes()));
        }
    });
}
