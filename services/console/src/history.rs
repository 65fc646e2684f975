//! What was: figures by interval against targets and other days, the calls behind them, staffing.

use axum::Router;

use crate::Console;
use crate::pages::Page;

pub(crate) const PAGES: &[Page] = &[];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
}
