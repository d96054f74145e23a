//! What is written behind each option: one table from option to kind of argument.

use super::words::*;
use crate::random::Random;
use ox_packet::Family;
use ox_rules::syntax::Opt;

/// The table.
fn kind(ext: &str, option: &str, opt: &Opt) -> Words {
    match (ext, option) {
        ("multiport", _) => PORT_LIST,
        ("tcp", "tcp-option") => TCP_OPTION,
        ("tcp", "tcp-flags") => FLAGS,
        ("sctp", "chunk-types") => CHUNKS,
        (_, "source-port" | "destination-port" | "sport" | "dport") => PORTS,
        (_, "ctorigsrcport" | "ctorigdstport" | "ctreplsrcport" | "ctrepldstport") => PORTS,
        (_, "ctorigsrc" | "ctorigdst" | "ctreplsrc" | "ctrepldst") => NET,
        (_, "ctproto") => PROTO,
        (_, "ctstate") => CTSTATE,
        (_, "ctstatus") => CTSTATUS,
        (_, "ctexpire") => RANGE32,
        (_, "ctdir") => CTDIR,
        (_, "state") => STATE,
        (_, "icmp-type") => ICMP,
        (_, "icmpv6-type") => ICMP6,
        ("mark" | "connmark", "mark") => MASKED,
        (_, "set-mark" | "set-xmark" | "and-mark" | "or-mark" | "xor-mark" | "tproxy-mark") => MASKED,
        (_, "nfmask" | "ctmask" | "mask") if ext != "recent" => MASK,
        ("recent", "mask") => ADDRESS,
        (_, "save-mark" | "restore-mark") => (&[], &[]),
        ("iprange", _) => SPAN,
        ("addrtype", _) => ADDRTYPE,
        (_, "mac-source") => MAC,
        (_, "comment") => TEXT,
        ("limit", "limit") => RATE,
        ("limit", "limit-burst") => BURST,
        ("hashlimit", "hashlimit" | "hashlimit-upto" | "hashlimit-above") => HASHRATE,
        ("hashlimit", "hashlimit-burst") => HASHBURST,
        ("hashlimit", "hashlimit-mode") => HASHMODE,
        ("hashlimit", "hashlimit-name") => HASHNAME,
        ("hashlimit", "hashlimit-srcmask" | "hashlimit-dstmask") => PREFIX_LEN,
        ("hashlimit", _) => SECONDS,
        ("recent", "name") => NAME,
        ("recent", "seconds") => SECONDS,
        ("recent", "hitcount") => HITCOUNT,
        ("statistic", "mode") => STAT_MODE,
        ("statistic", "probability") => PROBABILITY,
        ("statistic", "every") => EVERY,
        ("statistic", "packet") => PACKET,
        ("owner", "uid-owner") => USER,
        ("owner", "gid-owner") => GROUP,
        ("set", "match-set" | "set") | ("SET", "add-set" | "del-set" | "map-set") => SETS,
        ("set", _) => COMPARE,
        ("SET", "timeout") => U32,
        ("length", _) => LENGTH,
        ("ttl" | "hl" | "TTL" | "HL", _) => TTL,
        ("tos", _) | ("TOS", "set-tos") => U8_MASKED,
        ("TOS", _) => U8_MASK,
        ("dscp" | "DSCP", "dscp" | "set-dscp") => DSCP,
        ("dscp" | "DSCP", _) => DSCP_CLASS,
        ("pkttype", _) => PKTTYPE,
        ("physdev", "physdev-in" | "physdev-out") => IFACE,
        ("time", "timestart" | "timestop") => CLOCK,
        ("time", "datestart" | "datestop") => DATE,
        ("time", "weekdays") => WEEKDAYS,
        ("time", "monthdays") => MONTHDAYS,
        ("string", "algo") => ALGO,
        ("string", "string") => STRING,
        ("string", "hex-string") => HEXSTRING,
        ("string", "from" | "to") => OFFSET,
        ("quota", _) => U64,
        ("connlimit", "connlimit-mask") => PREFIX_LEN,
        ("connlimit", _) => CONNLIMIT,
        ("nfacct", _) => ACCT,
        ("REJECT", _) => REJECT,
        ("LOG", "log-level") => LEVEL,
        ("LOG", "log-prefix") => PREFIX,
        ("NFLOG", "nflog-prefix") => NFLOG_PREFIX,
        ("NFLOG", "nflog-group") => U16,
        ("NFLOG", _) => U32,
        ("NFQUEUE", "queue-balance") => BALANCE,
        ("NFQUEUE", "queue-num") => U16,
        ("SNAT", "to-source") | ("DNAT", "to-destination") => NAT,
        ("MASQUERADE" | "REDIRECT", "to-ports") => PORT_DASH,
        ("NETMAP", _) => NETMAP,
        ("CT", "zone" | "zone-orig" | "zone-reply") => ZONE,
        ("CT", "ctevents") => CTEVENTS,
        ("CT", "expevents") => EXPEVENTS,
        ("CT", "helper") => HELPER,
        ("CT", "timeout") => TIMEOUT,
        ("TCPMSS", "set-mss") => MSS,
        ("CLASSIFY", _) => CLASS,
        ("TPROXY", "on-port") => PORT,
        ("TPROXY", "on-ip") => ADDRESS,
        ("cluster", "cluster-total-nodes") => NODES,
        ("cluster", "cluster-local-node") => NODE,
        ("cluster", "cluster-local-nodemask") => NODE_MASK,
        ("cluster", _) => SEED,
        ("connbytes", "connbytes") => BYTES,
        ("connbytes", "connbytes-dir") => CONN_DIR,
        ("connbytes", _) => CONN_MODE,
        ("devgroup", _) => GROUP_MASK,
        ("dccp", "dccp-types") => DCCP_TYPES,
        ("dst" | "hbh", "dst-opts" | "hbh-opts") => IP6_OPTIONS,
        ("ecn", _) | ("ECN", "ecn-ip-ect") => ECT,
        ("ipv6header", "header") => HEADERS,
        ("mh", _) => MH_TYPES,
        ("policy", "dir") => POLICY_DIR,
        ("policy", "pol") => POLICY_POL,
        ("policy", "proto") => POLICY_PROTO,
        ("policy", "mode") => POLICY_MODE,
        ("realm", _) => REALM,
        ("rt", "rt-0-addrs") => RT_ADDRESSES,
        ("u32", _) => U32_TESTS,
        ("AUDIT", _) => AUDIT_TYPE,
        ("CONNMARK", "left-shift-mark" | "right-shift-mark") => SHIFT,
        ("DNPT" | "SNPT", _) => NPT_PREFIX,
        ("HMARK", "hmark-tuple") => HMARK_TUPLE,
        ("HMARK", "hmark-src-prefix" | "hmark-dst-prefix") => TUPLE_PREFIX,
        ("RATEEST", "rateest-name") => ESTIMATOR,
        ("RATEEST", "rateest-interval") => INTERVAL,
        ("RATEEST", _) => AVERAGE,
        ("TCPOPTSTRIP", _) => STRIP,
        _ => super::rare::words(ext, option).unwrap_or_else(|| by_hint(opt.hint)),
    }
}

