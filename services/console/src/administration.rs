//! Users, rules, and the audit trail.

use axum::Router;

use crate::Console;
use crate::pages::Page;

pub(crate) const PAGES: &[Page] = &[];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
}
