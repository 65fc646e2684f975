//! `nrwdirekt privacy`: the audit trail; the other parts are in modules.

mod access;
mod access_log;
mod cases;
mod entries;
mod erasure;
mod find;
mod recipients;
mod register;
mod retention;
mod rights;

use std::process::ExitCode;

use serde_json::{Value, json};
use wire::v1::privacy as proto;
use wire::v1::privacy::audit_client::AuditClient;

use super::ticket::local;
use crate::cli::{AuditAction, AuditListArguments, PrivacyAction, ServerArguments};
use crate::client;
use crate::exit::Failure;
use crate::output::say;

/// Does what is asked for.
pub(crate) async fn run(action: PrivacyAction) -> anyhow::Result<ExitCode> {
    match action {
        PrivacyAction::Find(arguments) => find::run(arguments).await?,
        PrivacyAction::Access(arguments) => access::tell(arguments, false).await?,
        PrivacyAction::Portability(arguments) => access::tell(arguments, true).await?,
        PrivacyAction::Rectify(arguments) => rights::rectify(arguments).await?,
        PrivacyAction::Restrict(arguments) => rights::restrict(arguments, true).await?,
        PrivacyAction::Lift(arguments) => rights::restrict(arguments, false).await?,
        PrivacyAction::Recipients(arguments) => recipients::list(arguments).await?,
        PrivacyAction::Confirm(arguments) => recipients::confirm(arguments).await?,
        PrivacyAction::Case { action } => cases::run(action).await?,
        PrivacyAction::Entries(arguments) => entries::run(arguments).await?,
        PrivacyAction::Audit { action } => return audit(action).await,
        PrivacyAction::Register(arguments) => register::run(*arguments).await?,
        PrivacyAction::AccessLog(arguments) => access_log::run(arguments).await?,
        PrivacyAction::Erase(arguments) => erasure::erase(arguments).await?,
        PrivacyAction::Orders(arguments) => erasure::orders(arguments).await?,
        PrivacyAction::Retention { action } => retention::run(action).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn audit(action: AuditAction) -> anyhow::Result<ExitCode> {
    match action {
        AuditAction::List(arguments) => list(arguments).await.map(|()| ExitCode::SUCCESS),
        AuditAction::Verify { head, json, server } => verify(head, json, &server).await,
    }
}

async fn list(arguments: AuditListArguments) -> anyhow::Result<()> {
    let mut client = AuditClient::new(client::connect(&arguments.server.server).await?);
    let mut request = proto::ListEntriesRequest {
        actor: arguments.actor.unwrap_or_default(),
        subject: arguments.subject.unwrap_or_default(),
        action: arguments.action.unwrap_or_default(),
        from: arguments.from.unwrap_or_default(),
        to: arguments.to.unwrap_or_default(),
        ..proto::ListEntriesRequest::default()
    };
    let mut left = arguments.max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_entries(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for entry in &page.entries {
            match arguments.json {
                true => say!("{}", object(entry)),
                false => say!("{}", line(entry)),
            }
        }
        left = left.saturating_sub(page.entries.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn object(entry: &proto::AuditEntry) -> Value {
    json!({
        "number": entry.number,
        "at": local(entry.at_unix_ms),
        "actor": entry.actor,
        "roles": entry.roles,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject": entry.subject,
        "reason": entry.reason,
        "items": entry.items,
    })
}

fn line(entry: &proto::AuditEntry) -> String {
    let mut line = format!(
        "{:>8}  {}  {} ({})  {}",
        entry.number,
        local(entry.at_unix_ms),
        entry.actor,
        entry.roles.join(", "),
        entry.action
    );
    for part in [&entry.subject_kind, &entry.subject] {
        if !part.is_empty() {
            line.push(' ');
            line.push_str(part);
        }
    }
    if entry.items > 0 {
        line.push_str(&format!("  {} items", entry.items));
    }
    if !entry.reason.is_empty() {
        line.push_str(&format!("  {}", entry.reason));
    }
    line
}

/// Exit code 1 if an entry is missing or changed.
async fn verify(head: Option<String>, as_json: bool, server: &ServerArguments) -> anyhow::Result<ExitCode> {
    let mut client = AuditClient::new(client::connect(&server.server).await?);
    let request = proto::VerifyRequest {
        noted_head: head.unwrap_or_default(),
    };
    let found = client.verify(request).await;
    let found = found.map_err(|status| Failure::of_status(&status))?.into_inner();
    if as_json {
        let object = json!({
            "entries": found.entries,
            "broken_at": found.broken_at,
            "explanation": found.explanation,
            "head": found.head,
            "begins_at": found.begins_at,
            "cut_at": found.cut_at_unix_ms.map(local),
            "noted_at": found.noted_at,
            "noted_cut_at": found.noted_cut_at_unix_ms.map(local),
        });
        say!("{object}");
    } else {
        match found.broken_at {
            None => say!("{} entries are whole: {}", found.entries, found.explanation),
            Some(number) => say!("broken at entry {number}: {}", found.explanation),
        }
        if let Some(cut_at) = found.cut_at_unix_ms {
            say!(
                "begins with entry {}: those before it were deleted on {}, when their time was over",
                found.begins_at,
                local(cut_at)
            );
        }
        if let Some(number) = found.noted_at {
            let gone = match found.noted_cut_at_unix_ms {
                Some(cut_at) => format!(", which was deleted on {}", local(cut_at)),
                None => String::new(),
            };
            say!("the noted head is that of entry {number}{gone}");
        }
        say!("head {}", found.head);
    }
    Ok(match found.broken_at {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    })
}
