//! Repairing items: a row that was corrected, or a word that was given a meaning. What is repaired goes through intake like
//! any other report.

use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use importer::again::{self, Again, AgainFault};
use importer::{CallBody, DoubleHour, Item};
use serde::Deserialize;
use wire::v1::{calls, reporting as proto};

use super::reasons::{self, UnknownWord};
use super::{Faulty, ItemPage, get_item};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Items of a word that are retried at once.
const AT_ONCE: u32 = 500;

#[derive(Deserialize)]
pub(super) struct Corrected {
    zeile: String,
    /// The policy for the hour that happens twice.
    #[serde(default)]
    doppelt: String,
}

#[derive(Deserialize)]
pub(super) struct Word {
    /// The item on whose page it was said.
    id: String,
    #[serde(default)]
    bedeutung: String,
}

/// An item that is no fault any more.
struct Repaired {
    /// Of a row the ledger knows which item it repairs; others are discarded once their correction is accepted.
    is_row: bool,
    reports: Vec<calls::CallReport>,
    agents: Vec<calls::AgentReport>,
}

/// Sends a corrected row or line.
pub(super) async fn correct(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(corrected): Form<Corrected>,
) -> Result<Response, Trouble> {
    let item = get_item(&visitor, &id, true).await?;
    let line = corrected.zeile.trim_matches(['\r', '\n']);
    let double_hour = DoubleHour::from_name(&corrected.doppelt).unwrap_or_default();
    let sent = match repaired(&item, line.as_bytes(), None, double_hour) {
        Ok(repaired) => send(&visitor, &item, repaired).await?,
        Err(fault) => Err(said(&fault)),
    };
    match sent {
        Ok(()) => Ok(Redirect::to("/abgewiesen?getan=berichtigt").into_response()),
        Err(fault) => {
            let mut page = ItemPage::load(&visitor, &id, true).await?;
            page.fault = Some(fault);
            page.payload = corrected.zeile;
            let faulty: Faulty<ItemPage> = (StatusCode::UNPROCESSABLE_ENTITY, page);
            Ok(faulty.into_response())
        }
    }
}

