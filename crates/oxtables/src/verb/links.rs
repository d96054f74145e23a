//! `oxtables links DIR`: a link for every name under which it can be called.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::multicall;

/// The verb's words.
#[derive(Debug, clap::Args)]
pub struct Links {
    /// Directory to make them in; it is made if it is not there
    dir: PathBuf,
    /// Replace what has one of the names
    #[arg(long)]
    force: bool,
}

impl Links {
    /// Makes them. What is there already stays, unless it is to be replaced.
    pub fn run(self) -> ExitCode {
        let target = match std::env::current_exe() {
            Ok(target) => target,
            Err(error) => {
                eprintln!("oxtables: cannot find out where this program is: {error}");
                return ExitCode::from(4);
            }
        };
        if let Err(error) = std::fs::create_dir_all(&self.dir) {
            eprintln!("oxtables: cannot make the directory {}: {error}", self.dir.display());
            return ExitCode::from(4);
        }
        let (mut made, mut there) = (0, 0);
        for name in multicall::all_names() {
            let link = self.dir.join(&name);
            if std::fs::read_link(&link).is_ok_and(|to| to == target) {
                there += 1;
                continue;
            }
            if self.force && link.symlink_metadata().is_ok() {
                // If it cannot be removed, making the link says why.
                let _ = std::fs::remove_file(&link);
            }
            if let Err(error) = std::os::unix::fs::symlink(&target, &link) {
                eprintln!("oxtables: cannot make {}: {error}", link.display());
                return ExitCode::from(4);
            }
            made += 1;
        }
        let already = if there > 0 { format!(" ({there} were there already)") } else { String::new() };
        println!("{made} links to {} in {}{already}", target.display(), self.dir.display());
        ExitCode::SUCCESS
    }
}
