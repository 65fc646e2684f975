//! What a department was told by right of citizens, with the button that confirms it: the same reply as over Kafka.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ticket::ToldOf;
use wire::v1::tickets as proto;

use super::Asked;
use super::replies::{self, Entered, Sent, new_id, send};
use crate::Console;
use crate::layout::Layout;
use crate::shown_ticket::{Names, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Items on a page.
const PAGE: u32 = 50;
/// As many are counted.
pub(super) const COUNTED_UP_TO: u32 = 499;

/// What is said of a kind of news: its name and what is to be done.
struct Kind {
    word: &'static str,
    to_do: &'static str,
}

impl Kind {
    fn of(told_of: &str) -> Self {
        match ToldOf::from_name(told_of) {
            Some(ToldOf::Rectified) => Self {
                word: "Berichtigung",
                to_do: "Berichtigen Sie, was Ihre Stelle davon hat.",
            },
            Some(ToldOf::Restricted) => Self {
                word: "Einschränkung",
                to_do: "Bearbeiten Sie den Vorgang nicht weiter, auch keine Ausdrucke, bis er wieder erscheint.",
            },
            _ => Self {
                word: "Löschung",
                to_do: "Löschen Sie, was Ihre Stelle davon hat, auch Ausdrucke.",
            },
        }
    }
}

struct Item {
    ticket: String,
    told_of: String,
    kind: Kind,
    told_at: Time,
    procedure: String,
    /// What was put right, and what it says now; empty: it was taken away.
    fields: Vec<(String, String)>,
    reply_id: String,
}

impl Item {
    fn of(told: proto::ToldOf, names: &Names) -> Self {
        let field = |id: &String| {
            let says = told.request.get(id).cloned().unwrap_or_default();
            (names.field(&told.procedure, id), says)
        };
        Self {
            kind: Kind::of(&told.told_of),
            told_at: Time::at(told.told_at_unix_ms),
            procedure: names.procedure(&told.procedure).to_owned(),
            fields: told.fields.iter().map(field).collect(),
            reply_id: new_id(),
            ticket: told.ticket_id,
            told_of: told.told_of,
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "inbox/told.html")]
struct ToldPage {
    layout: Layout,
    /// Of whoever has no department of his or her own.
    department: String,
    department_name: String,
    items: Vec<Item>,
    next: String,
    done: Option<&'static str>,
    fault: Option<String>,
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    asked: &Asked,
    fault: Option<String>,
) -> Result<ToldPage, Trouble> {
    let department = asked.department(visitor);
    let request = proto::ListToldRequest {
        department: department.clone(),
        only_count: false,
        page_size: PAGE,
        page_token: asked.weiter.clone(),
    };
    let listed = visitor.services.handover().list_told(request).await?.into_inner();
    let names = Names::of(visitor, (console.clock)()).await?;
    Ok(ToldPage {
        layout: Layout::of(visitor, "Zu bestätigen", "/eingang").with_style("work.css"),
        department_name: names.departments.name(&department).to_owned(),
        department: match visitor.principal.department {
            Some(_) => String::new(),
            None => department,
        },
        items: listed.items.into_iter().map(|it| Item::of(it, &names)).collect(),
        next: listed.next_page_token,
        done: replies::done(&asked.getan),
        fault,
    })
}

pub(super) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    Ok(page(&console, &visitor, &asked, None).await?.into_response())
}

/// How many wait; none for whoever has not chosen a department.
pub(super) async fn count(visitor: &Visitor, department: &str) -> Result<u32, Trouble> {
    if department.is_empty() {
        return Ok(0);
    }
    let request = proto::ListToldRequest {
        department: department.to_owned(),
        only_count: true,
        ..proto::ListToldRequest::default()
    };
    let counted = visitor.services.handover().list_told(request).await?;
    Ok(counted.into_inner().count)
}

pub(super) async fn confirm(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    let department = asked.department(&visitor);
    entered.confirms();
    let ticket = entered.ticket().to_owned();
    match send(&visitor, &department, &ticket, &entered).await? {
        Sent::Applied(name) => {
            let of = match visitor.principal.department {
                Some(_) => String::new(),
                None => format!("&stelle={department}"),
            };
            Ok(Redirect::to(&format!("/eingang/mitteilungen?getan={name}{of}")).into_response())
        }
        Sent::Refused { fault, status, .. } => {
            let page = page(&console, &visitor, &asked, Some(fault)).await?;
            Ok((status, page).into_response())
        }
    }
}
