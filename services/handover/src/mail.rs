//! Mails to departments without Kafka: sent at least once, each on its own.
//!
//! A mail is removed once the server has taken it. What the server puts off is tried again later, what it refuses for
//! good is set aside with the reason; neither holds up other mails. While the server cannot be used, all of them wait.

pub(crate) mod citizen;
pub(crate) mod entry;
mod message;
mod post;
mod return_address;
mod service;
mod settings;
mod text;
mod to_people;

use std::sync::Arc;

use chrono::TimeDelta;
use domain::ids::DepartmentId;
use domain::procedure::Register;
use domain::routing::DepartmentMail;
use store::mails::{MailFailure, PendingMail};
use store::tickets::SetAside;

use crate::error::HandoverError;
use crate::metrics;
use crate::supervisor::HandoverParts;
pub use post::is_status;
pub(crate) use post::{Post, Refusal};
pub use return_address::{ReturnAddress, is_return_address};
pub use service::MailsService;
pub use settings::{MailFault, MailParts, MailSettings, MailTls, is_loopback, password};
pub use to_people::MailsToPeople;

/// How long a mail that was put off waits for the first time; doubled each time.
pub(crate) const LATER_MIN: TimeDelta = TimeDelta::minutes(1);
/// How often it is doubled at most: about an hour.
pub(crate) const LATER_DOUBLINGS: u32 = 6;

/// Sends a department what waits for it now. Returns whether more may be waiting.
pub(crate) async fn step(
    parts: &Arc<HandoverParts>,
    department: &DepartmentId,
) -> Result<bool, HandoverError> {
    let rules = (parts.rules)();
    let to = rules
        .routing
        .department(department)
        .and_then(|it| it.mail.as_ref());
    let (Some(settings), Some(to)) = (&parts.mail, to) else {
        return Ok(false);
    };
    let most = parts.settings.batch;
    let mails = parts
        .mails
        .pending_mails(department, (parts.clock)(), most)
        .await?;
    let mut post = Post::new(settings);
    for mail in &mails {
        deliver(parts, settings, &rules.register, &mut post, mail, to).await?;
    }
    post.close().await;
    Ok(mails.len() == most)
}

async fn deliver(
    parts: &HandoverParts,
    settings: &MailSettings,
    register: &Register,
    post: &mut Post<'_>,
    mail: &PendingMail,
    to: &DepartmentMail,
) -> Result<(), HandoverError> {
    let at = (parts.clock)();
    let department = &mail.key.department;
    let outcome = match message::of(settings, register, mail, to, at) {
        Some(letter) => post.send(&letter).await,
        None => Err(Refusal::Never {
            status: "5.1.7".to_owned(),
            said: "the addresses of sender or department cannot be used".to_owned(),
        }),
    };
    match outcome {
        Ok(()) => {
            parts.mails.mail_accepted(&mail.key, at).await?;
            tracing::info!(ticket = %mail.key.ticket, %department, "mail sent");
            metrics::mail(department, "accepted");
        }
        Err(Refusal::Later(error)) => {
            let wait = LATER_MIN * (1 << mail.attempts.min(LATER_DOUBLINGS));
            let retry_at = at + wait;
            tracing::warn!(ticket = %mail.key.ticket, %department, %retry_at, "a mail was put off");
            metrics::mail(department, "postponed");
            parts
                .mails
                .postpone_mail(&mail.key, SetAside { error, retry_at })
                .await?;
        }
        Err(Refusal::Never { status, said }) => {
            tracing::error!(ticket = %mail.key.ticket, %department, status, "a mail was refused for good");
            metrics::mail(department, "failed");
            let failure = MailFailure { status, error: said };
            parts.mails.mail_failed(&mail.key, failure, at).await?;
        }
        Err(Refusal::Away(error)) => {
            parts.mails.mails_held_up(department, &error).await?;
            return Err(HandoverError::MailServer(error));
        }
    }
    Ok(())
}
