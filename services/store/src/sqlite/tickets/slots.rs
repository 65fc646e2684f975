//! Booked slots, and tickets whose due time has something to say.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::booking::service_key;
use domain::ids::DepartmentId;
use domain::ticket::{Alarm, Booking, Ticket, TicketState};
use rusqlite::{Connection, Transaction, params};

use super::SqliteTickets;
use super::rows::{self, TICKET_COLUMNS, collect};
use crate::StoreError;
use crate::schedule::ScheduleStore;
use crate::ticket_columns::{OWED, UNRESTRICTED, time};

#[async_trait]
impl ScheduleStore for SqliteTickets {
    async fn seats_taken(
        &self,
        department: &DepartmentId,
        service: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<BTreeMap<DateTime<Utc>, u32>, StoreError> {
        let (department, service) = (department.clone(), service_key(service));
        self.query(move |connection| {
            let mut count = connection.prepare_cached(
                "SELECT at_ms, count(*) FROM booked_slots
                 WHERE department = ?1 AND service = ?2 AND at_ms >= ?3 AND at_ms < ?4 GROUP BY at_ms",
            )?;
            let within = params![
                department.as_str(),
                service,
                from.timestamp_millis(),
                until.timestamp_millis()
            ];
            let taken = collect(&mut count, within, |row| Ok((time(row.get(0)?)?, row.get(1)?)))?;
            Ok(taken.into_iter().collect())
        })
        .await
    }

    async fn alarming(
        &self,
        next: Alarm,
        due_by: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        self.query(move |connection| alarming(connection, next, due_by, most))
            .await
    }

    async fn overdue(&self, before: DateTime<Utc>) -> Result<BTreeMap<DepartmentId, u32>, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT department, count(*) FROM tickets WHERE {OWED} AND {UNRESTRICTED} AND due_at_ms < ?1 GROUP BY department"
            );
            let mut count = connection.prepare_cached(&sql)?;
            let counted = collect(&mut count, [before.timestamp_millis()], |row| {
                Ok((DepartmentId::new(row.get::<_, String>(0)?), row.get(1)?))
            })?;
            Ok(counted.into_iter().collect())
        })
        .await
    }
}

fn alarming(
    connection: &Connection,
    next: Alarm,
    due_by: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Ticket>, StoreError> {
    let sql = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE next_alarm = ?1 AND due_at_ms <= ?2
         ORDER BY due_at_ms, ticket_id LIMIT ?3"
    );
    collect(
        &mut *connection.prepare_cached(&sql)?,
        params![next.name(), due_by.timestamp_millis(), most as i64],
        rows::ticket,
    )
}

/// Slots that a ticket has no right to any more are free again.
pub(super) fn free_unless_held(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    // What was erased does not say any more that it had slots.
    let had_slots = ticket.schedule.booking.is_some() || ticket.state == TicketState::Erased;
    if had_slots && ticket.held_slots().is_none() {
        free(transaction, ticket)?;
    }
    Ok(())
}

fn free(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM booked_slots WHERE ticket_id = ?1")?
        .execute([ticket.id.as_str()])?;
    Ok(())
}

/// Takes the first free seat of each slot, and gives up those that the ticket had.
pub(super) fn book(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    booking: &Booking,
    capacity: u16,
) -> Result<(), StoreError> {
    free(transaction, ticket)?;
    let service = service_key(&booking.service);
    let mut take = transaction.prepare_cached(
        "WITH RECURSIVE seats (seat) AS (SELECT 0 UNION ALL SELECT seat + 1 FROM seats WHERE seat + 1 < ?4)
         INSERT INTO booked_slots (department, service, at_ms, seat, ticket_id)
         SELECT ?1, ?2, ?3, seat, ?5 FROM seats
         WHERE seat NOT IN (SELECT seat FROM booked_slots WHERE department = ?1 AND service = ?2 AND at_ms = ?3)
         ORDER BY seat LIMIT 1",
    )?;
    for slot in &booking.slots {
        let taken = take.execute(params![
            booking.department.as_str(),
            service,
            slot.timestamp_millis(),
            capacity,
            ticket.id.as_str()
        ])?;
        if taken == 0 {
            return Err(StoreError::SlotTaken(*slot));
        }
    }
    Ok(())
}
