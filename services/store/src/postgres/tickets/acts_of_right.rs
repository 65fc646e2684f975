//! Tickets that something was done with by right of a person.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::TicketId;

use super::super::values::limit;
use super::PostgresTickets;
use crate::StoreError;
use crate::backups::{ActedOn, ActsOfRight};
use crate::ticket_columns::{time, unreadable};

#[async_trait]
impl ActsOfRight for PostgresTickets {
    async fn acted_on(
        &self,
        since: DateTime<Utc>,
        after: Option<TicketId>,
        most: usize,
    ) -> Result<Vec<ActedOn>, StoreError> {
        let after = after.map(|ticket| ticket.to_string()).unwrap_or_default();
        let rows = self
            .database
            .client()
            .await?
            .query(
                "SELECT ticket_history.ticket_id, max(at_ms), max(number)
                 FROM ticket_history JOIN tickets ON tickets.ticket_id = ticket_history.ticket_id
                 WHERE action IN ('rectified', 'restricted', 'restriction_lifted') AND at_ms >= $1
                     AND ticket_history.ticket_id > $2 AND tickets.state <> 'erased'
                 GROUP BY ticket_history.ticket_id ORDER BY ticket_history.ticket_id LIMIT $3",
                &[&since.timestamp_millis(), &after, &limit(most)],
            )
            .await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(ActedOn {
                ticket: TicketId::new(row.get::<_, &str>(0)),
                at: time(row.get(1))?,
                number: u32::try_from(row.get::<_, i64>(2))
                    .map_err(|_| unreadable("a number of the history"))?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn erased_among(&self, tickets: Vec<TicketId>) -> Result<BTreeSet<TicketId>, StoreError> {
        let ids: Vec<&str> = tickets.iter().map(TicketId::as_str).collect();
        let rows = self
            .database
            .client()
            .await?
            .query(
                "SELECT ticket_id FROM tickets WHERE ticket_id = ANY($1) AND state = 'erased'",
                &[&ids],
            )
            .await?;
        Ok(rows
            .iter()
            .map(|row| TicketId::new(row.get::<_, &str>(0)))
            .collect())
    }
}
