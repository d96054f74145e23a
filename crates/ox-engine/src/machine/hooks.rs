//! One hook: what runs at it and in which order, and what a chain's end means for the packet.
//!
//! Kernel: net/netfilter/core.c; the order is by priority (uapi/linux/netfilter_ipv4.h `enum nf_ip_hook_priorities`).

use super::{Cause, Fate, Layer, Machine, Transit};
use crate::frag::User;
use crate::trace::{Note, Tracer};
use crate::walk::{End, Walked, walk};
use ox_packet::Family;
use ox_rules::ir::{ChainId, Hook, Verdict};
use ox_rules::model::TableName;

/// What runs at a hook.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Defrag,
    Track,
    Chain { layer: usize, chain: ChainId, table: TableName },
    Nat(Vec<(usize, ChainId)>),
    Confirm,
}

const PRI_DEFRAG: i32 = -400;
const PRI_CONNTRACK: i32 = -200;
const PRI_CONFIRM: i32 = i32::MAX;

impl Machine {
    /// Runs a hook. An error is the packet's fate.
    pub(super) fn hook<T: Tracer>(&mut self, hook: Hook, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
        transit.subject.hook = hook;
        transit.hook = Some(hook);
        if hook == Hook::Prerouting {
            transit.subject.packet.key.oif = 0;
        }
        tracer.hook(hook, &transit.subject.packet);
        // The schedule is taken out for the walk, so that a stage may borrow the rest of the machine.
        let stages = std::mem::take(&mut self.schedule[hook as usize]);
        let done = stages.iter().try_for_each(|stage| self.stage(stage, transit, tracer));
        self.schedule[hook as usize] = stages;
        if let Some(dev) = transit.rerouted.take() {
            transit.subject.packet.key.oif = dev;
        }
        done
    }

    fn stage<T: Tracer>(&mut self, stage: &Stage, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
        match stage {
            Stage::Defrag => {
                // What is tracked or was refused tracking already has come over the loopback.
                if transit.flow.is_some() || transit.subject.packet.meta.untracked {
                    return Ok(());
                }
                let user = if transit.subject.hook == Hook::Output { User::TrackOut } else { User::TrackIn };
                self.defrag(user, transit, tracer)
            }
            Stage::Track => self.track(transit, tracer),
            Stage::Confirm => self.confirm(transit, tracer),
            Stage::Nat(chains) => self.translate(chains, transit, tracer),
            &Stage::Chain { layer, chain, table } => {
                let rerouted = table == TableName::Mangle && transit.subject.hook == Hook::Output;
                let before = transit.subject.packet.key;
                let end = self.walk(layer, chain, transit, tracer);
                self.obey(layer, chain, end)?;
                let after = transit.subject.packet.key;
                // Kernel: net/ipv4/netfilter/iptable_mangle.c `ipt_mangle_out`, net/netfilter/nft_chain_route.c.
                let other = |k: &ox_packet::Key| match self.family {
                    Family::V4 => (k.src, k.dst, k.mark, k.tos),
                    Family::V6 => (k.src, k.dst, k.mark, k.ttl),
                };
                if rerouted && other(&before) != other(&after) {
                    self.route_again(transit, tracer)?;
                }
                Ok(())
            }
        }
    }

    /// Turns a walk's end into "go on" or a fate.
    pub(super) fn obey(&self, layer: usize, base: ChainId, end: End) -> Result<(), Fate> {
        match end.verdict {
            Verdict::Accept | Verdict::Continue | Verdict::Return => Ok(()),
            Verdict::Drop => Err(Fate::Dropped(match end.rule {
                Some(rule) if end.hotdrop => Cause::Hotdrop { layer, rule },
                Some(rule) => Cause::Rule { layer, rule },
                None => Cause::Policy { layer, chain: base },
            })),
            Verdict::Stolen => Err(Fate::Stolen { layer, rule: end.rule }),
            Verdict::Queue { num, bypass, .. } => match &self.live.queues {
                // Nobody said who listens: the queue is where the story ends.
                None => Err(Fate::Queued { num }),
                Some(listening) if listening.contains(&num) => Err(Fate::Queued { num }),
                Some(_) if bypass => Ok(()),
                Some(_) => Err(Fate::Dropped(match end.rule {
                    Some(rule) => Cause::Rule { layer, rule },
                    None => Cause::Policy { layer, chain: base },
                })),
            },
        }
    }

    pub(super) fn walk<T: Tracer>(
        &mut self,
        layer: usize,
        chain: ChainId,
        transit: &mut Transit,
        tracer: &mut T,
    ) -> End {
        tracer.layer(layer);
        self.live.current = transit.flow;
        self.live.rejected = None;
        let l = &mut self.layers[layer];
        let mut on =
            Walked { program: &l.program, counters: &mut l.counters, site_base: l.site_base, calls: &mut self.calls };
        let end = walk(&mut on, chain, &mut transit.subject, &mut self.live, tracer);
        self.put_back(transit);
        transit.rejected = self.live.rejected.take().or(transit.rejected);
        for spec in self.live.logged.drain(..) {
            tracer.tell(|| Note::Logged(spec));
        }
        if let Some(reply) = transit.rejected.and_then(|_| self.live.replies.last()) {
            tracer.tell(|| Note::Answers { what: ox_packet::show(&reply.packet.bytes) });
        }
        end
    }

    fn put_back(&mut self, transit: &mut Transit) {
        self.live.write_conn(transit.flow, transit.subject.conn.take());
    }
}

/// What runs at a hook, in order.
pub(super) fn schedule(hook: Hook, layers: &[Layer], tracking: bool, defrag: bool) -> Vec<Stage> {
    let mut stages: Vec<(i32, Stage)> = Vec::new();
    let mut nat: Vec<(usize, ChainId)> = Vec::new();
    let mut nat_priority = 0;
    for (layer, l) in layers.iter().enumerate() {
        for base in l.program.bases.iter().filter(|b| b.hook == hook) {
            if base.table == TableName::Nat {
                nat.push((layer, base.chain));
                nat_priority = base.priority;
            } else {
                stages.push((base.priority, Stage::Chain { layer, chain: base.chain, table: base.table }));
            }
        }
    }
    if defrag && matches!(hook, Hook::Prerouting | Hook::Output) {
        stages.push((PRI_DEFRAG, Stage::Defrag));
    }
    // Without tracking there is no connection, and `nf_nat_inet_fn` accepts before it asks any chain.
    if tracking {
        if !nat.is_empty() {
            stages.push((nat_priority, Stage::Nat(nat)));
        }
        match hook {
            Hook::Prerouting | Hook::Output => stages.push((PRI_CONNTRACK, Stage::Track)),
            Hook::Input | Hook::Postrouting => stages.push((PRI_CONFIRM, Stage::Confirm)),
            Hook::Forward => {}
        }
    }
    stages.sort_by_key(|s| s.0);
    stages.into_iter().map(|s| s.1).collect()
}
