//! Days without service time beside public holidays, as the rules write them.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{OpeningHours, OpeningHoursFault, ServiceCalendar};

/// Closed days that rules may name, at most.
pub const CLOSED_DAYS_MAX: usize = 60;

/// Service time as the rules write it; what is not given keeps the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceTime {
    /// Opening hours by weekday.
    pub hours: OpeningHours,
    /// Days without service time, beside the public holidays of North Rhine-Westphalia.
    pub closed_days: Vec<ClosedDay>,
}

impl ServiceTime {
    /// The calendar that it describes.
    ///
    /// # Errors
    /// [`OpeningHoursFault`].
    pub fn calendar(&self) -> Result<ServiceCalendar, OpeningHoursFault> {
        if self.closed_days.len() > CLOSED_DAYS_MAX {
            return Err(OpeningHoursFault::TooManyClosedDays);
        }
        Ok(ServiceCalendar::new(self.hours.clone())?.closed_on(&self.closed_days))
    }
}

/// A day without service time; written `12-24` for every year, `2027-02-15` for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClosedDay {
    /// This day of every year.
    EveryYear {
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
    },
    /// This one day.
    Once(NaiveDate),
}

impl ClosedDay {
    /// Whether a day is meant.
    pub fn is(self, date: NaiveDate) -> bool {
        match self {
            Self::EveryYear { month, day } => (date.month(), date.day()) == (month, day),
            Self::Once(once) => once == date,
        }
    }
}

impl TryFrom<String> for ClosedDay {
    type Error = OpeningHoursFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let date = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let day = match text.len() {
            10 => date(&text).map(Self::Once),
            // In a leap year every day of a year is one.
            5 => date(&format!("2024-{text}")).map(|date| Self::EveryYear {
                month: date.month(),
                day: date.day(),
            }),
            _ => None,
        };
        day.ok_or(OpeningHoursFault::NotADay { text })
    }
}

impl From<ClosedDay> for String {
    fn from(day: ClosedDay) -> Self {
        match day {
            ClosedDay::EveryYear { month, day } => format!("{month:02}-{day:02}"),
            ClosedDay::Once(date) => date.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service_time::DuePolicy;

    fn service_time(toml: &str) -> Result<ServiceTime, toml::de::Error> {
        toml::from_str(toml)
    }

    #[test]
    fn nothing_given_is_the_default() {
        let calendar = service_time("").unwrap().calendar().unwrap();
        let from = "2026-12-23T15:30:00Z".parse().unwrap();
        let policy = DuePolicy::default();
        assert_eq!(
            calendar.due(from, policy),
            ServiceCalendar::default().due(from, policy)
        );
    }

    #[test]
    fn hours_of_a_closed_day_do_not_count() {
        let calendar = service_time("closed_days = [\"12-24\", \"12-31\"]")
            .unwrap()
            .calendar()
            .unwrap();
        // Wednesday 23 December 2026, 16:30: the next open day is Monday the 28th.
        let due = calendar.due("2026-12-23T15:30:00Z".parse().unwrap(), DuePolicy::default());
        assert_eq!(due.to_rfc3339(), "2026-12-28T15:30:00+00:00");
    }

    #[test]
    fn what_is_no_day_is_refused_with_the_form() {
        for text in ["24.12.", "13-01", "2027-02-30", "1-1"] {
            let error = service_time(&format!("closed_days = [{text:?}]")).unwrap_err();
            assert!(error.to_string().contains("12-24"), "{error}");
        }
        let many = vec!["\"12-24\""; CLOSED_DAYS_MAX + 1].join(",");
        let many = service_time(&format!("closed_days = [{many}]")).unwrap();
        assert!(many.calendar().is_err());
    }
}
