//! The inbox of a department: for those who work without a system of their own, by the same rules as over Kafka.

mod news;
mod replies;
mod told;

use askama::Template;
use askama_web::WebTemplate;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use domain::access::{Admission, Role};
use domain::ticket::TicketState;
use serde::Deserialize;
use wire::v1::tickets as proto;

use crate::Console;
use crate::layout::Layout;
use crate::pages::{self, Page};
use crate::shown_ticket::{Choice, Names, ShownTicket, capped};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use replies::{Entered, TicketPage};

const DEPARTMENT: Admission = Admission::Roles(&[Role::Department]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/eingang", DEPARTMENT),
    pages::get("/eingang/neues", DEPARTMENT),
    pages::get("/eingang/drucken", DEPARTMENT),
    pages::get("/eingang/mitteilungen", DEPARTMENT),
    pages::post("/eingang/mitteilungen", DEPARTMENT),
    pages::post("/eingang/loeschungen", DEPARTMENT),
    pages::get("/eingang/{ticket}", DEPARTMENT),
    pages::post("/eingang/{ticket}/{meldung}", DEPARTMENT),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/eingang", get(list))
        .route("/eingang/neues", get(news::stream))
        .route("/eingang/drucken", get(print))
        .route("/eingang/mitteilungen", get(told::list).post(told::confirm))
        .route("/eingang/loeschungen", post(replies::confirm_erasure))
        .route("/eingang/{ticket}", get(ticket))
        .route("/eingang/{ticket}/{meldung}", post(replies::reply))
}

/// Tickets on a page.
const PAGE: u32 = 50;
/// Tickets that are printed at once.
const PRINTED: u32 = 100;

/// What can be listed: its name in addresses, what it is called, and the states.
struct View {
    name: &'static str,
    title: &'static str,
    states: &'static [TicketState],
    urgency: proto::Urgency,
}

const fn view(name: &'static str, title: &'static str, states: &'static [TicketState]) -> View {
    View {
        name,
        title,
        states,
        urgency: proto::Urgency::Unspecified,
    }
}

const fn urgent(name: &'static str, title: &'static str, urgency: proto::Urgency) -> View {
    View {
        name,
        title,
        states: &[],
        urgency,
    }
}

const VIEWS: [View; 10] = [
    view("offen", "Alle offenen", &[]),
    urgent("ueberfaellig", "Überfällig", proto::Urgency::Overdue),
    urgent("bald", "Bald fällig", proto::Urgency::DueSoon),
    view("neu", "Neu", &[TicketState::Open, TicketState::HandedOver]),
    view(
        "angenommen",
        "Angenommen",
        &[TicketState::Accepted, TicketState::CallbackAttempted],
    ),
    view("beantwortet", "Beantwortet", &[TicketState::Answered]),
    view("unerreicht", "Nicht erreicht", &[TicketState::Unreachable]),
    view("zurueckgezogen", "Zurückgezogen", &[TicketState::Withdrawn]),
    view("geschlossen", "Geschlossen", &[TicketState::Closed]),
    view("geloescht", "Gelöscht", &[TicketState::Erased]),
];

impl View {
    /// Whether an answer is owed on what it lists; that comes by due time, the rest newest first.
    fn is_owed(&self) -> bool {
        self.states.iter().all(|state| state.is_pending())
    }

