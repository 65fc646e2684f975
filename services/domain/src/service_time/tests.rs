use chrono::NaiveDateTime;
use proptest::prelude::*;

use super::*;

const ELAPSED: DuePolicy = DuePolicy::Elapsed { hours: 24 };
const SERVICE_HOURS: DuePolicy = DuePolicy::ServiceHours { hours: 24 };

fn local(text: &str) -> DateTime<Utc> {
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    ZONE.from_local_datetime(&naive)
        .single()
        .unwrap()
        .with_timezone(&Utc)
}

fn shown(at: DateTime<Utc>) -> String {
    at.with_timezone(&ZONE).format("%Y-%m-%d %H:%M").to_string()
}

fn check(calendar: &ServiceCalendar, rows: &[(&str, &str, &str)]) {
    for (from, elapsed, service_hours) in rows {
        let from_at = local(from);
        assert_eq!(
            &shown(calendar.due(from_at, ELAPSED)),
            elapsed,
            "elapsed from {from}"
        );
        assert_eq!(
            &shown(calendar.due(from_at, SERVICE_HOURS)),
            service_hours,
            "service hours from {from}"
        );
    }
}

#[rustfmt::skip]
#[test]
fn due_times_are_those_of_the_design() {
    check(&ServiceCalendar::default(), &[
        // from               elapsed             service hours
        ("2026-12-23 16:30", "2026-12-24 16:30", "2026-12-29 10:30"), // before Christmas, Wednesday
        ("2026-11-20 17:00", "2026-11-23 17:00", "2026-11-25 11:00"), // Friday
        ("2026-11-21 10:00", "2026-11-24 08:00", "2026-11-25 12:00"), // Saturday
    ]);
}

#[rustfmt::skip]
#[test]
fn due_times_around_closing_nights_and_holidays() {
    check(&ServiceCalendar::default(), &[
        ("2026-11-23 08:00", "2026-11-24 08:00", "2026-11-25 12:00"), // the moment of opening
        ("2026-11-23 07:59", "2026-11-24 08:00", "2026-11-25 12:00"), // before opening
        ("2026-11-23 17:59", "2026-11-24 17:59", "2026-11-26 11:59"), // the last minute
        ("2026-11-23 18:00", "2026-11-25 08:00", "2026-11-26 12:00"), // the moment of closing is outside
        ("2026-11-23 23:30", "2026-11-25 08:00", "2026-11-26 12:00"), // at night
        ("2026-11-22 23:59", "2026-11-24 08:00", "2026-11-25 12:00"), // Sunday night
        ("2026-11-20 18:00", "2026-11-24 08:00", "2026-11-25 12:00"), // Friday after closing
        ("2026-04-02 12:00", "2026-04-07 12:00", "2026-04-08 16:00"), // Maundy Thursday: four closed days
        ("2026-06-03 09:30", "2026-06-05 09:30", "2026-06-08 13:30"), // the day before Fronleichnam
        ("2026-06-04 09:30", "2026-06-08 08:00", "2026-06-09 12:00"), // on Fronleichnam
        ("2026-12-31 10:00", "2027-01-04 10:00", "2027-01-05 14:00"), // over New Year
        ("2017-10-30 15:00", "2017-11-02 15:00", "2017-11-06 09:00"), // Reformation 2017 and Allerheiligen
        ("2018-10-30 15:00", "2018-10-31 15:00", "2018-11-05 09:00"), // no Reformation Day in 2018
    ]);
}

#[rustfmt::skip]
#[test]
fn a_change_of_the_clocks_on_a_closed_sunday_moves_nothing() {
    check(&ServiceCalendar::default(), &[
        ("2026-03-27 17:00", "2026-03-30 17:00", "2026-04-01 11:00"),
        ("2026-03-28 10:00", "2026-03-31 08:00", "2026-04-01 12:00"),
        ("2026-10-23 17:00", "2026-10-26 17:00", "2026-10-28 11:00"),
        ("2026-10-24 10:00", "2026-10-27 08:00", "2026-10-28 12:00"),
    ]);
}

fn around_the_clock() -> ServiceCalendar {
    let always = || vec!["00:00-24:00".parse().unwrap()];
    ServiceCalendar::new(OpeningHours {
        monday: always(),
        tuesday: always(),
        wednesday: always(),
        thursday: always(),
        friday: always(),
        saturday: always(),
        sunday: always(),
    })
    .unwrap()
}

#[rustfmt::skip]
#[test]
fn on_days_of_23_and_25_hours_the_hours_that_pass_count() {
    check(&around_the_clock(), &[
        ("2026-03-28 12:00", "2026-03-29 13:00", "2026-03-29 13:00"),
        ("2026-10-24 12:00", "2026-10-25 11:00", "2026-10-25 11:00"),
    ]);
}

