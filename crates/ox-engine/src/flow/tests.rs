//! Connections followed packet by packet, with the lines a 6.18 kernel printed for the same packets.

use super::*;
use ox_packet::checksum::Sum;
use ox_packet::{Build, Family, L4, Sender, icmp_error, proto, tcp as flag};
use ox_rules::ir::Template;
use std::net::{IpAddr, Ipv6Addr};
use timeout::SECOND;

fn at(seconds: u64) -> Now {
    Now { wall: seconds * SECOND, mono: seconds * SECOND }
}

const A: ([u8; 4], u16) = ([10, 0, 0, 1], 4000);
const B: ([u8; 4], u16) = ([203, 0, 113, 9], 80);

struct Host {
    flows: Flows,
    template: Option<Template>,
}

impl Host {
    fn new() -> Self {
        Self { flows: Flows::new(Settings::default(), [1, 2]), template: None }
    }

    fn sees(&mut self, build: Build, now: Now) -> Tracked {
        self.sees_bytes(build.bytes(), now)
    }

    fn sees_bytes(&mut self, bytes: Vec<u8>, now: Now) -> Tracked {
        let packet = Packet::new(bytes).unwrap();
        let tracked = self.flows.track(&packet, false, self.template.as_ref(), now);
        if let Some(id) = tracked.flow {
            assert_eq!(self.flows.confirm(id, tracked.dir, now), Confirmed::Accept(id));
        }
        tracked
    }

    fn flow(&self, tracked: Tracked) -> &Flow {
        self.flows.get(tracked.flow.unwrap()).unwrap()
    }

    fn lines(&self, now: Now) -> Vec<String> {
        self.flows.iter(now).map(|flow| proc_line(flow, now)).collect()
    }
}

/// A segment from A (`true`) or B.
fn segment(from_a: bool, flags: u8, seq: u32, ack: u32, payload: usize) -> Build {
    let (from, to) = if from_a { (A, B) } else { (B, A) };
    let l4 = L4::Tcp { sport: from.1, dport: to.1, seq, ack, flags, window: 10_000, options: Vec::new() };
    Build::new(from.0, to.0, l4).payload(vec![7; payload])
}

#[test]
fn udp_is_new_then_established_then_a_stream_then_gone() {
    let mut host = Host::new();
    let there = host.sees(Build::udp(A, B), at(0));
    assert_eq!((there.kind, there.dir), (ConnKind::New, Dir::Original));
    assert_eq!(host.flow(there).left(at(0)), 30 * SECOND);
    let back = host.sees(Build::udp(B, A), at(1));
    assert_eq!((back.kind, back.dir, back.flow), (ConnKind::Established, Dir::Reply, there.flow));
    assert!(!host.flow(back).has(status::ASSURED));
    let on = host.sees(Build::udp(A, B), at(3));
    assert_eq!(on.kind, ConnKind::Established);
    assert!(host.flow(on).has(status::ASSURED));
    assert_eq!(host.flow(on).left(at(3)), 120 * SECOND);
    assert_eq!(host.sees(Build::udp(A, B), at(123)).kind, ConnKind::New);
    assert_eq!(host.flows.len(), 1);
}

#[test]
fn tcp_opens_closes_lingers_and_opens_again() {
    use flag::{ACK, FIN, SYN};
    let mut host = Host::new();
    let steps = [
        (true, SYN, 100, 0, ConnKind::New, tcp::SYN_SENT, 120),
        (false, SYN | ACK, 500, 101, ConnKind::Established, tcp::SYN_RECV, 60),
        (true, ACK, 101, 501, ConnKind::Established, tcp::ESTABLISHED, 432_000),
        (true, FIN | ACK, 101, 501, ConnKind::Established, tcp::FIN_WAIT, 120),
        (false, ACK, 501, 102, ConnKind::Established, tcp::CLOSE_WAIT, 60),
        (false, FIN | ACK, 501, 102, ConnKind::Established, tcp::LAST_ACK, 30),
        (true, ACK, 102, 502, ConnKind::Established, tcp::TIME_WAIT, 120),
    ];
    let mut flow = None;
    for (from_a, flags, seq, ack, kind, state, timeout) in steps {
        let seen = host.sees(segment(from_a, flags, seq, ack, 0), at(0));
        assert_eq!((seen.kind, host.flow(seen).conn.tcp_state), (kind, state));
        assert_eq!(host.flow(seen).left(at(0)), timeout * SECOND, "{}", tcp::name(state));
        flow = seen.flow;
    }
    assert!(host.flows.get(flow.unwrap()).unwrap().has(status::ASSURED));
    let again = host.sees(segment(true, SYN, 9000, 0, 0), at(1));
    assert_eq!(again.kind, ConnKind::New);
    assert_ne!(again.flow, flow);
    assert_eq!(host.flows.len(), 1);
}

