//! The state behind `-m hashlimit`: who has how much credit left.
//!
//! Kernel: net/netfilter/xt_hashlimit.c `hashlimit_mt_common`, `rateinfo_recalc`, `htable_gc`.
use super::prelude::*;
use crate::ir::Packet;
use std::collections::BTreeMap;

/// What the rule that made a table said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    /// Bits of the source address that count.
    pub(super) src: u128,
    /// Bits of the destination address that count.
    pub(super) dst: u128,
    /// Whether the source port counts.
    pub(super) sport: bool,
    /// Whether the destination port counts.
    pub(super) dport: bool,
    /// Entries at most.
    pub(super) max: u32,
    /// Ticks after which an idle entry may go.
    pub(super) expire: u64,
    /// Ticks between two cleanings.
    pub(super) gc: u64,
    /// A new entry.
    pub(super) start: Start,
}

/// What an entry begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// A balance that each packet costs the same of.
    Packets { cap: u64, cost: u64 },
    /// A balance of bytes that may be refilled a number of times.
    Bytes { cost: u64, refills: u64 },
    /// A count for each interval of ticks.
    Window { ticks: u64, rate: u64, burst: u64 },
}

/// Addresses and ports that an entry is for.
pub(super) type Who = (u128, u128, u16, u16);

/// A table.
pub(super) struct Table {
    entries: BTreeMap<Who, Entry>,
    /// Tick of the last cleaning.
    cleaned: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    expires: u64,
    prev: u64,
    credit: u64,
    refills: u64,
    /// The last interval was over its rate.
    over: bool,
    current: u64,
}

/// Credits a tick for packets: the power of two below what lets one a day fit into 64 bits.
const CREDITS: u64 = 1 << (63 - (u64::MAX / (HZ * 86_400)).leading_zeros());

/// Credits a tick for bytes, within 32 bits.
const BYTE_CREDITS: u64 = 1 << (31 - (u32::MAX / HZ as u32).leading_zeros());

/// A full balance of bytes.
const BYTE_CAP: u64 = BYTE_CREDITS * HZ;

/// Millionths of a second in credits (`user2credits`).
fn credits(parts: u64) -> u64 {
    parts.wrapping_mul(HZ * CREDITS / 1_000_000)
}

/// Whether a burst is more than 64 bits can count (the check of `hashlimit_mt_check_common`).
pub(super) fn overflows(period: u64, burst: u64) -> bool {
    burst == 0 || credits(period.wrapping_mul(burst)) < credits(period)
}

pub(super) fn packets(period: u64, burst: u64) -> Start {
    Start::Packets { cap: credits(period.wrapping_mul(burst)), cost: credits(period) }
}

pub(super) fn bytes(cost: u32, burst: u64) -> Start {
    Start::Bytes { cost: (u64::from(cost) * BYTE_CAP) >> 32, refills: burst }
}

pub(super) fn packet_window(period: u64, burst: u64, interval: u32) -> Start {
    let rate = 1_000_000 / period.max(1);
    Start::Window { ticks: window(interval), rate, burst: burst.wrapping_add(rate) }
}

pub(super) fn byte_window(cost: u32, burst: u64, interval: u32) -> Start {
    let rate = (u64::from(u32::MAX / cost.max(1)).wrapping_sub(1)) << 4;
    let burst = if burst == 0 { rate } else { burst.wrapping_mul(rate) };
    Start::Window { ticks: window(interval), rate, burst }
}

/// 32 bits wide in the kernel.
fn window(interval: u32) -> u64 {
    interval.wrapping_mul(HZ as u32).into()
}

/// Milliseconds in ticks, rounded up (`msecs_to_jiffies`).
pub(super) fn ticks(ms: u32) -> u64 {
    (u64::from(ms) * HZ).div_ceil(1000)
}

/// The entry that a packet belongs to; `None` where its ports are wanted and cannot be read: that drops it.
pub(super) fn who(packet: &Packet, family: Family, config: &Config) -> Option<Who> {
    let key = &packet.key;
    let (mut sport, mut dport) = (0, 0);
    if config.sport || config.dport {
        (sport, dport) = ports(packet, family)?;
    }
    let keep = |on: bool, port: u16| if on { port } else { 0 };
    Some((key.src & config.src, key.dst & config.dst, keep(config.sport, sport), keep(config.dport, dport)))
}

