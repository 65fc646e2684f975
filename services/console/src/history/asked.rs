//! What a page of the history is asked for, as its address says it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use wire::v1::reporting as proto;

use super::choices::Choices;
use crate::days::{Days, DaysAsked};
use crate::trouble::Trouble;

/// The thresholds that are told beside those of policies.
pub(super) const WITHIN: [u32; 2] = [20, 30];

/// The lengths of intervals, and what they are called.
pub(super) const INTERVALS: [(&str, &str); 6] = [
    ("15m", "15 Minuten"),
    ("30m", "30 Minuten"),
    ("1h", "Stunde"),
    ("1d", "Tag"),
    ("1w", "Woche"),
    ("1M", "Monat"),
];

/// The query. Nothing in it is about citizens.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    days: DaysAsked,
    /// `hotline` or `gruppe`: a row for each; else the sum alone.
    #[serde(default)]
    nach: String,
    /// Only this hotline, or this group of the rules.
    #[serde(default)]
    hotline: String,
    #[serde(default)]
    gruppe: String,
    #[serde(default)]
    intervall: String,
    #[serde(default)]
    regel: String,
    #[serde(default)]
    zone: String,
    /// `alle`: every column that exports have.
    #[serde(default)]
    spalten: String,
    /// The state of the figures that changes are told since.
    #[serde(default)]
    seit: String,
    /// The days to compare with.
    #[serde(default)]
    mit_von: String,
    #[serde(default)]
    mit_bis: String,
    /// Only days with service time.
    #[serde(default)]
    servicetage: String,
    /// Of exports.
    #[serde(default)]
    pub(super) art: String,
    #[serde(default)]
    pub(super) form: String,
    /// Of exports of a statement.
    #[serde(default)]
    pub(super) nummer: String,
}

/// What is asked for, checked as far as the console can.
#[derive(Clone)]
pub(super) struct Filter {
    pub(super) days: Days,
    pub(super) by: String,
    pub(super) hotline: String,
    pub(super) group: String,
    pub(super) interval: String,
    /// Whether the address names the interval; else it goes by the length of the range.
    pub(super) interval_given: bool,
    pub(super) policy: String,
    pub(super) zone: String,
    pub(super) all_columns: bool,
    pub(super) since: String,
    pub(super) other: Days,
    pub(super) service_days: bool,
}

impl Asked {
    /// The same with a span of days, unless days are asked for.
    pub(super) fn with_days(mut self, usual: Days) -> Self {
        let DaysAsked { zeitraum, von, bis } = &self.days;
        if zeitraum.is_empty() && von.is_empty() && bis.is_empty() {
            self.days.von = usual.from.to_string();
            self.days.bis = usual.last.to_string();
        }
        self
    }

    pub(super) fn read(&self, now: DateTime<Utc>) -> Result<Filter, Trouble> {
        let days = self.days.read(now)?;
        let other = DaysAsked {
            zeitraum: String::new(),
            von: self.mit_von.clone(),
            bis: self.mit_bis.clone(),
        };
        let is_known = INTERVALS.iter().any(|(interval, _)| *interval == self.intervall);
        Ok(Filter {
            days,
            by: self.nach.clone(),
            hotline: self.hotline.clone(),
            group: self.gruppe.clone(),
            interval: match is_known {
                true => self.intervall.clone(),
                false => usual_interval(&days).to_owned(),
            },
            interval_given: is_known,
            policy: self.regel.clone(),
            zone: self.zone.trim().to_owned(),
            all_columns: self.spalten == "alle",
            since: self.seit.trim().to_owned(),
            other: match self.mit_von.is_empty() && self.mit_bis.is_empty() {
                true => days.weeks_before(),
                false => other.read(now)?,
            },
            service_days: self.servicetage == "ja",
        })
    }
}

/// As fine as a page can show.
fn usual_interval(days: &Days) -> &'static str {
    match (days.last - days.from).num_days() {
        0 => "15m",
        1..=2 => "1h",
        3..=120 => "1d",
        _ => "1M",
    }
}

impl Filter {
    /// What the service is asked for.
    pub(super) fn scope(&self, choices: &Choices) -> proto::Scope {
        self.scope_of(&self.days, choices)
    }

    /// The same of other days.
    pub(super) fn scope_of(&self, days: &Days, choices: &Choices) -> proto::Scope {
        proto::Scope {
            from: days.from.to_string(),
            to: days.end().to_string(),
            zone: self.zone.clone(),
            by: self.grouping().into(),
            hotlines: self.hotlines(choices),
            policy: self.policy.clone(),
            within_seconds: WITHIN.to_vec(),
            ..proto::Scope::default()
        }
    }

    /// How many rows its intervals are at most.
    pub(super) fn row_count(&self, choices: &Choices) -> i64 {
        let days = (self.days.last - self.days.from).num_days() + 1;
        let groups = match self.by.is_empty() {
            true => 1,
            false => choices.hotlines.len() as i64 + 1,
        };
        groups
            * match self.interval.as_str() {
                "15m" => days * 100,
                "30m" => days * 50,
                "1h" => days * 25,
                _ => days,
            }
    }

    pub(super) fn grouping(&self) -> proto::Grouping {
        match self.by.as_str() {
            "hotline" => proto::Grouping::Hotline,
            "gruppe" => proto::Grouping::Group,
            _ => proto::Grouping::Unspecified,
        }
    }

    /// Only these; none: all.
    pub(super) fn hotlines(&self, choices: &Choices) -> Vec<String> {
        match (self.hotline.as_str(), choices.group(&self.group)) {
            ("", Some(hotlines)) => hotlines.to_vec(),
            ("", None) => Vec::new(),
            (hotline, _) => vec![hotline.to_owned()],
        }
    }

    /// What the figures are of, in words.
    pub(super) fn of(&self) -> &str {
        match (self.hotline.as_str(), self.group.as_str()) {
            ("", "") => "alle Hotlines",
            ("", group) => group,
            (hotline, _) => hotline,
        }
    }

    /// The address of the same question elsewhere.
    pub(super) fn query(&self) -> String {
        self.query_with(&[])
    }

    /// The same with more.
    pub(super) fn query_with(&self, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("von", &self.days.from.to_string())
            .append_pair("bis", &self.days.last.to_string());
        let interval = match self.interval_given {
            true => self.interval.as_str(),
            false => "",
        };
        for (name, value) in [
            ("nach", self.by.as_str()),
            ("hotline", &self.hotline),
            ("gruppe", &self.group),
            ("intervall", interval),
            ("regel", &self.policy),
            ("zone", &self.zone),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(more);
        query.finish()
    }
}
