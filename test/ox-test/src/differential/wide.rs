//! What the rulesets of the second range are made of besides: extensions that few rulesets have, and what fragments need.

use super::matches::{Template, t};

/// What a ruleset is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Common templates.
    #[default]
    Plain,
    /// The rarer ones too.
    Wide,
    /// Nothing that tracks connections or puts fragments together, so that rules see fragments.
    Loose,
    /// With TEE, and without rules that remember: the kernel sends a copy while the rules before the next one are not yet
    /// asked, the engine after the packet's own way. Nor with rules that are left to chance, of which each copy asks anew.
    Copies,
}

/// The first seed of the second range.
pub const FIRST: u64 = 1_000_000;

impl Mode {
    /// The mode of a seed.
    pub fn of(seed: u64) -> Self {
        match seed {
            0..FIRST => Mode::Plain,
            _ => [Mode::Wide, Mode::Loose, Mode::Copies, Mode::Loose][(seed >> 2) as usize % 4],
        }
    }

    /// Whether a template is for it.
    pub(super) fn takes(self, template: &Template) -> bool {
        let name = template.name;
        match self {
            Mode::Plain => true,
            Mode::Wide => name != "TEE",
            Mode::Loose => name != "TEE" && !TRACKING.contains(&name) && !template.text.contains("ct,"),
            Mode::Copies => {
                ![&REMEMBERING[..], &REROUTING].concat().contains(&name)
                    && !["SYNPROXY", "cpu", "cgroup"].contains(&name)
            }
        }
    }

    /// The rule that measures for `-m rateest`, first of all.
    pub(super) const fn beginning(self) -> &'static str {
        match self {
            Mode::Wide | Mode::Loose => {
                "-A PREROUTING -j RATEEST --rateest-name oxr --rateest-interval 250ms --rateest-ewmalog 500ms\n"
            }
            Mode::Plain | Mode::Copies => "",
        }
    }
}

/// Extensions that make the kernel track connections or put fragments together.
const TRACKING: [&str; 21] = [
    "conntrack",
    "state",
    "connmark",
    "connbytes",
    "connlabel",
    "connlimit",
    "cluster",
    "helper",
    "socket",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "SYNPROXY",
    "TPROXY",
    "SNAT",
    "DNAT",
    "MASQUERADE",
    "REDIRECT",
    "NETMAP",
    "NOTRACK",
    "rpfilter",
];

/// Extensions that remember or count, and those that ask them.
const REMEMBERING: [&str; 11] = [
    "limit",
    "hashlimit",
    "recent",
    "quota",
    "statistic",
    "connlimit",
    "SET",
    "set",
    "rateest",
    "RATEEST",
    "connbytes",
];

/// Targets after which a packet of this host is routed again: a copy of what the host sends to itself would then be copied
/// without end.
const REROUTING: [&str; 8] = ["MARK", "TOS", "DSCP", "CONNMARK", "HMARK", "ECN", "HL", "DNPT"];

const fn m(name: &'static str, text: &'static str, proto: &'static str) -> Template {
    t(name, text, proto, "", "")
}

const fn v6(template: Template) -> Template {
    Template { families: "6", ..template }
}

