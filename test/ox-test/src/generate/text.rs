//! Restore text made from numbers: whole tables of generated rules, or any order of the words that such text is made of.

use super::{Kind, Made, RUDE, head_option, mixtures, one, values, verdict};
use crate::random::Random;
use ox_packet::Family;
use ox_rules::ext::{self, Desc};
use ox_rules::model::TableName;
use std::sync::OnceLock;

/// Chains that a text may have besides the built-in ones.
const CHAINS: [&str; 4] = ["one", "two", "a-long-name-with-28-letters", "x"];

/// A restore text of some tables, well formed except where a choice says otherwise.
pub fn restore(family: Family, rude: u64, random: &mut Random) -> String {
    let mut text = String::new();
    let tables = random.below(3) + 1;
    for _ in 0..tables {
        let table = TableName::ALL[random.below(5) as usize];
        text.push_str(&format!("*{}\n", table.name()));
        let chains = &CHAINS[..random.below(5) as usize];
        for hook in table.hooks() {
            if !random.percent(30) {
                continue;
            }
            let policy = random.pick(&["ACCEPT", "DROP", "-"]);
            text.push_str(&format!(":{} {policy} [{}:{}]\n", hook.name(), random.below(300), random.below(300)));
        }
        for chain in chains {
            text.push_str(&format!(":{chain} - [0:0]\n"));
        }
        for _ in 0..random.below(6) {
            line(family, table, chains, rude, random, &mut text);
        }
        if !random.percent(rude / 4) {
            text.push_str("COMMIT\n");
        }
    }
    text
}

/// One line of a table.
fn line(family: Family, table: TableName, chains: &[&str], rude: u64, random: &mut Random, text: &mut String) {
    let hooks = table.hooks();
    let mut chain = hooks[random.below(hooks.len() as u64) as usize].name();
    if !chains.is_empty() && random.percent(40) {
        chain = random.pick(chains);
    }
    if random.percent(10) {
        text.push_str(&format!("[{}:{}] ", random.below(1000), random.below(100_000)));
    }
    let number = (random.below(4) + 1).to_string();
    let other = random.pick(&CHAINS);
    let rule = match random.below(40) {
        0 => return text.push_str(&format!("-F {chain}\n")),
        1 => return text.push_str(&format!("-X {chain}\n")),
        2 => return text.push_str(&format!("-Z {chain}\n")),
        3 => return text.push_str(&format!("-N {other}\n")),
        4 => return text.push_str(&format!("-P {chain} {}\n", random.pick(&["DROP", "ACCEPT"]))),
        5 => return text.push_str(&format!("-E {chain} {other}\n")),
        6 => return text.push_str(&format!("-D {chain} {number}\n")),
        7 => return text.push_str(&format!("# {other}\n")),
        8 => format!("-I {chain} {number}"),
        9 => format!("-R {chain} {number}"),
        10 => format!("-D {chain}"),
        11 => format!("-I {chain}"),
        _ => format!("-A {chain}"),
    };
    text.push_str(&rule);
    for word in words(family, table, chain, chains, rude, random) {
        text.push(' ');
        quote(&word, text);
    }
    text.push('\n');
}

