//! One comparison: a ruleset and a sequence of packets through the kernel and through the engine.

use super::dice::Rng;
use super::lab::{Lab, Seen, Site, Way};
use super::packets::History;
use super::replay::{Input, Luck, Run, comparable, program};
use super::rulesets::{Made, SETS, make};
use crate::differential::read::read_ruleset;
use ox_packet::Family;
use ox_rules::ir::{Dialect, Now, Program};
use ox_rules::model::{Counters, Ruleset};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Tally {
    /// Rulesets compared.
    pub rulesets: usize,
    /// Packets compared.
    pub packets: usize,
    /// Packets for which the kernel's choice had to be looked for.
    pub lucky: usize,
    /// How often a rule with this option matched.
    pub hits: BTreeMap<String, u64>,
    /// How often a chain of this hook was walked.
    pub hooks: BTreeMap<String, u64>,
    /// Rulesets that stock refused to load, with its words.
    pub refused: Vec<String>,
    /// What differs.
    pub differences: Vec<Difference>,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Tally) {
        self.rulesets += other.rulesets;
        self.packets += other.packets;
        self.lucky += other.lucky;
        for (k, v) in other.hits {
            *self.hits.entry(k).or_default() += v;
        }
        for (k, v) in other.hooks {
            *self.hooks.entry(k).or_default() += v;
        }
        self.refused.extend(other.refused);
        self.differences.extend(other.differences);
    }
}

/// A difference, with everything needed to look at it again.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The seed that makes ruleset and packets.
    pub seed: u64,
    /// The whole story.
    pub story: String,
}

/// Changes a program before it is compared, to show that the comparison can fail.
pub type Breakage = fn(&mut Program);

/// Packets pushed through each ruleset.
pub const PACKETS: usize = 50;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Family and dialect of a seed.
pub fn kind_of(seed: u64) -> (Family, Dialect) {
    let family = if seed & 1 == 0 { Family::V4 } else { Family::V6 };
    (family, if seed & 2 == 0 { Dialect::Nft } else { Dialect::Legacy })
}

fn stock_name(family: Family, dialect: Dialect, what: &str) -> String {
    let ip = if family == Family::V4 { "iptables" } else { "ip6tables" };
    let variant = if dialect == Dialect::Nft { "nft" } else { "legacy" };
    format!("{ip}-{variant}-{what}")
}

/// Runs the comparison of one seed in a namespace of its own. A difference is made as small as it gets.
///
/// # Errors
/// The lab could not be built.
pub fn compare(seed: u64, now: fn() -> Now, breakage: Option<Breakage>) -> Result<Tally, Failure> {
    let (family, dialect) = kind_of(seed);
    let mut rng = Rng::new(seed);
    let made = make(&mut rng, family, dialect);
    let trial = Trial { seed, family, dialect, now, breakage };
    let mut tally = Tally::default();
    let mut history = History::default();
    let mut inputs = Vec::new();
    let found = trial.run(
        &made.text,
        &mut Source::Made { rng: &mut rng, history: &mut history, inputs: &mut inputs },
        Some(&mut tally),
    )?;
    match found {
        Found::Same(counted) => {
            tally.rulesets = 1;
            count_hits(&mut tally, &made, &counted);
        }
        Found::Refused(why) => tally.refused.push(format!("seed {seed}: {why}\n{}", made.text)),
        Found::Differs(_) => {
            let small = trial.shrink(made.text, inputs)?;
            tally.differences.push(Difference { seed, story: small });
        }
    }
    Ok(tally)
}

/// One way to compare a ruleset.
struct Trial {
    seed: u64,
    family: Family,
    dialect: Dialect,
    now: fn() -> Now,
    breakage: Option<Breakage>,
}

/// What a trial found.
enum Found {
    Same(Counted),
    Refused(String),
    Differs(String),
}

