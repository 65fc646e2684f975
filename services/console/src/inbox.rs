//! The inbox of a department that has no system of its own.

use axum::Router;

use crate::Console;
use crate::pages::Page;

pub(crate) const PAGES: &[Page] = &[];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
}
