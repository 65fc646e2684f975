//! The gRPC service `nrwdirekt.privacy.v1.Audit`.

use std::sync::Arc;

use access::AuditTrail;
use domain::audit::{AuditAction, AuditSubject};
use domain::local_time;
use store::StoreError;
use store::audit::{AuditEntry, AuditFilter, AuditStore};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use crate::hex::hex;
use crate::verify::verify;

/// Entries on a page unless asked otherwise.
const PAGE: usize = 100;
/// Entries on a page at most.
const PAGE_MAX: usize = 500;

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
        let filter = filter(&request.into_inner())?;
        let most = filter.most;
        let mut entries = self
            .store
            .entries(filter)
            .await
            .map_err(|error| refused(&error))?;
        // One more than the page was asked for: its presence tells that there is a next one.
        let more = entries.len() >= most;
        entries.truncate(most - 1);
        let read = self
            .trail
            .entry(&principal, AuditAction::AuditRead, AuditSubject::none());
        self.trail.append(read.of_items(entries.len())).await?;
        let last = entries.last().filter(|_| more);
        Ok(Response::new(proto::ListEntriesResponse {
            next_page_token: last.map(|last| last.number.to_string()).unwrap_or_default(),
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

fn filter(asked: &proto::ListEntriesRequest) -> Result<AuditFilter, Status> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let time = |field: &str, text: &str| match given(text) {
        None => Ok(None),
        Some(text) => local_time::instant(&text).map(Some).ok_or_else(|| {
            Status::invalid_argument(format!(
                "{field}: give a day as YYYY-MM-DD, or a time as 2024-10-27T02:30:00+02:00"
            ))
        }),
    };
    let action = given(&asked.action);
    if action
        .as_deref()
        .is_some_and(|name| AuditAction::from_name(name).is_none())
    {
        let all: Vec<&str> = AuditAction::ALL.iter().map(|action| action.name()).collect();
        let all = all.join(", ");
        return Err(Status::invalid_argument(format!("action: use one of {all}")));
    }
    let before = match asked.page_token.as_str() {
        "" => None,
        token => Some(token.parse().map_err(|_| {
            Status::invalid_argument("page_token: repeat the next_page_token of the page before")
        })?),
    };
    let page = match asked.page_size as usize {
        0 => PAGE,
        wanted => wanted.min(PAGE_MAX),
    };
    Ok(AuditFilter {
        actor: given(&asked.actor),
        subject: given(&asked.subject),
        action,
        from: time("from", &asked.from)?,
        to: time("to", &asked.to)?,
        before,
        most: page + 1,
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
