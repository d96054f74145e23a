//! The lab: a fresh network namespace with a router in it, into which packets are pushed one at a time, and out of which
//! everything that happens to them is read: what leaves, what is delivered, what the rules counted.
//!
//! `in0` and `out0` are TUN devices. What the kernel delivers to itself is seen by a witness chain of nf_tables that runs
//! after everything else on INPUT, logs the packet and drops it, so that no socket ever answers: every packet that is
//! seen is the rules' doing. The witness is registered before connection tracking is, which puts it behind the confirming
//! hook of the same priority (Kernel: net/netfilter/core.c `nf_hook_entries_grow`).

use ox_engine::world::{Route, RouteKind, World};
use ox_io::link;
use ox_io::netns::Netns;
use ox_io::nflog::Nflog;
use ox_io::raw::{Options, RawSender};
use ox_io::tun::Tun;
use ox_packet::{Family, iface_number};
use ox_rules::model::Net;
use std::net::IpAddr;

/// Interfaces of the lab with their addresses.
pub const IFACES: [(&str, &str, u8, &str, u8); 2] =
    [("in0", "192.0.2.1", 24, "2001:db8:1::1", 64), ("out0", "198.51.100.1", 24, "2001:db8:2::1", 64)];

/// Routes: destination, prefix length, gateway, interface.
const ROUTES: [(&str, u8, &str, &str); 4] = [
    ("0.0.0.0", 0, "198.51.100.254", "out0"),
    ("203.0.113.0", 24, "192.0.2.254", "in0"),
    ("::", 0, "2001:db8:2::ff", "out0"),
    ("2001:db8:3::", 64, "2001:db8:1::ff", "in0"),
];

const SYSCTLS: [(&str, &str); 11] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv6.icmp.ratelimit", "0"),
    ("net.ipv4.icmp_msgs_per_sec", "1000000"),
    ("net.ipv4.icmp_msgs_burst", "1000000"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
];

const WITNESS_GROUP: u16 = 77;

/// How a packet enters the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By an interface.
    In(&'static str),
    /// Sent by the host.
    Local,
}

/// A packet that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// It left by an interface.
    Out(String, Vec<u8>),
    /// It was delivered; the interface it came in by.
    Delivered(String, Vec<u8>),
}

/// The lab, inside its namespace.
#[derive(Debug)]
pub struct Lab<'n> {
    ns: &'n Netns,
    tuns: Vec<Tun>,
    witness: Nflog,
    sender: RawSender,
    lock: String,
    buffer: Vec<u8>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl<'n> Lab<'n> {
    /// Builds the router.
    ///
    /// # Errors
    /// What the machine does not let us do.
    pub fn build(ns: &'n Netns, lock: &str) -> Result<Self, Failure> {
        for (name, value) in SYSCTLS {
            // Some are newer than some kernels; a lab without them only has more noise.
            let _ = ns.set_sysctl(name, value);
        }
        let rules = format!(
            "table inet witness {{\nchain seen {{\ntype filter hook input priority 2147483647; policy accept;\n\
             log group {WITNESS_GROUP}\ndrop\n}}\n\
             chain quiet {{\ntype filter hook output priority -500; policy accept;\nip6 daddr ff00::/8 drop\n}}\n}}\n"
        );
        let done = ns.command("nft").args(["-f", "-"]).input(rules).run()?;
        if !done.success() {
            return Err(format!("the witness chain: {}", done.err()).into());
        }
        let mut tuns = Vec::new();
        for (name, v4, len4, v6, len6) in IFACES {
            let tun = Tun::open(name)?;
            link::up(tun.index())?;
            link::add_address(tun.index(), v4.parse::<IpAddr>()?, len4)?;
            link::add_address(tun.index(), v6.parse::<IpAddr>()?, len6)?;
            tuns.push(tun);
        }
        for (to, prefix, via, dev) in ROUTES {
            let dev = tuns.iter().find(|t| t.name() == dev).map(Tun::index).unwrap_or_default();
            let route = link::Route { via: Some(via.parse()?), ..link::Route::through(to.parse()?, prefix, dev) };
            link::add_route(&route)?;
        }
        let witness = Nflog::bind(WITNESS_GROUP)?;
        let sender = RawSender::open(&Options::default())?;
        Ok(Self { ns, tuns, witness, sender, lock: lock.to_owned(), buffer: vec![0; 70_000] })
    }

    /// Runs a stock program with a lock file of its own.
    ///
    /// # Errors
    /// It could not be run.
    pub fn stock(&self, program: &str, args: &[&str], input: &str) -> Result<ox_io::command::Output, Failure> {
        Ok(self.ns.command(program).args(args).env("XTABLES_LOCKFILE", &self.lock).input(input).run()?)
    }

    /// Pushes a packet in and returns everything that came of it.
    ///
    /// # Errors
    /// The lab broke.
    pub fn push(&mut self, way: Way, packet: &[u8]) -> Result<Vec<Seen>, Failure> {
        match way {
            Way::In(name) => {
                let tun = self.tuns.iter().find(|t| t.name() == name).ok_or("no such interface in the lab")?;
                tun.write(packet)?;
            }
            // A packet that a rule drops is an error for its sender, and the very thing that is being observed.
            Way::Local => drop(self.sender.send(packet)),
        }
        self.collect()
    }

    /// Everything that left or was delivered since the last call. The kernel handles a packet before the call that
    /// brought it returns, so nothing is waited for.
    ///
    /// # Errors
    /// The lab broke.
    pub fn collect(&mut self) -> Result<Vec<Seen>, Failure> {
        let mut seen = Vec::new();
        for tun in &self.tuns {
            while let Some(len) = tun.read(&mut self.buffer)? {
                let bytes = &self.buffer[..len];
                if !is_housekeeping(bytes) {
                    seen.push(Seen::Out(tun.name().to_owned(), bytes.to_vec()));
                }
            }
        }
        while let Some(logged) = self.witness.read()? {
            if is_housekeeping(&logged.bytes) {
                continue;
            }
            let dev = self.tuns.iter().find(|t| t.index() == logged.indev).map_or("lo", Tun::name);
            seen.push(Seen::Delivered(dev.to_owned(), logged.bytes));
        }
        seen.sort();
        Ok(seen)
    }
}

/// What an IPv6 host says of its own accord: multicast listener reports, neighbour and router discovery.
fn is_housekeeping(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|b| b >> 4 == 6) && bytes.get(24) == Some(&0xff)
}

/// The host as the engine is told of it: the same as [`Lab::build`] makes.
pub fn world() -> World {
    let mut world = World::default();
    for (name, v4, len4, v6, len6) in IFACES {
        let addrs = [(v4, len4), (v6, len6)].map(|(addr, len)| {
            let (family, number) = number(addr);
            (family, number, len)
        });
        world.iface_mut(name).addrs = addrs.to_vec();
    }
    for (to, len, via, dev) in ROUTES {
        let (family, to) = number(to);
        world.routes.push(Route {
            family,
            to: Net::prefix(family, to, len),
            via: Some(number(via).1),
            dev: iface_number(dev),
            kind: RouteKind::Unicast,
            src: None,
            table: ox_engine::route::MAIN,
            metric: 0,
        });
    }
    world.sysctl("net.ipv4.ip_forward", 1);
    world.sysctl("net.ipv6.conf.all.forwarding", 1);
    world
}

fn number(addr: &str) -> (Family, u128) {
    addr.parse::<IpAddr>().map_or((Family::V4, 0), ox_packet::ip_number)
}
