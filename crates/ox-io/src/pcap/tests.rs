//! Tests of reading and writing captures, whole and broken.

use std::path::Path;

use super::*;

const TIME: u64 = 1_700_000_000_123_456_789;

fn pcap(link: Link) -> Vec<u8> {
    let mut writer = Writer::new("made", Vec::new(), link).unwrap();
    for number in 1..=3u8 {
        writer.write(TIME + u64::from(number), &vec![number; 10 * usize::from(number)], 100).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> (Vec<Packet>, Option<String>) {
    let mut packets = Vec::new();
    let capture = match Capture::new("x.pcap", bytes) {
        Ok(capture) => capture,
        Err(error) => return (packets, Some(error.to_string())),
    };
    for packet in capture {
        match packet {
            Ok(packet) => packets.push(packet),
            Err(error) => return (packets, Some(error.to_string())),
        }
    }
    (packets, None)
}

/// A pcapng block, by hand so that both byte orders can be made.
fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = n(big, body.len() as u32 + 12);
    [&n(big, kind)[..], &length, &body, &length].concat()
}

fn n(big: bool, number: u32) -> [u8; 4] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

fn s(big: bool, number: u16) -> [u8; 2] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

fn section(big: bool) -> Vec<u8> {
    let body = [&n(big, 0x1a2b_3c4d)[..], &s(big, 1), &s(big, 0), &[0xff; 8]].concat();
    block(big, 0x0a0d_0d0a, &body)
}

fn interface(big: bool, link: u16, name: &str, resolution: Option<u8>) -> Vec<u8> {
    let mut body = [&s(big, link)[..], &s(big, 0), &n(big, 0)].concat();
    let mut option = |code: u16, value: &[u8]| {
        body.extend([s(big, code), s(big, value.len() as u16)].concat());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    };
    option(2, name.as_bytes());
    if let Some(resolution) = resolution {
        option(9, &[resolution]);
    }
    option(0, &[]);
    block(big, 1, &body)
}

fn packet(big: bool, interface: u32, time: u64, bytes: &[u8], original: u32) -> Vec<u8> {
    let head = [interface, (time >> 32) as u32, time as u32, bytes.len() as u32, original].map(|v| n(big, v)).concat();
    block(big, 6, &[&head, bytes].concat())
}

fn pcapng(big: bool) -> Vec<u8> {
    [
        section(big),
        interface(big, 1, "eth0", Some(9)),
        interface(big, 276, "any", None),
        // Statistics with nonsense in them are passed over.
        block(big, 5, &[0xff; 40]),
        packet(big, 0, TIME, &[1; 10], 60),
        packet(big, 1, TIME / 1000, &[2; 21], 21),
        block(big, 3, &[&n(big, 5)[..], &[3; 5]].concat()),
    ]
    .concat()
}

#[test]
fn what_is_written_is_read_again() {
    for link in [Link::Ip, Link::Ethernet, Link::LinuxSll2, Link::Other(147)] {
        let (packets, error) = read(&pcap(link));
        assert_eq!(error, None);
        assert_eq!(packets.len(), 3);
        let third = Packet { timestamp_ns: TIME + 3, link, interface: None, bytes: vec![3; 30], original_len: 100 };
        assert_eq!(packets[2], third);
    }
}

#[test]
fn both_byte_orders_and_both_clocks_are_read() {
    for big in [false, true] {
        for (magic, fraction, expected) in
            [(0xa1b2_c3d4, 123_456, 123_456_000), (0xa1b2_3c4d, 123_456_789, 123_456_789)]
        {
            let mut bytes = [n(big, magic).to_vec(), s(big, 2).to_vec(), s(big, 4).to_vec()].concat();
            for word in [0, 0, 65535, 113, 1_700_000_000, fraction, 4, 4] {
                bytes.extend(n(big, word));
            }
            bytes.extend([9; 4]);
            let (packets, error) = read(&bytes);
            assert_eq!(error, None);
            assert_eq!(packets[0].timestamp_ns, 1_700_000_000_000_000_000 + expected);
            assert_eq!((packets[0].link, packets[0].bytes.len()), (Link::LinuxSll, 4));
        }
    }
}

#[test]
fn pcapng_tells_interfaces_and_their_clocks() {
    for big in [false, true] {
        // A second section begins with no interfaces and its own byte order.
        let bytes = [pcapng(big), section(!big), interface(!big, 101, "tun7", Some(9)), packet(!big, 0, 7, &[4; 4], 4)];
        let (packets, error) = read(&bytes.concat());
        assert_eq!(error, None);
        let seen: Vec<_> = packets
            .iter()
            .map(|p| (p.timestamp_ns, p.link, p.interface.as_deref().unwrap_or("?"), p.bytes.len(), p.original_len))
            .collect();
        assert_eq!(
            seen,
            [
                (TIME, Link::Ethernet, "eth0", 10, 60),
                (TIME / 1000 * 1000, Link::LinuxSll2, "any", 21, 21),
                (0, Link::Ethernet, "eth0", 5, 5),
                (7, Link::Ip, "tun7", 4, 4),
            ]
        );
    }
}

#[test]
fn a_capture_cut_anywhere_keeps_the_packets_before() {
    for whole in [pcap(Link::Ip), pcapng(false), pcapng(true)] {
        let (all, _) = read(&whole);
        for length in 0..whole.len() {
            let (packets, error) = read(&whole[..length]);
            assert_eq!(packets, all[..packets.len()], "cut at {length}");
            assert!(packets.len() < 3);
            if let Some(error) = error {
                assert!(error.starts_with("x.pcap: packet "), "{error}");
            }
        }
    }
}

#[test]
fn the_error_says_where_the_break_is() {
    let bytes = pcap(Link::Ip);
    let (packets, error) = read(&bytes[..bytes.len() - 1]);
    assert_eq!(packets.len(), 2);
    let expected = "x.pcap: packet 3, offset 86: the file ends in the middle of a packet, 45 bytes into it";
    assert_eq!(error.as_deref(), Some(expected));
    let mut bad = bytes.clone();
    bad[24 + 8..24 + 12].copy_from_slice(&[0xff; 4]);
    let expected = "x.pcap: packet 1, offset 24: an impossible length of 4294967295 bytes";
    assert_eq!(read(&bad), (vec![], Some(expected.to_owned())));
    let mut bad = bytes.clone();
    bad[28..32].copy_from_slice(&2_000_000_000u32.to_le_bytes());
    assert!(read(&bad).1.unwrap().contains("packet 1, offset 24: an impossible time"));
    let unknown = [section(false), interface(false, 1, "a", None), packet(false, 4, 0, &[1; 4], 4)].concat();
    let error = read(&unknown).1.unwrap();
    assert!(error.starts_with("x.pcap: packet 1, offset 60: "), "{error}");
}

#[test]
fn what_is_no_capture_is_refused() {
    assert_eq!(read(b"").1.unwrap(), "x.pcap: packet 0, offset 0: the file is empty");
    for text in [&b"*filter\n:INPUT ACCEPT [0:0]\n"[..], b"abc", &[0; 64]] {
        assert_eq!(read(text).1.unwrap(), "x.pcap: packet 0, offset 0: neither a pcap nor a pcapng capture");
    }
    assert!(read(&[0x1f, 0x8b, 8, 0, 0]).1.unwrap().contains("gzip"));
    let Err(error) = open(Path::new("/nonexistent.pcap")) else { panic!("opened") };
    assert_eq!(error.to_string(), "cannot read /nonexistent.pcap: No such file or directory");
}

#[test]
fn random_damage_never_panics() {
    let mut random = 88172645463325252u64;
    for whole in [pcap(Link::Ip), pcapng(false), pcapng(true)] {
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = random as usize % bytes.len();
                bytes[at] = (random >> 32) as u8;
            }
            let (packets, _) = read(&bytes);
            assert!(packets.iter().all(|p| p.original_len as usize >= p.bytes.len()));
        }
    }
}

#[test]
fn a_time_beyond_the_format_and_a_full_disk_are_errors() {
    let mut writer = Writer::new("out.pcap", Vec::new(), Link::Ip).unwrap();
    let error = writer.write(u64::MAX, &[1], 1).unwrap_err().to_string();
    assert!(error.starts_with("cannot write out.pcap: "), "{error}");
    let full = create(Path::new("/dev/full"), Link::Ip).and_then(Writer::finish);
    assert_eq!(full.map(drop).unwrap_err().to_string(), "cannot write /dev/full: No space left on device");
}
