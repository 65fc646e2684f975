//! Opening hours of a week, as configuration writes them.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(super) const MINUTES_OF_DAY: u16 = 24 * 60;

/// One stretch of service time on a day, in local time; written `08:00-18:00`, the end at most `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServicePeriod {
    opens_minute: u16,
    closes_minute: u16,
}

impl ServicePeriod {
    const OFFICE_HOURS: Self = Self {
        opens_minute: 8 * 60,
        closes_minute: 18 * 60,
    };

    /// Minutes from midnight to opening.
    pub fn opens(self) -> u16 {
        self.opens_minute
    }

    /// Minutes from midnight to closing; 1440 for the end of the day.
    pub fn closes(self) -> u16 {
        self.closes_minute
    }
}

impl FromStr for ServicePeriod {
    type Err = OpeningHoursFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || OpeningHoursFault::NotAPeriod {
            text: text.to_owned(),
        };
        let (opens, closes) = text.split_once(['-', '–']).ok_or_else(fault)?;
        let opens_minute = minute_of_day(opens).ok_or_else(fault)?;
        let closes_minute = minute_of_day(closes).ok_or_else(fault)?;
        if opens_minute < closes_minute {
            Ok(Self {
                opens_minute,
                closes_minute,
            })
        } else {
            Err(fault())
        }
    }
}

impl TryFrom<String> for ServicePeriod {
    type Error = OpeningHoursFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServicePeriod> for String {
    fn from(period: ServicePeriod) -> Self {
        period.to_string()
    }
}

impl fmt::Display for ServicePeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opens, closes) = (self.opens_minute, self.closes_minute);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            opens / 60,
            opens % 60,
            closes / 60,
            closes % 60
        )
    }
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_DAY).then_some(total)
}

/// The opening hours of each weekday; a weekday that is not given keeps the default (Monday to Friday 8 to 18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpeningHours {
    /// Service time of Mondays, in order; empty for closed, likewise the others.
    pub monday: Vec<ServicePeriod>,
    /// Service time of Tuesdays.
    pub tuesday: Vec<ServicePeriod>,
    /// Service time of Wednesdays.
    pub wednesday: Vec<ServicePeriod>,
    /// Service time of Thursdays.
    pub thursday: Vec<ServicePeriod>,
    /// Service time of Fridays.
    pub friday: Vec<ServicePeriod>,
    /// Service time of Saturdays.
    pub saturday: Vec<ServicePeriod>,
    /// Service time of Sundays.
    pub sunday: Vec<ServicePeriod>,
}

impl Default for OpeningHours {
    fn default() -> Self {
        let office_hours = || vec![ServicePeriod::OFFICE_HOURS];
        Self {
            monday: office_hours(),
            tuesday: office_hours(),
            wednesday: office_hours(),
            thursday: office_hours(),
            friday: office_hours(),
            saturday: Vec::new(),
            sunday: Vec::new(),
        }
    }
}

impl OpeningHours {
    pub(super) fn of(&self, date: NaiveDate) -> &[ServicePeriod] {
        self.on(date.weekday())
    }

    fn on(&self, weekday: Weekday) -> &[ServicePeriod] {
        match weekday {
            Weekday::Mon => &self.monday,
            Weekday::Tue => &self.tuesday,
            Weekday::Wed => &self.wednesday,
            Weekday::Thu => &self.thursday,
            Weekday::Fri => &self.friday,
            Weekday::Sat => &self.saturday,
            Weekday::Sun => &self.sunday,
        }
    }

    pub(super) fn check(&self) -> Result<(), OpeningHoursFault> {
        let week = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        if week.iter().all(|weekday| self.on(*weekday).is_empty()) {
            return Err(OpeningHoursFault::NeverOpen);
        }
        for weekday in week {
            if self
                .on(weekday)
                .windows(2)
                .any(|pair| pair[1].opens_minute < pair[0].closes_minute)
            {
                return Err(OpeningHoursFault::OutOfOrder { weekday });
            }
        }
        Ok(())
    }
}

/// What is wrong with configured opening hours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpeningHoursFault {
    /// A period could not be read.
    #[error("`{text}` is not a period of service time; write it as `08:00-18:00`, the end after the start")]
    NotAPeriod {
        /// What was written.
        text: String,
    },
    /// Two periods of a weekday overlap or are in the wrong order.
    #[error("the periods of {weekday} overlap or are out of order")]
    OutOfOrder {
        /// The weekday.
        weekday: Weekday,
    },
    /// A closed day could not be read.
    #[error("`{text}` is no day; write 12-24 for every year, or 2027-02-15 for one")]
    NotADay {
        /// What was written.
        text: String,
    },
    /// So many closed days that answers might never be due.
    #[error("name at most {} closed days", super::CLOSED_DAYS_MAX)]
    TooManyClosedDays,
    /// No weekday has service time, so nothing would ever be due.
    #[error("no weekday has service time; give at least one, for example monday = [\"08:00-18:00\"]")]
    NeverOpen,
}
