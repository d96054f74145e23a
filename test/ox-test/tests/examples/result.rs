//! What the kernel did with a packet, in the words of `questions.toml`.

use ox_packet::{Family, proto, tcp};
use ox_rules::ir::Packet;
use ox_test::differential::lab::Seen;
use ox_test::questions::{Outcome, same_packet};
use oxtables::describe::Described;
use std::collections::BTreeSet;

/// What became of a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    verdict: &'static str,
    out: Option<String>,
    packet: Option<String>,
    reply: Option<String>,
}

impl Observed {
    /// Reads it from what was seen. `rose`: the rules that counted it; `port`: shown in the place of its source port.
    pub fn of(asked: &Described, seen: &[Seen], rose: &BTreeSet<String>, port: u16) -> Observed {
        let show = |bytes: &[u8]| {
            let mut packet = Packet::new(bytes.to_vec()).ok()?;
            if packet.key.sport == asked.packet.key.sport {
                packet.key.sport = port;
            }
            Some(ox_view::flow(&packet.key, packet.layout.family))
        };
        let ours = |bytes: &[u8]| is_same(&asked.packet, bytes);
        for one in seen {
            match one {
                Seen::Delivered(_, bytes) if ours(bytes) => {
                    return Observed { verdict: "delivered", packet: show(bytes), ..Observed::default() };
                }
                Seen::Out(dev, bytes) if ours(bytes) => {
                    let verdict = if asked.iif.is_some() { "forwarded" } else { "sent" };
                    return Observed { verdict, out: Some(dev.clone()), packet: show(bytes), reply: None };
                }
                _ => {}
            }
        }
        let reply = seen.iter().find_map(|one| match one {
            Seen::Out(_, bytes) | Seen::Delivered(_, bytes) => reject_name(bytes),
        });
        if reply.is_some() {
            return Observed { verdict: "rejected", reply, ..Observed::default() };
        }
        // Nobody listens to a queue here, and the kernel drops what it would hold.
        let queued = rose.iter().any(|rule| rule.contains("-j NFQUEUE") || rule.contains("-j QUEUE"));
        Observed { verdict: if queued { "queued" } else { "dropped" }, ..Observed::default() }
    }

    /// Whether this is what is expected, as far as that says anything.
    pub fn fits(&self, expected: &Outcome) -> bool {
        let same = |want: &Option<String>, got: &Option<String>| want.is_none() || want == got;
        let packet = match (&expected.packet, &self.packet) {
            (Some(want), Some(got)) => same_packet(want, got),
            // Of a packet that was stopped there is nothing to be seen.
            _ => true,
        };
        self.verdict == expected.verdict
            && same(&expected.out, &self.out)
            && same(&expected.reply, &self.reply)
            && packet
    }
}

/// Whether this is the packet that was pushed, however rewritten: its protocol, its type, and the data it carries.
fn is_same(asked: &Packet, bytes: &[u8]) -> bool {
    let Ok(seen) = Packet::new(bytes.to_vec()) else { return false };
    let icmp = matches!(asked.key.proto, proto::ICMP | proto::ICMPV6);
    let tail = asked.bytes.len().saturating_sub(8);
    seen.key.proto == asked.key.proto
        && (!icmp || (seen.key.icmp_type, seen.key.icmp_code) == (asked.key.icmp_type, asked.key.icmp_code))
        && bytes.ends_with(&asked.bytes[tail..])
}

/// The name that `--reject-with` has for an answer.
fn reject_name(bytes: &[u8]) -> Option<String> {
    let packet = Packet::new(bytes.to_vec()).ok()?;
    let (kind, code) = (packet.key.icmp_type, packet.key.icmp_code);
    let name = match (packet.layout.family, packet.key.proto) {
        (_, proto::TCP) if packet.key.tcp_flags & tcp::RST != 0 => "tcp-reset",
        (Family::V4, proto::ICMP) if kind == 3 => match code {
            0 => "icmp-net-unreachable",
            1 => "icmp-host-unreachable",
            2 => "icmp-proto-unreachable",
            3 => "icmp-port-unreachable",
            9 => "icmp-net-prohibited",
            10 => "icmp-host-prohibited",
            13 => "icmp-admin-prohibited",
            _ => return None,
        },
        (Family::V6, proto::ICMPV6) if kind == 1 => match code {
            0 => "icmp6-no-route",
            1 => "icmp6-adm-prohibited",
            3 => "icmp6-addr-unreachable",
            4 => "icmp6-port-unreachable",
            5 => "icmp6-policy-fail",
            6 => "icmp6-reject-route",
            _ => return None,
        },
        _ => return None,
    };
    Some(name.to_owned())
}
