//! `Packet`: bytes, what is known of them, and what the stack notes beside them.

use ox_packet::{Family, Key, Layout, Malformed};
use std::borrow::Cow;

/// A layer 3 packet on its way, with its key kept true by whoever changes it.
#[derive(Clone, Debug, Default)]
pub struct Packet {
    /// The packet from its IP header on.
    pub bytes: Vec<u8>,
    /// What classifiers look at.
    pub key: Key,
    /// Where the headers are in `bytes`.
    pub layout: Layout,
    /// What the stack keeps beside the bytes.
    pub meta: Meta,
}

/// The link-layer header a packet came in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Destination MAC address.
    pub dst: [u8; 6],
    /// Source MAC address.
    pub src: [u8; 6],
}

/// What `-j CT` attaches to a packet before tracking (Kernel: net/netfilter/xt_CT.c).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Zone of the original direction.
    pub zone_orig: u16,
    /// Zone of the reply direction.
    pub zone_reply: u16,
    /// Zone is taken from the mark.
    pub zone_from_mark: bool,
    /// Helper to assign.
    pub helper: Option<String>,
    /// Timeout policy by name.
    pub timeout: Option<String>,
    /// Conntrack events wanted, and expectation events.
    pub events: Option<(u32, u32)>,
}

/// Packets that the stack makes of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByStack {
    /// Through the kernel's own socket, which has no user (ICMP errors).
    Socket,
    /// Without any socket (a reset by REJECT).
    Bare,
}

/// What the stack notes beside a packet's bytes (`struct sk_buff`'s other fields).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Link-layer header, where the device has one.
    pub link: Option<Link>,
    /// `skb->priority` (CLASSIFY).
    pub priority: u32,
    /// Marked by TRACE.
    pub traced: bool,
    /// A rule said NOTRACK.
    pub untracked: bool,
    /// It answers an untracked packet: it has no connection, but `-j CT` and NOTRACK take it for one that has.
    pub answers_untracked: bool,
    /// What `-j CT` asked for.
    pub template: Option<Template>,
    /// Device of the route that it has, wherever its addresses would lead it now (name as in [`Key::oif`]); 0 before it is
    /// routed.
    pub way: u128,
    /// Bridge port it came in by (name as in [`Key::iif`]); 0 if not bridged.
    pub phys_in: u128,
    /// Bridge port it leaves by; 0 if not bridged.
    pub phys_out: u128,
    /// Made by this host.
    pub local: bool,
    /// Made by this host's stack itself, not by a program.
    pub by_stack: Option<ByStack>,
    /// A copy that a rule made (TEE): rules make none of it.
    pub copied: bool,
    /// Connection tracking has summed it up and found its checksum wrong. Whoever asks again at another hook than PREROUTING
    /// and INPUT is told that it is right, but forwarding forgets that (Kernel: net/netfilter/utils.c `nf_ip_checksum`;
    /// `skb_forward_csum`).
    pub summed: bool,
    /// How many bytes from its transport header on a target put in one piece. If that is more than its first fragment
    /// brought, it no longer knows in what fragments it came (Kernel: `skb_ensure_writable`).
    pub pulled: usize,
    /// Its transport checksum is left to the device it leaves by. `bytes` hold the whole checksum all the same; see
    /// [`Packet::held`].
    pub partial: bool,
    /// Security mark.
    pub secmark: u32,
    /// The packet was assigned to a local socket by TPROXY: (address, port).
    pub tproxy: Option<(u128, u16)>,
}

impl Packet {
    /// Reads a layer 3 packet. Interfaces, mark and packet type are the caller's to set in `key`.
    ///
    /// # Errors
    /// [`Malformed`] when the IP header cannot be read.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Malformed> {
        let mut packet = Self { bytes, ..Self::default() };
        packet.reread()?;
        Ok(packet)
    }

    /// Brings `key` and `layout` up to date after `bytes` changed.
    ///
    /// # Errors
    /// [`Malformed`] when the IP header cannot be read any more.
    pub fn reread(&mut self) -> Result<(), Malformed> {
        self.layout = ox_packet::extract(&self.bytes, &mut self.key)?;
        Ok(())
    }

    /// Its bytes as the host holds them while they are on their way: with an unfinished checksum where that is left to a
    /// device.
    pub fn held(&self) -> Cow<'_, [u8]> {
        if !self.meta.partial {
            return Cow::Borrowed(&self.bytes);
        }
        let mut bytes = self.bytes.clone();
        ox_packet::checksum::leave_transport(&mut bytes, &self.layout);
        Cow::Owned(bytes)
    }

    /// The bytes where a match that does not ask about fragments looks for a transport header: those of
    /// [`Packet::transport`], but in a later IPv6 fragment the whole packet, since there the search for it finds a protocol
    /// and no place.
    ///
    /// Kernel: net/ipv6/exthdrs_core.c `ipv6_find_hdr`; net/ipv6/netfilter/ip6_tables.c `ip6_packet_match`.
    pub fn supposed_transport(&self) -> &[u8] {
        if self.layout.family == Family::V6 && self.layout.frag_off != 0 {
            return self.bytes.get(..self.layout.end).unwrap_or_default();
        }
        self.transport()
    }

    /// The bytes from the transport header to the packet's end; empty where there is none.
    pub fn transport(&self) -> &[u8] {
        self.bytes.get(self.layout.l4..self.layout.end).unwrap_or_default()
    }
}
