//! Bindings and rewritten packets.

use super::*;
use crate::flow::{Confirmed, Settings, Tracked};
use ox_packet::{Build, checksum, ip_number, tcp as flag};
use std::net::IpAddr;

pub(super) const ZERO: Now = Now { wall: 0, mono: 0 };

fn number(address: impl Into<IpAddr>) -> u128 {
    ip_number(address.into()).1
}

pub(super) struct Router {
    pub flows: Flows,
    random: u32,
}

impl Router {
    pub fn new() -> Self {
        Self { flows: Flows::new(Settings::default(), [3, 4]), random: 0 }
    }

    /// A packet passing through: an answer as bytes, `None` if dropped. `pre` and `post` are what the chains would say.
    pub fn forwards(&mut self, bytes: Vec<u8>, pre: Option<NatSpec>, post: Option<NatSpec>) -> Option<Packet> {
        let mut packet = Packet::new(bytes).unwrap();
        let tracked = self.flows.track(&packet, false, None, ZERO);
        let Some(id) = tracked.flow else { return Some(packet) };
        for (hook, rule) in [(Hook::Prerouting, pre), (Hook::Postrouting, post)] {
            if self.nat(&mut packet, tracked, hook, rule) == Fate::Drop {
                self.flows.discard(id);
                return None;
            }
        }
        match self.flows.confirm(id, tracked.dir, ZERO) {
            Confirmed::Accept(_) => Some(packet),
            Confirmed::Drop => None,
        }
    }

    fn nat(&mut self, packet: &mut Packet, tracked: Tracked, hook: Hook, rule: Option<NatSpec>) -> Fate {
        let (id, manip) = (tracked.flow.unwrap(), Manip::at(hook));
        if is_error(packet, tracked.kind) {
            return translate_error(packet, self.flows.get(id).unwrap(), tracked.dir, manip);
        }
        let random = &mut self.random;
        let mut rng = || {
            *random += 7;
            *random
        };
        if needs_chain(self.flows.get(id).unwrap(), tracked.kind, manip) {
            let place = Place { hook, packet, address: Some(number([192, 0, 2, 1])) };
            let fate = match rule {
                Some(spec) => setup(&mut self.flows, id, &spec, &place, ZERO, &mut rng),
                None => null_binding(&mut self.flows, id, manip, ZERO, &mut rng),
            };
            if fate == Fate::Drop {
                return fate;
            }
        }
        mangle(packet, self.flows.get(id).unwrap(), tracked.dir, manip)
    }
}

fn spec(kind: NatKind) -> NatSpec {
    NatSpec { kind, addrs: None, ports: None, base: None, random: false, random_fully: false, persistent: false }
}

fn to(kind: NatKind, address: [u8; 4]) -> NatSpec {
    let address = number(address);
    NatSpec { addrs: Some((address, address)), ..spec(kind) }
}

pub(super) fn sound(packet: &Packet) -> bool {
    let mut fixed = packet.bytes.clone();
    checksum::fix_all(&mut fixed);
    fixed == packet.bytes
}

#[test]
fn masquerade_keeps_the_port_unless_it_is_taken_and_answers_come_back() {
    let mut router = Router::new();
    let masquerade = Some(spec(NatKind::Masquerade));
    let server = ([203, 0, 113, 9], 443);
    let out =
        router.forwards(Build::tcp(([10, 0, 0, 1], 40_000), server, flag::SYN).bytes(), None, masquerade).unwrap();
    assert_eq!((out.key.src, out.key.sport), (number([192, 0, 2, 1]), 40_000));
    assert!(sound(&out));
    let other =
        router.forwards(Build::tcp(([10, 0, 0, 2], 40_000), server, flag::SYN).bytes(), None, masquerade).unwrap();
    assert_eq!(other.key.src, number([192, 0, 2, 1]));
    assert_eq!(other.key.sport, 1024 + 7);
    let answer = Build::tcp(server, ([192, 0, 2, 1], other.key.sport), flag::SYN | flag::ACK);
    let mut answer = answer;
    if let ox_packet::L4::Tcp { ack, .. } = &mut answer.l4 {
        *ack = 2;
    }
    let back = router.forwards(answer.bytes(), None, None).unwrap();
    assert_eq!((back.key.dst, back.key.dport), (number([10, 0, 0, 2]), 40_000));
    assert!(sound(&back));
}

