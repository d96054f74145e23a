//! Random packets: new connections over the pools the rules are made of, answers to what was seen to leave, the next
//! packet of an old connection, errors about one, and odd ones.

use super::dice::Rng;
use super::lab::{Cast, Seen, Way};
use super::values::{NEEDLE, PORTS, pools};
use super::wide::Mode;
use ox_packet::{Build, Ext, Family, Key, L4, extract, ip_address, tcp};
use std::collections::VecDeque;
use std::net::IpAddr;

/// The address that a host makes of the first neighbour's link-layer address.
const OF_FIRST_NEIGHBOUR: &str = "2001:db8:1::ff:fe00:1";

/// What has happened so far, for later packets to refer to.
#[derive(Debug, Default)]
pub struct History {
    /// What the rules are made of.
    mode: Mode,
    /// Fragments that are still to come.
    parts: VecDeque<(Way, Vec<u8>)>,
    sent: Vec<(Way, Vec<u8>)>,
    seen: Vec<Seen>,
}

impl History {
    /// Nothing has happened yet to rules of this make.
    pub fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Notes a packet and what came of it.
    pub fn note(&mut self, way: Way, packet: &[u8], seen: &[Seen]) {
        self.sent.push((way, packet.to_vec()));
        self.seen.extend_from_slice(seen);
    }

    /// The next packet and the way it takes.
    pub fn next(&mut self, rng: &mut Rng, family: Family) -> (Way, Vec<u8>) {
        // Sometimes another packet comes between the fragments of one, and sometimes they change places.
        if !self.parts.is_empty() && !rng.one_in(6) {
            let at = if rng.one_in(6) { rng.below(self.parts.len()) } else { 0 };
            if let Some(part) = self.parts.remove(at) {
                return part;
            }
        }
        if rng.one_in(if self.mode == Mode::Loose { 8 } else { 25 }) && self.mode != Mode::Copies {
            self.cut(rng, family);
        }
        // What the host sends to groups of its own accord, copies among it, the lab keeps in.
        if rng.one_in(20) && (self.mode != Mode::Copies || family == Family::V4) {
            return many(rng, family);
        }
        if rng.one_in(if self.mode == Mode::Plain { 10 } else { 5 }) {
            return rare(rng, family, self.mode);
        }
        for _ in 0..8 {
            let made = match rng.below(10) {
                0..=3 => Some(new(rng, family)),
                4..=6 => self.answer(rng),
                7 => self.again(rng),
                8 => self.error(rng),
                _ => Some(odd(rng, family)),
            };
            if let Some(made) = made {
                return made;
            }
        }
        new(rng, family)
    }

    /// A packet that comes in fragments. An IPv6 host puts its own together after INPUT, behind the witness, so that only
    /// those to others tell anything.
    fn cut(&mut self, rng: &mut Rng, family: Family) {
        let p = pools(family);
        let to = if family == Family::V4 { &[p.outside, p.own].concat() } else { p.outside };
        let (src, dst) = (*rng.pick(p.inside), *rng.pick(to));
        let mut build = Build::new(addr(src), addr(dst), l4(rng, family)).payload(vec![b'f'; 40 + rng.below(60)]);
        build.id = 1 + rng.below(60_000) as u16;
        let head = if family == Family::V4 { 20 } else { 48 };
        let parts = ox_packet::split(&build.bytes(), head + 8 * (3 + rng.below(6)), rng.draw() as u32);
        self.parts = parts.unwrap_or_default().into_iter().map(|part| (Way::In("in0"), part)).collect();
    }

    /// The other side's answer to a packet that was seen to leave or arrive.
    fn answer(&self, rng: &mut Rng) -> Option<(Way, Vec<u8>)> {
        let recent = &self.seen[self.seen.len().saturating_sub(6)..];
        if recent.is_empty() {
            return None;
        }
        let (way, bytes) = match rng.pick(recent) {
            Seen::Out(dev, bytes) => (Way::In(if dev == "in0" { "in0" } else { "out0" }), bytes),
            Seen::Delivered(_, bytes) => (Way::Local, bytes),
        };
        // What a SYN proxy makes of an answer to its cookie only the kernel knows that made the cookie.
        if self.mode == Mode::Wide && is_cookie(bytes) {
            return None;
        }
        Some((way, reply(bytes, rng)?))
    }

