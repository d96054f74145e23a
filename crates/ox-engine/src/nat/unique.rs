//! Choosing a tuple within a range that no other connection has.
//!
//! Kernel: net/netfilter/nf_nat_core.c `get_unique_tuple`, `find_appropriate_src`, `find_best_ips_proto`,
//! `nf_nat_l4proto_unique_tuple`, and of 6.18 `nf_nat_used_tuple_new` and `nf_nat_used_tuple_harder`. In 6.18 a search for
//! a port starts at random for source NAT and for `--random`, but at the first port for a plain destination range
//! (seen on the running kernel: DNAT to :5000-5009 takes 5000 until it is taken).

use super::{Manip, NAT_MASK};
use crate::flow::{FlowId, Flows, tcp, tuple};
use ox_packet::{Family, jhash, proto};
use ox_rules::ir::{NatSpec, Now, Tuple, status};

/// How many ports are tried at first (Kernel: `NF_NAT_MAX_ATTEMPTS`).
const MAX_ATTEMPTS: u32 = 128;
/// With so few tries left, a closed TCP connection must give way (Kernel: `NF_NAT_HARDER_THRESH`).
const HARDER: u32 = MAX_ATTEMPTS / 4;

/// What a binding may choose from (Kernel: `struct nf_nat_range2`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    pub addrs: Option<(u128, u128)>,
    pub ports: Option<(u16, u16)>,
    pub base: Option<u16>,
    pub random: bool,
    pub persistent: bool,
}

impl Range {
    /// A rule's range.
    pub fn of(spec: &NatSpec) -> Self {
        Self {
            addrs: spec.addrs,
            ports: spec.ports,
            base: spec.base,
            random: spec.random || spec.random_fully,
            persistent: spec.persistent,
        }
    }
}

/// The search for one connection.
struct Search<'a> {
    flows: &'a mut Flows,
    id: FlowId,
    range: &'a Range,
    manip: Manip,
    now: Now,
}

/// The tuple a connection's packets shall have after translation; possibly one that is taken, if nothing else was found.
pub(super) fn choose(
    flows: &mut Flows,
    id: FlowId,
    current: &Tuple,
    range: &Range,
    manip: Manip,
    now: Now,
    rng: &mut dyn FnMut() -> u32,
) -> Tuple {
    let mut search = Search { flows, id, range, manip, now };
    if manip == Manip::Source && !range.random {
        if in_range(current, range) {
            if !search.used_as_is(current) {
                return *current;
            }
        } else if let Some(mapped) = search.same_source(current)
            && !search.used(&mapped)
        {
            return mapped;
        }
    }
    let mut tuple = *current;
    search.choose_address(&mut tuple);
    if !range.random {
        match range.ports {
            Some((lo, hi)) => {
                let fits = range.base.is_none() && port_in(&tuple, manip, lo, hi);
                if fits && (lo == hi || !search.used(&tuple)) {
                    return tuple;
                }
            }
            None => {
                if !search.used(&tuple) {
                    return tuple;
                }
            }
        }
    }
    search.choose_port(&mut tuple, rng);
    tuple
}

/// Whether the source is one the range allows.
fn in_range(tuple: &Tuple, range: &Range) -> bool {
    range.addrs.is_none_or(|(lo, hi)| (lo..=hi).contains(&tuple.src))
        && range.ports.is_none_or(|(lo, hi)| port_in(tuple, Manip::Source, lo, hi))
}

fn port_in(tuple: &Tuple, manip: Manip, lo: u16, hi: u16) -> bool {
    let port = match tuple.proto {
        proto::ICMP | proto::ICMPV6 => tuple.sport,
        other if other != proto::GRE && !tuple::has_ports(other) => return true,
        _ if manip == Manip::Source => tuple.sport,
        _ => tuple.dport,
    };
    (lo..=hi).contains(&port)
}