#[test]
fn a_range_of_destination_ports_is_taken_from_its_start() {
    let mut router = Router::new();
    let rule = NatSpec { ports: Some((5000, 5001)), ..to(NatKind::Destination, [10, 0, 0, 9]) };
    let client = |port| Build::udp(([198, 51, 100, 1], port), ([192, 0, 2, 1], 53)).bytes();
    let ports: Vec<u16> =
        (0..2).map(|i| router.forwards(client(6000 + i), Some(rule), None).unwrap().key.dport).collect();
    // Answers differ by the client's port, so the first port never runs out.
    assert_eq!(ports, [5000, 5000]);
    assert_eq!(router.random, 0);
    let random = NatSpec { random: true, ..rule };
    assert_eq!(router.forwards(client(6002), Some(random), None).unwrap().key.dport, 5001);
}

#[test]
fn a_shifted_port_range_keeps_distances() {
    let mut router = Router::new();
    let rule = NatSpec { ports: Some((5000, 5100)), base: Some(8000), ..to(NatKind::Destination, [10, 0, 0, 9]) };
    let packet = Build::tcp(([198, 51, 100, 1], 6000), ([192, 0, 2, 1], 8042), flag::SYN).bytes();
    assert_eq!(router.forwards(packet, Some(rule), None).unwrap().key.dport, 5042);
}

#[test]
fn source_ports_stay_in_their_class() {
    for (port, low, high) in [(100, 1, 511), (700, 600, 1023), (5000, 1024, 65535)] {
        let mut router = Router::new();
        let rule = Some(to(NatKind::Source, [192, 0, 2, 7]));
        let server = ([203, 0, 113, 9], 53);
        let mut seen = std::collections::BTreeSet::new();
        for host in 1..=20 {
            let out = router.forwards(Build::udp(([10, 0, 0, host], port), server).bytes(), None, rule).unwrap();
            assert!((low..=high).contains(&out.key.sport), "{} is not in the class of {port}", out.key.sport);
            assert!(seen.insert(out.key.sport));
        }
    }
}

#[test]
fn when_every_port_is_taken_the_packet_is_dropped() {
    let mut router = Router::new();
    let rule = Some(NatSpec { ports: Some((2000, 2002)), ..to(NatKind::Source, [192, 0, 2, 7]) });
    let server = ([203, 0, 113, 9], 80);
    let fates: Vec<bool> = (1..=4)
        .map(|host| {
            router.forwards(Build::tcp(([10, 0, 0, host], 999), server, flag::SYN).bytes(), None, rule).is_some()
        })
        .collect();
    assert_eq!(fates, [true, true, true, false]);
    assert_eq!(router.flows.len(), 3);
    // To another server the same ports are free.
    let elsewhere = ([203, 0, 113, 10], 80);
    assert!(router.forwards(Build::tcp(([10, 0, 0, 9], 999), elsewhere, flag::SYN).bytes(), None, rule).is_some());
}

#[test]
fn one_source_is_mapped_alike_to_every_destination() {
    let mut router = Router::new();
    let a = number([192, 0, 2, 8]);
    let rule = Some(NatSpec { addrs: Some((a, a + 7)), random_fully: false, ..spec(NatKind::Source) });
    let first = router.forwards(Build::udp(([10, 0, 0, 1], 999), ([203, 0, 113, 1], 53)).bytes(), None, rule).unwrap();
    for host in 2..30 {
        let next = Build::udp(([10, 0, 0, 1], 999), ([203, 0, 113, host], 53)).bytes();
        let next = router.forwards(next, None, rule).unwrap();
        assert_eq!((next.key.src, next.key.sport), (first.key.src, first.key.sport));
    }
}

#[test]
fn echo_identifiers_are_told_apart() {
    let mut router = Router::new();
    let rule = Some(to(NatKind::Source, [192, 0, 2, 7]));
    let out = |router: &mut Router, host| {
        let packet = Build::echo([10, 0, 0, host], [203, 0, 113, 9], 77, 1).bytes();
        let packet = router.forwards(packet, None, rule).unwrap();
        assert!(sound(&packet));
        u16::from_be_bytes([packet.bytes[24], packet.bytes[25]])
    };
    assert_eq!(out(&mut router, 1), 77);
    assert_eq!(out(&mut router, 2), 7);
    let reply = ox_packet::L4::Icmp { kind: 0, code: 0, rest: 7 << 16 | 1 };
    let back = router.forwards(Build::new([203, 0, 113, 9], [192, 0, 2, 7], reply).bytes(), None, None).unwrap();
    assert_eq!(back.key.dst, number([10, 0, 0, 2]));
    assert_eq!(&back.bytes[24..26], &[0, 77]);
    assert!(sound(&back));
}

