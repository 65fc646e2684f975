//! Times of a request: the wished window, the slots to book, and when the answer is due.

use chrono::{DateTime, SubsecRound, Utc};
use domain::booking::{Bookable, read_slots};
use domain::local_time;
use domain::procedure::{FieldFault, SERVICE, SLOTS};
use domain::routing::{RoutingDecision, RoutingTable};
use domain::service_time::DuePolicy;
use domain::ticket::{Booking, EscalationPolicy, Schedule, Window};
use wire::v1::tickets as proto;

use crate::requests::LogRequest;

/// Fields of a wish.
const WISHED_FROM: &str = "wished_from";
const WISHED_UNTIL: &str = "wished_until";

/// Where a request goes, and its times.
pub(crate) struct Plan {
    pub(crate) decision: RoutingDecision,
    pub(crate) schedule: Schedule,
    pub(crate) due_at: DateTime<Utc>,
    /// Seats of each slot, if any are booked.
    pub(crate) capacity: Option<u16>,
}

/// Reads a wished window; whether it can be kept depends on the time.
pub(crate) fn wished(from: &str, until: &str, faults: &mut Vec<FieldFault>) -> Option<Window> {
    let mut read = |field: &str, text: &str, other: &str| match (text.trim(), other.trim()) {
        ("", "") => None,
        ("", _) => {
            faults.push(FieldFault::new(field, "give it too: a window has two ends"));
            None
        }
        (text, _) => local_time::read(text)
            .map_err(|fault| faults.push(FieldFault::new(field, fault.to_string())))
            .ok(),
    };
    let (from, until) = (read(WISHED_FROM, from, until), read(WISHED_UNTIL, until, from));
    Some(Window {
        from: from?,
        until: until?,
    })
}

/// Plans a request that routing has decided on. An appointment goes to the only department that offers the service, if
/// there is one.
///
/// # Errors
/// Every faulty field.
pub(crate) fn plan(
    request: &LogRequest,
    decision: RoutingDecision,
    routing: &RoutingTable,
    policy: DuePolicy,
    at: DateTime<Utc>,
) -> Result<Plan, Vec<FieldFault>> {
    let mut faults = Vec::new();
    let mut plan = Plan {
        decision,
        schedule: Schedule::default(),
        due_at: at,
        capacity: None,
    };
    if request.procedure.books_slots() && !routing.bookings().is_empty() {
        match book(request, &mut plan, routing, at) {
            Ok(()) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if let Some(wished) = request.wished {
        match wished.checked(routing.calendar(), at) {
            _ if request.procedure.books_slots() => {
                let remedy = "leave it out: an appointment has its slots";
                faults.push(FieldFault::new(WISHED_FROM, remedy));
            }
            Ok(wished) => plan.schedule.wished = Some(wished),
            Err(fault) => faults.push(FieldFault::new(WISHED_UNTIL, fault.to_string())),
        }
    }
    plan.due_at = plan
        .schedule
        .due(routing.calendar().due(at, policy))
        .trunc_subsecs(3);
    match faults.is_empty() {
        true => Ok(plan),
        false => Err(faults),
    }
}

fn book(
    request: &LogRequest,
    plan: &mut Plan,
    routing: &RoutingTable,
    at: DateTime<Utc>,
) -> Result<(), FieldFault> {
    let fields = request.request.fields();
    let service = fields.text(SERVICE);
    let bookable = offered(service, &mut plan.decision, routing)?;
    let slots = read_slots(fields.text(SLOTS)).and_then(|slots| bookable.appointment(slots, at));
    let slots = slots.map_err(|fault| FieldFault::new(SLOTS, fault.to_string()))?;
    plan.capacity = Some(bookable.capacity);
    plan.schedule.booking = Some(Booking {
        department: bookable.department.clone(),
        service: bookable.service.clone(),
        slots,
    });
    Ok(())
}

/// The slots of a service: of the department that was decided on, else of the only one that offers it.
fn offered<'r>(
    service: &str,
    decision: &mut RoutingDecision,
    routing: &'r RoutingTable,
) -> Result<&'r Bookable, FieldFault> {
    if let Some(bookable) = routing.bookable(&decision.department, service) {
        return Ok(bookable);
    }
    let mut offers = routing.bookings().iter().filter(|it| it.is_service(service));
    match (offers.next(), offers.next()) {
        (Some(only), None) => {
            decision.department = only.department.clone();
            decision.rule = None;
            decision.because = format!(
                "Termine für „{}“ bietet nur {} an.",
                only.service, only.department
            );
            Ok(only)
        }
        (Some(_), Some(_)) => {
            let remedy = format!(
                "several departments offer it, but not {}, where this request goes: give hotline, category or postal \
                 code of one of them",
                decision.department
            );
            Err(FieldFault::new(SERVICE, remedy))
        }
        (None, _) => {
            let mut services: Vec<&str> = routing.bookings().iter().map(|it| it.service.as_str()).collect();
            services.sort_unstable();
            services.dedup();
            let remedy = format!(
                "no department offers slots for it; choose from {}",
                services.join(", ")
            );
            Err(FieldFault::new(SERVICE, remedy))
        }
    }
}

/// The due times of the urgent tickets that a caller asks for; `None` if it does not.
pub(crate) fn urgent(
    sent: &proto::ListTicketsRequest,
    policy: &EscalationPolicy,
    now: DateTime<Utc>,
    faults: &mut Vec<FieldFault>,
) -> Option<Window> {
    let (from, alarm) = match sent.urgency() {
        proto::Urgency::Unspecified => return None,
        proto::Urgency::DueSoon => (now, domain::ticket::Alarm::DueSoon),
        proto::Urgency::Overdue | proto::Urgency::Escalated => {
            (DateTime::UNIX_EPOCH, domain::ticket::Alarm::Overdue)
        }
    };
    if sent.due_before_unix_ms.is_some() {
        faults.push(FieldFault::new("due_before_unix_ms", "leave it out with urgency"));
    }
    Some(Window {
        from,
        until: policy.reached_before(alarm, now),
    })
}
