//! Deleting tickets whose time is over.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::TicketId;
use domain::procedure::ProcedureId;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::SqliteTickets;
use super::rows::{self, TICKET_COLUMN_COUNT, TICKET_COLUMNS, collect};
use crate::StoreError;
use crate::retention::{
    AgedQuery, AgedTicket, Gone, PastItems, REJECTED_REPLIES, RunId, Step, Tally, TicketPurge,
    TicketRetention,
};
use crate::sqlite::tallies;
use crate::ticket_columns::{NOT_RESTRICTED, ON_ITS_WAY, REJECTED_AND_TOLD};

#[async_trait]
impl TicketRetention for SqliteTickets {
    async fn procedures_kept(&self) -> Result<Vec<ProcedureId>, StoreError> {
        self.query(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT DISTINCT procedure FROM tickets ORDER BY procedure")?;
            collect(&mut statement, [], |row| {
                Ok(ProcedureId::new(row.get::<_, String>(0)?))
            })
        })
        .await
    }

    async fn aged_tickets(&self, query: AgedQuery) -> Result<Vec<AgedTicket>, StoreError> {
        self.query(move |connection| aged(connection, &query)).await
    }

    async fn hasten_ends(&self, tickets: &[TicketId], at: DateTime<Utc>) -> Result<(), StoreError> {
        let tickets = tickets.to_vec();
        self.unit(move |transaction| {
            let mut hasten = transaction.prepare_cached(
                "UPDATE tombstones SET due_at_ms = ?2 WHERE ticket_id = ?1 AND due_at_ms > ?2",
            )?;
            for ticket in &tickets {
                hasten.execute(params![ticket.as_str(), at.timestamp_millis()])?;
            }
            Ok(())
        })
        .await
    }

    async fn purge_tickets(&self, purge: TicketPurge) -> Result<Gone, StoreError> {
        let delete = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let gone = delete(&transaction, &purge)?;
            transaction.commit()?;
            Ok(gone)
        };
        let (items, held) = self.file.timed(delete).await?;
        Ok(Gone { items, held })
    }

    async fn past_rejected_replies(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT count(*), min(r.at_ms) FROM replies r WHERE r.at_ms < ?1 AND {REJECTED_AND_TOLD}"
            );
            tallies::past(connection, &sql, [before.timestamp_millis()])
        })
        .await
    }

    async fn purge_rejected_replies(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let delete = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = format!(
                "DELETE FROM replies WHERE (department, reply_id) IN
                     (SELECT r.department, r.reply_id FROM replies r WHERE r.at_ms < ?1 AND {REJECTED_AND_TOLD}
                      ORDER BY r.at_ms LIMIT ?2)"
            );
            let gone = transaction.execute(&sql, params![before.timestamp_millis(), step.most as i64])?;
            tallies::add(&transaction, run, REJECTED_REPLIES, gone)?;
            transaction.commit()?;
            Ok(gone)
        };
        let (items, held) = self.file.timed(delete).await?;
        Ok(Gone { items, held })
    }

    async fn take_over_tickets(&self, run: RunId) -> Result<(), StoreError> {
        self.unit(move |transaction| tallies::take_over(transaction, run))
            .await
    }

    async fn ticket_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        self.query(move |connection| tallies::of(connection, run)).await
    }

    async fn empty_ticket_log(&self) -> Result<(), StoreError> {
        self.file.write(|connection| tallies::empty_log(connection)).await
    }
}

fn aged(connection: &Connection, query: &AgedQuery) -> Result<Vec<AgedTicket>, StoreError> {
    let (after_ms, after) = match &query.after {
        Some(after) => (after.at.timestamp_millis(), after.id.as_str()),
        None => (i64::MIN, ""),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TICKET_COLUMNS}, {ON_ITS_WAY} FROM tickets
         WHERE procedure = ?1 AND created_at_ms < ?2 AND {NOT_RESTRICTED} AND (created_at_ms, ticket_id) > (?3, ?4)
         ORDER BY created_at_ms, ticket_id LIMIT ?5"
    ))?;
    let parameters = params![
        query.procedure.as_str(),
        query.created_before.timestamp_millis(),
        after_ms,
        after,
        query.most as i64
    ];
    collect(&mut statement, parameters, |row| {
        Ok(AgedTicket {
            ticket: rows::ticket(row)?,
            is_on_its_way: row.get(TICKET_COLUMN_COUNT)?,
        })
    })
}

fn delete(transaction: &Transaction<'_>, purge: &TicketPurge) -> Result<usize, StoreError> {
    let mut is_there = transaction.prepare_cached(&format!(
        "SELECT 1 FROM tickets WHERE ticket_id = ?1 AND history_length = ?2 AND {NOT_RESTRICTED} AND NOT {ON_ITS_WAY}"
    ))?;
    let mut gone = 0;
    for (ticket, history_length) in &purge.tickets {
        if !is_there.exists(params![ticket.as_str(), history_length])? {
            continue;
        }
        // History, keys, mails and seats go with the ticket.
        for table in ["replies", "tickets"] {
            transaction
                .prepare_cached(&format!("DELETE FROM {table} WHERE ticket_id = ?1"))?
                .execute([ticket.as_str()])?;
        }
        gone += 1;
    }
    tallies::add(transaction, purge.run, purge.procedure.as_str(), gone)?;
    Ok(gone)
}
