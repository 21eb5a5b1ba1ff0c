//! Where choices come from: a generator, or the octets that a fuzzer made up.

use super::support::random::Random;

/// A source of choices. What is chosen when octets have run out is the first of each list, and nothing that is rare.
#[allow(dead_code, reason = "tests/model.rs has the one, tests/fuzz the other")]
pub enum Chance {
    Generator(Random),
    Octets(std::collections::VecDeque<u8>),
}

#[allow(dead_code, reason = "as above")]
impl Chance {
    /// The choices of a seed.
    pub fn seeded(seed: u64) -> Self {
        Chance::Generator(Random::new(seed))
    }

    /// Choices made of octets.
    pub fn of_octets(octets: &[u8]) -> Self {
        Chance::Octets(octets.iter().copied().collect())
    }

    /// A number from 0 to `below` - 1; 0 if `below` is 0.
    pub fn below(&mut self, below: usize) -> usize {
        match self {
            _ if below < 2 => 0,
            Chance::Generator(random) => random.below(below),
            Chance::Octets(octets) => {
                let mut number = octets.pop_front().map_or(0, usize::from);
                if below > 256 {
                    number = number << 8 | octets.pop_front().map_or(0, usize::from);
                }
                number % below
            }
        }
    }

    /// Whether the one of `of` cases came; never for 0.
    pub fn one_in(&mut self, of: usize) -> bool {
        of > 0 && self.below(of) + 1 == of
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Milliseconds from 0 to `most`.
    pub fn ms(&mut self, most: u64) -> u64 {
        self.below(usize::try_from(most).expect("a short time") + 1) as u64
    }

    /// Whether there are no octets left to choose by.
    pub fn is_over(&self) -> bool {
        matches!(self, Chance::Octets(octets) if octets.is_empty())
    }
}
