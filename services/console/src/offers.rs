//! Who has registered: newsletters and events of a department, with their exports.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use domain::access::{Admission, Role};
use domain::procedure::OfferKind;
use domain::registration::PROGRAMME_ITEMS;
use serde::Deserialize;
use wire::v1::tickets as proto;

use crate::Console;
use crate::format::day_and_time;
use crate::history::exports::file;
use crate::layout::Layout;
use crate::pages::{self, Page};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

const DEPARTMENT: Admission = Admission::Roles(&[Role::Department]);
const SENDERS: Admission = Admission::Roles(&[Role::Department, Role::Administrator]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/newsletters", SENDERS),
    pages::post("/newsletters/{liste}/export", SENDERS),
    pages::get("/akkreditierungen", DEPARTMENT),
    pages::get("/akkreditierungen/{termin}", DEPARTMENT),
    pages::post("/akkreditierungen/{termin}/export", DEPARTMENT),
    pages::post("/akkreditierungen/{termin}/loeschen", DEPARTMENT),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/newsletters", get(newsletters))
        .route("/newsletters/{liste}/export", post(export_newsletter))
        .route("/akkreditierungen", get(events))
        .route("/akkreditierungen/{termin}", get(event))
        .route("/akkreditierungen/{termin}/export", post(export_event))
        .route("/akkreditierungen/{termin}/loeschen", post(clear))
}

/// Entries on a page.
const PAGE: u32 = 100;

/// An offer with what has become of it.
struct ShownOffer {
    id: String,
    title: String,
    begins: String,
    deadline: String,
    is_open: bool,
    pending: u32,
    confirmed: u32,
    exported: Option<String>,
    erased: Option<String>,
    erased_by: String,
}

impl ShownOffer {
    fn of(state: proto::OfferState) -> Self {
        let offer = state.offer.unwrap_or_default();
        let time = |ms: Option<i64>| ms.map(day_and_time);
        Self {
            begins: time(offer.begins_unix_ms).unwrap_or_default(),
            deadline: time(offer.deadline_unix_ms).unwrap_or_default(),
            id: offer.id,
            title: offer.title,
            is_open: offer.is_open,
            pending: state.pending,
            confirmed: state.confirmed,
            exported: time(state.exported_at_unix_ms),
            erased: time(state.erased_at_unix_ms).map(|at| format!("{} am {at}", state.erased)),
            erased_by: time(state.erased_by_unix_ms).unwrap_or_default(),
        }
    }
}

async fn states(visitor: &Visitor, kind: OfferKind) -> Result<Vec<ShownOffer>, Trouble> {
    let request = proto::ListOfferStatesRequest {
        kind: kind.name().to_owned(),
    };
    let told = visitor
        .services
        .registrations()
        .list_offer_states(request)
        .await?;
    Ok(told.into_inner().states.into_iter().map(ShownOffer::of).collect())
}

#[derive(Template, WebTemplate)]
#[template(path = "offers/newsletters.html")]
struct NewslettersPage {
    layout: Layout,
    offers: Vec<ShownOffer>,
}

async fn newsletters(visitor: Visitor) -> Result<NewslettersPage, Trouble> {
    Ok(NewslettersPage {
        offers: states(&visitor, OfferKind::Newsletters).await?,
        layout: Layout::of(&visitor, "Newsletter", "/newsletters").with_style("work.css"),
    })
}

#[derive(Template, WebTemplate)]
#[template(path = "offers/events.html")]
struct EventsPage {
    layout: Layout,
    offers: Vec<ShownOffer>,
}

async fn events(visitor: Visitor) -> Result<EventsPage, Trouble> {
    Ok(EventsPage {
        offers: states(&visitor, OfferKind::Events).await?,
        layout: Layout::of(&visitor, "Akkreditierungen", "/akkreditierungen").with_style("work.css"),
    })
}

#[derive(Deserialize)]
struct Asked {
    /// The next page.
    #[serde(default)]
    weiter: String,
    /// What was done before.
    #[serde(default)]
    getan: String,
}

/// An entry in the list.
struct ShownEntry {
    name: String,
    medium: String,
    email: String,
    items: String,
    is_confirmed: bool,
    since: String,
}

impl ShownEntry {
    fn of(entry: &proto::RegisteredEntry) -> Self {
        let text = |id: &str| entry.fields.get(id).cloned().unwrap_or_default();
        Self {
            name: format!("{}, {}", text("name"), text("first_name")),
            medium: text("medium"),
            email: text("email"),
            items: text(PROGRAMME_ITEMS).replace('\n', "; "),
            is_confirmed: entry.confirmed_at_unix_ms.is_some(),
            since: day_and_time(entry.confirmed_at_unix_ms.unwrap_or(entry.consented_at_unix_ms)),
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "offers/event.html")]
struct EventPage {
    layout: Layout,
    offer: ShownOffer,
    entries: Vec<ShownEntry>,
    next: String,
    done: bool,
}

async fn event(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<EventPage, Trouble> {
    let mut offers = states(&visitor, OfferKind::Events).await?.into_iter();
    let offer = offers.find(|offer| offer.id == id).ok_or(Trouble::NotFound)?;
    let request = proto::ListEntriesOfOfferRequest {
        kind: OfferKind::Events.name().to_owned(),
        offer: id,
        page_size: PAGE,
        page_token: asked.weiter,
    };
    let listed = visitor.services.registrations().list_entries(request).await?;
    let listed = listed.into_inner();
    Ok(EventPage {
        layout: Layout::of(&visitor, &offer.title, "/akkreditierungen").with_style("work.css"),
        offer,
        entries: listed.entries.iter().map(ShownEntry::of).collect(),
        next: listed.next_page_token,
        done: asked.getan == "geloescht",
    })
}

#[derive(Deserialize)]
struct Export {
    #[serde(default)]
    form: String,
}

async fn export_newsletter(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(export): Form<Export>,
) -> Result<Response, Trouble> {
    exported(&visitor, OfferKind::Newsletters, &id, &export.form).await
}

async fn export_event(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(export): Form<Export>,
) -> Result<Response, Trouble> {
    exported(&visitor, OfferKind::Events, &id, &export.form).await
}

async fn exported(visitor: &Visitor, kind: OfferKind, id: &str, form: &str) -> Result<Response, Trouble> {
    let form = match form {
        "" => "csv",
        form => form,
    };
    let mut registrations = visitor.services.registrations();
    let (mut columns, mut entries, mut page_token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let request = proto::ExportEntriesRequest {
            kind: kind.name().to_owned(),
            offer: id.to_owned(),
            page_size: 1000,
            page_token,
        };
        let page = registrations.export_entries(request).await?.into_inner();
        columns = if columns.is_empty() { page.columns } else { columns };
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    file(
        &reports::entries::export(id, &columns, &entries),
        &format!("anmeldungen-{id}"),
        form,
    )
}

async fn clear(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Trouble> {
    let request = proto::ClearOfferRequest { offer: id.clone() };
    match visitor.services.registrations().clear_offer(request).await {
        Ok(_) => Ok(Redirect::to(&format!("/akkreditierungen/{id}?getan=geloescht")).into_response()),
        Err(status) if status.code() == tonic::Code::FailedPrecondition => Err(Trouble::Unusable(
            "Gelöscht wird erst nach Ablauf der Frist und nachdem die Anmeldungen danach exportiert wurden."
                .to_owned(),
        )),
        Err(status) => Err(status.into()),
    }
}
