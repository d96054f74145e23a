//! "Cannot be told" is an answer for a few extensions only, named here: those that ask what only a live host knows. Every
//! rule of the oracle's lists is walked by several packets, and whatever else comes out undecided is a fault.

use ox_engine::chance::explore;
use ox_engine::machine::Machine;
use ox_engine::trace::{Event, Trace};
use ox_engine::world::World;
use ox_packet::{Build, Family, iface_number, tcp};
use ox_rules::ir::{Dialect, Packet, lower};
use ox_rules::syntax::{Book, NoNames, Program};
use ox_test::differential::dice::Rng;
use ox_test::differential::lab::Way;
use ox_test::differential::packets::History;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// Extensions that may leave a question open, and what of the host they would need.
const ALLOWED: &[(&str, &str)] = &[
    ("CLUSTERIP", "the cluster of an address, where no rule says it"),
    ("SYNPROXY", "the cookies it has sent"),
    ("TPROXY", "open sockets"),
    ("bpf", "pinned programs, and what only the network device and its driver know of a packet"),
    ("cgroup", "the control groups of open sockets"),
    ("cpu", "the processor at work"),
    ("devgroup", "the groups of interfaces"),
    ("ipvs", "the connections of the load balancer"),
    ("osf", "the fingerprints of operating systems"),
    ("owner", "the user of the sending socket"),
    ("policy", "IPsec policies"),
    ("rateest", "estimators that other rulesets make"),
    ("realm", "the realms of routes"),
    ("set", "the contents of ipsets"),
    ("SET", "the contents of ipsets"),
    ("socket", "open sockets"),
];

/// Packets that a generator makes, beside those written here.
const MADE: usize = 40;

#[test]
fn nothing_but_what_a_live_host_knows_is_left_open() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/oracle");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().flatten().map(|e| e.path()).collect();
    files.sort();
    let mut open: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut rules, mut refused, mut foreign) = (0, 0, 0);
    let mut walked: BTreeMap<String, usize> = BTreeMap::new();
    let packets = [Family::V4, Family::V6].map(packets);
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "rules")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let Some((families, rest)) = line.split_once(' ') else { continue };
            for family in [Family::V4, Family::V6] {
                let digit = if family == Family::V4 { '4' } else { '6' };
                if !families.contains(digit) {
                    continue;
                }
                // Many lines are there to be refused.
                let Some(mut found) = undecided(family, rest, &packets[family as usize]) else {
                    refused += 1;
                    continue;
                };
                // Some of those name what the family does not have, and a file keeps that.
                let all = found.len();
                found.retain(|why| !why.starts_with("oxtables does not know"));
                if found.len() < all {
                    foreign += 1;
                    continue;
                }
                rules += 1;
                *walked.entry(name.clone()).or_default() += 1;
                if !found.is_empty() {
                    open.entry(name.clone()).or_default().extend(found);
                }
            }
        }
    }
    let walks = packets[0].len().max(packets[1].len()) * rules;
    println!("{rules} rules, about {walks} walks; left open: {open:#?}");
    println!("skipped: {refused} lines that are refused, {foreign} that name what the family does not have");
    assert!(rules > 1500 && walks > 50_000, "only {rules} rules were walked, {walks} times");
    let names = files.iter().filter(|f| f.extension().is_some_and(|e| e == "rules"));
    let names = names.map(|f| f.file_stem().unwrap().to_string_lossy().into_owned());
    let silent: Vec<String> = names.filter(|name| !walked.contains_key(name)).collect();
    assert_eq!(silent, [""; 0], "files of which no rule could be walked");
    for (name, why) in &open {
        assert!(ALLOWED.iter().any(|(allowed, _)| allowed == name), "{name} must be decided, but: {why:?}");
    }
}

#[test]
fn an_unknown_extension_is_left_open() {
    let found = undecided(Family::V4, "filter INPUT -m nobodyknows --this", &packets(Family::V4)).unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), ["oxtables does not know this match"]);
    let found = undecided(Family::V4, "filter INPUT -j NOBODYKNOWS --really", &packets(Family::V4)).unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), ["oxtables does not know this target"]);
}

/// What stays open when packets walk a rule; `None` where it cannot be read.
fn undecided(family: Family, rule: &str, packets: &[Packet]) -> Option<BTreeSet<String>> {
    let mut words = rule.splitn(3, ' ');
    let (table, chain, rule) = (words.next()?, words.next()?, words.next().unwrap_or_default());
    let target = if rule.contains("-j ") || rule.contains("-g ") { "" } else { " -j ACCEPT" };
    let text = format!("*{table}\n-A {chain} {rule}{target}\nCOMMIT\n");
    let program = Program { family, dialect: Dialect::Nft };
    let book = Book::read(text.as_bytes(), program, &NoNames).ok()?;
    let lowered = Arc::new(lower(&book.ruleset, Dialect::Nft));
    let mut found = BTreeSet::new();
    for packet in packets {
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

/// To this host, through it, and from it; and whatever the comparison with the kernel sends: connections of every protocol,
/// what is cut short or broken, fragments.
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
    let mut rng = Rng::new(7);
    let mut history = History::default();
    for _ in 0..MADE {
        let (way, bytes) = history.next(&mut rng, family);
        history.note(way, &bytes, &[]);
        let Ok(mut packet) = Packet::new(bytes) else { continue };
        packet.key.iif = match way {
            Way::Local => 0,
            Way::In("out0") => iface_number("eth1"),
            _ => iface_number("eth0"),
        };
        all.push(packet);
    }
    all
}
