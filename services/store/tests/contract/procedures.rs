//! Tickets of every procedure.

use std::sync::Arc;

use domain::procedure::{Fields, ProcedureId};
use domain::ticket::{Ticket, ticket_id};
use store::tickets::{HandOverContent, Logged, TicketFilter, TicketStore};

use crate::tickets::{checked, current, logged, new_ticket, on_every_store, pending};

/// Logs ticket `number`, a letter: without a hotline, a call and a notice.
async fn letter(store: &dyn TicketStore, number: u8) -> Ticket {
    let mut new = new_ticket(number);
    new.notice_identity = None;
    let ticket = &mut new.transition.ticket;
    ticket.procedure = ProcedureId::new("letter");
    ticket.request = checked(
        "letter",
        Fields::of([("town", "Köln"), ("message", "Eine Frage")]),
    );
    (ticket.hotline, ticket.call) = (None, None);
    assert_eq!(store.log(new.clone()).await.unwrap(), Logged::New);
    new.transition.ticket
}

async fn of_procedure(store: &dyn TicketStore, procedure: &str) -> Vec<domain::ids::TicketId> {
    let filter = TicketFilter {
        department: None,
        procedure: Some(ProcedureId::new(procedure)),
        states: Vec::new(),
        due_before: None,
        escalated: false,
        returned: false,
        after: None,
        most: 100,
    };
    let tickets = store.list(filter).await.unwrap();
    tickets.into_iter().map(|ticket| ticket.id).collect()
}

async fn a_ticket_keeps_its_procedure(store: Arc<dyn TicketStore>) {
    let letter = letter(&*store, 1).await;
    logged(&*store, 2).await;
    assert_eq!(current(&*store, &letter.id).await, letter);
    let handed_over = &pending(&*store, "a", 5).await.hand_overs[0];
    assert_eq!(handed_over.content, HandOverContent::Current(Box::new(letter)));
    assert_eq!(of_procedure(&*store, "letter").await, [ticket_id(1)]);
    assert_eq!(of_procedure(&*store, "callback").await, [ticket_id(2)]);
    assert_eq!(of_procedure(&*store, "email").await, []);
}

async fn only_callbacks_have_a_notice(store: Arc<dyn TicketStore>) {
    letter(&*store, 1).await;
    logged(&*store, 2).await;
    let notices = store.call_notices(10).await.unwrap();
    let tickets: Vec<_> = notices.into_iter().map(|notice| notice.ticket).collect();
    assert_eq!(tickets, [ticket_id(2)]);
}

#[tokio::test]
async fn a_ticket_keeps_its_procedure_on_every_store() {
    on_every_store(a_ticket_keeps_its_procedure).await;
}

#[tokio::test]
async fn only_callbacks_have_a_notice_on_every_store() {
    on_every_store(only_callbacks_have_a_notice).await;
}
