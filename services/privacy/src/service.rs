//! The gRPC service `nrwdirekt.privacy.v1.Audit`.

use std::sync::Arc;

use access::AuditTrail;
use domain::audit::{AuditAction, AuditSubject};
use store::StoreError;
use store::audit::{AuditEntry, AuditFilter, AuditStore};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use crate::asked::{given, time};
use crate::hex::hex;
use crate::paging;
use crate::verify::verify;

/// Lists the audit trail, and checks it.
#[derive(Clone)]
pub struct AuditService {
    store: Arc<dyn AuditStore>,
    trail: AuditTrail,
}

impl AuditService {
    /// Reads the trail of a store; that it was read is noted in the same trail.
    pub fn new(store: Arc<dyn AuditStore>, trail: AuditTrail) -> Self {
        Self { store, trail }
    }
}

#[tonic::async_trait]
impl proto::audit_server::Audit for AuditService {
    async fn list_entries(
        &self,
        request: Request<proto::ListEntriesRequest>,
    ) -> Result<Response<proto::ListEntriesResponse>, Status> {
        let principal = principal(&request)?;
        let asked = request.into_inner();
        let page = paging::size(asked.page_size);
        // One more than the page: its presence tells that there is a next one.
        let filter = filter(&asked, page + 1)?;
        let mut entries = self
            .store
            .entries(filter)
            .await
            .map_err(|error| refused(&error))?;
        let next_page_token = paging::cut(&mut entries, page, |entry| entry.number);
        let read = self
            .trail
            .entry(&principal, AuditAction::AuditRead, AuditSubject::none());
        self.trail.append(read.of_items(entries.len())).await?;
        Ok(Response::new(proto::ListEntriesResponse {
            next_page_token,
            entries: entries.into_iter().map(shown).collect(),
        }))
    }

    async fn verify(
        &self,
        request: Request<proto::VerifyRequest>,
    ) -> Result<Response<proto::VerifyResponse>, Status> {
        principal(&request)?;
        let noted = match request.into_inner().noted_head.trim() {
            "" => None,
            text => Some(hash(text).ok_or_else(|| {
                Status::invalid_argument("noted_head: give the 64 hexadecimal digits of an earlier head")
            })?),
        };
        let found = verify(&*self.store, noted)
            .await
            .map_err(|error| refused(&error))?;
        if let Some(broken_at) = found.broken_at {
            tracing::error!(broken_at, "the audit trail is broken");
        }
        Ok(Response::new(proto::VerifyResponse {
            entries: found.entries,
            broken_at: found.broken_at,
            explanation: found.explanation,
            head: hex(&found.head),
            begins_at: found.begins_at,
            cut_at_unix_ms: found.cut_at.map(|at| at.timestamp_millis()),
            noted_at: found.noted.map(|noted| noted.number),
            noted_cut_at_unix_ms: found
                .noted
                .and_then(|noted| Some(noted.cut_at?.timestamp_millis())),
        }))
    }
}

fn filter(asked: &proto::ListEntriesRequest, most: usize) -> Result<AuditFilter, Status> {
    let action = given(&asked.action);
    if action
        .as_deref()
        .is_some_and(|name| AuditAction::from_name(name).is_none())
    {
        let all: Vec<&str> = AuditAction::ALL.iter().map(|action| action.name()).collect();
        let all = all.join(", ");
        return Err(Status::invalid_argument(format!("action: use one of {all}")));
    }
    Ok(AuditFilter {
        actor: given(&asked.actor),
        subject: given(&asked.subject),
        action,
        from: time("from", &asked.from)?,
        to: time("to", &asked.to)?,
        before: paging::behind(&asked.page_token)?,
        most,
    })
}

fn shown(entry: AuditEntry) -> proto::AuditEntry {
    let roles = entry.roles.split(',').filter(|role| !role.is_empty());
    proto::AuditEntry {
        number: entry.number,
        at_unix_ms: entry.at.timestamp_millis(),
        roles: roles.map(str::to_owned).collect(),
        actor: entry.actor,
        action: entry.action,
        subject_kind: entry.subject_kind,
        subject: entry.subject,
        reason: entry.reason,
        items: entry.items,
    }
}

fn hash(text: &str) -> Option<[u8; 32]> {
    access::TokenHash::from_hex(text).map(|hash| hash.0)
}

fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "the audit trail cannot be read");
    match error.is_temporary() {
        true => Status::unavailable(format!("{error}; ask again")),
        false => Status::internal("the audit trail cannot be read; see the log of the server"),
    }
}

#[cfg(test)]
mod tests;
