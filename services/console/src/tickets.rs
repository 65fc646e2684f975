//! Tickets for supervisors and data protection: due, overdue, returned, clearing. A supervisor sees no citizens; the
//! services see to it.

mod acts;
mod clearing;
mod search;

use askama::Template;
use askama_web::WebTemplate;
use axum::Router;
use axum::extract::{Path, Query, State};
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
use crate::words;
use acts::{Entered, TicketPage};

const BOTH: Admission = Admission::Roles(&[Role::Supervisor, Role::DataProtection]);
const SUPERVISOR: Admission = Admission::Roles(&[Role::Supervisor]);
const DATA_PROTECTION: Admission = Admission::Roles(&[Role::DataProtection]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/vorgaenge", BOTH),
    pages::get("/vorgaenge/klaerung", SUPERVISOR),
    pages::post("/vorgaenge/klaerung/{ticket}", SUPERVISOR),
    pages::get("/vorgaenge/suche", DATA_PROTECTION),
    pages::post("/vorgaenge/suche", DATA_PROTECTION),
    pages::get("/vorgaenge/{ticket}", BOTH),
    pages::get("/vorgaenge/{ticket}/loeschen", DATA_PROTECTION),
    pages::post("/vorgaenge/{ticket}/loeschen", DATA_PROTECTION),
    pages::post("/vorgaenge/{ticket}/{handlung}", SUPERVISOR),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/vorgaenge", get(list))
        .route("/vorgaenge/klaerung", get(clearing::queue))
        .route("/vorgaenge/klaerung/{ticket}", post(clearing::reroute))
        .route("/vorgaenge/suche", get(search::form).post(search::find))
        .route("/vorgaenge/{ticket}", get(ticket))
        .route(
            "/vorgaenge/{ticket}/loeschen",
            get(acts::confirm_erasure).post(acts::erase),
        )
        .route("/vorgaenge/{ticket}/{handlung}", post(acts::act))
}

/// Tickets on a page.
const PAGE: u32 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    /// What is to be looked after: offen, bald, ueberfaellig, eskaliert, zurueckgegeben.
    #[serde(default)]
    sicht: String,
    /// Instead: one state, by its name.
    #[serde(default)]
    zustand: String,
    #[serde(default)]
    stelle: String,
    #[serde(default)]
    verfahren: String,
    /// The next page.
    #[serde(default)]
    weiter: String,
    /// What was done before.
    #[serde(default)]
    getan: String,
}

/// What can be looked after, and what it is called.
const VIEWS: [(&str, &str); 5] = [
    ("offen", "Alle offenen"),
    ("bald", "Bald fällig"),
    ("ueberfaellig", "Überfällig"),
    ("eskaliert", "Eskaliert"),
    ("zurueckgegeben", "Zurückgegeben"),
];

impl Asked {
    fn state(&self) -> Option<TicketState> {
        TicketState::from_name(&self.zustand)
    }

    fn view(&self) -> (&'static str, &'static str) {
        let found = VIEWS.into_iter().find(|(name, _)| *name == self.sicht);
        found.unwrap_or(VIEWS[0])
    }

    fn is_by_due(&self) -> bool {
        self.state().is_none_or(TicketState::is_pending)
    }

    fn request(&self) -> proto::ListTicketsRequest {
        let state = self.state();
        let view = if state.is_none() { self.view().0 } else { "" };
        let urgency = match view {
            "bald" => proto::Urgency::DueSoon,
            "ueberfaellig" => proto::Urgency::Overdue,
            "eskaliert" => proto::Urgency::Escalated,
            _ => proto::Urgency::Unspecified,
        };
        proto::ListTicketsRequest {
            department: self.stelle.clone(),
            procedure: self.verfahren.clone(),
            states: state.iter().map(|state| state.name().to_owned()).collect(),
            urgency: urgency.into(),
            owed: self.is_by_due(),
            returned: view == "zurueckgegeben",
            page_size: PAGE,
            page_token: self.weiter.clone(),
            ..proto::ListTicketsRequest::default()
        }
    }
}

