//! Erasing a person: what an order would reach is shown first, then how far it has come, place by place.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::erasure::Place;
use serde::Deserialize;
use wire::v1::privacy as proto;

use super::search::{Asked, SearchPage, german};
use crate::Console;
use crate::layout::Layout;
use crate::shown_ticket::{Departments, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Orders on a page.
const PAGE: u32 = 50;

/// Where copies are, in German.
fn place(name: &str) -> &str {
    match Place::from_name(name) {
        Some(Place::Tickets) => "Vorgänge mit Verlauf, Suchschlüsseln und wartenden E-Mails",
        Some(Place::Entries) => "Anmeldungen zu Newslettern und Medienterminen",
        Some(Place::Calls) => "Anrufe: wer angerufen hat oder angerufen wurde",
        Some(Place::RejectedItems) => "Abgewiesene Datensätze",
        Some(Place::BusCalls) => "Meldungen der Anrufe auf dem Nachrichtenweg",
        Some(Place::BusTickets) => "Nachrichten an Fachstellen",
        Some(Place::BusReplies) => "Antworten von Fachstellen",
        Some(Place::StoreFiles) => {
            "Dateien der Datenhaltung: freie Seiten, ältere Stände, Änderungsprotokoll"
        }
        None => name,
    }
}

/// What stays and why, in German; as the service says it where it says something new.
fn kept(data: &proto::KeptData) -> (String, String) {
    let known = [
        (
            "the ticket without its content, the order and the audit trail",
            "Der leere Vorgang, der Auftrag und das Protokoll",
            "Dass gelöscht wurde, muss sich nachweisen lassen (Art. 5 Abs. 2 DSGVO): Nummer, Stelle, Zeiten, von wem; nichts \
             über die Person.",
        ),
        ("figures", "Zählwerte", "Sie nennen niemanden."),
        (
            "drafts in browsers of agents",
            "Entwürfe in den Browsern der Hotline",
            "Sie gehen mit dem Absenden, beim Abmelden oder nach 12 Stunden.",
        ),
        (
            "what somebody has registered for, where a ticket or a call was named and no person",
            "Anmeldungen, wo ein Vorgang oder ein Anruf genannt wurde und keine Person",
            "Sie sind eine andere Sache mit eigener Einwilligung.",
        ),
        (
            "mails and files that departments or users received",
            "E-Mails und Dateien, die Stellen oder Benutzer erhalten haben",
            "Sie haben diese Software verlassen; die Stellen werden aufgefordert, ihre Daten zu löschen.",
        ),
        (
            "backups",
            "Sicherungen",
            "Sie gehen nach ihrer eigenen Frist; eine Wiederherstellung löscht erneut, was seither gelöscht wurde.",
        ),
    ];
    let german = known.iter().find(|(what, ..)| data.what == *what);
    match german {
        Some((_, what, why)) => ((*what).to_owned(), (*why).to_owned()),
        None if data.why == "a setting of the database server" => (
            data.what.clone(),
            "Eine Einstellung des Datenbankservers.".to_owned(),
        ),
        None => (data.what.clone(), data.why.clone()),
    }
}

struct ShownPlace {
    name: String,
    /// Until when at most something is there; `None` once nothing is.
    until: Option<Time>,
}

struct Recipient {
    department: String,
    told: bool,
    confirmed: bool,
}

/// An order, or what one would be.
struct Order {
    id: String,
    at: Time,
    by: String,
    reason: String,
    case: Option<u64>,
    tickets: Vec<String>,
    entries: u32,
    calls: u32,
    rejected: u32,
    places: Vec<ShownPlace>,
    recipients: Vec<Recipient>,
    kept: Vec<(String, String)>,
    closed: Option<Time>,
}

impl Order {
    fn of(state: proto::ErasureState, departments: &Departments) -> Self {
        let erased = state.erased.iter().map(|name| ShownPlace {
            name: place(name).to_owned(),
            until: None,
        });
        let pending = state.pending.iter().map(|it| ShownPlace {
            name: place(&it.place).to_owned(),
            until: Some(Time::at(it.until_unix_ms)),
        });
        let recipients = state.recipients.iter().map(|it| Recipient {
            department: departments.name(&it.department).to_owned(),
            told: it.told,
            confirmed: it.confirmed,
        });
        Self {
            at: Time::at(state.ordered_at_unix_ms),
            case: Some(state.case_number).filter(|number| *number > 0),
            entries: state.entries,
            calls: state.calls,
            rejected: state.rejected_items,
            places: erased.chain(pending).collect(),
            recipients: recipients.collect(),
            kept: state.kept.iter().map(kept).collect(),
            closed: state.closed_at_unix_ms.map(Time::at),
            id: state.order_id,
            by: state.ordered_by,
            reason: state.reason,
            tickets: state.ticket_ids,
        }
    }

    fn pending(&self) -> usize {
        self.places.iter().filter(|place| place.until.is_some()).count()
    }
}

fn request(asked: &Asked) -> Result<proto::EraseRequest, Trouble> {
    let marks = asked.marks.sent();
    Ok(proto::EraseRequest {
        phone: marks.phone,
        email: marks.email,
        name: marks.name,
        first_name: marks.first_name,
        person_of_ticket: marks.ticket_id,
        reason: asked.grund.clone(),
        case_number: asked.case()?.try_into().unwrap_or_default(),
        idempotency_key: asked.kennung.clone(),
        ..proto::EraseRequest::default()
    })
}

/// What would be erased; asks whether it shall be.
#[derive(Template, WebTemplate)]
#[template(path = "persons/erase.html")]
struct PlanPage {
    layout: Layout,
    asked: Asked,
    order: Order,
    /// Why it cannot be ordered yet.
    missing: String,
    fault: Option<&'static str>,
}

async fn plan_page(
    visitor: &Visitor,
    asked: Asked,
    fault: Option<&'static str>,
) -> Result<Response, Trouble> {
    let plan = visitor.services.erasures().plan_erasure(request(&asked)?).await;
    let plan = match plan {
        Ok(plan) => plan.into_inner(),
        Err(status) => return SearchPage::new(visitor, asked.marks).with_fault(status),
    };
    let departments = Departments::of(visitor).await?;
    let page = PlanPage {
        layout: Layout::of(visitor, "Person löschen", "/betroffene").with_style("work.css"),
        order: Order::of(plan.state.unwrap_or_default(), &departments),
        missing: german(&plan.missing).map_or(plan.missing.clone(), str::to_owned),
        fault,
        asked,
    };
    Ok(match fault {
        None => page.into_response(),
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
    })
}

pub(super) async fn plan(visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response, Trouble> {
    plan_page(&visitor, asked, None).await
}

pub(super) async fn erase(visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response, Trouble> {
    if asked.bestaetigt.is_empty() {
        let fault = "Bestätigen Sie mit dem Häkchen, dass gelöscht werden soll.";
        return plan_page(&visitor, asked, Some(fault)).await;
    }
    match visitor.services.erasures().erase(request(&asked)?).await {
        Ok(state) => {
            let order = state.into_inner().order_id;
            Ok(Redirect::to(&format!("/loeschungen/{order}")).into_response())
        }
        Err(status) => SearchPage::new(&visitor, asked.marks).with_fault(status),
    }
}

/// How far an order has come.
#[derive(Template, WebTemplate)]
#[template(path = "persons/order.html")]
pub(super) struct OrderPage {
    layout: Layout,
    order: Order,
    now: Time,
}

pub(super) async fn order(
    State(console): State<Console>,
    visitor: Visitor,
    Path(order_id): Path<String>,
) -> Result<OrderPage, Trouble> {
    let request = proto::GetErasureRequest { order_id };
    let state = visitor.services.erasures().get_order(request).await?.into_inner();
    let departments = Departments::of(&visitor).await?;
    Ok(OrderPage {
        layout: Layout::of(&visitor, "Löschung", "/betroffene").with_style("work.css"),
        order: Order::of(state, &departments),
        now: Time::at((console.clock)().timestamp_millis()),
    })
}

#[derive(Deserialize)]
pub(super) struct Listed {
    #[serde(default)]
    weiter: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "persons/orders.html")]
pub(super) struct OrdersPage {
    layout: Layout,
    orders: Vec<Order>,
    next: String,
}

pub(super) async fn orders(visitor: Visitor, Query(listed): Query<Listed>) -> Result<OrdersPage, Trouble> {
    let request = proto::ListErasuresRequest {
        page_size: PAGE,
        page_token: listed.weiter,
    };
    let found = visitor
        .services
        .erasures()
        .list_orders(request)
        .await?
        .into_inner();
    let departments = Departments::default();
    Ok(OrdersPage {
        layout: Layout::of(&visitor, "Löschungen", "/betroffene").with_style("work.css"),
        orders: found
            .orders
            .into_iter()
            .map(|it| Order::of(it, &departments))
            .collect(),
        next: found.next_page_token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_word() {
        for it in Place::ALL {
            assert_ne!(place(it.name()), it.name());
        }
    }
}
