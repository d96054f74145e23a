//! `Flows`: every tracked connection, found by either tuple, expired when looked at, dropped early when there are too many.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c `__nf_conntrack_find_get`, `__nf_conntrack_alloc`, `early_drop`,
//! `nf_conntrack_tuple_taken`, `nf_ct_delete`, `gc_worker`; nf_nat_core.c `nf_nat_bysource`.

use super::chains::Chains;
use super::{Flow, FlowId, Settings, State, Timeouts};
use ox_packet::{Family, proto};
use ox_rules::ir::{Conn, Dir, Entry, Now, Template, Tuple, status};
use siphasher::sip::SipHasher13;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Buckets that are searched for a connection to drop early (Kernel: `NF_CT_EVICTION_RANGE`).
const EVICTION_RANGE: usize = 8;

/// Deleted entries that are kept a while, since the packet that ended one still refers to it.
const KEPT_DEAD: usize = 64;

/// The kind of a hash chain a flow stands in: its original tuple, its reply tuple, its source for NAT.
const SOURCE: usize = 2;

/// All tracked connections of a network namespace.
#[derive(Clone, Debug)]
pub struct Flows {
    /// Timeouts and switches.
    pub settings: Settings,
    slots: Vec<Option<Flow>>,
    free: Vec<u32>,
    dead: VecDeque<u32>,
    serial: u64,
    count: usize,
    tuples: Chains,
    sources: Chains,
    hasher: SipHasher13,
    policies: BTreeMap<String, Arc<Timeouts>>,
    /// A connection that the packet under way cannot know: see [`crate::live::Reply::unseen`].
    pub(crate) unseen: Option<FlowId>,
}

impl Flows {
    /// An empty table. The seed decides nothing but which connection goes first when the table is full.
    pub fn new(settings: Settings, seed: [u64; 2]) -> Self {
        Self {
            settings,
            slots: Vec::new(),
            free: Vec::new(),
            dead: VecDeque::new(),
            serial: 0,
            count: 0,
            tuples: Chains::new(),
            sources: Chains::new(),
            hasher: SipHasher13::new_with_keys(seed[0], seed[1]),
            policies: BTreeMap::new(),
            unseen: None,
        }
    }

    /// Defines a timeout policy that `-j CT --timeout` may name.
    pub fn set_policy(&mut self, name: &str, timeouts: Timeouts) {
        self.policies.insert(name.to_owned(), Arc::new(timeouts));
    }

