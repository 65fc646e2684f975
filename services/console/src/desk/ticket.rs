//! A ticket with its history, and what an agent may do with it.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use wire::v1::tickets as proto;

use super::acts::ActForm;
use super::form::Choice;
use super::slots::{self, Day};
use super::{Offer, words};
use crate::format;
use crate::layout::Layout;
use crate::shown_ticket;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

#[derive(Template, WebTemplate)]
#[template(path = "desk/ticket.html")]
pub(super) struct TicketPage {
    layout: Layout,
    id: String,
    state: String,
    owed: bool,
    settled: bool,
    procedure: String,
    department: String,
    because: String,
    due: String,
    logged: String,
    hotline: String,
    wished: String,
    appointment: String,
    days: Vec<Day>,
    fields: Vec<(String, String)>,
    added: Vec<(String, String)>,
    history: Vec<Entry>,
    departments: Vec<Choice>,
    key: String,
    form: ActForm,
    fault: Option<String>,
    done: String,
}

struct Entry {
    at: String,
    action: String,
    actor: String,
    note: String,
}

#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    getan: String,
}

/// Shows a ticket.
pub(super) async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(told): Query<Told>,
) -> Result<Response, Trouble> {
    let done = match told.getan.as_str() {
        "zurueckgezogen" => "Der Vorgang ist zurückgezogen.",
        "wieder-geoeffnet" => "Der Vorgang ist wieder geöffnet.",
        "weitergeleitet" => "Der Vorgang ist weitergeleitet.",
        "umgebucht" => "Der Termin ist umgebucht.",
        _ => "",
    };
    let page = page(&visitor, &id, &ActForm::default(), None, done.to_owned()).await?;
    Ok(page.into_response())
}

/// The page of a ticket, with what was entered before, why it was refused, or what was done.
pub(super) async fn page(
    visitor: &Visitor,
    id: &str,
    form: &ActForm,
    fault: Option<String>,
    done: String,
) -> Result<TicketPage, Trouble> {
    let ticket = shown_ticket::ticket(visitor, id).await?;
    let offer = Offer::of(visitor).await?;
    let days = match &ticket.appointment {
        Some(appointment) => slots::free(visitor, &ticket.department, &appointment.service, "").await?,
        None => Vec::new(),
    };
    let procedure = offer.procedures.iter().find(|it| it.id == ticket.procedure);
    let title = |id: &str| {
        let rules = procedure.map_or(&[][..], |procedure| &procedure.fields);
        let rule = rules.iter().find(|rule| rule.id == id);
        rule.map_or_else(|| id.to_owned(), |rule| rule.title.clone())
    };
    let others = offer
        .routing
        .departments
        .iter()
        .filter(|it| it.id != ticket.department);
    Ok(TicketPage {
        layout: Layout::of(visitor, &format!("Vorgang {}", ticket.ticket_id), "/platz")
            .with_style("desk.css"),
        state: words::state(&ticket.state).to_owned(),
        owed: words::is_owed(&ticket.state),
        settled: ticket.settled_at_unix_ms.is_some(),
        procedure: procedure.map_or_else(|| ticket.procedure.clone(), |it| it.title.clone()),
        department: offer.department_name(&ticket.department).to_owned(),
        because: ticket.because.clone(),
        due: format::weekday_and_time(ticket.due_at_unix_ms),
        logged: format::day_and_time(ticket.created_at_unix_ms),
        hotline: ticket.hotline.clone(),
        wished: ticket.wished.map(wished).unwrap_or_default(),
        appointment: ticket.appointment.as_ref().map(appointment).unwrap_or_default(),
        days,
        fields: in_order(&ticket, procedure)
            // Booked slots are told as the appointment.
            .filter(|(id, _)| *id != "slots" || ticket.appointment.is_none())
            .map(|(id, text)| (title(id), text.clone()))
            .collect(),
        added: ticket
            .added
            .iter()
            .map(|it| (format::day_and_time(it.at_unix_ms), it.concern.clone()))
            .collect(),
        history: ticket
            .history
            .iter()
            .rev()
            .map(|it| entry(it, procedure, &offer))
            .collect(),
        departments: others
            .map(|it| Choice {
                value: it.id.clone(),
                name: it.name.clone(),
                chosen: it.id == form.department,
            })
            .collect(),
        key: uuid::Uuid::new_v4().to_string(),
        form: form.clone(),
        fault,
        done,
        id: ticket.ticket_id,
    })
}

/// What was given, in the order of the form.
fn in_order<'a>(
    ticket: &'a proto::Ticket,
    procedure: Option<&proto::Procedure>,
) -> impl Iterator<Item = (&'a String, &'a String)> {
    let place = |id: &str| {
        let mut rules = procedure.map_or(&[][..], |procedure| &procedure.fields).iter();
        rules.position(|rule| rule.id == id).unwrap_or(usize::MAX)
    };
    let mut fields: Vec<_> = ticket.fields.iter().collect();
    fields.sort_by_key(|(id, _)| place(id));
    fields.into_iter()
}

fn entry(entry: &proto::HistoryEntry, procedure: Option<&proto::Procedure>, offer: &Offer) -> Entry {
    Entry {
        at: format::day_and_time(entry.at_unix_ms),
        action: words::action(&entry.action).to_owned(),
        actor: words::actor(&entry.actor, |id| offer.department_name(id).to_owned()),
        // Whom it was handed over to is noted by id.
        note: match entry.action.as_str() {
            "rectified" => shown_ticket::rectified(&entry.note, procedure),
            _ => offer.department_name(&entry.note).to_owned(),
        },
    }
}

fn wished(window: proto::TimeWindow) -> String {
    let (from, until) = (window.from_unix_ms, window.until_unix_ms);
    format!(
        "{} bis {}",
        format::weekday_and_time(from),
        format::weekday_and_time(until)
    )
}

fn appointment(appointment: &proto::Appointment) -> String {
    let slots = appointment
        .slots_unix_ms
        .iter()
        .map(|at| format::weekday_and_time(*at));
    let slots: Vec<String> = slots.collect();
    let held = if appointment.held {
        ""
    } else {
        " (nicht mehr gebucht)"
    };
    format!("{}: {}{held}", appointment.service, slots.join(", "))
}
