//! Sealed figures.

use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;
use tokio_postgres::{IsolationLevel, Row};

use super::super::values::text;
use super::history;
use crate::StoreError;
use crate::history::FiguresVersion;
use crate::statements::{Seal, Statement, StatementHead, pack, times, unpack};

const HEAD: &str = "id, from_day, to_day, sealed_at_ms, sealed_by, reason, rules_version, policies, as_of";

/// See [`crate::calls::CallStore::seal`].
pub(super) async fn seal(client: &mut Object, seal: Seal) -> Result<StatementHead, StoreError> {
    let builder = client.build_transaction();
    let transaction = builder
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .await?;
    let figures = history::read_in(&transaction, &seal.query()).await?;
    let (from, to) = seal.numbers();
    let inserted = transaction
        .query_one(
            "INSERT INTO statements (from_day, to_day, sealed_at_ms, sealed_by, reason, rules_version, policies, as_of,
                 figures)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
            &[
                &from,
                &to,
                &seal.sealed_at.timestamp_millis(),
                &text(&seal.sealed_by),
                &text(&seal.reason),
                &seal.rules_version,
                &text(&seal.policies),
                &figures.version.as_str(),
                &pack(&figures.rows)?,
            ],
        )
        .await;
    let id = match inserted {
        Ok(row) => row.get(0),
        Err(error) if error.code() == Some(&SqlState::EXCLUSION_VIOLATION) => return Err(seal.conflict()),
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await?;
    Ok(StatementHead {
        id,
        seal,
        as_of: figures.version,
    })
}

/// See [`crate::calls::CallStore::statements`].
pub(super) async fn list(client: &Object) -> Result<Vec<StatementHead>, StoreError> {
    let list = format!("SELECT {HEAD} FROM statements ORDER BY from_day");
    let rows = client.query(&list, &[]).await?;
    rows.iter().map(head).collect()
}

/// See [`crate::calls::CallStore::statement`].
pub(super) async fn one(client: &Object, id: i64) -> Result<Option<Statement>, StoreError> {
    let find = format!("SELECT {HEAD}, figures FROM statements WHERE id = $1");
    let found = client.query_opt(&find, &[&id]).await?;
    let read = |row: Row| {
        Ok(Statement {
            head: head(&row)?,
            rows: unpack(row.get(9))?,
        })
    };
    found.map(read).transpose()
}

fn head(row: &Row) -> Result<StatementHead, StoreError> {
    let (days, sealed_at) = times(row.get(1), row.get(2), row.get(3))?;
    Ok(StatementHead {
        id: row.get(0),
        seal: Seal {
            days,
            sealed_at,
            sealed_by: row.get(4),
            reason: row.get(5),
            rules_version: row.get(6),
            policies: row.get(7),
        },
        as_of: FiguresVersion::new(row.get::<_, &str>(8)),
    })
}
