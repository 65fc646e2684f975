//! The audit trail: who has seen or done what.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::Query;
use domain::access::Role;
use domain::audit::AuditAction;
use serde::Deserialize;
use wire::v1::privacy as proto;

use crate::format;
use crate::layout::{Layout, role_name};
use crate::shown_ticket::{Choice, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::words;

/// Entries on a page.
const PAGE: u32 = 100;

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    wer: String,
    #[serde(default)]
    handlung: String,
    #[serde(default)]
    betrifft: String,
    #[serde(default)]
    von: String,
    #[serde(default)]
    bis: String,
    #[serde(default)]
    weiter: String,
}

struct Entry {
    number: String,
    at: Time,
    actor: String,
    roles: String,
    action: &'static str,
    subject: String,
    reason: String,
    items: u32,
}

impl Entry {
    fn of(entry: proto::AuditEntry) -> Self {
        let roles = entry.roles.iter().filter_map(|role| Role::from_name(role));
        Self {
            number: format::count(entry.number),
            at: Time::at(entry.at_unix_ms),
            roles: roles.map(role_name).collect::<Vec<_>>().join(", "),
            action: words::audit_action(&entry.action),
            subject: subject(&entry.subject_kind, &entry.subject),
            reason: reason(&entry.action, entry.reason),
            actor: entry.actor,
            items: entry.items,
        }
    }
}

/// Why; of a case what was done with it, in German.
fn reason(action: &str, reason: String) -> String {
    match AuditAction::from_name(action) {
        Some(AuditAction::CaseChanged) => words::case_change(&reason).map_or(reason, str::to_owned),
        _ => reason,
    }
}

/// What an act was about.
fn subject(kind: &str, subject: &str) -> String {
    let kind = match kind {
        "ticket" => "Vorgang",
        "call" => "Anruf",
        "rejected_item" => "Abgewiesenes",
        "user" => "Benutzer",
        "department" => "Stelle",
        "rules" => "Regeln",
        "statement" => "Feststellung",
        "retention_run" => "Löschlauf",
        "audit_entry" => "Eintrag",
        "case" => "Antrag",
        "erasure" => "Löschauftrag",
        "backup" => "Sicherung",
        "offer" => "Angebot",
        other => other,
    };
    format!("{kind} {subject}").trim().to_owned()
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/audit.html")]
pub(super) struct AuditPage {
    layout: Layout,
    asked: Asked,
    actions: Vec<Choice>,
    entries: Vec<Entry>,
    next: String,
    verified: Option<Verified>,
}

/// What reading the chain again gave.
struct Verified {
    entries: String,
    broken_at: Option<String>,
    explanation: String,
    head: String,
    /// Where the trail begins, once its beginning was deleted.
    begins_at: Option<String>,
    /// The entry that a noted check value belongs to.
    noted_at: Option<String>,
    noted_cut_at: Option<Time>,
}

async fn page(visitor: &Visitor, asked: Asked) -> Result<AuditPage, Trouble> {
    let request = proto::ListEntriesRequest {
        page_size: PAGE,
        page_token: asked.weiter.clone(),
        actor: asked.wer.trim().to_owned(),
        subject: asked.betrifft.trim().to_owned(),
        action: asked.handlung.clone(),
        from: asked.von.clone(),
        to: asked.bis.clone(),
    };
    let listed = visitor.services.audit().list_entries(request).await?.into_inner();
    let mut actions: Vec<Choice> = AuditAction::ALL
        .iter()
        .map(|action| Choice {
            id: action.name().to_owned(),
            name: words::audit_action(action.name()).to_owned(),
        })
        .collect();
    actions.sort_by_key(|action| action.name.to_lowercase());
    Ok(AuditPage {
        layout: Layout::of(visitor, "Protokoll", "/protokoll").with_style("work.css"),
        asked,
        actions,
        entries: listed.entries.into_iter().map(Entry::of).collect(),
        next: listed.next_page_token,
        verified: None,
    })
}

pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<AuditPage, Trouble> {
    page(&visitor, asked).await
}

#[derive(Deserialize)]
pub(super) struct Noted {
    /// The check value that was noted down before.
    #[serde(default)]
    pruefwert: String,
}

/// Reads the whole chain again. Changes nothing, but is work: a POST, so that no link and no prefetch begins it.
pub(super) async fn verify(visitor: Visitor, Form(noted): Form<Noted>) -> Result<AuditPage, Trouble> {
    let request = proto::VerifyRequest {
        noted_head: noted.pruefwert.trim().to_owned(),
    };
    let verified = visitor.services.audit().verify(request).await?.into_inner();
    let mut page = page(&visitor, Asked::default()).await?;
    page.verified = Some(Verified {
        entries: format::count(verified.entries),
        broken_at: verified.broken_at.map(format::count),
        explanation: verified.explanation,
        head: verified.head,
        begins_at: verified.cut_at_unix_ms.map(|_| format::count(verified.begins_at)),
        noted_at: verified.noted_at.map(format::count),
        noted_cut_at: verified.noted_cut_at_unix_ms.map(Time::at),
    });
    Ok(page)
}
