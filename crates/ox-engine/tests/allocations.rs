//! A packet of a known connection passes without a single allocation, delivered or forwarded, translated or not.

use ox_engine::machine::{Fate, Machine};
use ox_engine::trace::Off;
use ox_engine::world::World;
use ox_io::heap::Counting;
use ox_packet::{Build, Family, iface_number, ip_address, ip_number, tcp};
use ox_rules::ir::{Dialect, Packet, lower};
use ox_rules::syntax::{Book, NoNames, Program};
use std::net::IpAddr;
use std::sync::Arc;

#[global_allocator]
static HEAP: Counting = Counting;

const SERVER: [u8; 4] = [203, 0, 113, 1];
const CLIENT: [u8; 4] = [203, 0, 113, 9];

fn machine(rules: &str) -> Machine {
    let book = Book::read(rules.as_bytes(), Program { family: Family::V4, dialect: Dialect::Nft }, &NoNames)
        .unwrap_or_else(|_| panic!("the rules are sound"));
    let mut world = World::default();
    for (name, address) in [("eth0", SERVER), ("eth1", [10, 1, 0, 1])] {
        world.iface_mut(name).addrs.push((Family::V4, ip_number(IpAddr::from(address)).1, 24));
    }
    world.sysctl("net.ipv4.ip_forward", 1);
    Machine::new(Family::V4, vec![Arc::new(lower(&book.ruleset, Dialect::Nft))], world, 1)
}

fn packet(bytes: Vec<u8>, iface: &str) -> Packet {
    let mut packet = Packet::new(bytes).unwrap();
    packet.key.iif = iface_number(iface);
    packet
}

/// Opens a connection, answers it, and pushes two packets of it; returns what the second of them allocated.
fn spent(rules: &str) -> (u64, Fate) {
    let mut machine = machine(rules);
    let towards = |flags| Build::tcp((CLIENT, 40_000), (SERVER, 443), flags).bytes();
    let out = machine.receive(packet(towards(tcp::SYN), "eth0"), &mut Off);
    let end = |address, port| (ip_address(Family::V4, address), port);
    let key = out.packet.key;
    let answer = Build::tcp(end(key.dst, key.dport), end(key.src, key.sport), tcp::SYN | tcp::ACK).bytes();
    match out.fate {
        Fate::Delivered { .. } => machine.send(Packet::new(answer).unwrap(), &mut Off),
        _ => machine.receive(packet(answer, "eth1"), &mut Off),
    };
    let first = packet(towards(tcp::ACK), "eth0");
    let second = packet(towards(tcp::ACK), "eth0");
    machine.receive(first, &mut Off);
    let before = Counting::taken();
    let out = machine.receive(second, &mut Off);
    (Counting::taken() - before, out.fate)
}

#[test]
fn established_packets_allocate_nothing() {
    let stateful = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    let (taken, fate) = spent(&format!(
        "*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n:known -\n\
         -A INPUT -p tcp -m multiport --dports 22,80:90 -m limit --limit 1/s -j DROP\n\
         -A INPUT -m recent --name seen --rcheck --seconds 60 -j DROP\n\
         -A INPUT -j known\n-A INPUT -p tcp --dport 443 -j ACCEPT\n-A known {stateful}\nCOMMIT\n"
    ));
    assert_eq!(fate, Fate::Delivered { dev: iface_number("eth0") });
    assert_eq!(taken, 0, "delivered to this host");

    let (taken, fate) = spent(&format!(
        "*mangle\n:PREROUTING ACCEPT\n:FORWARD ACCEPT\n-A PREROUTING -j CONNMARK --restore-mark\n\
         -A FORWARD -j MARK --set-mark 7\n-A FORWARD -j CONNMARK --save-mark\nCOMMIT\n\
         *nat\n:PREROUTING ACCEPT\n:POSTROUTING ACCEPT\n\
         -A PREROUTING -p tcp --dport 443 -j DNAT --to-destination 10.1.0.2:80\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n\
         *filter\n:FORWARD DROP\n-A FORWARD {stateful}\n-A FORWARD -p tcp -d 10.1.0.2 --dport 80 -j ACCEPT\nCOMMIT\n"
    ));
    assert_eq!(fate, Fate::Forwarded { dev: iface_number("eth1"), via: None });
    assert_eq!(taken, 0, "forwarded through DNAT and MASQUERADE");
}
