//! Mails to citizens about appointments by video: the link, that the appointment was moved, that it does not take place.
//!
//! Sent at least once, as other mails are: removed once the server has taken them, under the same Message-ID whenever they
//! go out again.

use store::citizen_mails::CitizenMail;
use store::tickets::SetAside;

use crate::error::HandoverError;
use crate::mail::citizen::letter;
use crate::mail::{LATER_DOUBLINGS, LATER_MIN, Post, Refusal};
use crate::metrics;
use crate::supervisor::HandoverParts;

/// Sends what is to be sent now. Returns whether more may be waiting.
pub(crate) async fn step(parts: &HandoverParts) -> Result<bool, HandoverError> {
    let (Some(settings), Some(store)) = (&parts.mail, &parts.citizen_mails) else {
        return Ok(false);
    };
    let at = (parts.clock)();
    let most = parts.settings.batch;
    let mails = store.pending_citizen_mails(at, most).await?;
    if mails.is_empty() {
        return Ok(false);
    }
    let rules = (parts.rules)();
    let mut post = Post::new(settings);
    for mail in &mails {
        let sent = match letter(settings, &rules.routing, mail, at) {
            // Nothing to tell any more.
            None => {
                store.citizen_mail_done(mail.key).await?;
                continue;
            }
            Some(letter) => post.send(&letter).await,
        };
        match sent {
            Ok(()) => {
                store.citizen_mail_done(mail.key).await?;
                metrics::citizen_mail("accepted");
            }
            Err(Refusal::Away(error)) => return Err(HandoverError::MailServer(error)),
            Err(Refusal::Never { status, .. }) => {
                // Nobody is there: whoever has booked for the citizen has the number to call.
                store.citizen_mail_done(mail.key).await?;
                tracing::warn!(ticket = %mail.ticket.id, status, "a mail to a citizen was refused for good");
                metrics::citizen_mail("failed");
            }
            Err(Refusal::Later(_)) => {
                let aside = put_off(mail, at);
                tracing::warn!(ticket = %mail.ticket.id, retry_at = %aside.retry_at, "a mail to a citizen was put off");
                metrics::citizen_mail("postponed");
                store.postpone_citizen_mail(mail.key, aside).await?;
            }
        }
    }
    post.close().await;
    Ok(mails.len() == most)
}

/// What a server says may repeat the address: it is not kept.
fn put_off(mail: &CitizenMail, at: chrono::DateTime<chrono::Utc>) -> SetAside {
    SetAside {
        error: "put off by the mail server".to_owned(),
        retry_at: at + LATER_MIN * (1 << mail.attempts.min(LATER_DOUBLINGS)),
    }
}
