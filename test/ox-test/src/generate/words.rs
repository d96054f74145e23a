//! Words of each kind of argument: those that a person would write, and rude ones that lie at and beyond the boundaries.
//! Whether a word is taken is for the stock program to say.

/// Words of a kind: those a person writes, and those at and beyond the boundaries. `4:` or `6:` before a word keeps it
/// for one family; a blank in it makes two words.
pub(super) type Words = (&'static [&'static str], &'static [&'static str]);

pub(super) const PORT: Words = (
    &["1", "22", "53", "80", "443", "8080", "65535", "0", "http", "domain"],
    &["65536", "-1", "0x50", "nosuchport", "", "80x", "1:2", "080"],
);
pub(super) const PORTS: Words = (
    &["1", "22", "53", "80", "443", "65535", "0", "http", "1:1023", "1024:", ":1023", "3:3", "80:443", "0:65534"],
    &[":", "0:65535", "443:80", "65536", "1:65536", "1:2:3", "1-2", "-1", "x", "", "0x50", "1:65535"],
);
pub(super) const PORT_LIST: Words = (
    &[
        "80",
        "80,443",
        "1:1023",
        "22,80,443,8000:8080",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
        "ssh,domain",
        "0",
        "65535",
    ],
    &[
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
        "1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16",
        "80,",
        ",80",
        "443:80",
        "65536",
        "80,,81",
        ":",
        "0:65535",
        "1:",
        "",
    ],
);
pub(super) const PORT_DASH: Words = (
    &["80", "8080", "1000-2000", "65535", "1-65535", "http"],
    &["0", "65536", "2000-1000", "1:2", "-", "80-", "1-2-3", "1-65536", "x", "1000-2000/5"],
);
pub(super) const U8: Words =
    (&["1", "2", "6", "64", "255", "0", "0x10", "17"], &["256", "-1", "x", "", "1:2", "1.5", "0x100"]);
pub(super) const U16: Words = (&["1", "2", "100", "1500", "65535", "0", "0x40"], &["65536", "-1", "x", "", "1-2"]);
pub(super) const U32: Words =
    (&["1", "2", "7", "100", "65536", "4294967295", "0", "0x7f"], &["4294967296", "-1", "x", "", "1x", "0x1ffffffff"]);
