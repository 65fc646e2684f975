use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use bus::{Bus, BusError, Outgoing, Positions, topics};
use chrono::{DateTime, Utc};
use domain::agents::{AcceptedAgentReport, AgentReport};
use domain::erasure::Suppression;
use domain::event::EventKind;
use domain::ids::{CallId, HotlineName, IdentityKey, ImportRun, SourceKey, SourceName};
use domain::report::{CallReport, ReportBody};
use futures::{Stream, StreamExt};
use prost::Message;
use store::StoreError;
use store::calls::CallStore;
use store::rejected::{ReadAgain, RejectedItem};
use tonic::{Code, Request, Response, Status, Streaming};
use wire::calls::ReportRejection;
use wire::v1::calls as proto;

use crate::envelope::{Envelopes, ce_source};

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Tells whether a hotline is configured.
pub type KnownHotlines = Arc<dyn Fn(&HotlineName) -> bool + Send + Sync>;

/// Gives the list of what was erased, as it is now.
pub type CurrentSuppression = Arc<dyn Fn() -> Arc<Suppression> + Send + Sync>;

/// Reports in one batch at most: larger ones are to be split.
const REPORTS_A_BATCH: usize = 10_000;
/// Batches of one stream that are worked on at once.
const BATCHES_AT_ONCE: usize = 4;

/// The gRPC service `nrwdirekt.calls.v1.Intake`.
#[derive(Clone)]
pub struct IntakeService {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) store: Arc<dyn CallStore>,
    key: IdentityKey,
    is_known: KnownHotlines,
    pub(crate) clock: Clock,
    pub(crate) envelopes: Envelopes,
    suppression: Option<CurrentSuppression>,
}

impl IntakeService {
    /// Intake in front of a bus. Hotlines that are not known are provisional.
    pub fn new(
        bus: Arc<dyn Bus>,
        store: Arc<dyn CallStore>,
        key: IdentityKey,
        is_known: KnownHotlines,
        clock: Clock,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                bus,
                store,
                key,
                is_known,
                clock,
                envelopes: Envelopes::new(),
                suppression: None,
            }),
        }
    }

    /// With a list of what was erased: it does not come back by a report of before.
    #[must_use]
    pub fn suppressing(mut self, list: CurrentSuppression) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.suppression = Some(list);
        }
        self
    }
}

#[tonic::async_trait]
impl proto::intake_server::Intake for IntakeService {
    type StreamReportsStream = Pin<Box<dyn Stream<Item = Result<proto::BatchReceipt, Status>> + Send>>;

    async fn stream_reports(
        &self,
        request: Request<Streaming<proto::ReportBatch>>,
    ) -> Result<Response<Self::StreamReportsStream>, Status> {
        let inner = Arc::clone(&self.inner);
        let receipts = request
            .into_inner()
            .map(move |batch| {
                let inner = Arc::clone(&inner);
                async move {
                    let batch = batch.map_err(too_large)?;
                    // On a task of its own: batches of one stream are looked at on several cores. Which one comes to the
                    // bus first does not matter.
                    let work = tokio::spawn(async move { inner.take_in(batch).await });
                    work.await
                        .map_err(|_| Status::internal("a batch was cut short; send it again"))?
                }
            })
            .buffered(BATCHES_AT_ONCE);
        Ok(Response::new(Box::pin(receipts)))
    }

    async fn submit_reports(
        &self,
        request: Request<proto::ReportBatch>,
    ) -> Result<Response<proto::BatchReceipt>, Status> {
        self.inner.take_in(request.into_inner()).await.map(Response::new)
    }

    async fn finish_replacement(
        &self,
        request: Request<proto::FinishReplacementRequest>,
    ) -> Result<Response<proto::FinishReplacementResponse>, Status> {
        self.inner.replace(request.into_inner()).await.map(Response::new)
    }
}

/// A batch after every report in it was looked at.
#[derive(Default)]
struct Examined {
    messages: Vec<Outgoing>,
    flagged: u32,
    rejections: Vec<proto::Rejection>,
    rejected: Vec<RejectedItem>,
    provisional: BTreeSet<HotlineName>,
}

impl Inner {
    async fn take_in(&self, batch: proto::ReportBatch) -> Result<proto::BatchReceipt, Status> {
        let number = batch.batch;
        let result = self.keep(batch).await;
        match &result {
            Ok(receipt) => metrics_of(receipt),
            Err(status) => {
                crate::metrics::refused();
                tracing::warn!(batch = number, code = ?status.code(), reason = status.message(), "batch refused");
            }
        }
        result
    }

