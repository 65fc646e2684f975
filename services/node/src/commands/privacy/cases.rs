//! `nrwdirekt privacy case`.

use serde_json::{Value, json};
use wire::v1::privacy as proto;
use wire::v1::privacy::change_case_request::Change;
use wire::v1::privacy::rights_client::RightsClient;

use super::find::marks;
use crate::cli::{CaseActArguments, CaseAction, CaseOpenArguments, MarkArguments, ServerArguments};
use crate::client::{self, Once};
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::say;

pub(super) async fn run(action: CaseAction) -> anyhow::Result<()> {
    match action {
        CaseAction::Open(arguments) => open(arguments).await,
        CaseAction::List {
            marks,
            all,
            max,
            json,
            server,
        } => list(marks, all, max, json, &server).await,
        CaseAction::Show { number, json, server } => {
            let mut client = RightsClient::new(client::connect(&server.server).await?);
            let case = client.get_case(proto::GetCaseRequest { number }).await;
            show(
                &case.map_err(|status| Failure::of_status(&status))?.into_inner(),
                json,
            )
        }
        CaseAction::Note { text, act } => change(act, Change::Note(text)).await,
        CaseAction::Check { how, act } => change(act, Change::IdentityCheck(how)).await,
        CaseAction::Extend { reason, act } => change(act, Change::Extension(reason)).await,
        CaseAction::Approve { act } => change(act, Change::Approval(true)).await,
        CaseAction::Decide {
            outcome,
            grounds,
            act,
        } => {
            let decision = proto::CaseDecision {
                outcome: name(&outcome),
                grounds: grounds.unwrap_or_default(),
                ..proto::CaseDecision::default()
            };
            change(act, Change::Decision(decision)).await
        }
    }
}

/// What a value is called on the command line, and in messages.
fn name(value: &impl clap::ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

/// What a person is known by, if anything was given.
fn given(arguments: MarkArguments) -> Option<proto::PersonMarks> {
    let marks = marks(arguments);
    (marks != proto::PersonMarks::default()).then_some(marks)
}

async fn open(arguments: CaseOpenArguments) -> anyhow::Result<()> {
    let once = Once::by_key(arguments.idempotency_key);
    let request = proto::OpenCaseRequest {
        idempotency_key: once.key(),
        kind: name(&arguments.kind),
        received_on: arguments.received.unwrap_or_default(),
        marks: given(arguments.marks),
        ticket_ids: arguments.about,
        note: arguments.note.unwrap_or_default(),
    };
    let case = client::act(
        &arguments.server.server,
        request,
        &once,
        async |connection, request| RightsClient::new(connection).open_case(request).await,
    );
    show(&case.await?, arguments.json)
}

async fn change(act: CaseActArguments, change: Change) -> anyhow::Result<()> {
    let once = Once::by_key(act.idempotency_key);
    let request = proto::ChangeCaseRequest {
        number: act.number,
        revision: 0,
        change: Some(change),
        idempotency_key: once.key(),
    };
    let case = client::act(&act.server.server, request, &once, async |connection, request| {
        RightsClient::new(connection).change_case(request).await
    });
    show(&case.await?, act.json)
}

async fn list(
    marks: MarkArguments,
    all: bool,
    max: u32,
    as_json: bool,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let mut client = RightsClient::new(client::connect(&server.server).await?);
    let mut request = proto::ListCasesRequest {
        all,
        marks: given(marks),
        ..proto::ListCasesRequest::default()
    };
    let mut left = max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_cases(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for case in &page.cases {
            match as_json {
                true => say!("{}", object(case)),
                false => say!("{}", line(case)),
            }
        }
        left = left.saturating_sub(page.cases.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn line(case: &proto::Case) -> String {
    let stands = match &case.decision {
        Some(decision) => decision.outcome.clone(),
        None if case.overdue => "overdue".to_owned(),
        None => "open".to_owned(),
    };
    format!(
        "{:>6}  {}  received {}  due {}  {stands}",
        case.number, case.kind, case.received_on, case.due_on
    )
}

fn show(case: &proto::Case, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say!("{}", serde_json::to_string_pretty(&object(case))?);
        return Ok(());
    }
    say!("{}", line(case));
    if !case.ticket_ids.is_empty() {
        say!("about {}", case.ticket_ids.join(", "));
    }
    let entry = |what: &str, note: &proto::CaseNote| {
        say!("{}  {}  {what}  {}", local(note.at_unix_ms), note.by, note.text);
    };
    case.identity_check
        .iter()
        .for_each(|note| entry("identity checked:", note));
    case.extension.iter().for_each(|note| entry("extended:", note));
    case.approvals.iter().for_each(|note| entry("approved", note));
    case.notes.iter().for_each(|note| entry("", note));
    if let Some(decision) = &case.decision {
        say!(
            "{}  {}  {}  {}",
            local(decision.at_unix_ms),
            decision.by,
            decision.outcome,
            decision.grounds
        );
    }
    if !case.missing.is_empty() {
        say!("{}", case.missing);
    }
    Ok(())
}

fn object(case: &proto::Case) -> Value {
    let note =
        |note: &proto::CaseNote| json!({ "at": local(note.at_unix_ms), "by": note.by, "text": note.text });
    json!({
        "number": case.number,
        "kind": case.kind,
        "received_on": case.received_on,
        "due_on": case.due_on,
        "overdue": case.overdue,
        "opened_at": local(case.opened_at_unix_ms),
        "opened_by": case.opened_by,
        "ticket_ids": case.ticket_ids,
        "identity_check": case.identity_check.as_ref().map(note),
        "extension": case.extension.as_ref().map(note),
        "approvals": case.approvals.iter().map(note).collect::<Vec<_>>(),
        "notes": case.notes.iter().map(note).collect::<Vec<_>>(),
        "decision": case.decision.as_ref().map(|decision| json!({
            "at": local(decision.at_unix_ms),
            "by": decision.by,
            "outcome": decision.outcome,
            "grounds": decision.grounds,
        })),
        "may_erase": case.may_erase,
        "missing": case.missing,
    })
}