/// A count that leads to its tickets.
struct Stat {
    title: &'static str,
    count: String,
    path: String,
    class: &'static str,
    here: bool,
}

#[derive(Template, WebTemplate)]
#[template(path = "tickets/list.html")]
struct ListPage {
    layout: Layout,
    stats: Vec<Stat>,
    asked: Asked,
    view: &'static str,
    title: String,
    by_due: bool,
    states: Vec<Choice>,
    departments: Vec<Choice>,
    procedures: Vec<Choice>,
    tickets: Vec<ShownTicket>,
    next: String,
    may_search: bool,
    done: Option<&'static str>,
}

async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<ListPage, Trouble> {
    let names = Names::of(&visitor, (console.clock)()).await?;
    let counted = proto::CountTicketsRequest::default();
    let (mut lists, mut counts) = (visitor.services.ticketing(), visitor.services.ticketing());
    let (listed, counts) =
        futures::try_join!(lists.list_tickets(asked.request()), counts.count_tickets(counted))?;
    let (listed, counts) = (listed.into_inner(), counts.into_inner());
    let is_supervisor = visitor.is(Role::Supervisor);
    let title = match asked.state() {
        Some(state) => words::state(state.name()).word.to_owned(),
        None => asked.view().1.to_owned(),
    };
    let tickets = names.procedures.iter().filter(|it| it.kind == "ticket");
    Ok(ListPage {
        layout: Layout::of(&visitor, "Vorgänge", "/vorgaenge").with_style("work.css"),
        stats: stats(&asked, &counts, is_supervisor),
        view: if asked.state().is_some() {
            ""
        } else {
            asked.view().0
        },
        title,
        by_due: asked.is_by_due(),
        states: TicketState::ALL.iter().map(|state| choice(*state)).collect(),
        departments: names.departments.others(""),
        procedures: tickets
            .map(|it| Choice {
                id: it.id.clone(),
                name: it.title.clone(),
            })
            .collect(),
        tickets: listed.tickets.into_iter().map(|it| names.show(it)).collect(),
        next: listed.next_page_token,
        may_search: visitor.is(Role::DataProtection),
        done: acts::done(&asked.getan),
        asked,
    })
}

fn choice(state: TicketState) -> Choice {
    Choice {
        id: state.name().to_owned(),
        name: words::state(state.name()).word.to_owned(),
    }
}

fn stats(asked: &Asked, counts: &proto::CountTicketsResponse, is_supervisor: bool) -> Vec<Stat> {
    let here = |name: &str| asked.state().is_none() && asked.view().0 == name;
    let shown = |count: u32| capped(count, counts.counted_up_to);
    let class = |count: u32, class: &'static str| if count > 0 { class } else { "" };
    let of_view = |(name, title): (&str, &'static str)| {
        let (count, class) = match name {
            "bald" => (counts.due_soon, class(counts.due_soon, "warning")),
            "ueberfaellig" => (counts.overdue, class(counts.overdue, "bad")),
            "eskaliert" => (counts.escalated, class(counts.escalated, "bad")),
            "zurueckgegeben" => (counts.returned, class(counts.returned, "warning")),
            _ => (counts.owed, ""),
        };
        Stat {
            title,
            count: shown(count),
            path: format!("/vorgaenge?sicht={name}"),
            class,
            here: here(name),
        }
    };
    let mut stats: Vec<Stat> = VIEWS.into_iter().map(of_view).collect();
    let clearing = counts.clearing.unwrap_or_default();
    stats.push(Stat {
        title: "Klärungsstelle",
        count: shown(clearing),
        path: match is_supervisor {
            true => "/vorgaenge/klaerung".to_owned(),
            false => format!("/vorgaenge?sicht=offen&stelle={}", counts.clearing_department),
        },
        class: class(clearing, "warning"),
        here: false,
    });
    stats
}

async fn ticket(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<TicketPage, Trouble> {
    TicketPage::load(&console, &visitor, &id, Entered::new(&asked.getan)).await
}