/// For options that the table does not name: what help calls the argument.
fn by_hint(hint: &str) -> Words {
    match hint {
        "PORT" => PORT,
        "PORT[:PORT]" => PORTS,
        "VALUE[/MASK]" => MASKED,
        "ADDRESS" => ADDRESS,
        "ADDRESS[/MASK]" | "ADDRESS[/LENGTH]" => NET,
        "N[:N]" => RANGE32,
        "N" | "NUMBER" => U8,
        _ => TEXT,
    }
}

fn fits(word: &str, family: Family) -> Option<&str> {
    match (word.strip_prefix("4:"), word.strip_prefix("6:")) {
        (Some(rest), _) => (family == Family::V4).then_some(rest),
        (_, Some(rest)) => (family == Family::V6).then_some(rest),
        _ => Some(word),
    }
}

/// An argument for an option, as words.
pub fn argument(ext: &str, opt: &Opt, family: Family, rude: bool, random: &mut Random) -> Vec<String> {
    if opt.args == 0 {
        return Vec::new();
    }
    let (good, bad) = kind(ext, opt.names[0], opt);
    let list = if rude && !bad.is_empty() { bad } else { good };
    let list: Vec<&str> = list.iter().filter_map(|w| fits(w, family)).collect();
    if list.is_empty() {
        return vec!["1".to_owned(); opt.args.into()];
    }
    let word = random.pick(&list);
    match word.split_once(' ') {
        Some((first, second)) if opt.args == 2 => vec![first.to_owned(), second.to_owned()],
        _ => {
            let mut words = vec![word.to_owned()];
            words.resize(opt.args.into(), "1".to_owned());
            words
        }
    }
}

/// A network for `-s` and `-d`.
pub fn net(family: Family, rude: bool, random: &mut Random) -> String {
    let list = if rude { NET.1 } else { NET.0 };
    let list: Vec<&str> = list.iter().filter_map(|w| fits(w, family)).collect();
    random.pick(&list).to_owned()
}

/// An interface for `-i` and `-o`.
pub fn iface(rude: bool, random: &mut Random) -> String {
    random.pick(if rude { IFACE.1 } else { IFACE.0 }).to_owned()
}

/// A protocol for `-p`.
pub fn proto(rude: bool, random: &mut Random) -> String {
    random.pick(if rude { PROTO.1 } else { PROTO.0 }).to_owned()
}

/// Every word that may be written behind an option, for either family.
pub fn all(ext: &str, opt: &Opt) -> impl Iterator<Item = &'static str> {
    let (good, bad) = kind(ext, opt.names[0], opt);
    let plain = |w: &'static str| w.strip_prefix("4:").or(w.strip_prefix("6:")).unwrap_or(w);
    good.iter().chain(bad).map(move |w| plain(w))
}

/// Whether a word is a plain name behind the option that names what rules share.
pub(super) fn is_shared_name(option: &str, word: &str) -> bool {
    match option {
        "--hashlimit-name" => HASHNAME.0.contains(&word),
        "--rateest-name" => ESTIMATOR.0.contains(&word),
        _ => false,
    }
}
