//! What an agent does with a ticket that is there.

use axum::Form as Posted;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use tonic::Status;
use wire::v1::tickets as proto;

use super::sending::is_script;
use super::{agent, faults, ticket};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// What was entered with an act.
#[derive(Clone, Default)]
pub(super) struct ActForm {
    /// The act, as its page is called.
    pub(super) act: &'static str,
    pub(super) reason: String,
    pub(super) department: String,
    slots: Vec<String>,
    key: String,
    call: String,
}

impl ActForm {
    fn of(act: &'static str, pairs: Vec<(String, String)>) -> Self {
        let mut form = Self {
            act,
            ..Self::default()
        };
        for (name, text) in pairs {
            let text = text.replace("\r\n", "\n").trim().to_owned();
            match name.as_str() {
                "grund" => form.reason = text,
                "stelle" => form.department = text,
                "slot" => form.slots.push(text),
                "schluessel" => form.key = text,
                "anruf" => form.call = text,
                _ => {}
            }
        }
        form
    }

    /// One for each act on each ticket, whatever the draft is that it came from.
    fn key(&self, ticket: &str) -> String {
        format!("{}/{}/{ticket}", self.key, self.act)
    }
}

/// What is told where a script asks.
fn told(ticket: &str, what: &str) -> Html<String> {
    Html(format!("<p class=\"notice good\">Vorgang {ticket}: {what}.</p>"))
}

/// Back to the ticket, or a word for the script; a refusal shows what was entered with the reason.
async fn answered(
    visitor: &Visitor,
    headers: &HeaderMap,
    id: &str,
    form: &ActForm,
    result: Result<(), Status>,
) -> Result<Response, Trouble> {
    let status = match result {
        Ok(()) => {
            let (anchor, what) = match form.act {
                "zurueckziehen" => ("zurueckgezogen", "zurückgezogen"),
                "wieder-oeffnen" => ("wieder-geoeffnet", "wieder geöffnet"),
                "weiterleiten" => ("weitergeleitet", "weitergeleitet"),
                _ => ("umgebucht", "umgebucht"),
            };
            // The number comes from the address: only what a ticket number can be is repeated.
            let id: String = id
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect();
            if is_script(headers) {
                return Ok(told(&id, what).into_response());
            }
            return Ok(Redirect::to(&format!("/platz/vorgang/{id}?getan={anchor}")).into_response());
        }
        Err(status) => status,
    };
    let Some(fault) = faults::refusal(&status) else {
        return Err(status.into());
    };
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    if is_script(headers) {
        return Ok((refused, Html(format!("<p class=\"notice error\">{fault}</p>"))).into_response());
    }
    let page = ticket::page(visitor, id, form, Some(fault), String::new()).await?;
    Ok((refused, page).into_response())
}

/// The citizen needs no answer any more.
pub(super) async fn withdraw(
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let form = ActForm::of("zurueckziehen", pairs);
    let request = proto::ActOnTicketRequest {
        idempotency_key: form.key(&id),
        ticket_id: id.clone(),
        reason: form.reason.clone(),
        agent: agent(&visitor),
    };
    let done = visitor.services.ticketing().withdraw_ticket(request).await;
    answered(&visitor, &headers, &id, &form, done.map(|_| ())).await
}

/// An answer is owed again.
pub(super) async fn reopen(
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let form = ActForm::of("wieder-oeffnen", pairs);
    let request = proto::ReopenTicketRequest {
        idempotency_key: form.key(&id),
        ticket_id: id.clone(),
        reason: form.reason.clone(),
        agent: agent(&visitor),
        call: form.call.clone(),
    };
    let done = visitor.services.ticketing().reopen_ticket(request).await;
    answered(&visitor, &headers, &id, &form, done.map(|_| ())).await
}

/// Another department is responsible.
pub(super) async fn reroute(
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let form = ActForm::of("weiterleiten", pairs);
    let request = proto::RerouteTicketRequest {
        idempotency_key: form.key(&id),
        ticket_id: id.clone(),
        reason: form.reason.clone(),
        agent: agent(&visitor),
        department: form.department.clone(),
    };
    let done = visitor.services.ticketing().reroute_ticket(request).await;
    answered(&visitor, &headers, &id, &form, done.map(|_| ())).await
}

/// The appointment moves.
pub(super) async fn rebook(
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let form = ActForm::of("umbuchen", pairs);
    let request = proto::RebookTicketRequest {
        ticket_id: id.clone(),
        slots: form.slots.clone(),
        agent: agent(&visitor),
    };
    let done = visitor.services.ticketing().rebook_ticket(request).await;
    answered(&visitor, &headers, &id, &form, done.map(|_| ())).await
}
