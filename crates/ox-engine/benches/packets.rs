//! Packets a second through all hooks on one core: `cargo xtask bench engine` runs it.
//!
//! Each case prints a line of numbers separated by tabs: name, packets, ns of CPU a packet in each round.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark has a clock and says what it saw"
)]

use ox_engine::machine::{Fate, Machine};
use ox_engine::trace::Off;
use ox_engine::world::World;
use ox_packet::{Build, Family, iface_number, ip_number, tcp};
use ox_rules::ir::{Dialect, Packet, lower};
use ox_rules::syntax::{Book, NoNames, Program};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

/// Connections at a time.
const FLOWS: u16 = 1000;
/// Packets of a round.
const ROUND: u32 = 200_000;

fn main() {
    let rounds = std::env::var("OX_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let only: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for case in CASES.iter().filter(|c| only.is_empty() || only.iter().any(|o| c.name.contains(o.as_str()))) {
        let rules = (case.rules)();
        let samples: Vec<String> = (0..rounds).map(|_| format!("{:.1}", (case.run)(&rules))).collect();
        println!("{}\t{ROUND}\t{}", case.name, samples.join("\t"));
    }
}

struct Case {
    name: &'static str,
    rules: fn() -> String,
    run: fn(&str) -> f64,
}

const CASES: [Case; 5] = [
    Case { name: "established, accepted by the first of 100 rules", rules: || server(true), run: established },
    Case { name: "established, accepted by the last of 100 rules", rules: || server(false), run: established },
    Case { name: "established, forwarded through DNAT and MASQUERADE", rules: gateway, run: translated },
    Case { name: "first packets of connections, 100 rules", rules: || server(true), run: first },
    Case { name: "first packets through DNAT and MASQUERADE", rules: gateway, run: first_translated },
];

/// A stateful server of 100 rules; answers to what it knows are accepted first or last.
fn server(early: bool) -> String {
    let stateful = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
    let mut text =
        "*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n"
            .to_owned();
    if early {
        text += stateful;
    }
    text += "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n";
    for n in 0..96 {
        let _ = match n % 4 {
            0 => writeln!(text, "-A INPUT -s 10.{n}.0.0/16 -p tcp -m tcp --dport {} -j DROP", 8000 + n),
            1 => writeln!(text, "-A INPUT -s 172.16.{n}.0/24 -p udp -m udp --sport 53 -j ACCEPT"),
            2 => writeln!(text, "-A INPUT -i eth1 -p tcp -m multiport --dports {},{n},99 -j ACCEPT", 7000 + n),
            _ => writeln!(text, "-A INPUT -d 192.0.2.{n}/32 -m comment --comment \"host {n}\" -j DROP"),
        };
    }
    text += "-A INPUT -p tcp -m tcp --dport 443 -m conntrack --ctstate NEW -j ACCEPT\n";
    if !early {
        text += stateful;
    }
    text + "COMMIT\n"
}

/// A gateway: 20 forwarded ports, everything masqueraded, a stateful filter.
fn gateway() -> String {
    let mut text = "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n".to_owned();
    for n in 0..20 {
        let _ = writeln!(
            text,
            "-A PREROUTING -i eth0 -p tcp -m tcp --dport {} -j DNAT --to-destination 10.1.0.2:80",
            424 + n
        );
    }
    text += "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n";
    text += "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
    text += "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT\n";
    text + "COMMIT\n"
}

const SERVER: [u8; 4] = [203, 0, 113, 1];

fn machine(rules: &str) -> Machine {
    let program = Program { family: Family::V4, dialect: Dialect::Nft };
    let book = Book::read(rules.as_bytes(), program, &NoNames).unwrap_or_else(|_| panic!("the rules are sound"));
    let mut world = World::default();
    for (name, address) in [("eth0", SERVER), ("eth1", [10, 1, 0, 1])] {
        world.iface_mut(name).addrs.push((Family::V4, number(address), 24));
    }
    world.sysctl("net.ipv4.ip_forward", 1);
    Machine::new(Family::V4, vec![Arc::new(lower(&book.ruleset, Dialect::Nft))], world, 1)
}

fn number(address: [u8; 4]) -> u128 {
    ip_number(IpAddr::from(address)).1
}

