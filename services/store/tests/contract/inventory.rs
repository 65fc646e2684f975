//! Whatever a store keeps is named in `schemas/register/stored/`, with the field of the register that it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::privacy::inventory::{Backend, Inventory};
use rusqlite::Connection;
use store::postgres::Database;
use store::sqlite::{SqliteAccess, SqliteCalls, SqliteTickets};
use tokio_postgres::NoTls;

use crate::postgres::on_an_empty_database;

type Found = BTreeMap<String, BTreeSet<String>>;

/// The units of storage, and the files and histories of migrations that belong to them.
const UNITS: [&str; 3] = ["access", "calls", "tickets"];

/// Tables that are SQLite's or the migrations' own.
fn is_own(table: &str) -> bool {
    !["sqlite_", "refinery_", "schema_history_"]
        .iter()
        .any(|foreign| table.starts_with(foreign))
}

fn in_file(path: &Path) -> Found {
    let connection = Connection::open(path).unwrap();
    let mut list = connection
        .prepare(
            "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
             WHERE tables.type IN ('table', 'view')",
        )
        .unwrap();
    let mut found = Found::new();
    let mut rows = list.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (table, column): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        if is_own(&table) {
            found.entry(table).or_default().insert(column);
        }
    }
    found
}

#[test]
fn every_column_of_sqlite_is_in_the_inventory() {
    let folder = tempfile::tempdir().unwrap();
    let file = |unit: &str| folder.path().join(format!("{unit}.db"));
    drop(SqliteAccess::open(&file("access")).unwrap());
    drop(SqliteCalls::open(&file("calls")).unwrap());
    drop(SqliteTickets::open(&file("tickets")).unwrap());
    let inventory = Inventory::built_in();
    let faults: Vec<String> = UNITS
        .iter()
        .flat_map(|unit| inventory.compared(unit, Backend::Sqlite, &in_file(&file(unit))))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// All tables of a database; those of partitions are their parent's.
async fn in_database(url: &str) -> Found {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let rows = client
        .query(
            "SELECT tables.relname::text, columns.attname::text FROM pg_class AS tables
             JOIN pg_attribute AS columns ON columns.attrelid = tables.oid
             WHERE tables.relnamespace = 'public'::regnamespace AND tables.relkind IN ('r', 'p', 'v')
               AND NOT tables.relispartition AND columns.attnum > 0 AND NOT columns.attisdropped",
            &[],
        )
        .await
        .unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let mut found = Found::new();
    for row in rows {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if is_own(&table) {
            found.entry(table).or_default().insert(column);
        }
    }
    found
}

#[tokio::test]
async fn every_column_of_postgresql_is_in_the_inventory() {
    on_an_empty_database(|url| async move {
        Database::new(&url).unwrap().migrate().await.unwrap();
        let mut found = in_database(&url).await;
        let inventory = Inventory::built_in();
        let mut faults = Vec::new();
        for unit in UNITS {
            // The tables of all units are in one database: each unit is told of what it names, and the last of the rest.
            let named = inventory.tables(unit, Backend::Postgres);
            let (of_unit, rest) = found.into_iter().partition(|(table, _)| named.contains(table));
            found = rest;
            faults.extend(inventory.compared(unit, Backend::Postgres, &of_unit));
        }
        let unnamed: Vec<String> = found.into_keys().collect();
        assert!(
            faults.is_empty() && unnamed.is_empty(),
            "{}\ntables that no file of schemas/register/stored/ names (add a [[table]] to that of the unit): {}",
            faults.join("\n"),
            unnamed.join(", ")
        );
    })
    .await;
}
