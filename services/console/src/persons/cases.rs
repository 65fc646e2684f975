//! What persons ask for: the list with its deadlines, and one case.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::NaiveDate;
use domain::privacy::{CaseKind, CaseOutcome};
use serde::Deserialize;
use tonic::Status;
use wire::v1::privacy as proto;
use wire::v1::privacy::change_case_request::Change;

use super::search::{Marks, fault};
use crate::layout::Layout;
use crate::shown_ticket::{Choice, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::words;

/// Cases on a page.
const PAGE: u32 = 100;

/// Which right, in German.
fn kind(name: &str) -> &'static str {
    match CaseKind::from_name(name) {
        Some(CaseKind::Access) => "Auskunft (Art. 15)",
        Some(CaseKind::Rectification) => "Berichtigung (Art. 16)",
        Some(CaseKind::Erasure) => "Löschung (Art. 17)",
        Some(CaseKind::Restriction) => "Einschränkung (Art. 18)",
        Some(CaseKind::Portability) => "Datenübertragung (Art. 20)",
        Some(CaseKind::Objection) => "Widerspruch (Art. 21)",
        Some(CaseKind::ConsentWithdrawal) => "Widerruf der Einwilligung (Art. 7 Abs. 3)",
        None => "Antrag",
    }
}

/// What came of it, in German.
fn outcome(name: &str) -> &'static str {
    CaseOutcome::from_name(name).map_or("entschieden", words::case_outcome)
}

fn kinds() -> Vec<Choice> {
    let choice = |it: &CaseKind| Choice {
        id: it.name().to_owned(),
        name: kind(it.name()).to_owned(),
    };
    CaseKind::ALL.iter().map(choice).collect()
}

fn outcomes() -> Vec<Choice> {
    let choice = |it: &CaseOutcome| Choice {
        id: it.name().to_owned(),
        name: outcome(it.name()).to_owned(),
    };
    CaseOutcome::ALL.iter().map(choice).collect()
}

/// A day as people write it.
fn day(text: &str) -> String {
    let day: Result<NaiveDate, _> = text.parse();
    day.map_or_else(|_| text.to_owned(), |day| day.format("%d.%m.%Y").to_string())
}

/// What somebody wrote into a case.
struct Note {
    at: Time,
    by: String,
    text: String,
}

impl Note {
    fn of(note: &proto::CaseNote) -> Self {
        Self {
            at: Time::at(note.at_unix_ms),
            by: note.by.clone(),
            text: german(&note.text),
        }
    }
}

/// What stands in a case; what the services have noted by themselves, in German.
fn german(note: &str) -> String {
    match note.strip_prefix("erasure ordered: ") {
        Some(order) => format!("Löschung angeordnet: {order}"),
        None => note.to_owned(),
    }
}

/// A case as pages show it.
struct Case {
    number: i64,
    revision: i64,
    kind: &'static str,
    received_on: String,
    due_on: String,
    overdue: bool,
    tickets: Vec<String>,
    identity: Option<Note>,
    extension: Option<Note>,
    approvals: Vec<Note>,
    notes: Vec<Note>,
    outcome: Option<&'static str>,
    decision: Option<Note>,
    may_erase: bool,
    is_missing_approval: bool,
}

impl Case {
    fn of(case: &proto::Case) -> Self {
        let decision = case.decision.as_ref();
        Self {
            number: case.number,
            revision: case.revision,
            kind: kind(&case.kind),
            received_on: day(&case.received_on),
            due_on: day(&case.due_on),
            overdue: case.overdue,
            tickets: case.ticket_ids.clone(),
            identity: case.identity_check.as_ref().map(Note::of),
            extension: case.extension.as_ref().map(Note::of),
            approvals: case.approvals.iter().map(Note::of).collect(),
            notes: case.notes.iter().map(Note::of).collect(),
            outcome: decision.map(|decision| outcome(&decision.outcome)),
            decision: decision.map(|decision| Note {
                at: Time::at(decision.at_unix_ms),
                by: decision.by.clone(),
                text: decision.grounds.clone(),
            }),
            may_erase: case.may_erase,
            is_missing_approval: case.missing.contains("approve"),
        }
    }
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// Decided ones too.
    #[serde(default)]
    alle: String,
    #[serde(default)]
    weiter: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "persons/cases.html")]
pub(super) struct CasesPage {
    layout: Layout,
    asked: Asked,
    fault: Option<String>,
    cases: Vec<Case>,
    kinds: Vec<Choice>,
    next: String,
    key: String,
}

