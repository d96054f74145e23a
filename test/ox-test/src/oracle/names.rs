//! The names of this system, for our side of a comparison.

use ox_packet::Family;
use ox_rules::syntax::Names;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What `/etc` and the resolver know.
#[derive(Debug)]
pub struct SystemNames(ox_io::names::Names);

impl Default for SystemNames {
    fn default() -> Self {
        Self(ox_io::names::Names::of_system())
    }
}

impl Names for SystemNames {
    fn port(&self, service: &str, proto: Option<&str>) -> Option<u16> {
        self.0.port(service, proto)
    }
    fn service(&self, port: u16, proto: Option<&str>) -> Option<String> {
        self.0.service(port, proto).map(str::to_owned)
    }
    fn protocol(&self, name: &str) -> Option<u8> {
        self.0.protocol_number(name)
    }
    fn protocol_name(&self, number: u8) -> Option<String> {
        self.0.protocol(number).map(str::to_owned)
    }
    fn hosts(&self, name: &str, family: Family) -> Result<Vec<u128>, String> {
        let found = ox_io::names::resolve(name).map_err(|why| why.to_string())?;
        let number = |a: IpAddr| match (a, family) {
            (IpAddr::V4(a), Family::V4) => Some(u32::from(a).into()),
            (IpAddr::V6(a), Family::V6) => Some(a.into()),
            (IpAddr::V6(a), Family::V4) => a.to_ipv4_mapped().map(|a| u32::from(a).into()),
            _ => None,
        };
        let addrs: Vec<u128> = found.into_iter().filter_map(number).collect();
        if addrs.is_empty() { Err("it has no address of this family".to_owned()) } else { Ok(addrs) }
    }
    fn host_name(&self, addr: u128, family: Family) -> Option<String> {
        ox_io::names::host(match family {
            Family::V4 => Ipv4Addr::from(addr as u32).into(),
            Family::V6 => Ipv6Addr::from(addr).into(),
        })
    }
    fn user(&self, name: &str) -> Option<u32> {
        self.0.uid(name)
    }
    fn group(&self, name: &str) -> Option<u32> {
        self.0.gid(name)
    }
    fn user_name(&self, uid: u32) -> Option<String> {
        self.0.user(uid).map(str::to_owned)
    }
    fn group_name(&self, gid: u32) -> Option<String> {
        self.0.group(gid).map(str::to_owned)
    }
}
