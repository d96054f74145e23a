//! The host around the rules: interfaces, addresses, routes, settings, sockets. Plain data; [`crate::route`] decides with it.

use crate::flow;
use crate::frag;
use crate::set::Sets;
use ox_packet::{Family, iface_number};
use ox_rules::ir::Owner;
use ox_rules::model::Net;

/// A host.
#[derive(Clone, Debug)]
pub struct World {
    /// Its interfaces; `lo` is always among them.
    pub ifaces: Vec<Iface>,
    /// Its routes besides those that addresses make by themselves.
    pub routes: Vec<Route>,
    /// Policy rules besides the three that are always there.
    pub policies: Vec<PolicyRule>,
    /// Settings.
    pub settings: Settings,
    /// Local sockets, when they are known at all.
    pub sockets: Option<Vec<Socket>>,
    /// Who sends the packets made by this host, when that is known.
    pub owner: Option<Owner>,
    /// The ipsets whose contents are known.
    pub sets: Sets,
    /// Whether IPsec carries packets here at all, when that is known.
    pub ipsec: Option<bool>,
    /// Whether fingerprints of operating systems are loaded (`nfnl_osf`), when that is known.
    pub fingerprints: Option<bool>,
    /// Minutes east of UTC of the kernel's own time zone.
    pub kernel_zone: i32,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iface {
    /// Name.
    pub name: String,
    /// Its name as in [`ox_packet::Key`].
    pub number: u128,
    /// Addresses with their prefix length, in order of configuration.
    pub addrs: Vec<(Family, u128, u8)>,
    /// Largest layer 3 packet.
    pub mtu: u32,
    /// MAC address.
    pub mac: [u8; 6],
    /// The loopback interface.
    pub loopback: bool,
    /// The bridge it is a port of.
    pub master: Option<u128>,
    /// `net.ipv4.conf.X.forwarding` and `net.ipv6.conf.X.forwarding`.
    pub forwarding: [bool; 2],
    /// `net.ipv4.conf.X.route_localnet`.
    pub route_localnet: bool,
    /// `net.ipv4.conf.X.rp_filter`: 0 off, 1 strict, 2 loose.
    pub rp_filter: u8,
    /// `net.ipv4.conf.X.accept_local`.
    pub accept_local: bool,
}

/// A route of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Family.
    pub family: Family,
    /// Destinations.
    pub to: Net,
    /// Next hop; `None` on the link.
    pub via: Option<u128>,
    /// Interface; 0 for routes that go nowhere.
    pub dev: u128,
    /// What it does.
    pub kind: RouteKind,
    /// Preferred source address.
    pub src: Option<u128>,
    /// Table: 254 is main, 255 local.
    pub table: u32,
    /// Smaller is preferred.
    pub metric: u32,
}

/// What a route does with packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as `ip route` names them")]
pub enum RouteKind {
    #[default]
    Unicast,
    Local,
    Broadcast,
    Multicast,
    Anycast,
    Blackhole,
    Unreachable,
    Prohibit,
}

/// A policy rule (`ip rule`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// Family.
    pub family: Family,
    /// Smaller is asked earlier.
    pub priority: u32,
    /// Source.
    pub from: Net,
    /// Destination.
    pub to: Net,
    /// Incoming interface; 0 for any.
    pub iif: u128,
    /// Mark and mask.
    pub mark: (u32, u32),
    /// Table to look in.
    pub table: u32,
}

/// Settings that decide what happens to packets (sysctls), as far as they are not an interface's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `net.ipv4.ip_default_ttl`, `net.ipv6.conf.all.hop_limit`.
    pub ttl: u8,
    /// `net.netfilter.nf_conntrack_*`.
    pub conntrack: flow::Settings,
    /// `net.ipv4.ipfrag_*` and the like.
    pub fragments: frag::Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ttl: 64, conntrack: flow::Settings::default(), fragments: frag::Limits::default() }
    }
}

/// A local socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Family.
    pub family: Family,
    /// Protocol number.
    pub proto: u8,
    /// Address it is bound to; 0 for any.
    pub addr: u128,
    /// Port.
    pub port: u16,
    /// Address and port it is connected to.
    pub peer: Option<(u128, u16)>,
    /// IP_TRANSPARENT.
    pub transparent: bool,
    /// SO_MARK.
    pub mark: u32,
    /// Owner.
    pub owner: Owner,
}

impl Iface {
    /// An interface without addresses, kernel defaults.
    pub fn new(name: &str) -> Self {
        let loopback = name == "lo";
        Self {
            name: name.to_owned(),
            number: iface_number(name),
            addrs: if loopback { vec![(Family::V4, 0x7f00_0001, 8), (Family::V6, 1, 128)] } else { Vec::new() },
            mtu: if loopback { 65536 } else { 1500 },
            mac: [0; 6],
            loopback,
            master: None,
            forwarding: [false; 2],
            route_localnet: false,
            rp_filter: 0,
            accept_local: false,
        }
    }

