//! Waiting for one of several devices and sockets to have something to read.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::Error;

/// Waits until at least one can be read or has failed, and tells for each whether it can; none when the time is over.
pub fn readable(all: &[BorrowedFd<'_>], limit: Option<Duration>) -> Result<Vec<bool>, Error> {
    let mut fds: Vec<_> = all.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    wait(&mut fds, limit).map_err(|cause| Error::system("wait for", "devices", cause))?;
    Ok(fds.iter().map(|fd| !fd.revents().is_empty()).collect())
}

/// Polls; an interruption by a signal does not count.
pub(crate) fn wait(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<()> {
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.map(|left| Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() });
        match rustix::event::poll(fds, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}
