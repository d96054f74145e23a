//! A network namespace of one's own, for as long as a closure runs.
//!
//! The namespace belongs to a thread made for it, and everything the closure does from that thread — sockets, devices,
//! commands, further threads — happens inside. When the closure is done the thread ends, and the kernel takes the
//! namespace away with its devices and rules.

use std::marker::PhantomData;
use std::path::PathBuf;

use crate::command::Command;
use crate::{Error, link};

/// The namespace, as seen from the thread it belongs to, which this value cannot leave.
#[derive(Debug)]
pub struct Netns {
    _stays: PhantomData<*const ()>,
}

/// Runs a closure in a fresh network namespace with its loopback interface up. A panic inside goes on outside.
pub fn run<T: Send>(inside: impl FnOnce(&Netns) -> T + Send) -> Result<T, Error> {
    let thread = move || {
        // SAFETY: a network namespace has no effect on memory or open files, and only on this thread.
        let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        if result < 0 {
            return Err(Error::system("make", "a network namespace", std::io::Error::last_os_error()));
        }
        link::up(link::index("lo")?)?;
        Ok(inside(&Netns { _stays: PhantomData }))
    };
    std::thread::scope(|scope| match scope.spawn(thread).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

impl Netns {
    /// Sets a value under `/proc/sys`, such as `net.ipv4.ip_forward`. In an interface's name write `/` for a dot.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), Error> {
        let path = sysctl_path(name);
        std::fs::write(&path, value).map_err(|cause| Error::File { action: "write", path, cause })
    }

    /// The value of a setting under `/proc/sys`.
    pub fn sysctl(&self, name: &str) -> Result<String, Error> {
        let path = sysctl_path(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim_end().to_owned()),
            Err(cause) => Err(Error::File { action: "read", path, cause }),
        }
    }

    /// A command to be run inside. The same as [`Command::new`], which takes the namespace from its thread.
    pub fn command(&self, program: &str) -> Command {
        Command::new(program)
    }
}

/// Dots and slashes change places, as sysctl(8) has it.
fn sysctl_path(name: &str) -> PathBuf {
    let swapped: String = name
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    PathBuf::from("/proc/sys").join(swapped.trim_start_matches('/'))
}

#[cfg(test)]
mod tests;
