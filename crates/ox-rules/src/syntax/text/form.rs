//! What kind of text somebody calls a ruleset: restore text, or one of the other things that look like rules.
//!
//! Facts: how `iptables -S`, `iptables -L`, `nft list ruleset` and `ipchains-save` begin their lines.

use crate::model::TableName;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Tables with COMMIT, or nothing at all.
    Restore,
    /// The commands that `-S` prints, of this table.
    Rules(TableName),
    /// The same of a table that cannot be told; the line of the first.
    Unclear(u32),
    /// A shell script of `iptables` commands.
    Script,
    /// Something else: its line, and what to do instead.
    Foreign(u32, &'static str),
}

const LISTING: &str = "this is what `iptables -L' prints, and not all that a rule says is in it (without -v no \
    interfaces, for one): save the rules with `iptables-save', which leaves nothing out";
const NFT: &str = "this is an nft ruleset: `iptables-save' prints the rules in it that iptables made; those that nft \
    made have no iptables form";
const IPCHAINS: &str = "these are ipchains rules, of Linux 2.2: the chains are INPUT, FORWARD and OUTPUT today, -l is \
    a rule with -j LOG before the other, DENY is DROP, and what is forwarded passes FORWARD only";
const TALK: &str = "there are no rules in this text: a table begins with a line like `*filter' and ends with COMMIT";

/// Looks at a text.
pub(super) fn of(text: &str) -> Form {
    let mut talk = None;
    for (i, line) in text.lines().enumerate() {
        let number = u32::try_from(i + 1).unwrap_or(u32::MAX);
        let body = line.trim_start_matches('\u{feff}').trim();
        let first = body.split_ascii_whitespace().next().unwrap_or_default();
        let lower = |name: &str| matches!(name, "input" | "forward" | "output");
        match body.as_bytes() {
            [] => {}
            [b'#', b'!', ..] if number == 1 && has_table(text) => return Form::Restore,
            [b'#', b'!', ..] if number == 1 => return Form::Script,
            [b'#', ..] => {}
            [b'*', ..] => return Form::Restore,
            _ if starts(body, "Chain ") && (body.contains("(policy ") || body.contains(" references)")) => {
                return sure(text, Form::Foreign(number, LISTING));
            }
            _ if starts(body, "table ") && body.ends_with('{') => return sure(text, Form::Foreign(number, NFT)),
            [b':', ..] if lower(first.trim_start_matches(':')) => return sure(text, Form::Foreign(number, IPCHAINS)),
            [b'-', b'A', b' ', ..] if body.split_ascii_whitespace().nth(1).is_some_and(lower) => {
                return sure(text, Form::Foreign(number, IPCHAINS));
            }
            [b'-', b'P' | b'N' | b'A' | b'I', b' ', ..] => return sure(text, rules(text, number)),
            [b':' | b'[', ..] => return Form::Restore,
            _ if is_program(first) || (first == "sudo" && body.contains("iptables")) => {
                return sure(text, Form::Script);
            }
            _ => {
                talk.get_or_insert(number);
            }
        }
    }
    talk.map_or(Form::Restore, |number| Form::Foreign(number, TALK))
}

/// The first line that says anything.
pub(super) fn first_line(text: &str) -> u32 {
    let says = |l: &str| !matches!(l.trim_start_matches('\u{feff}').trim().as_bytes(), [] | [b'#', ..]);
    text.lines().position(says).map_or(1, |i| u32::try_from(i + 1).unwrap_or(u32::MAX))
}

fn starts(body: &str, with: &str) -> bool {
    body.starts_with(with)
}

/// Restore text may have anything above its first table.
fn sure(text: &str, form: Form) -> Form {
    if has_table(text) { Form::Restore } else { form }
}

fn has_table(text: &str) -> bool {
    text.lines().any(|l| {
        l.trim_start_matches('\u{feff}')
            .trim()
            .strip_prefix('*')
            .is_some_and(|t| TableName::from_name(t.trim()).is_some())
    })
}

/// Whether a word is the name of an iptables program, by whatever path.
pub(super) fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.strip_suffix("-nft").or_else(|| name.strip_suffix("-legacy")).unwrap_or(name);
    matches!(name, "iptables" | "ip6tables")
}

/// The table of commands that do not name one: told by the built-in chains that `-S` names, or that rules are added to.
fn rules(text: &str, first: u32) -> Form {
    let (mut named, mut used) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(command), Some(chain)) = (words.next(), words.next()) else { continue };
        match command {
            "-P" => named.push(chain),
            "-A" | "-I" => used.push(chain),
            _ => {}
        }
    }
    let has = |list: &[&str], chain: &str| list.contains(&chain);
    let (pre, post) = ("PREROUTING", "POSTROUTING");
    let all: Vec<&str> = named.iter().chain(&used).copied().collect();
    if !has(&all, pre) && !has(&all, post) {
        return Form::Rules(TableName::Filter);
    }
    match (has(&named, pre), has(&named, "FORWARD"), has(&named, post)) {
        (true, true, true) => Form::Rules(TableName::Mangle),
        (true, false, true) => Form::Rules(TableName::Nat),
        (true, false, false) => Form::Rules(TableName::Raw),
        _ => Form::Unclear(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_by_its_lines() {
        for (text, form) in [
            ("", Form::Restore),
            ("# only a comment\n\n", Form::Restore),
            ("Chain INPUT (policy ACCEPT)\nis a banner\n*filter\nCOMMIT\n", Form::Restore),
            ("banner\n* nat\nCOMMIT\n", Form::Restore),
            ("-P INPUT ACCEPT\n-A INPUT -j DROP\n", Form::Rules(TableName::Filter)),
            (
                "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n",
                Form::Rules(TableName::Nat),
            ),
            ("-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n", Form::Rules(TableName::Raw)),
            ("\n-A PREROUTING -j ACCEPT\n", Form::Unclear(2)),
            ("#!/bin/sh\niptables -F\n", Form::Script),
            ("/sbin/iptables -A INPUT -j DROP\n", Form::Script),
            ("$ iptables -L\nChain INPUT (policy ACCEPT)\n", Form::Foreign(2, LISTING)),
            ("table ip filter {\n}\n", Form::Foreign(1, NFT)),
            (":input ACCEPT\n-A input -s 0/0 -j DENY\n", Form::Foreign(1, IPCHAINS)),
            ("hello\n", Form::Foreign(1, TALK)),
        ] {
            assert_eq!(of(text), form, "{text:?}");
        }
    }
}
