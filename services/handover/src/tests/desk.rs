//! A desk with everything that handover needs, and a clock that is set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bus::embedded::EmbeddedBus;
use bus::{Outgoing, Positions, Received, topics};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{DepartmentId, HotlineName, Identity, ReplyId, TicketId};
use domain::personal::Personal;
use domain::procedure::{Fields, ProcedureId, Register};
use domain::routing::{
    Department, DepartmentMail, MailContent, RoutingConfig, RoutingDecision, RoutingTable,
};
use domain::rulebook::{Rulebook, RulesVersion};
use domain::ticket::{
    Actor, Opening, Ticket, Transition, erase, open, put_right, rectify, restrict, ticket_id,
};
use serde_json::Value;
use store::sqlite::SqliteTickets;
use store::tickets::{Logged, NewTicket};

use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::supervisor::{Clock, HandoverParts};
use crate::{HandoverSettings, envelope};

pub(super) struct Desk {
    pub(super) parts: Arc<HandoverParts>,
    pub(super) recipients: Arc<dyn store::recipients::RecipientStore>,
    pub(super) of_tickets: Arc<dyn store::erasure::TicketErasure>,
    minutes: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// A desk with the departments a, b and clearing.
pub(super) async fn desk() -> Desk {
    let desk = desk_without_topics();
    desk.apply_topics().await;
    desk
}

pub(super) fn desk_without_topics() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
    let bus = EmbeddedBus::open(&folder.path().join("bus.db")).unwrap();
    let departments = ["clearing", "a", "b"].map(|id| Department {
        mail: (id == "a").then(|| DepartmentMail {
            address: "a@example.org".to_owned(),
            content: MailContent::Whole,
        }),
        ..Department::new(department(id), id)
    });
    let routing = RoutingTable::new(RoutingConfig::of(department("clearing"), departments.into()));
    let rules = Arc::new(Rulebook {
        version: RulesVersion(1),
        routing: Arc::new(routing.unwrap()),
        register: Arc::new(Register::built_in()),
        figures: Arc::default(),
    });
    let minutes = Arc::new(AtomicI64::new(0));
    let reading = Arc::clone(&minutes);
    let clock: Clock = Arc::new(move || at(reading.load(Ordering::SeqCst)));
    let mut settings = HandoverSettings::of("one");
    settings.lease = Duration::from_millis(150);
    settings.poll = Duration::from_millis(50);
    let store = Arc::new(store);
    let recipients = Arc::clone(&store) as _;
    let of_tickets = Arc::clone(&store) as _;
    let parts = HandoverParts {
        citizen_mails: None,
        mails: Arc::clone(&store) as _,
        restores: Arc::clone(&store) as _,
        mail: None,
        entries: None,
        store,
        bus: Arc::new(bus),
        rules: Arc::new(move || Arc::clone(&rules)),
        clock,
        wake: Arc::default(),
        settings,
    };
    Desk {
        parts: Arc::new(parts),
        recipients,
        of_tickets,
        minutes,
        _folder: folder,
    }
}

pub(super) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap() + TimeDelta::minutes(minute)
}

pub(super) fn department(id: &str) -> DepartmentId {
    DepartmentId::new(id)
}

/// A ticket for department a, number `number`, with a reason of the given length.
fn new_ticket(number: u8, now: DateTime<Utc>, because: String) -> NewTicket {
    let register = Register::built_in();
    let fields = Fields::of([
        ("name", "Mustermann"),
        ("postal_code", "50667"),
        ("phone", "0221 4710123"),
        ("concern", "Frage zum Bescheid"),
    ]);
    let transition = open(Opening {
        id: ticket_id(u128::from(number)),
        procedure: ProcedureId::callback(),
        request: register.procedure("callback").unwrap().checked(fields).unwrap(),
        hotline: Some(HotlineName::new("Steuern")),
        category: number.is_multiple_of(2).then(|| "Bescheid".to_owned()),
        call: None,
        actor: Actor::System,
        decision: RoutingDecision {
            department: department("a"),
            rule: None,
            because,
            municipalities: Vec::new(),
            ambiguous: false,
        },
        at: now,
        rules: Some(RulesVersion(1)),
        due_at: now + TimeDelta::hours(24),
    });
    NewTicket {
        transition,
        idempotency_key: format!("key-{number}"),
        content: [number; 32],
        notice_identity: Some(Identity([number; 16])),
    }
}

impl Desk {
    pub(super) fn set_clock(&self, minute: i64) {
        self.minutes.store(minute, Ordering::SeqCst);
    }

    pub(super) async fn apply_topics(&self) {
        let departments = ["clearing", "a", "b"].map(department);
        self.parts
            .bus
            .apply_topics(&topics::wanted(
                2,
                departments.iter(),
                topics::Pace::of(Duration::from_secs(86_400)),
            ))
            .await
            .unwrap();
    }

    pub(super) async fn log(&self, number: u8) -> TicketId {
        self.log_because(number, "Keine Regel.".to_owned()).await
    }

    pub(super) async fn log_because(&self, number: u8, because: String) -> TicketId {
        let mut new = new_ticket(number, (self.parts.clock)(), because);
        new.transition = new.transition.with_mails(&(self.parts.rules)().routing);
        let id = new.transition.ticket.id.clone();
        assert_eq!(self.parts.store.log(new).await.unwrap(), Logged::New);
        self.parts.wake.raise(&department("a"));
        id
    }

