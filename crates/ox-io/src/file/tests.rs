//! Tests of reading and editing files, with kills at every step.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::*;

mod kills;
pub(crate) use kills::step;

/// A directory of a test's own, removed with it.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new(name: &str) -> Dir {
        let path = std::env::temp_dir().join(format!("ox-io-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Dir(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn list(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const WAIT: Wait = Wait::For(Duration::from_secs(60));

fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    edit(path, WAIT, |_| Ok((Some(bytes.to_vec()), ())))
}

#[test]
fn creates_edits_and_leaves_no_litter() {
    let dir = Dir::new("create");
    let path = dir.path("rules");
    put(&path, b"one\n").unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777 & !0o644, 0, "no more rights than 0644: {mode:o}");
    assert_eq!(mode & 0o600, 0o600);
    put(&path, b"two\n").unwrap();
    assert_eq!(read(&path).unwrap(), b"two\n");
    assert_eq!(dir.list(), ["rules"]);
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let dir = Dir::new("same");
    let path = dir.path("rules");
    put(&path, b"same\n").unwrap();
    let stamp = |path: &Path| fs::metadata(path).map(|m| (m.ino(), m.mtime(), m.mtime_nsec(), m.ctime_nsec())).unwrap();
    let before = stamp(&path);
    put(&path, b"same\n").unwrap();
    edit(&path, WAIT, |_| Ok::<_, Error>((None, ()))).unwrap();
    let refused: Result<(), Box<dyn std::error::Error>> = edit(&path, WAIT, |_| Err("no such rule".into()));
    assert_eq!(refused.unwrap_err().to_string(), "no such rule");
    assert_eq!(stamp(&path), before);
    assert_eq!(dir.list(), ["rules"]);
    edit(&dir.path("never"), WAIT, |before| Ok::<_, Error>((None, assert!(before.is_none())))).unwrap();
    assert_eq!(dir.list(), ["rules"]);
}

#[test]
fn links_stay_and_lead_to_the_new_text() {
    let dir = Dir::new("link");
    fs::create_dir(dir.path("real")).unwrap();
    let target = dir.path("real/rules");
    symlink("real/rules", dir.path("inner")).unwrap();
    symlink("inner", dir.path("outer")).unwrap();
    put(&dir.path("outer"), b"made through a dangling link\n").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"made through a dangling link\n");
    put(&dir.path("outer"), b"edited\n").unwrap();
    assert_eq!(read(&dir.path("inner")).unwrap(), b"edited\n");
    assert_eq!(fs::read_link(dir.path("outer")).unwrap(), Path::new("inner"));
    assert!(!fs::symlink_metadata(&target).unwrap().is_symlink());
    symlink("loop", dir.path("loop")).unwrap();
    let error = put(&dir.path("loop"), b"x").unwrap_err().to_string();
    assert!(error.ends_with("Too many levels of symbolic links"), "{error}");
}

#[test]
fn mode_owner_and_attributes_stay() {
    let dir = Dir::new("mode");
    let path = dir.path("rules");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let root = rustix::process::geteuid().is_root();
    if root {
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    } else {
        eprintln!("skipped: only root can give a file away");
    }
    let label = rustix::fs::setxattr(&path, "user.label", b"kept", rustix::fs::XattrFlags::empty()).is_ok();
    put(&path, b"new").unwrap();
    let data = fs::metadata(&path).unwrap();
    assert_eq!(data.mode() & 0o7777, 0o640);
    assert!(!root || (data.uid(), data.gid()) == (1234, 4321));
    let mut value = [0; 16];
    assert!(!label || rustix::fs::getxattr(&path, "user.label", &mut value[..]) == Ok(4));
}

