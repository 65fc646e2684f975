//! Service level policies: named formulas, printed with every figure that they give.

use serde::Serialize;

use crate::counts::{Figure, Histogram, Tally};

/// How a service level is computed. Ratios are unrounded fractions between 0 and 1, absent without samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceLevelPolicy {
    /// The name that is asked for and printed.
    pub name: String,
    /// Raised whenever the meaning changes.
    pub version: u32,
    /// The formula in words.
    pub formula: String,
    /// Whole seconds, inclusive; lies on an edge of the histograms.
    pub threshold_seconds: i64,
    /// Abandoned within this many seconds counts as short abandoned.
    pub short_abandon_seconds: i64,
}

impl Default for ServiceLevelPolicy {
    fn default() -> Self {
        Self {
            name: "of-offered".to_owned(),
            version: 1,
            formula:
                "answered within the threshold ÷ offered without those still waiting within the threshold"
                    .to_owned(),
            threshold_seconds: 30,
            short_abandon_seconds: 5,
        }
    }
}

impl ServiceLevelPolicy {
    /// The service level of a tally. `waiting_within` are the visits that still wait, and have not waited longer
    /// than the threshold.
    pub fn service_level(&self, tally: &Tally, waiting_within: i64) -> Option<f64> {
        let answered_within = tally.time_to_answer.within(self.threshold_seconds)?;
        let offered = tally.counts.get(Figure::Offered) - waiting_within;
        (offered > 0).then(|| answered_within as f64 / offered as f64)
    }

    /// Abandoned visits within the short-abandon threshold.
    pub fn short_abandoned(&self, time_to_abandon: &Histogram) -> i64 {
        time_to_abandon.within(self.short_abandon_seconds).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Bin;

    #[test]
    fn a_service_level_without_samples_is_absent() {
        assert_eq!(
            ServiceLevelPolicy::default().service_level(&Tally::default(), 0),
            None
        );
    }

    #[test]
    fn a_fresh_caller_does_not_lower_the_service_level() {
        let mut tally = Tally::default();
        tally.counts.add(Figure::Offered, 5);
        tally.time_to_answer.add(Bin::of_ms(30_000), 3);
        tally.time_to_answer.add(Bin::of_ms(30_001), 1);
        let policy = ServiceLevelPolicy::default();
        assert_eq!(policy.service_level(&tally, 1), Some(0.75));
        assert_eq!(policy.service_level(&tally, 0), Some(0.6));
    }
}
