//! Art. 16: what a ticket says about a person is put right.

use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{FieldId, ProcedureId};
use domain::personal::Personal;
use domain::procedure::FieldFault;
use domain::report::content_hash;
use domain::ticket::{put_right, rectify};
use tonic::{Code, Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::acts::{self, Change};
use super::{RightsService, cases, refused};
use crate::about::About;

pub(super) async fn rectify_ticket(
    service: &RightsService,
    request: Request<proto::RectifyTicketRequest>,
) -> Result<Response<proto::RectifyTicketResponse>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let id = acts::ticket_id(&sent.ticket_id)?;
    let reason = acts::reason(&sent.reason)?;
    let changes: Vec<(FieldId, Personal)> = sent
        .fields
        .iter()
        .map(|(id, text)| (FieldId::new(id.trim()), Personal::new(text)))
        .collect();
    if changes.is_empty() {
        return Err(Status::invalid_argument(
            "fields: say what is right, by field (--field name=…)",
        ));
    }
    let key = acts::key(&principal, &sent.idempotency_key)?;
    let case = cases::for_act(parts, sent.case_number, &key).await?;
    let content = content_hash(&(
        "rectify",
        &id,
        reason.reveal(),
        sent.case_number,
        sorted(&changes),
    ));
    let change = Change {
        ticket: &id,
        key,
        content,
    };
    if case.is_some() && !acts::was_performed(parts, &change).await? {
        let found = parts.finder.tickets.ticket(&id).await;
        let found = found.map_err(|error| refused(&error))?;
        let about = About::ticket(&found.ok_or_else(|| acts::no_ticket(&id))?.ticket);
        cases::refuse_if_other(parts, case.as_ref(), &change.key, &[about]).await?;
    }
    let actor = acts::actor(&principal);
    let done = acts::perform(parts, &change, |ticket, rules, at| {
        let procedure = rules.register.procedure(ticket.procedure.as_str());
        let procedure = procedure.ok_or_else(|| unknown(&ticket.procedure))?;
        let right = put_right(ticket, procedure, &changes).map_err(|faults| invalid(&faults))?;
        rectify(ticket, right, &reason, actor.clone(), at).map_err(acts::not_done)
    });
    let (ticket, repeated) = done.await?;
    let subject = AuditSubject::new("ticket", id.as_str());
    let entry = parts
        .audit
        .entry(&principal, AuditAction::TicketRectified, subject);
    parts.audit.append_done(vec![entry]).await?;
    let fields: Vec<String> = changes.iter().map(|(id, _)| id.to_string()).collect();
    let said = format!("rectified {id}: {}", fields.join(", "));
    cases::note_act(parts, &principal, case.as_ref(), &change.key, (&said, Some(&id))).await?;
    let told = ticket.course.rectified.as_ref();
    Ok(Response::new(proto::RectifyTicketResponse {
        ticket_id: id.to_string(),
        version: i64::from(ticket.version.0),
        fields: told
            .map(|rectified| rectified.fields.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        departments: match ticket.is_restricted() {
            true => Vec::new(),
            false => departments(&ticket),
        },
        repeated,
    }))
}

/// Departments that have or had a ticket, each once.
pub(super) fn departments(ticket: &domain::ticket::Ticket) -> Vec<String> {
    let mut all: Vec<String> = ticket
        .former_departments()
        .chain([&ticket.department])
        .map(ToString::to_string)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn sorted(changes: &[(FieldId, Personal)]) -> Vec<(&str, &str)> {
    let mut sorted: Vec<(&str, &str)> = changes
        .iter()
        .map(|(id, text)| (id.as_str(), text.reveal()))
        .collect();
    sorted.sort_unstable();
    sorted
}

fn unknown(procedure: &ProcedureId) -> Status {
    Status::failed_precondition(format!(
        "ticket_id: the rules in force know no procedure {procedure}; apply rules that do (config apply --register)"
    ))
}

fn invalid(faults: &[FieldFault]) -> Status {
    let remedies: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.remedy))
        .collect();
    wire::faults::refusal(Code::InvalidArgument, remedies.join("; "), faults)
}
