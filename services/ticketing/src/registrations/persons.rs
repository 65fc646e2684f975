//! Entries of a person, for data protection.

use domain::audit::{AuditAction, AuditSubject};
use domain::privacy::email_key;
use domain::procedure::FieldFault;
use tonic::{Request, Status};
use wire::access::principal;
use wire::v1::tickets as proto;

use super::{RegistrationsService, shown};
use crate::requests::invalid;
use crate::service::refused;

/// Entries that are told at most.
const FOUND_MAX: usize = 500;
/// Characters of a reason at most.
const REASON_LONGEST: usize = 200;

/// All entries of an address.
pub(super) async fn find(
    service: &RegistrationsService,
    request: Request<proto::FindEntriesRequest>,
) -> Result<proto::FindEntriesResponse, Status> {
    let principal = principal(&request)?;
    let key = key_of(&request.into_inner().email)?;
    let found = service.0.store.entries_of(&key, FOUND_MAX).await;
    let found = found.map_err(|error| refused(&error))?;
    let audit = &service.0.audit;
    let noted = audit.entry(&principal, AuditAction::EntriesListed, AuditSubject::none());
    audit.append(noted.of_items(found.len())).await?;
    let book = (service.0.rules)();
    let told = |entry: domain::registration::Entry| proto::FoundEntry {
        procedure: entry.procedure.to_string(),
        offer: shown::linked(&book, std::slice::from_ref(&entry)).pop(),
        entry: Some(shown::entry(&entry)),
    };
    Ok(proto::FindEntriesResponse {
        entries: found.into_iter().map(told).collect(),
    })
}

/// Erases all entries of an address.
pub(super) async fn erase(
    service: &RegistrationsService,
    request: Request<proto::EraseEntriesRequest>,
) -> Result<proto::EraseEntriesResponse, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let key = key_of(&sent.email)?;
    let reason = sent.reason.trim();
    if !(1..=REASON_LONGEST).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        let remedy =
            format!("say why, in one line of at most {REASON_LONGEST} characters and without personal data");
        return Err(invalid(&[FieldFault::new("reason", remedy)]));
    }
    let erased = service.0.store.end_entries_of(&key).await;
    let erased = erased.map_err(|error| refused(&error))?;
    let audit = &service.0.audit;
    let noted = audit.entry(&principal, AuditAction::EntriesErased, AuditSubject::none());
    let noted = noted.because(reason).of_items(erased as usize);
    audit.append_done(vec![noted]).await?;
    Ok(proto::EraseEntriesResponse { erased })
}

fn key_of(email: &str) -> Result<String, Status> {
    match email.contains('@') {
        true => Ok(email_key(email)),
        false => Err(invalid(&[FieldFault::new(
            "email",
            "give an address such as name@example.org",
        )])),
    }
}
