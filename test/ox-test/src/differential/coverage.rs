//! What a full run must have hit: every extension, every one of its options, every chain of every hook, every verdict.
//!
//! What a rule is made of is read off its words with the extensions' own option tables, so that an option which no
//! template writes is missed, not forgotten.

use super::rulesets::TABLES;
use ox_packet::Family;
use ox_rules::ext::{Desc, match_desc, target_desc};
use std::collections::{BTreeMap, BTreeSet};

/// Matches that must be covered.
pub const MATCHES: [&str; 43] = [
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "sctp",
    "conntrack",
    "state",
    "mark",
    "connmark",
    "multiport",
    "iprange",
    "addrtype",
    "mac",
    "comment",
    "limit",
    "hashlimit",
    "recent",
    "statistic",
    "owner",
    "set",
    "length",
    "ttl",
    "hl",
    "tos",
    "dscp",
    "pkttype",
    "physdev",
    "rpfilter",
    "time",
    "string",
    "quota",
    "connlimit",
    "nfacct",
    "socket",
    "tcpmss",
    "ecn",
    "u32",
    "cluster",
    "connbytes",
    "connlabel",
    "helper",
    "devgroup",
    "realm",
];

/// Matches for packets that few hosts send. They must be hit at all.
pub const RARE: [&str; 10] = ["dccp", "ah", "esp", "ipcomp", "hbh", "dst", "rt", "mh", "ipv6header", "eui64"];

/// Matches of the second range of seeds ([`super::wide`]). They must be hit at all.
pub const WIDE_MATCHES: [&str; 8] = ["frag", "policy", "cpu", "rateest", "cgroup", "osf", "bpf", "srh"];

/// Targets of the second range of seeds, likewise.
pub const WIDE_TARGETS: [&str; 8] = ["SNPT", "DNPT", "TEE", "SYNPROXY", "IDLETIMER", "AUDIT", "CONNSECMARK", "RATEEST"];

/// Targets that must be covered.
pub const TARGETS: [&str; 26] = [
    "REJECT",
    "LOG",
    "NFLOG",
    "NFQUEUE",
    "SNAT",
    "DNAT",
    "MASQUERADE",
    "REDIRECT",
    "NETMAP",
    "MARK",
    "CONNMARK",
    "CT",
    "NOTRACK",
    "TCPMSS",
    "TTL",
    "HL",
    "TOS",
    "DSCP",
    "SET",
    "TRACE",
    "CHECKSUM",
    "CLASSIFY",
    "TPROXY",
    "ECN",
    "TCPOPTSTRIP",
    "HMARK",
];

/// What no rule can be expected to hit here, and why.
pub const EXCEPTIONS: [(&str, &str); 14] = [
    ("-m socket", "needs a program that listens; without one it never matches, which is compared"),
    ("-j CT --timeout", "needs a timeout policy, which no tool of the lab makes"),
    ("-m time --localtz", "an older name of --kerneltz, which is how a kernel's rules are printed"),
    ("-m osf", "needs fingerprints, which are the whole kernel's; without any it never matches, which is compared"),
    ("-m bpf --object-pinned", "needs a pinned program"),
    ("-m policy --strict", "asks about IPsec, which no packet of the lab has; that it does not match is compared"),
    ("-m policy --reqid", "likewise"),
    ("-m policy --spi", "likewise"),
    ("-m policy --proto", "likewise"),
    ("-m policy --mode", "likewise"),
    ("-m policy --tunnel-src", "likewise"),
    ("-m policy --tunnel-dst", "likewise"),
    ("-m policy --next", "likewise"),
    ("-j IDLETIMER --alarm", "needs a clock that wakes the machine"),
];

/// Verdicts, jumps and parts of a rule's head.
const OTHERS: [&str; 13] =
    ["-j ACCEPT", "-j DROP", "-j RETURN", "-j QUEUE", "jump", "goto", "no target", "-s", "-d", "-i", "-o", "-p", "-f"];

/// Times that each must have been hit, but for what is [`RARE`].
pub const ENOUGH: u64 = 100;

