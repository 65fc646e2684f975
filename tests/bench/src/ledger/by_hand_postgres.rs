//! Hand-written SQL for PostgreSQL: calls and visits by COPY, sums by one statement a table; one transaction a commit.

use std::collections::BTreeSet;
use std::error::Error;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Datelike};
use prost::bytes::BytesMut;
use rusqlite::types::Value;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement, Transaction};

use super::rows::{Commit, Prepared, Row, SUMS};
use crate::postgres;

/// Writes everything to a database with the tables and indexes of the product. Returns how long that took.
pub(super) async fn write(url: &str, prepared: &Prepared) -> anyhow::Result<Duration> {
    let mut client = postgres::connect(url).await?;
    let commits: Vec<Filed> = prepared
        .commits
        .iter()
        .map(|commit| Filed::of(commit, prepared))
        .collect::<Result<_, _>>()?;
    client
        .batch_execute("SET synchronous_commit = on; SET jit = off")
        .await?;
    let begun = Instant::now();
    for (table, names) in [
        ("sources", &prepared.sources),
        ("hotlines", &prepared.hotlines),
        ("runs", &prepared.runs),
    ] {
        let insert = format!("INSERT INTO {table} (name) SELECT unnest($1::text[])");
        client.execute(&insert, &[names]).await?;
    }
    make_months(&client, &commits).await?;
    let statements = Statements::prepare(&client, prepared).await?;
    for filed in &commits {
        let transaction = client.transaction().await?;
        write_commit(&transaction, &statements, filed).await?;
        transaction.commit().await?;
    }
    Ok(begun.elapsed())
}

/// A commit as PostgreSQL's tables want it: filed by months.
struct Filed<'a> {
    commit: &'a Commit,
    identities: Vec<Row>,
    calls: Vec<Row>,
    visits: Vec<Row>,
    months: BTreeSet<i32>,
    /// By table and column, for statements that take arrays.
    sums: [Vec<Vec<Option<i64>>>; 4],
}

impl<'a> Filed<'a> {
    fn of(commit: &'a Commit, prepared: &Prepared) -> anyhow::Result<Self> {
        let column = |name: &str| {
            let place = prepared.columns.calls.iter().position(|column| column == name);
            place.with_context(|| format!("calls have no {name}"))
        };
        let (started, identity, call_row) =
            (column("started_at_ms")?, column("identity")?, column("call_row")?);
        let mut filed = Self {
            commit,
            identities: Vec::new(),
            calls: Vec::new(),
            visits: Vec::new(),
            months: BTreeSet::new(),
            sums: std::array::from_fn(|place| by_column(&commit.sums[place])),
        };
        let mut month_of_call = std::collections::HashMap::new();
        for call in &commit.calls {
            let month = month(&call[started])?;
            filed.months.insert(month);
            let month = Value::Integer(i64::from(month));
            month_of_call.insert(integer(&call[call_row])?, month.clone());
            filed.identities.push(vec![
                call[identity].clone(),
                month.clone(),
                call[call_row].clone(),
            ]);
            filed
                .calls
                .push([std::slice::from_ref(&month), call.as_slice()].concat());
        }
        // As whoever writes by hand would: keys in order.
        filed
            .identities
            .sort_by(|left, right| bytes(&left[0]).cmp(bytes(&right[0])));
        for visit in &commit.visits {
            let month = month_of_call
                .get(&integer(&visit[0])?)
                .context("a visit's call")?;
            filed
                .visits
                .push([std::slice::from_ref(month), visit.as_slice()].concat());
        }
        Ok(filed)
    }
}

fn by_column(rows: &[Row]) -> Vec<Vec<Option<i64>>> {
    let columns = rows.first().map_or(0, Vec::len);
    let column = |place: usize| rows.iter().map(|row| integer(&row[place]).ok()).collect();
    (0..columns).map(column).collect()
}

fn integer(value: &Value) -> anyhow::Result<i64> {
    match value {
        Value::Integer(number) => Ok(*number),
        _ => anyhow::bail!("not a number"),
    }
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Blob(bytes) => bytes,
        _ => &[],
    }
}

fn month(started_at_ms: &Value) -> anyhow::Result<i32> {
    let at = DateTime::from_timestamp_millis(integer(started_at_ms)?).context("a time")?;
    Ok(at.year() * 100 + at.month() as i32)
}

