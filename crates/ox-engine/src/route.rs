//! Routing: where a packet goes, and whether it may come from where it says.
//!
//! Kernel: net/ipv4/route.c `ip_route_input_slow`, `ip_route_output_key_hash_rcu`, net/ipv4/fib_frontend.c
//! `fib_validate_source`, net/ipv6/route.c.

use crate::world::{Iface, Route, RouteKind, World};
use ox_packet::{Family, Key};
use ox_rules::ir::{RouteAnswer, addr_type};
use ox_rules::model::{Net, prefix_mask};

/// The main table's number.
pub const MAIN: u32 = 254;

/// A route that was found. Connected and local routes are made from addresses as they are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it does.
    pub kind: RouteKind,
    /// Interface; 0 for none.
    pub dev: u128,
    /// Next hop.
    pub via: Option<u128>,
    /// Source address it prefers.
    pub src: Option<u128>,
    /// The prefix that fitted.
    pub to: Net,
}

/// What a route is looked up by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flow {
    /// Family.
    pub family: Family,
    /// Source; 0 when it is still to be chosen.
    pub src: u128,
    /// Destination.
    pub dst: u128,
    /// Mark.
    pub mark: u32,
    /// Incoming interface; 0 for packets of this host.
    pub iif: u128,
    /// Interface the packet must leave by; 0 for any.
    pub oif: u128,
}

