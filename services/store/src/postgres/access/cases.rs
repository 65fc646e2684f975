//! Cases of data subjects.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::{GenericClient, Transaction};
use domain::privacy::Case;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{limit, text};
use super::{PostgresAccess, begin};
use crate::StoreError;
use crate::cases::{self, Bringing, CaseQuery, CaseStore, KeptCase, NewCase, OpenedCase};

#[async_trait]
impl CaseStore for PostgresAccess {
    async fn open_case(&self, new: NewCase) -> Result<OpenedCase, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let case = &new.case;
        // Of several requests with one key, the first goes on; the others wait for how it ends.
        let opened = transaction
            .query_opt(
                "INSERT INTO cases (is_open, due_on, revision, content, idempotency_key, requested)
                 VALUES (true, $1, 1, $2, $3, $4) ON CONFLICT (idempotency_key) DO NOTHING RETURNING number",
                &[
                    &case.due_on.to_string(),
                    &text(&cases::written(case)),
                    &text(&new.idempotency_key),
                    &new.requested.as_slice(),
                ],
            )
            .await?;
        let Some(opened) = opened else {
            let before = transaction
                .query_one(
                    "SELECT number, revision, content, requested FROM cases WHERE idempotency_key = $1",
                    &[&text(&new.idempotency_key)],
                )
                .await?;
            return match before.get::<_, &[u8]>(3) == new.requested {
                true => read(&before).map(|kept| OpenedCase::Repeated(Box::new(kept))),
                false => Ok(OpenedCase::KeyTaken),
            };
        };
        let number: i64 = opened.get(0);
        mark(&transaction, case, number).await?;
        transaction.commit().await?;
        Ok(OpenedCase::New(number))
    }

    async fn case(&self, number: i64) -> Result<Option<KeptCase>, StoreError> {
        let client = self.database.client().await?;
        let find = "SELECT number, revision, content FROM cases WHERE number = $1";
        let found = client.query_opt(find, &[&number]).await?;
        found.as_ref().map(read).transpose()
    }

    async fn cases(&self, query: CaseQuery) -> Result<Vec<KeptCase>, StoreError> {
        let client = self.database.client().await?;
        let most = limit(query.most);
        let after = query.after.map(|(due_on, number)| (due_on.to_string(), number));
        let mut conditions = vec!["true".to_owned()];
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&most];
        if query.open {
            conditions.push("is_open".to_owned());
        }
        if !query.marks.is_empty() {
            values.push(&query.marks);
            conditions.push(format!(
                "number IN (SELECT number FROM case_marks WHERE mark = ANY(${}))",
                values.len()
            ));
        }
        if let Some((due_on, number)) = &after {
            if query.open {
                values.push(due_on);
            }
            values.push(number);
            let last = values.len();
            conditions.push(match query.open {
                true => format!("(due_on, number) > (${}, ${last})", last - 1),
                false => format!("number < ${last}"),
            });
        }
        let order = match query.open {
            true => "due_on, number",
            false => "number DESC",
        };
        let select = format!(
            "SELECT number, revision, content FROM cases WHERE {} ORDER BY {order} LIMIT $1",
            conditions.join(" AND ")
        );
        let select = client.prepare_cached(&select).await?;
        client.query(&select, &values).await?.iter().map(read).collect()
    }

    async fn change_case(&self, changed: KeptCase) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        let case = &changed.case;
        let written = client
            .execute(
                "UPDATE cases SET revision = revision + 1, is_open = $3, due_on = $4, content = $5
                 WHERE number = $1 AND revision = $2",
                &[
                    &changed.number,
                    &changed.revision,
                    &case.decision.is_none(),
                    &case.due_on.to_string(),
                    &text(&cases::written(case)),
                ],
            )
            .await?;
        match written {
            0 => Err(StoreError::Conflict(format!("case {}", changed.number))),
            _ => Ok(()),
        }
    }

    async fn bring_back_case(&self, kept: KeptCase) -> Result<bool, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let find = "SELECT number, revision, content FROM cases WHERE number = $1 FOR UPDATE";
        let there = transaction.query_opt(find, &[&kept.number]).await?;
        let there = there.as_ref().map(read).transpose()?;
        let case = &kept.case;
        let (is_open, due_on, content) = (
            case.decision.is_none(),
            case.due_on.to_string(),
            cases::written(case),
        );
        match Bringing::of(there.as_ref(), &kept)? {
            Bringing::Nothing => return Ok(false),
            Bringing::Write => {
                let write = "UPDATE cases SET revision = $2, is_open = $3, due_on = $4, content = $5 WHERE number = $1";
                transaction
                    .execute(
                        write,
                        &[&kept.number, &kept.revision, &is_open, &due_on, &text(&content)],
                    )
                    .await?;
            }
            Bringing::Add => {
                let add = "INSERT INTO cases (number, revision, is_open, due_on, content, idempotency_key, requested)
                     OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7)";
                let key = cases::key_of_brought_back(kept.number);
                transaction
                    .execute(
                        add,
                        &[
                            &kept.number,
                            &kept.revision,
                            &is_open,
                            &due_on,
                            &text(&content),
                            &key,
                            &[0_u8; 32].as_slice(),
                        ],
                    )
                    .await?;
            }
        }
        mark(&transaction, case, kept.number).await?;
        // The next one that is opened comes behind it.
        transaction
            .execute(
                "SELECT setval(pg_get_serial_sequence('cases', 'number'),
                     greatest($1, (SELECT max(number) FROM cases)))",
                &[&kept.number],
            )
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

async fn mark(transaction: &Transaction<'_>, case: &Case, number: i64) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO case_marks (mark, number) SELECT DISTINCT mark, $2::int8
             FROM unnest($1::text[]) AS marks (mark) ON CONFLICT DO NOTHING",
            &[&case.marks, &number],
        )
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<KeptCase, StoreError> {
    cases::read(row.get(0), row.get(1), row.get(2))
}

/// Cases that are decided and were last handled before a time, at most so many: when, and their numbers.
pub(super) async fn last_handled_before(
    client: &impl GenericClient,
    before: DateTime<Utc>,
    most: usize,
) -> Result<Vec<(DateTime<Utc>, i64)>, StoreError> {
    let decided =
        "SELECT number, revision, content FROM cases WHERE NOT is_open AND due_on < $1 ORDER BY number";
    let rows = client.query(decided, &[&cases::due_before(before)]).await?;
    let mut past = Vec::new();
    for row in &rows {
        if past.len() == most {
            break;
        }
        past.extend(cases::past(&read(row)?, before));
    }
    Ok(past)
}
