//! The agent's desk: a callback in twenty seconds, by keyboard.
//!
//! One form for every procedure of the register. It is checked while it is typed by the same rules that take it, and
//! works without a script: then it is checked when it is sent.

mod acts;
mod call;
mod entered;
pub(crate) mod faults;
mod form;
mod panels;
mod sending;
mod slots;
mod ticket;
mod words;

use askama::Template;
use askama_web::WebTemplate;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use domain::access::{Admission, Role};
use serde::Deserialize;
use wire::v1::tickets as proto;

use crate::Console;
use crate::layout::Layout;
use crate::pages::{Page, get as page, post as act};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use entered::Entered;
use form::Form;
use panels::Panels;

const AGENT: Admission = Admission::Roles(&[Role::Agent]);

pub(crate) const PAGES: &[Page] = &[
    page("/platz", AGENT),
    act("/platz", AGENT),
    act("/platz/pruefen", AGENT),
    page("/platz/anruf", AGENT),
    page("/platz/erfasst/{id}", AGENT),
    page("/platz/vorgang/{id}", AGENT),
    act("/platz/vorgang/{id}/zurueckziehen", AGENT),
    act("/platz/vorgang/{id}/wieder-oeffnen", AGENT),
    act("/platz/vorgang/{id}/weiterleiten", AGENT),
    act("/platz/vorgang/{id}/umbuchen", AGENT),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/platz", get(desk).post(sending::send))
        .route("/platz/pruefen", post(panels::check))
        .route("/platz/anruf", get(call::watch))
        .route("/platz/erfasst/{id}", get(sending::logged))
        .route("/platz/vorgang/{id}", get(ticket::show))
        .route("/platz/vorgang/{id}/zurueckziehen", post(acts::withdraw))
        .route("/platz/vorgang/{id}/wieder-oeffnen", post(acts::reopen))
        .route("/platz/vorgang/{id}/weiterleiten", post(acts::reroute))
        .route("/platz/vorgang/{id}/umbuchen", post(acts::rebook))
}

/// What forms are made from: the register and the rules.
pub(super) struct Offer {
    /// Procedures that can be asked for.
    pub(super) procedures: Vec<proto::Procedure>,
    /// Hotlines, departments, services.
    pub(super) routing: proto::DescribeRoutingResponse,
}

impl Offer {
    async fn of(visitor: &Visitor) -> Result<Self, Trouble> {
        let (mut register, mut rules) = (visitor.services.ticketing(), visitor.services.ticketing());
        let (procedures, routing) = tokio::try_join!(
            register.list_procedures(proto::ListProceduresRequest {}),
            rules.describe_routing(proto::DescribeRoutingRequest {}),
        )?;
        let mut procedures = procedures.into_inner().procedures;
        procedures.retain(|procedure| procedure.kind == "ticket");
        Ok(Self {
            procedures,
            routing: routing.into_inner(),
        })
    }

    /// The procedure that is asked for, else the first one: the callback request.
    fn procedure(&self, id: &str) -> Result<&proto::Procedure, Trouble> {
        let named = self.procedures.iter().find(|procedure| procedure.id == id);
        named.or(self.procedures.first()).ok_or(Trouble::NotFound)
    }

    /// What people call a department.
    fn department_name<'a>(&'a self, id: &'a str) -> &'a str {
        let found = self.routing.departments.iter().find(|it| it.id == id);
        found.map_or(id, |department| &department.name)
    }
}

/// The agent that acts are noted under.
fn agent(visitor: &Visitor) -> String {
    visitor.principal.acting_agent(&visitor.principal.name)
}

#[derive(Template, WebTemplate)]
#[template(path = "desk/desk.html")]
struct DeskPage {
    layout: Layout,
    /// Whose draft the browser keeps.
    user: String,
    form: Form,
    panels: Panels,
}

