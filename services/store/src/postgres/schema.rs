//! Tables: creating them, and checking that they fit this program.

use std::collections::BTreeMap;

use deadpool_postgres::{ClientWrapper, GenericClient};
use refinery::{Migration, Runner, Target};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::database::Database;
use super::errors;
use crate::StoreError;

mod access {
    refinery::embed_migrations!("../../schemas/migrations/postgres/access");
}

mod calls {
    refinery::embed_migrations!("../../schemas/migrations/postgres/calls");
}

mod tickets {
    refinery::embed_migrations!("../../schemas/migrations/postgres/tickets");
}

/// Held while tables are created: several nodes may start at once. Any number, but always the same.
const LOCK: i64 = 0x6e72_7764_0001;

/// There while a restore fills the database.
const UNDER_WAY: &str = "restore_under_way";

/// The tables of one store, with a history of their own.
pub(super) struct Schema {
    name: &'static str,
    history: &'static str,
    runner: fn() -> Runner,
}

/// The tables of users, sessions and the audit trail.
pub(super) const ACCESS: Schema = Schema {
    name: "access",
    history: "schema_history_access",
    runner: access::migrations::runner,
};

/// The tables of the calls.
pub(super) const CALLS: Schema = Schema {
    name: "calls",
    history: "schema_history_calls",
    runner: calls::migrations::runner,
};

/// The tables of the tickets.
pub(super) const TICKETS: Schema = Schema {
    name: "tickets",
    history: "schema_history_tickets",
    runner: tickets::migrations::runner,
};

const ALL: [&Schema; 3] = [&CALLS, &TICKETS, &ACCESS];

