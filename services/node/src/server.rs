//! One port for gRPC, health and metrics.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::auth::Tokens;
use crate::listener::Listener;

/// How long streams may go on after the server was asked to end.
const GRACE: Duration = Duration::from_secs(5);

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
pub(crate) async fn serve(
    listener: Listener,
    served: Served,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
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
        .layer(from_fn(too_large_is_exhausted))
        .layer(from_fn_with_state(tokens, let_in));
    let graceful = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = async { graceful.await } => result.context("the server ended badly"),
        () = late => {
            tracing::info!("streams that are still open are cut");
            Ok(())
        }
    }
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
    let grpc = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"));
    Ok(if grpc {
        Status::unauthenticated(remedy).into_http::<axum::body::Body>()
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
