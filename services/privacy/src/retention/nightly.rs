//! Running by itself, once a night.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone as _, Utc};
use domain::local_time::ZONE;

use super::Retention;
use super::run::{RunFault, itself};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Goes on with what was cut short, and then runs every night, until it is dropped. A night that was missed is made up for.
pub async fn nightly(retention: Arc<Retention>) {
    let began = (retention.parts.clock)();
    loop {
        let looked = async {
            retention.finish_what_was_begun().await?;
            if retention.is_due(began).await? {
                retention.run(&itself()).await?;
            }
            Ok(())
        };
        match looked.await {
            Ok(()) | Err(RunFault::Elsewhere) => {}
            Err(error) => tracing::warn!(%error, "retention could not be run; it is tried again"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Retention {
    async fn is_due(&self, began: DateTime<Utc>) -> Result<bool, RunFault> {
        let Some(at) = self.parts.settings.at else {
            return Ok(false);
        };
        let last = self.parts.runs.runs(None, 1).await?;
        let last = last.first().map(|run| run.started_at);
        Ok(is_due(at, (self.parts.clock)(), last.unwrap_or(began)))
    }
}

/// Whether a time of the day has come since a moment.
fn is_due(at: NaiveTime, now: DateTime<Utc>, since: DateTime<Utc>) -> bool {
    let today = now.with_timezone(&ZONE).date_naive();
    [Some(today), today.checked_sub_days(Days::new(1))]
        .into_iter()
        .flatten()
        .filter_map(|day| time_on(day, at))
        .any(|due| since < due && due <= now)
}

/// When the time of the day comes next.
pub(super) fn next_night(at: NaiveTime, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&ZONE).date_naive();
    let days = [Some(today), today.checked_add_days(Days::new(1))];
    let mut nights = days.into_iter().flatten().filter_map(|day| time_on(day, at));
    nights.find(|night| *night > now).unwrap_or(now)
}

fn time_on(day: NaiveDate, at: NaiveTime) -> Option<DateTime<Utc>> {
    // In the hour that is left out there is no such time: an hour later there is.
    let local = day.and_time(at);
    let times = [local, local + chrono::TimeDelta::hours(1)];
    times
        .into_iter()
        .find_map(|local| ZONE.from_local_datetime(&local).earliest())
        .map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_due_once_and_made_up_for_when_it_was_missed() {
        let at = NaiveTime::from_hms_opt(3, 30, 0).unwrap();
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (now, since, due) in [
            ("2026-11-28T02:29:59Z", "2026-11-27T12:00:00Z", false),
            ("2026-11-28T02:30:00Z", "2026-11-27T12:00:00Z", true),
            ("2026-11-28T02:35:00Z", "2026-11-28T02:30:01Z", false),
            // The node was down at night.
            ("2026-11-28T10:00:00Z", "2026-11-27T02:30:00Z", true),
            // The clocks go forward from 2 to 3 o'clock on 28 March 2027.
            ("2027-03-28T01:30:00Z", "2027-03-27T12:00:00Z", true),
        ] {
            assert_eq!(is_due(at, time(now), time(since)), due, "{now} {since}");
        }
        for (now, next) in [
            ("2026-11-28T02:29:59Z", "2026-11-28T02:30:00Z"),
            ("2026-11-28T02:30:00Z", "2026-11-29T02:30:00Z"),
            ("2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"),
        ] {
            assert_eq!(next_night(at, time(now)), time(next), "{now}");
        }
        let skipped = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        assert!(is_due(
            skipped,
            time("2027-03-28T01:30:00Z"),
            time("2027-03-27T12:00:00Z")
        ));
    }
}
