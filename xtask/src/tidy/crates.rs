//! Who depends on whom: the table of ARCHITECTURE.md, and a line in CRATES.md for everything from outside.

use super::text;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Which crates of ours a crate may use. Tests may use more: only what is built for everybody counts.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("ox-packet", &[]),
    ("ox-wire", &[]),
    ("ox-rules", &["ox-packet", "ox-wire"]),
    ("ox-engine", &["ox-packet", "ox-rules"]),
    ("ox-io", &["ox-packet"]),
    ("ox-view", &["ox-packet", "ox-rules", "ox-engine"]),
    ("oxtables", &["ox-packet", "ox-rules", "ox-engine", "ox-io", "ox-view"]),
    ("ox-test", &["ox-packet", "ox-wire", "ox-rules", "ox-engine", "ox-io", "ox-view", "oxtables"]),
    ("xtask", &["ox-io"]),
];

/// Crates that do no I/O, know no clock and no chance: how their `clippy.toml` says so.
const PURE: [&str; 4] = ["ox-packet", "ox-wire", "ox-rules", "ox-engine"];
const FENCE: [&str; 7] = [
    "std::fs::File",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::env::var",
    "std::println",
];

/// Packages and their dependencies, as cargo tells them. With `all`, those from outside too.
pub fn metadata(root: &Path, all: bool) -> Result<Vec<Value>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--offline"]).current_dir(root);
    if all {
        command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    } else {
        command.arg("--no-deps");
    }
    let out = command.output().map_err(|why| format!("cargo metadata: {why}"))?;
    if !out.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let mut value: Value = serde_json::from_slice(&out.stdout).map_err(|why| format!("cargo metadata: {why}"))?;
    match value["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => Err("cargo metadata: no packages".to_owned()),
    }
}

/// Name and whether it is for everybody (not only for tests) of each dependency.
fn dependencies(package: &Value) -> Vec<(&str, bool)> {
    let list = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|d| Some((d["name"].as_str()?, d["kind"].as_str() != Some("dev")))).collect()
}

/// The layers hold, and what they forbid is forbidden to the compiler too.
pub fn layers(root: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for package in metadata(root, false)? {
        let name = package["name"].as_str().unwrap_or_default();
        found.extend(forbidden(name, &dependencies(&package)));
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let Some(directory) = Path::new(manifest).parent() else { continue };
        let entry = ["src/lib.rs", "src/main.rs"].map(|f| directory.join(f));
        for file in entry.iter().filter(|f| f.is_file()) {
            if name != "ox-io" && !text(file)?.contains("#![forbid(unsafe_code)]") {
                found.push(format!("{name}: {} does not forbid unsafe code", file.display()));
            }
        }
        if PURE.contains(&name) {
            let fence = text(&directory.join("clippy.toml")).unwrap_or_default();
            for word in FENCE.iter().filter(|w| !fence.contains(**w)) {
                found.push(format!("{name}: clippy.toml does not disallow {word}"));
            }
        }
    }
    for file in super::sources::files(root)?.iter().filter(|f| f.starts_with("crates/ox-engine/src")) {
        if text(&root.join(file))?.contains("ox_rules::ext") {
            found.push(format!("{}: the engine sees meaning (ox_rules::ir), not extensions", file.display()));
        }
    }
    Ok(found)
}

fn forbidden(name: &str, dependencies: &[(&str, bool)]) -> Vec<String> {
    let Some((_, may)) = MAY_USE.iter().find(|(n, _)| *n == name) else {
        return vec![format!("{name} has no row in the table of layers (xtask/src/tidy/crates.rs)")];
    };
    let ours = |n: &str| MAY_USE.iter().any(|(o, _)| *o == n);
    dependencies
        .iter()
        .filter(|&&(n, everybody)| everybody && ours(n) && !may.contains(&n))
        .map(|(n, _)| format!("{name} must not depend on {n}"))
        .collect()
}

/// Every dependency has a line in CRATES.md, and every line a dependency.
pub fn listed(root: &Path) -> Result<Vec<String>, String> {
    let table = text(&root.join("CRATES.md"))?;
    let lines: Vec<&str> =
        table.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()).filter(|n| !n.is_empty()).collect();
    let mut packages = metadata(root, false)?;
    // The fuzz targets are no part of the workspace, but what they need is needed.
    packages.extend(metadata(&root.join("fuzz"), false)?);
    let ours: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut used: Vec<&str> = packages.iter().flat_map(dependencies).map(|d| d.0).collect();
    used.sort_unstable();
    used.dedup();
    used.retain(|n| !ours.contains(n));
    let missing = used.iter().filter(|n| !lines.contains(n)).map(|n| format!("{n} has no line in CRATES.md"));
    let left = lines.iter().filter(|n| !used.contains(n)).map(|n| format!("CRATES.md has {n}, which nothing uses"));
    Ok(missing.chain(left).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_layer_is_seen() {
        assert_eq!(forbidden("ox-rules", &[("ox-packet", true), ("memchr", true)]), [""; 0]);
        assert_eq!(forbidden("ox-packet", &[("ox-rules", false)]), [""; 0]);
        assert_eq!(forbidden("ox-engine", &[("ox-io", true)]), ["ox-engine must not depend on ox-io"]);
        assert_eq!(forbidden("ox-new", &[]).len(), 1);
    }
}
