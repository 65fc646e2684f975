//! Everybody who looks at the same shares one picture: it is asked for once, drawn once a second, and its bytes go to all.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use futures::Stream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use super::moment::Picture;
use super::view::View;
use crate::backend::Services;

/// Between two pictures at least.
const BETWEEN_PICTURES: Duration = Duration::from_secs(1);
/// Before the moment is asked for again after it could not be told.
const BEFORE_AGAIN: Duration = Duration::from_secs(2);
/// After this time a stream ends, and the browser comes again: whether its session still holds is looked at then.
const STREAM_AT_MOST: Duration = Duration::from_secs(15 * 60);

/// A message of the stream: for those who saw the one before, and for those who did not.
struct Frame {
    number: u64,
    whole: Bytes,
    changes: Bytes,
}

type Frames = watch::Sender<Option<Arc<Frame>>>;

/// A view that somebody looks at.
struct Shared {
    frames: Frames,
    /// With the session of whoever came last: a session that has ended must not end the view of others.
    services: Mutex<Services>,
}

/// The views that somebody looks at.
#[derive(Default)]
pub(super) struct Views(Mutex<HashMap<View, Arc<Shared>>>);

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Views {
    /// The messages of a view, for `rest_ms` at most.
    pub(super) fn watch(
        self: &Arc<Self>,
        view: View,
        services: Services,
        rest_ms: Option<i64>,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
        let frames = self.enter(view, services);
        let rest = rest_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        let end = Instant::now() + rest.unwrap_or(STREAM_AT_MOST).min(STREAM_AT_MOST);
        futures::stream::unfold((frames, 0), move |(mut frames, seen)| async move {
            loop {
                let frame = frames.borrow_and_update().clone();
                match frame {
                    Some(frame) if frame.number > seen => {
                        let told = match frame.number == seen + 1 {
                            true => frame.changes.clone(),
                            false => frame.whole.clone(),
                        };
                        return Some((Ok(told), (frames, frame.number)));
                    }
                    _ => timeout_at(end, frames.changed()).await.ok()?.ok()?,
                }
            }
        })
    }

    fn enter(self: &Arc<Self>, view: View, services: Services) -> watch::Receiver<Option<Arc<Frame>>> {
        let mut open = locked(&self.0);
        if let Some(shared) = open.get(&view) {
            *locked(&shared.services) = services;
            return shared.frames.subscribe();
        }
        let (frames, receiver) = watch::channel(None);
        let shared = Arc::new(Shared {
            frames,
            services: Mutex::new(services),
        });
        open.insert(view.clone(), Arc::clone(&shared));
        tokio::spawn(Arc::clone(self).keep(view, shared));
        receiver
    }

    /// Draws a view until nobody looks.
    async fn keep(self: Arc<Self>, view: View, shared: Arc<Shared>) {
        let mut drawing = Drawing {
            view: &view,
            shared: &shared,
            last: None,
            number: 0,
        };
        loop {
            tokio::select! {
                () = shared.frames.closed() => {}
                () = drawing.draw() => {}
            }
            let mut open = locked(&self.0);
            // Whoever enters does so under the same lock.
            if shared.frames.receiver_count() == 0 {
                open.remove(&view);
                return;
            }
        }
    }
}

struct Drawing<'a> {
    view: &'a View,
    shared: &'a Shared,
    last: Option<Picture>,
    number: u64,
}

impl Drawing<'_> {
    /// Asks for moments and draws them; ends when they end.
    async fn draw(&mut self) {
        if let Err(status) = self.follow().await {
            self.interrupted(&status);
        }
        tokio::time::sleep(BEFORE_AGAIN).await;
    }

    async fn follow(&mut self) -> Result<(), Status> {
        let services = locked(&self.shared.services).clone();
        let mut moments = services.live().watch(self.view.request()).await?.into_inner();
        let mut next = Instant::now();
        while let Some(mut moment) = moments.message().await? {
            // Of the moments in between only the newest matters.
            while let Ok(newer) = timeout_at(next, moments.message()).await {
                moment = match newer? {
                    Some(newer) => newer,
                    None => return Ok(()),
                };
            }
            next = Instant::now() + BETWEEN_PICTURES;
            let picture = Picture::of(&moment, self.view, self.last.as_ref());
            let changes = match &self.last {
                Some(last) => picture.after(last),
                None => picture.whole(),
            };
            self.tell(&picture.whole(), &changes);
            self.last = Some(picture);
        }
        Ok(())
    }

    /// Says that figures are old; whoever has just come is told as well.
    fn interrupted(&mut self, status: &Status) {
        if status.code() != Code::Unavailable {
            tracing::debug!(code = ?status.code(), "a view of the moment was interrupted");
        }
        // All is told anew afterwards.
        self.last = None;
        let text = "<p id=\"unterbrochen\" class=\"notice warning\" role=\"status\" hx-swap-oob=\"outerMorph\">\
                    Die Zahlen sind gerade nicht zu lesen. Es wird weiter versucht.</p>";
        self.tell(text, text);
    }

    fn tell(&mut self, whole: &str, changes: &str) {
        self.number += 1;
        let frame = Frame {
            number: self.number,
            whole: message(whole),
            changes: message(changes),
        };
        self.shared.frames.send_replace(Some(Arc::new(frame)));
    }
}

/// A message as it goes over the wire.
fn message(html: &str) -> Bytes {
    let lines = html.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut told = String::with_capacity(html.len());
    for line in lines {
        told.push_str("data: ");
        told.push_str(line);
        told.push('\n');
    }
    told.push('\n');
    Bytes::from(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_an_empty_line_and_has_none_within() {
        assert_eq!(
            message("<p>\n\n  a\n</p>\n"),
            "data: <p>\ndata: a\ndata: </p>\n\n"
        );
    }
}
