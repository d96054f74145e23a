//! Where rules come from: hand-written files, and the generator.
//!
//! A file `test/oracle/NAME.rules` has one case a line, `FAMILIES TABLE CHAIN RULE-WORDS`, where FAMILIES is 4, 6 or 46
//! and words are written as in restore text. `#` begins a comment line. A line `@FAMILIES COMMAND…` is run in the
//! namespace first (to make an ipset, say). There are no results in it: the stock program answers at test time.

use super::{Program, SystemNames, ours};
use crate::generate::{self, Kind};
use crate::random::Random;
use ox_packet::Family;
use ox_rules::ext::{self, Desc};
use ox_rules::ir::Dialect;
use ox_rules::syntax::split_words;
use std::path::Path;

/// A rule to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Where it comes from: file and line, or the seed.
    pub from: String,
    /// Table.
    pub table: String,
    /// Chain.
    pub chain: String,
    /// The rule's words.
    pub words: Vec<String>,
}

/// Everything to be tried under one name.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Commands to run in the namespace first.
    pub before: Vec<Vec<String>>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// Names under which cases are grouped: every extension, rules without any, mixtures, and every other file of cases.
pub fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = vec!["heads".to_owned(), "mixtures".to_owned()];
    names.extend(files(root));
    names.extend(ext::matches().iter().map(|d| d.name.to_owned()));
    names.extend(ext::targets().iter().map(|d| d.name.to_owned()));
    names.sort();
    names.dedup();
    names
}

/// Names of the files of cases.
fn files(root: &Path) -> Vec<String> {
    let Ok(directory) = std::fs::read_dir(root.join("test/oracle")) else { return Vec::new() };
    let names = directory.filter_map(|f| f.ok()?.file_name().into_string().ok());
    names.filter_map(|n| n.strip_suffix(".rules").map(str::to_owned)).collect()
}

/// The cases of one name for a family, whichever program is asked: those for the nft variant.
///
/// # Errors
/// As [`group_for`].
pub fn group(root: &Path, name: &str, family: Family, seed: u64, count: usize) -> Result<Group, String> {
    group_for(root, name, Program { family, dialect: Dialect::Nft }, seed, count)
}

/// The cases of one name for a program: first those written by hand, then `count` generated ones, of which we take six of
/// ten.
///
/// # Errors
/// A line that cannot be read, with file and line number.
pub fn group_for(root: &Path, name: &str, program: Program, seed: u64, count: usize) -> Result<Group, String> {
    let family = program.family;
    let mut group = read(root, name, family)?;
    group.before.extend(wanted(name, program));
    let names = SystemNames::default();
    let good = |made: &generate::Made| ours::takes(program, &case(String::new(), made.clone()), &names);
    let mut random = Random::named(seed, &format!("{name}{family:?}"));
    let matches: Vec<&Desc> = ext::matches().iter().filter(|d| d.families.has(family)).collect();
    let targets: Vec<&Desc> = ext::targets().iter().filter(|d| d.families.has(family)).collect();
    let mut made = Vec::new();
    match name {
        "heads" => made = generate::heads(family, count * 2, &mut random),
        "mixtures" => made = generate::mixtures(&matches, &targets, family, count * 4, &mut random),
        _ => {
            for (list, kind) in [(&matches, Kind::Match), (&targets, Kind::Target)] {
                if let Some(desc) = list.iter().find(|d| d.name == name) {
                    made.extend(generate::telling_rules(desc, kind, family, count, &mut random, &good));
                }
            }
        }
    }
    let made = made.into_iter().enumerate();
    group.cases.extend(made.map(|(i, m)| case(format!("OX_SEED={seed} rule {i}"), m)));
    Ok(group)
}

/// What makes the things that the generator's words name: they must exist.
fn wanted(name: &str, program: Program) -> Vec<Vec<String>> {
    let family = program.family;
    let mut before: Vec<Vec<String>> = Vec::new();
    if ["nfacct", "mixtures"].contains(&name) {
        before.extend(["acct", "other"].map(|object| ["nfacct", "add", object].map(str::to_owned).to_vec()));
    }
    if name == "mixtures" {
        for estimator in ["a", "b"] {
            let command =
                [&program.name(""), "-t", "mangle", "-A", "OUTPUT", "-j", "RATEEST", "--rateest-name", estimator];
            let pace = ["--rateest-interval", "250ms", "--rateest-ewmalog", "1s"];
            before.push(command.into_iter().chain(pace).map(str::to_owned).collect());
        }
    }
    if ["set", "SET", "mixtures"].contains(&name) {
        let inet = if family == Family::V4 { "inet" } else { "inet6" };
        for (set, kind) in
            [("ips", "hash:ip"), ("nets", "hash:net"), ("pairs", "hash:ip,port"), ("three", "hash:ip,port,ip")]
        {
            let command = ["ipset", "create", set, kind, "family", inet, "timeout", "0"];
            before.push(command.map(str::to_owned).to_vec());
        }
    }
    before
}

