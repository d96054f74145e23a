//! The machine: the five hooks in Linux's order, with tracking, translation and routing between them.
//!
//! Kernel: net/ipv4/ip_input.c, ip_forward.c, ip_output.c, net/ipv6/ip6_input.c, ip6_output.c, net/netfilter/core.c;
//! the order at a hook is by priority (uapi/linux/netfilter_ipv4.h `enum nf_ip_hook_priorities`).

use crate::chance::Chooser;
use crate::counter::Counters;
use crate::flow::{self, Confirmed, FlowId};
use crate::frag::{self, Gathered, Origin, User};
use crate::live::{Attached, Live, Reply};
use crate::nat::{self, Manip};
use crate::route::{Flow as RouteFlow, Found, Refusal};
use crate::trace::{Decision, Note, Tracer, Where};
use crate::walk::{End, Subject, Walked, walk};
use crate::world::{RouteKind, World};
use ox_packet::{Family, ct, iface_name};
use ox_rules::ir::{ChainId, ConnKind, Dir, Hook, Packet, Program, RejectWith, RuleId, Verdict, status};
use ox_rules::model::TableName;
use std::borrow::Cow;
use std::sync::Arc;

/// One set of rules in force. Several may be at once (nft and legacy), in hook priority order.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The rules.
    pub program: Arc<Program>,
    /// What they counted.
    pub counters: Counters,
    site_base: u32,
}

/// A network stack of one family with its rules.
#[derive(Debug)]
pub struct Machine {
    /// Family of its packets.
    pub family: Family,
    /// The rules in force.
    pub layers: Vec<Layer>,
    /// Everything that changes as packets pass.
    pub live: Live,
    schedule: [Vec<Stage>; 5],
    /// Where walks go back to; empty between walks.
    calls: Vec<(ChainId, u32)>,
    tracking: bool,
}

/// What runs at a hook.
#[derive(Clone, Debug)]
enum Stage {
    Defrag,
    Track,
    Chain { layer: usize, chain: ChainId, table: TableName },
    Nat(Vec<(usize, ChainId)>),
    Confirm,
}

const PRI_DEFRAG: i32 = -400;
const PRI_CONNTRACK: i32 = -200;
const PRI_CONFIRM: i32 = i32::MAX;

/// What became of a packet.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its fate.
    pub fate: Fate,
    /// The packet as it was last seen.
    pub packet: Packet,
    /// The hook at which it was last seen, if it came to one.
    pub hook: Option<Hook>,
    /// What REJECT answered, when a rule rejected it.
    pub rejected: Option<RejectWith>,
    /// How the packet came, if it came in fragments.
    pub origin: Option<Origin>,
}

impl Outcome {
    /// The packet as it leaves by a link of this size, in fragments if it came in fragments or must be in some. `id` names
    /// those of an IPv6 packet. `None`: it does not fit and must not be fragmented.
    pub fn wire(&self, mtu: usize, id: u32) -> Option<Vec<Vec<u8>>> {
        frag::wire(&self.packet, self.origin.as_ref(), mtu, id)
    }
}

/// Where a packet ended.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "dev (a name as in `Key`) and via are what they are called")]
pub enum Fate {
    /// Passed on through this host.
    Forwarded { dev: u128, via: Option<u128> },
    /// Sent by this host.
    Sent { dev: u128, via: Option<u128> },
    /// Taken by this host.
    Delivered { dev: u128 },
    /// Discarded.
    Dropped(Cause),
    /// Handed to user space.
    Queued { num: u16 },
    /// Somebody took it (an unknown target).
    Stolen { layer: usize, rule: Option<RuleId> },
    /// Kept until the other fragments come.
    Waiting,
}

