//! `nrwdirekt mail`: mails to departments without Kafka, and to people.

mod report;

use std::io::Read as _;

use anyhow::Context;
use serde_json::{Value, json};
use wire::v1::tickets as proto;
use wire::v1::tickets::mails_client::MailsClient;

use super::ticket::local;
use crate::cli::ServerArguments;
use crate::client;
use crate::exit::Failure;
use crate::output::say;
use report::Report;

/// A report of a mail server is not longer, with the mail in it.
const REPORT_BYTES_MAX: u64 = 4_000_000;

/// Mails that wait or failed.
pub(crate) async fn list(max: u32, as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = MailsClient::new(client::connect(&server.server).await?);
    let (mut left, mut after) = (max, 0);
    while left > 0 {
        let request = proto::ListMailsRequest {
            page_size: left.min(500),
            after,
        };
        let page = client.list_mails(request).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for mail in &page.mails {
            if as_json {
                say!("{}", object(mail));
            } else {
                say!("{}", line(mail));
            }
            after = mail.number;
        }
        left = left.saturating_sub(page.mails.len() as u32);
        if !page.more {
            break;
        }
    }
    list_to_people(&mut client, left, as_json).await
}

async fn list_to_people(
    client: &mut MailsClient<client::Connection>,
    mut left: u32,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut request = proto::ListMailsToPeopleRequest::default();
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_mails_to_people(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for mail in &page.mails {
            match as_json {
                true => say!("{}", object_to_people(mail)),
                false => say!("{}", line_to_people(mail)),
            }
        }
        left = left.saturating_sub(page.mails.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn line_to_people(mail: &proto::MailToPeople) -> String {
    let of = [&mail.procedure, &mail.offer, &mail.ticket_id, &mail.recipient];
    let of: Vec<&str> = of
        .into_iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    format!(
        "{:>6}  waits  {}  {}  {}",
        mail.number,
        mail.about,
        of.join("  "),
        mail.error
    )
}

fn object_to_people(mail: &proto::MailToPeople) -> Value {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "id": mail.number,
        "state": "waits",
        "about": mail.about,
        "procedure": given(&mail.procedure),
        "offer": given(&mail.offer),
        "ticket_id": given(&mail.ticket_id),
        "recipient": given(&mail.recipient),
        "attempts": mail.attempts,
        "error": given(&mail.error),
        "retry_at": mail.retry_at_unix_ms.map(local),
    })
}

fn state(mail: &proto::Mail) -> &'static str {
    match mail.failed_at_unix_ms {
        Some(_) => "failed",
        None => "waits",
    }
}

fn line(mail: &proto::Mail) -> String {
    format!(
        "{:>6}  {}  {}  {:24}  {}  since {}  {}",
        mail.number,
        state(mail),
        mail.ticket_id,
        mail.department,
        mail.about,
        local(mail.since_unix_ms),
        mail.error
    )
}

fn object(mail: &proto::Mail) -> Value {
    json!({
        "id": mail.number,
        "state": state(mail),
        "ticket_id": mail.ticket_id,
        "version": mail.version,
        "department": mail.department,
        "about": mail.about,
        "since": local(mail.since_unix_ms),
        "attempts": mail.attempts,
        "error": Some(&mail.error).filter(|error| !error.is_empty()),
        "retry_at": mail.retry_at_unix_ms.map(local),
        "failed_at": mail.failed_at_unix_ms.map(local),
    })
}

/// Has a mail sent now.
pub(crate) async fn retry(number: i64, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = MailsClient::new(client::connect(&server.server).await?);
    let request = proto::RetryMailRequest { number };
    let answer = client.retry_mail(request).await;
    answer.map_err(|status| Failure::of_status(&status))?;
    say!("mail {number} is sent now");
    Ok(())
}

/// Notes at the ticket that a mail came back.
pub(crate) async fn bounced(recipient: Option<String>, server: &ServerArguments) -> anyhow::Result<()> {
    let mut message = Vec::new();
    std::io::stdin()
        .take(REPORT_BYTES_MAX)
        .read_to_end(&mut message)
        .context("standard input")?;
    let Some(report) = Report::read(&message) else {
        say!("passed over: it does not report that a mail could not be delivered");
        return Ok(());
    };
    let return_address = recipient.or(report.recipient).unwrap_or_default();
    let mut client = MailsClient::new(client::connect(&server.server).await?);
    let request = proto::ReportBounceRequest {
        return_address,
        status: report.status,
    };
    let answer = client.report_bounce(request).await;
    let answer = answer.map_err(|status| Failure::of_status(&status))?.into_inner();
    if answer.entries_erased > 0 {
        say!(
            "entries erased, because their address cannot be reached: {}",
            answer.entries_erased
        );
    } else if answer.ticket_id.is_empty() {
        say!("nothing new");
    } else if answer.is_new {
        say!("{}: the mail failed", answer.ticket_id);
    } else {
        say!("{}: nothing new", answer.ticket_id);
    }
    Ok(())
}
