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