/// The rules at the bounds of one extension, for a program: `count` of them, or all.
pub fn bounds_for(root: &Path, name: &str, program: Program, seed: u64, count: usize) -> Result<Group, String> {
    let family = program.family;
    let mut group = Group { before: read(root, name, family)?.before, cases: Vec::new() };
    group.before.extend(wanted(name, program));
    let names = SystemNames::default();
    let good = |made: &generate::Made| ours::takes(program, &case(String::new(), made.clone()), &names);
    // Always the same rules: only which of them are tried goes by the seed.
    let mut random = Random::named(0, &format!("{name}{family:?}"));
    let mut made = Vec::new();
    for (list, kind) in [(ext::matches(), Kind::Match), (ext::targets(), Kind::Target)] {
        if let Some(desc) = list.iter().find(|d| d.name == name && d.families.has(family)) {
            made.extend(generate::bounds::rules(desc, kind, family, &mut random, &good));
        }
    }
    let mut made: Vec<_> = made.into_iter().enumerate().collect();
    Random::named(seed, &format!("{name}{family:?}")).shuffle(&mut made);
    made.truncate(count);
    made.sort_by_key(|m| m.0);
    group.cases.extend(made.into_iter().map(|(i, m)| case(format!("bound {i}"), m)));
    Ok(group)
}

fn case(from: String, made: generate::Made) -> Case {
    Case { from, table: made.table.to_owned(), chain: made.chain.to_owned(), words: made.words }
}

/// Reads the hand-written cases. A file that is not there has none.
fn read(root: &Path, name: &str, family: Family) -> Result<Group, String> {
    let file = format!("test/oracle/{name}.rules");
    let Ok(text) = std::fs::read_to_string(root.join(&file)) else { return Ok(Group::default()) };
    parse(&text, &file, family)
}

/// Reads the text of a file of cases.
///
/// # Errors
/// A line that cannot be read, with file and line number.
pub fn parse(text: &str, file: &str, family: Family) -> Result<Group, String> {
    let mut group = Group::default();
    for (n, line) in text.lines().enumerate() {
        let from = format!("{file}:{}", n + 1);
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = Vec::new();
        split_words(line, &mut words).map_err(|_| format!("{from}: a quote is not closed"))?;
        let mut words = words.into_iter().map(|w| w.text.into_owned());
        let first = words.next().unwrap_or_default();
        let (families, command) = match first.strip_prefix('@') {
            Some(rest) => (rest, true),
            None => (&first[..], false),
        };
        if families.is_empty() || !families.bytes().all(|b| matches!(b, b'4' | b'6')) {
            return Err(format!("{from}: `{first}' is not 4, 6 or 46"));
        }
        if !families.contains(if family == Family::V4 { '4' } else { '6' }) {
            continue;
        }
        if command {
            group.before.push(words.collect());
            continue;
        }
        let (Some(table), Some(chain)) = (words.next(), words.next()) else {
            return Err(format!("{from}: a case is `FAMILIES TABLE CHAIN RULE-WORDS'"));
        };
        group.cases.push(Case { from, table, chain, words: words.collect() });
    }
    Ok(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target whose match has the same name in small letters may share its file.
    #[test]
    fn every_extension_has_a_file_of_cases() {
        let files = files(&crate::oracle::root());
        let shared = |name: &str| files.iter().any(|f| f == name || *f == name.to_lowercase());
        let all = ext::matches().iter().chain(ext::targets()).map(|d| d.name);
        let missing: Vec<&str> = all.filter(|n| !shared(n) && *n != "NOTRACK").collect();
        assert_eq!(missing, [""; 0], "without a file test/oracle/NAME.rules");
    }

    #[test]
    fn lines_are_cases() {
        let text =
            "# why\n46 filter INPUT -m comment --comment \"two words\"\n@4 ipset create x\n6 raw OUTPUT -j NOTRACK\n";
        let four = parse(text, "f", Family::V4).unwrap();
        assert_eq!(four.before, [["ipset", "create", "x"]]);
        assert_eq!(four.cases.len(), 1);
        assert_eq!(four.cases[0].words, ["-m", "comment", "--comment", "two words"]);
        let six = parse(text, "f", Family::V6).unwrap();
        assert_eq!((six.before.len(), six.cases.len(), &six.cases[1].from[..]), (0, 2, "f:4"));
        assert!(parse("5 filter INPUT", "f", Family::V4).unwrap_err().contains("f:1"));
        assert!(parse("4 filter", "f", Family::V4).is_err());
        assert!(parse("4 filter INPUT \"x", "f", Family::V4).is_err());
    }
}
