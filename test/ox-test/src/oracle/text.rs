//! Text of the stock programs: restore input written, `-S` and `-L` output read back, by markers between the cases.
//!
//! Before the rules of a case stands a marker: a rule without target whose comment is `oracle:N`.

/// What marks the rules that follow it as those of case `n`.
pub fn marker(n: usize) -> String {
    format!("oracle:{n}")
}

/// A word as restore text takes it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\\' | '\'');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut text = String::from("\"");
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// A line of restore text.
pub fn line<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// Whether stock's restore reads these words as its command line would: empty words and long ones it does not.
pub fn restorable(words: &[String]) -> bool {
    words.iter().all(|w| !w.is_empty() && w.len() < 500 && !w.contains(['\n', '\r', '\t']))
}

/// The number in a marker's line.
fn marked(line: &str) -> Option<usize> {
    let rest = &line[line.find("oracle:")? + "oracle:".len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

/// The lines of `-S` (or of `iptables-save`) that belong to each of `count` cases, without `-A CHAIN `.
pub fn rules(text: &str, count: usize) -> Vec<Vec<String>> {
    let mut cases = vec![Vec::new(); count];
    let mut at: Option<(usize, &str)> = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("-A ") else { continue };
        let (chain, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match (marked(rest), at) {
            (Some(n), _) => at = Some((n, chain)),
            (None, Some((n, c))) if c == chain => {
                if let Some(case) = cases.get_mut(n) {
                    case.push(rest.to_owned());
                }
            }
            _ => {}
        }
    }
    cases
}

/// The lines of `iptables-restore-translate` that belong to each of `count` cases, without table and chain.
pub fn translated(text: &str, count: usize) -> Vec<Vec<String>> {
    let mut cases = vec![Vec::new(); count];
    let mut at: Option<usize> = None;
    for line in text.lines().filter(|l| l.starts_with("add rule ") || l.starts_with("# -t ")) {
        match (marked(line), at) {
            (Some(n), _) => at = Some(n),
            (None, Some(n)) => {
                if let Some(case) = cases.get_mut(n) {
                    case.push(rule_text(line));
                }
            }
            (None, None) => {}
        }
    }
    cases
}

/// A line of `iptables-translate` in the same form.
pub fn unquoted(line: &str) -> String {
    let line = line.strip_prefix("nft ").unwrap_or(line);
    rule_text(line.strip_prefix('\'').and_then(|l| l.strip_suffix('\'')).unwrap_or(line))
}

/// What stands behind `add rule FAMILY TABLE CHAIN `.
fn rule_text(line: &str) -> String {
    match line.strip_prefix("add rule ").map(|l| l.splitn(4, ' ').nth(3).unwrap_or_default()) {
        // How many sets there were before is no matter of the rule.
        Some(rule) => match rule.split_once("@connlimit") {
            Some((before, after)) => {
                format!("{before}@connlimit{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            // Where no quotes are, more blanks than one are a slip of stock's.
            None if rule.contains('"') => rule.trim_start().to_owned(),
            None => rule.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        },
        None => super::NO_FORM.to_owned(),
    }
}

/// The lines of `-L` that belong to each of `count` cases.
pub fn listing(text: &str, count: usize) -> Vec<Vec<String>> {
    let mut cases = vec![Vec::new(); count];
    let mut at = None;
    for line in text.lines() {
        if line.is_empty() || line.starts_with("Chain ") {
            at = None;
        } else if let Some(n) = marked(line) {
            at = Some(n);
        } else if let Some(case) = at.and_then(|n: usize| cases.get_mut(n)) {
            case.push(line.to_owned());
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_told_apart_by_markers() {
        let saved = "-P INPUT ACCEPT\n-A INPUT -m comment --comment \"oracle:1\"\n-A INPUT -p tcp\n-A INPUT -p udp\n\
                     -A OUTPUT -m comment --comment \"oracle:0\"\n-A OUTPUT\n";
        assert_eq!(rules(saved, 2), [vec![""], vec!["-p tcp", "-p udp"]]);
        let listed = "Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\n\
                      \x20          0    --  0.0.0.0/0   0.0.0.0/0   /* oracle:0 */\n\
                      DROP       6    --  0.0.0.0/0   !10.0.0.0/8   tcp dpt:80  x\n\nChain a\n";
        assert_eq!(listing(listed, 1), [["DROP       6    --  0.0.0.0/0   !10.0.0.0/8   tcp dpt:80  x"]]);
    }

    #[test]
    fn quotes() {
        assert_eq!(line(["a b", "", "q\"\\", "it's", "-x"]), r#""a b" "" "q\"\\" "it's" -x"#);
    }
}
