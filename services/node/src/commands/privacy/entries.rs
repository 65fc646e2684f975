//! `nrwdirekt privacy entries`: what somebody has registered for.

use serde_json::json;
use wire::v1::tickets as proto;
use wire::v1::tickets::registrations_client::RegistrationsClient;

use crate::cli::EntriesArguments;
use crate::client;
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::say;

/// Lists the entries of an address, or erases them.
pub(super) async fn run(arguments: EntriesArguments) -> anyhow::Result<()> {
    let mut client = RegistrationsClient::new(client::connect(&arguments.server.server).await?);
    if arguments.erase {
        let request = proto::EraseEntriesRequest {
            email: arguments.email,
            reason: arguments.reason.unwrap_or_default(),
        };
        let erased = client.erase_entries(request).await;
        let erased = erased
            .map_err(|status| Failure::of_status(&status))?
            .into_inner()
            .erased;
        match arguments.json {
            true => say!("{}", json!({ "erased": erased })),
            false => say!("entries erased: {erased}"),
        }
        return Ok(());
    }
    let request = proto::FindEntriesRequest {
        email: arguments.email,
    };
    let found = client.find_entries(request).await;
    let found = found.map_err(|status| Failure::of_status(&status))?.into_inner();
    for found in &found.entries {
        let (offer, entry) = (
            found.offer.clone().unwrap_or_default(),
            found.entry.clone().unwrap_or_default(),
        );
        if arguments.json {
            let object = json!({
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
                "{}  {}  {}  since {}",
                found.procedure,
                offer.title,
                entry.state,
                local(entry.consented_at_unix_ms)
            );
        }
    }
    Ok(())
}
