//! Random draws, each from a stream of its own, so that callers stay the same when only the agents change.

use chrono::{Datelike, NaiveDate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::profile::Spread;

/// No duration is longer: four hours, in milliseconds.
const LONGEST_MS: f64 = 4.0 * 60.0 * 60.0 * 1000.0;

/// What the numbers are drawn for.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    /// When who calls, and how patient he or she is.
    Arrivals = 1,
    /// What happens on the floor.
    Floor = 2,
    /// Written, outbound and dialer contacts.
    Contacts = 3,
    /// Callback requests and what the telephone system holds of a citizen.
    People = 4,
    /// What becomes dirty on its way.
    Dirt = 5,
}

/// A source of random draws.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The draws of one day.
    pub(crate) fn of_day(seed: u64, date: NaiveDate, stream: Stream) -> Self {
        Self::from_parts(seed, i64::from(date.num_days_from_ce()), stream)
    }

    /// The draws about one thing, named by a number.
    pub(crate) fn from_parts(seed: u64, part: i64, stream: Stream) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&part.to_le_bytes());
        bytes[16] = stream as u8;
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// Between 0 (inclusive) and 1 (exclusive).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Below `count`, which is at least 1.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// One of the values.
    pub(crate) fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Milliseconds between the bounds, both inclusive.
    pub(crate) fn between_ms(&mut self, shortest_ms: i64, longest_ms: i64) -> i64 {
        self.0.random_range(shortest_ms..=longest_ms.max(shortest_ms))
    }

    /// Exponentially distributed, in the unit of the mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// The moments of a Poisson process between two times, in order.
    pub(crate) fn moments(&mut self, from: i64, to: i64, expected: f64) -> Vec<i64> {
        let gap_ms = (to - from) as f64 / expected;
        let mut moments = Vec::new();
        let mut at = from as f64 + self.exponential(gap_ms);
        while at < to as f64 {
            moments.push(at as i64);
            at += self.exponential(gap_ms);
        }
        moments
    }

    /// Lognormally distributed around the mean of the spread; at least a millisecond.
    pub(crate) fn spread_ms(&mut self, spread: Spread) -> i64 {
        (spread.mean_s * 1000.0 * self.lognormal(spread.sigma))
            .clamp(1.0, LONGEST_MS)
            .round() as i64
    }

    /// Lognormally distributed with mean 1.
    pub(crate) fn lognormal(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal() - sigma * sigma / 2.0).exp()
    }

    /// The index of a weight, as often as it weighs. The weights are not all zero.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            if weight > 0.0 {
                last = index;
                left -= weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        last
    }

    /// Standard normal, after Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_spread_is_its_mean() {
        let mut dice = Dice::from_parts(1, 2, Stream::Floor);
        let spread = Spread {
            mean_s: 100.0,
            sigma: 0.6,
        };
        let sum: i64 = (0..20_000).map(|_| dice.spread_ms(spread)).sum();
        let mean_s = sum as f64 / 20_000.0 / 1000.0;
        assert!((97.0..103.0).contains(&mean_s), "{mean_s}");
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn() {
        let mut dice = Dice::from_parts(1, 2, Stream::Floor);
        let mut drawn = [0; 3];
        for _ in 0..3000 {
            drawn[dice.weighted([1.0, 0.0, 2.0].into_iter())] += 1;
        }
        assert_eq!(drawn[1], 0);
        assert!(drawn[2] > drawn[0]);
    }
}