/// Where a trial's packets come from.
enum Source<'a> {
    Made { rng: &'a mut Rng, history: &'a mut History, inputs: &'a mut Vec<(Way, Vec<u8>)> },
    Given(&'a [(Way, Vec<u8>)]),
}

impl Trial {
    fn run(&self, text: &str, source: &mut Source<'_>, tally: Option<&mut Tally>) -> Result<Found, Failure> {
        let mut scratch = Tally::default();
        let tally = tally.unwrap_or(&mut scratch);
        ox_io::netns::run(|ns| {
            let lock = std::env::temp_dir().join(format!("ox-differential-{}-{}", std::process::id(), self.seed));
            let lock = lock.to_string_lossy().into_owned();
            let done = Lab::build(ns, &lock, &Site::router()).and_then(|lab| self.run_in(lab, text, source, tally));
            let _ = std::fs::remove_file(&lock);
            done
        })?
    }

    fn run_in(
        &self,
        mut lab: Lab<'_>,
        text: &str,
        source: &mut Source<'_>,
        tally: &mut Tally,
    ) -> Result<Found, Failure> {
        let Trial { seed, family, dialect, .. } = *self;
        let inet = if family == Family::V4 { "inet" } else { "inet6" };
        for set in SETS {
            lab.stock("ipset", &["create", set, "hash:ip", "family", inet], "")?;
        }
        lab.stock("nfacct", &["add", "oxacct"], "")?;
        let loaded = lab.stock(&stock_name(family, dialect, "restore"), &[], text)?;
        if !loaded.success() {
            return Ok(Found::Refused(loaded.err()));
        }
        let ruleset = match read_ruleset(text, family, dialect) {
            Ok(ruleset) => ruleset,
            Err(why) => return Ok(Found::Differs(format!("seed {seed}: stock takes what we refuse: {why}\n"))),
        };
        let mut program = program(&ruleset, dialect);
        if let Some(breakage) = self.breakage {
            breakage(Arc::make_mut(&mut program));
        }
        let mut side = Side::new(program, seed);
        let chancy = text.contains("--probability 0.5");
        let hurried = text.contains("connlimit");
        let count = match source {
            Source::Made { .. } => PACKETS,
            Source::Given(list) => list.len(),
        };
        for i in 0..count {
            let (way, bytes) = match source {
                Source::Made { rng, history, inputs } => {
                    let made = history.next(rng, family);
                    inputs.push(made.clone());
                    made
                }
                Source::Given(list) => list[i].clone(),
            };
            if hurried {
                next_jiffy(self.now);
            }
            let input = Input { way, bytes, now: (self.now)() };
            let kernel = lab.push(input.way, &input.bytes)?;
            if let Source::Made { history, .. } = source {
                history.note(input.way, &input.bytes, &kernel);
            }
            let counted = if chancy { Some(kernel_counters(&lab, family, dialect)?) } else { None };
            tally.packets += 1;
            match side.agree(input, &kernel, counted.as_ref(), &ruleset, family) {
                Agreed::AtOnce => {}
                Agreed::WithLuck => tally.lucky += 1,
                Agreed::Never(engine) => {
                    return Ok(Found::Differs(self.tell(i, text, &side, &kernel, &engine, "the packet")));
                }
            }
        }
        let kernel = kernel_counters(&lab, family, dialect)?;
        let engine = engine_counters(&side.run, &ruleset);
        if kernel != engine {
            let mut what = String::from("the counters:\n");
            for (place, k) in &kernel {
                if engine.get(place) != Some(k) {
                    let _ = writeln!(what, "  {place:?}: kernel {k:?}, engine {:?}", engine.get(place));
                }
            }
            return Ok(Found::Differs(self.tell(count.saturating_sub(1), text, &side, &[], &[], &what)));
        }
        Ok(Found::Same(kernel))
    }

    /// Takes away rules and packets as long as the difference stays, and tells what is left.
    fn shrink(&self, mut text: String, mut inputs: Vec<(Way, Vec<u8>)>) -> Result<String, Failure> {
        let mut story = None;
        let mut differs = |text: &str, inputs: &[(Way, Vec<u8>)]| -> Result<bool, Failure> {
            let found = self.run(text, &mut Source::Given(inputs), None)?;
            if let Found::Differs(told) = found {
                story = Some(told);
                return Ok(true);
            }
            Ok(false)
        };
        if !differs(&text, &inputs)? {
            return Ok(format!(
                "seed {}: a difference that did not come again with the same packets\n{text}",
                self.seed
            ));
        }
        for part in [8, 4, 2, 1] {
            let mut at = 0;
            loop {
                let lines: Vec<&str> = text.lines().collect();
                let rules: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].starts_with("-A ")).collect();
                let Some(gone) = rules.get(at..(at + part).min(rules.len())).filter(|g| !g.is_empty()) else { break };
                let fewer: String =
                    (0..lines.len()).filter(|i| !gone.contains(i)).map(|i| format!("{}\n", lines[i])).collect();
                if differs(&fewer, &inputs)? {
                    text = fewer;
                } else {
                    at += part;
                }
            }
        }
        for part in [16, 8, 4, 2, 1] {
            let mut at = 0;
            while at < inputs.len() {
                let mut fewer = inputs.clone();
                fewer.drain(at..(at + part).min(inputs.len()));
                if !fewer.is_empty() && differs(&text, &fewer)? {
                    inputs = fewer;
                } else {
                    at += part;
                }
            }
        }
        differs(&text, &inputs)?;
        Ok(story.unwrap_or_default())
    }
}

