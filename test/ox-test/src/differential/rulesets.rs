//! Random rulesets that stock accepts, over templates that name every option of every extension.
//!
//! A template is option text with holes: `{port}`, `{addr}`, … are filled from the same small pools that the packets
//! are made of, so that rules and packets meet.

use super::dice::Rng;
use ox_packet::Family;
use ox_rules::ir::Dialect;

/// One way to write one extension.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Name after `-m` or `-j`; what hits are counted under, with the option.
    pub name: &'static str,
    /// Options with holes.
    pub text: &'static str,
    /// `4`, `6` or `46`.
    pub families: &'static str,
    /// Protocols it needs: `tcp`, `udp`, `icmp` (of the family), `sctp`, `ports` (tcp, udp or sctp), `` (any).
    pub proto: &'static str,
    /// Tables; empty for any.
    pub tables: &'static str,
    /// Hooks by letter: P I F O S (POSTROUTING); empty for any.
    pub hooks: &'static str,
}

const fn m(name: &'static str, text: &'static str, proto: &'static str) -> Template {
    Template { name, text, families: "46", proto, tables: "", hooks: "" }
}

const fn f(name: &'static str, text: &'static str, families: &'static str, proto: &'static str) -> Template {
    Template { name, text, families, proto, tables: "", hooks: "" }
}

const fn t(
    name: &'static str,
    text: &'static str,
    proto: &'static str,
    tables: &'static str,
    hooks: &'static str,
) -> Template {
    Template { name, text, families: "46", proto, tables, hooks }
}

