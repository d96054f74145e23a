//! `oxtables replay`: a capture through the rules, in the capture's own time.

use super::hints::{self, Hints};
use super::host::{Given, HostArgs};
use super::rules::{self, Loaded};
use super::wanted::Wanted;
use super::{Format, Global, assume, batch, complain, link};
use crate::{files, names};
use clap::Args;
use ox_engine::flow;
use ox_engine::machine::{Cause, Fate, Machine};
use ox_engine::trace::Off;
use ox_io::{file, pcap};
use ox_packet::{Family, iface_name, iface_number, pkttype};
use ox_rules::ir::{ChainId, Now, Packet, RuleId};
use ox_rules::model::Counters;
use ox_view::Ending;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Send a capture through the rules, in the capture's own time
///
/// Every packet gets a verdict; connections, limits and lists live from the first packet to the last. At the end come the
/// counters of the rules that matched, and the connections. An interface comes from the capture where it names one
/// (pcapng), else from --in.
#[derive(Debug, Args)]
pub struct Replay {
    /// The capture, pcap or pcapng; - is standard input
    #[arg(value_name = "IN.pcap")]
    capture: PathBuf,
    /// Write the packets that got through, as they left, to a capture
    #[arg(short = 'w', value_name = "OUT.pcap")]
    write: Option<PathBuf>,
    /// Interface by which packets come in, where the capture does not say
    #[arg(long = "in", short = 'i', value_name = "IFACE")]
    iface: Option<String>,
    #[command(flatten)]
    host: HostArgs,
    /// Decides what is left to chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only the sums at the end, no line for each packet
    #[arg(short, long)]
    quiet: bool,
}

/// A packet of the capture.
#[derive(Debug, Serialize)]
struct Line {
    number: u64,
    /// Seconds since the first packet.
    time: f64,
    #[serde(rename = "in")]
    iif: String,
    packet: String,
    verdict: &'static str,
    out: Option<String>,
    /// As it left, where that differs.
    became: Option<String>,
    /// The rule, policy or reason that stopped it.
    by: Option<String>,
}

/// A rule that matched.
#[derive(Debug, Serialize)]
struct Counted {
    file: String,
    table: &'static str,
    line: u32,
    text: String,
    packets: u64,
    bytes: u64,
}

/// Everything.
#[derive(Debug, Serialize)]
struct Report {
    oxtables: u32,
    assumed: Vec<String>,
    packets: Vec<Line>,
    verdicts: BTreeMap<&'static str, u64>,
    rules: Vec<Counted>,
    connections: Vec<String>,
}

/// The machines, one for each family that the rules are of.
struct Machines<'a> {
    loaded: &'a [Loaded],
    machines: Vec<(Family, Machine, Vec<&'a Loaded>, Hints)>,
    /// Addresses that were taken to be this host's, where nobody described it.
    own: BTreeSet<(Family, u128)>,
}

impl Replay {
    /// Runs the verb.
    pub fn run(self, global: &Global) -> ExitCode {
        match self.replay(global) {
            Ok(()) => ExitCode::SUCCESS,
            Err((why, 2)) => complain(&why),
            Err((why, status)) => {
                complain(&why);
                ExitCode::from(status)
            }
        }
    }

