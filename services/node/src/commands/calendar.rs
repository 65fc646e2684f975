//! `nrwdirekt calendar`: works out of itself, without a server.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeZone as _, Utc};
use domain::holidays;
use domain::service_time::{DuePolicy, ServiceCalendar, ZONE};
use serde_json::{Value, json};

use crate::cli::{DueArguments, DueRule};
use crate::exit::Failure;
use crate::output::say;

/// When an answer is due.
pub(crate) fn due(arguments: &DueArguments) -> anyhow::Result<()> {
    let answer = due_answer(arguments)?;
    if arguments.json {
        say!("{answer}");
    } else {
        say!("{}", answer["due_at"].as_str().unwrap_or_default());
    }
    Ok(())
}

fn due_answer(arguments: &DueArguments) -> anyhow::Result<Value> {
    let from = moment(arguments.from)?;
    let hours = arguments.hours;
    let policy = match arguments.policy {
        DueRule::Elapsed => DuePolicy::Elapsed { hours },
        DueRule::ServiceHours => DuePolicy::ServiceHours { hours },
    };
    let due_at = ServiceCalendar::default().due(from, policy);
    Ok(json!({
        "from": local(from),
        "policy": policy.name(),
        "hours": hours,
        "due_at": local(due_at),
    }))
}

/// The public holidays of a year.
pub(crate) fn list_holidays(year: i32, as_json: bool) -> anyhow::Result<()> {
    let holidays = holidays::of_year(year);
    if as_json {
        say!("{}", json!({ "year": year, "holidays": holidays }));
        return Ok(());
    }
    for holiday in holidays {
        say!(
            "{}  {}  {}",
            holiday.date,
            holiday.date.format("%a"),
            holiday.name
        );
    }
    Ok(())
}

/// The moment of a local time; of two, the first.
pub(super) fn moment(local: NaiveDateTime) -> anyhow::Result<DateTime<Utc>> {
    let at = ZONE.from_local_datetime(&local).earliest();
    let at = at.ok_or_else(|| {
        Failure::usage(format!(
            "{local}: the clocks skip this hour in spring; give one before or after it"
        ))
    })?;
    Ok(at.with_timezone(&Utc))
}

fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&ZONE)
        .to_rfc3339_opts(SecondsFormat::Secs, false)
}
