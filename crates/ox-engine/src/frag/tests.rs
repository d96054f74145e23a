//! Fragments put together: orders, overlaps and ends as the kernel takes them.

use super::*;
use ox_packet::{Build, split};
use std::net::{Ipv4Addr, Ipv6Addr};

const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);
const A6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
const B6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9);

fn whole(v4: bool, len: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
    if v4 { Build::udp((A, 1000), (B, 53)) } else { Build::udp((A6, 1000), (B6, 53)) }.payload(data).bytes()
}

fn at(seconds: u64) -> Now {
    Now { wall: 0, mono: seconds * 1_000_000_000 }
}

fn feed(to: &mut Fragments, bytes: &[u8], now: Now) -> (Gathered, Packet) {
    let mut packet = Packet::new(bytes.to_vec()).unwrap();
    let got = to.gather(&mut packet, User::TrackIn, now);
    (got, packet)
}

/// A fragment of the packet that starts and ends at these bytes of its data.
fn piece(packet: &[u8], start: usize, end: usize) -> Vec<u8> {
    let rest = packet.len() - 20 - end;
    let sizes: Vec<usize> = [start, end - start, rest].into_iter().filter(|&s| s > 0).collect();
    ox_packet::split_as(packet, &sizes, 1).unwrap().swap_remove(usize::from(start > 0))
}

#[test]
fn in_any_order_they_become_the_packet_they_were() {
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..400 {
        let packet = whole(round % 2 == 0, 1 + random(4000));
        let mtu = 96 + random(1400);
        let mut parts = split(&packet, mtu, 77).unwrap();
        let count = parts.len();
        for i in (1..count).rev() {
            parts.swap(i, random(i + 1));
        }
        let mut waiting = Fragments::default();
        for (i, part) in parts.iter().enumerate() {
            let (got, now) = feed(&mut waiting, part, at(1));
            match got {
                Gathered::Same => assert_eq!((count, &now.bytes), (1, &packet)),
                Gathered::Waiting => assert!(i + 1 < count),
                Gathered::Whole(origin) => {
                    assert_eq!(i + 1, count);
                    assert_eq!(now.bytes, packet, "round {round}");
                    assert!(ox_packet::validate(&now.bytes, false).is_ok());
                    parts.sort_by_key(|p| Packet::new(p.clone()).unwrap().key.frag_off);
                    assert_eq!(wire(&now, Some(&origin), 1500, 77).unwrap(), parts, "they leave as they came");
                    break;
                }
                Gathered::Dropped(why, _) => panic!("round {round}: {why}"),
            }
        }
        assert!(waiting.is_empty() && waiting.held == 0);
    }
}

#[test]
fn duplicates_are_dropped_and_overlaps_end_it_all() {
    let packet = whole(true, 792);
    let mut waiting = Fragments::default();
    assert_eq!(feed(&mut waiting, &piece(&packet, 0, 160), at(1)).0, Gathered::Waiting);
    let same = feed(&mut waiting, &piece(&packet, 80, 160), at(1)).0;
    assert!(matches!(same, Gathered::Dropped(..)), "{same:?}");
    assert_eq!(waiting.len(), 1);
    assert_eq!(feed(&mut waiting, &piece(&packet, 160, 320), at(1)).0, Gathered::Waiting);
    // Both came one after the other, so this is within one run.
    feed(&mut waiting, &piece(&packet, 80, 240), at(1));
    assert_eq!(waiting.len(), 1);
    feed(&mut waiting, &piece(&packet, 240, 400), at(1));
    assert!(waiting.is_empty());
}

#[test]
fn an_end_that_moves_ends_it_all() {
    let packet = whole(true, 792);
    let longer = whole(true, 992);
    let mut waiting = Fragments::default();
    feed(&mut waiting, &piece(&packet, 400, 800), at(1));
    feed(&mut waiting, &piece(&longer, 800, 1000), at(1));
    assert!(waiting.is_empty());
}