    fn replay(&self, global: &Global) -> Result<(), (String, u8)> {
        let usage = |why: String| (why, 2);
        let names = names::System::default();
        let loaded = rules::load(global, None, &names).map_err(usage)?;
        let given = self.host.read().map_err(usage)?;
        let mut capture = pcap::open(&self.capture).map_err(|e| usage(e.to_string()))?;
        if let Some(path) = self.write.as_ref().filter(|path| file::same(path, &self.capture)) {
            return Err((format!("-w {}: that is the capture itself, and it would be lost", path.display()), 2));
        }
        let create = || -> Result<_, (String, u8)> {
            let made = self.write.as_ref().map(|path| pcap::create(path, pcap::Link::Ip));
            made.transpose().map_err(|e| (e.to_string(), 4))
        };
        let mut writer = None;
        let mut machines = Machines { loaded: &loaded, machines: Vec::new(), own: BTreeSet::new() };
        let mut report = Report {
            oxtables: 1,
            assumed: Vec::new(),
            packets: Vec::new(),
            verdicts: BTreeMap::new(),
            rules: Vec::new(),
            connections: Vec::new(),
        };
        let text = global.format == Format::Text;
        let mut captured = pcap::Packet::default();
        let (mut number, mut first) = (0, None);
        let mut last = Now::default();
        let mut broken = None;
        loop {
            match capture.read(&mut captured) {
                Ok(true) => number += 1,
                Ok(false) => break,
                // What came before the break has been replayed; the break is told at the end.
                Err(e) => {
                    broken = Some(e.to_string());
                    break;
                }
            }
            let start = *first.get_or_insert(captured.timestamp_ns);
            let mono = captured.timestamp_ns.saturating_sub(start).saturating_add(EPOCH).max(last.mono);
            last = Now { wall: captured.timestamp_ns, mono };
            let (mut line, out) =
                self.one(&captured, &given, &mut machines, last, &mut report.assumed).map_err(usage)?;
            if writer.is_none() && line.verdict != SKIPPED {
                // Whether the question can be answered is known only now; nothing is made or emptied before.
                writer = create()?;
            }
            (line.number, line.time) = (number, (mono - EPOCH) as f64 / 1e9);
            if let (Some(writer), Some(out)) = (&mut writer, out) {
                let length = u32::try_from(out.len()).unwrap_or(u32::MAX);
                writer.write(captured.timestamp_ns, &out, length).map_err(|e| (e.to_string(), 4))?;
            }
            *report.verdicts.entry(line.verdict).or_default() += 1;
            if text && !self.quiet {
                files::print(&packet_text(&line));
            } else if !text && !self.quiet {
                report.packets.push(line);
            }
        }
        if writer.is_none() {
            writer = create()?;
        }
        if let Some(writer) = writer {
            writer.finish().map_err(|e| (e.to_string(), 4))?;
        }
        machines.sums(&mut report, last);
        if text {
            files::print(&report_text(&report));
        } else {
            files::print_json(&format!("{}\n", batch::json(&report)));
        }
        broken.map_or(Ok(()), |why| Err((why, 2)))
    }

