//! The lines of work of a lease, each going on until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::DepartmentId;
use tokio_util::sync::CancellationToken;

use crate::error::HandoverError;
use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::supervisor::HandoverParts;
use crate::{citizens, due_times, entries, mail, metrics, notices};

/// The first pause after a failure; doubled with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The least time between two looks, so that many new tickets are taken together.
const REST: Duration = Duration::from_millis(5);
/// How long a reader waits for a reply before it looks again.
const REPLY_WAIT: Duration = Duration::from_secs(5);

/// Everything about one department, until stopped or fenced.
pub(crate) async fn department(parts: Arc<HandoverParts>, department: DepartmentId, stop: CancellationToken) {
    let sending = async {
        send(&parts, &department, &stop).await;
        // Without the publisher the replies are another instance's too.
        stop.cancel();
    };
    tokio::join!(
        sending,
        receive(&parts, &department, &stop),
        send_mails(&parts, &department, &stop)
    );
}

async fn send(parts: &Arc<HandoverParts>, department: &DepartmentId, stop: &CancellationToken) {
    let mut raised = parts.wake.of(department);
    let mut pauses = Pauses::new(parts, "outbound");
    let mut desk: Option<Outbound> = None;
    while !stop.is_cancelled() {
        raised.mark_unchanged();
        let step = async {
            let desk = match &mut desk {
                Some(desk) => desk,
                None => desk.insert(Outbound::open(parts, department).await?),
            };
            desk.step().await
        };
        let Some(outcome) = unless_stopped(stop, step).await else {
            return;
        };
        metrics::forbidden(
            department,
            outcome.as_ref().is_err_and(HandoverError::is_forbidden),
        );
        match outcome {
            Ok(more) => pauses.after_success(stop, more, &mut raised).await,
            Err(error) if error.is_fenced() => {
                tracing::warn!(%department, %error, "no longer the publisher of a department");
                return;
            }
            Err(error) => {
                // A publisher that was refused a right is of no use any more.
                desk = desk.filter(|_| !error.is_forbidden());
                pauses.after_failure(stop, department.as_str(), &error).await;
            }
        }
    }
}

async fn receive(parts: &Arc<HandoverParts>, department: &DepartmentId, stop: &CancellationToken) {
    let mut pauses = Pauses::new(parts, "inbound");
    let mut desk: Option<Inbound> = None;
    while !stop.is_cancelled() {
        let step = async {
            let desk = match &mut desk {
                Some(desk) => desk,
                None => desk.insert(Inbound::open(parts, department).await?),
            };
            desk.step(REPLY_WAIT).await
        };
        let Some(outcome) = unless_stopped(stop, step).await else {
            return;
        };
        match outcome {
            Ok(_) => pauses.reset(),
            Err(error) => {
                desk = None;
                pauses.after_failure(stop, department.as_str(), &error).await;
            }
        }
    }
}

async fn send_mails(parts: &Arc<HandoverParts>, department: &DepartmentId, stop: &CancellationToken) {
    let routing = Arc::clone(&(parts.rules)().routing);
    if parts.mail.is_none() || routing.department(department).is_none_or(|it| it.mail.is_none()) {
        return;
    }
    metrics::no_mail_yet(department);
    let mut raised = parts.wake.of(department);
    let mut pauses = Pauses::new(parts, "mail");
    while !stop.is_cancelled() {
        raised.mark_unchanged();
        let Some(outcome) = unless_stopped(stop, mail::step(parts, department)).await else {
            return;
        };
        match outcome {
            Ok(more) => pauses.after_success(stop, more, &mut raised).await,
            Err(error) => pauses.after_failure(stop, department.as_str(), &error).await,
        }
    }
}

/// The notices for the topic of calls, until stopped.
pub(crate) async fn call_notices(parts: Arc<HandoverParts>, stop: CancellationToken) {
    let mut raised = parts.wake.of_notices();
    let mut pauses = Pauses::new(&parts, "call_notices");
    while !stop.is_cancelled() {
        raised.mark_unchanged();
        let Some(outcome) = unless_stopped(&stop, notices::step(&parts)).await else {
            return;
        };
        match outcome {
            Ok(more) => pauses.after_success(&stop, more, &mut raised).await,
            Err(error) => pauses.after_failure(&stop, "call notices", &error).await,
        }
    }
}

/// Entries past their time, and the mails about entries and to citizens, until stopped.
pub(crate) async fn entries(parts: Arc<HandoverParts>, stop: CancellationToken) {
    let mut raised = parts.wake.of_notices();
    let mut pauses = Pauses::new(&parts, "entries");
    while !stop.is_cancelled() {
        raised.mark_unchanged();
        let Some(outcome) = unless_stopped(&stop, to_people(&parts)).await else {
            return;
        };
        match outcome {
            Ok(more) => pauses.after_success(&stop, more, &mut raised).await,
            Err(error) => pauses.after_failure(&stop, "entries", &error).await,
        }
    }
}

/// Whether more may be waiting.
async fn to_people(parts: &Arc<HandoverParts>) -> Result<bool, HandoverError> {
    let more = citizens::step(parts).await?;
    Ok(entries::step(parts).await? || more)
}

/// The look at due times, until stopped.
pub(crate) async fn due_times(parts: Arc<HandoverParts>, stop: CancellationToken) {
    let mut pauses = Pauses::new(&parts, "due_times");
    while !stop.is_cancelled() {
        let Some(outcome) = unless_stopped(&stop, due_times::step(&parts)).await else {
            break;
        };
        match outcome {
            Ok(true) => pauses.reset(),
            Ok(false) => {
                pauses.reset();
                unless_stopped(&stop, tokio::time::sleep(parts.settings.look_at_due_times)).await;
            }
            Err(error) => pauses.after_failure(&stop, "due times", &error).await,
        }
    }
    due_times::end(&parts);
}

async fn unless_stopped<T>(stop: &CancellationToken, step: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        outcome = step => Some(outcome),
        () = stop.cancelled() => None,
    }
}

/// The pauses of a line: short while there is work, longer with each failure in a row.
struct Pauses {
    line: &'static str,
    poll: Duration,
    most: Duration,
    next: Duration,
}

impl Pauses {
    fn new(parts: &HandoverParts, line: &'static str) -> Self {
        Self {
            line,
            poll: parts.settings.poll,
            most: parts.settings.pause_max,
            next: PAUSE_MIN,
        }
    }

    fn reset(&mut self) {
        self.next = PAUSE_MIN;
    }

    async fn after_success(
        &mut self,
        stop: &CancellationToken,
        more: bool,
        raised: &mut tokio::sync::watch::Receiver<u64>,
    ) {
        self.reset();
        if more {
            return;
        }
        unless_stopped(stop, async {
            tokio::time::sleep(REST).await;
            let _ = tokio::time::timeout(self.poll, raised.changed()).await;
        })
        .await;
    }

    async fn after_failure(&mut self, stop: &CancellationToken, whose: &str, error: &HandoverError) {
        metrics::failed(self.line);
        let pause = self.next;
        // One warning an outage and line; the metric counts every failure.
        if pause == PAUSE_MIN {
            tracing::warn!(line = self.line, whose, %error, "handover pauses and goes on later");
        } else {
            tracing::debug!(line = self.line, whose, %error, pause_ms = pause.as_millis() as u64, "handover still pauses");
        }
        self.next = (2 * self.next).min(self.most);
        unless_stopped(stop, tokio::time::sleep(pause)).await;
    }
}
