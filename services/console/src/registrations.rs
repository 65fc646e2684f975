//! Pages for whoever comes: subscribing to newsletters, accreditation to events, and what the links of mails lead to.
//!
//! They need no script and set no cookie. A link changes nothing by being opened, because mail scanners follow links: there
//! is a button on its page. The answer to a form is the same whether or not somebody is known.

mod form;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Form, Router};
use domain::access::Admission;
use domain::procedure::OfferKind;
use tonic::Code;
use wire::v1::tickets as proto;

use crate::Console;
use crate::format::day_and_time;
use crate::layout::Layout;
use crate::pages::{self, Page};
use crate::sign_in::{Connection, client};
use crate::trouble::Trouble;
use form::{FormPage, Sent};

pub(crate) const PAGES: &[Page] = &[
    pages::get("/newsletter", Admission::Open),
    pages::post("/newsletter", Admission::Open),
    pages::get("/akkreditierung", Admission::Open),
    pages::get("/akkreditierung/{termin}", Admission::Open),
    pages::post("/akkreditierung/{termin}", Admission::Open),
    pages::get("/eintrag/bestaetigen/{token}", Admission::Open),
    pages::post("/eintrag/bestaetigen/{token}", Admission::Open),
    pages::get("/eintrag/beenden/{token}", Admission::Open),
    pages::post("/eintrag/beenden/{token}", Admission::Open),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/newsletter", get(newsletters).post(subscribe))
        .route("/akkreditierung", get(events))
        .route("/akkreditierung/{termin}", get(event).post(apply))
        .route("/eintrag/bestaetigen/{token}", get(confirmation).post(confirm))
        .route("/eintrag/beenden/{token}", get(ending).post(end))
}

async fn offers(console: &Console, kind: OfferKind) -> Result<proto::ListOffersResponse, Trouble> {
    let mut registrations = console.backend.by(None).registrations();
    let request = proto::ListOffersRequest {
        kind: kind.name().to_owned(),
    };
    Ok(registrations.list_offers(request).await?.into_inner())
}

async fn newsletters(State(console): State<Console>) -> Result<FormPage, Trouble> {
    let told = offers(&console, OfferKind::Newsletters).await?;
    Ok(FormPage::newsletters(told, &Sent::default(), &[]))
}

async fn subscribe(
    State(console): State<Console>,
    connection: Connection,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let sent = Sent::of(pairs);
    let request = sent.request(OfferKind::Newsletters, sent.chosen.clone(), client(&connection));
    match registered(&console, request).await? {
        Ok(days) => Ok(DonePage::sent(OfferKind::Newsletters, days).into_response()),
        Err(status) => {
            let told = offers(&console, OfferKind::Newsletters).await?;
            let code = code_of(&status);
            let faults = wire::faults::faults(&status);
            let page = FormPage::newsletters(told, &sent, &faults).with_refusal(&status);
            Ok((code, page).into_response())
        }
    }
}

/// Days for the confirmation, or why nothing was kept; other failures are nobody's fault here.
async fn registered(
    console: &Console,
    request: proto::RegisterRequest,
) -> Result<Result<u32, tonic::Status>, Trouble> {
    let mut registrations = console.backend.by(None).registrations();
    match registrations.register(request).await {
        Ok(answer) => Ok(Ok(answer.into_inner().confirm_within_days)),
        Err(status) => match status.code() {
            Code::InvalidArgument | Code::ResourceExhausted | Code::FailedPrecondition => Ok(Err(status)),
            _ => Err(status.into()),
        },
    }
}

