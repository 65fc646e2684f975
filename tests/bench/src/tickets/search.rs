//! `ticket_search`: finding tickets by number, by name and by due time, among ten thousand and among a million.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;
use store::sqlite::SqliteTickets;
use wire::v1::tickets::ticketing_server::Ticketing;
use wire::v1::tickets::{FindTicketsRequest, ListTicketsRequest};

use super::{by_operator, place_of, request, rules, ticketing};
use crate::figures::{Figure, median};
use crate::fixture::now;

const FEW: u32 = 10_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 5;
const SEARCHES_A_ROUND: u32 = 200;
/// Every so many tickets one is still owed an answer.
const OWED_OF: u32 = 20;

/// Answers of the same size are asked of both in turns.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let few = Filled::new(&folder.path().join("few.db"), FEW).await?;
    let many = Filled::new(&folder.path().join("many.db"), MANY).await?;
    let mut figures = Vec::new();
    for kind in [Kind::Number, Kind::Name, Kind::Due] {
        let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with_few.push(few.search_us(kind).await?);
            with_many.push(many.search_us(kind).await?);
        }
        let figure = Figure::new(
            &format!("ticket_search_{}", kind.name()),
            median(with_many),
            "µs/search",
        );
        figures.push(
            figure
                .beside(
                    "the same search among 10,000 tickets; less is better",
                    median(with_few),
                )
                .at_most(2.0),
        );
    }
    Ok(figures)
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Name,
    Due,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Name => "name",
            Self::Due => "due",
        }
    }
}

/// A store with many tickets.
struct Filled {
    ticketing: ticketing::TicketingService,
    owed: u32,
}

impl Filled {
    async fn new(file: &Path, tickets: u32) -> anyhow::Result<Self> {
        let store = Arc::new(SqliteTickets::open(file)?);
        let rules = Arc::new(rules()?);
        let ticketing = ticketing(store, Arc::new(move || Arc::clone(&rules)), None);
        // One by the product: the others are its copies, with other people and times.
        ticketing.log_callback(by_operator(request(0))).await?;
        multiply(file, tickets)?;
        Ok(Self {
            ticketing,
            owed: tickets / OWED_OF,
        })
    }

    /// What a search costs on average, in microseconds.
    async fn search_us(&self, kind: Kind) -> anyhow::Result<f64> {
        let begun = Instant::now();
        for search in 0..SEARCHES_A_ROUND {
            // An owed ticket, any of them.
            let n = search.wrapping_mul(7919) % self.owed * OWED_OF + OWED_OF;
            let found = match kind {
                Kind::Number => self.find(phone(n), String::new()).await?,
                Kind::Name => self.find(String::new(), format!("Beispiel{n}")).await?,
                Kind::Due => self.due().await?,
            };
            let expected = if matches!(kind, Kind::Due) { 100 } else { 1 };
            anyhow::ensure!(found == expected, "{found} tickets were found, not {expected}");
        }
        Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(SEARCHES_A_ROUND))
    }

    async fn find(&self, phone: String, name: String) -> anyhow::Result<usize> {
        let request = FindTicketsRequest {
            phone,
            name,
            ..FindTicketsRequest::default()
        };
        let found = self.ticketing.find_tickets(by_operator(request)).await?;
        Ok(found.into_inner().tickets.len())
    }

    async fn due(&self) -> anyhow::Result<usize> {
        let request = ListTicketsRequest {
            page_size: 100,
            due_before_unix_ms: Some(now().timestamp_millis() * 2),
            ..ListTicketsRequest::default()
        };
        let found = self.ticketing.list_tickets(by_operator(request)).await?;
        Ok(found.into_inner().tickets.len())
    }
}

/// The number of the n-th citizen.
fn phone(n: u32) -> String {
    format!("0221 1{n:07}")
}

/// A file with so many tickets.
pub(crate) async fn fill(file: &Path, tickets: u32) -> anyhow::Result<()> {
    Filled::new(file, tickets).await.map(drop)
}

/// Copies the only ticket: each copy has a citizen of its own, most are closed.
fn multiply(file: &Path, tickets: u32) -> anyhow::Result<()> {
    let connection = Connection::open(file)?;
    let statement = connection.prepare("SELECT * FROM tickets")?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    drop(statement);
    place_of(&columns, "phone_key")?;
    let value = |column: &str| match column {
        "ticket_id" => "printf('T-%04d-%04d', n / 10000, n % 10000)".to_owned(),
        "phone_key" => "printf('+492211%07d', n)".to_owned(),
        "name_key" => "printf('beispiel%d', n)".to_owned(),
        "state" => format!("CASE n % {OWED_OF} WHEN 0 THEN 'handed_over' ELSE 'closed' END"),
        "created_at_ms" | "changed_at_ms" | "due_at_ms" => format!("{column} + n * 1000"),
        column => column.to_owned(),
    };
    let values: Vec<String> = columns.iter().map(|column| value(column)).collect();
    connection.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {tickets})
         INSERT INTO tickets ({}) SELECT {} FROM numbers, (SELECT * FROM tickets LIMIT 1);
         COMMIT;
         ANALYZE;",
        columns.join(", "),
        values.join(", ")
    ))?;
    Ok(())
}
