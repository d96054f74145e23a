//! Names of services, protocols, users, groups and hosts, as this system knows them.
//!
//! The four files are read here and not through libc: a static binary has no name-service modules, and rules name what
//! these files name. Line by line they are read as libc's `files` service reads them: the first fitting line wins, and
//! lines that make no sense are passed over. Hosts do go through libc, because only it knows the resolver's set-up.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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

/// The four files of a directory, each read when it is first asked for.
#[derive(Debug, Default)]
pub struct Names {
    directory: PathBuf,
    services: OnceLock<Vec<Service>>,
    protocols: OnceLock<Vec<Protocol>>,
    users: OnceLock<Vec<Account>>,
    groups: OnceLock<Vec<Account>>,
}

impl Names {
    /// The names of this system. A file that is not there or cannot be read counts as empty: numbers always work.
    pub fn of_system() -> Names {
        Names::of(Path::new("/etc"))
    }

    /// The names in `services`, `protocols`, `passwd` and `group` of a directory.
    pub fn of(directory: &Path) -> Names {
        Names { directory: directory.into(), ..Names::default() }
    }

    fn services(&self) -> &[Service] {
        self.services.get_or_init(|| services(&self.text("services")))
    }

    fn protocols(&self) -> &[Protocol] {
        self.protocols.get_or_init(|| protocols(&self.text("protocols")))
    }

    fn users(&self) -> &[Account] {
        self.users.get_or_init(|| accounts(&self.text("passwd")))
    }

    fn groups(&self) -> &[Account] {
        self.groups.get_or_init(|| accounts(&self.text("group")))
    }