impl Search<'_> {
    /// Whether another connection's answers look as the answers to this tuple would.
    fn used(&mut self, tuple: &Tuple) -> bool {
        tuple::inverse(tuple).is_some_and(|reply| self.flows.taken(&reply, self.id, self.now))
    }

    /// The same for a tuple that needs no change: two untranslated entries for the two directions of one conversation do
    /// not count as a clash; confirming will make them one.
    fn used_as_is(&mut self, tuple: &Tuple) -> bool {
        if !self.used(tuple) {
            return false;
        }
        let Some((own_original, own_reply, zones)) =
            self.flows.get(self.id).map(|flow| (flow.conn.original, flow.conn.reply, flow.conn.zones))
        else {
            return true;
        };
        if !tuple::may_race(own_original.proto) {
            return true;
        }
        let mut found = self.flows.find(tuple, zones, self.now);
        if found.is_none()
            && let Some(reply) = tuple::inverse(tuple)
        {
            found = self.flows.find(&reply, zones, self.now);
        }
        let Some(other) = found.and_then(|(id, _)| self.flows.get(id)) else { return false };
        let translated = other.has(NAT_MASK | status::SEQ_ADJUST);
        translated || other.conn.original != own_reply || other.conn.reply != own_original
    }

    /// The same, but with few tries left a TCP connection that is over and was translated gives way to a SYN whose
    /// sequence numbers lie beyond its own.
    fn used_by_living(&mut self, tuple: &Tuple, left: u32) -> bool {
        let opening = self.flows.get(self.id).filter(|flow| flow.conn.tcp_state == tcp::SYN_SENT);
        let (true, proto::TCP, Some(own)) = (left <= HARDER, tuple.proto, opening) else { return self.used(tuple) };
        let (end, zones) = (own.tcp_end(), own.conn.zones);
        let Some(reply) = tuple::inverse(tuple) else { return false };
        let Some((other, dir)) = self.flows.find(&reply, zones, self.now) else { return false };
        let gives_way = self.flows.get(other).is_some_and(|flow| {
            dir == ox_rules::ir::Dir::Reply
                && flow.tcp_is_over()
                && flow.has(status::SRC_NAT)
                && !flow.has(status::FIXED_TIMEOUT | status::DYING)
                && end.wrapping_sub(flow.tcp_end()) as i32 > 0
        });
        if gives_way {
            self.flows.kill(other);
        }
        !gives_way
    }

    /// How the newest connection from the same source is mapped, if the range allows that.
    fn same_source(&self, current: &Tuple) -> Option<Tuple> {
        let zones = self.flows.get(self.id)?.conn.zones;
        self.flows.with_source(current, zones).find_map(|flow| {
            let mapped = tuple::inverse(&flow.conn.reply)?;
            let mapped = Tuple { dst: current.dst, dport: current.dport, ..mapped };
            in_range(&mapped, self.range).then_some(mapped)
        })
    }

    /// Chooses an address by hashing, so that a client keeps its own.
    fn choose_address(&self, tuple: &mut Tuple) {
        let Some((lo, hi)) = self.range.addrs else { return };
        if lo == hi {
            *self.address(tuple) = lo;
            return;
        }
        let words = |address: u128| match tuple.family {
            Family::V4 => [address as u32, 0, 0, 0],
            Family::V6 => [96, 64, 32, 0].map(|shift| (address >> shift) as u32),
        };
        let last = if tuple.family == Family::V4 { 0 } else { 3 };
        let (src, mut dst, lo, hi) = (words(tuple.src), words(tuple.dst), words(lo), words(hi));
        let zone = self.flows.get(self.id).map_or(0, |flow| u32::from(flow.conn.zone()));
        // The kernel hashes words as they lie in memory: this is a little-endian one's choice.
        let start = if self.range.persistent { 0 } else { dst[last].swap_bytes() ^ zone };
        let mut hash = jhash::jhash2(&src.map(u32::swap_bytes), start);
        let mut full = false;
        let mut chosen = [0u32; 4];
        for i in 0..=last {
            let (least, span) = if full { (0, u32::MAX) } else { (lo[i], hi[i].wrapping_sub(lo[i]).wrapping_add(1)) };
            chosen[i] = least.wrapping_add(((u64::from(hash) * u64::from(span)) >> 32) as u32);
            full |= chosen[i] != hi[i];
            if self.manip == Manip::Destination {
                dst[i] = chosen[i];
            }
            if !self.range.persistent {
                hash ^= dst[i].swap_bytes();
            }
        }
        let address = match tuple.family {
            Family::V4 => chosen[0].into(),
            Family::V6 => chosen.iter().fold(0, |all, &word| all << 32 | u128::from(word)),
        };
        *self.address(tuple) = address;
    }

    fn address<'t>(&self, tuple: &'t mut Tuple) -> &'t mut u128 {
        match self.manip {
            Manip::Source => &mut tuple.src,
            Manip::Destination => &mut tuple.dst,
        }
    }

    /// Tries ports until one is free, or for long enough.
    fn choose_port(&mut self, tuple: &mut Tuple, rng: &mut dyn FnMut() -> u32) {
        let source = self.manip == Manip::Source;
        let (is_source, min, size) = match tuple.proto {
            proto::ICMP | proto::ICMPV6 => match self.range.ports {
                // The kernel takes the difference as it comes; a range that runs backwards makes a huge one.
                Some((lo, hi)) => (true, u32::from(lo), u32::from(hi).wrapping_sub(lo.into()).wrapping_add(1)),
                None => (true, 0, 65_536),
            },
            other if tuple::has_ports(other) => match self.range.ports {
                Some((lo, hi)) => {
                    let (lo, hi) = (lo.min(hi), lo.max(hi));
                    (source, lo.into(), u32::from(hi - lo) + 1)
                }
                // A destination port is never changed unasked.
                None if !source => return,
                // Ports are kept in their class: the lowest are credentials of a kind.
                None => match tuple.sport {
                    ..512 => (true, 1, 511),
                    512..1024 => (true, 600, 424),
                    1024.. => (true, 1024, 64_512),
                },
            },
            // GRE has keys to choose only for PPTP's own connections, which need its helper.
            _ => return,
        };
        let size = size.max(1);
        let port = if is_source { tuple.sport } else { tuple.dport };
        let mut offset = match self.range.base {
            Some(base) => port.wrapping_sub(base),
            None if self.range.random || source => rng() as u16,
            None => 0,
        };
        let mut attempts = size.min(MAX_ATTEMPTS);
        loop {
            for i in 0..attempts {
                let port = min.wrapping_add(u32::from(offset) % size) as u16;
                *(if is_source { &mut tuple.sport } else { &mut tuple.dport }) = port;
                if !self.used_by_living(tuple, attempts - i) {
                    return;
                }
                offset = offset.wrapping_add(1);
            }
            if attempts >= size || attempts < 16 {
                return;
            }
            attempts /= 2;
            offset = rng() as u16;
        }
    }
}
