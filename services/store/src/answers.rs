//! Whether tickets were settled by the time they were due: what reports of the promise need, and no more.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::counts::Interval;
use domain::ids::HotlineName;

use crate::StoreError;
use crate::ticket_columns::UNRESTRICTED;

/// Counts tickets by what became of them.
#[async_trait]
pub trait AnswerStore: Send + Sync + 'static {
    /// Tickets that were logged in these quarter-hours, `to` exclusive, by quarter-hour and hotline. Erased ones are left
    /// out. Whether an open one is overdue is told by `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn answers(
        &self,
        from: Interval,
        to: Interval,
        now: DateTime<Utc>,
    ) -> Result<Vec<Answers>, StoreError>;
}

/// Tickets that were logged in a quarter-hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// When they were logged.
    pub logged: Interval,
    /// Where; none if it is not known.
    pub hotline: Option<HotlineName>,
    /// What became of them.
    pub counts: AnswerCounts,
}

/// Tickets by what became of them. Settled: no answer is owed any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerCounts {
    /// Settled by their due time.
    pub in_time: i64,
    /// Settled after it.
    pub late: i64,
    /// Open, and due before now.
    pub overdue: i64,
    /// Open, and not due yet, or restricted, so that nobody may answer: no sample.
    pub open: i64,
}

impl std::ops::AddAssign for AnswerCounts {
    fn add_assign(&mut self, other: Self) {
        self.in_time += other.in_time;
        self.late += other.late;
        self.overdue += other.overdue;
        self.open += other.open;
    }
}

/// The query, with placeholders for the first time, the one after the last, and now: in milliseconds.
pub(crate) fn sql(from: &str, to: &str, now: &str) -> String {
    let count = |condition: &str| format!("CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS bigint)");
    format!(
        "SELECT created_at_ms / 900000, hotline, {}, {}, {}, {} FROM tickets
         WHERE created_at_ms >= {from} AND created_at_ms < {to} AND state <> 'erased' GROUP BY 1, 2 ORDER BY 1, 2",
        count("settled_at_ms <= due_at_ms"),
        count("settled_at_ms > due_at_ms"),
        count(&format!(
            "settled_at_ms IS NULL AND due_at_ms < {now} AND {UNRESTRICTED}"
        )),
        count(&format!(
            "settled_at_ms IS NULL AND (due_at_ms >= {now} OR NOT ({UNRESTRICTED}))"
        )),
    )
}

/// A row as it is read: quarter-hour, hotline, and the four counts.
pub(crate) fn read(logged: i64, hotline: &str, [in_time, late, overdue, open]: [i64; 4]) -> Answers {
    Answers {
        logged: Interval(logged),
        hotline: crate::ticket_columns::hotline(hotline),
        counts: AnswerCounts {
            in_time,
            late,
            overdue,
            open,
        },
    }
}
