//! Rules made from the option tables of the extensions: every option, negated, repeated, missing, at its boundaries.

pub mod bounds;
mod rare;
pub mod text;
pub mod values;
mod words;

use crate::random::Random;
use ox_packet::Family;
use ox_rules::ext::Desc;
use ox_rules::ir::Hook;
use ox_rules::model::TableName;
use ox_rules::syntax::Opt;
use std::collections::BTreeSet;

/// What an extension is, for the place of its words in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Behind `-m`.
    Match,
    /// Behind `-j`.
    Target,
}

/// A rule to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Table.
    pub table: &'static str,
    /// Chain.
    pub chain: &'static str,
    /// The rule's words.
    pub words: Vec<String>,
}

/// So many rules about one extension, all different. Fewer come back when its options do not give that many.
pub fn rules(desc: &Desc, kind: Kind, family: Family, count: usize, random: &mut Random) -> Vec<Made> {
    collect(count, || one(desc, kind, family, RUDE, random))
}

/// Of a hundred choices, so many break something, where refusals are wanted as much as rules.
const RUDE: u64 = 15;

/// As [`rules`], but six of ten are good as far as `good` knows, and among these those come first that say something new:
/// an option, an option with `!`, two options together.
pub fn telling_rules(
    desc: &Desc,
    kind: Kind,
    family: Family,
    count: usize,
    random: &mut Random,
    good: &dyn Fn(&Made) -> bool,
) -> Vec<Made> {
    let (taken, refused): (Vec<Made>, Vec<Made>) =
        rules(desc, kind, family, count * 40, random).into_iter().partition(good);
    let share = if refused.is_empty() { count } else { count * 6 / 10 };
    let mut said: BTreeSet<(String, String)> = BTreeSet::new();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for made in taken {
        let new = parts(&made.words).into_iter().filter(|p| said.insert(p.clone())).count() > 0;
        if new { &mut first } else { &mut rest }.push(made);
    }
    first.extend(rest);
    first.truncate(share);
    let left = count - first.len();
    first.extend(refused.into_iter().take(left));
    first
}

/// The options of a rule, with their `!`, and each pair of them.
fn parts(words: &[String]) -> Vec<(String, String)> {
    let options: Vec<String> = (0..words.len())
        .filter(|&i| words[i].starts_with("--"))
        .map(|i| {
            let name = words[i].split('=').next().unwrap_or_default();
            if i > 0 && words[i - 1] == "!" { format!("! {name}") } else { name.to_owned() }
        })
        .collect();
    let alone = options.iter().map(|a| (a.clone(), String::new()));
    let pairs = options.iter().enumerate().flat_map(|(i, a)| options[i + 1..].iter().map(|b| (a.clone(), b.clone())));
    alone.chain(pairs).collect()
}

/// Rules that only have a head and a verdict.
pub fn heads(family: Family, count: usize, random: &mut Random) -> Vec<Made> {
    collect(count, || {
        let (table, chain) = place(&TableName::ALL, |_| true, random);
        let mut words = Vec::new();
        for _ in 0..random.below(4) + 1 {
            head_option(family, "", random, &mut words);
        }
        verdict(random, &mut words);
        Made { table, chain, words }
    })
}

/// Rules of several extensions, with words that are mostly right.
pub fn mixtures(matches: &[&Desc], targets: &[&Desc], family: Family, count: usize, random: &mut Random) -> Vec<Made> {
    collect(count, || {
        let mut words = Vec::new();
        let target = random.percent(50).then(|| random.pick(targets));
        let all = TableName::ALL;
        let (table, chain) = match target {
            Some(t) => place(t.tables, |h| t.hooks.has(h), random),
            None => place(&all, |_| true, random),
        };
        let proto = ["tcp", "udp", "sctp", "icmp"][random.below(4) as usize];
        words.extend([
            "-p".to_owned(),
            if proto == "icmp" && family == Family::V6 { "icmpv6" } else { proto }.to_owned(),
        ]);
        for _ in 0..random.below(3) + 1 {
            let m = random.pick(matches);
            words.extend(["-m".to_owned(), m.name.to_owned()]);
            options(m, family, 3, random, &mut words);
        }
        match target {
            Some(t) => {
                words.extend(["-j".to_owned(), t.name.to_owned()]);
                options(t, family, 3, random, &mut words);
            }
            None => verdict(random, &mut words),
        }
        Made { table, chain, words }
    })
}

