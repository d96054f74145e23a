//! "Cannot be told" is an answer for a few extensions only, named here: those that ask what only a live host knows. Every
//! rule of the oracle's lists is walked by several packets, and whatever else comes out undecided is a fault.

use ox_engine::chance::explore;
use ox_engine::machine::Machine;
use ox_engine::trace::{Event, Trace};
use ox_engine::world::World;
use ox_packet::{Build, Family, iface_number, tcp};
use ox_rules::ir::{Dialect, Packet, lower};
use ox_rules::syntax::{Book, NoNames, Program};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// Extensions that may leave a question open, and what of the host they would need.
const ALLOWED: &[(&str, &str)] = &[
    ("SYNPROXY", "the cookies it has sent"),
    ("TPROXY", "open sockets"),
    ("cgroup", "the control groups of open sockets"),
    ("cpu", "the processor at work"),
    ("devgroup", "the groups of interfaces"),
    ("owner", "the user of the sending socket"),
    ("policy", "IPsec policies"),
    ("realm", "the realms of routes"),
    ("set", "the contents of ipsets"),
    ("SET", "the contents of ipsets"),
    ("socket", "open sockets"),
];

#[test]
fn nothing_but_what_a_live_host_knows_is_left_open() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/oracle");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().flatten().map(|e| e.path()).collect();
    files.sort();
    let mut open: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut rules, mut walks) = (0, 0);
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "rules")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let Some((families, rest)) = line.split_once(' ') else { continue };
            for family in [Family::V4, Family::V6] {
                let digit = if family == Family::V4 { '4' } else { '6' };
                if !families.contains(digit) {
                    continue;
                }
                let Some(mut found) = undecided(family, rest) else { continue };
                // Lines that are there to be refused name what the family does not have.
                found.retain(|why| !why.starts_with("oxtables does not know"));
                rules += 1;
                walks += 6;
                if !found.is_empty() {
                    open.entry(name.clone()).or_default().extend(found);
                }
            }
        }
    }
    println!("{rules} rules, {walks} walks; left open: {open:#?}");
    assert!(rules > 500, "only {rules} rules were read");
    for (name, why) in &open {
        assert!(ALLOWED.iter().any(|(allowed, _)| allowed == name), "{name} must be decided, but: {why:?}");
    }
}

#[test]
fn an_unknown_extension_is_left_open() {
    let found = undecided(Family::V4, "filter INPUT -m nobodyknows --this").unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), ["oxtables does not know this match"]);
    let found = undecided(Family::V4, "filter INPUT -j NOBODYKNOWS --really").unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), ["oxtables does not know this target"]);
}

/// What stays open when packets walk a rule; `None` where it cannot be read.
fn undecided(family: Family, rule: &str) -> Option<BTreeSet<String>> {
    let mut words = rule.splitn(3, ' ');
    let (table, chain, rule) = (words.next()?, words.next()?, words.next().unwrap_or_default());
    let target = if rule.contains("-j ") || rule.contains("-g ") { "" } else { " -j ACCEPT" };
    let text = format!("*{table}\n-A {chain} {rule}{target}\nCOMMIT\n");
    let program = Program { family, dialect: Dialect::Nft };
    let book = Book::read(text.as_bytes(), program, &NoNames).ok()?;
    let lowered = Arc::new(lower(&book.ruleset, Dialect::Nft));
    let mut found = BTreeSet::new();
    for packet in packets(family) {
        let (runs, _) = explore(32, |chooser| {
            let mut machine = Machine::new(family, vec![lowered.clone()], world(), 1);
            machine.set_chooser(chooser);
            let mut trace = Trace::default();
            if packet.key.iif == 0 {
                machine.send(packet.clone(), &mut trace);
            } else {
                machine.receive(packet.clone(), &mut trace);
            }
            (trace, std::mem::replace(&mut machine.live.chooser, ox_engine::chance::Chooser::Dice))
        });
        for event in runs.into_iter().flat_map(|(trace, _)| trace.events) {
            if let Event::Undecided { why, .. } = event {
                found.insert(why.to_owned());
            }
        }
    }
    Some(found)
}

/// A router with both families.
fn world() -> World {
    let mut world = World::default();
    let addrs = [("eth0", "192.0.2.1", 24, "2001:db8:1::1"), ("eth1", "198.51.100.1", 24, "2001:db8:2::1")];
    for (name, v4, len, v6) in addrs {
        let iface = world.iface_mut(name);
        for (addr, len) in [(v4, len), (v6, 64)] {
            let (family, number) = ox_packet::ip_number(addr.parse::<IpAddr>().unwrap());
            iface.addrs.push((family, number, len));
        }
        iface.forwarding = [true; 2];
    }
    world
}

/// To this host, through it, and from it.
fn packets(family: Family) -> Vec<Packet> {
    let address = |n: usize| -> IpAddr {
        let text = match family {
            Family::V4 => ["192.0.2.7", "192.0.2.1", "198.51.100.7"][n],
            Family::V6 => ["2001:db8:1::7", "2001:db8:1::1", "2001:db8:2::7"][n],
        };
        text.parse().unwrap()
    };
    let mut all = Vec::new();
    for (src, dst, iif) in [(0, 1, "eth0"), (0, 2, "eth0"), (1, 2, "")] {
        let builds = [
            Build::tcp((address(src), 40_000), (address(dst), 80), tcp::SYN),
            Build::udp((address(src), 40_000), (address(dst), 53)).payload(b"oxtables".as_slice()),
        ];
        for build in builds {
            let mut packet = Packet::new(build.bytes()).unwrap();
            packet.key.iif = iface_number(iif);
            all.push(packet);
        }
    }
    all
}
