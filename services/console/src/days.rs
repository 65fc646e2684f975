//! Days that somebody asks for, in the words of forms: the last day is meant too.

use chrono::{DateTime, Datelike as _, Days as Count, Months, NaiveDate, Utc};
use domain::local_time;
use serde::Deserialize;

use crate::trouble::Trouble;

/// What a form says. A named span takes the place of the days.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct DaysAsked {
    /// `heute`, `gestern`, `woche` or `monat`.
    #[serde(default)]
    pub(crate) zeitraum: String,
    #[serde(default)]
    pub(crate) von: String,
    #[serde(default)]
    pub(crate) bis: String,
}

/// Local days from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) from: NaiveDate,
    pub(crate) last: NaiveDate,
}

impl DaysAsked {
    /// The days; today where nothing is asked for.
    pub(crate) fn read(&self, now: DateTime<Utc>) -> Result<Days, Trouble> {
        let today = local_time::day_of(now);
        if let Some(days) = Days::named(&self.zeitraum, today) {
            return Ok(days);
        }
        let day = |text: &str, name: &str| match text.trim() {
            "" => Ok(None),
            text => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                Ok(day) if (1990..=2200).contains(&day.year()) => Ok(Some(day)),
                _ => Err(Trouble::Unusable(format!(
                    "{name}: Geben Sie einen Tag von 1990 bis 2200 an, zum Beispiel 2026-11-27."
                ))),
            },
        };
        let (from, last) = (day(&self.von, "Von")?, day(&self.bis, "Bis")?);
        let from = from.or(last).unwrap_or(today);
        let last = last.unwrap_or(from.max(today));
        if last < from {
            return Err(Trouble::Unusable(
                "Bis: Geben Sie denselben Tag wie bei „Von“ an, oder einen späteren.".to_owned(),
            ));
        }
        Ok(Days { from, last })
    }
}

impl Days {
    /// A span by its name.
    fn named(name: &str, today: NaiveDate) -> Option<Self> {
        let days = |from, last| Some(Self { from, last });
        match name {
            "heute" => days(today, today),
            "gestern" => days(today.pred_opt()?, today.pred_opt()?),
            "woche" => days(
                today - Count::new(u64::from(today.weekday().num_days_from_monday())),
                today,
            ),
            "monat" => days(today.with_day(1)?, today),
            "vormonat" => {
                let first = today.with_day(1)?;
                days(first - Months::new(1), first.pred_opt()?)
            }
            _ => None,
        }
    }

    /// The day after the last.
    pub(crate) fn end(&self) -> NaiveDate {
        local_time::next(self.last)
    }

    /// The same weekdays of the week before; of longer spans as many weeks before as they are long.
    pub(crate) fn weeks_before(&self) -> Self {
        let days = (self.last - self.from).num_days() + 1;
        let back = Count::new(u64::try_from((days + 6) / 7 * 7).unwrap_or(7));
        Self {
            from: self.from - back,
            last: self.last - back,
        }
    }

    /// In words: Fr 27.11.2026, or from one to the other.
    pub(crate) fn told(&self) -> String {
        let day = |day: NaiveDate| crate::format::day(local_time::start_of(day).timestamp_millis());
        match self.from == self.last {
            true => day(self.from),
            false => format!("{} bis {}", day(self.from), day(self.last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(zeitraum: &str, von: &str, bis: &str) -> Result<Days, Trouble> {
        let asked = DaysAsked {
            zeitraum: zeitraum.to_owned(),
            von: von.to_owned(),
            bis: bis.to_owned(),
        };
        // A Friday.
        asked.read("2026-11-27T12:00:00Z".parse().unwrap())
    }

    fn days(from: &str, last: &str) -> Days {
        Days {
            from: from.parse().unwrap(),
            last: last.parse().unwrap(),
        }
    }

    #[test]
    fn named_spans_end_today() {
        assert_eq!(read("", "", "").unwrap(), days("2026-11-27", "2026-11-27"));
        assert_eq!(read("gestern", "", "").unwrap(), days("2026-11-26", "2026-11-26"));
        assert_eq!(read("woche", "", "").unwrap(), days("2026-11-23", "2026-11-27"));
        assert_eq!(read("monat", "", "").unwrap(), days("2026-11-01", "2026-11-27"));
        assert_eq!(
            read("vormonat", "", "").unwrap(),
            days("2026-10-01", "2026-10-31")
        );
    }

    #[test]
    fn the_last_day_is_meant_too_and_must_not_be_before_the_first() {
        let asked = read("", "2026-11-02", "2026-11-03").unwrap();
        assert_eq!(asked.end().to_string(), "2026-11-04");
        assert!(read("", "2026-11-03", "2026-11-02").is_err());
        assert!(read("", "3.11.2026", "").is_err());
    }

    #[test]
    fn it_is_compared_with_the_same_weekdays() {
        assert_eq!(
            days("2026-11-27", "2026-11-27").weeks_before(),
            days("2026-11-20", "2026-11-20")
        );
        assert_eq!(
            days("2026-11-16", "2026-11-29").weeks_before(),
            days("2026-11-02", "2026-11-15")
        );
    }
}