    fn request(&self, department: &str, page_token: String, page_size: u32) -> proto::ListTicketsRequest {
        proto::ListTicketsRequest {
            department: department.to_owned(),
            states: self.states.iter().map(|state| state.name().to_owned()).collect(),
            urgency: self.urgency.into(),
            owed: self.is_owed(),
            page_size,
            page_token,
            ..proto::ListTicketsRequest::default()
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    zustand: String,
    /// The next page.
    #[serde(default)]
    weiter: String,
    /// Whose inbox, for whoever has none of his or her own.
    #[serde(default)]
    stelle: String,
    /// What was done before.
    #[serde(default)]
    getan: String,
}

impl Asked {
    fn view(&self) -> &'static View {
        let found = VIEWS.iter().find(|view| view.name == self.zustand);
        found.unwrap_or(&VIEWS[0])
    }

    fn department(&self, visitor: &Visitor) -> String {
        let own = visitor.principal.department.as_ref();
        own.map_or_else(|| self.stelle.trim().to_owned(), ToString::to_string)
    }
}

/// A view that can be gone to.
struct Tab {
    name: &'static str,
    title: &'static str,
    count: String,
    here: bool,
    is_first_of_the_settled: bool,
}

#[derive(Template, WebTemplate)]
#[template(path = "inbox/list.html")]
struct ListPage {
    layout: Layout,
    department: String,
    department_name: String,
    /// Departments to choose from, for whoever has none of his or her own.
    choices: Vec<Choice>,
    tabs: Vec<Tab>,
    view: &'static str,
    title: &'static str,
    by_due: bool,
    tickets: Vec<ShownTicket>,
    next: String,
    is_first: bool,
    done: Option<&'static str>,
    /// What the department was told by right of citizens, and has not confirmed.
    told: String,
    reply_id: String,
}

async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<ListPage, Trouble> {
    let department = asked.department(&visitor);
    let view = asked.view();
    let names = Names::of(&visitor, (console.clock)()).await?;
    let request = view.request(&department, asked.weiter.clone(), PAGE);
    let counted = proto::CountTicketsRequest {
        department: department.clone(),
    };
    let (mut lists, mut counts) = (visitor.services.ticketing(), visitor.services.ticketing());
    let (listed, counts) = futures::try_join!(lists.list_tickets(request), counts.count_tickets(counted))?;
    let (listed, counts) = (listed.into_inner(), counts.into_inner());
    let told = told::count(&visitor, &department).await?;
    let layout = Layout::of(&visitor, "Eingang", "/eingang").with_script("inbox.js");
    Ok(ListPage {
        layout: layout.with_style("work.css"),
        department_name: names.departments.name(&department).to_owned(),
        choices: match visitor.principal.department {
            Some(_) => Vec::new(),
            None => names.departments.others(""),
        },
        department,
        tabs: tabs(view, &counts),
        view: view.name,
        title: view.title,
        by_due: view.is_owed(),
        tickets: listed.tickets.into_iter().map(|it| names.show(it)).collect(),
        next: listed.next_page_token,
        is_first: asked.weiter.is_empty(),
        done: replies::done(&asked.getan),
        told: match told {
            0 => String::new(),
            told => capped(told, told::COUNTED_UP_TO),
        },
        reply_id: replies::new_id(),
    })
}

fn tabs(here: &View, counts: &proto::CountTicketsResponse) -> Vec<Tab> {
    let count = |count: u32| capped(count, counts.counted_up_to);
    let tab = |view: &View| Tab {
        name: view.name,
        title: view.title,
        count: match view.name {
            "offen" => count(counts.owed),
            "ueberfaellig" => count(counts.overdue),
            "bald" => count(counts.due_soon),
            "neu" => count(counts.waiting),
            _ => String::new(),
        },
        here: view.name == here.name,
        is_first_of_the_settled: view.name == "beantwortet",
    };
    VIEWS.iter().map(tab).collect()
}

#[derive(Template, WebTemplate)]
#[template(path = "inbox/print.html")]
struct PrintPage {
    layout: Layout,
    title: &'static str,
    view: &'static str,
    department: String,
    department_name: String,
    printed_at: String,
    tickets: Vec<ShownTicket>,
    has_more: bool,
}

/// Tickets whole, each on a sheet of its own.
async fn print(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<PrintPage, Trouble> {
    let department = asked.department(&visitor);
    let view = asked.view();
    let now = (console.clock)();
    let names = Names::of(&visitor, now).await?;
    let request = view.request(&department, String::new(), PRINTED);
    let listed = visitor
        .services
        .ticketing()
        .list_tickets(request)
        .await?
        .into_inner();
    Ok(PrintPage {
        layout: Layout::of(&visitor, "Eingang drucken", "/eingang").with_style("work.css"),
        title: view.title,
        view: view.name,
        department_name: names.departments.name(&department).to_owned(),
        department,
        printed_at: crate::format::day_and_time(now.timestamp_millis()),
        has_more: !listed.next_page_token.is_empty(),
        tickets: listed.tickets.into_iter().map(|it| names.show(it)).collect(),
    })
}

async fn ticket(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let entered = Entered::new(&asked.getan);
    let page = TicketPage::load(&console, &visitor, &id, entered).await?;
    Ok(page.into_response())
}