async fn make_months(client: &Client, commits: &[Filed<'_>]) -> anyhow::Result<()> {
    let months: BTreeSet<&i32> = commits.iter().flat_map(|filed| &filed.months).collect();
    for month in months {
        for table in ["calls", "visits"] {
            let create = format!("CREATE TABLE {table}_{month} PARTITION OF {table} FOR VALUES IN ({month})");
            client.batch_execute(&create).await?;
        }
        client
            .execute("INSERT INTO partitions (month) VALUES ($1)", &[month])
            .await?;
    }
    Ok(())
}

/// A table that is copied into.
struct Copying {
    statement: Statement,
    types: Vec<Type>,
}

struct Statements {
    identities: Copying,
    calls: Copying,
    visits: Copying,
    sums: Vec<Statement>,
    changes: Statement,
    run: Statement,
    position: Statement,
}

impl Statements {
    async fn prepare(client: &Client, prepared: &Prepared) -> anyhow::Result<Self> {
        let with_month = |columns: &[String]| [&["month".to_owned()], columns].concat();
        let identities = ["identity", "month", "call_row"].map(str::to_owned);
        let mut sums = Vec::new();
        for (place, (table, key)) in SUMS.into_iter().enumerate() {
            let upsert = upsert(table, &prepared.columns.sums[place], key);
            sums.push(client.prepare(&upsert).await?);
        }
        let changes = "INSERT INTO count_changes
             SELECT pg_current_xact_id(), * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::bytea[])";
        let run = "INSERT INTO import_runs AS r (run, shard, new_reports, flagged) VALUES ($1, 0, $2, $3)
             ON CONFLICT (run, shard) DO UPDATE SET new_reports = r.new_reports + excluded.new_reports,
                 flagged = r.flagged + excluded.flagged";
        let position = "INSERT INTO positions (topic_id, partition, position)
             SELECT $1, * FROM unnest($2::int8[], $3::int8[])
             ON CONFLICT (topic_id, partition) DO UPDATE SET position = excluded.position";
        Ok(Self {
            identities: Copying::prepare(client, "identities", &identities).await?,
            calls: Copying::prepare(client, "calls", &with_month(&prepared.columns.calls)).await?,
            visits: Copying::prepare(client, "visits", &with_month(&prepared.columns.visits)).await?,
            sums,
            changes: client.prepare(changes).await?,
            run: client.prepare(run).await?,
            position: client.prepare(position).await?,
        })
    }
}

impl Copying {
    async fn prepare(client: &Client, table: &str, columns: &[String]) -> anyhow::Result<Self> {
        let columns = columns.join(", ");
        let types = client.prepare(&format!("SELECT {columns} FROM {table}")).await?;
        let types = types
            .columns()
            .iter()
            .map(|column| column.type_().clone())
            .collect();
        let copy = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
        Ok(Self {
            statement: client.prepare(&copy).await?,
            types,
        })
    }

    async fn copy(&self, transaction: &Transaction<'_>, rows: &[Row]) -> anyhow::Result<()> {
        let sink = transaction.copy_in(&self.statement).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &self.types));
        for row in rows {
            writer.as_mut().write_raw(row.iter().map(Cell)).await?;
        }
        writer.finish().await?;
        Ok(())
    }
}

fn upsert(table: &str, columns: &[String], key: usize) -> String {
    let arrays: Vec<String> = (1..=columns.len())
        .map(|place| format!("${place}::int8[]"))
        .collect();
    let update = |column: &String| match column.starts_with("longest") {
        true => format!("{column} = greatest(t.{column}, excluded.{column})"),
        false => format!("{column} = t.{column} + excluded.{column}"),
    };
    let updates: Vec<String> = columns.iter().skip(key).map(update).collect();
    format!(
        "INSERT INTO {table} AS t ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO UPDATE SET {}",
        columns.join(", "),
        arrays.join(", "),
        columns[..key].join(", "),
        updates.join(", ")
    )
}

async fn write_commit(
    transaction: &Transaction<'_>,
    statements: &Statements,
    filed: &Filed<'_>,
) -> anyhow::Result<()> {
    statements.identities.copy(transaction, &filed.identities).await?;
    statements.calls.copy(transaction, &filed.calls).await?;
    statements.visits.copy(transaction, &filed.visits).await?;
    for (statement, columns) in statements.sums.iter().zip(&filed.sums) {
        if !columns.is_empty() {
            let columns = columns.iter().map(|column| column as &(dyn ToSql + Sync));
            transaction
                .execute(statement, &columns.collect::<Vec<_>>())
                .await?;
        }
    }
    let changes = &filed.commit.changes;
    let columns = by_column(changes);
    let differences: Vec<&[u8]> = changes.iter().map(|row| bytes(&row[6])).collect();
    let keys = columns[1..6].iter().map(|column| column as &(dyn ToSql + Sync));
    let values: Vec<_> = keys.chain([&differences as &(dyn ToSql + Sync)]).collect();
    transaction.execute(&statements.changes, &values).await?;
    for run in &filed.commit.runs {
        let name = text(&run[0])?;
        let run = [
            &name as &(dyn ToSql + Sync),
            &integer(&run[1])?,
            &integer(&run[2])?,
        ];
        transaction.execute(&statements.run, &run).await?;
    }
    let positions = &filed.commit.positions;
    let topic = positions.first().context("a position")?;
    let columns = by_column(positions);
    let positions = [&text(&topic[0])? as &(dyn ToSql + Sync), &columns[1], &columns[2]];
    transaction.execute(&statements.position, &positions).await?;
    Ok(())
}

fn text(value: &Value) -> anyhow::Result<&str> {
    match value {
        Value::Text(text) => Ok(text),
        _ => anyhow::bail!("not a text"),
    }
}

/// A value in the type of its column.
#[derive(Debug)]
struct Cell<'a>(&'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, of) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Integer(number), &Type::BOOL) => (*number != 0).to_sql(of, out),
            (Value::Integer(number), &Type::INT2) => i16::try_from(*number)?.to_sql(of, out),
            (Value::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(of, out),
            (Value::Integer(number), _) => number.to_sql(of, out),
            (Value::Text(text), _) => text.to_sql(of, out),
            (Value::Blob(bytes), _) => bytes.to_sql(of, out),
            (Value::Real(_), _) => Err("no column holds a fraction".into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
