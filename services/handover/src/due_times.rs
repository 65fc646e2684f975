//! The look at due times: warns before, escalates after.
//!
//! One instance at a time looks, under a lease; if two do, the store writes what the first of them decided. What was
//! raised is kept with its ticket, so a restart or a clock that jumps neither repeats nor loses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use domain::ids::DepartmentId;
use domain::routing::RoutingTable;
use domain::ticket::{Alarm, Ticket, raise_alarms};
use store::StoreError;

use crate::error::HandoverError;
use crate::metrics;
use crate::supervisor::HandoverParts;

/// Raises what tickets have reached. Returns whether more may be waiting.
pub(crate) async fn step(parts: &Arc<HandoverParts>) -> Result<bool, HandoverError> {
    let routing = Arc::clone(&(parts.rules)().routing);
    let now = (parts.clock)().trunc_subsecs(3);
    let most = parts.settings.batch;
    let (mut raised, mut more) = (0, false);
    for next in Alarm::ALL.iter().copied() {
        let due_by = routing.escalation().reached_before(next, now);
        let tickets = parts.store.alarming(next, due_by, most).await?;
        more |= tickets.len() == most;
        for ticket in &tickets {
            raised += usize::from(raise(parts, &routing, ticket, now).await?);
        }
    }
    count(&routing, parts.store.overdue(now).await?);
    // What could not be raised now would be found again at once.
    Ok(more && raised > 0)
}

async fn raise(
    parts: &HandoverParts,
    routing: &RoutingTable,
    ticket: &Ticket,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(transition) = raise_alarms(ticket, routing, now) else {
        return Ok(false);
    };
    let alarm = transition.ticket.alarm();
    let concerned: Vec<DepartmentId> = transition.departments().cloned().collect();
    match parts.store.record(transition).await {
        Ok(()) => {
            concerned
                .iter()
                .for_each(|department| parts.wake.raise(department));
            let department = &ticket.department;
            if let Some(alarm) = alarm {
                tracing::info!(ticket = %ticket.id, %department, alarm = alarm.name(), "due time");
                metrics::alarm(department, alarm);
            }
            Ok(true)
        }
        // It was changed meanwhile; the next look decides anew.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn count(routing: &RoutingTable, mut overdue: BTreeMap<DepartmentId, u32>) {
    for department in routing.departments() {
        overdue.entry(department.id.clone()).or_insert(0);
    }
    for (department, tickets) in overdue {
        metrics::overdue(&department, tickets);
    }
}

/// Another instance looks from now on: what this one counted last holds no longer.
pub(crate) fn end(parts: &HandoverParts) {
    count(&(parts.rules)().routing, BTreeMap::new());
}
