//! An answer as text for a terminal: first what becomes of the packet and why, then its way, then what comes back.

mod steps;

use crate::answer::{Answer, Back, Way};
use crate::phrase::Ending;
use crate::sentence::{because, capital, fate, place, provided, said, shared, title};
use crate::story::{RuleRef, Story};
use crate::wrap::{strip_comment, wrap};
use anstyle::{AnsiColor, Style as Ansi};
use std::fmt::Write;

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With colour.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// With near misses.
    pub why: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 80, why: false }
    }
}

/// Parts of a text that look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Odd,
    Said,
}

/// A stretch of the way, told under one heading.
struct Block {
    lines: Vec<String>,
    /// The first line is a hook's and shows the packet.
    hook: bool,
}

/// Ways told in full; of more only the table is shown.
const TOLD: usize = 6;

/// Rows of the table of outcomes.
const ROWS: usize = 20;

/// The text of an answer.
pub fn text(answer: &Answer, style: Style) -> String {
    let mut page = Page { style, out: String::new() };
    page.answer(answer);
    page.out
}

struct Page {
    style: Style,
    out: String,
}

impl Page {
    fn paint(&self, look: Look, text: &str) -> String {
        if !self.style.color || look == Look::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = match look {
            Look::Plain => Ansi::new(),
            Look::Strong => Ansi::new().bold(),
            Look::Faint => Ansi::new().dimmed(),
            Look::Good => AnsiColor::Green.on_default().bold(),
            Look::Bad => AnsiColor::Red.on_default().bold(),
            Look::Odd => AnsiColor::Yellow.on_default().bold(),
            Look::Said => AnsiColor::Cyan.on_default(),
        };
        format!("{style}{text}{style:#}")
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// A paragraph, each line painted by itself so that colour never runs over a line's end.
    fn para(&mut self, look: Look, indent: usize, hang: usize, text: &str) {
        for line in wrap(text, self.style.width, indent, hang) {
            let blanks = line.len() - line.trim_start().len();
            let painted = format!("{}{}", &line[..blanks], self.paint(look, &line[blanks..]));
            self.line(&painted);
        }
    }

    fn answer(&mut self, answer: &Answer) {
        let from = match answer.packet.iif.as_str() {
            "" => "sent by this host".to_owned(),
            iif => format!("coming in by {iif}"),
        };
        let asked = format!("{}, {from}", answer.packet.detail);
        self.para(Look::Strong, 0, 2, &asked);
        self.line("");
        self.headline(answer);
        for unknown in &answer.unknown {
            self.para(Look::Odd, 0, 2, &format!("Cannot be told: {unknown}"));
        }
        if !answer.unknown.is_empty() {
            self.para(Look::Odd, 0, 2, "Both sides were followed.");
        }
        if !answer.complete {
            self.para(Look::Odd, 0, 2, "There are more ways than were followed: the chances shown do not add up to 1.");
        }
        if !answer.assumed.is_empty() {
            self.line("");
            self.para(Look::Faint, 0, 2, "Nobody said, so it is assumed that");
            for assumed in &answer.assumed {
                self.para(Look::Faint, 2, 4, &format!("- {assumed}"));
            }
        }
        if let Some((first, others)) = answer.outcomes.split_first() {
            self.ways(first, others);
        }
    }

    /// What becomes of it, and why: a sentence for one outcome, a table for several.
    fn headline(&mut self, answer: &Answer) {
        if let [way] = answer.outcomes.as_slice() {
            let text = format!("{}{}.", capital(&fate(way)), because(way));
            self.para(look(way.verdict), 0, 0, &text);
            if let Some(rule) = &way.story.because {
                self.rule_quoted(rule);
            }
            return;
        }
        let shared = shared(&answer.outcomes);
        let count = answer.outcomes.len();
        let even = answer.outcomes.windows(2).all(|w| w[0].chance == w[1].chance);
        let supposed = answer.outcomes.iter().any(|w| !w.supposing.is_empty());
        let intro = match (&shared, even && !supposed) {
            (Some(rule), true) => {
                format!("One of {count} outcomes, {} each ({}):", answer.outcomes[0].chance, said(rule))
            }
            (None, true) => format!("One of {count} outcomes, {} each:", answer.outcomes[0].chance),
            _ => format!("One of {count} outcomes:"),
        };
        self.para(Look::Strong, 0, 2, &intro);
        let wide = answer.outcomes.iter().map(|w| w.chance.len()).max().unwrap_or(0);
        for (i, way) in answer.outcomes.iter().enumerate() {
            if i == ROWS && count > ROWS + 1 {
                self.para(Look::Faint, 2, 2, &format!("and {} more (--format json has them all)", count - i));
                break;
            }
            let certain = way.chance == "1" && !way.supposing.is_empty();
            let chance = if certain { "-" } else { &way.chance };
            let text = format!("  {chance:>wide$}  {}{}", fate(way), provided(way));
            self.para(look(way.verdict), 0, wide + 4, &text);
            if shared.is_none() || !even {
                let why = because(way);
                if !why.is_empty() {
                    self.para(Look::Plain, wide + 4, wide + 4, why.trim_start_matches(", "));
                }
            }
        }
    }

    fn rule_quoted(&mut self, rule: &RuleRef) {
        if rule.number == 0 {
            return;
        }
        let text = strip_comment(&rule.text);
        self.para(Look::Plain, 2, 6, &text);
    }

    fn ways(&mut self, first: &Way, others: &[Way]) {
        let blocks = self.blocks(&first.story);
        self.line("");
        if !others.is_empty() {
            self.para(Look::Strong, 0, 2, &title(first));
        }
        for block in &blocks {
            for line in &block.lines {
                self.line(line);
            }
        }
        self.after(first);
        for (i, way) in others.iter().enumerate() {
            if i + 1 >= TOLD {
                let rest = format!("{} more go the same kind of way.", others.len() - i);
                self.line("");
                self.para(Look::Faint, 0, 2, &rest);
                break;
            }
            self.line("");
            self.para(Look::Strong, 0, 2, &title(way));
            let these = self.blocks(&way.story);
            self.differing(&blocks, &these);
            self.after(way);
        }
    }

    /// Of a further way only what is not as in the first.
    fn differing(&mut self, first: &[Block], these: &[Block]) {
        let same = first.iter().zip(these).take_while(|(a, b)| a.lines == b.lines).count();
        if same > 0 {
            let line = self.paint(Look::Faint, "  as above, but:");
            self.line(&line);
        }
        for (i, block) in these.iter().enumerate().skip(same) {
            let alike = |b: &&Block| b.lines.first() == block.lines.first() || (b.hook && block.hook);
            let model = first.get(i).filter(alike);
            let Some(model) = model else {
                if !first.iter().any(|b| b.lines == block.lines) {
                    block.lines.iter().for_each(|l| self.line(l));
                }
                continue;
            };
            // That another packet is at the hook is no news by itself.
            if model.lines == block.lines || (block.hook && model.lines.get(1..) == block.lines.get(1..)) {
                continue;
            }
            let head = model.lines.iter().zip(&block.lines).take_while(|(a, b)| a == b).count();
            let tail = model.lines[head..].iter().rev().zip(block.lines[head..].iter().rev());
            let mut tail = tail.take_while(|(a, b)| a == b).count();
            // What a rule does stays with the rule.
            while tail > 0 && block.lines[block.lines.len() - tail].contains("=> ") {
                tail -= 1;
            }
            // A line of context, so that it can be seen where the ways part.
            let deep = block.lines.get(head).is_some_and(|l| l.starts_with("      "));
            for line in &block.lines[head - usize::from(deep && head > 0)..block.lines.len() - tail] {
                self.line(line);
            }
        }
    }

    /// What follows a way's story: the end, the connection, the answers, the near misses.
    fn after(&mut self, way: &Way) {
        // Where a rule or the stack dropped it, the last line has just said so.
        let said = way.why.is_some() || way.story.ended_by.as_ref().is_some_and(|r| r.number > 0);
        if way.verdict != Ending::Dropped || !said {
            let text = format!("=> {}", capital(&fate(way)));
            self.para(look(way.verdict), 0, 3, &text);
        }
        if let Some(connection) = &way.connection {
            self.para(Look::Faint, 3, 5, &format!("conntrack entry: {connection}"));
        }
        for answer in &way.answers {
            self.back("The sender is told", answer);
        }
        for copy in &way.copies {
            self.back("A copy", copy);
        }
        if let Some(back) = &way.back {
            self.back("The answer", back);
        }
        if self.style.why {
            self.near(&way.story);
        }
    }

    fn back(&mut self, who: &str, back: &Back) {
        let from = if back.iif.is_empty() { String::new() } else { format!(" in by {}", back.iif) };
        let ended = match &back.ended_by {
            Some(rule) => format!(" by {}", place(rule)),
            None => back.why.as_ref().map(|w| format!(": {w}")).unwrap_or_default(),
        };
        let out = back.out.as_ref().map(|o| format!(" by {o}")).unwrap_or_default();
        let text = match back.verdict {
            Ending::Forwarded | Ending::Sent | Ending::Delivered => {
                let same = back.sent.starts_with(&back.packet) || back.packet == back.sent;
                let arrives = match (same, back.iif.is_empty()) {
                    (true, true) => "goes out".to_owned(),
                    (true, false) => "goes back unchanged".to_owned(),
                    (false, _) => format!("goes back as {}", back.packet),
                };
                let end = if back.verdict == Ending::Delivered { " to this host".to_owned() } else { out };
                format!("{who}: {}{from}, {arrives}{end}", back.sent)
            }
            verdict => format!("{who}: {}{from}, is {}{ended}", back.sent, verdict.name()),
        };
        let look = if back.verdict.through() == Some(true) { Look::Plain } else { Look::Bad };
        self.para(look, 3, 5, &text);
    }

    fn near(&mut self, story: &Story) {
        self.line("");
        if story.near.is_empty() {
            self.para(Look::Strong, 0, 2, "No rule missed it by one condition only.");
            return;
        }
        self.para(Look::Strong, 0, 2, "Near misses: rules that failed on one condition only");
        for near in &story.near {
            let at = if near.rule.line > 0 { format!("{:>5}  ", near.rule.line) } else { "       ".to_owned() };
            self.para(Look::Plain, 0, 9, &format!("{at}{}", near.rule.text));
            let mut text = format!("it wanted {}", near.wanted);
            if !near.had.is_empty() {
                let _ = write!(text, "; the packet has {}", near.had);
            }
            if near.open {
                text.push_str("; what it remembers or counts was not asked");
            }
            self.para(Look::Said, 7, 9, &text);
        }
    }
}

fn look(ending: Ending) -> Look {
    match ending.through() {
        Some(true) => Look::Good,
        Some(false) => Look::Bad,
        None => Look::Odd,
    }
}
