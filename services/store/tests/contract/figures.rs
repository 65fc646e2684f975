//! Figures as every way of reading them tells them, and calls that move them at random.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::counts::{Counts, Histogram, Tally};
use domain::ids::HotlineName;
use domain::record::{ConnectionStatus, TaskType};
use domain::report::{CallReport, ReportBody};
use store::calls::{CallStore, GroupTally};
use store::changes::{Change, ChangeQuery};
use store::history::{FiguresVersion, HistoryQuery, HotlineChoice, PeriodStart, PeriodTally, Periods};

use crate::calls::{answered, at, finished, hotline, report};
use crate::history::{days, every_day, intervals};

const HOTLINES: [&str; 4] = ["Umwelt", "Schule", "Steuern", "Bürgertelefon"];

/// Everything that the store tells about the figures of the two weeks.
#[derive(Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) rows: Vec<PeriodTally>,
    totals: Vec<GroupTally>,
}

/// Reads the figures in every way, and checks that these agree with each other.
pub(crate) async fn figures(store: &dyn CallStore) -> Figures {
    let mut rows = Vec::new();
    for periods in [days(), intervals()] {
        let each = read(store, periods, HotlineChoice::Each).await;
        let named = HOTLINES.map(hotline).to_vec();
        assert_eq!(read(store, periods, HotlineChoice::Named(named)).await, each);
        let together = read(store, periods, HotlineChoice::Together).await;
        assert_eq!(together, added_up(&each));
        rows.extend(each);
    }
    Figures {
        rows,
        totals: store.day_totals(every_day()).await.unwrap(),
    }
}

async fn read(store: &dyn CallStore, periods: Periods, hotlines: HotlineChoice) -> Vec<PeriodTally> {
    let mut rows = store
        .history(HistoryQuery { periods, hotlines })
        .await
        .unwrap()
        .rows;
    rows.sort_by_key(|row| (row.period, row.hotline.clone(), row.task_type));
    rows
}

fn added_up(rows: &[PeriodTally]) -> Vec<PeriodTally> {
    let mut sums: BTreeMap<(PeriodStart, TaskType), Tally> = BTreeMap::new();
    for row in rows {
        sums.entry((row.period, row.task_type))
            .or_default()
            .merge(&row.tally);
    }
    let sums = sums.into_iter().map(|((period, task_type), tally)| PeriodTally {
        period,
        hotline: None,
        task_type,
        tally,
    });
    sums.collect()
}

/// Counts and histograms of quarter-hours: what differences are of.
pub(crate) type Sums = BTreeMap<(PeriodStart, HotlineName, TaskType), (Counts, [Histogram; 2])>;

/// The quarter-hours of every hotline, and the version of the figures that they are.
pub(crate) async fn sums(store: &dyn CallStore) -> (Sums, FiguresVersion) {
    let query = HistoryQuery {
        periods: intervals(),
        hotlines: HotlineChoice::Each,
    };
    let history = store.history(query).await.unwrap();
    let mut sums = Sums::new();
    for row in history.rows {
        add(
            &mut sums,
            row.period,
            row.hotline.unwrap(),
            row.task_type,
            &row.tally,
        );
    }
    (sums, history.version)
}

fn add(sums: &mut Sums, period: PeriodStart, hotline: HotlineName, task_type: TaskType, tally: &Tally) {
    let (counts, [to_answer, to_abandon]) = sums.entry((period, hotline, task_type)).or_default();
    counts.add_all(&tally.counts, 1);
    to_answer.add_all(&tally.time_to_answer, 1);
    to_abandon.add_all(&tally.time_to_abandon, 1);
}

/// Adds changes.
pub(crate) fn changed(mut sums: Sums, changes: Vec<Change>) -> Sums {
    for change in changes {
        let period = PeriodStart::Interval(change.interval);
        add(
            &mut sums,
            period,
            change.hotline,
            change.task_type,
            &change.difference,
        );
    }
    sums.retain(|_, (counts, histograms)| {
        !counts.is_zero()
            || histograms
                .iter()
                .any(|histogram| histogram.bins().next().is_some())
    });
    sums
}

/// Every change since a version, page by page.
pub(crate) async fn every_change(store: &dyn CallStore, since: &FiguresVersion) -> Vec<Change> {
    let mut query = ChangeQuery {
        until: Some(store.figures_version().await.unwrap()),
        ..ChangeQuery::all(7)
    };
    let mut changes = Vec::new();
    loop {
        let page = store.changes_since(since, query.clone()).await.unwrap();
        changes.extend(page);
        let last = changes.last().map(|change| change.place);
        if last == query.after {
            return changes;
        }
        query.after = last;
    }
}

/// Numbers at random, the same for a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A call of four days, new or corrected: elsewhere, at another time, shorter or longer, or taken back.
    pub(crate) fn report(&mut self, call: u8, revision: u32) -> CallReport {
        if self.below(8) == 0 {
            return report(call, ReportBody::Retracted);
        }
        let mut record = answered(1_000 * self.below(200) as i64);
        record.started_at =
            at(0) + TimeDelta::minutes(15 * self.below(6) as i64) - TimeDelta::days(self.below(4) as i64);
        record.hotline = hotline(HOTLINES[self.below(4) as usize]);
        if self.below(3) == 0 {
            record.connection_status = ConnectionStatus::AbandonedQueued;
        }
        report(call, finished(revision, record))
    }
}
