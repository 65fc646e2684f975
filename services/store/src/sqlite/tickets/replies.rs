//! The inbox of replies: each is settled once.

use std::collections::BTreeMap;

use domain::ids::{DepartmentId, ReplyId, TicketId};
use rusqlite::{Connection, Row, Transaction, params};

use super::rows::collect;
use super::{changes, stray_replies};
use crate::StoreError;
use crate::ticket_columns::{self, time, verdict_columns};
use crate::tickets::{PendingResult, ReplyAdvance, ReplyOutcome, Settled, Settlement};

pub(super) fn positions(connection: &Connection, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT partition, position FROM reply_positions WHERE topic_id = ?1")?;
    let rows = statement.query_map([topic_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn outcome(
    connection: &Connection,
    department: &DepartmentId,
    reply: &ReplyId,
) -> Result<Option<ReplyOutcome>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT ticket_id, at_ms, state, version, code, reason FROM replies WHERE department = ?1 AND reply_id = ?2",
    )?;
    let mut known = collect(&mut statement, [department.as_str(), reply.as_str()], |row| {
        read_outcome(row, 0)
    })?;
    Ok(known.pop())
}

/// Reads `ticket_id, at_ms, state, version, code, reason`.
fn read_outcome(row: &Row<'_>, first: usize) -> Result<ReplyOutcome, StoreError> {
    let columns = (
        row.get(first + 2)?,
        row.get(first + 3)?,
        row.get(first + 4)?,
        row.get(first + 5)?,
    );
    Ok(ReplyOutcome {
        ticket: TicketId::new(row.get::<_, String>(first)?),
        verdict: ticket_columns::verdict(columns)?,
        at: time(row.get(first + 1)?)?,
    })
}

pub(super) fn settle(transaction: &Transaction<'_>, settlement: &Settlement) -> Result<Settled, StoreError> {
    advance(transaction, &settlement.advance)?;
    let (department, reply) = (&settlement.department, &settlement.reply);
    let before = outcome(transaction, department, reply)?;
    if before.is_none() {
        if let Some(transition) = &settlement.transition {
            changes::apply(transaction, transition)?;
        }
        keep(transaction, settlement)?;
    }
    stray_replies::add(transaction, department, &settlement.stray_for)?;
    transaction
        .prepare_cached("INSERT INTO pending_results (department, reply_id) VALUES (?1, ?2)")?
        .execute([department.as_str(), reply.as_str()])?;
    Ok(before.map_or(Settled::Now, Settled::Before))
}

fn keep(transaction: &Transaction<'_>, settlement: &Settlement) -> Result<(), StoreError> {
    let outcome = &settlement.outcome;
    let (state, version, code, reason) = verdict_columns(&outcome.verdict);
    transaction
        .prepare_cached(
            "INSERT INTO replies (department, reply_id, ticket_id, at_ms, state, version, code, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            settlement.department.as_str(),
            settlement.reply.as_str(),
            outcome.ticket.as_str(),
            outcome.at.timestamp_millis(),
            state,
            version,
            code,
            reason
        ])?;
    Ok(())
}

/// Moves a position from where it is expected; nobody else may have moved it.
pub(super) fn advance(transaction: &Transaction<'_>, advance: &ReplyAdvance) -> Result<(), StoreError> {
    let known = params![
        advance.topic_id,
        advance.partition,
        advance.next,
        advance.expected
    ];
    let mut moved = transaction
        .prepare_cached(
            "UPDATE reply_positions SET position = ?3 WHERE topic_id = ?1 AND partition = ?2 AND position = ?4",
        )?
        .execute(known)?;
    if moved == 0 && advance.expected == 0 {
        moved = transaction
            .prepare_cached(
                "INSERT INTO reply_positions (topic_id, partition, position) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![advance.topic_id, advance.partition, advance.next])?;
    }
    if moved == 0 {
        return Err(StoreError::Conflict("the reading position of replies".to_owned()));
    }
    Ok(())
}

pub(super) fn pending_results(
    connection: &Connection,
    department: &DepartmentId,
    most: usize,
) -> Result<Vec<PendingResult>, StoreError> {
    collect(
        &mut *connection.prepare_cached(
            "SELECT sequence, reply_id, ticket_id, at_ms, state, version, code, reason
             FROM pending_results JOIN replies USING (department, reply_id)
             WHERE department = ?1 ORDER BY sequence LIMIT ?2",
        )?,
        params![department.as_str(), most as i64],
        |row| {
            Ok(PendingResult {
                sequence: row.get(0)?,
                reply: ReplyId::new(row.get::<_, String>(1)?),
                outcome: read_outcome(row, 2)?,
            })
        },
    )
}

pub(super) fn mark_published(transaction: &Transaction<'_>, sequences: &[i64]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached("DELETE FROM pending_results WHERE sequence = ?1")?;
    for sequence in sequences {
        statement.execute([sequence])?;
    }
    Ok(())
}
