//! Times of a request: the wished window, the slots to book, and when the answer is due.

use chrono::{DateTime, SubsecRound, Utc};
use domain::booking::{Bookable, SlotFault, read_slots};
use domain::local_time::{self, LocalTimeFault};
use domain::procedure::{FaultCode, FieldFault, SERVICE, SLOTS};
use domain::routing::{RoutingDecision, RoutingTable};
use domain::service_time::DuePolicy;
use domain::ticket::{Booking, EscalationPolicy, Schedule, Window, WishFault};
use wire::v1::tickets as proto;

use crate::requests::Wanted;

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
            let remedy = "give it too: a window has two ends";
            faults.push(FieldFault::of(field, FaultCode::WindowHalf, remedy));
            None
        }
        (text, _) => local_time::read(text)
            .map_err(|fault| faults.push(FieldFault::of(field, time_code(fault), fault.to_string())))
            .ok(),
    };
    let (from, until) = (read(WISHED_FROM, from, until), read(WISHED_UNTIL, until, from));
    Some(Window {
        from: from?,
        until: until?,
    })
}

/// Plans a request that routing has decided on. An appointment goes to the only department that offers the service, if
/// there is one. Gives every faulty field beside it: with any, the plan is what can be told already.
pub(crate) fn plan(
    request: &Wanted<'_>,
    decision: RoutingDecision,
    routing: &RoutingTable,
    policy: DuePolicy,
    at: DateTime<Utc>,
) -> (Plan, Vec<FieldFault>) {
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
    if let Some(chosen) = request.chosen
        && plan.decision.department != chosen.department
    {
        let remedy = format!(
            "it offers no slots for this service; {} does",
            plan.decision.department
        );
        faults.push(FieldFault::new("department", remedy));
    }
    if let Some(wished) = request.wished {
        match wished.checked(routing.calendar(), at) {
            _ if request.procedure.books_slots() => {
                let remedy = "leave it out: an appointment has its slots";
                faults.push(FieldFault::of(WISHED_FROM, FaultCode::WindowUnwanted, remedy));
            }
            Ok(wished) => plan.schedule.wished = Some(wished),
            Err(fault) => faults.push(FieldFault::of(WISHED_UNTIL, wish_code(fault), fault.to_string())),
        }
    }
    plan.due_at = plan
        .schedule
        .due(routing.calendar().due(at, policy))
        .trunc_subsecs(3);
    (plan, faults)
}

/// The fault of a time that cannot be read.
fn time_code(fault: LocalTimeFault) -> FaultCode {
    match fault {
        LocalTimeFault::Form => FaultCode::NoLocalTime,
        LocalTimeFault::Skipped => FaultCode::SkippedHour,
    }
}

fn wish_code(fault: WishFault) -> FaultCode {
    match fault {
        WishFault::Empty => FaultCode::WindowEmpty,
        WishFault::Past => FaultCode::WindowPast,
        WishFault::TooFar => FaultCode::WindowTooFar,
        WishFault::Closed => FaultCode::WindowClosed,
    }
}

/// A fault of slots, in the field that names them.
pub(crate) fn slot_fault(fault: &SlotFault) -> FieldFault {
    let code = match fault {
        SlotFault::Unreadable(fault) => time_code(*fault),
        SlotFault::None => FaultCode::Required,
        SlotFault::NoSlot(_) => FaultCode::NoSlot,
        SlotFault::TooSoon { .. } => FaultCode::SlotTooSoon,
        SlotFault::TooFar { .. } => FaultCode::SlotTooFar,
        SlotFault::NotConsecutive => FaultCode::SlotsApart,
        SlotFault::TooMany(_) => FaultCode::TooManySlots,
    };
    FieldFault::of(SLOTS, code, fault.to_string())
}

fn book(
    request: &Wanted<'_>,
    plan: &mut Plan,
    routing: &RoutingTable,
    at: DateTime<Utc>,
) -> Result<(), FieldFault> {
    let fields = request.fields;
    let service = fields.text(SERVICE);
    let bookable = offered(service, &mut plan.decision, routing)?;
    let slots = read_slots(fields.text(SLOTS)).and_then(|slots| bookable.appointment(slots, at));
    let slots = slots.map_err(|fault| slot_fault(&fault))?;
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
            Err(FieldFault::of(SERVICE, FaultCode::ServiceElsewhere, remedy))
        }
        (None, _) => {
            let mut services: Vec<&str> = routing.bookings().iter().map(|it| it.service.as_str()).collect();
            services.sort_unstable();
            services.dedup();
            let remedy = format!(
                "no department offers slots for it; choose from {}",
                services.join(", ")
            );
            Err(FieldFault::of(SERVICE, FaultCode::NoService, remedy))
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