impl DeskPage {
    fn new(visitor: &Visitor, form: Form, panels: Panels) -> Self {
        Self {
            layout: Layout::of(visitor, "Anrufplatz", "/platz")
                .with_style("desk.css")
                .with_script("desk.js"),
            user: visitor.principal.name.clone(),
            form,
            panels,
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    verfahren: String,
}

async fn desk(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let offer = Offer::of(&visitor).await?;
    let entered = Entered::fresh(asked.verfahren, (console.clock)());
    let form = Form::new(&offer, &entered, &[])?;
    Ok(DeskPage::new(&visitor, form, Panels::empty()).into_response())
}

#[cfg(test)]
mod tests {
    use domain::procedure::{FaultCode, FieldFault, Register};
    use wire::tickets::procedure_to_wire;

    use super::*;

    fn page(procedure: &str, faults: &[FieldFault]) -> String {
        let register = Register::built_in();
        let tickets = register
            .procedures()
            .iter()
            .filter(|it| it.ticket_rules().is_some());
        let offer = Offer {
            procedures: tickets.map(procedure_to_wire).collect(),
            routing: proto::DescribeRoutingResponse {
                hotlines: vec![proto::HotlineTopics {
                    hotline: "Umwelt".to_owned(),
                    categories: vec!["Abfall".to_owned()],
                }],
                ..Default::default()
            },
        };
        let entered = Entered::of(vec![
            ("verfahren".to_owned(), procedure.to_owned()),
            ("feld.name".to_owned(), "<b>Özdemir</b>".to_owned()),
        ]);
        let page = DeskPage {
            layout: Layout::open("Anrufplatz"),
            user: "anna".to_owned(),
            form: Form::new(&offer, &entered, faults).expect("a form"),
            panels: Panels::empty(),
        };
        page.render().expect("a page")
    }

    /// The tag that has a name.
    fn tag<'p>(page: &'p str, name: &str) -> &'p str {
        let at = page
            .find(&format!("name=\"{name}\""))
            .unwrap_or_else(|| panic!("no input {name}"));
        let begin = page[..at].rfind('<').expect("a tag");
        let end = page[begin..].find('>').expect("an end");
        &page[begin..begin + end]
    }

    #[test]
    fn inputs_are_of_the_kind_and_length_that_the_register_says() {
        let page = page("callback", &[]);
        assert!(tag(&page, "feld.phone").contains("type=\"tel\""));
        assert!(tag(&page, "feld.phone").contains("maxlength=\"40\""));
        assert!(tag(&page, "feld.postal_code").contains("inputmode=\"numeric\""));
        assert!(tag(&page, "feld.email").contains("type=\"email\""));
        assert!(tag(&page, "feld.concern").contains("maxlength=\"4000\""));
        assert!(tag(&page, "feld.concern").contains("aria-required"));
        assert!(!tag(&page, "feld.name").contains("aria-required"));
        assert!(tag(&page, "feld.name").contains("autocomplete=\"off\""));
        for id in ["anfrage", "absenden", "zustaendig", "bekannt"] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn what_was_entered_is_kept_and_never_markup() {
        let page = page("callback", &[]);
        assert!(!page.contains("<b>Özdemir"));
        assert!(tag(&page, "feld.name").contains("Özdemir"));
    }

    #[test]
    fn a_fault_is_marked_at_its_input_and_described_by_its_words() {
        let page = page("callback", &[FieldFault::of("phone", FaultCode::NoPhone, "")]);
        let phone = tag(&page, "feld.phone");
        assert!(phone.contains("aria-invalid=\"true\"") && phone.contains("fehler-feld-phone"));
        assert!(page.contains("id=\"fehler-feld-phone\">3 bis 20 Ziffern"));
        assert!(!tag(&page, "feld.email").contains("aria-invalid"));
    }

    #[test]
    fn fields_of_the_system_and_wishes_where_nobody_calls_back_are_not_shown() {
        let page = page("brochure-order", &[]);
        for name in ["feld.timestamp", "feld.user", "feld.ip_address", "wunsch.von"] {
            assert!(!page.contains(&format!("name=\"{name}\"")), "{name}");
        }
        assert!(tag(&page, "feld.bookseller").contains("checkbox"));
    }
}
