//! Ethernet frames and the 802.1Q tags between them and the network layer.

use crate::view::{be, header};

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of a customer VLAN tag (802.1Q).
pub const VLAN: u16 = 0x8100;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// EtherType of a service VLAN tag (802.1ad).
pub const QINQ: u16 = 0x88a8;

header! {
    /// An Ethernet II frame.
    Ether, EtherMut, 14;
    /// EtherType, before any VLAN tag is looked through.
    ethertype, set_ethertype: u16 @ 12;
}

impl<'a> Ether<'a> {
    /// Destination address.
    pub fn destination(self) -> [u8; 6] {
        mac(self.0, 0)
    }

    /// Source address.
    pub fn source(self) -> [u8; 6] {
        mac(self.0, 6)
    }

    /// VLAN numbers from the outside in, at most two of them.
    pub fn vlans(self) -> impl Iterator<Item = u16> + 'a {
        let (_, at) = self.through_tags();
        (14..at).step_by(4).map(move |tag| be::u16(self.0, tag) & 0x0fff)
    }

    /// What the frame carries and where it starts, VLAN tags looked through.
    pub fn payload(self) -> (u16, &'a [u8]) {
        let (ethertype, at) = self.through_tags();
        (ethertype, self.0.get(at..).unwrap_or_default())
    }

    fn through_tags(self) -> (u16, usize) {
        let (mut ethertype, mut at) = (self.ethertype(), 14);
        for _ in 0..2 {
            if !matches!(ethertype, VLAN | QINQ) || self.0.len() < at + 4 {
                break;
            }
            ethertype = be::u16(self.0, at + 2);
            at += 4;
        }
        (ethertype, at)
    }
}

impl EtherMut<'_> {
    /// Writes the destination address.
    pub fn set_destination(&mut self, address: [u8; 6]) {
        self.0[0..6].copy_from_slice(&address);
    }

    /// Writes the source address.
    pub fn set_source(&mut self, address: [u8; 6]) {
        self.0[6..12].copy_from_slice(&address);
    }
}

fn mac(bytes: &[u8], at: usize) -> [u8; 6] {
    let mut address = [0; 6];
    address.copy_from_slice(&bytes[at..at + 6]);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_looked_through() {
        let mut frame = vec![0u8; 12];
        frame.extend([0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x20, 0x07, 0x08, 0x00, 0x45]);
        let ether = Ether::new(&frame).unwrap();
        assert_eq!(ether.payload(), (IPV4, &[0x45][..]));
        assert_eq!(ether.vlans().collect::<Vec<_>>(), [100, 7]);
    }

    #[test]
    fn a_cut_tag_is_not_followed() {
        let mut frame = vec![0u8; 12];
        frame.extend([0x81, 0x00, 0x00]);
        assert_eq!(Ether::new(&frame).unwrap().payload(), (VLAN, &[0x00][..]));
    }
}
