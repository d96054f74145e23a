//! Reading a ruleset file, and editing one so that a kill at any instant leaves the old text or the new one.
//!
//! An edit holds the file's [`Lock`], writes the new text aside (`.NAME.ox-new`), brings it to disk and renames it over
//! the old one. Where the name is a mount point or the owner could not be kept, the text is written into the file
//! itself behind a [`journal`](crate::journal). Links are followed: the file they lead to is edited.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::lock::{Lock, Wait, beside, hold};
use crate::{Error, journal};

/// Links that are followed before a chain of them counts as a loop, as the kernel does.
const LINKS: usize = 40;

/// How long a reader waits for somebody who writes into the file itself, before it reads all the same.
const READ_WAIT: Wait = Wait::For(Duration::from_millis(200));

/// How long a reader tries to read a file that changes under its eyes.
const CHANGING: Duration = Duration::from_secs(10);

/// Whether two paths name one file, by whatever links.
pub fn same(a: &Path, b: &Path) -> bool {
    let number = |path: &Path| {
        let about = std::fs::metadata(path).ok()?;
        about.is_file().then(|| (about.dev(), about.ino()))
    };
    number(a).is_some_and(|a| number(b) == Some(a))
}

/// Writes a file that is nobody's ruleset: no lock, and what was in it is gone at once.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|cause| Error::File { action: "write", path: path.into(), cause })
}

/// Reads a whole file; `-` is standard input.
///
/// Never sees half of an edit, and needs no lock file and no right to write.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |cause| Error::File { action: "read", path: path.into(), cause };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let failed = |cause| Error::File { action: "read", path: "standard input".into(), cause };
        io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    let mut file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        // A pipe or a device: nobody edits those, and their links lead nowhere.
        file.read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    // Keeps those away who write into the file itself; where that fails (a file system without locks, a script that holds
    // its own lock on the file), the look at the time stamps must do.
    let _ = hold(&file, FlockOperation::LockShared, Instant::now(), READ_WAIT);
    let stamp = |file: &File| file.metadata().map(|m| (m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()));
    let start = Instant::now();
    loop {
        let before = stamp(&file).map_err(failed)?;
        bytes.clear();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(failed)?;
        if let Ok(target) = resolve(path)
            && let Some(finished) = journal::finished(&target, &bytes)?
        {
            return Ok(finished);
        }
        if stamp(&file).map_err(failed)? == before {
            return Ok(bytes);
        }
        if start.elapsed() > CHANGING {
            return Err(failed(io::Error::other("it does not stop changing")));
        }
    }
}

/// Edits a file: `change` is given its bytes (`None` when there is no such file yet) and returns the new ones, or
/// `None` to leave everything as it is, with a value for the caller.
///
/// Nothing is written, and no time stamp changes, when the bytes stay the same or `change` fails. Editors wait for each
/// other; each sees what the one before wrote.
pub fn edit<T, E: From<Error>>(
    path: &Path,
    wait: Wait,
    change: impl FnOnce(Option<&[u8]>) -> Result<(Option<Vec<u8>>, T), E>,
) -> Result<T, E> {
    edit_by(Way::Rename, path, wait, change)
}

/// How new text gets under its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Written aside and renamed; into the file itself where that cannot be.
    Rename,
    /// Always into the file itself.
    #[cfg(test)]
    InPlace,
}

fn edit_by<T, E: From<Error>>(
    way: Way,
    path: &Path,
    wait: Wait,
    change: impl FnOnce(Option<&[u8]>) -> Result<(Option<Vec<u8>>, T), E>,
) -> Result<T, E> {
    if path == Path::new("-") {
        return Err(Error::NotEditable { path: path.into(), reason: "standard input can only be read" }.into());
    }
    let target = resolve(path)?;
    exists(&target)?;
    let _lock = Lock::take(&target, wait)?;
    step();
    let before = present(&target)?;
    let (after, value) = change(before.as_deref())?;
    if let Some(after) = after.filter(|after| before.as_ref() != Some(after)) {
        step();
        match before {
            None => create(&target, &after)?,
            Some(before) => replace(way, &target, &before, &after)?,
        }
    }
    Ok(value)
}

/// The bytes to start from, after clearing up behind whoever was killed in the middle. Called with the lock held.
fn present(target: &Path) -> Result<Option<Vec<u8>>, Error> {
    let new = beside(target, "ox-new");
    match std::fs::remove_file(&new) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(Error::File { action: "remove", path: new, cause });
        }
        _ => {}
    }
    if !exists(target)? {
        return Ok(None);
    }
    journal::recover(target)?;
    std::fs::read(target).map(Some).map_err(|cause| Error::File { action: "read", path: target.into(), cause })
}

/// Whether there is a file; anything else of that name is refused.
fn exists(target: &Path) -> Result<bool, Error> {
    let failed = |cause| Error::File { action: "edit", path: target.into(), cause };
    match std::fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(error)),
        Ok(data) if data.is_dir() => Err(failed(io::Error::from_raw_os_error(libc::EISDIR))),
        Ok(data) if data.is_file() => Ok(true),
        Ok(_) => Err(Error::NotEditable { path: target.into(), reason: "it is not an ordinary file" }),
    }
}

