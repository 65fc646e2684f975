//! `nrwdirekt department`: what a department does that has no Kafka client of its own.

pub(super) mod acls;

use std::process::ExitCode;

use serde_json::{Value, json};
use tonic::Status;
use wire::v1::tickets as proto;
use wire::v1::tickets::handover_client::HandoverClient;

use crate::cli::{ReplyArguments, ReplyType, ServerArguments};
use crate::client::{self, Connection, Outage};
use crate::exit::{self, Failure};
use crate::output::say;

/// Shows the messages of a department's topic.
pub(crate) async fn consume(
    department: String,
    follow: bool,
    max: Option<usize>,
    as_json: bool,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let mut client = HandoverClient::new(client::connect(&server.server).await?);
    let request = proto::SubscribeRequest { department, follow };
    let mut outage = Outage::new();
    let mut shown = Shown::default();
    loop {
        let ended = receive(&mut client, &request, max, as_json, &mut shown).await;
        match ended? {
            None => return Ok(()),
            // Who follows stays through an outage, and goes on behind what was shown.
            Some(status) if follow => {
                if std::mem::take(&mut shown.since_outage) > 0 {
                    outage.over();
                }
                outage.wait(&status).await?;
            }
            Some(status) => return Err(Failure::of_status(&status)),
        }
    }
}

/// How far a department's messages were shown.
#[derive(Default)]
struct Shown {
    messages: usize,
    since_outage: usize,
    last_offset: Option<i64>,
}

/// Shows messages until there are enough of them or no more; what else ended it is returned.
async fn receive(
    client: &mut HandoverClient<Connection>,
    request: &proto::SubscribeRequest,
    max: Option<usize>,
    as_json: bool,
    shown: &mut Shown,
) -> anyhow::Result<Option<Status>> {
    let mut messages = match client.subscribe(request.clone()).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Ok(Some(status)),
    };
    while max.is_none_or(|max| shown.messages < max) {
        let message = match messages.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(status) => return Ok(Some(status)),
        };
        if shown.last_offset.is_some_and(|last| message.offset <= last) {
            continue;
        }
        show(&message, as_json)?;
        shown.last_offset = Some(message.offset);
        shown.messages += 1;
        shown.since_outage += 1;
    }
    Ok(None)
}

fn show(message: &proto::TicketMessage, as_json: bool) -> anyhow::Result<()> {
    let ticket: Option<Value> = message.payload.as_deref().map(serde_json::from_str).transpose()?;
    if as_json {
        let object = json!({
            "offset": message.offset,
            "key": message.key,
            "headers": message.headers,
            "ticket": ticket,
        });
        say!("{object}");
        return Ok(());
    }
    let kind = message.headers.get("ce_type").map_or("", String::as_str);
    say!("{}  {}  {kind}", message.offset, message.key);
    match ticket {
        None => say!("  (nothing is kept of it any more)"),
        Some(ticket) => say!("{}", serde_json::to_string_pretty(&ticket)?),
    }
    Ok(())
}

/// Replies to a ticket.
pub(crate) async fn reply(arguments: ReplyArguments) -> anyhow::Result<ExitCode> {
    let mut client = HandoverClient::new(client::connect(&arguments.server.server).await?);
    let reply_id = arguments
        .reply_id
        .clone()
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let request = proto::ReplyRequest {
        department: arguments.department.clone(),
        payload: payload(&arguments).to_string(),
        reply_id: reply_id.clone(),
    };
    let response = client
        .reply(request)
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    if arguments.json {
        let object = json!({
            "reply_id": reply_id,
            "applied": response.applied,
            "pending": response.pending,
            "state": response.state,
            "code": response.code,
            "reason": response.reason,
        });
        say!("{object}");
    } else if response.applied {
        say!("applied; the ticket is {}", response.state);
    } else if response.pending {
        say!("kept, and not settled yet; ask again with --reply-id {reply_id}");
    } else {
        say!("rejected ({}): {}", response.code, response.reason);
    }
    let settled = response.applied || response.pending;
    Ok(if settled {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::REJECTED)
    })
}

/// The reply as it stands on the topic of replies.
fn payload(arguments: &ReplyArguments) -> Value {
    let kind = match arguments.kind {
        ReplyType::Accepted => "accepted",
        ReplyType::CallbackAttempted => "callback_attempted",
        ReplyType::Answered => "answered",
        ReplyType::Unreachable => "unreachable",
        ReplyType::Returned => "returned",
        ReplyType::ErasureConfirmed => "erasure_confirmed",
        ReplyType::RestrictionConfirmed => "restriction_confirmed",
        ReplyType::RectificationConfirmed => "rectification_confirmed",
    };
    let mut reply = json!({ "ticket_id": arguments.ticket, "type": kind });
    let note = if arguments.kind == ReplyType::Returned {
        "reason"
    } else {
        "note"
    };
    let optional = [
        ("outcome", &arguments.outcome),
        (note, &arguments.note),
        ("suggested_department", &arguments.suggest),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            reply[name] = json!(value);
        }
    }
    if let Some(seen) = arguments.seen {
        reply["version"] = json!(seen);
    }
    reply
}
