//! Rows of counts: adding movements to them, and reading sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use domain::counts::{Figure, HistogramKind, Movement, Movements};
use domain::record::TaskType;
use domain::visit::Outcome;
use rusqlite::{CachedStatement, Connection, ToSql, Transaction, params};

use super::changes::ChangeLog;
use super::names::Names;
use crate::StoreError;
use crate::periods::{self, PeriodStart, SETTLED, TOGETHER, Tables};

/// The statements that add to the tables of a period, prepared once a transaction.
struct Additions<'a> {
    counts: CachedStatement<'a>,
    histograms: CachedStatement<'a>,
}

impl<'a> Additions<'a> {
    fn prepare(transaction: &'a Transaction<'_>, tables: Tables) -> Result<Self, StoreError> {
        let Tables {
            column,
            counts,
            histograms,
        } = tables;
        Ok(Self {
            counts: transaction.prepare_cached(&upsert(column, counts))?,
            histograms: transaction.prepare_cached(&format!(
                "INSERT INTO {histograms} ({column}, hotline_id, task_type, kind, bin, shard, visits)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET visits = visits + excluded.visits"
            ))?,
        })
    }
}

/// Adds movements, by shard. The visits must have been written already.
pub(super) fn write(
    transaction: &Transaction<'_>,
    names: &mut Names,
    movements: &BTreeMap<u32, Movements>,
    changed_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut intervals = Additions::prepare(transaction, Tables::INTERVALS)?;
    let mut days = Additions::prepare(transaction, Tables::DAYS)?;
    let mut log = ChangeLog::begin(transaction, changed_at);
    for (shard, movements) in movements {
        for row in periods::rows(movements) {
            let hotline_id = match row.hotline {
                Some(hotline) => names.hotline(transaction, hotline)?,
                None => TOGETHER.into(),
            };
            let additions = match row.period {
                PeriodStart::Interval(_) => &mut intervals,
                PeriodStart::Day(_) => &mut days,
            };
            additions.write_row(row.period, hotline_id, row.task_type, *shard, &row.movement)?;
            if row.movement.times_retracted {
                read_longest_again(transaction, row.period, hotline_id, row.task_type, *shard)?;
            }
            if let (PeriodStart::Interval(interval), Some(_)) = (row.period, row.hotline) {
                log.add(interval, hotline_id, row.task_type, *shard, &row.movement)?;
            }
        }
    }
    Ok(())
}

impl Additions<'_> {
    fn write_row(
        &mut self,
        period: PeriodStart,
        hotline_id: i64,
        task_type: TaskType,
        shard: u32,
        movement: &Movement,
    ) -> Result<(), StoreError> {
        let number = period.number();
        let task_code = task_type.code();
        let figures: Vec<i64> = Figure::ALL
            .iter()
            .map(|figure| movement.difference.counts.get(*figure))
            .collect();
        let mut values: Vec<&dyn ToSql> = vec![&number, &hotline_id, &task_code, &shard];
        values.extend(figures.iter().map(|figure| figure as &dyn ToSql));
        values.push(&movement.difference.longest_time_to_answer_ms);
        values.push(&movement.difference.longest_time_to_abandon_ms);
        self.counts.execute(values.as_slice())?;
        for kind in HistogramKind::ALL {
            for (bin, visits) in movement.difference.histogram(kind).bins() {
                let bin = bin.edge_seconds();
                self.histograms.execute(params![
                    number,
                    hotline_id,
                    task_code,
                    kind.code(),
                    bin,
                    shard,
                    visits
                ])?;
            }
        }
        Ok(())
    }
}

/// A time was taken away, and it may have been the longest: the visits know, with what is kept of deleted ones, and of all
/// hotlines together the rows of each. The row of the shard is read again, and the settled one, which every shard has a part in.
fn read_longest_again(
    transaction: &Transaction<'_>,
    period: PeriodStart,
    hotline_id: i64,
    task_type: TaskType,
    shard: u32,
) -> Result<(), StoreError> {
    let Tables { column, counts, .. } = period.tables();
    let (from_ms, to_ms) = period.span_ms();
    let longest = |name: &str, outcome: Outcome| {
        match hotline_id == i64::from(TOGETHER) {
        true => format!(
            "{name} = (SELECT max(h.{name}) FROM {counts} h
                 WHERE h.{column} = c.{column} AND h.hotline_id > 0 AND h.task_type = c.task_type
                   AND (h.shard = c.shard OR c.shard = {SETTLED}) AND ?5 < ?6)"
        ),
        false => format!(
            "{name} = (SELECT max(longest) FROM (
                 SELECT max(wait_ms + coalesce(ring_ms, 0)) AS longest FROM visits v
                 WHERE v.hotline_id = ?2 AND v.offered_at_ms >= ?5 AND v.offered_at_ms < ?6 AND v.task_type = ?3
                   AND (v.shard = c.shard OR c.shard = {SETTLED}) AND v.counted AND v.outcome = {}
                 UNION ALL
                 SELECT max(p.{name}) FROM purged_longest p
                 WHERE p.hotline_id = ?2 AND p.interval >= ?5 / 900000 AND p.interval < ?6 / 900000
                   AND p.task_type = ?3 AND (p.shard = c.shard OR c.shard = {SETTLED})))",
            outcome.code()
        ),
    }
    };
    transaction
        .prepare_cached(&format!(
            "UPDATE {counts} AS c SET {}, {}
             WHERE {column} = ?1 AND hotline_id = ?2 AND task_type = ?3 AND shard IN (?4, {SETTLED})",
            longest("longest_time_to_answer_ms", Outcome::Answered),
            longest("longest_time_to_abandon_ms", Outcome::Abandoned),
        ))?
        .execute(params![
            period.number(),
            hotline_id,
            task_type.code(),
            shard,
            from_ms,
            to_ms
        ])?;
    Ok(())
}

/// Adds to a row of counts.
pub(super) fn upsert(column: &str, counts: &str) -> String {
    let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
    let mut sql = format!(
        "INSERT INTO {counts} ({column}, hotline_id, task_type, shard, {}, longest_time_to_answer_ms,
             longest_time_to_abandon_ms) VALUES (?1",
        names.join(", ")
    );
    for place in 2..=names.len() + 6 {
        let _ = write!(sql, ", ?{place}");
    }
    sql.push_str(") ON CONFLICT DO UPDATE SET ");
    for name in names {
        let _ = write!(sql, "{name} = {name} + excluded.{name}, ");
    }
    for longest in ["longest_time_to_answer_ms", "longest_time_to_abandon_ms"] {
        let _ = write!(
            sql,
            "{longest} = nullif(max(coalesce({longest}, -1), coalesce(excluded.{longest}, -1)), -1), "
        );
    }
    sql.truncate(sql.len() - 2);
    sql
}

/// See [`crate::calls::CallStore::imbalance`].
pub(super) fn imbalance(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row(
        "SELECT count(*) FROM (
             SELECT 1 FROM day_counts GROUP BY day, hotline_id, task_type
             HAVING sum(offered) <> sum(answered + abandoned + overflowed + diverted + unresolved + waiting))",
        [],
        |row| row.get(0),
    )?)
}
