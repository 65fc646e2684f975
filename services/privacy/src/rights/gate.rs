//! Whether an erasure may be carried out: for a case that asks for it, and where two persons are wanted, approved by two.

use std::sync::Arc;

use access::Clock;
use domain::access::Principal;
use domain::privacy::Stamp;
use store::StoreError;
use store::cases::{CaseStore, KeptCase};
use tonic::Status;

use super::refused;

/// How often a note is written anew because somebody else was faster.
const TRIES: usize = 8;

/// Stands before erasures.
#[derive(Clone)]
pub struct CaseGate {
    /// What persons ask for.
    pub cases: Arc<dyn CaseStore>,
    /// Whether an erasure needs a case that two have approved.
    pub two_persons: bool,
    /// Tells the time.
    pub clock: Clock,
}

impl CaseGate {
    /// Lets an erasure through, or says what is missing.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` with the remedy; `NOT_FOUND` where there is no such case.
    pub async fn may_erase(&self, number: Option<u64>) -> Result<(), Status> {
        let Some(number) = number.and_then(|number| i64::try_from(number).ok()) else {
            return match self.two_persons {
                false => Ok(()),
                true => Err(Status::failed_precondition(
                    "case_number: an erasure needs a case that two data protection officers have approved \
                     (privacy.two_persons): privacy case open, check, approve; then name it",
                )),
            };
        };
        let kept = self.kept(number).await?;
        kept.case
            .may_erase(self.two_persons)
            .map_err(|refusal| Status::failed_precondition(refusal.to_string()))
    }

    /// The case that an erasure names, if it names one.
    ///
    /// # Errors
    /// `NOT_FOUND` where there is no such case.
    pub async fn case(&self, number: Option<u64>) -> Result<Option<KeptCase>, Status> {
        match number.and_then(|number| i64::try_from(number).ok()) {
            Some(number) => self.kept(number).await.map(Some),
            None => Ok(None),
        }
    }

    async fn kept(&self, number: i64) -> Result<KeptCase, Status> {
        let kept = self.cases.case(number).await.map_err(|error| refused(&error))?;
        kept.ok_or_else(|| Status::not_found(format!("case_number: there is no case {number}")))
    }

    /// Writes into the case which order was given for it, once for the order.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the store cannot be written: whoever asked repeats the request.
    pub async fn note_order(
        &self,
        principal: &Principal,
        number: Option<u64>,
        order: &str,
    ) -> Result<(), Status> {
        let Some(number) = number.and_then(|number| i64::try_from(number).ok()) else {
            return Ok(());
        };
        let said = format!("erasure ordered: {order}");
        for _ in 0..TRIES {
            let kept = self.cases.case(number).await.map_err(|error| refused(&error))?;
            let Some(mut kept) = kept.filter(|kept| kept.case.notes.iter().all(|note| note.text != said))
            else {
                return Ok(());
            };
            let stamp = Stamp {
                at: (self.clock)(),
                by: principal.name.clone(),
            };
            if kept.case.note(stamp, &said).is_err() {
                // It has as many notes as it may have: the order itself names the case.
                return Ok(());
            }
            match self.cases.change_case(kept).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(refused(&error)),
            }
        }
        Err(refused(&StoreError::Conflict(format!("case {number}"))))
    }
}
