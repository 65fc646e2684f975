//! Mails to citizens about appointments by video.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use domain::ids::TicketId;
use domain::ticket::Ticket;

use super::super::values::{count, limit};
use super::PostgresTickets;
use super::rows::{self, TICKET_COLUMNS};
use crate::StoreError;
use crate::citizen_mails::{CitizenMail, CitizenMails, WaitingCitizenMail};
use crate::entries::EntryMailKey;
use crate::ticket_columns::{UNRESTRICTED, time};
use crate::tickets::SetAside;

#[async_trait]
impl CitizenMails for PostgresTickets {
    async fn pending_citizen_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<CitizenMail>, StoreError> {
        let client = self.database.client().await?;
        let find = format!(
            "SELECT {TICKET_COLUMNS}, mail.number AS mail_number, mail.edition AS mail_edition,
                 mail.attempts AS mail_attempts
             FROM citizen_mails AS mail JOIN tickets USING (ticket_id)
             WHERE mail.not_before_ms <= $1 AND {UNRESTRICTED} ORDER BY mail.number LIMIT $2"
        );
        let find = client.prepare_cached(&find).await?;
        let found = client
            .query(&find, &[&now.timestamp_millis(), &limit(most)])
            .await?;
        let mail = |row: &tokio_postgres::Row| {
            Ok(CitizenMail {
                ticket: rows::ticket(row)?,
                key: EntryMailKey {
                    number: row.get("mail_number"),
                    edition: count(row.get("mail_edition"))?,
                },
                attempts: count(row.get("mail_attempts"))?,
            })
        };
        found.iter().map(mail).collect()
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
        let client = self.database.client().await?;
        let found = client
            .query(
                "SELECT number, ticket_id, attempts, error, not_before_ms FROM citizen_mails
                 WHERE number > $1 ORDER BY number LIMIT $2",
                &[&after, &limit(most)],
            )
            .await?;
        let mail = |row: &tokio_postgres::Row| {
            let not_before_ms: i64 = row.get(4);
            Ok(WaitingCitizenMail {
                number: row.get(0),
                ticket: TicketId::new(row.get::<_, &str>(1)),
                attempts: count(row.get(2))?,
                error: row.get(3),
                retry_at: (not_before_ms > 0).then(|| time(not_before_ms)).transpose()?,
            })
        };
        found.iter().map(mail).collect()
    }
}

/// The newest news replace those that were not sent yet.
pub(super) async fn pend(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO citizen_mails (ticket_id, edition) VALUES ($1, 1)
             ON CONFLICT (ticket_id) DO UPDATE SET edition = citizen_mails.edition + 1, not_before_ms = 0, attempts = 0,
                 error = NULL",
            &[&ticket.id.as_str()],
        )
        .await?;
    Ok(())
}
