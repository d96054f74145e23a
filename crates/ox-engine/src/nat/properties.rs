//! What must hold for every packet and every rule: both tuples find the connection, and an answer to a translated packet
//! comes back to where the packet came from.

use super::tests::{Router, ZERO, sound};
use super::*;
use crate::flow::{Settings, tuple};
use ox_packet::{Build, L4, ip_address, tcp as flag};
use proptest::prelude::*;

fn packets() -> impl Strategy<Value = Build> {
    let hosts = (0u8..4, 0u8..4, prop_oneof![1u16..2000, any::<u16>()], prop_oneof![Just(80u16), 1u16..2000]);
    (hosts, 0u8..4, any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(
        |((client, server, sport, dport), kind, v6, payload)| {
            let (from, to): (u128, u128) = if v6 { (0xfd00 << 112, 0xfd01 << 112) } else { (0x0a00_0000, 0xcb00_7100) };
            let family = if v6 { Family::V6 } else { Family::V4 };
            let src = ip_address(family, from + 1 + u128::from(client));
            let dst = ip_address(family, to + 1 + u128::from(server));
            let build = match kind {
                0 => Build::udp((src, sport), (dst, dport)),
                1 => Build::tcp((src, sport), (dst, dport), flag::SYN),
                2 => Build::echo(src, dst, sport, 1),
                _ => Build::new(src, dst, L4::Other(99)),
            };
            build.payload(payload)
        },
    )
}

fn rules() -> impl Strategy<Value = Option<NatSpec>> {
    let spec = (0u32..4, prop::option::of((1u16..3000, 0u16..40)), any::<bool>(), any::<bool>());
    prop::option::of(spec).prop_map(|spec| {
        spec.map(|(more, ports, random, persistent)| NatSpec {
            kind: NatKind::Source,
            addrs: Some((more.into(), 0)),
            ports: ports.map(|(low, more)| (low, low + more)),
            base: None,
            random,
            random_fully: false,
            persistent,
        })
    })
}

/// A rule's addresses, for the family of a packet.
fn placed(rule: Option<NatSpec>, kind: NatKind, build: &Build) -> Option<NatSpec> {
    let start: u128 = match (build.family(), kind) {
        (Family::V4, NatKind::Source) => 0xc000_0210,
        (Family::V4, _) => 0xc633_6410,
        (Family::V6, NatKind::Source) => (0xfd02 << 112) + 0x10,
        (Family::V6, _) => (0xfd03 << 112) + 0x10,
    };
    rule.map(|rule| {
        let more = rule.addrs.map_or(0, |(more, _)| more);
        NatSpec { kind, addrs: Some((start, start + more)), ..rule }
    })
}

/// What the other host answers to a packet as it arrived there.
fn answer(arrived: &Packet, asked: &Build) -> Build {
    let family = arrived.layout.family;
    let (src, dst) = (ip_address(family, arrived.key.dst), ip_address(family, arrived.key.src));
    let l4 = match &asked.l4 {
        L4::Udp { .. } => L4::Udp { sport: arrived.key.dport, dport: arrived.key.sport },
        L4::Tcp { seq, .. } => L4::Tcp {
            sport: arrived.key.dport,
            dport: arrived.key.sport,
            seq: 99,
            ack: seq + 1 + asked.payload.len() as u32,
            flags: flag::SYN | flag::ACK,
            window: 1000,
            options: Vec::new(),
        },
        L4::Icmp { .. } | L4::Icmp6 { .. } => {
            let id = arrived.transport().get(4..8).and_then(|b| b.first_chunk::<4>());
            let rest = id.map_or(0, |id| u32::from_be_bytes(*id));
            match family {
                Family::V4 => L4::Icmp { kind: 0, code: 0, rest },
                Family::V6 => L4::Icmp6 { kind: 129, code: 0, rest },
            }
        }
        other => other.clone(),
    };
    Build::new(src, dst, l4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_come_back(all in prop::collection::vec((packets(), rules(), rules()), 1..30)) {
        let mut router = Router::new();
        for (build, pre, post) in all {
            let (pre, post) = (placed(pre, NatKind::Destination, &build), placed(post, NatKind::Source, &build));
            let sent = Packet::new(build.bytes()).unwrap();
            let asked = tuple::of_packet(&sent).unwrap();
            let known = router.flows.find(&asked, [0, 0], ZERO).is_some();
            let Some(arrived) = router.forwards(build.bytes(), pre, post) else { continue };
            prop_assert!(sound(&arrived));
            let (id, dir) = router.flows.find(&asked, [0, 0], ZERO).expect("the packet was let through");
            let flow = router.flows.get(id).unwrap();
            let reply = flow.conn.reply;
            prop_assert_eq!(router.flows.find(&reply, [0, 0], ZERO), Some((id, Dir::Reply)));
            if known || dir == Dir::Reply {
                continue;
            }
            let seen = tuple::of_packet(&arrived).unwrap();
            prop_assert_eq!(tuple::inverse(&seen), Some(reply));
            let back = router.forwards(answer(&arrived, &build).bytes(), None, None);
            let Some(back) = back else { return Err(TestCaseError::fail("the answer was dropped")) };
            prop_assert!(sound(&back));
            prop_assert_eq!(tuple::of_packet(&back), tuple::inverse(&asked));
        }
    }

    #[test]
    fn no_bytes_make_it_stumble(
        builds in prop::collection::vec((packets(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..20),
        rule in rules(),
    ) {
        let mut router = Router::new();
        router.flows = Flows::new(Settings { checksum: false, ..Settings::default() }, [5, 6]);
        for (build, index, value, quote) in builds {
            let mut bytes = build.bytes();
            if quote {
                let from = ox_packet::Sender { src: 1, ttl: 9, id: 0, mtu: 1500 };
                let kind = if build.family() == Family::V4 { 3 } else { 1 };
                if let Some(error) = ox_packet::icmp_error(&bytes, from, kind, 0, 0) {
                    bytes = error;
                }
            }
            let at = index.index(bytes.len());
            bytes[at] = value;
            let rule = placed(rule, NatKind::Source, &build);
            if Packet::new(bytes.clone()).is_ok() {
                router.forwards(bytes.clone(), None, rule);
            }
            bytes.truncate(at);
            if Packet::new(bytes.clone()).is_ok() {
                router.forwards(bytes, None, rule);
            }
        }
    }
}
