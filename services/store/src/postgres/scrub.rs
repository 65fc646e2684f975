//! Rewriting tables, and emptying the write-ahead log.
//!
//! A deleted row stays in its page, `VACUUM` frees its place without overwriting it, and the write-ahead log holds it
//! until its segments go. `VACUUM FULL` writes a table and its indexes anew.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use deadpool_postgres::Object;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::database::Database;
use crate::StoreError;
use crate::scrub::Scrubbed;

/// How long transactions that began before are waited for: what they may still see, `VACUUM FULL` keeps.
const OTHERS_MAX: Duration = Duration::from_secs(70);
/// How often they are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Whoever wants to write a table waits behind one that waits to write it anew: no longer than this, then it is tried again.
const QUEUED_MAX: Duration = Duration::from_millis(500);
/// How long others have the table to themselves in between.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a table is tried for that is always in use.
const TRIED_MAX: Duration = Duration::from_secs(60);

/// Writes tables anew, one after the other, and lets the log go.
pub(super) async fn rewrite(database: &Database, tables: &[String]) -> Result<Scrubbed, StoreError> {
    // Taken out of the pool: its settings end with the connection.
    let client = Object::take(database.client().await?);
    client
        .batch_execute(&format!(
            "SET statement_timeout = 0; SET lock_timeout = {}",
            QUEUED_MAX.as_millis()
        ))
        .await?;
    await_others(&client).await?;
    for table in tables {
        write_anew(&client, table).await?;
    }
    if !tables.is_empty() {
        // Samples of the time before none were taken. Whoever does not own the database cannot, and has none of its tables.
        drop(client.batch_execute("VACUUM (FULL) pg_statistic").await);
    }
    empty_log(&client).await
}

/// Writes a table anew. Its writers wait for as long as that takes, and before it for [`QUEUED_MAX`] at a time.
async fn write_anew(client: &Client, table: &str) -> Result<(), StoreError> {
    let since = Instant::now();
    loop {
        match client.batch_execute(&format!("VACUUM (FULL) {table}")).await {
            Err(error)
                if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) && since.elapsed() < TRIED_MAX =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// Waits until no transaction of this database is older than this moment.
async fn await_others(client: &Client) -> Result<(), StoreError> {
    let begun = client.query_one("SELECT clock_timestamp()::text", &[]).await?;
    let begun: String = begun.get(0);
    let since = Instant::now();
    loop {
        let older = client
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                     AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                     AND xact_start < $1::text::timestamptz)",
                &[&begun],
            )
            .await?;
        if !older.get::<_, bool>(0) {
            return Ok(());
        }
        if since.elapsed() > OTHERS_MAX {
            return Err(StoreError::Unavailable(
                "a transaction of before is still open, so old rows cannot go".to_owned(),
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Begins a new segment of the log and has the server do without the ones before it. What it does not allow is its own
/// business then, and told.
async fn empty_log(client: &Client) -> Result<Scrubbed, StoreError> {
    let mut left = Scrubbed::default();
    let switched = client.execute("SELECT pg_switch_wal()", &[]).await;
    if switched.is_err() {
        left.kept.push(
            "the segment of PostgreSQL's write-ahead log that is being written, until it is full: let the node begin a \
             new one (GRANT EXECUTE ON FUNCTION pg_switch_wal() TO its role)"
                .to_owned(),
        );
    }
    if client.batch_execute("CHECKPOINT").await.is_err() {
        // The segments go with the second checkpoint from now, which the server makes by its own clock.
        left.stays = TimeDelta::seconds(2 * number(client, "checkpoint_timeout").await? + 60);
    }
    if said(client, "wal_recycle").await? == "on" {
        left.kept.push(
            "segments of PostgreSQL's write-ahead log that are used again, until they are overwritten: set \
             wal_recycle = off"
                .to_owned(),
        );
    }
    if said(client, "archive_mode").await? != "off" {
        left.kept.push(
            "archived segments of PostgreSQL's write-ahead log, as long as the archive keeps them".to_owned(),
        );
    }
    Ok(left)
}

async fn said(client: &Client, setting: &str) -> Result<String, StoreError> {
    let row = client
        .query_one("SELECT coalesce(current_setting($1, true), '')", &[&setting])
        .await?;
    Ok(row.get(0))
}

/// A setting in seconds.
async fn number(client: &Client, setting: &str) -> Result<i64, StoreError> {
    let row = client
        .query_one(
            "SELECT extract(epoch FROM current_setting($1)::interval)::int8",
            &[&setting],
        )
        .await?;
    Ok(row.get(0))
}

/// Settings with which copies of what was erased stay longer than they need to, each with what to do.
pub(super) async fn settings_at_fault(client: &Client) -> Result<Vec<String>, StoreError> {
    let mut faults = Vec::new();
    if said(client, "wal_recycle").await? == "on" {
        faults.push(
            "wal_recycle is on: erased data stays in used segments of the write-ahead log; set it to off"
                .to_owned(),
        );
    }
    let may = client
        .query_one(
            "SELECT has_function_privilege('pg_switch_wal()', 'EXECUTE'),
                 NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint')
                 OR pg_has_role('pg_checkpoint', 'USAGE')",
            &[],
        )
        .await?;
    if !(may.get::<_, bool>(0) && may.get::<_, bool>(1)) {
        faults.push(
            "the node may not empty the write-ahead log: erased data stays there until the server does so; GRANT EXECUTE \
             ON FUNCTION pg_switch_wal() and the role pg_checkpoint to it"
                .to_owned(),
        );
    }
    Ok(faults)
}