/// Counters by table, chain and position; the position after the last rule is the policy's.
type Counted = BTreeMap<(String, String, usize), Counters>;

fn kernel_counters(lab: &Lab<'_>, family: Family, dialect: Dialect) -> Result<Counted, Failure> {
    let saved = lab.stock(&stock_name(family, dialect, "save"), &["-c"], "")?;
    let mut counted = Counted::new();
    let mut table = String::new();
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for line in saved.out().lines() {
        let pair = |text: &str| -> Option<Counters> {
            let (p, b) = text.trim_start_matches('[').split_once(']')?.0.split_once(':')?;
            Some(Counters { packets: p.parse().ok()?, bytes: b.parse().ok()? })
        };
        if let Some(name) = line.strip_prefix('*') {
            table = name.to_owned();
            next.clear();
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split(' ');
            let (name, policy, count) = (words.next(), words.next(), words.next());
            if let (Some(name), Some(policy), Some(count)) = (name, policy, count.and_then(pair))
                && policy != "-"
            {
                counted.insert((table.clone(), name.to_owned(), usize::MAX), count);
            }
        } else if let (Some(count), Some(rest)) = (pair(line), line.split_once("] -A ")) {
            let chain = rest.1.split(' ').next().unwrap_or_default().to_owned();
            let at = next.entry(chain.clone()).or_default();
            counted.insert((table.clone(), chain, *at), count);
            *at += 1;
        }
    }
    Ok(counted)
}

fn engine_counters(run: &Run, ruleset: &Ruleset) -> Counted {
    let mut counted = Counted::new();
    for (table, chain, rules, policy) in run.counters(ruleset) {
        let base = ruleset
            .tables
            .iter()
            .find(|t| t.name.name() == table)
            .and_then(|t| t.chain(&chain))
            .is_some_and(|c| c.base.is_some());
        if base {
            counted.insert((table.clone(), chain.clone(), usize::MAX), policy);
        }
        for (i, c) in rules.into_iter().enumerate() {
            counted.insert((table.clone(), chain.clone(), i), c);
        }
    }
    counted
}

fn count_hits(tally: &mut Tally, made: &Made, counted: &Counted) {
    let mut next: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for rule in &made.labels {
        let at = next.entry((rule.table, &rule.chain)).or_default();
        let key = (rule.table.to_owned(), rule.chain.clone(), *at);
        *at += 1;
        let hits = counted.get(&key).map_or(0, |c| c.packets);
        for label in &rule.labels {
            *tally.hits.entry(label.clone()).or_default() += hits;
        }
        *tally.hooks.entry(format!("{} {}", rule.table, rule.chain)).or_default() += hits;
    }
}

/// How the engine came to agree.
enum Agreed {
    AtOnce,
    WithLuck,
    Never(Vec<Seen>),
}

/// The engine's side, with the luck found so far.
struct Side {
    program: Arc<Program>,
    run: Run,
    inputs: Vec<Input>,
    luck: Luck,
}

impl Side {
    fn new(program: Arc<Program>, seed: u64) -> Self {
        let mut rng = Rng::new(!seed);
        let numbers = (0..400).map(|_| rng.draw() as u32).collect();
        let luck = Luck { sides: Vec::new(), numbers };
        Self { run: Run::new(&program, &luck), program, inputs: Vec::new(), luck }
    }

    /// Pushes a packet, and looks for the choices under which the engine does what the kernel did.
    fn agree(
        &mut self,
        input: Input,
        kernel: &[Seen],
        counted: Option<&Counted>,
        ruleset: &Ruleset,
        family: Family,
    ) -> Agreed {
        let fits = |run: &Run, seen: &[Seen]| {
            let strip = |s: &[Seen]| s.iter().map(|x| comparable(x, family)).collect::<Vec<_>>();
            strip(seen) == strip(kernel) && counted.is_none_or(|c| *c == engine_counters(run, ruleset))
        };
        let sides_before = self.luck.sides.len();
        let drawn_before = self.run.machine.live.dice.drawn() as usize;
        let seen = self.run.push(&input);
        self.inputs.push(input);
        self.luck.sides = sides(&self.run);
        if fits(&self.run, &seen) {
            return Agreed::AtOnce;
        }
        let drew = self.run.machine.live.dice.drawn() as usize > drawn_before;
        let open = self.luck.sides.len() - sides_before;
        if !drew && open == 0 {
            return Agreed::Never(seen);
        }
        // Every combination of the sides this packet met; deeper trees are met again as sides change.
        let mut scripts: Vec<Vec<bool>> = vec![self.luck.sides[..sides_before].to_vec()];
        let mut tried = 0;
        while let Some(script) = scripts.pop() {
            tried += 1;
            if tried > 200 {
                break;
            }
            let (run, seen) = self.rerun(&script, None, drawn_before);
            let met = sides(&run);
            if fits(&run, &seen) {
                return self.settle(run, met);
            }
            if drew && let Some(number) = missing_port(kernel, &seen) {
                let (run, seen) = self.rerun(&script, Some(number), drawn_before);
                if fits(&run, &seen) {
                    self.luck.numbers[drawn_before] = number;
                    return self.settle(run, met);
                }
            }
            for i in script.len()..met.len() {
                let mut other = met[..i].to_vec();
                other.push(!met[i]);
                scripts.push(other);
            }
        }
        Agreed::Never(seen)
    }

