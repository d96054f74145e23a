//! Rules and values in words: a rule as `iptables-save` prints it, a part of it, a field of a packet.

use ox_packet::{Family, Field, Key, ct, iface_name, ip_address, pkttype, proto, tcp_flags};
use ox_rules::ext;
use ox_rules::ir::Part;
use ox_rules::model::{Chain, Head, Match, Rule};
use ox_rules::syntax::{Out, print_head, save_rule};

/// A rule as `iptables-save` prints it, `-A CHAIN` included.
pub fn rule_text(chain: &Chain, rule: &Rule, family: Family) -> String {
    let mut out = Out::default();
    out.word("-A");
    out.word(chain.name.as_str());
    save_rule(rule, family, false, &mut out);
    out.text
}

/// A part of a rule as it prints.
pub fn part_text(rule: &Rule, part: Part, family: Family) -> String {
    let all = &rule.head;
    let none = Head::default();
    let head = match part {
        Part::Src => Head { src: all.src, ..none },
        Part::Dst => Head { dst: all.dst, ..none },
        Part::In => Head { iif: all.iif, ..none },
        Part::Out => Head { oif: all.oif, ..none },
        Part::Proto => Head { proto: all.proto, ..none },
        Part::Frag => Head { frag: all.frag, ..none },
        Part::Match(i) => {
            let mut out = Out::default();
            if let Some(m) = rule.matches.get(usize::from(i)) {
                ext::save_match(m, family, &mut out);
            }
            return out.text;
        }
    };
    let mut out = Out::default();
    print_head(&head, family, &mut out);
    out.text
}

/// The comment of a rule.
pub fn comment(rule: &Rule) -> Option<&str> {
    rule.matches.iter().find_map(|m| match m {
        Match::Comment(c) => Some(c.text()),
        _ => None,
    })
}

/// What a packet has in a field, for people: `source 192.0.2.7`, `no incoming interface`.
pub fn field_value(key: &Key, field: Field, family: Family) -> String {
    let iface = |n: u128, way: &str| match n {
        0 => format!("no {way} interface"),
        n => format!("{way} interface {}", iface_name(n)),
    };
    match field {
        Field::Src => format!("source {}", ip_address(family, key.src)),
        Field::Dst => format!("destination {}", ip_address(family, key.dst)),
        Field::Iif => iface(key.iif, "incoming"),
        Field::Oif => iface(key.oif, "outgoing"),
        Field::Mark => format!("mark {:#x}", key.mark),
        Field::Len => format!("length {}", key.len),
        Field::Sport if proto::has_ports(key.proto) => format!("source port {}", key.sport),
        Field::Dport if proto::has_ports(key.proto) => format!("destination port {}", key.dport),
        Field::Sport | Field::Dport => "no ports".to_owned(),
        Field::Proto => format!("protocol {}", protocol(key.proto)),
        Field::Tos => format!("TOS {:#04x}", key.tos),
        Field::Ttl if family == Family::V6 => format!("hop limit {}", key.ttl),
        Field::Ttl => format!("TTL {}", key.ttl),
        Field::TcpFlags => format!("flags {}", tcp_flags(key.tcp_flags)),
        Field::IcmpType => format!("ICMP type {}", key.icmp_type),
        Field::IcmpCode => format!("ICMP type {} code {}", key.icmp_type, key.icmp_code),
        Field::PktType => match key.pkttype {
            pkttype::BROADCAST => "link type broadcast".to_owned(),
            pkttype::MULTICAST => "link type multicast".to_owned(),
            _ => "link type unicast".to_owned(),
        },
        Field::FragOff => format!("fragment offset {}", key.frag_off),
        Field::Ct => format!("state {}", states(key.ct)),
    }
}

/// Connection tracking bits as `--ctstate` names them.
pub fn states(bits: u16) -> String {
    const NAMES: [(u16, &str); 7] = [
        (ct::INVALID, "INVALID"),
        (ct::NEW, "NEW"),
        (ct::ESTABLISHED, "ESTABLISHED"),
        (ct::RELATED, "RELATED"),
        (ct::UNTRACKED, "UNTRACKED"),
        (ct::SNAT, "SNAT"),
        (ct::DNAT, "DNAT"),
    ];
    let set: Vec<&str> = NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|n| n.1).collect();
    if set.is_empty() { "unknown".to_owned() } else { set.join(",") }
}

/// A protocol's name, else its number.
pub fn protocol(number: u8) -> String {
    match number {
        proto::ICMPV6 => "ipv6-icmp".to_owned(),
        n => proto::name(n).map_or_else(|| n.to_string(), str::to_owned),
    }
}
