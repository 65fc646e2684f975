//! What entries are found by, whatever their state, and erasing them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::EntryId;
use domain::privacy::MarkKind;
use domain::registration::Entry;
use tokio_postgres::Client;

use super::super::values::{count, limit, text};
use super::entries::{entry, forget_mails};
use super::{PostgresTickets, begin};
use crate::StoreError;
use crate::entries::{ENTRY_COLUMNS, EntryMarks, NumberedEntry, entry_fields};
use crate::persons::{MarkedEntries, PersonEntries, WAITING_COLUMNS, WaitingMail, WaitingMails, WaitingRow};
use crate::ticket_columns::time;

/// Entries that a step of the filling takes.
const ENTRIES_AT_ONCE: i64 = 2000;

#[async_trait]
impl PersonEntries for PostgresTickets {
    async fn entries_with(&self, search: MarkedEntries) -> Result<Vec<NumberedEntry>, StoreError> {
        let keys = |wanted: MarkKind| -> Vec<String> {
            let of_kind = search.keys.iter().filter(|(kind, _)| *kind == wanted);
            of_kind.map(|(_, key)| text(key).into_owned()).collect()
        };
        let client = self.database.client().await?;
        let find = format!(
            "WITH found AS MATERIALIZED (SELECT number FROM entries WHERE email_key = ANY ($1)
                 UNION SELECT number FROM entries WHERE phone_key = ANY ($2)
                 UNION SELECT number FROM entries WHERE name_key = ANY ($3))
             SELECT {ENTRY_COLUMNS} FROM entries JOIN found USING (number)
             WHERE number > $4 ORDER BY number LIMIT $5"
        );
        let find = client.prepare_cached(&find).await?;
        let (emails, phones, names) = (keys(MarkKind::Email), keys(MarkKind::Phone), keys(MarkKind::Name));
        let found = client
            .query(
                &find,
                &[&emails, &phones, &names, &search.after, &limit(search.most)],
            )
            .await?;
        found.iter().map(entry).collect()
    }

    async fn entries_among(&self, ids: Vec<EntryId>) -> Result<Vec<Entry>, StoreError> {
        let client = self.database.client().await?;
        let find = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE entry_id = ANY ($1)");
        let found = client.query(&find, &[&texts(&ids)]).await?;
        found
            .iter()
            .map(|row| Ok::<_, StoreError>(entry(row)?.entry))
            .collect()
    }

    async fn erase_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let gone = transaction
            .execute("DELETE FROM entries WHERE entry_id = ANY ($1)", &[&texts(&ids)])
            .await?;
        forget_mails(&transaction).await?;
        transaction.commit().await?;
        Ok(gone as usize)
    }

    async fn restrict_entries(&self, ids: Vec<EntryId>, at: DateTime<Utc>) -> Result<usize, StoreError> {
        let client = self.database.client().await?;
        let restricted = client
            .execute(
                "UPDATE entries SET restricted_at_ms = $2 WHERE entry_id = ANY ($1) AND restricted_at_ms IS NULL",
                &[&texts(&ids), &at.timestamp_millis()],
            )
            .await?;
        Ok(restricted as usize)
    }

    async fn lift_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        let client = self.database.client().await?;
        let lifted = client
            .execute(
                "UPDATE entries SET restricted_at_ms = NULL
                 WHERE entry_id = ANY ($1) AND restricted_at_ms IS NOT NULL",
                &[&texts(&ids)],
            )
            .await?;
        Ok(lifted as usize)
    }

    async fn restricted_entries(
        &self,
        after: Option<EntryId>,
        most: usize,
    ) -> Result<Vec<(EntryId, DateTime<Utc>)>, StoreError> {
        let client = self.database.client().await?;
        let rows = client
            .query(
                "SELECT entry_id, restricted_at_ms FROM entries
                 WHERE restricted_at_ms IS NOT NULL AND entry_id > $1 COLLATE \"C\"
                 ORDER BY entry_id COLLATE \"C\" LIMIT $2",
                &[&text(after.as_ref().map_or("", EntryId::as_str)), &limit(most)],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((EntryId::new(row.get::<_, &str>(0)), time(row.get(1))?)))
            .collect()
    }

    async fn waiting_entry_mails(&self, search: WaitingMails) -> Result<Vec<WaitingMail>, StoreError> {
        let client = self.database.client().await?;
        let find = format!(
            "SELECT {WAITING_COLUMNS} FROM entry_mails
             WHERE ($1::text[] IS NULL OR email_key = ANY ($1)) AND number > $2 ORDER BY number LIMIT $3"
        );
        let to: Option<Vec<String>> = search
            .to
            .map(|to| to.iter().map(|key| text(key).into_owned()).collect());
        let found = client
            .query(&find, &[&to, &search.after, &limit(search.most)])
            .await?;
        let read = |row: &tokio_postgres::Row| {
            WaitingRow {
                number: row.get(0),
                procedure: row.get(1),
                kind: row.get(2),
                subject: row.get(3),
                recipient: row.get(4),
                attempts: count(row.get(5))?,
                error: row.get(6),
                not_before_ms: row.get(7),
            }
            .read()
        };
        found.iter().map(read).collect()
    }
}

fn texts(ids: &[EntryId]) -> Vec<String> {
    ids.iter().map(|id| text(id.as_str()).into_owned()).collect()
}

/// Gives entries that came before there were marks what they are found by.
pub(in super::super) async fn fill(client: &Client) -> Result<(), StoreError> {
    let due = "SELECT FROM ticket_backfills WHERE name = 'entry_marks'";
    if client.query_opt(due, &[]).await?.is_none() {
        return Ok(());
    }
    let mut after = 0_i64;
    loop {
        let entries = client
            .query(
                "SELECT number, fields FROM entries WHERE number > $1 ORDER BY number LIMIT $2",
                &[&after, &ENTRIES_AT_ONCE],
            )
            .await?;
        let Some(last) = entries.last() else { break };
        after = last.get(0);
        let (mut numbers, mut names, mut phones) = (Vec::new(), Vec::new(), Vec::new());
        for row in &entries {
            let marks = EntryMarks::of(&entry_fields(row.get(1))?);
            numbers.push(row.get::<_, i64>(0));
            names.push(marks.name_key.as_deref().map(|key| text(key).into_owned()));
            phones.push(marks.phone_key.as_deref().map(|key| text(key).into_owned()));
        }
        client
            .execute(
                "UPDATE entries SET name_key = marks.name_key, phone_key = marks.phone_key
                 FROM unnest($1::bigint[], $2::text[], $3::text[]) AS marks (number, name_key, phone_key)
                 WHERE entries.number = marks.number",
                &[&numbers, &names, &phones],
            )
            .await?;
    }
    client
        .execute("DELETE FROM ticket_backfills WHERE name = 'entry_marks'", &[])
        .await?;
    Ok(())
}
