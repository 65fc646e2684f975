//! What a week is like: sums by weekday and interval of the local clock. Forecasts are made of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use domain::service_time::ServiceCalendar;
use domain::span::{Span, Step};
use store::history::FiguresVersion;
use tonic::Status;
use wire::v1::reporting as proto;

use crate::figures::{Asking, spans, step};
use crate::scope::{Grouping, Scope, invalid};
use crate::sum::{Sum, shown};

/// An interval of a week: weekday from 1, Monday, on, and minutes after midnight.
pub(crate) type Place = (u32, u32);

/// The sums of a week's intervals.
pub(crate) struct Profile {
    pub(crate) version: FiguresVersion,
    /// How many days of each weekday there were.
    pub(crate) days: BTreeMap<u32, u32>,
    pub(crate) sums: BTreeMap<Place, Sum>,
}

/// Where a time is in its week.
pub(crate) fn place(scope: &Scope, at: DateTime<Utc>) -> Place {
    let local = at.with_timezone(&scope.zone);
    let weekday = local.weekday().number_from_monday();
    (weekday, local.hour() * 60 + local.minute())
}

/// Reads lengths that a day consists of.
pub(crate) fn short_step(name: &str) -> Result<Step, Status> {
    let step = step(name)?;
    match step.is_days() {
        true => Err(invalid("interval: use 15m, 30m or 1h")),
        false => Ok(step),
    }
}

/// The profile of a scope; with a calendar, of its service days alone.
pub(crate) async fn profile(
    asking: &Asking,
    scope: &Scope,
    step: Step,
    calendar: Option<&ServiceCalendar>,
) -> Result<Profile, Status> {
    let spans = spans(scope, step)?;
    let counted = asking.busy_figures(scope, &spans).await?;
    let day_of = |span: &Span| span.start.with_timezone(&scope.zone).date_naive();
    let counts = |day: NaiveDate| calendar.is_none_or(|calendar| calendar.is_service_day(day));
    let days: BTreeSet<NaiveDate> = spans.iter().map(day_of).filter(|day| counts(*day)).collect();
    let mut profile = Profile {
        version: counted.version,
        days: BTreeMap::new(),
        sums: BTreeMap::new(),
    };
    for day in &days {
        *profile
            .days
            .entry(day.weekday().number_from_monday())
            .or_default() += 1;
    }
    for (span, sum) in spans.iter().zip(counted.total.sums()) {
        if days.contains(&day_of(span)) {
            profile
                .sums
                .entry(place(scope, span.start))
                .or_default()
                .merge(sum);
        }
    }
    Ok(profile)
}

/// The profile as it is told: every interval of a week, empty ones too.
pub(crate) async fn told(
    asking: &Asking,
    request: proto::ProfileRequest,
) -> Result<proto::ProfileResponse, Status> {
    let scope = Scope {
        by: Grouping::None,
        ..asking.scope(request.scope).await?
    };
    let step = short_step(&request.interval)?;
    let calendar = request.service_days.then(|| asking.book.routing.calendar());
    let mut profile = profile(asking, &scope, step, calendar).await?;
    let minutes = step.minutes();
    for weekday in 1..=7 {
        for minute in (0..24 * 60).step_by(minutes) {
            profile.sums.entry((weekday, minute)).or_default();
        }
    }
    let intervals = profile
        .sums
        .iter()
        .map(|((weekday, minute), sum)| proto::ProfileInterval {
            weekday: *weekday,
            minute: *minute,
            days: profile.days.get(weekday).copied().unwrap_or_default(),
            figures: Some(shown("", sum, &scope.policy.policy, &scope.within)),
        });
    Ok(proto::ProfileResponse {
        from: scope.from.to_string(),
        to: scope.to.to_string(),
        zone: scope.zone_name(),
        as_of: profile.version.to_string(),
        policy: Some(scope.policy.shown()),
        interval: step.name().to_owned(),
        intervals: intervals.collect(),
    })
}
