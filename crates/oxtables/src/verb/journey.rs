//! A packet's journey: the machine is set up, the packet sent through it along every branch, and what the other end
//! would answer is sent back.

use super::assume::{self, Setting};
use super::packet::Wrong;
use super::rules::Loaded;
use super::wanted::{State, Wanted};
use ox_engine::chance::{Choice, Chooser, explore};
use ox_engine::flow;
use ox_engine::live::Reply;
use ox_engine::machine::{Cause, Fate, Machine, Outcome};
use ox_packet::{Build, Family, Key, L4, icmp, icmp6, iface_name, ip_address, proto, tcp};
use ox_rules::ir::{ConnKind, Dir, Now, Packet, status};
use ox_view::{Answer, Asked, Back, Source, Step, Watch, Way};
use std::cell::Cell;

/// A question, ready to be asked.
pub struct Case<'a> {
    /// The rules, all of one family.
    pub rules: Vec<&'a Loaded>,
    /// The host.
    pub setting: Setting,
    /// The packet.
    pub wanted: &'a Wanted,
    /// Packets sent before, each with its interface.
    pub before: Vec<Packet>,
    /// Seconds between those and the packet.
    pub wait: u32,
    /// What decides chance for the packets sent before, and for all where only one branch is followed.
    pub seed: u64,
    /// Follow every branch.
    pub all: bool,
    /// Look for near misses.
    pub near: bool,
    /// The moment.
    pub now: Now,
}

/// Ways that are followed at most.
const WAYS: usize = 256;

/// Between two packets, in ns.
const PAUSE: u64 = 1_000_000;

/// Asks.
pub fn answer(case: &Case<'_>) -> Result<Answer, Wrong> {
    let packet = case.wanted.packet(case.setting.src)?;
    let family = case.wanted.family;
    let mut ways = Vec::new();
    let remembers = Cell::new(false);
    let complete = if case.all {
        let (found, complete) = explore(WAYS, |chooser| case.run(&packet, chooser, &remembers));
        for (way, choices) in found {
            add(&mut ways, chanced(way, &choices));
        }
        complete
    } else {
        let (way, _) = case.run(&packet, Chooser::Dice, &remembers);
        ways.push(chanced(way, &[]));
        true
    };
    for way in &mut ways {
        way.chance = ox_view::fraction(way.probability);
    }
    let mut shown: Vec<String> = ways.iter().map(|w| w.packet.clone()).collect();
    shown.push(ox_view::flow(&packet.key, family));
    let mut outs: Vec<String> = ways.iter().filter_map(|w| w.out.clone()).collect();
    let mut forwarded = false;
    for step in ways.iter().flat_map(|w| &w.story.path) {
        if let Step::Hook { hook, out, .. } = step {
            forwarded |= *hook == "FORWARD";
            outs.push(out.clone());
        }
    }
    let mut unknown: Vec<String> = Vec::new();
    for s in ways.iter().flat_map(|w| &w.supposing) {
        let words = s.words();
        if !unknown.contains(&words) {
            unknown.push(words);
        }
    }
    let mut assumed = assume::after(&case.setting, &shown, &outs, forwarded);
    if remembers.get() && case.before.is_empty() {
        assumed.push(assume::FRESH.to_owned());
    }
    Ok(Answer {
        oxtables: 1,
        packet: Asked {
            family: if family == Family::V4 { "ipv4" } else { "ipv6" },
            flow: ox_view::flow(&packet.key, family),
            detail: ox_view::detail(&packet.key, family),
            iif: iface_name(packet.key.iif),
        },
        assumed,
        through: through(&ways),
        unknown,
        outcomes: ways,
        complete,
    })
}

/// Whether the packet gets through, over all its ways.
fn through(ways: &[Way]) -> &'static str {
    let all: Vec<_> = ways.iter().map(|w| w.verdict.through()).collect();
    if all.iter().all(|t| *t == Some(true)) {
        "yes"
    } else if all.iter().all(|t| *t == Some(false)) {
        "no"
    } else if all.contains(&None) || ways.iter().any(|w| !w.supposing.is_empty()) {
        "unknown"
    } else {
        "sometimes"
    }
}

/// A way with the chance of the choices that led to it.
fn chanced(mut way: Way, choices: &[Choice]) -> Way {
    way.probability = choices.iter().map(|c| c.probability()).product();
    way
}

