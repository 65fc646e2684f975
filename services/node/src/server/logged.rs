//! What is asked for is taken down in the access log: which page or method, from where, and what came of it.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use access::AccessLog;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::access::admission;
use domain::privacy::access_log::network;
use http_body::{Frame, SizeHint};
use store::access_log::Access;
use tonic::Code;
use tonic::transport::server::TcpConnectInfo;

use super::is_grpc;
use crate::clock::Clock;

/// What a program calls itself is cut here.
const CLIENT_LONGEST: usize = 120;
/// In the place of what is no page and no method: what was asked for may be anything.
const NOTHING: &str = "(unbekannt)";

/// Where accesses are taken down.
#[derive(Clone)]
pub(crate) struct Logging {
    pub(crate) log: AccessLog,
    pub(crate) clock: Clock,
}

/// Takes down what is asked for, once the answer is over or nobody waits for it any more.
pub(super) async fn logged(State(logging): State<Logging>, request: Request, next: Next) -> Response {
    let Some(resource) = resource(&request) else {
        return next.run(request).await;
    };
    let is_call = is_grpc(&request);
    let mut noting = Noting::begun(logging, resource, is_call, &request);
    let response = next.run(request).await;
    noting.answered(&response);
    response.map(|body| Body::new(Counted { body, noting }))
}

/// The pattern of what is asked for; `None` for what is not logged: assets, and the health of the node.
fn resource(request: &Request) -> Option<String> {
    let path = request.uri().path();
    if is_grpc(request) {
        let is_health = path.starts_with("/grpc.health.");
        return (!is_health).then(|| match admission(path) {
            Some(_) => path.to_owned(),
            None => NOTHING.to_owned(),
        });
    }
    match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        Some(pattern) if pattern.starts_with("/assets/") => None,
        // The routes of gRPC services match whatever stands behind the name of a service.
        Some(pattern) if !pattern.contains("{*") => Some(pattern.to_owned()),
        _ => Some(NOTHING.to_owned()),
    }
}

/// An access that has begun; it is taken down when it is dropped.
struct Noting {
    logging: Logging,
    access: Option<Access>,
    is_call: bool,
}

impl Noting {
    fn begun(logging: Logging, resource: String, is_call: bool, request: &Request) -> Self {
        let address = request
            .extensions()
            .get::<TcpConnectInfo>()
            .and_then(|connection| connection.remote_addr)
            .map(|address| address.ip().to_canonical());
        let method = match *request.method() {
            Method::GET | Method::HEAD => "GET",
            Method::POST => "POST",
            _ => "other",
        };
        let access = Access {
            at: (logging.clock)(),
            resource,
            action: if is_call { "call" } else { method }.to_owned(),
            // Whoever asked went away.
            outcome: "cancelled".to_owned(),
            bytes: 0,
            address: address.as_ref().map(IpAddr::to_string).unwrap_or_default(),
            network: address.map(network).unwrap_or_default(),
            client: client(request.headers()),
        };
        Self {
            logging,
            access: Some(access),
            is_call,
        }
    }

    fn answered(&mut self, response: &Response) {
        match self.is_call {
            true => self.told(response.headers()),
            false => self.ended(response.status().as_str()),
        }
    }

    /// The status of a call stands in the head of the answer, or behind its messages.
    fn told(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get("grpc-status") {
            self.ended(name(Code::from_bytes(status.as_bytes())));
        }
    }

    fn ended(&mut self, outcome: &str) {
        if let Some(access) = &mut self.access {
            outcome.clone_into(&mut access.outcome);
        }
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(access) = &mut self.access {
            access.bytes = access
                .bytes
                .saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        if let Some(access) = self.access.take() {
            self.logging.log.note(access);
        }
    }
}

/// As the program calls itself, what can be printed of it.
fn client(headers: &HeaderMap) -> String {
    let told = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let printable = told.unwrap_or_default().chars().filter(|sign| !sign.is_control());
    printable.take(CLIENT_LONGEST).collect()
}

/// The name of a status of gRPC.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// A body whose bytes are counted on their way.
struct Counted {
    body: Body,
    noting: Noting,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            if let Some(data) = frame.data_ref() {
                this.noting.sent(data.len());
            }
            if let Some(trailers) = frame.trailers_ref()
                && this.noting.is_call
            {
                this.noting.told(trailers);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
