use std::pin::Pin;
use std::sync::Arc;

use access::AuditTrail;
use chrono::{DateTime, Utc};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{AgentName, CallId, HotlineName, Identity, IdentityKey, SourceKey, SourceName};
use domain::local_time;
use domain::personal::Personal;
use domain::record::{CallRecord, ConnectionStatus};
use store::calls::{CallOrder, CallPlace, CallQuery, CallStore, StoredCall};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::reporting as proto;

use crate::agents_shown::{AgentsShown, Names, named};
use crate::service::{Clock, page_size, status};
use crate::shown_call::{Detail, shown_call};

/// Calls that an export reads at once.
const CALLS_AT_ONCE: usize = 500;

/// The gRPC service `nrwdirekt.reporting.v1.Records`.
#[derive(Clone)]
pub struct RecordsService {
    store: Arc<dyn CallStore>,
    key: IdentityKey,
    agents: AgentsShown,
    clock: Clock,
    audit: AuditTrail,
}

impl RecordsService {
    /// Shows the calls of a store; the key finds a call by the id that its source gave to it. `agents`: who sees who
    /// answered.
    pub fn new(
        store: Arc<dyn CallStore>,
        key: IdentityKey,
        agents: AgentsShown,
        clock: Clock,
        audit: AuditTrail,
    ) -> Self {
        Self {
            store,
            key,
            agents,
            clock,
            audit,
        }
    }

    /// Which names of agents somebody sees.
    fn names(&self, principal: &Principal) -> Names {
        match self.agents.is_for(principal) {
            true => Names::From(self.agents.oldest((self.clock)())),
            false => Names::Hidden,
        }
    }

    /// Notes that names of agents are shown, if any are.
    async fn note_names(&self, principal: &Principal, shown: usize) -> Result<(), Status> {
        if shown == 0 {
            return Ok(());
        }
        let subject = AuditSubject::none();
        let entry = self
            .audit
            .entry(principal, AuditAction::AgentFiguresRead, subject);
        self.audit.append(entry.of_items(shown)).await
    }

    /// The call with an identity, or the one that a source knows by an id.
    async fn find(&self, id: &str) -> Result<StoredCall, Status> {
        let store = &self.store;
        if let Some(identity) = Identity::from_hex(&id.to_ascii_lowercase())
            && let Some(call) = store.call(identity).await.map_err(|error| status(&error))?
        {
            return Ok(call);
        }
        let mut found = Vec::new();
        for source in store.sources().await.map_err(|error| status(&error))? {
            for call_id in call_ids(id, &source) {
                let identity = self.key.identity(&source, &SourceKey::Call(call_id));
                found.extend(store.call(identity).await.map_err(|error| status(&error))?);
            }
        }
        match found.len() {
            0 => Err(Status::not_found(
                "no such call: give the 32 hexadecimal digits that lists show, or the id that its source gave to it",
            )),
            1 => Ok(found.remove(0)),
            _ => {
                let sources: Vec<&str> = found.iter().map(|call| call.source.as_str()).collect();
                Err(Status::failed_precondition(format!(
                    "several sources have a call with this id ({}): give SOURCE/ID",
                    sources.join(", ")
                )))
            }
        }
    }
}

/// The ids of calls of a source that a text may mean: the text, and what stands behind the name of the source.
fn call_ids(text: &str, source: &SourceName) -> Vec<CallId> {
    let named = text
        .strip_prefix(source.as_str())
        .and_then(|rest| rest.strip_prefix('/'));
    [Some(text), named]
        .into_iter()
        .flatten()
        .map(CallId::new)
        .collect()
}

