//! Rules that nobody would write: options of every extension with arguments that do not fit. Nothing of it may panic,
//! and what is taken must print as text that reads back as the same rule.

use ox_packet::Family;
use ox_rules::ext::{self, Desc};
use ox_rules::ir::{Dialect, lower};
use ox_rules::model::{Rule, TableName};
use ox_rules::syntax::{Book, NoNames, Out, Program, RuleCx, Strangers, dump, read_rule, save_rule, split_words};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Arguments that fit somewhere, and arguments that fit nowhere.
const ARGUMENTS: &[&str] = &[
    "",
    " ",
    "0",
    "1",
    "2",
    "7",
    "-1",
    "+1",
    " 1",
    "1 ",
    "0x",
    "0x1",
    "0xffffffff",
    "0x1/0x3",
    "1/2",
    "1e9",
    "08",
    "1_0",
    "٣",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    ":",
    "1:",
    ":1",
    "1:2",
    "2:1",
    "0:65535",
    "1:2:3",
    "1-2",
    "2-1",
    ",",
    "1,",
    ",1",
    "1,2",
    "1,,2",
    "1,2:5",
    "/",
    "1/s",
    "3/hour",
    "5/sec",
    "1b/s",
    "10kb/s",
    "0/s",
    "1/",
    "1.2.3.4",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.4/8",
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/255.0.255.0",
    "1.2.3.4-1.2.3.9",
    "1.2.3.9-1.2.3.4",
    "1.2.3.4:80",
    "1.2.3.4:80-90",
    "1.2.3.4-1.2.3.9:1-2/3",
    "::",
    "::1",
    "::1/64",
    "::1/129",
    "2001:db8::1-2001:db8::9",
    "[::1]:80",
    "[::1",
    "[]",
    "SYN",
    "SYN,ACK",
    "ALL",
    "NONE",
    "SYN,FIN",
    "NEW",
    "NEW,ESTABLISHED",
    "new",
    "SNAT",
    "LOCAL",
    "UNICAST",
    "src",
    "dst",
    "src,dst",
    "src,src,src,src,src,src,src",
    "original",
    "reply",
    "both",
    "packets",
    "bytes",
    "random",
    "nth",
    "bm",
    "kmp",
    "any",
    "echo-request",
    "icmp-port-unreachable",
    "tcp-reset",
    "8/0",
    "8/",
    "/0",
    "Mon,Tue",
    "Mon",
    "1,31",
    "32",
    "00:00",
    "23:59:59",
    "24:00",
    "2024-02-30",
    "2024-02-28T12:00:00",
    "1969",
    "2038-01-19",
    "00:11:22:33:44:55",
    "0:1:2:3:4:5",
    "00:11:22:33:44",
    "zz:zz:zz:zz:zz:zz",
    "Minimize-Delay",
    "EF",
    "CS1",
    "BE",
    "0.5",
    "1.0",
    "-0.1",
    "nan",
    "inf",
    "0.00000000001",
    "|41 42|",
    "|4|",
    "|",
    "|zz|",
    "a|41|b",
    "\\",
    "\"",
    "'",
    "a b",
    "a\tb",
    "a\"b",
    "a\\b",
    "a'b",
    "!",
    "--",
    "-j",
    "é",
    "日本語",
    "\u{1b}[31m",
    "\u{a0}",
    "\u{7f}",
    "eth0",
    "eth+",
    "+",
    "abcdefghijklmnopqrstuvwxyz",
    "0>>22&0x3C@12=1",
    "0=1",
    "0&1=1:2,3",
    "&&=",
    "@",
    "0@0@0=0",
    "0x10000:0x1",
    "1:1",
    "ffff:ffff",
    "tcp",
    "udp",
    "syn",
    "root",
    "0-5",
    "5-0",
    "0-4294967295",
    "DATA",
    "any DATA",
    "INIT:all",
    "REQUEST",
    "hop",
    "hop,dst",
    "ip,ipv6",
    "out",
    "in",
    "pol",
    "none",
    "ipsec",
    "tunnel",
    "transport",
    "strict",
    "sport,dport",
    "1000",
    "1400",
    "blue",
    "debug",
    "emerg",
    "1:2,3:4",
    "16:4,20",
    "12:1",
    "2001:db8::/48",
    "accept",
    "drop",
    "1/1/1",
];

