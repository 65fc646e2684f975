//! What is published of a quarter-hour: a CloudEvent in binary mode, with JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bus::Outgoing;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::counts::{Bin, Figure, Histogram, Interval, Tally};
use domain::ids::HotlineName;
use domain::record::TaskType;
use serde::{Deserialize, Serialize};
use store::history::FiguresVersion;

/// The state of a hotline's quarter-hour.
pub const INTERVAL_TYPE: &str = "nrwdirekt.interval.v1";
/// The tombstone of a quarter-hour in which nothing is counted any more.
pub const REMOVED_TYPE: &str = "nrwdirekt.interval.removed.v1";

const SOURCE: &str = "/nrwdirekt/ledger";

/// Everything that is counted of a hotline in a quarter-hour.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct IntervalMessage {
    /// The hotline.
    pub hotline: HotlineName,
    /// When the quarter-hour begins.
    pub start: DateTime<Utc>,
    /// When it ends, exclusive.
    pub end: DateTime<Utc>,
    /// The state of the figures that this is, as `as_of` of reports.
    pub version: String,
    /// By task type; only those with anything counted.
    pub task_types: Vec<TaskTypeFigures>,
}

/// Everything that is counted of a task type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TaskTypeFigures {
    /// The task type.
    pub task_type: TaskType,
    /// Every [`Figure`] by its name.
    pub figures: BTreeMap<Cow<'static, str>, i64>,
    /// The longest time to answer in milliseconds; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_time_to_answer_ms: Option<i64>,
    /// The longest time to abandon in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_time_to_abandon_ms: Option<i64>,
    /// Answered visits by time to answer: upper edge of the bin in seconds (none: above the last), and visits.
    pub time_to_answer: Vec<(Option<i16>, i64)>,
    /// Abandoned visits by time to abandon.
    pub time_to_abandon: Vec<(Option<i16>, i64)>,
}

impl IntervalMessage {
    fn of(
        interval: Interval,
        hotline: &HotlineName,
        state: &BTreeMap<TaskType, Tally>,
        version: &FiguresVersion,
    ) -> Self {
        Self {
            hotline: hotline.clone(),
            start: interval.start(),
            end: interval.next().start(),
            version: version.to_string(),
            task_types: state
                .iter()
                .map(|(task_type, tally)| TaskTypeFigures::of(*task_type, tally))
                .collect(),
        }
    }
}

impl TaskTypeFigures {
    fn of(task_type: TaskType, tally: &Tally) -> Self {
        let figure = |figure: &Figure| (Cow::Borrowed(figure.name()), tally.counts.get(*figure));
        Self {
            task_type,
            figures: Figure::ALL.iter().map(figure).collect(),
            longest_time_to_answer_ms: tally.longest_time_to_answer_ms,
            longest_time_to_abandon_ms: tally.longest_time_to_abandon_ms,
            time_to_answer: pairs(&tally.time_to_answer),
            time_to_abandon: pairs(&tally.time_to_abandon),
        }
    }
}

fn pairs(histogram: &Histogram) -> Vec<(Option<i16>, i64)> {
    let edge = |bin: Bin| (bin != Bin::ABOVE).then(|| bin.edge_seconds());
    histogram
        .bins()
        .map(|(bin, visits)| (edge(bin), visits))
        .collect()
}

/// The message of a quarter-hour as it stands.
pub(super) fn state(
    interval: Interval,
    hotline: &HotlineName,
    state: &BTreeMap<TaskType, Tally>,
    version: &FiguresVersion,
    at: DateTime<Utc>,
) -> Outgoing {
    let content = IntervalMessage::of(interval, hotline, state, version);
    let key = key(interval, hotline);
    let mut headers = headers(&key, INTERVAL_TYPE, version, at);
    headers.push(("content-type", Cow::Borrowed("application/json")));
    Outgoing {
        key: key.into_bytes(),
        headers,
        payload: Some(serde_json::to_vec(&content).expect("messages have text keys only")),
    }
}

/// The tombstone of a quarter-hour. It says in its headers which version it is of.
pub(super) fn removed(
    interval: Interval,
    hotline: &HotlineName,
    version: &FiguresVersion,
    at: DateTime<Utc>,
) -> Outgoing {
    let key = key(interval, hotline);
    Outgoing {
        headers: headers(&key, REMOVED_TYPE, version, at),
        key: key.into_bytes(),
        payload: None,
    }
}

/// The start first: its length is always the same, and a hotline may have any name.
fn key(interval: Interval, hotline: &HotlineName) -> String {
    let start = interval.start().to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{start}/{}", hotline.as_str())
}

fn headers(
    key: &str,
    kind: &'static str,
    version: &FiguresVersion,
    at: DateTime<Utc>,
) -> Vec<(&'static str, Cow<'static, str>)> {
    let time = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    vec![
        ("ce_specversion", Cow::Borrowed("1.0")),
        ("ce_id", Cow::Owned(format!("{key}@{version}"))),
        ("ce_type", Cow::Borrowed(kind)),
        ("ce_source", Cow::Borrowed(SOURCE)),
        ("ce_time", Cow::Owned(time)),
        ("ce_subject", Cow::Owned(key.to_owned())),
        ("ce_figuresversion", Cow::Owned(version.to_string())),
    ]
}
