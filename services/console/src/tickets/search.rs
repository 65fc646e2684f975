//! The tickets of a person, for data protection. What is searched for travels in the body alone: never in an address.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use wire::v1::tickets as proto;

use crate::Console;
use crate::layout::Layout;
use crate::shown_ticket::{Names, ShownTicket};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Tickets of a kind that are shown.
const FOUND: u32 = 200;

#[derive(Clone, Default, Deserialize)]
pub(super) struct Person {
    #[serde(default)]
    telefon: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    plz: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "tickets/search.html")]
pub(super) struct SearchPage {
    layout: Layout,
    person: Person,
    fault: Option<&'static str>,
    searched: bool,
    owed: Vec<ShownTicket>,
    settled: Vec<ShownTicket>,
    has_more: bool,
}

impl SearchPage {
    fn new(visitor: &Visitor, person: Person) -> Self {
        Self {
            layout: Layout::of(visitor, "Person suchen", "/vorgaenge").with_style("work.css"),
            person,
            fault: None,
            searched: false,
            owed: Vec::new(),
            settled: Vec::new(),
            has_more: false,
        }
    }
}

pub(super) async fn form(visitor: Visitor) -> SearchPage {
    SearchPage::new(&visitor, Person::default())
}

pub(super) async fn find(
    State(console): State<Console>,
    visitor: Visitor,
    Form(person): Form<Person>,
) -> Result<Response, Trouble> {
    let mut page = SearchPage::new(&visitor, person.clone());
    let [phone, name, postal_code] =
        [&person.telefon, &person.name, &person.plz].map(|it| it.trim().to_owned());
    page.fault = match (phone.is_empty(), name.is_empty()) {
        (true, true) => Some("Geben Sie eine Telefonnummer oder einen Familiennamen an."),
        (false, false) => Some("Geben Sie entweder die Telefonnummer oder den Namen an, nicht beides."),
        _ => None,
    };
    if page.fault.is_some() {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let names = Names::of(&visitor, (console.clock)()).await?;
    for recent in [false, true] {
        let request = proto::FindTicketsRequest {
            phone: phone.clone(),
            name: name.clone(),
            postal_code: postal_code.clone(),
            page_size: FOUND,
            page_token: String::new(),
            recent,
        };
        let found = visitor
            .services
            .ticketing()
            .find_tickets(request)
            .await?
            .into_inner();
        page.has_more |= !found.next_page_token.is_empty();
        let shown = found.tickets.into_iter().map(|it| names.show(it)).collect();
        match recent {
            false => page.owed = shown,
            true => page.settled = shown,
        }
    }
    page.searched = true;
    Ok(page.into_response())
}
