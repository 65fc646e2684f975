//! `nrwdirekt privacy entries`: what somebody has registered for.

use serde_json::json;
use wire::v1::privacy;
use wire::v1::tickets as proto;
use wire::v1::tickets::registrations_client::RegistrationsClient;

use super::erasure::order;
use crate::cli::{EntriesArguments, ServerArguments};
use crate::client;
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::say;

/// Lists the entries of an address, or erases them.
pub(super) async fn run(arguments: EntriesArguments) -> anyhow::Result<()> {
    let mut client = RegistrationsClient::new(client::connect(&arguments.server.server).await?);
    let request = proto::FindEntriesRequest {
        email: arguments.email,
    };
    let found = client.find_entries(request).await;
    let found = found.map_err(|status| Failure::of_status(&status))?.into_inner();
    if arguments.erase {
        let ids = found.entries.into_iter().map(|found| found.entry_id).collect();
        return erase(
            ids,
            arguments.reason.unwrap_or_default(),
            arguments.case,
            &arguments.server,
            arguments.json,
        )
        .await;
    }
    for found in &found.entries {
        let (offer, entry) = (
            found.offer.clone().unwrap_or_default(),
            found.entry.clone().unwrap_or_default(),
        );
        if arguments.json {
            let object = json!({
                "entry_id": found.entry_id,
                "procedure": found.procedure,
                "offer": offer.offer,
                "title": offer.title,
                "state": entry.state,
                "fields": entry.fields,
                "consented_at": local(entry.consented_at_unix_ms),
                "confirmed_at": entry.confirmed_at_unix_ms.map(local),
            });
            say!("{object}");
        } else {
            say!(
                "{}  {}  {}  {}  since {}",
                found.entry_id,
                found.procedure,
                offer.title,
                entry.state,
                local(entry.consented_at_unix_ms)
            );
        }
    }
    Ok(())
}

/// Orders the erasure of all that was found; nothing to do where nothing was.
async fn erase(
    entry_ids: Vec<String>,
    reason: String,
    case: Option<u64>,
    server: &ServerArguments,
    as_json: bool,
) -> anyhow::Result<()> {
    if entry_ids.is_empty() {
        match as_json {
            true => say!("{}", json!({ "entries": 0 })),
            false => say!("nothing is kept of this address"),
        }
        return Ok(());
    }
    let request = privacy::EraseRequest {
        entry_ids,
        reason,
        case_number: case.unwrap_or(0),
        idempotency_key: uuid::Uuid::new_v4().to_string(),
        ..privacy::EraseRequest::default()
    };
    order(&server.server, request, as_json).await
}
