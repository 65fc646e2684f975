//! Items that could not be counted.

use chrono::DateTime;
use deadpool_postgres::{GenericClient, Object, Transaction};
use domain::ids::{Identity, ImportRun, SourceName};
use domain::report::CallReport;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::owed;
use super::super::values::{self, key, text};
use crate::StoreError;
use crate::batch::repairs_a_row;
use crate::rejected::{Discard, PAST_RETENTION, ReadAgain, RejectedCount, RejectedItem, RejectedQuery};
use crate::scrub::Leftover;

const COLUMNS: &str =
    "id, source, run, received_at_ms, position, field, reason, payload, format, context, row_key,
    discarded_at_ms, discarded_by, discard_reason";

/// See [`crate::calls::CallStore::keep_rejected`].
pub(super) async fn keep(client: &impl GenericClient, items: &[RejectedItem]) -> Result<(), StoreError> {
    let mut items: Vec<&RejectedItem> = items.iter().collect();
    items.sort_by_key(|item| item.id);
    items.dedup_by_key(|item| item.id);
    let texts =
        |of: fn(&RejectedItem) -> &str| -> Vec<_> { items.iter().map(|item| text(of(item))).collect() };
    let ids: Vec<_> = items.iter().map(|item| key(item.id)).collect();
    let times: Vec<i64> = items
        .iter()
        .map(|item| item.received_at.timestamp_millis())
        .collect();
    let payloads: Vec<&[u8]> = items.iter().map(|item| item.payload.as_slice()).collect();
    let contexts: Vec<&[u8]> = items.iter().map(|item| item.again.context.as_slice()).collect();
    let row_keys: Vec<_> = items.iter().map(|item| item.again.row_bytes()).collect();
    let keep = client
        .prepare_cached(
            "INSERT INTO rejected_items AS k (id, source, run, received_at_ms, position, field, reason, payload, format,
                 context, row_key)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::text[], $7::text[],
                 $8::bytea[], $9::text[], $10::bytea[], $11::bytea[])
             ON CONFLICT (id) DO UPDATE SET run = excluded.run WHERE k.field = $12",
        )
        .await?;
    client
        .execute(
            &keep,
            &[
                &ids,
                &texts(|item| item.source.as_str()),
                &texts(|item| item.run.as_str()),
                &times,
                &texts(|item| &item.position),
                &texts(|item| &item.field),
                &texts(|item| &item.reason),
                &payloads,
                &texts(|item| &item.again.format),
                &contexts,
                &row_keys,
                &PAST_RETENTION,
            ],
        )
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<RejectedItem, StoreError> {
    let time = |ms| DateTime::from_timestamp_millis(ms).unwrap_or_default();
    let row_key: Option<&[u8]> = row.get(10);
    let discard = row.get::<_, Option<i64>>(11).map(|at| Discard {
        at: time(at),
        by: row.get(12),
        reason: row.get(13),
    });
    Ok(RejectedItem {
        id: values::identity(row.get(0)),
        source: SourceName::new(row.get::<_, &str>(1)),
        run: ImportRun::new(row.get::<_, &str>(2)),
        received_at: time(row.get(3)),
        position: row.get(4),
        field: row.get(5),
        reason: row.get(6),
        payload: row.get(7),
        again: ReadAgain {
            format: row.get(8),
            context: row.get(9),
            row: row_key.map(ReadAgain::row_of).transpose()?,
        },
        discard,
    })
}