    fn text(&self, name: &str) -> String {
        let bytes = std::fs::read(self.directory.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The port of a service, by name or alias; any protocol when none is given.
    pub fn port(&self, name: &str, protocol: Option<&str>) -> Option<u16> {
        self.services()
            .iter()
            .find(|s| fits(&s.protocol, protocol) && (s.name == name || s.aliases.iter().any(|a| a == name)))
            .map(|s| s.port)
    }

    /// The official name of the service on a port; any protocol when none is given.
    pub fn service(&self, port: u16, protocol: Option<&str>) -> Option<&str> {
        self.services().iter().find(|s| s.port == port && fits(&s.protocol, protocol)).map(|s| s.name.as_str())
    }

    /// The number of a protocol, by name or alias.
    pub fn protocol_number(&self, name: &str) -> Option<u8> {
        self.protocols().iter().find(|p| p.name == name || p.aliases.iter().any(|a| a == name)).map(|p| p.number)
    }

    /// The official name of a protocol.
    pub fn protocol(&self, number: u8) -> Option<&str> {
        self.protocols().iter().find(|p| p.number == number).map(|p| p.name.as_str())
    }

    /// The uid of a user.
    pub fn uid(&self, name: &str) -> Option<u32> {
        id(self.users(), name)
    }

    /// The user with a uid.
    pub fn user(&self, uid: u32) -> Option<&str> {
        name(self.users(), uid)
    }

    /// The gid of a group.
    pub fn gid(&self, name: &str) -> Option<u32> {
        id(self.groups(), name)
    }

    /// The group with a gid.
    pub fn group(&self, gid: u32) -> Option<&str> {
        name(self.groups(), gid)
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

/// The name of a host by its address, if it has one. May ask the network, and take its time.
pub fn host(address: IpAddr) -> Option<String> {
    let mut name = [0u8; libc::NI_MAXHOST as usize];
    // SAFETY: both structs are plain old data, for which all zeros is a value. Each call is given the true size of its
    // struct and of the buffer, all of which live across it, and ends what it writes with a zero.
    let result = unsafe {
        let (host, size) = (name.as_mut_ptr().cast(), name.len() as libc::socklen_t);
        let flags = libc::NI_NAMEREQD;
        match address {
            IpAddr::V4(address) => {
                let mut from: libc::sockaddr_in = std::mem::zeroed();
                from.sin_family = libc::AF_INET as libc::sa_family_t;
                from.sin_addr.s_addr = u32::from_ne_bytes(address.octets());
                let length = size_of_val(&from) as libc::socklen_t;
                libc::getnameinfo((&raw const from).cast(), length, host, size, std::ptr::null_mut(), 0, flags)
            }
            IpAddr::V6(address) => {
                let mut from: libc::sockaddr_in6 = std::mem::zeroed();
                from.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                from.sin6_addr.s6_addr = address.octets();
                let length = size_of_val(&from) as libc::socklen_t;
                libc::getnameinfo((&raw const from).cast(), length, host, size, std::ptr::null_mut(), 0, flags)
            }
        }
    };
    let name = std::ffi::CStr::from_bytes_until_nul(&name).ok()?;
    (result == 0).then(|| name.to_string_lossy().into_owned())
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
        let names = Names { services: services(SERVICES).into(), ..Names::default() };
        assert_eq!(names.port("www", Some("tcp")), Some(80));
        assert_eq!(names.port("krb5", None), Some(88));
        assert_eq!(names.port("http", Some("udp")), None);
        assert_eq!(names.port("huge", None), None);
        assert_eq!(names.port("broken", None), None);
        assert_eq!(names.service(53, Some("udp")), Some("domain"));
        assert_eq!(names.service(80, Some("tcp")), Some("http"), "the first line wins");
        assert_eq!(names.service(21, Some("udp")), None);
        assert_eq!(names.services().len(), 6);
    }

    #[test]
    fn protocols_by_name_alias_and_number() {
        let names = Names {
            protocols: protocols("ip 0 IP # x\nicmp 1 ICMP\ntcp\t6\tTCP\nbad 300\n").into(),
            ..Names::default()
        };
        assert_eq!(names.protocol_number("tcp"), Some(6));
        assert_eq!(names.protocol_number("ICMP"), Some(1));
        assert_eq!(names.protocol_number("Tcp"), None, "names are compared exactly");
        assert_eq!(names.protocol(0), Some("ip"));
        assert_eq!(names.protocol(44), None);
    }

    #[test]
    fn accounts_skip_what_makes_no_sense() {
        let text = "root:x:0:0:root:/root:/bin/sh\n+::0:0\n#no:x:5\nshort:x\nnobody:x:65534:65534\nneg:x:-1:\n";
        let names = Names { users: accounts(text).into(), ..Names::default() };
        assert_eq!(names.uid("root"), Some(0));
        assert_eq!(names.user(65534), Some("nobody"));
        assert_eq!(names.uid("short"), None);
        assert_eq!(names.users().len(), 2);
        assert_eq!(names.gid("root"), None);
    }

    #[test]
    fn a_directory_without_the_files_has_no_names() {
        let names = Names::of(Path::new("/nonexistent"));
        assert_eq!(
            (names.port("http", None), names.protocol(6), names.uid("root"), names.group(0)),
            (None, None, None, None)
        );
    }

    #[test]
    fn the_system_knows_root() {
        let names = Names::of_system();
        if Path::new("/etc/passwd").exists() {
            assert_eq!((names.uid("root"), names.user(0)), (Some(0), Some("root")));
        } else {
            eprintln!("skipped: no /etc/passwd here");
        }
    }

    #[test]
    fn hosts_and_numbers_resolve() {
        assert_eq!(resolve("192.0.2.7").unwrap(), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolve("2001:db8::1").unwrap(), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
        let error = resolve("no-such-host.invalid").unwrap_err().to_string();
        assert!(error.starts_with("cannot resolve no-such-host.invalid: "), "{error}");
    }

    #[test]
    fn this_host_has_a_name_and_a_documentation_address_has_none() {
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        if !hosts.lines().any(|line| line.starts_with("127.0.0.1") && line.contains("localhost")) {
            eprintln!("skipped: /etc/hosts does not name 127.0.0.1");
            return;
        }
        assert_eq!(host("127.0.0.1".parse().unwrap()).as_deref(), Some("localhost"));
        assert!(resolve("localhost").unwrap().contains(&"127.0.0.1".parse().unwrap()));
    }
}
