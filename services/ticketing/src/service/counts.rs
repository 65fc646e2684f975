//! How many tickets are to be looked after: counted up to a limit, so that a page costs the same however many there are.

use chrono::{DateTime, Utc};
use domain::access::TicketView;
use domain::ids::DepartmentId;
use domain::ticket::{Alarm, TicketState};
use store::tickets::{ListPosition, TicketFilter};
use tonic::{Request, Status};
use wire::v1::tickets as proto;

use super::{TicketingParts, refused};

/// Up to how many tickets are counted.
const COUNTED_UP_TO: usize = 500;

pub(super) async fn count(
    parts: &TicketingParts,
    request: Request<proto::CountTicketsRequest>,
) -> Result<proto::CountTicketsResponse, Status> {
    let view = wire::access::principal(&request)?.ticket_view();
    let asked = request.get_ref().department.trim();
    let asked = (!asked.is_empty()).then(|| DepartmentId::new(asked));
    let department = match (view, asked) {
        (TicketView::Nothing, _) => return Err(Status::permission_denied("no tickets are for this role")),
        (
            TicketView::Of {
                department: own,
                others_masked: false,
            },
            asked,
        ) => {
            if asked.is_some_and(|asked| asked != own) {
                return Err(Status::not_found(
                    "department: there is no department with this id",
                ));
            }
            Some(own)
        }
        (_, asked) => asked,
    };
    let rules = (parts.rules)();
    let now = (parts.clock)();
    let owed = TicketFilter {
        department: department.clone(),
        due_before: Some(DateTime::<Utc>::MAX_UTC),
        most: COUNTED_UP_TO + 1,
        ..TicketFilter::default()
    };
    let from_now = ListPosition {
        at: now,
        id: domain::ids::TicketId::new(""),
    };
    let clearing = &rules.routing.clearing().id;
    let soon = rules.routing.escalation().reached_before(Alarm::DueSoon, now);
    let count = |filter: TicketFilter| async move {
        let listed = parts
            .store
            .listed(filter)
            .await
            .map_err(|error| refused(&error))?;
        Ok::<_, Status>(listed.len() as u32)
    };
    Ok(proto::CountTicketsResponse {
        owed: count(owed.clone()).await?,
        waiting: count(TicketFilter {
            states: vec![TicketState::Open, TicketState::HandedOver],
            // These states are owed an answer anyway; without the due time an index counts them.
            due_before: None,
            ..owed.clone()
        })
        .await?,
        due_soon: count(TicketFilter {
            due_before: Some(soon),
            after: Some(from_now),
            ..owed.clone()
        })
        .await?,
        overdue: count(TicketFilter {
            due_before: Some(now),
            ..owed.clone()
        })
        .await?,
        escalated: count(TicketFilter {
            escalated: true,
            due_before: Some(now),
            ..owed.clone()
        })
        .await?,
        returned: count(TicketFilter {
            returned: true,
            ..owed.clone()
        })
        .await?,
        clearing: match department {
            Some(_) => None,
            None => Some(
                count(TicketFilter {
                    department: Some(clearing.clone()),
                    ..owed
                })
                .await?,
            ),
        },
        counted_up_to: COUNTED_UP_TO as u32,
        clearing_department: clearing.to_string(),
    })
}
