//! Percentiles of added histograms, with the bound of their error.

use crate::counts::{Bin, Histogram};

/// A duration that so many per cent of the visits did not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Percentile {
    /// At most `seconds`, and more than `seconds` − `error_seconds`.
    AtMost {
        /// The upper edge of the bin that it is in.
        seconds: i64,
        /// The width of that bin.
        error_seconds: i64,
    },
    /// More than the last edge: no more is known.
    Above {
        /// The last edge.
        seconds: i64,
    },
}

/// The percentile by nearest rank: the ⌈`per_cent` × n ÷ 100⌉-th of n durations, shortest first, as far as the bins tell.
/// Absent without durations. `per_cent` is 1 to 100.
pub fn percentile(histogram: &Histogram, per_cent: u8) -> Option<Percentile> {
    let visits: i64 = histogram.bins().map(|(_, count)| count).sum();
    if visits <= 0 {
        return None;
    }
    let rank = (visits * i64::from(per_cent) + 99) / 100;
    let mut seen = 0;
    let bin = histogram.bins().find_map(|(bin, count)| {
        seen += count;
        (seen >= rank).then_some(bin)
    })?;
    Some(of_bin(bin))
}

fn of_bin(bin: Bin) -> Percentile {
    let last = i64::from(Bin::COARSE_EDGES[Bin::COARSE_EDGES.len() - 1]);
    match bin.width_seconds() {
        Some(error_seconds) => Percentile::AtMost {
            seconds: i64::from(bin.edge_seconds()),
            error_seconds,
        },
        None => Percentile::Above { seconds: last },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(durations_ms: &[i64]) -> Histogram {
        let mut histogram = Histogram::default();
        for duration_ms in durations_ms {
            histogram.add(Bin::of_ms(*duration_ms), 1);
        }
        histogram
    }

    #[test]
    fn without_durations_there_is_none() {
        assert_eq!(percentile(&Histogram::default(), 50), None);
    }

    #[test]
    fn a_percentile_tells_how_wrong_it_may_be() {
        let at_most = |seconds, error_seconds| {
            Some(Percentile::AtMost {
                seconds,
                error_seconds,
            })
        };
        let waits = histogram(&[0, 6_500, 20_000, 130_000, 5_000_000]);
        assert_eq!(percentile(&waits, 20), at_most(0, 0));
        assert_eq!(percentile(&waits, 21), at_most(7, 1));
        assert_eq!(percentile(&waits, 60), at_most(20, 1));
        assert_eq!(percentile(&waits, 80), at_most(135, 15));
        assert_eq!(percentile(&waits, 81), Some(Percentile::Above { seconds: 3600 }));
    }

    proptest! {
        #[test]
        fn the_true_percentile_lies_within_the_bound(
            mut durations_ms in prop::collection::vec(0..4_000_000_i64, 1..200),
            per_cent in 1..=100_u8,
        ) {
            let told = percentile(&histogram(&durations_ms), per_cent).expect("durations");
            durations_ms.sort_unstable();
            let rank = (durations_ms.len() * usize::from(per_cent)).div_ceil(100);
            let truth_ms = durations_ms[rank - 1];
            match told {
                Percentile::AtMost { seconds, error_seconds } => {
                    prop_assert!(truth_ms <= seconds * 1000);
                    prop_assert!(truth_ms > (seconds - error_seconds) * 1000 || error_seconds == 0);
                }
                Percentile::Above { seconds } => prop_assert!(truth_ms > seconds * 1000),
            }
        }
    }
}
