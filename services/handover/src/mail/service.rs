//! gRPC for operators: what waits, and what came back.

use std::sync::Arc;

use store::StoreError;
use store::entries::{EndedBy, EntryStore};
use store::mails::{KeptMail, MailFailure, MailStore};
use tonic::{Request, Response, Status};
use wire::v1::tickets as proto;

use super::post::is_status;
use super::return_address::{ReturnAddress, entry_of};
use super::to_people::MailsToPeople;
use crate::metrics;
use crate::supervisor::Clock;

const PAGE: usize = 100;
const PAGE_MAX: usize = 500;

/// The gRPC service `nrwdirekt.tickets.v1.Mails`.
#[derive(Clone)]
pub struct MailsService {
    store: Arc<dyn MailStore>,
    entries: Arc<dyn EntryStore>,
    to_people: MailsToPeople,
    clock: Clock,
}

impl MailsService {
    /// The service on a store.
    pub fn new(
        store: Arc<dyn MailStore>,
        entries: Arc<dyn EntryStore>,
        to_people: MailsToPeople,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            entries,
            to_people,
            clock,
        }
    }
}

#[tonic::async_trait]
impl proto::mails_server::Mails for MailsService {
    async fn list_mails(
        &self,
        request: Request<proto::ListMailsRequest>,
    ) -> Result<Response<proto::ListMailsResponse>, Status> {
        let request = request.into_inner();
        let page = page(request.page_size);
        let kept = self.store.mails(request.after, page + 1).await;
        let mut kept = kept.map_err(|error| refused(&error))?;
        let more = kept.len() > page;
        kept.truncate(page);
        let mails = kept.into_iter().map(to_wire).collect();
        Ok(Response::new(proto::ListMailsResponse { mails, more }))
    }

    async fn list_mails_to_people(
        &self,
        request: Request<proto::ListMailsToPeopleRequest>,
    ) -> Result<Response<proto::ListMailsToPeopleResponse>, Status> {
        let request = request.into_inner();
        let listed = self.to_people.list(&request.page_token, page(request.page_size));
        listed.await.map(Response::new)
    }

    async fn retry_mail(
        &self,
        request: Request<proto::RetryMailRequest>,
    ) -> Result<Response<proto::RetryMailResponse>, Status> {
        let number = request.into_inner().number;
        let found = self.store.retry_mail(number).await;
        if found.map_err(|error| refused(&error))? {
            Ok(Response::new(proto::RetryMailResponse {}))
        } else {
            Err(Status::not_found(format!(
                "number: no mail {number} waits or failed; `nrwdirekt mail list` shows those that do"
            )))
        }
    }

    async fn report_bounce(
        &self,
        request: Request<proto::ReportBounceRequest>,
    ) -> Result<Response<proto::ReportBounceResponse>, Status> {
        let request = request.into_inner();
        if let Some(id) = entry_of(&request.return_address) {
            return self
                .entry_bounced(&id, request.status.trim())
                .await
                .map(Response::new);
        }
        let key = ReturnAddress::read(&request.return_address).ok_or_else(|| {
            Status::invalid_argument(
                "return_address: it names no ticket; give the address that the mail came back to",
            )
        })?;
        let status = request.status.trim();
        if !is_status(status) {
            return Err(Status::invalid_argument(
                "status: give an enhanced status code such as 5.1.1",
            ));
        }
        let failure = MailFailure {
            status: status.to_owned(),
            error: format!("came back: {status}"),
        };
        let failed = self.store.mail_failed(&key, failure, (self.clock)()).await;
        let is_new = failed.map_err(|error| refused(&error))?;
        if is_new {
            tracing::warn!(ticket = %key.ticket, department = %key.department, status, "a mail came back");
            metrics::mail(&key.department, "bounced");
        }
        Ok(Response::new(proto::ReportBounceResponse {
            ticket_id: key.ticket.to_string(),
            entries_erased: 0,
            is_new,
        }))
    }
}

fn page(asked: u32) -> usize {
    match asked as usize {
        0 => PAGE,
        wanted => wanted.min(PAGE_MAX),
    }
}

impl MailsService {
    /// Who cannot be reached for good is written to no more: the entries are erased.
    async fn entry_bounced(&self, id: &str, status: &str) -> Result<proto::ReportBounceResponse, Status> {
        if !is_status(status) {
            return Err(Status::invalid_argument(
                "status: give an enhanced status code such as 5.1.1",
            ));
        }
        let erased = match status.starts_with('5') {
            true => self
                .entries
                .end_entries(id, EndedBy::MailServer, (self.clock)())
                .await
                .map_err(|error| refused(&error))?,
            false => 0,
        };
        if erased > 0 {
            tracing::warn!(
                status,
                entries = erased,
                "a mail came back: its entries were erased"
            );
            metrics::entry_mail("bounced");
            metrics::entries_erased("undeliverable", erased);
        }
        Ok(proto::ReportBounceResponse {
            ticket_id: String::new(),
            is_new: erased > 0,
            entries_erased: erased,
        })
    }
}

fn to_wire(mail: KeptMail) -> proto::Mail {
    proto::Mail {
        number: mail.number,
        department: mail.key.department.to_string(),
        ticket_id: mail.key.ticket.to_string(),
        version: mail.key.version.0,
        about: match mail.subject {
            domain::ticket::MailSubject::Ticket => "ticket",
            domain::ticket::MailSubject::Withdrawn => "withdrawn",
            domain::ticket::MailSubject::Escalated => "escalated",
            domain::ticket::MailSubject::Erased => "erased",
            domain::ticket::MailSubject::Restricted => "restricted",
            domain::ticket::MailSubject::Rectified => "rectified",
        }
        .to_owned(),
        since_unix_ms: mail.since.timestamp_millis(),
        attempts: mail.attempts,
        error: mail.error.unwrap_or_default(),
        retry_at_unix_ms: mail.retry_at.map(|at| at.timestamp_millis()),
        failed_at_unix_ms: mail.failed_at.map(|at| at.timestamp_millis()),
    }
}

pub(super) fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "a request about mails was refused by the store");
    match error {
        StoreError::Unavailable(_) | StoreError::NoRoom => {
            Status::unavailable("the store is not available; try again")
        }
        StoreError::Conflict(_) | StoreError::SlotTaken(_) => {
            Status::aborted("somebody else changed it at the same time; try again")
        }
        StoreError::UnknownVersion(_) | StoreError::Unusable(_) => {
            Status::internal("the store cannot be used; see the log of the server")
        }
    }
}
