//! The visits behind a figure.

use domain::ids::HotlineName;
use domain::visit::Outcome;
use store::calls::{CallOrder, CallStore, StoredVisit, VisitPlace, VisitQuery};
use tonic::Status;
use wire::v1::reporting as proto;

use crate::agents_shown::Names;
use crate::records::instant;
use crate::scope;
use crate::service::{page_size, status};
use crate::shown_call::shown_visit;

/// A page of counted visits.
pub(crate) async fn list(
    store: &dyn CallStore,
    request: proto::ListVisitsRequest,
    names: Names,
) -> Result<proto::ListVisitsResponse, Status> {
    let query = query(request)?;
    let most = query.most;
    let visits = store.visits(query).await.map_err(|error| status(&error))?;
    let next_page_token = match visits.last() {
        Some(last) if visits.len() == most => page_token(last.place),
        _ => String::new(),
    };
    let shown = |stored: &StoredVisit| proto::ListedVisit {
        identity: stored.identity.to_hex(),
        visit: Some(shown_visit(&stored.visit, true, names)),
    };
    Ok(proto::ListVisitsResponse {
        visits: visits.iter().map(shown).collect(),
        next_page_token,
    })
}

fn query(request: proto::ListVisitsRequest) -> Result<VisitQuery, Status> {
    let order = match request.order() {
        proto::CallOrder::OldestFirst => CallOrder::OldestFirst,
        proto::CallOrder::NewestFirst => CallOrder::NewestFirst,
    };
    let filter = request.filter.unwrap_or_default();
    let (from, to) = (instant("from", &filter.from)?, instant("to", &filter.to)?);
    if to <= from {
        return Err(scope::invalid(
            "to: give a day or time after `from`; it is exclusive",
        ));
    }
    let outcome = match filter.outcome.trim() {
        "" => None,
        name => Some(Outcome::from_name(name).ok_or_else(unknown_outcome)?),
    };
    Ok(VisitQuery {
        from,
        to,
        hotlines: filter.hotlines.iter().map(HotlineName::new).collect(),
        task_types: scope::task_types(&filter.task_types)?,
        outcome,
        in_queue_ms_max: filter.within_seconds.map(|seconds| i64::from(seconds) * 1000),
        order,
        after: place(&request.page_token)?,
        most: page_size(request.page_size),
    })
}

fn unknown_outcome() -> Status {
    let all: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
    scope::invalid(format!("outcome: use {}", all.join(", ")))
}

fn page_token(place: VisitPlace) -> String {
    format!("{}-{}-{}", place.offered_at_ms, place.call_row, place.ordinal)
}

/// Reads what [`page_token`] gave; nothing for the first page.
fn place(token: &str) -> Result<Option<VisitPlace>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = || {
        let (rest, ordinal) = token.rsplit_once('-')?;
        let (offered_at_ms, call_row) = rest.rsplit_once('-')?;
        Some(VisitPlace {
            offered_at_ms: offered_at_ms.parse().ok()?,
            call_row: call_row.parse().ok()?,
            ordinal: ordinal.parse().ok()?,
        })
    };
    read().map(Some).ok_or_else(|| {
        scope::invalid("page_token: give the `next_page_token` of the page before, as it came")
    })
}
