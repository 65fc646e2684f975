//! What every [`TicketStore`] must do. A case gets a fresh store.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use domain::ids::{AgentName, DepartmentId, HotlineName, Identity, ReplyId, TicketId};
use domain::personal::Personal;
use domain::procedure::{CheckedRequest, Fields, ProcedureId, Register};
use domain::routing::{RoutingConfig, RoutingDecision, RoutingTable};
use domain::rulebook::{Rulebook, RulesVersion};
use domain::ticket::{
    Actor, Opening, Reply, Ticket, TicketState, TicketVersion, apply_reply, close, open, ticket_id,
};
use store::StoreError;
use store::postgres::PostgresTickets;
use store::sqlite::SqliteTickets;
use store::tickets::{
    HandOverContent, HandOverKey, LeaseName, ListPosition, Logged, NewTicket, Pending, ReplyAdvance,
    ReplyOutcome, SetAside, Settled, Settlement, TicketFilter, TicketStore, Verdict,
};

use crate::postgres::on_a_database;

const TOPIC: &str = "topic-1";

pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 9, 0, 0).unwrap() + TimeDelta::minutes(minute)
}

pub(crate) fn department(id: &str) -> DepartmentId {
    DepartmentId::new(id)
}

pub(crate) fn routing() -> RoutingTable {
    let departments = ["clearing", "a", "b"].map(|id| domain::routing::Department::new(department(id), id));
    RoutingTable::new(RoutingConfig::of(department("clearing"), departments.into())).unwrap()
}

pub(crate) fn rules() -> Rulebook {
    Rulebook {
        version: RulesVersion(1),
        routing: Arc::new(routing()),
        register: Arc::new(Register::built_in()),
        figures: Arc::default(),
    }
}

/// A request as ticketing would have checked it.
pub(crate) fn checked(procedure: &str, fields: Fields) -> CheckedRequest {
    let register = Register::built_in();
    register.procedure(procedure).unwrap().checked(fields).unwrap()
}

/// Ticket `number`, for department a, logged in minute `number`.
pub(crate) fn new_ticket(number: u8) -> NewTicket {
    let fields = Fields::of([("phone", "0221 4710123"), ("concern", "Frage zum Bescheid")]);
    let transition = open(Opening {
        rules: Some(RulesVersion(1)),
        id: ticket_id(u128::from(number)),
        procedure: ProcedureId::callback(),
        request: checked("callback", fields),
        hotline: Some(HotlineName::new("Steuern")),
        category: Some("Bescheid".to_owned()),
        call: Some(Identity([number; 16])),
        actor: Actor::Agent(AgentName::new("anna")),
        decision: RoutingDecision {
            department: department("a"),
            rule: None,
            because: "Keine Regel.".to_owned(),
            municipalities: Vec::new(),
            ambiguous: false,
        },
        at: at(i64::from(number)),
        due_at: at(i64::from(number) + 24 * 60),
    });
    NewTicket {
        transition,
        idempotency_key: format!("key-{number}"),
        content: [number; 32],
        notice_identity: Some(Identity([number; 16])),
    }
}

pub(crate) async fn logged(store: &dyn TicketStore, number: u8) -> Ticket {
    let new = new_ticket(number);
    assert_eq!(store.log(new.clone()).await.unwrap(), Logged::New);
    new.transition.ticket
}

pub(crate) async fn current(store: &dyn TicketStore, id: &TicketId) -> Ticket {
    store
        .ticket(id)
        .await
        .unwrap()
        .expect("the ticket is there")
        .ticket
}

pub(crate) async fn actions(store: &dyn TicketStore, id: &TicketId) -> Vec<&'static str> {
    let history = store
        .ticket(id)
        .await
        .unwrap()
        .expect("the ticket is there")
        .history;
    history.iter().map(|entry| entry.action.name()).collect()
}

pub(crate) async fn pending(store: &dyn TicketStore, id: &str, minute: i64) -> Pending {
    store.pending(&department(id), at(minute), 100).await.unwrap()
}

