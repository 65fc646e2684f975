//! The clearing queue: tickets that no rule has decided, or that were returned too often, one after the other.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use wire::v1::tickets as proto;

use super::acts::{self, Entered};
use crate::Console;
use crate::layout::Layout;
use crate::shown_ticket::{self, Choice, Names, ShownTicket, capped};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Tickets that are listed beside the one that is worked on.
const PAGE: u32 = 50;

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    /// The ticket to decide on; the most urgent one if it is not there.
    #[serde(default)]
    vorgang: String,
    #[serde(default)]
    getan: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "tickets/clearing.html")]
pub(super) struct ClearingPage {
    layout: Layout,
    clearing_name: String,
    count: String,
    /// The one to decide on, with its history.
    chosen: Option<ShownTicket>,
    tickets: Vec<ShownTicket>,
    departments: Vec<Choice>,
    entered: Entered,
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    asked: &str,
    entered: Entered,
) -> Result<ClearingPage, Trouble> {
    let names = Names::of(visitor, (console.clock)()).await?;
    let mut ticketing = visitor.services.ticketing();
    let counted = proto::CountTicketsRequest::default();
    let counts = ticketing.count_tickets(counted).await?.into_inner();
    let clearing = counts.clearing_department;
    let request = proto::ListTicketsRequest {
        department: clearing.clone(),
        owed: true,
        page_size: PAGE,
        ..proto::ListTicketsRequest::default()
    };
    let tickets = ticketing.list_tickets(request).await?.into_inner().tickets;
    let chosen = tickets
        .iter()
        .find(|it| it.ticket_id == asked)
        .or(tickets.first());
    let chosen = match chosen {
        Some(chosen) => Some(shown_ticket::ticket(visitor, &chosen.ticket_id).await?),
        None => None,
    };
    Ok(ClearingPage {
        layout: Layout::of(visitor, "Klärung", "/vorgaenge").with_style("work.css"),
        clearing_name: names.departments.name(&clearing).to_owned(),
        count: capped(counts.clearing.unwrap_or_default(), counts.counted_up_to),
        chosen: chosen.map(|it| names.show(it)),
        tickets: tickets.into_iter().map(|it| names.show(it)).collect(),
        departments: names.departments.others(&clearing),
        entered,
    })
}

pub(super) async fn queue(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<ClearingPage, Trouble> {
    page(&console, &visitor, &asked.vorgang, Entered::new(&asked.getan)).await
}

/// Decides on a ticket; then comes the next.
pub(super) async fn reroute(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    "weiterleiten".clone_into(&mut entered.sent.name);
    match acts::perform(&visitor, &id, &entered).await? {
        Ok(()) => Ok(Redirect::to("/vorgaenge/klaerung?getan=weiterleiten").into_response()),
        Err((status, fault)) => {
            entered.sent.fault = Some(fault);
            let page = page(&console, &visitor, &id, entered).await?;
            let is_another = page.chosen.as_ref().is_none_or(|chosen| chosen.id != id);
            if is_another {
                // Somebody else was faster: what was entered is about another ticket than the one that is shown.
                let gone = "Diesen Vorgang hat inzwischen jemand anderes bearbeitet. Es geht mit dem nächsten weiter.";
                return Err(Trouble::Unusable(gone.to_owned()));
            }
            let status = if status.is_success() {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                status
            };
            Ok((status, page).into_response())
        }
    }
}
