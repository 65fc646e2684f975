use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Fixes the seed of every [`Dice`], to repeat a run.
const VARIABLE: &str = "NRWDIREKT_TEST_SEED";

/// Random draws of a test. The seed is printed, and shown when the test fails.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// With a new seed, or the one in `NRWDIREKT_TEST_SEED`.
    ///
    /// # Panics
    /// When that is not a number.
    pub fn new() -> Self {
        let seed = match std::env::var(VARIABLE) {
            Ok(seed) => seed.parse().expect("NRWDIREKT_TEST_SEED is a number"),
            Err(_) => rand::random(),
        };
        eprintln!("seed: {VARIABLE}={seed}");
        Self::of_seed(seed)
    }

    /// With a seed of the test's own.
    pub fn of_seed(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `least`, below `end`.
    pub fn between(&mut self, least: u64, end: u64) -> u64 {
        self.0.random_range(least..end)
    }

    /// A time within bounds.
    pub fn duration(&mut self, shortest: Duration, longest: Duration) -> Duration {
        self.0.random_range(shortest..=longest)
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.0.random_range(0..choices.len())]
    }

    /// Brings them into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}
