//! Notes of what is still to be rewritten, and rewriting it.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::file::File;
use crate::StoreError;
use crate::scrub::{Leftover, Owed, Scrubbed};
use crate::ticket_columns::{time, unreadable};

/// Notes that something was deleted, in the transaction that does so.
pub(super) fn note(connection: &Connection, what: Leftover, at: DateTime<Utc>) -> Result<(), StoreError> {
    let note = format!(
        "INSERT INTO {table} (what, since_ms, last_ms, edition) VALUES (?1, ?2, ?2, 1)
         ON CONFLICT (what) DO UPDATE SET since_ms = coalesce({table}.since_ms, excluded.since_ms),
             last_ms = max({table}.last_ms, excluded.last_ms), edition = {table}.edition + 1",
        table = what.noted_in()
    );
    connection
        .prepare_cached(&note)?
        .execute(params![what.name(), at.timestamp_millis()])?;
    Ok(())
}

/// Since when something is owed.
pub(super) async fn since(file: &File, table: &'static str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let owed = file.read(|connection| read(connection, table)).await?;
    let since = owed.iter().map(|owed| owed.since_ms).min();
    since.map(time).transpose()
}

/// Writes the file anew, whether or not something is owed.
pub(super) async fn rewrite(file: &File, table: &'static str) -> Result<Scrubbed, StoreError> {
    let owed = file.read(|connection| read(connection, table)).await?;
    let scrubbed = file.scrub().await?;
    if !owed.is_empty() {
        file.write(move |connection| settle(connection, table, &owed))
            .await?;
    }
    Ok(scrubbed)
}

/// The same where something is owed: secure deletion leaves copies in pages that were split, which only a new file has not.
pub(super) async fn rewrite_owed(file: &File, table: &'static str) -> Result<Scrubbed, StoreError> {
    match since(file, table).await? {
        Some(_) => rewrite(file, table).await,
        None => Ok(Scrubbed::default()),
    }
}

fn read(connection: &Connection, table: &str) -> Result<Vec<Owed>, StoreError> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT what, since_ms, last_ms, edition FROM {table} WHERE since_ms IS NOT NULL"
    ))?;
    let rows = find.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.map(|row| {
        let (what, since_ms, last_ms, edition) = row?;
        Ok(Owed {
            what: Leftover::from_name(&what).ok_or_else(|| unreadable("what is to be rewritten"))?,
            since_ms,
            last_ms,
            edition,
        })
    })
    .collect()
}

/// What was deleted since it was read was deleted after the last of it, and is owed still.
fn settle(connection: &mut Connection, table: &str, owed: &[Owed]) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for owed in owed {
        transaction.execute(
            &format!(
                "UPDATE {table} SET since_ms = CASE WHEN edition = ?2 THEN NULL ELSE max(since_ms, ?3) END
                 WHERE what = ?1 AND since_ms IS NOT NULL"
            ),
            params![owed.what.name(), owed.edition, owed.last_ms],
        )?;
    }
    Ok(transaction.commit()?)
}