pub(crate) fn keys(pending: &Pending) -> Vec<HandOverKey> {
    pending
        .hand_overs
        .iter()
        .map(|hand_over| hand_over.key.clone())
        .collect()
}

/// A settlement of a reply of department a, decided on the given state of the ticket.
pub(crate) fn settlement(ticket: &Ticket, id: &str, reply: &Reply, position: i64) -> Settlement {
    let from = department("a");
    let decided = apply_reply(ticket, &from, reply, None, &rules(), at(60));
    let verdict = match &decided {
        Ok(transition) => Verdict::Applied {
            state: transition.ticket.state,
            version: transition.ticket.version,
        },
        Err(rejection) => Verdict::Rejected {
            code: rejection.code().to_owned(),
            reason: rejection.to_string(),
        },
    };
    Settlement {
        department: from,
        reply: ReplyId::new(id),
        outcome: ReplyOutcome {
            ticket: ticket.id.clone(),
            verdict,
            at: at(60),
        },
        transition: decided.ok(),
        stray_for: Vec::new(),
        advance: advance(position),
    }
}

fn advance(position: i64) -> ReplyAdvance {
    ReplyAdvance {
        topic_id: TOPIC.to_owned(),
        partition: 0,
        expected: position,
        next: position + 1,
    }
}

fn returned() -> Reply {
    Reply::Returned {
        reason: Personal::new("nicht zuständig"),
        suggested_department: Some(department("b")),
    }
}

async fn a_ticket_is_logged_with_all_that_follows(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    assert_eq!(current(&*store, &ticket.id).await, ticket);
    assert_eq!(actions(&*store, &ticket.id).await, ["logged"]);
    let pending = pending(&*store, "a", 1).await;
    assert_eq!(pending.hand_overs.len(), 1);
    assert_eq!(
        pending.hand_overs[0].content,
        HandOverContent::Current(Box::new(ticket.clone()))
    );
    let notices = store.call_notices(10).await.unwrap();
    assert_eq!(
        (notices.len(), &notices[0].ticket, notices[0].identity),
        (1, &ticket.id, Identity([1; 16]))
    );
    store
        .mark_notices_published(vec![notices[0].sequence])
        .await
        .unwrap();
    assert_eq!(store.call_notices(10).await.unwrap(), []);
    assert_eq!(store.ticket(&ticket_id(99)).await.unwrap(), None);
}

async fn the_same_request_gives_the_same_ticket(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let mut again = new_ticket(2);
    again.idempotency_key = "key-1".to_owned();
    assert_eq!(store.log(again.clone()).await.unwrap(), Logged::KeyTaken);
    again.content = [1; 32];
    assert_eq!(
        store.log(again).await.unwrap(),
        Logged::Repeated(Box::new(ticket))
    );
    let mut same_id = new_ticket(2);
    same_id.transition.ticket.id = ticket_id(1);
    assert_eq!(store.log(same_id).await.unwrap(), Logged::IdTaken);
    assert_eq!(pending(&*store, "a", 9).await.hand_overs.len(), 1);
    assert_eq!(store.call_notices(10).await.unwrap().len(), 1);
}

async fn the_list_is_paged_and_filtered(store: Arc<dyn TicketStore>) {
    for number in 1..=5 {
        logged(&*store, number).await;
    }
    let mut filter = TicketFilter {
        department: None,
        procedure: None,
        states: Vec::new(),
        due_before: None,
        escalated: false,
        returned: false,
        after: None,
        most: 2,
    };
    let mut seen = Vec::new();
    loop {
        let page = store.list(filter.clone()).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.after = Some(ListPosition {
            at: last.created_at,
            id: last.id.clone(),
        });
        seen.extend(page.into_iter().map(|ticket| ticket.id));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(ticket_id));
    let count = async |department_id: &str, states: &[TicketState]| {
        let filter = TicketFilter {
            department: Some(department(department_id)),
            procedure: None,
            states: states.to_vec(),
            due_before: None,
            escalated: false,
            returned: false,
            after: None,
            most: 100,
        };
        store.list(filter).await.unwrap().len()
    };
    assert_eq!(count("a", &[]).await, 5);
    assert_eq!(count("b", &[]).await, 0);
    assert_eq!(count("a", &[TicketState::Open, TicketState::Closed]).await, 5);
    assert_eq!(count("a", &[TicketState::Closed]).await, 0);
}

