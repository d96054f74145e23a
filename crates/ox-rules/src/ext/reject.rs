//! `-j REJECT`: answer with an ICMP error or a TCP RST, and drop.
//!
//! Kernel: net/ipv4/netfilter/ipt_REJECT.c, net/ipv6/netfilter/ip6t_REJECT.c; ABI: uapi/linux/netfilter_ipv4/ipt_REJECT.h.
use super::prelude::*;
use ox_wire::xtables::report::RejectInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reject {
    with: Option<With>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct With(&'static Answer, Family);

/// One way to answer.
#[derive(Debug, PartialEq)]
struct Answer {
    name: &'static str,
    alias: &'static str,
    with: RejectWith,
}

const fn icmp(name: &'static str, alias: &'static str, code: u8) -> Answer {
    Answer { name, alias, with: RejectWith::Unreachable(code) }
}

const RESET: Answer = Answer { name: "tcp-reset", alias: "tcp-rst", with: RejectWith::TcpReset };

static V4: [Answer; 8] = [
    icmp("icmp-net-unreachable", "net-unreach", 0),
    icmp("icmp-host-unreachable", "host-unreach", 1),
    icmp("icmp-proto-unreachable", "proto-unreach", 2),
    icmp("icmp-port-unreachable", "port-unreach", 3),
    icmp("icmp-net-prohibited", "net-prohib", 9),
    icmp("icmp-host-prohibited", "host-prohib", 10),
    icmp("icmp-admin-prohibited", "admin-prohib", 13),
    RESET,
];

static V6: [Answer; 7] = [
    icmp("icmp6-no-route", "no-route", 0),
    icmp("icmp6-adm-prohibited", "adm-prohibited", 1),
    icmp("icmp6-addr-unreachable", "addr-unreach", 3),
    icmp("icmp6-port-unreachable", "port-unreach", 4),
    icmp("icmp6-policy-fail", "policy-fail", 5),
    icmp("icmp6-reject-route", "reject-route", 6),
    Answer { name: "tcp-reset", alias: "tcp-reset", with: RejectWith::TcpReset },
];

fn answers(family: Family) -> &'static [Answer] {
    match family {
        Family::V4 => &V4,
        Family::V6 => &V6,
    }
}

/// Port unreachable, which stock prints even when it was not asked for.
fn default_answer(family: Family) -> &'static Answer {
    match family {
        Family::V4 => &V4[3],
        Family::V6 => &V6[3],
    }
}

/// What nft calls an answer.
fn in_nft(name: &'static str) -> &'static str {
    match name {
        "icmp-proto-unreachable" => "prot-unreachable",
        "icmp6-adm-prohibited" => "admin-prohibited",
        name => name.split_once('-').map_or(name, |(_, rest)| rest),
    }
}

options! { Reject;
    /// What to answer: an ICMP error by name, or tcp-reset. Port unreachable if not given.
    WITH ["reject-with"] With => |r, v| r.with = Some(v);
}

impl Value for With {
    const HINT: &'static str = "ANSWER";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let typed = args[0];
        let fits = |a: &&Answer| {
            let short = |name: &str| {
                name.len() >= typed.len() && name.as_bytes()[..typed.len()].eq_ignore_ascii_case(typed.as_bytes())
            };
            short(a.name) || short(a.alias)
        };
        match answers(cx.family).iter().find(fits) {
            Some(a) => Ok(With(a, cx.family)),
            None => {
                let list: Vec<_> = answers(cx.family).iter().map(|a| a.name).collect();
                Err(format!("`{typed}' is not an answer; there are: {}", list.join(" ")))
            }
        }
    }
}

impl Ext for Reject {
    const NAME: &'static str = "REJECT";
    const ABOUT: &'static str = "Answers with an ICMP error or a TCP RST, and drops the packet.";
    const TABLES: &'static [TableName] = &[TableName::Filter];
    const HOOKS: HookSet = HookSet::of(&[Hook::Input, Hook::Forward, Hook::Output]);

    fn check(&mut self, _: u32, cx: &Reading<'_>) -> Result<(), String> {
        // Said or not said, port unreachable is the same rule to -C and -D.
        self.with.get_or_insert(With(default_answer(cx.family), cx.family));
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { with } = *self;
        let tcp = at.head.proto == Inv::plain(Proto::TCP);
        if with.is_some_and(|w| w.0.with == RejectWith::TcpReset) && !tcp {
            return Err(Refused::invalid("tcp-reset is only valid behind `-p tcp'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { with } = *self;
        out.opt(false, "--reject-with", with.map_or_else(|| default_answer(family), |w| w.0).name);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { with } = *self;
        out.opt(false, "reject-with", with.map_or_else(|| default_answer(show.family), |w| w.0).name);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { with } = *self;
        nft.word("reject");
        let kind = if nft.family == Family::V4 { "icmp" } else { "icmpv6" };
        match with.map_or_else(|| default_answer(nft.family), |w| w.0) {
            Answer { with: RejectWith::TcpReset, .. } if nft.head.proto != Inv::plain(Proto::TCP) => {
                return nft.no("tcp-reset is only valid behind `-p tcp'");
            }
            Answer { with: RejectWith::TcpReset, .. } => nft.word("with tcp reset"),
            // What both do if nothing is said.
            answer if answer == default_answer(nft.family) => {}
            answer => nft.say(format_args!("with {kind} type {}", in_nft(answer.name))),
        }
        Some(())
    }
}

impl Acting for Reject {
    fn act(&self, cx: &Lowering<'_>) -> Act {
        let Self { with } = *self;
        Act::Reject(with.map_or_else(|| default_answer(cx.family), |w| w.0).with)
    }
}

impl Xt<0> for Reject {
    type Info = RejectInfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<RejectInfo> {
        let Self { with } = *self;
        let answer = with.map_or_else(|| default_answer(cx.family), |w| w.0);
        numbers(cx.family).find(|(_, a)| *a == answer).map(|(number, _)| RejectInfo { with: number })
    }

    fn decode(info: &RejectInfo, cx: &Carry<'_>) -> Option<Self> {
        let RejectInfo { with } = *info;
        let (_, answer) = numbers(cx.family).find(|(number, _)| *number == with)?;
        Some(Self { with: Some(With(answer, cx.family)) })
    }
}

/// The answers by the numbers of `enum ipt_reject_with` and `enum ip6t_reject_with`, which leave some out.
fn numbers(family: Family) -> impl Iterator<Item = (u32, &'static Answer)> {
    let numbers: &[u32] = match family {
        Family::V4 => &[0, 1, 2, 3, 5, 6, 8, 7],
        Family::V6 => &[0, 1, 3, 4, 7, 8, 6],
    };
    numbers.iter().copied().zip(answers(family))
}
