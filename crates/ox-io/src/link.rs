//! Links, addresses and routes of the calling thread's network namespace.
//!
//! Kernel: net/core/rtnetlink.c, net/ipv4/{devinet,fib_frontend}.c, net/ipv6/{addrconf,route}.c
//! ABI: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice};

use crate::Error;
use crate::netlink::{CREATE, Request, Socket, messages};

/// The number of an interface.
pub fn index(name: &str) -> Result<u32, Error> {
    let failed = |cause| Error::system("find interface", name, cause);
    let any = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    netdevice::name_to_index(any.map_err(failed)?, name).map_err(failed)
}

/// Takes an interface up.
pub fn up(index: u32) -> Result<(), Error> {
    let request = Request::new(libc::RTM_NEWLINK, 0, &link(index, libc::IFF_UP as u32, libc::IFF_UP as u32));
    ask("take up", named(index), request)
}

/// Takes an interface down.
pub fn down(index: u32) -> Result<(), Error> {
    ask("take down", named(index), Request::new(libc::RTM_NEWLINK, 0, &link(index, 0, libc::IFF_UP as u32)))
}

/// Lets an Ethernet interface, while it is down, send every packet to its own address instead of asking who has the
/// next hop's.
pub fn ask_no_neighbours(index: u32) -> Result<(), Error> {
    let request = Request::new(libc::RTM_NEWLINK, 0, &link(index, libc::IFF_NOARP as u32, libc::IFF_NOARP as u32));
    ask("take neighbours from", named(index), request)
}

/// Sets the length of the longest packet an interface sends.
pub fn set_mtu(index: u32, mtu: u32) -> Result<(), Error> {
    let request = Request::new(libc::RTM_NEWLINK, 0, &link(index, 0, 0));
    ask("set the MTU of", named(index), request.attribute(libc::IFLA_MTU, &mtu.to_ne_bytes()))
}

