//! The pools that rules and packets are made of, and what fills the holes of templates.

use super::dice::Rng;
use ox_packet::Family;

/// Sets whose elements rules add and delete.
pub const SETS: [&str; 2] = ["oxa", "oxb"];

/// The sets that every ruleset may name, as `ipset restore` reads them: empty ones, one that counts, one that maps
/// addresses to marks, and networks with exceptions.
pub fn set_text(family: Family) -> String {
    let p = pools(family);
    let (inet, net, inner) = match family {
        Family::V4 => ("inet", "192.0.2.0/24", "192.0.2.8/29"),
        Family::V6 => ("inet6", "2001:db8:1::/64", "2001:db8:1::8/125"),
    };
    let mut text = String::new();
    for set in SETS {
        text.push_str(&format!("create {set} hash:ip family {inet}\n"));
    }
    text.push_str(&format!("create oxc hash:ip family {inet} counters timeout 600\n"));
    text.push_str(&format!("create oxm hash:ip family {inet} skbinfo\n"));
    text.push_str(&format!("create oxn hash:net family {inet} counters\n"));
    for (i, addr) in p.inside.iter().chain(p.own).enumerate() {
        text.push_str(&format!("add oxc {addr}\n"));
        text.push_str(&format!("add oxm {addr} skbmark {:#x}/0xff skbprio 1:{}\n", i + 1, i + 1));
    }
    text.push_str(&format!("add oxn {net}\nadd oxn {inner} nomatch\n"));
    text
}

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

/// Fills the holes of a template.
pub fn fill(text: &str, rng: &mut Rng, family: Family, uniq: &mut u32) -> String {
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
        "headers" => (*rng.pick(&["dst", "route,prot", "hop-by-hop,prot", "frag", "none"])).to_owned(),
        "npt" => (*rng.pick(&["64", "9", "1", "abcd"])).to_owned(),
        // Prefixes are mapped also where the address is in another one, which then spoils the checksum.
        "from1" => "-m iprange --src-range 2001:db8:1::-2001:db8:1::ffff".to_owned(),
        "to1" => "-m iprange --dst-range 2001:db8:1::-2001:db8:1::ffff".to_owned(),
        "to2" => "-m iprange --dst-range 2001:db8:2::-2001:db8:2::ffff".to_owned(),
        "neighbour" => (*rng.pick(&[pools.inside[1], pools.outside[1]])).to_owned(),
        "idle" => format!("ox{}-{}", std::process::id() % 10_000, rng.below(1_000_000_000)),
        // The protocol is UDP; the destination port is below 1024; the packet's length is no multiple of four.
        "bpf4" => (*rng.pick(&[
            "\"4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0\"",
            "\"5,177 0 0 0,72 0 0 2,53 1 0 1024,6 0 0 1,6 0 0 0\"",
            "\"4,128 0 0 0,69 0 1 3,6 0 0 1,6 0 0 0\"",
        ]))
        .to_owned(),
        "bpf6" => (*rng.pick(&[
            "\"4,48 0 0 6,21 0 1 17,6 0 0 1,6 0 0 0\"",
            "\"4,40 0 0 42,53 1 0 1024,6 0 0 1,6 0 0 0\"",
            "\"4,128 0 0 0,69 0 1 3,6 0 0 1,6 0 0 0\"",
        ]))
        .to_owned(),
        "one" => (1 + rng.below(2)).to_string(),
        "label" => (*rng.pick(&["0", "5", "127"])).to_owned(),
        "ect" => rng.below(4).to_string(),
        "small" => (1 + rng.below(4)).to_string(),
        "hmode" => (*rng.pick(&["srcip", "dstip", "srcip,dstip", "srcip,dstport"])).to_owned(),
        "uniq" => {
            *uniq += 1;
            format!("u{uniq}")
        }
        "mac" => (*rng.pick(&["02:00:00:00:00:01", "02:00:00:00:00:02"])).to_owned(),
        "dir" => (*rng.pick(&["src", "dst"])).to_owned(),
        "own" => (*rng.pick(pools.own)).to_owned(),
        "bits" => (*rng.pick(if v4 { &["24", "8"] } else { &["64", "20"] })).to_owned(),
        "mask" => (if v4 { "255.255.255.0" } else { "ffff:ffff:ffff::" }).to_owned(),
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