async fn a_published_ticket_is_handed_over_once(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let published = keys(&pending(&*store, "a", 1).await);
    for minute in [2, 3] {
        store.mark_published(published.clone(), at(minute)).await.unwrap();
        let now = current(&*store, &ticket.id).await;
        assert_eq!(
            (now.state, now.version),
            (TicketState::HandedOver, TicketVersion(1))
        );
        assert_eq!(actions(&*store, &ticket.id).await, ["logged", "handed_over"]);
        assert!(pending(&*store, "a", minute).await.is_empty());
    }
}

async fn a_stale_version_clears_nothing(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let stale = keys(&pending(&*store, "a", 1).await);
    store
        .settle_reply(settlement(&ticket, "r1", &Reply::Accepted, 0))
        .await
        .unwrap();
    store.mark_published(stale, at(2)).await.unwrap();
    let waiting = keys(&pending(&*store, "a", 70).await);
    assert_eq!((waiting.len(), waiting[0].version), (1, TicketVersion(2)));
    assert_eq!(
        actions(&*store, &ticket.id).await,
        ["logged", "handed_over", "accepted"]
    );
}

async fn a_refused_hand_over_waits_apart_until_its_time_or_a_change(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    logged(&*store, 2).await;
    let refused = keys(&pending(&*store, "a", 2).await).remove(0);
    let aside = SetAside {
        error: "too large".to_owned(),
        retry_at: at(30),
    };
    store.set_aside(refused.clone(), aside.clone()).await.unwrap();
    let numbers = async |minute| -> Vec<TicketId> {
        keys(&pending(&*store, "a", minute).await)
            .into_iter()
            .map(|key| key.ticket)
            .collect()
    };
    assert_eq!(numbers(29).await, [ticket_id(2)]);
    assert_eq!(numbers(30).await, [ticket_id(1), ticket_id(2)]);
    assert_eq!(pending(&*store, "a", 30).await.hand_overs[0].refusals, 1);
    store
        .settle_reply(settlement(&ticket, "r1", &Reply::Accepted, 0))
        .await
        .unwrap();
    store.set_aside(refused, aside).await.unwrap();
    assert_eq!(
        numbers(29).await,
        [ticket_id(1), ticket_id(2)],
        "the newer version is not set aside"
    );
}

async fn a_reply_is_settled_once(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let reply = ReplyId::new("r1");
    assert_eq!(store.reply_outcome(&department("a"), &reply).await.unwrap(), None);
    let accept = settlement(&ticket, "r1", &Reply::Accepted, 0);
    assert_eq!(store.settle_reply(accept.clone()).await.unwrap(), Settled::Now);
    let mut again = accept.clone();
    again.advance = advance(1);
    assert_eq!(
        store.settle_reply(again).await.unwrap(),
        Settled::Before(accept.outcome.clone())
    );
    assert_eq!(
        actions(&*store, &ticket.id).await,
        ["logged", "handed_over", "accepted"]
    );
    assert_eq!(
        store.reply_outcome(&department("a"), &reply).await.unwrap(),
        Some(accept.outcome.clone())
    );
    assert_eq!(
        store.reply_outcome(&department("b"), &reply).await.unwrap(),
        None,
        "ids are the department's own"
    );
    assert_eq!(store.reply_positions(TOPIC).await.unwrap(), [(0, 2)].into());
    assert_eq!(store.reply_positions("topic-2").await.unwrap(), [].into());

    let results = pending(&*store, "a", 60).await.results;
    assert_eq!(results.len(), 2, "who asks again is told again");
    assert!(
        results
            .iter()
            .all(|result| result.reply == reply && result.outcome == accept.outcome)
    );
    store
        .mark_results_published(results.iter().map(|result| result.sequence).collect())
        .await
        .unwrap();
    assert_eq!(pending(&*store, "a", 60).await.results, []);
}