    /// Its first address that is of use for what was sent to `dst`: to a narrower scope than the whole world only one of
    /// that scope is (Kernel: net/netfilter/nf_nat_redirect.c `nf_nat_redirect_ipv6_usable`).
    pub fn addr_for(&self, family: Family, dst: u128) -> Option<u128> {
        let scope = if family == Family::V6 { narrow_scope(dst) } else { 0 };
        if scope == 0 {
            return self.addr(family);
        }
        self.addrs.iter().find(|a| a.0 == family && narrow_scope(a.1) == scope).map(|a| a.1)
    }

    /// The first address of a family that can be a source beyond this link.
    pub fn addr(&self, family: Family) -> Option<u128> {
        let link_local = |a: u128| family == Family::V6 && a >> 118 == 0xfe80 >> 6;
        let of_family = || self.addrs.iter().filter(move |a| a.0 == family).map(|a| a.1);
        of_family().find(|&a| !link_local(a)).or_else(|| of_family().next())
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            ifaces: vec![Iface::new("lo")],
            routes: Vec::new(),
            policies: Vec::new(),
            settings: Settings::default(),
            sockets: None,
            owner: None,
            sets: Sets::default(),
            ipsec: None,
            fingerprints: None,
            kernel_zone: 0,
        }
    }
}

impl World {
    /// An interface by its number.
    pub fn iface(&self, number: u128) -> Option<&Iface> {
        self.ifaces.iter().find(|i| i.number == number)
    }

    /// An interface by name, made if it is not there.
    pub fn iface_mut(&mut self, name: &str) -> &mut Iface {
        let i = match self.ifaces.iter().position(|i| i.name == name) {
            Some(i) => i,
            None => {
                self.ifaces.push(Iface::new(name));
                self.ifaces.len() - 1
            }
        };
        &mut self.ifaces[i]
    }

    /// Sets a sysctl by its dotted name. False: it is not one that decides anything here.
    pub fn sysctl(&mut self, name: &str, value: i64) -> bool {
        let s = &mut self.settings;
        match name {
            "net.ipv4.ip_forward" => return self.sysctl("net.ipv4.conf.all.forwarding", value),
            "net.ipv4.ip_default_ttl" => s.ttl = value.clamp(1, 255) as u8,
            _ if u32::try_from(value).is_ok_and(|value| s.fragments.set(name, value)) => {}
            _ if name.starts_with("net.netfilter.") => {
                return u64::try_from(value).is_ok_and(|value| s.conntrack.set(name, value));
            }
            _ => return self.iface_sysctl(name, value),
        }
        true
    }

    /// `net.ipvN.conf.IFACE.KEY`. `all` reaches every interface there is; the kernel combines `all` and the interface's
    /// own by OR (route_localnet, accept_local) or by the greater (rp_filter): Kernel: include/linux/inetdevice.h.
    fn iface_sysctl(&mut self, name: &str, value: i64) -> bool {
        let (family, rest) = match (name.strip_prefix("net.ipv4.conf."), name.strip_prefix("net.ipv6.conf.")) {
            (Some(rest), _) => (0, rest),
            (_, Some(rest)) => (1, rest),
            _ => return false,
        };
        let Some((which, key)) = rest.rsplit_once('.') else { return false };
        if !matches!((family, key), (_, "forwarding") | (0, "route_localnet" | "rp_filter" | "accept_local")) {
            return false;
        }
        let all = matches!(which, "all" | "default");
        if !all {
            self.iface_mut(which);
        }
        for iface in self.ifaces.iter_mut().filter(|i| all || i.name == which) {
            match key {
                "forwarding" => iface.forwarding[family] = value != 0,
                "route_localnet" => iface.route_localnet |= value != 0,
                "rp_filter" => iface.rp_filter = iface.rp_filter.max(value.clamp(0, 2) as u8),
                _ => iface.accept_local |= value != 0,
            }
        }
        true
    }
}

/// The scope of an IPv6 address: 1 this host, 2 the link, 5 the site, 0 anything wider (Kernel: net/ipv6/addrconf_core.c
/// `__ipv6_addr_type`).
fn narrow_scope(addr: u128) -> u8 {
    let head = (addr >> 112) as u16;
    match head {
        _ if addr == 1 => 1,
        _ if head & 0xff00 == 0xff00 => match (head & 0xf) as u8 {
            scope @ (1 | 2 | 5) => scope,
            _ => 0,
        },
        _ if head & 0xffc0 == 0xfe80 => 2,
        _ if head & 0xffc0 == 0xfec0 => 5,
        _ => 0,
    }
}
