//! The gRPC service `nrwdirekt.privacy.v1.Rights`.

mod acts;
mod cases;
mod find;
mod gate;
mod recipients;
mod rectify;
mod restrict;
mod tell;

use std::sync::Arc;

use access::AuditTrail;
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, IdentityKey};
use domain::privacy::{GivenMarks, Marks};
use domain::service_time::DuePolicy;
use domain::ticket::{TicketState, spoken_ticket_id};
use store::StoreError;
use store::audit::AuditStore;
use store::cases::CaseStore;
use store::recipients::RecipientStore;
use tonic::{Request, Response, Status};
use wire::v1::privacy as proto;

use crate::finder::Found;
use crate::journal::ActJournal;
use crate::{CurrentRules, Finder};
pub(crate) use cases::{mark_hash, name_hashes};
pub use gate::CaseGate;
use restrict::Way;

/// Tells the time; set by tests.
pub(crate) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Told the departments that there is something for, so that handover in the same process need not wait for its next look.
pub(crate) type Wake = Arc<dyn Fn(&DepartmentId) + Send + Sync>;

/// How the rights of data subjects are carried out.
#[derive(Clone, Copy, Debug)]
pub struct RightsSettings {
    /// Whether an erasure that a case asks for needs two who approve it.
    pub two_persons: bool,
    /// For how many days a department may leave unconfirmed what it was told.
    pub confirm_within_days: u32,
}

/// What the rights of data subjects are served with.
#[derive(Clone)]
pub struct RightsParts {
    /// Finds what is kept of a person.
    pub finder: Finder,
    /// Who was told of rectifications, restrictions and erasures.
    pub recipients: Arc<dyn RecipientStore>,
    /// What persons ask for.
    pub cases: Arc<dyn CaseStore>,
    /// Who has looked at what.
    pub looks: Arc<dyn AuditStore>,
    /// Makes keyed hashes of what persons are known by.
    pub key: IdentityKey,
    /// Knows departments and procedures.
    pub rules: CurrentRules,
    /// When answers are due.
    pub due_policy: DuePolicy,
    /// Tells the time.
    pub clock: Clock,
    /// Told of every department that there is something for, where handover runs in the same process.
    pub wake: Option<Wake>,
    /// How it is done here.
    pub settings: RightsSettings,
    /// Beside the backups; `None` where there are none.
    pub journal: Option<Arc<ActJournal>>,
    /// Noted in it is who has searched or done what.
    pub audit: AuditTrail,
}

impl RightsParts {
    fn wake(&self, department: &DepartmentId) {
        if let Some(wake) = &self.wake {
            wake(department);
        }
    }
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
        let finder = &self.parts.finder;
        let marks = finder.marks_of_ticket(&id).await;
        if let Some(marks) = marks.map_err(|error| refused(&error))? {
            return Ok(marks);
        }
        let found = finder.tickets.ticket(&id).await;
        let found = found.map_err(|error| refused(&error))?;
        Err(Status::not_found(
            match found.is_some_and(|found| found.ticket.state == TicketState::Erased) {
                true => format!(
                    "ticket_id: ticket {id} is erased: nothing in it says any more whose it was; what was done with it is \
                     told by `nrwdirekt privacy audit list --ticket {id}`"
                ),
                false => format!("ticket_id: there is no ticket {id} that says by what a person is known"),
            },
        ))
    }
}

impl RightsService {
    /// What is kept of the one person that marks fit, and which of those that were found it is; none where there are no
    /// tickets.
    async fn one_person(&self, marks: &Marks) -> Result<(Found, Option<usize>), Status> {
        let found = self
            .parts
            .finder
            .find(marks)
            .await
            .map_err(|error| refused(&error))?;
        if found.incomplete {
            return Err(Status::failed_precondition(
                "name: so many tickets fit that they cannot be of one person; narrow the search down",
            ));
        }
        match found.persons.len() {
            0 => Ok((found, None)),
            1 => Ok((found, Some(0))),
            several => Err(Status::failed_precondition(format!(
                "name: {several} persons are known by this; see privacy find, and say which one is meant by name and \
                 first_name, or by ticket_id"
            ))),
        }
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

    type TellPersonStream = tell::Pieces;

    async fn tell_person(
        &self,
        request: Request<proto::TellPersonRequest>,
    ) -> Result<Response<Self::TellPersonStream>, Status> {
        tell::tell_person(self, request).await
    }

    async fn rectify_ticket(
        &self,
        request: Request<proto::RectifyTicketRequest>,
    ) -> Result<Response<proto::RectifyTicketResponse>, Status> {
        rectify::rectify_ticket(self, request).await
    }

    async fn restrict(
        &self,
        request: Request<proto::RestrictRequest>,
    ) -> Result<Response<proto::RestrictResponse>, Status> {
        restrict::act(self, Way::Restrict, request).await
    }

    async fn lift_restriction(
        &self,
        request: Request<proto::RestrictRequest>,
    ) -> Result<Response<proto::RestrictResponse>, Status> {
        restrict::act(self, Way::Lift, request).await
    }

    async fn list_recipients(
        &self,
        request: Request<proto::ListRecipientsRequest>,
    ) -> Result<Response<proto::ListRecipientsResponse>, Status> {
        recipients::list(self, request).await
    }

    async fn confirm_recipient(
        &self,
        request: Request<proto::ConfirmRecipientRequest>,
    ) -> Result<Response<proto::ConfirmRecipientResponse>, Status> {
        recipients::confirm(self, request).await
    }

    async fn open_case(
        &self,
        request: Request<proto::OpenCaseRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        cases::open(self, request).await
    }

    async fn list_cases(
        &self,
        request: Request<proto::ListCasesRequest>,
    ) -> Result<Response<proto::ListCasesResponse>, Status> {
        cases::list(self, request).await
    }

    async fn get_case(
        &self,
        request: Request<proto::GetCaseRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        cases::get(self, request).await
    }

    async fn change_case(
        &self,
        request: Request<proto::ChangeCaseRequest>,
    ) -> Result<Response<proto::Case>, Status> {
        cases::change(self, request).await
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
