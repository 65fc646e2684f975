//! The public holidays of North Rhine-Westphalia, computed.
//!
//! Law: § 2 Feiertagsgesetz NW, and Art. 2 of the Unification Treaty for 3 October. Fronleichnam and Allerheiligen
//! have been holidays of the state for as long as it exists. What changed since 1990: Buß- und Bettag was one up
//! to 1994 (given up for the long-term care insurance), 31 October was one in 2017 only (500 years of
//! Reformation). 17 June was one in 1990 for the last time; it fell on a Sunday and is left out.
//! Tested from 1991 to 2100 against a maintained source.

use std::borrow::Cow;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::Serialize;

/// A day that is a public holiday in the whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holiday {
    /// The day, in local time.
    pub date: NaiveDate,
    /// Its German name. Two holidays that fall on one day (as on 1 May 2008) are one entry, joined by `; `.
    pub name: Cow<'static, str>,
}

/// The public holidays of a year in order, one entry a day.
pub fn of_year(year: i32) -> Vec<Holiday> {
    let mut named: Vec<(NaiveDate, &'static str)> = names_and_days(year).collect();
    named.sort_unstable();
    let mut holidays: Vec<Holiday> = Vec::with_capacity(named.len());
    for (date, name) in named {
        match holidays.last_mut() {
            Some(last) if last.date == date => last.name = format!("{}; {name}", last.name).into(),
            _ => holidays.push(Holiday {
                date,
                name: name.into(),
            }),
        }
    }
    holidays
}

/// Whether a day is a public holiday in the whole state.
pub fn is_holiday(date: NaiveDate) -> bool {
    names_and_days(date.year()).any(|(holiday, _)| holiday == date)
}

fn names_and_days(year: i32) -> impl Iterator<Item = (NaiveDate, &'static str)> {
    let easter = easter_sunday(year);
    let from_easter = move |days: i64| easter.and_then(|sunday| shifted(sunday, days));
    let fixed = move |month, day| NaiveDate::from_ymd_opt(year, month, day);
    [
        ("Neujahr", fixed(1, 1)),
        ("Karfreitag", from_easter(-2)),
        ("Ostermontag", from_easter(1)),
        ("Erster Mai", fixed(5, 1)),
        ("Christi Himmelfahrt", from_easter(39)),
        ("Pfingstmontag", from_easter(50)),
        ("Fronleichnam", from_easter(60)),
        ("Tag der Deutschen Einheit", fixed(10, 3).filter(|_| year >= 1990)),
        ("Reformationstag", fixed(10, 31).filter(|_| year == 2017)),
        ("Allerheiligen", fixed(11, 1)),
        (
            "Buß- und Bettag",
            wednesday_before_23_november(year).filter(|_| year <= 1994),
        ),
        ("Erster Weihnachtstag", fixed(12, 25)),
        ("Zweiter Weihnachtstag", fixed(12, 26)),
    ]
    .into_iter()
    .filter_map(|(name, date)| Some((date?, name)))
}

/// Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Jones, Butcher).
fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let leap_centuries = century.div_euclid(4);
    let moon = (century + 8) / 25;
    let sun = (century - moon + 1) / 3;
    let epact = (19 * golden + century - leap_centuries - sun + 15).rem_euclid(30);
    let weekday = (32 + 2 * century.rem_euclid(4) + 2 * (of_century / 4) - epact - of_century.rem_euclid(4))
        .rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let day_of_march = epact + weekday - 7 * late + 22;
    shifted(NaiveDate::from_ymd_opt(year, 3, 1)?, i64::from(day_of_march) - 1)
}

fn wednesday_before_23_november(year: i32) -> Option<NaiveDate> {
    let latest = NaiveDate::from_ymd_opt(year, 11, 22)?;
    let back = latest.weekday().days_since(Weekday::Wed);
    latest.checked_sub_days(Days::new(u64::from(back)))
}

fn shifted(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    date.checked_add_signed(chrono::TimeDelta::try_days(days)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Origin in the head of the file.
    const REFERENCE: &str = include_str!("../testdata/holidays-nrw.tsv");

    #[test]
    fn a_maintained_source_names_the_same_days() {
        let expected: Vec<(NaiveDate, String)> = REFERENCE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once('\t').unwrap())
            .map(|(date, name)| (date.parse().unwrap(), name.to_owned()))
            .collect();
        let computed: Vec<(NaiveDate, String)> = (1991..=2100)
            .flat_map(of_year)
            .map(|holiday| (holiday.date, holiday.name.into_owned()))
            .collect();
        assert_eq!(computed, expected);
        assert!(expected.len() > 1200);
    }

    #[test]
    fn a_day_is_a_holiday_exactly_if_it_is_in_the_list_of_its_year() {
        let first = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap();
        let last = NaiveDate::from_ymd_opt(2100, 12, 31).unwrap();
        let listed: Vec<NaiveDate> = (1990..=2100)
            .flat_map(of_year)
            .map(|holiday| holiday.date)
            .collect();
        let found: Vec<NaiveDate> = first
            .iter_days()
            .take_while(|day| *day <= last)
            .filter(|day| is_holiday(*day))
            .collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn the_first_year_has_the_day_of_unity_and_the_day_of_repentance() {
        let names: Vec<_> = of_year(1990).into_iter().map(|holiday| holiday.name).collect();
        assert_eq!(names.len(), 12);
        assert!(names.contains(&"Tag der Deutschen Einheit".into()));
        assert!(names.contains(&"Buß- und Bettag".into()));
    }

    #[test]
    fn a_year_outside_the_calendar_has_no_holidays_instead_of_a_panic() {
        assert_eq!(of_year(i32::MAX / 2), []);
        assert_eq!(of_year(i32::MIN / 2), []);
    }
}
