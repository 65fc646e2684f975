//! One port for gRPC, health and metrics.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::server::TcpConnectInfo;

use crate::auth::Tokens;
use crate::listener::Listener;

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
    pub(crate) tokens: Tokens,
    /// For `/readyz`.
    pub(crate) ready: Readiness,
    /// For `/metrics`.
    pub(crate) metrics: PrometheusHandle,
}

/// Serves until `shutdown`, then lets requests that have begun come to their end, for a while.
pub(crate) async fn serve(listener: Listener, served: Served, shutdown: CancellationToken) {
    let Served {
        services,
        tokens,
        ready,
        metrics,
    } = served;
    let pages = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || readyz(ready())))
        .route("/metrics", get(move || async move { metrics.render() }));
    let router = services
        .prepare()
        .into_axum_router()
        .merge(pages)
        .fallback(nothing_here)
        .layer(from_fn(too_large_is_exhausted))
        .layer(from_fn_with_state(tokens, let_in));
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
    } else {
        (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
    }
}

fn is_grpc(request: &Request) -> bool {
    let content = request.headers().get(header::CONTENT_TYPE);
    content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"))
}

async fn readyz(ready: futures_readiness::Answer) -> Response {
    match ready.await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// Everything but health needs a token.
async fn let_in(State(tokens): State<Tokens>, request: Request, next: Next) -> Result<Response, Infallible> {
    let path = request.uri().path();
    let open = matches!(path, "/healthz" | "/readyz") || path.starts_with("/grpc.health.v1.Health/");
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if open || tokens.admit(authorization) {
        return Ok(next.run(request).await);
    }
    let remedy = "no valid token: send `authorization: Bearer TOKEN` (commands take it from NRWDIREKT_TOKEN)";
    Ok(if is_grpc(&request) {
        Status::unauthenticated(remedy).into_http::<Body>()
    } else {
        (StatusCode::UNAUTHORIZED, format!("{remedy}\n")).into_response()
    })
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
