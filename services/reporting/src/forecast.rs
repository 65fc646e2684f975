//! How many agents the next days need: Erlang C for the profile of the last weeks.

use chrono::{Days, NaiveDate};
use domain::counts::Figure;
use domain::local_time;
use domain::span::{Span, cut};
use domain::staffing::{Load, Requirement, staff};
use tonic::Status;
use wire::v1::reporting as proto;

use crate::figures::Asking;
use crate::profile::{Profile, place, profile, short_step};
use crate::scope::{Scope, day, invalid};
use crate::sum::Sum;

const USUAL_DAYS: u32 = 7;
const DAYS_MAX: u32 = 92;
const USUAL_WEEKS: u32 = 8;
const WEEKS_MAX: u32 = 104;

/// What the next days bring, interval by interval of service time.
pub(crate) async fn forecast(
    asking: &Asking,
    request: proto::ForecastRequest,
) -> Result<proto::ForecastResponse, Status> {
    let today = local_time::day_of(asking.now);
    let from = match request.from.as_str() {
        "" => local_time::next(today),
        text => day("from", text)?,
    };
    if from < today {
        return Err(invalid(format!(
            "from: {from} is over; give {today} or a later day"
        )));
    }
    let to = after(from, number("days", request.days, USUAL_DAYS, DAYS_MAX)?);
    let weeks = number("weeks", request.weeks, USUAL_WEEKS, WEEKS_MAX)?;
    let scope = asking
        .scope(Some(proto::Scope {
            from: (today - Days::new(u64::from(weeks) * 7)).to_string(),
            to: today.to_string(),
            hotlines: request.hotlines,
            ..proto::Scope::default()
        }))
        .await?;
    // Days before the first call say nothing about a week.
    let Some(first) = asking
        .first_counted(scope.from)
        .await?
        .filter(|first| *first < today)
    else {
        return Err(Status::failed_precondition(format!(
            "weeks: nothing was counted from {} on and before {today}; a forecast is made of the calls of weeks that are over",
            scope.from
        )));
    };
    let scope = Scope { from: first, ..scope };
    let requirement = Requirement {
        target: request.target,
        within_seconds: request.within_seconds,
        max_occupancy: request.max_occupancy,
        shrinkage: request.shrinkage,
    };
    let step = short_step(&request.interval)?;
    let calendar = asking.book.routing.calendar();
    let profile = profile(asking, &scope, step, Some(calendar)).await?;
    let mut whole = Sum::default();
    profile.sums.values().for_each(|sum| whole.merge(sum));
    let spans = cut(step, from, to, scope.zone);
    let open = spans
        .iter()
        .filter(|span| calendar.is_open_within(span.start, span.end));
    let intervals = open.map(|span| interval(*span, &scope, &profile, &whole, requirement));
    Ok(proto::ForecastResponse {
        from: from.to_string(),
        to: to.to_string(),
        zone: scope.zone_name(),
        as_of: profile.version.to_string(),
        interval: step.name().to_owned(),
        profile_from: scope.from.to_string(),
        profile_to: scope.to.to_string(),
        closed_days: from
            .iter_days()
            .take_while(|day| *day < to)
            .filter(|day| !calendar.is_service_day(*day))
            .map(|day| day.to_string())
            .collect(),
        intervals: intervals.collect::<Result<_, _>>()?,
    })
}

fn after(from: NaiveDate, days: u32) -> NaiveDate {
    from.checked_add_days(Days::new(u64::from(days))).unwrap_or(from)
}

fn number(field: &str, asked: u32, usual: u32, most: u32) -> Result<u32, Status> {
    match asked {
        0 => Ok(usual),
        asked if asked <= most => Ok(asked),
        _ => Err(invalid(format!("{field}: use 1 to {most}"))),
    }
}

/// Offered as on the same weekday at the same time; handled as then, or as ever where nothing was answered then.
fn interval(
    span: Span,
    scope: &Scope,
    profile: &Profile,
    whole: &Sum,
    requirement: Requirement,
) -> Result<proto::ForecastInterval, Status> {
    let place = place(scope, span.start);
    let sum = profile.sums.get(&place);
    let days = profile.days.get(&place.0).copied().unwrap_or_default();
    let offered = sum.map_or(0, |sum| sum.tally.counts.get(Figure::Offered));
    let offered = if days > 0 {
        offered as f64 / f64::from(days)
    } else {
        0.0
    };
    let handle_ms = sum
        .and_then(Sum::average_handle_ms)
        .or_else(|| whole.average_handle_ms());
    let mut told = proto::ForecastInterval {
        start_unix_s: span.start.timestamp(),
        end_unix_s: span.end.timestamp(),
        offered,
        average_handle_ms: handle_ms,
        ..proto::ForecastInterval::default()
    };
    let handling_seconds = handle_ms.unwrap_or_default() / 1000.0;
    if handling_seconds <= 0.0 && offered > 0.0 {
        return Ok(told);
    }
    let load = Load {
        offered,
        interval_seconds: (span.end - span.start).num_seconds() as f64,
        handling_seconds,
    };
    let staffing = staff(load, requirement).map_err(|fault| invalid(fault.to_string()))?;
    told.agents = Some(staffing.agents);
    told.positions = Some(staffing.positions);
    if let Some(queue) = staffing.queue {
        told.service_level = Some(queue.service_level);
        told.occupancy = Some(queue.occupancy);
        told.waiting_probability = Some(queue.waiting_probability);
    }
    Ok(told)
}
