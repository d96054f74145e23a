//! A packet's connection, between the chains of a hook: put together, tracked, confirmed, translated.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c `nf_conntrack_in`, `__nf_conntrack_confirm`, nf_nat_core.c
//! `nf_nat_inet_fn`, net/ipv4/netfilter/nf_defrag_ipv4.c.

use super::{Fate, Machine, Transit};
use crate::flow::{self, Confirmed};
use crate::frag::{Gathered, User};
use crate::nat::{self, Manip};
use crate::trace::{Note, Tracer};
use ox_packet::{checksum, ct, proto};
use ox_rules::ir::{ChainId, ConnKind, Hook, status};

impl Machine {
    /// Writes what is known of the connection into the key.
    pub(super) fn set_ct(&self, transit: &mut Transit) {
        let mut bits = match transit.subject.kind {
            ConnKind::None => ct::INVALID,
            ConnKind::New => ct::NEW,
            ConnKind::Established => ct::ESTABLISHED,
            ConnKind::Related => ct::RELATED,
            ConnKind::Untracked => ct::UNTRACKED,
        };
        if let Some(conn) = transit.flow.and_then(|f| self.live.flows.get(f)).map(|f| &f.conn) {
            // Kernel: xt_conntrack looks at the status bits, which say that the addresses differ.
            if conn.status & status::SRC_NAT != 0 {
                bits |= ct::SNAT;
            }
            if conn.status & status::DST_NAT != 0 {
                bits |= ct::DNAT;
            }
        }
        transit.subject.packet.key.ct = bits;
    }

    /// Gathers fragments. An error: the packet waits for more, or cannot become whole.
    pub(super) fn defrag<T: Tracer>(&mut self, user: User, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
        let now = self.live.now;
        match self.live.fragments.gather(&mut transit.subject.packet, user, now) {
            Gathered::Same => Ok(()),
            Gathered::Whole(origin) => {
                transit.origin = Some(origin);
                Ok(())
            }
            Gathered::Waiting => {
                tracer.tell(|| Note::Fragment);
                Err(Fate::Waiting)
            }
            Gathered::Dropped(why, answer) => {
                if let Some((kind, code, pointer)) = answer {
                    self.live.icmp_error(&transit.subject, transit.flow, kind, code, pointer);
                }
                self.lost(tracer, why)
            }
        }
    }

    /// Kernel: net/netfilter/nf_conntrack_core.c `nf_conntrack_in`.
    pub(super) fn track<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
        let untracked = transit.subject.packet.meta.untracked;
        if transit.flow.is_some() || untracked || transit.subject.kind == ConnKind::Untracked {
            if untracked && transit.flow.is_none() {
                transit.subject.kind = ConnKind::Untracked;
            }
        } else {
            let local_out = transit.subject.hook == Hook::Output;
            let template = transit.subject.packet.meta.template.take();
            let now = self.live.now;
            let tracked = self.live.flows.track(&transit.subject.packet, local_out, template.as_ref(), now);
            (transit.subject.kind, transit.subject.dir, transit.flow) = (tracked.kind, tracked.dir, tracked.flow);
            // SCTP's checksum is another, and is not noted.
            let packet = &mut transit.subject.packet;
            packet.meta.summed = tracked.kind == ConnKind::None
                && !local_out
                && packet.layout.proto != proto::SCTP
                && self.live.flows.settings.checksum
                && !checksum::transport_holds(&packet.bytes, &packet.layout);
            if tracked.verdict == flow::Fate::Drop {
                return self.lost(tracer, "the table of connections is full");
            }
        }
        self.set_ct(transit);
        tracer.tell(|| {
            let conn = transit.flow.and_then(|f| self.live.flows.get(f)).map(|f| &f.conn);
            let tuples = conn.map(|c| (c.original, c.reply));
            Note::Tracked { kind: transit.subject.kind, dir: transit.subject.dir, tuples }
        });
        Ok(())
    }

    pub(super) fn confirm<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
        let Some(flow) = transit.flow else { return Ok(()) };
        let dir = transit.subject.dir;
        match self.live.flows.confirm(flow, dir, self.live.now) {
            Confirmed::Accept(flow) => {
                transit.flow = Some(flow);
                Ok(())
            }
            Confirmed::Drop => {
                transit.flow = None;
                self.lost(tracer, "its connection clashes with one that exists (insert_failed)")
            }
        }
    }

    /// Kernel: net/netfilter/nf_nat_core.c `nf_nat_inet_fn`, and the hook functions of net/netfilter/nf_nat_proto.c.
    pub(super) fn translate<T: Tracer>(
        &mut self,
        chains: &[(usize, ChainId)],
        transit: &mut Transit,
        tracer: &mut T,
    ) -> Result<(), Fate> {
        let Some(flow) = transit.flow else { return Ok(()) };
        let hook = transit.subject.hook;
        let manip = Manip::at(hook);
        let before = transit.subject.packet.key;
        let Some(state) = self.live.flows.get(flow) else { return Ok(()) };
        if nat::is_error(&transit.subject.packet, transit.subject.kind) {
            if !self.live.translate_error(flow, &mut transit.subject, manip) {
                return self.lost(tracer, "the packet it quotes cannot be translated");
            }
            return self.after_nat(before, transit, tracer, manip, true);
        }
        let asks = nat::needs_chain(state, transit.subject.kind, manip);
        if asks {
            for &(layer, chain) in chains {
                let end = self.walk(layer, chain, transit, tracer);
                self.obey(layer, chain, end)?;
                if self.live.flows.get(flow).is_none_or(|f| !nat::needs_chain(f, transit.subject.kind, manip)) {
                    break;
                }
            }
            let open = |f: &flow::Flow| nat::needs_chain(f, transit.subject.kind, manip);
            if self.live.flows.get(flow).is_some_and(open) && !self.live.null_binding(flow, manip) {
                return self.lost(tracer, "no address or port is left for its connection");
            }
        } else if nat::oif_changed(state, transit.subject.dir, hook, before.oif) {
            self.live.flows.kill(flow);
            return self.lost(tracer, "its masqueraded connection now leaves by another interface");
        }
        if !self.live.mangle(flow, &mut transit.subject, manip) {
            return self.lost(tracer, "its addresses cannot be rewritten");
        }
        transit.held &= before.dst == transit.subject.packet.key.dst;
        self.after_nat(before, transit, tracer, manip, !asks)
    }

    fn after_nat<T: Tracer>(
        &mut self,
        before: ox_packet::Key,
        transit: &mut Transit,
        tracer: &mut T,
        manip: Manip,
        known: bool,
    ) -> Result<(), Fate> {
        self.set_ct(transit);
        let after = transit.subject.packet.key;
        let place = |k: &ox_packet::Key| (k.src, k.dst, k.sport, k.dport);
        if place(&before) != place(&after) {
            let destination = manip == Manip::Destination;
            tracer.tell(|| Note::Translated { from: before, to: after, known, destination });
        }
        // Kernel: `nf_nat_ipv4_local_fn`: a changed destination is routed again.
        if transit.subject.hook == Hook::Output && before.dst != after.dst {
            self.route_again(transit, tracer)?;
        }
        Ok(())
    }
}
