//! The calls behind a figure: as many rows as the figure says, and the figure above them.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::access::Role::Supervisor;
use domain::local_time;
use serde::Deserialize;
use tonic::{Code, Status};
use wire::v1::reporting as proto;

use super::choices::{Choices, KnownChoices};
use super::kinds;
use crate::Console;
use crate::days::{Days, DaysAsked};
use crate::format;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Rows of a page.
const PAGE_SIZE: u32 = 100;
/// Abandoned within this time is a short abandon where no policy can be asked for.
const SHORT_SECONDS: u32 = 5;

/// What can have become of a call, with what the figures call it.
pub(super) const OUTCOMES: [(&str, &str); 7] = [
    ("answered", "angenommen"),
    ("abandoned", "aufgelegt"),
    ("short", "Kurzabbruch"),
    ("overflowed", "Überlauf"),
    ("diverted", "umgeleitet"),
    ("unresolved", "ungeklärt"),
    ("waiting", "wartend"),
];

/// The query. Nothing in it is about citizens.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    days: DaysAsked,
    /// An interval instead of days, in seconds since 1970.
    #[serde(default)]
    ab: String,
    #[serde(default)]
    vor: String,
    #[serde(default)]
    hotline: String,
    #[serde(default)]
    gruppe: String,
    #[serde(default)]
    ergebnis: String,
    #[serde(default)]
    regel: String,
    /// The page, as the one before said it.
    #[serde(default)]
    seite: String,
}

