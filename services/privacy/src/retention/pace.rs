//! How fast is deleted: in steps that hold nobody up, with pauses in which others have their turn.

use std::time::{Duration, Instant};

/// A step is to take about so long: whoever waits for it does not notice.
const STEP: Duration = Duration::from_millis(15);
/// Items of a step.
const LEAST: usize = 16;
const MOST: usize = 2_000;
/// A pause is as long as the step before it, but no longer than this.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// The size of the next step, by how long those before it took.
pub(super) struct Pace {
    items: usize,
    begun: Instant,
    longest: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            items: LEAST * 4,
            begun: Instant::now(),
            longest: Duration::ZERO,
        }
    }

    /// Begins a step of so many items.
    pub(super) fn step(&mut self) -> usize {
        self.begun = Instant::now();
        self.items
    }

    /// How long the longest step took.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Ends it, and lets others have their turn.
    pub(super) async fn pause(&mut self) {
        let took = self.begun.elapsed();
        self.longest = self.longest.max(took);
        self.items = next(self.items, took);
        tokio::time::sleep(took.min(PAUSE_MAX)).await;
    }
}

fn next(items: usize, took: Duration) -> usize {
    let items = if took > STEP * 2 {
        items / 2
    } else if took < STEP / 2 {
        items * 2
    } else {
        items
    };
    items.clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_and_shrink_with_the_time_that_they_take() {
        let ms = Duration::from_millis;
        assert_eq!(next(64, ms(1)), 128);
        assert_eq!(next(64, ms(15)), 64);
        assert_eq!(next(64, ms(100)), 32);
        assert_eq!(next(16, ms(1000)), 16);
        assert_eq!(next(2_000, ms(1)), 2_000);
    }
}
