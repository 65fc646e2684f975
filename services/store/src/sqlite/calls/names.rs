//! Names that rows refer to by number.

use std::collections::HashMap;

use domain::ids::{HotlineName, ImportRun, SourceName};
use rusqlite::Connection;

use crate::StoreError;

/// The numbers of hotlines and sources, as far as one transaction needs them.
#[derive(Default)]
pub(super) struct Names {
    hotlines: HashMap<HotlineName, i64>,
    sources: HashMap<SourceName, i64>,
    runs: HashMap<ImportRun, i64>,
}

impl Names {
    /// The number of a hotline, which is added when it is new.
    pub(super) fn hotline(&mut self, connection: &Connection, name: &HotlineName) -> Result<i64, StoreError> {
        if let Some(id) = self.hotlines.get(name) {
            return Ok(*id);
        }
        let id = number(
            connection,
            "INSERT INTO hotlines (name) VALUES (?1) ON CONFLICT DO NOTHING",
            "SELECT hotline_id FROM hotlines WHERE name = ?1",
            name.as_str(),
        )?;
        self.hotlines.insert(name.clone(), id);
        Ok(id)
    }

    /// The number of a source, which is added when it is new.
    pub(super) fn source(&mut self, connection: &Connection, name: &SourceName) -> Result<i64, StoreError> {
        if let Some(id) = self.sources.get(name) {
            return Ok(*id);
        }
        let id = number(
            connection,
            "INSERT INTO sources (name) VALUES (?1) ON CONFLICT DO NOTHING",
            "SELECT source_id FROM sources WHERE name = ?1",
            name.as_str(),
        )?;
        self.sources.insert(name.clone(), id);
        Ok(id)
    }

    /// The number of an import, which is added when it is new.
    pub(super) fn run(&mut self, connection: &Connection, name: &ImportRun) -> Result<i64, StoreError> {
        if let Some(id) = self.runs.get(name) {
            return Ok(*id);
        }
        let id = number(
            connection,
            "INSERT INTO runs (name) VALUES (?1) ON CONFLICT DO NOTHING",
            "SELECT run_id FROM runs WHERE name = ?1",
            name.as_str(),
        )?;
        self.runs.insert(name.clone(), id);
        Ok(id)
    }
}

fn number(connection: &Connection, add: &str, find: &str, name: &str) -> Result<i64, StoreError> {
    connection.prepare_cached(add)?.execute([name])?;
    Ok(connection
        .prepare_cached(find)?
        .query_row([name], |row| row.get(0))?)
}