#[test]
fn refusals_name_the_path_and_the_reason() {
    let dir = Dir::new("refuse");
    assert!(put(Path::new("-"), b"x").unwrap_err().to_string().contains("only be read"));
    let error = put(&dir.path("no/such/rules"), b"x").unwrap_err().to_string();
    assert_eq!(error, format!("cannot open {}: No such file or directory", dir.path("no/such/rules").display()));
    fs::create_dir(dir.path("folder")).unwrap();
    let error = put(&dir.path("folder"), b"x").unwrap_err().to_string();
    assert_eq!(error, format!("cannot edit {}: Is a directory", dir.path("folder").display()));
    assert!(read(&dir.path("folder")).unwrap_err().to_string().ends_with("Is a directory"));
    assert!(put(Path::new("/dev/null"), b"x").unwrap_err().to_string().contains("not an ordinary file"));
    assert_eq!(dir.list(), ["folder"]);
}

/// Runs one test of this file again in a process of its own, with something in its environment.
fn again(test: &str, key: &str, value: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("file::tests::{test}"), "--nocapture"]).env(key, value);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_directory_without_write_permission_is_named() {
    const CHILD: &str = "OX_IO_TEST_READ_ONLY";
    if let Some(path) = std::env::var_os(CHILD) {
        let path = Path::new(&path);
        let error = put(path, b"new").unwrap_err();
        assert_eq!(error.errno(), Some(libc::EACCES));
        let lock = path.with_file_name(".rules.ox-lock");
        assert_eq!(error.to_string(), format!("cannot lock {}: Permission denied", lock.display()));
        assert_eq!(read(path).unwrap(), b"old");
        return;
    }
    let dir = Dir::new("read-only");
    fs::create_dir(dir.path("sub")).unwrap();
    fs::write(dir.path("sub/rules"), "old").unwrap();
    fs::set_permissions(dir.path("sub"), fs::Permissions::from_mode(0o555)).unwrap();
    let output = as_nobody(&dir, "a_directory_without_write_permission_is_named", CHILD, &dir.path("sub/rules"));
    fs::set_permissions(dir.path("sub"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(output.contains("1 passed"), "{output}");
}

/// Runs a test again as a user without rights, when this one is root; tells what it printed.
fn as_nobody(dir: &Dir, test: &str, key: &str, path: &Path) -> String {
    let mut child = again(test, key, path.to_str().unwrap());
    if rustix::process::geteuid().is_root() {
        // Somebody else may not reach the build directory.
        let (exe, args) = (dir.path("exe"), child.get_args().map(|arg| arg.to_owned()).collect::<Vec<_>>());
        fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
        child = Command::new(exe);
        child.args(args).env(key, path).uid(65534).gid(65534).current_dir("/");
    }
    let output = child.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn an_owner_that_cannot_be_given_is_kept_by_keeping_the_file() {
    const CHILD: &str = "OX_IO_TEST_FOREIGN";
    if let Some(path) = std::env::var_os(CHILD) {
        put(Path::new(&path), b"a new text").unwrap();
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let dir = Dir::new("foreign");
    fs::create_dir(dir.path("open")).unwrap();
    fs::set_permissions(dir.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    let path = dir.path("open/rules");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let output = as_nobody(&dir, "an_owner_that_cannot_be_given_is_kept_by_keeping_the_file", CHILD, &path);
    assert!(output.contains("1 passed"), "{output}");
    let data = fs::metadata(&path).unwrap();
    assert_eq!((data.uid(), data.gid(), data.mode() & 0o777, data.ino()), (1234, 4321, 0o666, inode));
    assert_eq!(fs::read(&path).unwrap(), b"a new text");
    assert_eq!(fs::read_dir(dir.path("open")).unwrap().count(), 1);
}

#[test]
fn a_journal_that_a_stranger_planted_is_not_believed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let dir = Dir::new("stranger");
    let path = dir.path("rules");
    let planted = beside(&path, "ox-journal");
    for (mode, believed) in [(0o644, false), (0o666, true)] {
        fs::write(&path, "old text").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(&planted, journal::encode(b"old text", b"new text!")).unwrap();
        std::os::unix::fs::chown(&planted, Some(4242), Some(4242)).unwrap();
        let expected = if believed { &b"new text!"[..] } else { b"old text" };
        assert_eq!(read(&path).unwrap(), expected);
        edit(&path, WAIT, |before| Ok::<_, Error>((None, assert_eq!(before.unwrap(), expected)))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), expected);
        assert_eq!(dir.list(), ["rules"]);
    }
}

#[test]
fn text_edited_by_hand_after_a_kill_stands() {
    let dir = Dir::new("by-hand");
    let path = dir.path("rules");
    fs::write(&path, "old text").unwrap();
    // As if killed right after the journal was complete.
    fs::write(beside(&path, "ox-journal"), journal::encode(b"old text", b"new text!")).unwrap();
    assert_eq!(read(&path).unwrap(), b"new text!");
    fs::write(&path, "by hand").unwrap();
    assert_eq!(read(&path).unwrap(), b"by hand");
    edit(&path, WAIT, |before| Ok::<_, Error>((None, assert_eq!(before.unwrap(), b"by hand")))).unwrap();
    assert_eq!(dir.list(), ["rules"]);
}

#[test]
fn a_script_that_locks_the_file_itself_does_not_lock_us_out() {
    let dir = Dir::new("flock");
    let path = dir.path("rules");
    fs::write(&path, "old").unwrap();
    let script = File::open(&path).unwrap();
    rustix::fs::flock(&script, FlockOperation::LockExclusive).unwrap();
    assert_eq!(read(&path).unwrap(), b"old");
    edit_by(Way::InPlace, &path, WAIT, |_| Ok::<_, Error>((Some(b"new".to_vec()), ()))).unwrap();
    assert_eq!(read(&path).unwrap(), b"new");
    put(&path, b"newer").unwrap();
    assert_eq!(dir.list(), ["rules"]);
}

#[test]
fn what_is_no_file_is_read_too() {
    let script = "printf 'piped' | \"$0\" --exact file::tests::what_is_no_file_is_read_too --nocapture";
    const CHILD: &str = "OX_IO_TEST_PIPED";
    if std::env::var_os(CHILD).is_some() {
        assert_eq!(read(Path::new("/dev/stdin")).unwrap(), b"piped");
        assert_eq!(read(Path::new("-")).unwrap(), b"", "it is read to its end");
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let output = crate::command::Command::new("sh").args(["-c", script]).arg(exe).env(CHILD, "1").run().unwrap();
    assert!(output.out().contains("1 passed"), "{}", output.out());
}

#[test]
fn a_mount_point_is_edited_in_place() {
    let dir = Dir::new("bind");
    let (real, mounted) = (dir.path("real"), dir.path("mounted"));
    fs::write(&real, "old\n").unwrap();
    fs::write(&mounted, "").unwrap();
    let outcome = std::thread::scope(|scope| scope.spawn(|| in_own_mounts(&real, &mounted)).join().unwrap());
    if let Err(reason) = outcome {
        eprintln!("skipped: no bind mounts here: {reason}");
        return;
    }
    assert_eq!(fs::read(&real).unwrap(), b"a longer new text\n");
    assert_eq!(dir.list(), ["mounted", "real"]);
}

fn in_own_mounts(real: &Path, mounted: &Path) -> io::Result<()> {
    let text = |path: &Path| std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    let (root, real, target) = (text(Path::new("/")), text(real), text(mounted));
    let check = |result: i32| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: only this thread gets other mounts; all pointers are to strings that outlive the calls.
    unsafe {
        check(libc::unshare(libc::CLONE_FS | libc::CLONE_NEWNS))?;
        let none = std::ptr::null();
        check(libc::mount(none, root.as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()))?;
        check(libc::mount(real.as_ptr(), target.as_ptr(), none, libc::MS_BIND, none.cast()))?;
    }
    put(mounted, b"a longer new text\n").unwrap();
    assert_eq!(read(mounted).unwrap(), b"a longer new text\n");
    Ok(())
}
