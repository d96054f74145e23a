//! Fragments: they wait for each other, become one packet, and are taken apart again on the way out.
//!
//! Kernel: net/ipv4/ip_fragment.c `ip_frag_queue`, `ip_frag_reasm`; net/ipv4/inet_fragment.c `inet_frag_queue_insert`;
//! net/ipv6/netfilter/nf_conntrack_reasm.c, net/ipv6/reassembly.c; net/ipv4/ip_output.c `ip_do_fragment`.

mod head;
mod wire;

pub use wire::{Origin, wire};

use head::{Head, answer, fragment4, fragment6, word};
use ox_packet::{Family, ipv4};
use ox_rules::ir::{Now, Packet};
use std::collections::BTreeMap;

/// Who asks for the whole packet. Each gathers for itself (Kernel: include/net/ip.h `enum ip_defrag_users`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    /// This host, which takes it.
    Local,
    /// Connection tracking at PREROUTING.
    TrackIn,
    /// Connection tracking at OUTPUT.
    TrackOut,
}

/// How long and how many fragments wait (sysctls `net.ipv4.ipfrag_*`, `net.ipv6.ip6frag_*`,
/// `net.netfilter.nf_conntrack_frag6_timeout`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Seconds after the first fragment of a packet until all are given up: IPv4, IPv6, and IPv6 where connections
    /// are tracked.
    pub time: [u32; 3],
    /// Bytes that fragments may occupy in all.
    pub high: usize,
    /// IPv4: a packet starts anew when this many fragments from its sender came in between; 0 for never.
    pub distance: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: [30, 60, 60], high: 4 << 20, distance: 64 }
    }
}

/// What became of a packet that may be a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// It goes on as it is.
    Same,
    /// It was the last one missing, and is the whole packet now.
    Whole(Origin),
    /// It waits for the others.
    Waiting,
    /// It is dropped, and perhaps what waited for it. With the ICMPv6 type, code and pointer to answer, if any.
    Dropped(&'static str, Option<(u8, u8, u32)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    family: Family,
    user: User,
    src: u128,
    dst: u128,
    id: u32,
    /// IPv4 only.
    proto: u8,
    /// IPv6 link-local and multicast destinations only.
    iif: u128,
}

/// A packet of which fragments are missing.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// Data by offset.
    parts: BTreeMap<usize, Vec<u8>>,
    /// Stretches without a hole, as fragments made them by coming one after the other.
    runs: Vec<(usize, usize)>,
    /// Where the data ends, as far as is known.
    len: usize,
    meat: usize,
    last_in: bool,
    /// The fragment at offset 0 and what stands before its data.
    head: Option<(Packet, Head)>,
    ecn: u8,
    max: usize,
    max_df: usize,
    /// Count of the sender's fragments when the last one of this packet came.
    seen: u32,
    until: u64,
}

/// The fragments that wait.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    /// Limits.
    pub limits: Limits,
    queues: BTreeMap<Key, Queue>,
    senders: BTreeMap<u128, u32>,
    held: usize,
}

/// Bookkeeping of a buffer and of a queue, which count against the limit.
const BUFFER: usize = 768;

/// Why a fragment is refused; whether all that waited goes with it is up to the family.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Duplicate,
    Overlap,
    Corrupt,
}

impl Limits {
    /// Sets a sysctl by its dotted name. False: it is none of these.
    pub fn set(&mut self, name: &str, value: u32) -> bool {
        match name {
            "net.ipv4.ipfrag_time" => self.time[0] = value,
            "net.ipv6.ip6frag_time" => self.time[1] = value,
            "net.netfilter.nf_conntrack_frag6_timeout" => self.time[2] = value,
            "net.ipv4.ipfrag_high_thresh" => self.high = value as usize,
            "net.ipv4.ipfrag_max_dist" => self.distance = value,
            _ => return false,
        }
        true
    }
}

impl Fragments {
    /// None wait yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Packets of which fragments wait.
    pub fn len(&self) -> usize {
        self.queues.len()
    }

    /// Whether no fragment waits.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Gives up what has waited too long, and says how many packets that were.
    pub fn expire(&mut self, now: Now) -> usize {
        let late: Vec<Key> = self.queues.iter().filter(|(_, q)| q.until <= now.mono).map(|(k, _)| *k).collect();
        late.iter().for_each(|key| self.kill(key));
        late.len()
    }

