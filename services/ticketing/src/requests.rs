//! What callers ask for, checked: every faulty field is named at once.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::access::Principal;
use domain::ids::{
    AgentName, CallId, DepartmentId, HotlineName, Identity, IdentityKey, SourceKey, SourceName, TicketId,
};
use domain::personal::Personal;
use domain::procedure::{
    CALLBACK, CheckedRequest, Circumstances, FaultCode, FieldFault, Fields, Procedure, ProcedureId, Register,
    check_line,
};
use domain::report::content_hash;
use domain::routing::RoutingRequest;
use domain::ticket::{Actor, EscalationPolicy, TicketState, Window};
use store::tickets::{Citizen, CitizenSearch, ListPosition, TicketFilter};
use tonic::{Code, Status};
use wire::v1::tickets as proto;

use crate::VideoServer;
use crate::schedule;

/// Tickets on a page unless asked otherwise.
const PAGE: usize = 100;
/// Tickets on a page at most.
const PAGE_MAX: usize = 500;

/// Characters of the reason for another department, at most.
const CHOICE_REASON_MAX: usize = 500;

/// A request that can become a ticket.
pub(crate) struct LogRequest {
    pub(crate) idempotency_key: String,
    /// Tells a repetition from another request under the same key.
    pub(crate) content: [u8; 32],
    pub(crate) procedure: Procedure,
    pub(crate) request: CheckedRequest,
    pub(crate) hotline: Option<HotlineName>,
    pub(crate) category: Option<String>,
    pub(crate) call: Option<Identity>,
    pub(crate) agent: Option<String>,
    /// Another department than routing would find.
    pub(crate) chosen: Option<Chosen>,
}

/// A request as far as it can be read, with all that is wrong with it.
pub(crate) struct ReadRequest<'r> {
    pub(crate) procedure: Option<&'r Procedure>,
    pub(crate) fields: Fields,
    pub(crate) hotline: Option<HotlineName>,
    pub(crate) category: Option<String>,
    pub(crate) wished: Option<Window>,
    /// Another department than routing would find.
    pub(crate) chosen: Option<Chosen>,
    pub(crate) faults: Vec<FieldFault>,
    idempotency_key: String,
    content: [u8; 32],
    request: Option<CheckedRequest>,
    call: Option<Identity>,
    pub(crate) agent: Option<String>,
}

/// What decides where a request goes, and when it is due.
pub(crate) struct Wanted<'a> {
    pub(crate) procedure: &'a Procedure,
    pub(crate) fields: &'a Fields,
    pub(crate) hotline: Option<&'a HotlineName>,
    pub(crate) category: Option<&'a str>,
    pub(crate) wished: Option<Window>,
    /// Another department than routing would find.
    pub(crate) chosen: Option<&'a Chosen>,
}

/// A department that somebody chose.
pub(crate) struct Chosen {
    pub(crate) department: DepartmentId,
    pub(crate) reason: Personal,
}

impl<'r> ReadRequest<'r> {
    /// Reads a request by the register.
    pub(crate) fn of(sent: proto::LogCallbackRequest, register: &'r Register, key: &IdentityKey) -> Self {
        let mut faults = Vec::new();
        let procedure = ticket_procedure(register, &sent.procedure, &mut faults);
        let chosen = chosen(&sent, &mut faults);
        let fields = wire::tickets::fields_from_wire(sent.fields);
        let [idempotency_key, hotline, category, agent, call] = [
            &sent.idempotency_key,
            &sent.hotline,
            &sent.category,
            &sent.agent,
            &sent.call,
        ]
        .map(|text| text.trim().to_owned());
        let content = {
            let id = procedure.map(|procedure| &procedure.id);
            let content = (id, &fields, &hotline, &category, &call, &agent);
            let wished = [sent.wished_from.trim(), sent.wished_until.trim()];
            let chosen = [sent.department.trim(), sent.department_reason.trim()];
            // What is not given is not part of it: requests from before it could be given are known by what they were.
            match (sent.add_to.trim(), wished, chosen) {
                ("", ["", ""], ["", ""]) => content_hash(&content),
                (add_to, ["", ""], ["", ""]) => content_hash(&(content, add_to)),
                (add_to, wished, ["", ""]) => content_hash(&(content, add_to, wished)),
                (add_to, wished, chosen) => content_hash(&(content, add_to, wished, chosen)),
            }
        };
        let wished = schedule::wished(&sent.wished_from, &sent.wished_until, &mut faults);
        let request = procedure.and_then(|procedure| {
            let request = procedure.checked(fields.clone());
            request.map_err(|mut found| faults.append(&mut found)).ok()
        });
        check_key(&idempotency_key, &mut faults);
        for (field, text) in [
            ("hotline", &hotline),
            ("category", &category),
            ("agent", &agent),
            ("call", &call),
        ] {
            check_line(field, text, 200, &mut faults);
        }
        let by_phone = procedure
            .and_then(Procedure::ticket_rules)
            .is_some_and(|rules| rules.by_phone);
        if hotline.is_empty() && by_phone {
            faults.push(FieldFault::of(
                "hotline",
                FaultCode::Required,
                "name the hotline that the citizen called",
            ));
        }
        let call = call_identity(&call, key, &mut faults);
        Self {
            procedure,
            fields,
            hotline: given(hotline).map(HotlineName::new),
            category: given(category),
            wished,
            chosen,
            faults,
            idempotency_key,
            content,
            request,
            call,
            agent: given(agent),
        }
    }

