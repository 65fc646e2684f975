//! Calls that an instance which did not know an order yet let in: the store is searched again once every list knows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::erasure::{ErasureOrder, Suppression};
use domain::ids::{ErasureOrderId, Identity};
use store::erasure::KeptOrder;
use store::persons::PersonCallPlace;

use super::{ErasureError, ErasureParts, steps};

/// After this time every node's suppression list knows an order: what it did not know then is not kept any more.
pub(super) const LISTS_KNOW: Duration = Duration::from_secs(4);
/// Calls that are read at once.
const AT_ONCE: usize = 500;

/// Whether an order was first tried so long ago that every list knows it.
pub(super) fn lists_know(first_tried: Instant) -> bool {
    first_tried.elapsed() >= LISTS_KNOW
}

/// Adds to orders the calls by their marks that came meanwhile, and takes out who called. The orders have nothing but hashes:
/// all numbers of the store are gone through, once for all of the orders.
pub(super) async fn calls(parts: &ErasureParts, orders: &[&KeptOrder]) -> Result<(), ErasureError> {
    let with_marks = orders
        .iter()
        .map(|kept| &kept.order)
        .filter(|order| !order.marks.is_empty());
    let orders: Vec<&ErasureOrder> = with_marks.collect();
    if orders.is_empty() {
        return Ok(());
    }
    let key = parts.orders.mark_key().await?;
    let mut list = Suppression::new(key.clone());
    orders.iter().for_each(|order| list.add(order));
    let is_meant = Arc::new(move |number: &str| list.knows_number(number));
    let mut late: BTreeMap<&ErasureOrderId, Vec<Identity>> = BTreeMap::new();
    for number in parts.callers.callers_that(is_meant).await? {
        let mark = key.caller_key(&number);
        let calls = calls_of(parts, number).await?;
        for order in orders.iter().filter(|order| order.marks.contains(&mark)) {
            let of_before =
                |call: &&Found| call.started_at <= order.at && !order.calls.contains(&call.identity);
            let new = calls.iter().filter(of_before).map(|call| call.identity);
            late.entry(&order.id).or_default().extend(new);
        }
    }
    for (order, calls) in late.into_iter().filter(|(_, calls)| !calls.is_empty()) {
        // In the order first: in the store nobody finds them any more, and they are on the topic of calls too.
        parts.orders.add_calls(order, &calls).await?;
        steps::calls(parts, &calls).await?;
        tracing::info!(%order, calls = calls.len(), "calls that came in meanwhile are erased too");
    }
    Ok(())
}

/// A call by a number.
struct Found {
    identity: Identity,
    started_at: DateTime<Utc>,
}

async fn calls_of(parts: &ErasureParts, number: String) -> Result<Vec<Found>, ErasureError> {
    let (numbers, mut found, mut after) = ([number], Vec::new(), None);
    loop {
        let page = parts.finder.calls_by(&numbers, after, AT_ONCE).await?;
        found.extend(page.iter().filter_map(|call| {
            let record = call.state.assembled().record?;
            Some(Found {
                identity: call.identity,
                started_at: record.started_at,
            })
        }));
        match page.last() {
            Some(last) if page.len() == AT_ONCE => after = Some(PersonCallPlace::of(last)),
            _ => return Ok(found),
        }
    }
}
