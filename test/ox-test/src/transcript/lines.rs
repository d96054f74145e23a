//! Random command lines: every command and option in every way of writing it, and what people get wrong.

use super::Step;
use crate::random::Random;
use ox_packet::Family;

const CHAINS: &[&str] = &[
    "INPUT",
    "INPUT",
    "INPUT",
    "FORWARD",
    "FORWARD",
    "OUTPUT",
    "web",
    "web",
    "web",
    "Zed",
    "Zed",
    "a",
    "b",
    "b",
    "empty",
    "PREROUTING",
    "POSTROUTING",
    "nosuch",
];

/// Names that are hardly ever a chain's.
const ODD_CHAINS: &[&str] = &[
    "",
    "-x",
    "!x",
    "a b",
    "x,y",
    "x*",
    "ACCEPT",
    "LOG",
    "RETURN",
    "tcp",
    "a23456789012345678901234567",
    "\u{fc}ber",
    "a234567890123456789012345678",
    "a2345678901234567890123456789",
    "a23456789012345678901234567890123",
    "5",
    "x/y",
];

const V4: &[&str] = &[
    "1.2.3.4",
    "10.0.0.0/8",
    "10.1.2.3/16",
    "192.168.0.0/255.255.255.0",
    "1.2.3.4/255.255.0.255",
    "0/0",
    "0.0.0.0/0",
    "1.2.3.4,5.6.7.8",
    "10.0.0.0/8,192.168.1.1",
    "localhost",
    "1.2.3.4/32",
    "10/8",
    "10.1/16",
];
const BAD_V4: &[&str] = &[
    "1.2.3.4/33",
    "1.2.3.4/",
    "1.2.3",
    "",
    "1.2.3.4,",
    ",1.2.3.4",
    "2001:db8::1",
    "any",
    "nosuch.invalid",
    "1.2.3.4/255.0",
    "256.1.1.1",
    "1.2.3.4/-1",
    "10.0.0.0/8/8",
    "0x7f000001",
    "1.2.3.4/08",
    "127.1",
];
const V6: &[&str] = &[
    "2001:db8::1",
    "2001:db8::/32",
    "fe80::1:2/64",
    "::/0",
    "::",
    "::1",
    "2001:db8::1,2001:db8::2",
    "ip6-localhost",
    "2001:db8::1/ffff::ff",
    "::ffff:1.2.3.4",
    "2001:db8::/32,fe80::/10",
];
const BAD_V6: &[&str] =
    &["1.2.3.4", "2001:db8::/129", "::/", "", "nosuch.invalid", ":::", "2001:db8::1/64/64", "::1%lo"];

const IFACES: &[&str] = &["eth0", "eth+", "+", "lo", "eth0.100", "br-lan", "abcdefghijklmno"];
const BAD_IFACES: &[&str] = &["", "abcdefghijklmnop", "eth 0", "a/b", "eth*", "!eth0", "abcdefghijklmno+"];
const PROTOS: &[&str] = &[
    "tcp",
    "tcp",
    "udp",
    "udp",
    "icmp",
    "TCP",
    "6",
    "17",
    "all",
    "0",
    "sctp",
    "esp",
    "ah",
    "gre",
    "47",
    "0x11",
    "icmpv6",
    "ipv6-icmp",
    "igmp",
    "253",
    "udplite",
    "99",
    "99",
    "99",
];
const BAD_PROTOS: &[&str] = &["256", "nosuch", "", "-1", "tcp,udp", "!tcp", "6x"];

