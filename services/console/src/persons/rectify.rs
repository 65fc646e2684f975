//! Putting right what a ticket says about a person (Art. 16): its fields, and what was said in later calls.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ticket::{AddedField, AddedPart, TicketState};
use tonic::{Code, Status};
use wire::v1::privacy as proto;
use wire::v1::tickets;

use super::search::german;
use crate::Console;
use crate::desk::faults;
use crate::layout::Layout;
use crate::shown_ticket::{self, Names};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// What the names of entered fields begin with.
const FIELD: &str = "feld.";
/// The field of booked slots, which are moved by rebooking alone.
const SLOTS: &str = "slots";

/// How something is entered.
enum Input {
    Line,
    Text,
    /// One of these, with what they are called.
    Choice(Vec<(String, String)>),
}

struct Field {
    id: String,
    title: String,
    /// What is entered.
    says: String,
    /// What the ticket says so far.
    before: String,
    input: Input,
}

impl Field {
    fn of(id: &str, names: &Names, ticket: &tickets::Ticket, entered: &Entered) -> Self {
        let procedure = names.procedures.iter().find(|it| it.id == ticket.procedure);
        let mut rules = procedure.map_or(&[][..], |it| &it.fields).iter();
        let rule = rules.find(|rule| rule.id == id);
        let choice = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        let input = match rule.map(|rule| rule.r#type.as_str()) {
            Some("text") => Input::Text,
            Some("boolean") => Input::Choice(vec![
                choice("", "–"),
                choice("true", "ja"),
                choice("false", "nein"),
            ]),
            Some("choice") => {
                let choices = rule.map_or(&[][..], |rule| &rule.options).iter();
                let choices = choices.map(|it| choice(it, it));
                Input::Choice(std::iter::once(choice("", "–")).chain(choices).collect())
            }
            None if id.ends_with(".concern") => Input::Text,
            _ => Input::Line,
        };
        Self {
            title: names.field(&ticket.procedure, id),
            says: entered.text(id).unwrap_or(says(ticket, id)).to_owned(),
            before: says(ticket, id).to_owned(),
            id: id.to_owned(),
            input,
        }
    }
}

/// What a field of a ticket says so far.
fn says<'t>(ticket: &'t tickets::Ticket, id: &str) -> &'t str {
    let Some(added) = AddedField::named(id) else {
        return ticket.fields.get(id).map_or("", String::as_str);
    };
    let concern = ticket.added.get(added.place);
    concern.map_or("", |concern| match added.part {
        AddedPart::Concern => &concern.concern,
        AddedPart::Phone => &concern.phone,
        AddedPart::Email => &concern.email,
    })
}

/// Fields that people may put right, in the order of the register, then those of later calls.
fn fields_of(ticket: &tickets::Ticket, names: &Names) -> Vec<String> {
    let procedure = names.procedures.iter().find(|it| it.id == ticket.procedure);
    let rules = procedure.map_or(&[][..], |it| &it.fields).iter();
    let asked = rules.filter(|rule| !rule.from_system && rule.id != SLOTS);
    let mut ids: Vec<String> = asked.map(|rule| rule.id.clone()).collect();
    for number in 1..=ticket.added.len() {
        ids.extend(["concern", "phone", "email"].map(|part| format!("added.{number}.{part}")));
    }
    ids
}

/// What came with the form; kept when it has a fault.
struct Entered(HashMap<String, String>);

