//! Service level policies: named formulas, printed with every figure that they give.

use serde::{Deserialize, Serialize};

use crate::counts::{Figure, Histogram, Tally};
use crate::named::named;

named! {
    /// Which visits a service level is a share of, and which it counts as met. *In time* is within the threshold.
    PolicyVariant {
        /// Answered in time ÷ offered.
        OfOffered = "of_offered",
        /// Short abandons are taken out of what was offered.
        ShortAbandonsExcluded = "short_abandons_excluded",
        /// All that hung up in time are taken out of what was offered.
        AbandonsWithinIgnored = "abandons_within_ignored",
        /// All that hung up in time count as met.
        AbandonsWithinMet = "abandons_within_met",
        /// Answered in time ÷ answered.
        OfAnswered = "of_answered",
    }
}

impl PolicyVariant {
    /// The formula in words.
    pub fn formula(self) -> &'static str {
        match self {
            Self::OfOffered => {
                "answered within the threshold ÷ offered without those still waiting within the threshold"
            }
            Self::ShortAbandonsExcluded => {
                "answered within the threshold ÷ offered without short abandons and those still waiting within the threshold"
            }
            Self::AbandonsWithinIgnored => {
                "answered within the threshold ÷ offered without those abandoned, or still waiting, within the threshold"
            }
            Self::AbandonsWithinMet => {
                "answered or abandoned within the threshold ÷ offered without those still waiting within the threshold"
            }
            Self::OfAnswered => "answered within the threshold ÷ answered",
        }
    }

    /// The name of the built-in policy of this variant.
    pub fn policy_name(self) -> String {
        self.name().replace('_', "-")
    }
}

/// A part of some visits. Parts add; ratios never do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub met: i64,
    /// All of them.
    pub of: i64,
}

impl Share {
    /// An unrounded fraction between 0 and 1; absent without samples.
    pub fn ratio(self) -> Option<f64> {
        (self.of > 0).then(|| self.met as f64 / self.of as f64)
    }
}

impl std::ops::AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.met += other.met;
        self.of += other.of;
    }
}

/// How a service level is computed. Ratios are unrounded fractions between 0 and 1, absent without samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLevelPolicy {
    /// The name that is asked for and printed.
    pub name: String,
    /// Raised whenever the meaning changes.
    pub version: u32,
    /// The formula.
    pub variant: PolicyVariant,
    /// Whole seconds, inclusive; lies on an edge of the histograms.
    pub threshold_seconds: i64,
    /// Abandoned within this many seconds counts as short abandoned.
    pub short_abandon_seconds: i64,
}

impl Default for ServiceLevelPolicy {
    fn default() -> Self {
        Self {
            name: PolicyVariant::OfOffered.policy_name(),
            version: 1,
            variant: PolicyVariant::OfOffered,
            threshold_seconds: 30,
            short_abandon_seconds: 5,
        }
    }
}

impl ServiceLevelPolicy {
    /// The built-in policy of a variant, with the thresholds of this one.
    #[must_use]
    pub fn of_variant(&self, variant: PolicyVariant) -> Self {
        Self {
            name: variant.policy_name(),
            version: 1,
            variant,
            ..self.clone()
        }
    }

    /// The same with another threshold.
    #[must_use]
    pub fn within(&self, threshold_seconds: i64) -> Self {
        Self {
            threshold_seconds,
            ..self.clone()
        }
    }

    /// What the service level of a tally is the ratio of. `waiting_within` are the visits that still wait, and have not
    /// waited longer than the threshold. Nothing is measured by a threshold that lies on no edge.
    pub fn measure(&self, tally: &Tally, waiting_within: i64) -> Share {
        let in_time = |histogram: &Histogram| histogram.within(self.threshold_seconds);
        let (Some(answered), Some(abandoned)) =
            (in_time(&tally.time_to_answer), in_time(&tally.time_to_abandon))
        else {
            return Share::default();
        };
        let offered = tally.counts.get(Figure::Offered) - waiting_within;
        let (met, of) = match self.variant {
            PolicyVariant::OfOffered => (answered, offered),
            PolicyVariant::ShortAbandonsExcluded => {
                (answered, offered - self.short_abandoned(&tally.time_to_abandon))
            }
            PolicyVariant::AbandonsWithinIgnored => (answered, offered - abandoned),
            PolicyVariant::AbandonsWithinMet => (answered + abandoned, offered),
            PolicyVariant::OfAnswered => (answered, tally.counts.get(Figure::Answered)),
        };
        Share { met, of }
    }

    /// The service level of a tally; see [`Self::measure`].
    pub fn service_level(&self, tally: &Tally, waiting_within: i64) -> Option<f64> {
        self.measure(tally, waiting_within).ratio()
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
        for variant in PolicyVariant::ALL {
            let policy = ServiceLevelPolicy::default().of_variant(*variant);
            assert_eq!(policy.service_level(&Tally::default(), 0), None);
        }
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

    #[test]
    fn what_hung_up_at_once_does_not_make_a_service_level_alone() {
        let mut tally = Tally::default();
        tally.counts.add(Figure::Offered, 1);
        tally.counts.add(Figure::Abandoned, 1);
        tally.time_to_abandon.add(Bin::of_ms(2_000), 1);
        let level = |variant| {
            ServiceLevelPolicy::default()
                .of_variant(variant)
                .service_level(&tally, 0)
        };
        assert_eq!(level(PolicyVariant::OfOffered), Some(0.0));
        assert_eq!(level(PolicyVariant::ShortAbandonsExcluded), None);
        assert_eq!(level(PolicyVariant::AbandonsWithinIgnored), None);
        assert_eq!(level(PolicyVariant::AbandonsWithinMet), Some(1.0));
        assert_eq!(level(PolicyVariant::OfAnswered), None);
    }

    /// The example of the glossary: 100 offered; 80 answered, 60 of them within 30 s; 15 abandoned, 4 within 5 s and 10 within
    /// 30 s; 5 waiting, 2 of them not longer than 30 s.
    fn example() -> (Tally, i64) {
        let mut tally = Tally::default();
        for (figure, visits) in [
            (Figure::Offered, 100),
            (Figure::Answered, 80),
            (Figure::Abandoned, 15),
            (Figure::Waiting, 5),
        ] {
            tally.counts.add(figure, visits);
        }
        tally.time_to_answer.add(Bin::of_ms(30_000), 60);
        tally.time_to_answer.add(Bin::of_ms(30_001), 20);
        tally.time_to_abandon.add(Bin::of_ms(5_000), 4);
        tally.time_to_abandon.add(Bin::of_ms(30_000), 6);
        tally.time_to_abandon.add(Bin::of_ms(90_000), 5);
        (tally, 2)
    }

    #[test]
    fn the_table_of_the_glossary_is_what_the_policies_give() {
        let glossary = include_str!("../../../GLOSSARY.md");
        let (tally, waiting) = example();
        assert_eq!(tally.counts.imbalance(), 0);
        for variant in PolicyVariant::ALL {
            let policy = ServiceLevelPolicy::default().of_variant(*variant);
            let Share { met, of } = policy.measure(&tally, waiting);
            let level = policy.service_level(&tally, waiting).expect("samples");
            let cells = format!("{met} ÷ {of} | {level:.4} |");
            let row = glossary
                .lines()
                .find(|line| line.starts_with(&format!("| `{}` |", policy.name)));
            assert!(
                row.is_some_and(|row| row.ends_with(&cells)),
                "{}: {cells} is not in {row:?}",
                policy.name
            );
        }
    }
}
