//! Answers that end with the session that asked for them: a stream may go on for hours.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use access::{Gate, TokenHash};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};

/// A session that was ended stops its streams within this time.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// The same body, until the session is over.
pub(super) fn until_session_ends(body: Body, gate: Arc<Gate>, session: TokenHash) -> Body {
    Body::new(Watched {
        body,
        gate,
        session,
        gone: None,
        is_over: false,
    })
}

struct Watched {
    body: Body,
    gate: Arc<Gate>,
    session: TokenHash,
    /// Made only when the answer is not there at once, as streams are.
    gone: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_over: bool,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let gone = this
            .gone
            .get_or_insert_with(|| Box::pin(session_is_gone(Arc::clone(&this.gate), this.session)));
        ready!(gone.as_mut().poll(context));
        this.is_over = true;
        Poll::Ready(Some(Ok(Frame::trailers(session_over()))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

async fn session_is_gone(gate: Arc<Gate>, session: TokenHash) {
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        if !gate.is_open(session).await {
            return;
        }
    }
}

/// UNAUTHENTICATED, as gRPC says it at the end of a stream.
fn session_over() -> HeaderMap {
    HeaderMap::from_iter([
        (
            axum::http::HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("16"),
        ),
        (
            axum::http::HeaderName::from_static("grpc-message"),
            HeaderValue::from_static("the session is over"),
        ),
    ])
}
