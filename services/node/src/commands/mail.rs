//! `nrwdirekt mail`: mails to departments without Kafka.

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
    Ok(())
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