    /// A packet sent before, again or as the next of its connection.
    fn again(&self, rng: &mut Rng) -> Option<(Way, Vec<u8>)> {
        if self.sent.is_empty() {
            return None;
        }
        let (way, bytes) = rng.pick(&self.sent).clone();
        let mut key = Key::default();
        let at = extract(&bytes, &mut key).ok()?;
        if at.proto != 6 || !rng.one_in(2) {
            return Some((way, bytes));
        }
        let segment = ox_packet::Tcp::new(at.l4(&bytes))?;
        let l4 = L4::Tcp {
            sport: key.sport,
            dport: key.dport,
            seq: segment.seq().wrapping_add(1),
            ack: 7001,
            flags: tcp::ACK,
            window: 4000,
            options: Vec::new(),
        };
        Some((way, ends(&key, at.family, false, l4).payload(payload(rng)).bytes()))
    }

    /// An ICMP error from a router about a packet that was seen to leave.
    fn error(&self, rng: &mut Rng) -> Option<(Way, Vec<u8>)> {
        let out: Vec<_> =
            self.seen.iter().filter_map(|s| if let Seen::Out(d, b) = s { Some((d, b)) } else { None }).collect();
        if out.is_empty() {
            return None;
        }
        let (dev, bytes) = out[rng.below(out.len())];
        let mut key = Key::default();
        let at = extract(bytes, &mut key).ok()?;
        let router = if rng.one_in(2) { ip_address(at.family, key.dst) } else { router(at.family, dev) };
        let src = ox_packet::ip_number(router).1;
        let sender = ox_packet::Sender { src, ttl: 60, id: 99, mtu: 1500 };
        let (kind, code) = match at.family {
            Family::V4 => *rng.pick(&[(3, 1), (3, 3), (11, 0)]),
            Family::V6 => *rng.pick(&[(1, 0), (1, 4), (3, 0)]),
        };
        let error = ox_packet::icmp_error(bytes, sender, kind, code, 0)?;
        Some((Way::In(if dev == "in0" { "in0" } else { "out0" }), error))
    }
}

/// Whether this is a SYN proxy's answer: its window is closed.
pub(super) fn is_cookie(bytes: &[u8]) -> bool {
    let mut key = Key::default();
    extract(bytes, &mut key).is_ok_and(|at| {
        at.proto == 6
            && key.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::SYN | tcp::ACK
            && at.l4(bytes).get(14..16) == Some(&[0, 0])
    })
}

