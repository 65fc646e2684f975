//! What has moved since a report, and figures that were sealed.

use std::collections::BTreeMap;

use chrono::SubsecRound;
use domain::counts::{Counts, Figure, Interval};
use domain::ids::HotlineName;
use domain::local_time;
use domain::policy::ServiceLevelPolicy;
use domain::record::TaskType;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::calls::{CallStore, DayRange};
use store::changes::ChangeQuery;
use store::history::{FiguresVersion, PeriodTally};
use store::statements::{Seal, StatementHead};
use tonic::Status;
use wire::v1::reporting as proto;

use crate::figures::Asking;
use crate::scope::{Grouping, Policy, Scope, day, invalid};
use crate::service::status;
use crate::sum::{Sum, shown};

/// Changes that are read at a time.
const PAGE: usize = 2_000;
/// Intervals with changes that are told at most.
const CHANGES_MAX: usize = 200_000;
const TEXT_CHARACTERS_MAX: usize = 500;

/// What has moved since a report, added up by interval, hotline and task type.
pub(crate) async fn changes(
    store: &dyn CallStore,
    request: proto::ChangesRequest,
) -> Result<proto::ChangesResponse, Status> {
    let days = match (request.from.as_str(), request.to.as_str()) {
        ("", "") => None,
        (from, to) => Some(day_range(from, to)?),
    };
    let since = FiguresVersion::new(request.since);
    let until = store.figures_version().await.map_err(|error| status(&error))?;
    let hotlines: Vec<HotlineName> = request.hotlines.iter().map(HotlineName::new).collect();
    let mut moved: BTreeMap<(Interval, HotlineName, TaskType), (i64, Counts)> = BTreeMap::new();
    let mut query = ChangeQuery {
        days,
        until: Some(until.clone()),
        ..ChangeQuery::all(PAGE)
    };
    loop {
        let page = store.changes_since(&since, query.clone()).await;
        let page = page.map_err(|error| status(&error))?;
        let is_last = page.len() < PAGE;
        query.after = page.last().map(|change| change.place);
        for change in page {
            if !hotlines.is_empty() && !hotlines.contains(&change.hotline) {
                continue;
            }
            let key = (change.interval, change.hotline, change.task_type);
            let (at_ms, counts) = moved.entry(key).or_default();
            *at_ms = (*at_ms).max(change.changed_at.timestamp_millis());
            counts.add_all(&change.difference.counts, 1);
        }
        if moved.len() > CHANGES_MAX {
            return Err(invalid(
                "from, to: too much has changed to be told at once; name fewer days",
            ));
        }
        if is_last {
            break;
        }
    }
    let changes = moved.into_iter().filter(|(_, (_, counts))| !counts.is_zero());
    let changes = changes.map(
        |((interval, hotline, task_type), (at_ms, counts))| proto::FigureChange {
            start_unix_s: interval.start().timestamp(),
            hotline: hotline.to_string(),
            task_type: task_type.name().to_owned(),
            last_changed_at_unix_ms: at_ms,
            difference: Figure::ALL
                .iter()
                .map(|figure| (figure.name().to_owned(), counts.get(*figure)))
                .filter(|(_, count)| *count != 0)
                .collect(),
        },
    );
    Ok(proto::ChangesResponse {
        as_of: until.to_string(),
        changes: changes.collect(),
    })
}

fn day_range(from: &str, to: &str) -> Result<DayRange, Status> {
    let (from, to) = (day("from", from)?, day("to", to)?);
    match to > from {
        true => Ok(DayRange { from, to }),
        false => Err(invalid("to: give a day after `from`; it is exclusive")),
    }
}

/// The policies of a statement, as they are kept with it.
#[derive(Serialize, Deserialize)]
struct KeptPolicies {
    policy: ServiceLevelPolicy,
    thresholds: BTreeMap<HotlineName, i64>,
}

/// Whether days can be sealed, by whom and why; gives the days.
pub(crate) fn check(asking: &Asking, request: &proto::SealRequest) -> Result<DayRange, Status> {
    let days = day_range(&request.from, &request.to)?;
    if days.to > local_time::day_of(asking.now) {
        return Err(invalid("to: only days that are over can be sealed"));
    }
    for (field, text) in [("by", &request.by), ("reason", &request.reason)] {
        let is_line = !text.trim().is_empty() && !text.chars().any(char::is_control);
        if !is_line || text.chars().count() > TEXT_CHARACTERS_MAX {
            return Err(invalid(format!(
                "{field}: give one line of 1 to {TEXT_CHARACTERS_MAX} characters"
            )));
        }
    }
    Ok(days)
}