/// Gives an interface an address for good, without asking the neighbours whether they have it.
///
/// On an interface that is up it can be used at once: an IPv6 address only becomes one of this host's a moment after the
/// kernel has said yes, and that is waited for. So take the interface up first.
pub fn add_address(index: u32, address: IpAddr, prefix: u8) -> Result<(), Error> {
    // family, prefix length, flags, scope, interface
    let (family, flags) = match address {
        IpAddr::V4(_) => (libc::AF_INET as u8, 0),
        IpAddr::V6(_) => (libc::AF_INET6 as u8, libc::IFA_F_NODAD as u8),
    };
    let fixed = [&[family, prefix, flags, libc::RT_SCOPE_UNIVERSE][..], &index.to_ne_bytes()].concat();
    let bytes = octets(address);
    let request = Request::new(libc::RTM_NEWADDR, CREATE, &fixed)
        .attribute(libc::IFA_LOCAL, &bytes)
        .attribute(libc::IFA_ADDRESS, &bytes);
    let subject = format!("{}: {address}/{prefix}", named(index));
    ask("add an address to", subject.clone(), request)?;
    let start = Instant::now();
    while address.is_ipv6() && is_up(index)? && !is_local(address)? {
        if start.elapsed() > Duration::from_secs(5) {
            let cause = io::Error::from_raw_os_error(libc::ETIMEDOUT);
            return Err(Error::system("add an address to", subject, cause));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// Whether an interface is up.
pub fn is_up(index: u32) -> Result<bool, Error> {
    let answer = get("ask about", named(index), Request::new(libc::RTM_GETLINK, 0, &link(index, 0, 0)))?;
    let flags = answer.get(8..12).and_then(|flags| flags.try_into().ok()).map_or(0, u32::from_ne_bytes);
    Ok(flags & libc::IFF_UP as u32 != 0)
}

/// Whether packets to an address are delivered to this host.
pub fn is_local(address: IpAddr) -> Result<bool, Error> {
    let (family, length) = match address {
        IpAddr::V4(_) => (libc::AF_INET as u8, 32),
        IpAddr::V6(_) => (libc::AF_INET6 as u8, 128),
    };
    let fixed = [family, length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let request = Request::new(libc::RTM_GETROUTE, 0, &fixed).attribute(libc::RTA_DST, &octets(address));
    match get("ask for the route to", address.to_string(), request) {
        Ok(answer) => Ok(answer.get(7) == Some(&libc::RTN_LOCAL)),
        // There is none.
        Err(error) if matches!(error.errno(), Some(libc::ENETUNREACH | libc::EHOSTUNREACH)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a route does with a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouteKind {
    /// Sends it on.
    #[default]
    Unicast,
    /// Delivers it here.
    Local,
    /// Drops it in silence.
    Blackhole,
    /// Drops it and says that the host cannot be reached.
    Unreachable,
    /// Drops it and says that this is forbidden.
    Prohibit,
}

/// A route to add.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Where to; with a prefix of 0, everywhere.
    pub to: IpAddr,
    /// How many bits of `to` count.
    pub prefix: u8,
    /// The next router.
    pub via: Option<IpAddr>,
    /// Whether it is on the interface's wire, although no address of ours says so.
    pub onlink: bool,
    /// The interface.
    pub dev: Option<u32>,
    /// The source address for packets that have none yet.
    pub source: Option<IpAddr>,
    /// What it does.
    pub kind: RouteKind,
    /// The routing table; `None` is the main one, or the local one for a local route.
    pub table: Option<u32>,
}

impl Route {
    /// A route through an interface.
    pub fn through(to: IpAddr, prefix: u8, dev: u32) -> Route {
        Route {
            to,
            prefix,
            via: None,
            onlink: false,
            dev: Some(dev),
            source: None,
            kind: RouteKind::Unicast,
            table: None,
        }
    }
}

/// ABI: linux/rtnetlink.h RTNH_F_ONLINK
const ONLINK: u32 = 4;

/// Adds a route.
pub fn add_route(route: &Route) -> Result<(), Error> {
    let (kind, usual_table, scope) = match route.kind {
        RouteKind::Unicast if route.via.is_none() => (libc::RTN_UNICAST, libc::RT_TABLE_MAIN, libc::RT_SCOPE_LINK),
        RouteKind::Unicast => (libc::RTN_UNICAST, libc::RT_TABLE_MAIN, libc::RT_SCOPE_UNIVERSE),
        RouteKind::Local => (libc::RTN_LOCAL, libc::RT_TABLE_LOCAL, libc::RT_SCOPE_HOST),
        RouteKind::Blackhole => (libc::RTN_BLACKHOLE, libc::RT_TABLE_MAIN, libc::RT_SCOPE_UNIVERSE),
        RouteKind::Unreachable => (libc::RTN_UNREACHABLE, libc::RT_TABLE_MAIN, libc::RT_SCOPE_UNIVERSE),
        RouteKind::Prohibit => (libc::RTN_PROHIBIT, libc::RT_TABLE_MAIN, libc::RT_SCOPE_UNIVERSE),
    };
    let (family, scope) = match route.to {
        IpAddr::V4(_) => (libc::AF_INET as u8, scope),
        // IPv6 routes have no scope.
        IpAddr::V6(_) => (libc::AF_INET6 as u8, libc::RT_SCOPE_UNIVERSE),
    };
    let table = route.table.unwrap_or(u32::from(usual_table));
    // family, prefix lengths of destination and source, type of service; table, origin, scope, kind; flags
    let mut fixed = [family, route.prefix, 0, 0, 0, libc::RTPROT_STATIC, scope, kind, 0, 0, 0, 0];
    if route.onlink {
        fixed[8..].copy_from_slice(&ONLINK.to_ne_bytes());
    }
    let mut request = Request::new(libc::RTM_NEWROUTE, CREATE, &fixed).attribute(libc::RTA_TABLE, &table.to_ne_bytes());
    if route.prefix > 0 {
        request = request.attribute(libc::RTA_DST, &octets(route.to));
    }
    if let Some(via) = route.via {
        request = request.attribute(libc::RTA_GATEWAY, &octets(via));
    }
    if let Some(dev) = route.dev {
        request = request.attribute(libc::RTA_OIF, &dev.to_ne_bytes());
    }
    if let Some(source) = route.source {
        request = request.attribute(libc::RTA_PREFSRC, &octets(source));
    }
    ask("add a route to", format!("{}/{}", route.to, route.prefix), request)
}

/// Sends packets with a mark to a routing table of their own, in one family.
#[derive(Clone, Copy, Debug)]
pub struct MarkRule {
    /// Whether it is about IPv6; else IPv4.
    pub ipv6: bool,
    /// The mark.
    pub mark: u32,
    /// Which of its bits count.
    pub mask: u32,
    /// The table.
    pub table: u32,
    /// Its place among the rules: lower ones are asked first, the main table's is 32766.
    pub priority: u32,
}

/// Adds a policy rule.
///
/// ABI: linux/fib_rules.h
pub fn add_mark_rule(rule: &MarkRule) -> Result<(), Error> {
    const PRIORITY: u16 = 6;
    const MARK: u16 = 10;
    const TABLE: u16 = 15;
    const MASK: u16 = 16;
    const TO_TABLE: u8 = 1;
    let family = if rule.ipv6 { libc::AF_INET6 } else { libc::AF_INET };
    // family, prefix lengths, type of service, table (as an attribute), reserved, action; flags
    let fixed = [family as u8, 0, 0, 0, 0, 0, 0, TO_TABLE, 0, 0, 0, 0];
    let request = Request::new(libc::RTM_NEWRULE, CREATE, &fixed)
        .attribute(PRIORITY, &rule.priority.to_ne_bytes())
        .attribute(MARK, &rule.mark.to_ne_bytes())
        .attribute(MASK, &rule.mask.to_ne_bytes())
        .attribute(TABLE, &rule.table.to_ne_bytes());
    ask("add a policy rule for", format!("mark {:#x}", rule.mark), request)
}

/// Tells an interface a neighbour's Ethernet address for good, so that it never asks for it.
pub fn add_neighbour(index: u32, address: IpAddr, ethernet: [u8; 6]) -> Result<(), Error> {
    const PERMANENT: u16 = 0x80;
    const ADDRESS: u16 = 1;
    const ETHERNET: u16 = 2;
    let family = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    // family, padding, interface, state, flags, kind
    let mut fixed = [0; 12];
    fixed[0] = family as u8;
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..10].copy_from_slice(&PERMANENT.to_ne_bytes());
    let request = Request::new(libc::RTM_NEWNEIGH, CREATE, &fixed)
        .attribute(ADDRESS, &octets(address))
        .attribute(ETHERNET, &ethernet);
    ask("add a neighbour to", format!("{}: {address}", named(index)), request)
}

/// Sets the Ethernet address of an interface.
pub fn set_ethernet_address(index: u32, ethernet: [u8; 6]) -> Result<(), Error> {
    let request = Request::new(libc::RTM_NEWLINK, 0, &link(index, 0, 0)).attribute(libc::IFLA_ADDRESS, &ethernet);
    ask("set the Ethernet address of", named(index), request)
}

fn ask(action: &'static str, subject: String, request: Request) -> Result<(), Error> {
    get(action, subject, request).map(drop)
}

/// Sends a request and returns the body of the answer's first message, empty when the kernel only says yes.
fn get(action: &'static str, subject: String, request: Request) -> Result<Vec<u8>, Error> {
    let mut answer = Vec::new();
    // `None` is protocol 0: NETLINK_ROUTE.
    let done = Socket::open(None).and_then(|socket| {
        socket.ask(request, |datagram| {
            if let Some((_, body)) = messages(datagram).next() {
                answer = body.to_vec();
            }
        })
    });
    done.map_err(|cause| Error::system(action, subject, cause))?;
    Ok(answer)
}

/// The fixed struct of a link message: family, padding, device type, index, flags, which flags to change.
fn link(index: u32, flags: u32, change: u32) -> [u8; 16] {
    let mut fixed = [0; 16];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&flags.to_ne_bytes());
    fixed[12..].copy_from_slice(&change.to_ne_bytes());
    fixed
}

fn named(index: u32) -> String {
    format!("interface {index}")
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netns;

    #[test]
    fn links_addresses_and_routes_are_made_and_refused() {
        let done = netns::run(|_| {
            let tun = crate::tun::Tun::open("one").unwrap();
            let one = tun.index();
            assert_eq!(index("one").unwrap(), one);
            set_mtu(one, 1400).unwrap();
            assert!(!is_up(one).unwrap());
            up(one).unwrap();
            assert!(is_up(one).unwrap());
            assert!(!is_local("10.1.0.1".parse().unwrap()).unwrap());
            add_address(one, "10.1.0.1".parse().unwrap(), 24).unwrap();
            add_address(one, "fd00:1::1".parse().unwrap(), 64).unwrap();
            assert!(is_local("10.1.0.1".parse().unwrap()).unwrap() && is_local("fd00:1::1".parse().unwrap()).unwrap());
            assert!(
                !is_local("10.1.0.2".parse().unwrap()).unwrap() && !is_local("fd00:1::2".parse().unwrap()).unwrap()
            );
            add_route(&Route::through("10.9.0.0".parse().unwrap(), 16, one)).unwrap();
            let via = Some("10.1.0.254".parse().unwrap());
            add_route(&Route { via, ..Route::through("0.0.0.0".parse().unwrap(), 0, one) }).unwrap();
            let via = Some("fd00:1::fe".parse().unwrap());
            add_route(&Route { via, ..Route::through("fd00:9::".parse().unwrap(), 32, one) }).unwrap();
            let local = Route { kind: RouteKind::Local, ..Route::through("10.8.0.0".parse().unwrap(), 24, one) };
            add_route(&local).unwrap();
            let hole =
                Route { kind: RouteKind::Blackhole, dev: None, ..Route::through("10.7.0.0".parse().unwrap(), 24, 0) };
            add_route(&hole).unwrap();
            // Read back where the kernel itself lists them.
            let routes = std::fs::read_to_string("/proc/thread-self/net/route").unwrap();
            assert_eq!(routes.lines().filter(|line| line.starts_with("one\t")).count(), 3, "{routes}");
            let addresses = std::fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap();
            assert!(addresses.contains("fd000001000000000000000000000001"), "{addresses}");
            let trie = std::fs::read_to_string("/proc/thread-self/net/fib_trie").unwrap();
            assert!(trie.contains("10.1.0.1\n") && trie.contains("/24 host LOCAL"), "{trie}");

            let error = add_address(one, "10.1.0.1".parse().unwrap(), 24).unwrap_err().to_string();
            assert_eq!(error, format!("cannot add an address to interface {one}: 10.1.0.1/24: File exists"));
            let error = index("none").unwrap_err().to_string();
            assert_eq!(error, "cannot find interface none: No such device");
            let error = up(4711).unwrap_err().to_string();
            assert_eq!(error, "cannot take up interface 4711: No such device");
            down(one).unwrap();
            let routes = std::fs::read_to_string("/proc/thread-self/net/route").unwrap();
            assert!(!routes.contains("one\t"), "{routes}");
        });
        if let Err(error) = done {
            eprintln!("skipped: {error}");
        }
    }
}