async fn a_rejected_reply_changes_no_ticket(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    store
        .settle_reply(settlement(&ticket, "r1", &Reply::Answered { note: None }, 0))
        .await
        .unwrap();
    let answered = current(&*store, &ticket.id).await;
    let late = settlement(&answered, "r2", &Reply::Answered { note: None }, 1);
    assert!(matches!(late.outcome.verdict, Verdict::Rejected { .. }));
    assert_eq!(store.settle_reply(late.clone()).await.unwrap(), Settled::Now);
    assert_eq!(current(&*store, &ticket.id).await, answered);
    let outcome = store
        .reply_outcome(&department("a"), &ReplyId::new("r2"))
        .await
        .unwrap();
    assert_eq!(outcome, Some(late.outcome));
}

async fn whoever_is_late_writes_nothing(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    store
        .mark_published(keys(&pending(&*store, "a", 1).await), at(1))
        .await
        .unwrap();
    let stale_ticket = settlement(&ticket, "r1", &Reply::Accepted, 0);
    assert!(matches!(
        store.settle_reply(stale_ticket).await,
        Err(StoreError::Conflict(_))
    ));
    assert_eq!(store.reply_positions(TOPIC).await.unwrap(), [].into());

    let handed_over = current(&*store, &ticket.id).await;
    store.skip_replies(advance(0)).await.unwrap();
    let stale_position = settlement(&handed_over, "r1", &Reply::Accepted, 0);
    assert!(matches!(
        store.settle_reply(stale_position).await,
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        store.skip_replies(advance(0)).await,
        Err(StoreError::Conflict(_))
    ));
    assert_eq!(current(&*store, &ticket.id).await, handed_over);
    assert_eq!(store.reply_positions(TOPIC).await.unwrap(), [(0, 1)].into());
}

async fn a_returned_ticket_is_withdrawn_and_later_forgotten(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    store
        .settle_reply(settlement(&ticket, "r1", &returned(), 0))
        .await
        .unwrap();
    let week = 60 + 7 * 24 * 60;
    let old = pending(&*store, "a", week).await;
    assert_eq!(old.hand_overs[0].content, HandOverContent::Withdrawn(at(60)));
    assert_eq!(old.tombstones, [], "a tombstone does not overtake what it buries");
    let new = pending(&*store, "b", 60).await;
    assert!(
        matches!(&new.hand_overs[0].content, HandOverContent::Current(ticket) if ticket.department == department("b"))
    );

    store.mark_published(keys(&old), at(61)).await.unwrap();
    assert_eq!(
        current(&*store, &ticket.id).await.state,
        TicketState::Open,
        "only the new department's copy hands over"
    );
    assert_eq!(pending(&*store, "a", week - 1).await.tombstones, []);
    let due = pending(&*store, "a", week).await.tombstones;
    assert_eq!(due.len(), 1);
    store.mark_tombstoned(due).await.unwrap();
    let left = pending(&*store, "a", week).await;
    assert_eq!((left.hand_overs, left.tombstones), (Vec::new(), Vec::new()));
}

async fn a_ticket_that_comes_back_is_not_forgotten(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    store
        .settle_reply(settlement(&ticket, "r1", &returned(), 0))
        .await
        .unwrap();
    let at_b = current(&*store, &ticket.id).await;
    let back = Reply::Returned {
        reason: Personal::new("doch"),
        suggested_department: None,
    };
    let to_clearing = apply_reply(&at_b, &department("b"), &back, None, &rules(), at(70)).unwrap();
    store.record(to_clearing.clone()).await.unwrap();
    assert!(matches!(
        store.record(to_clearing.clone()).await,
        Err(StoreError::Conflict(_))
    ));
    let back = Reply::Returned {
        reason: Personal::new("bleibt"),
        suggested_department: Some(department("a")),
    };
    let to_a = apply_reply(
        &to_clearing.ticket,
        &department("clearing"),
        &back,
        None,
        &rules(),
        at(80),
    )
    .unwrap();
    store.record(to_a).await.unwrap();
    let year = 365 * 24 * 60;
    let waiting = pending(&*store, "a", year).await;
    assert!(matches!(
        waiting.hand_overs[0].content,
        HandOverContent::Current(_)
    ));
    store.mark_published(keys(&waiting), at(81)).await.unwrap();
    let left = pending(&*store, "a", year).await;
    assert_eq!(
        (left.hand_overs, left.tombstones),
        (Vec::new(), Vec::new()),
        "the tombstone was cancelled"
    );
}

