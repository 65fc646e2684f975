//! What is kept how long, what goes next, and what went.

use askama::Template;
use askama_web::WebTemplate;
use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use domain::access::{Admission, Role};
use serde::Deserialize;
use wire::v1::privacy as proto;
use wire::v1::tickets::Procedure;

use crate::Console;
use crate::format;
use crate::layout::Layout;
use crate::pages::{self, Page};
use crate::shown_ticket::{Time, procedures};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

pub(crate) const PAGES: &[Page] = &[pages::get(
    "/aufbewahrung",
    Admission::Roles(&[Role::DataProtection]),
)];

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/aufbewahrung", get(page))
}

/// Runs on a page.
const RUNS: u32 = 20;

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    /// What would go on this day.
    #[serde(default)]
    am: String,
    /// Runs before this one.
    #[serde(default)]
    weiter: String,
}

/// A rule, and what is past by it.
struct Rule {
    subject: String,
    period: String,
    text: String,
    before: String,
    items: String,
    waiting: Option<String>,
    oldest: Option<Time>,
}

struct Run {
    number: i64,
    started_at: Time,
    started_by: String,
    finished_at: Option<Time>,
    outcome: Vec<String>,
    places: Vec<String>,
}

#[derive(Template, WebTemplate)]
#[template(path = "retention/retention.html")]
struct RetentionPage {
    layout: Layout,
    asked: Asked,
    at: Time,
    rules: Vec<Rule>,
    runs: Vec<Run>,
    next: String,
}

async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<RetentionPage, Trouble> {
    let mut retention = visitor.services.retention();
    let plan = proto::RetentionPlanRequest { at: asked.am.clone() };
    let plan = retention.plan(plan).await?.into_inner();
    let runs = proto::ListRetentionRunsRequest {
        page_size: RUNS,
        page_token: asked.weiter.clone(),
    };
    let runs = retention.list_runs(runs).await?.into_inner();
    let procedures = procedures(&visitor).await?;
    Ok(RetentionPage {
        layout: Layout::of(&visitor, "Aufbewahrung", "/aufbewahrung").with_style("work.css"),
        asked,
        at: Time::at(plan.at_unix_ms),
        rules: plan
            .rules
            .into_iter()
            .map(|rule| Rule::of(rule, &procedures))
            .collect(),
        runs: runs.runs.iter().map(|run| Run::of(run, &procedures)).collect(),
        next: runs.next_page_token,
    })
}

impl Rule {
    fn of(rule: proto::PlannedRule, procedures: &[Procedure]) -> Self {
        Self {
            subject: subject(&rule.what, &rule.procedure, procedures),
            period: kept(&rule.period, &rule.after, &rule.ended_by),
            text: rule.text,
            before: moment(&rule.before),
            items: rule.items.map_or_else(String::new, format::count),
            waiting: (rule.waiting > 0).then(|| format::count(rule.waiting)),
            oldest: rule.oldest_unix_ms.map(Time::at),
        }
    }
}

impl Run {
    fn of(run: &proto::RetentionRun, procedures: &[Procedure]) -> Self {
        let went = run
            .outcome
            .iter()
            .filter(|line| line.items > 0 || line.waiting > 0);
        Self {
            number: run.run,
            started_at: Time::at(run.started_at_unix_ms),
            started_by: match run.started_by.as_str() {
                "retention" => "von selbst".to_owned(),
                name => name.to_owned(),
            },
            finished_at: run.finished_at_unix_ms.map(Time::at),
            outcome: went.map(|line| outcome(line, procedures)).collect(),
            places: places(run),
        }
    }
}

/// Where bytes of what was deleted are left, and until when.
fn places(run: &proto::RetentionRun) -> Vec<String> {
    let name = |place: &str| match place {
        "calls" => "Dateien der Anrufe",
        "tickets" => "Dateien der Vorgänge",
        _ => "Dateien",
    };
    let clean = run
        .rewritten
        .iter()
        .map(|place| format!("{}: neu geschrieben, nichts ist übrig", name(place)));
    let pending = run.pending.iter().map(|pending| {
        let until = match pending.until_unix_ms {
            Some(until) => Time::at(until).text,
            None => "zum nächsten Lauf".to_owned(),
        };
        format!("{}: Reste bis {until}", name(&pending.place))
    });
    let kept = run
        .kept
        .iter()
        .map(|_| {
            "Die Datenbank behält Kopien nach ihren Einstellungen; privacy retention runs sagt, welche."
                .to_owned()
        })
        .take(1);
    clean.chain(pending).chain(kept).collect()
}

/// What went by a rule, in a sentence.
fn outcome(line: &proto::RetentionOutcome, procedures: &[Procedure]) -> String {
    let mut said = format!(
        "{}: {}, {}",
        subject(&line.what, &line.procedure, procedures),
        format::count(line.items),
        kept(&line.period, &line.after, &line.ended_by),
    );
    if !line.before.is_empty() {
        said.push_str(&format!(", vor dem {}", moment(&line.before)));
    }
    if line.visits > 0 {
        said.push_str(&format!("; mit {} Aufenthalten", format::count(line.visits)));
    }
    if !line.parts.is_empty() {
        said.push_str(&format!("; als Ganzes: {}", line.parts.join(", ")));
    }
    if line.waiting > 0 {
        said.push_str(&format!(
            "; {} folgen im nächsten Lauf",
            format::count(line.waiting)
        ));
    }
    said
}