/// Options of extensions, with what must stand before them.
const MATCHES: &[&[&str]] = &[
    &["-m", "comment", "--comment", "two words"],
    &["-m", "comment", "--comment", "one"],
    &["-m", "limit", "--limit", "5/min"],
    &["-m", "limit", "--limit", "5/min", "--limit-burst", "7"],
    &["-m", "state", "--state", "RELATED,ESTABLISHED"],
    &["-m", "conntrack", "--ctstate", "NEW"],
    &["-m", "conntrack", "!", "--ctstate", "INVALID"],
    &["-m", "mark", "--mark", "0x1/0xff"],
    &["-m", "addrtype", "--dst-type", "LOCAL"],
    &["-m", "pkttype", "--pkt-type", "broadcast"],
    &["-m", "length", "--length", "10:20"],
    &["-m", "statistic", "--mode", "nth", "--every", "3"],
    &["-m", "mac", "--mac-source", "00:11:22:33:44:55"],
];
const TCP: &[&[&str]] = &[
    &["--dport", "22"],
    &["--dport", "ssh"],
    &["--sport", "1024:65535"],
    &["!", "--dport", "80"],
    &["--syn"],
    &["!", "--syn"],
    &["--tcp-flags", "SYN,ACK", "SYN"],
    &["-m", "tcp", "--dport", "22"],
    &["-m", "multiport", "--dports", "22,80:90"],
    &["--destination-port", "1:2"],
    &["-m", "tcp"],
];
const BAD_OPTIONS: &[&[&str]] = &[
    &["-m", "nosuch"],
    &["-m", "multiprt", "--dports", "80"],
    &["--nosuch"],
    &["--dport", "80"],
    &["-m", "limit", "--limit", "x"],
    &["-m", "limit", "--limit-brst", "3"],
    &["-m", ""],
    &["-m", "LOG"],
    &["-m", "tcp", "--dport", "22"],
    &["-m", "comment"],
    &["-m", "state", "--state", "NEW", "--state", "NEW"],
    &["--syn"],
];
const TARGETS: &[&[&str]] = &[
    &["-j", "ACCEPT"],
    &["-j", "ACCEPT"],
    &["-j", "DROP"],
    &["-j", "RETURN"],
    &["-j", "web"],
    &["-j", "Zed"],
    &["-g", "web"],
    &["-j", "LOG", "--log-prefix", "seen: "],
    &["-j", "LOG", "--log-level", "debug", "--log-ip-options"],
    &["-j", "MARK", "--set-mark", "1"],
    &["-j", "NFLOG", "--nflog-group", "3"],
    &[],
    &[],
];
const NAT_TARGETS: &[&[&str]] = &[
    &["-j", "RETURN"],
    &["-j", "MASQUERADE"],
    &["-j", "REDIRECT"],
    &["-p", "tcp", "-j", "REDIRECT", "--to-ports", "8080"],
    &["-j", "ACCEPT"],
];
const BAD_TARGETS: &[&[&str]] = &[
    &["-j", "nosuch"],
    &["-g", "nosuch"],
    &["-g", "ACCEPT"],
    &["-j", "INPUT"],
    &["-g", "OUTPUT"],
    &["-j", ""],
    &["-j", "tcp"],
    &["-j", "REDIRECT"],
    &["-j", "MASQUERADE"],
    &["-j", "REJECT", "--reject-with", "tcp-reset"],
    &["-j", "LOG", "--log-prefx", "x"],
    &["-j", "DROP", "-j", "ACCEPT"],
    &["-j", "ACCEPT", "-g", "web"],
    &["-j", "MARK"],
    &["-j", "DROP", "--log-prefix", "x"],
    &["-j", "accept"],
];

/// Long names of the rule's own options.
const LONG: &[(&str, &[&str])] = &[
    ("-s", &["--source", "--src"]),
    ("-d", &["--destination", "--dst"]),
    ("-i", &["--in-interface"]),
    ("-o", &["--out-interface"]),
    ("-p", &["--protocol", "--proto"]),
    ("-j", &["--jump"]),
    ("-g", &["--goto"]),
    ("-m", &["--match"]),
    ("-t", &["--table"]),
    ("-A", &["--append"]),
    ("-C", &["--check"]),
    ("-D", &["--delete"]),
    ("-I", &["--insert"]),
    ("-R", &["--replace"]),
    ("-L", &["--list"]),
    ("-S", &["--list-rules"]),
    ("-F", &["--flush"]),
    ("-Z", &["--zero"]),
    ("-N", &["--new-chain", "--new"]),
    ("-X", &["--delete-chain"]),
    ("-P", &["--policy"]),
    ("-E", &["--rename-chain"]),
    ("-v", &["--verbose"]),
    ("-n", &["--numeric"]),
    ("-x", &["--exact"]),
    ("-c", &["--set-counters"]),
];

