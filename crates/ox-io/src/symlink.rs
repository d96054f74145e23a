//! Symbolic links to this program, and the directory they are made in.

use std::path::{Path, PathBuf};

use crate::Error;

/// Where this program is.
pub fn program() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|cause| Error::system("find out", "where this program is", cause))
}

/// Makes a directory, and those above it, where they are not there yet.
pub fn directory(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|cause| Error::File {
        action: "make the directory",
        path: path.into(),
        cause,
    })
}

/// Makes a link; `false`: it was there already. What else has its name is taken away first with `force`.
pub fn make(link: &Path, target: &Path, force: bool) -> Result<bool, Error> {
    if std::fs::read_link(link).is_ok_and(|to| to == target) {
        return Ok(false);
    }
    if force && link.symlink_metadata().is_ok() {
        // If it cannot be removed, making the link says why.
        let _ = std::fs::remove_file(link);
    }
    let made = std::os::unix::fs::symlink(target, link);
    made.map(|()| true).map_err(|cause| Error::File { action: "make", path: link.into(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_once_and_replaces_only_when_it_is_told_to() {
        let dir = std::env::temp_dir().join(format!("ox-symlink-{}", std::process::id()));
        directory(&dir).unwrap();
        let (link, target) = (dir.join("iptables"), Path::new("/nowhere/oxtables"));
        assert!(make(&link, target, false).unwrap());
        assert!(!make(&link, target, false).unwrap());
        let other = Path::new("/elsewhere/oxtables");
        let refused = make(&link, other, false).unwrap_err();
        assert_eq!(refused.to_string(), format!("cannot make {}: File exists", link.display()));
        assert!(make(&link, other, true).unwrap());
        assert_eq!(std::fs::read_link(&link).unwrap(), other);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