/// Matches.
pub(super) const MATCHES: &[Template] = &[
    v6(m("frag", "--fragid 0:0x7fffffff", "")).often(2),
    v6(m("frag", "! --fragid 7", "")),
    v6(m("frag", "--fraglen 8", "")),
    v6(m("frag", "--fragres", "")),
    v6(m("frag", "--fragfirst", "")).often(2),
    v6(m("frag", "--fragmore", "")).often(2),
    v6(m("frag", "--fraglast", "")).often(2),
    v6(m("frag", "--fragfirst --fragmore", "")),
    t("policy", "--dir in --pol none", "", "", "PIF"),
    t("policy", "--dir in --pol ipsec", "", "", "PIF"),
    t("policy", "--dir out --pol none", "", "", "FOS"),
    t("policy", "--dir out --pol ipsec --proto esp --mode transport", "", "", "FOS"),
    t(
        "policy",
        "--dir in --pol ipsec --strict --reqid 5 --spi 1 --proto esp --mode tunnel --tunnel-src {net} --tunnel-dst {net} --next --reqid 6",
        "",
        "",
        "PIF",
    ),
    m("cpu", "--cpu 0", ""),
    m("cpu", "! --cpu 0", ""),
    m("rateest", "--rateest oxr --rateest-lt --rateest-bps 100mbit", ""),
    m("rateest", "--rateest oxr ! --rateest-gt --rateest-pps 1000000", ""),
    m("rateest", "--rateest oxr ! --rateest-eq --rateest-pps 900000", ""),
    m("rateest", "--rateest oxr --rateest-delta --rateest-gt --rateest-bps1 90mbit --rateest-bps2 70mbit", ""),
    m("rateest", "--rateest-delta --rateest1 oxr ! --rateest-lt --rateest2 oxr --rateest-pps1 9 --rateest-pps2 9", ""),
    t("cgroup", "! --cgroup 1", "", "", "O"),
    t("cgroup", "--cgroup 0", "", "", "OS"),
    t("cgroup", "--path /", "", "", "OS"),
    Template { families: "4", ..t("osf", "--genre Linux --ttl 2", "tcp", "", "PIF") },
    Template { families: "4", ..t("osf", "! --genre unknown --log 1", "tcp", "", "PIF") },
    // The protocol is UDP; the first four bytes of the transport header; the length is even.
    Template { families: "4", ..m("bpf", "--bytecode {bpf4}", "") }.often(3),
    v6(m("bpf", "--bytecode {bpf6}", "")).often(3),
    v6(m("srh", "--srh-next-hdr 17", "")).often(3),
    v6(m("srh", "! --srh-next-hdr 17 --srh-hdr-len-eq 4", "")).often(3),
    v6(m("srh", "--srh-hdr-len-gt 2 --srh-segs-left-eq 1", "")).often(3),
    v6(m("srh", "--srh-hdr-len-lt 9 --srh-last-entry-eq 1", "")).often(3),
    v6(m("srh", "--srh-segs-left-gt 0 --srh-last-entry-lt 3", "")).often(3),
    v6(m("srh", "--srh-segs-left-lt 2 ! --srh-last-entry-gt 4", "")).often(3),
    v6(m("srh", "--srh-tag 0", "")).often(3),
    v6(m("srh", "! --srh-tag 7 --srh-psid {net}", "")).often(3),
    v6(m("srh", "--srh-nsid 2001:db8:2::/64", "")).often(3),
    v6(m("srh", "--srh-lsid 2001:db8:2::20/128", "")).often(3),
];

/// Targets.
pub(super) const TARGETS: &[Template] = &[
    v6(t("SNPT", "--src-pfx 2001:db8:1::/64 --dst-pfx 2001:db8:{npt}::/64 {from1}", "", "mangle", "IS")),
    v6(t("SNPT", "--src-pfx 2001:db8::/32 --dst-pfx fd00:{npt}::/32 {from1}", "", "mangle", "IS")),
    v6(t("SNPT", "--src-pfx 2001:db8:1::/48 --dst-pfx 2001:db8:{npt}::/48 {from1}", "", "mangle", "IS")),
    v6(t("DNPT", "--src-pfx 2001:db8:2::/64 --dst-pfx 2001:db8:64::/64 {to2}", "", "mangle", "PO")),
    v6(t("DNPT", "--src-pfx 2001:db8:2::/56 --dst-pfx 2001:db8:{npt}::/56 {to2}", "", "mangle", "PO")),
    v6(t("DNPT", "--src-pfx 2001:db8:1::/48 --dst-pfx 2001:db8:3::/48 {to1}", "", "mangle", "PO")),
    t("TEE", "--gateway {neighbour}", "", "", "").often(4),
    t("TEE", "--gateway {neighbour} --oif in0", "", "", ""),
    t("SYNPROXY", "--mss 1200", "tcp", "filter", "IF"),
    t("SYNPROXY", "--mss 1460 --wscale 7 --timestamp --sack-perm", "tcp", "filter", "IF"),
    t("SYNPROXY", "--mss 1300 --ecn", "tcp", "filter", "IF"),
    t("IDLETIMER", "--timeout 600 --label {idle}", "", "", ""),
    t("AUDIT", "--type accept", "", "", ""),
    t("CONNSECMARK", "--save", "", "mangle,security", ""),
    t("CONNSECMARK", "--restore", "", "mangle,security", ""),
];

#[cfg(test)]
mod tests {
    use super::super::compare::kind_of;
    use super::super::dice::Rng;
    use super::super::read::read_ruleset;
    use super::super::replay::program;
    use super::super::rulesets::make;
    use super::*;

    #[test]
    fn loose_rulesets_leave_fragments_as_they_are() {
        for seed in FIRST..FIRST + 200 {
            let mode = Mode::of(seed);
            let (family, dialect) = kind_of(seed);
            let text = make(&mut Rng::new(seed), family, dialect, mode);
            let program = program(&read_ruleset(&text, family, dialect).unwrap(), dialect);
            assert!(mode != Mode::Loose || !(program.tracking || program.defrag), "seed {seed}:\n{text}");
        }
    }
}
