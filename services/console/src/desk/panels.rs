//! What the system says about a request while it is typed: faults, department, due time, known tickets.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form as Posted;
use axum::response::{IntoResponse as _, Response};
use domain::procedure::{FaultCode, FieldFault};
use wire::faults::faults_from_wire;
use wire::v1::tickets as proto;

use super::entered::{Entered, FIELD};
use super::form::Form;
use super::slots::{self, Day};
use super::{Offer, agent, faults, words};
use crate::format;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// What stands beside the form.
#[derive(Default)]
pub(super) struct Panels {
    /// The department; empty before one is known.
    pub(super) department: String,
    /// Whether the agent chose it.
    pub(super) chosen: bool,
    pub(super) because: String,
    pub(super) due: String,
    /// The number as it is dialled, or what to ask about it.
    pub(super) phone_hint: String,
    /// The towns of the postal code.
    pub(super) towns: Vec<String>,
    /// Whether a postal code was given that is not of the state.
    pub(super) elsewhere: bool,
    pub(super) known: Vec<Known>,
    /// Whether somebody could be known: a number or a name with a postal code was given.
    pub(super) asked: bool,
    pub(super) days: Vec<Day>,
    /// The ticket that the concern joins.
    pub(super) add_to: String,
}

/// A ticket of the caller.
pub(super) struct Known {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) owed: bool,
    pub(super) department: String,
    pub(super) due: String,
    pub(super) overdue: bool,
    pub(super) beginning: String,
    pub(super) joined: bool,
}

impl Panels {
    /// Before anything was entered.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    async fn of(
        visitor: &Visitor,
        offer: &Offer,
        entered: &Entered,
        told: proto::PreviewCallbackResponse,
        now_unix_ms: i64,
    ) -> Result<Self, Trouble> {
        let chosen = !entered.department.is_empty() && entered.add_to.is_empty();
        let department = if chosen {
            &entered.department
        } else {
            &told.department
        };
        let procedure = offer.procedure(&entered.procedure)?;
        let books = procedure.fields.iter().any(|rule| rule.id == "slots");
        let days = match books && !offer.routing.services.is_empty() {
            true => {
                slots::free(
                    visitor,
                    department,
                    entered.field("service"),
                    entered.field("slots"),
                )
                .await?
            }
            false => Vec::new(),
        };
        let mut tickets = told.open_tickets;
        tickets.extend(told.recent_tickets);
        let known = |ticket: proto::Ticket| known(&ticket, offer, entered, now_unix_ms);
        Ok(Self {
            because: match chosen && told.department != *department {
                true => format!(
                    "Vorgeschlagen war {}: {}",
                    offer.department_name(&told.department),
                    told.because
                ),
                false => told.because,
            },
            department: offer.department_name(department).to_owned(),
            chosen,
            due: told
                .due_at_unix_ms
                .map(format::weekday_and_time)
                .unwrap_or_default(),
            phone_hint: phone_hint(&told.phone_kind, &told.phone, entered.field("phone")),
            elsewhere: entered.field("postal_code").len() == 5 && told.municipalities.is_empty(),
            towns: told.municipalities.into_iter().map(|it| it.name).collect(),
            known: tickets.into_iter().map(known).collect(),
            asked: !entered.field("phone").is_empty()
                || (!entered.field("name").is_empty() && !entered.field("postal_code").is_empty()),
            days,
            add_to: entered.add_to.clone(),
        })
    }
}

fn known(ticket: &proto::Ticket, offer: &Offer, entered: &Entered, now_unix_ms: i64) -> Known {
    let owed = words::is_owed(&ticket.state);
    Known {
        id: ticket.ticket_id.clone(),
        state: words::state(&ticket.state).to_owned(),
        owed,
        department: offer.department_name(&ticket.department).to_owned(),
        due: format::weekday_and_time(ticket.due_at_unix_ms),
        overdue: owed && ticket.due_at_unix_ms < now_unix_ms,
        beginning: words::beginning(ticket),
        joined: ticket.ticket_id == entered.add_to,
    }
}

