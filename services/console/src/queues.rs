//! Queues at this moment: the wallboard, and the view for a big screen.

use axum::Router;

use crate::Console;
use crate::pages::Page;

pub(crate) const PAGES: &[Page] = &[];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
}
