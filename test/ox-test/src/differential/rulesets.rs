//! Random rulesets that stock accepts, made of templates.

use super::dice::Rng;
use super::matches::{MATCHES, Template};
use super::targets::TARGETS;
use super::values::{fill, pools};
use super::wide::{self, Mode};
use ox_packet::Family;
use ox_rules::ir::Dialect;

const HOOKS: [(char, &str); 5] =
    [('P', "PREROUTING"), ('I', "INPUT"), ('F', "FORWARD"), ('O', "OUTPUT"), ('S', "POSTROUTING")];
/// Tables with their hooks.
pub const TABLES: [(&str, &str); 5] =
    [("raw", "PO"), ("mangle", "PIFOS"), ("nat", "PIOS"), ("filter", "IFO"), ("security", "IFO")];

/// Makes a ruleset, as restore reads it.
pub fn make(rng: &mut Rng, family: Family, dialect: Dialect, mode: Mode) -> String {
    let mut text = String::new();
    // A number for each name that must be a rule's own.
    let mut uniq = 0;
    // iptables-nft knows no QUEUE.
    let queue = dialect == Dialect::Legacy;
    for (table, hooks) in TABLES {
        let begins = if table == "raw" { mode.beginning() } else { "" };
        if table != "filter" && rng.one_in(if table == "security" { 3 } else { 2 }) && begins.is_empty() {
            continue;
        }
        if mode == Mode::Loose && table == "nat" {
            continue;
        }
        let users = if rng.one_in(2) { 2 } else { 0 };
        text.push_str(&format!("*{table}\n"));
        for h in hooks.chars() {
            let policy = if table == "filter" && rng.one_in(8) { "DROP" } else { "ACCEPT" };
            text.push_str(&format!(":{} {policy} [0:0]\n", hook_name(h)));
        }
        for u in 0..users {
            text.push_str(&format!(":user{u} - [0:0]\n"));
        }
        text.push_str(begins);
        let mut chains: Vec<(String, String, usize)> =
            hooks.chars().map(|h| (hook_name(h).to_owned(), h.to_string(), users)).collect();
        // A user chain calls only later ones, so that there is no loop.
        chains.extend((0..users).map(|u| (format!("user{u}"), hooks.to_owned(), u + 1)));
        for (chain, hooks, depth) in chains {
            let callable: Vec<usize> =
                if chain.starts_with("user") { (depth..users).collect() } else { (0..users).collect() };
            for _ in 0..1 + rng.below(5) {
                let place = Place { family, table, chain: &chain, hooks: &hooks, callable: &callable, queue, mode };
                rule(&mut text, rng, &place, &mut uniq);
            }
        }
        text.push_str("COMMIT\n");
    }
    text
}

/// The chain of a hook.
pub fn hook_name(letter: char) -> &'static str {
    HOOKS.iter().find(|h| h.0 == letter).map_or("", |h| h.1)
}

/// Where a rule is made for.
struct Place<'a> {
    family: Family,
    table: &'static str,
    chain: &'a str,
    /// Hooks from which the chain is reached, by letter.
    hooks: &'a str,
    /// User chains that it may call.
    callable: &'a [usize],
    /// Whether QUEUE may be used.
    queue: bool,
    mode: Mode,
}

