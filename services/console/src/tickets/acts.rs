//! One ticket, and what people do with it: reroute, close, withdraw, reopen, erase.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::access::Role;
use domain::ticket::{NOTE_LENGTH_MAX, TicketState};
use serde::Deserialize;
use tonic::{Code, Status};
use wire::v1::tickets as proto;

use crate::Console;
use crate::layout::Layout;
use crate::sent_form::SentForm;
use crate::shown_ticket::{self, Choice, Names, ShownTicket};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::words;

/// What is said after an act.
pub(super) fn done(name: &str) -> Option<&'static str> {
    Some(match name {
        "weiterleiten" => "Der Vorgang ist weitergeleitet.",
        "schliessen" => "Der Vorgang ist geschlossen.",
        "zurueckziehen" => "Der Vorgang ist zurückgezogen; es steht keine Antwort mehr aus.",
        "wieder-oeffnen" => "Der Vorgang ist wieder geöffnet und wird neu übergeben.",
        "loeschen" => "Der Vorgang ist gelöscht. Alle Stellen, die ihn hatten, werden benachrichtigt.",
        _ => return None,
    })
}

/// What came with a form; kept when it has a fault.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Entered {
    /// The idempotency key.
    #[serde(default)]
    pub(super) kennung: String,
    #[serde(default)]
    pub(super) grund: String,
    #[serde(default)]
    pub(super) stelle: String,
    /// The number of the ticket, to confirm that it is to be erased.
    #[serde(default)]
    pub(super) bestaetigt: String,
    #[serde(skip)]
    pub(super) sent: SentForm,
    #[serde(skip)]
    pub(super) done: Option<&'static str>,
}

impl Entered {
    /// Of a page that nothing was entered on yet.
    pub(super) fn new(done_before: &str) -> Self {
        Self {
            kennung: uuid::Uuid::new_v4().to_string(),
            done: done(done_before),
            ..Self::default()
        }
    }
}

/// One ticket.
#[derive(Template, WebTemplate)]
#[template(path = "tickets/ticket.html")]
pub(super) struct TicketPage {
    layout: Layout,
    ticket: ShownTicket,
    entered: Entered,
    departments: Vec<Choice>,
    is_supervisor: bool,
    may_erase: bool,
}

impl TicketPage {
    pub(super) async fn load(
        console: &Console,
        visitor: &Visitor,
        id: &str,
        entered: Entered,
    ) -> Result<Self, Trouble> {
        let ticket = shown_ticket::ticket(visitor, id).await?;
        let names = Names::of(visitor, (console.clock)()).await?;
        let is_erased = ticket.state == TicketState::Erased.name();
        Ok(Self {
            layout: Layout::of(visitor, "Vorgang", "/vorgaenge").with_style("work.css"),
            departments: names.departments.others(&ticket.department),
            ticket: names.show(ticket),
            entered,
            is_supervisor: visitor.is(Role::Supervisor),
            may_erase: visitor.is(Role::DataProtection) && !is_erased,
        })
    }

    fn can_close(&self) -> bool {
        !self.ticket.is_in(&[TicketState::Closed, TicketState::Erased])
    }

    fn can_reopen(&self) -> bool {
        self.ticket.is_in(&[
            TicketState::Answered,
            TicketState::Unreachable,
            TicketState::Withdrawn,
            TicketState::Closed,
        ])
    }
}

/// Why an act came to nothing: what is said at the form, and the status of the page.
pub(super) type Refused = (StatusCode, String);

/// The reason that an act must have.
fn reason(entered: &Entered) -> Result<&str, Refused> {
    let reason = entered.grund.trim();
    match reason.chars().count() {
        0 => Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            "Geben Sie einen Grund an.".to_owned(),
        )),
        1..=NOTE_LENGTH_MAX => Ok(reason),
        _ => Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Kürzen Sie den Grund auf {NOTE_LENGTH_MAX} Zeichen."),
        )),
    }
}

/// What a status says at the form; another page where it is none of the form's.
fn refused(status: Status) -> Result<Refused, Trouble> {
    if let Some(sentence) = words::refusal(&status) {
        return Ok((StatusCode::CONFLICT, sentence.to_owned()));
    }
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted => Ok((
            StatusCode::SERVICE_UNAVAILABLE,
            "Das ist gerade nicht gelungen. Ihre Eingaben sind noch da; senden Sie sie gleich noch einmal. Doppelt wird \
             nichts."
                .to_owned(),
        )),
        _ => Err(status.into()),
    }
}

