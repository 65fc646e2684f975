//! What a department was told by right of citizens, for those who work without a system of their own.

use chrono::{DateTime, Utc};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::{Ticket, TicketState, ToldOf};
use store::StoreError;
use store::recipients::{Recipient, RecipientPlace, RecipientQuery};
use tonic::Status;
use wire::v1::tickets as proto;

use crate::service::HandoverServiceParts;

/// Items on a page unless asked otherwise, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;
/// As many are counted.
const COUNTED_MAX: usize = 500;

/// What waits for the confirmation of a department. Whoever reads content is noted before it is told.
pub(crate) async fn list(
    parts: &HandoverServiceParts,
    principal: &Principal,
    department: DepartmentId,
    asked: &proto::ListToldRequest,
) -> Result<proto::ListToldResponse, Status> {
    let most = match (asked.only_count, asked.page_size as usize) {
        (true, _) => COUNTED_MAX,
        (false, 0) => PAGE,
        (false, wanted) => wanted.min(PAGE_MAX),
    };
    let query = RecipientQuery {
        department: Some(department.clone()),
        waiting: true,
        after: place(&asked.page_token, &department)?,
        most,
        ..RecipientQuery::default()
    };
    let waiting = parts.recipients.recipients(query).await;
    let waiting = waiting.map_err(|error| unavailable(&error))?;
    if asked.only_count {
        return Ok(proto::ListToldResponse {
            count: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
            ..proto::ListToldResponse::default()
        });
    }
    if !waiting.is_empty() {
        let subject = AuditSubject::new("department", department.as_str());
        let entry = parts.audit.entry(principal, AuditAction::DepartmentRead, subject);
        parts.audit.append(entry.of_items(waiting.len())).await?;
    }
    let mut items = Vec::with_capacity(waiting.len());
    for told in &waiting {
        let found = parts.store.ticket(&told.place.ticket).await;
        if let Some(found) = found.map_err(|error| unavailable(&error))? {
            items.push(item(told, &found.ticket));
        }
    }
    let last = waiting.last().filter(|_| waiting.len() == most);
    Ok(proto::ListToldResponse {
        next_page_token: last.map(token).unwrap_or_default(),
        items,
        count: 0,
    })
}

/// A restricted or erased ticket is told of by its number alone.
fn item(told: &Recipient, ticket: &Ticket) -> proto::ToldOf {
    let is_open =
        told.place.of == ToldOf::Rectified && !ticket.is_restricted() && ticket.state != TicketState::Erased;
    let rectified = ticket.course.rectified.as_ref().filter(|_| is_open);
    let fields = rectified.map(|it| it.fields.as_slice()).unwrap_or_default();
    let said = fields.iter().filter_map(|id| {
        let text = ticket.says(id)?;
        Some((id.to_string(), text.reveal().to_owned()))
    });
    proto::ToldOf {
        ticket_id: told.place.ticket.to_string(),
        told_of: told.place.of.name().to_owned(),
        told_at_unix_ms: told.place.told_at.timestamp_millis(),
        procedure: ticket.procedure.to_string(),
        request: said.collect(),
        fields: fields.iter().map(ToString::to_string).collect(),
    }
}

fn token(last: &Recipient) -> String {
    let place = &last.place;
    let at = place.told_at.timestamp_millis();
    format!("{at} {} {}", place.ticket, place.of.name())
}

/// Reads what [`token`] wrote.
fn place(token: &str, department: &DepartmentId) -> Result<Option<RecipientPlace>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = || {
        let mut parts = token.split(' ');
        Some(RecipientPlace {
            told_at: DateTime::<Utc>::from_timestamp_millis(parts.next()?.parse().ok()?)?,
            ticket: TicketId::new(parts.next()?),
            department: department.clone(),
            of: ToldOf::from_name(parts.next()?)?,
        })
    };
    read()
        .map(Some)
        .ok_or_else(|| Status::invalid_argument("page_token: repeat the next_page_token of the page before"))
}

fn unavailable(error: &StoreError) -> Status {
    tracing::warn!(%error, "what a department was told could not be read");
    Status::unavailable("the store is not available; ask again")
}