/// Commands of which each is a session: every way to write an option, and everything that is refused for a reason of its
/// own. Behind `restore` stands a text.
pub(super) const SINGLE: &[&[&str]] = &[
    &["-A", "INPUT", "-jACCEPT"],
    &["-L", "nosuch"],
    &["-S", "nosuch"],
    &["-F", "nosuch"],
    &["-Z", "nosuch"],
    &["-X", "nosuch"],
    &["!", "-V"],
    &["-E", "web", ""],
    &["-E", "web", "a2345678901234567890123456789"],
    &["-E", "Zed", "ACCEPT"],
    &["-E", "nosuch", "other"],
    &["-E", "a", "web"],
    &["save", "-h"],
    &["save", "-t", "nosuch"],
    &["restore", "*filter\n:x - [0:0]\n:y - [0:0]\n-A x -j y\n-A y -j x\n-A INPUT -j x\n-A INPUT -j y\nCOMMIT\n", "-n"],
    &["restore", "*filter\n-A INPUT -j MASQUERADE\n-A OUTPUT -j ACCEPT\n-A INPUT -j MASQUERADE\nCOMMIT\n", "-n"],
    &["restore", "*filter\n-A INPUT -j nosuch\n-A INPUT --nosuch\nCOMMIT\n", "-n"],
    &["restore", "*filter\n-A nosuch -j ACCEPT\n-A INPUT -j MASQUERADE\nCOMMIT\n", "-n"],
    &["restore", "*filter\n-A INPUT -j ACCEPT\n", "-n"],
    &["restore", "", "-n"],
    &["restore", "*filter\n-N new\n-A new -j ACCEPT\n-E new old\nCOMMIT\n", "-n"],
    &["-X"],
    &["-F", "-v"],
    &["-Z", "-v"],
    &["-X", "-v"],
    &["-N", "new", "-v"],
    &["-L", "-Z", "-v"],
    &["-Z", "INPUT", "99"],
    &["-Z", "INPUT", "1"],
    &["-L", "INPUT", "1", "-n"],
    &["-L", "INPUT", "99", "-n"],
    &["-S", "INPUT", "1"],
    &["-S", "web", "-v"],
    &["-A", "INPUT", "-s", "10.0.0.0/8,10.0.0.1", "!", "-d", "10.0.0.2"],
    &["-R", "INPUT", "1", "-s", "127.0.0.1,127.0.0.2"],
    &["-R", "INPUT", "99", "-j", "ACCEPT"],
    &["-I", "INPUT", "99", "-j", "ACCEPT"],
    &["-D", "INPUT", "99"],
    &["-D", "INPUT", "-j", "DROP"],
    &["-D", "INPUT", "-j", "MARK", "--set-mark", "9"],
    &["-C", "INPUT", "-j", "web"],
    &["-C", "INPUT", "-j", "nosuch"],
    &["-A", "INPUT", "-j", "nosuch"],
    &["-A", "INPUT", "-g", "nosuch"],
    &["-A", "nosuch", "-j", "nosuch"],
    &["-A", "INPUT", "-j", "OUTPUT"],
    &["-A", "INPUT", "-j", "MASQUERADE"],
    &["-A", "INPUT", "-j", "REJECT", "--reject-with", "tcp-reset"],
    &["-A", "INPUT", "-o", "eth0"],
    &["-A", "OUTPUT", "-i", "eth0"],
    &["-t", "nat", "-A", "PREROUTING", "-j", "DROP"],
    &["-t", "nat", "-P", "PREROUTING", "DROP"],
    &["-P", "web", "DROP"],
    &["-P", "INPUT", "REJECT"],
    &["-P", "INPUT"],
    &["-t", "nosuch", "-L"],
    &["-t", "nosuch", "-A", "INPUT", "--nosuch"],
    &["-A"],
    &["-A", "INPUT", "-s"],
    &["-A", "INPUT", "--source"],
    &["-A", "INPUT", "-p", "tcp", "--dport"],
    &["-A", "INPUT", "extra"],
    &["-A", "INPUT", "--"],
    &["-A", "INPUT", "--", "-j"],
    &["-A", "INPUT", "-m", "nosuch"],
    &["-A", "INPUT", "-p", "nosuch"],
    &["-A", "INPUT", "-A", "OUTPUT"],
    &["-A", "INPUT", "-L"],
    &["-j", "ACCEPT"],
    &[],
    &["-W", "5", "-S"],
    &["-w", "5", "-W", "5", "-S"],
    &["-w", "x", "-S"],
    &["--li"],
    &["--append=INPUT", "--jump", "ACCEPT"],
    &["--append", "INPUT", "--match=comment", "--comment=x", "--jump", "ACCEPT"],
    &["--app", "INPUT", "--out", "eth0"],
    &["--insert", "FORWARD", "--in-i", "eth0", "--out-i", "eth1", "--jum", "DROP"],
    &["--list-r"],
    &["--zero"],
    &["--flush", "web"],
    &["--new", "other"],
    &["--delete-c", "other"],
    &["--rename", "a", "other"],
    &["--pol", "INPUT", "DROP"],
    &["--num", "--exact", "--verbose", "--line-numbers", "--list"],
    &["-nvL"],
    &["-vnxL", "INPUT"],
    &["-vS"],
    &["-4", "-S"],
    &["-6", "-S"],
    &["-A", "INPUT", "-i", "eth 0"],
    &["-A", "INPUT", "-i", "+", "-v"],
    &["-A", "INPUT", "!", "-i", "+"],
    &["-A", "INPUT", "-s", "::/64", "&&", "-L"],
    &["-F", "&&", "-X", "&&", "-X", "INPUT", "&&", "-S"],
    &["-F", "&&", "-X", "&&", "-Z", "OUTPUT", "&&", "-L", "-Z", "-v"],
    &["-t", "security", "-F", "&&", "-t", "security", "-X", "&&", "-t", "security", "-D", "INPUT", "1"],
    &["-t", "security", "-R", "INPUT", "1", "-j", "DROP", "&&", "-t", "security", "-Z", "&&", "save", "-t", "security"],
    &["restore", "*filter\nCOMMIT\n", "&&", "save", "-c", "-t", "filter"],
    &["restore", "*filter\n:LOG - [0:0]\n:-x - [0:0]\nCOMMIT\n"],
    &["restore", "*filter\nCOMMIT\nCOMMIT\nnonsense\n*nat\nCOMMIT\n", "-T", "nat"],
    &["-A", "web", "-j", "ACCEPT", "&&", "restore", "*filter\n:web - [0:0]\n-D web 1\nCOMMIT\n", "-n"],
    &["-A", "INPUT", "-c", "010", "+2", "&&", "save", "-c", "-t", "filter"],
    &["-A", "INPUT", "-c", "1", "2x"],
    &["-A", "INPUT", "-c", "0x10,2"],
    &["-A", "INPUT", "-c", "1", "2001:db8::1,2001:db8::2", "ACCEPT"],
    &[
        "restore",
        "*filter\n:INPUT ACCEPT [010:2]\n[07:+1] -A INPUT\nCOMMIT\n",
        "-c",
        "&&",
        "save",
        "-c",
        "-t",
        "filter",
    ],
    &["restore", "iptables -A INPUT -j DROP\n"],
    &["restore", "-A INPUT -j DROP\n"],
];

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn good<'a>(r: &mut Random, sound: &[&'a str], rude: &[&'a str]) -> &'a str {
    if r.percent(93) { r.pick(sound) } else { r.pick(rude) }
}

pub(super) fn chain(r: &mut Random) -> &'static str {
    good(r, CHAINS, ODD_CHAINS)
}

