//! `nrwdirekt callback` and `nrwdirekt ticket`.

use domain::local_time;
use serde_json::{Value, json};
use wire::v1::tickets as proto;
use wire::v1::tickets::ticketing_client::TicketingClient;

use super::calendar::moment;
use crate::cli::{
    Listing, LogArguments, Logging, ServerArguments, TicketFindArguments, TicketListArguments,
    TicketLogArguments,
};
use crate::client::{self, Once};
use crate::exit::Failure;
use crate::output::say;

/// Logs a callback request.
pub(crate) async fn log_callback(arguments: LogArguments) -> anyhow::Result<()> {
    let fields = [
        ("salutation", arguments.salutation),
        ("name", arguments.name),
        ("first_name", arguments.first_name),
        ("email", arguments.email),
        ("street", arguments.street),
        ("house_number", arguments.house_number),
        ("postal_code", arguments.postal_code),
        ("town", arguments.town),
        ("phone", arguments.phone),
        ("concern", Some(arguments.concern)),
    ];
    let given = |(id, text): (&str, Option<String>)| Some((id.to_owned(), text?));
    let request = proto::LogCallbackRequest {
        fields: fields.into_iter().filter_map(given).collect(),
        hotline: arguments.hotline,
        ..proto::LogCallbackRequest::default()
    };
    log(request, arguments.logging).await
}

/// Logs a request of any procedure.
pub(crate) async fn log_any(arguments: TicketLogArguments) -> anyhow::Result<()> {
    let mut request = proto::LogCallbackRequest {
        procedure: arguments.procedure,
        hotline: arguments.hotline.unwrap_or_default(),
        ..proto::LogCallbackRequest::default()
    };
    for (name, value) in arguments.fields {
        if request.fields.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("--field {name}: give it once")));
        }
    }
    log(request, arguments.logging).await
}

async fn log(request: proto::LogCallbackRequest, arguments: Logging) -> anyhow::Result<()> {
    let once = Once::by_key(arguments.idempotency_key);
    let request = proto::LogCallbackRequest {
        idempotency_key: once.key(),
        call: arguments.call.unwrap_or_default(),
        category: arguments.category.unwrap_or_default(),
        agent: arguments.agent.unwrap_or_default(),
        add_to: arguments.add_to.unwrap_or_default(),
        wished_from: arguments.wished_from.unwrap_or_default(),
        wished_until: arguments.wished_until.unwrap_or_default(),
        department: arguments.department.unwrap_or_default(),
        department_reason: arguments.department_reason.unwrap_or_default(),
        ..request
    };
    let response = client::act(
        &arguments.server.server,
        request,
        &once,
        async |connection, request| TicketingClient::new(connection).log_callback(request).await,
    );
    let response = response.await?;
    let ticket = response.ticket.unwrap_or_default();
    if arguments.json {
        let mut object = summary(&ticket);
        object["repeated"] = json!(response.repeated);
        object["open_tickets"] = response.open_tickets.iter().map(summary).collect();
        object["recent_tickets"] = response.recent_tickets.iter().map(summary).collect();
        say!("{object}");
    } else {
        say!(
            "{}  for {}, due {}",
            ticket.ticket_id,
            ticket.department,
            local(ticket.due_at_unix_ms)
        );
        say!("{}", ticket.because);
        if !response.open_tickets.is_empty() {
            say!("The citizen has open tickets; --add-to TICKET adds a concern to one of them:");
        }
        for open in &response.open_tickets {
            say!("  {}", line(open));
        }
        if !response.recent_tickets.is_empty() {
            say!("These were settled lately; ticket reopen TICKET --reason … brings one of them back:");
        }
        for recent in &response.recent_tickets {
            say!("  {}", line(recent));
        }
    }
    Ok(())
}

/// A ticket with its history.
pub(crate) async fn show(id: &str, as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = TicketingClient::new(client::connect(&server.server).await?);
    let request = proto::GetTicketRequest {
        ticket_id: id.to_owned(),
    };
    let ticket = client
        .get_ticket(request)
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    if as_json {
        say!("{}", serde_json::to_string_pretty(&whole(&ticket))?);
        return Ok(());
    }
    say!(
        "{}  {}  {}  {}  due {}",
        ticket.ticket_id,
        ticket.procedure,
        ticket.state,
        ticket.department,
        local(ticket.due_at_unix_ms)
    );
    say!("{}", ticket.because);
    if let Some(wished) = &ticket.wished {
        say!(
            "  wished: {} to {}",
            local(wished.from_unix_ms),
            local(wished.until_unix_ms)
        );
    }
    for (name, value) in &ticket.fields {
        say!("  {name}: {value}");
    }
    for entry in &ticket.history {
        say!(
            "{:>3}  {}  {}  {}  {}",
            entry.number,
            local(entry.at_unix_ms),
            entry.actor,
            entry.action,
            entry.note
        );
    }
    Ok(())
}