#[tonic::async_trait]
impl proto::records_server::Records for RecordsService {
    async fn list_calls(
        &self,
        request: Request<proto::ListCallsRequest>,
    ) -> Result<Response<proto::ListCallsResponse>, Status> {
        let principal = principal(&request)?;
        let request = request.into_inner();
        let by_number = request
            .filter
            .as_ref()
            .is_some_and(|filter| !filter.number.trim().is_empty());
        let is_personal = request.reveal || by_number;
        if is_personal && !principal.may_reveal_calls() {
            return Err(not_revealed(if request.reveal { "reveal" } else { "number" }));
        }
        let names = self.names(&principal);
        let most = page_size(request.page_size);
        let mut query = CallQuery {
            order: match request.order() {
                proto::CallOrder::OldestFirst => CallOrder::OldestFirst,
                proto::CallOrder::NewestFirst => CallOrder::NewestFirst,
            },
            after: place(&request.page_token)?
                .map(|(started_at, identity)| CallPlace { started_at, identity }),
            most,
            ..filter(request.filter.unwrap_or_default())?
        };
        if query.agent.is_some() {
            self.agents.admit(&principal)?;
            query.from = query.from.max(self.agents.oldest((self.clock)()));
        }
        let calls = self.store.calls(query).await.map_err(|error| status(&error))?;
        let next_page_token = match calls.last().and_then(StoredCall::place) {
            Some(last) if calls.len() == most => page_token(last.started_at, last.identity),
            _ => String::new(),
        };
        if is_personal {
            let entry = self
                .audit
                .entry(&principal, AuditAction::CallsListed, AuditSubject::none());
            self.audit.append(entry.of_items(calls.len())).await?;
        }
        let shown = |call: &StoredCall| shown_call(call, Detail::Listed, request.reveal, names);
        let calls: Vec<proto::Call> = calls.iter().map(shown).collect();
        self.note_names(&principal, named(calls.iter().flat_map(|call| &call.visits)))
            .await?;
        Ok(Response::new(proto::ListCallsResponse {
            calls,
            next_page_token,
        }))
    }

    async fn list_visits(
        &self,
        request: Request<proto::ListVisitsRequest>,
    ) -> Result<Response<proto::ListVisitsResponse>, Status> {
        let principal = principal(&request)?;
        let names = self.names(&principal);
        let answer = crate::visits::list(&*self.store, request.into_inner(), names).await?;
        let visits = answer.visits.iter().filter_map(|listed| listed.visit.as_ref());
        self.note_names(&principal, named(visits)).await?;
        Ok(Response::new(answer))
    }

    async fn get_call(
        &self,
        request: Request<proto::GetCallRequest>,
    ) -> Result<Response<proto::Call>, Status> {
        let principal = principal(&request)?;
        let request = request.into_inner();
        if request.reveal && !principal.may_reveal_calls() {
            return Err(not_revealed("reveal"));
        }
        let call = self.find(request.id.trim()).await?;
        if request.reveal {
            let subject = AuditSubject::new("call", call.identity.to_hex());
            let note = self.audit.note(&principal, AuditAction::CallRevealed, subject);
            note.await?;
        }
        let names = self.names(&principal);
        let shown = shown_call(&call, Detail::Everything, request.reveal, names);
        self.note_names(&principal, named(&shown.visits)).await?;
        Ok(Response::new(shown))
    }

    type ExportCallsStream = Pin<Box<dyn Stream<Item = Result<proto::ExportedCalls, Status>> + Send>>;

    async fn export_calls(
        &self,
        request: Request<proto::ExportCallsRequest>,
    ) -> Result<Response<Self::ExportCallsStream>, Status> {
        let principal = principal(&request)?;
        if !principal.may_reveal_calls() {
            return Err(not_revealed("export"));
        }
        let request = request.into_inner();
        let days = format!("{}..{}", request.from, request.to);
        let query = CallQuery {
            most: CALLS_AT_ONCE,
            ..filter(proto::CallFilter {
                from: request.from,
                to: request.to,
                hotline: request.hotline,
                source: request.source,
                ..proto::CallFilter::default()
            })?
        };
        let entry = self
            .audit
            .entry(&principal, AuditAction::CallsExported, AuditSubject::none());
        self.audit.append(entry.because(&days)).await?;
        // One batch is read ahead; a client that is slow or gone stops the reading.
        let (sender, batches) = mpsc::channel(1);
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(status) = export(&*store, query, &sender).await {
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(batches))))
    }
}