fn rule(text: &mut String, rng: &mut Rng, place: &Place<'_>, uniq: &mut u32) {
    let Place { family, table, chain, hooks, callable, queue, mode } = *place;
    let letter = if family == Family::V4 { "4" } else { "6" };
    let fits = |t: &&Template| {
        t.families.contains(letter)
            && (t.tables.is_empty() || t.tables.split(',').any(|x| x == table))
            && (t.hooks.is_empty() || hooks.chars().all(|h| t.hooks.contains(h)))
    };
    let known = |t: &&Template| {
        ox_rules::ext::match_desc(t.name, family).is_some() || ox_rules::ext::target_desc(t.name, family).is_some()
    };
    let weighed = |of: &'static [Template]| -> Vec<&'static Template> {
        let taken = of.iter().filter(fits).filter(known).filter(|t| mode.takes(t));
        taken.flat_map(|t| std::iter::repeat_n(t, t.weight)).collect()
    };
    let (matches, targets) = (weighed(MATCHES), weighed(TARGETS));
    let (rare, aims) =
        if mode == Mode::Plain { (Vec::new(), Vec::new()) } else { (weighed(wide::MATCHES), weighed(wide::TARGETS)) };
    let target = if !aims.is_empty() && rng.one_in(3) {
        Some(**rng.pick(&aims))
    } else if rng.one_in(3) || targets.is_empty() {
        None
    } else {
        Some(**rng.pick(&targets))
    };
    let mut proto = target.map_or("", |t| t.proto);
    let mut chosen: Vec<Template> = Vec::new();
    for i in 0..rng.below(3) {
        let m = if i == 0 && !rare.is_empty() && !rng.one_in(3) { **rng.pick(&rare) } else { **rng.pick(&matches) };
        let agrees = m.proto.is_empty() || proto.is_empty() || compatible(m.proto, proto);
        if agrees && !chosen.iter().any(|c| c.name == m.name) {
            proto = narrower(m.proto, proto);
            chosen.push(m);
        }
    }
    for c in chosen.iter().filter(|c| !c.before.is_empty()) {
        if !rng.one_in(4) {
            text.push_str(&format!("-A {chain} -m {} {}\n", c.name, fill(c.before, rng, family, uniq)));
        }
    }
    let mut line = format!("-A {chain}");
    let pools = pools(family);
    if rng.one_in(4) {
        line.push_str(&format!(" {}-s {}", bang(rng), rng.pick(pools.nets)));
    }
    if rng.one_in(5) {
        let list = [pools.inside, pools.outside, pools.own].concat();
        line.push_str(&format!(" {}-d {}", bang(rng), rng.pick(&list)));
    }
    if rng.one_in(6) && hooks.chars().all(|h| "PIF".contains(h)) {
        line.push_str(&format!(" {}-i {}", bang(rng), rng.pick(&["in0", "out+", "in+", "lo"])));
    }
    if rng.one_in(6) && hooks.chars().all(|h| "FOS".contains(h)) {
        line.push_str(&format!(" {}-o {}", bang(rng), rng.pick(&["out0", "in+", "lo"])));
    }
    let syn = proto == "syn";
    let name = match proto {
        "" if rng.one_in(4) => *rng.pick(&["tcp", "udp", "icmp"]),
        "" => "",
        "ports" => *rng.pick(&["tcp", "udp", "sctp"]),
        "tu" => *rng.pick(&["tcp", "udp"]),
        "syn" => "tcp",
        p => p,
    };
    if !name.is_empty() {
        let shown = match name {
            "icmp" if family == Family::V6 => "ipv6-icmp",
            // Not every host has a name for it.
            "mh" => "135",
            "ipcomp" => "108",
            name => name,
        };
        // Only a protocol that nothing depends on may be negated.
        let not = if proto.is_empty() { bang(rng) } else { "" };
        line.push_str(&format!(" {not}-p {shown}"));
    }
    if family == Family::V4 && proto.is_empty() && rng.one_in(25) {
        line.push_str(&format!(" {}-f", bang(rng)));
    }
    if syn && !chosen.iter().any(|c| c.name == "tcp") {
        line.push_str(" -m tcp --tcp-flags SYN,RST SYN");
    } else if syn {
        chosen.retain(|c| c.name != "tcp");
        line.push_str(" -m tcp --tcp-flags SYN,RST SYN");
    }
    for c in &chosen {
        line.push_str(&format!(" -m {} {}", c.name, fill(c.text, rng, family, uniq)));
    }
    match target {
        Some(t) => line.push_str(&format!(" -j {} {}", t.name, fill(t.text, rng, family, uniq))),
        None => {
            let jump = !callable.is_empty() && rng.one_in(2);
            let end = if jump {
                let to = rng.pick(callable);
                if rng.one_in(4) { format!("-g user{to}") } else { format!("-j user{to}") }
            } else {
                // nat takes no DROP; an ACCEPT early in a chain hides the rest, so it is rarer.
                let verdicts: &[&str] = if table == "nat" {
                    &["", "RETURN", "ACCEPT"]
                } else {
                    &["", "", "", "RETURN", "ACCEPT", "DROP", "QUEUE"]
                };
                match *rng.pick(verdicts) {
                    "QUEUE" if !queue => String::new(),
                    "" => String::new(),
                    v => format!("-j {v}"),
                }
            };
            line.push_str(&format!(" {end}"));
        }
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn bang(rng: &mut Rng) -> &'static str {
    if rng.one_in(4) { "! " } else { "" }
}

/// Whether two protocol needs can be met by one `-p`.
fn compatible(a: &str, b: &str) -> bool {
    let set = |p: &str| -> &[&str] {
        match p {
            "tcp" | "syn" => &["tcp"],
            "udp" => &["udp"],
            "sctp" => &["sctp"],
            "icmp" => &["icmp"],
            "dccp" => &["dccp"],
            "ah" => &["ah"],
            "esp" => &["esp"],
            "ipcomp" => &["ipcomp"],
            "mh" => &["mh"],
            "tu" => &["tcp", "udp"],
            _ => &["tcp", "udp", "sctp"],
        }
    };
    set(a).iter().all(|p| set(b).contains(p)) || set(b).iter().all(|p| set(a).contains(p))
}

fn narrower(a: &'static str, b: &'static str) -> &'static str {
    let rank = |p: &str| {
        ["", "ports", "tu", "tcp", "udp", "sctp", "icmp", "dccp", "ah", "esp", "ipcomp", "mh", "syn"]
            .iter()
            .position(|x| *x == p)
    };
    if rank(a) > rank(b) { a } else { b }
}
