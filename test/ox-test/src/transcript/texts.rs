//! Random restore texts and the commands that read them, and `iptables-save`.

use super::ask::FILE;
use super::{Step, lines};
use crate::random::Random;
use ox_packet::Family;
use ox_rules::ir::Dialect;

/// What a random session begins with: mostly chains and rules in three tables, sometimes less or nothing at all.
pub(super) fn beginnings(family: Family, r: &mut Random) -> Vec<Step> {
    let text = match r.below(100) {
        0..=7 => return Vec::new(),
        8..=10 => "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",
        11 | 12 => "*filter\n:FORWARD DROP [0:0]\n:web - [0:0]\n:Zed - [0:0]\nCOMMIT\n*nat\nCOMMIT\n",
        _ => return vec![beginning(family, r)],
    };
    vec![Step { suffix: "-restore", args: Vec::new(), input: text.to_owned() }]
}

/// What a session begins with: chains and rules in three tables.
pub fn beginning(family: Family, r: &mut Random) -> Step {
    let mut text = String::from(
        "*filter\n:INPUT ACCEPT [1:2]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:web - [0:0]\n:Zed - [0:0]\n:a - [0:0]\n",
    );
    for chain in ["INPUT", "web", "FORWARD"] {
        for target in ["ACCEPT", "Zed", "LOG"].into_iter().take(r.below(4) as usize) {
            let jump = if chain == "web" && target == "Zed" { "a" } else { target };
            text.push_str(&format!("[{}:{}] -A {chain} -p tcp -m tcp --dport 22 -j {jump}\n", r.below(9), r.below(99)));
        }
    }
    text.push_str("COMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    text.push_str(":POSTROUTING ACCEPT [0:0]\n:web - [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n");
    text.push_str("*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n");
    text.push_str(":OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n");
    if family == Family::V6 {
        text = text.replace("-m tcp --dport 22", "-m tcp --dport 23");
    }
    Step { suffix: "-restore", args: if r.percent(80) { vec!["-c".to_owned()] } else { Vec::new() }, input: text }
}

/// `iptables-restore`.
pub fn restore(family: Family, r: &mut Random) -> Step {
    let mut args = Vec::new();
    for (option, often) in [("-n", 45), ("-c", 25), ("-v", 15), ("-t", 7), ("-w", 4)] {
        if r.percent(often) {
            let long = match option {
                "-n" => "--noflush",
                "-c" => "--counters",
                "-v" => "--verbose",
                "-t" => "--test",
                _ => "--wait",
            };
            args.push(if r.percent(75) { option } else { long }.to_owned());
        }
    }
    match r.below(100) {
        0..=5 => args.extend(["-T".to_owned(), r.pick(&["filter", "nat", "none", "raw"]).to_owned()]),
        6 => args.push("--table=filter".to_owned()),
        7 => args.extend(["-M".to_owned(), "/bin/true".to_owned()]),
        8 => args.push(
            r.pick(&["-h", "-V", "-x", "--nosuch", "--no", "-4", "-6", "-W", "-T", "-w5", "-wx", "--", "-nv"])
                .to_owned(),
        ),
        9 => args.extend(["/nonexistent/file".to_owned()]),
        10..=16 => args.push(FILE.to_owned()),
        17 => args.extend([FILE.to_owned(), "more".to_owned()]),
        _ => {}
    }
    // deviations/restore-verbose-policy.toml
    let has = |names: [&str; 2]| args.iter().any(|a| names.contains(&&a[..]));
    let whole = has(["-v", "--verbose"]) && !has(["-n", "--noflush"]);
    let input = text(family, whole, r);
    Step { suffix: "-restore", args, input }
}

/// `iptables-save`. Without `-t` only for nft: legacy has every table that anybody has looked at.
pub fn save(dialect: Dialect, r: &mut Random) -> Step {
    if dialect == Dialect::Nft && r.percent(25) {
        return Step { suffix: "-save", ..Step::line(r.pick(&[&[][..], &["-c"]]).iter().copied()) };
    }
    let mut args = vec!["-t".to_owned(), r.pick(&["filter", "nat", "mangle"]).to_owned()];
    match r.below(12) {
        0..=3 => args.push("-c".to_owned()),
        4 => args.push("--counters".to_owned()),
        5 => args = vec![format!("--table={}", args[1])],
        6 => args = vec![format!("-t{}", args[1])],
        7 => args.push(r.pick(&["-x", "--nosuch", "extra", "-V", "-h", "-d", "--ta", "-M"]).to_owned()),
        8 => args[1] = r.pick(&["nosuch", "", "raw"]).to_owned(),
        9 => args.extend(["-M".to_owned(), "/bin/true".to_owned()]),
        10 => args.insert(0, r.pick(&["-c", "-4", "-6", "-ct"]).to_owned()),
        _ => {}
    }
    Step { suffix: "-save", args, input: String::new() }
}

/// A restore text; `whole`: every built-in chain is named.
fn text(family: Family, whole: bool, r: &mut Random) -> String {
    let mut text = String::new();
    let tables = 1 + r.below(2);
    for _ in 0..tables {
        if r.percent(20) {
            text.push_str("# a comment\n");
        }
        let table = match r.below(20) {
            0..=3 => "nat",
            4 => "mangle",
            5 if r.percent(40) => r.pick(&["nosuch", "", "filter ", " filter", "FILTER"]),
            _ => "filter",
        };
        text.push_str(&format!("*{table}\n"));
        let mut lines = String::new();
        block(family, table, whole, r, &mut lines);
        // nft forgets a policy that stands in the same text: deviations/restore-flush-policy.toml.
        if lines.lines().any(|l| l.contains("-Z") || l.contains("-X")) {
            let policy = |l: &str| {
                if l.starts_with(':') { l.replace(" DROP", " -").replace(" ACCEPT", " -") } else { l.to_owned() }
            };
            lines = lines.split_inclusive('\n').map(policy).collect();
        }
        text.push_str(&lines);
        match r.below(40) {
            0 => {}
            1 => text.push_str("COMMIT \n"),
            2 => text.push_str("COMMIT\nCOMMIT\n"),
            3 => text.push_str("commit\nCOMMIT\n"),
            _ => text.push_str("COMMIT\n"),
        }
    }
    match r.below(30) {
        0 => text = text.replace('\n', "\r\n"),
        1 | 2 => drop(text.pop()),
        3 => text.insert_str(0, "-A INPUT -j ACCEPT\n"),
        4 => text.insert_str(0, "\n\n"),
        _ => {}
    }
    text
}

fn block(family: Family, table: &str, whole: bool, r: &mut Random, text: &mut String) {
    let base: &[&str] =
        if table == "nat" { &["PREROUTING", "OUTPUT", "POSTROUTING"] } else { &["INPUT", "FORWARD", "OUTPUT"] };
    for chain in base.iter().chain(&["web", "new", "Zed"]) {
        let named = r.percent(if base.contains(chain) { 88 } else { 45 });
        if !(named || whole && base.contains(chain)) {
            continue;
        }
        let policy = if !base.contains(chain) { "-" } else { r.pick(&["ACCEPT", "ACCEPT", "DROP", "-"]) };
        let counters = match r.below(30) {
            0 => "",
            1 => " [x:y]",
            2 => " [1:2",
            3 => " 1:2",
            4 => " [1:2] more",
            _ => " [7:8]",
        };
        let policy = if r.percent(2) { r.pick(&["REJECT", "", "accept", "QUEUE"]) } else { policy };
        if table == "nat" && policy == "DROP" {
            continue;
        }
        text.push_str(&format!(":{chain} {policy}{counters}\n"));
    }
    if r.percent(1) {
        text.push_str(r.pick(&[":\n", ":bad name - [0:0]\n", ":-x - [0:0]\n", ":INPUT\n", ":ACCEPT - [0:0]\n"]));
    }
    for _ in 0..r.below(5) {
        let line = line(family, table, r);
        text.push_str(&line);
        text.push('\n');
    }
}

/// One line between `*table` and COMMIT.
fn line(family: Family, table: &str, r: &mut Random) -> String {
    let name = if table == "nat" { r.pick(&["PREROUTING", "POSTROUTING", "OUTPUT", "web"]) } else { lines::chain(r) };
    let mut words: Vec<String> = Vec::new();
    let command = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    match r.below(100) {
        0..=64 => {
            words.extend(command(&["-A", name]));
            words.extend(lines::rule(family, table == "nat", r));
        }
        65..=71 => {
            words.extend(command(&["-I", name, r.pick(&["1", "1", "2", "9"])]));
            words.extend(lines::rule(family, table == "nat", r));
        }
        72..=74 => words = command(&["-D", name, r.pick(&["1", "2", "9"])]),
        75 => {
            words.extend(command(&["-R", name, "1"]));
            words.extend(lines::rule(family, table == "nat", r));
        }
        76 => words = command(&["-F", name]),
        77 => words = command(&["-X", "new"]),
        78 => words = command(&["-Z", "INPUT"]),
        79 => words = command(&["-P", name, "DROP"]),
        80 => words = command(&["-E", name, "other"]),
        81 => words = command(&["-N", name]),
        82 | 83 => words = command(&["-F", "web"]),
        84 => words = command(r.clone().pick(&[&["-Z"][..], &["-Z"], &["-t", "filter", "-A", "INPUT"], &["-w", "-F"]])),
        85 => {
            words.extend(command(&["-C", name]));
            words.extend(lines::rule(family, table == "nat", r));
        }
        86 => return "# inside".to_owned(),
        87 => return String::new(),
        88 => {
            return r
                .pick(&["nonsense", "-", "A INPUT -j ACCEPT", "-A", "[1:2]", "[1:2", "-A INPUT \"open"])
                .to_owned();
        }
        89 => words = command(&[r.pick(&["-4", "-6"]), "-A", name, "-j", "ACCEPT"]),
        _ => {
            words.extend(command(&["-A", name, "-m", "comment", "--comment"]));
            words.push(r.pick(&["a \"quoted\" word", "back\\slash", "it's", "", "#no", "two  blanks"]).to_owned());
        }
    }
    let counted = r.percent(25);
    let mut line = match r.below(20) {
        0 if counted => "[1:2]".to_owned(),
        1 if counted => "[x:2] ".to_owned(),
        _ if counted => format!("[{}:{}] ", r.below(9), r.below(999)),
        _ => String::new(),
    };
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            line.push_str(if r.percent(96) { " " } else { r.pick(&["  ", "\t"]) });
        }
        line.push_str(&quoted(word, r));
    }
    match r.below(40) {
        0 => line.push(' '),
        1 => line.insert(0, ' '),
        _ => {}
    }
    line
}

fn quoted(word: &str, r: &mut Random) -> String {
    let plain = !word.is_empty() && !word.contains([' ', '"', '\\', '\t']);
    if plain && r.percent(97) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Takes the numbers out of the counters of chains.
pub(super) fn without_policy_counters(text: &mut String) {
    let plain = |line: &str| {
        if line.starts_with(':') { line.replace("7:8", "0:0").replace("1:2", "0:0") } else { line.to_owned() }
    };
    *text = text.split_inclusive('\n').map(plain).collect();
}