/// Matches.
pub const MATCHES: &[Template] = &[
    m("tcp", "--sport {ports}", "tcp"),
    m("tcp", "! --sport {port}", "tcp"),
    m("tcp", "--dport {ports}", "tcp"),
    m("tcp", "! --dport {ports}", "tcp"),
    m("tcp", "--syn", "tcp"),
    m("tcp", "! --syn", "tcp"),
    m("tcp", "--tcp-flags SYN,ACK,FIN SYN", "tcp"),
    m("tcp", "! --tcp-flags ALL ACK", "tcp"),
    m("tcp", "--tcp-option {tcpopt}", "tcp"),
    m("tcp", "! --tcp-option {tcpopt}", "tcp"),
    m("udp", "--sport {ports}", "udp"),
    m("udp", "--dport {ports}", "udp"),
    m("udp", "! --dport {port}", "udp"),
    f("icmp", "--icmp-type echo-request", "4", "icmp"),
    f("icmp", "! --icmp-type 3/3", "4", "icmp"),
    f("icmp", "--icmp-type any", "4", "icmp"),
    f("icmp6", "--icmpv6-type echo-request", "6", "icmp"),
    f("icmp6", "! --icmpv6-type 1/4", "6", "icmp"),
    m("sctp", "--dport {ports}", "sctp"),
    m("sctp", "! --sport {port}", "sctp"),
    m("sctp", "--chunk-types any INIT,DATA", "sctp"),
    m("sctp", "--chunk-types all DATA", "sctp"),
    m("conntrack", "--ctstate {states}", ""),
    m("conntrack", "! --ctstate {states}", ""),
    m("conntrack", "--ctstate SNAT", ""),
    m("conntrack", "--ctstate DNAT", ""),
    m("conntrack", "--ctproto {protonum}", ""),
    m("conntrack", "! --ctproto {protonum}", ""),
    m("conntrack", "--ctorigsrc {net}", ""),
    m("conntrack", "! --ctorigdst {net}", ""),
    m("conntrack", "--ctreplsrc {net}", ""),
    m("conntrack", "--ctrepldst {net}", ""),
    m("conntrack", "--ctorigsrcport {ports}", ""),
    m("conntrack", "--ctorigdstport {ports}", ""),
    m("conntrack", "! --ctreplsrcport {port}", ""),
    m("conntrack", "--ctrepldstport {ports}", ""),
    m("conntrack", "--ctstatus {status}", ""),
    m("conntrack", "! --ctstatus {status}", ""),
    m("conntrack", "--ctexpire 1:700000", ""),
    m("conntrack", "--ctdir ORIGINAL", ""),
    m("conntrack", "--ctdir REPLY", ""),
    m("state", "--state {states}", ""),
    m("state", "! --state {states}", ""),
    m("mark", "--mark {masked}", ""),
    m("mark", "! --mark {masked}", ""),
    m("connmark", "--mark {masked}", ""),
    m("connmark", "! --mark {masked}", ""),
    m("multiport", "--sports {plist}", "ports"),
    m("multiport", "--dports {plist}", "ports"),
    m("multiport", "! --dports {plist}", "ports"),
    m("multiport", "--ports {plist}", "ports"),
    m("iprange", "--src-range {range}", ""),
    m("iprange", "! --dst-range {range}", ""),
    m("iprange", "--dst-range {range}", ""),
    m("addrtype", "--src-type {atype}", ""),
    m("addrtype", "--dst-type {atype}", ""),
    m("addrtype", "! --dst-type LOCAL", ""),
    Template { hooks: "PIF", ..m("addrtype", "--dst-type LOCAL --limit-iface-in", "") },
    m("comment", "--comment {word}", ""),
    m("limit", "--limit 1/hour --limit-burst {small}", ""),
    m(
        "hashlimit",
        "--hashlimit-upto 1/hour --hashlimit-burst {small} --hashlimit-mode {hmode} --hashlimit-name {uniq}",
        "",
    ),
    m(
        "hashlimit",
        "--hashlimit-above 1/hour --hashlimit-burst {small} --hashlimit-mode {hmode} --hashlimit-name {uniq}",
        "",
    ),
    m(
        "hashlimit",
        "--hashlimit-upto 1/hour --hashlimit-burst {small} --hashlimit-mode srcip --hashlimit-srcmask 16 --hashlimit-name {uniq}",
        "",
    ),
    m("recent", "--name {rname} --set", ""),
    m("recent", "--name {rname} --rcheck", ""),
    m("recent", "--name {rname} --rcheck --seconds 3600 --hitcount {small}", ""),
    m("recent", "--name {rname} --update --hitcount {small}", ""),
    m("recent", "--name {rname} --remove", ""),
    m("recent", "--name {rname} ! --rcheck --rdest", ""),
    m("recent", "--name {rname} --set --rdest", ""),
    m("recent", "--name {rname} --rcheck --rttl", ""),
    m("statistic", "--mode random --probability {chance}", ""),
    m("statistic", "--mode random ! --probability {chance}", ""),
    m("statistic", "--mode nth --every {small} --packet 0", ""),
    m("statistic", "--mode nth ! --every 3 --packet 2", ""),
    m("owner", "--uid-owner 0", "").only("OS"),
    m("owner", "! --uid-owner 5-10", "").only("OS"),
    m("owner", "--gid-owner 0", "").only("OS"),
    m("owner", "--socket-exists", "").only("OS"),
    m("set", "--match-set {setname} src", ""),
    m("set", "--match-set {setname} dst", ""),
    m("set", "! --match-set {setname} src", ""),
    m("length", "--length {lens}", ""),
    m("length", "! --length {lens}", ""),
    f("ttl", "--ttl-eq {ttl}", "4", ""),
    f("ttl", "! --ttl-eq {ttl}", "4", ""),
    f("ttl", "--ttl-gt {ttl}", "4", ""),
    f("ttl", "--ttl-lt {ttl}", "4", ""),
    f("hl", "--hl-eq {ttl}", "6", ""),
    f("hl", "! --hl-eq {ttl}", "6", ""),
    f("hl", "--hl-gt {ttl}", "6", ""),
    f("hl", "--hl-lt {ttl}", "6", ""),
    m("tos", "--tos {tos}", ""),
    m("tos", "! --tos {tos}", ""),
    m("dscp", "--dscp {dscp}", ""),
    m("dscp", "! --dscp-class EF", ""),
    m("pkttype", "--pkt-type unicast", ""),
    m("pkttype", "! --pkt-type unicast", ""),
    m("physdev", "! --physdev-is-bridged", "").only("PIF"),
    m("socket", "", "").only("PI"),
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "", "") },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--invert", "") },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--loose --validmark", "") },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--accept-local", "") },
    m("time", "--datestart 2020-01-01", ""),
    m("time", "--timestart 00:00 --timestop 23:59:59", ""),
    m("time", "--weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun", ""),
    m("time", "--datestop 2021-01-01", ""),
    m("time", "--monthdays 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", ""),
    m("string", "--algo bm --string {needle}", ""),
    m("string", "--algo kmp ! --string {needle}", ""),
    m("string", "--algo bm --icase --string OXT", ""),
    m("string", "--algo kmp --from 20 --to 60 --string {needle}", ""),
    m("string", "--algo bm --hex-string |6f787461|", ""),
    m("quota", "--quota {quota}", ""),
    m("quota", "! --quota {quota}", ""),
    m("connlimit", "--connlimit-upto {small}", ""),
    m("connlimit", "--connlimit-above {small}", ""),
    m("connlimit", "--connlimit-above {small} --connlimit-mask 0 --connlimit-daddr", ""),
    m("mac", "! --mac-source 02:00:00:00:00:01", "").only("PIF"),
    m("nfacct", "--nfacct-name oxacct", ""),
];

