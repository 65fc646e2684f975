//! Several ledgers count one topic: they come, and end by kills, in the middle of work.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{Days, NaiveDate};
use domain::counts::{Figure, Interval};
use domain::local_time;
use domain::record::{CallRecord, ConnectionStatus};
use domain::report::RevisedRecord;
use store::calls::{CallStore, DayRange};
use store::history::{HistoryQuery, HotlineChoice, PeriodTally, Periods};
use store::postgres::{Database, PostgresCalls};
use store::sqlite::SqliteCalls;
use testkit::{Backend, Builder, Dice, TestNode, reports};
use wire::v1::calls::ReportBatch;
use wire::v1::calls::call_report::Key;

use super::load::Load;

const HOTLINES: [&str; 3] = ["Bürgertelefon", "Umwelt", "Steuern und Finanzen"];
const DAYS: u64 = 4;
const CALLS: u64 = 3_000;
pub(super) const BATCHES: u64 = 300;

/// A finished record of one of the days.
fn record(dice: &mut Dice) -> CallRecord {
    let seconds = dice.between(0, DAYS) * 86_400 + dice.between(0, 3_600);
    let hotline = dice.one_of(&HOTLINES);
    match dice.between(0, 4) {
        0 => reports::finished(seconds.cast_signed(), hotline, ConnectionStatus::AbandonedQueued),
        _ => reports::answered(
            seconds.cast_signed(),
            hotline,
            500 * dice.between(0, 300).cast_signed(),
        ),
    }
}

/// Calls, of which most are corrected once or several times: elsewhere, at another time, shorter or longer.
pub(super) fn batches(dice: &mut Dice) -> Vec<ReportBatch> {
    let batch = |number| {
        let report = |_| {
            let key = Key::CallId(format!("call-{}", dice.between(0, CALLS)));
            let revision = u32::try_from(number).expect("few batches");
            let record = record(dice);
            wire::calls::revised_record_report(key, &RevisedRecord { revision, record }, None)
        };
        reports::batch(number, (0..30).map(report).collect())
    };
    (0..BATCHES).map(batch).collect()
}

pub(super) fn days() -> DayRange {
    let from: NaiveDate = reports::DAY.0.parse().expect("a day");
    DayRange {
        from,
        to: from + Days::new(DAYS + 1),
    }
}

/// The rows of counts as they are told by every way of reading them.
async fn rows(store: &dyn CallStore) -> Vec<PeriodTally> {
    let [from, to] = [days().from, days().to].map(|day| Interval::containing(local_time::start_of(day)));
    let mut rows = Vec::new();
    for periods in [Periods::Days(days()), Periods::Intervals { from, to }] {
        for hotlines in [HotlineChoice::Each, HotlineChoice::Together] {
            let history = store.history(HistoryQuery { periods, hotlines }).await;
            rows.extend(history.expect("figures").rows);
        }
    }
    rows.sort_by_key(|row| (row.hotline.clone(), row.period, row.task_type));
    rows
}

/// The store of a node, beside it.
async fn store_of(node: &TestNode) -> PostgresCalls {
    let mut arguments = node.arguments().iter();
    let url = arguments.find(|argument| argument.starts_with("postgres://"));
    let database = Database::new(url.expect("a node on PostgreSQL")).expect("a URL");
    PostgresCalls::connect(&database).await.expect("a store")
}

/// The figures of one node that nothing happens to, told everything once and in order.
async fn orderly(batches: Vec<ReportBatch>) -> Vec<PeriodTally> {
    let mut node = TestNode::start(Backend::Embedded).await;
    let mut load = Load::with(batches);
    load.send(node.connection()).await.expect("nothing fails");
    node.await_figures(reports::positions(load.receipts.values()))
        .await;
    node.stop().await;
    let store = SqliteCalls::open(&node.data().join("calls.db")).expect("the node's store");
    rows(&store).await
}

/// Looks until it is over: at no moment the outcomes differ from what was offered. Gives how many different figures it saw.
async fn watch(store: &PostgresCalls, is_over: &AtomicBool) -> usize {
    let mut seen = BTreeSet::new();
    while !is_over.load(Ordering::Relaxed) {
        assert_eq!(store.imbalance().await.expect("a look"), 0);
        let periods = Periods::Days(days());
        let hotlines = HotlineChoice::Together;
        let history = store.history(HistoryQuery { periods, hotlines }).await;
        let rows = history.expect("figures").rows;
        for row in &rows {
            assert_eq!(row.tally.counts.imbalance(), 0, "{row:?}");
        }
        let talk = rows.iter().map(|row| row.tally.counts.get(Figure::TalkMs));
        seen.insert(talk.sum::<i64>());
    }
    seen.len()
}

/// Kills the oldest ledger at a moment that the dice choose, and adds another.
pub(super) async fn kill_and_add(ledgers: &mut Vec<TestNode>, front: &TestNode, dice: &mut Dice) {
    tokio::time::sleep(dice.duration(Duration::from_millis(5), Duration::from_millis(400))).await;
    ledgers.remove(0).kill().await;
    ledgers.push(front.beside("ledger").start().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_that_are_killed_and_added_under_load_count_as_one_orderly_feed_does() {
    Backend::on_servers(|backend| async move {
        let mut dice = Dice::new();
        let batches = batches(&mut dice);
        let builder = Builder::on(backend).set("ledger.batch", "50");
        let mut whole = builder.set("ledger.sweep_every_s", "1").start().await;
        whole.stop().await;
        let front = whole.beside("intake,reporting").start().await;
        let store = store_of(&front).await;
        let is_over = AtomicBool::new(false);
        let mut reached = Vec::new();
        let working = async {
            let mut ledgers = Vec::new();
            for _ in 0..2 {
                ledgers.push(front.beside("ledger").start().await);
            }
            for part in batches.chunks(BATCHES as usize / 5) {
                let mut load = Load::with(part.to_vec());
                let disturbing = kill_and_add(&mut ledgers, &front, &mut dice);
                let (sent, ()) = tokio::join!(load.send(front.connection()), disturbing);
                sent.expect("intake is not disturbed");
                reached.extend(load.receipts.into_values());
            }
            front.await_figures(reports::positions(&reached)).await;
            is_over.store(true, Ordering::Relaxed);
            ledgers
        };
        let (ledgers, seen) = tokio::join!(working, watch(&store, &is_over));
        assert!(seen > 5, "{seen} figures were seen meanwhile");
        assert!(rows(&store).await == orderly(batches).await, "the figures differ");
        for mut ledger in ledgers {
            ledger.stop().await;
        }
    })
    .await;
}
