//! `Live`: everything about a machine that changes or answers while packets pass. It is the [`Env`] of natives and the
//! [`Host`] of walks.

use crate::chance::{Chooser, Dice};
use crate::flow::{self, FlowId, Flows};
use crate::frag::Fragments;
use crate::nat::{self, Manip};

use crate::walk::{Host, Subject};
use crate::world::{RouteKind, World};
use ox_packet::{Family, Field, Sender};
use ox_rules::ir::{
    ByStack, CellKey, Conn, ConnKind, Dir, Entry, Env, Hook, LogSpec, NatKind, NatSpec, Now, Owner, Packet, RejectWith,
    RouteAnswer, SetChange, SetInfo, SetQuery, SocketAnswer, Stop, Tuple, Verdict,
};
use rustc_hash::FxHashMap;
use std::any::Any;

/// What a native remembers from packet to packet.
type Cell = Option<Box<dyn Any + Send>>;

/// State of a running machine.
pub struct Live {
    /// Family of its packets.
    pub family: Family,
    /// The host around it.
    pub world: World,
    /// The tracked connections.
    pub flows: Flows,
    /// The fragments that wait for others.
    pub fragments: Fragments,
    /// The moment; set by whoever feeds packets.
    pub now: Now,
    /// Where numbers come from.
    pub dice: Dice,
    /// Who decides what is open.
    pub chooser: Chooser,
    /// NFQUEUE numbers on which somebody listens; `None`: not known.
    pub queues: Option<Vec<u16>>,
    /// Accounting objects by name: packets, bytes, quota in bytes.
    pub accounts: FxHashMap<String, (u64, u64, Option<u64>)>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) logged: Vec<LogSpec>,
    pub(crate) rejected: Option<RejectWith>,
    pub(crate) current: Option<FlowId>,
    own: FxHashMap<u32, Cell>,
    named: FxHashMap<&'static str, FxHashMap<String, Cell>>,
}

/// The connection a packet made by this host belongs to from the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attached {
    /// The connection.
    pub flow: Option<FlowId>,
    /// How the packet relates to it.
    pub kind: ConnKind,
    /// Which way it goes.
    pub dir: Dir,
}

/// An answer this host sends on its own account.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The packet.
    pub packet: Packet,
    /// The connection it speaks about.
    pub attached: Attached,
    /// The gateway it goes through and the interface, where a rule chose them.
    pub through: Option<(u128, u128)>,
    /// A copy, and what answers it, is on its way before the packet itself goes on: as long as that one's connection is not
    /// confirmed, nobody finds it (Kernel: net/ipv4/netfilter/nf_dup_ipv4.c).
    pub(crate) unseen: Option<FlowId>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("now", &self.now).field("cells", &self.own.len()).finish_non_exhaustive()
    }
}

impl Live {
    pub(crate) fn new(family: Family, world: World, seed: u64) -> Self {
        let flows = Flows::new(world.settings.conntrack.clone(), [seed, !seed]);
        let fragments = Fragments::new(world.settings.fragments);
        Self {
            family,
            world,
            flows,
            fragments,
            now: Now::default(),
            dice: Dice::new(seed),
            chooser: Chooser::Dice,
            queues: None,
            accounts: FxHashMap::default(),
            replies: Vec::new(),
            logged: Vec::new(),
            rejected: None,
            current: None,
            own: FxHashMap::default(),
            named: FxHashMap::default(),
        }
    }

    /// Whether a rule has been asked that remembers or counts (limit, recent, quota, statistic nth).
    pub fn remembers(&self) -> bool {
        !self.own.is_empty() || !self.named.is_empty()
    }

    /// Sends an ICMP or ICMPv6 error about a packet, as part of its connection (Kernel: net/ipv4/icmp.c `__icmp_send`,
    /// `icmp_glue_bits` which attaches the connection; net/ipv6/icmp.c `icmp6_send`).
    pub(crate) fn icmp_error(
        &mut self,
        subject: &Subject,
        flow: Option<FlowId>,
        kind: u8,
        code: u8,
        rest: u32,
    ) -> bool {
        let key = &subject.packet.key;
        // Nobody is told about packets for everybody, nor about those that were not for this host's link address.
        let to_all = |w: &World| {
            let kind = w.addr_type(self.family, key.dst, 0);
            kind & (ox_rules::ir::addr_type::BROADCAST | ox_rules::ir::addr_type::MULTICAST) != 0
        };
        if key.pkttype != 0 || (self.family == Family::V4 && to_all(&self.world)) {
            return false;
        }
        let from = self.answer_from(&subject.packet);
        let Some(src) = from else { return false };
        let sender = Sender { src, ttl: self.world.settings.ttl, id: 0, mtu: self.mtu_back(&subject.packet) };
        match ox_packet::icmp_error(&subject.packet.held(), sender, kind, code, rest) {
            Some(bytes) => self.answer(bytes, ByStack::Socket, subject, flow),
            None => false,
        }
    }