/// `-s VALUE` in one of the ways to write it.
fn option(r: &mut Random, short: &str, value: &str) -> Vec<String> {
    let long = LONG.iter().find(|l| l.0 == short).map_or("--nosuch", |l| r.pick(l.1));
    match r.below(100) {
        0..=63 => owned(&[short, value]),
        // Stock takes the whole word for the value, each time: a few are enough to know.
        64 if r.percent(60) || short == "-t" => vec![format!("{short}{value}")],
        65 => vec![format!("{long}={value}")],
        66..=93 => owned(&[long, value]),
        _ => vec![cut(r, long), value.to_owned()],
    }
}

/// The beginning of a long name.
fn cut(r: &mut Random, long: &str) -> String {
    let len = 3 + r.below(long.len() as u64 - 2) as usize;
    long[..len.min(long.len())].to_owned()
}

/// The words of a rule.
pub(super) fn rule(family: Family, nat: bool, r: &mut Random) -> Vec<String> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let (addresses, bad) = if family == Family::V4 { (V4, BAD_V4) } else { (V6, BAD_V6) };
    let mut head = |r: &mut Random, short: &str, value: &str| {
        let mut words = option(r, short, value);
        match r.below(100) {
            0..=9 => words.insert(0, "!".to_owned()),
            10 if r.percent(50) => words.insert(1, "!".to_owned()),
            12 => words.insert(0, "! !".to_owned()),
            _ => {}
        }
        parts.push(words);
    };
    for (short, often) in [("-s", 35), ("-d", 20), ("-i", 20), ("-o", 8)] {
        if r.percent(often) {
            let value = match short {
                "-s" | "-d" => good(r, addresses, bad),
                _ => good(r, IFACES, BAD_IFACES),
            };
            head(r, short, value);
        }
    }
    let mut tcp = false;
    if r.percent(50) {
        let proto = good(r, PROTOS, BAD_PROTOS);
        tcp = matches!(proto, "tcp" | "udp" | "6" | "17" | "TCP");
        head(r, "-p", proto);
    }
    if family == Family::V4 && r.percent(4) {
        parts.push(owned(r.pick(&[&["-f"][..], &["!", "-f"], &["--fragment"], &["--fragments"], &["-f", "-f"]])));
    }
    if r.percent(5) {
        let counts = [&["-c", "1", "2"][..], &["-c", "1,2"], &["-c", "x", "2"], &["-c", "1"], &["-c1", "2"]];
        parts.push(owned(r.pick(&counts)));
    }
    if !r.percent(20) {
        r.shuffle(&mut parts);
    }
    if tcp && r.percent(60) {
        // An option of the protocol may stand before `-p` only by mistake.
        let at = if r.percent(95) { parts.len() } else { 0 };
        parts.insert(at, extension(r, r.clone().pick(TCP)));
    }
    if r.percent(30) {
        let of = if r.percent(85) { MATCHES } else { BAD_OPTIONS };
        let words = extension(r, r.clone().pick(of));
        parts.push(words);
    }
    let of = match r.below(100) {
        0..=8 => BAD_TARGETS,
        _ if nat => NAT_TARGETS,
        _ => TARGETS,
    };
    let at = if r.percent(85) { parts.len() } else { r.below(parts.len() as u64 + 1) as usize };
    let target = r.clone().pick(of);
    parts.insert(at, extension(r, target));
    parts.concat().into_iter().flat_map(|w| if w == "! !" { owned(&["!", "!"]) } else { vec![w] }).collect()
}

