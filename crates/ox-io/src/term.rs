//! Whether a person is looking at the output, and how wide their window is.

use std::os::fd::AsFd;

use rustix::termios::{isatty, tcgetwinsize};

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    is_terminal(std::io::stdout())
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    is_terminal(std::io::stderr())
}

/// Whether standard input is a terminal: nobody has piped anything into it.
pub fn stdin_is_terminal() -> bool {
    is_terminal(std::io::stdin())
}

/// Columns of the terminal on standard output; `None` when it is none, or does not know.
pub fn width() -> Option<u16> {
    width_of(std::io::stdout())
}

fn is_terminal(stream: impl AsFd) -> bool {
    isatty(stream)
}

fn width_of(stream: impl AsFd) -> Option<u16> {
    tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|&columns| columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_file_is_no_terminal() {
        let null = File::open("/dev/null").unwrap();
        assert!(!is_terminal(&null));
        assert_eq!(width_of(&null), None);
    }

    #[test]
    fn a_pseudo_terminal_is_one_and_has_a_width() {
        let Ok(master) = File::options().read(true).write(true).open("/dev/ptmx") else {
            eprintln!("skipped: no /dev/ptmx here");
            return;
        };
        assert!(is_terminal(&master));
        assert_eq!(width_of(&master), None, "a new one has no size yet");
        let size = rustix::termios::Winsize { ws_row: 24, ws_col: 97, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size).unwrap();
        assert_eq!(width_of(&master), Some(97));
    }
}
