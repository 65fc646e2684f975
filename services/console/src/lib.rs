//! The web console: pages in German for agents, supervisors, departments, data protection officers and administrators.
//!
//! Owns pages, forms and their words. It is a gRPC client like any other and has no rights of its own: every call carries
//! the session of whoever looks, and the services decide. Must not read the store, and must not keep anything about
//! citizens, in memory or in the browser, but for drafts that the browser keeps for the agent.
//!
//! A page is a route in the table of its module (`PAGES`, all of them in [`pages::pages`]), a handler, and a template under `templates/`. A route that the table does not
//! name is refused.

mod administration;
mod assets;
mod backend;
mod cookies;
mod days;
mod desk;
mod format;
mod guard;
mod history;
mod inbox;
mod layout;
mod offers;
pub mod pages;
mod persons;
mod queues;
mod registrations;
mod rejected;
mod retention;
mod sent_form;
mod shown_ticket;
mod sign_in;
mod start;
mod tickets;
mod trouble;
mod visitor;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::csrf::CsrfLayer;

pub use backend::Backend;

/// What the console works with.
pub struct ConsoleParts {
    /// The gRPC services, in this process or elsewhere.
    pub backend: Backend,
    /// Whether browsers come by TLS: cookies are for TLS alone then.
    pub secure: bool,
    /// Tells the time.
    pub clock: Arc<dyn Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync>,
}

/// What every handler can ask for.
#[derive(Clone)]
pub(crate) struct Console(Arc<ConsoleParts>);

impl std::ops::Deref for Console {
    type Target = ConsoleParts;

    fn deref(&self) -> &ConsoleParts {
        &self.0
    }
}

/// The answer to whoever asks for a page that is not there.
pub fn not_found() -> axum::response::Response {
    use axum::response::IntoResponse as _;
    guard::with_headers(trouble::Trouble::NotFound.into_response())
}

/// The pages. Whatever is none of them is left to the caller's fallback.
pub fn router(parts: ConsoleParts) -> Router {
    let console = Console(Arc::new(parts));
    // Events must come at once, not when a block of the compression is full.
    let compressed = DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream"));
    Router::new()
        .merge(start::routes())
        .merge(sign_in::routes())
        .merge(administration::routes())
        .merge(persons::routes())
        .merge(desk::routes())
        .merge(history::routes())
        .merge(inbox::routes())
        .merge(offers::routes())
        .merge(queues::routes())
        .merge(registrations::routes())
        .merge(rejected::routes())
        .merge(retention::routes())
        .merge(tickets::routes())
        .layer(from_fn_with_state(console.clone(), guard::guard))
        .merge(assets::routes())
        .layer(CsrfLayer::new())
        .layer(CatchPanicLayer::custom(trouble::panicked))
        .layer(from_fn(guard::headers))
        .layer(CompressionLayer::new().compress_when(compressed))
        .with_state(console)
}
