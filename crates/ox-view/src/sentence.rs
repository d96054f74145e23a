//! The sentences of an answer: what became of a packet, and because of what.

use crate::answer::Way;
use crate::phrase::Ending;
use crate::story::{Line, RuleRef, What};

/// How many of these lines tell of a chain that is entered and left without anything happening, and of how many rules
/// that did not match.
pub fn fruitless(lines: &[Line]) -> Option<(usize, u32)> {
    let What::Enter { goto: false, .. } = &lines.first()?.what else { return None };
    let (mut open, mut missed) = (0, 0);
    for (i, line) in lines.iter().enumerate() {
        match &line.what {
            What::Enter { goto: false, .. } => open += 1,
            What::Missed { count } => missed += count,
            What::Rule { does, changes, .. } if does.starts_with("goes through") && changes.is_empty() => {}
            What::Leave { returned: false, .. } => {
                open -= 1;
                if open == 0 {
                    return Some((i + 1, missed));
                }
            }
            _ => return None,
        }
    }
    None
}

/// Of a chain that was entered in vain.
pub fn nothing(missed: u32) -> String {
    match missed {
        0 => "nothing is there".to_owned(),
        1 => "the rule there does not match".to_owned(),
        n => format!("none of the {n} rules there matches"),
    }
}

/// Of rules that did not match.
pub fn unmatched(count: u32) -> String {
    match count {
        0 => "no rules".to_owned(),
        1 => "1 rule does not match".to_owned(),
        n => format!("{n} rules do not match"),
    }
}

/// What connection tracking says of a packet.
pub fn tracked(state: &str, direction: &str) -> String {
    match state {
        "NEW" => "connection: NEW, this packet opens it".to_owned(),
        "ESTABLISHED" if direction == "reply" => "connection: ESTABLISHED, this is an answer in it".to_owned(),
        "ESTABLISHED" => "connection: ESTABLISHED, it has been answered".to_owned(),
        "RELATED" => "connection: RELATED to one that is known".to_owned(),
        "INVALID" => "connection: INVALID, it belongs to none and opens none".to_owned(),
        "UNTRACKED" => "connection: UNTRACKED, none is kept for it".to_owned(),
        other => format!("connection: {other}"),
    }
}

/// `, if line 3 matches and line 4 does not`, or nothing.
pub fn provided(way: &Way) -> String {
    let each = way.supposing.iter().map(|s| {
        let side = if s.matched { "matches" } else { "does not match" };
        format!("line {} {side}", s.line)
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { String::new() } else { format!(", if {}", each.join(" and ")) }
}

/// The heading of one way among several.
pub fn title(way: &Way) -> String {
    let certain = way.chance == "1" && !way.supposing.is_empty();
    let chance = if certain { String::new() } else { format!(" ({})", way.chance) };
    match provided(way).strip_prefix(", i") {
        Some(provided) => format!("I{provided}: {}{chance}", fate(way)),
        None => format!("If it is {}{chance}", fate(way)),
    }
}

/// With a capital letter in front.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// `forwarded to 10.244.2.7:8080 out by flannel.1, next hop 10.244.2.0`.
pub fn fate(way: &Way) -> String {
    let to = way.packet.rsplit(" -> ").next().unwrap_or_default();
    let out = way.out.as_ref().map(|o| format!(" out by {o}")).unwrap_or_default();
    let via = way.via.as_ref().map(|v| format!(", next hop {v}")).unwrap_or_default();
    match way.verdict {
        Ending::Forwarded => format!("forwarded to {to}{out}{via}"),
        Ending::Sent => format!("sent to {to}{out}{via}"),
        Ending::Delivered => format!("delivered to this host at {to}"),
        Ending::Rejected => {
            let reply = way.reply.as_ref().map(|r| format!(" with {r}")).unwrap_or_default();
            format!("rejected{reply}")
        }
        Ending::Dropped => "dropped".to_owned(),
        Ending::Queued => format!("handed to whoever listens on queue {}", way.queue.unwrap_or(0)),
        Ending::Taken if way.supposing.is_empty() => "taken away by a rule's target".to_owned(),
        Ending::Taken => "taken by a target that nobody here knows".to_owned(),
        Ending::Waiting => "kept until its other fragments come".to_owned(),
    }
}

/// `line 12 of filter INPUT`.
pub fn place(rule: &RuleRef) -> String {
    match (rule.number, rule.line) {
        (0, _) => format!("the policy of {} {}", rule.table, rule.chain),
        (n, 0) => format!("rule {n} of {} {}", rule.table, rule.chain),
        (_, line) => format!("line {line} of {}", rule.file),
    }
}

/// Who said so: `kube-proxy: "shop/web"`.
pub fn said(rule: &RuleRef) -> String {
    match (rule.owner, &rule.comment) {
        (Some(owner), Some(comment)) => format!("{owner}: \"{comment}\""),
        (Some(owner), None) => owner.to_owned(),
        (None, Some(comment)) => format!("\"{comment}\""),
        (None, None) => place(rule),
    }
}

/// `, because …`, or nothing.
pub fn because(way: &Way) -> String {
    if let Some(why) = &way.why {
        return format!(" by this host's network stack: {why}");
    }
    let Some(rule) = &way.story.because else {
        return if way.verdict.through() == Some(true) {
            ", because no rule stands against it".to_owned()
        } else {
            String::new()
        };
    };
    if rule.number == 0 {
        let target = rule.text.rsplit(' ').next().unwrap_or_default();
        return match target {
            "ACCEPT" => format!(", because no rule stands against it: {} {} has policy ACCEPT", rule.table, rule.chain),
            _ => format!(", because no rule of {} {} lets it pass and its policy is {target}", rule.table, rule.chain),
        };
    }
    let who = rule.owner.map_or_else(|| "a rule".to_owned(), |o| format!("{o}'s rule"));
    let comment = rule.comment.as_ref().map(|c| format!("; it says \"{c}\"")).unwrap_or_default();
    format!(", because {who} {} ({}{comment})", deed(rule), place(rule))
}

/// What a rule does to a packet, by its target.
pub fn deed(rule: &RuleRef) -> &'static str {
    let target = rule.text.split(" -j ").nth(1).unwrap_or_default().split(' ').next().unwrap_or_default();
    match target {
        "ACCEPT" => "accepts it",
        "DROP" => "drops it",
        "REJECT" => "rejects it",
        "DNAT" | "REDIRECT" => "sends it there",
        "SNAT" | "MASQUERADE" => "rewrites its source",
        "NETMAP" => "rewrites its address",
        "QUEUE" | "NFQUEUE" => "hands it over",
        _ => "says so",
    }
}

/// A rule that speaks for all outcomes: same owner, same comment.
pub fn shared(ways: &[Way]) -> Option<&RuleRef> {
    let first = ways.first()?.story.because.as_ref()?;
    first.comment.as_ref()?;
    let same =
        |w: &Way| w.story.because.as_ref().is_some_and(|r| (r.owner, &r.comment) == (first.owner, &first.comment));
    ways.iter().all(same).then_some(first)
}