#[test]
fn an_unanswered_connection_is_over_with_its_reset() {
    let mut host = Host::new();
    let syn = host.sees(segment(true, flag::SYN, 100, 0, 0), at(0));
    let reset = host.sees(segment(false, flag::RST | flag::ACK, 0, 101, 0), at(0));
    assert_eq!((reset.kind, reset.flow), (ConnKind::Established, syn.flow));
    assert!(host.flows.is_empty());
    assert!(host.flow(reset).has(status::DYING), "the packet can still refer to it");
}

#[test]
fn segments_out_of_window_are_invalid_unless_the_connection_was_picked_up() {
    use flag::{ACK, SYN};
    let mut host = Host::new();
    host.sees(segment(true, SYN, 100, 0, 0), at(0));
    host.sees(segment(false, SYN | ACK, 500, 101, 0), at(0));
    host.sees(segment(true, ACK, 101, 501, 0), at(0));
    assert_eq!(host.sees(segment(true, ACK, 5_000_000, 501, 10), at(0)).kind, ConnKind::None);
    assert_eq!(host.sees(segment(true, ACK, 101, 400_000, 10), at(0)).kind, ConnKind::None);
    assert_eq!(host.sees(segment(true, ACK, 101, 501, 10), at(0)).kind, ConnKind::Established);

    let mut host = Host::new();
    let picked = host.sees(segment(true, ACK, 101, 501, 0), at(0));
    assert_eq!((picked.kind, host.flow(picked).conn.tcp_state), (ConnKind::New, tcp::ESTABLISHED));
    assert_eq!(host.flow(picked).left(at(0)), 300 * SECOND);
    assert_eq!(host.sees(segment(true, ACK, 5_000_000, 501, 10), at(0)).kind, ConnKind::New);

    let mut host = Host::new();
    host.flows.settings.tcp_loose = false;
    assert_eq!(host.sees(segment(true, ACK, 101, 501, 0), at(0)).kind, ConnKind::None);
    assert!(host.flows.is_empty());
}

/// On 6.18 a RST anywhere in the window closes a connection that is not assured; once it is, only one at the exact number.
#[test]
fn a_reset_must_be_exact_once_the_connection_is_assured() {
    use flag::{ACK, RST, SYN};
    let mut host = Host::new();
    host.sees(segment(true, SYN, 100, 0, 0), at(0));
    host.sees(segment(false, SYN | ACK, 500, 101, 0), at(0));
    host.sees(segment(true, ACK, 101, 501, 0), at(0));
    let near = host.sees(segment(false, RST, 600, 0, 0), at(0));
    assert_eq!((host.flow(near).conn.tcp_state, host.flow(near).left(at(0))), (tcp::ESTABLISHED, 10 * SECOND));
    let exact = host.sees(segment(false, RST, 501, 0, 0), at(0));
    assert_eq!(host.flow(exact).conn.tcp_state, tcp::CLOSE);

    let mut host = Host::new();
    host.sees(segment(true, ACK, 101, 501, 0), at(0));
    host.sees(segment(false, SYN | ACK, 700, 101, 0), at(0));
    let near = host.sees(segment(false, RST, 600, 0, 0), at(0));
    assert_eq!(host.flow(near).conn.tcp_state, tcp::CLOSE);
}

