//! One call: the 24 fields and where each came from, its visits, its events. Numbers of citizens only on request, which
//! the service allows and writes down.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use domain::access::Role::DataProtection;
use domain::record::{ConnectionStatus, Field, TaskType};
use wire::v1::calls as calls_proto;
use wire::v1::reporting as proto;

use super::calls::outcome;
use crate::format;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// One of the 24 fields.
struct Value {
    heading: &'static str,
    text: String,
    origin: &'static str,
    /// What was delivered, where it cannot be.
    doubt: String,
}

/// An event of the call.
struct Event {
    at: String,
    what: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "history/call.html")]
struct CallPage {
    layout: Layout,
    call: proto::Call,
    values: Vec<Value>,
    events: Vec<Event>,
    flags: Vec<&'static str>,
    may_reveal: bool,
    is_revealed: bool,
}

impl CallPage {
    fn outcome(&self, visit: &proto::Visit) -> &'static str {
        outcome(&visit.outcome).0
    }
    fn class(&self, visit: &proto::Visit) -> &'static str {
        outcome(&visit.outcome).1
    }
}

pub(super) async fn show(visitor: Visitor, Path(identity): Path<String>) -> Result<Response, Trouble> {
    page(&visitor, identity, false).await
}

pub(super) async fn reveal(visitor: Visitor, Path(identity): Path<String>) -> Result<Response, Trouble> {
    page(&visitor, identity, true).await
}

async fn page(visitor: &Visitor, identity: String, reveal: bool) -> Result<Response, Trouble> {
    // The service finds calls by the ids of their sources too; an address of the console names none of those.
    let is_identity = identity.len() == 32 && identity.chars().all(|digit| digit.is_ascii_hexdigit());
    if !is_identity {
        return Err(Trouble::NotFound);
    }
    let request = proto::GetCallRequest { id: identity, reveal };
    let call = visitor.services.records().get_call(request).await?.into_inner();
    let page = CallPage {
        layout: Layout::of(visitor, "Anruf", "/anrufe").with_style("history.css"),
        values: values(&call),
        events: call.events.iter().map(event).collect(),
        flags: call.flags.iter().map(|flag| flag_words(flag)).collect(),
        may_reveal: visitor.is(DataProtection),
        is_revealed: reveal,
        call,
    };
    Ok(page.into_response())
}

fn values(call: &proto::Call) -> Vec<Value> {
    let Some(record) = &call.record else {
        return Vec::new();
    };
    let value = |field: &Field| {
        let origin = call.origins.iter().find(|origin| origin.field == field.name());
        let doubtful = origin.filter(|origin| origin.origin == "doubtful");
        Value {
            heading: field.heading(),
            text: text(*field, record),
            origin: origin.map_or("", |origin| match origin.origin.as_str() {
                "finished_record" => "fertiger Datensatz",
                "events" => "Ereignisse",
                "doubtful" => "zweifelhaft, gilt als nicht geliefert",
                _ => "nicht geliefert",
            }),
            doubt: doubtful.map_or_else(String::new, |origin| format!("geliefert: {}", origin.raw)),
        }
    };
    Field::ALL.iter().map(value).collect()
}

/// A value of the record as people read it.
fn text(field: Field, record: &calls_proto::FinishedRecord) -> String {
    let count = |value: Option<u32>| value.map_or_else(|| format::NOTHING.to_owned(), |it| it.to_string());
    let is = |value: Option<bool>| match value {
        Some(true) => "ja".to_owned(),
        Some(false) => "nein".to_owned(),
        None => format::NOTHING.to_owned(),
    };
    match field {
        Field::StartedAt => format!(
            "{} {}",
            format::day(record.started_at_unix_ms),
            format::clock(record.started_at_unix_ms)
        ),
        Field::TaskType => task_type(record).to_owned(),
        Field::Caller => match record.caller.as_ref().and_then(|caller| caller.caller.as_ref()) {
            Some(calls_proto::caller::Caller::Given(given)) => given.clone(),
            Some(calls_proto::caller::Caller::Withheld(_)) => "unterdrückt".to_owned(),
            None => format::NOTHING.to_owned(),
        },
        Field::DialledAddress => record
            .dialled_address
            .clone()
            .unwrap_or_else(|| format::NOTHING.to_owned()),
        Field::Hotline => record.hotline.clone(),
        Field::ConnectionStatus => connection_status(record).to_owned(),
        Field::CustomerRecordCount => count(record.customer_record_count),
        Field::CustomerConnectionCount => count(record.customer_connection_count),
        Field::Billable => format::duration(record.billable_ms),
        Field::Ring => format::duration(record.ring_ms),
        Field::Talk => format::duration(record.talk_ms),
        Field::Hold => format::duration(record.hold_ms),
        Field::Wait => format::duration(record.wait_ms),
        Field::ConsultCount => count(record.consult_count),
        Field::ConsultConnectionCount => count(record.consult_connection_count),
        Field::ConsultTalk => format::duration(record.consult_talk_ms),
        Field::AfterCallWork => format::duration(record.after_call_work_ms),
        Field::DirectTopicDial => is(record.direct_topic_dial),
        Field::ExternalContact => is(record.external_contact),
        Field::InboundContact => is(record.inbound_contact),
        Field::OutCcContact => is(record.out_cc_contact),
        Field::DialerContact => is(record.dialer_contact),
        Field::VoiceMessageRecorded => is(record.voice_message_recorded),
        Field::NetworkOverflowCount => count(record.network_overflow_count),
    }
}

