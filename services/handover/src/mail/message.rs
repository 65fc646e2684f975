//! A mail as it goes to the server.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use domain::procedure::Register;
use domain::routing::DepartmentMail;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use store::mails::PendingMail;

use super::return_address::ReturnAddress;
use super::settings::MailSettings;
use super::text;

/// A mail with its envelope. The same news of the same ticket have the same Message-ID, however often they are sent.
pub(crate) struct Letter {
    pub(crate) envelope: Envelope,
    pub(crate) content: Vec<u8>,
}

/// Writes a mail. `None` when one of its addresses is none.
pub(super) fn of(
    settings: &MailSettings,
    register: &Register,
    mail: &PendingMail,
    to: &DepartmentMail,
    at: DateTime<Utc>,
) -> Option<Letter> {
    let address: lettre::Address = to.address.parse().ok()?;
    let comes_back_to = settings.return_address(&mail.key)?;
    let envelope = Envelope::new(Some(comes_back_to), vec![address.clone()]).ok()?;
    let text = text::of(
        mail,
        register.procedure(mail.ticket.procedure.as_str()),
        to.content,
        settings.link.as_deref(),
    );
    let id = format!(
        "<{}@{}>",
        ReturnAddress::of(&mail.key),
        settings.from.email.domain()
    );
    let message = Message::builder()
        .from(settings.from.clone())
        .to(Mailbox::new(None, address))
        .date(SystemTime::from(at))
        .message_id(Some(id))
        .subject(text.subject)
        // RFC 3834: nobody's automatic answer is wanted.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .header(ContentType::TEXT_PLAIN)
        .envelope(envelope.clone())
        .body(text.body.reveal().to_owned())
        .ok()?;
    Some(Letter {
        envelope,
        content: message.formatted(),
    })
}
