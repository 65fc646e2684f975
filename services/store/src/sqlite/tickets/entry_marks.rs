//! What entries are found by, whatever their state, and erasing them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::EntryId;
use domain::privacy::MarkKind;
use domain::registration::Entry;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::SqliteTickets;
use super::entries::{entry, forget_mails};
use super::rows::collect;
use crate::StoreError;
use crate::entries::{ENTRY_COLUMNS, EntryMarks, NumberedEntry, entry_fields};
use crate::persons::{MarkedEntries, PersonEntries, WAITING_COLUMNS, WaitingMail, WaitingMails, WaitingRow};
use crate::ticket_columns::time;

/// Entries that a step of the filling takes: few enough for a short transaction.
const ENTRIES_AT_ONCE: i64 = 2000;

#[async_trait]
impl PersonEntries for SqliteTickets {
    async fn entries_with(&self, search: MarkedEntries) -> Result<Vec<NumberedEntry>, StoreError> {
        self.query(move |connection| find(connection, &search)).await
    }

    async fn entries_among(&self, ids: Vec<EntryId>) -> Result<Vec<Entry>, StoreError> {
        self.query(move |connection| {
            let find = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE entry_id = ?1");
            let mut find = connection.prepare_cached(&find)?;
            let mut there = Vec::new();
            for id in ids {
                there.extend(collect(&mut find, [id.as_str()], |row| Ok(entry(row)?.entry))?);
            }
            Ok(there)
        })
        .await
    }

    async fn erase_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        self.unit(move |transaction| {
            let mut gone = 0;
            for id in &ids {
                gone += transaction
                    .prepare_cached("DELETE FROM entries WHERE entry_id = ?1")?
                    .execute([id.as_str()])?;
            }
            forget_mails(transaction)?;
            Ok(gone)
        })
        .await
    }

    async fn restrict_entries(&self, ids: Vec<EntryId>, at: DateTime<Utc>) -> Result<usize, StoreError> {
        self.unit(move |transaction| {
            let mut restrict = transaction.prepare_cached(
                "UPDATE entries SET restricted_at_ms = ?2 WHERE entry_id = ?1 AND restricted_at_ms IS NULL",
            )?;
            let mut restricted = 0;
            for id in &ids {
                restricted += restrict.execute(params![id.as_str(), at.timestamp_millis()])?;
            }
            Ok(restricted)
        })
        .await
    }

    async fn lift_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        self.unit(move |transaction| {
            let mut lift = transaction.prepare_cached(
                "UPDATE entries SET restricted_at_ms = NULL WHERE entry_id = ?1 AND restricted_at_ms IS NOT NULL",
            )?;
            let mut lifted = 0;
            for id in &ids {
                lifted += lift.execute([id.as_str()])?;
            }
            Ok(lifted)
        })
        .await
    }

    async fn restricted_entries(
        &self,
        after: Option<EntryId>,
        most: usize,
    ) -> Result<Vec<(EntryId, DateTime<Utc>)>, StoreError> {
        self.query(move |connection| {
            let mut list = connection.prepare_cached(
                "SELECT entry_id, restricted_at_ms FROM entries
                 WHERE restricted_at_ms IS NOT NULL AND entry_id > ?1 ORDER BY entry_id LIMIT ?2",
            )?;
            let after = after.as_ref().map_or("", EntryId::as_str);
            collect(&mut list, params![after, most as i64], |row| {
                Ok((EntryId::new(row.get::<_, String>(0)?), time(row.get(1)?)?))
            })
        })
        .await
    }

    async fn waiting_entry_mails(&self, search: WaitingMails) -> Result<Vec<WaitingMail>, StoreError> {
        self.query(move |connection| waiting(connection, &search)).await
    }
}

/// The column that holds keys of a kind.
const fn column(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Phone => "phone_key",
        MarkKind::Email => "email_key",
        MarkKind::Name => "name_key",
    }
}

fn find(connection: &Connection, search: &MarkedEntries) -> Result<Vec<NumberedEntry>, StoreError> {
    if search.keys.is_empty() {
        return Ok(Vec::new());
    }
    let any: Vec<String> = search
        .keys
        .iter()
        .map(|(kind, _)| format!("SELECT number FROM entries WHERE {} = ?", column(*kind)))
        .collect();
    let keys = search.keys.iter().map(|(_, key)| Value::from(key.clone()));
    let place = [Value::from(search.after), Value::from(search.most as i64)];
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM entries WHERE number IN ({}) AND number > ? ORDER BY number LIMIT ?",
        any.join(" UNION ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(keys.chain(place)), entry)
}

fn waiting(connection: &Connection, search: &WaitingMails) -> Result<Vec<WaitingMail>, StoreError> {
    let to = search.to.iter().flatten();
    let parameters = to.clone().cloned().map(Value::from);
    let place = [Value::from(search.after), Value::from(search.most as i64)];
    let condition = match &search.to {
        None => String::new(),
        Some(to) => format!("email_key IN ({}) AND ", vec!["?"; to.len()].join(", ")),
    };
    let sql = format!(
        "SELECT {WAITING_COLUMNS} FROM entry_mails WHERE {condition} number > ? ORDER BY number LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(parameters.chain(place)), |row| {
        WaitingRow {
            number: row.get(0)?,
            procedure: row.get(1)?,
            kind: row.get(2)?,
            subject: row.get(3)?,
            recipient: row.get(4)?,
            attempts: row.get(5)?,
            error: row.get(6)?,
            not_before_ms: row.get(7)?,
        }
        .read()
    })
}

/// Gives entries that came before there were marks what they are found by. Goes on where it was cut.
pub(super) fn fill(connection: &mut Connection) -> Result<(), StoreError> {
    let is_due = |connection: &Connection| {
        connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM backfills WHERE name = 'entry_marks')",
            [],
            |row| row.get::<_, bool>(0),
        )
    };
    let mut after = 0;
    while is_due(connection)? {
        let transaction = connection.transaction()?;
        let entries: Vec<(i64, String)> = transaction
            .prepare_cached("SELECT number, fields FROM entries WHERE number > ?1 ORDER BY number LIMIT ?2")?
            .query_map(params![after, ENTRIES_AT_ONCE], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        match entries.last() {
            Some((last, _)) => after = *last,
            None => drop(transaction.execute("DELETE FROM backfills WHERE name = 'entry_marks'", [])?),
        }
        for (number, fields) in &entries {
            let marks = EntryMarks::of(&entry_fields(fields)?);
            transaction
                .prepare_cached("UPDATE entries SET name_key = ?2, phone_key = ?3 WHERE number = ?1")?
                .execute(params![number, marks.name_key, marks.phone_key])?;
        }
        transaction.commit()?;
    }
    Ok(())
}
