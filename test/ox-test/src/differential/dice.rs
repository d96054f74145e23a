//! Dice for generators: [`Random`] in the shape that picking from lists wants.

use crate::random::Random;

/// Numbers of a seed.
#[derive(Clone, Debug)]
pub struct Rng(Random);

impl Rng {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// Dice that fall as these bytes say.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Random::from_bytes(bytes))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// An index into a list of `n` (at least 1).
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n as u64) as usize
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
