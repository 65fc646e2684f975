//! The rights of data subjects: persons, what they ask for, and who was told.

mod cases;
mod entries;
mod erasure;
mod recipients;
mod rectify;
mod search;

use axum::Router;
use axum::routing::{get, post};
use domain::access::{Admission, Role};

use crate::Console;
use crate::pages::{self, Page};

const DATA_PROTECTION: Admission = Admission::Roles(&[Role::DataProtection]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/betroffene", DATA_PROTECTION),
    pages::post("/betroffene", DATA_PROTECTION),
    pages::post("/betroffene/auskunft", DATA_PROTECTION),
    pages::post("/betroffene/einschraenken", DATA_PROTECTION),
    pages::post("/betroffene/aufheben", DATA_PROTECTION),
    pages::post("/betroffene/loeschung", DATA_PROTECTION),
    pages::post("/betroffene/loeschen", DATA_PROTECTION),
    pages::get("/betroffene/berichtigung/{ticket}", DATA_PROTECTION),
    pages::post("/betroffene/berichtigung/{ticket}", DATA_PROTECTION),
    pages::get("/loeschungen", DATA_PROTECTION),
    pages::get("/loeschungen/{order}", DATA_PROTECTION),
    pages::get("/antraege", DATA_PROTECTION),
    pages::post("/antraege", DATA_PROTECTION),
    pages::get("/antraege/{number}", DATA_PROTECTION),
    pages::post("/antraege/{number}/{handlung}", DATA_PROTECTION),
    pages::get("/empfaenger", DATA_PROTECTION),
    pages::post("/empfaenger", DATA_PROTECTION),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/betroffene", get(search::form).post(search::find))
        .route("/betroffene/auskunft", post(search::tell))
        .route("/betroffene/einschraenken", post(search::restrict))
        .route("/betroffene/aufheben", post(search::lift))
        .route("/betroffene/loeschung", post(erasure::plan))
        .route("/betroffene/loeschen", post(erasure::erase))
        .route(
            "/betroffene/berichtigung/{ticket}",
            get(rectify::form).post(rectify::rectify),
        )
        .route("/loeschungen", get(erasure::orders))
        .route("/loeschungen/{order}", get(erasure::order))
        .route("/antraege", get(cases::list).post(cases::open))
        .route("/antraege/{number}", get(cases::show))
        .route("/antraege/{number}/{handlung}", post(cases::change))
        .route("/empfaenger", get(recipients::list).post(recipients::confirm))
}