    /// What decides where it goes; `None` without a procedure.
    pub(crate) fn wanted(&self) -> Option<Wanted<'_>> {
        Some(Wanted {
            procedure: self.procedure?,
            fields: &self.fields,
            hotline: self.hotline.as_ref(),
            category: self.category.as_deref(),
            wished: self.wished,
            chosen: self.chosen.as_ref(),
        })
    }

    /// The request, if nothing is wrong with it.
    ///
    /// # Errors
    /// Every faulty field.
    pub(crate) fn checked(self) -> Result<LogRequest, Vec<FieldFault>> {
        match (self.procedure, self.request) {
            (Some(procedure), Some(request)) if self.faults.is_empty() => Ok(LogRequest {
                idempotency_key: self.idempotency_key,
                content: self.content,
                procedure: procedure.clone(),
                request,
                hotline: self.hotline,
                category: self.category,
                call: self.call,
                agent: self.agent,
                chosen: self.chosen,
            }),
            _ => Err(self.faults),
        }
    }
}

impl Wanted<'_> {
    /// What the citizen wants, in words.
    pub(crate) fn concern(&self) -> Personal {
        self.procedure.concern(self.fields)
    }
}

/// The department that somebody chose, and why: both or none.
fn chosen(sent: &proto::LogCallbackRequest, faults: &mut Vec<FieldFault>) -> Option<Chosen> {
    let [department, reason] = [&sent.department, &sent.department_reason].map(|text| text.trim());
    check_line("department", department, 200, faults);
    check_line("department_reason", reason, CHOICE_REASON_MAX, faults);
    match (department, reason) {
        ("", "") => return None,
        (_, "") => faults.push(FieldFault::new(
            "department_reason",
            "say why it goes to this department",
        )),
        ("", _) => faults.push(FieldFault::new(
            "department",
            "name the department that it goes to, or leave the reason out",
        )),
        _ if !sent.add_to.trim().is_empty() => faults.push(FieldFault::new(
            "department",
            "leave it out with add_to; the ticket stays where it is: reroute it",
        )),
        _ => {}
    }
    Some(Chosen {
        department: DepartmentId::new(department),
        reason: Personal::new(reason),
    })
}

/// The procedure that a request names; without a name, the callback request.
pub(crate) fn ticket_procedure<'r>(
    register: &'r Register,
    name: &str,
    faults: &mut Vec<FieldFault>,
) -> Option<&'r Procedure> {
    let id = Some(name.trim())
        .filter(|name| !name.is_empty())
        .unwrap_or(CALLBACK);
    let known = register
        .procedure(id)
        .filter(|procedure| procedure.ticket_rules().is_some());
    if known.is_none() {
        let remedy = format!("choose from {}", register.ticket_procedures());
        faults.push(FieldFault::of("procedure", FaultCode::NoProcedure, remedy));
    }
    known
}

impl LogRequest {
    /// The request with the key that it is kept under.
    pub(crate) fn by(mut self, principal: &Principal) -> Self {
        self.idempotency_key = principal.kept_key(&self.idempotency_key);
        self
    }

