//! `oxtables trace`: what happens to a packet, and why.

use super::host::HostArgs;
use super::journey::{self, Case};
use super::packet::{PacketArgs, Wrong};
use super::rules::{self, Loaded};
use super::{Format, Global, assume, batch, complain};
use crate::names;
use clap::{Args, Parser};
use ox_packet::Family;
use ox_rules::ir::{Now, Packet};
use ox_rules::syntax::{Names, split_words};
use ox_view::{Answer, Style};
use std::process::ExitCode;

/// Tell what happens to a packet, and why
///
/// The packet is given in iptables' own options, or in short: tcp 192.0.2.7:40000 '->' 10.96.0.10:53 in eth0. Every random
/// branch is followed and shown with its probability. What is not known of the host is assumed, and said.
///
/// Exit status: 0 the packet gets through, 1 it does not (or not always), 2 the question or the rules cannot be read,
/// 3 it cannot be told: what is missing is named.
#[derive(Debug, Args)]
pub struct Trace {
    #[command(flatten)]
    packet: PacketArgs,
    #[command(flatten)]
    host: HostArgs,
    /// Show the near misses too: rules that failed on one condition only
    #[arg(long)]
    why: bool,
    /// A packet sent first, for rules that remember; may be repeated
    #[arg(long, value_name = "PACKET")]
    before: Vec<String>,
    /// Seconds between the packets sent first and this one
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true, requires = "before")]
    wait: u32,
    /// Follow one branch only, the one this number picks
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Follow every branch (the default)
    #[arg(long, conflicts_with = "seed")]
    all: bool,
    /// Read one JSON question a line, write one JSON answer a line
    #[arg(long)]
    batch: bool,
}

/// A packet's description in one string.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Line {
    #[command(flatten)]
    packet: PacketArgs,
}

/// Reads a packet's description from one string.
pub fn packet_line(text: &str) -> Result<PacketArgs, Wrong> {
    let mut words = Vec::new();
    split_words(text, &mut words).map_err(|at| Wrong(format!("the quote at character {} is never closed", at + 1)))?;
    let words = words.iter().map(|w| w.text.as_ref());
    Line::try_parse_from(words).map(|l| l.packet).map_err(|e| {
        let text = e.render().to_string();
        let first: Vec<&str> =
            text.lines().take_while(|l| !l.starts_with("Usage") && !l.starts_with("For more")).collect();
        Wrong(first.join(" ").trim_start_matches("error: ").trim().to_owned())
    })
}

/// A question, whoever asks it.
pub struct Question {
    /// The packet.
    pub packet: PacketArgs,
    /// Packets sent first.
    pub before: Vec<PacketArgs>,
    /// Seconds between those and the packet.
    pub wait: u32,
    /// Seed.
    pub seed: u64,
    /// Follow every branch.
    pub all: bool,
    /// Near misses too.
    pub near: bool,
}

/// The rules, loaded once for the family they are of.
pub struct Desk<'a> {
    /// How to read rules.
    pub global: &'a Global,
    /// The host.
    pub host: &'a HostArgs,
    /// Names.
    pub names: &'a dyn Names,
    /// The rules read so far.
    pub rules: Vec<Loaded>,
}

impl Desk<'_> {
    /// Answers a question.
    pub fn ask(&mut self, question: &Question) -> Result<Answer, String> {
        let say = |w: Wrong| w.0;
        let wanted = question.packet.read(None, self.names).map_err(say)?;
        if self.rules.is_empty() {
            self.rules = rules::load(self.global, Some(wanted.family), self.names)?;
        }
        let rules: Vec<&Loaded> = self.rules.iter().filter(|l| l.ruleset.family == wanted.family).collect();
        if rules.is_empty() {
            let (is, holds) = match wanted.family {
                Family::V4 => ("IPv4", "ip6tables"),
                Family::V6 => ("IPv6", "iptables"),
            };
            let files: Vec<&str> = self.rules.iter().map(|l| l.file.as_str()).collect();
            return Err(format!("the packet is {is}, but {} holds {holds} rules", files.join(", ")));
        }
        let given = self.host.read()?;
        let programs: Vec<_> = rules.iter().map(|l| (&l.ruleset, &*l.program)).collect();
        let mut before: Vec<Packet> = Vec::new();
        let setting = assume::setting(&given, self.host, &wanted, &programs);
        for earlier in &question.before {
            let earlier = earlier.read(Some(wanted.family), self.names).map_err(say)?;
            before.push(earlier.packet(setting.src).map_err(say)?);
        }
        let clock = ox_io::clock::now();
        let case = Case {
            rules,
            setting,
            wanted: &wanted,
            before,
            wait: question.wait,
            seed: question.seed,
            all: question.all,
            near: question.near,
            now: Now { wall: clock.realtime_ns, mono: clock.monotonic_ns },
        };
        journey::answer(&case).map_err(say)
    }
}

impl Trace {
    /// Runs the verb.
    pub fn run(self, global: &Global) -> ExitCode {
        let names = names::System::default();
        let mut desk = Desk { global, host: &self.host, names: &names, rules: Vec::new() };
        if self.batch {
            return batch::run(&mut desk, self.why);
        }
        let before = self.before.iter().map(|text| packet_line(text).map_err(|w| format!("--before '{text}': {w}")));
        let before = match before.collect::<Result<Vec<_>, _>>() {
            Ok(before) => before,
            Err(why) => return complain(&why),
        };
        let question = Question {
            packet: self.packet,
            before,
            wait: self.wait,
            seed: self.seed.unwrap_or(1),
            all: self.seed.is_none(),
            near: self.why,
        };
        let status = match desk.ask(&question) {
            Ok(answer) => {
                show(&answer, global.format, self.why);
                ExitCode::from(journey::status_of(&answer))
            }
            Err(why) => complain(&why),
        };
        // The process ends here: to give 40,000 rules back one by one would take a tenth of its time.
        std::mem::forget(desk);
        status
    }
}

fn show(answer: &Answer, format: Format, why: bool) {
    match format {
        Format::Json => crate::files::print_json(&format!("{}\n", batch::json(answer))),
        Format::Text => crate::files::print(&ox_view::text(answer, style(why))),
    }
}

/// As wide as the terminal up to what reads well, and in colour if it is one.
fn style(why: bool) -> Style {
    let color = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    let width = ox_io::term::width().map_or(80, |w| usize::from(w).clamp(40, 100));
    Style { color, width, why }
}
