//! Rows of counts: adding movements to them, and reading sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::counts::{Counts, Figure, HistogramKind, Movement, Movements, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::visit::Outcome;
use rusqlite::{CachedStatement, Connection, ToSql, Transaction, params};

use super::names::Names;
use crate::StoreError;
use crate::calls::{DayRange, GroupTally};
use crate::periods::{self, PeriodStart, Tables, group};

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
) -> Result<(), StoreError> {
    let mut intervals = Additions::prepare(transaction, Tables::INTERVALS)?;
    let mut days = Additions::prepare(transaction, Tables::DAYS)?;
    for (shard, movements) in movements {
        for row in periods::rows(movements) {
            let hotline_id = names.hotline(transaction, row.hotline)?;
            let additions = match row.period {
                PeriodStart::Interval(_) => &mut intervals,
                PeriodStart::Day(_) => &mut days,
            };
            additions.write_row(row.period, hotline_id, row.task_type, *shard, &row.movement)?;
            if row.movement.times_retracted {
                read_longest_again(transaction, row.period, hotline_id, row.task_type, *shard)?;
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

/// A time was taken away, and it may have been the longest: the visits know.
fn read_longest_again(
    transaction: &Transaction<'_>,
    period: PeriodStart,
    hotline_id: i64,
    task_type: TaskType,
    shard: u32,
) -> Result<(), StoreError> {
    let Tables { column, counts, .. } = period.tables();
    let (from_ms, to_ms) = period.span_ms();
    let longest = "(SELECT max(wait_ms + coalesce(ring_ms, 0)) FROM visits
        WHERE hotline_id = ?2 AND offered_at_ms >= ?5 AND offered_at_ms < ?6 AND task_type = ?3 AND shard = ?4
          AND counted AND outcome = ";
    transaction
        .prepare_cached(&format!(
            "UPDATE {counts} SET longest_time_to_answer_ms = {longest} ?7), longest_time_to_abandon_ms = {longest} ?8)
             WHERE {column} = ?1 AND hotline_id = ?2 AND task_type = ?3 AND shard = ?4"
        ))?
        .execute(params![
            period.number(),
            hotline_id,
            task_type.code(),
            shard,
            from_ms,
            to_ms,
            Outcome::Answered.code(),
            Outcome::Abandoned.code()
        ])?;
    Ok(())
}

fn upsert(column: &str, counts: &str) -> String {
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

/// See [`crate::calls::CallStore::day_totals`].
pub(super) fn day_totals(connection: &Connection, days: DayRange) -> Result<Vec<GroupTally>, StoreError> {
    let range = params![local_time::day_number(days.from), local_time::day_number(days.to)];
    let sums: Vec<String> = Figure::ALL
        .iter()
        .map(|figure| format!("sum({})", figure.name()))
        .collect();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT name, task_type, max(longest_time_to_answer_ms), max(longest_time_to_abandon_ms), {}
         FROM day_counts JOIN hotlines USING (hotline_id) WHERE day >= ?1 AND day < ?2 GROUP BY hotline_id, task_type",
        sums.join(", ")
    ))?;
    let mut groups: BTreeMap<(HotlineName, TaskType), Tally> = BTreeMap::new();
    let mut rows = statement.query(range)?;
    while let Some(row) = rows.next()? {
        let mut tally = Tally {
            counts: Counts::default(),
            longest_time_to_answer_ms: row.get(2)?,
            longest_time_to_abandon_ms: row.get(3)?,
            ..Tally::default()
        };
        for (place, figure) in Figure::ALL.iter().enumerate() {
            tally.counts.add(*figure, row.get(4 + place)?);
        }
        groups.insert(group(row.get(0)?, row.get(1)?)?, tally);
    }
    let mut statement = connection.prepare_cached(
        "SELECT name, task_type, kind, bin, sum(visits) FROM day_histograms JOIN hotlines USING (hotline_id)
         WHERE day >= ?1 AND day < ?2 GROUP BY hotline_id, task_type, kind, bin",
    )?;
    let mut rows = statement.query(range)?;
    while let Some(row) = rows.next()? {
        let (kind, bin) = periods::bin(row.get(2)?, row.get(3)?)?;
        let tally = groups.entry(group(row.get(0)?, row.get(1)?)?).or_default();
        tally.histogram_mut(kind).add(bin, row.get(4)?);
    }
    let groups = groups.into_iter().filter(|(_, tally)| !tally.counts.is_zero());
    Ok(groups
        .map(|((hotline, task_type), tally)| GroupTally {
            hotline,
            task_type,
            tally,
        })
        .collect())
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
