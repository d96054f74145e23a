//! Writing into a file that cannot be replaced, so that a kill in the middle can be repaired.
//!
//! The old and the new bytes are first put on disk beside it (`.NAME.ox-journal`); from that instant the edit counts as
//! done. Then the file is overwritten, brought to disk, and the journal removed. Whoever reads or edits the file and
//! finds a journal takes the new bytes from it. Programs other than ours can see the file half written, for as long as
//! the write lasts or, after a kill, until our next edit; only a rename could spare them that.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::Error;
use crate::file::{Aside, step, sync_directory};
use crate::lock::{Wait, beside, hold};

const MAGIC: &[u8; 16] = b"oxtables-redo-1\n";
const HEAD: usize = MAGIC.len() + 3 * 8;

/// How long readers may hold a writer up.
const WAIT: Wait = Wait::For(Duration::from_secs(1));

/// Writes `after` into `file`, whose bytes are `before`. The file's [`Lock`](crate::lock::Lock) is held.
pub(crate) fn write(target: &Path, file: &mut File, data: &Metadata, before: &[u8], after: &[u8]) -> Result<(), Error> {
    hold_back_readers(file);
    // Whoever may read the file must be able to read its journal.
    let keep = |journal: &File| {
        let _ = std::os::unix::fs::fchown(journal, None, Some(data.gid()));
        let _ = std::os::unix::fs::fchown(journal, Some(data.uid()), None);
        journal.set_permissions(std::fs::Permissions::from_mode(data.mode() & 0o666))
    };
    let path = beside(target, "ox-journal");
    Aside::write(target, "ox-new", 0o600, &encode(before, after), keep)?
        .rename(&path)
        .map_err(|cause| Error::File { action: "create", path, cause })?;
    sync_directory(target)?;
    redo(target, file, after)
}

/// The bytes a reader should see, when the file is what a killed writer left behind.
pub(crate) fn finished(target: &Path, now: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    Ok(load(target)?.filter(|journal| journal.explains(now)).map(|journal| journal.after))
}

/// Finishes the edit of a killed writer. The file's [`Lock`](crate::lock::Lock) is held.
pub(crate) fn recover(target: &Path) -> Result<(), Error> {
    let path = beside(target, "ox-journal");
    if std::fs::symlink_metadata(&path).is_err() {
        return Ok(());
    }
    let failed = |cause| Error::File { action: "repair", path: target.into(), cause };
    if let Some(journal) = load(target)? {
        let mut file = OpenOptions::new().read(true).write(true).open(target).map_err(failed)?;
        hold_back_readers(&file);
        let mut now = Vec::new();
        file.read_to_end(&mut now).map_err(failed)?;
        if journal.explains(&now) {
            return redo(target, &mut file, &journal.after);
        }
    }
    // Somebody has edited the file since: their text stands.
    std::fs::remove_file(&path).map_err(|cause| Error::File { action: "remove", path, cause })?;
    sync_directory(target)
}

/// Waits until nobody reads the file, and keeps readers away until it is closed.
fn hold_back_readers(file: &File) {
    // One that reads for longer, and a file system without locks, are no reason to give up: readers also look at the time
    // stamps and for the journal.
    let _ = hold(file, FlockOperation::LockExclusive, Instant::now(), WAIT);
}

/// Overwrites the file and removes the journal.
fn redo(target: &Path, file: &mut File, after: &[u8]) -> Result<(), Error> {
    let failed = |cause| Error::File { action: "write", path: target.into(), cause };
    step();
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    for part in after.chunks(PART) {
        file.write_all(part).map_err(failed)?;
        step();
    }
    file.set_len(after.len() as u64).map_err(failed)?;
    step();
    file.sync_all().map_err(failed)?;
    step();
    let path = beside(target, "ox-journal");
    std::fs::remove_file(&path).map_err(|cause| Error::File { action: "remove", path, cause })?;
    step();
    sync_directory(target)
}

/// Bytes written at once; small in tests, so that a kill can come between two parts.
const PART: usize = if cfg!(test) { 64 } else { 1 << 20 };

struct Journal {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Journal {
    /// Whether the bytes can be this edit's unfinished work: each is an old or a new one, or, where the file grew and
    /// the power failed, a zero.
    fn explains(&self, now: &[u8]) -> bool {
        now.len() <= self.before.len().max(self.after.len())
            && now.len() >= self.before.len().min(self.after.len())
            && now.iter().enumerate().all(|(at, byte)| {
                self.after.get(at) == Some(byte)
                    || self.before.get(at) == Some(byte)
                    || (*byte == 0 && at >= self.before.len())
            })
    }
}

pub(crate) fn encode(before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + before.len() + after.len());
    bytes.extend(MAGIC);
    bytes.extend((before.len() as u64).to_le_bytes());
    bytes.extend((after.len() as u64).to_le_bytes());
    bytes.extend(fnv([before, after]).to_le_bytes());
    bytes.extend(before);
    bytes.extend(after);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Journal> {
    let (head, body) = bytes.split_at_checked(HEAD)?;
    let numbers = head.strip_prefix(MAGIC)?;
    let number = |at: usize| Some(u64::from_le_bytes(numbers.get(at * 8..at * 8 + 8)?.try_into().ok()?));
    let (before, after) = body.split_at_checked(usize::try_from(number(0)?).ok()?)?;
    let whole = after.len() as u64 == number(1)? && fnv([before, after]) == number(2)?;
    whole.then(|| Journal { before: before.into(), after: after.into() })
}

/// The journal of a file; `None` when there is none, it is damaged, or a stranger put it there.
fn load(target: &Path) -> Result<Option<Journal>, Error> {
    let path = beside(target, "ox-journal");
    let failed = |cause| Error::File { action: "read", path: path.clone(), cause };
    let mut file = match OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let (journal, data) = (file.metadata().map_err(failed)?, std::fs::metadata(target).map_err(failed)?);
    if !journal.is_file() || !trusted(&journal, &data, target) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(decode(&bytes))
}

/// Whether who made the journal may write the file: in a directory like /tmp anybody can put one there.
fn trusted(journal: &Metadata, file: &Metadata, target: &Path) -> bool {
    // A file's group shows that its owner is in it, unless the directory gave it that group.
    let plain = || target.parent().and_then(|parent| parent.metadata().ok()).is_some_and(|d| d.mode() & 0o2000 == 0);
    [file.uid(), 0, rustix::process::geteuid().as_raw()].contains(&journal.uid())
        || file.mode() & 0o002 != 0
        || (file.mode() & 0o020 != 0 && file.gid() == journal.gid() && plain())
}

/// FNV-1a, against damage and not against malice: who may write the journal may write the file.
fn fnv<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    parts
        .into_iter()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_journal_is_none() {
        let good = encode(b"old text", b"the new text");
        assert_eq!(decode(&good).unwrap().after, b"the new text");
        for length in 0..good.len() {
            assert!(decode(&good[..length]).is_none(), "cut at {length}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            assert!(decode(&bad).is_none(), "changed at {at}");
        }
    }

    #[test]
    fn a_journal_explains_its_own_work_only() {
        let journal = Journal { before: b"aaaa".to_vec(), after: b"bbbbbb".to_vec() };
        for now in [&b"aaaa"[..], b"bbaa", b"bbbb", b"bbbbb", b"bbbb\0b", b"bbbbbb"] {
            assert!(journal.explains(now), "{now:?}");
        }
        for now in [&b""[..], b"aaa", b"aaca", b"a\0aa", b"bbbbbbb"] {
            assert!(!journal.explains(now), "{now:?}");
        }
    }
}
