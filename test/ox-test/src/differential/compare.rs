//! One comparison: a ruleset and a sequence of packets through the kernel and through the engine.

use super::counted::{Counted, count_hits, engine_counters, kernel_counters};
use super::dice::Rng;
use super::excuse::{Small, excuse};
use super::lab::{Lab, Site, Way};
use super::luck::{Agreed, Side};
use super::packets::History;
use super::read::read_ruleset;
use super::replay::{Input, program};
use super::rulesets::make;
use super::values::set_text;
use super::wide::Mode;
use ox_packet::Family;
use ox_rules::ir::{Dialect, Now, Program};
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
    /// How often a rule with this extension, option or verdict matched, and a rule of this chain.
    pub hits: BTreeMap<String, u64>,
    /// Differences that did not come again when the same packets went through the same rules.
    pub unsettled: Vec<String>,
    /// Rulesets that stock refused to load, with its words.
    pub refused: Vec<String>,
    /// How often a difference was one that the ledger explains.
    pub excused: BTreeMap<&'static str, u64>,
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
        for (k, v) in other.excused {
            *self.excused.entry(k).or_default() += v;
        }
        self.unsettled.extend(other.unsettled);
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
    /// What shows it, where it came again.
    pub small: Option<Small>,
}

/// Changes a program before it is compared, to show that the comparison can fail.
pub type Breakage = fn(&mut Program);

/// Packets pushed through each ruleset.
pub const PACKETS: usize = 50;

/// Why a comparison could not be made.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Family and dialect of a seed.
pub fn kind_of(seed: u64) -> (Family, Dialect) {
    let family = if seed & 1 == 0 { Family::V4 } else { Family::V6 };
    (family, if seed & 2 == 0 { Dialect::Nft } else { Dialect::Legacy })
}

/// The name of a stock program.
pub(super) fn stock_name(family: Family, dialect: Dialect, what: &str) -> String {
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
    let mode = Mode::of(seed);
    let text = make(&mut rng, family, dialect, mode);
    let trial = Trial { seed, family, dialect, now, breakage };
    let mut tally = Tally::default();
    let mut history = History::new(mode);
    let mut inputs = Vec::new();
    let found = trial.run(
        &text,
        &mut Source::Made { rng: &mut rng, history: &mut history, inputs: &mut inputs },
        Some(&mut tally),
    );
    let found = found.map_err(|why| format!("{why}; its rules:\n{text}"))?;
    match found {
        Found::Same(counted) => {
            tally.rulesets = 1;
            count_hits(&mut tally.hits, &text, family, &counted);
        }
        Found::Refused(why) => tally.refused.push(format!("seed {seed}: {why}\n{}", text)),
        Found::Differs(first) => {
            let (story, small) = trial.shrink(first, text, inputs)?;
            tally.rulesets = 1;
            match small {
                // Chance or a clock tick: the kernel itself does not do it twice.
                None => tally.unsettled.push(story),
                Some(small) => match excuse(&small) {
                    Some(name) => *tally.excused.entry(name).or_default() += 1,
                    None => tally.differences.push(Difference { seed, story, small: Some(small) }),
                },
            }
        }
    }
    Ok(tally)
}

/// Whether kernel and engine differ over a replay.
///
/// # Errors
/// The lab could not be built, or stock refuses the rules.
pub fn differs(small: &Small, now: fn() -> Now) -> Result<bool, Failure> {
    let trial = Trial { seed: 0, family: small.family, dialect: small.dialect, now, breakage: None };
    match trial.run(&small.text, &mut Source::Given(&small.inputs), None)? {
        Found::Same(_) => Ok(false),
        Found::Differs(_) => Ok(true),
        Found::Refused(why) => Err(why.into()),
    }
}

/// One way to compare a ruleset.
pub(super) struct Trial {
    pub(super) seed: u64,
    pub(super) family: Family,
    pub(super) dialect: Dialect,
    now: fn() -> Now,
    breakage: Option<Breakage>,
}

/// What a trial found.
pub(super) enum Found {
    Same(Counted),
    Refused(String),
    Differs(String),
}

/// Where a trial's packets come from.
pub(super) enum Source<'a> {
    Made { rng: &'a mut Rng, history: &'a mut History, inputs: &'a mut Vec<(Way, Vec<u8>)> },
    Given(&'a [(Way, Vec<u8>)]),
}

impl Trial {
    pub(super) fn run(&self, text: &str, source: &mut Source<'_>, tally: Option<&mut Tally>) -> Result<Found, Failure> {
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
        lab.stock("ipset", &["restore"], &set_text(family))?;
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
        let hurried = text.contains("connlimit");
        let count = match source {
            Source::Made { .. } => PACKETS,
            Source::Given(list) => list.len(),
        };
        let mut pushed = Now::default();
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
                next_jiffy(pushed, self.now);
            }
            let input = Input { way, bytes, now: (self.now)() };
            let kernel = lab.push(input.way, &input.bytes)?;
            pushed = (self.now)();
            if let Source::Made { history, .. } = source {
                history.note(input.way, &input.bytes, &kernel);
            }
            tally.packets += 1;
            let mut counters = || kernel_counters(&lab, family, dialect);
            match side.agree(input, &kernel, &mut counters, &ruleset, family)? {
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
}

/// Waits for another jiffy than the last packet's, in the kernel's time and in ours, which begin elsewhere: connlimit looks
/// at its list only once in a jiffy (HZ is 250 or more).
fn next_jiffy(pushed: Now, now: fn() -> Now) {
    while now().mono < pushed.mono + 6_000_000 {
        std::thread::yield_now();
    }
}