/// A period: whole days, or an interval of them.
struct Span {
    days: Days,
    interval: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Asked {
    fn span(&self, now: DateTime<Utc>) -> Result<Span, Trouble> {
        if self.ab.is_empty() && self.vor.is_empty() {
            let days = self.days.read(now)?;
            return Ok(Span { days, interval: None });
        }
        let time = |text: &str| {
            let seconds = text.parse().ok()?;
            // What the store has days for.
            DateTime::from_timestamp(seconds, 0)
                .filter(|at| (1990..=2200).contains(&chrono::Datelike::year(at)))
        };
        let (from, to) = time(&self.ab).zip(time(&self.vor)).filter(|(from, to)| from < to).ok_or_else(|| {
            Trouble::Unusable("Der Zeitraum in der Adresse ist keiner. Öffnen Sie die Liste noch einmal von einer Zahl aus.".to_owned())
        })?;
        let days = Days {
            from: local_time::day_of(from),
            last: local_time::day_of(to - TimeDelta::seconds(1)),
        };
        let is_days = from == local_time::start_of(days.from) && to == local_time::start_of(days.end());
        Ok(Span {
            days,
            interval: (!is_days).then_some((from, to)),
        })
    }

    /// The address of the same list, on another page.
    fn address(&self, page: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let DaysAsked { zeitraum, von, bis } = &self.days;
        for (name, value) in [
            ("zeitraum", zeitraum.as_str()),
            ("von", von),
            ("bis", bis),
            ("ab", &self.ab),
            ("vor", &self.vor),
            ("hotline", &self.hotline),
            ("gruppe", &self.gruppe),
            ("ergebnis", &self.ergebnis),
            ("regel", &self.regel),
            ("seite", page),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/anrufe?{}", query.finish())
    }

    fn hotlines(&self, choices: &Choices) -> Vec<String> {
        match (self.hotline.as_str(), choices.group(&self.gruppe)) {
            ("", group) => group.map(<[String]>::to_vec).unwrap_or_default(),
            (hotline, _) => vec![hotline.to_owned()],
        }
    }
}

impl Span {
    fn told(&self) -> String {
        self.interval.map_or_else(
            || self.days.told(),
            |(from, to)| {
                let [from, to] = [from, to].map(|at| at.timestamp_millis());
                format!("{} bis {} Uhr", format::weekday_and_time(from), format::hour(to))
            },
        )
    }

    fn bounds(&self) -> (String, String) {
        match self.interval {
            None => (self.days.from.to_string(), self.days.end().to_string()),
            Some((from, to)) => {
                let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
                (text(from), text(to))
            }
        }
    }
}

/// A row.
struct Row {
    identity: String,
    hotline: String,
    offered_at: String,
    machine: String,
    outcome: &'static str,
    class: &'static str,
    in_queue: String,
    talk: String,
    hold: String,
    after_call_work: String,
    remarks: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "history/calls.html")]
struct CallsPage {
    layout: Layout,
    asked: Asked,
    days: Days,
    told: String,
    of: String,
    choices: Arc<Choices>,
    /// What the figures say; none for those who may not ask for figures.
    figure: Option<i64>,
    rows: Vec<Row>,
    is_first: bool,
    next: Option<String>,
    first: String,
}

pub(super) async fn list(
    State(console): State<Console>,
    Extension(choices): Extension<Arc<KnownChoices>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let span = asked.span((console.clock)())?;
    let choices = choices.get(&visitor.services).await?;
    let hotlines = asked.hotlines(&choices);
    let totals = match visitor.is(Supervisor) {
        true => figures(&visitor, &span, &hotlines, &asked.regel).await?,
        false => None,
    };
    let (outcome, within_seconds) = match asked.ergebnis.as_str() {
        "short" => {
            let seconds = totals.as_ref().map_or(SHORT_SECONDS, |(_, seconds)| *seconds);
            ("abandoned", Some(seconds))
        }
        outcome => (outcome, None),
    };
    let (from, to) = span.bounds();
    let request = proto::ListVisitsRequest {
        filter: Some(proto::VisitFilter {
            from,
            to,
            hotlines,
            outcome: outcome.to_owned(),
            task_types: Vec::new(),
            within_seconds,
        }),
        order: proto::CallOrder::OldestFirst.into(),
        page_size: PAGE_SIZE,
        page_token: asked.seite.clone(),
    };
    let answer = visitor.services.records().list_visits(request).await;
    let answer = answer.map_err(unusable)?.into_inner();
    let of = match (asked.hotline.as_str(), asked.gruppe.as_str()) {
        ("", "") => "alle Hotlines",
        ("", group) => group,
        (hotline, _) => hotline,
    };
    let page = CallsPage {
        layout: Layout::of(&visitor, "Anrufe", "/anrufe").with_style("history.css"),
        days: span.days,
        told: span.told(),
        of: of.to_owned(),
        choices,
        figure: totals.map(|(totals, _)| figure(&totals, &asked.ergebnis)),
        rows: answer.visits.iter().filter_map(row).collect(),
        is_first: asked.seite.is_empty(),
        next: Some(answer.next_page_token)
            .filter(|token| !token.is_empty())
            .map(|token| asked.address(&token)),
        first: asked.address(""),
        asked,
    };
    Ok(page.into_response())
}

fn unusable(status: Status) -> Trouble {
    match status.code() {
        Code::InvalidArgument => Trouble::Unusable(
            "Diese Auswahl gibt es nicht. Wählen Sie Zeitraum, Hotline und Ergebnis noch einmal.".to_owned(),
        ),
        _ => status.into(),
    }
}

/// The sums of the period, and what a short abandon is.
async fn figures(
    visitor: &Visitor,
    span: &Span,
    hotlines: &[String],
    policy: &str,
) -> Result<Option<(proto::Totals, u32)>, Trouble> {
    let scope = proto::Scope {
        from: span.days.from.to_string(),
        to: span.days.end().to_string(),
        hotlines: hotlines.to_vec(),
        policy: policy.to_owned(),
        ..proto::Scope::default()
    };
    let services = &visitor.services;
    let told = match span.interval {
        None => kinds::totals(services, scope).await.map(|answer| {
            let seconds = answer.policy.map(|policy| policy.short_abandon_seconds);
            (answer.total.unwrap_or_default(), seconds)
        }),
        Some((from, to)) => kinds::intervals(services, scope, "15m").await.map(|told| {
            let within = told.intervals.first().into_iter().flatten().filter(|interval| {
                interval.start_unix_s >= from.timestamp() && interval.end_unix_s <= to.timestamp()
            });
            let sum = within
                .filter_map(|interval| interval.figures.as_ref())
                .fold(proto::Totals::default(), added);
            (sum, told.head.policy.map(|policy| policy.short_abandon_seconds))
        }),
    };
    match told {
        Ok((totals, seconds)) => Ok(Some((totals, seconds.unwrap_or(SHORT_SECONDS)))),
        // A hotline that nobody has heard of has no figures and no calls.
        Err(status) if kinds::refused(&status).is_some() => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// The outcomes of two sums together.
fn added(sum: proto::Totals, more: &proto::Totals) -> proto::Totals {
    proto::Totals {
        offered: sum.offered + more.offered,
        answered: sum.answered + more.answered,
        abandoned: sum.abandoned + more.abandoned,
        short_abandoned: sum.short_abandoned + more.short_abandoned,
        overflowed: sum.overflowed + more.overflowed,
        diverted: sum.diverted + more.diverted,
        unresolved: sum.unresolved + more.unresolved,
        waiting: sum.waiting + more.waiting,
        ..sum
    }
}

fn figure(totals: &proto::Totals, outcome: &str) -> i64 {
    match outcome {
        "answered" => totals.answered,
        "abandoned" => totals.abandoned,
        "short" => totals.short_abandoned,
        "overflowed" => totals.overflowed,
        "diverted" => totals.diverted,
        "unresolved" => totals.unresolved,
        "waiting" => totals.waiting,
        _ => totals.offered,
    }
}

/// Word and colour of an outcome.
pub(super) fn outcome(name: &str) -> (&'static str, &'static str) {
    let word = OUTCOMES.iter().find(|(outcome, _)| *outcome == name);
    let class = match name {
        "answered" => "good",
        "abandoned" => "bad",
        "unresolved" | "overflowed" | "diverted" => "warning",
        _ => "plain",
    };
    (word.map_or("unbekannt", |(_, word)| word), class)
}

fn row(listed: &proto::ListedVisit) -> Option<Row> {
    let visit = listed.visit.as_ref()?;
    let (outcome, class) = outcome(&visit.outcome);
    let mut remarks = Vec::new();
    let mut remark = |count: u32, one: &str, many: &str| match count {
        0 => {}
        1 => remarks.push(one.to_owned()),
        count => remarks.push(format!("{count} {many}")),
    };
    remark(visit.transfer_count, "weitergeleitet", "Weiterleitungen");
    remark(visit.consult_count, "Rückfrage", "Rückfragen");
    remark(u32::from(visit.overflowed_in), "kam durch Überlauf", "");
    remark(visit.network_overflow_count, "Netzüberlauf", "Netzüberläufe");
    remark(u32::from(visit.voice_message), "Sprachnachricht", "");
    Some(Row {
        identity: listed.identity.clone(),
        hotline: visit.hotline.clone(),
        offered_at: format!(
            "{} {}",
            format::day(visit.offered_at_unix_ms),
            format::clock(visit.offered_at_unix_ms)
        ),
        machine: format::machine(visit.offered_at_unix_ms),
        outcome,
        class,
        in_queue: format::duration(visit.wait_ms.map(|wait_ms| wait_ms + visit.ring_ms.unwrap_or(0))),
        talk: format::duration(visit.talk_ms),
        hold: format::duration(visit.hold_ms),
        after_call_work: format::duration(visit.after_call_work_ms),
        remarks: remarks.join(", "),
    })
}
