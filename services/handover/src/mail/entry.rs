//! Mails about entries: what they say, in German, and how they look. To whoever registered, and to departments.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use domain::local_time;
use domain::offers::Event;
use domain::personal::Personal;
use domain::procedure::OfferKind;
use domain::registration::{Entry, EntryState, LinkKey, LinkPurpose};
use domain::rulebook::Rulebook;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use store::entries::{EntryMailSubject, PendingEntryMail};

use super::message::Letter;
use super::settings::MailSettings;

/// What is needed to write mails.
pub(crate) struct Writing<'w> {
    pub(crate) settings: &'w MailSettings,
    pub(crate) rules: &'w Rulebook,
    pub(crate) links: &'w LinkKey,
    pub(crate) url: &'w str,
    pub(crate) kept: TimeDelta,
    pub(crate) at: DateTime<Utc>,
}

/// Subject, text, and the link by which mail programs end a subscription.
struct Text {
    subject: String,
    body: Personal,
    end: Option<String>,
}

impl Writing<'_> {
    /// Writes a mail; `None` where there is nothing to tell, or nobody to tell it.
    pub(crate) fn letter(&self, mail: &PendingEntryMail) -> Option<Letter> {
        let (to, id, text) = match &mail.about {
            EntryMailSubject::Registration {
                id,
                recipient,
                entries,
            } => {
                let text = self.to_a_person(mail, entries)?;
                (recipient.reveal().to_owned(), id.to_string(), text)
            }
            EntryMailSubject::Reminder { offer } => {
                let event = self.rules.routing.offers().event(offer)?;
                let department = self.rules.routing.department(&event.department)?;
                let to = department.mail.as_ref()?.address.clone();
                (to, format!("{:032x}", mail.key.number), self.reminder(event))
            }
        };
        let address: lettre::Address = to.parse().ok()?;
        let comes_back_to = self.settings.entry_return_address(&id)?;
        let envelope = Envelope::new(Some(comes_back_to), vec![address.clone()]).ok()?;
        let domain = self.settings.from.email.domain();
        let id = format!("<e.{id}.{}.{}@{domain}>", mail.key.number, mail.key.edition);
        let mut message = Message::builder()
            .from(self.settings.from.clone())
            .to(Mailbox::new(None, address))
            .date(SystemTime::from(self.at))
            .message_id(Some(id))
            .subject(text.subject)
            .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(end) = text.end {
            // RFC 8058: mail programs end it with one click, without a page.
            message = message
                .raw_header(raw("List-Unsubscribe", format!("<{end}>")))
                .raw_header(raw(
                    "List-Unsubscribe-Post",
                    "List-Unsubscribe=One-Click".to_owned(),
                ));
        }
        let message = message
            .header(ContentType::TEXT_PLAIN)
            .envelope(envelope.clone())
            .body(text.body.reveal().to_owned())
            .ok()?;
        Some(Letter {
            envelope,
            content: message.formatted(),
        })
    }

    fn link(&self, page: &str, purpose: LinkPurpose, id: &str) -> String {
        format!("{}/eintrag/{page}/{}", self.url, self.links.token(purpose, id))
    }

    fn end_link(&self, entry: &Entry) -> String {
        self.link("beenden", LinkPurpose::End, entry.id.as_str())
    }

    /// What somebody may confirm, and what he or she has already.
    fn to_a_person(&self, mail: &PendingEntryMail, entries: &[Entry]) -> Option<Text> {
        let procedure = self.rules.register.procedure(mail.procedure.as_str())?;
        let kind = procedure.entry_rules()?.offers;
        let (waiting, holding): (Vec<&Entry>, Vec<&Entry>) = entries
            .iter()
            .partition(|entry| entry.state == EntryState::Pending);
        let mut lines = vec!["Guten Tag,".to_owned(), String::new()];
        if let Some(first) = waiting.first() {
            lines.extend(self.asking(kind, &waiting));
            lines.push(String::new());
            lines.push("Bitte bestätigen Sie das auf dieser Seite:".to_owned());
            lines.push(self.link("bestaetigen", LinkPurpose::Confirm, first.registration.as_str()));
            lines.push(String::new());
            lines.push(
                "Waren Sie das nicht, brauchen Sie nichts zu tun: Ohne Bestätigung werden die Angaben gelöscht.".to_owned(),
            );
            if !holding.is_empty() {
                lines.push(String::new());
            }
        }
        if !holding.is_empty() {
            lines.extend(self.telling(kind, &holding));
        }
        lines.extend(closing());
        let subject = match (waiting.is_empty(), holding.is_empty(), kind) {
            (false, _, OfferKind::Newsletters) => "Bitte bestätigen Sie Ihre Newsletter-Anmeldung",
            (false, _, OfferKind::Events) => "Bitte bestätigen Sie Ihre Anmeldung zur Akkreditierung",
            (true, false, OfferKind::Newsletters) => "Ihre Newsletter",
            (true, false, OfferKind::Events) => "Ihre Anmeldung zur Akkreditierung",
            (true, true, _) => return None,
        };
        // Of several, all that came with the same form end with one click; each has a link of its own below.
        let first = waiting.first().or(holding.first())?;
        let registration = &first.registration;
        let of_the_form = entries.iter().filter(|it| it.registration == *registration);
        let end = match of_the_form.count() {
            1 => self.end_link(first),
            _ => self.link("beenden", LinkPurpose::End, registration.as_str()),
        };
        Some(Text {
            subject: subject.to_owned(),
            body: Personal::new(lines.join("\n")),
            end: Some(end),
        })
    }

    fn asking(&self, kind: OfferKind, waiting: &[&Entry]) -> Vec<String> {
        let opening = match kind {
            OfferKind::Newsletters => "mit dieser E-Mail-Adresse wurden bei uns Newsletter bestellt:",
            OfferKind::Events => "mit dieser E-Mail-Adresse wurde bei uns eine Akkreditierung beantragt:",
        };
        let mut lines = vec![opening.to_owned()];
        lines.extend(
            waiting
                .iter()
                .map(|entry| format!("  - {}", self.named(kind, entry))),
        );
        lines
    }

    fn telling(&self, kind: OfferKind, holding: &[&Entry]) -> Vec<String> {
        let opening = match kind {
            OfferKind::Newsletters => "Diese Newsletter erhalten Sie:",
            OfferKind::Events => {
                "Diese Anmeldungen liegen uns bestätigt vor. Über die Akkreditierung entscheidet die Stelle, die den Termin veranstaltet:"
            }
        };
        let mut lines = vec![opening.to_owned()];
        for entry in holding {
            lines.push(format!("  - {}", self.named(kind, entry)));
            let end = match kind {
                OfferKind::Newsletters => "Abbestellen",
                OfferKind::Events => "Zurückziehen",
            };
            lines.push(format!("    {end}: {}", self.end_link(entry)));
        }
        lines
    }

    /// An entry in one line.
    fn named(&self, kind: OfferKind, entry: &Entry) -> String {
        let offers = self.rules.routing.offers();
        match kind {
            OfferKind::Newsletters => {
                let newsletter = offers.newsletter(&entry.offer);
                newsletter.map_or_else(|| entry.offer.to_string(), |it| it.title.clone())
            }
            OfferKind::Events => {
                let event = offers.event(&entry.offer);
                let event = event.map_or_else(|| entry.offer.to_string(), told);
                let fields = &entry.fields;
                format!(
                    "{event}, für {} {}",
                    fields.text("first_name"),
                    fields.text("name")
                )
            }
        }
    }

    /// For the department: nothing about anybody.
    fn reminder(&self, event: &Event) -> Text {
        let mut lines = vec![
            "Guten Tag,".to_owned(),
            String::new(),
            format!(
                "die Frist für die Akkreditierung ist abgelaufen: {}.",
                told(event)
            ),
            "Bitte exportieren Sie die Anmeldungen und löschen Sie sie danach hier:".to_owned(),
            format!("{}/akkreditierungen/{}", self.url, event.id),
            String::new(),
            format!(
                "Spätestens am {} werden sie gelöscht, auch ohne Export.",
                local(event.deadline + self.kept)
            ),
        ];
        lines.extend(closing());
        Text {
            subject: format!("Bitte exportieren: Anmeldungen zu {}", event.title),
            body: Personal::new(lines.join("\n")),
            end: None,
        }
    }
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

fn told(event: &Event) -> String {
    format!("{}, {}, {}", event.title, event.place, local(event.begins))
}

fn local(at: DateTime<Utc>) -> String {
    let at = at.with_timezone(&local_time::ZONE);
    at.format("%d.%m.%Y, %H:%M Uhr").to_string()
}

pub(super) fn closing() -> [String; 3] {
    [
        String::new(),
        "-- ".to_owned(),
        "Nordrhein-Westfalen direkt. Diese Nachricht wurde automatisch erstellt; Antworten darauf liest niemand."
            .to_owned(),
    ]
}
