//! The way in: everybody begins where his or her work is.

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use crate::Console;
use crate::layout::home;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/", get(start))
}

async fn start(visitor: Visitor) -> Response {
    match home(&visitor) {
        Some(path) => Redirect::to(path).into_response(),
        None => Trouble::Forbidden.into_response(),
    }
}