#[test]
fn flags_and_checksums_must_make_sense_on_the_way_in() {
    let mut host = Host::new();
    assert_eq!(host.sees(segment(true, flag::SYN | flag::FIN, 1, 0, 0), at(0)).kind, ConnKind::None);
    assert_eq!(host.sees(segment(true, 0, 1, 0, 0), at(0)).kind, ConnKind::None);
    let mut wrong = segment(true, flag::SYN, 1, 0, 4).bytes();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(host.sees_bytes(wrong.clone(), at(0)).kind, ConnKind::None);
    let packet = Packet::new(wrong.clone()).unwrap();
    let sent = host.flows.track(&packet, true, None, at(0));
    assert_eq!(sent.kind, ConnKind::New, "what this host sends is not checked");
    host.flows.discard(sent.flow.unwrap());
    host.flows.settings.checksum = false;
    assert_eq!(host.sees_bytes(wrong, at(0)).kind, ConnKind::New);
}

#[test]
fn icmp_answers_belong_to_questions_and_errors_to_what_they_quote() {
    let mut host = Host::new();
    let reply = |id: u32| Build::new(B.0, A.0, L4::Icmp { kind: 0, code: 0, rest: id << 16 | 1 });
    assert_eq!(host.sees(reply(5), at(0)).kind, ConnKind::None);
    assert_eq!(host.sees(Build::echo(A.0, B.0, 5, 1), at(0)).kind, ConnKind::New);
    assert_eq!(host.sees(reply(5), at(0)).kind, ConnKind::Established);
    assert_eq!(host.sees(reply(6), at(0)).kind, ConnKind::None);

    let sent = Build::udp(A, B);
    let there = host.sees(sent.clone(), at(0));
    let router = Sender { src: 0xc633_6403, ttl: 60, id: 1, mtu: 1500 };
    let error = icmp_error(&sent.bytes(), router, 11, 0, 0).unwrap();
    let about = host.sees_bytes(error.clone(), at(0));
    assert_eq!((about.kind, about.dir, about.flow), (ConnKind::Related, Dir::Reply, there.flow));

    let mut elsewhere = error.clone();
    elsewhere[19] = 77;
    ox_packet::checksum::fix_all(&mut elsewhere);
    assert_eq!(host.sees_bytes(elsewhere, at(0)).kind, ConnKind::None);
    let unknown = icmp_error(&Build::udp(A, ([203, 0, 113, 9], 81)).bytes(), router, 11, 0, 0).unwrap();
    assert_eq!(host.sees_bytes(unknown, at(0)).kind, ConnKind::None);
}

#[test]
fn neighbours_are_not_tracked() {
    let mut host = Host::new();
    let (a, b): (Ipv6Addr, Ipv6Addr) = ("fe80::1".parse().unwrap(), "fe80::2".parse().unwrap());
    for (kind, expected) in [
        (135, ConnKind::Untracked),
        (136, ConnKind::Untracked),
        (130, ConnKind::Untracked),
        (143, ConnKind::Untracked),
        (128, ConnKind::New),
        (129, ConnKind::None),
        (1, ConnKind::None),
    ] {
        let build = Build::new(a, b, L4::Icmp6 { kind, code: 0, rest: u32::from(kind) << 16 });
        assert_eq!(host.sees(build, at(0)).kind, expected, "type {kind}");
    }
}

#[test]
fn zones_keep_equal_tuples_apart() {
    let mut host = Host::new();
    let plain = host.sees(Build::udp(A, B), at(0));
    host.template = Some(Template { zone_orig: 5, zone_reply: 5, ..Template::default() });
    let zoned = host.sees(Build::udp(A, B), at(0));
    assert_eq!(zoned.kind, ConnKind::New);
    assert_ne!(zoned.flow, plain.flow);
    assert_eq!(host.sees(Build::udp(B, A), at(0)).flow, zoned.flow);
    host.template = Some(Template { zone_orig: 7, ..Template::default() });
    assert_eq!(host.sees(Build::udp(([10, 0, 0, 3], 1), B), at(0)).kind, ConnKind::New);
    host.template = None;
    // The answer is looked up in the reply's zone, which is 0.
    assert_eq!(host.sees(Build::udp(B, ([10, 0, 0, 3], 1)), at(0)).kind, ConnKind::Established);
}

