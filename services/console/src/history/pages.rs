//! The pages of reports: a form, charts, tables, and buttons that take them away.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::Days as Count;
use domain::local_time;
use wire::v1::reporting as proto;

use super::asked::{Asked, Filter, INTERVALS};
use super::choices::{Choices, KnownChoices};
use super::kinds::{Kind, Made, formula, leads, refused};
use super::table::Table;
use crate::Console;
use crate::days::Days;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Rows of all tables of a page together.
const ROWS_MAX: usize = 400;

/// Intervals that a page asks for.
const INTERVALS_MAX: i64 = 6_000;
const TOO_MANY: &str = "Intervall: Das sind zu viele Intervalle für eine Seite. Wählen Sie weniger Tage oder ein längeres \
                        Intervall, oder nehmen Sie die Zahlen als Datei mit.";

/// The tabs of the history.
pub(super) struct Tab {
    pub(super) path: String,
    pub(super) name: &'static str,
    pub(super) here: bool,
}

/// The tabs; each takes the question along.
pub(super) fn tabs(here: Option<Kind>, filter: Option<&Filter>) -> Vec<Tab> {
    let query = filter
        .map(|filter| format!("?{}", filter.query()))
        .unwrap_or_default();
    let kinds = Kind::ALL.into_iter().map(|kind| Tab {
        path: format!("{}{query}", kind.path()),
        name: kind.title(),
        here: here == Some(kind),
    });
    let statements = Tab {
        path: "/verlauf/festschreibungen".to_owned(),
        name: "Festschreibungen",
        here: here.is_none(),
    };
    kinds.chain([statements]).collect()
}

#[derive(Template, WebTemplate)]
#[template(path = "history/report.html")]
struct ReportPage {
    layout: Layout,
    kind: Kind,
    tabs: Vec<Tab>,
    filter: Filter,
    choices: Arc<Choices>,
    fault: Option<String>,
    shown: Option<ShownReport>,
}

/// What was answered.
struct ShownReport {
    made: Made,
    tables: Vec<Table>,
}

impl ReportPage {
    fn intervals(&self) -> &'static [(&'static str, &'static str)] {
        match self.kind {
            Kind::Profile => &INTERVALS[..3],
            _ => &INTERVALS,
        }
    }

    /// A form of the export.
    fn export(&self, form: &str) -> String {
        let other = [self.filter.other.from, self.filter.other.last].map(|day| day.to_string());
        let mut more = vec![("art", self.kind.name()), ("form", form)];
        match self.kind {
            Kind::Compare => more.extend([("mit_von", other[0].as_str()), ("mit_bis", &other[1])]),
            Kind::Changes => more.push(("seit", &self.filter.since)),
            Kind::Profile if self.filter.service_days => more.push(("servicetage", "ja")),
            _ => {}
        }
        format!("/verlauf/export?{}", self.filter.query_with(&more))
    }

    /// The same page with every column.
    fn with_all_columns(&self) -> String {
        format!(
            "{}?{}",
            self.kind.path(),
            self.filter.query_with(&[("spalten", "alle")])
        )
    }

    /// A span by its name, with the rest of the question.
    fn preset(&self, name: &str) -> String {
        let query = self.filter.query();
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.starts_with("von=") && !pair.starts_with("bis="))
            .collect();
        let rest = rest.join("&");
        let rest = if rest.is_empty() { rest } else { format!("&{rest}") };
        format!("{}?zeitraum={name}{rest}", self.kind.path())
    }

    fn since(&self, as_of: &str) -> String {
        format!(
            "/verlauf/aenderungen?{}",
            self.filter.query_with(&[("seit", as_of)])
        )
    }

    fn formula<'a>(&self, policy: &'a proto::Policy) -> &'a str {
        formula(policy)
    }
}

async fn page(
    kind: Kind,
    console: &Console,
    visitor: &Visitor,
    choices: &KnownChoices,
    asked: Asked,
) -> Result<Response, Trouble> {
    let asked = match kind {
        Kind::Promise => asked.with_days(month(console)),
        Kind::Profile => asked.with_days(last_weeks(console)),
        Kind::Changes => asked.with_days(last_weeks(console)),
        _ => asked,
    };
    let filter = asked.read((console.clock)())?;
    let choices = choices.get(&visitor.services).await?;
    let (fault, shown) = if kind.is_by_interval() && filter.row_count(&choices) > INTERVALS_MAX {
        (Some(TOO_MANY.to_owned()), None)
    } else {
        match kind.make(&visitor.services, &filter, &choices).await {
            Ok(made) => (None, Some(shown(made, &filter))),
            Err(status) => match refused(&status) {
                Some(fault) => (Some(fault), None),
                None => return Err(status.into()),
            },
        }
    };
    let code = match fault {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let layout = Layout::of(visitor, kind.title(), "/verlauf");
    let page = ReportPage {
        layout: layout
            .with_style("history.css")
            .with_style("uplot.min.css")
            .with_script("uplot.iife.min.js")
            .with_script("charts.js"),
        kind,
        tabs: tabs(Some(kind), Some(&filter)),
        filter,
        choices,
        fault,
        shown,
    };
    Ok((code, page).into_response())
}

fn shown(made: Made, filter: &Filter) -> ShownReport {
    let mut room = ROWS_MAX;
    let leads = |sheet: &reports::sheet::Sheet, row: &[reports::sheet::Cell], place: usize| {
        leads(filter, sheet, row, place)
    };
    let tables = made.report.sheets.iter().map(|sheet| {
        let table = Table::of(sheet, filter.all_columns, room, &leads);
        room -= table.rows.len();
        table
    });
    ShownReport {
        tables: tables.collect(),
        made,
    }
}

/// The running month.
fn month(console: &Console) -> Days {
    use chrono::Datelike as _;
    let last = local_time::day_of((console.clock)());
    Days {
        from: last.with_day(1).unwrap_or(last),
        last,
    }
}

/// The last eight weeks.
fn last_weeks(console: &Console) -> Days {
    let last = local_time::day_of((console.clock)());
    Days {
        from: last - Count::new(55),
        last,
    }
}

macro_rules! page {
    ($($name:ident: $kind:ident),* $(,)?) => {
        $(
            pub(super) async fn $name(
                State(console): State<Console>,
                Extension(choices): Extension<Arc<KnownChoices>>,
                visitor: Visitor,
                Query(asked): Query<Asked>,
            ) -> Result<Response, Trouble> {
                page(Kind::$kind, &console, &visitor, &choices, asked).await
            }
        )*
    };
}

page! {
    intervals: Intervals,
    percentiles: Percentiles,
    promise: Promise,
    compare: Compare,
    profile: Profile,
    changes: Changes,
}