/// Why a packet that came in goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Source or destination cannot be on the wire (`log_martians`): dropped in silence.
    Martian(&'static str),
    /// No route, and this host does not forward: dropped in silence.
    Silent(&'static str),
    /// Answered by an ICMP unreachable with this code.
    Unreachable(u8, &'static str),
}

const LOOPBACK_NET: u128 = 0x7f;

fn is_loopback(family: Family, addr: u128) -> bool {
    match family {
        Family::V4 => addr >> 24 == LOOPBACK_NET,
        Family::V6 => addr == 1,
    }
}

fn is_multicast(family: Family, addr: u128) -> bool {
    match family {
        Family::V4 => addr >> 28 == 0xe,
        Family::V6 => addr >> 120 == 0xff,
    }
}

const BROADCAST: u128 = 0xffff_ffff;

impl World {
    /// Whether an address is one of this host's (`RTN_LOCAL`).
    pub fn is_local(&self, family: Family, addr: u128) -> bool {
        let lo = |i: &Iface| i.loopback && family == Family::V4 && is_loopback(family, addr);
        self.ifaces.iter().any(|i| lo(i) || i.addrs.iter().any(|a| a.0 == family && a.1 == addr))
            || self.routes.iter().any(|r| r.family == family && r.kind == RouteKind::Local && r.to.has(addr))
    }

    /// Whether an address is a broadcast address of one of this host's networks.
    pub fn is_broadcast(&self, family: Family, addr: u128) -> bool {
        if family == Family::V6 {
            return false;
        }
        let of = |&(f, a, len): &(Family, u128, u8)| {
            let mask = prefix_mask(Family::V4, len);
            f == Family::V4 && len < 31 && (addr == (a | !mask & BROADCAST))
        };
        addr == BROADCAST || self.ifaces.iter().any(|i| i.addrs.iter().any(of))
    }

    /// Looks a route up through the policy rules.
    pub fn lookup(&self, flow: &Flow) -> Option<Found> {
        let Flow { family, dst, .. } = *flow;
        if self.is_local(family, dst) {
            let lo = self.ifaces.iter().find(|i| i.loopback).map_or(0, |i| i.number);
            let to = Net::prefix(family, dst, 128);
            return Some(Found { kind: RouteKind::Local, dev: lo, via: None, src: Some(dst), to });
        }
        if family == Family::V4 && self.is_broadcast(family, dst) && dst != BROADCAST {
            let owner =
                |i: &&Iface| i.addrs.iter().any(|&(f, a, len)| f == family && Net::prefix(family, a, len).has(dst));
            let dev = self.ifaces.iter().find(owner);
            let to = Net::prefix(family, dst, 32);
            return Some(Found {
                kind: RouteKind::Broadcast,
                dev: dev.map_or(0, |i| i.number),
                via: None,
                src: dev.and_then(|i| i.addr(family)),
                to,
            });
        }
        let mut rules: Vec<_> = self
            .policies
            .iter()
            .filter(|r| {
                r.family == family
                    && r.from.has(flow.src)
                    && r.to.has(dst)
                    && (r.iif == 0 || r.iif == flow.iif)
                    && flow.mark & r.mark.1 == r.mark.0
            })
            .collect();
        rules.sort_by_key(|r| r.priority);
        rules.into_iter().map(|r| r.table).chain([MAIN]).find_map(|table| self.lookup_table(flow, table))
    }

    /// The longest prefix of one table, the smaller metric first; connected networks are routes of the main table.
    fn lookup_table(&self, flow: &Flow, table: u32) -> Option<Found> {
        let Flow { family, dst, oif, .. } = *flow;
        let fits = |to: Net, dev: u128| to.has(dst) && (oif == 0 || dev == oif);
        let mut best: Option<(u32, u32, Found)> = None;
        let mut offer = |len: u32, metric: u32, found: Found| {
            if best.as_ref().is_none_or(|(l, m, _)| len > *l || (len == *l && metric < *m)) {
                best = Some((len, metric, found));
            }
        };
        for r in self.routes.iter().filter(|r| r.table == table && r.family == family && fits(r.to, r.dev)) {
            let Route { kind, dev, via, src, to, metric, .. } = r.clone();
            let src = src.or_else(|| self.source_towards(family, dev, via.unwrap_or(dst)));
            offer(to.mask().count_ones(), metric, Found { kind, dev, via, src, to });
        }
        if table == MAIN {
            for i in self.ifaces.iter().filter(|i| !i.loopback) {
                for &(f, addr, len) in i.addrs.iter().filter(|a| a.0 == family) {
                    let to = Net::prefix(f, addr, len);
                    if fits(to, i.number) {
                        let found = Found { kind: RouteKind::Unicast, dev: i.number, via: None, src: Some(addr), to };
                        offer(to.mask().count_ones(), 0, found);
                    }
                }
            }
        }
        best.map(|b| b.2)
    }

    /// The address a host uses on an interface towards a next hop: one of the same network, else the first.
    fn source_towards(&self, family: Family, dev: u128, hop: u128) -> Option<u128> {
        // The loopback addresses are of host scope: they are no source for packets that leave, nor for MASQUERADE on `lo`.
        // Kernel: net/ipv4/devinet.c `inet_select_addr`.
        let scoped = |i: &&Iface| !i.loopback && i.addr(family).is_some();
        let Some(iface) = self.iface(dev).filter(|i| !i.loopback) else {
            return self.ifaces.iter().find(scoped).and_then(|i| i.addr(family));
        };
        let near = iface.addrs.iter().find(|&&(f, a, len)| f == family && Net::prefix(f, a, len).has(hop));
        near.map(|a| a.1)
            .or_else(|| iface.addr(family))
            .or_else(|| self.ifaces.iter().find(scoped).and_then(|i| i.addr(family)))
    }

    /// The source address a packet to a destination takes when it leaves by an interface (MASQUERADE).
    pub fn source_by(&self, family: Family, dev: u128, dst: u128) -> Option<u128> {
        match family {
            Family::V4 => {
                let flow = Flow { family, dst, oif: dev, ..Flow::default() };
                let hop = self.lookup(&flow).and_then(|f| f.via).unwrap_or(dst);
                self.source_towards(family, dev, hop)
            }
            Family::V6 => self.source6(dev, dst),
        }
    }

    /// Kernel: net/ipv6/addrconf.c `ipv6_get_saddr_eval`, the rules that the facts known here can tell apart: the
    /// destination itself, an address of fitting scope, one on the leaving interface, the longest common prefix.
    fn source6(&self, dev: u128, dst: u128) -> Option<u128> {
        if is_loopback(Family::V6, dst) {
            return Some(dst);
        }
        let link_local = |a: u128| a >> 118 == 0xfe80 >> 6;
        let addrs = self.ifaces.iter().filter(|i| !i.loopback).flat_map(|i| i.addrs.iter().map(move |a| (i, a)));
        addrs
            .filter(|(_, a)| a.0 == Family::V6)
            .map(|(i, a)| {
                ((a.1 == dst, link_local(a.1) == link_local(dst), i.number == dev, (a.1 ^ dst).leading_zeros()), a.1)
            })
            // The first of equals wins, as it stands first in the kernel's list.
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, addr)| addr)
    }

    /// Where a packet that came in goes: `Local` or `Broadcast` or `Multicast` to this host, `Unicast` onwards.
    ///
    /// # Errors
    /// Why it goes nowhere.
    pub fn route_input(&self, key: &Key, family: Family) -> Result<Found, Refusal> {
        let iface = self.iface(key.iif).ok_or(Refusal::Silent("the interface it came by is not known"))?;
        match family {
            Family::V4 => self.route_input4(key, iface),
            Family::V6 => self.route_input6(key, iface),
        }
    }

    fn route_input4(&self, key: &Key, iface: &Iface) -> Result<Found, Refusal> {
        let family = Family::V4;
        let local = |kind| {
            let to = Net::prefix(family, key.dst, 32);
            Found { kind, dev: iface.number, via: None, src: None, to }
        };
        if is_multicast(family, key.dst) {
            return Ok(local(RouteKind::Multicast));
        }
        if is_multicast(family, key.src) || key.src == BROADCAST {
            return Err(Refusal::Martian("its source is a multicast or broadcast address"));
        }
        if key.dst == BROADCAST || (key.src == 0 && key.dst == 0) {
            return Ok(local(RouteKind::Broadcast));
        }
        if key.src >> 24 == 0 {
            return Err(Refusal::Martian("its source is in 0.0.0.0/8"));
        }
        if key.dst >> 24 == 0 {
            return Err(Refusal::Martian("its destination is in 0.0.0.0/8"));
        }
        if !iface.loopback && !iface.route_localnet {
            if is_loopback(family, key.dst) {
                return Err(Refusal::Martian("its destination is in 127.0.0.0/8 and route_localnet is 0"));
            }
            if is_loopback(family, key.src) {
                return Err(Refusal::Martian("its source is in 127.0.0.0/8 and route_localnet is 0"));
            }
        }
        let flow = Flow { family, src: key.src, dst: key.dst, mark: key.mark, iif: key.iif, oif: 0 };
        let forwards = iface.forwarding[0];
        let Some(found) = self.lookup(&flow) else {
            self.validate_source(key, iface)?;
            return Err(if forwards {
                Refusal::Unreachable(0, "there is no route to its destination")
            } else {
                Refusal::Silent("there is no route to its destination, and this host does not forward")
            });
        };
        self.validate_source(key, iface)?;
        match found.kind {
            RouteKind::Local | RouteKind::Broadcast | RouteKind::Multicast | RouteKind::Anycast => {
                Ok(Found { dev: iface.number, ..found })
            }
            _ if !forwards => {
                Err(Refusal::Silent("it is for somebody else, and this host does not forward (ip_forward is 0)"))
            }
            RouteKind::Unicast => Ok(found),
            RouteKind::Blackhole => Err(Refusal::Silent("its route is a blackhole")),
            RouteKind::Unreachable => Err(Refusal::Unreachable(1, "its route is of type unreachable")),
            RouteKind::Prohibit => Err(Refusal::Unreachable(13, "its route is of type prohibit")),
        }
    }

    /// Kernel: `fib_validate_source`.
    fn validate_source(&self, key: &Key, iface: &Iface) -> Result<(), Refusal> {
        if key.src == 0 {
            return Ok(());
        }
        let own = self.is_local(Family::V4, key.src) && (iface.loopback || !is_loopback(Family::V4, key.src));
        if own && !iface.accept_local {
            return Err(Refusal::Martian("its source is an address of this host"));
        }
        if iface.rp_filter == 0 {
            return Ok(());
        }
        let back = Flow { family: Family::V4, src: key.dst, dst: key.src, mark: 0, iif: 0, oif: 0 };
        let found = self.lookup(&back);
        let reaches = found.as_ref().is_some_and(|f| f.kind == RouteKind::Unicast);
        if !reaches || (iface.rp_filter == 1 && found.is_some_and(|f| f.dev != iface.number)) {
            return Err(Refusal::Martian("rp_filter: the way back to its source is not by the interface it came by"));
        }
        Ok(())
    }

    fn route_input6(&self, key: &Key, iface: &Iface) -> Result<Found, Refusal> {
        let family = Family::V6;
        if !iface.loopback && (is_loopback(family, key.src) || is_loopback(family, key.dst)) {
            return Err(Refusal::Martian("::1 cannot come in from outside"));
        }
        if is_multicast(family, key.src) {
            return Err(Refusal::Martian("its source is a multicast address"));
        }
        if is_multicast(family, key.dst) {
            let to = Net::prefix(family, key.dst, 128);
            return Ok(Found { kind: RouteKind::Multicast, dev: iface.number, via: None, src: None, to });
        }
        let flow = Flow { family, src: key.src, dst: key.dst, mark: key.mark, iif: key.iif, oif: 0 };
        let found = self.lookup(&flow);
        match found {
            Some(f) if matches!(f.kind, RouteKind::Local | RouteKind::Anycast) => Ok(Found { dev: iface.number, ..f }),
            _ if !iface.forwarding[1] => {
                Err(Refusal::Silent("it is for somebody else, and this host does not forward (forwarding is 0)"))
            }
            None => Err(Refusal::Unreachable(0, "there is no route to its destination")),
            Some(f) => match f.kind {
                RouteKind::Blackhole => Err(Refusal::Silent("its route is a blackhole")),
                RouteKind::Unreachable => Err(Refusal::Unreachable(0, "its route is of type unreachable")),
                RouteKind::Prohibit => Err(Refusal::Unreachable(1, "its route is of type prohibit")),
                _ => Ok(f),
            },
        }
    }

    /// The type of an address as `-m addrtype` sees it (Kernel: net/ipv4/fib_frontend.c `inet_addr_type`), seen from an
    /// interface if one is given.
    pub fn addr_type(&self, family: Family, addr: u128, dev: u128) -> u16 {
        if family == Family::V4 {
            if addr >> 24 == 0 || addr == BROADCAST {
                return addr_type::BROADCAST;
            }
            if addr >> 28 == 0xf {
                return addr_type::UNICAST;
            }
        } else if addr == 0 {
            return addr_type::UNSPEC;
        }
        if is_multicast(family, addr) {
            return addr_type::MULTICAST;
        }
        if self.is_local(family, addr) {
            let on = |i: &Iface| {
                i.number == dev
                    && (i.addrs.iter().any(|a| a.0 == family && a.1 == addr)
                        || (i.loopback && is_loopback(family, addr)))
            };
            let here = dev == 0 || self.ifaces.iter().any(on);
            return if here { addr_type::LOCAL } else { addr_type::UNICAST };
        }
        if self.is_broadcast(family, addr) {
            return addr_type::BROADCAST;
        }
        let flow = Flow { family, dst: addr, oif: 0, ..Flow::default() };
        match self.lookup(&flow).map(|f| f.kind) {
            Some(RouteKind::Blackhole) => addr_type::BLACKHOLE,
            Some(RouteKind::Unreachable) => addr_type::UNREACHABLE,
            Some(RouteKind::Prohibit) => addr_type::PROHIBIT,
            Some(RouteKind::Anycast) => addr_type::ANYCAST,
            None if family == Family::V6 => addr_type::UNREACHABLE,
            _ => addr_type::UNICAST,
        }
    }

    /// The route back to a packet's source, for `-m rpfilter`.
    pub fn reverse(&self, family: Family, key: &Key, mark: bool) -> Option<RouteAnswer> {
        let mark = if mark { key.mark } else { 0 };
        let flow = Flow { family, src: key.dst, dst: key.src, mark, iif: 0, oif: 0 };
        let found = self.lookup(&flow)?;
        let kind = match found.kind {
            RouteKind::Unicast => addr_type::UNICAST,
            RouteKind::Local => addr_type::LOCAL,
            RouteKind::Broadcast => addr_type::BROADCAST,
            RouteKind::Multicast => addr_type::MULTICAST,
            RouteKind::Anycast => addr_type::ANYCAST,
            RouteKind::Blackhole => addr_type::BLACKHOLE,
            RouteKind::Unreachable => addr_type::UNREACHABLE,
            RouteKind::Prohibit => addr_type::PROHIBIT,
        };
        // A packet for this host leaves by the loopback, but the route there is that of the interface with the address
        // (Kernel: net/ipv4/fib_frontend.c `fib_add_ifaddr`; ipt_rpfilter.c asks the route).
        let owner = |i: &&Iface| i.addrs.iter().any(|a| (a.0, a.1) == (family, key.src));
        let holder = self.ifaces.iter().find(owner).filter(|_| found.kind == RouteKind::Local);
        Some(RouteAnswer { kind, oif: holder.map_or(found.dev, |i| i.number) })
    }
}

impl Found {
    /// In `ip route` words: `10.244.0.0/16 via 10.0.0.1 dev eth0`.
    pub fn words(&self, family: Family) -> String {
        let addr = |a| ox_packet::ip_address(family, a).to_string();
        let mut text = match self.kind {
            RouteKind::Unicast => String::new(),
            kind => format!("{} ", format!("{kind:?}").to_lowercase()),
        };
        match self.to.prefix_len(family) {
            Some(0) => text.push_str("default"),
            Some(len) if len == if family == Family::V4 { 32 } else { 128 } => text.push_str(&addr(self.to.addr())),
            Some(len) => text.push_str(&format!("{}/{len}", addr(self.to.addr()))),
            None => text.push_str(&addr(self.to.addr())),
        }
        if let Some(via) = self.via {
            text.push_str(&format!(" via {}", addr(via)));
        }
        if self.dev != 0 {
            text.push_str(&format!(" dev {}", ox_packet::iface_name(self.dev)));
        }
        text
    }
}