/// Adds a way, or its chance to one that is the same.
fn add(ways: &mut Vec<Way>, way: Way) {
    match ways.iter_mut().find(|w| w.same(&way)) {
        Some(known) => known.probability += way.probability,
        None => ways.push(way),
    }
}

impl Case<'_> {
    /// One run with fresh state; `remembers` is set where a rule that remembers or counts was asked.
    fn run(&self, packet: &Packet, chooser: Chooser, remembers: &Cell<bool>) -> (Way, Chooser) {
        let programs = self.rules.iter().map(|l| l.program.clone()).collect();
        let mut machine = Machine::new(self.wanted.family, programs, self.setting.world.clone(), self.seed);
        machine.live.now = self.now;
        for earlier in &self.before {
            let _ = enter(&mut machine, earlier.clone(), &mut Watch::new(false));
            let _ = machine.replies();
            step(&mut machine, PAUSE);
        }
        step(&mut machine, u64::from(self.wait) * 1_000_000_000);
        self.prepare(&mut machine, packet);
        machine.set_chooser(chooser);
        let mut watch = Watch::new(self.near);
        let outcome = enter(&mut machine, packet.clone(), &mut watch);
        remembers.set(remembers.get() || machine.live.remembers());
        let chooser = std::mem::replace(&mut machine.live.chooser, Chooser::Dice);
        let way = self.way(&mut machine, packet, &outcome, &watch);
        (way, chooser)
    }

    fn way(&self, machine: &mut Machine, asked: &Packet, outcome: &Outcome, watch: &Watch) -> Way {
        let family = self.wanted.family;
        let sources: Vec<Source<'_>> =
            self.rules.iter().map(|l| Source { ruleset: &l.ruleset, program: &l.program, file: &l.file }).collect();
        let story = ox_view::story(&sources, family, &watch.trace.events, &watch.near, outcome);
        let connection = connection(machine, asked);
        let (copies, answers): (Vec<_>, Vec<_>) = machine.replies().into_iter().partition(|r| r.packet.meta.copied);
        let mut sent = |replies: Vec<Reply>| -> Vec<Back> {
            let each = replies.into_iter().map(|reply| {
                let sent = reply.packet.clone();
                let mut watch = Watch::new(false);
                let outcome = machine.send_reply(reply, &mut watch);
                back(&sources, family, &sent, &outcome, &watch)
            });
            each.collect()
        };
        let (answers, copies) = (sent(answers), sent(copies));
        let (out, via) = exit(&outcome.fate, family);
        let supposing = story.supposes();
        Way {
            verdict: ox_view::verdict(&outcome.fate, outcome.rejected.is_some()),
            probability: 1.0,
            chance: String::new(),
            supposing,
            out,
            via,
            packet: ox_view::flow(&outcome.packet.key, family),
            why: stack(&outcome.fate),
            reply: reply_name(outcome, story.ended_by.as_ref().map(|r| r.text.as_str())),
            queue: match outcome.fate {
                Fate::Queued { num } => Some(num),
                _ => None,
            },
            connection,
            story,
            answers,
            copies,
            back: self.other_way(machine, outcome, &sources),
        }
    }

    /// What the other end would answer.
    fn other_way(&self, machine: &mut Machine, outcome: &Outcome, sources: &[Source<'_>]) -> Option<Back> {
        let family = self.wanted.family;
        let dev = match &outcome.fate {
            Fate::Forwarded { dev, .. } | Fate::Sent { dev, .. } => Some(*dev),
            Fate::Delivered { .. } => None,
            _ => return None,
        };
        let mut reply = Packet::new(answer_to(&outcome.packet, family)?).ok()?;
        step(machine, PAUSE);
        let _ = machine.replies();
        reply.key.iif = dev.unwrap_or(0);
        let mut watch = Watch::new(false);
        let sent = reply.clone();
        let outcome = enter(machine, reply, &mut watch);
        Some(back(sources, family, &sent, &outcome, &watch))
    }

    /// Brings about the state that is taken for granted.
    fn prepare(&self, machine: &mut Machine, packet: &Packet) {
        let kind = match self.wanted.state {
            Some(State::Established) => ConnKind::Established,
            Some(State::Related) => ConnKind::Related,
            _ => return,
        };
        let family = self.wanted.family;
        let now = machine.live.now;
        let answers = is_answer(packet);
        let mut bytes = vec![if answers { answer_to(packet, family) } else { Some(opener(packet, family)) }];
        if kind == ConnKind::Established && !answers {
            let first = bytes[0].clone().and_then(|b| Packet::new(b).ok());
            bytes.push(first.and_then(|p| answer_to(&p, family)));
        }
        for bytes in bytes.into_iter().flatten() {
            let Ok(packet) = Packet::new(bytes) else { continue };
            let tracked = machine.live.flows.track(&packet, true, None, now);
            let Some(id) = tracked.flow else { continue };
            let _ = machine.live.flows.confirm(id, tracked.dir, now);
            if let Some(flow) = machine.live.flows.get_mut(id) {
                // An old connection: nobody asks the nat table about it any more.
                flow.conn.status |= status::SRC_NAT_DONE | status::DST_NAT_DONE;
                if kind == ConnKind::Related && tracked.dir == Dir::Original {
                    flow.conn.status |= status::EXPECTED;
                }
            }
        }
    }
}

