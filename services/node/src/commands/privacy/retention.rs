//! `nrwdirekt privacy retention`.

use serde_json::{Value, json};
use wire::v1::privacy as proto;
use wire::v1::privacy::retention_client::RetentionClient;

use crate::cli::{RetentionAction, ServerArguments};
use crate::client;
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::say;

/// Does what is asked for.
pub(super) async fn run(action: RetentionAction) -> anyhow::Result<()> {
    match action {
        RetentionAction::Plan { at, json, server } => plan(at, json, &server).await,
        RetentionAction::Run { json, server } => run_now(json, &server).await,
        RetentionAction::Runs { max, json, server } => runs(max, json, &server).await,
    }
}

async fn plan(at: Option<String>, as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = RetentionClient::new(client::connect(&server.server).await?);
    let request = proto::RetentionPlanRequest {
        at: at.unwrap_or_default(),
    };
    let plan = client.plan(request).await;
    let plan = plan.map_err(|status| Failure::of_status(&status))?.into_inner();
    if as_json {
        let rules: Vec<Value> = plan.rules.iter().map(rule_object).collect();
        say!("{}", json!({ "at": local(plan.at_unix_ms), "rules": rules }));
        return Ok(());
    }
    say!("What would go at {}:", local(plan.at_unix_ms));
    for rule in &plan.rules {
        let oldest = rule.oldest_unix_ms.map(local).unwrap_or_default();
        let waiting = match rule.waiting {
            0 => String::new(),
            waiting => format!("  ({waiting} of them are on the topic of a department, and leave it first)"),
        };
        let items = rule.items.map_or("-".to_owned(), |items| items.to_string());
        let before = match rule.before.as_str() {
            "" => String::new(),
            before => format!("  before {before}"),
        };
        say!(
            "{items:>9}  {}  {}{before}  {oldest}{waiting}",
            subject(&rule.what, &rule.procedure),
            how_long(&rule.period, &rule.after, &rule.ended_by),
        );
    }
    Ok(())
}

fn rule_object(rule: &proto::PlannedRule) -> Value {
    json!({
        "what": rule.what,
        "procedure": rule.procedure,
        "store": rule.store,
        "ended_by": rule.ended_by,
        "after": rule.after,
        "period": rule.period,
        "text": rule.text,
        "before": rule.before,
        "items": rule.items,
        "oldest": rule.oldest_unix_ms.map(local),
        "waiting": rule.waiting,
    })
}

async fn run_now(as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = RetentionClient::new(client::connect(&server.server).await?);
    let run = client.run(proto::RetentionRunRequest {}).await;
    let run = run.map_err(|status| Failure::of_status(&status))?.into_inner();
    match as_json {
        true => say!("{}", run_object(&run)),
        false => tell(&run),
    }
    Ok(())
}

async fn runs(max: u32, as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = RetentionClient::new(client::connect(&server.server).await?);
    let mut request = proto::ListRetentionRunsRequest::default();
    let mut left = max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_runs(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for run in &page.runs {
            match as_json {
                true => say!("{}", run_object(run)),
                false => tell(run),
            }
        }
        left = left.saturating_sub(page.runs.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn run_object(run: &proto::RetentionRun) -> Value {
    let outcome = run.outcome.iter().map(|line| {
        json!({
            "what": line.what,
            "procedure": line.procedure,
            "ended_by": line.ended_by,
            "after": line.after,
            "period": line.period,
            "before": line.before,
            "items": line.items,
            "waiting": line.waiting,
            "visits": line.visits,
            "parts_dropped": line.parts,
            "longest_step_ms": line.longest_step_ms,
        })
    });
    let pending = run
        .pending
        .iter()
        .map(|pending| json!({ "place": pending.place, "until": pending.until_unix_ms.map(local) }));
    json!({
        "run": run.run,
        "started_at": local(run.started_at_unix_ms),
        "started_by": run.started_by,
        "finished_at": run.finished_at_unix_ms.map(local),
        "outcome": outcome.collect::<Vec<_>>(),
        "rewritten": run.rewritten,
        "pending": pending.collect::<Vec<_>>(),
        "kept": run.kept,
    })
}

fn tell(run: &proto::RetentionRun) {
    let finished = match run.finished_at_unix_ms {
        Some(at) => format!("finished {}", local(at)),
        None => "under way, or cut short and to be gone on with".to_owned(),
    };
    say!(
        "run {}  begun {} by {}  {finished}",
        run.run,
        local(run.started_at_unix_ms),
        run.started_by
    );
    for line in &run.outcome {
        let mut more = String::new();
        if line.visits > 0 {
            more.push_str(&format!("  with {} visits", line.visits));
        }
        if !line.parts.is_empty() {
            more.push_str(&format!("  dropped whole: {}", line.parts.join(", ")));
        }
        if line.waiting > 0 {
            more.push_str(&format!(
                "  {} more are on their way to a department",
                line.waiting
            ));
        }
        say!(
            "{:>9}  {}  {}{}{more}",
            line.items,
            subject(&line.what, &line.procedure),
            how_long(&line.period, &line.after, &line.ended_by),
            match line.before.as_str() {
                "" => String::new(),
                before => format!("  before {before}"),
            },
        );
    }
    tell_places(run);
}

/// Where something of what was deleted is left, and until when.
fn tell_places(run: &proto::RetentionRun) {
    for place in &run.rewritten {
        say!("           {place}: nothing of it is left in files and logs");
    }
    for pending in &run.pending {
        let until = match pending.until_unix_ms {
            Some(until) => local(until),
            None => "the next run, and none is planned (retention.at)".to_owned(),
        };
        say!(
            "           {}: bytes of it are left in files or logs until {until}",
            pending.place
        );
    }
    for kept in &run.kept {
        say!("           kept by the database server: {kept}");
    }
}

/// For how long something is kept, and who ends it.
fn how_long(period: &str, after: &str, ended_by: &str) -> String {
    match ended_by {
        "run" => format!("{period} after {after}"),
        "own_clock" => format!("{period} after {after} (by a clock of its own)"),
        "at_once" => format!("until {after} (at once)"),
        "with_owner" => "with what it belongs to".to_owned(),
        "people" => "until people remove it".to_owned(),
        "elsewhere" => format!("{period} after {after} (not kept here)"),
        _ => "kept".to_owned(),
    }
}

fn subject(what: &str, procedure: &str) -> String {
    match procedure {
        "" => what.to_owned(),
        procedure => format!("{what} {procedure}"),
    }
}
