//! Connection tracking: which connection a packet belongs to, and what state that connection is in.
//!
//! Pure: the moment and every random number are arguments, the hash seed is chosen once. [`Flows::track`] is what the
//! hook before the rules does, [`Flows::confirm`] what the last hook does; between them an entry is *unconfirmed*: it
//! belongs to its first packet alone and [`Flows::discard`] drops it with that packet.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c, nf_conntrack_proto*.c. Where Linux 6.1 and 6.18 differ, this is 6.18: DCCP
//! has no tracker of its own any more (6.17), a plain `--to-destination` port range is searched from its first port (6.8),
//! and source NAT may evict a closed connection that holds the wanted tuple.
//!
//! Compared with a 6.18 kernel by pushing packets through a network namespace by TUN and reading
//! /proc/net/nf_conntrack after each: 25,000 random TCP segments (two directions, options, windows, resets, wrong
//! checksums; IPv4 and IPv6) and 8,000 packets of UDP, ICMP, SCTP, GRE and unknown protocols with errors about them, with
//! and without SNAT and DNAT: state, timeout, verdict and bytes the same, but for moments: the kernel counts time in ticks
//! of 4 ms (HZ=250), so at the very edge of a timeout it may see a packet in time that is late here, or the other way.
//! Not modelled: expectations (helpers), the eviction of closing connections from a table that is 95 % full, and the limit
//! on the length of a hash chain.

mod chains;
mod confirm;
mod generic;
mod gre;
mod icmp;
mod icmp6;
mod sctp;
mod show;
mod table;
pub mod tcp;
mod tcp_segment;
mod tcp_window;
mod timeout;
mod track;
pub mod tuple;
mod udp;

pub use confirm::Confirmed;
pub use show::{conntrack_line, proc_line};
pub use table::Flows;
pub use timeout::{Settings, Timeouts};

use ox_rules::ir::{Conn, ConnKind, Dir, Now, Packet, status};
use std::sync::Arc;

/// Names a tracked connection for as long as it lives; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    serial: u64,
    slot: u32,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Accept,
    /// It is dropped.
    Drop,
}

/// What connection tracking found out about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// How it relates to its connection; [`ConnKind::None`] is INVALID.
    pub kind: ConnKind,
    /// Which way it goes.
    pub dir: Dir,
    /// Its connection.
    pub flow: Option<FlowId>,
    /// Whether it goes on. It is dropped only when the table is full.
    pub verdict: Fate,
    /// Why it is invalid, or why its connection took no notice of it; in our words.
    pub note: Option<&'static str>,
}

/// A tracked connection with what only the engine needs.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What rules see.
    pub conn: Conn,
    /// MASQUERADE: the interface whose address it took; 0 if none.
    pub masquerade: u128,
    state: State,
    /// How long an unconfirmed entry will live once it is confirmed.
    lifetime: u64,
    policy: Option<Arc<Timeouts>>,
    counted: bool,
    id: FlowId,
    /// Which hash chains it stands in.
    linked: [bool; 3],
}

/// What a protocol remembers.
#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    None,
    Tcp(tcp::Tcp),
    Udp {
        /// When answered traffic starts to count as a stream.
        stream: u64,
    },
    Sctp(sctp::Sctp),
    Gre {
        timeouts: [u64; 2],
    },
}

/// What a protocol's tracker says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// Part of the connection.
    Accept,
    /// Let through as part of the connection, which took no notice of it.
    Ignored(&'static str),
    /// Not part of any connection.
    Invalid(&'static str),
    /// Opens a new connection in place of this one, which is over.
    Reopen,
    /// The connection is over at once; the packet still belongs to it.
    Over,
}

/// The packet at hand, as trackers see it.
struct Seen<'a> {
    packet: &'a Packet,
    /// From the transport header to the packet's end.
    l4: &'a [u8],
    dir: Dir,
    /// Whether its checksum is to be looked at (on receipt only).
    verify: bool,
    now: Now,
    settings: &'a Settings,
    timeouts: &'a Timeouts,
}

impl Seen<'_> {
    fn checksum_is_wrong(&self) -> bool {
        self.verify && !ox_packet::checksum::transport_holds(&self.packet.bytes, &self.packet.layout)
    }
}

impl Flow {
    /// Its name.
    pub fn id(&self) -> FlowId {
        self.id
    }

    /// Whether a bit of [`status`] is set.
    pub fn has(&self, bits: u32) -> bool {
        self.conn.status & bits != 0
    }

    /// Whether it is in the table.
    pub fn confirmed(&self) -> bool {
        self.has(status::CONFIRMED)
    }

    /// Whether its time is over.
    pub fn expired(&self, now: Now) -> bool {
        self.confirmed() && self.conn.expires <= now.mono
    }

    /// What is left of its life in ns; 0 for an unconfirmed one, as rules see it.
    pub fn left(&self, now: Now) -> u64 {
        self.conn.expires.saturating_sub(now.mono)
    }

    /// The name of its protocol's state, where it has one.
    pub fn state_name(&self) -> Option<&'static str> {
        match &self.state {
            State::Tcp(_) => Some(tcp::name(self.conn.tcp_state)),
            State::Sctp(sctp) => Some(sctp.name()),
            _ => None,
        }
    }

    /// Kernel: `nf_ct_refresh_acct`.
    fn refresh(&mut self, seen: &Seen<'_>, timeout: u64) {
        if !self.has(status::FIXED_TIMEOUT) {
            if self.confirmed() {
                self.conn.expires = seen.now.mono.saturating_add(timeout);
            } else {
                self.lifetime = timeout;
            }
        }
        self.count(seen);
    }

    fn count(&mut self, seen: &Seen<'_>) {
        if self.counted {
            let dir = seen.dir as usize;
            self.conn.packets[dir] += 1;
            self.conn.bytes[dir] += seen.packet.layout.end as u64;
        }
    }
}

#[cfg(test)]
mod tests;