async fn answered_tickets_are_found_and_closed(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    logged(&*store, 2).await;
    store
        .settle_reply(settlement(&ticket, "r1", &Reply::Answered { note: None }, 0))
        .await
        .unwrap();
    assert_eq!(
        store.ended_before(&department("a"), at(60), 10).await.unwrap(),
        []
    );
    let answered = store.ended_before(&department("a"), at(61), 10).await.unwrap();
    assert_eq!(answered, [current(&*store, &ticket.id).await]);
    let closed = close(&answered[0], at(61), TimeDelta::days(1)).unwrap();
    store.record(closed).await.unwrap();
    assert_eq!(
        store.ended_before(&department("a"), at(99), 10).await.unwrap(),
        []
    );
    store
        .mark_published(keys(&pending(&*store, "a", 61).await), at(62))
        .await
        .unwrap();
    assert_eq!(pending(&*store, "a", 61 + 24 * 60).await.tombstones.len(), 1);
}

async fn a_lease_has_one_holder(store: Arc<dyn TicketStore>) {
    let names = [LeaseName::department(&department("a")), LeaseName::call_notices()];
    let take = async |owner: &str, now: i64| {
        store
            .take_leases(&names, owner, at(now), at(now + 10))
            .await
            .unwrap()
    };
    assert_eq!(take("one", 0).await, names);
    assert_eq!(take("two", 5).await, []);
    assert_eq!(take("one", 9).await, names, "kept");
    assert_eq!(take("two", 18).await, []);
    assert_eq!(take("two", 19).await, names, "run out");
    store.release_leases("one").await.unwrap();
    assert_eq!(take("one", 20).await, []);
    store.release_leases("two").await.unwrap();
    assert_eq!(take("one", 20).await, names);
    store.probe().await.unwrap();
}

async fn a_lease_from_a_clock_that_was_ahead_holds_nobody_up(store: Arc<dyn TicketStore>) {
    let name = [LeaseName::call_notices()];
    let take = async |owner: &str, now: i64| {
        let taken = store.take_leases(&name, owner, at(now), at(now + 10)).await;
        taken.unwrap().len()
    };
    assert_eq!(take("ahead", 60).await, 1);
    assert_eq!(take("in time", 50).await, 0, "a clock may be a little ahead");
    assert_eq!(take("in time", 49).await, 1, "but not by more than a lease");
    assert_eq!(take("ahead", 60).await, 1, "nor may one be that far behind");
}

/// Runs a case on a fresh store of each kind.
pub(crate) async fn on_every_store<F: Future<Output = ()>>(case: impl Fn(Arc<dyn TicketStore>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
    case(Arc::new(sqlite)).await;
    on_a_database(|database| async move {
        case(Arc::new(PostgresTickets::connect(&database).await.unwrap())).await;
    })
    .await;
}

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_every_store {
            $(#[tokio::test]
            async fn $case() {
                super::on_every_store(super::$case).await;
            })+
        }
    };
}

cases! {
    a_ticket_is_logged_with_all_that_follows,
    the_same_request_gives_the_same_ticket,
    the_list_is_paged_and_filtered,
    a_published_ticket_is_handed_over_once,
    a_stale_version_clears_nothing,
    a_refused_hand_over_waits_apart_until_its_time_or_a_change,
    a_reply_is_settled_once,
    a_rejected_reply_changes_no_ticket,
    whoever_is_late_writes_nothing,
    a_returned_ticket_is_withdrawn_and_later_forgotten,
    a_ticket_that_comes_back_is_not_forgotten,
    answered_tickets_are_found_and_closed,
    a_lease_has_one_holder,
    a_lease_from_a_clock_that_was_ahead_holds_nobody_up,
}
