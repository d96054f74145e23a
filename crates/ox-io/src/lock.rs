//! The lock that keeps editors of one file apart: a file of its own beside it, locked as a whole.
//!
//! `DIR/rules.v4` is guarded by `DIR/.rules.v4.ox-lock`. It cannot be the ruleset file itself, because that is replaced
//! by every edit: two editors would then hold locks on two different files of one name. The lock file is removed when
//! the lock is given back; whoever waited for the removed file sees that and takes the new one. One left behind by a
//! killed process is empty and harmless: the kernel gave the lock back with the process. Two names of one file in two
//! directories (hard links, bind mounts) have two locks, so editors that use different names are not kept apart.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::Error;

/// How long to wait for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it is free.
    Forever,
    /// At most so long; zero fails at once.
    For(Duration),
}

impl Wait {
    /// Fails at once when the lock is taken.
    pub const NOT: Wait = Wait::For(Duration::ZERO);
}

/// The right to edit one file, until dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    // Closing it gives the lock back; the field exists for its destructor.
    _file: File,
}

impl Lock {
    /// Takes the lock of `target`, which need not exist but whose directory must.
    pub fn take(target: &Path, wait: Wait) -> Result<Lock, Error> {
        let path = beside(target, "ox-lock");
        let failed = |cause: io::Error| Error::File { action: "lock", path: path.clone(), cause };
        let start = Instant::now();
        loop {
            let file = open(&path).map_err(failed)?;
            if !hold(&file, FlockOperation::LockExclusive, start, wait).map_err(failed)? {
                return Err(Error::Locked { path: target.into(), lock: path, waited: start.elapsed() });
            }
            // The holder before us may have removed this file between our open and our lock.
            let mine = file.metadata().map_err(failed)?;
            match std::fs::symlink_metadata(&path) {
                Ok(there) if (there.dev(), there.ino()) == (mine.dev(), mine.ino()) => {
                    return Ok(Lock { path, _file: file });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removing comes before the release, else another holder's file could be removed. If it fails, an empty file stays.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens or creates a lock file. Locking needs no right to write: another user's left-over file still serves.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o644).custom_flags(libc::O_NOFOLLOW);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
            OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)
        }
        other => other,
    }
}

/// Locks an open file; `false` when it stayed taken for the whole wait counted from `start`.
pub(crate) fn hold(file: &File, mode: FlockOperation, start: Instant, wait: Wait) -> io::Result<bool> {
    let (now, blocking) = match mode {
        FlockOperation::LockShared => (FlockOperation::NonBlockingLockShared, FlockOperation::LockShared),
        _ => (FlockOperation::NonBlockingLockExclusive, FlockOperation::LockExclusive),
    };
    // A blocking request cannot be given a limit without a signal, so a limited wait asks again and again.
    let mut pause = Duration::from_micros(200);
    loop {
        let asked = match wait {
            Wait::Forever => flock(file, blocking),
            Wait::For(_) => flock(file, now),
        };
        match (asked, wait) {
            (Ok(()), _) => return Ok(true),
            (Err(Errno::INTR), _) => {}
            (Err(Errno::WOULDBLOCK), Wait::For(limit)) => {
                let Some(left) = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                    return Ok(false);
                };
                std::thread::sleep(pause.min(left));
                pause = (pause * 2).min(Duration::from_millis(10));
            }
            (Err(error), _) => return Err(error.into()),
        }
    }
}

/// The companion of a file: `dir/.name.what`.
pub(crate) fn beside(target: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".");
    name.push(what);
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::tests::Dir;

    #[test]
    fn a_second_taker_is_refused_and_then_served() {
        let dir = Dir::new("lock");
        let target = dir.path("rules");
        let first = Lock::take(&target, Wait::NOT).unwrap();
        assert_eq!(first.path(), dir.path(".rules.ox-lock"));
        let error = Lock::take(&target, Wait::NOT).unwrap_err();
        assert!(error.is_locked());
        assert!(error.to_string().contains(target.to_str().unwrap()), "{error}");
        assert!(Lock::take(&target, Wait::For(Duration::from_millis(20))).unwrap_err().is_locked());
        drop(first);
        drop(Lock::take(&target, Wait::NOT).unwrap());
        assert!(!dir.path(".rules.ox-lock").exists(), "the lock file must not stay");
    }

    #[test]
    fn a_waiter_gets_the_lock_when_it_is_given_back() {
        let dir = Dir::new("lock-wait");
        let target = dir.path("rules");
        let first = Lock::take(&target, Wait::NOT).unwrap();
        std::thread::scope(|scope| {
            let waiters: Vec<_> = [Wait::Forever, Wait::For(Duration::from_secs(30))]
                .into_iter()
                .map(|wait| {
                    scope.spawn({
                        let target = &target;
                        move || Lock::take(target, wait).map(drop)
                    })
                })
                .collect();
            drop(first);
            for waiter in waiters {
                waiter.join().unwrap().unwrap();
            }
        });
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = Lock::take(Path::new("/nonexistent/rules"), Wait::NOT).unwrap_err();
        assert_eq!(error.to_string(), "cannot lock /nonexistent/.rules.ox-lock: No such file or directory");
    }
}