/// The words of an extension, its options sometimes cut short or with their value behind `=`.
fn extension(r: &mut Random, words: &[&str]) -> Vec<String> {
    r.draw();
    let mut out: Vec<String> = Vec::new();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let takes = word.starts_with("--") && words.peek().is_some_and(|n| !n.starts_with('-'));
        match r.below(100) {
            0..=7 if takes && word != "--tcp-flags" => {
                let value = words.next().unwrap_or_default();
                out.push(format!("{word}={value}"));
            }
            8..=13 if word.starts_with("--") => out.push(cut(r, word)),
            _ => out.push(word.to_owned()),
        }
    }
    out
}

/// A command with the words that are its own.
fn verb(r: &mut Random, short: &'static str, args: &[&str]) -> Vec<String> {
    let long = LONG.iter().find(|l| l.0 == short).map_or("--nosuch", |l| r.pick(l.1));
    let mut words = match (r.below(100), args) {
        (0..=69, _) => vec![short.to_owned()],
        (70..=77, [first, ..]) => {
            let mut words = vec![format!("{short}{first}")];
            words.extend(owned(&args[1..]));
            return words;
        }
        (78..=82, [first, ..]) => {
            let mut words = vec![format!("{long}={first}")];
            words.extend(owned(&args[1..]));
            return words;
        }
        (83..=88, _) => vec![cut(r, long)],
        _ => vec![long.to_owned()],
    };
    words.extend(owned(args));
    words
}

