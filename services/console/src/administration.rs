//! Users, rules, the audit trail, the access log, and the register.

mod access_log;
mod audit;
mod register;
mod rules;
mod users;

use axum::Router;
use axum::routing::{get, post};
use domain::access::{Admission, Role};

use crate::Console;
use crate::pages::{self, Page};

const ADMINISTRATION: Admission = Admission::Roles(&[Role::Administrator]);
const DATA_PROTECTION: Admission = Admission::Roles(&[Role::DataProtection]);
const REGISTER: Admission = Admission::Roles(&[Role::DataProtection, Role::Administrator]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/benutzer", ADMINISTRATION),
    pages::get("/benutzer/neu", ADMINISTRATION),
    pages::post("/benutzer/neu", ADMINISTRATION),
    pages::get("/benutzer/{name}/aendern", ADMINISTRATION),
    pages::post("/benutzer/{name}/aendern", ADMINISTRATION),
    pages::get("/benutzer/{name}/kennwort", ADMINISTRATION),
    pages::post("/benutzer/{name}/kennwort", ADMINISTRATION),
    pages::get("/benutzer/{name}/sitzungen", ADMINISTRATION),
    pages::post("/benutzer/{name}/sitzungen", ADMINISTRATION),
    pages::get("/regeln", ADMINISTRATION),
    pages::get("/regeln/neu", ADMINISTRATION),
    pages::post("/regeln/neu", ADMINISTRATION),
    pages::get("/regeln/{version}", ADMINISTRATION),
    pages::post("/regeln/{version}/wieder", ADMINISTRATION),
    pages::get("/protokoll", DATA_PROTECTION),
    pages::post("/protokoll/pruefen", DATA_PROTECTION),
    pages::get("/verzeichnis", REGISTER),
    pages::get("/verzeichnis/dokument", REGISTER),
    pages::get("/zugriffe", ADMINISTRATION),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/benutzer", get(users::list))
        .route("/benutzer/neu", get(users::new).post(users::add))
        .route("/benutzer/{name}/aendern", get(users::form).post(users::change))
        .route(
            "/benutzer/{name}/kennwort",
            get(users::ask_password).post(users::reset_password),
        )
        .route(
            "/benutzer/{name}/sitzungen",
            get(users::ask_sessions).post(users::end_sessions),
        )
        .route("/regeln", get(rules::list))
        .route("/regeln/neu", get(rules::new).post(rules::apply))
        .route("/regeln/{version}", get(rules::version))
        .route("/regeln/{version}/wieder", post(rules::again))
        .route("/protokoll", get(audit::list))
        .route("/protokoll/pruefen", post(audit::verify))
        .route("/verzeichnis", get(register::page))
        .route("/verzeichnis/dokument", get(register::document))
        .route("/zugriffe", get(access_log::list))
}