/// Lets time pass, in ns.
fn step(machine: &mut Machine, ns: u64) {
    let Now { wall, mono } = machine.live.now;
    machine.live.now = Now { wall: wall + ns, mono: mono + ns };
}

/// Puts a packet into the machine where it begins.
pub fn enter(machine: &mut Machine, packet: Packet, watch: &mut Watch) -> Outcome {
    if packet.key.iif == 0 { machine.send(packet, watch) } else { machine.receive(packet, watch) }
}

fn exit(fate: &Fate, family: Family) -> (Option<String>, Option<String>) {
    match fate {
        Fate::Forwarded { dev, via } | Fate::Sent { dev, via } => {
            (Some(iface_name(*dev)), via.map(|a| ip_address(family, a).to_string()))
        }
        _ => (None, None),
    }
}

fn stack(fate: &Fate) -> Option<String> {
    match fate {
        Fate::Dropped(Cause::Stack(why)) => Some(why.to_string()),
        _ => None,
    }
}

/// What REJECT said, in the words of `--reject-with`.
fn reply_name(outcome: &Outcome, rule: Option<&str>) -> Option<String> {
    outcome.rejected?;
    let (_, with) = rule?.split_once("--reject-with ")?;
    with.split(' ').next().map(str::to_owned)
}

fn back(sources: &[Source<'_>], family: Family, sent: &Packet, outcome: &Outcome, watch: &Watch) -> Back {
    let story = ox_view::story(sources, family, &watch.trace.events, &[], outcome);
    let verdict = ox_view::verdict(&outcome.fate, outcome.rejected.is_some());
    let icmp = matches!(sent.key.proto, proto::ICMP | proto::ICMPV6);
    let sent_words = ox_view::flow(&sent.key, family);
    let named = if icmp { name_of(&sent.key).map(|n| format!("{sent_words} ({n})")) } else { None };
    Back {
        sent: named.unwrap_or(sent_words),
        iif: iface_name(sent.key.iif),
        verdict,
        out: exit(&outcome.fate, family).0,
        packet: ox_view::flow(&outcome.packet.key, family),
        ended_by: if verdict.through() == Some(true) { None } else { story.ended_by },
        why: stack(&outcome.fate),
    }
}

fn name_of(key: &Key) -> Option<&'static str> {
    match key.proto {
        proto::ICMP => icmp::name(key.icmp_type, key.icmp_code),
        _ => icmp6::name(key.icmp_type, key.icmp_code),
    }
}

/// The connection of a packet, as /proc/net/nf_conntrack prints it.
fn connection(machine: &mut Machine, packet: &Packet) -> Option<String> {
    let now = machine.live.now;
    let tuple = flow::tuple::of_packet(packet)?;
    let zone = [0, 0];
    let (id, _) = machine.live.flows.find(&tuple, zone, now)?;
    machine.live.flows.get(id).filter(|f| f.confirmed()).map(|f| flow::proc_line(f, now))
}

