//! The kernel's own tables: what `iptables-legacy` wrote is read, decoded, encoded again and compared.

use crate::oracle::cases::{Case, Group};
use crate::oracle::{Program, SystemNames};
use ox_io::command::Command;
use ox_io::xtables::{Asker, Table};
use ox_packet::Family;
use ox_rules::ext::abi::{Carried, Carry, SetIds};
use ox_rules::ext::{Match, Target};
use ox_rules::ir::Dialect;
use ox_rules::model::{Raw, Rule, TableName};
use ox_rules::syntax::{Out, RuleCx, Strangers, read_rule, save_rule, split_words};
use ox_wire::xtables::entry::{Entry, Kind, Piece, entries};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How often each payload was met, by name and revision, and what was wrong.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// Payloads compared, by the kernel's name and the revision.
    pub payloads: BTreeMap<(String, u8), usize>,
    /// Those of them that are equal but for what [`ox_rules::ext::abi::Xt::settle`] takes out.
    pub settled: usize,
    /// Lines that stock printed and cannot read itself.
    pub unreadable: usize,
    /// Rules with a condition that stock does not print.
    pub lost: usize,
    /// Names and revisions that we neither read nor write.
    pub missing: BTreeSet<(String, u8)>,
    /// What differs, one line each.
    pub wrong: Vec<String>,
}

/// Numbers of sets as the kernel of this namespace has them.
struct KernelSets(Asker);

impl SetIds for KernelSets {
    fn number(&self, name: &str) -> Option<u16> {
        self.0.set_number(name).ok()?
    }
    fn name(&self, number: u16) -> Option<String> {
        self.0.set_name(number).ok()?
    }
}