#[test]
fn a_full_table_drops_what_nobody_would_miss_and_then_packets() {
    let mut host = Host::new();
    host.flows.settings.max = 3;
    let keep = host.sees(Build::udp(A, B), at(0));
    host.sees(Build::udp(B, A), at(0));
    host.sees(Build::udp(A, B), at(5));
    assert!(host.flow(keep).has(status::ASSURED));
    let mut dropped = 0;
    for port in 0..200 {
        let packet = Packet::new(Build::udp(([10, 0, 0, 2], port), B).bytes()).unwrap();
        let tracked = host.flows.track(&packet, false, None, at(5));
        match tracked.flow {
            Some(id) => assert_eq!(host.flows.confirm(id, tracked.dir, at(5)), Confirmed::Accept(id)),
            None => {
                assert_eq!(tracked.verdict, Fate::Drop);
                dropped += 1;
            }
        }
        assert!(host.flows.len() <= 3);
    }
    assert!(host.flows.get(keep.flow.unwrap()).is_some());
    assert!(dropped > 0 && dropped < 200, "{dropped}");
}

#[test]
fn two_first_packets_of_one_conversation_become_one_connection() {
    let mut host = Host::new();
    let packet = Packet::new(Build::udp(A, B).bytes()).unwrap();
    let first = host.flows.track(&packet, false, None, at(0)).flow.unwrap();
    let second = host.flows.track(&packet, false, None, at(0)).flow.unwrap();
    assert_eq!(host.flows.confirm(first, Dir::Original, at(0)), Confirmed::Accept(first));
    assert_eq!(host.flows.confirm(second, Dir::Original, at(0)), Confirmed::Accept(first));
    let syn = Packet::new(segment(true, flag::SYN, 1, 0, 0).bytes()).unwrap();
    let first = host.flows.track(&syn, false, None, at(0)).flow.unwrap();
    let second = host.flows.track(&syn, false, None, at(0)).flow.unwrap();
    assert_eq!(host.flows.confirm(first, Dir::Original, at(0)), Confirmed::Accept(first));
    assert_eq!(host.flows.confirm(second, Dir::Original, at(0)), Confirmed::Drop);
    assert_eq!(host.flows.len(), 2);
}

#[test]
fn expired_connections_are_handed_out_in_order_of_age() {
    let mut host = Host::new();
    for port in (1..20).rev() {
        host.sees(Build::udp(([10, 0, 0, 1], port), B), at(0));
    }
    host.sees(Build::udp(([10, 0, 0, 1], 50), B), at(20));
    let gone: Vec<u16> = host.flows.clean(at(30)).iter().map(|flow| flow.conn.original.sport).collect();
    assert_eq!(gone, (1..20).rev().collect::<Vec<_>>());
    assert_eq!(host.flows.len(), 1);
}

