//! `Names`: services, protocols, hosts, users, asked of whoever knows.

use ox_packet::Family;

/// Turns names into numbers and back. The binary answers from the system's files; tests answer from nothing.
pub trait Names {
    /// Port of a service (`/etc/services`); `proto` is the protocol's name if the rule has one.
    fn port(&self, service: &str, proto: Option<&str>) -> Option<u16>;
    /// Service of a port.
    fn service(&self, port: u16, proto: Option<&str>) -> Option<String>;
    /// Number of a protocol beyond those everybody knows (`/etc/protocols`).
    fn protocol(&self, name: &str) -> Option<u8>;
    /// Name of a protocol number from `/etc/protocols`.
    fn protocol_name(&self, number: u8) -> Option<String>;
    /// Addresses of a host name.
    ///
    /// # Errors
    /// The resolver's own words.
    fn hosts(&self, name: &str, family: Family) -> Result<Vec<u128>, String>;
    /// Name of an address, for listings without `-n`.
    fn host_name(&self, addr: u128, family: Family) -> Option<String>;
    /// Number of a user.
    fn user(&self, name: &str) -> Option<u32>;
    /// Number of a group.
    fn group(&self, name: &str) -> Option<u32>;
    /// Name of a user.
    fn user_name(&self, uid: u32) -> Option<String>;
    /// Name of a group.
    fn group_name(&self, gid: u32) -> Option<String>;
}

/// Knows no names at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn port(&self, _: &str, _: Option<&str>) -> Option<u16> {
        None
    }
    fn service(&self, _: u16, _: Option<&str>) -> Option<String> {
        None
    }
    fn protocol(&self, _: &str) -> Option<u8> {
        None
    }
    fn protocol_name(&self, _: u8) -> Option<String> {
        None
    }
    fn hosts(&self, name: &str, _: Family) -> Result<Vec<u128>, String> {
        Err(format!("host `{name}' cannot be looked up here"))
    }
    fn host_name(&self, _: u128, _: Family) -> Option<String> {
        None
    }
    fn user(&self, _: &str) -> Option<u32> {
        None
    }
    fn group(&self, _: &str) -> Option<u32> {
        None
    }
    fn user_name(&self, _: u32) -> Option<String> {
        None
    }
    fn group_name(&self, _: u32) -> Option<String> {
        None
    }
}

/// Protocols with a name of their own in iptables itself, whatever `/etc/protocols` says.
///
/// Facts from libxtables' `xtables_chain_protos`, checked with `iptables -S`.
pub(crate) const PROTOCOLS: &[(&str, u8)] = &[
    ("tcp", 6),
    ("sctp", 132),
    ("udp", 17),
    ("udplite", 136),
    ("icmp", 1),
    ("icmpv6", 58),
    ("ipv6-icmp", 58),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-mh", 135),
    ("mh", 135),
    ("dccp", 33),
    ("all", 0),
];

/// The number of a protocol given by name or number.
pub(crate) fn read_protocol(text: &str, names: &dyn Names) -> Option<u8> {
    // Most protocols are names, and those begin with a letter.
    if text.as_bytes().first().is_some_and(|b| !b.is_ascii_alphabetic())
        && let Some(n) = super::number(text, 255)
    {
        return Some(n as u8);
    }
    let known = || PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    // Nearly all are written as we print them.
    let known = PROTOCOLS.iter().find(|(name, _)| *name == text).or_else(known).map(|&(_, n)| n);
    known.or_else(|| names.protocol(&text.to_ascii_lowercase()))
}

/// The short name under which iptables prints a protocol, if it has one.
pub(crate) fn protocol_name(number: u8) -> Option<&'static str> {
    // The first of two names wins; printing `ipv6-icmp` for 58 is the exception that stock makes.
    match number {
        58 => Some("ipv6-icmp"),
        135 => Some("ipv6-mh"),
        0 => Some("all"),
        n => PROTOCOLS.iter().find(|&&(_, p)| p == n).map(|&(name, _)| name),
    }
}
