//! What this process is to the system.

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