/// IPv4 does not look whether this is a later fragment; IPv6 finds no protocol with ports in one.
fn ports(packet: &Packet, family: Family) -> Option<(u16, u16)> {
    let key = &packet.key;
    if family == Family::V6 {
        // Next header 59 ends the chain: there is nothing behind it to skip to.
        if key.shape.any(Shape::NOL4) || key.proto == 59 {
            return None;
        }
        if key.frag_off != 0 {
            return Some((0, 0));
        }
    }
    let at = match key.proto {
        // TCP, UDP, DCCP, ESP (its SPI), SCTP, UDPLITE
        6 | 17 | 33 | 50 | 132 | 136 => 0,
        // AH: its SPI is four bytes in. IPv6 steps over it.
        51 => 4,
        _ => return Some((0, 0)),
    };
    let four = packet.transport().get(at..at + 4)?;
    Some((u16::from_be_bytes([four[0], four[1]]), u16::from_be_bytes([four[2], four[3]])))
}

impl Table {
    pub(super) fn new(now: u64) -> Self {
        Self { entries: BTreeMap::new(), cleaned: now }
    }

    /// Counts a packet; says whether it is within its limit. `None`: the table is full, which drops the packet.
    pub(super) fn take(&mut self, who: Who, config: &Config, now: u64, len: u32, in_bytes: bool) -> Option<bool> {
        self.clean(config, now);
        let full = self.entries.len() as u64 >= u64::from(config.max);
        let entry = match self.entries.get_mut(&who) {
            Some(entry) => {
                entry.catch_up(config, now);
                entry
            }
            None if full => return None,
            None => self.entries.entry(who).or_insert(Entry::new(config, now)),
        };
        entry.expires = now + config.expire;
        Some(entry.spend(config, len, in_bytes))
    }

    /// Idle entries go at the first cleaning after their time, and not before.
    fn clean(&mut self, config: &Config, now: u64) {
        let due = self.cleaned + (now.saturating_sub(self.cleaned) / config.gc) * config.gc;
        if due > self.cleaned {
            self.cleaned = due;
            self.entries.retain(|_, e| due < e.expires);
        }
    }
}

impl Entry {
    fn new(config: &Config, now: u64) -> Self {
        let (credit, refills) = match config.start {
            Start::Packets { cap, .. } => (cap, cap),
            Start::Bytes { refills, .. } => (BYTE_CAP, refills),
            Start::Window { .. } => (0, 0),
        };
        Self { expires: 0, prev: now, credit, refills, over: false, current: 0 }
    }

    /// What the time since the last packet brings.
    fn catch_up(&mut self, config: &Config, now: u64) {
        let delta = now.saturating_sub(self.prev);
        if delta == 0 {
            return;
        }
        match config.start {
            Start::Window { ticks, .. } if delta < ticks => return,
            Start::Window { ticks, rate, .. } => {
                self.over = self.current.wrapping_mul(ticks) > delta.wrapping_mul(rate);
                self.current = 0;
            }
            Start::Bytes { .. } => {
                self.credit = self.credit.saturating_add(BYTE_CREDITS.saturating_mul(delta)).min(BYTE_CAP);
            }
            Start::Packets { cap, .. } => {
                self.credit = self.credit.wrapping_add(delta.wrapping_mul(CREDITS)).min(cap);
            }
        }
        self.prev = now;
    }

    fn spend(&mut self, config: &Config, len: u32, in_bytes: bool) -> bool {
        let cost = match config.start {
            Start::Window { burst, .. } => {
                self.current = self.current.wrapping_add(if in_bytes { len.into() } else { 1 });
                return !self.over && self.current <= burst;
            }
            Start::Packets { cost, .. } | Start::Bytes { cost, .. } if in_bytes => self.byte_cost(cost, len),
            Start::Packets { cost, .. } | Start::Bytes { cost, .. } => cost,
        };
        let yes = self.credit >= cost;
        if yes {
            self.credit -= cost;
        }
        yes
    }

    /// Sixteen bytes at a time, never more than a full balance; an empty one is refilled while the burst lasts.
    fn byte_cost(&mut self, cost: u64, len: u32) -> u64 {
        let cost = (u64::from(len / 16) + 1).wrapping_mul(cost).min(BYTE_CAP);
        if self.credit < cost && self.refills > 0 {
            self.refills -= 1;
            self.credit = BYTE_CAP;
        }
        cost
    }
}
