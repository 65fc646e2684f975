//! Booked slots, and tickets whose due time has something to say.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use domain::booking::service_key;
use domain::ids::DepartmentId;
use domain::ticket::{Alarm, Booking, Ticket, TicketState};

use super::super::values::{count, limit, text};
use super::PostgresTickets;
use super::rows::{self, TICKET_COLUMNS};
use crate::StoreError;
use crate::schedule::ScheduleStore;
use crate::ticket_columns::{OWED, UNRESTRICTED, time};

#[async_trait]
impl ScheduleStore for PostgresTickets {
    async fn seats_taken(
        &self,
        department: &DepartmentId,
        service: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<BTreeMap<DateTime<Utc>, u32>, StoreError> {
        let client = self.database.client().await?;
        let find = client
            .prepare_cached(
                "SELECT at_ms, count(*) FROM booked_slots
                 WHERE department = $1 AND service = $2 AND at_ms >= $3 AND at_ms < $4 GROUP BY at_ms",
            )
            .await?;
        let service = service_key(service);
        let taken = client
            .query(
                &find,
                &[
                    &department.as_str(),
                    &text(&service),
                    &from.timestamp_millis(),
                    &until.timestamp_millis(),
                ],
            )
            .await?;
        taken
            .iter()
            .map(|row| Ok((time(row.get(0))?, count(row.get(1))?)))
            .collect()
    }

    async fn alarming(
        &self,
        next: Alarm,
        due_by: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        let client = self.database.client().await?;
        let find = format!(
            "SELECT {TICKET_COLUMNS} FROM tickets WHERE next_alarm = $1 AND due_at_ms <= $2
             ORDER BY due_at_ms, ticket_id LIMIT $3"
        );
        let find = client.prepare_cached(&find).await?;
        let found = client
            .query(&find, &[&next.name(), &due_by.timestamp_millis(), &limit(most)])
            .await?;
        found.iter().map(rows::ticket).collect()
    }

    async fn overdue(&self, before: DateTime<Utc>) -> Result<BTreeMap<DepartmentId, u32>, StoreError> {
        let client = self.database.client().await?;
        let find = format!(
            "SELECT department, count(*) FROM tickets WHERE {OWED} AND {UNRESTRICTED} AND due_at_ms < $1 GROUP BY department"
        );
        let find = client.prepare_cached(&find).await?;
        let counted = client.query(&find, &[&before.timestamp_millis()]).await?;
        let department = |row: &tokio_postgres::Row| {
            let department = DepartmentId::new(row.get::<_, &str>(0));
            Ok((department, count(row.get(1))?))
        };
        counted.iter().map(department).collect()
    }
}

/// Slots that a ticket has no right to any more are free again.
pub(super) async fn free_unless_held(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
) -> Result<(), StoreError> {
    // What was erased does not say any more that it had slots.
    let had_slots = ticket.schedule.booking.is_some() || ticket.state == TicketState::Erased;
    if had_slots && ticket.held_slots().is_none() {
        free(transaction, ticket).await?;
    }
    Ok(())
}

async fn free(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let free = transaction
        .prepare_cached("DELETE FROM booked_slots WHERE ticket_id = $1")
        .await?;
    transaction.execute(&free, &[&ticket.id.as_str()]).await?;
    Ok(())
}

/// Takes the first free seat of each slot, and gives up those that the ticket had.
///
/// Who books slots of a service waits for whoever does so at the same time; the row of the ticket is locked before.
/// Another booking of a seat would still be refused by the key.
pub(super) async fn book(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    booking: &Booking,
    capacity: u16,
) -> Result<(), StoreError> {
    let (department, service) = (booking.department.as_str(), service_key(&booking.service));
    let service = text(&service);
    transaction
        .execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('slots ' || $1 || ' ' || $2, 0))",
            &[&department, &service],
        )
        .await?;
    free(transaction, ticket).await?;
    let take = transaction
        .prepare_cached(
            "INSERT INTO booked_slots (department, service, at_ms, seat, ticket_id)
             SELECT $1, $2, $3, seat, $5 FROM generate_series(0::bigint, $4::bigint - 1) AS seats (seat)
             WHERE NOT EXISTS (SELECT FROM booked_slots AS taken WHERE taken.department = $1 AND taken.service = $2
                 AND taken.at_ms = $3 AND taken.seat = seats.seat)
             ORDER BY seat LIMIT 1",
        )
        .await?;
    for slot in &booking.slots {
        let taken = transaction
            .execute(
                &take,
                &[
                    &department,
                    &service,
                    &slot.timestamp_millis(),
                    &i64::from(capacity),
                    &ticket.id.as_str(),
                ],
            )
            .await?;
        if taken == 0 {
            return Err(StoreError::SlotTaken(*slot));
        }
    }
    Ok(())
}
