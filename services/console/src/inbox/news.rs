//! What comes into an open inbox, told as it comes.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Query;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use wire::v1::tickets as proto;

use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// A page that nobody touches is told no longer: it must not look alive when its session has ended long ago.
const LONGEST: Duration = Duration::from_secs(30 * 60);

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    stelle: String,
}

/// Counts, now and on every change; nothing about citizens.
pub(super) async fn stream(
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Trouble> {
    let own = visitor.principal.department.as_ref();
    let request = proto::WatchInboxRequest {
        department: own.map_or(asked.stelle, ToString::to_string),
    };
    let moments = visitor
        .services
        .handover()
        .watch_inbox(request)
        .await?
        .into_inner();
    let told = moments
        .take_while(|moment| futures::future::ready(moment.is_ok()))
        .filter_map(|moment| async move { moment.ok().map(|moment| event(&moment)) })
        .take_until(Box::pin(tokio::time::sleep(LONGEST)))
        .chain(stream::once(async { Event::default().event("ende").data("") }))
        .map(Ok);
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

fn event(moment: &proto::InboxMoment) -> Event {
    let data = serde_json::json!({
        "offen": moment.owed,
        "neu": moment.waiting,
        "ueberfaellig": moment.overdue,
        "dazu": moment.arrived,
    });
    Event::default().event("stand").data(data.to_string())
}
