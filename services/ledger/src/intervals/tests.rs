use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bus::embedded::EmbeddedBus;
use bus::{Positions, Received, topics};
use chrono::{DateTime, TimeZone, Utc};
use domain::counts::{Figure, HistogramKind, Interval, Tally};
use domain::ids::{CallId, HotlineName, Identity, ImportRun, SourceName};
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::report::{CallReport, ReportBody, RevisedRecord};
use serde_json::Value;
use store::calls::{Advance, LedgerBatch};
use store::history::{FiguresVersion, HistoryQuery, HotlineChoice, PeriodStart, Periods};
use store::publications::PublicationPlace;
use store::sqlite::SqliteCalls;
use tempfile::TempDir;

use super::*;

/// A store and a bus, and publishers on them.
struct Rig {
    bus: Arc<EmbeddedBus>,
    store: Arc<SqliteCalls>,
    now: Arc<Mutex<DateTime<Utc>>>,
    _folder: TempDir,
}

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap() + TimeDelta::seconds(seconds)
}

/// An answered call that came in at a second.
fn call(second: i64, hotline: &str, wait_ms: i64) -> CallRecord {
    let hotline = HotlineName::new(hotline);
    let mut record = CallRecord::new(
        at(second),
        TaskType::InboundCall,
        hotline,
        ConnectionStatus::Answered,
    );
    record.wait_ms = Some(wait_ms);
    record
}

async fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let bus = EmbeddedBus::open(&folder.path().join("bus.db")).unwrap();
    bus.apply_topics(&[topics::intervals()]).await.unwrap();
    Rig {
        bus: Arc::new(bus),
        store: Arc::new(SqliteCalls::open(&folder.path().join("calls.db")).unwrap()),
        now: Arc::new(Mutex::new(at(0))),
        _folder: folder,
    }
}

impl Rig {
    fn publisher(&self, instance: &str) -> IntervalPublisher {
        let now = Arc::clone(&self.now);
        IntervalPublisher {
            bus: Arc::clone(&self.bus) as Arc<dyn Bus>,
            store: Arc::clone(&self.store) as Arc<dyn CallStore>,
            clock: Arc::new(move || *now.lock().unwrap()),
            settings: IntervalSettings {
                changes: 2,
                batch: 2,
                ..IntervalSettings::of(instance)
            },
        }
    }

    /// Tells records of calls, as the batch number `expected`.
    async fn tell(&self, expected: i64, records: Vec<(u8, CallRecord)>) {
        let report = |(id, record)| CallReport {
            identity: Identity([id; 16]),
            source: SourceName::new("test"),
            call_id: Some(CallId::new(format!("call-{id}"))),
            run: ImportRun::new("run"),
            received_at: at(0),
            body: ReportBody::Record(RevisedRecord {
                revision: expected as u32,
                record,
            }),
            confirms: false,
        };
        let batch = LedgerBatch {
            at: at(0),
            topic_id: "topic".to_owned(),
            advances: vec![Advance {
                partition: 0,
                expected,
                next: expected + 1,
            }],
            reports: records.into_iter().map(|it| (0, report(it))).collect(),
            ..LedgerBatch::default()
        };
        self.store.apply(batch).await.unwrap();
    }

    async fn topic(&self) -> Vec<Received> {
        let mut reader = self
            .bus
            .reader_alone(topics::INTERVALS, Positions::new())
            .await
            .unwrap();
        reader.next(10_000, Duration::from_millis(1)).await.unwrap()
    }

    /// The topic as somebody has it who keeps the last message of each key.
    async fn compacted(&self) -> BTreeMap<String, IntervalMessage> {
        let mut kept = BTreeMap::new();
        for message in self.topic().await {
            let key = String::from_utf8(message.key).unwrap();
            match message.payload {
                Some(payload) => kept.insert(key, serde_json::from_slice(&payload).unwrap()),
                None => kept.remove(&key),
            };
        }
        kept
    }

