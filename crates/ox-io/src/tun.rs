//! TUN devices: an interface whose cable ends in this process.
//!
//! Kernel: drivers/net/tun.c
//! ABI: linux/if_tun.h, without the packet-information head: each read and each write is one packet.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::{Error, link, poll};

/// What a device carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// IP packets: a TUN device.
    Ip,
    /// Ethernet frames: a TAP device.
    Ethernet,
}

/// An open device, which disappears with this value.
#[derive(Debug)]
pub struct Tun {
    fd: OwnedFd,
    name: String,
    index: u32,
}

impl Tun {
    /// Makes a TUN device in the calling thread's network namespace. A `%d` in the name becomes the first free number.
    pub fn open(name: &str) -> Result<Tun, Error> {
        Tun::open_as(name, Carries::Ip)
    }

    /// Makes a device that carries IP packets or Ethernet frames.
    pub fn open_as(name: &str, carries: Carries) -> Result<Tun, Error> {
        let failed = |cause: Errno| Error::system("open TUN device", name, cause);
        if name.len() >= libc::IFNAMSIZ || name.contains('\0') {
            return Err(failed(Errno::NAMETOOLONG));
        }
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open("/dev/net/tun", flags, Mode::empty()).map_err(failed)?;
        // SAFETY: `ifreq` is plain old data, for which all zeros is a value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        let kind = match carries {
            Carries::Ip => libc::IFF_TUN,
            Carries::Ethernet => libc::IFF_TAP,
        };
        request.ifr_ifru.ifru_flags = (kind | libc::IFF_NO_PI) as libc::c_short;
        // SAFETY: TUNSETIFF reads and writes one `ifreq`, which lives across the call; the descriptor is open.
        let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF, &mut request) };
        if result < 0 {
            return Err(Error::system("open TUN device", name, std::io::Error::last_os_error()));
        }
        // The kernel ends the name with a zero.
        let name: Vec<u8> = request.ifr_name.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(Tun { fd, index: link::index(&name)?, name })
    }

    /// Keeps the interface when this value is gone, or no longer.
    pub fn set_persistent(&self, keep: bool) -> Result<(), Error> {
        // SAFETY: TUNSETPERSIST takes its argument by value; the descriptor is open.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::TUNSETPERSIST, libc::c_ulong::from(keep)) };
        if result < 0 {
            return Err(Error::system("keep TUN device", self.name.as_str(), std::io::Error::last_os_error()));
        }
        Ok(())
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface's number.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Takes the next packet the kernel has sent out of the interface; `None` when there is none now. One that is longer
    /// than `buffer` is cut.
    pub fn read(&self, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        loop {
            match rustix::io::read(&self.fd, &mut *buffer) {
                Ok(length) => return Ok(Some(length)),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::system("read from", self.name.as_str(), error)),
            }
        }
    }

    /// Lets a packet arrive on the interface, which must be up.
    pub fn write(&self, packet: &[u8]) -> Result<(), Error> {
        loop {
            match rustix::io::write(&self.fd, packet) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::system("write to", self.name.as_str(), error)),
            }
        }
    }

    /// Waits until there is a packet to read; `false` when the time is over.
    pub fn wait(&self, limit: Option<Duration>) -> Result<bool, Error> {
        Ok(poll::readable(&[self.as_fd()], limit)?.contains(&true))
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
