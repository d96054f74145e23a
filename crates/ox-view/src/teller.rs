//! Telling a trace as a story: the events of a walk, each with the rule, the chain and the table it is about.

use crate::deed::{changes, does, nat, state, tuple, word};
use crate::near::Near;
use crate::owner::owner;
use crate::phrase;
use crate::story::{Line, NearMiss, RuleRef, Source, Step, Story, What};
use crate::words::{comment, field_value, part_text, rule_text};
use ox_engine::machine::{Cause, Outcome};
use ox_engine::trace::{Decision, Entered, Event, Note, Where};
use ox_packet::{Family, Field, Key, iface_name, ip_address};
use ox_rules::ir::{Act, ChainId, Dir, LogKind, Op, Program, RuleId, Verdict};
use ox_rules::model::{Chain, Rule, TableName};

/// Near misses worth telling.
const TOLD: usize = 8;

struct Frame {
    chain: ChainId,
    next: u32,
    depth: u32,
}

struct Teller<'a> {
    sources: &'a [Source<'a>],
    family: Family,
    layer: usize,
    frames: Vec<Frame>,
    lines: Vec<Line>,
    base: Option<ChainId>,
    returned: bool,
    key: Key,
    path: Vec<Step>,
    decided: Vec<RuleRef>,
}