    fn settle(&mut self, run: Run, met: Vec<bool>) -> Agreed {
        self.run = run;
        self.luck.sides = met;
        Agreed::WithLuck
    }

    /// Runs everything again with other choices for the last packet. A number to be looked for is zero first, which gives
    /// the first port of its range.
    fn rerun(&self, script: &[bool], number: Option<u32>, drawn: usize) -> (Run, Vec<Seen>) {
        let mut luck = Luck { sides: script.to_vec(), numbers: self.luck.numbers.clone() };
        if let Some(slot) = luck.numbers.get_mut(drawn) {
            *slot = number.unwrap_or(0);
        }
        let mut run = Run::new(&self.program, &luck);
        let mut seen = Vec::new();
        for input in &self.inputs {
            seen = run.push(input);
        }
        (run, seen)
    }
}

fn sides(run: &Run) -> Vec<bool> {
    use ox_engine::chance::{Choice, Chooser};
    match &run.machine.live.chooser {
        Chooser::Dice => Vec::new(),
        Chooser::Path { taken, .. } => taken
            .iter()
            .map(|c| match c {
                Choice::Chance { matched, .. } => *matched,
                Choice::Undecided { side, .. } => *side,
            })
            .collect(),
    }
}

/// How far the kernel's translated port is from the engine's, where that is all that differs.
fn missing_port(kernel: &[Seen], engine: &[Seen]) -> Option<u32> {
    let key = |s: &Seen| {
        let (Seen::Out(_, b) | Seen::Delivered(_, b)) = s;
        let mut key = ox_packet::Key::default();
        let at = ox_packet::extract(b, &mut key).ok()?;
        // An echo's identifier stands where ports would.
        let id = if matches!(at.proto, 1 | 58) {
            b.get(at.l4 + 4..at.l4 + 6).map(|w| u16::from_be_bytes([w[0], w[1]]))
        } else {
            None
        };
        Some((key.src, key.dst, id.unwrap_or(key.sport), key.dport))
    };
    let (k, e) = (kernel.first().and_then(key)?, engine.first().and_then(key)?);
    if (k.0, k.1) != (e.0, e.1) {
        return None;
    }
    let differs = if k.2 != e.2 { k.2.wrapping_sub(e.2) } else { k.3.wrapping_sub(e.3) };
    (differs != 0).then_some(u32::from(differs))
}

impl Trial {
    fn tell(&self, i: usize, text: &str, side: &Side, kernel: &[Seen], engine: &[Seen], what: &str) -> String {
        let mut s = String::new();
        let _ = writeln!(s, "seed {}, {:?} {:?}, packet {i}: {what}", self.seed, self.family, self.dialect);
        let _ = writeln!(s, "{text}");
        for (n, input) in side.inputs.iter().enumerate() {
            let way = match input.way {
                Way::In(dev) => format!("in {dev}"),
                Way::Local => "local".to_owned(),
            };
            let hex: String = input.bytes.iter().map(|b| format!("{b:02x}")).collect();
            let _ = writeln!(s, "{n:2} {way:8} {}\n      {hex}", ox_packet::show(&input.bytes));
        }
        for (who, list) in [("kernel", kernel), ("engine", engine)] {
            for seen in list {
                let (Seen::Out(d, b) | Seen::Delivered(d, b)) = seen;
                let how = if matches!(seen, Seen::Out(..)) { "out" } else { "delivered" };
                let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
                let _ = writeln!(s, "{who}: {how} {d} {}\n      {hex}", ox_packet::show(b));
            }
            if list.is_empty() {
                let _ = writeln!(s, "{who}: nothing");
            }
        }
        s
    }
}

/// Waits for the clock to be two jiffies on (HZ is 250 or more): connlimit looks at its list only once in a jiffy, and the
/// kernel's jiffies begin elsewhere than ours.
fn next_jiffy(now: fn() -> Now) {
    let until = now().mono + 8_000_000;
    while now().mono < until {
        std::hint::spin_loop();
    }
}
