//! Entries of registrations: what is past its time goes, departments are reminded, and the mails about entries go out.
//!
//! Mails are sent at least once, as those of tickets are: removed once the server has taken them, under the same
//! Message-ID whenever they go out again.

use std::sync::Arc;

use access::AuditTrail;
use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::ids::OfferId;
use domain::procedure::OfferKind;
use domain::registration::{LinkKey, is_over};
use store::entries::{EndedBy, EntryMailSubject, EntryStore, PendingEntryMail};
use store::former_events::FormerEvents;
use store::tickets::SetAside;

use crate::error::HandoverError;
use crate::mail::entry::Writing;
use crate::mail::{LATER_DOUBLINGS, LATER_MIN, MailSettings, Post, Refusal};
use crate::metrics;
use crate::supervisor::HandoverParts;

/// Who the audit trail says erased what no longer may be kept.
const BY_RULE: &str = "rule";

/// What entries need.
#[derive(Clone)]
pub struct EntryParts {
    /// Keeps them.
    pub store: Arc<dyn EntryStore>,
    /// Makes the tokens of links.
    pub links: LinkKey,
    /// Where the console is for everybody, without a slash at its end; without it nobody is written to.
    pub public_url: Option<String>,
    /// Knows the deadlines of events that left the rules.
    pub former: Arc<FormerEvents>,
    /// Noted in it is what ended entries, and how many.
    pub audit: AuditTrail,
    /// So long after its deadline the entries of an event are erased at the latest.
    pub event_entries_kept: TimeDelta,
}

/// Does what is to be done now. Returns whether more may be waiting.
pub(crate) async fn step(parts: &Arc<HandoverParts>) -> Result<bool, HandoverError> {
    let Some(entries) = &parts.entries else {
        return Ok(false);
    };
    let at = (parts.clock)();
    let expired = entries.store.expire_entries(at).await?;
    if expired > 0 {
        tracing::info!(
            entries = expired,
            "entries that were not confirmed in time are gone"
        );
        metrics::entries_erased("unconfirmed", expired);
        note(entries, entry_of_end(entries, None, expired, "unconfirmed")).await;
    }
    look_at_events(parts, entries, at).await?;
    match (&parts.mail, &entries.public_url) {
        (Some(settings), Some(url)) => send(parts, entries, settings, url, at).await,
        _ => Ok(false),
    }
}

/// Events whose deadline is over: the department is reminded once, and later all of it goes.
async fn look_at_events(
    parts: &HandoverParts,
    entries: &EntryParts,
    at: DateTime<Utc>,
) -> Result<(), HandoverError> {
    let rules = (parts.rules)();
    let Some(procedure) = rules.register.entry_procedure(OfferKind::Events) else {
        return Ok(());
    };
    let states = entries.store.offer_states(&procedure.id).await?;
    for (offer, state) in states
        .iter()
        .filter(|(_, state)| state.pending + state.confirmed > 0)
    {
        let event = rules.routing.offers().event(offer);
        // What left the rules may come back to them: its entries wait as long as those who made them were told.
        let deadline = entries.former.deadline(&rules, offer).await?;
        if is_over(deadline, entries.event_entries_kept, at) {
            let count = state.pending + state.confirmed;
            // First noted, then done: what goes by itself goes only if the trail says so.
            if !note(
                entries,
                entry_of_end(entries, Some(offer), count, "its time is over"),
            )
            .await
            {
                continue;
            }
            let erased = entries.store.clear_offer(&procedure.id, offer, at, at).await?;
            tracing::info!(%offer, entries = erased, "the entries of an event are gone: its time is over");
            metrics::entries_erased("over", erased);
            continue;
        }
        let Some(event) = event else { continue };
        let department = rules.routing.department(&event.department);
        let takes_mail = department.is_some_and(|it| it.mail.is_some());
        if event.deadline <= at && state.reminded_at.is_none() && takes_mail {
            entries.store.remind(&procedure.id, offer, at).await?;
        }
    }
    Ok(())
}