    /// What the topic must come to: every quarter-hour as the store has it.
    async fn check(&self) {
        let query = HistoryQuery {
            periods: Periods::Intervals {
                from: Interval::containing(at(-100 * 86_400)),
                to: Interval::containing(at(100 * 86_400)),
            },
            hotlines: HotlineChoice::Each,
        };
        let mut stored = BTreeMap::new();
        for row in self.store.history(query).await.unwrap().rows {
            let PeriodStart::Interval(interval) = row.period else {
                panic!("{row:?}")
            };
            let key = (interval.start(), row.hotline.unwrap());
            stored.insert((key, row.task_type), row.tally);
        }
        let mut published = BTreeMap::new();
        for message in self.compacted().await.into_values() {
            for figures in &message.task_types {
                let key = (message.start, message.hotline.clone());
                published.insert((key, figures.task_type), tally(figures));
            }
        }
        assert_eq!(published, stored);
    }
}

/// Figures as they were before they were a message.
fn tally(figures: &TaskTypeFigures) -> Tally {
    let mut tally = Tally {
        longest_time_to_answer_ms: figures.longest_time_to_answer_ms,
        longest_time_to_abandon_ms: figures.longest_time_to_abandon_ms,
        ..Tally::default()
    };
    for figure in Figure::ALL {
        tally.counts.add(*figure, figures.figures[figure.name()]);
    }
    for (kind, pairs) in [
        (HistogramKind::TimeToAnswer, &figures.time_to_answer),
        (HistogramKind::TimeToAbandon, &figures.time_to_abandon),
    ] {
        for (edge, visits) in pairs {
            let bin = edge.map_or(domain::counts::Bin::ABOVE, |edge| {
                domain::counts::Bin::from_edge(edge).unwrap()
            });
            tally.histogram_mut(kind).add(bin, *visits);
        }
    }
    tally
}

/// The desk of the instance that holds the publication now.
async fn desk(publisher: &IntervalPublisher) -> Desk<'_> {
    let held = publisher.hold().await.unwrap().expect("nobody else has it");
    Desk::new(publisher, held.place)
}

/// Steps until nothing is left.
async fn finish(desk: &mut Desk<'_>) {
    while desk.step().await.unwrap() {}
}

#[tokio::test]
async fn history_is_published_at_the_first_start_and_then_what_moves() {
    let rig = rig().await;
    let old = [
        (1, call(0, "Steuern", 5_000)),
        (2, call(60, "Umwelt", 4_000_000)),
        (3, call(-40 * 86_400, "Steuern", 1_000)),
        (4, call(1_000, "Steuern", 1_000)),
    ];
    rig.tell(0, old.to_vec()).await;
    let publisher = rig.publisher("one");
    let mut desk = desk(&publisher).await;
    finish(&mut desk).await;
    rig.check().await;
    assert_eq!(rig.topic().await.len(), 4);

    assert!(!desk.step().await.unwrap());
    assert_eq!(
        rig.topic().await.len(),
        4,
        "what has not moved is not published again"
    );
    // Late: a call of weeks ago is corrected, and three others come at once.
    let late = [
        (3, call(-40 * 86_400, "Steuern", 9_000)),
        (5, call(0, "Steuern", 2_000)),
        (6, call(-86_400, "Schule", 2_000)),
        (7, call(90, "Schule", 2_000)),
    ];
    rig.tell(1, late.to_vec()).await;
    finish(&mut desk).await;
    rig.check().await;
    assert_eq!(rig.topic().await.len(), 8);
}

