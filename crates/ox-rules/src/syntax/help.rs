//! Help, printed from the option tables.

use super::{Command, Opt, Out, Program};
use crate::ext::{self, Desc};
use crate::model::{Proto, Target};
use ox_packet::Family;

/// `-h`, with what was named before it: `-m X -h`, `-j X -h`, `-p X -h`.
pub fn help(command: &Command, program: Program, out: &mut Out) {
    let (name, family) = (program.name(), program.family);
    out.fmt(format_args!("{name} {}\n\n", program.version()));
    let rule = &command.rule.rule;
    let proto = (rule.head.proto.is != Proto::ANY).then_some(rule.head.proto.is.0);
    let proto = proto.and_then(super::names::protocol_name).and_then(|n| ext::match_desc(n, family));
    let mut named: Vec<(&str, &'static Desc)> = Vec::new();
    for m in &rule.matches {
        named.extend(m.desc().map(|d| ("-m", d)));
    }
    if let Some(proto) = proto.filter(|p| !named.iter().any(|n| n.1.name == p.name)) {
        named.push(("-p", proto));
    }
    if let Some(target) = rule.target.desc() {
        named.push(("-j", target));
    }
    if named.is_empty() {
        if let Target::Jump(chain) | Target::Goto(chain) = &rule.target {
            out.fmt(format_args!("{} is a chain: it takes no options.\n\n", chain.as_str()));
        }
        return general(program, out);
    }
    for (flag, desc) in named {
        extension(flag, desc, out);
    }
    out.fmt(format_args!("`{name} -h' alone prints the commands and the options that every rule may have.\n"));
}

/// One extension: what it does, and its options.
fn extension(flag: &str, desc: &Desc, out: &mut Out) {
    out.fmt(format_args!("{flag} {}: {}\n", desc.name, desc.about.trim()));
    if !desc.aliases.is_empty() {
        out.fmt(format_args!("Also called {}.\n", desc.aliases.join(", ")));
    }
    if desc.options.is_empty() {
        out.raw("It has no options.\n");
    }
    for option in desc.options {
        row(&usage(option), option.help.trim(), out);
    }
    let tables: Vec<_> = desc.tables.iter().map(|t| t.name()).collect();
    if flag == "-j" && tables.len() < 5 {
        out.fmt(format_args!("Only in the table {}.\n", tables.join(" or ")));
    }
    out.raw("\n");
}

/// `[!] --name, --other VALUE`
fn usage(option: &Opt) -> String {
    let names: Vec<_> = option.names.iter().map(|n| format!("--{n}")).collect();
    let not = if option.invert { "[!] " } else { "    " };
    let hint = match option.hint {
        "" => String::new(),
        hint if option.optional => format!(" [{hint}]"),
        hint => format!(" {hint}"),
    };
    format!("{not}{}{hint}", names.join(", "))
}

/// Column at which explanations begin.
const COLUMN: usize = 32;
/// Width of the page.
const WIDTH: usize = 80;

/// Two columns, the right one broken at words.
fn row(left: &str, right: &str, out: &mut Out) {
    out.raw(left);
    let mut at = left.chars().count();
    if at + 2 > COLUMN {
        out.raw("\n");
        at = 0;
    }
    for word in right.split_whitespace() {
        let len = word.chars().count();
        if at > COLUMN && at + 1 + len > WIDTH {
            out.raw("\n");
            at = 0;
        }
        if at < COLUMN {
            out.fmt(format_args!("{:1$}", "", COLUMN - at));
            at = COLUMN;
        } else {
            out.raw(" ");
            at += 1;
        }
        out.raw(word);
        at += len;
    }
    out.raw("\n");
}

const COMMANDS: &[(&str, &str)] = &[
    ("-A, --append CHAIN RULE", "Add a rule at the end of a chain."),
    ("-I, --insert CHAIN [N] RULE", "Add it before rule N (1 if not said)."),
    ("-R, --replace CHAIN N RULE", "Put it in the place of rule N."),
    ("-D, --delete CHAIN RULE", "Remove the first rule that is like this one."),
    ("-D, --delete CHAIN N", "Remove rule N."),
    ("-C, --check CHAIN RULE", "Say by the exit status whether there is such a rule."),
    ("-L, --list [CHAIN [N]]", "List rules in columns."),
    ("-S, --list-rules [CHAIN [N]]", "Print rules as they would be typed."),
    ("-F, --flush [CHAIN]", "Remove every rule of a chain, or of all."),
    ("-Z, --zero [CHAIN [N]]", "Set counters to zero; also beside -L or -S."),
    ("-N, --new-chain CHAIN", "Make a chain."),
    ("-X, --delete-chain [CHAIN]", "Remove an empty chain that no rule jumps to, or all of them."),
    ("-P, --policy CHAIN POLICY", "What the end of a built-in chain means: ACCEPT or DROP."),
    ("-E, --rename-chain OLD NEW", "Rename a chain; jumps to it follow."),
    ("-h, --help", "This page; behind -m, -j or -p NAME the options of that extension."),
    ("-V, --version", "Print the version."),
];

const RULE: &[(&str, &str)] = &[
    ("[!] -p, --protocol NAME", "Protocol, by name or number; loads its options."),
    ("[!] -s, --source ADDR[/MASK],..", "Where the packet comes from; each address makes a rule."),
    ("[!] -d, --destination ADDR[/MASK],..", "Where it goes to."),
    ("[!] -i, --in-interface NAME[+]", "Interface it came in by; + stands for any rest of the name."),
    ("[!] -o, --out-interface NAME[+]", "Interface it leaves by."),
    ("    -m, --match NAME", "Ask an extension; its options follow."),
    ("    -j, --jump TARGET", "What to do: a verdict, a chain, or an extension's target."),
    ("    -g, --goto CHAIN", "Go to a chain and do not come back to this one."),
    ("    -c, --set-counters PKTS BYTES", "Begin to count here."),
];

const OTHER: &[(&str, &str)] = &[
    ("-t, --table NAME", "raw, mangle, nat, filter or security; filter if not said."),
    ("-v, --verbose", "With -L and -S: counters; with others: say what is done."),
    ("-n, --numeric", "With -L: numbers instead of names."),
    ("-x, --exact", "With -L -v: counters to the last digit."),
    ("--line-numbers", "With -L: number the rules."),
    ("--format json", "With -L and -S: print JSON (docs/rules-json.md)."),
    ("-w, --wait [SECONDS]", "Wait for whoever is editing."),
    ("-W, --wait-interval USECS", "Understood and without effect."),
    ("-M, --modprobe COMMAND", "Understood and without effect."),
    ("-4, --ipv4    -6, --ipv6", "Family; a line of restore text for the other one is passed over."),
];

fn general(program: Program, out: &mut Out) {
    let name = program.name();
    out.fmt(format_args!("Usage: {name} [-t TABLE] COMMAND [CHAIN] [RULE] [OPTIONS]\n\nCommands:\n"));
    for (left, right) in COMMANDS {
        row(&format!("  {left}"), right, out);
    }
    out.raw("\nA rule ([!] may stand before these to mean the opposite):\n");
    for (left, right) in RULE {
        row(&format!("  {left}"), right, out);
    }
    if program.family == Family::V4 {
        row("  [!] -f, --fragment", "Second and further fragments.", out);
    }
    out.raw("\nOther options:\n");
    for (left, right) in OTHER {
        row(&format!("  {left}"), right, out);
    }
    out.raw("\nMatches (-m NAME -h explains one):\n");
    list(ext::match_names(program.family), out);
    out.raw("\nTargets (-j NAME -h explains one):\n");
    list(["ACCEPT", "DROP", "RETURN", "QUEUE"].into_iter().chain(ext::target_names(program.family)), out);
    out.raw("\nLong options may be cut short as long as they stay unique.\n");
}

/// Names in lines of a page's width.
fn list<'n>(names: impl Iterator<Item = &'n str>, out: &mut Out) {
    let mut at = 0;
    for name in names {
        if at > 0 && at + 1 + name.len() > WIDTH {
            out.raw("\n");
            at = 0;
        }
        let gap = if at == 0 { "  " } else { " " };
        out.raw(gap);
        out.raw(name);
        at += gap.len() + name.len();
    }
    out.raw("\n");
}

