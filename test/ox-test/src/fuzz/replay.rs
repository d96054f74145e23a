//! `replay`: any bytes read as a capture. Reading ends, what was read can be written, and is then read the same.

use ox_io::pcap::{Capture, Link, Packet, Writer};

/// Packets read at most: nothing of the reader's depends on more.
const MOST: usize = 4096;

/// Reads a capture.
pub fn replay(input: &[u8]) {
    let Ok(capture) = Capture::new("it", input) else { return };
    let packets = read(capture);
    let bytes: usize = packets.iter().map(|p| p.bytes.len()).sum();
    assert!(bytes <= input.len(), "{bytes} bytes of packets from {} of capture", input.len());
    let Ok(mut writer) = Writer::new("out", Vec::new(), Link::Ip) else { panic!("no header in memory") };
    for packet in &packets {
        assert!(packet.original_len as usize >= packet.bytes.len());
        if let Err(why) = writer.write(packet.timestamp_ns, &packet.bytes, packet.original_len) {
            // The format has 32 bits for seconds and no more for lengths.
            assert!(packet.timestamp_ns >> 32 >= 1_000_000_000, "{why}");
            return;
        }
    }
    let Ok(written) = writer.finish() else { panic!("memory cannot be written") };
    let Ok(capture) = Capture::new("again", &written[..]) else { panic!("what was written cannot be read") };
    let again = read(capture);
    let part = |p: &Packet| (p.timestamp_ns, p.original_len, p.bytes.clone());
    assert_eq!(again.iter().map(part).collect::<Vec<_>>(), packets.iter().map(part).collect::<Vec<_>>());
}

fn read(mut capture: Capture<&[u8]>) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut packet = Packet::default();
    while packets.len() < MOST {
        match capture.read(&mut packet) {
            Ok(true) => packets.push(packet.clone()),
            Ok(false) => break,
            Err(error) => {
                let said = error.to_string();
                assert!(!said.is_empty() && said.len() < 1000, "{said}");
                // Behind an error nothing comes.
                assert_eq!(capture.read(&mut packet).ok(), Some(false));
                break;
            }
        }
    }
    packets
}