/// Gives a word a meaning, and retries every open item that was rejected for it.
pub(super) async fn learn_word(visitor: Visitor, Form(word): Form<Word>) -> Result<Response, Trouble> {
    let item = get_item(&visitor, &word.id, false).await?;
    let reason = item.item.as_ref().map_or("", |item| item.reason.as_str());
    let Some(unknown) = reasons::unknown_word(reason) else {
        return Err(Trouble::Unusable(
            "Dieser Eintrag wurde nicht wegen eines Wortes abgewiesen.".to_owned(),
        ));
    };
    let Some(map) = unknown.map(&word.bedeutung) else {
        let mut page = ItemPage::load(&visitor, &word.id, false).await?;
        page.fault = Some(format!("Wählen Sie, was „{}“ bedeutet.", unknown.word));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let source = item.item.map(|item| item.source).unwrap_or_default();
    let (mut accepted, mut left) = (0, 0);
    for id in of_the_same_word(&visitor, &source, &unknown).await? {
        let item = match get_item(&visitor, &id, true).await {
            Ok(item) => item,
            // Somebody else was faster.
            Err(Trouble::NotFound) => continue,
            Err(trouble) => return Err(trouble),
        };
        let sent = match repaired(&item, &item.payload, Some(&map), DoubleHour::default()) {
            Ok(repaired) => send(&visitor, &item, repaired).await?,
            Err(fault) => Err(said(&fault)),
        };
        match sent {
            Ok(()) => accepted += 1,
            Err(_) => left += 1,
        }
    }
    let path = format!("/abgewiesen?getan=wort&anzahl={accepted}&uebrig={left}");
    Ok(Redirect::to(&path).into_response())
}

async fn of_the_same_word(
    visitor: &Visitor,
    source: &str,
    word: &UnknownWord,
) -> Result<Vec<String>, Trouble> {
    let request = proto::ListRejectedRequest {
        page_size: AT_ONCE,
        source: source.to_owned(),
        reason: word.part_of_reason(),
        ..proto::ListRejectedRequest::default()
    };
    let listed = visitor.services.rejected().list_items(request).await?;
    Ok(listed
        .into_inner()
        .items
        .into_iter()
        .map(|item| item.id)
        .collect())
}

fn said(fault: &AgainFault) -> String {
    match fault {
        AgainFault::Unreadable { field, reason } => {
            let german = reasons::german(reason).unwrap_or_else(|| reason.clone());
            let field = field.as_ref().map_or(String::new(), |field| format!("{field}: "));
            format!("{field}{german}")
        }
        AgainFault::NotOne => "Geben Sie genau eine Zeile an, ohne Überschrift.".to_owned(),
        AgainFault::NeedsItsFile(_) => IN_ITS_FILE.to_owned(),
        AgainFault::Nothing => "Die Zeile sagt nichts, was gezählt wird. Verwerfen Sie sie.".to_owned(),
        AgainFault::UnknownFormat => {
            "Dieser Eintrag kann hier nicht gelesen werden. Berichtigen Sie ihn an der Quelle, oder verwerfen Sie ihn."
                .to_owned()
        }
        AgainFault::Map(error) => error.to_string(),
    }
}

const IN_ITS_FILE: &str = "Diese Zeile kann Teil eines Anrufs mit weiteren Zeilen sein. Berichtigen Sie sie in ihrer Datei, \
     lesen Sie die Datei noch einmal ein, und verwerfen Sie diesen Eintrag.";

fn repaired(
    item: &proto::RejectedPayload,
    payload: &[u8],
    map: Option<&str>,
    double_hour: DoubleHour,
) -> Result<Repaired, AgainFault> {
    let format = item.item.as_ref().map_or("", |item| item.format.as_str());
    let again = again::read(&again::Delivered {
        format,
        context: &item.context,
        payload,
        map,
        double_hour,
    })?;
    let mut repaired = Repaired {
        is_row: false,
        reports: Vec::new(),
        agents: Vec::new(),
    };
    match again {
        Again::Row(record, digest) => {
            // The key under which it was rejected, so that it repairs that item.
            let key = calls::RowKey {
                digest: match item.row_digest.is_empty() {
                    true => digest.0.to_vec(),
                    false => item.row_digest.clone(),
                },
                occurrence: item.row_occurrence.max(1),
            };
            repaired.is_row = true;
            let report = wire::calls::record_report(calls::call_report::Key::Row(key), &record);
            repaired.reports.push(report);
        }
        // Whether other lines of its call are counted is not for this role to see.
        Again::PartOfCall(_) => return Err(AgainFault::NeedsItsFile(format.to_owned())),
        Again::Line(line) => match *line {
            Item::Call(call) => {
                let key = calls::call_report::Key::CallId(call.call.to_string());
                repaired.reports.push(match &call.body {
                    CallBody::Event(event) => wire::calls::event_report(key, event),
                    CallBody::Record { record, ended_at } => {
                        wire::calls::revised_record_report(key, record, *ended_at)
                    }
                });
            }
            Item::Agent(report) => repaired.agents.push(wire::calls::agent_to_wire(&report)),
            Item::Unreadable(_) => return Err(AgainFault::Nothing),
        },
    }
    Ok(repaired)
}

/// Reports what was repaired. The error within says why it was refused.
async fn send(
    visitor: &Visitor,
    item: &proto::RejectedPayload,
    repaired: Repaired,
) -> Result<Result<(), String>, Trouble> {
    let about = item.item.clone().unwrap_or_default();
    let batch = calls::ReportBatch {
        batch: 1,
        source: about.source,
        import_run: uuid::Uuid::now_v7().to_string(),
        reports: repaired.reports,
        agents: repaired.agents,
        ..calls::ReportBatch::default()
    };
    let receipt = visitor
        .services
        .intake()
        .submit_reports(batch)
        .await?
        .into_inner();
    if let Some(refused) = receipt.rejected.first() {
        let german = reasons::german(&refused.reason).unwrap_or_else(|| refused.reason.clone());
        return Ok(Err(format!("{}: {german}", reasons::field(&refused.field))));
    }
    if !repaired.is_row {
        let request = proto::DiscardItemsRequest {
            ids: vec![about.id],
            by: visitor.principal.name.clone(),
            reason: "repaired: its correction was accepted".to_owned(),
        };
        visitor.services.rejected().discard_items(request).await?;
    }
    Ok(Ok(()))
}
