//! `nrwdirekt slot`, and moving appointments.

use serde_json::json;
use wire::v1::tickets as proto;
use wire::v1::tickets::ticketing_client::TicketingClient;

use super::calendar::moment;
use super::ticket::{local, summary};
use crate::cli::{RebookArguments, SlotListArguments};
use crate::client;
use crate::exit::Failure;
use crate::output::say;

/// Slots of a department, page after page.
pub(crate) async fn list(arguments: SlotListArguments) -> anyhow::Result<()> {
    let mut client = TicketingClient::new(client::connect(&arguments.server.server).await?);
    let unix_ms = |at: chrono::DateTime<chrono::Utc>| at.timestamp_millis();
    let mut request = proto::ListSlotsRequest {
        department: arguments.department,
        service: arguments.service.unwrap_or_default(),
        from_unix_ms: arguments.from.map(moment).transpose()?.map(unix_ms),
        to_unix_ms: arguments.to.map(moment).transpose()?.map(unix_ms),
        page_size: 500,
        page_token: String::new(),
    };
    let mut left = arguments.max as usize;
    while left > 0 {
        let page = client.list_slots(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        let wanted = page.slots.iter().filter(|slot| !arguments.free || slot.free > 0);
        for slot in wanted.take(left) {
            left -= 1;
            show(slot, arguments.json);
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    Ok(())
}

fn show(slot: &proto::Slot, as_json: bool) {
    let starts_at = local(slot.starts_at_unix_ms);
    if as_json {
        let object = json!({
            "department": slot.department,
            "service": slot.service,
            "starts_at": starts_at,
            "ends_at": local(slot.ends_at_unix_ms),
            "capacity": slot.capacity,
            "free": slot.free,
        });
        say!("{object}");
    } else {
        say!(
            "{starts_at}  {} of {} free  {}",
            slot.free,
            slot.capacity,
            slot.service
        );
    }
}

/// Moves an appointment.
pub(crate) async fn rebook(arguments: RebookArguments) -> anyhow::Result<()> {
    let mut client = TicketingClient::new(client::connect(&arguments.server.server).await?);
    let request = proto::RebookTicketRequest {
        ticket_id: arguments.id,
        slots: arguments.slots,
        agent: arguments.agent.unwrap_or_default(),
    };
    let moved = client.rebook_ticket(request).await;
    let moved = moved.map_err(|status| Failure::of_status(&status))?.into_inner();
    let ticket = moved.ticket.unwrap_or_default();
    if arguments.json {
        say!("{}", summary(&ticket));
    } else {
        say!("{}  is at {} now", ticket.ticket_id, local(ticket.due_at_unix_ms));
    }
    Ok(())
}
