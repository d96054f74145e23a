//! The way of a packet, step by step, as text.

use super::{Block, Look, Page};
use crate::sentence::{fruitless, nothing, tracked, unmatched};
use crate::story::{Line, RuleRef, Step, Story, What};
use crate::wrap::strip_comment;

impl Page {
    /// The steps, under their headings.
    pub(super) fn blocks(&self, story: &Story) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for step in &story.path {
            let mut page = Page { style: self.style, out: String::new() };
            let heading = page.step(step);
            if page.out.is_empty() {
                continue;
            }
            let lines = page.out.lines().map(str::to_owned);
            match blocks.last_mut() {
                Some(block) if !heading => block.lines.extend(lines),
                _ => {
                    let hook = matches!(step, Step::Hook { .. });
                    blocks.push(Block { lines: lines.collect(), hook });
                }
            }
        }
        blocks
    }

    /// Writes a step; says whether it begins a block.
    fn step(&mut self, step: &Step) -> bool {
        match step {
            Step::Hook { hook, packet, iif, out } => {
                let mut text = format!("{}  {packet}", self.paint(Look::Strong, hook));
                for (name, word) in [(iif, "in"), (out, "out")] {
                    if !name.is_empty() {
                        text.push_str(&self.paint(Look::Faint, &format!("  {word} {name}")));
                    }
                }
                self.line(&text);
                return true;
            }
            Step::Chain { table, chain, rules, lines, verdict, policy } => {
                return self.chain(table, chain, *rules, lines, verdict, *policy);
            }
            Step::Arrives { .. } => {}
            Step::Tracked { state, direction, .. } => self.para(Look::Plain, 2, 4, &tracked(state, direction)),
            Step::Translated { to, what, known, .. } => {
                let why = if *known { ", as the connection began" } else { "" };
                self.para(Look::Odd, 2, 4, &format!("the {what} is rewritten{why}: {to}"));
            }
            Step::Routed { to, dev, via, route, again } => {
                let again = if *again { "routed again" } else { "routed" };
                let text = match *to {
                    "local" => format!("{again} to this host"),
                    // That it is dropped, and why, is the next thing told.
                    "nowhere" => return false,
                    _ => {
                        let via = if via.is_empty() { String::new() } else { format!(", next hop {via}") };
                        format!("{again} out by {dev}{via} ({route})")
                    }
                };
                self.para(Look::Plain, 2, 4, &text);
            }
            Step::Dropped { why } => self.para(Look::Bad, 2, 4, &format!("dropped: {why}")),
            // The rule has said so.
            Step::Logged { .. } => {}
            // The answer's own way is told at the end.
            Step::Answers { .. } => {}
            Step::Fragment => self.para(Look::Odd, 2, 4, "kept until its other fragments come"),
        }
        false
    }

    fn chain(&mut self, table: &str, chain: &str, rules: u32, lines: &[Line], verdict: &str, policy: bool) -> bool {
        if rules == 0 && (verdict == "ACCEPT" || verdict.is_empty()) {
            return false;
        }
        let quiet = lines.iter().all(|l| matches!(l.what, What::Missed { .. }));
        if quiet {
            let missed: u32 = lines.iter().map(|l| if let What::Missed { count } = l.what { count } else { 0 }).sum();
            let end = if policy { format!("; policy {verdict}") } else { String::new() };
            let look = if verdict == "ACCEPT" { Look::Faint } else { Look::Bad };
            self.para(look, 2, 4, &format!("{table}: {}{end}", unmatched(missed)));
            return false;
        }
        let title = self.paint(Look::Strong, &format!("{table} {chain}"));
        self.line(&format!("  {title}"));
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            self.chain_line(line);
            at += 1;
            if let Some((length, missed)) = fruitless(&lines[at..]) {
                let indent = 12 + 2 * line.depth.min(12) as usize;
                self.para(Look::Faint, indent, indent + 2, &nothing(missed));
                at += length;
            }
        }
        if policy {
            let look = if verdict == "ACCEPT" { Look::Faint } else { Look::Bad };
            self.para(look, 4, 6, &format!("end of {chain}: policy {verdict}"));
        }
        true
    }

    fn chain_line(&mut self, line: &Line) {
        let indent = 4 + 2 * line.depth.min(12) as usize;
        match &line.what {
            What::Missed { count } => self.para(Look::Faint, indent, indent + 2, &unmatched(*count)),
            What::Rule { rule, does, changes } => self.rule(indent, rule, does, changes),
            What::Enter { chain, owner, role, .. } => {
                let mut text = self.paint(Look::Strong, chain);
                if owner.is_none() {
                    text.insert_str(0, "chain ");
                }
                // What does not fit on the line is left out: the name says much by itself.
                let fits = indent + chain.len() + owner.map_or(0, str::len) + role.len() + 6 <= self.style.width;
                let whose = match (owner, role.is_empty() || !fits) {
                    (Some(owner), true) => format!("  ({owner})"),
                    (Some(owner), false) => format!("  ({owner}: {role})"),
                    (None, _) => String::new(),
                };
                text.push_str(&self.paint(Look::Faint, &whose));
                self.line(&format!("{:indent$}{text}", ""));
            }
            What::Leave { chain, returned } => {
                // A RETURN says so itself.
                if !returned {
                    self.para(Look::Faint, indent, indent + 2, &format!("end of {chain}, back"));
                }
            }
            What::Undecided { rule, part, why, matched } => {
                let side = if *matched { "matches" } else { "does not match" };
                let text = format!("{:>4}  supposing that {part} {side}; not known: {why}", rule.line);
                self.para(Look::Odd, indent, indent + 8, &text);
                if !matched {
                    self.rule(indent, rule, "passed over", &[]);
                }
            }
            What::Hotdrop { rule } => {
                self.rule(indent, rule, "dropped: it cannot be read", &[]);
            }
        }
    }

    fn rule(&mut self, indent: usize, rule: &RuleRef, does: &str, changes: &[String]) {
        let at = if rule.line > 0 { rule.line } else { rule.number };
        let head = format!("{at:>4}  ");
        let text = strip_comment(&rule.text);
        let text = match text.strip_prefix(&format!("-A {}", rule.chain)).map(str::trim_start) {
            Some("") => "(every packet, no target)",
            Some(rest) => rest,
            None => &text,
        };
        let hang = indent + head.len() + 2;
        self.para(Look::Plain, indent, hang, &format!("{head}{text}"));
        if let Some(comment) = &rule.comment {
            self.para(Look::Said, hang, hang + 1, &format!("\"{comment}\""));
        }
        // That the walk goes on is said where somebody might think that the rule ends it.
        let does = match does {
            "counts" => "counted; the next rule is tried",
            "logged" if rule.text.contains(" -j NFLOG") => "a record goes to the NFLOG group; the next rule is tried",
            "logged" => "a record goes to the kernel's log; the next rule is tried",
            "traced" => "marked to be traced in the kernel; the next rule is tried",
            "" if changes.is_empty() => "the next rule is tried",
            does => does,
        };
        // A jump needs no words: the chain follows.
        if !does.is_empty() && !does.starts_with("goes t") {
            let look = match does {
                "accepted" => Look::Good,
                _ if does.starts_with("dropped") || does == "rejected" => Look::Bad,
                _ if does.contains("becomes") => Look::Odd,
                _ => Look::Said,
            };
            self.para(look, hang, hang + 3, &format!("=> {does}"));
        }
        for change in changes {
            self.para(Look::Odd, hang, hang + 3, &format!("=> {change}"));
        }
    }
}
