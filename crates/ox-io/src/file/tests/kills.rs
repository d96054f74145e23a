//! Tests of edits that run side by side, and of edits that are killed.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;

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
    let children: Vec<_> = (0..6)
        .map(|_| again("kills::processes_lose_nothing", CHILD, path.to_str().unwrap()).spawn().unwrap())
        .collect();
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
            let status = again("kills::a_kill_at_any_step_leaves_old_or_new", CHILD, &value).status().unwrap();
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
            let test = "kills::a_kill_at_a_random_instant_leaves_old_or_new";
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
