//! The tables of ip_tables and ip6_tables, and the numbers of ipsets, over the socket options that both have.
//!
//! Kernel: net/ipv4/netfilter/ip_tables.c `do_ipt_get_ctl`, net/ipv6/netfilter/ip6_tables.c, net/netfilter/ipset/ip_set_core.c
//! `ip_set_sockfn_get`; ABI: uapi/linux/netfilter_ipv4/ip_tables.h (`struct ipt_getinfo`, `struct ipt_get_entries`),
//! uapi/linux/netfilter/ipset/ip_set.h (`struct ip_set_req_get_set`).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use ox_packet::Family;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto};

use crate::Error;

const GET_INFO: libc::c_int = 64;
const GET_ENTRIES: libc::c_int = 65;
const SO_IP_SET: libc::c_int = 83;
const SET_VERSION: u32 = 0x100;
const SET_BY_NAME: u32 = 6;
const SET_BY_INDEX: u32 = 7;

/// A table as the kernel gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Bit for each hook that has a chain.
    pub hooks: u32,
    /// Offset of the first entry of each hook's chain.
    pub begins: [u32; 5],
    /// Offset of the entry that is each hook's policy.
    pub policies: [u32; 5],
    /// Its entries.
    pub entries: Vec<u8>,
}

/// A socket that is only there to ask, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Asker {
    fd: OwnedFd,
    family: Family,
}

impl Asker {
    /// Opens it, which takes CAP_NET_RAW.
    pub fn open(family: Family) -> Result<Self, Error> {
        let domain = if family == Family::V4 { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = rustix::net::socket_with(domain, SocketType::RAW, SocketFlags::CLOEXEC, Some(ipproto::RAW))
            .map_err(|cause| Error::system("open", "a raw socket", cause))?;
        Ok(Self { fd, family })
    }

    /// Reads a table; it takes CAP_NET_ADMIN. A table that nobody ever used is made by asking.
    pub fn table(&self, name: &str) -> Result<Table, Error> {
        let mut info = [0; 84];
        put_name(&mut info, name);
        self.get(GET_INFO, &mut info).map_err(|cause| failed("ask about", name, cause))?;
        let word = |at: usize| u32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
        let five = |at: usize| std::array::from_fn(|i| word(at + 4 * i));
        // The entries begin where eight bytes align.
        let mut all = vec![0; 40 + word(80) as usize];
        put_name(&mut all, name);
        all[32..36].copy_from_slice(&word(80).to_ne_bytes());
        self.get(GET_ENTRIES, &mut all).map_err(|cause| failed("read", name, cause))?;
        Ok(Table { hooks: word(32), begins: five(36), policies: five(56), entries: all.split_off(40) })
    }

    /// The number of an ipset; `None`: there is none of this name. Sets of both families are known to IPv4's socket alone,
    /// [`Asker::set_name`] too.
    pub fn set_number(&self, name: &str) -> Result<Option<u16>, Error> {
        let mut request = self.set_request(SET_BY_NAME)?;
        put_name(&mut request[8..], name);
        self.get(SO_IP_SET, &mut request).map_err(|cause| failed("look up the set", name, cause))?;
        let number = u16::from_ne_bytes([request[8], request[9]]);
        Ok((number != u16::MAX).then_some(number))
    }

    /// The name of an ipset; `None`: there is none of this number.
    pub fn set_name(&self, number: u16) -> Result<Option<String>, Error> {
        let mut request = self.set_request(SET_BY_INDEX)?;
        request[8..10].copy_from_slice(&number.to_ne_bytes());
        self.get(SO_IP_SET, &mut request).map_err(|cause| failed("look up the set", &number.to_string(), cause))?;
        let name: Vec<u8> = request[8..].iter().copied().take_while(|&b| b != 0).collect();
        Ok(Some(String::from_utf8_lossy(&name).into_owned()).filter(|n| !n.is_empty()))
    }

    /// A request of ipset's, with the version of the kernel's protocol in it.
    fn set_request(&self, op: u32) -> Result<[u8; 40], Error> {
        let mut version = [0; 8];
        version[..4].copy_from_slice(&SET_VERSION.to_ne_bytes());
        self.get(SO_IP_SET, &mut version).map_err(|cause| failed("ask for", "ipset's version", cause))?;
        let mut request = [0; 40];
        request[..4].copy_from_slice(&op.to_ne_bytes());
        request[4..8].copy_from_slice(&version[4..8]);
        Ok(request)
    }

    fn get(&self, option: libc::c_int, value: &mut [u8]) -> io::Result<()> {
        let level =
            if option == SO_IP_SET || self.family == Family::V4 { libc::IPPROTO_IP } else { libc::IPPROTO_IPV6 };
        let mut len = value.len() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes to a pointer that is valid for as many, and the length to a
        // variable of ours; the descriptor is open.
        let result =
            unsafe { libc::getsockopt(self.fd.as_raw_fd(), level, option, value.as_mut_ptr().cast(), &mut len) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// A name of up to 31 bytes at the beginning of a request; what is longer is cut, and the kernel will not know it.
fn put_name(request: &mut [u8], name: &str) {
    let len = name.len().min(31);
    request[..len].copy_from_slice(&name.as_bytes()[..len]);
}

fn failed(action: &'static str, subject: &str, cause: io::Error) -> Error {
    Error::system(action, subject, cause)
}
