//! A simulated day in the real store: whatever order, repetition, batches and restarts it comes with, the figures are
//! those of the undisturbed feed, and those that the simulation itself knows.

use std::path::Path;
use std::sync::Arc;

use bus::embedded::EmbeddedBus;
use chrono::{NaiveDate, TimeDelta, Utc};
use domain::ids::{ImportRun, SourceKey, SourceName};
use domain::policy::ServiceLevelPolicy;
use domain::report::{CallReport, ReportBody, RevisedRecord};
use domain::rulebook::{Documents, ROUTING, Rulebook, RulesVersion};
use proptest::prelude::*;
use reporting::{FiguresParts, ReportingService};
use serde_json::{Map, Value, json};
use simulator::{Dirt, Feed, FeedItem, FeedKind, FeedPayload, Profile, Simulation, Truth};
use store::StoreError;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::sqlite::{SqliteCalls, SqliteTickets};
use testkit::Dice;
use tonic::Request;
use wire::v1::reporting::reporting_server::Reporting as _;
use wire::v1::reporting::{Totals, TotalsRequest, Within};

use crate::figures;

const TOPIC: &str = "topic-1";

/// Two days, the second exclusive: a Sunday of 25 hours, on which summer time ends, and a busy Monday.
fn days() -> [NaiveDate; 2] {
    [27, 29].map(|day| NaiveDate::from_ymd_opt(2024, 10, day).expect("a date of the calendar"))
}

/// What the days send, some ends of calls missing, and the truth about it.
fn feed(seed: u64, kind: FeedKind) -> (Vec<FeedItem>, Truth) {
    let profile = Profile::default().with_calls_per_day(150.0);
    let simulation = Simulation::new(seed, profile).expect("a profile that can be played");
    let only_missing_ends = Dirt {
        seed,
        duplicate_share: 0.0,
        disorder_share: 0.0,
        late_share: 0.0,
        missing_end_share: 0.1,
        ..Dirt::default()
    };
    let [from, to] = days();
    let mut feed = Feed::new(simulation.days(from, to), kind).with_dirt(only_missing_ends);
    let items = feed.by_ref().collect();
    (items, feed.truth().clone())
}

/// The store on a file, and where the ledger stands in it.
struct Ledger<'a> {
    file: &'a Path,
    store: SqliteCalls,
    position: i64,
}

impl<'a> Ledger<'a> {
    async fn open(file: &'a Path) -> Self {
        let store = SqliteCalls::open(file).expect("the store opens");
        let position = store.position(TOPIC, 0).await.expect("a position");
        Self {
            file,
            store,
            position,
        }
    }

    /// Closes the store and opens it again.
    async fn restarted(self) -> Self {
        let file = self.file;
        drop(self);
        Self::open(file).await
    }

    async fn apply(&mut self, items: &[FeedItem]) {
        let key = self.store.identity_key().await.expect("the key");
        let source = SourceName::new("simulator");
        let report = |item: &FeedItem| CallReport {
            identity: key.identity(&source, &SourceKey::Call(item.call_id.clone())),
            source: source.clone(),
            call_id: Some(item.call_id.clone()),
            run: ImportRun::new("run-1"),
            received_at: item.at + TimeDelta::seconds(1),
            body: match &item.payload {
                FeedPayload::Record(record) => ReportBody::Record(RevisedRecord {
                    revision: 0,
                    record: (**record).clone(),
                }),
                FeedPayload::Event(event) => ReportBody::Event(event.clone()),
                FeedPayload::Callback(_) => unreachable!("callbacks were not asked for"),
            },
            confirms: false,
        };
        let next = self.position + items.len() as i64;
        let batch = LedgerBatch {
            topic_id: TOPIC.to_owned(),
            advances: vec![Advance {
                partition: 0,
                expected: self.position,
                next,
            }],
            reports: items.iter().map(|item| (0, report(item))).collect(),
            ..LedgerBatch::default()
        };
        self.store
            .apply(batch.clone())
            .await
            .expect("the batch is applied");
        let again = self.store.apply(batch).await;
        assert!(
            matches!(again, Err(StoreError::Conflict(_))),
            "the position is fenced: {again:?}"
        );
        self.position = next;
    }

