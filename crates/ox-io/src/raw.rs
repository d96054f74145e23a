//! Sending whole IP packets as a process of this host would, so that they pass OUTPUT and POSTROUTING.
//!
//! Kernel: net/ipv4/raw.c (`raw_send_hdrinc`), net/ipv6/raw.c (`rawv6_send_hdrinc`). The kernel fills in an IPv4
//! packet's total length and checksum, and its source and identification where they are zero; an IPv6 packet goes as
//! it is. Neither is ever fragmented: too long is an error.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, ipproto};

use crate::Error;

/// How a packet leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The packet's mark from the start (SO_MARK).
    pub mark: Option<u32>,
    /// The user who sends it, as rules see it; else the one this process runs as.
    pub uid: Option<u32>,
    /// The interface it must leave by (SO_BINDTODEVICE).
    pub device: Option<String>,
    /// The interface that a link-local IPv6 destination is on.
    pub scope: u32,
}

/// A socket for either family, opened when first needed, in the network namespace of the thread that made it.
#[derive(Debug)]
pub struct RawSender {
    v4: OwnedFd,
    v6: Option<OwnedFd>,
    scope: u32,
}

impl RawSender {
    /// Opens the sockets. A kernel without IPv6 can still send IPv4.
    pub fn open(options: &Options) -> Result<RawSender, Error> {
        let v4 = socket(AddressFamily::INET, options)?;
        set(&v4, libc::IPPROTO_IP, libc::IP_HDRINCL, &1i32.to_ne_bytes())?;
        let v6 = match socket(AddressFamily::INET6, options) {
            Err(error) if error.errno() == Some(libc::EAFNOSUPPORT) => None,
            Err(error) => return Err(error),
            Ok(v6) => {
                set(&v6, libc::IPPROTO_IPV6, libc::IPV6_HDRINCL, &1i32.to_ne_bytes())?;
                Some(v6)
            }
        };
        Ok(RawSender { v4, v6, scope: options.scope })
    }

    /// Sends a packet to the destination in its header. A packet that a rule drops is an error (EPERM) here.
    pub fn send(&self, packet: &[u8]) -> Result<(), Error> {
        let (to, sent) = match packet.first().map(|byte| byte >> 4) {
            Some(4) if packet.len() >= 20 => {
                let to = Ipv4Addr::new(packet[16], packet[17], packet[18], packet[19]);
                let sent = rustix::net::sendto(&self.v4, packet, SendFlags::empty(), &SocketAddrV4::new(to, 0));
                (to.to_string(), sent)
            }
            Some(6) if packet.len() >= 40 => {
                let mut to = [0; 16];
                to.copy_from_slice(&packet[24..40]);
                let to = Ipv6Addr::from(to);
                let address = SocketAddrV6::new(to, 0, 0, self.scope);
                let sent = match &self.v6 {
                    Some(v6) => rustix::net::sendto(v6, packet, SendFlags::empty(), &address),
                    None => Err(rustix::io::Errno::AFNOSUPPORT),
                };
                (to.to_string(), sent)
            }
            _ => ("nowhere: it has no whole IP header".to_owned(), Err(rustix::io::Errno::INVAL)),
        };
        sent.map(drop).map_err(|error| Error::system("send a packet to", to, error))
    }
}

fn socket(family: AddressFamily, options: &Options) -> Result<OwnedFd, Error> {
    let open = || rustix::net::socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, Some(ipproto::RAW));
    let fd = as_user(options.uid, open).map_err(|error| Error::system("open", "a raw socket", error))?;
    if let Some(mark) = options.mark {
        set(&fd, libc::SOL_SOCKET, libc::SO_MARK, &mark.to_ne_bytes())?;
    }
    if let Some(device) = &options.device {
        set(&fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, device.as_bytes())?;
    }
    Ok(fd)
}

/// Does something as a user, in this thread alone. Who opened a socket's file is who sends its packets.
///
/// Kernel: net/netfilter/xt_owner.c (the `fsuid` of the file's credentials)
fn as_user<T>(uid: Option<u32>, what: impl FnOnce() -> T) -> T {
    let Some(uid) = uid else { return what() };
    // SAFETY: the call takes and returns numbers, and only changes who this thread is to file systems.
    let before = unsafe { libc::setfsuid(uid) };
    let done = what();
    // SAFETY: as above.
    unsafe { libc::setfsuid(before as libc::uid_t) };
    done
}

fn set(fd: &OwnedFd, level: libc::c_int, option: libc::c_int, value: &[u8]) -> Result<(), Error> {
    // SAFETY: the kernel reads `value.len()` bytes from a pointer that is valid for as many; the descriptor is open.
    let result = unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, option, value.as_ptr().cast(), value.len() as libc::socklen_t)
    };
    if result < 0 {
        return Err(Error::system("set an option of", "a raw socket", io::Error::last_os_error()));
    }
    Ok(())
}
