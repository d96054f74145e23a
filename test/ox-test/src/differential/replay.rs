//! The engine's side of a comparison: the same packets through the same rules, with everything that chance decides given
//! from outside, so that a run can be repeated with other choices until it agrees with the kernel, or cannot.

use super::lab::{Cast, Seen, TAP, Way, is_housekeeping, world};
use super::luck::quoted;
use super::packets::is_cookie;
use super::values::set_text;
use ox_engine::chance::Chooser;
use ox_engine::machine::{Fate, Machine, Outcome};
use ox_engine::set::Sets;
use ox_engine::trace::Off;
use ox_packet::{Family, iface_name, iface_number};
use ox_rules::ir::{Dialect, Now, Packet, Program, lower};
use ox_rules::model::{Counters, Ruleset};
use std::sync::Arc;

/// A packet that was pushed.
#[derive(Clone, Debug)]
pub struct Input {
    /// The way it took.
    pub way: Way,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When.
    pub now: Now,
}

/// What chance decided: sides of branches, and numbers drawn.
#[derive(Clone, Debug, Default)]
pub struct Luck {
    /// Sides.
    pub sides: Vec<bool>,
    /// Numbers.
    pub numbers: Vec<u32>,
}

/// A machine under comparison.
#[derive(Debug)]
pub struct Run {
    /// The machine.
    pub machine: Machine,
}

impl Run {
    /// A machine for a ruleset, with luck decided beforehand.
    pub fn new(program: &Arc<Program>, luck: &Luck) -> Self {
        let mut machine = Machine::new(program.family, vec![program.clone()], world(), 1);
        machine.set_chooser(Chooser::Path { script: luck.sides.clone(), taken: Vec::new() });
        machine.live.dice.load(luck.numbers.iter().copied());
        machine.live.world.sets = Sets::read(&set_text(program.family)).unwrap_or_default();
        machine.live.queues = Some(Vec::new());
        machine.live.world.sockets = Some(Vec::new());
        machine.live.world.ipsec = Some(false);
        machine.live.world.fingerprints = Some(false);
        machine.live.world.owner = Some(ox_rules::ir::Owner::default());
        Self { machine }
    }

    /// Pushes a packet in and returns everything that came of it.
    pub fn push(&mut self, input: &Input) -> Vec<Seen> {
        self.machine.live.now = input.now;
        let Ok(mut packet) = Packet::new(input.bytes.clone()) else { return Vec::new() };
        let first = match input.way {
            Way::In(dev) => {
                packet.key.iif = iface_number(dev);
                packet.meta.link = (dev == TAP).then(|| Cast::Uni.link(1));
                self.machine.receive(packet, &mut Off)
            }
            Way::Frame(cast, neighbour) => {
                packet.key.iif = iface_number(TAP);
                packet.key.pkttype = cast.pkttype();
                packet.meta.link = Some(cast.link(neighbour));
                self.machine.receive(packet, &mut Off)
            }
            Way::Local => self.machine.send(packet, &mut Off),
        };
        let mut seen = Vec::new();
        note(first, &mut seen);
        // Answers may be answered; a bound, so that a fault cannot hang the comparison.
        for _ in 0..8 {
            let replies = self.machine.replies();
            if replies.is_empty() {
                break;
            }
            for reply in replies {
                note(self.machine.send_reply(reply, &mut Off), &mut seen);
            }
        }
        seen.sort();
        seen
    }

    /// What each rule counted, in the ruleset's order: table, chain, position.
    pub fn counters(&self, ruleset: &Ruleset) -> Vec<(String, String, Vec<Counters>, Counters)> {
        let layer = &self.machine.layers[0];
        let chain = |t: usize, c: usize| {
            let id = layer.program.chains.iter().position(|p| p.origin == (t as u32, c as u32)).unwrap_or(0);
            let p = &layer.program.chains[id];
            let rules = p.rules.clone().map(|r| layer.counters.of_rule(ox_rules::ir::RuleId(r))).collect();
            (rules, layer.counters.of_policy(ox_rules::ir::ChainId(id as u32)))
        };
        let mut all = Vec::new();
        for (t, table) in ruleset.tables.iter().enumerate() {
            for (c, ch) in table.chains.iter().enumerate() {
                let (rules, policy) = chain(t, c);
                all.push((table.name.name().to_owned(), ch.name.as_str().to_owned(), rules, policy));
            }
        }
        all
    }
}

fn note(outcome: Outcome, seen: &mut Vec<Seen>) {
    match outcome.fate {
        Fate::Forwarded { dev, .. } | Fate::Sent { dev, .. } => {
            let parts = outcome.wire(1500, 0).unwrap_or_default();
            let told = parts.into_iter().filter(|bytes| !is_housekeeping(bytes));
            seen.extend(told.map(|bytes| Seen::Out(iface_name(dev), bytes)));
        }
        Fate::Delivered { dev } => seen.push(Seen::Delivered(iface_name(dev), outcome.packet.held().into_owned())),
        Fate::Dropped(_) | Fate::Queued { .. } | Fate::Stolen { .. } | Fate::Waiting => {}
    }
}

/// Lowers a ruleset for comparison.
pub fn program(ruleset: &Ruleset, dialect: Dialect) -> Arc<Program> {
    Arc::new(lower(ruleset, dialect))
}

/// Takes off what no two hosts agree on: the identification of ICMP errors (and its checksum), flow labels of packets
/// that this host made, and the identification of fragments it made; the number (and checksum) of a SYN proxy's answer,
/// which is a cookie.
pub fn comparable(seen: &Seen, family: Family) -> Seen {
    let strip = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        hide_cookie(&mut bytes);
        // One that an error quotes is in the error's checksum.
        let quoted = quoted(&bytes).filter(|b| is_cookie(b)).map(|b| bytes.len() - b.len());
        if let Some((error, quoted)) = quoted.and_then(|at| bytes.split_at_mut_checked(at)) {
            let end = error.len();
            error[end - 6..end - 4].fill(0);
            hide_cookie(quoted);
        }
        let made_here = match family {
            Family::V4 => bytes.get(9) == Some(&1) && bytes.get(20).is_some_and(|t| matches!(t, 3 | 11 | 12)),
            Family::V6 => true,
        };
        match (family, made_here) {
            (Family::V4, true) => {
                bytes[4..6].fill(0);
                bytes[10..12].fill(0);
            }
            (Family::V6, true) if bytes.len() >= 48 => {
                bytes[1] &= 0xf0;
                bytes[2..4].fill(0);
                if bytes[6] == ox_packet::proto::FRAGMENT {
                    bytes[44..48].fill(0);
                }
            }
            _ => {}
        }
        bytes
    };
    match seen {
        Seen::Out(dev, bytes) => Seen::Out(dev.clone(), strip(bytes)),
        Seen::Delivered(dev, bytes) => Seen::Delivered(dev.clone(), strip(bytes)),
    }
}

/// Takes off the number and the checksum of a SYN proxy's answer.
fn hide_cookie(bytes: &mut [u8]) {
    if is_cookie(bytes)
        && let Ok(at) = ox_packet::extract(bytes, &mut ox_packet::Key::default())
        && let Some(header) = bytes.get_mut(at.l4..at.l4 + 20)
    {
        header[4..8].fill(0);
        header[16..18].fill(0);
    }
}
