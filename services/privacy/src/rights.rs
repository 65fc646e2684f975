//! The gRPC service `nrwdirekt.privacy.v1.Rights`.

mod find;

use std::sync::Arc;

use access::AuditTrail;
use domain::privacy::{GivenMarks, Marks};
use domain::ticket::spoken_ticket_id;
use store::StoreError;
use tonic::{Request, Response, Status};
use wire::v1::privacy as proto;

use crate::Finder;

/// What the rights of data subjects are served with.
#[derive(Clone)]
pub struct RightsParts {
    /// Finds what is kept of a person.
    pub finder: Finder,
    /// Noted in it is who has searched or done what.
    pub audit: AuditTrail,
}

/// Finds persons, tells what is kept of them, and carries out their rights.
#[derive(Clone)]
pub struct RightsService {
    parts: Arc<RightsParts>,
}

impl RightsService {
    /// The service with its parts.
    pub fn new(parts: RightsParts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    /// What a person is known by, as it was sent; of a ticket, what it says.
    async fn marks(&self, sent: Option<proto::PersonMarks>) -> Result<Marks, Status> {
        let sent = sent.unwrap_or_default();
        let given = GivenMarks {
            phone: sent.phone,
            email: sent.email,
            name: sent.name,
            first_name: sent.first_name,
            postal_code: sent.postal_code,
        };
        if sent.ticket_id.trim().is_empty() {
            return Marks::checked(&given).map_err(|fault| Status::invalid_argument(fault.to_string()));
        }
        if Marks::checked(&given).is_ok() {
            return Err(Status::invalid_argument(
                "ticket_id: give either a ticket, or what the person is known by",
            ));
        }
        let id = spoken_ticket_id(&sent.ticket_id).ok_or_else(|| {
            Status::invalid_argument("ticket_id: this is no number of a ticket, such as T-7K3M-9QXW")
        })?;
        let marks = self.parts.finder.marks_of_ticket(&id).await;
        marks.map_err(|error| refused(&error))?.ok_or_else(|| {
            Status::not_found(format!(
                "ticket_id: there is no ticket {id} that says by what a person is known"
            ))
        })
    }
}

#[tonic::async_trait]
impl proto::rights_server::Rights for RightsService {
    async fn find_persons(
        &self,
        request: Request<proto::FindPersonsRequest>,
    ) -> Result<Response<proto::FindPersonsResponse>, Status> {
        find::find_persons(self, request).await
    }
}

/// What the store said, for whoever asked.
pub(crate) fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "the store cannot be used for the rights of data subjects");
    match error {
        StoreError::Conflict(_) => Status::aborted("somebody else has changed it meanwhile; ask again"),
        error if error.is_temporary() => Status::unavailable(format!("{error}; ask again")),
        _ => Status::internal("the store cannot be used; see the log of the server"),
    }
}