    fn kill(&mut self, key: &Key) {
        if let Some(queue) = self.queues.remove(key) {
            self.held -= queue.held();
        }
    }

    /// Puts a fragment to the others of its packet; the last one missing becomes the packet.
    pub fn gather(&mut self, packet: &mut Packet, user: User, now: Now) -> Gathered {
        let v4 = packet.layout.family == Family::V4;
        let found = if v4 { fragment4(packet) } else { fragment6(packet, user) };
        let (head, id) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Gathered::Same,
            Err(answer) => return Gathered::Dropped("its first fragment lacks headers", answer),
        };
        self.expire(now);
        let key = self.key(packet, user, id);
        if self.held > self.limits.high {
            return Gathered::Dropped("too many fragments wait already", None);
        }
        let time = self.limits.time[match (v4, user) {
            (true, _) => 0,
            (false, User::Local) => 1,
            (false, _) => 2,
        }];
        let queue = self.queues.entry(key).or_default();
        if queue.until == 0 {
            queue.until = now.mono.saturating_add(u64::from(time) * 1_000_000_000).max(1);
        }
        let before = queue.held();
        if v4 && self.limits.distance > 0 {
            let seen = self.senders.entry(key.src).or_default();
            *seen = seen.wrapping_add(1);
            if !queue.runs.is_empty() && seen.wrapping_sub(queue.seen) > self.limits.distance {
                let until = now.mono.saturating_add(u64::from(time) * 1_000_000_000).max(1);
                *queue = Queue { max: queue.max, max_df: queue.max_df, until, ..Queue::default() };
            }
            queue.seen = *seen;
        }
        let (start, end) = (head.offset, head.offset + head.data.1 - head.data.0);
        // IPv4 cuts what does not fill eight bytes; IPv6 does not take it.
        let end = if v4 && head.more { end & !7 } else { end };
        if !v4 && end > 65535 {
            let at = (head.header.0 + 2) as u32;
            self.forget_if_new(&key);
            return Gathered::Dropped("it reaches beyond the largest packet", answer(user, 0, at));
        }
        if !v4 && head.more && end & 7 != 0 {
            if user == User::Local {
                self.forget_if_new(&key);
                return Gathered::Dropped("its size is no multiple of eight", answer(user, 0, 4));
            }
            self.held = self.held + queue.held() - before;
            self.kill(&key);
            return Gathered::Same;
        }
        let done = queue.insert(packet, &head, start, end);
        self.held = self.held + queue.held() - before;
        match done {
            Ok(()) => {}
            Err(Refused::Duplicate) if v4 || user == User::Local => {
                return Gathered::Dropped("this fragment came before", None);
            }
            Err(Refused::Duplicate) => return Gathered::Waiting,
            Err(refused) => {
                // Tracking keeps what waits when an IPv6 fragment is corrupt, but not when it overlaps.
                if v4 || user == User::Local || refused == Refused::Overlap {
                    self.kill(&key);
                }
                let why = match refused {
                    Refused::Overlap => "it overlaps another fragment of its packet",
                    _ => "it does not fit the other fragments of its packet",
                };
                return Gathered::Dropped(why, None);
            }
        }
        if !queue.complete() {
            return Gathered::Waiting;
        }
        let iif = packet.key.iif;
        let Some(queue) = self.queues.remove(&key) else { return Gathered::Waiting };
        self.held -= queue.held();
        match queue.whole(v4) {
            Ok((mut whole, origin)) => {
                whole.key.iif = iif;
                *packet = whole;
                Gathered::Whole(origin)
            }
            // Tracking takes over an IPv6 packet before it looks at what became of it.
            Err(why) => Gathered::Dropped(why, None),
        }
    }

    fn key(&self, packet: &Packet, user: User, id: u32) -> Key {
        let key = &packet.key;
        let near = key.dst >> 120 == 0xff || key.dst >> 118 == 0xfe80 >> 6;
        let v4 = packet.layout.family == Family::V4;
        Key {
            family: packet.layout.family,
            user,
            src: key.src,
            dst: key.dst,
            id,
            proto: if v4 { key.proto } else { 0 },
            iif: if !v4 && near { key.iif } else { 0 },
        }
    }

    fn forget_if_new(&mut self, key: &Key) {
        if self.queues.get(key).is_some_and(|q| q.parts.is_empty()) {
            self.queues.remove(key);
        }
    }
}

