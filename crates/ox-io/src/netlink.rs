//! The little of netlink that links, addresses, routes and packet logs need: a request, its answer, attributes.
//!
//! ABI: linux/netlink.h: 16-byte heads in host byte order, attributes of a 4-byte head, everything padded to 4 bytes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Length of a message's head.
const HEAD: usize = 16;
/// A message that only tells an error number, 0 for "done".
pub(crate) const ERROR: u16 = libc::NLMSG_ERROR as u16;
const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const ACK: u16 = libc::NLM_F_ACK as u16;
/// Make something new, and fail if it is there.
pub(crate) const CREATE: u16 = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;

/// A message being written.
pub(crate) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// Begins a message with the fixed struct of its kind.
    pub(crate) fn new(kind: u16, flags: u16, fixed: &[u8]) -> Request {
        let mut bytes = vec![0; HEAD];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST | ACK).to_ne_bytes());
        bytes.extend(fixed);
        Request { bytes }
    }

    /// Adds an attribute; all of ours are short.
    pub(crate) fn attribute(mut self, kind: u16, value: &[u8]) -> Request {
        debug_assert!(value.len() < 4096);
        self.bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes
    }
}

/// A netlink socket of the network namespace it was opened in.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
}

impl Socket {
    /// Opens one; `None` is the routing protocol, whose number is zero.
    pub(crate) fn open(protocol: Option<Protocol>) -> io::Result<Socket> {
        let flags = SocketFlags::CLOEXEC;
        Ok(Socket { fd: rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)? })
    }

    /// Sends a request and waits for the kernel's yes or no. Other messages that arrive meanwhile go to `others`.
    pub(crate) fn ask(&self, request: Request, mut others: impl FnMut(&[u8])) -> io::Result<()> {
        // Unconnected, so it goes to the kernel. The kernel answers before `send` returns.
        rustix::net::send(&self.fd, &request.finish(), SendFlags::empty())?;
        let mut buffer = vec![0; 1 << 17];
        loop {
            let length = self.receive(&mut buffer, RecvFlags::empty())?;
            for (kind, body) in messages(&buffer[..length]) {
                if kind != ERROR {
                    continue;
                }
                return match read_i32(body) {
                    Some(0) => Ok(()),
                    Some(error) => Err(io::Error::from_raw_os_error(error.wrapping_neg())),
                    None => Err(io::Error::from(io::ErrorKind::InvalidData)),
                };
            }
            others(&buffer[..length]);
        }
    }

    /// Receives one datagram.
    pub(crate) fn receive(&self, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&self.fd, &mut *buffer, flags) {
                Ok((_, length)) => return Ok(length.min(buffer.len())),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The messages of a datagram, as kind and body. Ends at the first that is not whole.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = read_i32(bytes)? as u32 as usize;
        let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
        let body = bytes.get(HEAD..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// The attributes of a message's body, after its fixed struct. Ends at the first that is not whole.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// The upper two bits tell that an attribute holds others, or is in network byte order.
    const KIND: u16 = 0x3fff;
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(bytes.get(2..4)?.try_into().ok()?);
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & KIND, value))
    })
}

fn read_i32(bytes: &[u8]) -> Option<i32> {
    Some(i32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = Request::new(7, 0, &[1, 2, 3, 4]).attribute(3, b"abc").attribute(0x8004, &[]).finish();
        let (kind, body) = messages(&bytes).next().unwrap();
        assert_eq!((kind, &body[..4]), (7, &[1, 2, 3, 4][..]));
        assert_eq!(attributes(&body[4..]).collect::<Vec<_>>(), [(3, &b"abc"[..]), (4, &[])]);
        assert_eq!(messages(&bytes).count(), 1);
    }

    #[test]
    fn broken_lengths_end_the_reading() {
        let good = Request::new(7, 0, &[]).attribute(3, b"abcd").finish();
        for cut in 0..good.len() {
            assert_eq!(messages(&good[..cut]).count(), 0);
            attributes(&good[..cut]).for_each(drop);
        }
        for length in 0..20u16 {
            let mut bad = good[HEAD..].to_vec();
            bad[..2].copy_from_slice(&length.to_ne_bytes());
            assert!(attributes(&bad).count() <= 2);
            let mut bad = good.clone();
            bad[..4].copy_from_slice(&u32::from(length).to_ne_bytes());
            assert!(messages(&bad).count() <= 1);
        }
    }
}