    fn one(
        &self,
        captured: &pcap::Packet,
        given: &Given,
        machines: &mut Machines<'_>,
        now: Now,
        assumed: &mut Vec<String>,
    ) -> Result<(Line, Option<Vec<u8>>), String> {
        let skipped = |why: &str| Line {
            number: 0,
            time: 0.0,
            iif: String::new(),
            packet: String::new(),
            verdict: SKIPPED,
            out: None,
            became: None,
            by: Some(why.to_owned()),
        };
        let (bytes, hardware) = match link::peel(captured) {
            Ok(peeled) => peeled,
            Err(why) => return Ok((skipped(&why), None)),
        };
        let Ok(mut packet) = Packet::new(bytes) else {
            return Ok((skipped("it is no IP packet that can be read"), None));
        };
        let family = packet.layout.family;
        let name = captured.interface.as_deref().filter(|n| n.len() <= 15).or(self.iface.as_deref());
        let Some(name) = name else {
            return Err("the capture does not say by which interface its packets came in: --in IFACE does".into());
        };
        packet.key.iif = iface_number(name);
        packet.meta.link = hardware;
        packet.key.pkttype = hardware.map_or(pkttype::HOST, |l| match l.dst {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => pkttype::BROADCAST,
            [first, ..] if first & 1 == 1 => pkttype::MULTICAST,
            _ => pkttype::HOST,
        });
        let key = packet.key;
        let known = machines.own.contains(&(family, key.src));
        let Some((machine, rules, hints)) = machines.of(family, given, self.seed, assumed) else {
            return Ok((
                Line { packet: ox_view::flow(&packet.key, family), ..skipped("no rules of its family were given") },
                None,
            ));
        };
        let mut mine = None;
        if !given.known {
            // Each packet tells a little more of its host.
            let wanted = Wanted::seen(&packet, Some(name).filter(|_| !known));
            let setting = assume::setting_by(given, &self.host, &wanted, hints);
            machine.live.world = setting.world;
            mine = machine.live.world.is_local(family, key.dst).then_some((family, key.dst));
            for news in setting.assumed {
                match assumed.len() {
                    SAID if assumed.contains(&news) => {}
                    SAID => assumed.push("and more of the kind".to_owned()),
                    n if n < SAID && !assumed.contains(&news) => assumed.push(news),
                    _ => {}
                }
            }
        }
        if machine.live.world.iface(packet.key.iif).is_none() {
            let forwards = machine.live.world.ifaces.iter().any(|i| i.forwarding[family as usize]);
            machine.live.world.iface_mut(name).forwarding = [forwards; 2];
            assumed.push(format!("there is an interface {name}, without an address"));
        }
        machine.live.now = now;
        let before = ox_view::flow(&packet.key, family);
        // A packet whose source is this host's own was seen on its way out.
        let ours = known || (given.known && packet.key.src != 0 && machine.live.world.is_local(family, packet.key.src));
        if ours {
            packet.key.iif = 0;
        }
        let outcome = if ours { machine.send(packet, &mut Off) } else { machine.receive(packet, &mut Off) };
        let _ = machine.replies();
        let verdict = ox_view::verdict(&outcome.fate, outcome.rejected.is_some());
        let after = ox_view::flow(&outcome.packet.key, family);
        let line = Line {
            number: 0,
            time: 0.0,
            iif: if ours { String::new() } else { name.to_owned() },
            verdict: verdict.name(),
            out: match &outcome.fate {
                Fate::Forwarded { dev, .. } | Fate::Sent { dev, .. } => Some(iface_name(*dev)),
                _ => None,
            },
            became: (after != before).then_some(after),
            by: stopped(&outcome.fate, rules, family),
            packet: before,
        };
        machines.own.extend(mine);
        let passed = matches!(verdict, Ending::Forwarded | Ending::Sent | Ending::Delivered);
        Ok((line, passed.then_some(outcome.packet.bytes)))
    }
}

/// What is said of a packet that no rule was asked about.
const SKIPPED: &str = "skipped";

/// Assumptions that are told at most.
const SAID: usize = 20;

/// The kernel's clock at the first packet: long enough after its start for everything that asks how long ago.
const EPOCH: u64 = 1_000_000_000_000_000;