#[tokio::test]
async fn a_quarter_hour_of_which_nothing_is_left_gets_a_tombstone() {
    let rig = rig().await;
    rig.tell(
        0,
        vec![(1, call(0, "Steuern", 5_000)), (2, call(0, "Umwelt", 5_000))],
    )
    .await;
    let publisher = rig.publisher("one");
    let mut desk = desk(&publisher).await;
    finish(&mut desk).await;
    rig.tell(1, vec![(1, call(3_600, "Steuern", 5_000))]).await;
    finish(&mut desk).await;
    rig.check().await;
    let topic = rig.topic().await;
    let tombstones: Vec<&Received> = topic.iter().filter(|it| it.payload.is_none()).collect();
    let [tombstone] = tombstones[..] else {
        panic!("{topic:?}")
    };
    assert_eq!(tombstone.key, b"2024-10-28T09:00:00Z/Steuern");
    assert_eq!(tombstone.header("ce_type"), Some(REMOVED_TYPE));
    assert_eq!(tombstone.header("ce_figuresversion"), Some("2"));
}

#[tokio::test]
async fn a_restart_goes_on_and_a_crash_before_the_position_publishes_the_same_state_again() {
    let rig = rig().await;
    rig.tell(
        0,
        vec![(1, call(0, "Steuern", 5_000)), (2, call(86_400, "Umwelt", 5_000))],
    )
    .await;
    let former = rig.publisher("former");
    let mut begun = desk(&former).await;
    // The first day of two, and the end.
    assert!(begun.step().await.unwrap());
    assert!(begun.step().await.unwrap());
    drop(begun);
    former.store.release_publication(NAME, "former").await.unwrap();
    let next = rig.publisher("next");
    let mut going_on = desk(&next).await;
    finish(&mut going_on).await;
    rig.check().await;
    let published = rig.topic().await;
    assert_eq!(
        published.len(),
        2,
        "what was published before is not published again"
    );

    // The position was not moved: it is where it was before the last change was published.
    rig.tell(1, vec![(1, call(0, "Steuern", 6_000))]).await;
    let held = next.hold().await.unwrap().unwrap();
    finish(&mut going_on).await;
    let mut again = Desk::new(&next, held.place);
    let conflict = again.step().await.unwrap_err();
    assert!(conflict.is_fenced(), "the position had moved: {conflict}");
    rig.check().await;
    let topic = rig.topic().await;
    let [.., one, other] = &topic[..] else {
        panic!("{topic:?}")
    };
    assert_eq!((&one.key, &one.payload), (&other.key, &other.payload));
    assert_eq!(one.header("ce_id"), other.header("ce_id"));
}

#[tokio::test]
async fn a_former_owner_publishes_nothing_behind_its_successor() {
    let rig = rig().await;
    rig.tell(0, vec![(1, call(0, "Steuern", 5_000))]).await;
    let (one, other) = (rig.publisher("one"), rig.publisher("other"));
    let mut former = desk(&one).await;
    finish(&mut former).await;
    assert!(other.hold().await.unwrap().is_none());
    *rig.now.lock().unwrap() = at(60);
    let mut successor = desk(&other).await;
    rig.tell(1, vec![(1, call(0, "Steuern", 6_000))]).await;
    finish(&mut successor).await;
    rig.tell(2, vec![(1, call(0, "Steuern", 7_000))]).await;
    assert!(former.step().await.unwrap_err().is_fenced());
    assert_eq!(rig.topic().await.len(), 2);
    finish(&mut successor).await;
    rig.check().await;
}

#[tokio::test]
async fn a_position_that_is_too_old_leads_to_everything_and_to_tombstones_of_what_went_meanwhile() {
    let rig = rig().await;
    rig.tell(
        0,
        vec![(1, call(0, "Steuern", 5_000)), (2, call(0, "Umwelt", 5_000))],
    )
    .await;
    let publisher = rig.publisher("one");
    let mut desk = desk(&publisher).await;
    finish(&mut desk).await;
    rig.tell(1, vec![(1, call(3_600, "Steuern", 5_000))]).await;
    rig.tell(2, vec![(2, call(0, "Umwelt", 7_000))]).await;
    while rig.store.forget_changes(at(1), 100).await.unwrap() > 0 {}
    finish(&mut desk).await;
    rig.check().await;
}

