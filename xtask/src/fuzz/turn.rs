//! One turn of a target: libFuzzer for some seconds, or until it finds something.

use super::log::Row;
use ox_io::process;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Memory of one process, in MiB: more is a fault.
const MEMORY: u32 = 2048;
/// Seconds for one input: more is a hang.
const TIME: u32 = 10;
/// Longest input.
const LENGTH: u32 = 4096;

/// Fuzzes a target for so many seconds, shared by some processes, and adds to its row what came of it.
pub fn turn(
    root: &Path,
    programs: &Path,
    target: &str,
    seconds: f64,
    jobs: usize,
    row: &mut Row,
) -> Result<(), String> {
    let fuzz = root.join("fuzz");
    let (corpus, artifacts) = (fuzz.join("corpus").join(target), fuzz.join("artifacts").join(target));
    for directory in [&corpus, &artifacts] {
        std::fs::create_dir_all(directory).map_err(|why| format!("{}: {why}", directory.display()))?;
    }
    let children: Vec<(Child, PathBuf)> = (0..jobs)
        .map(|job| {
            let said = fuzz.join("target").join(format!("{target}-{job}.log"));
            let log = std::fs::File::create(&said).map_err(|why| format!("{}: {why}", said.display()))?;
            let mut command = Command::new(programs.join(target));
            command.arg(format!("-max_total_time={}", (seconds / jobs as f64).ceil().max(1.0)));
            command.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-timeout={TIME}"));
            command.arg(format!("-max_len={LENGTH}")).args(["-print_final_stats=1", "-len_control=20"]);
            command.arg(format!("-artifact_prefix={}/", artifacts.display()));
            command.arg(&corpus).arg(root.join("test/corpus").join(target));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let child = command.spawn().map_err(|why| format!("{target}: {why}"))?;
            Ok((child, said))
        })
        .collect::<Result<_, String>>()?;
    let before = row.cpu;
    for (child, said) in children {
        let (status, used) = process::wait(child).map_err(|why| format!("{target}: {why}"))?;
        row.cpu += used.cpu.as_secs_f64();
        let text = std::fs::read(&said).map_err(|why| format!("{}: {why}", said.display()))?;
        row.add(&String::from_utf8_lossy(&text), status.success());
    }
    if row.cpu - before < 0.01 {
        return Err(format!("{target}: it ends at once: see {}", fuzz.join("target").display()));
    }
    Ok(())
}
