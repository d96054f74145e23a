//! Names of services, protocols, users, groups and hosts, as this system knows them.
//!
//! The four files are read here and not through libc: a static binary has no name-service modules, and rules name what
//! these files name. Line by line they are read as libc's `files` service reads them: the first fitting line wins, and
//! lines that make no sense are passed over. Hosts do go through libc, because only it knows the resolver's set-up.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use crate::Error;

/// One line of `/etc/services`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The official name.
    pub name: String,
    /// The port, in host order.
    pub port: u16,
    /// The protocol's name, such as `tcp`.
    pub protocol: String,
    /// Other names.
    pub aliases: Vec<String>,
}

/// One line of `/etc/protocols`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The official name.
    pub name: String,
    /// The number in the IP header.
    pub number: u8,
    /// Other names.
    pub aliases: Vec<String>,
}

/// One line of `/etc/passwd` or `/etc/group`: a name and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The uid or gid.
    pub id: u32,
}

/// The files' contents, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    services: Vec<Service>,
    protocols: Vec<Protocol>,
    users: Vec<Account>,
    groups: Vec<Account>,
}

impl Names {
    /// Reads the files of this system. One that is not there or cannot be read counts as empty: numbers always work.
    pub fn read() -> Names {
        Names::read_in(Path::new("/etc"))
    }

    /// Reads `services`, `protocols`, `passwd` and `group` of a directory.
    pub fn read_in(directory: &Path) -> Names {
        let text = |name| {
            let bytes = std::fs::read(directory.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Names {
            services: services(&text("services")),
            protocols: protocols(&text("protocols")),
            users: accounts(&text("passwd")),
            groups: accounts(&text("group")),
        }
    }

    /// The port of a service, by name or alias; any protocol when none is given.
    pub fn port(&self, name: &str, protocol: Option<&str>) -> Option<u16> {
        self.services
            .iter()
            .find(|s| fits(&s.protocol, protocol) && (s.name == name || s.aliases.iter().any(|a| a == name)))
            .map(|s| s.port)
    }

    /// The official name of the service on a port; any protocol when none is given.
    pub fn service(&self, port: u16, protocol: Option<&str>) -> Option<&str> {
        self.services.iter().find(|s| s.port == port && fits(&s.protocol, protocol)).map(|s| s.name.as_str())
    }

    /// The number of a protocol, by name or alias.
    pub fn protocol_number(&self, name: &str) -> Option<u8> {
        self.protocols.iter().find(|p| p.name == name || p.aliases.iter().any(|a| a == name)).map(|p| p.number)
    }

    /// The official name of a protocol.
    pub fn protocol(&self, number: u8) -> Option<&str> {
        self.protocols.iter().find(|p| p.number == number).map(|p| p.name.as_str())
    }

    /// The uid of a user.
    pub fn uid(&self, name: &str) -> Option<u32> {
        id(&self.users, name)
    }

    /// The user with a uid.
    pub fn user(&self, uid: u32) -> Option<&str> {
        name(&self.users, uid)
    }

    /// The gid of a group.
    pub fn gid(&self, name: &str) -> Option<u32> {
        id(&self.groups, name)
    }

    /// The group with a gid.
    pub fn group(&self, gid: u32) -> Option<&str> {
        name(&self.groups, gid)
    }
}

fn fits(protocol: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| wanted == protocol)
}

fn id(accounts: &[Account], name: &str) -> Option<u32> {
    accounts.iter().find(|a| a.name == name).map(|a| a.id)
}

fn name(accounts: &[Account], id: u32) -> Option<&str> {
    accounts.iter().find(|a| a.id == id).map(|a| a.name.as_str())
}

/// Reads the text of a services file: `name port/protocol alias… # comment`.
pub fn services(text: &str) -> Vec<Service> {
    lines(text)
        .filter_map(|mut words| {
            let name = words.next()?.to_owned();
            let (port, protocol) = words.next()?.split_once('/')?;
            let (port, protocol) = (port.parse().ok()?, protocol.to_owned());
            Some(Service { name, port, protocol, aliases: words.map(str::to_owned).collect() })
        })
        .collect()
}

/// Reads the text of a protocols file: `name number alias… # comment`.
pub fn protocols(text: &str) -> Vec<Protocol> {
    lines(text)
        .filter_map(|mut words| {
            let name = words.next()?.to_owned();
            let number = words.next()?.parse().ok()?;
            Some(Protocol { name, number, aliases: words.map(str::to_owned).collect() })
        })
        .collect()
}

/// Reads the text of a passwd or group file, `name:password:id:…`.
pub fn accounts(text: &str) -> Vec<Account> {
    text.lines()
        // `+` and `-` lines send libc to other sources; a name is never empty.
        .filter(|line| !line.starts_with(['#', '+', '-', ':']))
        .filter_map(|line| {
            let mut fields = line.split(':');
            Some(Account { name: fields.next()?.trim_start().to_owned(), id: fields.nth(1)?.parse().ok()? })
        })
        .collect()
}

fn lines(text: &str) -> impl Iterator<Item = std::str::SplitAsciiWhitespace<'_>> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().split_ascii_whitespace())
}

