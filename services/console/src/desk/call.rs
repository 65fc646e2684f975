//! The running call of the agent, as it changes.

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _, stream};
use tonic::{Code, Streaming};
use wire::v1::reporting as proto;

use super::{agent, words};
use crate::Console;
use crate::format;
use crate::visitor::Visitor;

/// How long it takes until a desk that cannot be watched is asked for again.
const PAUSE: Duration = Duration::from_secs(3);

/// What is told of the call.
#[derive(Template)]
#[template(path = "desk/call.html")]
struct CallPanel {
    call: Option<Running>,
    activity: String,
    /// Nothing can be told at the moment.
    unknown: bool,
}

struct Running {
    identity: String,
    caller: String,
    withheld: bool,
    hotline: String,
    phase: String,
    /// For programs.
    phase_name: String,
    wait: String,
    /// When what is shown as a running clock began, by the clock of the server.
    since_unix_ms: i64,
    now_unix_ms: i64,
}

impl CallPanel {
    fn nothing(unknown: bool) -> Self {
        Self {
            call: None,
            activity: String::new(),
            unknown,
        }
    }

    fn of(desk: proto::Desk, now_unix_ms: i64) -> Self {
        let running = |call: proto::RunningCall| {
            // Whether there was a number is for the kind to say: an empty one may not have been told yet.
            let is_number = matches!(
                call.caller_kind.as_str(),
                "e164" | "service" | "internal" | "doubtful"
            );
            Running {
                identity: call.identity,
                withheld: call.caller_kind == "withheld",
                caller: if is_number { call.caller } else { String::new() },
                hotline: call.hotline,
                phase: words::phase(&call.phase).to_owned(),
                phase_name: call.phase,
                wait: format::duration(call.time_to_answer_ms),
                since_unix_ms: call.phase_since_unix_ms,
                now_unix_ms: desk.at_unix_ms.max(now_unix_ms),
            }
        };
        Self {
            call: desk.call.map(running),
            activity: words::activity(&desk.activity).to_owned(),
            unknown: false,
        }
    }

    fn event(&self) -> Event {
        Event::default().data(self.render().unwrap_or_default())
    }
}

/// Where the watching stands.
enum Watching {
    Begin,
    On(Box<Streaming<proto::Desk>>),
    Again,
    /// Nothing will ever be told here.
    Never,
}

/// Tells of the call, first as it is, then whenever it changes. A desk that cannot be watched for a while is asked for again.
pub(super) async fn watch(
    State(console): State<Console>,
    visitor: Visitor,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let told = stream::unfold(Watching::Begin, move |watching| {
        let (console, visitor) = (console.clone(), visitor.clone());
        async move { step(&console, &visitor, watching).await }
    });
    Sse::new(told.map(|panel: CallPanel| Ok(panel.event()))).keep_alive(KeepAlive::default())
}

/// The next thing to tell, and how it goes on.
async fn step(console: &Console, visitor: &Visitor, mut watching: Watching) -> Option<(CallPanel, Watching)> {
    loop {
        watching = match watching {
            Watching::On(mut desks) => match desks.message().await {
                Ok(Some(desk)) => {
                    let now = (console.clock)().timestamp_millis();
                    return Some((CallPanel::of(desk, now), Watching::On(desks)));
                }
                Ok(None) => Watching::Again,
                Err(status) => return refused(status.code()),
            },
            Watching::Again => {
                tokio::time::sleep(PAUSE).await;
                Watching::Begin
            }
            Watching::Begin => {
                let asked = proto::WatchDeskRequest {
                    agent: agent(visitor),
                };
                match visitor.services.live().watch_desk(asked).await {
                    Ok(desks) => Watching::On(Box::new(desks.into_inner())),
                    Err(status) => return refused(status.code()),
                }
            }
            Watching::Never => std::future::pending().await,
        };
    }
}

fn refused(code: Code) -> Option<(CallPanel, Watching)> {
    match code {
        Code::Unimplemented => Some((CallPanel::nothing(false), Watching::Never)),
        // The session is over: the next request of the page says so.
        Code::Unauthenticated | Code::PermissionDenied => None,
        _ => Some((CallPanel::nothing(true), Watching::Again)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(kind: &str, caller: &str) -> proto::Desk {
        proto::Desk {
            at_unix_ms: 1_798_039_800_000,
            activity: "talking".to_owned(),
            call: Some(proto::RunningCall {
                identity: "0".repeat(32),
                caller: caller.to_owned(),
                caller_kind: kind.to_owned(),
                hotline: "Umwelt".to_owned(),
                phase: "talking".to_owned(),
                phase_since_unix_ms: 1_798_039_790_000,
                time_to_answer_ms: Some(24_000),
                ..Default::default()
            }),
        }
    }

    #[test]
    fn the_running_call_is_told_with_number_hotline_and_wait() {
        let told = CallPanel::of(desk("e164", "+492111234"), 0).render().unwrap();
        for expected in ["+492111234", "Umwelt", "0:24", "im Gespräch", "data-anruf"] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }

    #[test]
    fn a_withheld_number_and_an_address_fill_nothing_in() {
        let told = CallPanel::of(desk("withheld", ""), 0).render().unwrap();
        assert!(told.contains("unterdrückt"), "{told}");
        let told = CallPanel::of(desk("not_a_number", "a@b.de"), 0).render().unwrap();
        assert!(!told.contains("a@b.de"), "{told}");
    }

    #[test]
    fn without_a_call_it_says_so() {
        let told = CallPanel::nothing(false).render().unwrap();
        assert!(
            told.contains("kein laufendes Gespräch") && !told.contains("data-anruf"),
            "{told}"
        );
    }
}