fn collect(count: usize, mut make: impl FnMut() -> Made) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for _ in 0..count * 10 {
        if made.len() == count {
            break;
        }
        let next = make();
        if !made.contains(&next) {
            made.push(next);
        }
    }
    made
}

/// One rule about an extension. Of a hundred choices, `rude` break something.
pub fn one(desc: &Desc, kind: Kind, family: Family, rude: u64, random: &mut Random) -> Made {
    let (table, chain) = if rude == 0 || random.percent(92) {
        place(desc.tables, |h| desc.hooks.has(h), random)
    } else {
        place(&TableName::ALL, |_| true, random)
    };
    let mut words = Vec::new();
    protocol(desc, family, random, &mut words);
    if desc.name == "CLUSTERIP" && random.percent(85) {
        // It belongs to an address on an interface, where packets have come in by one.
        words.extend(["-d", "10.0.0.1"].map(str::to_owned));
        if !["OUTPUT", "POSTROUTING"].contains(&chain) {
            words.extend(["-i", "eth0"].map(str::to_owned));
        }
    } else if random.percent(15) {
        head_option(family, chain, random, &mut words);
    }
    let name = |random: &mut Random| match desc.aliases {
        [] => desc.name,
        aliases if random.percent(20) => random.pick(aliases),
        _ => desc.name,
    };
    match kind {
        Kind::Match => {
            // What `-p` loads needs no `-m`.
            if desc.proto.is_none() || random.percent(60) {
                words.extend(["-m".to_owned(), name(random).to_owned()]);
            }
            options(desc, family, rude, random, &mut words);
            verdict(random, &mut words);
        }
        Kind::Target => {
            words.extend(["-j".to_owned(), name(random).to_owned()]);
            options(desc, family, rude, random, &mut words);
        }
    }
    Made { table, chain, words }
}

/// A table and one of its built-in chains.
fn place(tables: &[TableName], hook: impl Fn(Hook) -> bool, random: &mut Random) -> (&'static str, &'static str) {
    let fits: Vec<(TableName, Hook)> =
        tables.iter().flat_map(|&t| t.hooks().iter().map(move |&h| (t, h))).filter(|&(_, h)| hook(h)).collect();
    let (table, hook) = match fits.len() {
        0 => (TableName::Filter, Hook::Input),
        n => fits[random.below(n as u64) as usize],
    };
    (table.name(), hook.name())
}

/// Extensions that want a transport protocol for some or all of their options.
const WANT_PROTOCOL: [&str; 8] =
    ["multiport", "TPROXY", "SNAT", "DNAT", "REDIRECT", "MASQUERADE", "REJECT", "connlimit"];

/// Extensions for TCP.
const WANT_TCP: [&str; 6] = ["TCPMSS", "TCPOPTSTRIP", "SYNPROXY", "ECN", "ecn", "tcpmss"];

fn protocol(desc: &Desc, family: Family, random: &mut Random, words: &mut Vec<String>) {
    let named = match desc.name {
        "tcp" | "udp" | "sctp" | "dccp" | "icmp" | "icmp6" | "mh" => Some(desc.name),
        _ => None,
    };
    let number = desc.proto.map(|p| p.to_string());
    let fitting = match (desc.name, named, &number) {
        ("icmp6", ..) => "icmpv6",
        (_, Some(name), _) => name,
        (_, None, Some(number)) => number,
        (name, ..) if WANT_TCP.contains(&name) => "tcp",
        _ => ["tcp", "udp", "sctp", "dccp", "udplite"][random.below(5) as usize],
    };
    let wants =
        desc.proto.is_some() || named.is_some() || WANT_PROTOCOL.contains(&desc.name) || WANT_TCP.contains(&desc.name);
    match random.below(100) {
        0..90 if wants => words.extend(["-p".to_owned(), fitting.to_owned()]),
        90..95 if wants => words.extend(["!".to_owned(), "-p".to_owned(), fitting.to_owned()]),
        0..15 => words.extend(["-p".to_owned(), values::proto(random.percent(20), random)]),
        _ => {}
    }
    if desc.name == "TCPMSS" && random.percent(80) {
        words.extend(["--tcp-flags", "SYN,RST", "SYN"].map(str::to_owned));
    }
    let _ = family;
}