/// Loads what stock takes of a group, in the namespace of the calling thread, and compares all of it.
///
/// # Errors
/// A program could not be run, or a table could not be read.
pub fn compare(family: Family, group: &Group, lock: &Path) -> Result<Met, String> {
    let program = Program { family, dialect: Dialect::Legacy };
    let run = |name: &str, args: &[&str]| {
        Command::new(name).args(args).env("XTABLES_LOCKFILE", lock).run().map_err(|why| why.to_string())
    };
    for words in &group.before {
        let [command, args @ ..] = words.as_slice() else { continue };
        run(command, &args.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    let mut tables: Vec<&str> = group.cases.iter().map(|c| &c.table[..]).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut met = Met::default();
    for table in tables {
        for Case { chain, words, .. } in group.cases.iter().filter(|c| c.table == table) {
            if !chain.bytes().all(|b| b.is_ascii_uppercase()) {
                // Made by the first case of this chain; later ones are told that it exists.
                run(&program.name(""), &["-t", table, "-N", chain])?;
            }
            let head = ["-t", table, "-A", chain];
            let args: Vec<&str> = head.into_iter().chain(words.iter().map(String::as_str)).collect();
            run(&program.name(""), &args)?;
        }
        let saved = run(&program.name("-save"), &["-t", table])?;
        let asker = Asker::open(family).map_err(|why| why.to_string())?;
        let sets = KernelSets(Asker::open(Family::V4).map_err(|why| why.to_string())?);
        let kernel = asker.table(table).map_err(|why| why.to_string())?;
        of_table(family, table, &saved.out(), &kernel, &sets, &mut met)?;
    }
    Ok(met)
}

/// One table: its text as stock saves it beside its entries.
fn of_table(
    family: Family,
    table: &str,
    saved: &str,
    kernel: &Table,
    sets: &dyn SetIds,
    met: &mut Met,
) -> Result<(), String> {
    let kind = if family == Family::V4 { Kind::Ipt } else { Kind::Ip6t };
    let all =
        entries(kind, &kernel.entries).map_err(|at| format!("{table}: the entry at {at} has impossible sizes"))?;
    let lines: Vec<&str> = saved.lines().filter(|l| l.starts_with("-A ")).collect();
    let rules = rules_of(kernel, &all);
    if rules.len() != lines.len() {
        return Err(format!("{table}: {} rules in the kernel, {} saved", rules.len(), lines.len()));
    }
    let cx = Carry { family, sets };
    let stock_reads = |line: &str| {
        let program = Program { family, dialect: Dialect::Legacy }.name("-restore");
        let text = format!("*{table}\n{line}\nCOMMIT\n");
        let out = Command::new(program).args(["--test", "--noflush"]).input(text).run();
        out.map(|out| out.success()).map_err(|why| why.to_string())
    };
    for (entry, line) in rules.into_iter().zip(lines) {
        match parse(family, table, line) {
            Ok(rule) => of_rule(entry, &rule, line, &cx, met),
            // Stock leaves out quotes that it then misses itself, or reads another name.
            Err(_) if line.split('"').count() % 2 == 0 || !stock_reads(line)? => met.unreadable += 1,
            // It rounds a rate up to more than there can be (deviations/rateest-wraps.toml).
            Err(_) if ROUNDED.iter().any(|unit| line.contains(unit)) => met.unreadable += 1,
            Err(why) => met.wrong.push(format!("{line}: we cannot read it: {why}")),
        }
    }
    Ok(())
}

/// The entries that are rules: without the heads of users' chains, the last entry of each chain, and the end.
fn rules_of<'a, 'b>(kernel: &Table, all: &'b [Entry<'a>]) -> Vec<&'b Entry<'a>> {
    let policy = |e: &Entry<'_>| (0..5).any(|h| kernel.hooks & 1 << h != 0 && kernel.policies[h] as usize == e.offset);
    let head = |e: &Entry<'_>| e.target.name == b"ERROR";
    let mut rules = Vec::new();
    let mut own = false;
    for (i, e) in all.iter().enumerate() {
        own |= head(e);
        let last = own && all.get(i + 1).is_some_and(head);
        if !head(e) && !last && !policy(e) {
            rules.push(e);
        }
    }
    rules
}

fn parse(family: Family, table: &str, line: &str) -> Result<Rule, String> {
    let mut words = Vec::new();
    split_words(line, &mut words).map_err(|why| format!("{why:?}"))?;
    let words: Vec<&str> = words.iter().skip(2).map(|w| &*w.text).collect();
    let names = SystemNames::default();
    let table = TableName::from_name(table).ok_or("an unknown table")?;
    let cx = RuleCx { family, dialect: Dialect::Legacy, table, names: &names, strangers: Strangers::Refuse };
    read_rule(&words, &cx).map(|read| read.rule).map_err(|why| why.to_string())
}

/// Conditions that the kernel holds and stock does not print, or not in full: deviations/tcp-flags-outside-mask.toml,
/// spi-full-range.toml, full-port-range-behind-not.toml, ipcomp-every-index.toml, time-epoch.toml and icmp-code-range.toml;
/// also every mobility header but all, and the code of an ICMP type that is any.
const LOST: [&str; 14] = [
    "--tcp-flags NONE SYN",
    "! --sport 0:65535",
    "! --dport 0:65535",
    "! --ahspi 0:4294967295",
    "! --espspi 0:4294967295",
    "--ipcompspi 0:4294967295",
    "! --fragid 0:4294967295",
    "! --rt-segsleft 0:4294967295",
    "--datestop 1970-01-01T00:00:00",
    "--icmp-type any",
    "--icmp-type 3/1:4",
    "--icmp-type 3/4:1",
    "--icmpv6-type 1/0:3",
    "! --mh-type 0:255",
];

/// Units of rates that stock prints without what is below them: deviations/rateest-wraps.toml.
const ROUNDED: [&str; 2] = ["Kbit", "Mbit"];

fn of_rule(entry: &Entry<'_>, rule: &Rule, line: &str, cx: &Carry<'_>, met: &mut Met) {
    if entry.matches.len() != rule.matches.len() {
        let names: Vec<_> = entry.matches.iter().map(|p| String::from_utf8_lossy(p.name)).collect();
        met.wrong.push(format!("{line}: the kernel has the matches {names:?}"));
        return;
    }
    let mut decoded = rule.clone();
    for ((piece, ours), theirs) in entry.matches.iter().zip(&rule.matches).zip(&mut decoded.matches) {
        let (name, raw) = raw(piece);
        *theirs = Match::decode(&name, raw, cx);
        let said = text(&Rule { matches: vec![theirs.clone()].into(), ..Rule::default() }, cx.family);
        let lost = LOST.iter().any(|lost| said.contains(lost)) || ROUNDED.iter().any(|unit| line.contains(unit));
        if ours != theirs && lost {
            met.lost += 1;
            return;
        }
        let again = ours.encode(cx, &|n, r| (n, r) == (&name, piece.revision));
        of_piece(piece, again, ours == theirs, line, met);
    }
    // Jumps and verdicts have no name there.
    if !matches!(rule.target, Target::None | Target::Jump(_) | Target::Goto(_) | Target::Standard(_)) {
        let (name, raw) = raw(&entry.target);
        decoded.target = Target::decode(&name, raw, cx);
        let again = rule.target.encode(cx, &|n, r| (n, r) == (&name, entry.target.revision));
        of_piece(&entry.target, again, rule.target == decoded.target, line, met);
    }
    let (ours, theirs) = (text(rule, cx.family), text(&decoded, cx.family));
    if theirs.contains("[unsupported revision]") && !met.missing.is_empty() {
        return;
    }
    if ours != theirs || !rule.same(&decoded) {
        met.wrong.push(format!("{line}\n    decoded as {theirs}\n    and not as {ours}"));
    }
}

fn raw(piece: &Piece<'_>) -> (String, Raw) {
    let name = String::from_utf8_lossy(piece.name).into_owned();
    (name, Raw { revision: piece.revision, info: piece.info.to_vec() })
}

/// What we encode must be the kernel's bytes, as far as they are user space's. Where decoding has settled bytes that nobody
/// looks at, it has compared the others.
fn of_piece(piece: &Piece<'_>, again: Option<Carried>, same: bool, line: &str, met: &mut Met) {
    let name = String::from_utf8_lossy(piece.name).into_owned();
    let revision = piece.revision;
    let Some(Carried { info, compare, .. }) = again else {
        met.missing.insert((name, revision));
        return;
    };
    let (ours, theirs) = (&info[..compare], &piece.info[..compare.min(piece.info.len())]);
    if ours != theirs && !same {
        let both = format!("    is encoded as {ours:02x?}\n    and not as    {theirs:02x?}");
        met.wrong.push(format!("{line}: {name} {revision}\n{both}"));
        return;
    }
    met.settled += usize::from(ours != theirs);
    *met.payloads.entry((name, revision)).or_default() += 1;
}

fn text(rule: &Rule, family: Family) -> String {
    let mut out = Out::default();
    save_rule(rule, family, false, &mut out);
    out.text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{cases, root};
    use crate::random::Random;
    use ox_rules::ext::abi::NoSets;
    use ox_rules::ir::lower;
    use ox_rules::model::{Ruleset, Table};
    use ox_rules::syntax::Show;
    use std::cell::RefCell;

    /// What is said of a case, by us; cases that we refuse say nothing.
    fn rules(family: Family) -> Vec<(Rule, String)> {
        let groups = cases::names(&root()).into_iter().map(|n| cases::group(&root(), &n, family, 7, 12).unwrap());
        let cases = groups.flat_map(|g| g.cases);
        let names = SystemNames::default();
        let read = |case: Case| {
            let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
            let table = TableName::from_name(&case.table)?;
            let cx = RuleCx { family, dialect: Dialect::Legacy, table, names: &names, strangers: Strangers::Refuse };
            Some((read_rule(&words, &cx).ok()?.rule, words.join(" ")))
        };
        cases.filter_map(read).collect()
    }

    /// Every set is there: it is numbered when it is first asked for.
    #[derive(Default)]
    struct AnySet(RefCell<Vec<String>>);

    impl SetIds for AnySet {
        fn number(&self, name: &str) -> Option<u16> {
            let mut sets = self.0.borrow_mut();
            let at = sets.iter().position(|s| s == name).unwrap_or_else(|| {
                sets.push(name.to_owned());
                sets.len() - 1
            });
            u16::try_from(at).ok()
        }
        fn name(&self, number: u16) -> Option<String> {
            self.0.borrow().get(usize::from(number)).cloned()
        }
    }

    #[test]
    fn every_revision_says_the_same_again() {
        let (mut said, sets) = (0, AnySet::default());
        for family in [Family::V4, Family::V6] {
            for (rule, words) in rules(family) {
                let cx = Carry { family, sets: &sets };
                for wanted in 0..=9 {
                    let confirmed = |_: &str, revision: u8| revision == wanted;
                    let raw = |c: &Carried| Raw { revision: c.revision, info: c.info.clone() };
                    for m in &rule.matches {
                        let Some(c) = m.encode(&cx, &confirmed) else { continue };
                        let again = Match::decode(&c.name, raw(&c), &cx);
                        assert!(again == *m, "{words}: {} {wanted} says {again:?}", c.name);
                        said += 1;
                    }
                    if let Some(c) = rule.target.encode(&cx, &confirmed) {
                        let again = Target::decode(&c.name, raw(&c), &cx);
                        assert!(again == rule.target, "{words}: {} {wanted} says {again:?}", c.name);
                        said += 1;
                    }
                }
            }
        }
        assert!(said > 1000, "only {said} payloads");
    }

    /// Whatever bytes a kernel may hand over: what is read of them means the same when it is written and read again, and can
    /// be printed, listed and lowered.
    #[test]
    fn damaged_payloads_do_no_harm() {
        let (mut read, sets, mut random) = (0, AnySet::default(), Random::new(1));
        for family in [Family::V4, Family::V6] {
            let cx = Carry { family, sets: &sets };
            for (rule, words) in rules(family) {
                for wanted in 0..=4 {
                    let confirmed = |_: &str, revision: u8| revision == wanted;
                    for m in &rule.matches {
                        let Some(good) = m.encode(&cx, &confirmed) else { continue };
                        let raw = damaged(&good, &mut random);
                        let found = Match::decode(&good.name, raw.clone(), &cx);
                        let again = found.encode(&cx, &confirmed).expect("what was read is written");
                        let again = Match::decode(&again.name, Raw { revision: wanted, info: again.info }, &cx);
                        assert!(again == found, "{words}: {raw:?} reads {found:?} and then {again:?}");
                        read += usize::from(!matches!(found, Match::Foreign(_)));
                        use_rule(&Rule { matches: vec![found].into(), ..rule.clone() }, family);
                    }
                    let Some(good) = rule.target.encode(&cx, &confirmed) else { continue };
                    let raw = damaged(&good, &mut random);
                    let found = Target::decode(&good.name, raw.clone(), &cx);
                    let again = found.encode(&cx, &confirmed).expect("what was read is written");
                    let again = Target::decode(&again.name, Raw { revision: wanted, info: again.info }, &cx);
                    assert!(again == found, "{words}: {raw:?} reads {found:?} and then {again:?}");
                    read += usize::from(!matches!(found, Target::Foreign(_)));
                    use_rule(&Rule { target: found, ..rule.clone() }, family);
                }
            }
        }
        assert!(read > 1000, "only {read} payloads are no longer what they were");
    }

    /// Some bytes of a payload are others, among them the first ones more often, where what is asked mostly stands.
    fn damaged(good: &Carried, random: &mut Random) -> Raw {
        let mut info = good.info.clone();
        for _ in 0..=random.below(3) {
            let len = info.len() as u64;
            let end = if random.percent(50) { len } else { len.min(16) };
            if let Some(byte) = info.get_mut(random.below(end) as usize) {
                *byte = if random.percent(50) { *byte ^ 1 << random.below(8) } else { random.draw() as u8 };
            }
        }
        Raw { revision: good.revision, info }
    }

    fn use_rule(rule: &Rule, family: Family) {
        let names = SystemNames::default();
        let mut out = Out::default();
        save_rule(rule, family, false, &mut out);
        for numeric in [false, true] {
            let show = Show { numeric, names: &names, family, proto: 6 };
            rule.matches.iter().for_each(|m| m.list(&mut out, &show));
            rule.target.list(&mut out, &show);
        }
        let mut table = Table::new(TableName::Filter);
        table.chains[0].rules = vec![rule.clone()];
        let mut ruleset = Ruleset::new(family);
        ruleset.tables.push(table);
        for dialect in [Dialect::Legacy, Dialect::Nft] {
            lower(&ruleset, dialect);
        }
    }

    #[test]
    fn what_cannot_be_read_comes_back_as_it_came() {
        let cx = Carry { family: Family::V4, sets: &NoSets };
        let good = [80, 0, 80, 0, 0, 0, 255, 255, 0, 0, 0, 0];
        let decode =
            |name: &str, revision: u8, info: &[u8]| Match::decode(name, Raw { revision, info: info.to_vec() }, &cx);
        assert!(matches!(decode("tcp", 0, &good), Match::Tcp(_)));
        let mut unknown_flag = good;
        unknown_flag[11] = 0x10;
        for (name, revision, info) in [
            ("tcp", 0, &unknown_flag[..]),
            ("tcp", 1, &good),
            ("tcp", 0, &good[..8]),
            ("tcp", 0, &[0; 24]),
            ("nosuch", 0, &good),
            ("", 0, &[]),
        ] {
            let read = decode(name, revision, info);
            assert!(matches!(read, Match::Foreign(_)), "{name} {revision} {info:?}");
            let again = read.encode(&cx, &|_, _| false).unwrap();
            assert_eq!((&again.name[..], again.revision, &again.info[..]), (name, revision, info));
        }
    }
}
