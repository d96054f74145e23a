//! The engine's side of a trial, and the search for the choices under which it does what the kernel did.

use super::compare::Failure;
use super::counted::{Counted, engine_counters};
use super::dice::Rng;
use super::lab::Seen;
use super::replay::{Input, Luck, Run, comparable};
use ox_packet::Family;
use ox_rules::ir::Program;
use ox_rules::model::Ruleset;
use std::ops::Range;
use std::sync::Arc;

/// Numbers that one packet may draw.
const DRAWN_AT_MOST: usize = 16;

/// What is tried for the numbers drawn, before what is seen tells more.
const FIRST: [u32; 8] = [0, 1, 2, 3, 9_973, 20_011, 40_009, 60_013];

/// How the engine came to agree.
pub(super) enum Agreed {
    AtOnce,
    WithLuck,
    Never(Vec<Seen>),
}

/// What a search for numbers is about.
struct Wanted<'a> {
    script: &'a [bool],
    /// What numbers not chosen yet are.
    first: u32,
    slots: Range<usize>,
    kernel: &'a [Seen],
    fits: &'a dyn Fn(&Run, &[Seen]) -> bool,
}

/// The engine's side, with the luck found so far.
pub(super) struct Side {
    program: Arc<Program>,
    pub(super) run: Run,
    pub(super) inputs: Vec<Input>,
    luck: Luck,
    /// Numbers drawn for packets of which nothing was seen: a later one may tell.
    unseen: Vec<usize>,
}

impl Side {
    /// A machine at its beginning.
    pub(super) fn new(program: Arc<Program>, seed: u64) -> Self {
        let mut rng = Rng::new(!seed);
        let numbers = (0..400).map(|_| rng.draw() as u32).collect();
        let luck = Luck { sides: Vec::new(), numbers };
        Self { run: Run::new(&program, &luck), program, inputs: Vec::new(), luck, unseen: Vec::new() }
    }

    /// Pushes a packet, and looks for the choices under which the engine does what the kernel did.
    pub(super) fn agree(
        &mut self,
        input: Input,
        kernel: &[Seen],
        counters: &mut dyn FnMut() -> Result<Counted, Failure>,
        ruleset: &Ruleset,
        family: Family,
    ) -> Result<Agreed, Failure> {
        let sides_before = self.luck.sides.len();
        let drawn_before = self.run.machine.live.dice.drawn() as usize;
        let seen = self.run.push(&input);
        self.inputs.push(input);
        self.luck.sides = sides(&self.run);
        let drawn = self.run.machine.live.dice.drawn() as usize;
        let drew = drawn > drawn_before;
        if kernel.is_empty() {
            self.unseen.extend(drawn_before..drawn);
        }
        let open = self.luck.sides.len() - sides_before;
        // Only what was left to chance may have been decided otherwise without anything to be seen but the counters.
        let counted = if open > 0 || drew { Some(counters()?) } else { None };
        let strip = |s: &[Seen]| s.iter().map(|x| comparable(x, family)).collect::<Vec<_>>();
        let expected = strip(kernel);
        let fits = |run: &Run, seen: &[Seen]| {
            strip(seen) == expected && counted.as_ref().is_none_or(|c| *c == engine_counters(run, ruleset))
        };
        if fits(&self.run, &seen) {
            return Ok(Agreed::AtOnce);
        }
        if !drew && open == 0 {
            // A connection is given the port of an earlier one from the same place, if there is any.
            let known = self.luck.numbers.len();
            let slots = self.unseen.iter().copied().rev().filter(|&slot| slot < known).take(DRAWN_AT_MOST);
            for (slot, missing) in slots.zip(std::iter::repeat(missing_port(kernel, &seen)).map_while(|m| m)) {
                let mut numbers = self.luck.numbers.clone();
                numbers[slot] = 0;
                let (_, from) = self.rerun(&self.luck.sides, &numbers);
                numbers[slot] = missing_port(kernel, &from).unwrap_or(missing);
                let (run, seen) = self.rerun(&self.luck.sides, &numbers);
                if fits(&run, &seen) {
                    let met = sides(&run);
                    return Ok(self.settle(run, met, numbers));
                }
            }
            return Ok(Agreed::Never(seen));
        }
        // Every combination of the sides this packet met; deeper trees are met again as sides change.
        let mut scripts: Vec<Vec<bool>> = vec![self.luck.sides[..sides_before].to_vec()];
        let mut tried = 0;
        while let Some(script) = scripts.pop() {
            tried += 1;
            if tried > 200 {
                break;
            }
            let mut met = Vec::new();
            // Zero gives the first port of a range, from which the kernel's is so many further on. Where that port makes
            // the packet clash and go nowhere, another one may tell. Of a packet that nobody saw the counters tell, by
            // rules that ask for its port: then any number will do that is on the right side of them.
            for first in FIRST {
                let mut numbers = self.luck.numbers.clone();
                numbers.iter_mut().skip(drawn_before).take(DRAWN_AT_MOST).for_each(|n| *n = first);
                let (run, seen) = self.rerun(&script, &numbers);
                // These sides may draw numbers where the first ones drew none.
                let last = (run.machine.live.dice.drawn() as usize).min(numbers.len());
                if first == 0 {
                    met = sides(&run);
                }
                if fits(&run, &seen) {
                    let met = sides(&run);
                    return Ok(self.settle(run, met, numbers));
                }
                if last <= drawn_before {
                    break;
                }
                let wanted = Wanted { script: &script, first, slots: drawn_before..last, kernel, fits: &fits };
                if let Some((run, numbers)) = self.find_numbers(&wanted, numbers, &seen) {
                    let met = sides(&run);
                    return Ok(self.settle(run, met, numbers));
                }
                if seen.len() == kernel.len() && !kernel.is_empty() {
                    break;
                }
            }
            for i in script.len()..met.len() {
                let mut other = met[..i].to_vec();
                other.push(!met[i]);
                scripts.push(other);
            }
        }
        Ok(Agreed::Never(seen))
    }