pub(super) const U64: Words = (
    &["1", "1000", "4294967296", "18446744073709551615", "0", "0x400"],
    &["18446744073709551616", "-1", "x", "", "1k"],
);
pub(super) const MASKED: Words = (
    &["1", "0x1", "0x10/0xff", "0/0", "0xffffffff", "0xffffffff/0xffffffff", "0", "1/1", "0xff/0x0f", "10/0xffffffff"],
    &["0x100000000", "-1", "1/", "/1", "x", "", "1/0x100000000", "1/2/3"],
);
pub(super) const U8_MASKED: Words = (
    &["0x10", "0x10/0x3f", "0", "255", "0xff/0xff", "Minimize-Delay", "Maximize-Throughput", "minimize-cost", "0/0"],
    &["256", "0x10/256", "nosuch", "", "-1", "1/", "Minimize-Delay/0x3f"],
);
pub(super) const U8_MASK: Words = (&["0x10", "0", "255", "0x3f", "1"], &["256", "x", "", "-1"]);
pub(super) const MASK: Words = (&["0xff", "0", "0xffffffff", "1", "0xf0"], &["0x100000000", "x", "", "-1"]);
pub(super) const ADDRESS: Words = (
    &[
        "4:10.0.0.1",
        "4:192.168.1.255",
        "4:0.0.0.0",
        "4:255.255.255.255",
        "4:1.2.3.4",
        "6:2001:db8::1",
        "6:::",
        "6:fe80::1",
        "6:::ffff:1.2.3.4",
        "6:ff02::1",
    ],
    &["4:10.0.0", "4:256.1.1.1", "4:10.0.0.1/24", "4:2001:db8::1", "6:10.0.0.1", "6:2001:db8::/64", "6:2001:::1", ""],
);
pub(super) const NET: Words = (
    &[
        "4:10.0.0.1",
        "4:10.1.2.3/8",
        "4:192.168.0.0/255.255.0.0",
        "4:1.2.3.4/255.0.255.0",
        "4:0.0.0.0/0",
        "4:10/8",
        "4:1.2.3.4/32",
        "6:2001:db8::1",
        "6:2001:db8::/32",
        "6:fe80::1/64",
        "6:::/0",
        "6:2001:db8::1/ffff::ffff",
        "6:::1/128",
    ],
    &["4:10.0.0.1/33", "4:10.0.0.1/", "4:256.0.0.1/8", "4:fe80::1/64", "6:10.0.0.0/8", "6:fe80::/129", "6:fe80::/", ""],
);
pub(super) const SPAN: Words = (
    &[
        "4:10.0.0.1-10.0.0.9",
        "4:0.0.0.0-255.255.255.255",
        "4:1.2.3.4-1.2.3.4",
        "4:1.2.3.4",
        "6:2001:db8::1-2001:db8::9",
        "6:::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "6:2001:db8::1",
        "6:::1-::1",
    ],
    &[
        "4:10.0.0.9-10.0.0.1",
        "4:10.0.0.1-",
        "4:-10.0.0.1",
        "4:10.0.0.0/8",
        "6:::9-::1",
        "6:::1-",
        "6:10.0.0.1-10.0.0.2",
        "-",
    ],
);
pub(super) const NAT: Words = (
    &[
        "4:10.0.0.1",
        "4:10.0.0.1-10.0.0.9",
        "4:10.0.0.1:80",
        "4:10.0.0.1:1000-2000",
        "4:10.0.0.1-10.0.0.9:80-90",
        "4:0.0.0.0",
        "4:10.0.0.1:65535",
        "6:2001:db8::1",
        "6:2001:db8::1-2001:db8::9",
        "6:[2001:db8::1]:80",
        "6:[2001:db8::1]:1000-2000",
        "6:[2001:db8::1-2001:db8::9]:80-90",
        "6:[2001:db8::1]",
    ],
    &[
        "4:10.0.0.1:0",
        "4:10.0.0.1:65536",
        "4:10.0.0.1:90-80",
        "4:10.0.0.9-10.0.0.1",
        "4:10.0.0.1-",
        "4:10.0.0.0/8",
        "4::80",
        "4:10.0.0.1:",
        "4:10.0.0.1:80:90",
        "4:10.0.0.1:80-90/100",
        "6:10.0.0.1",
        "6:[2001:db8::1",
        "6:2001:db8::1:80",
        "6:[2001:db8::1]:0",
        "6:[2001:db8::1]:90-80",
        "6:2001:db8::/32",
        "6:[2001:db8::1]:80-90/100",
        "",
    ],
);
pub(super) const NETMAP: Words = (
    &["4:10.0.0.0/24", "4:192.168.0.0/255.255.0.0", "4:10.1.2.3", "6:2001:db8:1::/64", "6:2001:db8::1", "4:0.0.0.0/0"],
    &["4:10.0.0.0/33", "4:10.0.0.0/255.0.255.0", "4:x", "6:10.0.0.0/8", "6:fe80::/129", "", "4:10.0.0.1/24"],
);
pub(super) const IFACE: Words =
    (&["eth0", "eth+", "lo", "wg-1", "a.100", "+", "br0"], &["abcdefghijklmnop", "", "a b", "eth0+", "e/h"]);