    /// How many there are, unconfirmed ones included (`nf_conntrack_count`).
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A connection by name, if it still lives or died a moment ago.
    #[inline]
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|flow| flow.id == id)
    }

    /// The same, to change it. The tuples of a confirmed connection must not be changed.
    #[inline]
    pub fn get_mut(&mut self, id: FlowId) -> Option<&mut Flow> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|flow| flow.id == id)
    }

    /// A connection to change, beside the settings.
    pub(super) fn parts(&mut self, id: FlowId) -> Option<(&mut Flow, &Settings)> {
        let flow = self.slots.get_mut(id.slot as usize)?.as_mut().filter(|flow| flow.id == id)?;
        Some((flow, &self.settings))
    }

    /// The connections in the table at this moment, oldest first.
    pub fn iter(&self, now: Now) -> impl Iterator<Item = &Flow> {
        // One that lost a clash is found by its reply only and is not listed.
        let listed = |flow: &&Flow| flow.linked[0] && flow.confirmed() && !flow.expired(now);
        let mut all: Vec<&Flow> = self.slots.iter().flatten().filter(listed).collect();
        all.sort_unstable_by_key(|flow| flow.id);
        all.into_iter()
    }

    /// Removes what has expired and returns it, oldest first. Needed for the sake of memory and of those who want to know
    /// when a connection ended; look-ups never find an expired one.
    pub fn clean(&mut self, now: Now) -> Vec<Flow> {
        let mut gone: Vec<FlowId> = self.slots.iter().flatten().filter(|f| f.expired(now)).map(Flow::id).collect();
        gone.sort_unstable();
        gone.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Ends a connection now. The packet at hand may go on referring to it.
    pub fn kill(&mut self, id: FlowId) {
        let Some(flow) = self.get_mut(id) else { return };
        if flow.has(status::DYING) {
            return;
        }
        flow.conn.status |= status::DYING;
        self.unlink(id);
        self.count -= 1;
        self.dead.push_back(id.slot);
        if self.dead.len() > KEPT_DEAD
            && let Some(slot) = self.dead.pop_front()
        {
            self.release(slot);
        }
    }

    /// Forgets an entry whose first packet did not make it to the end. Confirmed ones stay.
    pub fn discard(&mut self, id: FlowId) {
        if self.get(id).is_some_and(|flow| !flow.confirmed()) {
            self.remove(id);
        }
    }

    /// Ends every connection.
    pub fn flush(&mut self) {
        let ids: Vec<FlowId> = self.slots.iter().flatten().filter(|f| f.confirmed()).map(Flow::id).collect();
        for id in ids {
            self.remove(id);
        }
    }

    /// The connection with this tuple in one of its directions. What has expired on the way is removed.
    pub fn find(&mut self, tuple: &Tuple, zones: [u16; 2], now: Now) -> Option<(FlowId, Dir)> {
        let mut found = self.look_up(tuple, zones[0], zones, now);
        if found.is_none() && zones[0] != zones[1] {
            found = self.look_up(tuple, zones[1], zones, now);
        }
        found
    }

    pub(super) fn look_up(&mut self, tuple: &Tuple, zone: u16, zones: [u16; 2], now: Now) -> Option<(FlowId, Dir)> {
        let hash = self.tuple_hash(tuple, zone);
        loop {
            let (id, dir, expired) = self.tuples.find(hash).find_map(|node| {
                let (flow, dir) = self.at(node)?;
                let equal = self.unseen != Some(flow.id)
                    && flow.conn.tuple(dir) == tuple
                    && flow.conn.zones[dir as usize] == zones[dir as usize];
                equal.then(|| (flow.id, dir, flow.expired(now)))
            })?;
            if !expired {
                return Some((id, dir));
            }
            self.remove(id);
        }
    }

    fn at(&self, node: u32) -> Option<(&Flow, Dir)> {
        let dir = if node & 1 == 0 { Dir::Original } else { Dir::Reply };
        self.slots.get(node as usize / 2)?.as_ref().map(|flow| (flow, dir))
    }

    /// Whether another connection already uses a tuple. One that started with the very same packet does not count: the two
    /// are one, which [`Flows::confirm`] will see.
    pub fn taken(&mut self, tuple: &Tuple, by_other_than: FlowId, now: Now) -> bool {
        let Some(own) = self.get(by_other_than) else { return false };
        let (zones, original) = (own.conn.zones, own.conn.original);
        match self.find_other(tuple, zones, by_other_than, now) {
            Some((id, _)) => self.get(id).is_some_and(|f| f.conn.original != original || f.conn.zones[0] != zones[0]),
            None => false,
        }
    }

    fn find_other(&mut self, tuple: &Tuple, zones: [u16; 2], not: FlowId, now: Now) -> Option<(FlowId, Dir)> {
        // What is asked about is always an answer's tuple.
        self.look_up(tuple, zones[1], zones, now).filter(|(id, _)| *id != not)
    }

    /// The entry with this tuple in one of its directions, looked up as [`Flows::find`] does, but only looked at.
    pub fn entry(&self, tuple: &Tuple, zones: [u16; 2], now: Now) -> Option<Entry> {
        let nodes = zones.into_iter().flat_map(|zone| self.tuples.find(self.tuple_hash(tuple, zone)));
        nodes.filter_map(|node| self.at(node)).find_map(|(flow, dir)| {
            let conn = &flow.conn;
            let found = conn.tuple(dir) == tuple && conn.zones[dir as usize] == zones[dir as usize];
            let closed =
                tuple.proto == proto::TCP && matches!(conn.tcp_state, super::tcp::TIME_WAIT | super::tcp::CLOSE);
            (found && !flow.expired(now)).then_some(Entry { status: conn.status, zones: conn.zones, closed })
        })
    }

    /// The host has answered a segment with a reset of its own (Kernel: `nf_conntrack_tcp_set_closing`).
    pub fn close(&mut self, id: FlowId, now: Now) {
        let Some((flow, settings)) = self.parts(id) else { return };
        if flow.conn.original.proto != proto::TCP || !flow.confirmed() {
            return;
        }
        let old = std::mem::replace(&mut flow.conn.tcp_state, super::tcp::CLOSE);
        if old != super::tcp::CLOSE && !flow.has(status::FIXED_TIMEOUT) {
            let timeouts = flow.policy.as_deref().unwrap_or(&settings.timeouts);
            flow.conn.expires = now.mono.saturating_add(timeouts.tcp[usize::from(super::tcp::CLOSE)]);
        }
    }

    /// A new, unconfirmed entry; `None` if the table is full and nothing can be dropped.
    pub(super) fn allocate(
        &mut self,
        original: Tuple,
        reply: Tuple,
        zones: [u16; 2],
        template: Option<&Template>,
        now: Now,
    ) -> Option<FlowId> {
        let max = self.settings.max as usize;
        if max != 0 && self.count >= max && !self.drop_early(self.tuple_hash(&original, zones[0]), now) {
            return None;
        }
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        self.serial += 1;
        let id = FlowId { serial: self.serial, slot };
        let helper = template.and_then(|t| t.helper.clone());
        let conn = Conn {
            original,
            reply,
            status: if helper.is_some() { status::HELPER } else { 0 },
            zones,
            helper,
            ..Conn::default()
        };
        let policy = template.and_then(|t| t.timeout.as_deref()).and_then(|name| self.policies.get(name).cloned());
        let flow = Flow {
            conn,
            masquerade: 0,
            state: State::None,
            lifetime: 0,
            policy,
            counted: self.settings.acct,
            id,
            linked: [false; 3],
        };
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = Some(flow),
            None => self.slots.push(Some(flow)),
        }
        self.count += 1;
        Some(id)
    }

    /// Makes room near a hash: drops every connection of the first bucket that has one nobody would miss.
    fn drop_early(&mut self, hash: u64, now: Now) -> bool {
        let start = self.tuples.bucket_of(hash);
        for step in 0..EVICTION_RANGE {
            let bucket = (start + step) % self.tuples.buckets();
            let chain: Vec<FlowId> =
                self.tuples.chain(bucket).filter_map(|node| self.at(node)).map(|(flow, _)| flow.id).collect();
            let mut dropped = false;
            for id in chain {
                let Some(flow) = self.get(id) else { continue };
                let expired = flow.expired(now);
                if expired || !flow.has(status::ASSURED) {
                    self.remove(id);
                    dropped |= !expired;
                }
            }
            if dropped {
                return true;
            }
        }
        false
    }

    /// Puts a flow into the chain of one of its tuples.
    pub(super) fn link(&mut self, id: FlowId, dir: Dir) {
        let Some(flow) = self.get(id).filter(|flow| !flow.linked[dir as usize]) else { return };
        let hash = self.tuple_hash(flow.conn.tuple(dir), flow.conn.zones[dir as usize]);
        self.tuples.insert(hash, id.slot * 2 + dir as u32);
        if let Some(flow) = self.get_mut(id) {
            flow.linked[dir as usize] = true;
        }
    }

    /// Notes that the flow's source is mapped, so that the next connection from there is mapped alike.
    pub(crate) fn link_source(&mut self, id: FlowId) {
        let Some(flow) = self.get(id).filter(|flow| !flow.linked[SOURCE]) else { return };
        self.sources.insert(self.source_hash(&flow.conn.original, flow.conn.zones), id.slot);
        if let Some(flow) = self.get_mut(id) {
            flow.linked[SOURCE] = true;
        }
    }

    /// The flows whose first packet came from the same address and port by the same protocol, newest first.
    pub(crate) fn with_source(&self, tuple: &Tuple, zones: [u16; 2]) -> impl Iterator<Item = &Flow> {
        self.sources.find(self.source_hash(tuple, zones)).filter_map(move |slot| {
            let flow = self.slots.get(slot as usize)?.as_ref()?;
            let o = &flow.conn.original;
            let same = (o.family, o.proto, o.src, o.sport) == (tuple.family, tuple.proto, tuple.src, tuple.sport);
            (same && flow.conn.zones[0] == zones[0]).then_some(flow)
        })
    }

    fn unlink(&mut self, id: FlowId) {
        let Some(flow) = self.get_mut(id) else { return };
        let linked = std::mem::take(&mut flow.linked);
        let (original, reply, zones) = (flow.conn.original, flow.conn.reply, flow.conn.zones);
        if linked[0] {
            self.tuples.remove(self.tuple_hash(&original, zones[0]), id.slot * 2);
        }
        if linked[1] {
            self.tuples.remove(self.tuple_hash(&reply, zones[1]), id.slot * 2 + 1);
        }
        if linked[SOURCE] {
            self.sources.remove(self.source_hash(&original, zones), id.slot);
        }
    }

    pub(super) fn remove(&mut self, id: FlowId) -> Option<Flow> {
        if self.get(id)?.has(status::DYING) {
            return None;
        }
        self.unlink(id);
        self.count -= 1;
        self.release(id.slot)
    }

    fn release(&mut self, slot: u32) -> Option<Flow> {
        let flow = self.slots.get_mut(slot as usize)?.take();
        if flow.is_some() {
            self.free.push(slot);
        }
        flow
    }

    fn tuple_hash(&self, t: &Tuple, zone: u16) -> u64 {
        let ports = u32::from(t.sport) << 16 | u32::from(t.dport);
        let rest = u64::from(ports) << 32 | u64::from(zone) << 16 | u64::from(t.proto) << 8;
        match t.family {
            Family::V4 => {
                let addresses = (t.src as u64) << 32 | t.dst as u64 & 0xffff_ffff;
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&addresses.to_le_bytes());
                bytes[8..].copy_from_slice(&rest.to_le_bytes());
                self.hasher.hash(&bytes)
            }
            Family::V6 => {
                let mut bytes = [0; 40];
                bytes[..16].copy_from_slice(&t.src.to_le_bytes());
                bytes[16..32].copy_from_slice(&t.dst.to_le_bytes());
                bytes[32..].copy_from_slice(&(rest | 1).to_le_bytes());
                self.hasher.hash(&bytes)
            }
        }
    }

    /// The zone counts only where it is the same both ways.
    fn source_hash(&self, t: &Tuple, zones: [u16; 2]) -> u64 {
        let zone = if zones[0] == zones[1] { zones[0] } else { 0 };
        self.tuple_hash(&Tuple { dst: 0, dport: 0, ..*t }, zone)
    }
}