    /// Looks for the numbers drawn from which the ports come that the kernel chose: one may decide the destination's and
    /// another the source's.
    fn find_numbers(&self, wanted: &Wanted<'_>, numbers: Vec<u32>, seen: &[Seen]) -> Option<(Run, Vec<u32>)> {
        let Wanted { script, first, slots, kernel, fits } = wanted;
        let before = gaps(kernel, seen);
        for slot in (slots.start..slots.end.min(slots.start + 4)).filter(|&slot| numbers[slot] == *first) {
            let mut numbers = numbers.clone();
            let mut missing = first_gap(&before)?;
            // Twice, since with the first number the engine may have begun behind ports that are taken.
            for _ in 0..2 {
                numbers[slot] = numbers[slot].wrapping_add(missing);
                let (run, seen) = self.rerun(script, &numbers);
                if fits(&run, &seen) {
                    return Some((run, numbers));
                }
                // It was not this number's, unless something else is missing now: two ports may miss as much as each other.
                let now = gaps(kernel, &seen);
                let Some(other) = first_gap(&now).filter(|_| now != before) else { break };
                if let Some(found) = self.find_numbers(wanted, numbers.clone(), &seen) {
                    return Some(found);
                }
                missing = other;
            }
        }
        None
    }

    fn settle(&mut self, run: Run, met: Vec<bool>, numbers: Vec<u32>) -> Agreed {
        self.run = run;
        self.luck = Luck { sides: met, numbers };
        Agreed::WithLuck
    }

    /// Runs everything again with other choices for the last packet.
    fn rerun(&self, script: &[bool], numbers: &[u32]) -> (Run, Vec<Seen>) {
        let luck = Luck { sides: script.to_vec(), numbers: numbers.to_vec() };
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
    first_gap(&gaps(kernel, engine))
}

/// The first gap that is one.
fn first_gap(gaps: &[[u16; 2]]) -> Option<u32> {
    gaps.iter().flatten().copied().find(|&gap| gap != 0).map(u32::from)
}

/// How far the kernel's ports, source and destination, are from the engine's in each packet between the same addresses.
fn gaps(kernel: &[Seen], engine: &[Seen]) -> Vec<[u16; 2]> {
    let key = |s: &Seen| {
        let (Seen::Out(_, b) | Seen::Delivered(_, b)) = s;
        let b = quoted(b).unwrap_or(b);
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
    // Of a packet in fragments only one has ports.
    let pairs = kernel.iter().zip(engine).filter_map(|(k, e)| Some((key(k)?, key(e)?)));
    let alike = pairs.filter(|(k, e)| (k.0, k.1) == (e.0, e.1));
    alike.map(|(k, e)| [k.2.wrapping_sub(e.2), k.3.wrapping_sub(e.3)]).collect()
}

/// The packet that an ICMP error speaks about.
pub(super) fn quoted(bytes: &[u8]) -> Option<&[u8]> {
    let at = ox_packet::extract(bytes, &mut ox_packet::Key::default()).ok()?;
    let kind = *bytes.get(at.l4)?;
    let error = (at.proto == 1 && matches!(kind, 3 | 11 | 12)) || (at.proto == 58 && kind < 128);
    bytes.get(at.l4 + 8..).filter(|_| error)
}
