//! Running a command to its end or to a time limit, with everything it said.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::{Error, poll};

/// A command to run, in the network namespace of the thread that runs it.
#[derive(Clone, Debug)]
pub struct Command {
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    clean: bool,
    input: Vec<u8>,
    limit: Duration,
}

/// How a command ended and what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }

    /// Its standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl Command {
    /// A command of a program found by PATH, with no arguments, no input and a limit of 30 seconds.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        let words = vec![program.as_ref().to_owned()];
        Command { words, environment: Vec::new(), clean: false, input: Vec::new(), limit: Duration::from_secs(30) }
    }

    /// Adds an argument.
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Command {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Command {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.environment.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives it no variables but those of [`Command::env`].
    pub fn clean_env(mut self) -> Command {
        self.clean = true;
        self
    }

    /// Gives it something on standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Command {
        self.input = bytes.into();
        self
    }

    /// Kills it when it takes longer.
    pub fn limit(mut self, limit: Duration) -> Command {
        self.limit = limit;
        self
    }

    /// Runs it. Afterwards it is gone, with whatever it started in its process group.
    pub fn run(&self) -> Result<Output, Error> {
        let failed = |cause: io::Error| Error::system("run", self.shown(), cause);
        let mut command = std::process::Command::new(&self.words[0]);
        command.args(&self.words[1..]).process_group(0);
        if self.clean {
            command.env_clear();
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: between fork and exec only this one system call is made, which touches no memory.
        unsafe {
            // When the thread that runs it ends, even by a kill, the command must not stay behind.
            command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            });
        }
        let mut child = Group(command.spawn().map_err(failed)?);
        let mut output = Output::default();
        match self.attend(&mut child.0, &mut output).map_err(failed)? {
            Some(status) => {
                output.status = status.code();
                output.signal = status.signal();
                Ok(output)
            }
            None => Err(Error::TimedOut { command: self.shown(), limit: self.limit }),
        }
    }

    /// Moves input and output until the command ends; `None` when the time is over first.
    fn attend(&self, child: &mut Child, output: &mut Output) -> io::Result<Option<ExitStatus>> {
        let pid = Pid::from_child(child);
        let ended: OwnedFd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let end = Instant::now().checked_add(self.limit);
        let (mut stdin, mut stdout, mut stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut input = &self.input[..];
        let pipes =
            [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
        for pipe in pipes.into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        loop {
            if input.is_empty() {
                stdin = None;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let mut fds = vec![PollFd::new(&ended, PollFlags::IN)];
            fds.extend(stdin.as_ref().map(|fd| PollFd::new(fd, PollFlags::OUT)));
            fds.extend(stdout.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
            fds.extend(stderr.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
            poll::wait(&mut fds, left)?;
            let (gone, silent) = (!fds[0].revents().is_empty(), fds.iter().all(|fd| fd.revents().is_empty()));
            drop(fds);
            if silent && left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            if let Some(pipe) = &mut stdin {
                match pipe.write(input) {
                    Ok(count) => input = &input[count..],
                    Err(error) if later(&error) => {}
                    // It does not want to read on; what it says and how it ends is the answer.
                    Err(_) => input = &[],
                }
            }
            take(&mut stdout, &mut output.stdout);
            take(&mut stderr, &mut output.stderr);
            if gone {
                // Read after its end, so nothing it wrote is missing; what its children may still write is not waited for.
                // Until it is waited for, no other group can have its number.
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
                return child.wait().map(Some);
            }
        }
    }

    fn shown(&self) -> String {
        self.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// Reads what is there now, and forgets the pipe at its end.
fn take(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) {
    let Some(from) = pipe else { return };
    match from.read_to_end(into) {
        Err(error) if later(&error) => {}
        _ => *pipe = None,
    }
}

fn later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// A child that is killed with its process group and waited for, unless that was done.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = rustix::process::kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        Command::new("sh").args(["-c", script])
    }

    #[test]
    fn input_output_status_and_environment() {
        let output = sh("cat; echo \"$A\" >&2; exit 7").env("A", "b").input("text").run().unwrap();
        assert_eq!((output.status, output.out(), output.err()), (Some(7), "text".into(), "b\n".into()));
        assert!(!output.success());
        let output = sh("kill -9 $$").run().unwrap();
        assert_eq!((output.status, output.signal), (None, Some(9)));
        let output = sh("echo ${HOME-none}").clean_env().run().unwrap();
        assert_eq!(output.out(), "none\n");
        let error = Command::new("/nonexistent/program").arg("x").run().unwrap_err();
        assert_eq!(error.to_string(), "cannot run /nonexistent/program x: No such file or directory");
    }

    #[test]
    fn much_input_and_output_do_not_block_each_other() {
        let input: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
        assert_eq!(Command::new("cat").input(input.clone()).run().unwrap().stdout, input);
        // One that reads none of it.
        assert!(Command::new("true").input(input).run().unwrap().success());
    }

    #[test]
    fn the_limit_ends_it_and_its_children() {
        let error = sh("echo $$; sleep 1000 & wait").limit(Duration::from_millis(200)).run().unwrap_err();
        assert_eq!(error.to_string(), "sh -c echo $$; sleep 1000 & wait did not end within 0.2 s");
        // One that leaves a child behind, which holds the pipe, ends all the same, and the child with it.
        let output = sh("sleep 1000 & echo $!").run().unwrap();
        let child: i32 = output.out().trim().parse().unwrap();
        // Killed: it soon waits for somebody to collect it, or is gone.
        let state = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
            stat.rsplit(')').next()?.trim().chars().next().filter(|state| !matches!(state, 'Z' | 'X'))
        };
        let start = Instant::now();
        while state().is_some() {
            assert!(start.elapsed() < Duration::from_secs(10), "still alive");
            std::thread::yield_now();
        }
    }
}
