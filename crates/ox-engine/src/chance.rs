//! Chance: dice for running, and the exploring of every branch for asking.

use siphasher::sip::SipHasher13;
use std::collections::VecDeque;
use std::hash::Hasher;

/// Numbers from a seed: the same seed, the same numbers. Numbers given beforehand come first, so that a run can repeat
/// what chance decided elsewhere.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    drawn: u64,
    loaded: VecDeque<u32>,
}

impl Dice {
    /// Dice that a seed decides.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0, loaded: VecDeque::new() }
    }

    /// These numbers are drawn first.
    pub fn load(&mut self, numbers: impl IntoIterator<Item = u32>) {
        self.loaded.extend(numbers);
    }

    /// How many numbers were drawn.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The next number.
    pub fn draw(&mut self) -> u32 {
        if let Some(loaded) = self.loaded.pop_front() {
            self.drawn += 1;
            return loaded;
        }
        let mut h = SipHasher13::new_with_keys(self.seed, 0x6f78_7461_626c_6573);
        h.write_u64(self.drawn);
        self.drawn += 1;
        h.finish() as u32
    }
}

/// One choice that was made on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A rule matched by chance with probability `of_2_31` / 2^31, or did not.
    Chance {
        /// Numerator over 2^31.
        of_2_31: u32,
        /// Whether it matched.
        matched: bool,
    },
    /// Something could not be decided; this side was followed.
    Undecided {
        /// What is missing.
        why: &'static str,
        /// The side.
        side: bool,
    },
}

impl Choice {
    /// How likely this side is; 1 for what is not a matter of chance.
    pub fn probability(self) -> f64 {
        match self {
            Choice::Chance { of_2_31, matched } => {
                let p = f64::from(of_2_31) / f64::from(1u32 << 31);
                if matched { p } else { 1.0 - p }
            }
            Choice::Undecided { .. } => 1.0,
        }
    }

    fn side(self) -> bool {
        match self {
            Choice::Chance { matched, .. } => matched,
            Choice::Undecided { side, .. } => side,
        }
    }
}

/// Who decides what rules leave open.
#[derive(Clone, Debug)]
pub enum Chooser {
    /// The dice; what cannot be decided counts as "does not match".
    Dice,
    /// A path: these choices first, then the likelier unexplored side.
    Path {
        /// Sides to take, in order.
        script: Vec<bool>,
        /// What was chosen.
        taken: Vec<Choice>,
    },
}

impl Chooser {
    /// Decides a matter of chance.
    pub fn chance(&mut self, of_2_31: u32, dice: &mut Dice) -> bool {
        match self {
            Chooser::Dice => dice.draw() & 0x7fff_ffff < of_2_31,
            // Certain either way: no branch.
            Chooser::Path { .. } if of_2_31 == 0 => false,
            Chooser::Path { .. } if of_2_31 >= 1 << 31 => true,
            Chooser::Path { script, taken } => {
                let matched = script.get(taken.len()).copied().unwrap_or(true);
                taken.push(Choice::Chance { of_2_31, matched });
                matched
            }
        }
    }

    /// Decides what cannot be decided.
    pub fn undecided(&mut self, why: &'static str) -> bool {
        match self {
            Chooser::Dice => false,
            Chooser::Path { script, taken } => {
                let side = script.get(taken.len()).copied().unwrap_or(true);
                taken.push(Choice::Undecided { why, side });
                side
            }
        }
    }
}

/// Runs `once` for every path through the choices it meets, depth first, at most `limit` times. The flag says whether
/// every path was followed.
pub fn explore<R>(limit: usize, mut once: impl FnMut(Chooser) -> (R, Chooser)) -> (Vec<(R, Vec<Choice>)>, bool) {
    let mut done = Vec::new();
    let mut script: Vec<bool> = Vec::new();
    loop {
        let (result, chooser) = once(Chooser::Path { script: script.clone(), taken: Vec::new() });
        let taken = match chooser {
            Chooser::Path { taken, .. } => taken,
            Chooser::Dice => Vec::new(),
        };
        script = taken.iter().map(|c| c.side()).collect();
        done.push((result, taken));
        // The next path: the last choice that was "yes" becomes "no".
        while script.last() == Some(&false) {
            script.pop();
        }
        match script.last_mut() {
            None => return (done, true),
            Some(_) if done.len() >= limit => return (done, false),
            Some(last) => *last = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_followed_once_and_probabilities_sum_to_one() {
        let (paths, whole) = explore(100, |mut c| {
            let mut dice = Dice::new(0);
            let third = (1u32 << 31) / 3;
            let picked = if c.chance(third, &mut dice) {
                0
            } else if c.chance(1 << 30, &mut dice) {
                1
            } else {
                2
            };
            (picked, c)
        });
        assert!(whole);
        assert_eq!(paths.iter().map(|p| p.0).collect::<Vec<_>>(), [0, 1, 2]);
        let sum: f64 = paths.iter().map(|p| p.1.iter().map(|c| c.probability()).product::<f64>()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn the_limit_is_kept_and_said() {
        let (paths, whole) = explore(3, |mut c| {
            for _ in 0..10 {
                c.undecided("nobody knows");
            }
            ((), c)
        });
        assert_eq!((paths.len(), whole), (3, false));
    }

    #[test]
    fn a_seed_decides() {
        let draw = |seed| (0..4).map(|_| 0).scan(Dice::new(seed), |d, _| Some(d.draw())).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