impl<'a> Machines<'a> {
    fn of(
        &mut self,
        family: Family,
        given: &Given,
        seed: u64,
        assumed: &mut Vec<String>,
    ) -> Option<(&mut Machine, &[&'a Loaded], &Hints)> {
        let at = match self.machines.iter().position(|m| m.0 == family) {
            Some(at) => at,
            None => {
                let rules: Vec<&Loaded> = self.loaded.iter().filter(|l| l.ruleset.family == family).collect();
                if rules.is_empty() {
                    return None;
                }
                let mut world = given.world.clone();
                let mut hints = Hints::default();
                if !given.known {
                    let programs: Vec<_> = rules.iter().map(|l| (&l.ruleset, &*l.program)).collect();
                    hints = hints::hints(&programs);
                    assumed.push(format!(
                        "this host is as its rules let one guess (--host describes it): `{}' is an interface that none names, \
                         {} an address of its own",
                        assume::ELSEWHERE,
                        ox_packet::ip_address(family, hints::example(family, 254)),
                    ));
                } else if !given.settled {
                    world.ifaces.iter_mut().for_each(|i| i.forwarding = [true; 2]);
                    assumed.push("this host forwards packets (--sysctl net.ipv4.ip_forward=0 says it does not)".into());
                }
                let programs = rules.iter().map(|l| l.program.clone()).collect();
                self.machines.push((family, Machine::new(family, programs, world, seed), rules, hints));
                self.machines.len() - 1
            }
        };
        let (_, machine, rules, hints) = &mut self.machines[at];
        Some((machine, rules, hints))
    }

    /// Counters and connections at the end.
    fn sums(&self, report: &mut Report, now: Now) {
        for (family, machine, rules, _) in &self.machines {
            for (layer, loaded) in machine.layers.iter().zip(rules) {
                for id in 0..layer.program.rules.len() as u32 {
                    let Counters { packets, bytes } = layer.counters.of_rule(RuleId(id));
                    if packets == 0 {
                        continue;
                    }
                    let (table, text, line) = rule(loaded, RuleId(id), *family);
                    report.rules.push(Counted { file: loaded.file.clone(), table, line, text, packets, bytes });
                }
            }
            report.connections.extend(machine.live.flows.iter(now).map(|f| flow::proc_line(f, now)));
        }
    }
}

/// A rule's table, text and line.
fn rule(loaded: &Loaded, id: RuleId, family: Family) -> (&'static str, String, u32) {
    let program = &loaded.program;
    let chain = &program.chains[program.rules[id.0 as usize].chain.0 as usize];
    let table = &loaded.ruleset.tables[chain.origin.0 as usize];
    let model = &table.chains[chain.origin.1 as usize];
    let rule = &model.rules[(id.0 - chain.rules.start) as usize];
    (table.name.name(), ox_view::rule_text(model, rule, family), rule.origin.line)
}

fn stopped(fate: &Fate, rules: &[&Loaded], family: Family) -> Option<String> {
    let policy = |layer: usize, id: ChainId| {
        let loaded = rules.get(layer)?;
        let (t, c) = loaded.program.chains[id.0 as usize].origin;
        let table = &loaded.ruleset.tables[t as usize];
        let chain = &table.chains[c as usize];
        let policy = chain.base?.policy.name();
        Some(format!("-t {} -P {} {policy}", table.name.name(), chain.name.as_str()))
    };
    match fate {
        Fate::Dropped(Cause::Rule { layer, rule: id } | Cause::Hotdrop { layer, rule: id }) => {
            rules.get(*layer).map(|l| rule(l, *id, family).1)
        }
        Fate::Dropped(Cause::Policy { layer, chain }) => policy(*layer, *chain),
        Fate::Dropped(Cause::Stack(why)) => Some(why.to_string()),
        Fate::Stolen { layer, rule: Some(id) } => rules.get(*layer).map(|l| rule(l, *id, family).1),
        Fate::Queued { num } => Some(format!("queue {num}")),
        _ => None,
    }
}

fn packet_text(line: &Line) -> String {
    let Line { number, time, iif, packet, verdict, out, became, by } = line;
    let mut text = format!("{number:>6} {time:>12.6}  {verdict:<9}  {packet}");
    let from = if iif.is_empty() { String::new() } else { format!("  in {iif}") };
    let out = out.as_ref().map(|o| format!("  out {o}")).unwrap_or_default();
    let _ = writeln!(text, "{from}{out}");
    let word = if *verdict == SKIPPED { "because" } else { "by" };
    let rest = [became.as_ref().map(|b| format!("as {b}")), by.as_ref().map(|b| format!("{word} {b}"))];
    for line in rest.into_iter().flatten() {
        let _ = writeln!(text, "{:>30}{line}", "");
    }
    text
}

fn report_text(report: &Report) -> String {
    let Report { assumed, verdicts, rules, connections, .. } = report;
    let mut text = String::new();
    let sums: Vec<String> = verdicts.iter().map(|(v, n)| format!("{n} {v}")).collect();
    let sums = if sums.is_empty() { "no packets".to_owned() } else { sums.join(", ") };
    let _ = writeln!(text, "\n{sums}");
    for assumption in assumed {
        let _ = writeln!(text, "assumed: {assumption}");
    }
    if !rules.is_empty() {
        let _ = writeln!(text, "\nRules that matched: packets, bytes, line");
        for Counted { table, line, text: rule, packets, bytes, .. } in rules {
            let _ = writeln!(text, "{packets:>8} {bytes:>10} {line:>6}  -t {table} {rule}");
        }
    }
    if !connections.is_empty() {
        let _ = writeln!(text, "\nConnections at the end");
        for connection in connections {
            let _ = writeln!(text, "{connection}");
        }
    }
    text
}
