//! Tickets that something was done with by right of a person.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::TicketId;
use rusqlite::params;

use super::SqliteTickets;
use super::rows::collect;
use crate::StoreError;
use crate::backups::{ActedOn, ActsOfRight};
use crate::ticket_columns::time;

#[async_trait]
impl ActsOfRight for SqliteTickets {
    async fn acted_on(
        &self,
        since: DateTime<Utc>,
        after: Option<TicketId>,
        most: usize,
    ) -> Result<Vec<ActedOn>, StoreError> {
        let after = after.map(|ticket| ticket.to_string()).unwrap_or_default();
        self.query(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT history.ticket_id, max(history.at_ms), max(history.number)
                 FROM history JOIN tickets ON tickets.ticket_id = history.ticket_id
                 WHERE history.action IN ('rectified', 'restricted', 'restriction_lifted') AND history.at_ms >= ?1
                     AND history.ticket_id > ?2 AND tickets.state <> 'erased'
                 GROUP BY history.ticket_id ORDER BY history.ticket_id LIMIT ?3",
            )?;
            collect(
                &mut find,
                params![since.timestamp_millis(), after, most as i64],
                |row| {
                    Ok(ActedOn {
                        ticket: TicketId::new(row.get::<_, String>(0)?),
                        at: time(row.get(1)?)?,
                        number: row.get(2)?,
                    })
                },
            )
        })
        .await
    }

    async fn erased_among(&self, tickets: Vec<TicketId>) -> Result<BTreeSet<TicketId>, StoreError> {
        self.query(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM tickets WHERE ticket_id = ?1 AND state = 'erased')",
            )?;
            let mut erased = BTreeSet::new();
            for ticket in tickets {
                if find.query_row([ticket.as_str()], |row| row.get(0))? {
                    erased.insert(ticket);
                }
            }
            Ok(erased)
        })
        .await
    }
}