/// What a rule (`-A CHAIN …`) is made of: `-s`, `-m tcp`, `-m tcp --dport`, `-j LOG --log-prefix`, `jump`, …
pub fn labels(rule: &str, family: Family) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut words = rule.split(' ').filter(|w| !w.is_empty() && *w != "!").skip(2);
    let mut current: Option<(String, &'static Desc)> = None;
    let mut aimed = false;
    while let Some(word) = words.next() {
        let mut enter = |what: &str, desc: Option<&'static Desc>, name: &str| {
            let label = format!("{what} {name}");
            found.insert(label.clone());
            current = desc.map(|d| (label, d));
        };
        match word {
            "-m" => {
                let name = words.next().unwrap_or_default();
                enter("-m", match_desc(name, family), name);
            }
            "-g" => {
                aimed = true;
                found.insert("goto".to_owned());
            }
            "-j" => {
                aimed = true;
                let name = words.next().unwrap_or_default();
                if name.starts_with("user") {
                    found.insert("jump".to_owned());
                } else {
                    enter("-j", target_desc(name, family), name);
                }
            }
            "-s" | "-d" | "-i" | "-o" | "-p" | "-f" => {
                found.insert(word.to_owned());
            }
            _ => {
                let option = word.strip_prefix("--");
                if let (Some(option), Some((label, desc))) = (option, &current)
                    && let Some(known) = desc.options.iter().find(|o| o.names.contains(&option))
                {
                    found.insert(format!("{label} --{}", known.names[0]));
                }
            }
        }
    }
    if !aimed {
        found.insert("no target".to_owned());
    }
    found
}

/// Everything that must be hit.
pub fn wanted() -> BTreeSet<String> {
    let mut all: BTreeSet<String> = OTHERS.iter().map(|&o| o.to_owned()).collect();
    let mut add = |what: &str, name: &str, find: fn(&str, Family) -> Option<&'static Desc>| {
        let Some(desc) = [Family::V4, Family::V6].into_iter().find_map(|f| find(name, f)) else { return };
        all.insert(format!("{what} {name}"));
        all.extend(desc.options.iter().map(|o| format!("{what} {name} --{}", o.names[0])));
    };
    MATCHES.iter().chain(&RARE).chain(&WIDE_MATCHES).for_each(|name| add("-m", name, match_desc));
    TARGETS.iter().chain(&WIDE_TARGETS).for_each(|name| add("-j", name, target_desc));
    for (table, hooks) in TABLES {
        all.extend(hooks.chars().map(|h| format!("{table} {}", super::rulesets::hook_name(h))));
    }
    all.retain(|label| !EXCEPTIONS.iter().any(|(e, _)| label == e || label.starts_with(&format!("{e} "))));
    all
}

/// What was hit too rarely, with how often.
pub fn shortfalls(hits: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let count = |label: &String| hits.get(label).copied().unwrap_or(0);
    let rare = |label: &str| {
        let mut words = label.split(' ');
        let (_, name) = (words.next(), words.next());
        let all: &[&[&str]] = if label.starts_with("-m ") { &[&RARE, &WIDE_MATCHES] } else { &[&WIDE_TARGETS] };
        all.iter().any(|some| some.iter().any(|r| name == Some(r)))
    };
    let few = |label: &String| count(label) < if rare(label) { 1 } else { ENOUGH };
    wanted().into_iter().filter(few).map(|l| (l.clone(), count(&l))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{matches, targets, wide};
    use super::*;

    /// Every option of every extension stands in a template.
    #[test]
    fn templates_are_complete() {
        let mut written: BTreeSet<String> = BTreeSet::new();
        for family in [Family::V4, Family::V6] {
            for t in matches::MATCHES.iter().chain(wide::MATCHES) {
                written.extend(labels(&format!("-A X -m {} {}", t.name, t.text), family));
            }
            let first = wide::Mode::Wide.beginning();
            written.extend(labels(first.trim_end(), family));
            for t in targets::TARGETS.iter().chain(wide::TARGETS) {
                written.extend(labels(&format!("-A X -j {} {}", t.name, t.text), family));
            }
        }
        let missing: Vec<String> = wanted()
            .into_iter()
            .filter(|w| w.starts_with("-m ") || w.contains(" --"))
            .filter(|w| !written.contains(w))
            .collect();
        assert!(missing.is_empty(), "no template has {missing:?}");
    }

    #[test]
    fn reads_what_a_rule_is_made_of() {
        let found = labels("-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp ! --dport 22 -j LOG --log-prefix x", Family::V4);
        let expected = ["-j LOG", "-j LOG --log-prefix", "-m tcp", "-m tcp --destination-port", "-p", "-s"];
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
