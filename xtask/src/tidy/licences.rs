//! Licences: what we link may be used by everybody. `cargo deny` says so where it is installed, else a short look does.

use std::path::Path;
use std::process::Command;

/// Licences that are taken; `deny.toml` has the same.
const TAKEN: [&str; 9] =
    ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unicode-3.0", "Unlicense", "0BSD"];

/// What has another licence.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let installed = Command::new("cargo-deny").arg("--version").output().is_ok();
    if installed {
        let mut command = Command::new(cargo);
        command.args(["deny", "--offline", "--color", "never", "check", "--hide-inclusion-graph"]);
        let out = command.args(["licenses", "bans", "sources"]).current_dir(root).output();
        let out = out.map_err(|why| format!("cargo deny: {why}"))?;
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        return Ok(if out.status.success() { Vec::new() } else { said.lines().map(str::to_owned).collect() });
    }
    let mut found = Vec::new();
    for package in super::crates::metadata(root, true)? {
        let name = package["name"].as_str().unwrap_or_default();
        let licence = package["license"].as_str().unwrap_or_default();
        if !taken(licence) {
            found.push(format!("{name}: licence `{licence}'"));
        }
    }
    Ok(found)
}

/// Whether one of the choices that an expression leaves is made of licences that are taken.
fn taken(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" OR ").any(|choice| {
        let mut parts = choice.split(" AND ").map(|p| p.trim().split(" WITH ").next().unwrap_or_default().trim());
        parts.all(|p| TAKEN.contains(&p))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "Apache-2.0/MIT",
            "GPL-2.0 OR MIT",
            "Apache-2.0 WITH LLVM-exception",
            "Unlicense OR MIT",
        ] {
            assert!(taken(good), "{good}");
        }
        for bad in ["", "GPL-3.0-or-later", "MIT AND GPL-2.0", "LGPL-2.1", "EUPL-1.2"] {
            assert!(!taken(bad), "{bad}");
        }
    }
}