/// How a number is dialled if that is not how it was written; what to ask where it may not be what it looks like.
fn phone_hint(kind: &str, dialled: &str, written: &str) -> String {
    match kind {
        "internal" => "Kurze Nummer: Bitte mit Vorwahl erfragen.".to_owned(),
        "doubtful" => "Nummer nicht eindeutig: Fehlt die Vorwahl oder eine Ziffer?".to_owned(),
        "e164" if dialled != written => format!("Gewählt wird {dialled}"),
        _ => String::new(),
    }
}

/// A form with all that can be said about it.
pub(super) async fn considered(
    visitor: &Visitor,
    offer: &Offer,
    entered: &Entered,
    now_unix_ms: i64,
) -> Result<(Vec<FieldFault>, Panels), Trouble> {
    let procedure = offer.procedure(&entered.procedure)?;
    let request = entered.request(procedure, agent(visitor));
    let told = visitor.services.ticketing().preview_callback(request).await?;
    let mut told = told.into_inner();
    let faults = faults_from_wire(std::mem::take(&mut told.faults));
    let panels = Panels::of(visitor, offer, entered, told, now_unix_ms).await?;
    Ok((faults, panels))
}

/// Pieces of the page, each with its place.
#[derive(Template, WebTemplate)]
#[template(path = "desk/pieces.html")]
pub(super) struct Pieces {
    pub(super) form: Form,
    pub(super) panels: Panels,
    /// Whether it is the answer to sending.
    pub(super) sent: bool,
}

/// Says what is to be said about the form as it is.
pub(super) async fn check(
    axum::extract::State(console): axum::extract::State<crate::Console>,
    visitor: Visitor,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let entered = Entered::of(pairs);
    let offer = Offer::of(&visitor).await?;
    let now = (console.clock)().timestamp_millis();
    let (mut faults, panels) = considered(&visitor, &offer, &entered, now).await?;
    let procedure = offer.procedure(&entered.procedure)?;
    if let Some(touched) = &entered.touched {
        faults.retain(|fault| is_told(fault, touched, procedure));
    }
    let form = Form::new(&offer, &entered, &faults)?;
    let pieces = Pieces {
        form,
        panels,
        sent: false,
    };
    Ok(pieces.into_response())
}

/// Nobody is told what is missing before being there.
fn is_told(fault: &FieldFault, touched: &[String], procedure: &proto::Procedure) -> bool {
    let been = |name: &str| touched.iter().any(|it| it == name);
    match fault.code {
        // Whoever has been to all ways, or to the concern behind them, has missed it.
        FaultCode::Unreachable => {
            let mut ways = procedure.reachable_by.iter();
            ways.all(|way| been(&format!("{FIELD}{way}")))
        }
        FaultCode::WindowHalf => been("wunsch.von") && been("wunsch.bis"),
        _ => faults::input(fault, procedure).is_some_and(|input| been(&input)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_only_where_the_agent_has_been() {
        let procedure = proto::Procedure {
            reachable_by: vec!["phone".to_owned(), "email".to_owned()],
            fields: ["phone", "email", "concern"]
                .map(|id| proto::FieldRule {
                    id: id.to_owned(),
                    ..Default::default()
                })
                .into(),
            ..Default::default()
        };
        let been = |names: &[&str]| -> Vec<String> { names.iter().map(|it| (*it).to_owned()).collect() };
        let missing = FieldFault::of("concern", FaultCode::Required, "");
        assert!(!is_told(&missing, &been(&["feld.phone"]), &procedure));
        assert!(is_told(&missing, &been(&["feld.concern"]), &procedure));
        let unreachable = FieldFault::of("phone", FaultCode::Unreachable, "");
        assert!(!is_told(&unreachable, &been(&["feld.phone"]), &procedure));
        assert!(is_told(
            &unreachable,
            &been(&["feld.email", "feld.phone"]),
            &procedure
        ));
        let key = FieldFault::of("idempotency_key", FaultCode::Required, "");
        assert!(!is_told(&key, &been(&["feld.phone"]), &procedure));
    }
}