/// Seals figures of days that are over.
pub(crate) async fn seal(
    asking: &Asking,
    store: &dyn CallStore,
    request: proto::SealRequest,
) -> Result<proto::Statement, Status> {
    let days = check(asking, &request)?;
    let Policy { policy, thresholds } = asking.policy("")?;
    let policies = serde_json::to_string(&KeptPolicies { policy, thresholds });
    let sealed = store.seal(Seal {
        days,
        sealed_at: asking.now.trunc_subsecs(3),
        sealed_by: request.by,
        reason: request.reason,
        rules_version: Some(i64::from(asking.book.version.0)),
        policies: policies.map_err(|error| Status::internal(error.to_string()))?,
    });
    match sealed.await {
        Ok(head) => Ok(statement_head(&head)),
        Err(StoreError::Conflict(_)) => Err(Status::already_exists(
            "from, to: some of these days are sealed already, and stay as they are; `report statements` names them",
        )),
        Err(error) => Err(status(&error)),
    }
}

/// What was sealed.
pub(crate) async fn list(store: &dyn CallStore) -> Result<proto::StatementsResponse, Status> {
    let heads = store.statements().await.map_err(|error| status(&error))?;
    Ok(proto::StatementsResponse {
        statements: heads.iter().map(statement_head).collect(),
    })
}

/// Sealed figures, and beside them what the days are now.
pub(crate) async fn show(
    asking: &Asking,
    store: &dyn CallStore,
    request: proto::StatementRequest,
) -> Result<proto::StatementResponse, Status> {
    let statement = store
        .statement(request.id)
        .await
        .map_err(|error| status(&error))?;
    let statement = statement
        .ok_or_else(|| Status::not_found("id: there is no such statement; `report statements` names them"))?;
    let seal = &statement.head.seal;
    let by = match request.by_hotline {
        true => proto::Grouping::Hotline,
        false => proto::Grouping::Unspecified,
    };
    let scope = asking
        .scope(Some(proto::Scope {
            from: seal.days.from.to_string(),
            to: seal.days.to.to_string(),
            by: by.into(),
            task_types: request.task_types,
            within_seconds: request.within_seconds,
            ..proto::Scope::default()
        }))
        .await?;
    let kept: KeptPolicies = serde_json::from_str(&seal.policies)
        .map_err(|_| Status::internal("the policies of the statement cannot be read"))?;
    let scope = Scope {
        policy: Policy {
            policy: kept.policy,
            thresholds: kept.thresholds,
        },
        ..scope
    };
    let (total, groups) = sums(&statement.rows, &scope);
    let now = asking.busy_figures(&scope, &[scope.span()]).await?;
    let told = |name: &str, sum: &Sum| shown(name, sum, &scope.policy.policy, &scope.within);
    Ok(proto::StatementResponse {
        statement: Some(statement_head(&statement.head)),
        policy: Some(scope.policy.shown()),
        total: Some(told("", &total)),
        groups: groups.iter().map(|(name, sum)| told(name, sum)).collect(),
        total_now: Some(told("", &now.total.whole())),
        groups_now: now
            .groups
            .iter()
            .map(|(name, row)| told(name, &row.whole()))
            .collect(),
    })
}

fn sums(rows: &[PeriodTally], scope: &Scope) -> (Sum, BTreeMap<String, Sum>) {
    let mut total = Sum::default();
    let mut groups: BTreeMap<String, Sum> = BTreeMap::new();
    for row in rows {
        let mut sum = Sum::default();
        crate::counted::add(&mut sum, row, scope);
        total.merge(&sum);
        if let Some(hotline) = row.hotline.as_ref().filter(|_| scope.by == Grouping::Hotline) {
            groups.entry(hotline.to_string()).or_default().merge(&sum);
        }
    }
    (total, groups)
}

fn statement_head(head: &StatementHead) -> proto::Statement {
    let seal = &head.seal;
    proto::Statement {
        id: head.id,
        from: seal.days.from.to_string(),
        to: seal.days.to.to_string(),
        sealed_at_unix_ms: seal.sealed_at.timestamp_millis(),
        by: seal.sealed_by.clone(),
        reason: seal.reason.clone(),
        rules_version: seal
            .rules_version
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or(0),
        as_of: head.as_of.to_string(),
    }
}