/// Targets besides verdicts and jumps.
pub const TARGETS: &[Template] = &[
    t("REJECT", "", "", "filter", "IFO"),
    Template { families: "4", ..t("REJECT", "--reject-with icmp-host-prohibited", "", "filter", "IFO") },
    Template { families: "4", ..t("REJECT", "--reject-with icmp-admin-prohibited", "", "filter", "IFO") },
    Template { families: "6", ..t("REJECT", "--reject-with icmp6-adm-prohibited", "", "filter", "IFO") },
    Template { families: "6", ..t("REJECT", "--reject-with icmp6-no-route", "", "filter", "IFO") },
    t("REJECT", "--reject-with tcp-reset", "tcp", "filter", "IFO"),
    t("LOG", "--log-prefix {word}", "", "", ""),
    t("LOG", "--log-level debug --log-ip-options", "", "", ""),
    t("NFLOG", "--nflog-group 9 --nflog-prefix {word}", "", "", ""),
    t("NFQUEUE", "--queue-num 3", "", "raw,mangle,filter,security", ""),
    t("NFQUEUE", "--queue-num 3 --queue-bypass", "", "raw,mangle,filter,security", ""),
    t("NFQUEUE", "--queue-balance 4:7 --queue-bypass", "", "raw,mangle,filter,security", ""),
    t("SNAT", "--to-source {natout}", "", "nat", "S"),
    t("SNAT", "--to-source {natrange} --persistent", "", "nat", "S"),
    t("SNAT", "--to-source {natoutport}", "tu", "nat", "S"),
    t("SNAT", "--to-source {natout} --random-fully", "tu", "nat", "S"),
    t("SNAT", "--to-source {natin}", "", "nat", "I"),
    t("DNAT", "--to-destination {natdst}", "", "nat", "PO"),
    t("DNAT", "--to-destination {natdstport}", "tu", "nat", "PO"),
    t("DNAT", "--to-destination {natdstports}", "tu", "nat", "PO"),
    t("DNAT", "--to-destination {natdst} --persistent", "", "nat", "PO"),
    t("MASQUERADE", "", "", "nat", "S"),
    t("MASQUERADE", "--to-ports 30000-30100", "tu", "nat", "S"),
    t("MASQUERADE", "--random", "tu", "nat", "S"),
    t("REDIRECT", "", "", "nat", "PO"),
    t("REDIRECT", "--to-ports 8080", "tu", "nat", "PO"),
    t("NETMAP", "--to {natnet}", "", "nat", "PO"),
    t("NETMAP", "--to {natnet}", "", "nat", "S"),
    t("MARK", "--set-mark {masked}", "", "mangle", ""),
    t("MARK", "--set-xmark {masked}", "", "mangle", ""),
    t("MARK", "--and-mark {mark}", "", "mangle", ""),
    t("MARK", "--or-mark {mark}", "", "mangle", ""),
    t("MARK", "--xor-mark {mark}", "", "mangle", ""),
    t("CONNMARK", "--set-mark {masked}", "", "", ""),
    t("CONNMARK", "--set-xmark {masked}", "", "", ""),
    t("CONNMARK", "--save-mark", "", "mangle", ""),
    t("CONNMARK", "--restore-mark", "", "mangle", ""),
    t("CONNMARK", "--save-mark --nfmask 0xf --ctmask 0xff", "", "mangle", ""),
    t("CT", "--notrack", "", "raw", "PO"),
    t("CT", "--zone {small}", "", "raw", "PO"),
    t("CT", "--zone-orig {small}", "", "raw", "PO"),
    t("NOTRACK", "", "", "raw", "PO"),
    t("TCPMSS", "--set-mss {mss}", "syn", "mangle", ""),
    t("TCPMSS", "--clamp-mss-to-pmtu", "syn", "mangle", "FOS"),
    Template { families: "4", ..t("TTL", "--ttl-set {ttl}", "", "mangle", "") },
    Template { families: "4", ..t("TTL", "--ttl-inc 3", "", "mangle", "") },
    Template { families: "4", ..t("TTL", "--ttl-dec 2", "", "mangle", "") },
    Template { families: "6", ..t("HL", "--hl-set {ttl}", "", "mangle", "") },
    Template { families: "6", ..t("HL", "--hl-inc 3", "", "mangle", "") },
    Template { families: "6", ..t("HL", "--hl-dec 2", "", "mangle", "") },
    t("TOS", "--set-tos {tos}", "", "mangle", ""),
    t("TOS", "--and-tos 0x1c", "", "mangle", ""),
    t("TOS", "--xor-tos 0x11", "", "mangle", ""),
    t("DSCP", "--set-dscp {dscp}", "", "mangle", ""),
    t("DSCP", "--set-dscp-class AF21", "", "mangle", ""),
    t("SET", "--add-set {setname} src", "", "", ""),
    t("SET", "--del-set {setname} src", "", "", ""),
    t("SET", "--add-set {setname} dst --exist", "", "", ""),
    t("TRACE", "", "", "raw", "PO"),
    t("CHECKSUM", "--checksum-fill", "", "mangle", ""),
    t("CLASSIFY", "--set-class 1:{small}", "", "mangle", "FOS"),
    t("TPROXY", "--on-port 3128 --tproxy-mark 0x1/0x1", "tu", "mangle", "P"),
];

