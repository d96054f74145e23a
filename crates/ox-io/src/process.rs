//! What this process is to the system, and what a child of it took.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// Whether the system trusts this process more than its caller (set-user-id and the like), so that the environment,
/// which the caller made, must not be believed.
pub fn is_privileged_by_file() -> bool {
    // SAFETY: `getauxval` only reads a table that the kernel gave the process at its start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether this process acts as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What a process used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// CPU time of it and its own children, user and system together.
    pub cpu: Duration,
    /// Bytes of memory that were resident at once, at most.
    pub peak: u64,
}

/// Waits for a child and says what it used.
pub fn wait(child: Child) -> io::Result<(ExitStatus, Used)> {
    let pid = child.id() as libc::pid_t;
    let mut status = 0;
    // SAFETY: an rusage is plain numbers, for which all bits zero are valid.
    let mut used = unsafe { std::mem::zeroed::<libc::rusage>() };
    loop {
        // SAFETY: both pointers are to values that outlive the call. The child is owned here and not waited for by others.
        if unsafe { libc::wait4(pid, &mut status, 0, &mut used) } == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let time = |t: libc::timeval| Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64);
    let cpu = time(used.ru_utime) + time(used.ru_stime);
    Ok((ExitStatus::from_raw(status), Used { cpu, peak: used.ru_maxrss as u64 * 1024 }))
}

/// Lets a write to a pipe that nobody reads any more end this process in silence, as other programs do; Rust's own way
/// is an error at every write. To be called first thing by a program that prints, never by a library's user that
/// feeds a [`Command`](crate::command::Command).
pub fn end_on_broken_pipe() {
    // SAFETY: SIG_DFL is a valid disposition of SIGPIPE, and no handler's code is involved.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn a_child_is_waited_for_with_what_it_took() {
        let child = std::process::Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
        let (status, used) = wait(child).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(used.cpu > Duration::ZERO);
        assert!((1 << 12..1 << 30).contains(&used.peak), "{}", used.peak);
    }

    #[test]
    fn a_test_is_nothing_special() {
        assert!(!is_privileged_by_file());
        let id = Command::new("id").arg("-u").run().unwrap().out();
        assert_eq!(is_root(), id.trim() == "0");
    }

    #[test]
    fn a_broken_pipe_ends_a_program() {
        const CHILD: &str = "OX_IO_TEST_PIPE";
        if std::env::var_os(CHILD).is_some() {
            end_on_broken_pipe();
            while rustix::io::write(rustix::stdio::stdout(), b"y\n").is_ok() {}
            std::process::exit(3);
        }
        let exe = std::env::current_exe().unwrap();
        let script =
            "{ \"$0\" --exact process::tests::a_broken_pipe_ends_a_program --nocapture; echo $? >&2; } | head -c 1";
        let command = Command::new("sh").args(["-c", script]).arg(exe).env(CHILD, "1");
        let said = command.run().unwrap().err();
        // 128 + SIGPIPE: how a shell reports it.
        assert_eq!(said.trim(), "141");
    }
}