    /// The address errors come from: the packet's destination where that is ours, else the address of the way back.
    fn answer_from(&self, packet: &Packet) -> Option<u128> {
        // A copy has the route to its gateway, which is no local one (Kernel: net/ipv4/icmp.c `icmp_send`).
        let elsewhere = packet.meta.copied && self.family == Family::V4;
        if !elsewhere && self.world.is_local(self.family, packet.key.dst) {
            return Some(packet.key.dst);
        }
        let back = crate::route::Flow { family: self.family, dst: packet.key.src, ..crate::route::Flow::default() };
        let found = self.world.lookup(&back)?;
        // Kernel: net/ipv6/icmp.c `icmp6_send`: the interface it came by gives the address, unless the route says one.
        let said = |r: &crate::world::Route| r.src.is_some() && (r.src, r.to) == (found.src, found.to);
        if self.family == Family::V6
            && packet.key.iif != 0
            && !self.world.routes.iter().any(said)
            && let Some(address) = self.world.source_by(self.family, packet.key.iif, packet.key.src)
        {
            return Some(address);
        }
        found.src.or_else(|| self.world.iface(found.dev).and_then(|i| i.addr(self.family)))
    }

    fn mtu_back(&self, packet: &Packet) -> u32 {
        self.path_mtu(packet).1
    }

    fn answer(&mut self, bytes: Vec<u8>, by: ByStack, subject: &Subject, flow: Option<FlowId>) -> bool {
        let Ok(mut packet) = Packet::new(bytes) else { return false };
        packet.meta.by_stack = Some(by);
        // Kernel: `nf_reject_ip_tcphdr_put`; its IPv6 fellow computes the whole checksum.
        packet.meta.partial = by == ByStack::Bare && self.family == Family::V4;
        // Kernel: net/netfilter/nf_conntrack_core.c `nf_conntrack_attach`.
        let dir = if subject.dir == Dir::Original { Dir::Reply } else { Dir::Original };
        let attached = match flow {
            Some(flow) => Attached { flow: Some(flow), kind: ConnKind::Related, dir },
            None => Attached::default(),
        };
        // What a copy causes is not copied either (Kernel: `nf_skb_duplicated`).
        packet.meta.copied = subject.packet.meta.copied;
        packet.meta.answers_untracked = flow.is_none() && subject.packet.meta.untracked;
        self.replies.push(Reply { packet, attached, through: None, unseen: self.flows.unseen });
        true
    }

    /// Rewrites the packet as its connection says. False: it cannot be done.
    pub(crate) fn mangle(&mut self, flow: FlowId, subject: &mut Subject, manip: Manip) -> bool {
        let Some(flow) = self.flows.get(flow) else { return true };
        nat::mangle(&mut subject.packet, flow, subject.dir, manip) == flow::Fate::Accept
    }

    /// Rewrites an ICMP error about a translated connection.
    pub(crate) fn translate_error(&mut self, flow: FlowId, subject: &mut Subject, manip: Manip) -> bool {
        let Some(flow) = self.flows.get(flow) else { return true };
        nat::translate_error(&mut subject.packet, flow, subject.dir, manip) == flow::Fate::Accept
    }

    /// The connection keeps what it has, unless it clashes.
    pub(crate) fn null_binding(&mut self, flow: FlowId, manip: Manip) -> bool {
        let dice = &mut self.dice;
        nat::null_binding(&mut self.flows, flow, manip, self.now, &mut || dice.draw()) == flow::Fate::Accept
    }

    /// A copy of what rules see of a connection, for a walk.
    pub(crate) fn conn(&self, flow: Option<FlowId>) -> Option<Conn> {
        flow.and_then(|f| self.flows.get(f)).map(|f| f.conn.clone())
    }

    /// Writes back what a walk may have changed.
    pub(crate) fn write_conn(&mut self, flow: Option<FlowId>, conn: Option<Conn>) {
        if let (Some(flow), Some(conn)) = (flow.and_then(|f| self.flows.get_mut(f)), conn) {
            flow.conn = conn;
        }
    }
}

impl Host for Live {
    fn attend(&mut self, subject: &mut Subject) {
        if subject.conn.is_none() {
            subject.conn = self.conn(self.current);
        }
    }

