//! Captured bytes down to the IP header: link layers taken off.

use ox_io::pcap::Link as Kind;
use ox_packet::ether;
use ox_rules::ir::Link;

/// The IP packet inside a captured one, and its hardware addresses where there are any.
pub fn peel(packet: &ox_io::pcap::Packet) -> Result<(Vec<u8>, Option<Link>), String> {
    let bytes = &packet.bytes;
    let short = || "it is cut short within its link header".to_owned();
    let at = |from: usize| bytes.get(from..).map(<[u8]>::to_vec).ok_or_else(short);
    match packet.link {
        Kind::Ip | Kind::Ipv4 | Kind::Ipv6 => Ok((bytes.clone(), None)),
        Kind::Null | Kind::Loop => Ok((at(4)?, None)),
        Kind::LinuxSll => Ok((at(16)?, None)),
        Kind::LinuxSll2 => Ok((at(20)?, None)),
        Kind::Ethernet => ethernet(bytes).ok_or_else(|| "it is no IP packet".to_owned()),
        Kind::Other(n) => Err(format!("its link type {n} is not understood")),
    }
}

/// VLAN tags (802.1Q, 802.1ad) are stepped over.
fn ethernet(bytes: &[u8]) -> Option<(Vec<u8>, Option<Link>)> {
    let mac = |from: usize| bytes.get(from..from + 6)?.try_into().ok();
    let link = Link { dst: mac(0)?, src: mac(6)? };
    let kind = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let mut at = 12;
    while matches!(kind(at)?, 0x8100 | 0x88a8) {
        at += 4;
    }
    let ip = matches!(kind(at)?, ether::IPV4 | ether::IPV6);
    ip.then(|| (bytes[at + 2..].to_vec(), Some(link)))
}
