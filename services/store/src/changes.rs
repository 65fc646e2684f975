//! What has moved since figures were read: every transaction that moves counts tells how, in the order in which it can
//! be seen.

use chrono::{DateTime, TimeZone, Utc};
use domain::counts::{Interval, Movement, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;

use crate::calls::DayRange;
use crate::history::FiguresVersion;
use crate::{StoreError, packed_tally};

/// Which changes, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeQuery {
    /// Of quarter-hours of these local days.
    pub days: Option<DayRange>,
    /// Up to this state of the figures; without one, up to now. Pages of one list name the same.
    pub until: Option<FiguresVersion>,
    /// From after this change.
    pub after: Option<ChangePlace>,
    /// How many at most.
    pub most: usize,
}

/// How one transaction moved a row of counts of a quarter-hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it stands in a list.
    pub place: ChangePlace,
    /// The quarter-hour.
    pub interval: Interval,
    /// The hotline.
    pub hotline: HotlineName,
    /// The task type.
    pub task_type: TaskType,
    /// When, by the clock of the ledger that wrote it.
    pub changed_at: DateTime<Utc>,
    /// What was added; what was taken away is negative. Longest times are those that came in.
    pub difference: Tally,
}

/// Where a change stands in a list. Opaque.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangePlace {
    pub(crate) revision: u64,
    pub(crate) interval: i64,
    pub(crate) hotline_id: i64,
    pub(crate) task_type: i16,
    pub(crate) shard: i32,
}

impl ChangeQuery {
    /// Everything, so many at most.
    pub fn all(most: usize) -> Self {
        Self {
            days: None,
            until: None,
            after: None,
            most,
        }
    }

    /// The first quarter-hour, and the one after the last.
    pub(crate) fn intervals(&self) -> (i64, i64) {
        let Some(DayRange { from, to }) = self.days else {
            return (i64::MIN, i64::MAX);
        };
        let [from, to] = [from, to].map(|day| Interval::containing(local_time::start_of(day)).0);
        (from, to)
    }
}

impl Change {
    /// A change as it is stored.
    pub(crate) fn read(
        place: ChangePlace,
        hotline: HotlineName,
        task_type: TaskType,
        changed_at_ms: i64,
        difference: &[u8],
    ) -> Result<Self, StoreError> {
        Ok(Self {
            place,
            interval: Interval(place.interval),
            hotline,
            task_type,
            changed_at: Utc
                .timestamp_millis_opt(changed_at_ms)
                .single()
                .unwrap_or_default(),
            difference: packed_tally::unpack(difference)?,
        })
    }
}

impl FiguresVersion {
    pub(crate) fn is_unreadable(&self) -> StoreError {
        StoreError::UnknownVersion("it cannot be read: give it as a report printed it".to_owned())
    }

    pub(crate) fn is_too_old(&self) -> StoreError {
        StoreError::UnknownVersion(
            "what changed since is not kept so long (`ledger.changes_kept_days`): compare with a newer report"
                .to_owned(),
        )
    }

    pub(crate) fn is_too_new(&self) -> StoreError {
        StoreError::UnknownVersion(
            "these figures do not reach so far: it comes from another store, or from before this one was set back"
                .to_owned(),
        )
    }
}

/// Whether a movement changes counts, not only a longest time.
pub(crate) fn moves(movement: &Movement) -> bool {
    let Tally {
        counts,
        time_to_answer,
        time_to_abandon,
        ..
    } = &movement.difference;
    !counts.is_zero()
        || time_to_answer
            .bins()
            .chain(time_to_abandon.bins())
            .next()
            .is_some()
}