fn index(r: &mut Random) -> &'static str {
    good(r, &["1", "1", "2", "3", "5"], &["0", "99", "x", "-1", "1x", "", "0x1", "+1", "4294967297", "01"])
}

/// A command line.
pub fn command(family: Family, r: &mut Random) -> Step {
    let table = match r.below(100) {
        0..=14 => "nat",
        15..=19 => "mangle",
        20..=22 => "filter",
        23 => r.pick(&["nosuch", "", "FILTER", "raw", "security"]),
        _ => "",
    };
    let name = if table == "nat" && r.percent(70) {
        r.pick(&["PREROUTING", "POSTROUTING", "OUTPUT", "web"])
    } else {
        chain(r)
    };
    let rule = |r: &mut Random| rule(family, table == "nat", r);
    let mut words = Vec::new();
    match r.below(100) {
        0..=24 => {
            words = verb(r, "-A", &[name]);
            words.extend(rule(r));
        }
        25..=34 => {
            let at = index(r);
            let args = [name, at];
            let args = if r.percent(50) { &args[..1] } else { &args };
            words = verb(r, "-I", args);
            words.extend(rule(r));
        }
        35..=39 => {
            let at = index(r);
            let args = [name, at];
            let args = if r.percent(93) { &args } else { &args[..1] };
            words = verb(r, "-R", args);
            words.extend(rule(r));
        }
        40..=43 => {
            words = verb(r, "-C", &[name]);
            words.extend(rule(r));
        }
        44..=48 => {
            words = verb(r, "-D", &[name]);
            words.extend(rule(r));
        }
        49..=53 => {
            let at = index(r);
            words = verb(r, "-D", &[name, at]);
        }
        54..=76 => words = listing(r, name),
        77..=81 => words = verb(r, "-N", &[name]),
        82..=85 => {
            let name = match r.below(100) {
                0..=4 => r.pick(ODD_CHAINS),
                5..=9 => r.pick(CHAINS),
                _ => r.pick(&["web", "Zed", "a", "b", "nosuch", "empty"]),
            };
            let args: &[&str] = if r.percent(70) { &[name] } else { &[] };
            words = verb(r, "-X", args);
        }
        86..=89 => {
            let second = chain(r);
            let args = [name, second];
            let args = if r.percent(92) { &args } else { &args[..1] };
            words = verb(r, "-E", args);
        }
        90..=94 => {
            let policy = good(r, &["ACCEPT", "DROP"], &["REJECT", "QUEUE", "RETURN", "", "drop", "web"]);
            let args = [name, policy];
            let args = if r.percent(92) { &args } else { &args[..1] };
            words = verb(r, "-P", args);
            if r.percent(10) {
                words.extend(owned(&["-c", "5", "6"]));
            }
        }
        95 => words.push("-V".to_owned()),
        96 => {
            words = owned(r.pick(&[
                &["-h"][..],
                &["--help"],
                &["-m", "tcp", "-h"],
                &["-p", "udp", "--help"],
                &["-j", "LOG", "-h"],
            ]))
        }
        _ => words = rule(r),
    }
    if !table.is_empty() {
        let at = match r.below(10) {
            0..=6 => 0,
            _ => words.len(),
        };
        let option = option(r, "-t", table);
        words.splice(at..at, option);
    }
    surround(r, &mut words);
    if r.percent(14) {
        spoil(r, &mut words);
    }
    Step { suffix: "", args: words, input: String::new() }
}

