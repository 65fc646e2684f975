//! What goes on at this moment.

use deadpool_postgres::{Object, Transaction};
use domain::agents::AgentReport;
use tokio_postgres::Row;

use super::{agents, changes, history};
use crate::StoreError;
use crate::calls::DayRange;
use crate::history::{HistoryQuery, HotlineChoice, Periods};
use crate::live::{LiveColumns, LiveQuery, LiveVisit, Moment, QuarterQuery, Quarters};
use crate::postgres::values;

/// See [`crate::calls::CallStore::live`].
pub(super) async fn read(client: &mut Object, query: &LiveQuery) -> Result<Moment, StoreError> {
    let snapshot = history::begin(client).await?;
    let figures = |periods| HistoryQuery {
        periods,
        hotlines: HotlineChoice::Each,
    };
    let interval = figures(Periods::Intervals {
        from: query.interval,
        to: query.interval.next(),
    });
    let day = figures(Periods::Days(DayRange::of(query.day)));
    Ok(Moment {
        visits: visits(&snapshot, query).await?,
        interval: history::read_in(&snapshot, &interval).await?.rows,
        day: history::read_in(&snapshot, &day).await?.rows,
        agents: match query.agents_since {
            Some(since) => last_reports(&snapshot, since.timestamp_millis()).await?,
            None => Vec::new(),
        },
        quarters: match &query.quarters {
            Some(query) => Some(quarters(&snapshot, query).await?),
            None => None,
        },
    })
}

async fn quarters(snapshot: &Transaction<'_>, query: &QuarterQuery) -> Result<Quarters, StoreError> {
    let moved = match &query.since {
        Some(since) => changes::moved_since(snapshot, since, query.from, query.to).await?,
        None => None,
    };
    let mut rows = Vec::new();
    for periods in query.periods(moved.as_deref()) {
        let hotlines = HotlineChoice::Each;
        let history = history::read_in(snapshot, &HistoryQuery { periods, hotlines }).await?;
        rows.extend(history.rows);
    }
    Ok(Quarters {
        version: changes::version(snapshot).await?,
        moved,
        rows,
    })
}

async fn visits(snapshot: &Transaction<'_>, query: &LiveQuery) -> Result<Vec<LiveVisit>, StoreError> {
    let find = snapshot
        .prepare_cached(&format!(
            "SELECT {} FROM visits JOIN hotlines ON id = visits.hotline_id JOIN calls USING (month, call_row)
             WHERE phase IS NOT NULL AND phase_since_ms >= $1 AND counted",
            LiveColumns::SELECT
        ))
        .await?;
    let since_ms = query.visits_since.timestamp_millis();
    let visit = |row: &Row| {
        let columns = LiveColumns {
            call: values::identity(row.get(0)),
            hotline: row.get(1),
            task_type: row.get(2),
            offered_at_ms: row.get(3),
            phase: row.get(4),
            since_ms: row.get(5),
            agent: row.get(6),
            wait_ms: row.get(7),
            ring_ms: row.get(8),
        };
        columns.visit()
    };
    let rows = snapshot.query(&find, &[&since_ms]).await?;
    rows.iter().map(visit).collect()
}

/// The last of each agent, hotline and state: an older one of the same state tells nothing about now.
async fn last_reports(snapshot: &Transaction<'_>, since_ms: i64) -> Result<Vec<AgentReport>, StoreError> {
    let find = snapshot
        .prepare_cached(
            "SELECT agent, max(at_ms), hotline, state, min(reason) FROM agent_states WHERE at_ms >= $1
             GROUP BY agent, hotline, state",
        )
        .await?;
    let rows = snapshot.query(&find, &[&since_ms]).await?;
    rows.iter().map(agents::report).collect()
}
