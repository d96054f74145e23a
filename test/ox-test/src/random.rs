//! `Random`: numbers that only depend on a seed (SplitMix64), or that bytes spell out, so that a failure can be replayed.
//!
//! Behind bytes stands somebody who changes a few of them and looks what comes of it: a fuzzer, or a property test that
//! makes its case smaller. Each choice then takes as few bytes as it needs.

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// Bytes that are used up first.
    bytes: Vec<u8>,
    at: usize,
}

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, bytes: Vec::new(), at: 0 }
    }

    /// Numbers as these bytes say, and when they are used up, always the same ones.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { state: 0, bytes: bytes.to_vec(), at: 0 }
    }

    /// Whether bytes decide what comes next.
    pub fn has_bytes(&self) -> bool {
        self.at < self.bytes.len()
    }

    /// Begins with a seed of its own for each name, so that one test's numbers do not depend on another's.
    pub fn named(seed: u64, name: &str) -> Self {
        let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
        for b in name.bytes() {
            hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
        Self::new(hash)
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        if self.has_bytes() {
            return self.spell(8);
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end` (which is not 0).
    pub fn below(&mut self, end: u64) -> u64 {
        let number = match end {
            0..=0x100 if self.has_bytes() => self.spell(1),
            0..=0x1_0000 if self.has_bytes() => self.spell(2),
            _ => self.draw(),
        };
        number % end.max(1)
    }

    /// The next few bytes as a number.
    fn spell(&mut self, count: usize) -> u64 {
        let end = self.bytes.len().min(self.at + count);
        let number = self.bytes[self.at..end].iter().fold(0, |n, &b| n << 8 | u64::from(b));
        self.at = end;
        number
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }

    /// One of some.
    ///
    /// # Panics
    /// There is none.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_a_name_others() {
        let take = |mut r: Random| [r.draw(), r.draw(), r.draw()];
        assert_eq!(take(Random::new(1)), take(Random::new(1)));
        assert_ne!(take(Random::new(1)), take(Random::new(2)));
        assert_ne!(take(Random::named(1, "tcp")), take(Random::named(1, "udp")));
    }

    #[test]
    fn bytes_are_used_one_choice_at_a_time_and_then_a_seed() {
        let mut random = Random::from_bytes(&[3, 1, 2, 200]);
        assert_eq!([random.below(10), random.below(1000), random.below(100)], [3, 0x102, 0]);
        assert!(!random.has_bytes());
        assert_eq!(random.draw(), Random::new(0).draw());
    }

    #[test]
    fn a_shuffle_keeps_all() {
        let mut list: Vec<u32> = (0..50).collect();
        Random::new(3).shuffle(&mut list);
        assert!(!list.is_sorted());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