#[test]
fn an_error_from_the_path_is_turned_inside_and_out() {
    let mut router = Router::new();
    let rule = Some(to(NatKind::Source, [192, 0, 2, 7]));
    let clash = Build::udp(([10, 0, 0, 2], 999), ([203, 0, 113, 9], 53)).bytes();
    router.forwards(clash, None, rule).unwrap();
    let sent = Build::udp(([10, 0, 0, 1], 999), ([203, 0, 113, 9], 53)).payload(*b"question").bytes();
    let out = router.forwards(sent.clone(), None, rule).unwrap();
    assert_ne!(out.key.sport, 999);
    let from = ox_packet::Sender { src: number([198, 51, 100, 3]), ttl: 60, id: 1, mtu: 1500 };
    let error = ox_packet::icmp_error(&out.bytes, from, 11, 0, 0).unwrap();
    let back = router.forwards(error, None, None).unwrap();
    assert_eq!(back.key.dst, number([10, 0, 0, 1]));
    assert!(sound(&back));
    assert_eq!(&back.bytes[28..], &sent[..], "the quoted packet is the one that was sent");
}

#[test]
fn an_error_about_a_destination_we_changed_hides_it() {
    let mut router = Router::new();
    let rule = Some(NatSpec { ports: Some((8080, 8080)), ..to(NatKind::Destination, [10, 0, 0, 9]) });
    let sent = Build::udp(([198, 51, 100, 1], 6000), ([192, 0, 2, 1], 80)).bytes();
    let inside = router.forwards(sent.clone(), rule, None).unwrap();
    let from = ox_packet::Sender { src: number([10, 0, 0, 9]), ttl: 60, id: 1, mtu: 1500 };
    let error = ox_packet::icmp_error(&inside.bytes, from, 3, 3, 0).unwrap();
    let back = router.forwards(error, None, None).unwrap();
    assert_eq!((back.key.src, back.key.dst), (number([192, 0, 2, 1]), number([198, 51, 100, 1])));
    assert!(sound(&back));
    assert_eq!(&back.bytes[28..], &sent[..]);
}

#[test]
fn netmap_keeps_the_host_part() {
    let mut router = Router::new();
    let rule = NatSpec { addrs: Some((number([10, 5, 0, 0]), 0xffff_0000)), ..spec(NatKind::Netmap) };
    let packet = Build::udp(([198, 51, 100, 1], 6000), ([192, 0, 2, 33], 80)).bytes();
    assert_eq!(router.forwards(packet, Some(rule), None).unwrap().key.dst, number([10, 5, 2, 33]));
}

#[test]
fn without_an_address_nothing_can_be_masqueraded() {
    let mut flows = Flows::new(Settings::default(), [0, 0]);
    let packet = Packet::new(Build::udp(([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2)).bytes()).unwrap();
    let id = flows.track(&packet, true, None, ZERO).flow.unwrap();
    let place = Place { hook: Hook::Postrouting, packet: &packet, address: None };
    assert_eq!(setup(&mut flows, id, &spec(NatKind::Masquerade), &place, ZERO, &mut || 0), Fate::Drop);
}

#[test]
fn local_redirection_goes_to_loopback() {
    let mut flows = Flows::new(Settings::default(), [0, 0]);
    let mut packet = Packet::new(Build::udp(([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2)).bytes()).unwrap();
    let id = flows.track(&packet, true, None, ZERO).flow.unwrap();
    let place = Place { hook: Hook::Output, packet: &packet, address: None };
    let rule = NatSpec { ports: Some((53, 53)), ..spec(NatKind::Redirect) };
    assert_eq!(setup(&mut flows, id, &rule, &place, ZERO, &mut || 0), Fate::Accept);
    assert_eq!(mangle(&mut packet, flows.get(id).unwrap(), Dir::Original, Manip::Destination), Fate::Accept);
    assert_eq!((packet.key.dst, packet.key.dport), (0x7f00_0001, 53));
}