/// See [`crate::calls::CallStore::rejected`].
pub(super) async fn list(client: &Object, query: &RejectedQuery) -> Result<Vec<RejectedItem>, StoreError> {
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    let mut value = |value: Box<dyn ToSql + Sync + Send>| {
        values.push(value);
        format!("${}", values.len())
    };
    let open = if query.discarded { "IS NOT NULL" } else { "IS NULL" };
    let mut conditions = vec![format!("discarded_at_ms {open}")];
    if let Some(source) = &query.source {
        let source = text(source.as_str()).into_owned();
        conditions.push(format!("source = {}", value(Box::new(source))));
    }
    if let Some(part) = &query.reason {
        let part = value(Box::new(text(&part.to_lowercase()).into_owned()));
        conditions.push(format!("strpos(lower(reason || ' ' || field), {part}) > 0"));
    }
    if let Some(from) = query.from {
        conditions.push(format!(
            "received_at_ms >= {}",
            value(Box::new(from.timestamp_millis()))
        ));
    }
    if let Some(to) = query.to {
        conditions.push(format!(
            "received_at_ms < {}",
            value(Box::new(to.timestamp_millis()))
        ));
    }
    if let Some((received_at, id)) = query.after {
        let received_at = value(Box::new(received_at.timestamp_millis()));
        let id = value(Box::new(key(id)));
        conditions.push(format!("(received_at_ms, id) < ({received_at}, {id})"));
    }
    let select = format!(
        "SELECT {COLUMNS} FROM rejected_items WHERE {} ORDER BY received_at_ms DESC, id DESC LIMIT {}",
        conditions.join(" AND "),
        value(Box::new(values::limit(query.most)))
    );
    let select = client.prepare_cached(&select).await?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    client.query(&select, &values).await?.iter().map(read).collect()
}

/// See [`crate::calls::CallStore::rejected_item`].
pub(super) async fn item(client: &Object, id: Identity) -> Result<Option<RejectedItem>, StoreError> {
    let find = format!("SELECT {COLUMNS} FROM rejected_items WHERE id = $1");
    let row = client.query_opt(&find, &[&key(id)]).await?;
    row.as_ref().map(read).transpose()
}

/// See [`crate::calls::CallStore::rejected_counts`].
pub(super) async fn counts(client: &Object) -> Result<Vec<RejectedCount>, StoreError> {
    let rows = client
        .query(
            "SELECT source, field, count(*) FROM rejected_items WHERE discarded_at_ms IS NULL
             GROUP BY source, field ORDER BY source, field",
            &[],
        )
        .await?;
    let count = |row: &Row| RejectedCount {
        source: SourceName::new(row.get::<_, &str>(0)),
        field: row.get(1),
        items: row.get(2),
    };
    Ok(rows.iter().map(count).collect())
}

/// See [`crate::calls::CallStore::discard_rejected`].
pub(super) async fn discard(
    client: &mut Object,
    ids: &[Identity],
    discard: &Discard,
) -> Result<usize, StoreError> {
    let ids: Vec<_> = ids.iter().map(|id| key(*id)).collect();
    let transaction = client.transaction().await?;
    let discarded = transaction
        .execute(
            "UPDATE rejected_items SET payload = '', context = '', discarded_at_ms = $2, discarded_by = $3,
                 discard_reason = $4
             WHERE id = ANY($1) AND discarded_at_ms IS NULL",
            &[
                &ids,
                &discard.at.timestamp_millis(),
                &text(&discard.by),
                &text(&discard.reason),
            ],
        )
        .await?;
    if discarded > 0 {
        owed::note(&transaction, Leftover::RejectedItems, discard.at).await?;
    }
    transaction.commit().await?;
    Ok(discarded as usize)
}

/// Removes the items that reports repair, in the transaction that counts them.
pub(super) async fn remove_repaired<'a>(
    transaction: &Transaction<'_>,
    reports: impl Iterator<Item = &'a CallReport>,
) -> Result<(), StoreError> {
    let rows = reports.filter(|report| repairs_a_row(report));
    let mut ids: Vec<_> = rows.map(|report| key(report.identity)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let any = transaction
        .prepare_cached("SELECT EXISTS (SELECT FROM rejected_items)")
        .await?;
    if transaction.query_one(&any, &[]).await?.get(0) {
        ids.sort_unstable();
        let remove = transaction
            .prepare_cached("DELETE FROM rejected_items WHERE id = ANY($1)")
            .await?;
        transaction.execute(&remove, &[&ids]).await?;
    }
    Ok(())
}
