//! What is pending towards departments and towards the topic of calls.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::{DepartmentId, HotlineName, TicketId};
use domain::ticket::{TicketVersion, Transition, handed_over};
use tokio_postgres::Row;

use super::super::values::{self, limit, text};
use super::rows::{self, TICKET_COLUMN_COUNT, TICKET_COLUMNS};
use super::{changes, queries, replies};
use crate::StoreError;
use crate::ticket_columns::{self, CURRENT, time};
use crate::tickets::{CallNotice, HandOver, HandOverKey, Pending, SetAside};

/// See [`crate::erasure::TicketErasure::unpublished`].
pub(super) async fn unpublished(
    client: &Object,
    tickets: &[TicketId],
) -> Result<BTreeMap<TicketId, Vec<DepartmentId>>, StoreError> {
    let tickets: Vec<&str> = tickets.iter().map(TicketId::as_str).collect();
    let rows = client
        .query(
            "SELECT ticket_id, department FROM pending_hand_overs WHERE ticket_id = ANY($1)",
            &[&tickets],
        )
        .await?;
    let mut unpublished: BTreeMap<TicketId, Vec<DepartmentId>> = BTreeMap::new();
    for row in &rows {
        let ticket = TicketId::new(row.get::<_, &str>(0));
        let department = DepartmentId::new(row.get::<_, &str>(1));
        unpublished.entry(ticket).or_default().push(department);
    }
    Ok(unpublished)
}

pub(super) async fn pending(
    moment: &Transaction<'_>,
    department: &DepartmentId,
    now: DateTime<Utc>,
    most: usize,
) -> Result<Pending, StoreError> {
    let (now_ms, at_most) = (now.timestamp_millis(), limit(most));
    let find = format!(
        "SELECT {TICKET_COLUMNS}, pending.version, pending.kind, pending.since_ms, pending.refusals
         FROM pending_hand_overs AS pending JOIN tickets USING (ticket_id)
         WHERE pending.department = $1 AND pending.not_before_ms <= $2 ORDER BY pending.sequence LIMIT $3"
    );
    let find = moment.prepare_cached(&find).await?;
    let found = moment
        .query(&find, &[&department.as_str(), &now_ms, &at_most])
        .await?;
    let hand_overs = found.iter().map(|row| hand_over(row, department));
    // A tombstone must not overtake what it buries.
    let find = moment
        .prepare_cached(
            "SELECT ticket_id, version FROM tombstones
             WHERE department = $1 AND due_at_ms <= $2 AND NOT EXISTS
                 (SELECT 1 FROM pending_hand_overs AS pending
                  WHERE pending.department = tombstones.department AND pending.ticket_id = tombstones.ticket_id)
             ORDER BY due_at_ms LIMIT $3",
        )
        .await?;
    let due = moment
        .query(&find, &[&department.as_str(), &now_ms, &at_most])
        .await?;
    let tombstones = due.iter().map(|row| key(row, 0, department));
    Ok(Pending {
        hand_overs: hand_overs.collect::<Result<_, _>>()?,
        tombstones: tombstones.collect::<Result<_, _>>()?,
        results: replies::pending_results(moment, department, most).await?,
    })
}

fn hand_over(row: &Row, department: &DepartmentId) -> Result<HandOver, StoreError> {
    let ticket = rows::ticket(row)?;
    let since = time(row.get(TICKET_COLUMN_COUNT + 2))?;
    Ok(HandOver {
        key: HandOverKey {
            ticket: ticket.id.clone(),
            department: department.clone(),
            version: TicketVersion(values::count(row.get(TICKET_COLUMN_COUNT))?),
        },
        content: ticket_columns::content(row.get(TICKET_COLUMN_COUNT + 1), ticket, since)?,
        refusals: values::count(row.get(TICKET_COLUMN_COUNT + 3))?,
        since,
    })
}

