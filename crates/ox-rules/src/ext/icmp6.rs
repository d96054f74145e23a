//! `-m icmp6`: the type and code of an ICMPv6 message.
//!
//! Kernel: net/ipv6/netfilter/ip6_tables.c `icmp6_match`; ABI: uapi/linux/netfilter_ipv6/ip6_tables.h `struct ip6t_icmp`.
use super::icmp::{self, Kind, Name, all, list, one, pred, revision, save};
use super::prelude::*;
use ox_wire::xtables::port::Ip6tIcmp;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Icmp6 {
    kind: Inv<Kind>,
}

/// In stock's order; of two names for the same the first is printed.
pub(super) static NAMES: [Name; 28] = [
    all("destination-unreachable", 1),
    one("no-route", 1, 0),
    one("communication-prohibited", 1, 1),
    one("beyond-scope", 1, 2),
    one("address-unreachable", 1, 3),
    one("port-unreachable", 1, 4),
    one("failed-policy", 1, 5),
    one("reject-route", 1, 6),
    all("packet-too-big", 2),
    all("time-exceeded", 3),
    all("ttl-exceeded", 3),
    one("ttl-zero-during-transit", 3, 0),
    one("ttl-zero-during-reassembly", 3, 1),
    all("parameter-problem", 4),
    one("bad-header", 4, 0),
    one("unknown-header-type", 4, 1),
    one("unknown-option", 4, 2),
    all("echo-request", 128),
    all("ping", 128),
    all("echo-reply", 129),
    all("pong", 129),
    all("router-solicitation", 133),
    all("router-advertisement", 134),
    all("neighbour-solicitation", 135),
    all("neighbor-solicitation", 135),
    all("neighbour-advertisement", 136),
    all("neighbor-advertisement", 136),
    all("redirect", 137),
];

options! { Icmp6;
    /// Type by name or number, with an optional code or range of codes: echo-request, 128, 1/4, 1/0:3.
    TYPE ["icmpv6-type"] Inv<Kind>, .needed() => |i, v| i.kind = v;
}

/// Names that nft has for types of ICMPv6.
const IN_NFT: [(u8, &str); 18] = [
    (1, "destination-unreachable"),
    (2, "packet-too-big"),
    (3, "time-exceeded"),
    (4, "parameter-problem"),
    (128, "echo-request"),
    (129, "echo-reply"),
    (130, "mld-listener-query"),
    (131, "mld-listener-report"),
    (132, "mld-listener-done"),
    (133, "nd-router-solicit"),
    (134, "nd-router-advert"),
    (135, "nd-neighbor-solicit"),
    (136, "nd-neighbor-advert"),
    (137, "nd-redirect"),
    (138, "router-renumbering"),
    (141, "ind-neighbor-solicit"),
    (142, "ind-neighbor-advert"),
    (143, "mld2-listener-report"),
];

impl Ext for Icmp6 {
    const NAME: &'static str = "icmp6";
    const ALIASES: &'static [&'static str] = &["icmpv6", "ipv6-icmp"];
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Looks at the type and code of an ICMPv6 message.";
    const PROTO: Option<u8> = Some(58);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { kind } = *self;
        save(kind, "--icmpv6-type", out);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { kind } = *self;
        list(kind, "ipv6-icmp", &NAMES, out, show);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { kind } = *self;
        icmp::translate(kind, "icmpv6", &IN_NFT, nft)
    }
}

impl Matching for Icmp6 {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { kind } = *self;
        Pred::all([cx.xt_header(8), pred(kind.is).not_if(kind.not)])
    }
}

revision! { Icmp6 as Ip6tIcmp }