/// Why a packet was discarded.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "layer, rule and chain are what they are called")]
pub enum Cause {
    /// A rule's verdict.
    Rule { layer: usize, rule: RuleId },
    /// A match could not read the packet.
    Hotdrop { layer: usize, rule: RuleId },
    /// A chain's policy.
    Policy { layer: usize, chain: ChainId },
    /// The stack itself.
    Stack(Cow<'static, str>),
}

/// A packet on its way through the hooks.
struct Transit {
    subject: Subject,
    flow: Option<FlowId>,
    rejected: Option<RejectWith>,
    hook: Option<Hook>,
    /// Where a second routing decision sends the packet once its hook is over: the rest of the hook still sees the
    /// interface it began with (Kernel: `struct nf_hook_state` is filled once for all chains of a hook).
    rerouted: Option<u128>,
    origin: Option<Origin>,
}

impl Machine {
    /// A machine with these rules in force on this host. `seed` decides everything that is left to chance.
    pub fn new(family: Family, programs: Vec<Arc<Program>>, world: World, seed: u64) -> Self {
        let mut layers = Vec::new();
        let mut site_base = 0;
        for program in programs {
            let sites = (program.steps.len() + program.rules.len()) as u32;
            layers.push(Layer { counters: Counters::new(&program), program, site_base });
            site_base += sites;
        }
        let tracking = layers.iter().any(|l| l.program.tracking);
        let defrag = tracking || layers.iter().any(|l| l.program.defrag);
        let schedule = Hook::ALL.map(|hook| schedule(hook, &layers, tracking, defrag));
        let mut live = Live::new(family, world, seed);
        live.flows.settings.acct |= layers.iter().any(|l| l.program.accounting);
        Self { family, layers, live, schedule, calls: Vec::new(), tracking }
    }

    /// Whether connections are tracked at all.
    pub fn tracks(&self) -> bool {
        self.tracking
    }

    /// Who decides what rules leave open.
    pub fn set_chooser(&mut self, chooser: Chooser) {
        self.live.chooser = chooser;
    }

    /// A packet comes in by an interface (`packet.key.iif`).
    pub fn receive<T: Tracer>(&mut self, packet: Packet, tracer: &mut T) -> Outcome {
        tracer.tell(|| Note::Arrives { by: iface_name(packet.key.iif) });
        let loopback = self.live.world.iface(packet.key.iif).is_some_and(|i| i.loopback);
        if let Err(why) = ox_packet::validate(&packet.bytes, loopback) {
            return self.stop(packet, tracer, why.to_string().into());
        }
        let mut transit = Transit {
            subject: subject(packet, Hook::Prerouting),
            flow: None,
            rejected: None,
            hook: None,
            origin: None,
            rerouted: None,
        };
        self.set_ct(&mut transit);
        let fate = self.enter(&mut transit, tracer);
        self.end(transit, fate)
    }

    /// This host sends a packet.
    pub fn send<T: Tracer>(&mut self, packet: Packet, tracer: &mut T) -> Outcome {
        self.send_attached(packet, Attached::default(), tracer)
    }

    /// An answer that this host made on its way (REJECT and the like) is sent.
    pub fn send_reply<T: Tracer>(&mut self, reply: Reply, tracer: &mut T) -> Outcome {
        self.send_attached(reply.packet, reply.attached, tracer)
    }