/// Whether a packet is by its own header an answer.
fn is_answer(packet: &Packet) -> bool {
    let key = &packet.key;
    match key.proto {
        proto::TCP => key.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::SYN | tcp::ACK,
        proto::ICMP => key.icmp_type == icmp::ECHO_REPLY,
        proto::ICMPV6 => key.icmp_type == icmp6::ECHO_REPLY,
        _ => false,
    }
}

/// The packet that opened the connection of one in the middle of it.
fn opener(packet: &Packet, family: Family) -> Vec<u8> {
    let key = &packet.key;
    if key.proto != proto::TCP {
        return packet.bytes.clone();
    }
    let (src, dst) = (ip_address(family, key.src), ip_address(family, key.dst));
    let mut build = Build::tcp((src, key.sport), (dst, key.dport), tcp::SYN);
    if let L4::Tcp { seq, .. } = &mut build.l4 {
        *seq = 0;
    }
    build.bytes()
}

/// What a willing receiver would answer; `None` where nobody answers.
fn answer_to(packet: &Packet, family: Family) -> Option<Vec<u8>> {
    let key = &packet.key;
    let many = match family {
        Family::V4 => key.dst == 0xffff_ffff || key.dst >> 28 == 0xe,
        Family::V6 => key.dst >> 120 == 0xff,
    };
    if many || key.shape.0 != 0 {
        return None;
    }
    let (src, dst) = (ip_address(family, key.dst), ip_address(family, key.src));
    match key.proto {
        proto::TCP => {
            if key.tcp_flags & tcp::RST != 0 {
                return None;
            }
            let theirs = tcp_numbers(packet)?;
            let opens = key.tcp_flags & tcp::SYN != 0;
            let both = key.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::SYN | tcp::ACK;
            let answer = if both {
                tcp::SYN
            } else if opens {
                tcp::SYN | tcp::ACK
            } else {
                tcp::ACK
            };
            let mut build = Build::tcp((src, key.dport), (dst, key.sport), answer);
            if let L4::Tcp { seq, ack, .. } = &mut build.l4 {
                let taken = u32::from(opens) + theirs.2;
                (*seq, *ack) = (theirs.1, theirs.0.wrapping_add(taken));
                if both {
                    (*seq, *ack) = (theirs.1.wrapping_sub(1), 0);
                }
            }
            Some(build.bytes())
        }
        proto::ICMP if icmp::answer(key.icmp_type).is_some() => {
            icmp_answer(packet, src, dst, icmp::answer(key.icmp_type)?)
        }
        proto::ICMPV6 if key.icmp_type == icmp6::ECHO_REQUEST => icmp_answer(packet, src, dst, icmp6::ECHO_REPLY),
        proto::ICMPV6 if key.icmp_type == icmp6::ECHO_REPLY => icmp_answer(packet, src, dst, icmp6::ECHO_REQUEST),
        proto::ICMP | proto::ICMPV6 => None,
        p => {
            let l4 = L4::with_ports(p, key.dport, key.sport);
            Some(Build::new(src, dst, l4).payload(b"oxtables".as_slice()).bytes())
        }
    }
}

/// Sequence number, acknowledgement, and bytes of data.
fn tcp_numbers(packet: &Packet) -> Option<(u32, u32, u32)> {
    let header = packet.transport();
    let at = |from: usize| Some(u32::from_be_bytes(header.get(from..from + 4)?.try_into().ok()?));
    let offset = usize::from(header.get(12)? >> 4) * 4;
    Some((at(4)?, at(8)?, header.len().checked_sub(offset)? as u32))
}

fn icmp_answer(packet: &Packet, src: std::net::IpAddr, dst: std::net::IpAddr, kind: u8) -> Option<Vec<u8>> {
    let header = packet.transport();
    let rest = u32::from_be_bytes(header.get(4..8)?.try_into().ok()?);
    let l4 = match packet.key.proto {
        proto::ICMP => L4::Icmp { kind, code: 0, rest },
        _ => L4::Icmp6 { kind, code: 0, rest },
    };
    Some(Build::new(src, dst, l4).payload(header.get(8..).unwrap_or_default().to_vec()).bytes())
}

/// The exit status of an answer (COMMANDS: 0 yes, 1 no, 3 cannot tell).
pub fn status_of(answer: &Answer) -> u8 {
    match answer.through {
        "yes" => 0,
        "unknown" => 3,
        _ => 1,
    }
}
