//! Notes of what is still to be rewritten, and rewriting it.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;

use super::database::Database;
use super::scrub;
use crate::StoreError;
use crate::scrub::{Leftover, Owed, Scrubbed};
use crate::ticket_columns::{time, unreadable};

/// Notes that something was deleted: last of all in the transaction that does so, because others wait for the note.
pub(super) async fn note(
    client: &impl GenericClient,
    what: Leftover,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let note = format!(
        "INSERT INTO {table} (what, since_ms, last_ms, edition) VALUES ($1, $2, $2, 1)
         ON CONFLICT (what) DO UPDATE SET since_ms = coalesce({table}.since_ms, excluded.since_ms),
             last_ms = greatest({table}.last_ms, excluded.last_ms), edition = {table}.edition + 1",
        table = what.noted_in()
    );
    client
        .execute(&note, &[&what.name(), &at.timestamp_millis()])
        .await?;
    Ok(())
}

/// Since when something is owed.
pub(super) async fn since(database: &Database, table: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let owed = read(database, table).await?;
    let since = owed.iter().map(|owed| owed.since_ms).min();
    since.map(time).transpose()
}

/// Writes tables anew, whether or not something is owed; they are all that may be owed.
pub(super) async fn rewrite(
    database: &Database,
    table: &str,
    tables: &[String],
) -> Result<Scrubbed, StoreError> {
    let owed = read(database, table).await?;
    let scrubbed = scrub::rewrite(database, tables).await?;
    settle(database, table, &owed).await?;
    Ok(scrubbed)
}

/// Writes those tables anew of which something is owed.
pub(super) async fn rewrite_owed(database: &Database, table: &str) -> Result<Scrubbed, StoreError> {
    let owed = read(database, table).await?;
    if owed.is_empty() {
        return Ok(Scrubbed::default());
    }
    let tables = owed.iter().flat_map(|owed| tables_of(owed.what));
    let tables: Vec<String> = tables.map(|table| (*table).to_owned()).collect();
    let scrubbed = scrub::rewrite(database, &tables).await?;
    settle(database, table, &owed).await?;
    Ok(scrubbed)
}

fn tables_of(what: Leftover) -> &'static [&'static str] {
    match what {
        Leftover::Entries => &["entries", "entry_mails"],
        Leftover::Tickets => &["tickets", "ticket_history", "ticket_marks"],
        Leftover::RejectedItems => &["rejected_items"],
    }
}

async fn read(database: &Database, table: &str) -> Result<Vec<Owed>, StoreError> {
    let client = database.client().await?;
    let find = format!("SELECT what, since_ms, last_ms, edition FROM {table} WHERE since_ms IS NOT NULL");
    let rows = client.query(&find, &[]).await?;
    rows.iter()
        .map(|row| {
            let what = Leftover::from_name(row.get(0));
            Ok(Owed {
                what: what.ok_or_else(|| unreadable("what is to be rewritten"))?,
                since_ms: row.get(1),
                last_ms: row.get(2),
                edition: row.get(3),
            })
        })
        .collect()
}

/// What was deleted since it was read was deleted after the last of it, and is owed still.
async fn settle(database: &Database, table: &str, owed: &[Owed]) -> Result<(), StoreError> {
    let client = database.client().await?;
    for owed in owed {
        let settle = format!(
            "UPDATE {table} SET since_ms = CASE WHEN edition = $2 THEN NULL ELSE greatest(since_ms, $3) END
             WHERE what = $1 AND since_ms IS NOT NULL"
        );
        client
            .execute(&settle, &[&owed.what.name(), &owed.edition, &owed.last_ms])
            .await?;
    }
    Ok(())
}
