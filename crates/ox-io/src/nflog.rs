//! Packets that an NFLOG rule hands to user space, with what the kernel knew about them.
//!
//! Kernel: net/netfilter/nfnetlink_log.c
//! ABI: linux/netfilter/nfnetlink_log.h; numbers inside attributes are in network byte order.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::{RecvFlags, netlink};

use crate::netlink::{Request, Socket, attributes, messages};
use crate::{Error, poll};

const SUBSYSTEM: u16 = libc::NFNL_SUBSYS_ULOG as u16;
const PACKET: u16 = (SUBSYSTEM << 8) | libc::NFULNL_MSG_PACKET as u16;
const CONFIG: u16 = (SUBSYSTEM << 8) | libc::NFULNL_MSG_CONFIG as u16;
/// Of configuration messages.
const CMD: u16 = 1;
const MODE: u16 = 2;
const BUFFER: u16 = 3;
const THRESHOLD: u16 = 5;
/// Of packet messages.
const HEADER: u16 = 1;
const MARK: u16 = 2;
const INDEV: u16 = 4;
const OUTDEV: u16 = 5;
const PAYLOAD: u16 = 9;
const PREFIX: u16 = 10;
const UID: u16 = 11;
const GID: u16 = 14;

/// A logged packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// AF_INET or AF_INET6, as a number.
    pub family: u8,
    /// Where it was: 0 PREROUTING, 1 INPUT, 2 FORWARD, 3 OUTPUT, 4 POSTROUTING.
    pub hook: u8,
    /// The rule's `--nflog-prefix`.
    pub prefix: String,
    /// The packet's mark.
    pub mark: u32,
    /// The number of the interface it came in by, 0 for none.
    pub indev: u32,
    /// The number of the interface it is to leave by, 0 for none.
    pub outdev: u32,
    /// The user whose socket sent it.
    pub uid: Option<u32>,
    /// That user's group.
    pub gid: Option<u32>,
    /// The packet from its IP header on, as much of it as the rule's `--nflog-size` lets through.
    pub bytes: Vec<u8>,
}

/// A subscription to one NFLOG group of the network namespace it was made in.
#[derive(Debug)]
pub struct Nflog {
    socket: Socket,
    group: u16,
    buffer: Vec<u8>,
    waiting: std::collections::VecDeque<Logged>,
}

impl Nflog {
    /// Subscribes to a group. One group has one reader: a second is refused (EPERM).
    pub fn bind(group: u16) -> Result<Nflog, Error> {
        let failed = |cause: io::Error| Error::system("listen to", format!("NFLOG group {group}"), cause);
        let socket = Socket::open(Some(netlink::NETFILTER)).map_err(failed)?;
        // Beyond the system's limit only root gets; without it, bursts are lost sooner.
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 8 << 20).is_err() {
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 8 << 20);
        }
        let mut log = Nflog { socket, group, buffer: vec![0; 1 << 17], waiting: Default::default() };
        // Whole packets: range, then mode and padding.
        let mode = [0, 0, 0xff, 0xff, libc::NFULNL_COPY_PACKET as u8, 0];
        log.configure(CMD, &[libc::NFULNL_CFG_CMD_BIND as u8]).map_err(failed)?;
        log.configure(MODE, &mode).map_err(failed)?;
        log.configure(BUFFER, &(1u32 << 17).to_be_bytes()).map_err(failed)?;
        // Each packet at once: the kernel would otherwise gather them for up to a second.
        log.configure(THRESHOLD, &1u32.to_be_bytes()).map_err(failed)?;
        Ok(log)
    }

    fn configure(&mut self, kind: u16, value: &[u8]) -> io::Result<()> {
        let [high, low] = self.group.to_be_bytes();
        let request = Request::new(CONFIG, 0, &[libc::AF_UNSPEC as u8, 0, high, low]).attribute(kind, value);
        let Nflog { socket, waiting, .. } = self;
        // Packets may come as soon as the group is bound.
        socket.ask(request, |datagram| waiting.extend(logged(datagram)))
    }

    /// The next packet; `None` when there is none now. That packets were lost because nobody read them for too long is
    /// the error ENOBUFS, once.
    pub fn read(&mut self) -> Result<Option<Logged>, Error> {
        loop {
            if let Some(packet) = self.waiting.pop_front() {
                return Ok(Some(packet));
            }
            match self.socket.receive(&mut self.buffer, RecvFlags::DONTWAIT) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(cause) => return Err(Error::system("read", format!("NFLOG group {}", self.group), cause)),
                Ok(length) => self.waiting.extend(logged(&self.buffer[..length])),
            }
        }
    }

    /// Waits until there is a packet to read; `false` when the time is over.
    pub fn wait(&self, limit: Option<Duration>) -> Result<bool, Error> {
        Ok(!self.waiting.is_empty() || poll::readable(&[self.as_fd()], limit)?.contains(&true))
    }
}

impl AsFd for Nflog {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The packets of a datagram.
fn logged(datagram: &[u8]) -> impl Iterator<Item = Logged> {
    messages(datagram).filter(|(kind, _)| *kind == PACKET).filter_map(|(_, body)| {
        let mut packet = Logged { family: *body.first()?, ..Logged::default() };
        let number = |value: &[u8]| value.try_into().map(u32::from_be_bytes).ok();
        for (kind, value) in attributes(body.get(4..)?) {
            match kind {
                HEADER => packet.hook = *value.get(2)?,
                MARK => packet.mark = number(value)?,
                INDEV => packet.indev = number(value)?,
                OUTDEV => packet.outdev = number(value)?,
                UID => packet.uid = number(value),
                GID => packet.gid = number(value),
                PAYLOAD => packet.bytes = value.to_vec(),
                PREFIX => {
                    let text = value.strip_suffix(&[0]).unwrap_or(value);
                    packet.prefix = String::from_utf8_lossy(text).into_owned();
                }
                _ => {}
            }
        }
        Some(packet)
    })
}
