//! What callers ask for, checked: every faulty field is named at once.

use chrono::{DateTime, Utc};
use domain::callback::{CallbackRequest, FieldFault, check_line};
use domain::ids::{
    AgentName, CallId, DepartmentId, HotlineName, Identity, IdentityKey, SourceKey, SourceName, TicketId,
};
use domain::personal::Personal;
use domain::report::content_hash;
use domain::routing::RoutingRequest;
use domain::ticket::{Actor, TicketState};
use store::tickets::{Citizen, CitizenSearch, ListPosition, TicketFilter};
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
        let content = match sent.add_to.trim() {
            "" => content_hash(&(&fields, &hotline, &category, &call, &agent)),
            add_to => content_hash(&(&fields, &hotline, &category, &call, &agent, add_to)),
        };
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

impl LogRequest {
    /// Who logs it.
    pub(crate) fn actor(&self) -> Actor {
        match &self.agent {
            Some(agent) => Actor::Agent(AgentName::new(agent)),
            None => Actor::System,
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
    let after = after(&sent.page_token, &mut faults);
    let due_before = sent.due_before_unix_ms.and_then(|unix_ms| {
        let time = DateTime::from_timestamp_millis(unix_ms);
        if time.is_none() {
            faults.push(FieldFault::new(
                "due_before_unix_ms",
                "give milliseconds since 1970, or leave it out",
            ));
        }
        time
    });
    if !faults.is_empty() {
        return Err(invalid(&faults));
    }
    let department = sent.department.trim();
    Ok(TicketFilter {
        department: (!department.is_empty()).then(|| DepartmentId::new(department)),
        states,
        due_before,
        after,
        most: page_size(sent.page_size) + 1,
    })
}

/// Whose open tickets a caller asks for, one ticket beyond the page.
pub(crate) fn citizen_search(sent: &proto::FindTicketsRequest) -> Result<CitizenSearch, Status> {
    let mut faults = Vec::new();
    let after = after(&sent.page_token, &mut faults);
    let [phone, name, postal_code] = [&sent.phone, &sent.name, &sent.postal_code].map(|text| text.trim());
    let citizen = match (phone, name) {
        ("", "") => {
            faults.push(FieldFault::new(
                "phone",
                "give the citizen's number, or a family name in `name`",
            ));
            Citizen::Phone(Vec::new())
        }
        (phone, "") => Citizen::by_phone(phone),
        ("", name) => Citizen::by_name(name, Some(postal_code).filter(|code| !code.is_empty())),
        _ => {
            faults.push(FieldFault::new("name", "give a number or a name, not both"));
            Citizen::Phone(Vec::new())
        }
    };
    if !faults.is_empty() {
        return Err(invalid(&faults));
    }
    Ok(CitizenSearch {
        citizen,
        after,
        most: page_size(sent.page_size) + 1,
    })
}

fn page_size(wanted: u32) -> usize {
    match wanted as usize {
        0 => PAGE,
        size => size.min(PAGE_MAX),
    }
}

fn after(token: &str, faults: &mut Vec<FieldFault>) -> Option<ListPosition> {
    if token.is_empty() {
        return None;
    }
    let position = read_token(token);
    if position.is_none() {
        faults.push(FieldFault::new(
            "page_token",
            "repeat the next_page_token of the page before",
        ));
    }
    position
}

/// A place in the list, for the client to hand back.
pub(crate) fn write_token(position: &ListPosition) -> String {
    format!("{}.{}", position.at.timestamp_millis(), position.id)
}

fn read_token(token: &str) -> Option<ListPosition> {
    let (at_ms, id) = token.split_once('.')?;
    Some(ListPosition {
        at: DateTime::<Utc>::from_timestamp_millis(at_ms.parse().ok()?)?,
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
