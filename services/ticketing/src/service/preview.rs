//! What a request would become, told while it is still being written; and what a form offers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::SubsecRound;
use domain::ids::TicketId;
use domain::numbers::Number;
use domain::personal::Personal;
use domain::places::{Municipality, Places};
use domain::procedure::{FaultCode, FieldFault, FieldId, Fields};
use domain::rulebook::Rulebook;
use domain::ticket::{Actor, Ticket, add_concern, spoken_ticket_id};
use store::tickets::{Acquaintance, AcquaintanceSearch, Citizen};
use tonic::Status;
use wire::tickets::municipality_to_wire;
use wire::v1::tickets as proto;

use super::planning::{Considered, consider};
use super::viewer::Viewer;
use super::{TicketingParts, additions};

/// Other tickets of a citizen that an answer names, at most.
const OTHERS: usize = 20;

/// Drafts that are remembered, at most; then all are forgotten, and noted again.
const DRAFTS: usize = 10_000;

/// Which tickets were shown beside which draft: a preview is asked for with every few letters, and what it shows is noted
/// once. Whatever is forgotten is noted again.
#[derive(Default)]
pub(super) struct Shown(Mutex<HashMap<Draft, BTreeSet<String>>>);

/// A request that somebody is writing.
#[derive(PartialEq, Eq, Hash)]
struct Draft {
    actor: String,
    /// The idempotency key; without one every preview is a draft of its own.
    key: String,
}

impl Shown {
    /// Whether any of these tickets has not been shown beside the draft.
    fn is_news(&self, draft: &Draft, tickets: &BTreeSet<String>) -> bool {
        let drafts = self.lock();
        let known = drafts.get(draft).filter(|_| !draft.key.is_empty());
        tickets
            .iter()
            .any(|ticket| known.is_none_or(|known| !known.contains(ticket)))
    }

