//! How fast is deleted: in steps that hold nobody up, with pauses in which others have their turn.

use std::time::Duration;

use store::retention::{Gone, Step};

/// A step is to take about so long: whoever waits for it does not notice.
const STEP: Duration = Duration::from_millis(15);
/// After so long a step ends early, where it can. What comes then is the commit: both together stay under 100 ms on any
/// machine that can write to its disk within the rest.
const WITHIN: Duration = Duration::from_millis(40);
/// Items of the first step.
const FIRST: usize = 16;
/// Items of a step at most.
const MOST: usize = 2_000;
/// A pause is as long as the step before it, but no longer than this.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// The size of the next step, by how long those before it took.
pub(super) struct Pace {
    items: usize,
    longest: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            items: FIRST,
            longest: Duration::ZERO,
        }
    }

    /// What the next step takes on.
    pub(super) fn step(&self) -> Step {
        Step {
            most: self.items,
            within: WITHIN,
        }
    }

    /// For how long the longest step held up whoever writes.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Looks at what a step took, and lets others have their turn.
    pub(super) async fn pause(&mut self, gone: Gone) {
        self.took(gone.held);
        tokio::time::sleep(gone.held.min(PAUSE_MAX)).await;
    }

    /// Looks at how long something held others up.
    pub(super) fn took(&mut self, held: Duration) {
        self.longest = self.longest.max(held);
        self.items = next(self.items, held);
    }
}

fn next(items: usize, took: Duration) -> usize {
    let items = if took > STEP * 2 {
        // As many as would have been in time.
        (items as f64 * STEP.as_secs_f64() / took.as_secs_f64()) as usize
    } else if took < STEP / 2 {
        items * 2
    } else {
        items
    };
    items.clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_and_shrink_with_the_time_that_they_take() {
        let ms = Duration::from_millis;
        assert_eq!(next(64, ms(1)), 128);
        assert_eq!(next(64, ms(15)), 64);
        // After one step that took too long the next one is in time.
        assert_eq!(next(2_000, ms(300)), 100);
        assert_eq!(next(16, ms(10_000)), 1);
        assert_eq!(next(2_000, ms(1)), 2_000);
    }

    #[test]
    fn the_longest_step_is_told() {
        let mut pace = Pace::new();
        for held in [20, 70, 10] {
            pace.took(Duration::from_millis(held));
        }
        assert_eq!(pace.longest(), Duration::from_millis(70));
        assert!(pace.step().within < Duration::from_millis(100));
    }
}
