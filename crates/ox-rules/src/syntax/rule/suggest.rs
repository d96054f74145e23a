//! Guessing what was meant.

/// The nearest of some names, if one is near enough to be what was meant.
pub fn suggest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (typed.len() / 3).clamp(1, 3);
    names
        .into_iter()
        .filter(|n| !n.is_empty())
        .map(|n| (distance(typed, n), n))
        .filter(|&(d, _)| d <= limit)
        .min_by_key(|&(d, _)| d)
        .map(|(_, n)| n)
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
    }
}
