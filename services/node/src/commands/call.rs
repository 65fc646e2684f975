//! `nrwdirekt call`.

use domain::local_time;
use serde_json::{Map, Value, json};
use wire::v1::calls as calls_proto;
use wire::v1::reporting as proto;
use wire::v1::reporting::records_client::RecordsClient;

use crate::cli::{CallListArguments, CallShowArguments};
use crate::client;
use crate::exit::Failure;
use crate::output::say;

const PAGE: u64 = 500;

/// Lists calls, page by page.
pub(crate) async fn list(arguments: CallListArguments) -> anyhow::Result<()> {
    let shown = arguments.shown;
    let mut client = RecordsClient::new(client::connect(&shown.server.server).await?);
    let mut request = proto::ListCallsRequest {
        filter: Some(proto::CallFilter {
            from: arguments.period.from,
            to: arguments.period.to,
            hotline: arguments.hotline.unwrap_or_default(),
            source: arguments.source.unwrap_or_default(),
            status: arguments.status.unwrap_or_default(),
            number: arguments.number.unwrap_or_default(),
            agent: arguments.agent.unwrap_or_default(),
        }),
        order: i32::from(arguments.newest_first),
        page_size: 0,
        page_token: String::new(),
        reveal: shown.reveal,
    };
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    let mut printed = Listing::begin(shown.json);
    while left > 0 {
        request.page_size = left.min(PAGE) as u32;
        let page = client
            .list_calls(request.clone())
            .await
            .map_err(|status| Failure::of_status(&status))?
            .into_inner();
        for call in &page.calls {
            printed.call(call)?;
        }
        left = left.saturating_sub(page.calls.len() as u64);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    printed.end();
    Ok(())
}

/// Prints calls one by one: nothing waits for the last page.
struct Listing {
    json: bool,
    calls: u64,
}

impl Listing {
    fn begin(json: bool) -> Self {
        if !json {
            say!(
                "{:32} {:19} {:20} {:>9} {:>9}  {:14} hotline",
                "id",
                "start",
                "status",
                "wait s",
                "talk s",
                "caller"
            );
        }
        Self { json, calls: 0 }
    }

    fn call(&mut self, call: &proto::Call) -> anyhow::Result<()> {
        self.calls += 1;
        if self.json {
            let before = if self.calls == 1 { "[" } else { "," };
            say!("{before}{}", as_json(call)?);
            return Ok(());
        }
        let Some(record) = &call.record else { return Ok(()) };
        say!(
            "{:32} {:19} {:20} {:>9} {:>9}  {:14} {}",
            call.identity,
            local(record.started_at_unix_ms),
            status_name(record),
            seconds(record.wait_ms),
            seconds(record.talk_ms),
            caller(record),
            record.hotline,
        );
        Ok(())
    }

    fn end(&self) {
        match (self.json, self.calls) {
            (true, 0) => say!("[]"),
            (true, _) => say!("]"),
            (false, _) => {}
        }
    }
}

/// Shows one call.
pub(crate) async fn show(arguments: CallShowArguments) -> anyhow::Result<()> {
    let shown = arguments.shown;
    let mut client = RecordsClient::new(client::connect(&shown.server.server).await?);
    let request = proto::GetCallRequest {
        id: arguments.id,
        reveal: shown.reveal,
    };
    let call = client
        .get_call(request)
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    let mut object = as_json(&call)?;
    add_everything(&mut object, &call)?;
    if shown.json {
        say!("{}", serde_json::to_string_pretty(&object)?);
    } else {
        print(&call, &object);
    }
    Ok(())
}

/// What lists show of a call.
fn as_json(call: &proto::Call) -> anyhow::Result<Value> {
    let mut object = json!({
        "id": call.identity,
        "source": call.source,
        "call_id": call.call_id,
        "import_run": call.import_run,
        "received_at": time(call.received_at_unix_ms),
        "heard_at": time(call.heard_at_unix_ms),
        "open": call.open,
        "given_up": call.given_up,
        "retracted": call.retracted,
        "flags": call.flags,
        "revision": call.revision,
        "record": call.record.as_ref().map(record_json).transpose()?,
        "caller_kind": Some(&call.caller_kind).filter(|kind| !kind.is_empty()),
        "visits": call.visits.iter().map(visit_json).collect::<Vec<_>>(),
        "visits_origin": Some(&call.visits_origin).filter(|origin| !origin.is_empty()),
        "callbacks": call.callbacks.iter().map(callback_json).collect::<Vec<_>>(),
    });
    if !call.caller_e164.is_empty() {
        object["caller_e164"] = json!(call.caller_e164);
    }
    Ok(object)
}

/// What only a single call shows.
fn add_everything(object: &mut Value, call: &proto::Call) -> anyhow::Result<()> {
    let origins: Map<String, Value> = call
        .origins
        .iter()
        .map(|origin| {
            let mut value = json!({ "from": origin.origin });
            if origin.origin == "doubtful" {
                value["raw"] = json!(origin.raw);
                value["reason"] = json!(origin.reason);
            }
            (origin.field.clone(), value)
        })
        .collect();
    object["origins"] = origins.into();
    object["events"] = call
        .events
        .iter()
        .map(event_json)
        .collect::<anyhow::Result<Value>>()?;
    object["conflicts"] = call
        .conflicts
        .iter()
        .map(record_json)
        .collect::<anyhow::Result<Value>>()?;
    Ok(())
}

/// The 24 fields by name, durations with their unit.
fn record_json(record: &calls_proto::FinishedRecord) -> anyhow::Result<Value> {
    let record = wire::calls::record_from_wire(record)?.record;
    let mut object = serde_json::to_value(&record)?;
    let Some(fields) = object.as_object_mut() else {
        return Ok(object);
    };
    fields.remove("doubts");
    flatten_caller(fields);
    fields.insert(
        "started_at".to_owned(),
        json!(time(record.started_at.timestamp_millis())),
    );
    Ok(object)
}

/// A caller is a text, or nothing where he or she withheld the number.
fn flatten_caller(fields: &mut Map<String, Value>) {
    if let Some(caller) = fields.get_mut("caller") {
        *caller = caller.get("given").cloned().unwrap_or_default();
    }
}

fn event_json(event: &calls_proto::CallEvent) -> anyhow::Result<Value> {
    let event = wire::calls::event_from_wire(event)?;
    let mut object = serde_json::to_value(&event.kind)?;
    if let Some(fields) = object.as_object_mut() {
        flatten_caller(fields);
        fields.insert("at".to_owned(), json!(time(event.at.timestamp_millis())));
        fields.insert("event_id".to_owned(), json!(event.id));
        fields.insert("sequence".to_owned(), json!(event.sequence));
    }
    Ok(object)
}

fn visit_json(visit: &proto::Visit) -> Value {
    json!({
        "ordinal": visit.ordinal,
        "hotline": visit.hotline,
        "task_type": visit.task_type,
        "offered_at": time(visit.offered_at_unix_ms),
        "outcome": visit.outcome,
        "wait_ms": visit.wait_ms,
        "ring_ms": visit.ring_ms,
        "talk_ms": visit.talk_ms,
        "hold_ms": visit.hold_ms,
        "after_call_work_ms": visit.after_call_work_ms,
        "consult_count": visit.consult_count,
        "consult_connection_count": visit.consult_connection_count,
        "consult_talk_ms": visit.consult_talk_ms,
        "transfer_count": visit.transfer_count,
        "agent": visit.agent,
        "ended_by": visit.ended_by,
        "overflowed_in": visit.overflowed_in,
        "network_overflow_count": visit.network_overflow_count,
        "voice_message": visit.voice_message,
        "counted": visit.counted,
    })
}

fn callback_json(callback: &calls_proto::CallbackLogged) -> Value {
    json!({
        "ticket_id": callback.ticket_id,
        "hotline": callback.hotline,
        "at": time(callback.at_unix_ms),
    })
}

fn print(call: &proto::Call, object: &Value) {
    say!("{}", call.identity);
    let source = call
        .call_id
        .as_ref()
        .map_or(call.source.clone(), |id| format!("{}/{id}", call.source));
    say!("  source     {source}");
    if let Some(run) = &call.import_run {
        say!("  import     {run}");
    }
    say!(
        "  received   {}, last heard of {}",
        local(call.received_at_unix_ms),
        local(call.heard_at_unix_ms)
    );
    if call.retracted {
        say!("  retracted  its source no longer has it");
    }
    if !call.flags.is_empty() {
        say!("  flagged    {}", call.flags.join(", "));
    }
    say!("\nrecord");
    for origin in &call.origins {
        let value = ["", "_ms"].map(|unit| (unit, &object["record"][format!("{}{unit}", origin.field)]));
        let value = value.into_iter().find(|(_, value)| !value.is_null());
        let value = match (value, origin.origin.as_str()) {
            (Some((_, Value::String(text))), _) => text.clone(),
            (Some((unit, value)), _) => format!("{value}{}", unit.replace('_', " ")),
            (None, "doubtful") => format!("{} ({})", origin.raw, origin.reason),
            (None, _) if origin.field == "caller" && origin.origin != "absent" => "withheld".to_owned(),
            (None, _) => "–".to_owned(),
        };
        say!("  {:26} {value:30} {}", origin.field, origin.origin);
    }
    say!("\nvisits     {}", call.visits_origin);
    for visit in &call.visits {
        say!(
            "  {}  {}  {}  {}, wait {} s, ring {} s, talk {} s, agent {}",
            visit.ordinal,
            local(visit.offered_at_unix_ms),
            visit.hotline,
            visit.outcome,
            seconds(visit.wait_ms),
            seconds(visit.ring_ms),
            seconds(visit.talk_ms),
            visit.agent.as_deref().unwrap_or("–"),
        );
    }
    say!("\nevents");
    for event in object["events"].as_array().into_iter().flatten() {
        say!(
            "  {}  {}",
            event["at"].as_str().unwrap_or_default(),
            event["kind"].as_str().unwrap_or_default()
        );
    }
    for callback in &call.callbacks {
        say!("\ncallback   {}", callback.ticket_id);
    }
}

fn caller(record: &calls_proto::FinishedRecord) -> &str {
    use calls_proto::caller::Caller;
    match record.caller.as_ref().and_then(|caller| caller.caller.as_ref()) {
        Some(Caller::Given(given)) => given,
        Some(Caller::Withheld(_)) => "withheld",
        None => "–",
    }
}

fn status_name(record: &calls_proto::FinishedRecord) -> &'static str {
    let status = i16::try_from(record.connection_status).ok();
    let status = status.and_then(domain::record::ConnectionStatus::from_code);
    status.map_or("–", |status| status.name())
}

fn seconds(duration_ms: Option<i64>) -> String {
    duration_ms.map_or("–".to_owned(), |ms| format!("{:.1}", ms as f64 / 1000.0))
}

/// An RFC 3339 time in UTC, with milliseconds where there are any.
fn time(unix_ms: i64) -> String {
    let at = wire::time(unix_ms).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn local(unix_ms: i64) -> String {
    let at = wire::time(unix_ms).unwrap_or_default();
    at.with_timezone(&local_time::ZONE)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}
