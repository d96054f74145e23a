//! `cargo xtask tidy`: what no compiler checks. Each check is an ordinary test too.

mod crates;
mod ledger;
mod licences;
mod sources;

use std::path::Path;

/// A check: what it finds wrong, one line each.
type Check = fn(&Path) -> Result<Vec<String>, String>;

const CHECKS: [(&str, Check); 5] = [
    ("who depends on whom", crates::layers),
    ("every dependency has a line in CRATES.md", crates::listed),
    ("sources", sources::check),
    ("deviations", ledger::check),
    ("licences", licences::check),
];

/// Runs every check and prints what is wrong; whether nothing is.
pub fn main(root: &Path) -> bool {
    let mut good = true;
    for (name, check) in CHECKS {
        let found = check(root).unwrap_or_else(|why| vec![why]);
        println!("{name}: {}", if found.is_empty() { "good" } else { "BAD" });
        for line in &found {
            println!("  {line}");
        }
        good &= found.is_empty();
    }
    good
}

/// A file's text.
fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_project_is_tidy() {
        for (name, check) in super::CHECKS {
            assert_eq!(check(&crate::root()), Ok(Vec::new()), "{name}");
        }
    }
}