/// `iptables-restore -h`
pub fn restore_help(program: Program, out: &mut Out) {
    let name = program.name();
    out.fmt(format_args!("Usage: {name}-restore [OPTIONS] [FILE]\n"));
    out.raw("Reads restore text from FILE or standard input and puts it in force, a table at each COMMIT.\n");
    for (left, right) in [
        ("  -c, --counters", "Take counters from the text too."),
        ("  -n, --noflush", "Leave in place what the text does not name."),
        ("  -t, --test", "Check the text and change nothing."),
        ("  -T, --table NAME", "Take only this table from the text."),
        ("  -v, --verbose", "Say what is done."),
        ("  --format json", "Read JSON instead of text, all of it or nothing (docs/rules-json.md)."),
        ("  -w, --wait [SECONDS]", "Wait for whoever is editing."),
        ("  -W, --wait-interval USECS", "Understood and without effect."),
        ("  -M, --modprobe COMMAND", "Understood and without effect."),
        ("  -V, --version", "Print the version."),
        ("  -h, --help", "This page."),
    ] {
        row(left, right, out);
    }
}

/// `iptables-translate -h`; with a name before it the same page as of `iptables`.
pub fn translate_help(command: &Command, program: Program, out: &mut Out) {
    let rule = &command.rule.rule;
    if !rule.matches.is_empty() || !matches!(rule.target, Target::None) || rule.head.proto.is != Proto::ANY {
        return help(command, program, out);
    }
    let name = program.name();
    out.fmt(format_args!(
        "{name}-translate {}\n\nUsage: {name}-translate [-t TABLE] COMMAND [CHAIN] [RULE]\n\
         Says a command of {name} in the language of nft, and does nothing else.\n\nCommands:\n",
        program.version()
    ));
    for (left, right) in [
        ("  -A, --append CHAIN RULE", "add rule"),
        ("  -I, --insert CHAIN [N] RULE", "insert rule"),
        ("  -N, --new-chain CHAIN", "add chain"),
        ("  -X, --delete-chain CHAIN", "delete chain"),
        ("  -F, --flush [CHAIN]", "flush chain, flush table"),
        ("  -L, --list", "list table"),
        ("  -V, --version", "Print the version."),
        ("  -h, --help", "This page; behind -m, -j or -p NAME the options of that extension."),
    ] {
        row(left, right, out);
    }
    out.fmt(format_args!(
        "\nFor the words of a rule see `{name} -h'. What nft has no words for is named on standard\n\
         error, and the exit status is then 1.\n"
    ));
}