/// The addresses of a host, in the resolver's order and each once. May ask the network, and take its time.
pub fn resolve(host: &str) -> Result<Vec<IpAddr>, Error> {
    let found = (host, 0).to_socket_addrs().map_err(|cause| Error::system("resolve", host, cause))?;
    let mut addresses = Vec::new();
    for address in found.map(|a| a.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICES: &str = "\
# a comment
ftp\t\t21/tcp
domain          53/tcp                          # Domain Name Server
domain          53/udp
http            80/tcp          www             # WorldWideWeb HTTP
broken
huge            70000/tcp
no-protocol     7
kerberos        88/tcp          kerberos5 krb5 kerberos-sec
http-alt  80/tcp
";

    #[test]
    fn services_by_name_alias_and_port() {
        let names = Names { services: services(SERVICES), ..Names::default() };
        assert_eq!(names.port("www", Some("tcp")), Some(80));
        assert_eq!(names.port("krb5", None), Some(88));
        assert_eq!(names.port("http", Some("udp")), None);
        assert_eq!(names.port("huge", None), None);
        assert_eq!(names.port("broken", None), None);
        assert_eq!(names.service(53, Some("udp")), Some("domain"));
        assert_eq!(names.service(80, Some("tcp")), Some("http"), "the first line wins");
        assert_eq!(names.service(21, Some("udp")), None);
        assert_eq!(names.services.len(), 6);
    }

    #[test]
    fn protocols_by_name_alias_and_number() {
        let names =
            Names { protocols: protocols("ip 0 IP # x\nicmp 1 ICMP\ntcp\t6\tTCP\nbad 300\n"), ..Names::default() };
        assert_eq!(names.protocol_number("tcp"), Some(6));
        assert_eq!(names.protocol_number("ICMP"), Some(1));
        assert_eq!(names.protocol_number("Tcp"), None, "names are compared exactly");
        assert_eq!(names.protocol(0), Some("ip"));
        assert_eq!(names.protocol(44), None);
    }

    #[test]
    fn accounts_skip_what_makes_no_sense() {
        let text = "root:x:0:0:root:/root:/bin/sh\n+::0:0\n#no:x:5\nshort:x\nnobody:x:65534:65534\nneg:x:-1:\n";
        let names = Names { users: accounts(text), ..Names::default() };
        assert_eq!(names.uid("root"), Some(0));
        assert_eq!(names.user(65534), Some("nobody"));
        assert_eq!(names.uid("short"), None);
        assert_eq!(names.users.len(), 2);
        assert_eq!(names.gid("root"), None);
    }

    #[test]
    fn an_empty_directory_is_no_error() {
        assert_eq!(Names::read_in(Path::new("/nonexistent")), Names::default());
    }

    #[test]
    fn hosts_and_numbers_resolve() {
        assert_eq!(resolve("192.0.2.7").unwrap(), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolve("2001:db8::1").unwrap(), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
        let error = resolve("no-such-host.invalid").unwrap_err().to_string();
        assert!(error.starts_with("cannot resolve no-such-host.invalid: "), "{error}");
    }
}
