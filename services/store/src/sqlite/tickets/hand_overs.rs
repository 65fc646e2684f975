//! What is pending towards departments and towards the topic of calls.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, HotlineName, Identity, TicketId};
use domain::ticket::{TicketVersion, handed_over};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::rows::{self, TICKET_COLUMN_COUNT, TICKET_COLUMNS, collect};
use super::{changes, queries, replies};
use crate::StoreError;
use crate::ticket_columns::{self, CURRENT, time};
use crate::tickets::{CallNotice, HandOver, HandOverKey, Pending, SetAside};

/// See [`crate::erasure::TicketErasure::unpublished`].
pub(super) fn unpublished(
    connection: &Connection,
    tickets: &[TicketId],
) -> Result<BTreeMap<TicketId, Vec<DepartmentId>>, StoreError> {
    let mut find =
        connection.prepare_cached("SELECT department FROM pending_hand_overs WHERE ticket_id = ?1")?;
    let mut unpublished = BTreeMap::new();
    for ticket in tickets {
        let departments = find.query_map([ticket.as_str()], |row| {
            Ok(DepartmentId::new(row.get::<_, String>(0)?))
        })?;
        let departments: Vec<DepartmentId> = departments.collect::<Result<_, _>>()?;
        if !departments.is_empty() {
            unpublished.insert(ticket.clone(), departments);
        }
    }
    Ok(unpublished)
}

pub(super) fn pending(
    connection: &Connection,
    department: &DepartmentId,
    now: DateTime<Utc>,
    most: usize,
) -> Result<Pending, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let now_ms = now.timestamp_millis();
    let sql = format!(
        "SELECT {TICKET_COLUMNS}, pending.version, pending.kind, pending.since_ms, pending.refusals
         FROM pending_hand_overs AS pending JOIN tickets USING (ticket_id)
         WHERE pending.department = ?1 AND pending.not_before_ms <= ?2 ORDER BY pending.sequence LIMIT ?3"
    );
    let hand_overs = collect(
        &mut *moment.prepare_cached(&sql)?,
        params![department.as_str(), now_ms, most as i64],
        |row| hand_over(row, department),
    )?;
    // A tombstone must not overtake what it buries.
    let tombstones = collect(
        &mut *moment.prepare_cached(
            "SELECT ticket_id, version FROM tombstones
             WHERE department = ?1 AND due_at_ms <= ?2 AND NOT EXISTS
                 (SELECT 1 FROM pending_hand_overs AS pending
                  WHERE pending.department = tombstones.department AND pending.ticket_id = tombstones.ticket_id)
             ORDER BY due_at_ms LIMIT ?3",
        )?,
        params![department.as_str(), now_ms, most as i64],
        |row| {
            Ok(HandOverKey {
                ticket: TicketId::new(row.get::<_, String>(0)?),
                department: department.clone(),
                version: TicketVersion(row.get(1)?),
            })
        },
    )?;
    let results = replies::pending_results(&moment, department, most)?;
    Ok(Pending {
        hand_overs,
        tombstones,
        results,
    })
}

fn hand_over(row: &Row<'_>, department: &DepartmentId) -> Result<HandOver, StoreError> {
    let ticket = rows::ticket(row)?;
    let kind: String = row.get(TICKET_COLUMN_COUNT + 1)?;
    let since = time(row.get(TICKET_COLUMN_COUNT + 2)?)?;
    let key = HandOverKey {
        ticket: ticket.id.clone(),
        department: department.clone(),
        version: TicketVersion(row.get(TICKET_COLUMN_COUNT)?),
    };
    let content = ticket_columns::content(&kind, ticket, since)?;
    Ok(HandOver {
        key,
        content,
        refusals: row.get(TICKET_COLUMN_COUNT + 3)?,
        since,
    })
}

pub(super) fn mark_published(
    transaction: &Transaction<'_>,
    key: &HandOverKey,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let kind: Option<String> = transaction
        .prepare_cached(
            "DELETE FROM pending_hand_overs WHERE department = ?1 AND ticket_id = ?2 AND version = ?3 RETURNING kind",
        )?
        .query_row(key_params(key), |row| row.get(0))
        .optional()?;
    if kind.as_deref() != Some(CURRENT) {
        return Ok(());
    }
    let Some(ticket) = queries::ticket(transaction, &key.ticket)? else {
        return Ok(());
    };
    match handed_over(&ticket, at) {
        Some(transition) => changes::apply(transaction, &transition),
        None => Ok(()),
    }
}

pub(super) fn set_aside(
    transaction: &Transaction<'_>,
    key: &HandOverKey,
    aside: &SetAside,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "UPDATE pending_hand_overs SET not_before_ms = ?4, refusals = refusals + 1, error = ?5
             WHERE department = ?1 AND ticket_id = ?2 AND version = ?3",
        )?
        .execute(params![
            key.department.as_str(),
            key.ticket.as_str(),
            key.version.0,
            aside.retry_at.timestamp_millis(),
            aside.error
        ])?;
    Ok(())
}

pub(super) fn mark_tombstoned(transaction: &Transaction<'_>, key: &HandOverKey) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM tombstones WHERE department = ?1 AND ticket_id = ?2 AND version = ?3")?
        .execute(key_params(key))?;
    Ok(())
}

pub(super) fn call_notices(connection: &Connection, most: usize) -> Result<Vec<CallNotice>, StoreError> {
    collect(
        &mut *connection.prepare_cached(
            "SELECT sequence, identity, ticket_id, hotline, at_ms FROM call_notices ORDER BY sequence LIMIT ?1",
        )?,
        [most as i64],
        |row| {
            Ok(CallNotice {
                sequence: row.get(0)?,
                identity: Identity(row.get(1)?),
                ticket: TicketId::new(row.get::<_, String>(2)?),
                hotline: HotlineName::new(row.get::<_, String>(3)?),
                at: time(row.get(4)?)?,
            })
        },
    )
}

pub(super) fn mark_notices_published(
    transaction: &Transaction<'_>,
    sequences: &[i64],
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached("DELETE FROM call_notices WHERE sequence = ?1")?;
    for sequence in sequences {
        statement.execute([sequence])?;
    }
    Ok(())
}

fn key_params(key: &HandOverKey) -> (&str, &str, u32) {
    (key.department.as_str(), key.ticket.as_str(), key.version.0)
}