/// Words of a rule's head and around it.
const HEADS: &[&[&str]] = &[
    &["-p", "tcp"],
    &["-p", "udp"],
    &["-p", "sctp"],
    &["-p", "dccp"],
    &["-p", "icmp"],
    &["-p", "icmpv6"],
    &["-p", "ah"],
    &["-p", "esp"],
    &["-p", "mh"],
    &["-p", "ipcomp"],
    &["-p", "all"],
    &["-p", "udplite"],
    &["!", "-p", "tcp"],
    &["-p", "47"],
    &["-s", "10.0.0.0/8"],
    &["!", "-d", "10.1.2.3/255.0.255.0"],
    &["-s", "2001:db8::/32"],
    &["-i", "eth0"],
    &["!", "-o", "eth+"],
    &["-i", "a b"],
    &["-i", "+"],
    &["!", "-i", "+"],
    &["-f"],
    &["!", "-f"],
    &["-c", "1", "2"],
    &["-4"],
    &["-6"],
    &["!"],
    &["--"],
];

/// One part of a rule, before it is known what its numbers stand for.
type Seed = (Index, Vec<(Index, bool, Vec<Argument>)>);

/// An argument: one of the list, as long as can be, or any text on one line.
#[derive(Clone, Debug)]
enum Argument {
    Known(&'static str),
    Joined(&'static str, &'static str, &'static str),
    Long(&'static str, usize),
    Any(String),
}

impl Argument {
    fn text(&self) -> String {
        match self {
            Self::Known(text) => (*text).to_owned(),
            Self::Joined(a, between, b) => format!("{a}{between}{b}"),
            Self::Long(text, times) => text.repeat(*times),
            Self::Any(text) => text.clone(),
        }
    }
}

fn argument() -> impl Strategy<Value = Argument> {
    prop_oneof![
        12 => select(ARGUMENTS).prop_map(Argument::Known),
        3 => (select(ARGUMENTS), select(&[":", "-", ",", "/", "=", "@"][..]), select(ARGUMENTS)).prop_map(|(a, s, b)| Argument::Joined(a, s, b)),
        1 => (select(&["a", "1", "1,", "9", "é", "SYN,", "1:2,"][..]), select(&[15_usize, 16, 31, 32, 63, 64, 255, 256, 300, 5000][..])).prop_map(|(t, n)| Argument::Long(t, n)),
        2 => "[^\n\0]{0,12}".prop_map(Argument::Any),
    ]
}

fn seeds(most: usize) -> impl Strategy<Value = Vec<Seed>> {
    vec((any::<Index>(), vec((any::<Index>(), prop::bool::weighted(0.15), vec(argument(), 0..3)), 0..4)), 0..most)
}

/// Words of one extension's options.
fn options(desc: &Desc, seed: &Seed, words: &mut Vec<String>) {
    // Options that it cannot do without are there more often than not, or nothing would ever be taken.
    let needed = desc.options.iter().enumerate().filter(|(_, o)| o.needed).map(|(i, _)| i);
    let chosen: Vec<usize> = if desc.options.is_empty() {
        Vec::new()
    } else {
        needed.chain(seed.1.iter().map(|s| s.0.index(desc.options.len()))).collect()
    };
    for (n, row) in chosen.into_iter().enumerate() {
        let opt = &desc.options[row];
        let given = seed.1.get(n % seed.1.len().max(1));
        if given.is_some_and(|g| g.1) {
            words.push("!".into());
        }
        words.push(format!("--{}", opt.names[0]));
        let args = given.map_or(&[][..], |g| &g.2);
        // Mostly as many words as it takes.
        let count = if args.len() == 2 && n == 1 { 2 } else { opt.args.into() };
        words.extend((0..count).map(|i| args.get(i % args.len().max(1)).map_or("1".into(), Argument::text)));
    }
}

fn words(family: Family, heads: &[Index], matches: &[Seed], target: Option<&Seed>) -> Vec<String> {
    let mut words = Vec::new();
    for head in heads {
        words.extend(HEADS[head.index(HEADS.len())].iter().map(|&w| w.to_owned()));
    }
    let of = |list: &'static [Desc]| list.iter().filter(|d| d.families.has(family)).collect::<Vec<_>>();
    let known = of(ext::matches());
    for seed in matches {
        let desc = known[seed.0.index(known.len())];
        words.extend(["-m".to_owned(), desc.name.to_owned()]);
        options(desc, seed, &mut words);
    }
    if let Some(seed) = target {
        let known = of(ext::targets());
        let desc = known[seed.0.index(known.len())];
        words.extend(["-j".to_owned(), desc.name.to_owned()]);
        options(desc, seed, &mut words);
    }
    words
}

const EVERYBODY: [(Family, Dialect); 4] = [
    (Family::V4, Dialect::Nft),
    (Family::V4, Dialect::Legacy),
    (Family::V6, Dialect::Nft),
    (Family::V6, Dialect::Legacy),
];

fn read(words: &[&str], family: Family, dialect: Dialect, table: TableName, strangers: Strangers) -> Option<Vec<Rule>> {
    let cx = RuleCx { family, dialect, table, names: &NoNames, strangers };
    let rule = read_rule(words, &cx).ok()?;
    if rule.help { None } else { Some(rule.into_rules()) }
}

fn printed(rule: &Rule, family: Family) -> String {
    let mut out = Out::default();
    save_rule(rule, family, true, &mut out);
    out.text
}

/// Reads words in every way, and what is taken again from its print. Returns how often it was taken.
fn there_and_back(words: &[String], family: Family, dialect: Dialect) -> Result<usize, TestCaseError> {
    let refs: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut taken = 0;
    let ways = [(TableName::Filter, Strangers::Refuse), (TableName::Mangle, Strangers::Keep)];
    for (table, strangers) in ways {
        let Some(rules) = read(&refs, family, dialect, table, strangers) else { continue };
        for rule in rules.iter().take(3) {
            taken += 1;
            let text = printed(rule, family);
            let mut again = Vec::new();
            prop_assert!(split_words(&text, &mut again).is_ok(), "{words:?}: {text}");
            let again: Vec<&str> = again.iter().map(|w| &*w.text).collect();
            let Some(back) = read(&again, family, dialect, table, strangers) else {
                let cx = RuleCx { family, dialect, table, names: &NoNames, strangers };
                let why = read_rule(&again, &cx).err();
                return Err(TestCaseError::fail(format!("{words:?}\nprints `{text}',\nwhich is refused: {why:?}")));
            };
            prop_assert_eq!(back.len(), 1);
            prop_assert_eq!(&printed(&back[0], family), &text, "{:?}", words);
        }
        // As a file, which is also lowered and printed whole.
        let text = printed(&rules[0], family);
        let file = format!("*{}\n-A FORWARD {text}\nCOMMIT\n", table.name());
        let program = Program { family, dialect };
        if let Ok(book) = Book::read(file.as_bytes(), program, &NoNames) {
            let _ = lower(&book.ruleset, dialect);
            let mut out = Out::default();
            if let Some(table) = book.ruleset.table(table) {
                dump(table, program, true, "now", &mut out);
            }
            prop_assert!(Book::read(out.text.as_bytes(), program, &NoNames).is_ok(), "{}", out.text);
        }
    }
    Ok(taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_taken_prints_as_what_is_taken(
        who in 0_usize..4,
        heads in vec(any::<Index>(), 0..3),
        matches in seeds(3),
        target in prop::option::of(seeds(2)),
    ) {
        let (family, dialect) = EVERYBODY[who];
        let target = target.as_ref().and_then(|t| t.first());
        there_and_back(&words(family, &heads, &matches, target), family, dialect)?;
    }

    #[test]
    fn any_text_is_read_or_refused(lines in vec("[ -~é\t\u{0}\"\\\\!:*\\[\\]-]{0,40}", 0..8), who in 0_usize..4) {
        let (family, dialect) = EVERYBODY[who];
        for text in [lines.join("\n"), format!("*filter\n{}\nCOMMIT\n", lines.join("\n"))] {
            let program = Program { family, dialect };
            match Book::read(text.as_bytes(), program, &NoNames) {
                Ok(book) => { let _ = lower(&book.ruleset, dialect); }
                Err(fault) => prop_assert!(fault.report(program, "it").0.len() < 3000),
            }
        }
    }
}

/// Every option of every extension with every argument of the list, alone and behind `!`: each one is met, not most.
/// In each family the dialects take turns.
#[test]
fn every_option_meets_every_argument() {
    let (mut tried, mut taken) = (0, 0);
    let mut faults = Vec::new();
    for (turn, (family, dialect)) in EVERYBODY.into_iter().enumerate() {
        let matches = ext::matches().iter().map(|d| ("-m", d));
        let targets = ext::targets().iter().map(|d| ("-j", d));
        for (flag, desc) in matches.chain(targets).filter(|(_, d)| d.families.has(family)) {
            for opt in desc.options {
                for (n, argument) in ARGUMENTS.iter().enumerate().filter(|(n, _)| n / 2 % 2 == turn % 2) {
                    let mut words: Vec<String> = Vec::new();
                    if let Some(proto) = desc.proto {
                        words.extend(["-p".to_owned(), proto.to_string()]);
                    } else if desc.name == "multiport" {
                        words.extend(["-p".to_owned(), "tcp".to_owned()]);
                    }
                    words.extend([flag.to_owned(), desc.name.to_owned()]);
                    if opt.invert && n % 2 == 1 {
                        words.push("!".into());
                    }
                    words.push(format!("--{}", opt.names[0]));
                    words.extend((0..opt.args).map(|_| (*argument).to_owned()));
                    tried += 1;
                    match there_and_back(&words, family, dialect) {
                        Ok(n) => taken += usize::from(n > 0),
                        Err(fault) => faults.push(fault.to_string()),
                    }
                }
            }
        }
    }
    faults.sort();
    faults.dedup();
    assert!(taken > tried / 50, "only {taken} of {tried} were taken");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