/// The words of a rule that fits into a table, mostly.
fn words(
    family: Family,
    table: TableName,
    chain: &str,
    chains: &[&str],
    rude: u64,
    random: &mut Random,
) -> Vec<String> {
    let fits = |d: &&Desc| d.families.has(family) && d.tables.contains(&table);
    let list = |all: &'static [Desc]| all.iter().filter(fits).collect::<Vec<_>>();
    let (matches, targets) = (list(ext::matches()), list(ext::targets()));
    let pick = |list: &[&'static Desc], random: &mut Random| list[random.below(list.len() as u64) as usize];
    match random.below(10) {
        0..4 => one(pick(&matches, random), Kind::Match, family, rude, random).words,
        4..7 => one(pick(&targets, random), Kind::Target, family, rude, random).words,
        7 => mixtures(&matches, &targets, family, 1, random).pop().map(|m: Made| m.words).unwrap_or_default(),
        8 if !chains.is_empty() => {
            let mut words = Vec::new();
            head_option(family, chain, random, &mut words);
            words.extend([random.pick(&["-j", "-g"]).to_owned(), random.pick(chains).to_owned()]);
            words
        }
        _ => {
            let mut words = Vec::new();
            head_option(family, chain, random, &mut words);
            verdict(random, &mut words);
            words
        }
    }
}

/// Writes a word as restore text has it.
fn quote(word: &str, text: &mut String) {
    if !word.is_empty() && !word.contains([' ', '\t', '"', '\'', '\\']) {
        return text.push_str(word);
    }
    text.push('"');
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

/// Pieces of restore text that stand for themselves.
const PIECES: &[&str] = &[
    "*filter\n",
    "*nat\n",
    "*mangle\n",
    "*raw\n",
    "*security\n",
    "COMMIT\n",
    "\n",
    ":INPUT ",
    ":OUTPUT ",
    ":FORWARD ",
    ":PREROUTING ",
    ":POSTROUTING ",
    ":one ",
    ":two ",
    "ACCEPT ",
    "DROP ",
    "RETURN ",
    "QUEUE ",
    "- ",
    "[0:0]",
    "[7:9] ",
    "-A INPUT ",
    "-A OUTPUT ",
    "-A FORWARD ",
    "-A PREROUTING ",
    "-A POSTROUTING ",
    "-A one ",
    "-A two ",
    "-I INPUT ",
    "-I one ",
    "-R INPUT 1 ",
    "-D INPUT ",
    "-D one 1",
    "-F",
    "-X",
    "-Z",
    "-N one",
    "-E one two",
    "-P INPUT DROP",
    "-C ",
    "-L ",
    "-S ",
    "! ",
    "-s ",
    "-d ",
    "-i ",
    "-o ",
    "-p ",
    "-f ",
    "-m ",
    "-j ",
    "-g ",
    "-c 1 2 ",
    "-4 ",
    "-6 ",
    "-t ",
    "-v ",
    "-n ",
    "-x ",
    "-w ",
    "-W ",
    "-h ",
    "-V ",
    "-M ",
    "--line-numbers ",
    "\"",
    "\\",
    "# ",
    "\r\n",
    "\t",
    "=",
    ",",
    ":",
    "/",
    "-",
    ".",
    "--",
    "eth0 ",
    "lo ",
    "eth+ ",
    "tcp ",
    "udp ",
    "icmp ",
    "icmpv6 ",
    "sctp ",
    "all ",
    "one ",
    "two ",
    "INPUT ",
    "OUTPUT ",
    "-m strange ",
    "-j STRANGE ",
    "--strange ",
    "\u{feff}",
    "# Generated by iptables-save\n",
];

/// Every word that text about rules is made of.
fn vocabulary() -> &'static [String] {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words: Vec<String> = PIECES.iter().map(|&p| p.to_owned()).collect();
        for (list, option) in [(ext::matches(), "-m"), (ext::targets(), "-j")] {
            for desc in list {
                words.push(format!("{option} {} ", desc.name));
                for opt in desc.options {
                    words.extend(opt.names.iter().map(|n| format!("--{n} ")));
                    words.extend(values::all(desc.name, opt).filter(|w| w.len() < 40).map(|w| format!("{w} ")));
                }
            }
        }
        words.sort();
        words.dedup();
        words
    })
}

/// Text spelt by bytes: those of ASCII are themselves, any other stands with the next one for a word of the vocabulary.
pub fn spelt(bytes: &[u8]) -> String {
    let words = vocabulary();
    let mut text = String::new();
    let mut bytes = bytes.iter();
    while let Some(&b) = bytes.next() {
        if b.is_ascii() {
            text.push(char::from(b));
            continue;
        }
        let low = bytes.next().copied().unwrap_or_default();
        let number = usize::from(b & 0x7f) << 8 | usize::from(low);
        text.push_str(&words[number % words.len()]);
    }
    text
}

/// The three ways in which bytes stand for a text.
pub fn written(way: u8, bytes: &[u8], family: Family) -> Vec<u8> {
    match way {
        2 => bytes.to_vec(),
        3 => spelt(bytes).into_bytes(),
        way => {
            let rude = if way == 0 { 0 } else { RUDE };
            restore(family, rude, &mut Random::from_bytes(bytes)).into_bytes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ox_rules::ir::Dialect;
    use ox_rules::syntax::{Book, NoNames, Program};

    #[test]
    fn enough_text_without_rudeness_can_be_read() {
        let mut read = 0;
        for seed in 0..200 {
            let text = restore(Family::V4, 0, &mut Random::new(seed));
            let program = Program { family: Family::V4, dialect: Dialect::Nft };
            read += usize::from(Book::read(text.as_bytes(), program, &NoNames).is_ok());
        }
        assert!(read > 40, "only {read} of 200");
    }

    #[test]
    fn bytes_spell_words() {
        assert_eq!(spelt(b"-A x"), "-A x");
        assert_eq!(spelt(&[0x80, 0x00]), vocabulary()[0]);
        assert!(vocabulary().len() > 600, "{}", vocabulary().len());
        assert!(vocabulary().len() < 1 << 15);
    }
}
