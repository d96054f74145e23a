//! What the stock programs took: a comparison of refusals only would say little.
//!
//! What a rule is made of is read off its words with the extensions' own option tables, abbreviations and aliases included.

use ox_packet::Family;
use ox_rules::ext::{self, Desc, match_desc, target_desc};
use ox_rules::syntax::Opt;
use std::collections::{BTreeMap, BTreeSet};

/// What cannot be taken here, and why: an extension, or one of its options.
pub const EXCEPTIONS: [(&str, &str); 7] = [
    ("-m bpf --object-pinned", "nothing is pinned in a fresh namespace"),
    ("-m ipvs", "the kernel may lack its module"),
    ("-j CLUSTERIP", "the kernel may lack its module"),
    ("-j LED", "the kernel may lack its module"),
    ("-j SECMARK", "asks a security module that may not be there"),
    ("-j ULOG", "newer kernels lack its module"),
    ("-j CT --timeout", "names a timeout policy that no tool here makes"),
];

/// Rules with an extension that must have been taken.
pub const ENOUGH: usize = 20;

/// What a rule is made of: `-m tcp`, `-m tcp --source-port`, `-m tcp ! --source-port`, `-j LOG`, …
pub fn labels(words: &[String], family: Family) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(String, &'static Desc)> = Vec::new();
    let mut proto: Option<(String, &'static Desc)> = None;
    let mut not = false;
    let mut i = 0;
    while let Some(word) = words.get(i).map(String::as_str) {
        i += 1;
        let next = words.get(i).map_or("", String::as_str);
        match word {
            "!" => {
                not = true;
                continue;
            }
            "-m" => open.extend(match_desc(next, family).map(|d| (format!("-m {}", d.name), d))),
            "-j" => open.extend(target_desc(next, family).map(|d| (format!("-j {}", d.name), d))),
            "-p" => {
                let name = if next == "icmpv6" { "icmp6" } else { next };
                proto = match_desc(name, family).map(|d| (format!("-m {}", d.name), d));
            }
            _ => {
                if let Some(name) = word.strip_prefix("--") {
                    let name = name.split('=').next().unwrap_or_default();
                    let known = find(&open, name).or_else(|| find(proto.as_slice(), name));
                    if let Some((label, opt)) = known {
                        found.insert(label.clone());
                        let not = if not { "! " } else { "" };
                        found.insert(format!("{label} {not}--{}", opt.names[0]));
                        if !(opt.optional && (next.is_empty() || next.starts_with('-') || next == "!")) {
                            i += usize::from(opt.args).saturating_sub(usize::from(word.contains('=')));
                        }
                    }
                }
            }
        }
        not = false;
    }
    found.extend(open.into_iter().map(|(label, _)| label));
    found
}

/// The option of this name, or the only one that begins so, among the extensions named so far.
fn find<'o>(open: &'o [(String, &'static Desc)], name: &str) -> Option<(&'o String, &'static Opt)> {
    let all = || open.iter().rev().flat_map(|(label, d)| d.options.iter().map(move |o| (label, o)));
    let exact = all().find(|(_, o)| o.names.contains(&name));
    exact.or_else(|| all().find(|(_, o)| o.names.iter().any(|n| n.starts_with(name))))
}

/// Everything that an extension must show: itself, its options, and those with `!`.
fn wanted() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let matches = ext::matches().iter().map(|d| ("-m", d));
    for (what, desc) in matches.chain(ext::targets().iter().map(|d| ("-j", d))) {
        let label = format!("{what} {}", desc.name);
        for o in desc.options {
            all.push((desc.name, format!("{label} --{}", o.names[0])));
            if o.invert {
                all.push((desc.name, format!("{label} ! --{}", o.names[0])));
            }
        }
        all.push((desc.name, label));
    }
    all.sort();
    all.dedup();
    all
}

fn excused(label: &str) -> bool {
    EXCEPTIONS.iter().any(|(e, _)| label == *e || label.starts_with(&format!("{e} ")))
}

/// `12/14`: options taken of those that there are, with and without `!`; nothing for what is no extension.
pub fn share(name: &str, taken: &BTreeMap<String, usize>) -> String {
    let options: Vec<String> =
        wanted().into_iter().filter(|(n, l)| *n == name && l.contains("--")).map(|(_, l)| l).collect();
    if options.is_empty() {
        return String::new();
    }
    let some = options.iter().filter(|l| taken.contains_key(*l)).count();
    format!("{some}/{}", options.len())
}

/// What was taken too rarely, with how often.
pub fn shortfalls(taken: &BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let count = |label: &String| taken.get(label).copied().unwrap_or(0);
    let enough = |label: &String| if label.contains("--") { 1 } else { ENOUGH };
    let labels = wanted().into_iter().map(|(_, l)| l).filter(|l| !excused(l));
    labels.map(|l| (count(&l), l)).filter(|(n, l)| *n < enough(l)).map(|(n, l)| (l, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_with_its_abbreviations() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found =
            labels(&words("-p tcp ! --dpo=80 -m mark ! --mark 1 -m set --match-set --x src -j LOG"), Family::V4);
        let expected = [
            "-j LOG",
            "-m mark",
            "-m mark ! --mark",
            "-m set",
            "-m set --match-set",
            "-m tcp",
            "-m tcp ! --destination-port",
        ];
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_was_never_taken_is_told() {
        let mut taken = BTreeMap::from([("-m mark".to_owned(), 20), ("-m mark --mark".to_owned(), 1)]);
        let told = |taken: &BTreeMap<String, usize>| -> Vec<String> {
            shortfalls(taken).into_iter().map(|(label, _)| label).filter(|l| l.starts_with("-m mark")).collect()
        };
        assert_eq!(told(&taken), ["-m mark ! --mark"]);
        assert_eq!(share("mark", &taken), "1/2");
        taken.insert("-m mark ! --mark".to_owned(), 1);
        taken.insert("-m mark".to_owned(), 19);
        assert_eq!(told(&taken), ["-m mark"]);
        assert!(shortfalls(&taken).iter().all(|(l, _)| !l.starts_with("-m ipvs")));
    }
}
