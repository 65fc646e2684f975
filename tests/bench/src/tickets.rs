//! `tickets_sqlite`, `tickets_postgres`: callbacks logged and handed over, beside the same rows written by hand-written
//! SQL. `ticket_search`: how long it takes to find tickets among many.

mod by_hand_postgres;
mod by_hand_sqlite;
mod search;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::embedded::EmbeddedBus;
use bus::prefixed::PrefixedBus;
use bus::{Bus, topics};
use domain::ids::IdentityKey;
use domain::rulebook::{Documents, ROUTING, Rulebook, RulesVersion};
use domain::service_time::DuePolicy;
use domain::ticket::TicketState;
use futures::{StreamExt, TryStreamExt, stream};
use handover::{HandoverLoop, HandoverParts, HandoverSettings};
pub(crate) use search::{fill, measure as measure_search};
use store::backups::RestoreStore;
use store::mails::MailStore;
use store::postgres::PostgresTickets;
use store::sqlite::SqliteTickets;
use store::tickets::{TicketFilter, TicketStore};
use ticketing::{TicketingParts, TicketingService};
use tokio_util::sync::CancellationToken;
use tonic::Request;
use wire::v1::tickets::LogCallbackRequest;
use wire::v1::tickets::ticketing_server::Ticketing;

use crate::figures::{Figure, median, rate};
use crate::fixture::now;
use crate::{kafka, postgres};

const TICKETS_A_ROUND: usize = 2000;
const ROUNDS: usize = 3;
/// Agents who log at once.
const AT_ONCE: usize = 16;
/// Hand-overs in one transaction, in the product and by hand.
const HANDED_OVER_AT_ONCE: usize = 100;
const BY_HAND: &str = "the same rows by hand-written SQL, as many at once, without a bus";

/// On `tickets.db` and the embedded bus.
pub(crate) async fn measure_sqlite() -> anyhow::Result<Vec<Figure>> {
    let (mut product, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("tickets.db");
        let store = Arc::new(SqliteTickets::open(&file)?);
        let bus = Arc::new(EmbeddedBus::open(&folder.path().join("bus.db"))?);
        product.push(rate(TICKETS_A_ROUND, work(Desk::new(store, bus).await?).await?));
        let took = by_hand_sqlite::write(&file, &folder.path().join("by-hand.db"))?;
        by_hand.push(rate(TICKETS_A_ROUND, took));
    }
    let figure = Figure::new("tickets_sqlite", median(product), "tickets/s");
    Ok(vec![figure.beside(BY_HAND, median(by_hand)).at_least(0.5)])
}

/// On PostgreSQL and Kafka.
pub(crate) async fn measure_postgres() -> anyhow::Result<Vec<Figure>> {
    let (mut product, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let source = postgres::create().await?;
        let store = PostgresTickets::connect(&postgres::migrated(&source).await?).await?;
        let bus = PrefixedBus::new(Arc::new(kafka::connect()?), &kafka::fresh(""));
        let desk = Desk::new(Arc::new(store), Arc::new(bus)).await?;
        product.push(rate(TICKETS_A_ROUND, work(desk).await?));
        let target = postgres::create().await?;
        postgres::migrated(&target).await?;
        let took = by_hand_postgres::write(&source, &target).await?;
        by_hand.push(rate(TICKETS_A_ROUND, took));
    }
    let figure = Figure::new("tickets_postgres", median(product), "tickets/s");
    Ok(vec![figure.beside(BY_HAND, median(by_hand)).at_least(0.5)])
}

/// Ticketing and handover on one store and one bus.
struct Desk {
    store: Arc<dyn TicketStore>,
    ticketing: TicketingService,
    handover: HandoverLoop,
}

impl Desk {
    async fn new<S: TicketStore + MailStore + RestoreStore>(
        store: Arc<S>,
        bus: Arc<dyn Bus>,
    ) -> anyhow::Result<Self> {
        let rules = Arc::new(rules()?);
        let departments = rules
            .routing
            .departments()
            .iter()
            .map(|department| &department.id);
        bus.apply_topics(&topics::wanted(
            1,
            departments,
            topics::Pace::of(Duration::from_secs(86_400)),
        ))
        .await?;
        let rules = move || Arc::clone(&rules);
        let wake = Arc::new(handover::Wake::default());
        let handover = HandoverLoop::new(HandoverParts {
            citizen_mails: None,
            store: Arc::clone(&store) as _,
            mails: Arc::clone(&store) as _,
            restores: Arc::clone(&store) as _,
            entries: None,
            mail: None,
            bus,
            rules: Arc::new(rules.clone()),
            clock: Arc::new(chrono::Utc::now),
            wake: Arc::clone(&wake),
            settings: HandoverSettings::of("bench"),
        });
        Ok(Self {
            ticketing: ticketing(
                Arc::clone(&store) as _,
                Arc::new(rules),
                Some(Arc::new(move |department| wake.raise(department))),
            ),
            store,
            handover,
        })
    }
}