/// One option of a rule's head; where the chain is named, only an interface that packets can have there.
fn head_option(family: Family, chain: &str, random: &mut Random, words: &mut Vec<String>) {
    if random.percent(25) {
        words.push("!".to_owned());
    }
    let rude = random.percent(15);
    let (option, value) = match random.below(if family == Family::V4 { 6 } else { 5 }) {
        2 if ["OUTPUT", "POSTROUTING"].contains(&chain) => ("-o", values::iface(rude, random)),
        3 if ["INPUT", "PREROUTING"].contains(&chain) => ("-i", values::iface(rude, random)),
        0 => ("-s", values::net(family, rude, random)),
        1 => ("-d", values::net(family, rude, random)),
        2 => ("-i", values::iface(rude, random)),
        3 => ("-o", values::iface(rude, random)),
        4 => ("-p", values::proto(rude, random)),
        _ => {
            words.push("-f".to_owned());
            return;
        }
    };
    words.extend([option.to_owned(), value]);
}

fn verdict(random: &mut Random, words: &mut Vec<String>) {
    if random.percent(75) {
        words.extend(["-j".to_owned(), random.pick(&["ACCEPT", "DROP", "RETURN", "ACCEPT"]).to_owned()]);
    }
}

/// Some of an extension's options, in any order; `rude` of a hundred break something.
fn options(desc: &Desc, family: Family, rude: u64, random: &mut Random, words: &mut Vec<String>) {
    let mut chosen: Vec<usize> = Vec::new();
    let many = desc.options.len() as u64;
    let mut wanted = if many == 0 { 0 } else { random.below(many.min(4) + 1) };
    if wanted == 0 && random.percent(70) {
        wanted = many.min(1);
    }
    let mut seen = 0u32;
    for (i, o) in desc.options.iter().enumerate() {
        if o.needed && !random.percent(rude) {
            chosen.push(i);
            seen |= 1 << i;
        }
    }
    for _ in 0..wanted {
        let i = random.below(many) as usize;
        let o = &desc.options[i];
        let clashes = o.excl & seen != 0 || chosen.iter().any(|&c| desc.options[c].excl & (1 << i) != 0);
        let again = seen & (1 << i) != 0 && !o.multi;
        if (clashes || again) && !random.percent(rude) {
            continue;
        }
        chosen.push(i);
        seen |= 1 << i;
        // What it needs beside it.
        if o.also != 0 && o.also & seen == 0 && !random.percent(rude) {
            let also: Vec<usize> = (0..desc.options.len()).filter(|b| o.also & (1 << b) != 0).collect();
            if !also.is_empty() {
                let b = also[random.below(also.len() as u64) as usize];
                chosen.push(b);
                seen |= 1 << b;
            }
        }
    }
    random.shuffle(&mut chosen);
    for i in chosen {
        option(desc, &desc.options[i], family, rude, random, words);
    }
}

fn option(desc: &Desc, opt: &Opt, family: Family, rude: u64, random: &mut Random, words: &mut Vec<String>) {
    if random.percent(if opt.invert { 30 } else { rude / 5 }) {
        words.push("!".to_owned());
    }
    let mut name = random.pick(opt.names);
    if random.percent(6) && name.len() > 4 {
        let cut = name.len() - 1 - random.below(2) as usize;
        // `--help` would be another question.
        if name.is_char_boundary(cut) && &name[..cut] != "help" {
            name = &name[..cut];
        }
    }
    let mut values = values::argument(desc.name, opt, family, random.percent(rude), random);
    if random.percent(if opt.optional { 40 } else { rude / 8 }) {
        // Its argument is forgotten, or not needed.
        values.pop();
    }
    match values.as_slice() {
        [value] if random.percent(if opt.optional { 1 } else { 6 }) => words.push(format!("--{name}={value}")),
        _ => {
            words.push(format!("--{name}"));
            words.append(&mut values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ox_rules::ext;

    #[test]
    fn the_same_seed_makes_the_same_rules_and_every_option_occurs() {
        for (kind, list) in [(Kind::Match, ext::matches()), (Kind::Target, ext::targets())] {
            for desc in list {
                for family in [Family::V4, Family::V6].into_iter().filter(|&f| desc.families.has(f)) {
                    let make = |seed, n| rules(desc, kind, family, n, &mut Random::named(seed, desc.name));
                    assert_eq!(make(7, 20), make(7, 20), "{}", desc.name);
                    let many = make(7, 600);
                    for o in desc.options {
                        let option = format!("--{}", o.names[0]);
                        let any = |w: &String| *w == option || o.names.iter().any(|n| w[..] == format!("--{n}"));
                        assert!(many.iter().any(|m| m.words.iter().any(any)), "{} never {option}", desc.name);
                    }
                }
            }
        }
    }
}
