//! Templates of matches: every option of every extension, with holes for values.
//!
//! A template is option text with holes: `{port}`, `{addr}`, … are filled from the same small pools that the packets
//! are made of, so that rules and packets meet.

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
    /// How many times likelier than others it is taken: for what rarely matches.
    pub weight: usize,
    /// Options of the same extension for a rule that mostly stands before, without which it would hardly match.
    pub before: &'static str,
}

const fn m(name: &'static str, text: &'static str, proto: &'static str) -> Template {
    Template { name, text, families: "46", proto, tables: "", hooks: "", weight: 1, before: "" }
}

const fn after(before: &'static str, text: &'static str, proto: &'static str) -> Template {
    Template { before, ..m("recent", text, proto) }
}

const fn f(name: &'static str, text: &'static str, families: &'static str, proto: &'static str) -> Template {
    Template { name, text, families, proto, tables: "", hooks: "", weight: 1, before: "" }
}

pub(super) const fn t(
    name: &'static str,
    text: &'static str,
    proto: &'static str,
    tables: &'static str,
    hooks: &'static str,
) -> Template {
    Template { name, text, families: "46", proto, tables, hooks, weight: 1, before: "" }
}

impl Template {
    pub(super) const fn often(mut self, weight: usize) -> Self {
        self.weight = weight;
        self
    }

    const fn only(mut self, hooks: &'static str) -> Self {
        self.hooks = hooks;
        self
    }
}