/// Tells a trace. `near` are the near misses met on the way.
pub fn story(sources: &[Source<'_>], family: Family, events: &[Event], near: &[Near], outcome: &Outcome) -> Story {
    let mut teller = Teller {
        sources,
        family,
        layer: 0,
        frames: Vec::new(),
        lines: Vec::new(),
        base: None,
        returned: false,
        key: Key::default(),
        path: Vec::new(),
        decided: Vec::new(),
    };
    for event in events {
        teller.event(event);
    }
    let ended_by = teller.end(outcome);
    let because = because(&teller.decided, ended_by.as_ref());
    let mut near: Vec<NearMiss> = near.iter().filter_map(|n| teller.near(n)).collect();
    near.sort_by_key(|n| std::cmp::Reverse(n.weight));
    near.truncate(TOLD);
    Story { path: teller.path, ended_by, decided_by: teller.decided, because, near }
}

/// The rule to name first: what ended the way; else the last translation of the destination; else the last that accepted.
fn because(decided: &[RuleRef], ended: Option<&RuleRef>) -> Option<RuleRef> {
    let dnat = |r: &&RuleRef| {
        r.table == "nat"
            && (r.text.contains("-j DNAT") || r.text.contains("-j REDIRECT") || r.text.contains("-j NETMAP"))
    };
    let accepted = |r: &&RuleRef| r.text.ends_with("-j ACCEPT") && r.table == "filter";
    ended
        .or_else(|| decided.iter().rev().find(dnat))
        .or_else(|| decided.iter().rev().find(accepted))
        .or(decided.last())
        .cloned()
}

impl<'a> Teller<'a> {
    fn program(&self) -> &'a Program {
        self.sources[self.layer].program
    }

    fn chain(&self, layer: usize, id: ChainId) -> (TableName, &'a Chain) {
        let source = &self.sources[layer];
        let (t, c) = source.program.chains[id.0 as usize].origin;
        let table = &source.ruleset.tables[t as usize];
        (table.name, &table.chains[c as usize])
    }

    fn model(&self, layer: usize, id: RuleId) -> (&'a Chain, &'a Rule, u32) {
        let program = self.sources[layer].program;
        let chain = program.rules[id.0 as usize].chain;
        let number = id.0 - program.chains[chain.0 as usize].rules.start;
        let (_, c) = self.chain(layer, chain);
        (c, &c.rules[number as usize], number + 1)
    }

    fn rule(&self, layer: usize, id: RuleId) -> RuleRef {
        let program = self.sources[layer].program;
        let (chain, rule, number) = self.model(layer, id);
        let (table, _) = self.chain(layer, program.rules[id.0 as usize].chain);
        let comment = comment(rule);
        RuleRef {
            table: table.name(),
            chain: chain.name.as_str().to_owned(),
            number,
            file: self.sources[layer].file.to_owned(),
            line: rule.origin.line,
            text: rule_text(chain, rule, self.family),
            // What stands in a chain kept for the administrator is the administrator's.
            owner: owner(chain.name.as_str(), comment).filter(|o| !o.role.ends_with("own rules")).map(|o| o.name),
            comment: comment.map(str::to_owned),
        }
    }

    fn policy(&self, layer: usize, base: ChainId, verdict: Verdict) -> RuleRef {
        let (table, chain) = self.chain(layer, base);
        let name = chain.name.as_str();
        RuleRef {
            table: table.name(),
            chain: name.to_owned(),
            number: 0,
            file: self.sources[layer].file.to_owned(),
            line: 0,
            text: format!("-P {name} {}", word(verdict)),
            owner: None,
            comment: None,
        }
    }

    fn say(&mut self, what: What) {
        let depth = self.frames.last().map_or(0, |f| f.depth);
        self.lines.push(Line { depth, what });
    }

    /// Says how many rules before `to` in the current chain did not match.
    fn missed(&mut self, to: u32) {
        let Some(frame) = self.frames.last_mut() else { return };
        let count = to.saturating_sub(frame.next);
        frame.next = frame.next.max(to);
        if count > 0 {
            self.say(What::Missed { count });
        }
    }

    fn rest(&mut self) {
        if let Some(frame) = self.frames.last() {
            let end = self.program().chains[frame.chain.0 as usize].rules.end;
            self.missed(end);
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Hook { hook, key } => {
                self.close(None);
                self.key = *key;
                self.path.push(Step::Hook {
                    hook: hook.name(),
                    packet: phrase::flow(key, self.family),
                    iif: iface_name(key.iif),
                    out: iface_name(key.oif),
                });
            }
            Event::Layer(layer) => {
                self.close(None);
                self.layer = *layer;
            }
            Event::Enter { chain, how } => self.enter(*chain, *how),
            Event::Leave { by, .. } => {
                self.returned = false;
                if by.is_none() {
                    self.rest();
                }
                if let Some(frame) = self.frames.pop() {
                    let chain = self.chain(self.layer, frame.chain).1.name.as_str().to_owned();
                    self.lines.push(Line { depth: frame.depth, what: What::Leave { chain, returned: by.is_some() } });
                }
            }
            Event::Hit { rule } => self.hit(*rule),
            Event::Acted { rule, verdict, key } => self.acted(*rule, *verdict, key),
            Event::Undecided { rule, step, why, side } => {
                // The target of a rule that matched has been told of already.
                self.missed(rule.0);
                let (_, model, _) = self.model(self.layer, *rule);
                let program = self.program();
                let of = program.rules[rule.0 as usize].steps.clone();
                let part = match program.steps.get(*step as usize).filter(|_| of.contains(step)) {
                    Some(step) => part_text(model, step.part, self.family),
                    None => target_text(model, self.family),
                };
                // A rule that is taken not to match has been told of.
                if let Some(frame) = self.frames.last_mut().filter(|_| !side && of.contains(step)) {
                    frame.next = rule.0 + 1;
                }
                let rule = self.rule(self.layer, *rule);
                self.say(What::Undecided { rule, part, why, matched: *side });
            }
            Event::Policy { base, verdict, .. } => {
                if !std::mem::take(&mut self.returned) {
                    self.rest();
                }
                if *verdict == Verdict::Accept {
                    let table = self.chain(self.layer, *base).0;
                    if table == TableName::Filter {
                        let policy = self.policy(self.layer, *base, *verdict);
                        self.decided.push(policy);
                    }
                }
                self.close(Some((*verdict, true)));
            }
            Event::Miss { .. } => {}
            Event::Note(note) => {
                // Notes about a rule's own doing come while its chain is still being walked.
                if !matches!(note, Note::Logged(_) | Note::Answers { .. }) {
                    self.close(None);
                }
                let step = self.note(note);
                self.path.push(step);
            }
        }
    }

    fn enter(&mut self, chain: ChainId, how: Entered) {
        let next = self.program().chains[chain.0 as usize].rules.start;
        let depth = self.frames.last().map_or(0, |f| f.depth);
        match how {
            Entered::Hook => {
                self.close(None);
                self.base = Some(chain);
                self.frames.push(Frame { chain, next, depth: 0 });
                return;
            }
            Entered::Call => {}
            Entered::Goto => {
                self.frames.pop();
            }
        }
        let (_, model) = self.chain(self.layer, chain);
        let name = model.name.as_str();
        let whose = owner(name, None);
        self.frames.push(Frame { chain, next, depth: depth + 1 });
        self.say(What::Enter {
            chain: name.to_owned(),
            owner: whose.map(|o| o.name),
            role: whose.map_or("", |o| o.role),
            goto: how == Entered::Goto,
        });
    }

    fn hit(&mut self, rule: RuleId) {
        self.missed(rule.0);
        if let Some(frame) = self.frames.last_mut() {
            frame.next = rule.0 + 1;
        }
        let does = match &self.program().rules[rule.0 as usize].act {
            Act::None => "counts".to_owned(),
            Act::Verdict(v) => does(*v).to_owned(),
            Act::Call(to) => format!("goes through {}", self.chain(self.layer, *to).1.name.as_str()),
            Act::Goto(to) => format!("goes to {}", self.chain(self.layer, *to).1.name.as_str()),
            Act::Set { .. } => String::new(),
            Act::Nat(spec) => nat(spec, self.family),
            Act::Reject(_) => "rejected".to_owned(),
            Act::Log(log) if log.kind == LogKind::Trace => "traced".to_owned(),
            Act::Log(_) => "logged".to_owned(),
            Act::Native(_) => String::new(),
            Act::Unknown(_) => "nobody here knows what that does".to_owned(),
        };
        let rule = self.rule(self.layer, rule);
        self.say(What::Rule { rule, does, changes: Vec::new() });
    }

    fn acted(&mut self, id: RuleId, verdict: Verdict, key: &Key) {
        let differences = changes(&self.key, key, self.family);
        self.key = *key;
        let mut named = None;
        if let Some(Line { what: What::Rule { does: doing, changes, rule }, .. }) = self.lines.last_mut() {
            *changes = differences;
            if doing.is_empty() && changes.is_empty() && verdict != Verdict::Continue {
                *doing = does(verdict).to_owned();
            }
            named = Some(rule.clone());
        }
        let nat = matches!(self.program().rules[id.0 as usize].act, Act::Nat(_));
        match verdict {
            Verdict::Return => self.returned = true,
            Verdict::Continue => {}
            verdict => {
                if nat || verdict != Verdict::Continue {
                    self.decided.extend(named);
                }
                self.close(Some((verdict, false)));
            }
        }
    }

    /// Ends the chain that is being told.
    fn close(&mut self, ending: Option<(Verdict, bool)>) {
        self.returned = false;
        let Some(base) = self.base.take() else { return };
        let (table, chain) = self.chain(self.layer, base);
        let hook = chain.base.map_or("", |b| b.hook.name());
        self.frames.clear();
        self.path.push(Step::Chain {
            table: table.name(),
            chain: hook,
            rules: chain.rules.len() as u32,
            lines: std::mem::take(&mut self.lines),
            verdict: ending.map_or("", |e| word(e.0)).to_owned(),
            policy: ending.is_some_and(|e| e.1),
        });
    }

    /// The end of all: what stopped the packet.
    fn end(&mut self, outcome: &Outcome) -> Option<RuleRef> {
        let Cause::Hotdrop { layer, rule } = cause(outcome)? else {
            self.close(None);
            return match cause(outcome)? {
                Cause::Rule { layer, rule } => Some(self.rule(*layer, *rule)),
                Cause::Policy { layer, chain } => {
                    let verdict = self.sources[*layer].program.chains[chain.0 as usize].end;
                    Some(self.policy(*layer, *chain, verdict))
                }
                _ => None,
            };
        };
        self.missed(rule.0);
        let rule = self.rule(*layer, *rule);
        self.say(What::Hotdrop { rule: rule.clone() });
        self.close(Some((Verdict::Drop, false)));
        Some(rule)
    }

    fn note(&self, note: &Note) -> Step {
        match note {
            Note::Arrives { by } => Step::Arrives { by: by.clone() },
            Note::Tracked { kind, dir, tuples } => Step::Tracked {
                state: state(*kind),
                direction: if *dir == Dir::Original { "original" } else { "reply" },
                original: tuples.map(|t| tuple(&t.0)).unwrap_or_default(),
                reply: tuples.map(|t| tuple(&t.1)).unwrap_or_default(),
            },
            Note::Translated { from, to, known, destination } => Step::Translated {
                from: phrase::flow(from, self.family),
                to: phrase::flow(to, self.family),
                what: if *destination { "destination" } else { "source" },
                known: *known,
            },
            Note::Routed(Decision { to, route, again }) => {
                let (to, dev, via) = match to {
                    Where::Local => ("local", String::new(), String::new()),
                    Where::Out { dev, via } => {
                        ("out", dev.clone(), via.map(|a| ip_address(self.family, a).to_string()).unwrap_or_default())
                    }
                    Where::Nowhere { why } => ("nowhere", why.clone(), String::new()),
                };
                Step::Routed { to, dev, via, route: route.clone(), again: *again }
            }
            Note::Dropped { why } => Step::Dropped { why: why.clone() },
            Note::Logged(spec) => Step::Logged {
                to: match spec.kind {
                    LogKind::Kernel => "log",
                    LogKind::Nflog => "nflog",
                    LogKind::Ulog => "ulog",
                    LogKind::Trace => "trace",
                },
                prefix: spec.prefix.clone(),
            },
            Note::Answers { what } => Step::Answers { what: what.clone() },
            Note::Fragment => Step::Fragment,
            Note::NotTracking => Step::Tracked {
                state: "not tracked",
                direction: "original",
                original: String::new(),
                reply: String::new(),
            },
        }
    }

    fn near(&self, near: &Near) -> Option<NearMiss> {
        let program = self.sources[near.layer].program;
        // A rule that would have done nothing is no miss.
        if matches!(program.rules[near.rule.0 as usize].act, Act::None | Act::Log(_)) {
            return None;
        }
        let (_, rule, _) = self.model(near.layer, near.rule);
        let step = &program.steps[near.step as usize];
        let had = match &step.op {
            Op::Narrow { field, .. } | Op::Wide { field, .. } => field_value(&near.key, *field, self.family),
            Op::Header(_) => String::new(),
            Op::Tree(pred) => fields(pred).first().map(|&f| field_value(&near.key, f, self.family)).unwrap_or_default(),
        };
        let wanted = part_text(rule, step.part, self.family);
        Some(NearMiss { rule: self.rule(near.layer, near.rule), wanted, had, open: near.open, weight: near.weight })
    }
}

fn cause(outcome: &Outcome) -> Option<&Cause> {
    match &outcome.fate {
        ox_engine::machine::Fate::Dropped(cause) => Some(cause),
        _ => None,
    }
}

/// The fields that a predicate looks at.
fn fields(pred: &ox_rules::ir::Pred) -> Vec<Field> {
    use ox_rules::ir::Pred;
    match pred {
        Pred::Test(t) => vec![t.field],
        Pred::Not(p) => fields(p),
        Pred::All(of) | Pred::Any(of) => of.iter().flat_map(fields).collect(),
        Pred::Is(_) | Pred::Header(_) | Pred::Native(_) => Vec::new(),
    }
}

fn target_text(rule: &Rule, family: Family) -> String {
    let mut out = ox_rules::syntax::Out::default();
    ox_rules::syntax::save_target(&rule.target, family, &mut out);
    out.text
}
