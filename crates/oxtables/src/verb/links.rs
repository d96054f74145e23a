//! `oxtables links DIR`: a link for every name under which it can be called.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::{files, multicall};
use ox_io::symlink;

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
        match self.make() {
            Ok(told) => {
                files::print(&told);
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("oxtables: {error}");
                ExitCode::from(4)
            }
        }
    }

    fn make(self) -> Result<String, ox_io::Error> {
        let target = symlink::program()?;
        symlink::directory(&self.dir)?;
        let (mut made, mut there) = (0, 0);
        for name in multicall::all_names() {
            let count = if symlink::make(&self.dir.join(&name), &target, self.force)? { &mut made } else { &mut there };
            *count += 1;
        }
        let already = if there > 0 { format!(" ({there} were there already)") } else { String::new() };
        Ok(format!("{made} links to {} in {}{already}\n", target.display(), self.dir.display()))
    }
}
