//! Hand-written SQL for SQLite: one transaction a ticket, one for a hundred hand-overs, on one writing connection.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use store::sqlite::SqliteTickets;

use super::{AT_ONCE, HANDED_OVER_AT_ONCE, Written, insertion, place_of};

/// The tables as the product left them.
struct Prepared {
    tickets: Vec<Written<Value>>,
    columns: [Vec<String>; 3],
    /// Places of `ticket_id`, `department`, `hotline`, `created_at_ms` in a row of tickets.
    places: [usize; 4],
}

const TABLES: [&str; 3] = ["tickets", "history", "idempotency_keys"];

/// Writes to a new file what is in one of the product's. Returns how long that took.
pub(super) fn write(source: &Path, target: &Path) -> anyhow::Result<Duration> {
    let prepared = prepare(source)?;
    drop(SqliteTickets::open(target)?);
    let connection = Connection::open(target)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; PRAGMA cache_size = -64000;
         PRAGMA wal_autocheckpoint = 8000; PRAGMA temp_store = MEMORY",
    )?;
    connection.set_prepared_statement_cache_capacity(16);
    let connection = Mutex::new(connection);
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let agent = || -> anyhow::Result<()> {
            while let Some(written) = prepared.tickets.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                log(&mut connection, &prepared, written)?;
            }
            Ok(())
        };
        let agents: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(agent)).collect();
        let handing_over = scope.spawn(|| hand_over_all(&connection, &prepared));
        for agent in agents.into_iter().chain([handing_over]) {
            agent
                .join()
                .map_err(|_| anyhow::anyhow!("a thread broke down"))??;
        }
        Ok(())
    })?;
    Ok(begun.elapsed())
}

fn prepare(source: &Path) -> anyhow::Result<Prepared> {
    let connection = Connection::open(source).with_context(|| source.display().to_string())?;
    let columns = |table: &str| -> anyhow::Result<Vec<String>> {
        let statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
        Ok(statement.column_names().map(str::to_owned).collect())
    };
    let columns = [columns(TABLES[0])?, columns(TABLES[1])?, columns(TABLES[2])?];
    let rows = |table: usize, order: &str| -> anyhow::Result<BTreeMap<String, Vec<Vec<Value>>>> {
        let id = place_of(&columns[table], "ticket_id")?;
        let mut statement = connection.prepare(&format!("SELECT * FROM {} {order}", TABLES[table]))?;
        let mut rows = statement.query([])?;
        let mut by_ticket: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..columns[table].len())
                .map(|place| row.get(place))
                .collect::<Result<_, _>>()?;
            by_ticket.entry(row.get(id)?).or_default().push(values);
        }
        Ok(by_ticket)
    };
    let mut histories = rows(1, "ORDER BY ticket_id, number")?;
    let mut keys = rows(2, "")?;
    let mut tickets = Vec::new();
    for (id, mut ticket) in rows(0, "")? {
        tickets.push(Written {
            ticket: ticket.pop().context("a ticket")?,
            history: histories.remove(&id).context("its history")?,
            key: keys
                .remove(&id)
                .and_then(|mut keys| keys.pop())
                .context("its key")?,
        });
    }
    let names = ["ticket_id", "department", "hotline", "created_at_ms"];
    let mut places = [0; 4];
    for (place, name) in places.iter_mut().zip(names) {
        *place = place_of(&columns[0], name)?;
    }
    Ok(Prepared {
        tickets,
        columns,
        places,
    })
}

fn log(connection: &mut Connection, prepared: &Prepared, written: &Written<Value>) -> anyhow::Result<()> {
    let transaction = connection.transaction()?;
    let rows = [&written.ticket, &written.history[0], &written.key];
    for ((table, columns), row) in TABLES.iter().zip(&prepared.columns).zip(rows) {
        let insert = insertion(table, columns, |place| format!("?{place}"));
        transaction
            .prepare_cached(&insert)?
            .execute(rusqlite::params_from_iter(row))?;
    }
    let [id, department, hotline, at] = prepared.places.map(|place| &written.ticket[place]);
    transaction
        .prepare_cached(
            "INSERT INTO pending_hand_overs (department, ticket_id, version, kind, since_ms)
             VALUES (?1, ?2, 1, 'current', ?3)",
        )?
        .execute(params![department, id, at])?;
    transaction
        .prepare_cached(
            "INSERT INTO call_notices (ticket_id, identity, hotline, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, [7_u8; 16], hotline, at])?;
    Ok(transaction.commit()?)
}

fn hand_over_all(connection: &Mutex<Connection>, prepared: &Prepared) -> anyhow::Result<()> {
    let mut by_id = BTreeMap::new();
    for written in &prepared.tickets {
        if let Value::Text(id) = &written.ticket[prepared.places[0]] {
            by_id.insert(id.clone(), written);
        }
    }
    let mut handed_over = 0;
    while handed_over < prepared.tickets.len() {
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let pending: Vec<String> = connection
            .prepare_cached("SELECT ticket_id FROM pending_hand_overs ORDER BY sequence LIMIT ?1")?
            .query_map([HANDED_OVER_AT_ONCE as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let transaction = connection.transaction()?;
        for id in &pending {
            let later = by_id.get(id).context("a ticket that was logged")?.history.get(1);
            transaction
                .prepare_cached(
                    "UPDATE tickets SET state = 'handed_over', history_length = 2, changed_at_ms = changed_at_ms
                     WHERE ticket_id = ?1",
                )?
                .execute([id])?;
            if let Some(entry) = later {
                let insert = insertion(TABLES[1], &prepared.columns[1], |place| format!("?{place}"));
                transaction
                    .prepare_cached(&insert)?
                    .execute(rusqlite::params_from_iter(entry))?;
            }
            transaction
                .prepare_cached("DELETE FROM pending_hand_overs WHERE ticket_id = ?1")?
                .execute([id])?;
            transaction
                .prepare_cached("DELETE FROM call_notices WHERE ticket_id = ?1")?
                .execute([id])?;
        }
        transaction.commit()?;
        drop(connection);
        handed_over += pending.len();
        std::thread::sleep(Duration::from_millis(if pending.is_empty() { 2 } else { 1 }));
    }
    Ok(())
}
