//! Tests of reading and editing files, with kills at every step.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use super::*;

thread_local!(static STEPS_TO_LIVE: Cell<Option<u32>> = const { Cell::new(None) });

/// Counts down where a test asked for it, and then kills the process as nothing else could.
pub(crate) fn step() {
    STEPS_TO_LIVE.with(|steps| match steps.get() {
        Some(0) => drop(rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)),
        Some(left) => steps.set(Some(left - 1)),
        None => {}
    });
}

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

/// Adds one to the number a file holds, followed by that many lines so that a torn file shows.
fn count(way: Way, path: &Path) -> Result<u64, Error> {
    edit_by(way, path, WAIT, |before| {
        let next = number(before.unwrap_or_default()) + 1;
        Ok((Some(text(next)), next))
    })
}

fn text(number: u64) -> Vec<u8> {
    // Up and down in length, so that both growing and shrinking happen.
    let mut text = format!("{number}\n");
    (0..(number * 7) % 20).for_each(|line| text.push_str(&format!("line {line} of {number}\n")));
    text.into_bytes()
}

/// The number of a file that `text` wrote, checked to be whole.
fn number(bytes: &[u8]) -> u64 {
    if bytes.is_empty() {
        return 0;
    }
    let first = std::str::from_utf8(bytes).unwrap().lines().next().unwrap();
    let number = first.parse().unwrap_or_else(|_| panic!("torn: {first:?}"));
    assert_eq!(bytes, text(number), "torn");
    number
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
    let exe = fs::copy(std::env::current_exe().unwrap(), dir.path("exe"));
    exe.unwrap();
    let mut child =
        again("a_directory_without_write_permission_is_named", CHILD, dir.path("sub/rules").to_str().unwrap());
    if rustix::process::geteuid().is_root() {
        // Root may write everywhere, so the child is somebody else, who may not reach the build directory.
        let args: Vec<_> = child.get_args().map(|a| a.to_owned()).collect();
        child = Command::new(dir.path("exe"));
        child.args(args).env(CHILD, dir.path("sub/rules")).uid(65534).gid(65534).current_dir("/");
    }
    let output = child.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn threads_lose_nothing() {
    for (name, way) in [("threads-rename", Way::Rename), ("threads-in-place", Way::InPlace)] {
        let dir = Dir::new(name);
        let path = dir.path("rules");
        fs::write(&path, "").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20).for_each(|_| _ = count(way, &path).unwrap()));
            }
            scope.spawn(|| {
                let mut last = 0;
                while last < 160 {
                    let now = number(&read(&path).unwrap());
                    assert!(now >= last, "readers never see an older text again");
                    last = now;
                }
            });
        });
        assert_eq!(number(&read(&path).unwrap()), 160);
        assert_eq!(dir.list(), ["rules"]);
    }
}

#[test]
fn processes_lose_nothing() {
    const CHILD: &str = "OX_IO_TEST_PARALLEL";
    if let Some(path) = std::env::var_os(CHILD) {
        (0..20).for_each(|_| _ = count(Way::Rename, Path::new(&path)).unwrap());
        return;
    }
    let dir = Dir::new("processes");
    let path = dir.path("rules");
    let children: Vec<_> =
        (0..6).map(|_| again("processes_lose_nothing", CHILD, path.to_str().unwrap()).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(number(&read(&path).unwrap()), 120);
    assert_eq!(dir.list(), ["rules"]);
}

#[test]
fn a_kill_at_any_step_leaves_old_or_new() {
    const CHILD: &str = "OX_IO_TEST_KILL_AT";
    if let Some(value) = std::env::var_os(CHILD) {
        let value = value.into_string().unwrap();
        let (steps, path) = value.split_once(' ').unwrap();
        let way = if path.ends_with("in-place") { Way::InPlace } else { Way::Rename };
        STEPS_TO_LIVE.set(Some(steps.parse().unwrap()));
        count(way, Path::new(path)).unwrap();
        return;
    }
    let dir = Dir::new("kill");
    for (name, start, least) in
        [("new", None, 7), ("rename", Some(4), 7), ("in-place", Some(4), 12), ("shrink-in-place", Some(5), 12)]
    {
        let path = dir.path(name);
        let mut seen = [0; 2];
        for steps in 0.. {
            let _ = fs::remove_file(&path);
            if let Some(start) = start {
                fs::write(&path, text(start)).unwrap();
            }
            let start = start.unwrap_or(0);
            let value = format!("{steps} {}", path.display());
            let status = again("a_kill_at_any_step_leaves_old_or_new", CHILD, &value).status().unwrap();
            let found = if path.exists() { number(&read(&path).unwrap()) } else { 0 };
            assert!(found == start || found == start + 1, "{name}, {steps} steps: {found}");
            seen[(found - start) as usize] += 1;
            // The next editor goes on from there and clears up.
            assert_eq!(count(Way::Rename, &path).unwrap(), found + 1, "{name}, {steps} steps");
            assert_eq!(number(&fs::read(&path).unwrap()), found + 1);
            assert_eq!(dir.list(), [name]);
            if status.success() {
                assert!(steps >= least, "{name}: only {steps} steps");
                break;
            }
            assert_eq!(status.signal(), Some(libc::SIGKILL));
        }
        assert!(seen[0] > 1 && seen[1] > 1, "{name}: old and new were both seen: {seen:?}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_kill_at_a_random_instant_leaves_old_or_new() {
    const CHILD: &str = "OX_IO_TEST_KILL_ANY";
    if let Some(path) = std::env::var_os(CHILD) {
        let way = if path.to_str().unwrap().ends_with("in-place") { Way::InPlace } else { Way::Rename };
        loop {
            let done = count(way, Path::new(&path)).unwrap();
            // Not println: the test harness may hold it back.
            rustix::io::write(rustix::stdio::stdout(), format!("{done}\n").as_bytes()).unwrap();
        }
    }
    use std::io::BufRead;
    let dir = Dir::new("random");
    for name in ["rename", "in-place"] {
        let path = dir.path(name);
        fs::write(&path, "").unwrap();
        let mut random = crate::clock::seed_u64().unwrap() | 1;
        for _ in 0..25 {
            let test = "a_kill_at_a_random_instant_leaves_old_or_new";
            let mut child = again(test, CHILD, path.to_str().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let lines = io::BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let numbers = lines.filter_map(|line| line.parse::<u64>().ok());
            let reported = numbers.take(1 + (random >> 60) as usize).last().unwrap();
            (0..(random >> 40) & 0xffff).for_each(|_| std::hint::spin_loop());
            child.kill().unwrap();
            child.wait().unwrap();
            let found = number(&read(&path).unwrap());
            assert!(found >= reported, "an edit that was reported as done is there: {found} < {reported}");
            assert_eq!(count(Way::Rename, &path).unwrap(), found + 1);
        }
        assert_eq!(dir.list(), [name]);
        fs::remove_file(&path).unwrap();
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
