//! `nrwdirekt privacy rectify`, `restrict` and `lift`.

use serde_json::json;
use wire::v1::privacy as proto;
use wire::v1::privacy::rights_client::RightsClient;

use crate::cli::{RectifyArguments, RestrictArguments};
use crate::client::{self, Once};
use crate::exit::Failure;
use crate::output::{note, say};

pub(super) async fn rectify(arguments: RectifyArguments) -> anyhow::Result<()> {
    let once = Once::by_key(arguments.idempotency_key);
    let mut request = proto::RectifyTicketRequest {
        idempotency_key: once.key(),
        ticket_id: arguments.ticket,
        reason: arguments.reason,
        case_number: arguments.case.unwrap_or_default(),
        ..proto::RectifyTicketRequest::default()
    };
    for (name, value) in arguments.fields {
        if request.fields.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("--field {name}: give it once")));
        }
    }
    let done = client::act(
        &arguments.server.server,
        request,
        &once,
        async |connection, request| RightsClient::new(connection).rectify_ticket(request).await,
    );
    let done = done.await?;
    match arguments.json {
        true => say!(
            "{}",
            json!({
                "ticket_id": done.ticket_id,
                "version": done.version,
                "rectified": done.fields,
                "departments": done.departments,
                "repeated": done.repeated,
            })
        ),
        false => {
            say!("{}  put right: {}", done.ticket_id, done.fields.join(", "));
            say!("told: {}", done.departments.join(", "));
        }
    }
    Ok(())
}

pub(super) async fn restrict(arguments: RestrictArguments, restrict: bool) -> anyhow::Result<()> {
    let once = Once::by_key(arguments.idempotency_key);
    let marks = proto::PersonMarks {
        phone: arguments.phone.unwrap_or_default(),
        email: arguments.email.unwrap_or_default(),
        name: arguments.name.unwrap_or_default(),
        first_name: arguments.first_name.unwrap_or_default(),
        postal_code: arguments.postal_code.unwrap_or_default(),
        ticket_id: String::new(),
    };
    let request = proto::RestrictRequest {
        idempotency_key: once.key(),
        marks: arguments.ticket.is_empty().then_some(marks),
        ticket_ids: arguments.ticket,
        reason: arguments.reason,
        case_number: arguments.case.unwrap_or_default(),
    };
    let done = client::act(
        &arguments.server.server,
        request,
        &once,
        async |connection, request| {
            let mut client = RightsClient::new(connection);
            match restrict {
                true => client.restrict(request).await,
                false => client.lift_restriction(request).await,
            }
        },
    );
    let done = done.await?;
    let what = if restrict { "restricted" } else { "lifted" };
    match arguments.json {
        true => say!(
            "{}",
            json!({
                what: done.ticket_ids,
                "calls": done.calls,
                "calls_left": done.calls_left,
                "entries": done.entries,
                "entries_left": done.entries_left,
                "rejected_items": done.rejected_items,
                "departments": done.departments,
            })
        ),
        false => {
            say!(
                "{what}: {} tickets, {} calls, {} entries, {} rejected items",
                done.ticket_ids.len(),
                done.calls,
                done.entries,
                done.rejected_items
            );
            done.ticket_ids.iter().for_each(|ticket| say!("  {ticket}"));
            if !done.departments.is_empty() {
                say!("told: {}", done.departments.join(", "));
            }
        }
    }
    if done.calls_left > 0 {
        note!(
            "{} calls are of a number that several persons have; nobody knows whose they are, and they stay as they were",
            done.calls_left
        );
    }
    if done.entries_left > 0 {
        note!(
            "{} entries name nobody, and are of an address that somebody else has too (see privacy entries); they stay as \
             they were",
            done.entries_left
        );
    }
    Ok(())
}
