//! What agents do, and what they did with calls.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::agents::{AcceptedAgentReport, AgentReport, AgentState};
use domain::ids::{AgentName, HotlineName, ImportRun};
use tokio_postgres::Row;

use super::super::tallies;
use super::super::values::text;
use super::retention::{TALLIES, begin};
use crate::StoreError;
use crate::batch::Runs;
use crate::calls::{AgentVisits, Period};
use crate::clocks::{AGENT_STATES, BETWEEN_RUNS};
use crate::packing::unknown;

/// Keeps reports; those known before change nothing.
pub(super) async fn keep(
    transaction: &Transaction<'_>,
    reports: &[(u32, AcceptedAgentReport)],
    runs: &mut Runs,
) -> Result<(), StoreError> {
    if reports.is_empty() {
        return Ok(());
    }
    let keep = transaction
        .prepare_cached(
            "INSERT INTO agent_states (agent, at_ms, hotline, state, source, reason, received_at_ms)
             SELECT * FROM unnest($1::text[], $2::int8[], $3::text[], $4::int2[], $5::text[], $6::text[],
                 $7::int8[])
             ON CONFLICT DO NOTHING",
        )
        .await?;
    let mut by_run: BTreeMap<(&ImportRun, u32), Vec<&AcceptedAgentReport>> = BTreeMap::new();
    for (shard, accepted) in reports {
        by_run.entry((&accepted.run, *shard)).or_default().push(accepted);
    }
    for ((run, shard), mut told) in by_run {
        // In one order everywhere, so that instances do not wait for each other in a circle.
        told.sort_by(|left, right| {
            let key = |accepted: &AcceptedAgentReport| (accepted.report.agent.clone(), accepted.report.at);
            key(left).cmp(&key(right))
        });
        let reports = || told.iter().map(|accepted| &accepted.report);
        let agents: Vec<_> = reports().map(|report| text(report.agent.as_str())).collect();
        let times: Vec<i64> = reports().map(|report| report.at.timestamp_millis()).collect();
        let hotlines: Vec<_> = reports()
            .map(|report| text(report.hotline.as_ref().map_or("", HotlineName::as_str)))
            .collect();
        let states: Vec<i16> = reports().map(|report| report.state.code()).collect();
        let sources: Vec<_> = told
            .iter()
            .map(|accepted| text(accepted.source.as_str()))
            .collect();
        let reasons: Vec<_> = reports()
            .map(|report| report.reason.as_deref().map(text))
            .collect();
        let received = told
            .iter()
            .map(|accepted| accepted.received_at.timestamp_millis());
        let received: Vec<i64> = received.collect();
        let new = transaction
            .execute(
                &keep,
                &[&agents, &times, &hotlines, &states, &sources, &reasons, &received],
            )
            .await?;
        runs.of(run, shard).new_reports += i64::try_from(new).unwrap_or(i64::MAX);
    }
    Ok(())
}

/// See [`crate::calls::CallStore::agent_reports`].
pub(super) async fn reports(client: &Object, period: Period) -> Result<Vec<AgentReport>, StoreError> {
    let rows = client
        .query(
            "SELECT agent, at_ms, hotline, state, reason FROM agent_states WHERE at_ms >= $1 AND at_ms < $2",
            &[&period.from.timestamp_millis(), &period.to.timestamp_millis()],
        )
        .await?;
    rows.iter().map(report).collect()
}

/// Reads `agent, at_ms, hotline, state, reason`.
pub(super) fn report(row: &Row) -> Result<AgentReport, StoreError> {
    let hotline = HotlineName::new(row.get::<_, &str>(2));
    Ok(AgentReport {
        agent: AgentName::new(row.get::<_, &str>(0)),
        hotline: Some(hotline).filter(|name| !name.as_str().is_empty()),
        at: DateTime::from_timestamp_millis(row.get(1)).ok_or_else(|| unknown("time of an agent"))?,
        state: AgentState::from_code(row.get(3)).ok_or_else(|| unknown("state of an agent"))?,
        reason: row.get(4),
    })
}

/// See [`crate::calls::CallStore::forget_agent_reports`].
pub(super) async fn forget(client: &mut Object, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let before_ms = before.timestamp_millis();
    let transaction = begin(client).await?;
    let gone = transaction
        .execute(
            "DELETE FROM agent_states WHERE at_ms < $1 AND received_at_ms < $1",
            &[&before_ms],
        )
        .await?;
    tallies::add(&transaction, TALLIES, BETWEEN_RUNS, AGENT_STATES, gone).await?;
    transaction.commit().await?;
    Ok(gone)
}

/// See [`crate::calls::CallStore::agent_visits`].
pub(super) async fn visits(client: &Object, period: Period) -> Result<Vec<AgentVisits>, StoreError> {
    let rows = client
        .query(
            "SELECT agent, count(*), coalesce(sum(talk_ms), 0)::int8, coalesce(sum(hold_ms), 0)::int8,
                 coalesce(sum(after_call_work_ms), 0)::int8
             FROM visits WHERE offered_at_ms >= $1 AND offered_at_ms < $2 AND agent IS NOT NULL AND counted
             GROUP BY agent ORDER BY agent COLLATE \"C\"",
            &[&period.from.timestamp_millis(), &period.to.timestamp_millis()],
        )
        .await?;
    let sums = |row: &Row| AgentVisits {
        agent: AgentName::new(row.get::<_, &str>(0)),
        answered: row.get(1),
        talk_ms: row.get(2),
        hold_ms: row.get(3),
        after_call_work_ms: row.get(4),
    };
    Ok(rows.iter().map(sums).collect())
}
