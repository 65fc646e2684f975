//! `nrwdirekt rejected`: items that could not be counted.

mod reading;
mod retry;

use serde_json::{Value, json};
use wire::v1::reporting as proto;
use wire::v1::reporting::rejected_items_client::RejectedItemsClient;

use crate::cli::{DiscardArguments, RejectedListArguments, RejectedShowArguments};
use crate::client::{self, Connection};
use crate::exit::Failure;
use crate::output::say;

pub(crate) use retry::run as retry;

type Client = RejectedItemsClient<Connection>;

async fn connect(server: &str) -> anyhow::Result<Client> {
    Ok(RejectedItemsClient::new(client::connect(server).await?))
}

/// Lists items, page by page, or counts them.
pub(crate) async fn list(arguments: RejectedListArguments) -> anyhow::Result<()> {
    let mut client = connect(&arguments.server.server).await?;
    if arguments.counts {
        return print_counts(&mut client, arguments.json).await;
    }
    let mut request = proto::ListRejectedRequest {
        page_size: 0,
        page_token: String::new(),
        source: arguments.source.unwrap_or_default(),
        reason: arguments.reason.unwrap_or_default(),
        from: arguments.from.unwrap_or_default(),
        to: arguments.to.unwrap_or_default(),
        discarded: arguments.discarded,
    };
    let mut left = arguments.max;
    while left > 0 {
        request.page_size = left.min(500);
        let response = client
            .list_items(request.clone())
            .await
            .map_err(|status| Failure::of_status(&status))?
            .into_inner();
        for item in &response.items {
            print(item, arguments.json);
        }
        left -= response.items.len() as u32;
        request.page_token = response.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    Ok(())
}

async fn print_counts(client: &mut Client, as_json: bool) -> anyhow::Result<()> {
    let response = client
        .count_items(proto::CountRejectedRequest {})
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    for count in response.counts {
        let proto::RejectedCount { source, field, items } = count;
        match as_json {
            true => say!("{}", json!({ "source": source, "field": field, "items": items })),
            false => say!("{items:>8}  {source}  {field}"),
        }
    }
    Ok(())
}

fn print(item: &proto::RejectedItem, as_json: bool) {
    if as_json {
        say!("{}", item_json(item));
        return;
    }
    let discard = item.discard.as_ref();
    let discard = discard.map_or(String::new(), |discard| {
        format!("  (discarded by {}: {})", discard.by, discard.reason)
    });
    say!(
        "{}  {}  {}  {}: {}{discard}",
        item.id,
        item.source,
        item.position,
        item.field,
        item.reason
    );
}

fn item_json(item: &proto::RejectedItem) -> Value {
    let time = |unix_ms| wire::time(unix_ms).unwrap_or_default().to_rfc3339();
    let mut object = json!({
        "id": item.id,
        "source": item.source,
        "import_run": item.import_run,
        "received_at": time(item.received_at_unix_ms),
        "position": item.position,
        "field": item.field,
        "reason": item.reason,
        "payload_bytes": item.payload_bytes,
        "format": item.format,
    });
    if let Some(discard) = &item.discard {
        object["discard"] = json!({
            "at": time(discard.at_unix_ms),
            "by": discard.by,
            "reason": discard.reason,
        });
    }
    object
}

async fn item(client: &mut Client, id: &str, reveal: bool) -> anyhow::Result<proto::RejectedPayload> {
    let request = proto::GetRejectedRequest {
        id: id.to_owned(),
        reveal,
    };
    let item = client.get_item(request).await;
    Ok(item.map_err(|status| Failure::of_status(&status))?.into_inner())
}

/// Shows an item.
pub(crate) async fn show(arguments: RejectedShowArguments) -> anyhow::Result<()> {
    let mut client = connect(&arguments.server.server).await?;
    let shown = item(&mut client, &arguments.id, arguments.reveal).await?;
    let item = shown.item.clone().unwrap_or_default();
    let payload = reading::readable(&item.format, &shown.payload);
    let heading = String::from_utf8_lossy(&shown.context);
    if arguments.json {
        let mut object = item_json(&item);
        object["payload"] = payload;
        object["heading"] = json!(Some(heading).filter(|heading| !heading.is_empty()));
        say!("{}", serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    print(&item, false);
    if !heading.is_empty() {
        say!("\n{heading}");
    }
    match payload {
        Value::Null if item.payload_bytes > 0 => {
            say!(
                "\n{} bytes; --reveal shows them (personal data)",
                item.payload_bytes
            );
        }
        Value::Null => {}
        Value::String(text) => say!("\n{text}"),
        report => say!("\n{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(())
}

/// Discards items.
pub(crate) async fn discard(arguments: DiscardArguments) -> anyhow::Result<()> {
    let mut client = connect(&arguments.server.server).await?;
    let request = proto::DiscardItemsRequest {
        ids: arguments.ids,
        by: arguments.by,
        reason: arguments.reason,
    };
    let response = client.discard_items(request).await;
    let discarded = response
        .map_err(|status| Failure::of_status(&status))?
        .into_inner()
        .discarded;
    match arguments.json {
        true => say!("{}", json!({ "discarded": discarded })),
        false => say!("{discarded} discarded"),
    }
    Ok(())
}
