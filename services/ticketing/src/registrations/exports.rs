//! Exports, and the end of an offer's entries.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::audit::{AuditAction, AuditSubject};
use domain::local_time;
use domain::procedure::{FieldRule, OfferKind, Procedure};
use domain::registration::{Entry, EntryState, LinkPurpose, SUBSCRIPTIONS};
use store::entries::EntryFilter;
use tonic::{Request, Status};
use wire::access::principal;
use wire::v1::tickets as proto;

use super::{Asked, RegistrationsService, page_of, position};
use crate::service::refused;

/// The confirmed entries of an offer, a page of them.
pub(super) async fn export(
    service: &RegistrationsService,
    request: Request<proto::ExportEntriesRequest>,
) -> Result<proto::ExportEntriesResponse, Status> {
    let parts = &service.0;
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let book = (parts.rules)();
    let asked = Asked::of(&book, &sent.kind)?;
    let offer = asked.seen_offer(&principal, &sent.offer)?;
    let at = service.now();
    let page = page_of(sent.page_size, 500, 1000);
    // Entries that are confirmed while it is under way may be missing: they count as not exported.
    let (after, began_ms) = match sent.page_token.split_once('.') {
        None => (position(&sent.page_token)?, at.timestamp_millis()),
        Some((after, began)) => (position(after)?, position(began)?),
    };
    let began = DateTime::from_timestamp_millis(began_ms).unwrap_or(at).min(at);
    let filter = EntryFilter {
        procedure: asked.procedure.id.clone(),
        offer: offer.clone(),
        state: Some(EntryState::Confirmed),
        after,
        most: page + 1,
    };
    let (found, next) = service.page(filter, page).await?;
    let next_page_token = match next.as_str() {
        "" => String::new(),
        next => format!("{next}.{began_ms}"),
    };
    let subject = AuditSubject::new("offer", offer.as_str());
    let noted = parts
        .audit
        .entry(&principal, AuditAction::EntriesExported, subject);
    parts.audit.append(noted.of_items(found.len())).await?;
    if next_page_token.is_empty() {
        let marked = parts
            .store
            .mark_exported(&asked.procedure.id, &offer, began)
            .await;
        marked.map_err(|error| refused(&error))?;
    }
    let columns = columns(asked.procedure);
    let column = |id: &str, heading: &str| proto::ExportedColumn {
        id: id.to_owned(),
        heading: heading.to_owned(),
    };
    let mut told: Vec<_> = columns
        .iter()
        .map(|it| column(it.id.as_str(), &it.title))
        .collect();
    if parts.ways.is_some() {
        told.push(column("end_link", "Link zum Abmelden"));
        told.push(column("return_address", "Rücksendeadresse"));
    }
    let cells = |entry: &Entry| {
        let mut cells: Vec<String> = columns.iter().map(|column| cell(entry, column)).collect();
        if let Some(ways) = &parts.ways {
            let token = parts.links.token(LinkPurpose::End, entry.id.as_str());
            cells.push(format!("{}/eintrag/beenden/{token}", ways.public_url));
            cells.push((ways.return_address)(entry.id.as_str()).unwrap_or_default());
        }
        proto::ExportedEntry { cells }
    };
    Ok(proto::ExportEntriesResponse {
        columns: told,
        entries: found.iter().map(|it| cells(&it.entry)).collect(),
        next_page_token,
    })
}

/// The fields that an entry can have, in the order of the form.
fn columns(procedure: &Procedure) -> Vec<&FieldRule> {
    let kept = |field: &&FieldRule| {
        let id = field.id.as_str();
        (!field.from_system || matches!(id, "consented_at" | "confirmed_at")) && id != SUBSCRIPTIONS
    };
    procedure.fields.iter().filter(kept).collect()
}

fn cell(entry: &Entry, column: &FieldRule) -> String {
    let local = |at: DateTime<Utc>| {
        let at = at.with_timezone(&local_time::ZONE);
        at.to_rfc3339_opts(SecondsFormat::Secs, false)
    };
    match column.id.as_str() {
        "consented_at" => local(entry.consented_at),
        "confirmed_at" => entry.confirmed_at.map(local).unwrap_or_default(),
        id => {
            let lines: Vec<&str> = entry.fields.text(id).lines().map(str::trim).collect();
            match (lines.join("; ").as_str(), column.kind.name()) {
                ("true", "boolean") => "ja".to_owned(),
                ("false", "boolean") => "nein".to_owned(),
                (text, _) => text.to_owned(),
            }
        }
    }
}

/// Erases all entries of an event whose deadline is over, once they were exported.
pub(super) async fn clear(
    service: &RegistrationsService,
    request: Request<proto::ClearOfferRequest>,
) -> Result<proto::ClearOfferResponse, Status> {
    let parts = &service.0;
    let principal = principal(&request)?;
    let book = (parts.rules)();
    let asked = Asked::of(&book, OfferKind::Events.name())?;
    let offer = asked.seen_offer(&principal, &request.into_inner().offer)?;
    let at = service.now();
    let deadline = asked.offers.event(&offer).map(|event| event.deadline);
    let Some(deadline) = deadline.filter(|deadline| *deadline <= at) else {
        return Err(Status::failed_precondition(
            "offer: the deadline is not over yet; entries are erased after it",
        ));
    };
    let states = parts.store.offer_states(&asked.procedure.id).await;
    let states = states.map_err(|error| refused(&error))?;
    let state = states.get(&offer).cloned().unwrap_or_default();
    let exported_at = state.exported_at.filter(|exported| *exported >= deadline);
    let Some(confirmed_by) = exported_at.or_else(|| (state.confirmed == 0).then_some(at)) else {
        return Err(Status::failed_precondition(
            "offer: its entries were not exported since the deadline; export them first",
        ));
    };
    let erased = parts
        .store
        .clear_offer(&asked.procedure.id, &offer, confirmed_by, at)
        .await;
    let erased = erased.map_err(|error| refused(&error))?;
    let subject = AuditSubject::new("offer", offer.as_str());
    let noted = parts.audit.entry(&principal, AuditAction::EntriesErased, subject);
    parts
        .audit
        .append_done(vec![noted.of_items(erased as usize)])
        .await?;
    Ok(proto::ClearOfferResponse { erased })
}
