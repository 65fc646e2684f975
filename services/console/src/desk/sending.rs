//! Sending the form, and what comes of it.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use wire::v1::tickets as proto;

use super::entered::Entered;
use super::form::Form;
use super::panels::{Pieces, considered};
use super::{DeskPage, Offer, agent};
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::{Console, format};

/// What the agent tells the citizen in the end.
#[derive(Template, WebTemplate)]
#[template(path = "desk/receipt.html")]
pub(super) struct Receipt {
    ticket: String,
    department: String,
    due: String,
    /// The concern joined a ticket that was there.
    joined: bool,
    /// It had been sent before.
    repeated: bool,
    /// Sentences for the citizen.
    say: Vec<String>,
}

#[derive(Template, WebTemplate)]
#[template(path = "desk/logged.html")]
struct LoggedPage {
    layout: Layout,
    receipt: Receipt,
}

/// Whether a script asks, which puts the answer into the page.
pub(super) fn is_script(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

/// Sends the form; or shows it again, for another procedure or with what is to be said about it.
pub(super) async fn send(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let entered = Entered::of(pairs);
    let offer = Offer::of(&visitor).await?;
    let now = (console.clock)().timestamp_millis();
    if !entered.action.is_empty() {
        let (faults, panels) = considered(&visitor, &offer, &entered, now).await?;
        let faults = if entered.action == "pruefen" {
            faults
        } else {
            Vec::new()
        };
        let form = Form::new(&offer, &entered, &faults)?;
        return Ok(DeskPage::new(&visitor, form, panels).into_response());
    }
    let request = entered.request(offer.procedure(&entered.procedure)?, agent(&visitor));
    let joined = !entered.add_to.is_empty();
    let status = match visitor.services.ticketing().log_callback(request).await {
        Ok(logged) => {
            let logged = logged.into_inner();
            let ticket = logged.ticket.ok_or(Trouble::NotFound)?;
            if is_script(&headers) {
                return Ok(receipt(&ticket, &offer, joined, logged.repeated).into_response());
            }
            let told = if joined { "?ergaenzt=1" } else { "" };
            let path = format!("/platz/erfasst/{}{told}", ticket.ticket_id);
            return Ok(Redirect::to(&path).into_response());
        }
        Err(status) => status,
    };
    let faults = wire::faults::faults(&status);
    if faults.is_empty() {
        return Err(status.into());
    }
    let (_, panels) = considered(&visitor, &offer, &entered, now).await?;
    let form = Form::new(&offer, &entered, &faults)?;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    if is_script(&headers) {
        let pieces = Pieces {
            form,
            panels,
            sent: true,
        };
        return Ok((refused, pieces).into_response());
    }
    Ok((refused, DeskPage::new(&visitor, form, panels)).into_response())
}

#[derive(Deserialize)]
pub(super) struct How {
    ergaenzt: Option<u8>,
}

/// The receipt as a page of its own.
pub(super) async fn logged(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(how): Query<How>,
) -> Result<Response, Trouble> {
    let offer = Offer::of(&visitor).await?;
    let asked = proto::GetTicketRequest { ticket_id: id };
    let ticket = visitor.services.ticketing().get_ticket(asked).await?.into_inner();
    let page = LoggedPage {
        layout: Layout::of(&visitor, "Erfasst", "/platz")
            .with_style("desk.css")
            .with_script("desk.js"),
        receipt: receipt(&ticket, &offer, how.ergaenzt.is_some(), false),
    };
    Ok(page.into_response())
}

fn receipt(ticket: &proto::Ticket, offer: &Offer, joined: bool, repeated: bool) -> Receipt {
    let department = offer.department_name(&ticket.department).to_owned();
    Receipt {
        ticket: ticket.ticket_id.clone(),
        due: format::weekday_and_time(ticket.due_at_unix_ms),
        say: say(ticket, &department, joined),
        department,
        joined,
        repeated,
    }
}

/// What to tell the citizen.
fn say(ticket: &proto::Ticket, department: &str, joined: bool) -> Vec<String> {
    let by = format::weekday_and_time(ticket.due_at_unix_ms);
    let given = |field: &str| ticket.fields.get(field).is_some_and(|text| !text.is_empty());
    let answer = match (&ticket.appointment, &ticket.wished) {
        (Some(appointment), _) => {
            let slots = appointment
                .slots_unix_ms
                .iter()
                .map(|at| format::weekday_and_time(*at));
            format!("Ihr Termin ist am {}.", slots.collect::<Vec<_>>().join(" und "))
        }
        (None, Some(wished)) => format!(
            "Sie werden zurückgerufen, wie gewünscht zwischen {} und {}.",
            format::weekday_and_time(wished.from_unix_ms),
            format::weekday_and_time(wished.until_unix_ms)
        ),
        _ if given("phone") => format!("Sie werden bis {by} Uhr zurückgerufen."),
        _ if given("email") => format!("Sie bekommen bis {by} Uhr eine Antwort per E-Mail."),
        _ => format!("Ihr Anliegen wird bis {by} Uhr bearbeitet."),
    };
    let begin = match joined {
        true => "Ihr Anliegen ist zu Ihrem laufenden Vorgang hinzugefügt.".to_owned(),
        false => format!("Ihr Anliegen liegt jetzt bei: {department}."),
    };
    vec![
        begin,
        answer,
        format!("Ihre Vorgangsnummer ist {}.", ticket.ticket_id),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(fields: &[(&str, &str)]) -> proto::Ticket {
        proto::Ticket {
            ticket_id: "T-7K3M-9QXW".to_owned(),
            fields: fields
                .iter()
                .map(|(id, text)| ((*id).to_owned(), (*text).to_owned()))
                .collect(),
            // Wednesday 2026-12-23 16:30 in Düsseldorf.
            due_at_unix_ms: 1_798_039_800_000,
            ..Default::default()
        }
    }

    #[test]
    fn the_citizen_hears_who_answers_when_and_how() {
        let said = say(&ticket(&[("phone", "0211 1")]), "Umweltministerium", false).join(" ");
        assert_eq!(
            said,
            "Ihr Anliegen liegt jetzt bei: Umweltministerium. Sie werden bis Mi 23.12. 16:30 Uhr zurückgerufen. Ihre \
             Vorgangsnummer ist T-7K3M-9QXW."
        );
        let said = say(&ticket(&[("email", "a@b.de")]), "", true).join(" ");
        assert!(
            said.contains("hinzugefügt") && said.contains("per E-Mail"),
            "{said}"
        );
    }

    #[test]
    fn an_appointment_is_told_by_its_slots() {
        let mut ticket = ticket(&[]);
        ticket.appointment = Some(proto::Appointment {
            slots_unix_ms: vec![ticket.due_at_unix_ms],
            ..Default::default()
        });
        assert!(say(&ticket, "", false)[1].contains("Termin ist am Mi 23.12. 16:30"));
    }
}