/// What a rule is about; tickets by what their procedure is called.
fn subject(name: &str, procedure: &str, procedures: &[Procedure]) -> String {
    let what = match name {
        "calls" => "Anrufe",
        "agent_names" => "Kennungen der Beschäftigten in Anrufen",
        "identities" => "Kennungen gelöschter Anrufe",
        "rejected_items" => "Abgewiesene Meldungen",
        "rejected_replies" => "Abgewiesene Antworten der Stellen",
        "tickets" => "Vorgänge",
        "cases" => "Anträge betroffener Personen",
        "audit_entries" => "Protokoll",
        "entries" => "Anmeldungen",
        "entries_unconfirmed" => "Nicht bestätigte Anmeldungen",
        "agent_states" => "Zustände der Beschäftigten",
        "confirmed_calls" => "Von Einlesevorgängen bestätigte Anrufe",
        "accesses" => "Zugriffsprotokoll",
        "sessions" => "Sitzungen",
        "failed_attempts" => "Fehlversuche der Anmeldung",
        "backups" => "Sicherungen",
        "acts_beside_backups" => "Nachzuholendes neben den Sicherungen",
        "messages_of_calls" => "Meldungen auf dem Bus",
        "course_of_calls" => "Verlauf der Anrufe",
        "import_runs" => "Einlesevorgänge",
        "ticket_data" => "Verlauf und Antworten der Vorgänge",
        "recipients_told" => "Unterrichtete Stellen",
        "department_mails" => "Mails an Stellen",
        "citizen_mails" => "Mails an Bürgerinnen und Bürger",
        "entry_mails" => "Mails über Anmeldungen",
        "access_counts" => "Zugriffszahlen",
        "erasure_orders" => "Löschaufträge und Sperrliste",
        "users" => "Konten",
        "rules_and_statements" => "Regeln und Feststellungen",
        "exports" => "Ausleitungen",
        "drafts" => "Entwürfe",
        "record" => "Weiteres Verfahren",
        other => other,
    };
    match name {
        "tickets" | "entries" | "entries_unconfirmed" | "record" => {
            let known = procedures.iter().find(|known| known.id == procedure);
            format!("{what}: {}", known.map_or(procedure, |known| &known.title))
        }
        _ => what.to_owned(),
    }
}

/// For how long, and who ends it.
fn kept(length: &str, after: &str, ended_by: &str) -> String {
    let from = format!("{} nach {}", period(length), event(after));
    match ended_by {
        "own_clock" => format!("{from}, laufend"),
        "at_once" => format!("sofort nach {}", event(after)),
        "with_owner" => "mit dem Anruf oder Vorgang".to_owned(),
        "people" => "bis jemand es entfernt".to_owned(),
        "elsewhere" => "wird hier nicht aufbewahrt".to_owned(),
        "nobody" => "bleibt".to_owned(),
        _ => from,
    }
}

/// A local day, or a time.
fn moment(before: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(before) {
        Ok(at) => format::day_and_time(at.timestamp_millis()),
        Err(_) => format::iso_day(before),
    }
}

fn period(period: &str) -> String {
    let Some((number, unit)) = period.split_once(' ') else {
        return period.to_owned();
    };
    let unit = match unit {
        "day" => "Tag",
        "days" => "Tage",
        "month" => "Monat",
        "months" => "Monate",
        "year" => "Jahr",
        "years" => "Jahre",
        "hour" => "Stunde",
        "hours" => "Stunden",
        "minute" => "Minute",
        "minutes" => "Minuten",
        other => other,
    };
    format!("{number} {unit}")
}

fn event(event: &str) -> &str {
    match event {
        "call" => "Anruf und erster Übernahme",
        "last_handled" => "letzter Bearbeitung",
        "dispatched" => "Versand",
        "appointment_over" => "Ende des Termins",
        "reception" => "Eingang",
        "deletion" => "Löschung",
        "unsubscribed" => "Abmeldung",
        "deadline" => "Ende der Frist",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_told_in_german() {
        let line = proto::RetentionOutcome {
            what: "calls".to_owned(),
            procedure: "call-records".to_owned(),
            after: "call".to_owned(),
            period: "180 days".to_owned(),
            before: "2026-05-31".to_owned(),
            items: 8_948,
            visits: 9_102,
            parts: vec!["2026-03".to_owned()],
            ..proto::RetentionOutcome::default()
        };
        assert_eq!(
            outcome(&line, &[]),
            "Anrufe: 8.948, 180 Tage nach Anruf und erster Übernahme, vor dem So 31.05.2026; mit 9.102 Aufenthalten; als Ganzes: 2026-03"
        );
    }
}
