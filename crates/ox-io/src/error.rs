//! What can go wrong at the border to the system, each with the thing it went wrong on.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

/// A failed request to the system. The text names the file or device and the system's own words for the reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request on a file failed.
    #[error("cannot {action} {}: {}", path.display(), Reason(cause))]
    File {
        /// What was tried: "read", "replace", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// Another process held the lock of a file for longer than the caller would wait.
    #[error("{} is being edited by another process (lock {}, waited {} s)", path.display(), lock.display(), waited.as_secs())]
    Locked {
        /// The file to be edited.
        path: PathBuf,
        /// Its lock file.
        lock: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The thing to edit is not an ordinary file.
    #[error("cannot edit {}: {reason}", path.display())]
    NotEditable {
        /// What was named.
        path: PathBuf,
        /// Why it cannot be edited.
        reason: &'static str,
    },
    /// A capture breaks its format.
    #[error("{name}: packet {packet}, offset {offset}: {problem}")]
    Capture {
        /// The capture's file name.
        name: String,
        /// The packet's number, from 1; 0 is the file's header.
        packet: u64,
        /// Where in the file its record begins, in bytes.
        offset: u64,
        /// What is wrong.
        problem: String,
        /// Whether the file merely ends too early: a capture that was stopped hard, all of whose packets were read.
        cut_off: bool,
    },
    /// A request on a device, socket or namespace failed.
    #[error("cannot {action} {subject}: {}", Reason(cause))]
    System {
        /// What was tried.
        action: &'static str,
        /// On what.
        subject: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// The kernel's answer does not have the form it must have.
    #[error("{subject}: {problem}")]
    Answer {
        /// Whose answer.
        subject: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A command did not end in time, and was killed.
    #[error("{command} did not end within {} s", limit.as_secs_f64())]
    TimedOut {
        /// The command as it was started.
        command: String,
        /// The time it had.
        limit: Duration,
    },
}

impl Error {
    /// The system's error number, where there is one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Error::File { cause, .. } | Error::System { cause, .. } => cause.raw_os_error(),
            _ => None,
        }
    }

    /// Whether waiting longer for a lock could have helped.
    pub fn is_locked(&self) -> bool {
        matches!(self, Error::Locked { .. })
    }

    pub(crate) fn system(action: &'static str, subject: impl Into<String>, cause: impl Into<io::Error>) -> Self {
        Error::System { action, subject: subject.into(), cause: cause.into() }
    }
}

/// The system's words without the "(os error N)" that Rust adds.
struct Reason<'a>(&'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split(" (os error ").next().unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_path_and_the_reason() {
        let error = Error::File {
            action: "read",
            path: "/etc/rules.v4".into(),
            cause: io::Error::from_raw_os_error(libc::EACCES),
        };
        assert_eq!(error.to_string(), "cannot read /etc/rules.v4: Permission denied");
        assert_eq!(error.errno(), Some(libc::EACCES));
    }
}
