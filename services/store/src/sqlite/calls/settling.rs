//! Settling rows of counts: the shards of a sum become one row, its histograms one value in it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::counts::{Figure, Tally};
use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior, params};

use super::counts::upsert;
use super::history::key;
use crate::StoreError;
use crate::history::{PeriodSums, SumKey, Sums, add_counts, count_columns};
use crate::packed_tally;
use crate::periods::{SETTLED, Tables, numbers_before};

/// See [`crate::calls::CallStore::settle`].
pub(super) fn settle(
    connection: &mut Connection,
    before: NaiveDate,
    most: usize,
) -> Result<usize, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut settled = 0;
    for (tables, end) in numbers_before(before) {
        for number in unsettled(&transaction, tables, end, most.saturating_sub(settled))? {
            settled += settle_period(&transaction, tables, number)?;
        }
    }
    transaction.commit()?;
    Ok(settled)
}

/// Periods before `end` with rows that are not settled: those of the first `most` of these rows.
fn unsettled(
    transaction: &Transaction<'_>,
    Tables { column, counts, .. }: Tables,
    end: i64,
    most: usize,
) -> Result<BTreeSet<i64>, StoreError> {
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {column} FROM {counts} WHERE {column} < ?1 AND shard >= 0 ORDER BY {column} LIMIT ?2"
    ))?;
    let rows = statement.query_map(params![end, most as i64], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Settles a period as a whole, so that the row of all hotlines together is settled whenever one of theirs is.
fn settle_period(transaction: &Transaction<'_>, tables: Tables, number: i64) -> Result<usize, StoreError> {
    let Tables {
        column,
        counts,
        histograms,
    } = tables;
    let mut sums = PeriodSums::default();
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {column}, hotline_id, task_type, {} FROM {counts} WHERE {column} = ?1 AND shard >= 0
         ORDER BY hotline_id, task_type",
        count_columns()
    ))?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        add_counts(sums.of_counts(key(row)?), row)?;
    }
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {column}, hotline_id, task_type, kind, bin, visits FROM {histograms} WHERE {column} = ?1
         ORDER BY hotline_id, task_type"
    ))?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        sums.add_bin(key(row)?, (row.get(3)?, row.get(4)?), row.get(5)?)?;
    }
    let sums = sums.into_sums();
    for (key, tally) in &sums {
        add_to_settled(transaction, tables, *key, tally)?;
    }
    for rows in [
        format!("DELETE FROM {counts} WHERE {column} = ?1 AND shard >= 0"),
        format!("DELETE FROM {histograms} WHERE {column} = ?1"),
    ] {
        transaction.prepare_cached(&rows)?.execute([number])?;
    }
    Ok(sums.len())
}

fn add_to_settled(
    transaction: &Transaction<'_>,
    Tables { column, counts, .. }: Tables,
    key: SumKey,
    tally: &Tally,
) -> Result<(), StoreError> {
    let place = params![key.number, key.hotline_id, key.task_type];
    let of_row = format!("{column} = ?1 AND hotline_id = ?2 AND task_type = ?3 AND shard = {SETTLED}");
    let packed: Option<Option<Vec<u8>>> = transaction
        .prepare_cached(&format!("SELECT histograms FROM {counts} WHERE {of_row}"))?
        .query_row(place, |row| row.get(0))
        .optional()?;
    let histograms = packed_tally::pack_together(tally, packed.flatten().as_deref())?;
    let figures: Vec<i64> = Figure::ALL
        .iter()
        .map(|figure| tally.counts.get(*figure))
        .collect();
    let mut values: Vec<&dyn ToSql> = vec![&key.number, &key.hotline_id, &key.task_type, &SETTLED];
    values.extend(figures.iter().map(|figure| figure as &dyn ToSql));
    values.push(&tally.longest_time_to_answer_ms);
    values.push(&tally.longest_time_to_abandon_ms);
    transaction
        .prepare_cached(&upsert(column, counts))?
        .execute(values.as_slice())?;
    transaction
        .prepare_cached(&format!("UPDATE {counts} SET histograms = ?4 WHERE {of_row}"))?
        .execute(params![key.number, key.hotline_id, key.task_type, histograms])?;
    Ok(())
}
