//! Hand-written SQL for PostgreSQL: one transaction a ticket on as many connections as there are agents, one for a
//! hundred hand-overs.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;
use prost::bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement};

use super::{AT_ONCE, HANDED_OVER_AT_ONCE, Written, insertion, place_of};
use crate::postgres;

/// A value as the server sent it: sent back, it is the same.
#[derive(Clone, Debug)]
struct Raw(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(bytes) => {
                out.put_slice(bytes);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

const TABLES: [&str; 3] = ["tickets", "ticket_history", "idempotency_keys"];

/// The tables as the product left them.
struct Prepared {
    tickets: Vec<Written<Raw>>,
    /// By number of the ticket, as the server writes it.
    later: BTreeMap<Vec<u8>, Vec<Raw>>,
    columns: [Vec<String>; 3],
    /// Places of `ticket_id`, `department`, `hotline`, `created_at_ms` in a row of tickets.
    places: [usize; 4],
}

/// Writes to a database of the product's tables what is in another one. Returns how long that took.
pub(super) async fn write(source: &str, target: &str) -> anyhow::Result<Duration> {
    let prepared = Arc::new(prepare(&postgres::connect(source).await?).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let mut agents = Vec::new();
    for _ in 0..AT_ONCE {
        agents.push(Agent::new(postgres::connect(target).await?, &prepared).await?);
    }
    let handing_over = postgres::connect(target).await?;
    let begun = Instant::now();
    let handing_over = tokio::spawn(hand_over_all(handing_over, Arc::clone(&prepared)));
    let agents = agents.into_iter().map(|agent| {
        let (prepared, next) = (Arc::clone(&prepared), Arc::clone(&next));
        tokio::spawn(agent.work(prepared, next))
    });
    for agent in try_join_all(agents).await? {
        agent?;
    }
    handing_over.await??;
    Ok(begun.elapsed())
}

async fn prepare(client: &Client) -> anyhow::Result<Prepared> {
    let mut columns: [Vec<String>; 3] = Default::default();
    let mut tables: [BTreeMap<Vec<u8>, Vec<Vec<Raw>>>; 3] = Default::default();
    for (table, name) in TABLES.into_iter().enumerate() {
        let order = if name == TABLES[1] { "ORDER BY number" } else { "" };
        let select = client.prepare(&format!("SELECT * FROM {name} {order}")).await?;
        columns[table] = select.columns().iter().map(|it| it.name().to_owned()).collect();
        let id = place_of(&columns[table], "ticket_id")?;
        for row in client.query(&select, &[]).await? {
            let values: Vec<Raw> = (0..row.len()).map(|place| row.get(place)).collect();
            let key = values[id].0.clone().context("a number")?;
            tables[table].entry(key).or_default().push(values);
        }
    }
    let [tickets, mut histories, mut keys] = tables;
    let mut later = BTreeMap::new();
    let mut prepared = Vec::new();
    for (id, mut ticket) in tickets {
        let history = histories.remove(&id).context("its history")?;
        if let Some(entry) = history.get(1) {
            later.insert(id.clone(), entry.clone());
        }
        prepared.push(Written {
            ticket: ticket.pop().context("a ticket")?,
            history,
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
        tickets: prepared,
        later,
        columns,
        places,
    })
}

/// A connection with its statements.
struct Agent {
    client: Client,
    rows: [Statement; 3],
    pending: Statement,
    notice: Statement,
}

impl Agent {
    async fn new(client: Client, prepared: &Prepared) -> anyhow::Result<Self> {
        let insert = |table: usize| {
            insertion(TABLES[table], &prepared.columns[table], |place| {
                format!("${place}")
            })
        };
        Ok(Self {
            rows: [
                client.prepare(&insert(0)).await?,
                client.prepare(&insert(1)).await?,
                client.prepare(&insert(2)).await?,
            ],
            pending: client
                .prepare(
                    "INSERT INTO pending_hand_overs (department, ticket_id, version, kind, since_ms)
                     VALUES ($1, $2, 1, 'current', $3)",
                )
                .await?,
            notice: client
                .prepare(
                    "INSERT INTO call_notices (ticket_id, identity, hotline, at_ms)
                     VALUES ($1, '00000000-0000-0000-0000-000000000007', $2, $3)",
                )
                .await?,
            client,
        })
    }

    async fn work(mut self, prepared: Arc<Prepared>, next: Arc<AtomicUsize>) -> anyhow::Result<()> {
        while let Some(written) = prepared.tickets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let [id, department, hotline, at] = prepared.places.map(|place| &written.ticket[place]);
            let transaction = self.client.transaction().await?;
            let rows = [&written.ticket, &written.history[0], &written.key];
            for (statement, row) in self.rows.iter().zip(rows) {
                transaction.execute(statement, &parameters(row)).await?;
            }
            transaction.execute(&self.pending, &[department, id, at]).await?;
            transaction.execute(&self.notice, &[id, hotline, at]).await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}

async fn hand_over_all(mut client: Client, prepared: Arc<Prepared>) -> anyhow::Result<()> {
    let insert = insertion(TABLES[1], &prepared.columns[1], |place| format!("${place}"));
    let insert = client.prepare(&insert).await?;
    let find = client
        .prepare("SELECT ticket_id FROM pending_hand_overs ORDER BY sequence LIMIT $1")
        .await?;
    let update = client
        .prepare("UPDATE tickets SET state = 'handed_over', history_length = 2 WHERE ticket_id = ANY($1)")
        .await?;
    let clear = client
        .prepare("DELETE FROM pending_hand_overs WHERE ticket_id = ANY($1)")
        .await?;
    let told = client
        .prepare("DELETE FROM call_notices WHERE ticket_id = ANY($1)")
        .await?;
    let mut handed_over = 0;
    while handed_over < prepared.tickets.len() {
        let transaction = client.transaction().await?;
        let pending = transaction.query(&find, &[&(HANDED_OVER_AT_ONCE as i64)]).await?;
        let ids: Vec<String> = pending.iter().map(|row| row.get(0)).collect();
        if !ids.is_empty() {
            transaction.execute(&update, &[&ids]).await?;
            for entry in ids.iter().filter_map(|id| prepared.later.get(id.as_bytes())) {
                transaction.execute(&insert, &parameters(entry)).await?;
            }
            transaction.execute(&clear, &[&ids]).await?;
            transaction.execute(&told, &[&ids]).await?;
        }
        transaction.commit().await?;
        handed_over += ids.len();
        tokio::time::sleep(Duration::from_millis(if ids.is_empty() { 2 } else { 1 })).await;
    }
    Ok(())
}

fn parameters(row: &[Raw]) -> Vec<&(dyn ToSql + Sync)> {
    row.iter().map(|value| value as _).collect()
}
