//! Connections followed packet by packet.

use super::*;
use ox_packet::{Build, tcp as flag};

fn at(seconds: u64) -> Now {
    Now { wall: seconds * timeout::SECOND, mono: seconds * timeout::SECOND }
}

const A: ([u8; 4], u16) = ([10, 0, 0, 1], 4000);
const B: ([u8; 4], u16) = ([10, 0, 0, 2], 80);

struct Host(Flows);

impl Host {
    fn new() -> Self {
        Self(Flows::new(Settings::default(), [1, 2]))
    }

    fn sees(&mut self, build: Build, now: Now) -> Tracked {
        let packet = Packet::new(build.bytes()).unwrap();
        let tracked = self.0.track(&packet, false, None, now);
        if let Some(id) = tracked.flow {
            assert_eq!(self.0.confirm(id, tracked.dir, now), Confirmed::Accept(id));
        }
        tracked
    }

    fn flow(&self, tracked: Tracked) -> &Flow {
        self.0.get(tracked.flow.unwrap()).unwrap()
    }
}

#[test]
fn udp_is_new_then_established_then_a_stream_then_gone() {
    let mut host = Host::new();
    let there = host.sees(Build::udp(A, B), at(0));
    assert_eq!((there.kind, there.dir), (ConnKind::New, Dir::Original));
    assert_eq!(host.flow(there).left(at(0)), 30 * timeout::SECOND);
    let back = host.sees(Build::udp(B, A), at(1));
    assert_eq!((back.kind, back.dir, back.flow), (ConnKind::Established, Dir::Reply, there.flow));
    assert!(!host.flow(back).has(status::ASSURED));
    let on = host.sees(Build::udp(A, B), at(3));
    assert_eq!(on.kind, ConnKind::Established);
    assert!(host.flow(on).has(status::ASSURED));
    assert_eq!(host.flow(on).left(at(3)), 120 * timeout::SECOND);
    assert_eq!(host.sees(Build::udp(A, B), at(123)).kind, ConnKind::New);
    assert_eq!(host.0.len(), 1);
}

#[test]
fn tcp_opens_closes_and_lingers() {
    let mut host = Host::new();
    let kinds = [(A, B, flag::SYN, ConnKind::New, tcp::SYN_SENT)];
    for (from, to, flags, kind, state) in kinds {
        let seen = host.sees(Build::tcp(from, to, flags), at(0));
        assert_eq!(seen.kind, kind);
        assert_eq!(host.flow(seen).conn.tcp_state, state);
    }
}