/// `iptables-restore-translate -h`
pub fn restore_translate_help(program: Program, out: &mut Out) {
    let name = program.name();
    out.fmt(format_args!(
        "Usage: {name}-restore-translate -f FILE\nSays text that {name}-restore reads in the language of nft, \
         for `nft -f'.\n"
    ));
    for (left, right) in [
        ("  -f, --file FILE", "The text; - is standard input."),
        ("  -V, --version", "Print the version."),
        ("  -h, --help", "This page."),
    ] {
        row(left, right, out);
    }
    out.raw(
        "What nft has no words for is a comment there and named on standard error, and the exit\nstatus is then 1.\n",
    );
}

/// `iptables-save -h`
pub fn save_help(program: Program, out: &mut Out) {
    let name = program.name();
    out.fmt(format_args!("Usage: {name}-save [OPTIONS]\nPrints the rules as text that {name}-restore reads.\n"));
    for (left, right) in [
        ("  -c, --counters", "Print counters too."),
        ("  -t, --table NAME", "Print only this table."),
        ("  -f, --file FILE", "Write into FILE instead of standard output."),
        ("  --format json", "Print JSON instead of text, with counters (docs/rules-json.md)."),
        ("  -M, --modprobe COMMAND", "Understood and without effect."),
        ("  -V, --version", "Print the version."),
        ("  -h, --help", "This page."),
    ] {
        row(left, right, out);
    }
}