/// Tickets, newest first or by due time.
pub(crate) async fn list(arguments: TicketListArguments) -> anyhow::Result<()> {
    let due_before = arguments.due_before.map(moment).transpose()?;
    let urgency = match (arguments.overdue, arguments.due_soon) {
        (true, _) => proto::Urgency::Overdue,
        (_, true) => proto::Urgency::DueSoon,
        _ => proto::Urgency::Unspecified,
    };
    let states = arguments.state;
    let department = arguments.department.unwrap_or_default();
    let procedure = arguments.procedure.unwrap_or_default();
    in_pages(&arguments.listing, async |client, page_size, page_token| {
        let request = proto::ListTicketsRequest {
            department: department.clone(),
            procedure: procedure.clone(),
            states: states.clone(),
            due_before_unix_ms: due_before.map(|before| before.timestamp_millis()),
            page_size,
            page_token,
            urgency: urgency.into(),
            ..proto::ListTicketsRequest::default()
        };
        client.list_tickets(request).await
    })
    .await
}

/// Tickets of a citizen that are owed an answer, or can be reopened.
pub(crate) async fn find(arguments: TicketFindArguments) -> anyhow::Result<()> {
    let [phone, name, postal_code] =
        [arguments.phone, arguments.name, arguments.postal_code].map(Option::unwrap_or_default);
    in_pages(&arguments.listing, async |client, page_size, page_token| {
        let request = proto::FindTicketsRequest {
            phone: phone.clone(),
            name: name.clone(),
            postal_code: postal_code.clone(),
            recent: arguments.recent,
            page_size,
            page_token,
        };
        client.find_tickets(request).await
    })
    .await
}

type Answer = Result<tonic::Response<proto::ListTicketsResponse>, tonic::Status>;

/// Prints page after page, each as it comes.
async fn in_pages(
    listing: &Listing,
    ask: impl AsyncFn(&mut TicketingClient<client::Connection>, u32, String) -> Answer,
) -> anyhow::Result<()> {
    let mut client = TicketingClient::new(client::connect(&listing.server.server).await?);
    let mut left = listing.max;
    let mut page_token = String::new();
    while left > 0 {
        let page = ask(&mut client, left.min(500), page_token).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for ticket in &page.tickets {
            if listing.json {
                say!("{}", summary(ticket));
            } else {
                say!("{}", line(ticket));
            }
        }
        left = left.saturating_sub(page.tickets.len() as u32);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(())
}

fn line(ticket: &proto::Ticket) -> String {
    let due = local(ticket.due_at_unix_ms);
    let alarm = match ticket.alarm.as_str() {
        "" => String::new(),
        alarm => format!("  {alarm}"),
    };
    format!(
        "{}  {:18}  {:24}  due {due}  {}{alarm}",
        ticket.ticket_id,
        ticket.state,
        ticket.department,
        about(ticket)
    )
}

/// The hotline, or the procedure of what did not come by phone.
fn about(ticket: &proto::Ticket) -> &str {
    match ticket.hotline.as_str() {
        "" => &ticket.procedure,
        hotline => hotline,
    }
}

/// A time with the offset of the hotline's zone.
pub(super) fn local(unix_ms: i64) -> String {
    let at = wire::time(unix_ms)
        .unwrap_or_default()
        .with_timezone(&local_time::ZONE);
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
}

/// What lists and answers show of a ticket: nothing about the citizen.
pub(super) fn summary(ticket: &proto::Ticket) -> Value {
    let wished = ticket
        .wished
        .as_ref()
        .map(|wished| json!({ "from": local(wished.from_unix_ms), "until": local(wished.until_unix_ms) }));
    let appointment = ticket.appointment.as_ref().map(|appointment| {
        let slots: Vec<String> = appointment.slots_unix_ms.iter().copied().map(local).collect();
        json!({
            "department": appointment.department,
            "service": appointment.service,
            "slots": slots,
            "held": appointment.held,
        })
    });
    json!({
        "ticket_id": ticket.ticket_id,
        "version": ticket.version,
        "state": ticket.state,
        "procedure": ticket.procedure,
        "department": ticket.department,
        "hotline": ticket.hotline,
        "category": ticket.category,
        "created_at": local(ticket.created_at_unix_ms),
        "changed_at": local(ticket.changed_at_unix_ms),
        "due_at": local(ticket.due_at_unix_ms),
        "because": ticket.because,
        "rule": ticket.rule,
        "rules_version": Some(ticket.rules_version).filter(|version| *version != 0),
        "attempts": ticket.attempts,
        "wished": wished,
        "appointment": appointment,
        "alarm": Some(&ticket.alarm).filter(|alarm| !alarm.is_empty()),
        "settled_at": ticket.settled_at_unix_ms.map(local),
    })
}

fn whole(ticket: &proto::Ticket) -> Value {
    let mut object = summary(ticket);
    object["call"] = json!(ticket.call);
    object["restricted"] = json!(ticket.restricted);
    object["further_calls"] = json!(ticket.further_calls);
    object["returned_because"] = json!(ticket.returned_because);
    object["fields"] = json!(ticket.fields);
    let added = |added: &proto::AddedConcern| {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        json!({
            "at": local(added.at_unix_ms),
            "concern": added.concern,
            "phone": given(&added.phone),
            "email": given(&added.email),
        })
    };
    object["added"] = ticket.added.iter().map(added).collect();
    let entry = |entry: &proto::HistoryEntry| {
        json!({
            "number": entry.number,
            "at": local(entry.at_unix_ms),
            "actor": entry.actor,
            "action": entry.action,
            "note": entry.note,
        })
    };
    object["history"] = ticket.history.iter().map(entry).collect();
    object
}