/// See [`Database::migrate`].
pub(super) async fn migrate(database: &Database) -> Result<(), StoreError> {
    let client = database.client().await?;
    client
        .batch_execute("SET lock_timeout = '5min'; SET statement_timeout = 0")
        .await?;
    // Taken out of the pool: its settings, and the lock if anything fails, end with the connection.
    let mut client = deadpool_postgres::Object::take(client);
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    refuse_half_restored(&client).await?;
    bring_up_to_date(&mut client).await?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

async fn bring_up_to_date(client: &mut ClientWrapper) -> Result<(), StoreError> {
    for schema in ALL {
        if let Some(there) = version(&*client, schema).await? {
            refuse_newer(there, schema)?;
        }
        let mut runner = (schema.runner)();
        runner.set_migration_table_name(schema.history);
        runner
            .set_grouped(true)
            .run_async(&mut **client)
            .await
            .map_err(|error| failed(&error))?;
    }
    super::calls::records::fill_caller_keys(client).await?;
    super::calls::records::fill_dialled_keys(client).await?;
    super::tickets::citizens::fill_columns(client).await?;
    super::tickets::marks::fill(client).await?;
    super::tickets::entry_marks::fill(client).await
}

/// What a cut restore left is no store: its tables are there, and nothing in them.
async fn refuse_half_restored(client: &Client) -> Result<(), StoreError> {
    match is_there(client, UNDER_WAY).await? {
        false => Ok(()),
        true => Err(StoreError::Unusable(
            "a restore into this database was cut, or is under way: run `nrwdirekt restore` again with the same backup, or \
             use another database"
                .to_owned(),
        )),
    }
}

/// By unit, the version of its tables.
pub(super) async fn versions(client: &impl GenericClient) -> Result<BTreeMap<String, i32>, StoreError> {
    let mut versions = BTreeMap::new();
    for schema in ALL {
        let select = format!("SELECT max(version) FROM {}", schema.history);
        let newest = client.query_one(&select, &[]).await?;
        versions.insert(schema.name.to_owned(), newest.get(0));
    }
    Ok(versions)
}

/// Whether a table tells about the others, and holds nothing that a backup needs.
pub(super) fn is_bookkeeping(table: &str) -> bool {
    table == UNDER_WAY || ALL.iter().any(|schema| schema.history == table)
}

/// The tables that hold something.
pub(super) async fn data_tables(client: &Client) -> Result<Vec<String>, StoreError> {
    let rows = client
        .query(
            "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace
             AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname",
            &[],
        )
        .await?;
    let names = rows.iter().map(|row| row.get::<_, String>(0));
    Ok(names.filter(|name| !is_bookkeeping(name)).collect())
}

/// Makes the tables of the given versions in a database that holds nothing, or what a cut restore left.
pub(super) async fn begin_restore(
    client: &mut ClientWrapper,
    schemas: &BTreeMap<String, i32>,
) -> Result<(), StoreError> {
    wait_for_others(client).await?;
    if !is_there(client, UNDER_WAY).await? && !data_tables(client).await?.is_empty() {
        return Err(StoreError::Unusable(
            "the database is not empty: a backup is restored into an empty one alone. Make one with `createdb`, and give \
             its URL with --store"
                .to_owned(),
        ));
    }
    for schema in ALL {
        let of_backup = schemas.get(schema.name).copied().unwrap_or(0);
        if of_backup > newest(schema) {
            return Err(StoreError::Unusable(format!(
                "the backup has tables of version {of_backup} ({}), this program knows {} at most: use the newer nrwdirekt \
                 that made it",
                schema.name,
                newest(schema)
            )));
        }
    }
    client
        .batch_execute(&format!(
            "CREATE TABLE IF NOT EXISTS {UNDER_WAY} (nothing integer); DELETE FROM {UNDER_WAY}"
        ))
        .await?;
    drop_what_was_left(client).await?;
    for schema in ALL {
        let Some(target) = schemas.get(schema.name).copied() else {
            continue;
        };
        let mut runner = (schema.runner)();
        runner.set_migration_table_name(schema.history);
        runner
            .set_grouped(true)
            .set_target(Target::Version(target))
            .run_async(&mut **client)
            .await
            .map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// What a restore that was killed just now still holds is given up soon; one that is under way is not waited for.
async fn wait_for_others(client: &Client) -> Result<(), StoreError> {
    client.batch_execute("SET lock_timeout = '15s'").await?;
    let locked = client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await;
    locked.map_err(|error| match error.code() {
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => StoreError::Unusable(
            "another restore into this database, or an update of its tables, is under way: wait for its end, or use another \
             database"
                .to_owned(),
        ),
        _ => error.into(),
    })?;
    client.batch_execute("SET lock_timeout = '5min'").await?;
    Ok(())
}

/// What a cut restore left may be of any version: it begins anew.
async fn drop_what_was_left(client: &Client) -> Result<(), StoreError> {
    for (kinds, word) in [("'r', 'p'", "TABLE"), ("'S'", "SEQUENCE")] {
        let names = client
            .query(
                &format!(
                    "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                     AND relkind IN ({kinds}) AND NOT relispartition AND relname <> $1"
                ),
                &[&UNDER_WAY],
            )
            .await?;
        for name in names.iter().map(|row| row.get::<_, String>(0)) {
            client
                .batch_execute(&format!("DROP {word} IF EXISTS {name} CASCADE"))
                .await?;
        }
    }
    Ok(())
}

/// Brings restored tables up to date.
pub(super) async fn finish_migrations(client: &mut ClientWrapper) -> Result<(), StoreError> {
    bring_up_to_date(client).await
}

/// All is there, and settled: what is left is to give it to nodes.
pub(super) async fn settle_restore(client: &Client) -> Result<(), StoreError> {
    client
        .batch_execute(&format!("INSERT INTO {UNDER_WAY} VALUES (1)"))
        .await?;
    Ok(())
}

/// Whether a restore was cut when all but the last step was done.
pub(super) async fn is_settled(client: &Client) -> Result<bool, StoreError> {
    if !is_there(client, UNDER_WAY).await? {
        return Ok(false);
    }
    let settled = format!("SELECT EXISTS (SELECT FROM {UNDER_WAY})");
    Ok(client.query_one(&settled, &[]).await?.get(0))
}

/// Removes what a restore has made.
pub(super) async fn give_up_restore(client: &Client) -> Result<(), StoreError> {
    drop_what_was_left(client).await?;
    finish_restore(client).await
}

/// From here on nodes take the database.
pub(super) async fn finish_restore(client: &Client) -> Result<(), StoreError> {
    client.batch_execute(&format!("DROP TABLE {UNDER_WAY}")).await?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

async fn is_there(client: &Client, table: &str) -> Result<bool, StoreError> {
    let there = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&table])
        .await?;
    Ok(there.get(0))
}

/// Refuses tables that are missing, older or newer than this program, and says what to do.
pub(super) async fn check(client: &Client, schema: &Schema) -> Result<(), StoreError> {
    refuse_half_restored(client).await?;
    let remedy = "run `nrwdirekt up` once with this store, which brings it up to date";
    let Some(there) = version(client, schema).await? else {
        return Err(StoreError::Unusable(format!(
            "the database has no tables yet: {remedy}"
        )));
    };
    refuse_newer(there, schema)?;
    match there < newest(schema) {
        true => Err(StoreError::Unusable(format!(
            "the database has tables of version {there}, this program needs {}: {remedy}",
            newest(schema)
        ))),
        false => Ok(()),
    }
}

fn refuse_newer(there: i32, schema: &Schema) -> Result<(), StoreError> {
    match there > newest(schema) {
        true => Err(StoreError::Unusable(format!(
            "the database has tables of version {there}, this program knows {} at most: use the newer nrwdirekt \
             that wrote them",
            newest(schema)
        ))),
        false => Ok(()),
    }
}

/// The version of the tables; none without tables.
async fn version(client: &Client, schema: &Schema) -> Result<Option<i32>, StoreError> {
    let history = schema.history;
    if !is_there(client, history).await? {
        return Ok(None);
    }
    let newest = client
        .query_one(&format!("SELECT max(version) FROM {history}"), &[])
        .await?;
    Ok(newest.get(0))
}

fn newest(schema: &Schema) -> i32 {
    let runner = (schema.runner)();
    runner
        .get_migrations()
        .iter()
        .map(Migration::version)
        .max()
        .unwrap_or(0)
}

/// Migrations fail for reasons of the database, or because they are not those that were applied before.
fn failed(error: &refinery::Error) -> StoreError {
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        if let Some(database) = deeper.downcast_ref() {
            return errors::meaning(database);
        }
        cause = deeper.source();
    }
    StoreError::Unusable(error.to_string())
}