/// The packets of a connection: the first, and one as it goes on, both towards the server.
fn packets(flow: u16) -> [Vec<u8>; 2] {
    let from = ([203, 0, 113, (2 + flow % 200) as u8], 10_000 + flow);
    [tcp::SYN, tcp::ACK].map(|flags| {
        Build::tcp(from, (SERVER, 443), flags).payload(vec![0; if flags == tcp::ACK { 64 } else { 0 }]).bytes()
    })
}

/// Pushes a packet in and gives its buffer back. The clock moves on by a microsecond.
fn push(machine: &mut Machine, bytes: &[u8], mut buffer: Vec<u8>, iface: u128) -> (Fate, Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(bytes);
    let Ok(mut packet) = Packet::new(buffer) else { unreachable!("the packet is sound") };
    packet.key.iif = iface;
    machine.live.now.mono += 1000;
    let outcome = machine.receive(packet, &mut Off);
    (outcome.fate, outcome.packet.bytes)
}

/// Opens every connection and answers it; returns the packets as they go on and the interface each comes in by.
fn opened(machine: &mut Machine) -> Vec<(Vec<u8>, u128)> {
    let (outside, inside) = (iface_number("eth0"), iface_number("eth1"));
    let mut on = Vec::new();
    for flow in 0..FLOWS {
        let [syn, ack] = packets(flow);
        let (fate, out) = push(machine, &syn, Vec::new(), outside);
        let Ok(seen) = Packet::new(out) else { unreachable!("it was readable before") };
        let end = |address, port| (ox_packet::ip_address(Family::V4, address), port);
        let (client, server) = (end(seen.key.src, seen.key.sport), end(seen.key.dst, seen.key.dport));
        let answer = Build::tcp(server, client, tcp::SYN | tcp::ACK).bytes();
        let back = match fate {
            Fate::Delivered { .. } => {
                let Ok(packet) = Packet::new(answer) else { unreachable!("it was just built") };
                machine.send(packet, &mut Off).fate
            }
            Fate::Forwarded { .. } => push(machine, &answer, Vec::new(), inside).0,
            fate => panic!("{fate:?}"),
        };
        assert!(matches!(back, Fate::Sent { .. } | Fate::Forwarded { .. }), "{back:?}");
        on.push((ack, outside));
    }
    on
}

fn established(rules: &str) -> f64 {
    go_on(rules, false)
}

fn translated(rules: &str) -> f64 {
    go_on(rules, true)
}

fn go_on(rules: &str, forwarded: bool) -> f64 {
    let mut machine = machine(rules);
    let on = opened(&mut machine);
    let mut buffer = Vec::new();
    let begin = ox_io::clock::thread_cpu_ns();
    for (bytes, iface) in on.iter().cycle().take(ROUND as usize) {
        let (fate, back) = push(&mut machine, bytes, buffer, *iface);
        let passed =
            matches!(fate, Fate::Delivered { .. } if !forwarded) || matches!(fate, Fate::Forwarded { .. } if forwarded);
        assert!(passed, "{fate:?}");
        buffer = back;
    }
    nanoseconds(begin, ROUND)
}

fn first(rules: &str) -> f64 {
    open(rules, false)
}

fn first_translated(rules: &str) -> f64 {
    open(rules, true)
}

/// First packets, each of a new connection, until the table holds 50,000; then again on a new machine.
fn open(rules: &str, forwarded: bool) -> f64 {
    const EACH: u32 = 50_000;
    let mut spent = 0.0;
    for _ in 0..ROUND / EACH {
        let mut machine = machine(rules);
        let mut buffer = Vec::new();
        let syns: Vec<Vec<u8>> = (0..EACH)
            .map(|n| {
                let from = ([203, 0, 113, (2 + n % 200) as u8], (1024 + n / 200) as u16);
                Build::tcp(from, (SERVER, 443), tcp::SYN).bytes()
            })
            .collect();
        let begin = ox_io::clock::thread_cpu_ns();
        for bytes in &syns {
            let (fate, back) = push(&mut machine, bytes, buffer, iface_number("eth0"));
            let passed = matches!(fate, Fate::Delivered { .. } if !forwarded)
                || matches!(fate, Fate::Forwarded { .. } if forwarded);
            assert!(passed, "{fate:?}");
            buffer = back;
        }
        spent += nanoseconds(begin, EACH);
    }
    spent / f64::from(ROUND / EACH)
}

fn nanoseconds(begin: u64, packets: u32) -> f64 {
    (ox_io::clock::thread_cpu_ns() - begin) as f64 / f64::from(packets)
}
