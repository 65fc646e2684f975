//! What goes on at this moment.

use domain::agents::AgentReport;
use domain::ids::Identity;
use rusqlite::{Connection, Transaction, params};

use super::{agents, changes, history};
use crate::StoreError;
use crate::calls::DayRange;
use crate::history::{HistoryQuery, HotlineChoice, Periods};
use crate::live::{LiveColumns, LiveQuery, LiveVisit, Moment, QuarterQuery, Quarters};

/// See [`crate::calls::CallStore::live`].
pub(super) fn read(connection: &Connection, query: &LiveQuery) -> Result<Moment, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let figures = |periods| {
        let query = HistoryQuery {
            periods,
            hotlines: HotlineChoice::Each,
        };
        Ok::<_, StoreError>(history::read_in(&snapshot, &query)?.rows)
    };
    Ok(Moment {
        visits: visits(&snapshot, query)?,
        interval: figures(Periods::Intervals {
            from: query.interval,
            to: query.interval.next(),
        })?,
        day: figures(Periods::Days(DayRange::of(query.day)))?,
        agents: match query.agents_since {
            Some(since) => last_reports(&snapshot, since.timestamp_millis())?,
            None => Vec::new(),
        },
        quarters: match &query.quarters {
            Some(query) => Some(quarters(&snapshot, query)?),
            None => None,
        },
    })
}

fn quarters(snapshot: &Transaction<'_>, query: &QuarterQuery) -> Result<Quarters, StoreError> {
    let moved = match &query.since {
        Some(since) => changes::moved_since(snapshot, since, query.from, query.to)?,
        None => None,
    };
    let mut rows = Vec::new();
    for periods in query.periods(moved.as_deref()) {
        let hotlines = HotlineChoice::Each;
        rows.extend(history::read_in(snapshot, &HistoryQuery { periods, hotlines })?.rows);
    }
    Ok(Quarters {
        version: changes::version(snapshot)?,
        moved,
        rows,
    })
}

fn visits(snapshot: &Transaction<'_>, query: &LiveQuery) -> Result<Vec<LiveVisit>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {} FROM visits JOIN hotlines USING (hotline_id) JOIN calls USING (call_row)
         WHERE phase IS NOT NULL AND phase_since_ms >= ?1 AND counted",
        LiveColumns::SELECT
    ))?;
    let mut rows = statement.query([query.visits_since.timestamp_millis()])?;
    let mut visits = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = LiveColumns {
            call: Identity(row.get(0)?),
            hotline: row.get(1)?,
            task_type: row.get(2)?,
            offered_at_ms: row.get(3)?,
            phase: row.get(4)?,
            since_ms: row.get(5)?,
            agent: row.get(6)?,
            wait_ms: row.get(7)?,
            ring_ms: row.get(8)?,
        };
        visits.push(columns.visit()?);
    }
    Ok(visits)
}

/// The last of each agent, hotline and state: an older one of the same state tells nothing about now.
fn last_reports(snapshot: &Transaction<'_>, since_ms: i64) -> Result<Vec<AgentReport>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT agent, max(at_ms), hotline, state, reason FROM agent_states WHERE at_ms >= ?1
         GROUP BY agent, hotline, state",
    )?;
    let mut rows = statement.query(params![since_ms])?;
    let mut reports = Vec::new();
    while let Some(row) = rows.next()? {
        reports.push(agents::report(row)?);
    }
    Ok(reports)
}
