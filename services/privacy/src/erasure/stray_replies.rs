//! Replies that came after their ticket was erased: departments read later than we erase. The order is carried out anew
//! where they are.

use std::collections::{BTreeMap, BTreeSet};

use bus::topics;
use domain::erasure::{ErasureOrder, Place};
use domain::ids::{DepartmentId, ErasureOrderId};
use store::erasure::{KeptOrder, StrayReply};

use super::{ErasureError, ErasureParts};

/// Stray replies that are looked after together; further ones are in a later pass.
const AT_ONCE: usize = 1000;
/// Orders that are read together.
const ORDERS_AT_ONCE: usize = 100;

/// Stray replies by the order that erased their ticket.
pub(super) type StrayReplies = BTreeMap<ErasureOrderId, Vec<StrayReply>>;

/// Finds stray replies, and opens their orders again where that is not done. They stay noted until they are off the bus: a
/// crash in between costs nothing but doing it again.
pub(super) async fn reopen(
    parts: &ErasureParts,
    mut again: impl FnMut(&KeptOrder, &[StrayReply]),
) -> Result<StrayReplies, ErasureError> {
    let found = parts.of_tickets.stray_replies(0, AT_ONCE).await?;
    if found.is_empty() {
        return Ok(StrayReplies::new());
    }
    let (orders, without) = by_order(parts, found).await?;
    // Their tickets went by a rule or by hand, or never were: they stay as long as any message of the topic.
    if !without.is_empty() {
        forget(parts, &without).await?;
    }
    let mut strays = StrayReplies::new();
    for (kept, replies) in orders {
        let id = &kept.order.id;
        again(&kept, &replies);
        if !kept.is_due(Place::BusReplies) {
            let at = (parts.clock)();
            parts.orders.reopen_order(id, Place::BusReplies, at).await?;
            tracing::info!(order = %id, tickets = replies.len(), "replies came after an erasure: they are erased too");
        }
        strays.insert(id.clone(), replies);
    }
    Ok(strays)
}

/// The newest order that erased the ticket of each; and those without one.
async fn by_order(
    parts: &ErasureParts,
    mut found: Vec<StrayReply>,
) -> Result<(Vec<(KeptOrder, Vec<StrayReply>)>, Vec<StrayReply>), ErasureError> {
    let (mut orders, mut before) = (Vec::new(), i64::MAX);
    while !found.is_empty() {
        let page = parts.orders.orders_before(before, ORDERS_AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        before = last.sequence;
        for kept in page {
            let is_of = |stray: &StrayReply| kept.order.tickets.contains(&stray.ticket);
            let (of_order, others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_of);
            found = others;
            if !of_order.is_empty() {
                orders.push((kept, of_order));
            }
        }
    }
    Ok((orders, found))
}

/// They are off the bus, or no concern of any order.
pub(super) async fn forget(parts: &ErasureParts, replies: &[StrayReply]) -> Result<(), ErasureError> {
    let sequences = replies.iter().map(|stray| stray.sequence).collect();
    Ok(parts.of_tickets.forget_stray_replies(sequences).await?)
}

/// The departments that sent stray replies about tickets of an order: also such as never had them.
pub(super) async fn departments(
    parts: &ErasureParts,
    order: &ErasureOrder,
) -> Result<BTreeSet<DepartmentId>, ErasureError> {
    let found = parts.of_tickets.stray_replies(0, AT_ONCE).await?;
    let of_order = found
        .into_iter()
        .filter(|stray| order.tickets.contains(&stray.ticket));
    Ok(of_order.map(|stray| stray.department).collect())
}

/// The topics that they are on.
pub(super) fn topics(replies: &[StrayReply]) -> impl Iterator<Item = String> {
    replies
        .iter()
        .map(|stray| topics::ticket_replies(&stray.department))
}