    /// The figures of the day as `report totals` tells them, once the horizon has passed.
    async fn figures(self) -> Value {
        while self
            .store
            .give_up(Utc::now(), Utc::now(), 500)
            .await
            .expect("calls are given up")
            > 0
        {}
        assert_eq!(self.store.imbalance().await.expect("a check"), 0);
        let bus = EmbeddedBus::open(&self.file.with_extension("bus")).expect("the bus opens");
        let tickets = SqliteTickets::open(&self.file.with_extension("tickets")).expect("the store opens");
        let store = Arc::new(self.store);
        let figures = reporting_on(Arc::clone(&store) as _, tickets);
        let reporting = ReportingService::new(figures, store, Arc::new(bus), reporting::AgentsShown::off());
        let [from, to] = days();
        let request = TotalsRequest {
            from: from.to_string(),
            to: to.to_string(),
            by_hotline: true,
            within_seconds: vec![20, 30],
            ..TotalsRequest::default()
        };
        let totals = reporting
            .totals(Request::new(request))
            .await
            .expect("totals")
            .into_inner();
        json!({
            "total": figures_of(&totals.total.expect("a total"), None),
            "groups": totals.groups.iter().map(|group| figures_of(group, Some(&group.group))).collect::<Vec<_>>(),
        })
    }
}

/// Reports on a store by rules of one department.
fn reporting_on(store: Arc<dyn CallStore>, tickets: SqliteTickets) -> FiguresParts {
    let rules = "clearing = \"a\"\n[[department]]\nid = \"a\"\nname = \"A\"\n";
    let documents = Documents::from([(ROUTING.to_owned(), rules.to_owned())]);
    let rules = Arc::new(Rulebook::read(RulesVersion(1), &documents).expect("sound rules"));
    FiguresParts {
        store,
        tickets: Arc::new(tickets),
        rules: Arc::new(move || Arc::clone(&rules)),
        policy: ServiceLevelPolicy::default(),
        clock: Arc::new(Utc::now),
        audit: access::testing::MemoryAudit::trail(),
    }
}

fn figures_of(totals: &Totals, name: Option<&str>) -> Value {
    let within = |within: &[Within]| -> Map<String, Value> {
        within
            .iter()
            .map(|within| (within.seconds.to_string(), json!(within.visits)))
            .collect()
    };
    json!({
        "group": name,
        "contacts": totals.contacts,
        "not_offered": totals.not_offered,
        "offered": totals.offered,
        "answered": totals.answered,
        "abandoned": totals.abandoned,
        "short_abandoned": totals.short_abandoned,
        "overflowed": totals.overflowed,
        "diverted": totals.diverted,
        "unresolved": totals.unresolved,
        "waiting": totals.waiting,
        "answered_within": within(&totals.answered_within),
        "abandoned_within": within(&totals.abandoned_within),
        "time_to_answer_ms": totals.time_to_answer_ms,
        "time_to_abandon_ms": totals.time_to_abandon_ms,
        "talk_ms": totals.talk_ms,
        "hold_ms": totals.hold_ms,
        "after_call_work_ms": totals.after_call_work_ms,
        "longest_time_to_answer_ms": totals.longest_time_to_answer_ms,
        "service_level": totals.service_level,
    })
}

/// The day as it comes: every item once or more, in any order.
fn disturbed(mut items: Vec<FeedItem>, dice: &mut Dice) -> Vec<FeedItem> {
    let again: Vec<_> = items
        .iter()
        .filter(|_| dice.between(0, 4) == 0)
        .cloned()
        .collect();
    items.extend(again);
    dice.shuffle(&mut items);
    items
}

async fn check(seed: u64, kind: FeedKind) {
    let (items, truth) = feed(seed, kind);
    assert!(items.len() > 50, "a day without calls tries nothing");
    let folder = tempfile::tempdir().expect("a temporary folder");

    let orderly = folder.path().join("orderly.db");
    let mut ledger = Ledger::open(&orderly).await;
    ledger.apply(&items).await;
    let undisturbed = ledger.figures().await;
    figures::check(
        &undisturbed,
        &serde_json::to_value(&truth).expect("the truth can be written"),
    );

    let mut dice = Dice::of_seed(seed);
    let items = disturbed(items, &mut dice);
    let disorderly = folder.path().join("disorderly.db");
    let mut ledger = Ledger::open(&disorderly).await;
    let mut rest = &items[..];
    while !rest.is_empty() {
        let size = (dice.between(1, 200) as usize).min(rest.len());
        let (batch, after) = rest.split_at(size);
        ledger.apply(batch).await;
        rest = after;
        if dice.between(0, 6) == 0 {
            let position = ledger.position;
            ledger = ledger.restarted().await;
            assert_eq!(
                ledger.position, position,
                "the position is part of what was applied"
            );
        }
    }
    assert_eq!(ledger.figures().await, undisturbed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_repetition_batches_and_restarts_do_not_matter(
        seed in any::<u64>(),
        kind in prop_oneof![Just(FeedKind::Records), Just(FeedKind::Events)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(check(seed, kind));
    }
}