/// That entries are erased by a rule; names nobody.
fn entry_of_end(entries: &EntryParts, offer: Option<&OfferId>, count: u32, why: &str) -> NewAuditEntry {
    let subject = match offer {
        Some(offer) => AuditSubject::new("offer", offer.as_str()),
        None => AuditSubject::none(),
    };
    let entry = entries
        .audit
        .entry_by(BY_RULE, AuditAction::EntriesErased, subject);
    entry.because(why).of_items(count as usize)
}

/// Whether it is in the audit trail.
async fn note(entries: &EntryParts, entry: NewAuditEntry) -> bool {
    let noted = entries.audit.append(entry).await;
    if noted.is_err() {
        tracing::error!("the audit trail cannot be written: it does not say that entries were erased");
    }
    noted.is_ok()
}

async fn send(
    parts: &HandoverParts,
    entries: &EntryParts,
    settings: &MailSettings,
    url: &str,
    at: DateTime<Utc>,
) -> Result<bool, HandoverError> {
    let most = parts.settings.batch;
    let mails = entries.store.pending_entry_mails(at, most).await?;
    if mails.is_empty() {
        return Ok(false);
    }
    let rules = (parts.rules)();
    let writing = Writing {
        settings,
        rules: &rules,
        links: &entries.links,
        url,
        kept: entries.event_entries_kept,
        at,
    };
    let mut post = Post::new(settings);
    for mail in &mails {
        deliver(entries, &writing, &mut post, mail).await?;
    }
    post.close().await;
    Ok(mails.len() == most)
}

async fn deliver(
    entries: &EntryParts,
    writing: &Writing<'_>,
    post: &mut Post<'_>,
    mail: &PendingEntryMail,
) -> Result<(), HandoverError> {
    let outcome = match writing.letter(mail) {
        // Nothing to tell any more.
        None => return Ok(entries.store.entry_mail_done(mail.key).await?),
        Some(letter) => post.send(&letter).await,
    };
    match outcome {
        Ok(()) => {
            entries.store.entry_mail_done(mail.key).await?;
            metrics::entry_mail("accepted");
        }
        Err(Refusal::Away(error)) => return Err(HandoverError::MailServer(error)),
        Err(Refusal::Never { status, .. }) if is_to_a_person(mail) => {
            // Nobody is there: what was entered for the address is not kept.
            if let EntryMailSubject::Registration { id, .. } = &mail.about {
                let ending = entries
                    .store
                    .end_entries(id.as_str(), EndedBy::MailServer, writing.at);
                let erased = ending.await?;
                metrics::entries_erased("undeliverable", erased);
                if erased > 0 {
                    note(entries, entry_of_end(entries, None, erased, "undeliverable")).await;
                }
            }
            entries.store.entry_mail_done(mail.key).await?;
            tracing::warn!(
                number = mail.key.number,
                status,
                "a mail about an entry was refused for good"
            );
            metrics::entry_mail("failed");
        }
        Err(Refusal::Later(error) | Refusal::Never { said: error, .. }) => {
            let wait = LATER_MIN * (1 << mail.attempts.min(LATER_DOUBLINGS));
            let retry_at = writing.at + wait;
            tracing::warn!(number = mail.key.number, %retry_at, "a mail about an entry was put off");
            metrics::entry_mail("postponed");
            // What a server says may repeat the address: it is not kept.
            let error = match is_to_a_person(mail) {
                true => "put off by the mail server".to_owned(),
                false => error,
            };
            let aside = SetAside { error, retry_at };
            entries.store.postpone_entry_mail(mail.key, aside).await?;
        }
    }
    Ok(())
}

fn is_to_a_person(mail: &PendingEntryMail) -> bool {
    matches!(mail.about, EntryMailSubject::Registration { .. })
}