/// Reads `ticket_id, version`.
fn key(row: &Row, first: usize, department: &DepartmentId) -> Result<HandOverKey, StoreError> {
    Ok(HandOverKey {
        ticket: TicketId::new(row.get::<_, &str>(first)),
        department: department.clone(),
        version: TicketVersion(values::count(row.get(first + 1))?),
    })
}

/// Keys as arrays: departments, tickets, versions.
fn columns(keys: &[HandOverKey]) -> (Vec<&str>, Vec<&str>, Vec<i64>) {
    let departments = keys.iter().map(|key| key.department.as_str()).collect();
    let tickets = keys.iter().map(|key| key.ticket.as_str()).collect();
    let versions = keys.iter().map(|key| i64::from(key.version.0)).collect();
    (departments, tickets, versions)
}

pub(super) async fn mark_published(
    transaction: &Transaction<'_>,
    published: &[HandOverKey],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Tickets first, as everywhere: a reply that changes one pends it again afterwards.
    let tickets = queries::lock(transaction, published.iter().map(|key| &key.ticket)).await?;
    let clear = transaction
        .prepare_cached(
            "DELETE FROM pending_hand_overs p
             USING unnest($1::text[], $2::text[], $3::int8[]) AS k (department, ticket_id, version)
             WHERE p.department = k.department AND p.ticket_id = k.ticket_id AND p.version = k.version
             RETURNING p.ticket_id, p.kind",
        )
        .await?;
    let (departments, ids, versions) = columns(published);
    let cleared = transaction
        .query(&clear, &[&departments, &ids, &versions])
        .await?;
    let shown = cleared.iter().filter(|row| row.get::<_, &str>(1) == CURRENT);
    let shown: BTreeSet<&str> = shown.map(|row| row.get(0)).collect();
    let shown = tickets.iter().filter(|ticket| shown.contains(ticket.id.as_str()));
    let transitions: Vec<Transition> = shown.filter_map(|ticket| handed_over(ticket, at)).collect();
    changes::apply_plain(transaction, &transitions).await
}

pub(super) async fn set_aside(
    client: &Object,
    key: &HandOverKey,
    aside: &SetAside,
) -> Result<(), StoreError> {
    client
        .execute(
            "UPDATE pending_hand_overs SET not_before_ms = $4, refusals = refusals + 1, error = $5
             WHERE department = $1 AND ticket_id = $2 AND version = $3",
            &[
                &key.department.as_str(),
                &key.ticket.as_str(),
                &i64::from(key.version.0),
                &aside.retry_at.timestamp_millis(),
                &text(&aside.error),
            ],
        )
        .await?;
    Ok(())
}

pub(super) async fn mark_tombstoned(client: &Object, gone: &[HandOverKey]) -> Result<(), StoreError> {
    let (departments, ids, versions) = columns(gone);
    client
        .execute(
            "DELETE FROM tombstones t
             USING unnest($1::text[], $2::text[], $3::int8[]) AS k (department, ticket_id, version)
             WHERE t.department = k.department AND t.ticket_id = k.ticket_id AND t.version = k.version",
            &[&departments, &ids, &versions],
        )
        .await?;
    Ok(())
}

pub(super) async fn call_notices(client: &Object, most: usize) -> Result<Vec<CallNotice>, StoreError> {
    let find = client
        .prepare_cached(
            "SELECT sequence, identity, ticket_id, hotline, at_ms FROM call_notices ORDER BY sequence LIMIT $1",
        )
        .await?;
    let notice = |row: &Row| {
        Ok(CallNotice {
            sequence: row.get(0),
            identity: values::identity(row.get(1)),
            ticket: TicketId::new(row.get::<_, &str>(2)),
            hotline: HotlineName::new(row.get::<_, &str>(3)),
            at: time(row.get(4))?,
        })
    };
    let rows = client.query(&find, &[&limit(most)]).await?;
    rows.iter().map(notice).collect()
}