    async fn keep(&self, batch: proto::ReportBatch) -> Result<proto::BatchReceipt, Status> {
        let number = batch.batch;
        let examined = self.examine(batch)?;
        if !examined.rejected.is_empty() {
            crate::metrics::rejected(examined.rejected.len());
            self.store
                .keep_rejected(examined.rejected)
                .await
                .map_err(|error| store_status(&error))?;
        }
        let accepted = examined.messages.len() as u32;
        let positions = match examined.messages {
            messages if messages.is_empty() => Default::default(),
            messages => self
                .bus
                .publish(topics::CALLS, messages)
                .await
                .map_err(|error| bus_status(&error))?,
        };
        let positions = shown_positions(positions);
        Ok(proto::BatchReceipt {
            batch: number,
            accepted,
            flagged: examined.flagged,
            rejected: examined.rejections,
            positions,
            provisional_hotlines: examined
                .provisional
                .into_iter()
                .map(|hotline| hotline.to_string())
                .collect(),
        })
    }

    fn examine(&self, batch: proto::ReportBatch) -> Result<Examined, Status> {
        let source = SourceName::new(&batch.source);
        let run = ImportRun::new(&batch.import_run);
        for (field, text) in [("source", source.as_str()), ("import_run", run.as_str())] {
            if text.is_empty() || text.chars().count() > wire::calls::LONGEST_NAME {
                return Err(Status::invalid_argument(format!(
                    "{field}: give it 1 to 200 characters"
                )));
            }
        }
        if batch.reports.len() + batch.unreadable.len() + batch.agents.len() > REPORTS_A_BATCH {
            return Err(Status::invalid_argument(format!(
                "reports: split the batch, {REPORTS_A_BATCH} at most"
            )));
        }
        let now = (self.clock)();
        let erased = self.suppression.as_ref().map(|list| list());
        let ce_source = ce_source(&source);
        let mut examined = Examined {
            messages: Vec::with_capacity(batch.reports.len()),
            ..Examined::default()
        };
        for (index, report) in batch.reports.iter().enumerate() {
            match self.check(report, &source, &run, now) {
                Ok(mut report) => {
                    report.confirms = batch.replaces;
                    if let Some(erased) = &erased {
                        erased.apply(&mut report);
                    }
                    self.accept(&report, &ce_source, &mut examined);
                }
                Err(rejection) => {
                    let item = self.refused(report.encode_to_vec(), &rejection, &source, &run, now);
                    examined.rejected.push(item);
                    examined.rejections.push(proto::Rejection {
                        index: index as u32,
                        field: rejection.field().to_owned(),
                        reason: rejection.to_string(),
                    });
                }
            }
        }
        for (index, report) in batch.agents.iter().enumerate() {
            match wire::calls::checked_agent(report, now) {
                Ok(report) => self.accept_agent(report, &source, &run, now, &mut examined),
                Err(rejection) => {
                    let payload = report.encode_to_vec();
                    let item = self.refused(payload, &rejection, &source, &run, now);
                    examined.rejected.push(item);
                    examined.rejections.push(proto::Rejection {
                        index: (batch.reports.len() + index) as u32,
                        field: rejection.field().to_owned(),
                        reason: rejection.to_string(),
                    });
                }
            }
        }
        for item in batch.unreadable {
            examined.rejected.push(self.unreadable(item, &source, &run, now)?);
        }
        if let Some(erased) = &erased {
            let items = examined.rejected.iter_mut();
            items
                .filter(|item| erased.erases_item(item.id))
                .for_each(RejectedItem::empty);
        }
        Ok(examined)
    }

    fn check(
        &self,
        report: &proto::CallReport,
        source: &SourceName,
        run: &ImportRun,
        now: DateTime<Utc>,
    ) -> Result<CallReport, ReportRejection> {
        let key = wire::calls::source_key(report.key.as_ref())?;
        let body = wire::calls::checked_body(report.body.as_ref(), now)?;
        let identity = self.key.identity(source, &key);
        let call_id: Option<CallId> = match key {
            SourceKey::Call(id) => Some(id),
            SourceKey::Row { .. } => None,
        };
        Ok(CallReport {
            identity,
            source: source.clone(),
            call_id,
            run: run.clone(),
            received_at: now,
            body,
            confirms: false,
        })
    }