impl Template {
    const fn only(mut self, hooks: &'static str) -> Self {
        self.hooks = hooks;
        self
    }

    /// `-m NAME` or `-j NAME` with the option, as hits are counted.
    pub fn label(&self, target: bool) -> String {
        let options: Vec<&str> = self.text.split(' ').filter(|w| w.starts_with("--") || *w == "!").collect();
        format!("-{} {} {}", if target { 'j' } else { 'm' }, self.name, options.join(" ")).trim_end().to_owned()
    }
}

/// A ruleset made at random.
#[derive(Clone, Debug)]
pub struct Made {
    /// Family.
    pub family: Family,
    /// Which stock variant loads it.
    pub dialect: Dialect,
    /// The text.
    pub text: String,
    /// For each table, chain and rule in the text: the labels of what it is made of.
    pub labels: Vec<RuleLabels>,
}

/// What a rule is made of.
#[derive(Clone, Debug)]
pub struct RuleLabels {
    /// Table.
    pub table: &'static str,
    /// Chain.
    pub chain: String,
    /// Labels of its matches and target.
    pub labels: Vec<String>,
}

/// Sets that every ruleset may name; the lab creates them empty (`hash:ip` of the family).
pub const SETS: [&str; 2] = ["oxa", "oxb"];

/// Pools from which rules and packets are made.
#[derive(Debug)]
pub struct Pools {
    /// Addresses on the `in0` side.
    pub inside: &'static [&'static str],
    /// Addresses on the `out0` side.
    pub outside: &'static [&'static str],
    /// The router's own.
    pub own: &'static [&'static str],
    /// Networks.
    pub nets: &'static [&'static str],
    /// Ranges.
    pub ranges: &'static [&'static str],
}

