//! Deleting tickets whose time is over.

use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::TicketId;
use domain::procedure::ProcedureId;

use super::super::tallies;
use super::super::values::{limit, text};
use super::rows::{self, TICKET_COLUMNS};
use super::{PostgresTickets, begin};
use crate::StoreError;
use crate::retention::{
    AgedQuery, AgedTicket, Gone, PastItems, REJECTED_REPLIES, RunId, Step, Tally, TicketPurge,
    TicketRetention,
};
use crate::ticket_columns::{NOT_RESTRICTED, ON_ITS_WAY, REJECTED_AND_TOLD};

pub(super) const TALLIES: &str = "retention_ticket_tallies";

#[async_trait]
impl TicketRetention for PostgresTickets {
    async fn procedures_kept(&self) -> Result<Vec<ProcedureId>, StoreError> {
        let client = self.database.client().await?;
        let rows = client
            .query("SELECT DISTINCT procedure FROM tickets ORDER BY procedure", &[])
            .await?;
        Ok(rows
            .iter()
            .map(|row| ProcedureId::new(row.get::<_, String>(0)))
            .collect())
    }

    async fn aged_tickets(&self, query: AgedQuery) -> Result<Vec<AgedTicket>, StoreError> {
        let (after_ms, after) = match &query.after {
            Some(after) => (after.at.timestamp_millis(), text(after.id.as_str())),
            None => (i64::MIN, text("")),
        };
        let client = self.database.client().await?;
        let find = format!(
            "SELECT {TICKET_COLUMNS}, {ON_ITS_WAY} AS is_on_its_way FROM tickets
             WHERE procedure = $1 AND created_at_ms < $2 AND {NOT_RESTRICTED} AND (created_at_ms, ticket_id) > ($3, $4)
             ORDER BY created_at_ms, ticket_id LIMIT $5"
        );
        let find = client.prepare_cached(&find).await?;
        let rows = client
            .query(
                &find,
                &[
                    &text(query.procedure.as_str()),
                    &query.created_before.timestamp_millis(),
                    &after_ms,
                    &after,
                    &limit(query.most),
                ],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AgedTicket {
                    ticket: rows::ticket(row)?,
                    is_on_its_way: row.get("is_on_its_way"),
                })
            })
            .collect()
    }

    async fn hasten_ends(&self, tickets: &[TicketId], at: DateTime<Utc>) -> Result<(), StoreError> {
        let ids: Vec<_> = tickets.iter().map(|id| text(id.as_str())).collect();
        let client = self.database.client().await?;
        client
            .execute(
                "UPDATE tombstones SET due_at_ms = $2 WHERE ticket_id = ANY($1) AND due_at_ms > $2",
                &[&ids, &at.timestamp_millis()],
            )
            .await?;
        Ok(())
    }

    async fn purge_tickets(&self, purge: TicketPurge) -> Result<Gone, StoreError> {
        let mut client = self.database.client().await?;
        let begun = Instant::now();
        let transaction = begin(&mut client).await?;
        let ids: Vec<_> = purge.tickets.iter().map(|(id, _)| text(id.as_str())).collect();
        let lengths: Vec<i64> = purge
            .tickets
            .iter()
            .map(|(_, length)| i64::from(*length))
            .collect();
        // The rows of tickets are the locks of all that belongs to them; whoever comes later finds them gone.
        let lock = transaction
            .prepare_cached(
                "SELECT ticket_id FROM tickets JOIN unnest($1::text[], $2::int8[]) AS w (id, length)
                     ON ticket_id = id AND history_length = length
                 ORDER BY ticket_id FOR UPDATE OF tickets",
            )
            .await?;
        let locked: Vec<String> = transaction
            .query(&lock, &[&ids, &lengths])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let stay = format!(
            "SELECT ticket_id FROM tickets WHERE ticket_id = ANY($1) AND {NOT_RESTRICTED} AND NOT {ON_ITS_WAY} ORDER BY ticket_id"
        );
        let stay = transaction.prepare_cached(&stay).await?;
        let gone: Vec<String> = transaction
            .query(&stay, &[&locked])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        // History, keys, mails and seats go with the ticket.
        for table in ["replies", "tickets"] {
            let delete = format!("DELETE FROM {table} WHERE ticket_id = ANY($1)");
            let delete = transaction.prepare_cached(&delete).await?;
            transaction.execute(&delete, &[&gone]).await?;
        }
        let procedure = text(purge.procedure.as_str());
        tallies::add(&transaction, TALLIES, purge.run, &procedure, gone.len() as u64).await?;
        transaction.commit().await?;
        Ok(Gone {
            items: gone.len(),
            held: begun.elapsed(),
        })
    }

    async fn past_rejected_replies(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = format!(
            "SELECT count(*), min(r.at_ms) FROM replies r WHERE r.at_ms < $1 AND {REJECTED_AND_TOLD}"
        );
        tallies::past(&client, &sql, &[&before.timestamp_millis()]).await
    }

    async fn purge_rejected_replies(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let mut client = self.database.client().await?;
        let begun = Instant::now();
        let transaction = begin(&mut client).await?;
        let sql = format!(
            "DELETE FROM replies WHERE (department, reply_id) IN
                 (SELECT r.department, r.reply_id FROM replies r WHERE r.at_ms < $1 AND {REJECTED_AND_TOLD}
                  ORDER BY r.at_ms LIMIT $2)"
        );
        let gone = transaction
            .execute(&sql, &[&before.timestamp_millis(), &limit(step.most)])
            .await?;
        tallies::add(&transaction, TALLIES, run, REJECTED_REPLIES, gone).await?;
        transaction.commit().await?;
        Ok(Gone {
            items: usize::try_from(gone).unwrap_or(usize::MAX),
            held: begun.elapsed(),
        })
    }

    async fn take_over_tickets(&self, run: RunId) -> Result<(), StoreError> {
        tallies::take_over(&self.database.client().await?, TALLIES, run).await
    }

    async fn ticket_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        let client = self.database.client().await?;
        let sql = format!("SELECT what, items FROM {TALLIES} WHERE run_id = $1 ORDER BY what");
        let rows = client.query(&sql, &[&run]).await?;
        let tally = |(what, items)| Tally {
            what,
            part: String::new(),
            items,
        };
        Ok(rows.iter().map(tallies::read).map(tally).collect())
    }

    /// The log is the server's own.
    async fn empty_ticket_log(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