impl Entered {
    /// Of a page that nothing was entered on yet.
    fn new() -> Self {
        let key = uuid::Uuid::new_v4().to_string();
        Self(HashMap::from([("kennung".to_owned(), key)]))
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn text(&self, id: &str) -> Option<&str> {
        self.0.get(&format!("{FIELD}{id}")).map(String::as_str)
    }

    fn case(&self) -> Result<i64, String> {
        match self.get("antrag").trim() {
            "" => Ok(0),
            number => number
                .parse()
                .map_err(|_| "Die Nummer des Antrags ist eine Zahl.".to_owned()),
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "persons/rectify.html")]
struct RectifyPage {
    layout: Layout,
    ticket: String,
    fields: Vec<Field>,
    key: String,
    reason: String,
    case: String,
    fault: Option<String>,
    done: bool,
}

fn page(
    visitor: &Visitor,
    ticket: &tickets::Ticket,
    names: &Names,
    entered: &Entered,
    fault: Option<String>,
) -> RectifyPage {
    let ids = fields_of(ticket, names);
    RectifyPage {
        layout: Layout::of(visitor, "Berichtigen", "/betroffene").with_style("work.css"),
        ticket: ticket.ticket_id.clone(),
        fields: ids
            .iter()
            .map(|id| Field::of(id, names, ticket, entered))
            .collect(),
        key: entered.get("kennung").to_owned(),
        reason: entered.get("grund").to_owned(),
        case: entered.get("antrag").to_owned(),
        fault,
        done: !entered.get("getan").is_empty(),
    }
}

async fn load(console: &Console, visitor: &Visitor, id: &str) -> Result<(tickets::Ticket, Names), Trouble> {
    let ticket = shown_ticket::ticket(visitor, id).await?;
    if ticket.state == TicketState::Erased.name() {
        return Err(Trouble::NotFound);
    }
    let names = Names::of(visitor, (console.clock)()).await?;
    Ok((ticket, names))
}

pub(super) async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let (ticket, names) = load(&console, &visitor, &id).await?;
    let mut entered = Entered::new();
    if asked.contains_key("getan") {
        entered.0.insert("getan".to_owned(), "ja".to_owned());
    }
    Ok(page(&visitor, &ticket, &names, &entered, None).into_response())
}

pub(super) async fn rectify(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(entered): Form<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let entered = Entered(entered);
    let (ticket, names) = load(&console, &visitor, &id).await?;
    let fault = match request(&ticket, &names, &entered) {
        Ok(request) => match visitor.services.rights().rectify_ticket(request).await {
            Ok(_) => {
                let place = format!("/betroffene/berichtigung/{id}?getan=ja");
                return Ok(Redirect::to(&place).into_response());
            }
            Err(status) => match refusal(&status, &ticket, &names) {
                Some(fault) => fault,
                None => return Err(status.into()),
            },
        },
        Err(fault) => fault,
    };
    let page = page(&visitor, &ticket, &names, &entered, Some(fault));
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// What is other than it was when the form was drawn up. A form that is sent again says the same.
fn request(
    ticket: &tickets::Ticket,
    names: &Names,
    entered: &Entered,
) -> Result<proto::RectifyTicketRequest, String> {
    let ids = fields_of(ticket, names).into_iter();
    let changed = ids.filter_map(|id| {
        let text = entered.text(&id)?.trim().replace("\r\n", "\n");
        let before = entered.get(&format!("vorher.{id}")).trim().replace("\r\n", "\n");
        (text != before).then_some((id, text))
    });
    let fields: BTreeMap<String, String> = changed.collect();
    if fields.is_empty() {
        return Err("Ändern Sie, was falsch ist: Der Vorgang sagt das alles schon.".to_owned());
    }
    Ok(proto::RectifyTicketRequest {
        idempotency_key: entered.get("kennung").to_owned(),
        ticket_id: ticket.ticket_id.clone(),
        fields,
        reason: entered.get("grund").to_owned(),
        case_number: entered.case()?,
    })
}

/// What the service says of the fields, by what they are called; `None` if it is none of the form's.
fn refusal(status: &Status, ticket: &tickets::Ticket, names: &Names) -> Option<String> {
    let faulty = wire::faults::faults(status);
    if !faulty.is_empty() {
        let procedure = names.procedures.iter().find(|it| it.id == ticket.procedure);
        let told = faulty.iter().map(|fault| {
            let title = names.field(&ticket.procedure, &fault.field);
            format!("{title}: {}", faults::text(fault, procedure))
        });
        return Some(told.collect::<Vec<_>>().join(" "));
    }
    let is_fault = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::AlreadyExists
            | Code::Aborted
            | Code::NotFound
    );
    german(status.message()).filter(|_| is_fault).map(str::to_owned)
}