/// `-L`, `-S`, `-F` and `-Z`, with letters that stand together.
fn listing(r: &mut Random, name: &str) -> Vec<String> {
    let short = *r.clone().pick(&[&"-L", &"-L", &"-L", &"-S", &"-S", &"-F", &"-Z"]);
    r.draw();
    let at = index(r);
    let args: &[&str] = match r.below(10) {
        0..=4 => &[],
        5..=8 => &[name],
        _ => &[name, at],
    };
    let mut words = match (short, r.below(100)) {
        ("-L", 0..=34) => {
            let cluster = r.pick(&["-nL", "-nvL", "-vL", "-vnL", "-nvxL", "-Ln", "-nxvL", "-L", "-nLv"]);
            let mut words = vec![cluster.to_owned()];
            words.extend(owned(args));
            words
        }
        ("-S", 0..=9) => owned(&["-vS"]).into_iter().chain(owned(args)).collect(),
        _ => verb(r, short, args),
    };
    if short == "-L" {
        for flag in ["-n", "-v", "-x", "--line-numbers", "--line", "-Z"] {
            if r.percent(if flag == "--line" { 3 } else { 15 }) {
                words.push(flag.to_owned());
            }
        }
    } else if r.percent(20) {
        words.push(r.pick(&["-v", "-v", "-n", "-x", "--line-numbers", "-Z", "-c", "-s"]).to_owned());
    }
    words
}

/// Options that any command may have beside it.
fn surround(r: &mut Random, words: &mut Vec<String>) {
    let more: &[&str] = match r.below(100) {
        0..=9 => &["-v"],
        10..=12 => &["-w"],
        13 => &["-w", "5"],
        14 => &["-w5"],
        15 => &["--wait=5"],
        16 => r.clone().pick(&[
            &["-w", "x"][..],
            &["-wx"],
            &["-W", "5"],
            &["-w", "-W", "5"],
            &["-W5"],
            &["-w", "5", "-W", "x"],
        ]),
        17 => &["-4"],
        18 => &["-6"],
        19 => &["-M", "/sbin/modprobe"],
        20 => &["--modprobe=/bin/true"],
        21 => r.clone().pick(&[&["-n"][..], &["-x"], &["--line-numbers"], &["-f"], &["-V"]]),
        22 => &["-vv"],
        _ => return,
    };
    let at = if r.percent(50) { 0 } else { words.len() };
    words.splice(at..at, owned(more));
}

/// One mistake.
fn spoil(r: &mut Random, words: &mut Vec<String>) {
    let at = r.below(words.len() as u64) as usize;
    match r.below(8) {
        0 => drop(words.remove(at)),
        1 => words.insert(at, words[at].clone()),
        2 | 3 => words.insert(at, "!".to_owned()),
        4 => {
            let word =
                r.pick(&["extra", "-", "--", "", "--foo", "-9", "--l", "5", "--set-counters", "-y", "---", "--="]);
            words.insert(at, word.to_owned());
        }
        5 => words.push(r.pick(&["extra", "-", "!", "-j", "--", "-s", "--dport", "-m"]).to_owned()),
        6 => {
            let with = r.below(words.len() as u64) as usize;
            words.swap(at, with);
        }
        _ => words[at] = r.pick(&["", "x", "ACCEPT", "1.2.3.4", "-"]).to_owned(),
    }
    if words.is_empty() {
        words.push("-S".to_owned());
    }
}
