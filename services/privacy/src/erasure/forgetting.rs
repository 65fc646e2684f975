//! What is taken out of topics: reports of calls lose who called, messages about tickets go.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::{Forgetting, Instead, Meant, Received};
use domain::erasure::{ErasureOrder, MarkKey, Suppression};
use domain::ids::TicketId;
use domain::ticket::tickets_named;
use wire::calls::Stored;

/// Reports of the orders' calls lose who called; and so do reports of others by an erased number from before its erasure: an
/// instance that did not know an order yet may have let them in, or they waited to be read.
pub(super) fn calls<'a>(orders: impl Iterator<Item = &'a ErasureOrder>, key: MarkKey) -> Forgetting {
    let mut list = Suppression::new(key);
    let mut keys = BTreeSet::new();
    let mut by_number = false;
    for order in orders {
        list.add(order);
        keys.extend(order.calls.iter().map(|call| call.to_hex().into_bytes()));
        by_number |= !order.marks.is_empty();
    }
    let others: Meant = Arc::new(move |message: &Received| {
        let payload = message.payload.as_deref().unwrap_or_default();
        matches!(wire::calls::decode_stored(payload), Ok(Stored::Call(report)) if list.concerns(&report))
    });
    Forgetting {
        keys,
        others: by_number.then_some(others),
        instead: without_caller(),
    }
}

/// Messages about tickets go.
pub(super) fn tickets(tickets: &[TicketId]) -> Forgetting {
    Forgetting {
        keys: tickets
            .iter()
            .map(|ticket| ticket.as_str().as_bytes().to_vec())
            .collect(),
        others: None,
        instead: Arc::new(|_: &Received| None),
    }
}

/// Replies about tickets go, whatever key a department has given them.
pub(super) fn replies(tickets: &[TicketId]) -> Forgetting {
    let numbers: BTreeSet<TicketId> = tickets.iter().cloned().collect();
    Forgetting {
        others: Some(Arc::new(move |message: &Received| {
            let named = tickets_named(message.payload.as_deref().unwrap_or_default());
            !named.is_disjoint(&numbers)
        })),
        ..self::tickets(tickets)
    }
}

/// The same report without who called: it counts when it is read again.
fn without_caller() -> Instead {
    Arc::new(|message: &Received| {
        let payload = message.payload.as_deref()?;
        match wire::calls::decode_stored(payload) {
            Ok(Stored::Call(mut report)) => {
                let as_it_was = report.body.clone();
                report.body.take_out_person();
                // Written again only where something was taken out: encodings of other versions stay as they are.
                match report.body == as_it_was {
                    true => Some(payload.to_vec()),
                    false => Some(wire::calls::encode_report(&report)),
                }
            }
            Ok(Stored::Agent(_)) => Some(payload.to_vec()),
            // It was kept as a rejected item, and is nothing that could be counted.
            Err(_) => None,
        }
    })
}