/// Sends the records of a query, page by page, until the last or until nobody listens any more.
async fn export(
    store: &dyn CallStore,
    mut query: CallQuery,
    batches: &mpsc::Sender<Result<proto::ExportedCalls, Status>>,
) -> Result<(), Status> {
    let mut open_calls = 0;
    loop {
        let calls = store.calls(query.clone()).await.map_err(|error| status(&error))?;
        let mut records = Vec::with_capacity(calls.len());
        for call in &calls {
            let assembled = call.state.assembled();
            if assembled.open {
                open_calls += 1;
                continue;
            }
            let exported = |record: &CallRecord| {
                let counted = call.state.counts_for(&record.hotline);
                counted || (query.source.is_some() && !call.state.retracted)
            };
            if let Some(record) = assembled.record.filter(exported) {
                let revision = call.state.record.as_ref().map_or(0, |revised| revised.revision);
                let revised = domain::report::RevisedRecord { revision, record };
                records.push(wire::calls::record_to_wire(&revised));
            }
        }
        query.after = calls.last().and_then(StoredCall::place);
        let last = calls.len() < query.most || query.after.is_none();
        let batch = proto::ExportedCalls { records, open_calls };
        if batches.send(Ok(batch)).await.is_err() || last {
            return Ok(());
        }
    }
}

/// What is asked for, checked; the order and the page are left to the caller.
fn filter(filter: proto::CallFilter) -> Result<CallQuery, Status> {
    let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    let (from, to) = (instant("from", &filter.from)?, instant("to", &filter.to)?);
    if to <= from {
        return Err(Status::invalid_argument(
            "to: give a day or time after `from`; it is exclusive",
        ));
    }
    let status = match given(filter.status) {
        None => None,
        Some(name) => Some(ConnectionStatus::from_name(name.trim()).ok_or_else(unknown_status)?),
    };
    Ok(CallQuery {
        from,
        to,
        hotline: given(filter.hotline).map(HotlineName::new),
        source: given(filter.source).map(SourceName::new),
        status,
        number: given(filter.number).map(Personal::new),
        agent: given(filter.agent).map(AgentName::new),
        with_restricted: false,
        order: CallOrder::OldestFirst,
        after: None,
        most: 0,
    })
}

fn not_revealed(field: &str) -> Status {
    Status::permission_denied(format!(
        "{field}: numbers and addresses of citizens are not for this role"
    ))
}

fn unknown_status() -> Status {
    let all: Vec<&str> = ConnectionStatus::ALL.iter().map(|status| status.name()).collect();
    Status::invalid_argument(format!("status: use {}", all.join(", ")))
}

/// The start of a local day, or a time.
pub(crate) fn instant(field: &str, text: &str) -> Result<DateTime<Utc>, Status> {
    local_time::instant(text).ok_or_else(|| {
        Status::invalid_argument(format!(
            "{field}: give a day from 1990 on as YYYY-MM-DD, or a time as 2024-10-27T02:30:00+02:00"
        ))
    })
}

/// What a page ends with: a time and an id, from after which the next one goes on.
pub(crate) fn page_token(at: DateTime<Utc>, id: Identity) -> String {
    format!("{}-{}", at.timestamp_millis(), id.to_hex())
}

/// Reads what [`page_token`] gave; nothing for the first page.
pub(crate) fn place(token: &str) -> Result<Option<(DateTime<Utc>, Identity)>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = || {
        let (at, id) = token.rsplit_once('-')?;
        Some((wire::time(at.parse().ok()?)?, Identity::from_hex(id)?))
    };
    read().map(Some).ok_or_else(|| {
        Status::invalid_argument("page_token: give the `next_page_token` of the page before, as it came")
    })
}
