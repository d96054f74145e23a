//! The machine: the five hooks in Linux's order, with tracking, translation and routing between them.
//!
//! Here is a packet's way from hook to hook; what runs at one of them is in `hooks.rs`, what happens to its connection
//! there in `tracked.rs`.
//!
//! Kernel: net/ipv4/ip_input.c, ip_forward.c, ip_output.c, net/ipv6/ip6_input.c, ip6_output.c.

mod hooks;
mod tracked;

use self::hooks::{Stage, schedule};
use crate::chance::Chooser;
use crate::counter::Counters;
use crate::flow::FlowId;
use crate::frag::{self, Origin, User};
use crate::live::{Attached, Live, Reply};
use crate::route::{Flow as RouteFlow, Found, Refusal};
use crate::trace::{Decision, Note, Tracer, Where};
use crate::walk::Subject;
use crate::world::{RouteKind, World};
use ox_packet::{Family, Key, iface_name};
use ox_rules::ir::{ChainId, ConnKind, Dir, Hook, Packet, Program, RejectWith, RuleId};
use ox_rules::model::Net;
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
    /// It came over the loopback and still has the route by which it left, to this host: it is not routed again, whatever
    /// becomes of its address, unless address translation rewrites that (Kernel: `ip_rcv_finish_core`, `ip6_rcv_finish`,
    /// `nf_nat_ipv4_pre_routing`, `nf_nat_ipv6_in`).
    held: bool,
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
            held: false,
        };
        transit.held = loopback && self.live.world.is_local(self.family, transit.subject.packet.key.dst);
        self.set_ct(&mut transit);
        let fate = self.enter(&mut transit, tracer);
        self.end(transit, fate)
    }

    /// This host sends a packet.
    pub fn send<T: Tracer>(&mut self, packet: Packet, tracer: &mut T) -> Outcome {
        self.send_reply(Reply { packet, attached: Attached::default(), through: None, unseen: None }, tracer)
    }

    /// An answer that this host made on its way (REJECT and the like) is sent.
    pub fn send_reply<T: Tracer>(&mut self, reply: Reply, tracer: &mut T) -> Outcome {
        self.live.flows.unseen = reply.unseen;
        let outcome = self.send_attached(reply, tracer);
        self.live.flows.unseen = None;
        outcome
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

    /// The stack drops the packet.
    fn lost<T: Tracer>(&self, tracer: &mut T, why: &'static str) -> Result<(), Fate> {
        tracer.tell(|| Note::Dropped { why: why.to_owned() });
        Err(Fate::Dropped(Cause::Stack(why.into())))
    }

    /// From PREROUTING on.
    fn enter<T: Tracer>(&mut self, transit: &mut Transit, tracer: &mut T) -> Fate {
        if let Err(fate) = self.hook(Hook::Prerouting, transit, tracer) {
            return fate;
        }
        let key = transit.subject.packet.key;
        let routed = match transit.held {
            true => Ok(self.to_itself(&key)),
            false => self.live.world.route_input(&key, self.family),
        };
        match routed {
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
        (packet.key.oif, packet.meta.way) = (found.dev, found.dev);
        packet.meta.summed = false;
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
            // It comes in later, when whatever made the copy is over (Kernel: `nf_skb_duplicated`).
            packet.meta.copied = false;
            tracer.tell(|| Note::Arrives { by: iface_name(oif) });
            transit.held = true;
            return self.enter(transit, tracer);
        }
        fate
    }

    /// Kernel: net/ipv4/ip_output.c `__ip_local_out`.
    fn send_attached<T: Tracer>(&mut self, reply: Reply, tracer: &mut T) -> Outcome {
        let Reply { mut packet, attached, through, unseen: _ } = reply;
        tracer.tell(|| Note::Arrives { by: String::new() });
        packet.meta.local = true;
        packet.key.iif = 0;
        let found = match through {
            Some((gateway, oif)) => self.route_through(gateway, oif),
            None => self.route_output(&packet, packet.key.oif),
        };
        let Some(found) = found else {
            return self.stop(packet, tracer, "this host has no route to its destination".into());
        };
        self.note_route(tracer, &found, false);
        (packet.key.oif, packet.meta.way) = (found.dev, found.dev);
        let mut s = subject(packet, Hook::Output);
        (s.kind, s.dir) = (attached.kind, attached.dir);
        let mut transit = Transit {
            subject: s,
            flow: attached.flow,
            rejected: None,
            hook: None,
            origin: None,
            rerouted: None,
            held: false,
        };
        self.set_ct(&mut transit);
        if let Err(fate) = self.hook(Hook::Output, &mut transit, tracer) {
            return self.end(transit, fate);
        }
        let dev = transit.subject.packet.key.oif;
        let via = match through.filter(|_| dev == found.dev) {
            Some((gateway, _)) => found.via.or(Some(gateway)),
            None => self.route_output(&transit.subject.packet, 0).and_then(|f| f.via),
        };
        let fate = self.leave(&mut transit, tracer, Fate::Sent { dev, via });
        self.end(transit, fate)
    }

    /// The way to a gateway that a rule chose. Where no route leads there by the interface, IPv4 takes it to be on the link
    /// (Kernel: net/ipv4/route.c `ip_route_output_key_hash_rcu`).
    fn route_through(&self, dst: u128, oif: u128) -> Option<Found> {
        let family = self.family;
        let on_link =
            Found { kind: RouteKind::Unicast, dev: oif, via: None, src: None, to: Net::prefix(family, dst, 32) };
        let found = self.live.world.lookup(&RouteFlow { family, dst, oif, ..RouteFlow::default() });
        found.or(Some(on_link).filter(|_| oif != 0 && family == Family::V4))
    }

    /// The route of a packet that this host sent to itself.
    fn to_itself(&self, key: &Key) -> Found {
        let length = if self.family == Family::V4 { 32 } else { 128 };
        let to = Net::prefix(self.family, key.dst, length);
        Found { kind: RouteKind::Local, dev: key.iif, via: None, src: None, to }
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
        transit.subject.packet.meta.way = found.dev;
        self.note_route(tracer, &found, true);
        Ok(())
    }
}

fn subject(packet: Packet, hook: Hook) -> Subject {
    Subject { packet, conn: None, kind: ConnKind::None, dir: Dir::Original, hook }
}
