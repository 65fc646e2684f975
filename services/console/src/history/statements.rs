//! Sealed figures: those that there are, a new one, and what came later beside one.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tonic::Status;
use wire::v1::reporting as proto;

use super::asked::WITHIN;
use super::kinds::{figures, formula, refused};
use super::pages::{Tab, tabs};
use super::table::Table;
use crate::Console;
use crate::backend::Services;
use crate::days::DaysAsked;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// What a new statement is made of.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Entered {
    #[serde(default)]
    von: String,
    #[serde(default)]
    bis: String,
    #[serde(default)]
    grund: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "history/statements.html")]
struct ListPage {
    layout: Layout,
    tabs: Vec<Tab>,
    statements: Vec<proto::Statement>,
    entered: Entered,
    fault: Option<String>,
}

pub(super) async fn list(State(console): State<Console>, visitor: Visitor) -> Result<Response, Trouble> {
    let now = (console.clock)();
    let month = DaysAsked {
        zeitraum: "vormonat".to_owned(),
        ..DaysAsked::default()
    };
    let month = month.read(now)?;
    let entered = Entered {
        von: month.from.to_string(),
        bis: month.last.to_string(),
        grund: String::new(),
    };
    Ok(list_page(&visitor, entered, None).await?.into_response())
}

async fn list_page(visitor: &Visitor, entered: Entered, fault: Option<String>) -> Result<ListPage, Trouble> {
    let answer = figures(&visitor.services)
        .statements(proto::StatementsRequest {})
        .await?;
    let mut statements = answer.into_inner().statements;
    statements.sort_by_key(|statement| std::cmp::Reverse(statement.id));
    Ok(ListPage {
        layout: Layout::of(visitor, "Festschreibungen", "/verlauf").with_style("history.css"),
        tabs: tabs(None, None),
        statements,
        entered,
        fault,
    })
}

pub(super) async fn seal(
    State(console): State<Console>,
    visitor: Visitor,
    Form(entered): Form<Entered>,
) -> Result<Response, Trouble> {
    let asked = DaysAsked {
        zeitraum: String::new(),
        von: entered.von.clone(),
        bis: entered.bis.clone(),
    };
    let again = |fault: String| async {
        let page = list_page(&visitor, entered.clone(), Some(fault)).await?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let days = match asked.read((console.clock)()) {
        Ok(days) => days,
        Err(Trouble::Unusable(fault)) => return again(fault).await,
        Err(trouble) => return Err(trouble),
    };
    let request = proto::SealRequest {
        from: days.from.to_string(),
        to: days.end().to_string(),
        by: visitor.principal.name.clone(),
        reason: entered.grund.trim().to_owned(),
    };
    match figures(&visitor.services).seal(request).await {
        Ok(sealed) => {
            let id = sealed.into_inner().id;
            Ok(Redirect::to(&format!("/verlauf/festschreibungen/{id}")).into_response())
        }
        Err(status) => match refused(&status) {
            Some(fault) => again(fault).await,
            None => Err(status.into()),
        },
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "history/statement.html")]
struct StatementPage {
    layout: Layout,
    tabs: Vec<Tab>,
    statement: proto::Statement,
    policy: proto::Policy,
    formula: String,
    tables: Vec<Table>,
}

pub(super) async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Trouble> {
    let id = id.parse().map_err(|_| Trouble::NotFound)?;
    let answer = ask(&visitor.services, id).await?;
    let report = reports::statements::shown(&answer);
    let statement = answer.statement.unwrap_or_default();
    let policy = answer.policy.unwrap_or_default();
    let nowhere = |_: &reports::sheet::Sheet, _: &[reports::sheet::Cell], _: usize| None;
    let page = StatementPage {
        layout: Layout::of(&visitor, "Festschreibung", "/verlauf").with_style("history.css"),
        tabs: tabs(None, None),
        statement,
        formula: formula(&policy).to_owned(),
        policy,
        tables: report
            .sheets
            .iter()
            .map(|sheet| Table::of(sheet, false, 400, &nowhere))
            .collect(),
    };
    Ok(page.into_response())
}

/// A statement with the figures of each hotline.
pub(super) async fn ask(services: &Services, id: i64) -> Result<proto::StatementResponse, Status> {
    let request = proto::StatementRequest {
        id,
        by_hotline: true,
        task_types: Vec::new(),
        within_seconds: WITHIN.to_vec(),
    };
    Ok(figures(services).get_statement(request).await?.into_inner())
}
