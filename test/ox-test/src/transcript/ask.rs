//! Running a session: the stock programs in the namespace of the calling thread, ours on a file.

use super::Step;
use super::said::Said;
use crate::oracle::Program;
use ox_io::command::Command;
use std::path::{Path, PathBuf};

/// A directory for what a session needs: our ruleset file, a lock, texts that are given by name.
#[derive(Debug)]
pub struct Room {
    dir: PathBuf,
    ours: PathBuf,
}

/// A word in an argument that stands for the step's input, given as a file.
pub const FILE: &str = "@FILE";

impl Room {
    /// Makes one. `ours` is our program.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn new(ours: &Path, name: &str) -> Result<Self, String> {
        let dir = std::env::temp_dir().join(format!("oxtables-{}-{name}", std::process::id()));
        let made = std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()));
        made.map(|()| Self { dir, ours: ours.to_owned() })
    }

    /// Forgets our rules.
    pub fn clear(&self) {
        // One that is not there needs no removing.
        let _ = std::fs::remove_file(self.dir.join("rules"));
    }

    fn run(&self, command: Command, step: &Step) -> Result<Said, String> {
        let text = self.dir.join("text");
        let named = step.args.iter().any(|a| a == FILE);
        if named {
            std::fs::write(&text, &step.input).map_err(|e| format!("{}: {e}", text.display()))?;
        }
        let shown = text.display().to_string();
        let args = step.args.iter().map(|a| if a == FILE { &shown[..] } else { &a[..] });
        let input = if named { "" } else { &step.input[..] };
        let command = command.args(args).clean_env().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        let output = command.env("XTABLES_LOCKFILE", self.dir.join("lock")).input(input).run();
        output.map(|o| Said::new(&o)).map_err(|e| e.to_string())
    }

    /// What the stock program says.
    ///
    /// # Errors
    /// It could not be run.
    pub fn stock(&self, program: Program, step: &Step) -> Result<Said, String> {
        self.run(Command::new(program.name(step.suffix)), step)
    }

    /// What ours says.
    ///
    /// # Errors
    /// It could not be run.
    pub fn ours(&self, program: Program, step: &Step) -> Result<Said, String> {
        let command = Command::new(&self.ours).arg("-f").arg(self.dir.join("rules"));
        self.run(command.arg(program.name(step.suffix)), step)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Whoever cleans up temporary files does it otherwise.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
