//! Cases of data subjects.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::privacy::Case;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};

use super::SqliteAccess;
use crate::StoreError;
use crate::cases::{self, Bringing, CaseQuery, CaseStore, KeptCase, NewCase, OpenedCase};

#[async_trait]
impl CaseStore for SqliteAccess {
    async fn open_case(&self, new: NewCase) -> Result<OpenedCase, StoreError> {
        self.unit(move |transaction| open(transaction, &new)).await
    }

    async fn case(&self, number: i64) -> Result<Option<KeptCase>, StoreError> {
        self.query(move |connection| {
            one(
                connection,
                "SELECT number, revision, content FROM cases WHERE number = ?1",
                number,
            )
        })
        .await
    }

    async fn cases(&self, query: CaseQuery) -> Result<Vec<KeptCase>, StoreError> {
        self.query(move |connection| list(connection, &query)).await
    }

    async fn change_case(&self, changed: KeptCase) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            let case = &changed.case;
            let written = transaction
                .prepare_cached(
                    "UPDATE cases SET revision = revision + 1, is_open = ?3, due_on = ?4, content = ?5
                     WHERE number = ?1 AND revision = ?2",
                )?
                .execute(params![
                    changed.number,
                    changed.revision,
                    case.decision.is_none(),
                    case.due_on.to_string(),
                    cases::written(case),
                ])?;
            match written {
                0 => Err(StoreError::Conflict(format!("case {}", changed.number))),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn bring_back_case(&self, kept: KeptCase) -> Result<bool, StoreError> {
        self.unit(move |transaction| bring_back(transaction, &kept)).await
    }
}

fn bring_back(transaction: &Transaction<'_>, kept: &KeptCase) -> Result<bool, StoreError> {
    let find = "SELECT number, revision, content FROM cases WHERE number = ?1";
    let (number, case) = (kept.number, &kept.case);
    let (is_open, due_on, content) = (
        case.decision.is_none(),
        case.due_on.to_string(),
        cases::written(case),
    );
    match Bringing::of(one(transaction, find, number)?.as_ref(), kept)? {
        Bringing::Nothing => return Ok(false),
        Bringing::Write => transaction.execute(
            "UPDATE cases SET revision = ?2, is_open = ?3, due_on = ?4, content = ?5 WHERE number = ?1",
            params![number, kept.revision, is_open, due_on, content],
        )?,
        Bringing::Add => transaction.execute(
            "INSERT INTO cases (number, revision, is_open, due_on, content, idempotency_key, requested)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                number,
                kept.revision,
                is_open,
                due_on,
                content,
                cases::key_of_brought_back(number),
                [0_u8; 32]
            ],
        )?,
    };
    mark(transaction, case, number)?;
    Ok(true)
}

fn mark(transaction: &Transaction<'_>, case: &Case, number: i64) -> Result<(), StoreError> {
    let mut mark = transaction
        .prepare_cached("INSERT INTO case_marks (mark, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for hash in &case.marks {
        mark.execute(params![hash, number])?;
    }
    Ok(())
}

fn open(transaction: &Transaction<'_>, new: &NewCase) -> Result<OpenedCase, StoreError> {
    let before: Option<(i64, Vec<u8>)> = transaction
        .prepare_cached("SELECT number, requested FROM cases WHERE idempotency_key = ?1")?
        .query_row([&new.idempotency_key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((number, requested)) = before {
        if requested != new.requested {
            return Ok(OpenedCase::KeyTaken);
        }
        let find = "SELECT number, revision, content FROM cases WHERE number = ?1";
        let kept = one(transaction, find, number)?;
        return kept
            .map(|kept| OpenedCase::Repeated(Box::new(kept)))
            .ok_or_else(|| StoreError::Unusable("a key without its case".to_owned()));
    }
    let case = &new.case;
    transaction
        .prepare_cached(
            "INSERT INTO cases (is_open, due_on, revision, content, idempotency_key, requested)
             VALUES (1, ?1, 1, ?2, ?3, ?4)",
        )?
        .execute(params![
            case.due_on.to_string(),
            cases::written(case),
            new.idempotency_key,
            new.requested
        ])?;
    let number = transaction.last_insert_rowid();
    mark(transaction, case, number)?;
    Ok(OpenedCase::New(number))
}

fn one(connection: &Connection, find: &str, number: i64) -> Result<Option<KeptCase>, StoreError> {
    let mut statement = connection.prepare_cached(find)?;
    let mut rows = statement.query([number])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<KeptCase, StoreError> {
    let content: String = row.get(2)?;
    cases::read(row.get(0)?, row.get(1)?, &content)
}

fn list(connection: &Connection, query: &CaseQuery) -> Result<Vec<KeptCase>, StoreError> {
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if query.open {
        conditions.push("is_open = 1".to_owned());
    }
    if !query.marks.is_empty() {
        let places = vec!["?"; query.marks.len()].join(", ");
        conditions.push(format!(
            "number IN (SELECT number FROM case_marks WHERE mark IN ({places}))"
        ));
        values.extend(query.marks.iter().cloned().map(Value::from));
    }
    let order = match query.open {
        true => "due_on, number",
        false => "number DESC",
    };
    if let Some((due_on, number)) = query.after {
        match query.open {
            true => {
                conditions.push("(due_on, number) > (?, ?)".to_owned());
                values.push(Value::from(due_on.to_string()));
            }
            false => conditions.push("number < ?".to_owned()),
        }
        values.push(Value::from(number));
    }
    values.push(Value::from(query.most as i64));
    let select = format!(
        "SELECT number, revision, content FROM cases WHERE {} ORDER BY {order} LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Cases that are decided and were last handled before a time, at most so many: when, and their numbers.
pub(super) fn last_handled_before(
    connection: &Connection,
    before: DateTime<Utc>,
    most: usize,
) -> Result<Vec<(DateTime<Utc>, i64)>, StoreError> {
    let mut decided = connection.prepare_cached(
        "SELECT number, revision, content FROM cases WHERE is_open = 0 AND due_on < ?1 ORDER BY number",
    )?;
    let mut rows = decided.query([cases::due_before(before)])?;
    let mut past = Vec::new();
    while let Some(row) = rows.next()? {
        if past.len() == most {
            break;
        }
        past.extend(cases::past(&read(row)?, before));
    }
    Ok(past)
}