    fn nat(&mut self, spec: &NatSpec, subject: &mut Subject) -> Verdict {
        let Some(flow) = self.current else { return Verdict::Accept };
        self.write_conn(Some(flow), subject.conn.take());
        let key = &subject.packet.key;
        let address = match spec.kind {
            NatKind::Masquerade => self.world.source_by(self.family, key.oif, key.dst),
            NatKind::Redirect => self.world.iface(key.iif).and_then(|i| i.addr_for(self.family, key.dst)),
            _ => None,
        };
        let place = nat::Place { hook: subject.hook, packet: &subject.packet, address };
        let dice = &mut self.dice;
        let fate = nat::setup(&mut self.flows, flow, spec, &place, self.now, &mut || dice.draw());
        match fate {
            flow::Fate::Accept => Verdict::Accept,
            flow::Fate::Drop => Verdict::Drop,
        }
    }

    fn reject(&mut self, with: RejectWith, subject: &mut Subject) {
        let flow = self.current;
        self.rejected = Some(with);
        // Kernel: net/ipv4/netfilter/nf_reject_ipv4.c: nothing is answered to a packet whose checksum is wrong.
        let v4 = self.family == Family::V4;
        match with {
            RejectWith::Unreachable(code) => {
                let meta = &subject.packet.meta;
                let asked = (!meta.local || meta.copied) && !(meta.summed && subject.hook == Hook::Output);
                if asked && !ox_packet::reject_answers(&subject.packet.bytes) {
                    return;
                }
                self.icmp_error(subject, flow, if v4 { 3 } else { 1 }, code, 0);
            }
            RejectWith::TcpReset => {
                let ttl = self.world.settings.ttl;
                if let Some(bytes) = ox_packet::tcp_reset(&subject.packet.bytes, ttl) {
                    if let Some(flow) = flow {
                        self.write_conn(Some(flow), subject.conn.take());
                        self.flows.close(flow, self.now);
                    }
                    self.answer(bytes, ByStack::Bare, subject, flow);
                }
            }
            RejectWith::EchoReply => {}
        }
    }

    fn log(&mut self, spec: &LogSpec, _: &Subject) {
        self.logged.push(spec.clone());
    }

    fn undecided(&mut self, why: &'static str) -> bool {
        self.chooser.undecided(why)
    }

    fn set(&mut self, field: Field, mask: u32, value: u32, subject: &mut Subject) {
        let packet = &mut subject.packet;
        let changed = packet.key.narrow(field) & !mask ^ value;
        match field {
            Field::Mark => packet.key.mark = changed,
            Field::Tos => {
                ox_packet::rewrite::set_tos(&mut packet.bytes, &packet.layout, changed as u8);
                packet.key.tos = changed as u8;
            }
            Field::Ttl => {
                ox_packet::rewrite::set_ttl(&mut packet.bytes, &packet.layout, changed as u8);
                packet.key.ttl = changed as u8;
            }
            // Lowering makes no other.
            _ => {}
        }
    }
}

impl Env for Live {
    fn now(&self) -> Now {
        self.now
    }

    fn chance(&mut self, of_2_31: u32) -> bool {
        self.chooser.chance(of_2_31, &mut self.dice)
    }

    fn random(&mut self) -> u32 {
        self.dice.draw()
    }

    fn kernel_zone(&self) -> i32 {
        self.world.kernel_zone
    }

    fn ipsec(&self) -> Option<bool> {
        self.world.ipsec
    }

    fn fingerprints(&self) -> Option<bool> {
        self.world.fingerprints
    }

    fn answer(&mut self, mut answer: Packet) {
        answer.meta.by_stack = Some(ByStack::Bare);
        let flow = self.current;
        let kind = if flow.is_some() { ConnKind::Established } else { ConnKind::None };
        let attached = Attached { flow, kind, dir: if flow.is_some() { Dir::Reply } else { Dir::Original } };
        self.replies.push(Reply { packet: answer, attached, through: None, unseen: self.flows.unseen });
    }

    fn copy(&mut self, mut copy: Packet, gateway: u128, oif: u128) {
        copy.meta.by_stack = Some(ByStack::Bare);
        copy.key.iif = 0;
        // Kernel: `nf_reset_ct`, `IP_CT_UNTRACKED`.
        (copy.meta.copied, copy.meta.untracked, copy.meta.template) = (true, true, None);
        let unseen = self.current.filter(|&id| self.flows.get(id).is_some_and(|f| !f.confirmed()));
        let through = Some((gateway, oif));
        self.replies.push(Reply { packet: copy, attached: Attached::default(), through, unseen });
    }

