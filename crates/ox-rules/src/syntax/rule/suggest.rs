//! Guessing what was meant.

/// The nearest of some names, if one is near enough to be what was meant. That letters are large or small counts only
/// between names that are else as near.
pub fn suggest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (typed.len() / 3).clamp(1, 3);
    names
        .into_iter()
        .filter(|n| !n.is_empty())
        .map(|n| (distance(&typed.to_ascii_lowercase(), &n.to_ascii_lowercase()), n))
        .filter(|&(d, _)| d <= limit)
        .min_by_key(|&(d, n)| (d, distance(typed, n)))
        .map(|(_, n)| n)
}

/// The same to stand behind a complaint: " (is `--dport' meant?)", with what stands before every name (`--`).
pub fn meant<'n>(typed: &str, before: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    suggest(typed, names).map(|best| format!(" (is `{before}{best}' meant?)"))
}

/// Edits between two short words: letters put in, left out, replaced, or two that have changed places.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 3 || a.len() > 64 {
        return usize::MAX;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut above = vec![0; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            next[j + 1] = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                next[j + 1] = next[j + 1].min(above[j - 1] + 1);
            }
        }
        above = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found() {
        let names = ["table", "test", "counters"];
        assert_eq!(suggest("tabel", names), Some("table"));
        assert_eq!(suggest("tble", names), Some("table"));
        assert_eq!(suggest("conuters", names), Some("counters"));
        assert_eq!(suggest("tset", names), Some("test"));
        assert_eq!(suggest("nothing", names), None);
        assert_eq!(suggest("TABEL", names), Some("table"));
        assert_eq!(suggest("Log", ["log", "LOG", "Log2"]), Some("log"));
        assert_eq!(suggest("LOg", ["log", "LOG", "Log2"]), Some("LOG"));
        assert_eq!(meant("tset", "--", names).as_deref(), Some(" (is `--test' meant?)"));
    }
}