/// The pools of a family.
pub const fn pools(family: Family) -> Pools {
    match family {
        Family::V4 => Pools {
            inside: &["192.0.2.7", "192.0.2.9", "203.0.113.5"],
            outside: &["198.51.100.7", "198.51.100.20", "100.64.3.3"],
            own: &["192.0.2.1", "198.51.100.1"],
            nets: &["192.0.2.0/24", "198.51.100.0/25", "203.0.113.5/32", "0.0.0.0/1", "192.0.2.0/255.255.255.1"],
            ranges: &["192.0.2.5-192.0.2.8", "198.51.100.1-198.51.100.20", "203.0.113.5-203.0.113.5"],
        },
        Family::V6 => Pools {
            inside: &["2001:db8:1::7", "2001:db8:1::9", "2001:db8:3::5"],
            outside: &["2001:db8:2::7", "2001:db8:2::20", "2001:db8:64::3"],
            own: &["2001:db8:1::1", "2001:db8:2::1"],
            nets: &[
                "2001:db8:1::/64",
                "2001:db8:2::/121",
                "2001:db8:3::5/128",
                "2000::/3",
                "2001:db8:1::/ffff:ffff:ffff:ffff::1",
            ],
            ranges: &["2001:db8:1::5-2001:db8:1::8", "2001:db8:2::1-2001:db8:2::20"],
        },
    }
}

/// Ports of rules and packets.
pub const PORTS: [u16; 7] = [22, 53, 80, 443, 1024, 5000, 40000];
/// A word that some payloads hold.
pub const NEEDLE: &str = "oxtable";

const HOOKS: [(char, &str); 5] =
    [('P', "PREROUTING"), ('I', "INPUT"), ('F', "FORWARD"), ('O', "OUTPUT"), ('S', "POSTROUTING")];
const TABLES: [(&str, &str); 5] =
    [("raw", "PO"), ("mangle", "PIFOS"), ("nat", "PIOS"), ("filter", "IFO"), ("security", "IFO")];

/// Makes a ruleset.
pub fn make(rng: &mut Rng, family: Family, dialect: Dialect) -> Made {
    let mut made = Made { family, dialect, text: String::new(), labels: Vec::new() };
    let mut uniq = 0;
    for (table, hooks) in TABLES {
        if table != "filter" && rng.one_in(if table == "security" { 3 } else { 2 }) {
            continue;
        }
        let users = if rng.one_in(2) { 2 } else { 0 };
        made.text.push_str(&format!("*{table}\n"));
        for h in hooks.chars() {
            let policy = if table == "filter" && rng.one_in(8) { "DROP" } else { "ACCEPT" };
            made.text.push_str(&format!(":{} {policy} [0:0]\n", hook_name(h)));
        }
        for u in 0..users {
            made.text.push_str(&format!(":user{u} - [0:0]\n"));
        }
        let mut chains: Vec<(String, String, usize)> =
            hooks.chars().map(|h| (hook_name(h).to_owned(), h.to_string(), users)).collect();
        // A user chain calls only later ones, so that there is no loop.
        chains.extend((0..users).map(|u| (format!("user{u}"), hooks.to_owned(), u + 1)));
        for (chain, hooks, depth) in chains {
            let callable: Vec<usize> =
                if chain.starts_with("user") { (depth..users).collect() } else { (0..users).collect() };
            for _ in 0..1 + rng.below(3) {
                rule(&mut made, rng, table, &chain, &hooks, &callable, &mut uniq);
            }
        }
        made.text.push_str("COMMIT\n");
    }
    made
}

fn hook_name(letter: char) -> &'static str {
    HOOKS.iter().find(|h| h.0 == letter).map_or("", |h| h.1)
}

