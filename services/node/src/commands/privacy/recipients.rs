//! `nrwdirekt privacy recipients` and `confirm`.

use serde_json::json;
use wire::v1::privacy as proto;
use wire::v1::privacy::rights_client::RightsClient;

use crate::cli::{ConfirmArguments, RecipientArguments, ToldOf};
use crate::client::{self, Once};
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::say;

pub(super) async fn list(arguments: RecipientArguments) -> anyhow::Result<()> {
    let mut client = RightsClient::new(client::connect(&arguments.server.server).await?);
    let mut request = proto::ListRecipientsRequest {
        ticket_id: arguments.ticket.unwrap_or_default(),
        waiting: arguments.waiting,
        overdue: arguments.overdue,
        ..proto::ListRecipientsRequest::default()
    };
    let mut left = arguments.max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_recipients(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for recipient in &page.recipients {
            match arguments.json {
                true => say!("{}", object(recipient)),
                false => say!("{}", line(recipient)),
            }
        }
        left = left.saturating_sub(page.recipients.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn object(recipient: &proto::Recipient) -> serde_json::Value {
    json!({
        "ticket_id": recipient.ticket_id,
        "department": recipient.department,
        "told_of": recipient.told_of,
        "told_at": local(recipient.told_at_unix_ms),
        "confirmed_at": recipient.confirmed_at_unix_ms.map(local),
        "by_hand": recipient.by_hand,
        "overdue": recipient.overdue,
    })
}

fn line(recipient: &proto::Recipient) -> String {
    let confirmed = match recipient.confirmed_at_unix_ms {
        Some(at) => format!("confirmed {}", local(at)),
        None if recipient.overdue => "overdue".to_owned(),
        None => "not confirmed yet".to_owned(),
    };
    format!(
        "{}  {}  {}  {}  {confirmed}",
        recipient.ticket_id,
        recipient.department,
        recipient.told_of,
        local(recipient.told_at_unix_ms)
    )
}

pub(super) async fn confirm(arguments: ConfirmArguments) -> anyhow::Result<()> {
    let once = Once::by_key(arguments.idempotency_key);
    let told_of = match arguments.of {
        ToldOf::Rectified => "rectified",
        ToldOf::Restricted => "restricted",
        ToldOf::Erased => "erased",
    };
    let request = proto::ConfirmRecipientRequest {
        idempotency_key: once.key(),
        ticket_id: arguments.ticket.clone(),
        department: arguments.department.clone(),
        told_of: told_of.to_owned(),
        reason: arguments.reason,
    };
    client::act(
        &arguments.server.server,
        request,
        &once,
        async |connection, request| RightsClient::new(connection).confirm_recipient(request).await,
    )
    .await?;
    say!(
        "noted: {} has confirmed of {}: {told_of}",
        arguments.department,
        arguments.ticket
    );
    Ok(())
}
