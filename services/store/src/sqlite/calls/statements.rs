//! Sealed figures.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::history;
use crate::StoreError;
use crate::history::FiguresVersion;
use crate::statements::{Seal, Statement, StatementHead, pack, times, unpack};

const HEAD: &str =
    "statement_id, from_day, to_day, sealed_at_ms, sealed_by, reason, rules_version, policies, as_of";

/// See [`crate::calls::CallStore::seal`].
pub(super) fn seal(connection: &mut Connection, seal: Seal) -> Result<StatementHead, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (from, to) = seal.numbers();
    let sealed: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM statements WHERE from_day < ?2 AND to_day > ?1)",
        [from, to],
        |row| row.get(0),
    )?;
    if sealed {
        return Err(seal.conflict());
    }
    let figures = history::read_in(&transaction, &seal.query())?;
    let id = transaction.query_row(
        "INSERT INTO statements (from_day, to_day, sealed_at_ms, sealed_by, reason, rules_version, policies, as_of,
             figures)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING statement_id",
        params![
            from,
            to,
            seal.sealed_at.timestamp_millis(),
            seal.sealed_by,
            seal.reason,
            seal.rules_version,
            seal.policies,
            figures.version.as_str(),
            pack(&figures.rows)?
        ],
        |row| row.get(0),
    )?;
    transaction.commit()?;
    Ok(StatementHead {
        id,
        seal,
        as_of: figures.version,
    })
}

/// See [`crate::calls::CallStore::statements`].
pub(super) fn list(connection: &Connection) -> Result<Vec<StatementHead>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {HEAD} FROM statements ORDER BY from_day"))?;
    let mut rows = statement.query([])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        heads.push(head(row)?);
    }
    Ok(heads)
}

/// See [`crate::calls::CallStore::statement`].
pub(super) fn one(connection: &Connection, id: i64) -> Result<Option<Statement>, StoreError> {
    let find = format!("SELECT {HEAD}, figures FROM statements WHERE statement_id = ?1");
    let found = connection
        .query_row(&find, [id], |row| Ok((head(row), row.get::<_, Vec<u8>>(9)?)))
        .optional()?;
    let read = |(head, packed): (Result<StatementHead, StoreError>, Vec<u8>)| {
        Ok(Statement {
            head: head?,
            rows: unpack(&packed)?,
        })
    };
    found.map(read).transpose()
}

fn head(row: &Row<'_>) -> Result<StatementHead, StoreError> {
    let (days, sealed_at) = times(row.get(1)?, row.get(2)?, row.get(3)?)?;
    Ok(StatementHead {
        id: row.get(0)?,
        seal: Seal {
            days,
            sealed_at,
            sealed_by: row.get(4)?,
            reason: row.get(5)?,
            rules_version: row.get(6)?,
            policies: row.get(7)?,
        },
        as_of: FiguresVersion::new(row.get::<_, String>(8)?),
    })
}