#[test]
fn opening_times_in_the_skipped_and_in_the_double_hour() {
    let calendar = ServiceCalendar::new(OpeningHours {
        sunday: vec!["01:30-02:30".parse().unwrap(), "02:30-04:00".parse().unwrap()],
        ..OpeningHours::default()
    })
    .unwrap();
    let service_minutes = |day: &str| {
        let date: NaiveDate = day.parse().unwrap();
        calendar
            .service_time_of(date)
            .map(|(opens, closes)| (closes - opens).num_minutes())
            .sum::<i64>()
    };
    assert_eq!(service_minutes("2026-03-22"), 150);
    assert_eq!(
        service_minutes("2026-03-29"),
        90,
        "02:00 to 03:00 does not happen"
    );
    let spans: Vec<_> = calendar.service_time_of("2026-03-29".parse().unwrap()).collect();
    assert_eq!(spans[0].1, spans[1].0);
}

#[test]
fn lunch_breaks_are_outside_service_time() {
    let hours: OpeningHours = toml::from_str(r#"monday = ["08:00-12:00", "13:00-16:00"]"#).unwrap();
    let calendar = ServiceCalendar::new(hours).unwrap();
    let quick = DuePolicy::ServiceHours { hours: 1 };
    assert_eq!(
        shown(calendar.due(local("2026-11-23 11:30"), quick)),
        "2026-11-23 13:30"
    );
    assert_eq!(
        shown(calendar.due(local("2026-11-23 11:00"), quick)),
        "2026-11-23 12:00"
    );
    assert_eq!(
        shown(calendar.due(local("2026-11-23 12:30"), ELAPSED)),
        "2026-11-24 13:00"
    );
    assert!(!calendar.is_open(local("2026-11-23 12:00")));
    assert!(calendar.is_open(local("2026-11-23 13:00")));
}

#[test]
fn opening_hours_that_cannot_be_are_refused() {
    let closed: OpeningHours =
        toml::from_str("monday=[]\ntuesday=[]\nwednesday=[]\nthursday=[]\nfriday=[]").unwrap();
    assert_eq!(
        ServiceCalendar::new(closed).unwrap_err(),
        OpeningHoursFault::NeverOpen
    );
    let twisted: OpeningHours = toml::from_str(r#"friday = ["12:00-16:00", "08:00-12:30"]"#).unwrap();
    let fault = ServiceCalendar::new(twisted).unwrap_err();
    assert_eq!(
        fault,
        OpeningHoursFault::OutOfOrder {
            weekday: chrono::Weekday::Fri
        }
    );
    for text in [
        "18:00-08:00",
        "8-18",
        "08:00",
        "08:00-24:01",
        "08:60-10:00",
        "08:00-08:00",
        "+8:00-10:00",
    ] {
        assert!(text.parse::<ServicePeriod>().is_err(), "{text}");
    }
    assert!(toml::from_str::<OpeningHours>(r#"montag = ["08:00-18:00"]"#).is_err());
}

#[test]
fn policies_and_opening_hours_survive_being_written_and_read() {
    let policy: DuePolicy = toml::from_str("policy = \"service_hours\"\nhours = 12").unwrap();
    assert_eq!(policy, DuePolicy::ServiceHours { hours: 12 });
    assert_eq!(DuePolicy::from_name(policy.name()), Some(SERVICE_HOURS));
    assert_eq!(DuePolicy::from_name("elapsed"), Some(DuePolicy::default()));
    assert_eq!(DuePolicy::from_name("later"), None);
    let written = toml::to_string(&OpeningHours::default()).unwrap();
    assert_eq!(
        toml::from_str::<OpeningHours>(&written).unwrap(),
        OpeningHours::default()
    );
}

fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    // 1990 to 2100, in seconds.
    (631_152_000_i64..4_133_980_800).prop_map(|second| DateTime::from_timestamp(second, 0).unwrap())
}

fn policies() -> impl Strategy<Value = DuePolicy> {
    (0..100_u16, any::<bool>()).prop_map(|(hours, elapsed)| {
        if elapsed {
            DuePolicy::Elapsed { hours }
        } else {
            DuePolicy::ServiceHours { hours }
        }
    })
}

proptest! {
    #[test]
    fn what_comes_later_is_never_due_earlier(from in moments(), later_s in 0..1_000_000_i64, policy in policies()) {
        let calendar = ServiceCalendar::default();
        let later = from + TimeDelta::seconds(later_s);
        prop_assert!(calendar.due(from, policy) <= calendar.due(later, policy));
    }

    #[test]
    fn nothing_is_due_before_it_came_or_sooner_than_its_hours(from in moments(), policy in policies()) {
        let (DuePolicy::Elapsed { hours } | DuePolicy::ServiceHours { hours }) = policy;
        let due = ServiceCalendar::default().due(from, policy);
        prop_assert!(due >= from + TimeDelta::hours(i64::from(hours)));
    }

    #[test]
    fn service_hours_end_in_service_time_or_at_closing(from in moments(), hours in 0..100_u16) {
        let calendar = ServiceCalendar::default();
        let due = calendar.due(from, DuePolicy::ServiceHours { hours });
        prop_assert!(calendar.is_open(due) || calendar.is_open(due - TimeDelta::seconds(1)));
    }

    #[test]
    fn the_service_time_until_due_is_what_the_policy_gives(from in moments(), hours in 0..60_u16) {
        let calendar = ServiceCalendar::default();
        let due = calendar.due(from, DuePolicy::ServiceHours { hours });
        let counted = days_from(local_date(from))
            .take_while(|date| *date <= local_date(due))
            .flat_map(|date| calendar.service_time_of(date))
            .map(|(opens, closes)| (closes.min(due) - opens.max(from)).max(TimeDelta::zero()))
            .fold(TimeDelta::zero(), |sum, span| sum + span);
        prop_assert_eq!(counted, TimeDelta::hours(i64::from(hours)));
    }

    #[test]
    fn an_elapsed_day_from_service_time_keeps_the_time_of_day(from in moments()) {
        let calendar = ServiceCalendar::default();
        prop_assume!(calendar.is_open(from));
        let due = calendar.due(from, ELAPSED);
        prop_assert!(calendar.is_open(due));
        prop_assert_eq!(due.with_timezone(&ZONE).time(), from.with_timezone(&ZONE).time());
    }
}

#[test]
fn a_pause_moves_the_due_time_by_the_time_that_counts() {
    let calendar = ServiceCalendar::default();
    let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
    let [elapsed, hours] = [
        DuePolicy::Elapsed { hours: 24 },
        DuePolicy::ServiceHours { hours: 24 },
    ];
    // 2026-12-14 is a Monday; Berlin is an hour ahead of UTC.
    for (due, from, until, policy, moved) in [
        // Two hours of a day.
        (
            "2026-12-15T10:00:00Z",
            "2026-12-14T10:00:00Z",
            "2026-12-14T12:00:00Z",
            elapsed,
            "2026-12-15T12:00:00Z",
        ),
        (
            "2026-12-16T10:00:00Z",
            "2026-12-14T10:00:00Z",
            "2026-12-14T12:00:00Z",
            hours,
            "2026-12-16T12:00:00Z",
        ),
        // A night counts by the clock, and not by service hours.
        (
            "2026-12-15T10:00:00Z",
            "2026-12-14T18:00:00Z",
            "2026-12-14T20:00:00Z",
            elapsed,
            "2026-12-15T12:00:00Z",
        ),
        (
            "2026-12-15T10:00:00Z",
            "2026-12-14T18:00:00Z",
            "2026-12-14T20:00:00Z",
            hours,
            "2026-12-15T10:00:00Z",
        ),
        // A weekend counts by neither.
        (
            "2026-12-21T10:00:00Z",
            "2026-12-19T10:00:00Z",
            "2026-12-20T10:00:00Z",
            elapsed,
            "2026-12-21T10:00:00Z",
        ),
        (
            "2026-12-21T10:00:00Z",
            "2026-12-19T10:00:00Z",
            "2026-12-20T10:00:00Z",
            hours,
            "2026-12-21T10:00:00Z",
        ),
        // Longer than what was left.
        (
            "2026-12-14T12:00:00Z",
            "2026-12-14T10:00:00Z",
            "2026-12-17T16:00:00Z",
            hours,
            "2026-12-18T08:00:00Z",
        ),
        // Overdue before.
        (
            "2026-12-14T09:00:00Z",
            "2026-12-14T10:00:00Z",
            "2026-12-17T16:00:00Z",
            hours,
            "2026-12-14T09:00:00Z",
        ),
        // No time passed.
        (
            "2026-12-15T10:00:00Z",
            "2026-12-14T18:00:00Z",
            "2026-12-14T18:00:00Z",
            elapsed,
            "2026-12-15T10:00:00Z",
        ),
    ] {
        let found = calendar.due_after_pause(at(due), (at(from), at(until)), policy);
        assert_eq!(found, at(moved), "{due}, {from} to {until}, {policy:?}");
    }
}