/// Matches.
pub const MATCHES: &[Template] = &[
    m("tcp", "--sport {ports}", "tcp"),
    m("tcp", "! --sport {port}", "tcp"),
    m("tcp", "--dport {ports}", "tcp").often(2),
    m("tcp", "! --dport {ports}", "tcp").often(2),
    m("tcp", "--syn", "tcp"),
    m("tcp", "! --syn", "tcp"),
    m("tcp", "--tcp-flags SYN,ACK,FIN SYN", "tcp"),
    m("tcp", "! --tcp-flags ALL ACK", "tcp"),
    m("tcp", "--tcp-option {tcpopt}", "tcp").often(2),
    m("tcp", "! --tcp-option {tcpopt}", "tcp"),
    m("udp", "--sport {ports}", "udp").often(5),
    m("udp", "--dport {ports}", "udp").often(2),
    m("udp", "! --dport {port}", "udp").often(2),
    f("icmp", "--icmp-type echo-request", "4", "icmp").often(3),
    f("icmp", "! --icmp-type 3/3", "4", "icmp").often(3),
    f("icmp", "--icmp-type any", "4", "icmp").often(3),
    f("icmp6", "--icmpv6-type echo-request", "6", "icmp").often(5),
    f("icmp6", "! --icmpv6-type 1/4", "6", "icmp").often(5),
    m("sctp", "--dport {ports}", "sctp").often(14),
    m("sctp", "! --sport {port}", "sctp").often(8),
    m("sctp", "--chunk-types any INIT,DATA", "sctp").often(9),
    m("sctp", "--chunk-types all DATA", "sctp").often(9),
    m("conntrack", "--ctstate {states}", ""),
    m("conntrack", "! --ctstate {states}", ""),
    m("conntrack", "--ctstate SNAT", ""),
    m("conntrack", "--ctstate DNAT", ""),
    m("conntrack", "--ctproto {protonum}", ""),
    m("conntrack", "! --ctproto {protonum}", ""),
    m("conntrack", "--ctorigsrc {net}", "").often(4),
    m("conntrack", "! --ctorigdst {net}", ""),
    m("conntrack", "--ctreplsrc {net}", "").often(3),
    m("conntrack", "--ctrepldst {net}", "").often(3),
    m("conntrack", "--ctorigsrcport {ports}", "").often(3),
    m("conntrack", "--ctorigdstport {ports}", "").often(4),
    m("conntrack", "! --ctreplsrcport {port}", ""),
    m("conntrack", "--ctrepldstport {ports}", "").often(3),
    m("conntrack", "--ctstatus {status}", ""),
    m("conntrack", "! --ctstatus {status}", ""),
    m("conntrack", "--ctexpire 1:700000", "").often(3),
    m("conntrack", "--ctdir ORIGINAL", ""),
    m("conntrack", "--ctdir REPLY", ""),
    m("state", "--state {states}", ""),
    m("state", "! --state {states}", ""),
    m("mark", "--mark {masked}", "").often(2),
    m("mark", "! --mark {masked}", "").often(2),
    m("connmark", "--mark {masked}", "").often(2),
    m("connmark", "! --mark {masked}", "").often(2),
    m("multiport", "--sports {plist}", "ports").often(5),
    m("multiport", "--dports {plist}", "ports").often(2),
    m("multiport", "! --dports {plist}", "ports").often(2),
    m("multiport", "--ports {plist}", "ports").often(4),
    m("iprange", "--src-range {range}", "").often(2),
    m("iprange", "! --dst-range {range}", "").often(2),
    m("iprange", "--dst-range {range}", "").often(2),
    m("addrtype", "--src-type {atype}", ""),
    m("addrtype", "--dst-type {atype}", ""),
    m("addrtype", "! --dst-type LOCAL", ""),
    Template { hooks: "PIF", ..m("addrtype", "--dst-type LOCAL --limit-iface-in", "").often(6) },
    m("addrtype", "--src-type UNICAST --limit-iface-out", "").only("FS").often(2),
    m("comment", "--comment {word}", "").often(2),
    m("limit", "--limit 1/hour --limit-burst {small}", "").often(4),
    m(
        "hashlimit",
        "--hashlimit-upto 1/hour --hashlimit-burst {small} --hashlimit-mode dstip --hashlimit-dstmask 8 --hashlimit-htable-size 16 --hashlimit-htable-max 500 --hashlimit-htable-expire 3600000 --hashlimit-htable-gcinterval 60000 --hashlimit-name {uniq}",
        "",
    )
    .often(2),
    m(
        "hashlimit",
        "--hashlimit-above 1/sec --hashlimit-mode srcip --hashlimit-rate-match --hashlimit-rate-interval 3600 --hashlimit-name {uniq}",
        "",
    )
    .often(8),
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
    )
    .often(2),
    m("recent", "--name ra --set", ""),
    after("--name ra --set", "--name ra --rcheck", ""),
    after("--name ra --set", "--name ra --rcheck --seconds 3600 --hitcount {small}", ""),
    after("--name ra --set", "--name ra --update --hitcount {small}", ""),
    after("--name ra --set", "--name ra --remove", "").often(2),
    after("--name ra --set", "--name ra --update --seconds 3600 --reap", "").often(3),
    m("recent", "--name ma --set --rsource --mask {mask}", ""),
    after("--name ma --set --rsource --mask {mask}", "--name ma --rcheck --rsource --mask {mask}", ""),
    after("--name ra --set --rdest", "--name ra ! --rcheck --rdest", ""),
    m("recent", "--name ra --set --rdest", ""),
    after("--name ra --set", "--name ra --rcheck --rttl", "").often(3),
    m("statistic", "--mode random --probability {chance}", ""),
    m("statistic", "--mode random ! --probability {chance}", ""),
    m("statistic", "--mode nth --every {small} --packet 0", ""),
    m("statistic", "--mode nth ! --every 3 --packet 2", ""),
    m("owner", "--uid-owner 0", "").only("OS").often(2),
    m("owner", "! --uid-owner 5-10", "").only("OS").often(2),
    m("owner", "--gid-owner 0", "").only("OS").often(2),
    m("owner", "--gid-owner 0 --suppl-groups", "").only("OS").often(5),
    m("owner", "--socket-exists", "").only("OS").often(3),
    m("set", "--match-set {setname} src", ""),
    m("set", "--match-set {setname} dst", ""),
    m("set", "! --match-set {setname} src", ""),
    m("set", "--match-set oxn {dir} --return-nomatch", "").often(4),
    m("set", "--match-set oxn {dir}", ""),
    m("set", "--match-set oxc {dir} ! --update-counters", "").often(2),
    m("set", "--match-set oxn {dir} ! --update-subcounters", "").often(2),
    m("set", "--match-set oxc {dir} --packets-eq {small}", "").often(5),
    m("set", "--match-set oxc {dir} ! --packets-eq {small}", "").often(2),
    m("set", "--match-set oxc {dir} --packets-lt 5", "").often(2),
    m("set", "--match-set oxc {dir} --packets-gt {small}", "").often(2),
    m("set", "--match-set oxc {dir} --bytes-eq 0", "").often(4),
    m("set", "--match-set oxc {dir} ! --bytes-eq 40", "").often(2),
    m("set", "--match-set oxc {dir} --bytes-lt 500", "").often(2),
    m("set", "--match-set oxc {dir} --bytes-gt 100", "").often(2),
    m("length", "--length {lens}", ""),
    m("length", "! --length {lens}", ""),
    f("ttl", "--ttl-eq {ttl}", "4", "").often(3),
    f("ttl", "! --ttl-eq {ttl}", "4", "").often(3),
    f("ttl", "--ttl-gt {ttl}", "4", "").often(3),
    f("ttl", "--ttl-lt {ttl}", "4", "").often(4),
    f("hl", "--hl-eq {ttl}", "6", "").often(3),
    f("hl", "! --hl-eq {ttl}", "6", "").often(3),
    f("hl", "--hl-gt {ttl}", "6", "").often(3),
    f("hl", "--hl-lt {ttl}", "6", "").often(4),
    m("tos", "--tos {tos}", "").often(3),
    m("tos", "! --tos {tos}", "").often(3),
    m("dscp", "--dscp {dscp}", "").often(3),
    m("dscp", "! --dscp-class EF", "").often(2),
    m("pkttype", "--pkt-type unicast", ""),
    m("pkttype", "--pkt-type broadcast", "").only("PI"),
    m("pkttype", "--pkt-type multicast", "").only("PI"),
    m("pkttype", "! --pkt-type multicast", ""),
    m("pkttype", "! --pkt-type unicast", ""),
    m("physdev", "! --physdev-is-bridged", "").only("PIF"),
    m("physdev", "! --physdev-in in0", "").only("PIF"),
    m("physdev", "! --physdev-is-in", "").only("PIF"),
    m("physdev", "! --physdev-out out+ ! --physdev-is-bridged", "").only("F").often(3),
    m("physdev", "! --physdev-is-out", "").only("F").often(3),
    m("socket", "", "").only("PI"),
    m("socket", "--transparent --nowildcard", "").only("PI"),
    m("socket", "--restore-skmark", "").only("PI"),
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "", "") },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--invert", "").often(30) },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--loose --validmark", "").often(12) },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--accept-local", "").often(12) },
    Template { tables: "raw,mangle", hooks: "P", ..m("rpfilter", "--validmark", "").often(12) },
    m("time", "--datestart 2020-01-01", ""),
    m("time", "--timestart 12:00 --timestop 11:59:59 --contiguous", ""),
    m("time", "--weekdays 1,2,3,4,5,6,7 --kerneltz", ""),
    m("time", "! --weekdays Mon --utc", ""),
    m("time", "! --monthdays 31", ""),
    m("time", "--datestop 2037-12-31T23:59:59", ""),
    m("time", "--timestart 00:00 --timestop 23:59:59", ""),
    m("time", "--weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun", ""),
    m("time", "--datestop 2021-01-01", ""),
    m("time", "--monthdays 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", ""),
    m("string", "--algo bm --string {needle}", ""),
    m("string", "--algo kmp ! --string {needle}", ""),
    m("string", "--algo bm --icase --string OXT", "").often(2),
    m("string", "--algo kmp --from 20 --to 60 --string {needle}", "").often(5),
    m("string", "--algo bm --hex-string |6f787461|", "").often(4),
    m("quota", "--quota {quota}", "").often(2),
    m("quota", "! --quota {quota}", "").often(2),
    m("connlimit", "--connlimit-upto {small}", "").often(2),
    m("connlimit", "--connlimit-above {small}", "").often(2),
    m("connlimit", "--connlimit-upto {small} --connlimit-saddr --connlimit-mask {bits}", "").often(2),
    m("connlimit", "--connlimit-above {small} --connlimit-mask 0 --connlimit-daddr", "").often(2),
    m("mac", "--mac-source {mac}", "").only("PIF").often(5),
    m("mac", "! --mac-source 02:00:00:00:00:01", "").only("PIF"),
    m("nfacct", "--nfacct-name oxacct", ""),
];
