//! What callers ask for, checked: every faulty field is named at once.

use chrono::{DateTime, Utc};
use domain::callback::{CallbackRequest, FieldFault, check_line};
use domain::ids::{
    CallId, DepartmentId, HotlineName, Identity, IdentityKey, SourceKey, SourceName, TicketId,
};
use domain::personal::Personal;
use domain::report::content_hash;
use domain::routing::RoutingRequest;
use domain::ticket::TicketState;
use store::tickets::{ListPosition, TicketFilter};
use tonic::Status;
use wire::v1::tickets as proto;

/// Tickets on a page unless asked otherwise.
const PAGE: usize = 100;
/// Tickets on a page at most.
const PAGE_MAX: usize = 500;

/// A callback request that can become a ticket.
pub(crate) struct LogRequest {
    pub(crate) idempotency_key: String,
    /// Tells a repetition from another request under the same key.
    pub(crate) content: [u8; 32],
    pub(crate) request: CallbackRequest,
    pub(crate) hotline: HotlineName,
    pub(crate) category: Option<String>,
    pub(crate) call: Option<Identity>,
    pub(crate) agent: Option<String>,
}

impl LogRequest {
    /// Checks a request.
    pub(crate) fn checked(sent: proto::LogCallbackRequest, key: &IdentityKey) -> Result<Self, Status> {
        let fields = wire::tickets::fields_from_wire(sent.fields.unwrap_or_default());
        let mut faults = Vec::new();
        let [idempotency_key, hotline, category, agent, call] = [
            &sent.idempotency_key,
            &sent.hotline,
            &sent.category,
            &sent.agent,
            &sent.call,
        ]
        .map(|text| text.trim().to_owned());
        for (field, text) in [
            ("idempotency_key", &idempotency_key),
            ("hotline", &hotline),
            ("category", &category),
            ("agent", &agent),
            ("call", &call),
        ] {
            check_line(field, text, 200, &mut faults);
        }
        if idempotency_key.is_empty() {
            faults.push(FieldFault::new(
                "idempotency_key",
                "choose one for each request, such as a random UUID, and repeat it when the request is repeated",
            ));
        }
        if hotline.is_empty() {
            faults.push(FieldFault::new(
                "hotline",
                "name the hotline that the citizen called",
            ));
        }
        let call_identity = call_identity(&call, key);
        if !call.is_empty() && call_identity.is_none() {
            faults.push(FieldFault::new(
                "call",
                "give SOURCE/CALL-ID, or the 32 hexadecimal digits of the call's identity, or leave it empty",
            ));
        }
        let content = content_hash(&(&fields, &hotline, &category, &call, &agent));
        match CallbackRequest::checked(fields) {
            Ok(request) if faults.is_empty() => Ok(Self {
                idempotency_key,
                content,
                request,
                hotline: HotlineName::new(hotline),
                category: given(category),
                call: call_identity,
                agent: given(agent),
            }),
            Ok(_) => Err(invalid(&faults)),
            Err(mut all) => {
                all.append(&mut faults);
                Err(invalid(&all))
            }
        }
    }
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn call_identity(call: &str, key: &IdentityKey) -> Option<Identity> {
    match call.split_once('/') {
        Some((source, call_id)) if !source.trim().is_empty() && !call_id.trim().is_empty() => {
            Some(key.identity(&SourceName::new(source), &SourceKey::Call(CallId::new(call_id))))
        }
        Some(_) => None,
        None => Identity::from_hex(call),
    }
}

/// What is to be routed, to see where it would go.
pub(crate) fn route_request(
    sent: proto::ExplainRouteRequest,
    now: DateTime<Utc>,
) -> Result<RoutingRequest, Status> {
    let mut faults = Vec::new();
    if sent.hotline.trim().is_empty() {
        faults.push(FieldFault::new(
            "hotline",
            "name the hotline that the citizen called",
        ));
    }
    let at = match sent.at_unix_ms {
        None => Some(now),
        Some(unix_ms) => DateTime::from_timestamp_millis(unix_ms),
    };
    match at {
        Some(at) if faults.is_empty() => Ok(RoutingRequest {
            hotline: HotlineName::new(sent.hotline),
            category: given(sent.category.trim().to_owned()),
            postal_code: given(sent.postal_code.trim().to_owned()),
            concern: Personal::new(sent.concern),
            at,
        }),
        Some(_) => Err(invalid(&faults)),
        None => {
            faults.push(FieldFault::new(
                "at_unix_ms",
                "give milliseconds since 1970, or leave it out",
            ));
            Err(invalid(&faults))
        }
    }
}

/// The filter that a caller asks for, one ticket beyond the page: its presence tells that there is a next one.
pub(crate) fn list_filter(sent: &proto::ListTicketsRequest) -> Result<TicketFilter, Status> {
    let mut faults = Vec::new();
    let mut states = Vec::new();
    for name in &sent.states {
        match TicketState::from_name(name) {
            Some(state) => states.push(state),
            None => {
                let known: Vec<&str> = TicketState::ALL.iter().map(|state| state.name()).collect();
                faults.push(FieldFault::new(
                    "states",
                    format!("choose from {}", known.join(", ")),
                ));
            }
        }
    }
    let after = match sent.page_token.as_str() {
        "" => None,
        token => {
            let position = read_token(token);
            if position.is_none() {
                faults.push(FieldFault::new(
                    "page_token",
                    "repeat the next_page_token of the page before",
                ));
            }
            position
        }
    };
    let page = match sent.page_size as usize {
        0 => PAGE,
        size => size.min(PAGE_MAX),
    };
    if !faults.is_empty() {
        return Err(invalid(&faults));
    }
    let department = sent.department.trim();
    Ok(TicketFilter {
        department: (!department.is_empty()).then(|| DepartmentId::new(department)),
        states,
        after,
        most: page + 1,
    })
}

/// A place in the list, for the client to hand back.
pub(crate) fn write_token(position: &ListPosition) -> String {
    format!("{}.{}", position.created_at.timestamp_millis(), position.id)
}

fn read_token(token: &str) -> Option<ListPosition> {
    let (created_at_ms, id) = token.split_once('.')?;
    Some(ListPosition {
        created_at: DateTime::<Utc>::from_timestamp_millis(created_at_ms.parse().ok()?)?,
        id: TicketId::new(id),
    })
}

/// All faulty fields with their remedies as text, their names also in the metadata `fields`.
fn invalid(faults: &[FieldFault]) -> Status {
    crate::metrics::refused();
    let remedies: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.remedy))
        .collect();
    let mut names: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    names.dedup();
    let mut status = Status::invalid_argument(remedies.join("; "));
    if let Ok(names) = names.join(",").parse() {
        status.metadata_mut().insert("fields", names);
    }
    status
}