fn task_type(record: &calls_proto::FinishedRecord) -> &'static str {
    match i16::try_from(record.task_type).ok().and_then(TaskType::from_code) {
        Some(TaskType::InboundCall) => "Anruf eingehend",
        Some(TaskType::OutboundCall) => "Anruf ausgehend",
        Some(TaskType::Callback) => "Rückruf",
        Some(TaskType::VoiceMessage) => "Sprachnachricht",
        Some(TaskType::Email) => "E-Mail",
        Some(TaskType::Fax) => "Fax",
        Some(TaskType::Letter) => "Brief",
        Some(TaskType::Chat) => "Chat",
        None => "unbekannt",
    }
}

fn connection_status(record: &calls_proto::FinishedRecord) -> &'static str {
    use ConnectionStatus as Status;
    match i16::try_from(record.connection_status)
        .ok()
        .and_then(Status::from_code)
    {
        Some(Status::Answered) => "Verbunden",
        Some(Status::AbandonedQueued) => "Abbruch Warteschlange",
        Some(Status::AbandonedRinging) => "Abbruch Rufphase",
        Some(Status::Overflowed) => "Überlauf",
        Some(Status::VoiceMessage) => "Sprachnachricht",
        Some(Status::ClosedWhileQueued) => "Servicezeit beendet",
        Some(Status::AbandonedBeforeQueue) => "Abbruch Ansage",
        Some(Status::Busy) => "Besetzt",
        Some(Status::OutOfHours) => "Außerhalb der Servicezeit",
        Some(Status::NoAnswer) => "Keine Antwort",
        Some(Status::Failed) => "Fehler",
        None => "unbekannt",
    }
}

fn flag_words(flag: &str) -> &'static str {
    match flag {
        "implausible_duration" => "Eine Dauer kann nicht stimmen und gilt als nicht geliefert.",
        "unreadable_value" => "Ein Wert war nicht zu lesen.",
        "revision_conflict" => "Zwei Fassungen mit derselben Nummer widersprechen sich.",
        "record_and_events_differ" => "Datensatz und Ereignisse sagen Verschiedenes.",
        "answered_without_end" => "Das Ende des angenommenen Anrufs wurde nie gemeldet.",
        _ => "Auffällig.",
    }
}

/// An event in words; who took part is not told here.
fn event(event: &calls_proto::CallEvent) -> Event {
    use calls_proto::call_event::Kind;
    use calls_proto::call_event::overflowed::To;
    let what = match &event.kind {
        Some(Kind::Arrived(_)) => "eingegangen".to_owned(),
        Some(Kind::DialerAttempt(_)) => "vom Dialer gewählt".to_owned(),
        Some(Kind::OutboundResult(_)) => "Ergebnis des abgehenden Anrufs".to_owned(),
        Some(Kind::Queued(queued)) => format!("in der Warteschlange {}", queued.hotline),
        Some(Kind::Overflowed(overflowed)) => match &overflowed.to {
            Some(To::Hotline(hotline)) => format!("Überlauf zu {hotline}"),
            Some(To::Site(site)) => format!("Überlauf zum Standort {site}"),
            Some(To::Network(network)) => format!("Überlauf ins Netz {network}"),
            None => "Überlauf".to_owned(),
        },
        Some(Kind::Ringing(_)) => "klingelt".to_owned(),
        Some(Kind::RingUnanswered(_)) => "klingelte ohne Annahme".to_owned(),
        Some(Kind::Answered(_)) => "angenommen".to_owned(),
        Some(Kind::Held(_)) => "gehalten".to_owned(),
        Some(Kind::Resumed(_)) => "wieder im Gespräch".to_owned(),
        Some(Kind::ConsultStarted(_)) => "Rückfrage begonnen".to_owned(),
        Some(Kind::ConsultAnswered(_)) => "Rückfrage angenommen".to_owned(),
        Some(Kind::ConsultEnded(_)) => "Rückfrage beendet".to_owned(),
        Some(Kind::Transferred(transferred)) => match &transferred.hotline {
            Some(hotline) => format!("weitergeleitet an {hotline}"),
            None => "weitergeleitet".to_owned(),
        },
        Some(Kind::VoiceMessageRecorded(_)) => "Sprachnachricht aufgenommen".to_owned(),
        Some(Kind::Ended(_)) => "beendet".to_owned(),
        Some(Kind::AfterCallWorkStarted(_)) => "Nachbearbeitung begonnen".to_owned(),
        Some(Kind::AfterCallWorkEnded(_)) => "Nachbearbeitung beendet".to_owned(),
        Some(Kind::VisitEnded(_)) => "Aufenthalt in der Hotline beendet".to_owned(),
        None => "unbekannt".to_owned(),
    };
    Event {
        at: format!(
            "{} {}",
            format::day(event.at_unix_ms),
            format::clock(event.at_unix_ms)
        ),
        what,
    }
}