fn rule(
    made: &mut Made,
    rng: &mut Rng,
    table: &'static str,
    chain: &str,
    hooks: &str,
    callable: &[usize],
    uniq: &mut u32,
) {
    let family = made.family;
    let letter = if family == Family::V4 { "4" } else { "6" };
    let fits = |t: &&Template| {
        t.families.contains(letter)
            && (t.tables.is_empty() || t.tables.split(',').any(|x| x == table))
            && (t.hooks.is_empty() || hooks.chars().all(|h| t.hooks.contains(h)))
    };
    let known = |t: &&Template| {
        ox_rules::ext::match_desc(t.name, family).is_some() || ox_rules::ext::target_desc(t.name, family).is_some()
    };
    let matches: Vec<&Template> = MATCHES.iter().filter(fits).filter(known).collect();
    let targets: Vec<&Template> = TARGETS.iter().filter(fits).filter(known).collect();
    let target = if rng.one_in(3) || targets.is_empty() { None } else { Some(**rng.pick(&targets)) };
    let mut proto = target.map_or("", |t| t.proto);
    let mut chosen: Vec<Template> = Vec::new();
    for _ in 0..rng.below(3) {
        let m = **rng.pick(&matches);
        let agrees = m.proto.is_empty() || proto.is_empty() || compatible(m.proto, proto);
        if agrees && !chosen.iter().any(|c| c.name == m.name) {
            proto = narrower(m.proto, proto);
            chosen.push(m);
        }
    }
    let mut line = format!("-A {chain}");
    let pools = pools(family);
    let mut labels = Vec::new();
    if rng.one_in(4) {
        line.push_str(&format!(" {}-s {}", bang(rng), rng.pick(pools.nets)));
        labels.push("-s".to_owned());
    }
    if rng.one_in(5) {
        let list = [pools.inside, pools.outside, pools.own].concat();
        line.push_str(&format!(" {}-d {}", bang(rng), rng.pick(&list)));
        labels.push("-d".to_owned());
    }
    if rng.one_in(6) && hooks.chars().all(|h| "PIF".contains(h)) {
        line.push_str(&format!(" {}-i {}", bang(rng), rng.pick(&["in0", "out+", "in+", "lo"])));
        labels.push("-i".to_owned());
    }
    if rng.one_in(6) && hooks.chars().all(|h| "FOS".contains(h)) {
        line.push_str(&format!(" {}-o {}", bang(rng), rng.pick(&["out0", "in+", "lo"])));
        labels.push("-o".to_owned());
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
        let shown = if name == "icmp" && family == Family::V6 { "ipv6-icmp" } else { name };
        // Only a protocol that nothing depends on may be negated.
        let not = if proto.is_empty() { bang(rng) } else { "" };
        line.push_str(&format!(" {not}-p {shown}"));
        labels.push("-p".to_owned());
    }
    if family == Family::V4 && proto.is_empty() && rng.one_in(25) {
        line.push_str(&format!(" {}-f", bang(rng)));
        labels.push("-f".to_owned());
    }
    if syn && !chosen.iter().any(|c| c.name == "tcp") {
        line.push_str(" -m tcp --tcp-flags SYN,RST SYN");
    } else if syn {
        chosen.retain(|c| c.name != "tcp");
        line.push_str(" -m tcp --tcp-flags SYN,RST SYN");
    }
    for c in &chosen {
        line.push_str(&format!(" -m {} {}", c.name, fill(c.text, rng, family, uniq)));
        labels.push(c.label(false));
    }
    match target {
        Some(t) => {
            line.push_str(&format!(" -j {} {}", t.name, fill(t.text, rng, family, uniq)));
            labels.push(t.label(true));
        }
        None => {
            let jump = !callable.is_empty() && rng.one_in(2);
            let end = if jump {
                let to = rng.pick(callable);
                if rng.one_in(4) { format!("-g user{to}") } else { format!("-j user{to}") }
            } else {
                // nat takes no DROP; an ACCEPT early in a chain hides the rest, so it is rarer.
                let verdicts: &[&str] =
                    if table == "nat" { &["", "RETURN", "ACCEPT"] } else { &["", "", "RETURN", "ACCEPT", "DROP"] };
                match *rng.pick(verdicts) {
                    "" => String::new(),
                    v => format!("-j {v}"),
                }
            };
            labels.push(end.split(" user").next().unwrap_or_default().to_owned());
            line.push_str(&format!(" {end}"));
        }
    }
    made.text.push_str(line.trim_end());
    made.text.push('\n');
    made.labels.push(RuleLabels { table, chain: chain.to_owned(), labels });
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
            "tu" => &["tcp", "udp"],
            _ => &["tcp", "udp", "sctp"],
        }
    };
    set(a).iter().all(|p| set(b).contains(p)) || set(b).iter().all(|p| set(a).contains(p))
}

fn narrower(a: &'static str, b: &'static str) -> &'static str {
    let rank = |p: &str| ["", "ports", "tu", "tcp", "udp", "sctp", "icmp", "syn"].iter().position(|x| *x == p);
    if rank(a) > rank(b) { a } else { b }
}

fn fill(text: &str, rng: &mut Rng, family: Family, uniq: &mut u32) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(&value(hole, rng, family, uniq));
        rest = tail;
    }
    out + rest
}

