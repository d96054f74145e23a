//! The ledger of deviations: every entry says what, where it is said otherwise, and why.

use super::text;
use std::path::Path;

/// What is wrong with any entry.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for file in super::sources::files(root)?.iter().filter(|f| f.starts_with("deviations")) {
        let shown = file.display();
        if file.extension().is_some_and(|e| e == "toml") {
            found.extend(entry(&text(&root.join(file))?).into_iter().map(|what| format!("{shown}: {what}")));
        }
    }
    Ok(found)
}

fn entry(text: &str) -> Vec<String> {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(why) => return vec![why.to_string()],
    };
    let said = |key: &str| table.get(key).and_then(|v| v.as_str()).is_some_and(|s| !s.trim().is_empty());
    let missing = ["title", "quote", "source", "reason"].into_iter().filter(|key| !said(key));
    missing.map(|key| format!("`{key}' is missing")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_four_parts() {
        let good = "title = 't'\nquote = 'q'\nsource = 's'\nreason = 'r'\n";
        assert!(entry(good).is_empty());
        assert_eq!(entry("title = 't'\nquote = 'q'\nsource = 's'\nreason = ' '\n"), ["`reason' is missing"]);
        assert_eq!(entry("title = ").len(), 1);
    }
}
