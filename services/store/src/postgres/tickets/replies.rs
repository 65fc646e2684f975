//! The inbox of replies: each is settled once.

use std::collections::BTreeMap;

use deadpool_postgres::{GenericClient, Object, Transaction};
use domain::ids::{DepartmentId, ReplyId, TicketId};
use tokio_postgres::Row;

use super::super::values::{self, limit, partition_column, text};
use super::{changes, stray_replies};
use crate::StoreError;
use crate::ticket_columns::{self, time, verdict_columns};
use crate::tickets::{PendingResult, ReplyAdvance, ReplyOutcome, Settled, Settlement};

pub(super) async fn positions(client: &Object, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
    let find = client
        .prepare_cached("SELECT partition, position FROM reply_positions WHERE topic_id = $1")
        .await?;
    let rows = client.query(&find, &[&text(topic_id)]).await?;
    let position = |row: &Row| Ok((values::partition(row.get(0))?, row.get(1)));
    rows.iter().map(position).collect()
}

pub(super) async fn outcome(
    client: &impl GenericClient,
    department: &DepartmentId,
    reply: &ReplyId,
) -> Result<Option<ReplyOutcome>, StoreError> {
    let find = client
        .prepare_cached(
            "SELECT ticket_id, at_ms, state, version, code, reason FROM replies
             WHERE department = $1 AND reply_id = $2",
        )
        .await?;
    let known = client
        .query_opt(&find, &[&department.as_str(), &text(reply.as_str())])
        .await?;
    known.map(|row| read_outcome(&row, 0)).transpose()
}

/// Reads `ticket_id, at_ms, state, version, code, reason`.
fn read_outcome(row: &Row, first: usize) -> Result<ReplyOutcome, StoreError> {
    let version = row
        .get::<_, Option<i64>>(first + 3)
        .map(values::count)
        .transpose()?;
    let columns = (
        row.get(first + 2),
        version,
        row.get(first + 4),
        row.get(first + 5),
    );
    Ok(ReplyOutcome {
        ticket: TicketId::new(row.get::<_, &str>(first)),
        verdict: ticket_columns::verdict(columns)?,
        at: time(row.get(first + 1))?,
    })
}

pub(super) async fn settle(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
) -> Result<Settled, StoreError> {
    advance(transaction, &settlement.advance).await?;
    let (department, reply) = (&settlement.department, &settlement.reply);
    let before = outcome(transaction, department, reply).await?;
    if before.is_none() {
        if let Some(transition) = &settlement.transition {
            changes::apply(transaction, transition).await?;
        }
        keep(transaction, settlement).await?;
    }
    stray_replies::add(transaction, department, &settlement.stray_for).await?;
    transaction
        .execute(
            "INSERT INTO pending_results (department, reply_id) VALUES ($1, $2)",
            &[&department.as_str(), &text(reply.as_str())],
        )
        .await?;
    Ok(before.map_or(Settled::Now, Settled::Before))
}

async fn keep(transaction: &Transaction<'_>, settlement: &Settlement) -> Result<(), StoreError> {
    let outcome = &settlement.outcome;
    let (state, version, code, reason) = verdict_columns(&outcome.verdict);
    let keep = transaction
        .prepare_cached(
            "INSERT INTO replies (department, reply_id, ticket_id, at_ms, state, version, code, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .await?;
    let kept = transaction
        .execute(
            &keep,
            &[
                &settlement.department.as_str(),
                &text(settlement.reply.as_str()),
                &text(outcome.ticket.as_str()),
                &outcome.at.timestamp_millis(),
                &state,
                &version.map(i64::from),
                &code,
                &reason.map(text),
            ],
        )
        .await?;
    match kept {
        1 => Ok(()),
        _ => Err(StoreError::Conflict("the outcome of a reply".to_owned())),
    }
}

/// Moves a position from where it is expected; nobody else may have moved it.
pub(super) async fn advance(client: &impl GenericClient, advance: &ReplyAdvance) -> Result<(), StoreError> {
    let topic_id = text(&advance.topic_id);
    let partition = partition_column(advance.partition)?;
    let mut moved = client
        .execute(
            "UPDATE reply_positions SET position = $3 WHERE topic_id = $1 AND partition = $2 AND position = $4",
            &[&topic_id, &partition, &advance.next, &advance.expected],
        )
        .await?;
    if moved == 0 && advance.expected == 0 {
        moved = client
            .execute(
                "INSERT INTO reply_positions (topic_id, partition, position) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                &[&topic_id, &partition, &advance.next],
            )
            .await?;
    }
    match moved {
        0 => Err(StoreError::Conflict("the reading position of replies".to_owned())),
        _ => Ok(()),
    }
}

pub(super) async fn pending_results(
    moment: &Transaction<'_>,
    department: &DepartmentId,
    most: usize,
) -> Result<Vec<PendingResult>, StoreError> {
    let find = moment
        .prepare_cached(
            "SELECT sequence, reply_id, ticket_id, at_ms, state, version, code, reason
             FROM pending_results JOIN replies USING (department, reply_id)
             WHERE department = $1 ORDER BY sequence LIMIT $2",
        )
        .await?;
    let rows = moment.query(&find, &[&department.as_str(), &limit(most)]).await?;
    let result = |row: &Row| {
        Ok(PendingResult {
            sequence: row.get(0),
            reply: ReplyId::new(row.get::<_, &str>(1)),
            outcome: read_outcome(row, 2)?,
        })
    };
    rows.iter().map(result).collect()
}