    /// Writes what people do with a ticket.
    pub(super) async fn act(&self, id: &TicketId, decide: impl FnOnce(&Ticket) -> Transition) {
        let transition = decide(&self.ticket(id).await).with_mails(&(self.parts.rules)().routing);
        self.parts.store.record(transition).await.unwrap();
    }

    pub(super) async fn erase(&self, id: &TicketId) {
        let now = (self.parts.clock)();
        let reason = Personal::new("Art. 17");
        self.act(id, |ticket| erase(ticket, reason, Actor::System, now).unwrap())
            .await;
    }

    pub(super) async fn restrict(&self, id: &TicketId) {
        let now = (self.parts.clock)();
        let reason = Personal::new("Art. 18");
        self.act(id, |ticket| restrict(ticket, reason, Actor::System, now).unwrap())
            .await;
    }

    pub(super) async fn rectify(&self, id: &TicketId) {
        let now = (self.parts.clock)();
        let reason = Personal::new("Art. 16");
        let register = Register::built_in();
        self.act(id, |ticket| {
            let procedure = register.procedure(ticket.procedure.as_str()).unwrap();
            let name = (domain::ids::FieldId::new("name"), Personal::new("Berichtigt"));
            let right = put_right(ticket, procedure, &[name]).unwrap();
            rectify(ticket, right, &reason, Actor::System, now).unwrap()
        })
        .await;
    }

    pub(super) async fn outbound(&self, of: &str) -> Outbound {
        Outbound::open(&self.parts, &department(of)).await.unwrap()
    }

    pub(super) async fn inbound(&self, of: &str) -> Inbound {
        Inbound::open(&self.parts, &department(of)).await.unwrap()
    }

    /// Publishes what is pending to a department.
    pub(super) async fn send(&self, to: &str) {
        self.outbound(to).await.step().await.unwrap();
    }

    /// Settles the replies of a department that are on its topic. Returns how many there were.
    pub(super) async fn receive(&self, from: &str) -> usize {
        self.inbound(from)
            .await
            .step(Duration::from_millis(10))
            .await
            .unwrap()
    }

    pub(super) async fn ticket(&self, id: &TicketId) -> Ticket {
        self.parts
            .store
            .ticket(id)
            .await
            .unwrap()
            .expect("the ticket is there")
            .ticket
    }

    pub(super) async fn actions(&self, id: &TicketId) -> Vec<&'static str> {
        let history = self
            .parts
            .store
            .ticket(id)
            .await
            .unwrap()
            .expect("the ticket is there")
            .history;
        history.iter().map(|entry| entry.action.name()).collect()
    }

    /// Everything on a topic.
    pub(super) async fn topic(&self, topic: &str) -> Vec<Received> {
        let mut reader = self
            .parts
            .bus
            .reader_alone(topic, Positions::new())
            .await
            .unwrap();
        reader.next(1000, Duration::ZERO).await.unwrap()
    }

    /// What a department finds on its topic of tickets: number, version, state; a tombstone has no state.
    pub(super) async fn seen_by(&self, id: &str) -> Vec<(String, String, String)> {
        let messages = self.topic(&topics::tickets(&department(id))).await;
        messages
            .iter()
            .map(|message| {
                let header = |name: &str| message.header(name).unwrap_or_default().to_owned();
                let state = message.payload.as_ref().map(|payload| {
                    let payload: Value = serde_json::from_slice(payload).unwrap();
                    payload["state"].as_str().unwrap_or_default().to_owned()
                });
                (
                    String::from_utf8_lossy(&message.key).into(),
                    header("ce_ticketversion"),
                    state.unwrap_or_default(),
                )
            })
            .collect()
    }

    /// The results on the topic of a department: reply, result, code.
    pub(super) async fn results(&self, of: &str) -> Vec<(String, String, String)> {
        let messages = self.topic(&topics::ticket_reply_results(&department(of))).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        messages
            .iter()
            .map(|message| {
                let payload: Value = serde_json::from_slice(message.payload.as_ref().unwrap()).unwrap();
                (
                    text(&payload["reply_id"]),
                    text(&payload["result"]),
                    text(&payload["code"]),
                )
            })
            .collect()
    }

    /// A department sends a reply.
    pub(super) async fn reply(&self, from: &str, id: &str, payload: &str) {
        let message = envelope::reply(
            &department(from),
            &ReplyId::new(id),
            "",
            payload.as_bytes().to_vec(),
            at(0),
        );
        self.reply_raw(from, message).await;
    }

    pub(super) async fn reply_raw(&self, from: &str, message: Outgoing) {
        self.parts
            .bus
            .publish(&topics::ticket_replies(&department(from)), vec![message])
            .await
            .unwrap();
    }
}

pub(super) fn accepted(ticket: &TicketId) -> String {
    format!(r#"{{"ticket_id":"{ticket}","type":"accepted"}}"#)
}

pub(super) fn answered(ticket: &TicketId) -> String {
    format!(r#"{{"ticket_id":"{ticket}","type":"answered","note":"Bescheid erläutert"}}"#)
}

pub(super) fn returned(ticket: &TicketId, to: &str) -> String {
    format!(
        r#"{{"ticket_id":"{ticket}","type":"returned","reason":"nicht zuständig","suggested_department":"{to}"}}"#
    )
}
