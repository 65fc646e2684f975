//! The gRPC service `nrwdirekt.privacy.v1.Erasures`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::SubsecRound;
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::erasure::ErasureOrder;
use domain::ids::ErasureOrderId;
use store::StoreError;
use store::erasure::{Entered, KeptOrder, NewOrder};
use tonic::{Code, Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::planning::{Asked, Plan, plan};
use super::runner::ErasureRunner;
use super::{ErasureError, ErasureParts, answer};
use crate::about::{self, About};
use crate::paging;

/// How long an answer waits for what may be done at once.
const HURRY: Duration = Duration::from_secs(8);

/// Takes orders, and tells how far they have come.
#[derive(Clone)]
pub struct ErasuresService {
    runner: Arc<ErasureRunner>,
}

impl ErasuresService {
    /// In front of a runner.
    pub fn new(runner: Arc<ErasureRunner>) -> Self {
        Self { runner }
    }

    /// The order of a request: a new one, or the one that it was given before.
    async fn ordered(&self, asked: Asked, by: &str) -> Result<KeptOrder, Status> {
        let parts = &self.runner.parts;
        let key = parts.orders.mark_key().await;
        let key = key.map_err(|error| store_status(&error))?;
        let digest = asked.digest(&key);
        let before = parts.orders.order_of(digest).await;
        let before = before.map_err(|error| store_status(&error))?;
        // What was ordered for a case may be asked for again when the case is decided; anything else may not.
        let may_erase = parts.gate.may_erase(asked.case).await;
        let before = before.filter(|before| may_erase.is_ok() || before.order.case == asked.case);
        if before.is_none() {
            may_erase.clone()?;
        }
        let plan = plan(parts, &asked, &key).await?;
        let before = before.filter(|before| plan.is_within(&before.order));
        let is_repeated = before
            .as_ref()
            .is_some_and(|before| before.order.case == asked.case);
        if !is_repeated {
            refuse_if_other(parts, asked.case, &plan.about).await?;
        }
        if let Some(before) = before {
            return Ok(before);
        }
        may_erase?;
        if let Some(missing) = &plan.missing {
            return Err(Status::not_found(format!(
                "entry_ids: there is no entry {missing}"
            )));
        }
        if plan.is_empty() {
            return Err(nothing_kept());
        }
        let idempotency_key = Some(asked.key.clone()).filter(|key| !key.is_empty());
        let order = self.order(ErasureOrderId::new(new_id()), asked, plan, by);
        let new = NewOrder {
            order: order.clone(),
            idempotency_key,
            digest: Some(digest),
        };
        match parts
            .orders
            .enter_order(new)
            .await
            .map_err(|error| store_status(&error))?
        {
            Entered::Known(known) if known.digest != Some(digest) => Err(Status::already_exists(
                "idempotency_key: it was used for another request; choose another one",
            )),
            Entered::Known(known) => Ok(*known),
            Entered::New => {
                (parts.entered)();
                let kept = parts
                    .orders
                    .order(&order.id)
                    .await
                    .map_err(|error| store_status(&error))?;
                kept.ok_or_else(|| Status::internal("an order was entered and is not there"))
            }
        }
    }

    /// The order of a plan.
    fn order(&self, id: ErasureOrderId, asked: Asked, plan: Plan, by: &str) -> ErasureOrder {
        let of_person = asked.is_of_person();
        ErasureOrder {
            id,
            at: (self.runner.parts.clock)().trunc_subsecs(3),
            by: by.to_owned(),
            reason: asked.reason,
            case: asked.case,
            of_person,
            tickets: plan.tickets,
            calls: plan.calls,
            entries: plan.entries,
            rejected: plan.rejected,
            marks: plan.marks,
            shared: plan.shared,
        }
    }

    /// What the trail says of a request: under its order, and under each ticket, for whoever asks what was done with one.
    fn noted(&self, order: &ErasureOrder, by: &Principal, reason: &str) -> Vec<NewAuditEntry> {
        let entry = |subject| {
            let audit = &self.runner.parts.audit;
            audit.entry(by, AuditAction::ErasureOrdered, subject)
        };
        let items = order.tickets.len() + order.calls.len() + order.entries.len();
        let of_order = entry(AuditSubject::new("erasure", order.id.as_str()))
            .because(reason)
            .of_items(items);
        let because = format!("{}: {reason}", order.id);
        let of_tickets = order
            .tickets
            .iter()
            .map(|id| entry(AuditSubject::new("ticket", id.as_str())).because(&because));
        [of_order].into_iter().chain(of_tickets).collect()
    }

    /// What is missing before it may be ordered; empty if nothing is.
    async fn missing(&self, asked: &Asked, plan: &Plan) -> Result<String, Status> {
        let parts = &self.runner.parts;
        let checked = match parts.gate.may_erase(asked.case).await {
            Ok(()) => refuse_if_other(parts, asked.case, &plan.about).await,
            refused => refused,
        };
        match checked {
            Ok(()) => Ok(String::new()),
            Err(status) if status.code() == Code::FailedPrecondition => Ok(status.message().to_owned()),
            Err(status) => Err(status),
        }
    }

    async fn state(&self, id: &ErasureOrderId) -> Result<proto::ErasureState, Status> {
        let kept = self
            .runner
            .parts
            .orders
            .order(id)
            .await
            .map_err(|error| store_status(&error))?;
        let kept = kept.ok_or_else(|| Status::not_found(format!("order_id: there is no order {id}")))?;
        answer::state(&self.runner, &kept)
            .await
            .map_err(|error| status(&error))
    }
}

#[tonic::async_trait]
impl proto::erasures_server::Erasures for ErasuresService {
    async fn erase(
        &self,
        request: Request<proto::EraseRequest>,
    ) -> Result<Response<proto::ErasureState>, Status> {
        let principal = principal(&request)?;
        let asked = Asked::of(&request.into_inner())?;
        let reason = asked.reason.clone();
        let parts = &self.runner.parts;
        let case = asked.case;
        let kept = self.ordered(asked, &principal.name).await?;
        self.runner
            .write_down(&kept)
            .await
            .map_err(|error| status(&error))?;
        let order = kept.order.id.as_str();
        parts
            .audit
            .append_done(self.noted(&kept.order, &principal, &reason))
            .await?;
        parts.gate.note_order(&principal, case, order).await?;
        tracing::info!(order = %kept.order.id, tickets = kept.order.tickets.len(), calls = kept.order.calls.len(),
            entries = kept.order.entries.len(), "an erasure was ordered");
        self.runner.hurry(&kept.order.id, HURRY).await;
        self.state(&kept.order.id).await.map(Response::new)
    }

    async fn plan_erasure(
        &self,
        request: Request<proto::EraseRequest>,
    ) -> Result<Response<proto::ErasurePlan>, Status> {
        let principal = principal(&request)?;
        let asked = Asked::of(&request.into_inner())?;
        let parts = &self.runner.parts;
        let key = parts.orders.mark_key().await;
        let key = key.map_err(|error| store_status(&error))?;
        let plan = plan(parts, &asked, &key).await?;
        if plan.is_empty() {
            return Err(nothing_kept());
        }
        let missing = self.missing(&asked, &plan).await?;
        let order = self.order(ErasureOrderId::new(""), asked, plan, &principal.name);
        let items = order.tickets.len() + order.calls.len() + order.rejected.len();
        let looked = parts
            .audit
            .entry(&principal, AuditAction::PersonSearched, AuditSubject::none());
        parts.audit.append(looked.of_items(items)).await?;
        let planned = KeptOrder {
            sequence: 0,
            digest: None,
            order,
            steps: BTreeMap::new(),
            reopened_at: None,
            closed_at: None,
        };
        let state = answer::state(&self.runner, &planned).await;
        Ok(Response::new(proto::ErasurePlan {
            state: Some(state.map_err(|error| status(&error))?),
            missing,
        }))
    }

    async fn get_order(
        &self,
        request: Request<proto::GetErasureRequest>,
    ) -> Result<Response<proto::ErasureState>, Status> {
        principal(&request)?;
        let id = ErasureOrderId::new(request.into_inner().order_id);
        self.state(&id).await.map(Response::new)
    }

    async fn list_orders(
        &self,
        request: Request<proto::ListErasuresRequest>,
    ) -> Result<Response<proto::ListErasuresResponse>, Status> {
        principal(&request)?;
        let asked = request.into_inner();
        let before = paging::behind(&asked.page_token)?.unwrap_or(i64::MAX);
        let page = paging::size(asked.page_size);
        let orders = self.runner.parts.orders.orders_before(before, page + 1).await;
        let mut orders = orders.map_err(|error| store_status(&error))?;
        let next_page_token = paging::cut(&mut orders, page, |kept| kept.sequence);
        let mut states = Vec::with_capacity(orders.len());
        for kept in &orders {
            states.push(
                answer::state(&self.runner, kept)
                    .await
                    .map_err(|error| status(&error))?,
            );
        }
        Ok(Response::new(proto::ListErasuresResponse {
            orders: states,
            next_page_token,
        }))
    }
}

/// Refuses what is not what the case of an order is about; where two have to approve it, a case that says nobody, too.
async fn refuse_if_other(parts: &ErasureParts, number: Option<u64>, of: &[About]) -> Result<(), Status> {
    let Some(kept) = parts.gate.case(number).await? else {
        return Ok(());
    };
    if parts.gate.two_persons && !kept.case.has_subject() {
        return Err(Status::failed_precondition(format!(
            "case_number: case {} does not say about whom it is: open one that says by what the person is known, or which \
             tickets are meant (privacy case open --ticket, --about, or --phone with --name and --first-name)",
            kept.number
        )));
    }
    let key = parts.calls.identity_key().await;
    let key = key.map_err(|error| store_status(&error))?;
    about::refuse_if_other(&parts.finder, &key, &kept, of).await
}

fn nothing_kept() -> Status {
    Status::not_found(
        "phone, email, name: nothing is kept of whoever is known by this, or it may be somebody else's",
    )
}

/// A number that nobody guesses, short enough to be said.
fn new_id() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
    format!("E-{}-{}-{}", &random[..4], &random[4..8], &random[16..20])
}

fn status(error: &ErasureError) -> Status {
    tracing::warn!(%error, "an erasure cannot be worked on");
    match error {
        ErasureError::Store(error) => store_status(error),
        ErasureError::Acts(error) => Status::unavailable(format!("{error}; ask again")),
        ErasureError::Bus(error) => Status::unavailable(format!("{error}; ask again")),
        ErasureError::Journal { .. } => Status::unavailable(format!(
            "{error}; the order stands, and is carried out once it can be written there: repeat the request"
        )),
    }
}

pub(super) fn store_status(error: &StoreError) -> Status {
    tracing::warn!(%error, "orders to erase cannot be read or written");
    match error.is_temporary() {
        true => Status::unavailable(format!("{error}; ask again")),
        false => Status::internal("orders to erase cannot be read or written; see the log of the server"),
    }
}
