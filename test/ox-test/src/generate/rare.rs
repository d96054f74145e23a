//! Words for the options of the rarer extensions, as `words.rs` has them for the others.

use super::words::{ADDRESS, IFACE, NET, PORT, PROTO, U8, U16, U32, Words};

const PORT_BITS: Words = (&["0", "0xff", "0xffff", "80", "010"], &["65536", "x", "", "-1", "http"]);
const PROTO_BITS: Words = (&["0xff", "0xffff", "0", "3"], &["65536", "x", "", "-1"]);
const PROGRAM: Words = (
    &[
        "1,6 0 0 1",
        "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0",
        "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0,",
        " 2, 128 0 0 0, 22 0 0 0",
        "2,32 0 0 4294963220,22 0 0 0",
        "3,2 0 0 15,97 0 0 15,6 0 0 1",
        "4,177 0 0 0,80 0 0 13,69 0 1 2,22 0 0 0",
        "6,48 0 0 0,84 0 0 15,100 0 0 2,7 0 0 0,72 0 0 2,22 0 0 0",
    ],
    &["", "x", "1", "0,", "65,6 0 0 1", "2,6 0 0 1", "1,6 0 0", "1,48 0 0 0", "1,14 0 0 1", "2,5 0 0 1,6 0 0 0"],
);
const GENRE: Words =
    (&["Linux", "Windows:XP", "unknown", "FreeBSD:5.0:x", "abcdefghijklmnopqrstuvwxyzabcde"], &["", "a\"b", "a b"]);
const LEVEL: Words = (&["0", "1", "2", "0x1"], &["3", "x", "", "-1"]);
const RATE: Words = (
    &[
        "1000", "8kbit", "1.5Mbit", "1Gibit", "5mbps", "1KiBps", "80bit", "0", ".5kbit", "1e3", "0x100", "2gbps",
        "10Bps",
    ],
    &["5k", "x", "34359738368", "1tibit"],
);
const RATE_PACKETS: Words = (&["0", "5", "0x10", "4294967295"], &["x", "5k", "4294967296"]);
const ESTIMATOR: Words = (&["a", "b"], &["nosuch", ""]);
const BIT: Words = (&["0", "1", "0x1"], &["2", "x", "", "-1"]);

/// The words, if the option is one of these.
pub(super) fn words(ext: &str, option: &str) -> Option<Words> {
    Some(match (ext, option) {
        ("SYNPROXY", "wscale") => (&["0", "7", "14"], &["15", "256", "x", "-1"]),
        ("SYNPROXY", "mss") => (&["0", "536", "1460", "65535"], &["65536", "x", "", "-1"]),
        ("HMARK", "hmark-sport-mask" | "hmark-dport-mask" | "hmark-sport" | "hmark-dport") => PORT_BITS,
        ("HMARK", "hmark-proto-mask") => PROTO_BITS,
        ("HMARK", "hmark-mod") => (&["1", "10", "4294967295"], &["0", "x", "", "-1"]),
        ("HMARK", _) => U32,
        ("IDLETIMER", "timeout") => (&["1", "600", "86400"], &["0", "x", "", "-1"]),
        ("TEE", "oif") => IFACE,
        ("ECN", "ecn-tcp-cwr" | "ecn-tcp-ece") => BIT,
        ("bpf", "bytecode") => PROGRAM,
        ("bpf", _) => (&["/sys/fs/bpf/program"], &["", "x"]),
        ("cgroup", "path") => (&["/"], &["/no/such/group", "a b"]),
        ("cgroup", _) => U32,
        ("osf", "genre") => GENRE,
        ("osf", _) => LEVEL,
        ("srh", "srh-tag") => U16,
        ("srh", "srh-psid" | "srh-nsid" | "srh-lsid") => NET,
        ("srh", _) => U8,
        ("ipvs", "vproto") => PROTO,
        ("ipvs", "vaddr") => ADDRESS,
        ("ipvs", "vport" | "vportctl") => PORT,
        ("ipvs", "vdir") => (&["ORIGINAL", "REPLY", "original"], &["nosuch", "", "ORIG"]),
        ("ipvs", _) => (&["GATE", "IPIP", "MASQ", "masq"], &["nosuch", "", "NAT"]),
        ("rateest", "rateest1" | "rateest2") => ESTIMATOR,
        ("rateest", "rateest-bps1" | "rateest-bps2") => RATE,
        ("rateest", _) => RATE_PACKETS,
        ("LED", "led-trigger-id") => (&["ssh", "two words", "1234567890123456"], &["12345678901234567"]),
        ("LED", _) => (&["0", "100", "inf", "INF", "0x10", "4294967295"], &["x", "1ms", "4294967296"]),
        ("ULOG", "ulog-nlgroup") => (&["1", "32", "0x10"], &["0", "33", "x", "1,2"]),
        ("ULOG", "ulog-qthreshold") => (&["1", "50", "010"], &["0", "51", "x"]),
        ("ULOG", "ulog-prefix") => (&["x", "two words", "it's", "abcdefghijklmnopqrstuvwxyzabcdef"], &[""]),
        ("ULOG", _) => (&["0", "100", "4294967295"], &["x", "-1"]),
        ("CLUSTERIP", "hashmode") => {
            (&["sourceip", "sourceip-sourceport", "sourceip-sourceport-destport"], &["nosuch", "SOURCEIP"])
        }
        ("CLUSTERIP", "clustermac") => (&["01:00:5e:00:00:20", "3:1:2:3:4:F5"], &["00:00:5e:00:00:20", "x"]),
        ("CLUSTERIP", "hash-init") => U32,
        ("CLUSTERIP", _) => (&["1", "2", "16", "0x4"], &["17", "x", "-1"]),
        _ => return None,
    })
}
