//! What a report is about, checked.

use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::figures::{FiguresRules, ServiceLevelTarget};
use domain::ids::HotlineName;
use domain::local_time;
use domain::policy::ServiceLevelPolicy;
use domain::record::TaskType;
use domain::span::Span;
use std::collections::BTreeMap;
use tonic::Status;
use wire::v1::reporting as proto;

use crate::sum::lies_on_an_edge;

/// Hotlines that a report names at most.
const HOTLINES_MAX: usize = 1000;

/// What a report is about.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) from: NaiveDate,
    /// The day after the last.
    pub(crate) to: NaiveDate,
    pub(crate) zone: Tz,
    pub(crate) by: Grouping,
    /// Only these; none: all.
    pub(crate) hotlines: Vec<HotlineName>,
    pub(crate) task_types: Vec<TaskType>,
    pub(crate) policy: Policy,
    pub(crate) within: Vec<u32>,
}

/// Groups beside the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    None,
    Hotline,
    Group,
}

/// A service level policy, with the thresholds of hotlines that have one of their own.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) policy: ServiceLevelPolicy,
    pub(crate) thresholds: BTreeMap<HotlineName, i64>,
}

impl Policy {
    /// The policy for a hotline; for none, that of hotlines without a threshold of their own.
    pub(crate) fn of(&self, hotline: Option<&HotlineName>) -> ServiceLevelPolicy {
        let own = hotline.and_then(|hotline| self.thresholds.get(hotline));
        own.map_or_else(|| self.policy.clone(), |threshold| self.policy.within(*threshold))
    }

    /// Every threshold, in seconds.
    pub(crate) fn all_thresholds(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.thresholds.values().copied().collect();
        all.push(self.policy.threshold_seconds);
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn shown(&self) -> proto::Policy {
        let seconds = |seconds: i64| u32::try_from(seconds).unwrap_or(0);
        let policy = &self.policy;
        proto::Policy {
            name: policy.name.clone(),
            version: policy.version,
            formula: policy.variant.formula().to_owned(),
            threshold_seconds: seconds(policy.threshold_seconds),
            short_abandon_seconds: seconds(policy.short_abandon_seconds),
            hotline_threshold_seconds: self
                .thresholds
                .iter()
                .map(|(hotline, threshold)| (hotline.to_string(), seconds(*threshold)))
                .collect(),
        }
    }
}

impl Scope {
    /// Checks what was sent. `base` has the thresholds of the configuration.
    pub(crate) fn read(
        sent: &proto::Scope,
        rules: &FiguresRules,
        base: &ServiceLevelPolicy,
    ) -> Result<Self, Status> {
        let (from, to) = (day("from", &sent.from)?, day("to", &sent.to)?);
        if to <= from {
            return Err(invalid("to: give a day after `from`; it is exclusive"));
        }
        if sent.hotlines.len() > HOTLINES_MAX {
            return Err(invalid(format!("hotlines: name {HOTLINES_MAX} at most")));
        }
        if sent.hotlines.iter().any(String::is_empty) {
            return Err(invalid("hotlines: give a name, or none at all"));
        }
        let mut hotlines: Vec<HotlineName> = sent.hotlines.iter().map(HotlineName::new).collect();
        hotlines.sort_unstable();
        hotlines.dedup();
        Ok(Self {
            from,
            to,
            zone: zone(&sent.zone)?,
            by: match sent.by() {
                proto::Grouping::Unspecified => Grouping::None,
                proto::Grouping::Hotline => Grouping::Hotline,
                proto::Grouping::Group => Grouping::Group,
            },
            hotlines,
            task_types: task_types(&sent.task_types)?,
            policy: policy(&sent.policy, rules, base)?,
            within: thresholds(sent.within_seconds.clone())?,
        })
    }

    /// The whole range.
    pub(crate) fn span(&self) -> Span {
        Span::of_days(self.from, self.to, self.zone)
    }

    /// The zone by its name.
    pub(crate) fn zone_name(&self) -> String {
        self.zone.name().to_owned()
    }
}

/// The policy of a name, the default one for none.
pub(crate) fn policy(name: &str, rules: &FiguresRules, base: &ServiceLevelPolicy) -> Result<Policy, Status> {
    let name = Some(name).filter(|name| !name.is_empty());
    let policy = rules.policy(name, base).map_err(|names| {
        invalid(format!(
            "policy: there is none of this name; use {}",
            names.join(", ")
        ))
    })?;
    Ok(Policy {
        policy,
        thresholds: rules.thresholds().clone(),
    })
}

/// The policy of a target: its own threshold takes the place of all others. `usual` is taken where it names none.
pub(crate) fn promised(
    level: Option<&ServiceLevelTarget>,
    usual: Policy,
    rules: &FiguresRules,
    base: &ServiceLevelPolicy,
) -> Policy {
    let Some(level) = level else {
        return usual;
    };
    // Checked when the rules were read.
    let named = |name: &String| policy(name, rules, base).ok();
    let mut promised = level.policy.as_ref().and_then(named).unwrap_or(usual);
    if let Some(seconds) = level.within_seconds {
        promised.policy = promised.policy.within(seconds);
        promised.thresholds.clear();
    }
    promised
}

/// The zone of a name, that of the hotline for none.
pub(crate) fn zone(name: &str) -> Result<Tz, Status> {
    if name.is_empty() {
        return Ok(local_time::ZONE);
    }
    name.parse()
        .map_err(|_| invalid("zone: not a zone that is known; use a name such as Europe/Berlin or UTC"))
}

/// Thresholds that have an exact answer.
pub(crate) fn thresholds(seconds: Vec<u32>) -> Result<Vec<u32>, Status> {
    match seconds.iter().find(|seconds| !lies_on_an_edge(**seconds)) {
        None => Ok(seconds),
        Some(seconds) => Err(invalid(format!(
            "within: {seconds} s has no exact answer; use 0 to 120, or 135, 150, 180, 240, 300, 420, 600, 900, 1800, 3600"
        ))),
    }
}

/// Task types by name; calls that come in unless some are given.
pub(crate) fn task_types(names: &[String]) -> Result<Vec<TaskType>, Status> {
    if names.is_empty() {
        return Ok(vec![TaskType::InboundCall]);
    }
    let known = |name: &String| {
        TaskType::from_name(name).ok_or_else(|| {
            let all: Vec<&str> = TaskType::ALL.iter().map(|task_type| task_type.name()).collect();
            invalid(format!("task_types: use {}", all.join(", ")))
        })
    };
    names.iter().map(known).collect()
}

/// A local day of a request.
pub(crate) fn day(field: &str, text: &str) -> Result<NaiveDate, Status> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    day.filter(|day| (1990..=2200).contains(&chrono::Datelike::year(day)))
        .ok_or_else(|| invalid(format!("{field}: give a day from 1990 to 2200 as YYYY-MM-DD")))
}

pub(crate) fn invalid(message: impl Into<String>) -> Status {
    Status::invalid_argument(message)
}
