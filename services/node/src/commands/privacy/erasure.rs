//! `nrwdirekt privacy erase` and `privacy orders`.

use serde_json::{Value, json};
use wire::v1::privacy as proto;
use wire::v1::privacy::erasures_client::ErasuresClient;

use super::super::ticket::local;
use crate::cli::{EraseArguments, OrdersArguments};
use crate::client::{self, Once};
use crate::exit::Failure;
use crate::output::say;

/// Orders an erasure.
pub(super) async fn erase(arguments: EraseArguments) -> anyhow::Result<()> {
    let server = &arguments.server.server;
    let request = proto::EraseRequest {
        ticket_ids: arguments.ticket,
        phone: arguments.phone.unwrap_or_default(),
        email: arguments.email.unwrap_or_default(),
        name: arguments.name.unwrap_or_default(),
        first_name: arguments.first_name.unwrap_or_default(),
        postal_code: arguments.postal_code.unwrap_or_default(),
        call_ids: arguments.call,
        entry_ids: arguments.entry,
        reason: arguments.reason,
        case_number: arguments.case.unwrap_or(0),
        idempotency_key: arguments
            .idempotency_key
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        person_of_ticket: arguments.person_of.unwrap_or_default(),
    };
    if arguments.dry_run {
        let mut client = ErasuresClient::new(client::connect(server).await?);
        let plan = client.plan_erasure(request).await;
        let plan = plan.map_err(|status| Failure::of_status(&status))?.into_inner();
        tell_plan(&plan, arguments.json);
        return Ok(());
    }
    order(server, request, arguments.json).await
}

/// Orders, and tells what came of it.
pub(super) async fn order(server: &str, request: proto::EraseRequest, as_json: bool) -> anyhow::Result<()> {
    let state = client::act(server, request, &Once::ByOrder, async |connection, request| {
        ErasuresClient::new(connection).erase(request).await
    });
    tell(&state.await?, as_json);
    Ok(())
}

/// Lists orders, or tells how far one has come.
pub(super) async fn orders(arguments: OrdersArguments) -> anyhow::Result<()> {
    let mut client = ErasuresClient::new(client::connect(&arguments.server.server).await?);
    if let Some(order_id) = arguments.order {
        let state = client.get_order(proto::GetErasureRequest { order_id }).await;
        let state = state.map_err(|status| Failure::of_status(&status))?.into_inner();
        tell(&state, arguments.json);
        return Ok(());
    }
    let mut request = proto::ListErasuresRequest::default();
    let mut left = arguments.max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_orders(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for state in &page.orders {
            match arguments.json {
                true => say!("{}", object(state)),
                false => say!("{}", line(state)),
            }
        }
        left = left.saturating_sub(page.orders.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn object(state: &proto::ErasureState) -> Value {
    let pending = state.pending.iter();
    let recipients = state.recipients.iter();
    let kept = state.kept.iter();
    json!({
        "order": state.order_id,
        "at": local(state.ordered_at_unix_ms),
        "by": state.ordered_by,
        "reason": state.reason,
        "case": Some(state.case_number).filter(|case| *case > 0),
        "tickets": state.ticket_ids,
        "calls": state.calls,
        "entries": state.entries,
        "rejected_items": state.rejected_items,
        "erased": state.erased,
        "pending": pending.map(|it| json!({"place": it.place, "until": local(it.until_unix_ms)})).collect::<Vec<_>>(),
        "recipients": recipients
            .map(|it| json!({"department": it.department, "told": it.told, "confirmed": it.confirmed}))
            .collect::<Vec<_>>(),
        "kept": kept.map(|it| json!({"what": it.what, "why": it.why})).collect::<Vec<_>>(),
        "closed_at": state.closed_at_unix_ms.map(local),
    })
}

fn line(state: &proto::ErasureState) -> String {
    let progress = match state.closed_at_unix_ms {
        Some(at) => format!("through since {}", local(at)),
        None => format!("{} places are left", state.pending.len()),
    };
    format!(
        "{}  {}  {}: {} tickets, {} calls, {} entries; {progress}  {}",
        state.order_id,
        local(state.ordered_at_unix_ms),
        state.ordered_by,
        state.ticket_ids.len(),
        state.calls,
        state.entries,
        state.reason
    )
}

fn tell_plan(plan: &proto::ErasurePlan, as_json: bool) {
    let Some(state) = &plan.state else { return };
    if as_json {
        let mut planned = object(state);
        planned["order"] = Value::Null;
        planned["dry_run"] = true.into();
        planned["missing"] = plan.missing.as_str().into();
        say!("{planned}");
        return;
    }
    say!(
        "would be erased: {} tickets, {} calls, {} entries, {} rejected items",
        state.ticket_ids.len(),
        state.calls,
        state.entries,
        state.rejected_items
    );
    state
        .ticket_ids
        .iter()
        .for_each(|ticket| say!("  ticket   {ticket}"));
    state
        .pending
        .iter()
        .for_each(|it| say!("  place    {}", it.place));
    state
        .recipients
        .iter()
        .for_each(|it| say!("  told     {}", it.department));
    state
        .kept
        .iter()
        .for_each(|it| say!("  kept     {}: {}", it.what, it.why));
    if !plan.missing.is_empty() {
        say!("{}", plan.missing);
    }
}

fn tell(state: &proto::ErasureState, as_json: bool) {
    if as_json {
        say!("{}", object(state));
        return;
    }
    say!("{}", line(state));
    for place in &state.erased {
        say!("  erased   {place}");
    }
    for it in &state.pending {
        say!("  pending  {} until {}", it.place, local(it.until_unix_ms));
    }
    for it in &state.recipients {
        let told = if it.told { "told" } else { "not told yet" };
        let confirmed = if it.confirmed {
            "has confirmed"
        } else {
            "has not confirmed yet"
        };
        say!("  {}: {told}, {confirmed}", it.department);
    }
    for it in &state.kept {
        say!("  kept     {}: {}", it.what, it.why);
    }
}