    /// Who logs it.
    pub(crate) fn actor(&self) -> Actor {
        match &self.agent {
            Some(agent) => Actor::Agent(AgentName::new(agent)),
            None => Actor::System,
        }
    }

    /// What the citizen wants, in words.
    pub(crate) fn concern(&self) -> Personal {
        self.procedure.concern(self.request.fields())
    }

    /// The request with what the system adds to it.
    pub(crate) fn completed(
        &self,
        at: DateTime<Utc>,
        address: Option<IpAddr>,
        video: Option<&VideoServer>,
    ) -> CheckedRequest {
        let known = Circumstances {
            video_link: video.map(|video| Personal::new(video.room())),
            at,
            user: self.agent.as_deref().map(Personal::new),
            address,
        };
        self.procedure.completed(self.request.clone(), &known)
    }
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Checks the key by which a repeated request is known.
pub(crate) fn check_key(key: &str, faults: &mut Vec<FieldFault>) {
    if key.is_empty() {
        faults.push(FieldFault::of(
            "idempotency_key",
            FaultCode::Required,
            "choose one for each request, such as a random UUID, and repeat it when the request is repeated",
        ));
    }
    check_line("idempotency_key", key, 200, faults);
}

/// The call that a request names, if any.
pub(crate) fn call_identity(call: &str, key: &IdentityKey, faults: &mut Vec<FieldFault>) -> Option<Identity> {
    let identity = named_call(call, key);
    if !call.is_empty() && identity.is_none() {
        faults.push(FieldFault::of(
            "call",
            FaultCode::NoCall,
            "give SOURCE/CALL-ID, or the 32 hexadecimal digits of the call's identity, or leave it empty",
        ));
    }
    identity
}

fn named_call(call: &str, key: &IdentityKey) -> Option<Identity> {
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
pub(crate) fn list_filter(
    sent: &proto::ListTicketsRequest,
    policy: &EscalationPolicy,
    now: DateTime<Utc>,
) -> Result<TicketFilter, Status> {
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
    let mut after = after(&sent.page_token, &mut faults);
    let mut due_before = sent.due_before_unix_ms.and_then(|unix_ms| {
        let time = DateTime::from_timestamp_millis(unix_ms);
        if time.is_none() {
            faults.push(FieldFault::new(
                "due_before_unix_ms",
                "give milliseconds since 1970, or leave it out",
            ));
        }
        time
    });
    if let Some(within) = schedule::urgent(sent, policy, now, &mut faults) {
        due_before = Some(within.until);
        after = after.or(Some(ListPosition {
            at: within.from,
            id: TicketId::new(""),
        }));
    }
    if sent.owed || sent.returned {
        due_before = due_before.or(Some(DateTime::<Utc>::MAX_UTC));
    }
    if !faults.is_empty() {
        return Err(invalid(&faults));
    }
    let department = sent.department.trim();
    let procedure = sent.procedure.trim();
    Ok(TicketFilter {
        department: (!department.is_empty()).then(|| DepartmentId::new(department)),
        procedure: (!procedure.is_empty()).then(|| ProcedureId::new(procedure)),
        states,
        due_before,
        escalated: sent.urgency() == proto::Urgency::Escalated,
        returned: sent.returned,
        after,
        most: page_size(sent.page_size) + 1,
    })
}

/// Whose tickets a caller asks for, one ticket beyond the page; recent ones were settled since the given time.
pub(crate) fn citizen_search(
    sent: &proto::FindTicketsRequest,
    recent_since: DateTime<Utc>,
) -> Result<CitizenSearch, Status> {
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
        settled_since: sent.recent.then_some(recent_since),
        after,
        most: page_size(sent.page_size) + 1,
    })
}

pub(crate) fn page_size(wanted: u32) -> usize {
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
pub(crate) fn invalid(faults: &[FieldFault]) -> Status {
    crate::metrics::refused();
    let remedies: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.remedy))
        .collect();
    let mut names: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    names.dedup();
    let mut status = wire::faults::refusal(Code::InvalidArgument, remedies.join("; "), faults);
    if let Ok(names) = names.join(",").parse() {
        status.metadata_mut().insert("fields", names);
    }
    status
}