#[test]
fn they_wait_thirty_seconds_or_sixty() {
    for (v4, seconds) in [(true, 30), (false, 60)] {
        let parts = split(&whole(v4, 2000), 1280, 5).unwrap();
        for (last, comes) in [(seconds, true), (seconds + 1, false)] {
            let mut waiting = Fragments::default();
            assert_eq!(feed(&mut waiting, &parts[0], at(1)).0, Gathered::Waiting);
            let (got, _) = feed(&mut waiting, &parts[1], at(last));
            assert_eq!(matches!(got, Gathered::Whole(_)), comes, "after {} s", last - 1);
        }
    }
}

#[test]
fn the_largest_fragment_says_whether_it_may_be_cut_again() {
    let mut packet = whole(true, 3000);
    packet[6] |= 0x40;
    ox_packet::checksum::fix_ipv4(&mut packet);
    let parts = split(&packet, 1400, 0).unwrap();
    let mut waiting = Fragments::default();
    let mut last = None;
    for part in &parts {
        last = Some(feed(&mut waiting, part, at(0)));
    }
    let Some((Gathered::Whole(origin), packet)) = last else { panic!("{last:?}") };
    assert_eq!((origin.max, packet.bytes[6] & 0x40), (1396, 0x40));
    assert!(wire(&packet, Some(&origin), 1300, 0).is_none());
    let parts = wire(&packet, Some(&origin), 1400, 0).unwrap();
    assert_eq!(parts.iter().map(|p| (p.len(), p[6] & 0x40)).collect::<Vec<_>>(), [(1396, 0), (1396, 0), (276, 0)]);
    // Had a rule changed its size, it would be cut anew, and say so.
    let origin = Origin { sizes: vec![8], ..origin };
    assert!(wire(&packet, Some(&origin), 1400, 0).unwrap().iter().all(|p| p[6] & 0x40 != 0));
}

#[test]
fn congestion_marks_are_joined() {
    let packet = whole(true, 2000);
    for (first, second, becomes) in [(2, 3, Some(3)), (2, 1, Some(2)), (0, 0, Some(0)), (0, 3, None)] {
        let mut parts = split(&packet, 1280, 0).unwrap();
        parts[0][1] = first;
        parts[1][1] = second;
        let mut waiting = Fragments::default();
        feed(&mut waiting, &parts[0], at(0));
        let (got, packet) = feed(&mut waiting, &parts[1], at(0));
        assert_eq!(matches!(got, Gathered::Whole(_)).then_some(packet.bytes[1]), becomes, "{first} {second}");
    }
}

#[test]
fn a_fragment_of_one_is_only_a_header_too_many() {
    use ox_packet::Ext;
    let one =
        Build { extensions: vec![Ext::Fragment { offset: 0, more: false, id: 9 }], ..Build::udp((A6, 1), (B6, 2)) };
    let bytes = one.payload([1; 8]).bytes();
    let (got, packet) = feed(&mut Fragments::default(), &bytes, at(0));
    assert!(matches!(got, Gathered::Whole(_)), "{got:?}");
    assert_eq!((packet.bytes[6], packet.bytes.len()), (17, bytes.len() - 8));
}

