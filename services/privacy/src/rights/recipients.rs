//! Art. 19: who was told, and has confirmed it or not.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{DepartmentId, TicketId};
use domain::report::content_hash;
use domain::ticket::{ToldOf, confirm_by_hand};
use store::recipients::{Recipient, RecipientPlace, RecipientQuery};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::acts::{self, Change};
use super::{RightsService, refused};
use crate::paging;

pub(super) async fn list(
    service: &RightsService,
    request: Request<proto::ListRecipientsRequest>,
) -> Result<Response<proto::ListRecipientsResponse>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let most = paging::size(sent.page_size);
    let overdue_before = (parts.clock)() - TimeDelta::days(parts.settings.confirm_within_days.into());
    let ticket = match sent.ticket_id.trim() {
        "" => None,
        text => Some(acts::ticket_id(text)?),
    };
    let query = RecipientQuery {
        ticket,
        department: None,
        waiting: sent.waiting || sent.overdue,
        told_before: sent.overdue.then_some(overdue_before),
        after: place(&sent.page_token)?,
        most,
    };
    let found = parts.recipients.recipients(query).await;
    let found = found.map_err(|error| refused(&error))?;
    let entry = parts
        .audit
        .entry(&principal, AuditAction::RecipientsRead, AuditSubject::none());
    parts.audit.append(entry.of_items(found.len())).await?;
    let last = found.last().filter(|_| found.len() == most);
    Ok(Response::new(proto::ListRecipientsResponse {
        next_page_token: last.map(|last| token(&last.place)).unwrap_or_default(),
        recipients: found.iter().map(|it| shown(it, overdue_before)).collect(),
    }))
}

pub(super) async fn confirm(
    service: &RightsService,
    request: Request<proto::ConfirmRecipientRequest>,
) -> Result<Response<proto::ConfirmRecipientResponse>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let id = acts::ticket_id(&sent.ticket_id)?;
    let reason = acts::reason(&sent.reason)?;
    let department = DepartmentId::new(sent.department.trim());
    let of = ToldOf::from_name(sent.told_of.trim())
        .ok_or_else(|| Status::invalid_argument("told_of: use rectified, restricted or erased"))?;
    let change = Change {
        ticket: &id,
        key: acts::key(&principal, &sent.idempotency_key)?,
        content: content_hash(&("confirm", &id, department.as_str(), of.name(), reason.reveal())),
    };
    let actor = acts::actor(&principal);
    let done = acts::perform(parts, &change, |ticket, _, at| {
        confirm_by_hand(ticket, &department, of, &reason, actor.clone(), at).ok_or_else(|| {
            Status::failed_precondition(
                "department: it was not told of this, or has confirmed it; see who has not (privacy recipients)",
            )
        })
    });
    let (_, repeated) = done.await?;
    let subject = AuditSubject::new("ticket", id.as_str());
    let entry = parts
        .audit
        .entry(&principal, AuditAction::RecipientConfirmed, subject);
    parts.audit.append_done(vec![entry]).await?;
    Ok(Response::new(proto::ConfirmRecipientResponse { repeated }))
}

fn shown(recipient: &Recipient, overdue_before: DateTime<Utc>) -> proto::Recipient {
    let place = &recipient.place;
    proto::Recipient {
        ticket_id: place.ticket.to_string(),
        department: place.department.to_string(),
        told_of: place.of.name().to_owned(),
        told_at_unix_ms: place.told_at.timestamp_millis(),
        confirmed_at_unix_ms: recipient.confirmed_at.map(|at| at.timestamp_millis()),
        by_hand: recipient.by_hand,
        overdue: recipient.confirmed_at.is_none() && place.told_at < overdue_before,
    }
}

fn token(place: &RecipientPlace) -> String {
    let at = place.told_at.timestamp_millis();
    format!("{at} {} {} {}", place.ticket, place.department, place.of.name())
}

/// Reads what [`token`] wrote.
fn place(token: &str) -> Result<Option<RecipientPlace>, Status> {
    paging::begin(token, |token| {
        let mut parts = token.split(' ');
        Some(RecipientPlace {
            told_at: wire::time(parts.next()?.parse().ok()?)?,
            ticket: TicketId::new(parts.next()?),
            department: DepartmentId::new(parts.next()?),
            of: ToldOf::from_name(parts.next()?)?,
        })
    })
}
