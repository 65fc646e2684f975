//! What is reported: figures, as a table or as JSON.

use std::time::Duration;

use serde::Serialize;

/// A measured figure beside what it is compared with.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What it is compared with, in words.
    pub(crate) baseline: Option<&'static str>,
    pub(crate) baseline_value: Option<f64>,
    /// The value divided by that of the baseline.
    pub(crate) ratio: Option<f64>,
    /// What the ratio is to reach or, where less is better, not to exceed; without a baseline: the value.
    pub(crate) target: Option<f64>,
    pub(crate) met: Option<bool>,
}

impl Figure {
    /// A figure alone.
    pub(crate) fn new(name: &str, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            value,
            unit,
            baseline: None,
            baseline_value: None,
            ratio: None,
            target: None,
            met: None,
        }
    }

    /// Beside a baseline.
    pub(crate) fn beside(mut self, baseline: &'static str, baseline_value: f64) -> Self {
        self.baseline = Some(baseline);
        self.baseline_value = Some(baseline_value);
        self.ratio = Some(self.value / baseline_value);
        self
    }

    /// The target is reached from here on upwards.
    pub(crate) fn at_least(mut self, target: f64) -> Self {
        self.target = Some(target);
        self.met = Some(self.compared() >= target);
        self
    }

    /// The target is reached up to here.
    pub(crate) fn at_most(mut self, target: f64) -> Self {
        self.target = Some(target);
        self.met = Some(self.compared() <= target);
        self
    }

    fn compared(&self) -> f64 {
        self.ratio.unwrap_or(self.value)
    }
}

/// The middle of several rounds: what disturbed one of them does not count.
pub(crate) fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    let middle = rounds.len() / 2;
    match rounds.len() {
        0 => f64::NAN,
        odd if !odd.is_multiple_of(2) => rounds[middle],
        _ => (rounds[middle - 1] + rounds[middle]) / 2.0,
    }
}

/// The value below which so large a share of the rounds lies.
pub(crate) fn percentile(rounds: &[f64], share: f64) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// So many a second.
pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// A line of the table.
pub(crate) fn line(figure: &Figure) -> String {
    let beside = match (figure.baseline, figure.baseline_value, figure.ratio) {
        (Some(baseline), Some(value), Some(ratio)) => {
            format!("{ratio:5.2} of {} ({baseline})", amount(value))
        }
        _ => String::new(),
    };
    let target = match (figure.target, figure.met) {
        (Some(target), Some(true)) => format!("target {target} met"),
        (Some(target), _) => format!("target {target} MISSED"),
        _ => String::new(),
    };
    let value = format!("{} {}", amount(figure.value), figure.unit);
    format!("{:<30} {value:>18}  {target:<18} {beside}", figure.name)
        .trim_end()
        .to_owned()
}

fn amount(value: f64) -> String {
    if value.abs() < 1000.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
