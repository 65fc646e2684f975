//! Every page, and who may open it. The services check again what a page asks them for.

use axum::http::Method;
use domain::access::Admission;

/// A route of the console.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// GET or POST.
    pub method: Verb,
    /// As axum writes it.
    pub path: &'static str,
    /// Who may open it.
    pub admission: Admission,
}

/// The methods that pages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Shows something and changes nothing.
    Get,
    /// Changes something.
    Post,
}

pub(crate) const fn get(path: &'static str, admission: Admission) -> Page {
    Page {
        method: Verb::Get,
        path,
        admission,
    }
}

pub(crate) const fn post(path: &'static str, admission: Admission) -> Page {
    Page {
        method: Verb::Post,
        path,
        admission,
    }
}

const ANYBODY: Admission = Admission::SignedIn;

/// Pages for whoever signs in.
const COMMON: &[Page] = &[
    get("/", ANYBODY),
    get("/anmelden", Admission::Open),
    post("/anmelden", Admission::Open),
    get("/anmelden/openid", Admission::Open),
    get("/anmelden/openid/zurueck", Admission::Open),
    post("/abmelden", ANYBODY),
    get("/kennwort", ANYBODY),
    post("/kennwort", ANYBODY),
];

/// The table: every page.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    let parts = [
        COMMON,
        crate::administration::PAGES,
        crate::desk::PAGES,
        crate::history::PAGES,
        crate::inbox::PAGES,
        crate::offers::PAGES,
        crate::persons::PAGES,
        crate::queues::PAGES,
        crate::registrations::PAGES,
        crate::rejected::PAGES,
        crate::retention::PAGES,
        crate::tickets::PAGES,
    ];
    parts.into_iter().flatten()
}

/// Who may open a route; `None` if the table does not name it.
pub(crate) fn admission(method: &Method, path: &str) -> Option<Admission> {
    let verb = match *method {
        Method::GET | Method::HEAD => Verb::Get,
        Method::POST => Verb::Post,
        _ => return None,
    };
    pages().find_map(|page| (page.method == verb && page.path == path).then_some(page.admission))
}