pub(super) const MAC: Words = (
    &["00:11:22:33:44:55", "ff:ff:ff:ff:ff:ff", "aA:bB:cC:dD:eE:fF", "00:00:00:00:00:00", "0:1:2:3:4:5"],
    &["00:11:22:33:44", "00-11-22-33-44-55", "00:11:22:33:44:5g", "00:11:22:33:44:55:66", "", "001122334455"],
);
pub(super) const TEXT: Words = (
    &[
        "plain",
        "two words",
        "it's",
        "a \"quoted\" one",
        "back\\slash",
        "semi;colon",
        "$dollar",
        "ümlaut",
        "a-b_c.d:e/f",
        "x,y",
    ],
    &["", " ", "-dash", "!", "!bang", "trailing ", "tab\there"],
);
pub(super) const FLAGS: Words = (
    &[
        "SYN SYN",
        "SYN,ACK SYN",
        "ALL NONE",
        "FIN,SYN,RST,ACK SYN",
        "ALL ALL",
        "syn,ack ack",
        "NONE NONE",
        "URG,PSH URG",
        "FIN,ACK FIN",
    ],
    &["SYN ACK", "NOSUCH SYN", "SYN NOSUCH", "SYN, SYN", "ALL,SYN SYN", "NONE SYN", "SYN,SYN SYN"],
);
pub(super) const ICMP: Words = (
    &[
        "any",
        "echo-request",
        "echo-reply",
        "8",
        "0",
        "3/4",
        "port-unreachable",
        "ping",
        "pong",
        "ttl-exceeded",
        "5/1",
        "255",
        "destination-unreachable",
        "host-unreachable",
        "redirect",
        "11/0",
        "17",
        "address-mask-request",
        "3/255",
        "8/0",
    ],
    &["256", "3/256", "nosuch", "", "3/", "/3", "echo", "8/x", "-1", "255/255", "time"],
);
pub(super) const ICMP6: Words = (
    &[
        "echo-request",
        "echo-reply",
        "128",
        "1/4",
        "port-unreachable",
        "router-advertisement",
        "neighbour-solicitation",
        "135",
        "packet-too-big",
        "destination-unreachable",
        "no-route",
        "ttl-exceeded",
        "4/1",
        "255",
        "neighbor-advertisement",
        "redirect",
        "1",
        "0",
    ],
    &["256", "1/256", "nosuch", "", "1/", "any", "echo", "-1", "255/255"],
);
pub(super) const CHUNKS: Words = (
    &[
        "any DATA",
        "all INIT,INIT_ACK",
        "only SACK",
        "any ALL",
        "all NONE",
        "any DATA:Be",
        "any DATA:bE",
        "any ABORT:T",
        "only DATA:I,HEARTBEAT",
        "any HEARTBEAT_ACK,SHUTDOWN,SHUTDOWN_ACK",
        "any COOKIE_ECHO,COOKIE_ACK",
        "all ASCONF,FORWARD_TSN",
        "any ECN_ECNE,ECN_CWR,ASCONF_ACK",
        "any SHUTDOWN_COMPLETE:t",
        "any data",
    ],
    &["any NOSUCH", "some DATA", "any DATA:X", "any INIT:B", "any DATA,", "any DATA:"],
);
pub(super) const CTSTATE: Words = (
    &[
        "NEW",
        "ESTABLISHED,RELATED",
        "RELATED,ESTABLISHED",
        "INVALID",
        "UNTRACKED",
        "SNAT",
        "DNAT,SNAT",
        "new",
        "NEW,NEW",
        "EST",
    ],
    &["NOSUCH", "", "NEW,", ",NEW", "NEW ESTABLISHED", "I", "N,E"],
);
pub(super) const STATE: Words = (
    &["NEW", "ESTABLISHED,RELATED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED", "new", "INVALID,NEW,UNTRACKED"],
    &["SNAT", "NOSUCH", "", "NEW,", "N", "DNAT"],
);
pub(super) const CTSTATUS: Words = (
    &["NONE", "EXPECTED", "SEEN_REPLY,ASSURED", "CONFIRMED", "assured", "EXPECTED,CONFIRMED"],
    &["NOSUCH", "", "NONE,"],
);
pub(super) const CTDIR: Words = (&["ORIGINAL", "REPLY", "original"], &["BOTH", "", "NOSUCH"]);
pub(super) const PROTO: Words =
    (&["tcp", "udp", "6", "icmp", "132", "255", "gre", "47", "esp", "41"], &["256", "nosuch", "", "0", "all", "-1"]);