fn ticketing(
    store: Arc<dyn TicketStore>,
    rules: ticketing::CurrentRules,
    wake: Option<ticketing::Wake>,
) -> TicketingService {
    TicketingService::new(TicketingParts {
        store,
        rules,
        due_policy: DuePolicy::default(),
        reopen_within: chrono::TimeDelta::days(30),
        video: None,
        erased_by_case: false,
        identity_key: IdentityKey::new([7; 32]),
        clock: Arc::new(now),
        wake,
        audit: access::testing::MemoryAudit::trail(),
    })
}

/// A request of whoever runs the node.
fn by_operator<T>(message: T) -> Request<T> {
    wire::access::by(domain::access::Principal::operator(), message)
}

/// The built-in departments, hotlines and rules.
fn rules() -> anyhow::Result<Rulebook> {
    let routing = include_str!("../../../schemas/sample/routing.toml").to_owned();
    let documents = Documents::from([(ROUTING.to_owned(), routing)]);
    let book = Rulebook::read(RulesVersion(1), &documents);
    book.map_err(|faults| anyhow::anyhow!("the sample has faults: {faults:?}"))
}

/// Logs callbacks and lets them be handed over. Returns how long it took until the last one was.
async fn work(desk: Desk) -> anyhow::Result<Duration> {
    let Desk {
        store,
        ticketing,
        handover,
    } = desk;
    let stop = CancellationToken::new();
    let handing_over = tokio::spawn(handover.run(stop.clone()));
    // Departments have their publishers before the clock starts.
    ticketing.log_callback(by_operator(request(usize::MAX))).await?;
    until_all_is_handed_over(store.as_ref()).await?;

    let begun = Instant::now();
    stream::iter((0..TICKETS_A_ROUND).map(request))
        .map(|request| ticketing.log_callback(by_operator(request)))
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    until_all_is_handed_over(store.as_ref()).await?;
    let took = begun.elapsed();
    stop.cancel();
    handing_over.await?;
    Ok(took)
}

async fn until_all_is_handed_over(store: &dyn TicketStore) -> anyhow::Result<()> {
    let filter = TicketFilter {
        states: vec![TicketState::Open],
        most: 1,
        ..TicketFilter::default()
    };
    let deadline = Instant::now() + Duration::from_secs(120);
    while !store.list(filter.clone()).await?.is_empty() || !store.call_notices(1).await?.is_empty() {
        anyhow::ensure!(Instant::now() < deadline, "not everything was handed over");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// The n-th citizen's callback; they live all over the state, so that several departments have work.
fn request(n: usize) -> LogCallbackRequest {
    let postal_codes = ["50667", "40213", "48143", "32756", "59821"];
    let concern = "Bitte um Rückruf wegen des Bescheids vom letzten Monat";
    LogCallbackRequest {
        idempotency_key: format!("bench-{n}"),
        fields: [
            ("name", format!("Beispiel{n}")),
            ("phone", format!("0221 1{:06}", n % 1_000_000)),
            ("postal_code", postal_codes[n % postal_codes.len()].to_owned()),
            ("concern", concern.to_owned()),
        ]
        .map(|(id, text)| (id.to_owned(), text))
        .into(),
        hotline: "Steuern und Finanzen".to_owned(),
        agent: "Agent 7".to_owned(),
        ..LogCallbackRequest::default()
    }
}

/// A row of a table as it was read, column by column.
type Row<V> = Vec<V>;

/// What belongs to one ticket, in the order in which it is written.
struct Written<V> {
    ticket: Row<V>,
    history: Vec<Row<V>>,
    key: Row<V>,
}

/// The statement that writes a whole row.
fn insertion(table: &str, columns: &[String], place: impl Fn(usize) -> String) -> String {
    let places: Vec<String> = (1..=columns.len()).map(place).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        places.join(", ")
    )
}

/// Where a column is.
fn place_of(columns: &[String], name: &str) -> anyhow::Result<usize> {
    let place = columns.iter().position(|column| column == name);
    place.with_context(|| format!("no column {name}"))
}