fn value(hole: &str, rng: &mut Rng, family: Family, uniq: &mut u32) -> String {
    let v4 = family == Family::V4;
    let pools = pools(family);
    let port = |rng: &mut Rng| *rng.pick(&PORTS);
    let pair = |rng: &mut Rng| {
        let (a, b) = (port(rng), port(rng));
        (a.min(b), a.max(b))
    };
    let wrapped = |addr: &str| if v4 { addr.to_owned() } else { format!("[{addr}]") };
    match hole {
        "port" => port(rng).to_string(),
        "ports" => {
            let (a, b) = pair(rng);
            if rng.one_in(2) { a.to_string() } else { format!("{a}:{b}") }
        }
        "plist" => {
            let (a, b) = pair(rng);
            if a == b { format!("{a},7") } else { format!("{},{a}:{b}", port(rng)) }
        }
        // The last is not a prefix, which only `-s` and `-d` take.
        "net" => (*rng.pick(&pools.nets[..4])).to_owned(),
        "range" => (*rng.pick(pools.ranges)).to_owned(),
        "mark" => format!("{:#x}", rng.pick(&[1u32, 2, 3, 0xf0, 0xffff_fffe])),
        "masked" => (*rng.pick(&["0x1", "0x1/0x1", "0x2/0x3", "0x0/0xff", "0x10/0xf0"])).to_owned(),
        "states" => (*rng.pick(&["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "NEW,INVALID", "UNTRACKED"]))
            .to_owned(),
        "status" => (*rng.pick(&["SEEN_REPLY", "ASSURED", "CONFIRMED", "NONE", "SEEN_REPLY,ASSURED"])).to_owned(),
        "protonum" => (*rng.pick(&["6", "17", "132", if v4 { "1" } else { "58" }])).to_owned(),
        "atype" => (*rng.pick(&["LOCAL", "UNICAST", "MULTICAST", "BROADCAST", "LOCAL,UNICAST"]))
            .replace("BROADCAST", if v4 { "BROADCAST" } else { "UNICAST" }),
        "word" => format!("w{}", rng.below(100)),
        "needle" => NEEDLE.to_owned(),
        "small" => (1 + rng.below(4)).to_string(),
        "hmode" => (*rng.pick(&["srcip", "dstip", "srcip,dstip", "srcip,dstport"])).to_owned(),
        "uniq" => {
            *uniq += 1;
            format!("u{uniq}")
        }
        "rname" => (*rng.pick(&["ra", "rb"])).to_owned(),
        "chance" => (*rng.pick(&["0", "1", "0.5"])).to_owned(),
        "setname" => (*rng.pick(&SETS)).to_owned(),
        "lens" => (*rng.pick(&["0:60", "61:100", "40", "60:200", "28"])).to_owned(),
        "ttl" => (*rng.pick(&["1", "5", "63", "64", "128"])).to_owned(),
        "tos" => (*rng.pick(&["0x10", "0x00", "0xb8", "0x10/0x3f"])).to_owned(),
        "dscp" => (*rng.pick(&["0", "4", "46", "10"])).to_owned(),
        "quota" => (*rng.pick(&["0", "100", "500", "100000"])).to_owned(),
        "mss" => (*rng.pick(&["536", "1000", "1460"])).to_owned(),
        "tcpopt" => (*rng.pick(&["2", "3", "8"])).to_owned(),
        "natout" => (*rng.pick(pools.own)).to_owned(),
        "natin" => (*rng.pick(pools.inside)).to_owned(),
        "natrange" => (if v4 { "198.51.100.40-198.51.100.43" } else { "2001:db8:2::40-2001:db8:2::43" }).to_owned(),
        "natoutport" => format!("{}:{}", wrapped(*rng.pick(pools.own)), rng.pick(&["2000", "30000-30050"])),
        "natdst" => (*rng.pick(&[pools.inside, pools.outside, pools.own].concat())).to_owned(),
        "natdstport" => format!("{}:8080", wrapped(*rng.pick(&[pools.inside, pools.outside, pools.own].concat()))),
        "natdstports" => format!("{}:8080-8090", wrapped(*rng.pick(&[pools.inside, pools.outside].concat()))),
        "natnet" => (if v4 { "198.51.100.128/25" } else { "2001:db8:2:0:8000::/65" }).to_owned(),
        other => format!("?{other}?"),
    }
}