fn router(family: Family, dev: &str) -> IpAddr {
    let text = match (family, dev) {
        (Family::V4, "in0") => "192.0.2.254",
        (Family::V4, _) => "198.51.100.254",
        (Family::V6, "in0") => "2001:db8:1::ff",
        (Family::V6, _) => "2001:db8:2::ff",
    };
    text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

/// The first packet of a connection.
fn new(rng: &mut Rng, family: Family) -> (Way, Vec<u8>) {
    let p = pools(family);
    let (way, src, dst) = match rng.below(13) {
        // Its answer would leave by another interface.
        0 => (Way::In(*rng.pick(&["in0", "out0"])), *rng.pick(&[p.inside, p.outside].concat()), *rng.pick(p.own)),
        1..=4 => (Way::In("in0"), *rng.pick(p.inside), *rng.pick(p.outside)),
        5 | 6 => (Way::In("out0"), *rng.pick(p.outside), *rng.pick(p.inside)),
        7 | 8 => (Way::In("in0"), *rng.pick(p.inside), *rng.pick(p.own)),
        9 | 10 => (Way::Local, *rng.pick(p.own), *rng.pick(&[p.inside, p.outside].concat())),
        _ => (Way::Local, *rng.pick(p.own), *rng.pick(p.own)),
    };
    let build = Build::new(addr(src), addr(dst), l4(rng, family)).payload(payload(rng));
    (way, finish(build, rng, way))
}

fn l4(rng: &mut Rng, family: Family) -> L4 {
    let (sport, dport) = (*rng.pick(&PORTS), *rng.pick(&PORTS));
    match rng.below(10) {
        0..=3 => {
            let mut options = vec![2, 4, 5, 0xb4];
            if rng.one_in(3) {
                options.extend([3, 3, 7, 0]);
            }
            L4::Tcp { sport, dport, seq: 1000, ack: 0, flags: tcp::SYN, window: 4000, options }
        }
        4 => {
            let flags = *rng.pick(&[tcp::ACK, tcp::RST, tcp::FIN | tcp::ACK, 0, 0x3f, tcp::SYN | tcp::ACK]);
            L4::Tcp { sport, dport, seq: 1000, ack: 1, flags, window: 4000, options: Vec::new() }
        }
        5..=7 => L4::Udp { sport, dport },
        8 => {
            let rest = u32::from(sport) << 16 | 1;
            match family {
                Family::V4 => L4::Icmp { kind: 8, code: 0, rest },
                Family::V6 => L4::Icmp6 { kind: 128, code: 0, rest },
            }
        }
        _ => {
            let chunk = *rng.pick(&[(1u8, 0u8), (0, 3), (10, 0)]);
            let data = if chunk.0 == 1 { vec![0; 16] } else { vec![0; 12] };
            let tag = if chunk.0 == 1 { 0 } else { 9 };
            L4::Sctp { sport, dport, tag, chunks: vec![(chunk.0, chunk.1, data)] }
        }
    }
}

/// Protocols that few speak, extension headers, and congestion notices.
fn rare(rng: &mut Rng, family: Family, mode: Mode) -> (Way, Vec<u8>) {
    let p = pools(family);
    let dst = addr(*rng.pick(&[p.outside, p.own].concat()));
    // The second is the one that its link-layer address makes (`-m eui64`).
    let src = if family == Family::V6 && rng.one_in(2) { OF_FIRST_NEIGHBOUR } else { *rng.pick(p.inside) };
    if family == Family::V6 && rng.one_in(2) {
        let mut build = Build::new(addr(src), dst, l4(rng, family)).payload(payload(rng));
        build.extensions = extensions(rng, mode);
        return (Way::In("in0"), build.bytes());
    }
    let (sport, dport) = (*rng.pick(&PORTS), *rng.pick(&PORTS));
    let index = *rng.pick(&[1, 2, 0x100, 0x3333_3333, 0x7000_0000]);
    let (l4, data) = match rng.below(7) {
        0 | 1 => {
            let options = rng.pick(&[&[][..], &[0, 1, 32, 4, 9, 9], &[36, 3, 7], &[33]]).to_vec();
            (L4::Dccp { sport, dport, kind: rng.below(11) as u8, seq: 5, options }, payload(rng))
        }
        2 => (L4::Ah { next: *rng.pick(&[59, 17]), spi: index, seq: 1 }, payload(rng)),
        3 => (L4::Esp { spi: index, seq: 1 }, payload(rng)),
        4 => (L4::Other(108), [&[6, 0][..], &(index as u16).to_be_bytes(), b"squeezed"].concat()),
        5 if family == Family::V6 => (L4::Mh { kind: rng.below(5) as u8 }, Vec::new()),
        _ => {
            let flags = tcp::SYN | *rng.pick(&[tcp::ECE, tcp::CWR, tcp::ECE | tcp::CWR]);
            let options = vec![2, 4, 5, 0xb4, 4, 2, 1, 1];
            (L4::Tcp { sport, dport, seq: 1000, ack: 0, flags, window: 4000, options }, payload(rng))
        }
    };
    let build = Build::new(addr(src), dst, l4).payload(data).tos(*rng.pick(&[0, 1, 2, 3, 0x2a]));
    (Way::In("in0"), build.bytes())
}

/// Extension headers in the order that hosts use.
fn extensions(rng: &mut Rng, mode: Mode) -> Vec<Ext> {
    let hops = ["2001:db8:2::20", "2001:db8:2::7"].map(|hop| ox_packet::ip_number(addr(hop)).1.to_be_bytes());
    let options = |rng: &mut Rng| rng.pick(&[&[][..], &[30, 2, 8, 8], &[30, 2, 8, 8, 1, 4, 0, 0, 0, 0]]).to_vec();
    let mut all = Vec::new();
    if rng.one_in(3) {
        all.push(Ext::HopByHop(options(rng)));
    }
    match rng.below(if mode == Mode::Plain { 4 } else { 6 }) {
        0 => all.push(Ext::Destination(options(rng))),
        1 => {
            let data = [&[0; 4][..], hops[rng.below(2)].as_slice()].concat();
            all.push(Ext::Routing { kind: 0, segments_left: rng.below(2) as u8, data });
        }
        2 => {
            let data = [&[0; 4][..], &hops[0], &hops[1]].concat();
            all.push(Ext::Routing { kind: *rng.pick(&[0, 2, 4]), segments_left: 2, data });
        }
        // The index of the last segment, and a tag.
        3 | 4 if mode != Mode::Plain => {
            let data = [&[1, 0, 0, 7 * rng.below(2) as u8][..], &hops[0], &hops[1]].concat();
            all.push(Ext::Routing { kind: 4, segments_left: rng.below(3) as u8, data });
        }
        _ => all.push(Ext::Fragment { offset: 0, more: false, id: 7 + rng.below(2) as u32 }),
    }
    all
}

fn payload(rng: &mut Rng) -> Vec<u8> {
    match rng.below(4) {
        0 => Vec::new(),
        1 => format!("xx{NEEDLE}yy").into_bytes(),
        2 => vec![b'z'; 20 + rng.below(60)],
        _ => b"OXTABLE".to_vec(),
    }
}

fn finish(build: Build, rng: &mut Rng, way: Way) -> Vec<u8> {
    let ttl = if way == Way::Local { 64 } else { *rng.pick(&[64, 64, 64, 128, 5, 6, 1]) };
    let mut build = build.ttl(ttl).tos(*rng.pick(&[0, 0, 0, 0x10, 0xb8, 0x28]));
    build.id = 1 + rng.below(60_000) as u16;
    build.bytes()
}

fn ends(key: &Key, family: Family, swapped: bool, l4: L4) -> Build {
    let (src, dst) = if swapped { (key.dst, key.src) } else { (key.src, key.dst) };
    let mut build = Build::new(ip_address(family, src), ip_address(family, dst), l4);
    build.id = 77;
    build
}

fn is_group(family: Family, addr: u128) -> bool {
    match family {
        Family::V4 => addr >> 28 >= 0xe || addr & 0xff == 0xff,
        Family::V6 => addr >> 120 == 0xff,
    }
}

/// What the receiver of a packet answers.
fn reply(bytes: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    let mut key = Key::default();
    let at = extract(bytes, &mut key).ok()?;
    // What was for many is answered by nobody from that address.
    if is_group(at.family, key.dst) {
        return None;
    }
    let (sport, dport) = (key.dport, key.sport);
    let l4 = match at.proto {
        6 => {
            let segment = ox_packet::Tcp::new(at.l4(bytes))?;
            let f = segment.flags();
            if f & tcp::RST != 0 {
                return None;
            }
            let flags = if f & (tcp::SYN | tcp::ACK) == tcp::SYN {
                *rng.pick(&[tcp::SYN | tcp::ACK, tcp::SYN | tcp::ACK, tcp::RST | tcp::ACK])
            } else {
                *rng.pick(&[tcp::ACK, tcp::ACK, tcp::FIN | tcp::ACK, tcp::RST])
            };
            let taken = u32::from(f & (tcp::SYN | tcp::FIN) != 0) + (at.end - at.payload) as u32;
            let seq = if f & tcp::ACK != 0 { segment.ack() } else { 7000 };
            let ack = segment.seq().wrapping_add(taken);
            let options = if flags & tcp::SYN != 0 { vec![2, 4, 5, 0xb4] } else { Vec::new() };
            L4::Tcp { sport, dport, seq, ack, flags, window: 4000, options }
        }
        17 => L4::Udp { sport, dport },
        1 | 58 => {
            let sender = ox_packet::Sender { src: key.dst, ttl: 64, id: 78, mtu: 1500 };
            return ox_packet::echo_reply(bytes, sender);
        }
        132 => L4::Sctp { sport, dport, tag: 9, chunks: vec![(2, 0, vec![0; 16])] },
        _ => return None,
    };
    let data = if matches!(l4, L4::Udp { .. }) { payload(rng) } else { Vec::new() };
    Some(ends(&key, at.family, true, l4).payload(data).bytes())
}

/// A frame for many, or from another neighbour; or an address that is many hosts'.
fn many(rng: &mut Rng, family: Family) -> (Way, Vec<u8>) {
    let p = pools(family);
    let cast = *rng.pick(&[Cast::Uni, Cast::Multi, Cast::Broad]);
    let group: &[&str] = match family {
        Family::V4 => &["224.0.0.1", "192.0.2.255", "255.255.255.255"],
        Family::V6 => &["ff02::1"],
    };
    let dst = match rng.below(4) {
        0 => *rng.pick(p.outside),
        1 | 2 => *rng.pick(p.own),
        _ => *rng.pick(group),
    };
    let l4 = L4::Udp { sport: *rng.pick(&PORTS), dport: *rng.pick(&PORTS) };
    let build = Build::new(addr(*rng.pick(p.inside)), addr(dst), l4).payload(payload(rng));
    let way = Way::Frame(cast, 1 + rng.below(2) as u8);
    (way, finish(build, rng, way))
}

/// Short headers, wrong checksums, unusual protocols.
fn odd(rng: &mut Rng, family: Family) -> (Way, Vec<u8>) {
    let p = pools(family);
    let way = Way::In("in0");
    let (src, dst) = (addr(*rng.pick(p.inside)), addr(*rng.pick(&[p.outside, p.own].concat())));
    let bytes = match rng.below(5) {
        // A transport header that is cut short.
        0 => {
            let proto = *rng.pick(&[6u8, 17, 132]);
            let cut = vec![0x12; rng.below(9)];
            Build::new(src, dst, L4::Other(proto)).payload(cut).bytes()
        }
        // A wrong transport checksum.
        1 => {
            let mut bytes = Build::new(src, dst, l4(rng, family)).payload(payload(rng)).bytes();
            if let Some(last) = bytes.last_mut() {
                *last ^= 0x55;
            }
            bytes
        }
        2 => {
            let protocol = *rng.pick(&[47u8, 50, 51, 253, 4]);
            Build::new(src, dst, L4::Other(protocol)).payload(vec![0x33; 24]).bytes()
        }
        3 => Build::new(src, dst, L4::with_ports(136, *rng.pick(&PORTS), *rng.pick(&PORTS)))
            .payload(payload(rng))
            .bytes(),
        _ => {
            let (kind, code) = (*rng.pick(&[0u8, 13, 3, 17, 42]), rng.below(5) as u8);
            let l4 = match family {
                Family::V4 => L4::Icmp { kind, code, rest: 7 },
                Family::V6 => L4::Icmp6 { kind: 129 + kind % 8, code, rest: 7 },
            };
            Build::new(src, dst, l4).payload(payload(rng)).bytes()
        }
    };
    (way, bytes)
}