/// Fragments as (start, end, more), and whether they make a packet, IPv4 and IPv6: as Linux 6.18 forwarded them.
type Case = (&'static [(usize, usize, bool)], bool, bool);

const KERNEL: &[Case] = &[
    (&[(0, 160, true), (80, 160, true), (160, 800, false)], true, true),
    (&[(0, 160, true), (160, 320, true), (80, 240, true), (320, 800, false)], true, true),
    (&[(160, 320, true), (0, 160, true), (80, 240, true), (320, 800, false)], false, false),
    (&[(0, 160, true), (80, 240, true), (160, 800, false)], false, false),
    (&[(400, 800, false), (800, 1000, false), (0, 400, true)], false, true),
    (&[(0, 400, true), (400, 800, false), (400, 800, false)], true, true),
    (&[(0, 100, true), (96, 800, false)], true, false),
    (&[(160, 320, true), (0, 160, true), (0, 160, true), (320, 800, false)], true, true),
    (&[(0, 160, true), (320, 480, true), (160, 320, true), (160, 480, true), (480, 800, false)], false, false),
    (&[(400, 800, false), (400, 800, true), (0, 400, true)], true, true),
    (&[(0, 4, true), (0, 400, true), (400, 800, false)], true, true),
];

#[test]
fn what_the_kernel_puts_together_is_put_together() {
    use ox_packet::{Ext, L4};
    for (i, &(pieces, four, six)) in KERNEL.iter().enumerate() {
        for (v4, expected) in [(true, four), (false, six)] {
            let mut waiting = Fragments::default();
            let mut made = 0;
            for &(start, end, more) in pieces {
                let offset = start as u16;
                let build = match v4 {
                    true => Build::new(A, B, L4::Other(17)).fragment(offset, more, 9),
                    false => Build {
                        extensions: vec![Ext::Fragment { offset, more, id: 9 }],
                        ..Build::new(A6, B6, L4::Other(17))
                    },
                };
                let (got, _) = feed(&mut waiting, &build.payload(vec![0; end - start]).bytes(), at(0));
                made += usize::from(matches!(got, Gathered::Whole(_)));
            }
            assert_eq!(made == 1, expected, "case {i}, IPv{}", if v4 { 4 } else { 6 });
        }
    }
}

#[test]
fn fragments_reach_a_tracking_machine_as_one_packet() {
    use crate::machine::{Fate, Machine};
    use crate::trace::{Event, Note, Trace};
    use crate::world::World;
    use ox_packet::iface_number;
    use ox_rules::ir::{Hook, Program};
    for tracking in [true, false] {
        let mut world = World::default();
        world.iface_mut("eth0").addrs.push((Family::V4, u32::from(B).into(), 24));
        world.iface_mut("eth0").addrs.push((Family::V4, 0xc000_0201, 24));
        let program = Program { tracking, ..Program::default() };
        let mut machine = Machine::new(Family::V4, vec![std::sync::Arc::new(program)], world, 1);
        let packet = whole(true, 2000);
        let mut fates = Vec::new();
        let mut inputs = 0;
        for part in split(&packet, 1000, 3).unwrap().into_iter().rev() {
            let mut part = Packet::new(part).unwrap();
            part.key.iif = iface_number("eth0");
            let mut trace = Trace::default();
            let outcome = machine.receive(part, &mut trace);
            inputs += trace.events.iter().filter(|e| matches!(e, Event::Hook { hook: Hook::Input, .. })).count();
            let noted = trace.events.iter().any(|e| matches!(e, Event::Note(Note::Fragment)));
            assert_eq!(noted, outcome.fate == Fate::Waiting);
            if noted {
                assert_eq!(outcome.hook, Some(Hook::Prerouting));
            }
            fates.push(outcome.fate);
            if fates.len() == 3 {
                assert_eq!(outcome.packet.bytes, packet);
            }
        }
        assert_eq!(fates, [Fate::Waiting, Fate::Waiting, Fate::Delivered { dev: iface_number("eth0") }]);
        assert_eq!(inputs, 1, "INPUT sees the whole packet, tracked or not");
    }
}

#[test]
fn a_sysctl_says_how_long_they_wait() {
    let mut world = crate::world::World::default();
    assert!(world.sysctl("net.ipv4.ipfrag_time", 5));
    let mut waiting = Fragments::new(world.settings.fragments);
    let parts = split(&whole(true, 2000), 1280, 5).unwrap();
    assert_eq!(feed(&mut waiting, &parts[0], at(1)).0, Gathered::Waiting);
    assert_eq!(waiting.expire(at(5)), 0);
    assert_eq!(waiting.expire(at(6)), 1);
}
