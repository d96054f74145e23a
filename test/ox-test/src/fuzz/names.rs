//! `Few`: a system that knows a few names, the same everywhere.

use ox_packet::Family;
use ox_rules::syntax::Names;

/// Knows a few names of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Few;

const SERVICES: [(&str, u16); 4] = [("ssh", 22), ("domain", 53), ("http", 80), ("https", 443)];
const PROTOCOLS: [(&str, u8); 4] = [("gre", 47), ("ospf", 89), ("ipip", 4), ("vrrp", 112)];
const USERS: [(&str, u32); 3] = [("root", 0), ("daemon", 1), ("nobody", 65534)];

fn number<N: Copy>(list: &[(&str, N)], name: &str) -> Option<N> {
    list.iter().find(|e| e.0 == name).map(|e| e.1)
}

fn name<N: Copy + PartialEq>(list: &[(&str, N)], number: N) -> Option<String> {
    list.iter().find(|e| e.1 == number).map(|e| e.0.to_owned())
}

impl Names for Few {
    fn port(&self, service: &str, _: Option<&str>) -> Option<u16> {
        number(&SERVICES, service)
    }
    fn service(&self, port: u16, _: Option<&str>) -> Option<String> {
        name(&SERVICES, port)
    }
    fn protocol(&self, name: &str) -> Option<u8> {
        number(&PROTOCOLS, name)
    }
    fn protocol_name(&self, number: u8) -> Option<String> {
        name(&PROTOCOLS, number)
    }
    fn hosts(&self, name: &str, family: Family) -> Result<Vec<u128>, String> {
        match (name, family) {
            ("localhost", Family::V4) => Ok(vec![0x7f00_0001]),
            ("localhost", Family::V6) => Ok(vec![1]),
            ("many", _) => Ok(vec![1, 2, 3]),
            _ => Err("unknown host".to_owned()),
        }
    }
    fn host_name(&self, addr: u128, _: Family) -> Option<String> {
        (addr == 1 || addr == 0x7f00_0001).then(|| "localhost".to_owned())
    }
    fn user(&self, name: &str) -> Option<u32> {
        number(&USERS, name)
    }
    fn group(&self, name: &str) -> Option<u32> {
        number(&USERS, name)
    }
    fn user_name(&self, uid: u32) -> Option<String> {
        name(&USERS, uid)
    }
    fn group_name(&self, gid: u32) -> Option<String> {
        name(&USERS, gid)
    }
}