#[tokio::test]
async fn what_the_store_never_knew_is_taken_off_the_topic_when_it_is_filled() {
    let rig = rig().await;
    let state = |second, hotline: &str| {
        let tally = BTreeMap::from([(TaskType::InboundCall, Tally::default())]);
        let interval = Interval::containing(at(second));
        let version = FiguresVersion::new("9");
        message::state(interval, &HotlineName::new(hotline), &tally, &version, at(0))
    };
    let mut foreign = state(0, "Steuern");
    foreign.key = b"heartbeat".to_vec();
    let gone = bus::Outgoing {
        payload: None,
        ..state(900, "Steuern")
    };
    // Published before the store was set back; the last of them are of days that it knows.
    let before = vec![
        state(-50 * 86_400, "Steuern"),
        state(0, "Umwelt"),
        state(900, "Steuern"),
        gone,
        state(0, "Schule/Süd"),
        state(0, "Steuern"),
        foreign,
    ];
    rig.bus.publish(topics::INTERVALS, before).await.unwrap();
    rig.tell(0, vec![(1, call(0, "Steuern", 5_000))]).await;
    let publisher = rig.publisher("one");
    let mut desk = desk(&publisher).await;
    finish(&mut desk).await;
    let topic = rig.topic().await;
    let removed: Vec<_> = topic[7..].iter().filter(|it| it.payload.is_none()).collect();
    let keys: Vec<_> = removed
        .iter()
        .map(|it| String::from_utf8_lossy(&it.key).into_owned())
        .collect();
    assert_eq!(
        keys,
        [
            "2024-09-08T09:00:00Z/Steuern",
            "2024-10-28T09:00:00Z/Schule/Süd",
            "2024-10-28T09:00:00Z/Umwelt"
        ]
    );
    assert_eq!(topic.len(), 7 + 3 + 1);
    // It counts again what it had forgotten.
    rig.tell(1, vec![(2, call(0, "Umwelt", 5_000))]).await;
    finish(&mut desk).await;
    let last = rig.topic().await.pop().unwrap();
    assert_eq!(last.key, b"2024-10-28T09:00:00Z/Umwelt");
    assert!(last.payload.is_some());
}

#[tokio::test]
async fn a_store_that_was_set_back_is_published_anew() {
    let rig = rig().await;
    rig.tell(0, vec![(1, call(0, "Steuern", 5_000))]).await;
    let publisher = rig.publisher("one");
    finish(&mut desk(&publisher).await).await;
    // What the store has forgotten: a correction, another hotline, and a day that it does not know.
    let tally = BTreeMap::from([(TaskType::InboundCall, Tally::default())]);
    let later = FiguresVersion::new("7");
    let state = |second, hotline: &str| {
        let interval = Interval::containing(at(second));
        message::state(interval, &HotlineName::new(hotline), &tally, &later, at(0))
    };
    let forgotten = vec![
        state(0, "Steuern"),
        state(0, "Umwelt"),
        state(20 * 86_400, "Steuern"),
    ];
    rig.bus.publish(topics::INTERVALS, forgotten).await.unwrap();
    finish(&mut desk(&publisher).await).await;
    rig.check().await;
    // And only once.
    let published = rig.topic().await.len();
    finish(&mut desk(&publisher).await).await;
    assert_eq!(rig.topic().await.len(), published);
}

#[tokio::test]
async fn whoever_goes_on_with_filling_takes_off_what_the_store_never_knew() {
    let rig = rig().await;
    let tally = BTreeMap::from([(TaskType::InboundCall, Tally::default())]);
    let version = FiguresVersion::new("9");
    let state = |hotline: &str| {
        let interval = Interval::containing(at(0));
        message::state(interval, &HotlineName::new(hotline), &tally, &version, at(0))
    };
    rig.bus
        .publish(topics::INTERVALS, vec![state("Umwelt")])
        .await
        .unwrap();
    rig.tell(0, vec![(1, call(0, "Steuern", 5_000))]).await;
    let publisher = rig.publisher("one");
    let mut begun = desk(&publisher).await;
    // The beginning, and the day.
    assert!(begun.step().await.unwrap());
    assert!(begun.step().await.unwrap());
    finish(&mut desk(&publisher).await).await;
    rig.check().await;
}

