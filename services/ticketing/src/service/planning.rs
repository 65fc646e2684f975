//! What a request would become: read, routed and timed. The preview tells it, and tickets are made from it.

use chrono::{DateTime, Utc};
use domain::brochures::order_faults;
use domain::ids::{DepartmentId, HotlineName};
use domain::procedure::{FaultCode, FieldFault, VIDEO};
use domain::routing::{RoutingDecision, RoutingRequest, RoutingTable};
use domain::rulebook::Rulebook;
use wire::v1::tickets as proto;

use super::TicketingParts;
use crate::requests::{ReadRequest, Wanted};
use crate::schedule::{self, Plan};

/// A request with its plan.
pub(super) struct Considered<'r> {
    /// As it was read.
    pub(super) read: ReadRequest<'r>,
    /// Where it goes, and when it is due; `None` without a procedure.
    pub(super) plan: Option<Plan>,
    /// Where it would go if nobody had chosen a department.
    pub(super) suggested: Option<RoutingDecision>,
    /// What cannot be kept of it; what cannot be read is in `read`.
    pub(super) unplanned: Vec<FieldFault>,
}

/// Reads a request, and plans it as far as it can be read.
pub(super) fn consider<'r>(
    parts: &TicketingParts,
    rules: &'r Rulebook,
    sent: proto::LogCallbackRequest,
    at: DateTime<Utc>,
) -> Considered<'r> {
    let read = ReadRequest::of(sent, &rules.register, &parts.identity_key);
    let (plan, suggested, mut unplanned) = match read.wanted() {
        Some(wanted) => {
            let suggested = decide(&wanted, &rules.routing, at);
            let decision = match (wanted.chosen, &read.agent) {
                (None, _) => suggested.clone(),
                (Some(chosen), agent) => suggested.clone().chosen(
                    chosen.department.clone(),
                    agent.as_deref().unwrap_or_default(),
                    chosen.reason.reveal(),
                ),
            };
            let (plan, faults) = schedule::plan(&wanted, decision, &rules.routing, parts.due_policy, at);
            let faults = unknown_department(&wanted, &rules.routing)
                .into_iter()
                .chain(without_video(&wanted, parts))
                .chain(faults);
            (Some(plan), Some(suggested), faults.collect())
        }
        None => (None, None, Vec::new()),
    };
    if let Some(procedure) = read.procedure {
        let brochures = rules.routing.offers().brochures();
        unplanned.extend(order_faults(procedure, brochures, &read.fields));
    }
    // One remedy a field: what cannot be read needs no other.
    unplanned.retain(|fault| !read.faults.iter().any(|known| known.field == fault.field));
    Considered {
        read,
        plan,
        suggested,
        unplanned,
    }
}

/// A department that was chosen must be there.
fn unknown_department(wanted: &Wanted<'_>, routing: &RoutingTable) -> Option<FieldFault> {
    let chosen = &wanted.chosen?.department;
    let remedy = "there is no department with this id; choose one of the rules";
    let is_known = chosen.as_str().is_empty() || routing.department(chosen).is_some();
    (!is_known).then(|| FieldFault::new("department", remedy))
}

/// Nobody can meet by video where there is no server for it.
fn without_video(wanted: &Wanted<'_>, parts: &TicketingParts) -> Option<FieldFault> {
    let remedy = "leave it out: this installation has no video server (`video.server` in the configuration)";
    let is_missing = parts.video.is_none() && wanted.procedure.wishes_video(wanted.fields);
    is_missing.then(|| FieldFault::of(VIDEO, FaultCode::OnlyWith, remedy))
}

impl Considered<'_> {
    /// Every faulty field.
    pub(super) fn faults(&self) -> Vec<FieldFault> {
        [&self.read.faults[..], &self.unplanned].concat()
    }
}

/// The department that the register names, else the one that routing finds.
fn decide(wanted: &Wanted<'_>, routing: &RoutingTable, at: DateTime<Utc>) -> RoutingDecision {
    let rules = wanted.procedure.ticket_rules();
    let fixed = rules.and_then(|rules| rules.department.clone());
    let is_known = |department: &DepartmentId| routing.department(department).is_some();
    if let Some(department) = fixed.filter(is_known) {
        return RoutingDecision {
            department,
            rule: None,
            because: wanted.procedure.because(),
            municipalities: Vec::new(),
            ambiguous: false,
        };
    }
    let postal_code = wanted.fields.get("postal_code");
    let asked = RoutingRequest {
        hotline: wanted.hotline.cloned().unwrap_or_else(|| HotlineName::new("")),
        category: wanted.category.map(str::to_owned),
        postal_code: postal_code.map(|code| code.reveal().to_owned()),
        concern: wanted.concern(),
        at,
    };
    routing.route(&asked, routing.calendar())
}
