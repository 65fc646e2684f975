//! Rows of counts: adding movements to them, and reading sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::NaiveDate;
use domain::counts::{
    Bin, CountKey, Counts, Figure, HistogramKind, INTERVAL_SECONDS, Interval, Movement, Movements, Tally,
};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::visit::Outcome;
use rusqlite::{Connection, ToSql, Transaction, params};

use super::names::Names;
use crate::StoreError;
use crate::calls::{DayRange, GroupTally};

/// The two periods that are counted.
#[derive(Clone, Copy)]
enum Period {
    Interval(Interval),
    Day(NaiveDate),
}

impl Period {
    fn tables(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Interval(_) => ("interval", "interval_counts", "interval_histograms"),
            Self::Day(_) => ("day", "day_counts", "day_histograms"),
        }
    }

    fn number(self) -> i64 {
        match self {
            Self::Interval(interval) => interval.0,
            Self::Day(day) => local_time::day_number(day),
        }
    }

    /// Start and end in milliseconds since 1970.
    fn span_ms(self) -> (i64, i64) {
        match self {
            Self::Interval(interval) => {
                let start_ms = interval.0 * INTERVAL_SECONDS * 1000;
                (start_ms, start_ms + INTERVAL_SECONDS * 1000)
            }
            Self::Day(day) => {
                let end = local_time::start_of(local_time::next(day));
                (
                    local_time::start_of(day).timestamp_millis(),
                    end.timestamp_millis(),
                )
            }
        }
    }
}

/// Adds the movements of a shard. The visits must have been written already.
pub(super) fn write(
    transaction: &Transaction<'_>,
    names: &mut Names,
    shard: u32,
    movements: &Movements,
) -> Result<(), StoreError> {
    let mut days: BTreeMap<(NaiveDate, HotlineName, TaskType), Movement> = BTreeMap::new();
    for (key, movement) in &movements.0 {
        if movement.is_nothing() {
            continue;
        }
        let CountKey {
            interval,
            hotline,
            task_type,
        } = key;
        let hotline_id = names.hotline(transaction, hotline)?;
        write_row(
            transaction,
            Period::Interval(*interval),
            hotline_id,
            *task_type,
            shard,
            movement,
        )?;
        let day = local_time::day_of(interval.start());
        let sum = days.entry((day, hotline.clone(), *task_type)).or_default();
        sum.difference.merge(&movement.difference);
        sum.times_retracted |= movement.times_retracted;
    }
    for ((day, hotline, task_type), movement) in &days {
        let hotline_id = names.hotline(transaction, hotline)?;
        write_row(
            transaction,
            Period::Day(*day),
            hotline_id,
            *task_type,
            shard,
            movement,
        )?;
    }
    Ok(())
}

fn write_row(
    transaction: &Transaction<'_>,
    period: Period,
    hotline_id: i64,
    task_type: TaskType,
    shard: u32,
    movement: &Movement,
) -> Result<(), StoreError> {
    let (column, counts, histograms) = period.tables();
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
    transaction
        .prepare_cached(&upsert(column, counts))?
        .execute(values.as_slice())?;
    let mut statement = transaction.prepare_cached(&format!(
        "INSERT INTO {histograms} ({column}, hotline_id, task_type, kind, bin, shard, visits)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET visits = visits + excluded.visits"
    ))?;
    for kind in HistogramKind::ALL {
        for (bin, visits) in movement.difference.histogram(kind).bins() {
            let bin = bin.edge_seconds();
            statement.execute(params![
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
    if movement.times_retracted {
        read_longest_again(transaction, period, hotline_id, task_type, shard)?;
    }
    Ok(())
}

/// A time was taken away, and it may have been the longest: the visits know.
fn read_longest_again(
    transaction: &Transaction<'_>,
    period: Period,
    hotline_id: i64,
    task_type: TaskType,
    shard: u32,
) -> Result<(), StoreError> {
    let (column, counts, _) = period.tables();
    let (from_ms, to_ms) = period.span_ms();
    let longest = "(SELECT max(wait_ms + coalesce(ring_ms, 0)) FROM visits
        WHERE hotline_id = ?2 AND offered_at_ms >= ?5 AND offered_at_ms < ?6 AND task_type = ?3 AND shard = ?4
          AND outcome = ";
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
        let unknown = || StoreError::Unusable("a histogram with an unknown bin".to_owned());
        let kind = HistogramKind::from_code(row.get(2)?).ok_or_else(unknown)?;
        let bin = Bin::from_edge(row.get(3)?).ok_or_else(unknown)?;
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

/// A hotline and task type as they are stored.
pub(super) fn group(hotline: String, task_type: i16) -> Result<(HotlineName, TaskType), StoreError> {
    let task_type = TaskType::from_code(task_type)
        .ok_or_else(|| StoreError::Unusable("counts of an unknown task type".to_owned()))?;
    Ok((HotlineName::new(hotline), task_type))
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
