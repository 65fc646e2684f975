//! Entries of an address, for data protection.

use domain::audit::{AuditAction, AuditSubject};
use domain::privacy::{MarkKind, email_key};
use domain::procedure::FieldFault;
use domain::registration::Entry;
use store::persons::MarkedEntries;
use tonic::{Request, Status};
use wire::access::principal;
use wire::v1::tickets as proto;

use super::{RegistrationsService, shown};
use crate::requests::invalid;
use crate::service::refused;

/// Entries that are told at most.
const FOUND_MAX: usize = 500;

/// All entries of an address.
pub(super) async fn find(
    service: &RegistrationsService,
    request: Request<proto::FindEntriesRequest>,
) -> Result<proto::FindEntriesResponse, Status> {
    let principal = principal(&request)?;
    let key = key_of(&request.into_inner().email)?;
    let search = MarkedEntries {
        keys: vec![(MarkKind::Email, key)],
        after: 0,
        most: FOUND_MAX,
    };
    let found = service.0.persons.entries_with(search).await;
    let found = found.map_err(|error| refused(&error))?;
    let audit = &service.0.audit;
    let noted = audit.entry(&principal, AuditAction::EntriesListed, AuditSubject::none());
    audit.append(noted.of_items(found.len())).await?;
    let book = (service.0.rules)();
    let told = |entry: Entry| proto::FoundEntry {
        entry_id: entry.id.to_string(),
        procedure: entry.procedure.to_string(),
        offer: shown::linked(&book, std::slice::from_ref(&entry)).pop(),
        entry: Some(shown::entry(&entry)),
    };
    Ok(proto::FindEntriesResponse {
        entries: found.into_iter().map(|numbered| told(numbered.entry)).collect(),
    })
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
