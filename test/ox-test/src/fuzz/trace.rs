//! `trace`: any rules and any packets through the engine. It never panics, it answers the same when asked again, whoever
//! listens changes nothing, and what it tells can be told as a story.
//!
//! Behind the first byte stand two of the text's length, the text, and the packets: each a byte of how it comes, one of
//! its length, and its bytes; or what a generator needs to make some.

use super::{Few, Head};
use crate::differential::dice::Rng;
use crate::differential::lab::{Cast, TAP, Way, world};
use crate::differential::packets::History;
use crate::differential::values::set_text;
use crate::generate::text;
use ox_engine::chance::{Chooser, explore};
use ox_engine::machine::{Machine, Outcome};
use ox_engine::set::Sets;
use ox_engine::trace::{Off, Tracer};
use ox_engine::world::World;
use ox_packet::{Family, iface_number};
use ox_rules::ir::{Now, Owner, Packet, Program, lower};
use ox_rules::model::Ruleset;
use ox_rules::syntax::Book;
use ox_view::{Source, Watch};
use std::sync::Arc;

/// Packets of one input.
const MOST: usize = 12;
/// Branches that are followed.
const WAYS: usize = 8;

/// Sends packets through rules, by bits of the first byte: IPv6, legacy, packets as they stand, every branch, a host of
/// which nothing is known.
pub fn trace(input: &[u8]) {
    let [first, high, low, rest @ ..] = input else { return };
    let head = Head(*first);
    let program = head.program();
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let (written, rest) = rest.split_at(length);
    let text = text::written(head.way(), written, program.family);
    let Ok(book) = Book::read(&text, program, &Few) else { return };
    let lowered = Arc::new(lower(&book.ruleset, program.dialect));
    let packets = if head.bit(2) { spelt(rest) } else { generated(rest, program.family) };
    let host = if head.bit(4) { World::default() } else { known(program.family) };
    let case = Case { ruleset: &book.ruleset, program: &lowered, host: &host, packets: &packets };
    if head.bit(3) {
        let (paths, _) = explore(WAYS, |chooser| case.told(chooser));
        assert!(!paths.is_empty());
        return;
    }
    let (said, _) = case.told(Chooser::Dice);
    let (silent, _) = case.run(Chooser::Dice, || Off, |_, _| ());
    assert_eq!(said, silent, "who listens changes what happens");
}

/// A packet of the input: how it comes, how long after the one before, and its bytes.
type Arrival = (Way, u64, Vec<u8>);

fn spelt(mut bytes: &[u8]) -> Vec<Arrival> {
    let mut packets = Vec::new();
    while let [how, length, rest @ ..] = bytes {
        let (packet, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        let way = match how & 7 {
            0 => Way::Local,
            1 => Way::In("out0"),
            2 => Way::In("lo"),
            3 => Way::Frame(Cast::Multi, 1),
            4 => Way::Frame(Cast::Broad, 2),
            _ => Way::In(TAP),
        };
        // From nothing to weeks.
        let pause = 1u64 << (how >> 3) << 20;
        packets.push((way, pause, packet.to_vec()));
        bytes = rest;
        if packets.len() == MOST {
            break;
        }
    }
    packets
}

fn generated(bytes: &[u8], family: Family) -> Vec<Arrival> {
    let mut rng = Rng::from_bytes(bytes);
    let mut history = History::default();
    let count = rng.below(MOST) + 1;
    (0..count)
        .map(|_| {
            let (way, packet) = history.next(&mut rng, family);
            history.note(way, &packet, &[]);
            (way, 1u64 << rng.below(50), packet)
        })
        .collect()
}

fn known(family: Family) -> World {
    let mut world = world();
    world.sets = Sets::read(&set_text(family)).unwrap_or_default();
    world.sockets = Some(Vec::new());
    world.owner = Some(Owner::default());
    world
}

struct Case<'a> {
    ruleset: &'a Ruleset,
    program: &'a Arc<Program>,
    host: &'a World,
    packets: &'a [Arrival],
}

impl Case<'_> {
    /// With somebody listening, and what was heard told.
    fn told(&self, chooser: Chooser) -> (Vec<String>, Chooser) {
        let program: &Program = self.program;
        let sources = [Source { ruleset: self.ruleset, program, file: "rules" }];
        self.run(
            chooser,
            || Watch::new(true),
            |watch, outcome| {
                let story = ox_view::story(&sources, program.family, &watch.trace.events, &watch.near, outcome);
                let _ = story.supposes();
                let _ = ox_view::verdict(&outcome.fate, outcome.rejected.is_some());
                let _ = ox_view::detail(&outcome.packet.key, program.family);
            },
        )
    }

    /// Sends every packet, and the answers to it; what became of each.
    fn run<T: Tracer>(
        &self,
        chooser: Chooser,
        listener: impl Fn() -> T,
        mut tell: impl FnMut(&T, &Outcome),
    ) -> (Vec<String>, Chooser) {
        let mut machine = Machine::new(self.program.family, vec![self.program.clone()], self.host.clone(), 1);
        machine.set_chooser(chooser);
        let (mut said, mut mono) = (Vec::new(), 1_000_000_000_000_000u64);
        let mut note = |outcome: &Outcome, tracer: &T| {
            tell(tracer, outcome);
            said.push(format!("{:?} {:?} {:?}", outcome.fate, outcome.packet.bytes, outcome.wire(1500, 1)));
        };
        for (way, pause, bytes) in self.packets {
            mono = mono.saturating_add(*pause);
            machine.live.now = Now { wall: 1_700_000_000_000_000_000 + mono, mono };
            let Ok(mut packet) = Packet::new(bytes.clone()) else { continue };
            let mut tracer = listener();
            match *way {
                Way::In(dev) => packet.key.iif = iface_number(dev),
                Way::Frame(cast, neighbour) => {
                    packet.key.iif = iface_number(TAP);
                    packet.key.pkttype = cast.pkttype();
                    packet.meta.link = Some(cast.link(neighbour));
                }
                Way::Local => {}
            }
            let outcome = match way {
                Way::Local => machine.send(packet, &mut tracer),
                _ => machine.receive(packet, &mut tracer),
            };
            note(&outcome, &tracer);
            for _ in 0..4 {
                for reply in machine.replies() {
                    let mut tracer = listener();
                    let outcome = machine.send_reply(reply, &mut tracer);
                    note(&outcome, &tracer);
                }
            }
        }
        for flow in machine.live.flows.iter(machine.live.now) {
            let _ = ox_engine::flow::proc_line(flow, machine.live.now);
        }
        let chooser = std::mem::replace(&mut machine.live.chooser, Chooser::Dice);
        (said, chooser)
    }
}