/// Makes a file that was not there.
fn create(target: &Path, after: &[u8]) -> Result<(), Error> {
    let new = Aside::write(target, "ox-new", 0o644, after, |_| Ok(()))?;
    new.rename(target).map_err(|cause| Error::File { action: "create", path: target.into(), cause })?;
    sync_directory(target)
}

/// Puts new bytes under a name that has some.
fn replace(way: Way, target: &Path, before: &[u8], after: &[u8]) -> Result<(), Error> {
    let failed = |cause| Error::File { action: "edit", path: target.into(), cause };
    // A rename asks only the directory for permission; somebody who made the file read-only meant it.
    let mut old = OpenOptions::new().read(true).write(true).open(target).map_err(failed)?;
    let data = old.metadata().map_err(failed)?;
    if way == Way::Rename {
        let kept = |file: &File| keep(file, &old, &data);
        match Aside::write(target, "ox-new", 0o600, after, kept) {
            Ok(new) => match new.rename(target) {
                Ok(()) => return sync_directory(target),
                // A mount point cannot be renamed over: the name stays with the file that is mounted there.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EBUSY | libc::EXDEV)) => {}
                Err(error) => return Err(Error::File { action: "replace", path: target.into(), cause: error }),
            },
            // The owner can only be kept by keeping the file.
            Err(Error::File { action: KEEP, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    journal::write(target, &mut old, &data, before, after)
}

const KEEP: &str = "keep the owner of";

/// Gives a new file the owner, mode and extended attributes of the old one.
fn keep(new: &File, old: &File, data: &Metadata) -> io::Result<()> {
    let fresh = new.metadata()?;
    if (fresh.uid(), fresh.gid()) != (data.uid(), data.gid()) {
        std::os::unix::fs::fchown(new, Some(data.uid()), Some(data.gid()))?;
    }
    // Security labels and access lists. One that may not be set was set by the system on the new file too.
    let mut names = vec![0; 4096];
    let listed = rustix::fs::flistxattr(old, &mut names[..]).unwrap_or(0);
    for name in names[..listed].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 65536];
        if let Ok(size) = rustix::fs::fgetxattr(old, name, &mut value[..]) {
            let _ = rustix::fs::fsetxattr(new, name, &value[..size], rustix::fs::XattrFlags::empty());
        }
    }
    // Last: a change of owner clears the set-id bits, an access list rewrites the group's.
    new.set_permissions(std::fs::Permissions::from_mode(data.mode() & 0o7777))
}

/// A complete file under a temporary name, removed when it is not renamed.
pub(crate) struct Aside {
    path: PathBuf,
    renamed: bool,
}

impl Aside {
    /// Writes `bytes` beside `target` and brings them to disk.
    pub(crate) fn write(
        target: &Path,
        what: &str,
        mode: u32,
        bytes: &[u8],
        keep: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<Aside, Error> {
        let path = beside(target, what);
        let failed = |action| {
            let path = path.clone();
            move |cause| Error::File { action, path, cause }
        };
        // The lock is held, so whatever has this name was left by a killed editor.
        let _ = std::fs::remove_file(&path);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).map_err(failed("create"))?;
        let aside = Aside { path: path.clone(), renamed: false };
        step();
        file.write_all(bytes).map_err(failed("write"))?;
        step();
        keep(&file).map_err(failed(KEEP))?;
        step();
        file.sync_all().map_err(failed("write"))?;
        step();
        Ok(aside)
    }

    /// Gives the file its name, and takes away what had it.
    pub(crate) fn rename(mut self, to: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, to)?;
        self.renamed = true;
        step();
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.renamed {
            // If it cannot be removed now, the next editor does it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Brings the names of a file's directory to disk.
pub(crate) fn sync_directory(target: &Path) -> Result<(), Error> {
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    step();
    match synced {
        // Some file systems have nothing to bring to disk, and say so with these.
        Err(error) if !matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EROFS | libc::EACCES)) => {
            Err(Error::File { action: "write", path: directory.into(), cause: error })
        }
        _ => Ok(()),
    }
}

/// The file a name leads to through links, which need not exist; its directory must.
fn resolve(path: &Path) -> Result<PathBuf, Error> {
    let failed = |cause| Error::File { action: "open", path: path.into(), cause };
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match std::fs::canonicalize(&path) {
            Ok(found) => return Ok(found),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Err(_) => {}
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failed(io::Error::from_raw_os_error(libc::ENOENT)));
        };
        let parent = if parent == Path::new("") { Path::new(".") } else { parent };
        let parent = std::fs::canonicalize(parent).map_err(failed)?;
        let there = parent.join(name);
        match std::fs::read_link(&there) {
            // A link to a file that does not exist yet.
            Ok(next) => path = parent.join(next),
            Err(_) => return Ok(there),
        }
    }
    Err(failed(io::Error::from_raw_os_error(libc::ELOOP)))
}

/// A place where a test kills the process.
#[cfg(not(test))]
pub(crate) fn step() {}
#[cfg(test)]
pub(crate) use tests::step;

#[cfg(test)]
pub(crate) mod tests;
