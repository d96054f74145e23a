//! Keeping a small corpus: of all inputs, the few that reach most, for the ordinary tests to run again.

use std::path::Path;
use std::process::{Command, Stdio};

/// Bytes for one target in `test/corpus`.
const ROOM: u64 = 50 * 1024;
/// Longest input that is kept.
const LENGTH: u64 = 1024;

/// Brings the inputs of `fuzz/corpus` that reach something new into `test/corpus`, the short ones first, as far as there
/// is room. What is there stays.
pub fn keep(root: &Path, programs: &Path, target: &str) -> Result<(), String> {
    let (kept, found) = (root.join("test/corpus").join(target), root.join("fuzz/corpus").join(target));
    let fault = |path: &Path| {
        let path = path.display().to_string();
        move |why: std::io::Error| format!("{path}: {why}")
    };
    let small = root.join("fuzz/target").join(format!("{target}-small"));
    if small.exists() {
        std::fs::remove_dir_all(&small).map_err(fault(&small))?;
    }
    for directory in [&kept, &found, &small] {
        std::fs::create_dir_all(directory).map_err(fault(directory))?;
    }
    // A greedy cover of edges, into a directory that begins with what is kept already.
    let copy = |from: &Path, to: &Path| -> Result<(), String> {
        for file in std::fs::read_dir(from).map_err(fault(from))? {
            let file = file.map_err(fault(from))?.path();
            if let Some(name) = file.file_name() {
                std::fs::copy(&file, to.join(name)).map_err(fault(&file))?;
            }
        }
        Ok(())
    };
    copy(&kept, &small)?;
    let mut command = Command::new(programs.join(target));
    command.args(["-set_cover_merge=1", &format!("-max_len={LENGTH}")]).arg(&small).arg(&found);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().map_err(|why| format!("{target}: {why}"))?;
    if !status.success() {
        return Err(format!("{target}: choosing inputs: {status}"));
    }
    let mut files = Vec::new();
    for file in std::fs::read_dir(&small).map_err(fault(&small))? {
        let file = file.map_err(fault(&small))?;
        files.push((file.metadata().map_err(fault(&small))?.len(), file.path()));
    }
    files.sort();
    let size = |directory: &Path| -> Result<u64, String> {
        let files = std::fs::read_dir(directory).map_err(fault(directory))?;
        Ok(files.filter_map(|f| f.ok()?.metadata().ok()).map(|m| m.len()).sum())
    };
    let mut room = ROOM.saturating_sub(size(&kept)?);
    let mut count = 0;
    for (length, file) in files {
        let Some(name) = file.file_name().map(|n| kept.join(n)) else { continue };
        if name.exists() || length > LENGTH || length > room {
            continue;
        }
        std::fs::copy(&file, &name).map_err(fault(&name))?;
        room -= length;
        count += 1;
    }
    println!("{target}: {count} more inputs in {}, which has {} bytes", kept.display(), size(&kept)?);
    Ok(())
}