impl Queue {
    fn held(&self) -> usize {
        self.meat + self.parts.len() * BUFFER
    }

    fn complete(&self) -> bool {
        self.head.is_some() && self.last_in && self.meat == self.len
    }

    fn insert(&mut self, packet: &Packet, head: &Head, start: usize, end: usize) -> Result<(), Refused> {
        if !head.more {
            if end < self.len || self.last_in && end != self.len {
                return Err(Refused::Corrupt);
            }
            self.last_in = true;
            self.len = end;
        } else if end > self.len {
            if self.last_in {
                return Err(Refused::Corrupt);
            }
            self.len = end;
        }
        if end <= start {
            return Err(Refused::Corrupt);
        }
        self.place(start, end)?;
        let data = packet.bytes.get(head.data.0..head.data.0 + (end - start)).unwrap_or_default();
        self.parts.insert(start, data.to_vec());
        self.meat += end - start;
        self.ecn |= 1 << (packet.key.tos & 3);
        // IPv4 takes the fragment as far as it is used, IPv6 the packet it came in.
        let size = match packet.layout.family {
            Family::V4 => end - start + head.data.0,
            Family::V6 => head.data.1,
        };
        self.max = self.max.max(size);
        if packet.layout.family == Family::V4 && word(&packet.bytes, 6) & ipv4::DF != 0 {
            self.max_df = self.max_df.max(size);
        }
        if start == 0 {
            self.head = Some((packet.clone(), *head));
        }
        Ok(())
    }

    /// A fragment within one run is a duplicate, in none it is new, and all else is an overlap.
    fn place(&mut self, start: usize, end: usize) -> Result<(), Refused> {
        let touched = self.runs.iter().find(|r| start < r.1 && r.0 < end);
        match touched {
            Some(run) if run.0 <= start && end <= run.1 => return Err(Refused::Duplicate),
            Some(_) => return Err(Refused::Overlap),
            None => {}
        }
        // Only what comes right behind the hindmost fragment makes a run longer.
        match self.runs.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => {
                let at = self.runs.partition_point(|r| r.0 < start);
                self.runs.insert(at, (start, end));
            }
        }
        Ok(())
    }

    fn whole(self, v4: bool) -> Result<(Packet, Origin), &'static str> {
        const FAULT: &str = "its fragments make no packet";
        let Some((mut packet, head)) = self.head else { return Err(FAULT) };
        // Congestion bits: not-ECT (bit 0) goes with nothing else; CE (bit 3) with anything that is ECT.
        let ecn = match self.ecn {
            0b1010 | 0b1100 | 0b1110 => 3,
            bits if bits & 1 != 0 && bits != 1 => return Err("its fragments disagree on congestion"),
            _ => 0,
        };
        let mut bytes = packet.bytes.get(..head.data.0).unwrap_or_default().to_vec();
        let sizes = self.parts.values().map(Vec::len).collect();
        if v4 {
            let total = bytes.len() + self.len;
            if total > 65535 {
                return Err("its fragments make up more than the largest packet");
            }
            let df = if self.max_df == self.max { ipv4::DF } else { 0 };
            bytes[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            bytes[6..8].copy_from_slice(&df.to_be_bytes());
            bytes[1] |= ecn;
        } else {
            let (at, names) = head.header;
            bytes[names] = bytes[at];
            bytes.drain(at..at + 8);
            let payload = bytes.len() - 40 + self.len;
            if payload > 65535 {
                return Err("its fragments make up more than the largest packet");
            }
            bytes[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
            bytes[1] |= ecn << 4;
        }
        for part in self.parts.values() {
            bytes.extend_from_slice(part);
        }
        if v4 {
            ox_packet::checksum::fix_ipv4(&mut bytes);
        }
        packet.bytes = bytes;
        packet.reread().map_err(|_| FAULT)?;
        Ok((packet, Origin { max: self.max.max(self.max_df) as u32, sizes }))
    }
}

#[cfg(test)]
mod tests;