fn code_of(status: &tonic::Status) -> StatusCode {
    match status.code() {
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::FailedPrecondition => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// An event in the list.
struct OpenEvent {
    id: String,
    title: String,
    place: String,
    begins: String,
    deadline: String,
}

impl OpenEvent {
    fn of(offer: &proto::Offer) -> Self {
        Self {
            id: offer.id.clone(),
            title: offer.title.clone(),
            place: offer.place.clone(),
            begins: day_and_time(offer.begins_unix_ms.unwrap_or_default()),
            deadline: day_and_time(offer.deadline_unix_ms.unwrap_or_default()),
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "registrations/events.html")]
struct EventsPage {
    layout: Layout,
    events: Vec<OpenEvent>,
}

async fn events(State(console): State<Console>) -> Result<EventsPage, Trouble> {
    let told = offers(&console, OfferKind::Events).await?;
    Ok(EventsPage {
        layout: Layout::open("Akkreditierung"),
        events: told.offers.iter().map(OpenEvent::of).collect(),
    })
}

async fn event(State(console): State<Console>, Path(id): Path<String>) -> Result<FormPage, Trouble> {
    let told = offers(&console, OfferKind::Events).await?;
    FormPage::event(told, &id, &Sent::default(), &[]).ok_or(Trouble::NotFound)
}

async fn apply(
    State(console): State<Console>,
    connection: Connection,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let sent = Sent::of(pairs);
    let request = sent.request(OfferKind::Events, vec![id.clone()], client(&connection));
    match registered(&console, request).await? {
        Ok(days) => Ok(DonePage::sent(OfferKind::Events, days).into_response()),
        Err(status) => {
            let told = offers(&console, OfferKind::Events).await?;
            let code = code_of(&status);
            let faults = wire::faults::faults(&status);
            let page = FormPage::event(told, &id, &sent, &faults).ok_or(Trouble::NotFound)?;
            Ok((code, page.with_refusal(&status)).into_response())
        }
    }
}

/// What was done, in words.
#[derive(Template, WebTemplate)]
#[template(path = "registrations/done.html")]
struct DonePage {
    layout: Layout,
    heading: &'static str,
    text: String,
    titles: Vec<String>,
}

impl DonePage {
    fn sent(kind: OfferKind, days: u32) -> Self {
        let heading = "Bitte sehen Sie in Ihr Postfach";
        let what = match kind {
            OfferKind::Newsletters => "Die Newsletter kommen erst",
            OfferKind::Events => "Die Anmeldung gilt erst",
        };
        Self {
            layout: Layout::open(heading),
            heading,
            text: format!(
                "An die angegebene Adresse ist eine E-Mail unterwegs. {what}, wenn Sie den Link darin öffnen und bestätigen; \
                 dafür haben Sie höchstens {days} Tage. Ohne Bestätigung werden die Angaben gelöscht."
            ),
            titles: Vec::new(),
        }
    }
}

/// The page of a link: what it is for, and a button.
#[derive(Template, WebTemplate)]
#[template(path = "registrations/link.html")]
struct LinkPage {
    layout: Layout,
    heading: &'static str,
    text: &'static str,
    button: &'static str,
    action: String,
    titles: Vec<String>,
}

/// A link that is not valid is told the same way, whatever the reason.
fn not_valid() -> Response {
    let heading = "Dieser Link gilt nicht mehr";
    let page = DonePage {
        layout: Layout::open(heading),
        heading,
        text: "Die Anmeldung ist nicht bestätigt worden, wurde ersetzt oder ist schon gelöscht. Sie können sich jederzeit neu \
               anmelden."
            .to_owned(),
        titles: Vec::new(),
    };
    (StatusCode::NOT_FOUND, page).into_response()
}

async fn link(
    console: &Console,
    purpose: &str,
    token: &str,
) -> Result<Option<proto::GetLinkResponse>, Trouble> {
    let mut registrations = console.backend.by(None).registrations();
    let request = proto::GetLinkRequest {
        token: token.to_owned(),
        purpose: purpose.to_owned(),
    };
    match registrations.get_link(request).await {
        Ok(link) => Ok(Some(link.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}

fn titles(entries: Vec<proto::LinkedEntry>) -> Vec<String> {
    entries.into_iter().map(|entry| entry.title).collect()
}

async fn confirmation(
    State(console): State<Console>,
    Path(token): Path<String>,
) -> Result<Response, Trouble> {
    let Some(link) = link(&console, "confirm", &token).await? else {
        return Ok(not_valid());
    };
    let heading = match link.kind == OfferKind::Events.name() {
        true => "Anmeldung zur Akkreditierung bestätigen",
        false => "Newsletter bestätigen",
    };
    let page = LinkPage {
        layout: Layout::open(heading),
        heading,
        text: "Bitte bestätigen Sie, dass diese Anmeldung von Ihnen ist:",
        button: "Bestätigen",
        action: format!("/eintrag/bestaetigen/{token}"),
        titles: titles(link.entries),
    };
    Ok(page.into_response())
}

async fn confirm(State(console): State<Console>, Path(token): Path<String>) -> Result<Response, Trouble> {
    let mut registrations = console.backend.by(None).registrations();
    let confirmed = registrations.confirm(proto::ConfirmRequest { token }).await;
    let confirmed = match confirmed {
        Ok(confirmed) => confirmed.into_inner(),
        Err(status) if status.code() == Code::NotFound => return Ok(not_valid()),
        Err(status) => return Err(status.into()),
    };
    let heading = "Bestätigt";
    let page = DonePage {
        layout: Layout::open(heading),
        heading,
        text: match confirmed.kind == OfferKind::Events.name() {
            true => "Ihre Anmeldung liegt der Stelle vor, die den Termin veranstaltet:",
            false => "Diese Newsletter erhalten Sie:",
        }
        .to_owned(),
        titles: titles(confirmed.entries),
    };
    Ok(page.into_response())
}

async fn ending(State(console): State<Console>, Path(token): Path<String>) -> Result<Response, Trouble> {
    let Some(link) = link(&console, "end", &token).await? else {
        return Ok(not_valid());
    };
    let is_event = link.kind == OfferKind::Events.name();
    let heading = if is_event {
        "Anmeldung zurückziehen"
    } else {
        "Newsletter abbestellen"
    };
    let page = LinkPage {
        layout: Layout::open(heading),
        heading,
        text: "Ihre Einwilligung endet damit, und Ihre Angaben dazu werden sofort gelöscht:",
        button: if is_event { "Zurückziehen" } else { "Abbestellen" },
        action: format!("/eintrag/beenden/{token}"),
        titles: titles(link.entries),
    };
    Ok(page.into_response())
}

/// By the button, or by the mail program (RFC 8058); whoever is gone already is told the same.
async fn end(State(console): State<Console>, Path(token): Path<String>) -> Result<Response, Trouble> {
    let mut registrations = console.backend.by(None).registrations();
    match registrations.end(proto::EndRequest { token }).await {
        Ok(_) => {
            let heading = "Gelöscht";
            let page = DonePage {
                layout: Layout::open(heading),
                heading,
                text: "Ihre Angaben sind gelöscht. Sie bekommen dazu keine E-Mails mehr.".to_owned(),
                titles: Vec::new(),
            };
            Ok(page.into_response())
        }
        Err(status) if status.code() == Code::NotFound => Ok(not_valid()),
        Err(status) => Err(status.into()),
    }
}