/// Does what a form asks for. The error within says what is wrong with it.
pub(super) async fn perform(
    visitor: &Visitor,
    id: &str,
    entered: &Entered,
) -> Result<Result<(), Refused>, Trouble> {
    let reason = match reason(entered) {
        Ok(reason) => reason.to_owned(),
        Err(refused) => return Ok(Err(refused)),
    };
    // The forms of a page share a key; each is an act of its own.
    let idempotency_key = format!("console-{}-{}", entered.kennung, entered.sent.name);
    let agent = visitor.principal.name.clone();
    let ticket_id = id.to_owned();
    let mut ticketing = visitor.services.ticketing();
    let plain = proto::ActOnTicketRequest {
        idempotency_key: idempotency_key.clone(),
        ticket_id: ticket_id.clone(),
        reason: reason.clone(),
        agent: agent.clone(),
    };
    let answer = match entered.sent.name.as_str() {
        "weiterleiten" if entered.stelle.is_empty() => {
            let fault = "Wählen Sie die Stelle, an die der Vorgang geht.".to_owned();
            return Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, fault)));
        }
        "weiterleiten" => {
            let request = proto::RerouteTicketRequest {
                idempotency_key,
                ticket_id,
                reason,
                agent,
                department: entered.stelle.clone(),
            };
            ticketing.reroute_ticket(request).await
        }
        "wieder-oeffnen" => {
            let request = proto::ReopenTicketRequest {
                idempotency_key,
                ticket_id,
                reason,
                agent,
                call: String::new(),
            };
            ticketing.reopen_ticket(request).await
        }
        "schliessen" => ticketing.close_ticket(plain).await,
        "zurueckziehen" => ticketing.withdraw_ticket(plain).await,
        "loeschen" => ticketing.erase_ticket(plain).await,
        _ => return Err(Trouble::NotFound),
    };
    match answer {
        Ok(_) => Ok(Ok(())),
        Err(status) => refused(status).map(Err),
    }
}

/// An act of a supervisor.
pub(super) async fn act(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, form)): Path<(String, String)>,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    entered.sent.name.clone_from(&form);
    match perform(&visitor, &id, &entered).await? {
        Ok(()) => Ok(Redirect::to(&format!("/vorgaenge/{id}?getan={form}")).into_response()),
        Err((status, fault)) => {
            entered.sent.fault = Some(fault);
            let page = TicketPage::load(&console, &visitor, &id, entered).await?;
            Ok((status, page).into_response())
        }
    }
}

/// Asks whether a ticket is really to be erased.
#[derive(Template, WebTemplate)]
#[template(path = "tickets/erase.html")]
pub(super) struct ErasePage {
    layout: Layout,
    ticket: ShownTicket,
    entered: Entered,
}

async fn erase_page(
    console: &Console,
    visitor: &Visitor,
    id: &str,
    entered: Entered,
) -> Result<ErasePage, Trouble> {
    let ticket = shown_ticket::ticket(visitor, id).await?;
    let names = Names::of(visitor, (console.clock)()).await?;
    Ok(ErasePage {
        layout: Layout::of(visitor, "Vorgang löschen", "/vorgaenge").with_style("work.css"),
        ticket: names.show(ticket),
        entered,
    })
}

pub(super) async fn confirm_erasure(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<ErasePage, Trouble> {
    erase_page(&console, &visitor, &id, Entered::new("")).await
}

/// Erases a ticket, for data protection.
pub(super) async fn erase(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    "loeschen".clone_into(&mut entered.sent.name);
    let outcome = match entered.bestaetigt.trim() == id {
        true => perform(&visitor, &id, &entered).await?,
        false => Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            "Bestätigen Sie mit dem Häkchen, dass der Vorgang gelöscht werden soll.".to_owned(),
        )),
    };
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/vorgaenge/{id}?getan=loeschen")).into_response()),
        Err((status, fault)) => {
            entered.sent.fault = Some(fault);
            let page = erase_page(&console, &visitor, &id, entered).await?;
            Ok((status, page).into_response())
        }
    }
}