    fn owner(&self, packet: &Packet) -> Result<Option<Owner>, Stop> {
        if !packet.meta.local {
            return Ok(None);
        }
        match packet.meta.by_stack {
            Some(ByStack::Bare) => return Ok(None),
            Some(ByStack::Socket) => return Ok(Some(Owner { nobody: true, ..Owner::default() })),
            None => {}
        }
        match &self.world.owner {
            Some(owner) => Ok(Some(owner.clone())),
            None => Err(Stop::Unknown("who owns the sending socket (--uid and --gid say)")),
        }
    }

    fn socket(&self, packet: &Packet) -> Result<Option<SocketAnswer>, Stop> {
        let Some(sockets) = &self.world.sockets else {
            return Err(Stop::Unknown("which sockets are open on this host"));
        };
        let key = &packet.key;
        let fits = |s: &&crate::world::Socket| {
            s.family == self.family
                && s.proto == key.proto
                && s.port == key.dport
                && (s.addr == 0 || s.addr == key.dst)
                && s.peer.is_none_or(|p| p == (key.src, key.sport))
        };
        let best = sockets.iter().filter(fits).max_by_key(|s| (s.peer.is_some(), s.addr != 0));
        Ok(best.map(|s| SocketAnswer { transparent: s.transparent, wildcard: s.addr == 0, mark: s.mark }))
    }

    fn listener(&self, packet: &Packet, addr: u128, port: u16) -> Result<bool, Stop> {
        let Some(sockets) = &self.world.sockets else {
            return Err(Stop::Unknown("which sockets are open on this host"));
        };
        let fits = |s: &crate::world::Socket| {
            s.family == self.family
                && s.proto == packet.key.proto
                && s.port == port
                && s.transparent
                && (s.addr == 0 || s.addr == addr)
        };
        Ok(sockets.iter().any(fits))
    }

    fn addr_type(&self, family: Family, addr: u128, dev: u128) -> u16 {
        self.world.addr_type(family, addr, dev)
    }

    fn reverse_route(&self, packet: &Packet, mark: bool) -> Option<RouteAnswer> {
        self.world.reverse(self.family, &packet.key, mark)
    }

    fn iface_addr(&self, family: Family, dev: u128) -> Option<u128> {
        self.world.iface(dev).and_then(|i| i.addr(family))
    }

    fn path_mtu(&self, packet: &Packet) -> (u32, u32) {
        let mtu = |dst| {
            let flow = crate::route::Flow { family: self.family, dst, ..crate::route::Flow::default() };
            let found = self.world.lookup(&flow).filter(|f| f.kind != RouteKind::Blackhole);
            found.and_then(|f| self.world.iface(f.dev)).map_or(1500, |i| i.mtu)
        };
        // Kernel: net/netfilter/xt_TCPMSS.c: `dst_mtu` of the route that it has.
        let there = self.world.iface(packet.meta.way).map_or_else(|| mtu(packet.key.dst), |by| by.mtu);
        (there, mtu(packet.key.src))
    }

    fn set_test(&mut self, query: &SetQuery<'_>, packet: &Packet) -> Result<bool, Stop> {
        self.world.sets.test(query, packet, self.now)
    }

    fn set_map(&mut self, query: &SetQuery<'_>, packet: &Packet) -> Result<Option<SetInfo>, Stop> {
        self.world.sets.map(query, packet, self.now)
    }

    fn set_change(&mut self, query: &SetQuery<'_>, change: SetChange, packet: &Packet) -> Result<(), Stop> {
        self.world.sets.change(query, change, packet, self.now)
    }

    fn entry(&self, tuple: &Tuple, zones: [u16; 2]) -> Option<Entry> {
        self.flows.entry(tuple, zones, self.now)
    }

    fn account(&mut self, name: &str, bytes: u32) -> bool {
        if !self.accounts.contains_key(name) {
            self.accounts.insert(name.to_owned(), (0, 0, None));
        }
        let Some((packets, sum, quota)) = self.accounts.get_mut(name) else { return false };
        *packets += 1;
        *sum += u64::from(bytes);
        // An object without a quota always matches.
        quota.is_none_or(|q| *sum > q)
    }

    fn cell(&mut self, site: u32, key: CellKey<'_>) -> &mut Option<Box<dyn Any + Send>> {
        match key {
            CellKey::Own => self.own.entry(site).or_default(),
            CellKey::Named(kind, name) => {
                let of_kind = self.named.entry(kind).or_default();
                // Only a name that is new is copied.
                if !of_kind.contains_key(name) {
                    of_kind.insert(name.to_owned(), None);
                }
                match of_kind.get_mut(name) {
                    Some(cell) => cell,
                    None => unreachable!("it has just been put in"),
                }
            }
        }
    }
}