pub(super) const RANGE32: Words = (
    &["1", "0", "10:20", "5:", ":5", "4294967295", "0:4294967295", "7:7"],
    &["20:10", "x", "", ":", "1:2:3", "4294967296", "1-2"],
);
pub(super) const LENGTH: Words = (
    &["64", "0", "40:1500", "100:", ":100", "65535", "0:65535", "84:84"],
    &["65536", "100:50", "x", "", ":", "1:2:3", "-1"],
);
pub(super) const RATE: Words = (
    &[
        "3/hour",
        "1/sec",
        "5/second",
        "60/min",
        "10/minute",
        "24/day",
        "1000/s",
        "7",
        "1/h",
        "10000/sec",
        "3/d",
        "90/min",
        "120/hour",
    ],
    &["0/sec", "10001/sec", "x", "", "1/fortnight", "-1/sec", "1/", "/sec", "1/se", "4294967296/sec", "100000/min"],
);
pub(super) const HASHRATE: Words = (
    &["3/hour", "1/sec", "60/min", "24/day", "1000/s", "512kb/s", "1mb/s", "100b/s", "7", "1000000/sec", "90/min"],
    &["0/sec", "x", "", "1/fortnight", "-1/sec", "0b/s", "5000mb/s", "1kb/min", "4294967296/sec"],
);
pub(super) const BURST: Words = (&["1", "5", "10", "100", "10000"], &["0", "10001", "x", "", "-1", "4294967296"]);
pub(super) const HASHBURST: Words =
    (&["1", "5", "10", "100", "10000", "1mb", "10kb"], &["0", "x", "", "-1", "4294967296", "1000001"]);
pub(super) const HASHMODE: Words = (
    &["srcip", "dstip", "srcport", "dstport", "srcip,dstport", "srcip,srcport,dstip,dstport", "dstip,srcip"],
    &["nosuch", "", "srcip,", "srcip srcport"],
);
pub(super) const HASHNAME: Words =
    (&["one", "two", "three-3", "a.b"], &["", "abcdefghijklmnopqrstuvwxyz", "with blank", "a/b"]);
pub(super) const NAME: Words = (
    &["one", "two", "DEFAULT", "with-dash", "under_score"],
    &[
        "",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
        "a/b",
        "with blank",
    ],
);
pub(super) const PREFIX_LEN: Words =
    (&["4:24", "4:32", "4:0", "6:64", "6:128", "6:0", "8", "1"], &["4:33", "6:129", "x", "", "-1"]);
pub(super) const PROBABILITY: Words = (
    &["0.5", "0.33", "1", "0", "0.25000000000", "0.1", "0.000001", "0.99999999", "1.0", "0.333333"],
    &["1.1", "-0.1", "x", "", "0,5", "2"],
);
pub(super) const STAT_MODE: Words = (&["random", "nth"], &["nosuch", "", "Random"]);
pub(super) const EVERY: Words = (&["2", "1", "3", "10", "4294967295"], &["0", "x", "", "-1", "4294967296"]);
pub(super) const PACKET: Words = (&["0", "1", "2", "9"], &["10", "x", "", "-1", "4294967295"]);
pub(super) const ADDRTYPE: Words = (
    &[
        "LOCAL",
        "UNICAST",
        "BROADCAST,MULTICAST",
        "ANYCAST",
        "local",
        "UNSPEC",
        "BLACKHOLE,UNREACHABLE,PROHIBIT",
        "THROW",
        "NAT,XRESOLVE",
    ],
    &["NOSUCH", "", "LOCAL,", "LO"],
);
pub(super) const USER: Words = (
    &["root", "0", "1000", "1000-2000", "0-4294967294", "daemon", "5-5", "nobody"],
    &["nosuchuser", "", "2000-1000", "4294967295", "-1", "1:2", "1-2-3", "1-"],
);
pub(super) const GROUP: Words =
    (&["root", "0", "100", "100-200", "daemon", "nogroup"], &["nosuchgroup", "", "200-100", "4294967295", "-1", "5-"]);
