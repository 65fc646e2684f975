//! One call detail record.

use chrono::{DateTime, TimeDelta, Utc};

use crate::adapter::Fault;
use crate::csv_line::Columns;
use crate::local_time::{LocalClock, WrittenTime};

/// What a channel did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) unique: String,
    pub(super) linked: String,
    pub(super) caller: String,
    pub(super) dialled: String,
    pub(super) context: String,
    pub(super) account: String,
    pub(super) user_field: String,
    pub(super) other_channel: bool,
    pub(super) application: String,
    /// The queue, of application Queue.
    pub(super) queue: Option<String>,
    pub(super) start: DateTime<Utc>,
    pub(super) answer: Option<DateTime<Utc>>,
    pub(super) end: DateTime<Utc>,
    pub(super) billed_ms: Option<i64>,
    pub(super) disposition: Disposition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Answered,
    NoAnswer,
    Busy,
    Failed,
}

/// The columns of cdr_csv, by their number: what `loguniqueid`, `loguserfield` and `newcdrcolumns` add.
pub(super) fn usual_columns(number: usize) -> Option<Vec<&'static str>> {
    const ALWAYS: [&str; 16] = [
        "accountcode",
        "src",
        "dst",
        "dcontext",
        "clid",
        "channel",
        "dstchannel",
        "lastapp",
        "lastdata",
        "start",
        "answer",
        "end",
        "duration",
        "billsec",
        "disposition",
        "amaflags",
    ];
    let rest: &[&str] = match number {
        16 => &[],
        17 => &["uniqueid"],
        18 => &["uniqueid", "userfield"],
        20 => &["uniqueid", "peeraccount", "linkedid", "sequence"],
        21 => &["uniqueid", "userfield", "peeraccount", "linkedid", "sequence"],
        _ => return None,
    };
    Some(ALWAYS.iter().chain(rest).copied().collect())
}

impl Detail {
    pub(super) fn read(
        cells: &[&str],
        columns: &Columns,
        clock: &mut LocalClock,
        utc: bool,
    ) -> Result<Self, Fault> {
        let text = |name: &str| columns.get(cells, name).to_owned();
        let unique = text("uniqueid");
        if unique.is_empty() {
            return Err(Fault::of(
                "uniqueid",
                "missing: calls cannot be told apart; set loguniqueid=yes in cdr.conf",
            ));
        }
        let linked = Some(text("linkedid")).filter(|linked| !linked.is_empty());
        let began = unique_time(&unique);
        let mut time = |name: &'static str| -> Result<Option<DateTime<Utc>>, Fault> {
            match columns.get(cells, name) {
                "" => Ok(None),
                written => instant(written, clock, utc, began)
                    .map(Some)
                    .ok_or_else(|| Fault::of(name, "not a time; correct the line")),
            }
        };
        let start = time("start")?.ok_or_else(|| Fault::of("start", "missing; correct the line"))?;
        let answer = time("answer")?;
        let end = time("end")?.unwrap_or(start);
        let application = text("lastapp");
        let queue = (application == "Queue")
            .then(|| text("lastdata"))
            .and_then(|data| data.split(',').next().map(|queue| queue.trim().to_owned()))
            .filter(|queue| !queue.is_empty());
        let disposition = match columns.get(cells, "disposition") {
            "ANSWERED" => Disposition::Answered,
            "NO ANSWER" | "NOANSWER" => Disposition::NoAnswer,
            "BUSY" => Disposition::Busy,
            "FAILED" | "CONGESTION" => Disposition::Failed,
            _ => {
                return Err(Fault::of(
                    "disposition",
                    "not one of Asterisk's; correct the line",
                ));
            }
        };
        let billed: Option<i64> = columns.get(cells, "billsec").parse().ok();
        Ok(Self {
            linked: linked.unwrap_or_else(|| unique.clone()),
            unique,
            caller: text("src"),
            dialled: text("dst"),
            context: text("dcontext"),
            account: text("accountcode"),
            user_field: text("userfield"),
            other_channel: !columns.get(cells, "dstchannel").is_empty(),
            application,
            queue,
            start,
            answer,
            end,
            billed_ms: billed.and_then(|seconds| seconds.checked_mul(1000)),
            disposition,
        })
    }
}

/// The instant of a written time. An unique id begins with the second in which its channel was made: that tells the
/// two passes of the double hour apart, whatever the order of the file.
fn instant(
    written: &str,
    clock: &mut LocalClock,
    utc: bool,
    began: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let written = WrittenTime::parse(written).ok()?;
    if utc {
        return Some(written.wall.and_utc());
    }
    if let Some(began) = began
        && let Some(instant) = clock.instant_after(written, began)
    {
        return Some(instant);
    }
    clock.instant(written).ok()
}

/// The second in which a channel was made, by its id (`SYSTEM-1795347967.2` or `1795347967.2`).
fn unique_time(unique: &str) -> Option<DateTime<Utc>> {
    let (second, _) = unique.rsplit_once('.')?;
    let second = second.rsplit_once('-').map_or(second, |(_, second)| second);
    let at = DateTime::from_timestamp(second.parse().ok()?, 0)?;
    // Slack for clocks that were set meanwhile.
    at.checked_sub_signed(TimeDelta::seconds(5))
}