#[tokio::test]
async fn a_topic_that_was_made_anew_gets_everything() {
    let rig = rig().await;
    rig.tell(0, vec![(1, call(0, "Steuern", 5_000))]).await;
    let publisher = rig.publisher("one");
    publisher.hold().await.unwrap();
    let elsewhere = PublicationPlace {
        topic_id: "another".to_owned(),
        version: FiguresVersion::new("1"),
        filling: None,
    };
    let advance = store::publications::PublicationAdvance {
        name: NAME.to_owned(),
        owner: "one".to_owned(),
        from: None,
        to: elsewhere,
    };
    publisher.store.advance_publication(advance).await.unwrap();
    finish(&mut desk(&publisher).await).await;
    rig.check().await;
}

#[tokio::test]
async fn without_its_topic_it_pauses_and_goes_on_when_it_is_there() {
    let rig = Rig {
        bus: {
            let folder = tempfile::tempdir().unwrap().keep();
            Arc::new(EmbeddedBus::open(&folder.join("bus.db")).unwrap())
        },
        ..rig().await
    };
    rig.tell(0, vec![(1, call(0, "Steuern", 5_000))]).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(rig.publisher("one").run(shutdown.clone()));
    while rig.publisher("other").hold().await.unwrap().is_some() {
        // It has not begun yet.
        rig.store.release_publication(NAME, "other").await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.bus.apply_topics(&[topics::intervals()]).await.unwrap();
    let published = async {
        while rig.topic().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), published)
        .await
        .expect("it goes on");
    shutdown.cancel();
    running.await.unwrap();
    rig.check().await;
    assert!(
        rig.publisher("other").hold().await.unwrap().is_some(),
        "the lease was given back"
    );
}

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/topics")
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(schemas().join(name)).unwrap()).unwrap()
}

fn follows_the_schema(content: &Value) {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&json("interval.v1.schema.json"))
        .unwrap();
    let faults: Vec<String> = validator
        .iter_errors(content)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?} in {content}");
}

#[tokio::test]
async fn messages_and_the_sample_follow_the_schema() {
    let rig = rig().await;
    rig.tell(
        0,
        vec![(1, call(0, "Steuern", 5_000)), (2, call(9, "Steuern", 4_000_000))],
    )
    .await;
    let publisher = rig.publisher("one");
    finish(&mut desk(&publisher).await).await;
    let topic = rig.topic().await;
    let [message] = &topic[..] else {
        panic!("{topic:?}")
    };
    follows_the_schema(&serde_json::from_slice(message.payload.as_ref().unwrap()).unwrap());
    assert_eq!(message.key, b"2024-10-28T09:00:00Z/Steuern");
    for (header, value) in [
        ("ce_specversion", "1.0"),
        ("ce_id", "2024-10-28T09:00:00Z/Steuern@1"),
        ("ce_type", INTERVAL_TYPE),
        ("ce_source", "/nrwdirekt/ledger"),
        ("ce_time", "2024-10-28T09:00:00.000Z"),
        ("ce_subject", "2024-10-28T09:00:00Z/Steuern"),
        ("ce_figuresversion", "1"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(message.header(header), Some(value), "{header}");
    }
    let sample = json("samples/interval.v1.json");
    follows_the_schema(&sample);
    let read: IntervalMessage = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), sample);
}

#[test]
fn the_schema_names_every_figure() {
    let schema = json("interval.v1.schema.json");
    let figures = &schema["$defs"]["figures"];
    let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
    let required: Vec<&str> = figures["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(required, names);
    for name in names {
        assert_eq!(figures["properties"][name]["type"], "integer", "{name}");
    }
    let types = &schema["$defs"]["taskType"]["properties"]["task_type"]["enum"];
    let names: Vec<&str> = TaskType::ALL.iter().map(|it| it.name()).collect();
    assert_eq!(types, &serde_json::json!(names));
}
