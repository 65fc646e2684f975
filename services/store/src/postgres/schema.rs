//! Tables: creating them, and checking that they fit this program.

use refinery::{Migration, Runner};
use tokio_postgres::Client;

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

/// The tables of one store, with a history of their own.
pub(super) struct Schema {
    history: &'static str,
    runner: fn() -> Runner,
}

/// The tables of users, sessions and the audit trail.
pub(super) const ACCESS: Schema = Schema {
    history: "schema_history_access",
    runner: access::migrations::runner,
};

/// The tables of the calls.
pub(super) const CALLS: Schema = Schema {
    history: "schema_history_calls",
    runner: calls::migrations::runner,
};

/// The tables of the tickets.
pub(super) const TICKETS: Schema = Schema {
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
    for schema in ALL {
        if let Some(there) = version(&client, schema).await? {
            refuse_newer(there, schema)?;
        }
        let mut runner = (schema.runner)();
        runner.set_migration_table_name(schema.history);
        runner
            .set_grouped(true)
            .run_async(&mut *client)
            .await
            .map_err(|error| failed(&error))?;
    }
    super::calls::records::fill_caller_keys(&client).await?;
    super::tickets::citizens::fill_columns(&client).await?;
    super::tickets::marks::fill(&client).await?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

/// Refuses tables that are missing, older or newer than this program, and says what to do.
pub(super) async fn check(client: &Client, schema: &Schema) -> Result<(), StoreError> {
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
    let there = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&history])
        .await?;
    if !there.get::<_, bool>(0) {
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
