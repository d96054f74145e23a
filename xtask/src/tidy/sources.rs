//! The sources: each file has a head, none is too long, none names somebody's machine.

use super::text;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer files hold more than one idea.
const LONGEST: usize = 700;
/// Files that may be longer all the same.
const MAY_BE_LONGER: [&str; 0] = [];
/// Words of unfinished work.
const UNFINISHED: [&str; 4] =
    [concat!("todo", "!("), concat!("FIX", "ME"), concat!("unimplemented", "!("), concat!("dbg", "!(")];

/// Every file that is kept (tracked by git, or new and not ignored).
pub fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut command = Command::new("git");
    command.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(root);
    let out = command.output().map_err(|why| format!("git ls-files: {why}"))?;
    if !out.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let names = String::from_utf8_lossy(&out.stdout).into_owned();
    let files = names.split('\0').filter(|n| !n.is_empty()).map(PathBuf::from);
    // One that was deleted but not yet committed is not there.
    Ok(files.filter(|f| root.join(f).is_file()).collect())
}

/// What is wrong with any of them.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut machine: Vec<String> = vec![root.display().to_string()];
    machine.extend(std::env::var("HOME"));
    machine.retain(|path| path.len() > 1);
    for file in files(root)? {
        // Captures and the like are no text.
        let Ok(text) = text(&root.join(&file)) else { continue };
        let shown = file.display();
        if let Some(path) = machine.iter().find(|path| names_path(&text, path)) {
            found.push(format!("{shown}: names a path of this machine: {path}"));
        }
        if file.extension().is_some_and(|e| e == "rs") {
            found.extend(source(&text).into_iter().map(|what| format!("{shown}: {what}")));
            if text.lines().count() > LONGEST && !MAY_BE_LONGER.iter().any(|m| file == Path::new(m)) {
                found.push(format!("{shown}: more than {LONGEST} lines"));
            }
        }
    }
    Ok(found)
}

fn source(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let head = text.lines().find(|l| !l.trim().is_empty() && !l.starts_with("#!"));
    if !head.is_some_and(|l| l.starts_with("//! ")) {
        found.push("does not begin with a sentence about itself (`//! ')".to_owned());
    }
    for word in UNFINISHED.iter().filter(|w| text.contains(**w)) {
        found.push(format!("has `{word}'"));
    }
    found
}

/// Whether a path stands in a text as a path of its own, not as the end of a longer one.
fn names_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + path.len()..].chars().next();
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}'));
        !part(before) && after == Some('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_sources_are_seen() {
        assert!(source("//! A head.\nfn f() {}\n").is_empty());
        assert_eq!(source("fn f() {}\n").len(), 1);
        assert_eq!(source(&format!("//! A head.\nfn f() {{ {}) }}\n", UNFINISHED[0])).len(), 1);
    }

    #[test]
    fn only_whole_paths_are_of_this_machine() {
        assert!(names_path("in /src/x", "/src"));
        assert!(!names_path("crates/a/src/x", "/src"));
        assert!(!names_path("/srcs/x", "/src"));
    }
}
