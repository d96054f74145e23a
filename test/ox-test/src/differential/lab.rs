//! The lab: a fresh network namespace with a router in it, into which packets are pushed one at a time, and out of which
//! everything that happens to them is read: what leaves, what is delivered, what the rules counted.
//!
//! `in0` is a TAP device, so that packets from it have a link-layer header and may come by broadcast; it asks nobody for
//! addresses (NOARP), so that all that leaves it was asked for. All others are TUN devices. What the kernel delivers to itself is seen by a witness chain of nf_tables that runs
//! after everything else on INPUT, logs the packet and drops it, so that no socket ever answers: every packet that is
//! seen is the rules' doing. The witness is registered before connection tracking is, which puts it behind the confirming
//! hook of the same priority (Kernel: net/netfilter/core.c `nf_hook_entries_grow`).

use ox_engine::world::{Route, RouteKind, World};
use ox_io::link;
use ox_io::netns::Netns;
use ox_io::nflog::Nflog;
use ox_io::raw::{Options, RawSender};
use ox_io::tun::{Carries, Tun};
use ox_packet::{Family, iface_number, ip_address, pkttype};
use ox_rules::ir::Link;
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

/// What keeps a lab quiet, and as a fresh kernel is: some values would be those of the host around it.
const QUIET: [(&str, &str); 17] = [
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv6.icmp.ratelimit", "0"),
    ("net.ipv4.icmp_msgs_per_sec", "1000000"),
    ("net.ipv4.icmp_msgs_burst", "1000000"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.route_localnet", "0"),
    ("net.ipv4.conf.default.route_localnet", "0"),
    ("net.ipv4.conf.all.accept_local", "0"),
    ("net.ipv4.conf.default.accept_local", "0"),
    ("net.ipv4.ip_forward", "0"),
];

/// The host that a lab is made into.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its interfaces with their addresses, and its routes.
    pub world: World,
    /// Its settings by name, in the order in which they are set.
    pub sysctls: Vec<(String, i64)>,
    /// Whether its interface [`TAP`] has link-layer headers.
    pub frames: bool,
}

impl Site {
    /// The router of the differential.
    pub fn router() -> Self {
        let sysctls = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"].map(|name| (name.to_owned(), 1));
        Self { world: world(), sysctls: sysctls.to_vec(), frames: true }
    }
}

const WITNESS_GROUP: u16 = 77;

/// The interface that has link-layer headers.
pub const TAP: &str = "in0";
/// Its own address.
const TAP_ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 0x10];

/// To whom a frame is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// To the host.
    Uni,
    /// To a group.
    Multi,
    /// To everybody.
    Broad,
}

impl Cast {
    /// The packet's type as the rules see it.
    pub fn pkttype(self) -> u8 {
        match self {
            Cast::Uni => pkttype::HOST,
            Cast::Multi => pkttype::MULTICAST,
            Cast::Broad => pkttype::BROADCAST,
        }
    }

    /// The link-layer header of a frame from a neighbour.
    pub fn link(self, neighbour: u8) -> Link {
        let dst = match self {
            Cast::Uni => TAP_ADDRESS,
            Cast::Multi => [1, 0, 0x5e, 0, 0, 5],
            Cast::Broad => [0xff; 6],
        };
        Link { dst, src: [2, 0, 0, 0, 0, neighbour] }
    }
}