async fn page(visitor: &Visitor, asked: Asked) -> Result<CasesPage, Trouble> {
    let request = proto::ListCasesRequest {
        all: !asked.alle.is_empty(),
        marks: None,
        page_size: PAGE,
        page_token: asked.weiter.clone(),
    };
    let listed = visitor.services.rights().list_cases(request).await?.into_inner();
    Ok(CasesPage {
        layout: Layout::of(visitor, "Anträge", "/antraege").with_style("work.css"),
        asked,
        fault: None,
        cases: listed.cases.iter().map(Case::of).collect(),
        kinds: kinds(),
        next: listed.next_page_token,
        key: uuid::Uuid::new_v4().to_string(),
    })
}

pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<CasesPage, Trouble> {
    page(&visitor, asked).await
}

#[derive(Deserialize)]
pub(super) struct Opened {
    #[serde(flatten)]
    marks: Marks,
    #[serde(default)]
    art: String,
    #[serde(default)]
    eingang: String,
    #[serde(default)]
    vermerk: String,
    #[serde(default)]
    kennung: String,
}

pub(super) async fn open(visitor: Visitor, Form(opened): Form<Opened>) -> Result<Response, Trouble> {
    let marks = opened.marks.sent();
    let request = proto::OpenCaseRequest {
        idempotency_key: opened.kennung,
        kind: opened.art,
        received_on: opened.eingang,
        ticket_ids: Vec::new(),
        marks: (marks != proto::PersonMarks::default()).then_some(marks),
        note: opened.vermerk,
    };
    match visitor.services.rights().open_case(request).await {
        Ok(case) => {
            let number = case.into_inner().number;
            Ok(Redirect::to(&format!("/antraege/{number}")).into_response())
        }
        Err(status) => match fault(&status) {
            Some(fault) => {
                let mut page = page(&visitor, Asked::default()).await?;
                page.fault = Some(fault);
                Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
            }
            None => Err(status.into()),
        },
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "persons/case.html")]
pub(super) struct CasePage {
    layout: Layout,
    case: Case,
    fault: Option<String>,
    outcomes: Vec<Choice>,
    key: String,
}

async fn load(visitor: &Visitor, number: i64) -> Result<CasePage, Trouble> {
    let case = visitor
        .services
        .rights()
        .get_case(proto::GetCaseRequest { number })
        .await?;
    Ok(CasePage {
        layout: Layout::of(visitor, "Antrag", "/antraege").with_style("work.css"),
        case: Case::of(&case.into_inner()),
        fault: None,
        outcomes: outcomes(),
        key: uuid::Uuid::new_v4().to_string(),
    })
}

fn number(text: &str) -> Result<i64, Trouble> {
    text.parse().map_err(|_| Trouble::NotFound)
}

pub(super) async fn show(visitor: Visitor, Path(text): Path<String>) -> Result<CasePage, Trouble> {
    load(&visitor, number(&text)?).await
}

#[derive(Deserialize)]
pub(super) struct Changed {
    #[serde(default)]
    stand: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    ergebnis: String,
    #[serde(default)]
    kennung: String,
}

pub(super) async fn change(
    visitor: Visitor,
    Path((text, handlung)): Path<(String, String)>,
    Form(changed): Form<Changed>,
) -> Result<Response, Trouble> {
    let number = number(&text)?;
    let change = match handlung.as_str() {
        "vermerk" => Change::Note(changed.text),
        "identitaet" => Change::IdentityCheck(changed.text),
        "verlaengern" => Change::Extension(changed.text),
        "freigeben" => Change::Approval(true),
        "entscheiden" => Change::Decision(proto::CaseDecision {
            outcome: changed.ergebnis,
            grounds: changed.text,
            ..proto::CaseDecision::default()
        }),
        _ => return Err(Trouble::NotFound),
    };
    let request = proto::ChangeCaseRequest {
        number,
        // What was read: a form that is sent twice changes nothing twice.
        revision: changed.stand,
        change: Some(change),
        // The forms of a page share a key; each is a request of its own.
        idempotency_key: match changed.kennung.trim() {
            "" => String::new(),
            key => format!("console-{key}-{handlung}"),
        },
    };
    match visitor.services.rights().change_case(request).await {
        Ok(_) => Ok(Redirect::to(&format!("/antraege/{number}")).into_response()),
        Err(status) => refused(&visitor, number, status).await,
    }
}

async fn refused(visitor: &Visitor, number: i64, status: Status) -> Result<Response, Trouble> {
    let Some(fault) = fault(&status) else {
        return Err(status.into());
    };
    let mut page = load(visitor, number).await?;
    page.fault = Some(fault);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_services_noted_is_shown_in_german() {
        assert_eq!(german("erasure ordered: E-1"), "Löschung angeordnet: E-1");
        assert_eq!(german("erasure wished"), "erasure wished");
    }

    #[test]
    fn every_kind_and_every_outcome_has_a_word() {
        for it in CaseKind::ALL {
            assert_ne!(kind(it.name()), kind("of a later version"));
        }
        for it in CaseOutcome::ALL {
            assert_ne!(outcome(it.name()), outcome("of a later version"));
        }
    }
}