    fn accept(&self, report: &CallReport, ce_source: &str, examined: &mut Examined) {
        let hotline = match &report.body {
            ReportBody::Record(revised) => {
                examined.flagged += u32::from(!revised.record.doubts.is_empty());
                Some(&revised.record.hotline)
            }
            ReportBody::Event(event) => match &event.kind {
                EventKind::Arrived { hotline, .. } | EventKind::Queued { hotline } => Some(hotline),
                _ => None,
            },
            ReportBody::CallbackLogged(_) | ReportBody::Retracted => None,
        };
        if let Some(hotline) = hotline.filter(|hotline| !(self.is_known)(hotline)) {
            examined.provisional.insert(hotline.clone());
        }
        examined.messages.push(self.envelopes.of_call(report, ce_source));
    }

    fn accept_agent(
        &self,
        report: AgentReport,
        source: &SourceName,
        run: &ImportRun,
        now: DateTime<Utc>,
        examined: &mut Examined,
    ) {
        let parts: [&[u8]; 3] = [
            b"agent",
            source.as_str().as_bytes(),
            report.agent.as_str().as_bytes(),
        ];
        let accepted = AcceptedAgentReport {
            identity: self.key.keyed(&parts),
            source: source.clone(),
            run: run.clone(),
            received_at: now,
            report,
        };
        let message = self.envelopes.of_agent(&accepted, &ce_source(source));
        examined.messages.push(message);
    }

    fn refused(
        &self,
        payload: Vec<u8>,
        rejection: &ReportRejection,
        source: &SourceName,
        run: &ImportRun,
        now: DateTime<Utc>,
    ) -> RejectedItem {
        RejectedItem {
            id: self
                .key
                .keyed(&[b"rejected", source.as_str().as_bytes(), &payload]),
            source: source.clone(),
            run: run.clone(),
            received_at: now,
            position: String::new(),
            field: rejection.field().to_owned(),
            reason: rejection.to_string(),
            payload,
            again: ReadAgain {
                format: wire::calls::REPORT_FORMAT.to_owned(),
                ..ReadAgain::default()
            },
            discard: None,
        }
    }

    fn unreadable(
        &self,
        item: proto::UnreadableItem,
        source: &SourceName,
        run: &ImportRun,
        now: DateTime<Utc>,
    ) -> Result<RejectedItem, Status> {
        let (id, mut again) = match &item.row {
            Some(row) => {
                let key = wire::calls::row_key(row)
                    .map_err(|rejection| Status::invalid_argument(format!("unreadable.row: {rejection}")))?;
                (self.key.identity(source, &key), ReadAgain::from(&key))
            }
            None => {
                let parts: [&[u8]; 3] = [b"unreadable", source.as_str().as_bytes(), &item.payload];
                (self.key.keyed(&parts), ReadAgain::default())
            }
        };
        let short = |text: String| text.chars().take(500).collect::<String>();
        again.format = short(item.format);
        again.context = item.context;
        Ok(RejectedItem {
            id,
            source: source.clone(),
            run: run.clone(),
            received_at: now,
            position: short(item.position),
            field: short(item.field),
            reason: short(wire::calls::without_personal_data(&item.reason)),
            payload: item.payload,
            again,
            discard: None,
        })
    }
}

/// Positions on the bus, for clients.
pub(crate) fn shown_positions(positions: Positions) -> Vec<proto::Position> {
    let shown = |(partition, next_offset)| proto::Position {
        partition,
        next_offset,
    };
    positions.into_iter().map(shown).collect()
}

fn metrics_of(receipt: &proto::BatchReceipt) {
    crate::metrics::accepted(receipt.accepted, receipt.flagged);
}

/// A message over the limit is RESOURCE_EXHAUSTED by gRPC's conventions; the library calls it OUT_OF_RANGE.
fn too_large(status: Status) -> Status {
    match status.code() {
        Code::OutOfRange => Status::resource_exhausted(status.message()),
        _ => status,
    }
}

pub(crate) fn bus_status(error: &BusError) -> Status {
    let remedy = format!("{error}; nothing is acknowledged, send the batch again");
    if error.is_temporary() {
        Status::unavailable(remedy)
    } else {
        Status::internal(remedy)
    }
}

pub(crate) fn store_status(error: &StoreError) -> Status {
    let remedy = format!("{error}; nothing is acknowledged, send the batch again");
    if error.is_temporary() {
        Status::unavailable(remedy)
    } else {
        Status::internal(remedy)
    }
}