pub(super) const SETS: Words = (
    &["ips src", "ips dst", "nets src", "pairs src,dst", "pairs dst,src", "three src,dst,src"],
    &[
        "nosuch src",
        "ips both",
        "ips src,src,src,src,src,src,src",
        "ips ,",
        "other src",
        "abcdefghijklmnopqrstuvwxyzabcdefgh src",
    ],
);
pub(super) const COMPARE: Words =
    (&["1", "0", "100", "18446744073709551615"], &["x", "", "-1", "18446744073709551616"]);
pub(super) const PKTTYPE: Words =
    (&["unicast", "broadcast", "multicast", "UNICAST", "bcast", "mcast", "host"], &["nosuch", "", "otherhost", "uni"]);
pub(super) const CLOCK: Words = (
    &["08:00", "17:30", "00:00", "23:59:59", "8:00", "8:5:3", "12:00:00", "00:00:01"],
    &["24:00", "12:60", "x", "", "12", "12:00:60", "-1:00", "12:00:00:00", "12:"],
);
pub(super) const DATE: Words = (
    &[
        "2024-01-01",
        "2030-12-31T23:59:59",
        "1970-01-01",
        "2024-02-30",
        "2024",
        "2024-05",
        "2025-06-01T10",
        "2037-12-31T12:30",
    ],
    &["2024-13-01", "x", "", "1969-01-01", "2039-01-01", "2024-01-01T25:00:00", "2024-01-32", "01-01-2024"],
);
pub(super) const WEEKDAYS: Words = (
    &["Mon", "Mon,Tue,Wed", "1,2,3", "Sat,Sun", "7", "Mo,Tu", "Sunday", "1,2,3,4,5,6,7", "fri"],
    &["8", "0", "x", "", "Mon,", "Mon Tue", "Mon,Mon"],
);
pub(super) const MONTHDAYS: Words = (&["1", "1,15,31", "31", "2,3", "1,1"], &["32", "0", "x", "", "1,", "-1"]);
pub(super) const ALGO: Words = (&["bm", "kmp"], &["nosuch", "", "BM", "abcdefghijklmnopqrst"]);
pub(super) const STRING: Words = (&["GET /", "x", "a b", "quo\"te", "back\\slash", "|", "100%", "tail "], &[""]);
pub(super) const HEXSTRING: Words = (
    &["|0d0a|", "abc", "a|41 42|b", "|00|", "|ff fe|x", "GET |2f|", "\\|x", "|414243|"],
    &["|", "|4|", "|xx|", "|41", "", "41|", "|41 4|"],
);
pub(super) const OFFSET: Words = (&["0", "1", "20", "100", "65535", "1500"], &["65536", "x", "", "-1"]);
pub(super) const LEVEL: Words = (
    &[
        "4", "0", "7", "debug", "info", "warning", "warn", "err", "error", "emerg", "panic", "crit", "alert", "notice",
        "WARNING",
    ],
    &["8", "nosuch", "", "-1", "deb"],
);
pub(super) const PREFIX: Words = (
    &["in: ", "DROP ", "x", "two words: ", "it's", "a\"b", "abcdefghijklmnopqrstuvwxyz123"],
    &["", "abcdefghijklmnopqrstuvwxyz1234", "abcdefghijklmnopqrstuvwxyz12345678901234567890"],
);
pub(super) const NFLOG_PREFIX: Words = (
    &[
        "in: ",
        "DROP ",
        "x",
        "two words: ",
        "it's",
        "a\"b",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk",
    ],
    &["", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"],
);
pub(super) const BALANCE: Words =
    (&["0:3", "1:2", "0:65534", "10:20"], &["3:0", "5:5", "0:65535", "x", "", "1", "1:", "1:2:3", "0:65536"]);
pub(super) const MSS: Words = (&["1460", "536", "1", "65535", "1400"], &["0", "65536", "x", "", "-1"]);
pub(super) const ZONE: Words = (&["0", "1", "65535", "mark", "100"], &["65536", "x", "", "-1"]);
pub(super) const CTEVENTS: Words = (
    &["new", "new,destroy", "assured,reply", "mark,helper", "related", "protoinfo,natseqinfo", "secmark"],
    &["nosuch", "", "new,"],
);
pub(super) const EXPEVENTS: Words = (&["new"], &["nosuch", "", "destroy"]);
pub(super) const HELPER: Words = (&["ftp", "sip", "tftp"], &["nosuch", "", "abcdefghijklmnopqrst"]);
pub(super) const TIMEOUT: Words = (&["policy"], &["", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"]);
pub(super) const CLASS: Words =
    (&["1:2", "0:0", "ffff:ffff", "10:1", "A:b"], &["1", "1:", ":1", "10000:1", "x:y", "", "1:2:3", "1:10000"]);
pub(super) const DSCP: Words = (&["0", "0x2e", "46", "63", "010"], &["64", "x", "", "-1", "EF"]);
pub(super) const DSCP_CLASS: Words =
    (&["EF", "BE", "CS0", "CS7", "AF11", "AF43", "ef", "cs1"], &["nosuch", "", "AF44", "46"]);
pub(super) const REJECT: Words = (
    &[
        "4:icmp-net-unreachable",
        "4:icmp-host-prohibited",
        "4:host-unreach",
        "4:icmp-admin-prohibited",
        "tcp-reset",
        "4:icmp-port-unreachable",
        "4:icmp-proto",
        "4:port-unreach",
        "6:icmp6-no-route",
        "6:no-route",
        "6:icmp6-adm-prohibited",
        "6:addr-unreach",
        "6:icmp6-policy-fail",
        "6:reject-route",
        "6:port-unreach",
        "6:icmp6-addr-unreachable",
    ],
    &["nosuch", "", "icmp", "4:icmp6-no-route", "6:icmp-net-unreachable", "4:echo-reply", "tcp"],
);
pub(super) const TTL: Words = (&["64", "1", "255", "0"], &["256", "x", "", "-1"]);
pub(super) const CONNLIMIT: Words = (&["1", "10", "0", "4294967295"], &["x", "", "-1", "4294967296"]);
pub(super) const SECONDS: Words = (&["1", "60", "600", "4294967295"], &["0", "x", "", "-1", "4294967296"]);
pub(super) const HITCOUNT: Words = (&["1", "5", "20"], &["0", "256", "65535", "65536", "x", "", "-1"]);
pub(super) const ACCT: Words = (&["acct", "other"], &["", "abcdefghijklmnopqrstuvwxyzabcdefghijkl"]);
pub(super) const TCP_OPTION: Words = (&["1", "2", "8", "255", "0x5"], &["0", "256", "x", "", "-1"]);
pub(super) const NODES: Words = (&["2", "3", "8", "32"], &["0", "1", "33", "x", ""]);
pub(super) const NODE: Words = (&["1", "2", "1"], &["0", "33", "x", ""]);
pub(super) const NODE_MASK: Words = (&["1", "3", "2"], &["0", "0x100000000", "x", ""]);
pub(super) const SEED: Words = (&["1", "0xdeadbeef", "0", "4294967295"], &["4294967296", "x", "", "-1"]);
pub(super) const BYTES: Words = (
    &["100", "100:200", "0:", "5:5", "18446744073709551615", "5:18446744073709551615", "0:5", "0"],
    &["200:100", ":5", ":", "18446744073709551616", "x", "", "1-2", "-1"],
);
pub(super) const CONN_DIR: Words = (&["both", "original", "reply"], &["nosuch", "", "Both"]);
pub(super) const CONN_MODE: Words = (&["packets", "bytes", "avgpkt"], &["nosuch", "", "Bytes"]);
pub(super) const GROUP_MASK: Words =
    (&["0", "5", "0x1/0xf", "0/0", "5/4294967295", "0x10"], &["nosuch", "", "-1", "1/"]);
pub(super) const DCCP_TYPES: Words = (
    &["REQUEST", "REQUEST,RESPONSE,DATA", "ACK,DATAACK,CLOSEREQ", "CLOSE,RESET,SYNC,SYNCACK,INVALID", "request"],
    &["nosuch", "", "REQUEST,", ",DATA"],
);
pub(super) const IP6_OPTIONS: Words = (
    &["5", "5:2,6", "0:0", "1,2,3:4,194:4", "255:255", "0x1:2"],
    &["256", "5:256", "x", "", "5:", ":5", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "1,,2", "1,"],
);
pub(super) const ECT: Words = (&["0", "1", "2", "3"], &["4", "x", "", "-1"]);
pub(super) const HEADERS: Words = (
    &["hop-by-hop", "hop", "dst,route,frag,auth,esp,none,proto", "0,60,43,44,51,50,59", "frag", "ipv6-frag,ah,prot"],
    &["nosuch", "255", "", "frag,", "6"],
);
pub(super) const MH_TYPES: Words = (
    &["1", "binding-refresh-request", "brr", "hoti:bu", "1:5", ":3", "4:", "binding-update", "0:255", "7:7"],
    &["nosuch", "256", "5:1", "", ":", "1:2:3", "bu:hoti"],
);
pub(super) const POLICY_DIR: Words = (&["in", "out", "in"], &["both", "", "IN"]);
pub(super) const POLICY_POL: Words = (&["ipsec", "none", "ipsec"], &["nosuch", ""]);
pub(super) const POLICY_PROTO: Words = (&["esp", "ah", "ipcomp", "50"], &["tcp", "", "nosuch"]);
pub(super) const POLICY_MODE: Words = (&["tunnel", "transport"], &["nosuch", ""]);
pub(super) const REALM: Words = (&["5", "0x5/0xf", "5/0xffff", "4", "0", "4294967295"], &["nosuch", "", "-1", "5/"]);
pub(super) const RT_ADDRESSES: Words =
    (&["fe80::1", "fe80::1,fe80::2", "::", "2001:db8::1,::1,fe80::3"], &["", "1.2.3.4", "fe80::1,", "x", "fe80::/64"]);
pub(super) const U32_TESTS: Words = (
    &[
        "0=1",
        "6&0xFF=1",
        "0>>22&0x3C@0>>24=0",
        "6 & 0xFF = 1 && 4 & 0x1FFF = 0 && 0 >> 22 & 0x3C @ 0 >> 24 = 0",
        "0<<8=1:5,7,0x10:0x20",
        "0=1:",
        "0=:5",
        "0=1,2,3,4,5,6,7,8,9,10",
    ],
    &["0", "0=", "", "0=5:1", "0=1,2,3,4,5,6,7,8,9,10,11", "0=1&&", "x=1", "0@=1", "0>>=1"],
);
pub(super) const AUDIT_TYPE: Words = (&["accept", "drop", "reject"], &["nosuch", "", "ACCEPT"]);
pub(super) const SHIFT: Words = (&["1", "8", "31", "0"], &["32", "-1", "x", ""]);
pub(super) const NPT_PREFIX: Words =
    (&["fd00::/64", "2001:db8::/64", "fd00:1::/64"], &["fd00::1/48", "fd00::/65", "fd00::", "x", "", "1.2.3.0/24"]);
pub(super) const HMARK_TUPLE: Words = (
    &["src", "dst", "src,dst", "src,dst,sport,dport", "ct", "ct,src", "spi", "src,dst,sport,dport,ct"],
    &["nosuch", "", "src,", "src dst"],
);
pub(super) const TUPLE_PREFIX: Words = (&["4:24", "4:32", "4:0", "6:64", "6:128", "8"], &["4:33", "6:129", "x", ""]);
// An estimator is one object for all rules that name it, and its figures must be the same in all.
pub(super) const ESTIMATOR: Words = (&["R1", "R2", "DEFAULT"], &[]);
pub(super) const INTERVAL: Words = (&["250ms", "250.0ms", "250000us"], &["10s", "x", "", "-1s", "1h"]);
pub(super) const AVERAGE: Words = (&["1s", "1000ms", "1000000us"], &["x", "", "0", "100000s"]);
pub(super) const STRIP: Words = (
    &["sack", "5,timestamp,wscale,mss,sack-permitted,md5", "254,2,3", "2", "wscale"],
    &["nosuch", "", "256", "0", "sack,", "1"],
);
