//! Mails to citizens about appointments by video: what they say, in German, and how they look.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use domain::booking::slot_length;
use domain::local_time;
use domain::personal::Personal;
use domain::procedure::VIDEO_LINK;
use domain::registration::EMAIL;
use domain::routing::RoutingTable;
use domain::ticket::{Ticket, TicketState};
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use store::citizen_mails::CitizenMail;

use super::entry::closing;
use super::message::Letter;
use super::settings::MailSettings;

/// Writes a mail; `None` where there is nothing to tell any more, or nobody to tell it.
pub(crate) fn letter(
    settings: &MailSettings,
    routing: &RoutingTable,
    mail: &CitizenMail,
    at: DateTime<Utc>,
) -> Option<Letter> {
    let ticket = &mail.ticket;
    let (subject, body) = text(ticket, routing, at)?;
    let address: lettre::Address = ticket.request.fields().text(EMAIL).parse().ok()?;
    let from = settings.from.email.clone();
    let id = format!(
        "<v.{}.{}.{}@{}>",
        ticket.id,
        mail.key.number,
        mail.key.edition,
        from.domain()
    );
    let envelope = Envelope::new(Some(from), vec![address.clone()]).ok()?;
    let message = Message::builder()
        .from(settings.from.clone())
        .to(Mailbox::new(None, address))
        .date(SystemTime::from(at))
        .message_id(Some(id))
        .subject(subject)
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .header(ContentType::TEXT_PLAIN)
        .envelope(envelope.clone())
        .body(body.reveal().to_owned())
        .ok()?;
    Some(Letter {
        envelope,
        content: message.formatted(),
    })
}

/// What there is to say of an appointment that is not over.
fn text(ticket: &Ticket, routing: &RoutingTable, at: DateTime<Utc>) -> Option<(&'static str, Personal)> {
    let fields = ticket.request.fields();
    let link = fields.get(VIDEO_LINK)?;
    let booking = ticket.schedule.booking.as_ref()?;
    let (begins, last) = (*booking.slots.first()?, *booking.slots.last()?);
    if last + slot_length() <= at || ticket.is_restricted() {
        return None;
    }
    if matches!(ticket.state, TicketState::Erased | TicketState::Answered) {
        return None;
    }
    let takes_place = ticket.held_slots().is_some();
    let department = routing.department(&booking.department);
    let department = department.map_or_else(|| booking.department.to_string(), |it| it.name.clone());
    let (begins, ends) = (
        local(begins, "%d.%m.%Y, %H:%M"),
        local(last + slot_length(), "%H:%M"),
    );
    let what = [
        format!("  Dienstleistung: {}", booking.service),
        format!("  Stelle: {department}"),
        format!("  Zeit: {begins} bis {ends} Uhr"),
        format!("  Vorgang: {}", ticket.id),
    ];
    let mut lines = vec!["Guten Tag,".to_owned(), String::new()];
    let subject = if takes_place {
        lines.push("Ihr Videotermin ist gebucht:".to_owned());
        lines.extend(what);
        lines.push(String::new());
        lines.push("Bitte öffnen Sie zu dieser Zeit diese Seite; Sie brauchen nur einen Browser:".to_owned());
        lines.push(link.reveal().to_owned());
        lines.push(String::new());
        lines.push(
            "Der Link ist nur für Sie und die Stelle; geben Sie ihn nicht weiter. Wird der Termin verlegt, erhalten Sie eine neue \
             Nachricht: Es gilt die neueste."
                .to_owned(),
        );
        "Ihr Videotermin"
    } else {
        lines.push("dieser Videotermin findet nicht statt:".to_owned());
        lines.extend(what);
        lines.push(String::new());
        lines.push("Der Link, den Sie dazu erhalten haben, wird nicht mehr gebraucht.".to_owned());
        "Ihr Videotermin findet nicht statt"
    };
    lines.extend(closing());
    Some((subject, Personal::new(lines.join("\n"))))
}

fn local(at: DateTime<Utc>, form: &str) -> String {
    at.with_timezone(&local_time::ZONE).format(form).to_string()
}