#[test]
fn lines_are_the_kernels() {
    let mut host = Host::new();
    host.flows.settings.acct = true;
    let (a, b) = (A.0, B.0);
    host.sees(Build::udp((a, 1), (b, 2)).payload(*b"a"), at(0));
    host.sees(Build::udp((b, 2), (a, 1)).payload(*b"a"), at(0));
    host.template = Some(Template { zone_orig: 5, zone_reply: 5, ..Template::default() });
    host.sees(Build::echo(a, b, 5, 0), at(0));
    host.template = Some(Template { zone_orig: 7, ..Template::default() });
    host.sees(Build::tcp((a, 5), (b, 80), flag::SYN), at(0));
    host.template = Some(Template { zone_reply: 8, ..Template::default() });
    host.sees(Build::new(a, b, L4::Other(99)).payload(*b"abcdefgh"), at(0));
    host.template = None;
    host.sees(Build::new(a, b, L4::Pptp { call: 7 }).payload(*b"gregre"), at(0));
    let (a, b): (Ipv6Addr, Ipv6Addr) = ("fd00::1".parse().unwrap(), "fd01::9".parse().unwrap());
    host.sees(Build::udp((a, 1), (b, 2)).payload(*b"a"), at(0));
    assert_eq!(
        host.lines(at(0)),
        [
            "ipv4     2 udp      17 30 src=10.0.0.1 dst=203.0.113.9 sport=1 dport=2 packets=1 bytes=29 src=203.0.113.9 dst=10.0.0.1 sport=2 dport=1 packets=1 bytes=29 mark=0 zone=0 use=2",
            "ipv4     2 icmp     1 30 src=10.0.0.1 dst=203.0.113.9 type=8 code=0 id=5 packets=1 bytes=28 [UNREPLIED] src=203.0.113.9 dst=10.0.0.1 type=0 code=0 id=5 packets=0 bytes=0 mark=0 zone=5 use=2",
            "ipv4     2 tcp      6 120 SYN_SENT src=10.0.0.1 dst=203.0.113.9 sport=5 dport=80 zone-orig=7 packets=1 bytes=40 [UNREPLIED] src=203.0.113.9 dst=10.0.0.1 sport=80 dport=5 packets=0 bytes=0 mark=0 use=2",
            "ipv4     2 unknown  99 600 src=10.0.0.1 dst=203.0.113.9 packets=1 bytes=28 [UNREPLIED] src=203.0.113.9 dst=10.0.0.1 zone-reply=8 packets=0 bytes=0 mark=0 use=2",
            "ipv4     2 gre      47 30 timeout=30, stream_timeout=180 src=10.0.0.1 dst=203.0.113.9 srckey=0x0 dstkey=0x7 packets=1 bytes=34 [UNREPLIED] src=203.0.113.9 dst=10.0.0.1 srckey=0x7 dstkey=0x0 packets=0 bytes=0 mark=0 zone=0 use=2",
            "ipv6     10 udp      17 30 src=fd00:0000:0000:0000:0000:0000:0000:0001 dst=fd01:0000:0000:0000:0000:0000:0000:0009 sport=1 dport=2 packets=1 bytes=49 [UNREPLIED] src=fd01:0000:0000:0000:0000:0000:0000:0009 dst=fd00:0000:0000:0000:0000:0000:0000:0001 sport=2 dport=1 packets=0 bytes=0 mark=0 zone=0 use=2",
        ]
    );
    let tool: Vec<String> = host.flows.iter(at(1)).map(|flow| conntrack_line(flow, at(1))).collect();
    assert_eq!(
        tool[1],
        "icmp     1 29 src=10.0.0.1 dst=203.0.113.9 type=8 code=0 id=5 packets=1 bytes=28 [UNREPLIED] src=203.0.113.9 dst=10.0.0.1 type=0 code=0 id=5 packets=0 bytes=0 mark=0 zone=5 use=1"
    );
    assert_eq!(
        tool[4],
        "gre      47 29 src=10.0.0.1 dst=203.0.113.9 srckey=0x0 dstkey=0x7 packets=1 bytes=34 [UNREPLIED] src=203.0.113.9 dst=10.0.0.1 srckey=0x7 dstkey=0x0 packets=0 bytes=0 mark=0 use=1"
    );
    assert_eq!(
        tool[5],
        "udp      17 29 src=fd00::1 dst=fd01::9 sport=1 dport=2 packets=1 bytes=49 [UNREPLIED] src=fd01::9 dst=fd00::1 sport=2 dport=1 packets=0 bytes=0 mark=0 use=1"
    );
}

#[test]
fn udp_lite_is_checked_as_if_it_were_udp() {
    let mut host = Host::new();
    let right = Build::new(A.0, B.0, L4::with_ports(proto::UDPLITE, 4096, 53)).payload(*b"data");
    assert_eq!(host.sees(right.clone(), at(0)).kind, ConnKind::None);
    let mut bytes = right.bytes();
    bytes[26..28].fill(0);
    let (IpAddr::V4(a), IpAddr::V4(b)) = (right.src, right.dst) else { unreachable!() };
    let (src, dst) = (u32::from(a).into(), u32::from(b).into());
    let sum = Sum::pseudo(Family::V4, src, dst, proto::UDP, 12).bytes(&bytes[20..]).checksum();
    bytes[26..28].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(host.sees_bytes(bytes, at(0)).kind, ConnKind::New);
}

#[test]
fn a_policy_sets_timeouts_and_a_helper_is_remembered() {
    let mut host = Host::new();
    host.flows.set_policy("short", Timeouts { udp: [3 * SECOND, 4 * SECOND], ..Timeouts::default() });
    host.template = Some(Template { timeout: Some("short".into()), helper: Some("ftp".into()), ..Template::default() });
    let seen = host.sees(Build::udp(A, B), at(0));
    assert_eq!(host.flow(seen).left(at(0)), 3 * SECOND);
    assert_eq!(host.flow(seen).conn.helper.as_deref(), Some("ftp"));
}
