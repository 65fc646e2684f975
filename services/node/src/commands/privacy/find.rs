//! `nrwdirekt privacy find`.

use serde_json::{Value, json};
use wire::v1::privacy as proto;
use wire::v1::privacy::rights_client::RightsClient;

use crate::cli::{FindArguments, MarkArguments};
use crate::client;
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::{note, say};

/// What a person is known by, as it is asked for.
pub(super) fn marks(arguments: MarkArguments) -> proto::PersonMarks {
    proto::PersonMarks {
        phone: arguments.phone.unwrap_or_default(),
        email: arguments.email.unwrap_or_default(),
        name: arguments.name.unwrap_or_default(),
        first_name: arguments.first_name.unwrap_or_default(),
        postal_code: arguments.postal_code.unwrap_or_default(),
        ticket_id: arguments.ticket.unwrap_or_default(),
    }
}

pub(super) async fn run(arguments: FindArguments) -> anyhow::Result<()> {
    let mut client = RightsClient::new(client::connect(&arguments.server.server).await?);
    let mut request = proto::FindPersonsRequest {
        marks: Some(marks(arguments.marks)),
        page_size: arguments.max.clamp(1, 500),
        reason: arguments.reason,
        case_number: arguments.case.unwrap_or_default(),
        ..proto::FindPersonsRequest::default()
    };
    let mut found = ask(&mut client, request.clone()).await?;
    while !found.next_page_token.is_empty() && found.calls.len() < arguments.max as usize {
        let left = arguments.max - found.calls.len() as u32;
        request.page_size = left.min(500);
        request.page_token = std::mem::take(&mut found.next_page_token);
        let further = ask(&mut client, request.clone()).await?;
        found.calls.extend(further.calls);
        found.next_page_token = further.next_page_token;
    }
    match arguments.json {
        true => say!("{}", serde_json::to_string_pretty(&object(&found))?),
        false => print(&found),
    }
    if found.incomplete || !found.next_page_token.is_empty() {
        note!("there is more than is shown; narrow the search down, or raise --max");
    }
    Ok(())
}

async fn ask(
    client: &mut RightsClient<client::Connection>,
    request: proto::FindPersonsRequest,
) -> anyhow::Result<proto::FindPersonsResponse> {
    let found = client.find_persons(request).await;
    Ok(found.map_err(|status| Failure::of_status(&status))?.into_inner())
}

fn given(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => json!(text),
    }
}

fn object(found: &proto::FindPersonsResponse) -> Value {
    let ticket = |ticket: &proto::FoundTicket| {
        json!({
            "ticket_id": ticket.ticket_id,
            "procedure": ticket.procedure,
            "state": ticket.state,
            "department": ticket.department,
            "created_at": local(ticket.created_at_unix_ms),
            "restricted": ticket.restricted,
            "calls": ticket.calls,
        })
    };
    let entry = |entry: &proto::FoundEntry| {
        json!({
            "entry_id": entry.entry_id,
            "procedure": entry.procedure,
            "offer": entry.offer,
            "title": entry.title,
            "department": given(&entry.department),
            "state": entry.state,
            "fields": entry.fields,
            "consented_at": local(entry.consented_at_unix_ms),
            "confirmed_at": entry.confirmed_at_unix_ms.map(local),
            "mail_waits": entry.mail_waits,
            "restricted": entry.restricted,
        })
    };
    let person = |person: &proto::FoundPerson| {
        json!({
            "name": given(&person.name),
            "first_name": given(&person.first_name),
            "tickets": person.tickets.iter().map(ticket).collect::<Vec<_>>(),
            "entries": person.entries.iter().map(entry).collect::<Vec<_>>(),
        })
    };
    let call = |call: &proto::FoundCall| {
        json!({
            "id": call.identity,
            "source": call.source,
            "started_at": call.started_at_unix_ms.map(local),
            "hotline": given(&call.hotline),
            "status": given(&call.status),
            "outbound": call.outbound,
            "restricted": call.restricted,
            "person": (call.person > 0).then_some(call.person),
            "shared": call.shared,
        })
    };
    let item = |item: &proto::FoundRejectedItem| {
        json!({
            "id": item.id,
            "source": item.source,
            "received_at": local(item.received_at_unix_ms),
            "field": item.field,
            "reason": item.reason,
        })
    };
    json!({
        "persons": found.persons.iter().map(person).collect::<Vec<_>>(),
        "calls": found.calls.iter().map(call).collect::<Vec<_>>(),
        "entries_left": found.entries_left,
        "calls_total": found.calls_total,
        "rejected_items": found.rejected_items.iter().map(item).collect::<Vec<_>>(),
        "incomplete": found.incomplete,
    })
}

fn print(found: &proto::FindPersonsResponse) {
    if found.persons.is_empty()
        && found.entries_left == 0
        && found.calls_total == 0
        && found.rejected_items.is_empty()
    {
        say!("nothing is kept of such a person");
    }
    for (person, number) in found.persons.iter().zip(1..) {
        let name = format!("{} {}", person.first_name, person.name);
        let name = match name.trim() {
            "" => "no name",
            name => name,
        };
        say!(
            "person {number}: {name}, {} tickets, {} entries",
            person.tickets.len(),
            person.entries.len()
        );
        for ticket in &person.tickets {
            let restricted = if ticket.restricted { "  restricted" } else { "" };
            say!(
                "  {}  {}  {}  {}  {}{restricted}",
                ticket.ticket_id,
                local(ticket.created_at_unix_ms),
                ticket.procedure,
                ticket.state,
                ticket.department
            );
        }
        for entry in &person.entries {
            let mail = if entry.mail_waits { "  a mail waits" } else { "" };
            let restricted = if entry.restricted { "  restricted" } else { "" };
            say!(
                "  {}  {}  {}  {}  {}{restricted}{mail}",
                entry.entry_id,
                local(entry.consented_at_unix_ms),
                entry.procedure,
                entry.state,
                entry.title
            );
        }
    }
    if found.entries_left > 0 {
        say!(
            "{} entries name nobody, and are of an address that somebody else has too (see privacy entries)",
            found.entries_left
        );
    }
    if found.calls_total > 0 {
        say!("{} calls", found.calls_total);
    }
    for call in &found.calls {
        let whose = match (call.person, call.shared) {
            (0, true) => "  of a number that several persons have".to_owned(),
            (0, false) => String::new(),
            (person, _) => format!("  of person {person}"),
        };
        let restricted = if call.restricted { "  restricted" } else { "" };
        say!(
            "  {}  {}  {}  {}{whose}{restricted}",
            call.identity,
            call.started_at_unix_ms.map(local).unwrap_or_default(),
            call.hotline,
            call.status
        );
    }
    if !found.rejected_items.is_empty() {
        say!("{} rejected items", found.rejected_items.len());
    }
    for item in &found.rejected_items {
        say!("  {}  {}  {}: {}", item.id, item.source, item.field, item.reason);
    }
}
