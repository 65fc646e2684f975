//! Mails to citizens about appointments by video.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::TicketId;
use domain::ticket::Ticket;
use rusqlite::{Transaction, params};

use super::SqliteTickets;
use super::rows::{self, TICKET_COLUMN_COUNT, TICKET_COLUMNS, collect};
use crate::StoreError;
use crate::citizen_mails::{CitizenMail, CitizenMails, WaitingCitizenMail};
use crate::entries::EntryMailKey;
use crate::ticket_columns::{UNRESTRICTED, time};
use crate::tickets::SetAside;

#[async_trait]
impl CitizenMails for SqliteTickets {
    async fn pending_citizen_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<CitizenMail>, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT {TICKET_COLUMNS}, mail.number, mail.edition, mail.attempts
                 FROM citizen_mails AS mail JOIN tickets USING (ticket_id)
                 WHERE mail.not_before_ms <= ?1 AND {UNRESTRICTED} ORDER BY mail.number LIMIT ?2"
            );
            let mut find = connection.prepare_cached(&sql)?;
            collect(&mut find, params![now.timestamp_millis(), most as i64], |row| {
                Ok(CitizenMail {
                    ticket: rows::ticket(row)?,
                    key: EntryMailKey {
                        number: row.get(TICKET_COLUMN_COUNT)?,
                        edition: row.get(TICKET_COLUMN_COUNT + 1)?,
                    },
                    attempts: row.get(TICKET_COLUMN_COUNT + 2)?,
                })
            })
        })
        .await
    }

    async fn citizen_mail_done(&self, key: EntryMailKey) -> Result<(), StoreError> {
        self.mail_done("citizen_mails", key).await
    }

    async fn postpone_citizen_mail(&self, key: EntryMailKey, aside: SetAside) -> Result<(), StoreError> {
        self.postpone("citizen_mails", key, aside).await
    }

    async fn waiting_citizen_mails(
        &self,
        after: i64,
        most: usize,
    ) -> Result<Vec<WaitingCitizenMail>, StoreError> {
        self.query(move |connection| {
            let mut list = connection.prepare_cached(
                "SELECT number, ticket_id, attempts, error, not_before_ms FROM citizen_mails
                 WHERE number > ?1 ORDER BY number LIMIT ?2",
            )?;
            collect(&mut list, params![after, most as i64], |row| {
                let not_before_ms: i64 = row.get(4)?;
                Ok(WaitingCitizenMail {
                    number: row.get(0)?,
                    ticket: TicketId::new(row.get::<_, String>(1)?),
                    attempts: row.get(2)?,
                    error: row.get(3)?,
                    retry_at: (not_before_ms > 0).then(|| time(not_before_ms)).transpose()?,
                })
            })
        })
        .await
    }
}

/// The newest news replace those that were not sent yet. A row that was sent before is there no longer, so its number tells
/// the news apart.
pub(super) fn pend(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO citizen_mails (ticket_id, edition) VALUES (?1, 1)
             ON CONFLICT (ticket_id) DO UPDATE SET edition = edition + 1, not_before_ms = 0, attempts = 0, error = NULL",
        )?
        .execute([ticket.id.as_str()])?;
    Ok(())
}
