//! What agents do, and what they did with calls.

use chrono::{DateTime, Utc};
use domain::agents::{AcceptedAgentReport, AgentReport, AgentState};
use domain::ids::{AgentName, HotlineName};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use crate::StoreError;
use crate::batch::Runs;
use crate::calls::{AgentVisits, Period};
use crate::clocks::{AGENT_STATES, BETWEEN_RUNS};
use crate::packing::unknown;
use crate::sqlite::tallies;

/// Keeps reports; those known before change nothing.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    reports: &[(u32, AcceptedAgentReport)],
    runs: &mut Runs,
) -> Result<(), StoreError> {
    let mut keep = transaction.prepare_cached(
        "INSERT INTO agent_states (agent, at_ms, hotline, state, source, reason, received_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO NOTHING",
    )?;
    for (shard, accepted) in reports {
        let report = &accepted.report;
        let new = keep.execute(params![
            report.agent.as_str(),
            report.at.timestamp_millis(),
            report.hotline.as_ref().map_or("", HotlineName::as_str),
            report.state.code(),
            accepted.source.as_str(),
            report.reason,
            accepted.received_at.timestamp_millis(),
        ])?;
        runs.of(&accepted.run, *shard).new_reports += new as i64;
    }
    Ok(())
}

/// See [`crate::calls::CallStore::agent_reports`].
pub(super) fn reports(connection: &Connection, period: Period) -> Result<Vec<AgentReport>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT agent, at_ms, hotline, state, reason FROM agent_states WHERE at_ms >= ?1 AND at_ms < ?2",
    )?;
    let span = params![period.from.timestamp_millis(), period.to.timestamp_millis()];
    let mut rows = statement.query(span)?;
    let mut reports = Vec::new();
    while let Some(row) = rows.next()? {
        reports.push(report(row)?);
    }
    Ok(reports)
}

/// Reads `agent, at_ms, hotline, state, reason`.
pub(super) fn report(row: &Row<'_>) -> Result<AgentReport, StoreError> {
    let hotline = HotlineName::new(row.get::<_, String>(2)?);
    Ok(AgentReport {
        agent: AgentName::new(row.get::<_, String>(0)?),
        hotline: Some(hotline).filter(|name| !name.as_str().is_empty()),
        at: DateTime::from_timestamp_millis(row.get(1)?).ok_or_else(|| unknown("time of an agent"))?,
        state: AgentState::from_code(row.get(3)?).ok_or_else(|| unknown("state of an agent"))?,
        reason: row.get(4)?,
    })
}

/// See [`crate::calls::CallStore::forget_agent_reports`].
pub(super) fn forget(connection: &mut Connection, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = transaction.execute(
        "DELETE FROM agent_states WHERE at_ms < ?1 AND received_at_ms < ?1",
        [before.timestamp_millis()],
    )?;
    tallies::add(&transaction, BETWEEN_RUNS, AGENT_STATES, gone)?;
    transaction.commit()?;
    Ok(gone as u64)
}

/// See [`crate::calls::CallStore::agent_visits`].
pub(super) fn visits(connection: &Connection, period: Period) -> Result<Vec<AgentVisits>, StoreError> {
    // By hotline, because the index of visits begins with it.
    let mut statement = connection.prepare_cached(
        "SELECT agent, count(*), coalesce(sum(talk_ms), 0), coalesce(sum(hold_ms), 0),
             coalesce(sum(after_call_work_ms), 0)
         FROM visits WHERE hotline_id IN (SELECT hotline_id FROM hotlines) AND offered_at_ms >= ?1
             AND offered_at_ms < ?2 AND agent IS NOT NULL AND counted GROUP BY agent ORDER BY agent",
    )?;
    let span = params![period.from.timestamp_millis(), period.to.timestamp_millis()];
    let rows = statement.query_map(span, |row| {
        Ok(AgentVisits {
            agent: AgentName::new(row.get::<_, String>(0)?),
            answered: row.get(1)?,
            talk_ms: row.get(2)?,
            hold_ms: row.get(3)?,
            after_call_work_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
