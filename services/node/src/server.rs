//! One port for gRPC, pages, health and metrics.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Gate};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use domain::access::{Principal, Role};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpConnectInfo;
use tonic::{Code, Status};

use crate::listener::Listener;

mod logged;
mod watched;

pub(crate) use logged::Logging;

/// How long streams may go on after the server was asked to end.
const GRACE: Duration = Duration::from_secs(5);
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
/// A client that is gone is noticed after about twice this time.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Answers whether the node can do its work, with the reason if it cannot.
pub(crate) type Readiness = Arc<dyn Fn() -> futures_readiness::Answer + Send + Sync>;

/// The future of a readiness answer.
pub(crate) mod futures_readiness {
    use std::future::Future;
    use std::pin::Pin;

    /// `Ok`, or what is missing.
    pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
}

/// What the server serves.
pub(crate) struct Served {
    /// The gRPC services, health and reflection among them.
    pub(crate) services: tonic::service::Routes,
    /// Who is let in.
    pub(crate) gate: Gate,
    /// The pages of the console, made of the services behind the gate; none where the role is not run.
    pub(crate) console: Option<Box<dyn FnOnce(Router) -> Router + Send>>,
    /// For `/readyz`.
    pub(crate) ready: Readiness,
    /// For `/metrics`.
    pub(crate) metrics: PrometheusHandle,
    /// Where it is taken down what is asked for.
    pub(crate) logging: Logging,
}

/// Serves until `shutdown`, then lets requests that have begun come to their end, for a while.
pub(crate) async fn serve(listener: Listener, served: Served, shutdown: CancellationToken) {
    let Served {
        services,
        gate,
        console,
        ready,
        metrics,
        logging,
    } = served;
    let gate = Arc::new(gate);
    let services = services
        .prepare()
        .into_axum_router()
        .layer(from_fn(too_large_is_exhausted))
        .layer(from_fn_with_state(Arc::clone(&gate), admit));
    let metrics = Router::new()
        .route("/metrics", get(move || async move { metrics.render() }))
        .layer(from_fn_with_state(gate, admit_monitoring));
    let pages = console.map_or_else(Router::new, |console| console(services.clone()));
    // What comes behind the layer is not logged: whoever watches the node asks for it every few seconds.
    let router = pages
        .merge(services)
        .fallback(nothing_here)
        .layer(from_fn_with_state(logging, logged::logged))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || readyz(ready())))
        .merge(metrics);
    let connections = take_connections(listener, &router, &shutdown).await;
    tracing::info!("no new requests; those that have begun come to their end");
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::info!("streams that are still open are cut");
    }
}

/// Takes connections until `shutdown`.
async fn take_connections(
    mut listener: Listener,
    router: &Router,
    shutdown: &CancellationToken,
) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A stream is slowed down by its own window. The window of the connection is much larger, because HTTP/2's guard
    // against floods of small frames is measured by it, and a feed of single events is one.
    builder
        .http2()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
        .http2()
        .keep_alive_interval(KEEP_ALIVE)
        .timer(TokioTimer::new());
    builder.http1().timer(TokioTimer::new());
    while let Some(connection) = shutdown.run_until_cancelled(listener.accept()).await {
        // What gRPC services are told of the other side.
        let told = Extension(TcpConnectInfo {
            local_addr: None,
            remote_addr: connection.peer(),
        });
        let service = TowerToHyperService::new(router.clone().layer(told));
        let serving = builder
            .serve_connection(TokioIo::new(connection), service)
            .into_owned();
        let serving = connections.watch(serving);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%error, "a connection ended badly");
            }
        });
    }
    connections
}

/// Neither a page nor a method.
async fn nothing_here(request: Request) -> Response {
    if is_grpc(&request) {
        Status::unimplemented("no such method; `grpcurl list` and the .proto files name them")
            .into_http::<Body>()
    } else if wants_page(&request) {
        console::not_found()
    } else {
        (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
    }
}

fn is_grpc(request: &Request) -> bool {
    let content = request.headers().get(header::CONTENT_TYPE);
    content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"))
}

fn wants_page(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    accepted.is_some_and(|accepted| {
        accepted
            .to_str()
            .is_ok_and(|accepted| accepted.contains("text/html"))
    })
}

async fn readyz(ready: futures_readiness::Answer) -> Response {
    match ready.await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

fn authorization(request: &Request) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?;
    value.to_str().ok()
}

/// Lets a call through to the method that it is for, with whoever it is from.
async fn admit(
    State(gate): State<Arc<Gate>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    // Whatever the other side says of itself is not believed.
    request.extensions_mut().remove::<Principal>();
    request.extensions_mut().remove::<Caller>();
    match gate.admit(request.uri().path(), authorization(&request)).await {
        Ok(None) => Ok(next.run(request).await),
        Ok(Some(caller)) => {
            let session = caller.session.as_ref().map(|session| session.token);
            request.extensions_mut().insert(caller.principal.clone());
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            Ok(match session {
                Some(session) => response.map(|body| watched::until_session_ends(body, gate, session)),
                None => response,
            })
        }
        Err(status) if is_grpc(&request) => Ok(status.into_http::<Body>()),
        Err(status) => Ok(refused(&status)),
    }
}

/// Metrics are for those who watch the node.
async fn admit_monitoring(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.caller(authorization(&request)).await {
        Ok(Some(caller)) if caller.principal.is(Role::Monitoring) => next.run(request).await,
        Ok(Some(_)) => refused(&Status::permission_denied("metrics are for the role monitoring")),
        Ok(None) => refused(&Status::unauthenticated(
            "no valid token: send `authorization: Bearer TOKEN`",
        )),
        Err(status) => refused(&status),
    }
}

/// A refusal for those who do not speak gRPC.
fn refused(status: &Status) -> Response {
    let code = match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, format!("{}\n", status.message())).into_response()
}

/// A message over the limit is RESOURCE_EXHAUSTED by gRPC's conventions; the library calls it OUT_OF_RANGE.
async fn too_large_is_exhausted(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let out_of_range = headers.get("grpc-status").is_some_and(|status| status == "11");
    let about_size = headers.get("grpc-message").is_some_and(|message| {
        message
            .to_str()
            .is_ok_and(|message| message.contains("message%20length%20too%20large"))
    });
    if out_of_range && about_size {
        headers.insert("grpc-status", HeaderValue::from_static("8"));
    }
    response
}
