//! Building the fuzz targets: in release, with checks of overflow, and with the coverage that libFuzzer steers by.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What tells the compiler to count edges and show comparisons. LLVM: SanitizerCoverage; these are cargo-fuzz's own
/// choices without any sanitizer, so that `cargo fuzz run --sanitizer none` builds the same.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// The compiler's own triple: named, so that the flags are not for build scripts.
fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let out = Command::new(rustc).arg("-vV").output().map_err(|why| format!("rustc: {why}"))?;
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let host = said.lines().find_map(|l| l.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// The names of the targets: the programs of `fuzz/`.
pub fn targets(root: &Path) -> Result<Vec<String>, String> {
    let directory = root.join("fuzz/fuzz_targets");
    let files = std::fs::read_dir(&directory).map_err(|why| format!("{}: {why}", directory.display()))?;
    let names = files.filter_map(|f| f.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter_map(|n| n.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}

/// Builds all of them; where they are then.
pub fn build(root: &Path) -> Result<PathBuf, String> {
    let host = host()?;
    let target = root.join("fuzz/target");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--target", &host]).current_dir(root.join("fuzz"));
    command.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &target);
    // What the wrapper was told of its own build is not for this one.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS");
    match command.status() {
        Ok(status) if status.success() => Ok(target.join(host).join("release")),
        Ok(status) => Err(format!("cargo build in fuzz/: {status}")),
        Err(why) => Err(format!("cargo: {why}")),
    }
}