/// How a packet enters the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By an interface; by [`TAP`] from the first neighbour to the host.
    In(&'static str),
    /// By [`TAP`], from this neighbour and to these.
    Frame(Cast, u8),
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
    frames: bool,
    witness: Nflog,
    sender: RawSender,
    lock: String,
    buffer: Vec<u8>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl<'n> Lab<'n> {
    /// Builds the host.
    ///
    /// # Errors
    /// What the machine does not let us do.
    pub fn build(ns: &'n Netns, lock: &str, site: &Site) -> Result<Self, Failure> {
        for (name, value) in QUIET {
            // Some are newer than some kernels; a lab without them only has more noise.
            let _ = ns.set_sysctl(name, value);
        }
        // What the kernel itself sends to groups belongs to no socket, and so to no user.
        let rules = format!(
            "table inet witness {{\nchain seen {{\ntype filter hook input priority 2147483647; policy accept;\n\
             log group {WITNESS_GROUP}\ndrop\n}}\n\
             chain quiet {{\ntype filter hook output priority -500; policy accept;\n\
             meta skuid 0 accept\nip6 daddr ff00::/8 drop\n}}\n}}\n"
        );
        let done = ns.command("nft").args(["-f", "-"]).input(rules).run()?;
        if !done.success() {
            return Err(format!("the witness chain: {}", done.err()).into());
        }
        let mut tuns = Vec::new();
        for iface in &site.world.ifaces {
            let index = if iface.loopback {
                link::index(&iface.name)?
            } else {
                let tap = site.frames && iface.name == TAP;
                let tun = Tun::open_as(&iface.name, if tap { Carries::Ethernet } else { Carries::Ip })?;
                let index = tun.index();
                if tap {
                    link::set_ethernet_address(index, TAP_ADDRESS)?;
                    link::ask_no_neighbours(index)?;
                }
                link::set_mtu(index, iface.mtu)?;
                link::up(index)?;
                tuns.push(tun);
                index
            };
            for &(family, addr, len) in &iface.addrs {
                let addr = ip_address(family, addr);
                // The loopback interface has got these two by being up.
                if !iface.loopback || !addr.is_loopback() {
                    link::add_address(index, addr, len)?;
                }
            }
        }
        for route in &site.world.routes {
            add_route(&tuns, route)?;
        }
        for (name, value) in &site.sysctls {
            ns.set_sysctl(name, &value.to_string())?;
        }
        let witness = Nflog::bind(WITNESS_GROUP)?;
        let sender = RawSender::open(&Options::default())?;
        Ok(Self { ns, tuns, frames: site.frames, witness, sender, lock: lock.to_owned(), buffer: vec![0; 70_000] })
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
            Way::In(TAP) if self.frames => self.push_frame(Cast::Uni.link(1), packet),
            Way::In(name) => self.arrive(name, packet),
            Way::Frame(cast, neighbour) => self.push_frame(cast.link(neighbour), packet),
            Way::Local => self.send(packet),
        }
    }

    fn push_frame(&mut self, link: Link, packet: &[u8]) -> Result<Vec<Seen>, Failure> {
        let kind: [u8; 2] = if packet.first().is_some_and(|b| b >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
        self.arrive(TAP, &[&link.dst[..], &link.src, &kind, packet].concat())
    }

    /// Lets a packet arrive on an interface (a frame, if it carries those) and returns everything that came of it.
    ///
    /// # Errors
    /// The lab broke, or has no such interface.
    pub fn arrive(&mut self, name: &str, packet: &[u8]) -> Result<Vec<Seen>, Failure> {
        let tun = self.tuns.iter().find(|t| t.name() == name).ok_or("no such interface in the lab")?;
        tun.write(packet)?;
        self.collect()
    }

    /// Sends a packet as a program of the host and returns everything that came of it.
    ///
    /// # Errors
    /// The lab broke.
    pub fn send(&mut self, packet: &[u8]) -> Result<Vec<Seen>, Failure> {
        // A packet that a rule drops is an error for its sender, and the very thing that is being observed.
        let _ = self.sender.send(packet);
        self.collect()
    }

    /// The same from a socket of its own: of another user, with a mark.
    ///
    /// # Errors
    /// The lab broke.
    pub fn send_as(&mut self, options: &Options, packet: &[u8]) -> Result<Vec<Seen>, Failure> {
        let _ = RawSender::open(options)?.send(packet);
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
                let head = if self.frames && tun.name() == TAP { 14 } else { 0 };
                let bytes = self.buffer[..len].get(head..).unwrap_or_default();
                if !is_housekeeping(bytes) {
                    seen.push(Seen::Out(tun.name().to_owned(), bytes.to_vec()));
                }
            }
        }
        while let Some(logged) = self.witness.read()? {
            let dev = self.tuns.iter().find(|t| t.index() == logged.indev).map_or("lo", Tun::name);
            seen.push(Seen::Delivered(dev.to_owned(), logged.bytes));
        }
        seen.sort();
        Ok(seen)
    }
}

fn add_route(tuns: &[Tun], route: &Route) -> Result<(), Failure> {
    let Route { family, to, via, dev, kind, src, .. } = *route;
    let prefix = to.prefix_len(family).ok_or("a route to a network that is no prefix")?;
    let kind = match kind {
        RouteKind::Unicast => link::RouteKind::Unicast,
        RouteKind::Local => link::RouteKind::Local,
        RouteKind::Blackhole => link::RouteKind::Blackhole,
        RouteKind::Unreachable => link::RouteKind::Unreachable,
        RouteKind::Prohibit => link::RouteKind::Prohibit,
        other => return Err(format!("a route of the kind {other:?} is not for adding").into()),
    };
    let of = |number: u128| ip_address(family, number);
    let dev = match dev {
        0 => None,
        dev => Some(tuns.iter().find(|t| iface_number(t.name()) == dev).map_or(1, Tun::index)),
    };
    link::add_route(&link::Route {
        to: of(to.addr()),
        prefix,
        via: via.map(of),
        onlink: via.is_some() && dev.is_some(),
        dev,
        source: src.map(of),
        kind,
        table: None,
    })?;
    Ok(())
}

/// What an IPv6 host says of its own accord: multicast listener reports, neighbour and router discovery.
pub(super) fn is_housekeeping(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|b| b >> 4 == 6) && bytes.get(24) == Some(&0xff)
}

/// The router of the differential.
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
