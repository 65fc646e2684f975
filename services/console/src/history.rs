//! The past: figures of any days with charts, tables and exports; the calls behind a figure; staffing.

mod asked;
mod calls;
mod charts;
mod choices;
pub(crate) mod exports;
mod kinds;
mod one_call;
mod pages;
mod staffing;
mod statements;
mod table;

use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use domain::access::Admission;
use domain::access::Role::{DataProtection, Supervisor};

use crate::Console;
use crate::pages::{Page, get as shows, post as changes};
use choices::KnownChoices;

const SUPERVISION: Admission = Admission::Roles(&[Supervisor]);
const CALLS: Admission = Admission::Roles(&[Supervisor, DataProtection]);

pub(crate) const PAGES: &[Page] = &[
    shows("/verlauf", SUPERVISION),
    shows("/verlauf/perzentile", SUPERVISION),
    shows("/verlauf/zusagen", SUPERVISION),
    shows("/verlauf/vergleich", SUPERVISION),
    shows("/verlauf/wochenprofil", SUPERVISION),
    shows("/verlauf/aenderungen", SUPERVISION),
    shows("/verlauf/export", SUPERVISION),
    shows("/verlauf/festschreibungen", SUPERVISION),
    changes("/verlauf/festschreibungen", SUPERVISION),
    shows("/verlauf/festschreibungen/{id}", SUPERVISION),
    shows("/anrufe", CALLS),
    shows("/anrufe/{identity}", CALLS),
    changes("/anrufe/{identity}", Admission::Roles(&[DataProtection])),
    shows("/personalbedarf", SUPERVISION),
    shows("/personalbedarf/vorhersage", SUPERVISION),
    shows("/personalbedarf/vorhersage/export", SUPERVISION),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/verlauf", get(pages::intervals))
        .route("/verlauf/perzentile", get(pages::percentiles))
        .route("/verlauf/zusagen", get(pages::promise))
        .route("/verlauf/vergleich", get(pages::compare))
        .route("/verlauf/wochenprofil", get(pages::profile))
        .route("/verlauf/aenderungen", get(pages::changes))
        .route("/verlauf/export", get(exports::export))
        .route(
            "/verlauf/festschreibungen",
            get(statements::list).post(statements::seal),
        )
        .route("/verlauf/festschreibungen/{id}", get(statements::show))
        .route("/anrufe", get(calls::list))
        .route("/anrufe/{identity}", get(one_call::show).post(one_call::reveal))
        .route("/personalbedarf", get(staffing::of_load))
        .route("/personalbedarf/vorhersage", get(staffing::forecast))
        .route("/personalbedarf/vorhersage/export", get(staffing::export))
        .layer(Extension(Arc::new(KnownChoices::default())))
}