    fn remember(&self, draft: Draft, tickets: BTreeSet<String>) {
        let mut drafts = self.lock();
        if drafts.len() >= DRAFTS {
            drafts.clear();
        }
        drafts.entry(draft).or_default().extend(tickets);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Draft, BTreeSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request would become.
pub(super) async fn preview(
    viewer: &Viewer<'_>,
    shown: &Shown,
    mut sent: proto::LogCallbackRequest,
) -> Result<proto::PreviewCallbackResponse, Status> {
    let parts = viewer.parts;
    let key = sent.idempotency_key.trim().to_owned();
    let rules = (parts.rules)();
    sent.agent = viewer.principal.acting_agent(&sent.agent);
    let mut told = match sent.add_to.trim() {
        "" => new_ticket(parts, &rules, sent),
        _ => addition(viewer, &rules, sent).await?,
    };
    let department = rules
        .routing
        .departments()
        .iter()
        .find(|it| it.id.as_str() == told.answer.department);
    told.answer.department_name = department.map(|it| it.name.clone()).unwrap_or_default();
    told.answer.rules_version = rules.version.0;
    let is_faulty = |field: &str| told.answer.faults.iter().any(|fault| fault.field == field);
    let mut known = told.fields;
    for field in ["phone", "name", "postal_code"] {
        if is_faulty(field) {
            known.set(FieldId::new(field), Personal::new(""));
        }
    }
    if let Some(phone) = known.get("phone") {
        let number = Number::read(phone.reveal());
        number.kind().clone_into(&mut told.answer.phone_kind);
        if let Number::E164 { number, .. } | Number::Service(number) = number {
            told.answer.phone = number;
        }
    }
    let towns = places(&known);
    told.answer.ambiguous = towns.len() > 1;
    told.answer.municipalities = towns.iter().map(municipality_to_wire).collect();
    let others = others(parts, &known, None).await;
    told.answer.open_tickets = viewer.all_seen(&others.owed);
    told.answer.recent_tickets = viewer.all_seen(&others.settled);
    let found = told.answer.open_tickets.iter().chain(&told.answer.recent_tickets);
    let found: BTreeSet<String> = found.map(|ticket| ticket.ticket_id.clone()).collect();
    let draft = Draft {
        actor: viewer.principal.name.clone(),
        key,
    };
    if shown.is_news(&draft, &found) {
        parts.audit.append(viewer.searched(found.len())).await?;
        shown.remember(draft, found);
    }
    Ok(told.answer)
}

struct Told {
    answer: proto::PreviewCallbackResponse,
    fields: Fields,
}

fn new_ticket(parts: &TicketingParts, rules: &Rulebook, sent: proto::LogCallbackRequest) -> Told {
    let at = (parts.clock)().trunc_subsecs(3);
    let considered = consider(parts, rules, sent, at);
    let mut answer = proto::PreviewCallbackResponse {
        faults: wire::faults::faults_to_wire(&considered.faults()),
        ..Default::default()
    };
    let Considered {
        read,
        plan,
        suggested,
        ..
    } = considered;
    // What was chosen the form knows: beside it stands where the request would go otherwise.
    if let Some(suggested) = suggested {
        answer.department = suggested.department.to_string();
        answer.rule = suggested.rule.map(|rule| rule.to_string()).unwrap_or_default();
        answer.because = suggested.because;
    }
    answer.due_at_unix_ms = plan.map(|plan| plan.due_at.timestamp_millis());
    Told {
        answer,
        fields: read.fields,
    }
}

/// A concern that joins a ticket: department and due time are those of the ticket.
async fn addition(
    viewer: &Viewer<'_>,
    rules: &Rulebook,
    sent: proto::LogCallbackRequest,
) -> Result<Told, Status> {
    let parts = viewer.parts;
    let id = spoken_ticket_id(&sent.add_to);
    let ticket = match &id {
        Some(id) => additions::current(viewer, id).await?,
        None => None,
    };
    let Some(ticket) = ticket else {
        let (code, remedy) = match id {
            Some(id) => (FaultCode::NoTicket, format!("there is no ticket {id}")),
            None => (
                FaultCode::NoTicketNumber,
                "give a number such as T-7K3M-9QXW".to_owned(),
            ),
        };
        let mut told = new_ticket(parts, rules, sent);
        let fault = FieldFault::of("add_to", code, remedy);
        told.answer.faults.extend(wire::faults::faults_to_wire(&[fault]));
        return Ok(told);
    };
    let given = wire::tickets::fields_from_wire(sent.fields.clone());
    let mut faults = Vec::new();
    let read = additions::read(parts, &rules.register, sent, &ticket);
    faults.extend(read.faults);
    let at = (parts.clock)().trunc_subsecs(3);
    let joined = add_concern(&ticket, Personal::new(""), &read.fields, None, Actor::System, at);
    if let Err(refusal) = joined {
        let code = additions::refusal_code(refusal);
        faults.push(FieldFault::of("add_to", code, refusal.to_string()));
    }
    Ok(Told {
        answer: proto::PreviewCallbackResponse {
            faults: wire::faults::faults_to_wire(&faults),
            ..of_ticket(&ticket)
        },
        fields: given,
    })
}

fn of_ticket(ticket: &Ticket) -> proto::PreviewCallbackResponse {
    proto::PreviewCallbackResponse {
        department: ticket.department.to_string(),
        rule: ticket.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        because: ticket.because.clone(),
        due_at_unix_ms: Some(ticket.due_at.timestamp_millis()),
        ..Default::default()
    }
}

fn places(fields: &Fields) -> &'static [Municipality] {
    Places::nrw().by_postal_code(fields.text("postal_code"))
}

/// Other tickets of the citizen: owed an answer, and settled lately.
pub(super) async fn others(
    parts: &TicketingParts,
    fields: &Fields,
    except: Option<&TicketId>,
) -> Acquaintance {
    let mut citizens = Vec::new();
    if let Some(phone) = fields.get("phone") {
        citizens.push(Citizen::by_phone(phone.reveal()));
    }
    if let (Some(name), Some(postal_code)) = (fields.get("name"), fields.get("postal_code")) {
        citizens.push(Citizen::by_name(name.reveal(), Some(postal_code.reveal())));
    }
    if citizens.is_empty() {
        return Acquaintance::default();
    }
    let search = AcquaintanceSearch {
        citizens,
        settled_since: parts.recent_since(),
        most: OTHERS + 1,
    };
    let found = parts.store.acquaintance(search).await;
    // An answer without the neighbours of a ticket is better than an error.
    let mut others = found.unwrap_or_else(|error| {
        tracing::warn!(%error, "other tickets of a citizen were not looked up");
        Acquaintance::default()
    });
    for tickets in [&mut others.owed, &mut others.settled] {
        tickets.retain(|other| Some(&other.id) != except);
        tickets.truncate(OTHERS);
    }
    others
}

/// What a form offers.
pub(super) fn describe(rules: &Rulebook) -> proto::DescribeRoutingResponse {
    let routing = &rules.routing;
    let hotline = |hotline: &domain::routing::Hotline| proto::HotlineTopics {
        hotline: hotline.name.to_string(),
        categories: routing.categories(&hotline.name).map(str::to_owned).collect(),
    };
    let department = |department: &domain::routing::Department| proto::DepartmentName {
        id: department.id.to_string(),
        name: department.name.clone(),
    };
    let service = |bookable: &domain::booking::Bookable| proto::BookableService {
        department: bookable.department.to_string(),
        service: bookable.service.clone(),
        slots_max: bookable.slots_max().into(),
    };
    let brochure = |brochure: &domain::brochures::Brochure| proto::Brochure {
        id: brochure.id.to_string(),
        title: brochure.title.clone(),
        price_cents: brochure.price_cents,
    };
    proto::DescribeRoutingResponse {
        brochures: routing.offers().brochures().iter().map(brochure).collect(),
        hotlines: routing.hotlines().iter().map(hotline).collect(),
        departments: routing.departments().iter().map(department).collect(),
        services: routing.bookings().iter().map(service).collect(),
        rules_version: rules.version.0,
    }
}
