//! The last hook: an entry whose packet made it through goes into the table, unless another got there first.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c `__nf_conntrack_confirm`, `nf_ct_resolve_clash`.

use super::timeout::SECOND;
use super::{FlowId, Flows, tuple};
use ox_rules::ir::{Dir, Now, status};

/// How confirming went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The packet goes on and belongs to this connection; it is another than before if two turned out to be one.
    Accept(FlowId),
    /// The packet is dropped and its entry is gone: another connection uses a tuple of it.
    Drop,
}

/// An entry that lost a clash and is found by its reply tuple only (ABI: `IPS_NAT_CLASH`).
pub(super) const NAT_CLASH: u32 = 1 << 12;

impl Flows {
    /// Enters a packet's connection into the table. Nothing happens to one that is there, or for a packet going the other
    /// way (an answer made by REJECT).
    pub fn confirm(&mut self, id: FlowId, dir: Dir, now: Now) -> Confirmed {
        let Some(flow) = self.get(id) else { return Confirmed::Accept(id) };
        if flow.confirmed() || dir == Dir::Reply {
            return Confirmed::Accept(id);
        }
        let (original, reply, zones) = (flow.conn.original, flow.conn.reply, flow.conn.zones);
        for (one, zone) in [(original, zones[0]), (reply, zones[1])] {
            if let Some((other, _)) = self.look_up(&one, zone, zones, now) {
                return self.settle(id, other, now);
            }
        }
        self.enter(id, now);
        self.link(id, Dir::Original);
        self.link(id, Dir::Reply);
        Confirmed::Accept(id)
    }

    fn enter(&mut self, id: FlowId, now: Now) {
        if let Some(flow) = self.get_mut(id) {
            flow.conn.expires = now.mono.saturating_add(flow.lifetime);
            flow.conn.status |= status::CONFIRMED;
        }
    }

    /// `id` clashes with `other`, which is in the table.
    fn settle(&mut self, id: FlowId, other: FlowId, now: Now) -> Confirmed {
        let reply = self.get(id).map(|flow| (flow.conn.reply, flow.conn.original.proto, flow.conn.zones));
        let Some((reply, protocol, zones)) = reply else { return Confirmed::Drop };
        if tuple::may_race(protocol) {
            if self.same(id, other) {
                return self.merge(id, other);
            }
            match self.look_up(&reply, zones[1], zones, now) {
                Some((third, _)) if self.same(id, third) => return self.merge(id, third),
                Some(_) => {}
                None => {
                    // Only the way there is taken: let the answers in for a second.
                    if let Some(flow) = self.get_mut(id) {
                        flow.lifetime = SECOND;
                        flow.conn.status |= status::FIXED_TIMEOUT | NAT_CLASH;
                    }
                    self.enter(id, now);
                    self.link(id, Dir::Reply);
                    return Confirmed::Accept(id);
                }
            }
        }
        self.discard(id);
        Confirmed::Drop
    }

    /// Whether two entries are one connection as far as anybody can tell.
    fn same(&self, id: FlowId, other: FlowId) -> bool {
        let (Some(a), Some(b)) = (self.get(id), self.get(other)) else { return false };
        let natted = b.has(status::SRC_NAT_DONE | status::DST_NAT_DONE);
        let equal = a.conn.original == b.conn.original && a.conn.reply == b.conn.reply && a.conn.zones == b.conn.zones;
        let turned = a.conn.original == b.conn.reply && a.conn.reply == b.conn.original && a.conn.zones == b.conn.zones;
        let began_alike = a.conn.original == b.conn.original && a.conn.zones[0] == b.conn.zones[0];
        equal || turned || !natted && began_alike
    }

    fn merge(&mut self, id: FlowId, other: FlowId) -> Confirmed {
        let counted = self.get(id).map(|flow| (flow.conn.packets, flow.conn.bytes));
        if let (Some((packets, bytes)), Some(flow)) = (counted, self.get_mut(other))
            && flow.counted
        {
            for dir in 0..2 {
                flow.conn.packets[dir] += packets[dir];
                flow.conn.bytes[dir] += bytes[dir];
            }
        }
        self.discard(id);
        Confirmed::Accept(other)
    }
}
