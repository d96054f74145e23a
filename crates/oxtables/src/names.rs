//! Names of services, protocols, hosts and accounts, asked of the system when one is first needed.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ox_packet::Family;
use ox_rules::syntax::Names;

/// The system's names.
#[derive(Default)]
pub struct System {
    files: OnceCell<ox_io::names::Names>,
}

impl System {
    fn files(&self) -> &ox_io::names::Names {
        self.files.get_or_init(ox_io::names::Names::of_system)
    }
}

impl Names for System {
    fn port(&self, service: &str, proto: Option<&str>) -> Option<u16> {
        self.files().port(service, proto)
    }
    fn service(&self, port: u16, proto: Option<&str>) -> Option<String> {
        self.files().service(port, proto).map(str::to_owned)
    }
    fn protocol(&self, name: &str) -> Option<u8> {
        self.files().protocol_number(name)
    }
    fn protocol_name(&self, number: u8) -> Option<String> {
        self.files().protocol(number).map(str::to_owned)
    }
    fn hosts(&self, name: &str, family: Family) -> Result<Vec<u128>, String> {
        // RFC 1035: the resolver need not be asked about anything longer.
        if name.len() > 253 {
            return Err("a host name has at most 253 letters".to_owned());
        }
        let found = ox_io::names::resolve(name).map_err(|e| e.to_string())?;
        let addrs: Vec<u128> = found
            .into_iter()
            .filter_map(|addr| match (addr, family) {
                (IpAddr::V4(a), Family::V4) => Some(u32::from(a).into()),
                (IpAddr::V6(a), Family::V6) => Some(a.into()),
                (IpAddr::V6(a), Family::V4) => a.to_ipv4_mapped().map(|a| u32::from(a).into()),
                _ => None,
            })
            .collect();
        if addrs.is_empty() { Err("it has no address of this family".to_owned()) } else { Ok(addrs) }
    }
    fn host_name(&self, addr: u128, family: Family) -> Option<String> {
        ox_io::names::host(match family {
            Family::V4 => Ipv4Addr::from(addr as u32).into(),
            Family::V6 => Ipv6Addr::from(addr).into(),
        })
    }
    fn user(&self, name: &str) -> Option<u32> {
        self.files().uid(name)
    }
    fn group(&self, name: &str) -> Option<u32> {
        self.files().gid(name)
    }
    fn user_name(&self, uid: u32) -> Option<String> {
        self.files().user(uid).map(str::to_owned)
    }
    fn group_name(&self, gid: u32) -> Option<String> {
        self.files().group(gid).map(str::to_owned)
    }
}