    /// The answers that have not been sent yet.
    pub fn replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.live.replies)
    }

    fn stop<T: Tracer>(&mut self, packet: Packet, tracer: &mut T, why: Cow<'static, str>) -> Outcome {
        tracer.tell(|| Note::Dropped { why: why.to_string() });
        Outcome { fate: Fate::Dropped(Cause::Stack(why)), packet, hook: None, rejected: None, origin: None }
    }

    fn end(&mut self, transit: Transit, fate: Fate) -> Outcome {
        let lost = matches!(fate, Fate::Dropped(_) | Fate::Stolen { .. });
        if let Some(flow) = transit.flow.filter(|_| lost && self.live.replies.is_empty()) {
            self.live.flows.discard(flow);
        }
        let Transit { subject, rejected, hook, origin, .. } = transit;
        Outcome { fate, packet: subject.packet, hook, rejected, origin }
    }

    fn drop_here<T: Tracer>(&mut self, tracer: &mut T, why: impl Into<Cow<'static, str>>) -> Fate {
        let why = why.into();
        tracer.tell(|| Note::Dropped { why: why.to_string() });
        Fate::Dropped(Cause::Stack(why))
    }

    /// From PREROUTING on.
    fn enter<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Fate {
        if let Err(fate) = self.hook(Hook::Prerouting, transit, tracer) {
            return fate;
        }
        let key = transit.subject.packet.key;
        match self.live.world.route_input(&key, self.family) {
            Ok(found) if found.kind == RouteKind::Unicast => {
                self.note_route(tracer, &found, false);
                self.forward(transit, found, tracer)
            }
            Ok(found) => {
                let family = self.family;
                tracer.tell(|| Note::Routed(Decision { to: Where::Local, route: found.words(family), again: false }));
                // Kernel: IPv4 gathers fragments before INPUT (`ip_local_deliver`), IPv6 after it (`ipv6_frag_rcv`).
                let v4 = self.family == Family::V4;
                let taken = (|| {
                    if v4 {
                        self.defrag(User::Local, transit, tracer)?;
                    }
                    self.hook(Hook::Input, transit, tracer)?;
                    if v4 { Ok(()) } else { self.defrag(User::Local, transit, tracer) }
                })();
                if let Err(fate) = taken {
                    return fate;
                }
                let dev = transit.subject.packet.key.iif;
                Fate::Delivered { dev }
            }
            Err(refusal) => {
                let (code, why) = match refusal {
                    Refusal::Martian(why) | Refusal::Silent(why) => (None, why),
                    Refusal::Unreachable(code, why) => (Some(code), why),
                };
                tracer.tell(|| {
                    let to = Where::Nowhere { why: why.to_owned() };
                    Note::Routed(Decision { to, route: String::new(), again: false })
                });
                if let Some(code) = code {
                    let kind = if self.family == Family::V4 { 3 } else { 1 };
                    self.live.icmp_error(&transit.subject, transit.flow, kind, code, 0);
                }
                self.drop_here(tracer, why)
            }
        }
    }

    fn note_route<T: Tracer>(&self, tracer: &mut T, found: &Found, again: bool) {
        tracer.tell(|| {
            let to = if found.kind == RouteKind::Local {
                Where::Local
            } else {
                Where::Out { dev: iface_name(found.dev), via: found.via }
            };
            Note::Routed(Decision { to, route: found.words(self.family), again })
        });
    }

    /// Kernel: net/ipv4/ip_forward.c `ip_forward`, net/ipv6/ip6_output.c `ip6_forward`.
    fn forward<T: Tracer>(&mut self, transit: &mut Transit, found: Found, tracer: &mut T) -> Fate {
        let v4 = self.family == Family::V4;
        let packet = &transit.subject.packet;
        if packet.key.pkttype != ox_packet::pkttype::HOST {
            return self.drop_here(tracer, "its frame was addressed to others than this host alone");
        }
        if packet.key.ttl <= 1 {
            let kind = if v4 { 11 } else { 3 };
            self.live.icmp_error(&transit.subject, transit.flow, kind, 0, 0);
            return self.drop_here(tracer, "its time to live is used up");
        }
        let mtu = self.live.world.iface(found.dev).map_or(1500, |i| i.mtu);
        // What came in fragments is as large as the largest of them (Kernel: `ip_exceeds_mtu`, `ip6_pkt_too_big`).
        let size = transit.origin.as_ref().map_or(packet.key.len, |o| o.max);
        let whole = !v4 || packet.bytes.get(6).is_some_and(|b| b & 0x40 != 0);
        if packet.key.len > mtu && size > mtu && whole {
            let (kind, code) = if v4 { (3, 4) } else { (2, 0) };
            self.live.icmp_error(&transit.subject, transit.flow, kind, code, mtu);
            return self.drop_here(tracer, format!("it is larger than the {mtu} bytes that fit on the way out"));
        }
        let packet = &mut transit.subject.packet;
        ox_packet::rewrite::set_ttl(&mut packet.bytes, &packet.layout, packet.key.ttl - 1);
        packet.key.ttl -= 1;
        packet.key.oif = found.dev;
        if let Err(fate) = self.hook(Hook::Forward, transit, tracer) {
            return fate;
        }
        let dev = found.dev;
        self.leave(transit, tracer, Fate::Forwarded { dev, via: found.via })
    }

    /// POSTROUTING, and out.
    fn leave<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T, fate: Fate) -> Fate {
        if let Err(fate) = self.hook(Hook::Postrouting, transit, tracer) {
            return fate;
        }
        let oif = transit.subject.packet.key.oif;
        if self.live.world.iface(oif).is_some_and(|i| i.loopback) {
            let packet = &mut transit.subject.packet;
            packet.key.iif = oif;
            packet.key.oif = 0;
            tracer.tell(|| Note::Arrives { by: iface_name(oif) });
            return self.enter(transit, tracer);
        }
        fate
    }

    /// Kernel: net/ipv4/ip_output.c `__ip_local_out`.
    fn send_attached<T: Tracer>(&mut self, mut packet: Packet, attached: Attached, tracer: &mut T) -> Outcome {
        tracer.tell(|| Note::Arrives { by: String::new() });
        packet.meta.local = true;
        packet.key.iif = 0;
        let Some(found) = self.route_output(&packet, packet.key.oif) else {
            return self.stop(packet, tracer, "this host has no route to its destination".into());
        };
        self.note_route(tracer, &found, false);
        packet.key.oif = found.dev;
        let mut s = subject(packet, Hook::Output);
        (s.kind, s.dir) = (attached.kind, attached.dir);
        let mut transit =
            Transit { subject: s, flow: attached.flow, rejected: None, hook: None, origin: None, rerouted: None };
        self.set_ct(&mut transit);
        if let Err(fate) = self.hook(Hook::Output, &mut transit, tracer) {
            return self.end(transit, fate);
        }
        let dev = transit.subject.packet.key.oif;
        let via = self.route_output(&transit.subject.packet, 0).and_then(|f| f.via);
        let fate = self.leave(&mut transit, tracer, Fate::Sent { dev, via });
        self.end(transit, fate)
    }

    fn route_output(&self, packet: &Packet, oif: u128) -> Option<Found> {
        let key = &packet.key;
        let oif = if self.live.world.is_local(self.family, key.dst) { 0 } else { oif };
        let flow = RouteFlow { family: self.family, src: key.src, dst: key.dst, mark: key.mark, iif: 0, oif };
        self.live.world.lookup(&flow).filter(|f| {
            matches!(f.kind, RouteKind::Unicast | RouteKind::Local | RouteKind::Broadcast | RouteKind::Multicast)
        })
    }

    /// Kernel: net/ipv4/netfilter.c `ip_route_me_harder`.
    fn route_again<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
        let Some(found) = self.route_output(&transit.subject.packet, 0) else {
            return self.lost(tracer, "there is no route for it as it is now");
        };
        transit.rerouted = Some(found.dev);
        self.note_route(tracer, &found, true);
        Ok(())
    }

    /// Runs a hook. An error is the packet's fate.
    fn hook<T: Tracer>(&mut self, hook: Hook, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
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
    fn obey(&self, layer: usize, base: ChainId, end: End) -> Result<(), Fate> {
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

    fn walk<T: Tracer>(&mut self, layer: usize, chain: ChainId, transit: &mut Transit, tracer: &mut T) -> End {
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

    /// Writes what is known of the connection into the key.
    fn set_ct(&self, transit: &mut Transit) {
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
    fn defrag<T: Tracer>(&mut self, user: User, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
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
    fn track<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
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

    fn confirm<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Result<(), Fate> {
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
    fn translate<T: Tracer>(
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
        self.after_nat(before, transit, tracer, manip, !asks)
    }

    /// The stack drops the packet.
    fn lost<T: Tracer>(&self, tracer: &mut T, why: &'static str) -> Result<(), Fate> {
        tracer.tell(|| Note::Dropped { why: why.to_owned() });
        Err(Fate::Dropped(Cause::Stack(why.into())))
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

fn subject(packet: Packet, hook: Hook) -> Subject {
    Subject { packet, conn: None, kind: ConnKind::None, dir: Dir::Original, hook }
}

/// What runs at a hook, in order.
fn schedule(hook: Hook, layers: &[Layer], tracking: bool, defrag: bool) -> Vec<Stage> {
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
