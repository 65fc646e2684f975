//! What a mail says, in German: the only place that knows.

use chrono::{DateTime, Utc};
use domain::ids::FieldId;
use domain::local_time;
use domain::personal::Personal;
use domain::procedure::{CALLBACK, Procedure};
use domain::routing::MailContent;
use domain::ticket::{AddedConcern, Alarm, MailSubject, Ticket};
use store::mails::PendingMail;

/// Subject and text of a mail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MailText {
    /// Holds no personal data.
    pub(super) subject: String,
    /// Personal where the content is whole.
    pub(super) body: Personal,
}

/// Says what a mail is about, as much of it as the department is to be told.
/// The procedure names it and its fields; none if the rules know it no longer.
pub(super) fn of(
    mail: &PendingMail,
    procedure: Option<&Procedure>,
    content: MailContent,
    link: Option<&str>,
) -> MailText {
    let title = procedure.map_or("Vorgang", |procedure| &procedure.title);
    match mail.subject {
        MailSubject::Withdrawn => withdrawn(mail, title),
        MailSubject::Escalated => escalated(mail, title, link),
        MailSubject::Erased => erased(mail, title),
        MailSubject::Restricted => restricted(mail, title),
        MailSubject::Rectified => rectified(mail, title, procedure, content),
        MailSubject::Ticket if !mail.ticket.state.is_pending() => settled(mail, title),
        MailSubject::Ticket => {
            let ticket = &mail.ticket;
            let is_lifted = tells_of_lifting(mail);
            let opening = match is_lifted {
                true => lifted(ticket, title),
                false => opening(ticket, title),
            };
            let mut lines = vec![opening, String::new()];
            lines.extend(notice(ticket, link));
            if content == MailContent::Whole {
                lines.push(String::new());
                lines.extend(whole(ticket, procedure));
            }
            lines.extend(closing());
            MailText {
                subject: format!(
                    "{}{}{title} {}, fällig {}",
                    if is_lifted { "Wieder zu bearbeiten: " } else { "" },
                    urgency(ticket),
                    ticket.id,
                    local(ticket.due_at)
                ),
                body: Personal::new(lines.join("\n")),
            }
        }
    }
}

/// What a subject begins with.
fn urgency(ticket: &Ticket) -> &'static str {
    match ticket.alarm() {
        None => "",
        Some(Alarm::DueSoon) => "Bald fällig: ",
        Some(Alarm::Overdue | Alarm::Escalated) => "Überfällig: ",
    }
}

/// Whether the mail tells of the end of a restriction: whoever was told to wait goes on.
fn tells_of_lifting(mail: &PendingMail) -> bool {
    mail.ticket.course.lifted_in == Some(mail.key.version)
}

fn lifted(ticket: &Ticket, title: &str) -> String {
    format!(
        "die Verarbeitung von {title} {} ist nicht mehr eingeschränkt. Bitte bearbeiten Sie das Anliegen weiter.",
        ticket.id
    )
}

fn opening(ticket: &Ticket, title: &str) -> String {
    match ticket.alarm() {
        None => {}
        Some(Alarm::DueSoon) => {
            return "die Antwort auf ein Anliegen, das Ihnen vorliegt, ist bald fällig.".to_owned();
        }
        Some(Alarm::Overdue | Alarm::Escalated) => {
            return "die Antwort auf ein Anliegen, das Ihnen vorliegt, ist überfällig.".to_owned();
        }
    }
    match (ticket.added.is_empty(), ticket.procedure.as_str() == CALLBACK) {
        (true, true) => "eine Bürgerin oder ein Bürger bittet um Ihren Rückruf.".to_owned(),
        (true, false) => format!("für Sie ist ein Anliegen eingegangen: {title}."),
        (false, _) => "zu einem Anliegen, das Ihnen vorliegt, ist Neues hinzugekommen.".to_owned(),
    }
}

fn notice(ticket: &Ticket, link: Option<&str>) -> Vec<String> {
    let mut lines = vec![line("Ticket", ticket.id.as_str())];
    if let Some(hotline) = &ticket.hotline {
        lines.push(line("Hotline", hotline.as_str()));
    }
    lines.push(line("Fällig", &local(ticket.due_at)));
    if let Some(wished) = ticket.schedule.wished {
        let window = format!("{} bis {}", local(wished.from), local(wished.until));
        lines.push(line("Gewünschte Rückrufzeit", &window));
    }
    if let Some(booking) = ticket.held_slots() {
        let slots: Vec<String> = booking.slots.iter().copied().map(local).collect();
        lines.push(line("Termin", &slots.join("; ")));
    }
    if let Some(link) = link {
        lines.push(line("Ansehen", &link.replace("{ticket}", ticket.id.as_str())));
    }
    lines
}

fn whole(ticket: &Ticket, procedure: Option<&Procedure>) -> Vec<String> {
    let mut lines = fields(ticket, procedure);
    if let Some(category) = &ticket.category {
        lines.push(line("Thema", category));
    }
    lines.push(line("Zuständig, weil", &ticket.because));
    if let Some(reason) = &ticket.returned_because {
        lines.push(line("Weitergeleitet, weil", reason.reveal()));
    }
    for added in &ticket.added {
        lines.push(String::new());
        lines.extend(later(added));
    }
    lines
}

/// The fields that were given, in the order of the form; those that the procedure knows no longer come last.
fn fields(ticket: &Ticket, procedure: Option<&Procedure>) -> Vec<String> {
    let given = ticket.request.fields();
    let rules = procedure.map_or(&[][..], |procedure| &procedure.fields);
    let known = rules
        .iter()
        .filter_map(|rule| Some(line(&rule.title, given.get(rule.id.as_str())?.reveal())));
    let others = given
        .iter()
        .filter(|(id, _)| rules.iter().all(|rule| rule.id != **id))
        .map(|(id, value)| line(id.as_str(), value.reveal()));
    known.chain(others).collect()
}

fn later(added: &AddedConcern) -> Vec<String> {
    let mut lines = vec![line(
        &format!("Anruf vom {}", local(added.at)),
        added.concern.reveal(),
    )];
    for (label, value) in [
        ("Weitere Telefonnummer", &added.phone),
        ("Weitere E-Mail-Adresse", &added.email),
    ] {
        lines.extend(value.iter().map(|value| line(label, value.reveal())));
    }
    lines
}

fn withdrawn(mail: &PendingMail, title: &str) -> MailText {
    let id = &mail.key.ticket;
    let mut lines = vec![
        format!("{title} {id} liegt nicht mehr bei Ihnen: Dafür ist jetzt eine andere Stelle zuständig."),
        "Für Sie bleibt nichts zu tun.".to_owned(),
    ];
    lines.extend(closing());
    MailText {
        subject: format!("{title} {id} liegt nicht mehr bei Ihnen"),
        body: Personal::new(lines.join("\n")),
    }
}

/// For somebody who does not have the ticket: nothing about the citizen, whatever the department is told else.
fn escalated(mail: &PendingMail, title: &str, link: Option<&str>) -> MailText {
    let ticket = &mail.ticket;
    let mut lines = vec![
        format!(
            "die Antwort auf ein Anliegen, das bei {} liegt, ist überfällig.",
            ticket.department
        ),
        String::new(),
    ];
    lines.extend(notice(ticket, link));
    lines.extend(closing());
    MailText {
        subject: format!("Überfällig bei {}: {title} {}", ticket.department, ticket.id),
        body: Personal::new(lines.join("\n")),
    }
}

fn settled(mail: &PendingMail, title: &str) -> MailText {
    let id = &mail.key.ticket;
    let mut lines = vec![
        format!("{title} {id} hat sich erledigt: Eine Antwort wird nicht mehr erwartet."),
        "Für Sie bleibt nichts zu tun.".to_owned(),
    ];
    lines.extend(closing());
    MailText {
        subject: format!("{title} {id} hat sich erledigt"),
        body: Personal::new(lines.join("\n")),
    }
}

fn erased(mail: &PendingMail, title: &str) -> MailText {
    let id = &mail.key.ticket;
    let mut lines = vec![
        format!("die Angaben zu {title} {id} wurden bei uns gelöscht."),
        "Bitte löschen Sie alles, was Sie dazu gespeichert haben, auch unsere früheren E-Mails.".to_owned(),
        CONFIRM.to_owned(),
    ];
    lines.extend(closing());
    MailText {
        subject: format!("Bitte löschen: {title} {id}"),
        body: Personal::new(lines.join("\n")),
    }
}

/// What a department is asked for that does not reply by itself.
const CONFIRM: &str =
    "Bestätigen Sie das bitte der oder dem Datenschutzbeauftragten von Nordrhein-Westfalen direkt.";

fn restricted(mail: &PendingMail, title: &str) -> MailText {
    let id = &mail.key.ticket;
    let mut lines = vec![
        format!("die Verarbeitung von {title} {id} ist eingeschränkt (Art. 18 DSGVO)."),
        "Bitte bewahren Sie auf, was Sie dazu haben, und bearbeiten Sie es nicht weiter, bis wir uns wieder melden."
            .to_owned(),
        CONFIRM.to_owned(),
    ];
    lines.extend(closing());
    MailText {
        subject: format!("Bitte nicht bearbeiten: {title} {id}"),
        body: Personal::new(lines.join("\n")),
    }
}

/// What was put right; what it says now only where the department is told of citizens by mail.
fn rectified(
    mail: &PendingMail,
    title: &str,
    procedure: Option<&Procedure>,
    content: MailContent,
) -> MailText {
    let (ticket, id) = (&mail.ticket, &mail.key.ticket);
    let fields = ticket.course.rectified.as_ref().map(|it| &it.fields[..]);
    let fields = fields.unwrap_or_default();
    let heading = |id: &FieldId| {
        let rule = procedure.and_then(|procedure| procedure.field(id.as_str()));
        rule.map_or_else(|| id.to_string(), |rule| rule.title.clone())
    };
    let headings: Vec<String> = fields.iter().map(heading).collect();
    let mut lines = match tells_of_lifting(mail) && ticket.department == mail.key.department {
        true => vec![
            lifted(ticket, title),
            line("Fällig", &local(ticket.due_at)),
            String::new(),
        ],
        false => Vec::new(),
    };
    lines.extend([
        format!(
            "Angaben zu {title} {id} wurden berichtigt: {}.",
            headings.join(", ")
        ),
        "Bitte berichtigen Sie, was Sie dazu gespeichert haben.".to_owned(),
        CONFIRM.to_owned(),
    ]);
    if content == MailContent::Whole {
        lines.push(String::new());
        lines.extend(fields.iter().zip(&headings).map(|(id, heading)| {
            match ticket.request.fields().text(id.as_str()) {
                "" => line(heading, "entfällt"),
                text => line(heading, text),
            }
        }));
    }
    lines.extend(closing());
    MailText {
        subject: format!("Bitte berichtigen: {title} {id}"),
        body: Personal::new(lines.join("\n")),
    }
}

fn closing() -> [String; 3] {
    [
        String::new(),
        "-- ".to_owned(),
        "Nordrhein-Westfalen direkt. Diese Nachricht wurde automatisch erstellt; Antworten darauf liest niemand."
            .to_owned(),
    ]
}

/// A value behind its label; further lines of it are moved in.
fn line(label: &str, value: &str) -> String {
    let value: Vec<&str> = value.trim().lines().map(str::trim_end).collect();
    format!("{label}: {}", value.join("\n    "))
}

fn local(at: DateTime<Utc>) -> String {
    let at = at.with_timezone(&local_time::ZONE);
    at.format("%d.%m.%Y, %H:%M Uhr").to_string()
}

#[cfg(test)]
mod tests {
    use domain::ids::{DepartmentId, HotlineName};
    use domain::procedure::{Fields, ProcedureId, Register};
    use domain::routing::RoutingDecision;
    use domain::ticket::{Actor, Opening, add_concern, open, ticket_id};
    use store::tickets::HandOverKey;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn mail(subject: MailSubject) -> PendingMail {
        let fields = Fields::of([
            ("name", "Groß"),
            ("phone", "0221 4710123"),
            ("street", "Königsallee"),
            ("concern", "Frage zum Bescheid\nzweite Zeile"),
        ]);
        let register = Register::built_in();
        let transition = open(Opening {
            id: ticket_id(1),
            procedure: ProcedureId::callback(),
            request: register.procedure("callback").unwrap().checked(fields).unwrap(),
            rules: None,
            hotline: Some(HotlineName::new("Steuern")),
            category: None,
            call: None,
            actor: Actor::System,
            decision: RoutingDecision {
                department: DepartmentId::new("a"),
                rule: None,
                because: "Keine Regel.".to_owned(),
                municipalities: Vec::new(),
                ambiguous: false,
            },
            at: at("2026-12-22T15:30:00Z"),
            due_at: at("2026-12-23T15:30:00Z"),
        });
        PendingMail {
            key: HandOverKey {
                ticket: transition.ticket.id.clone(),
                department: DepartmentId::new("a"),
                version: transition.ticket.version,
            },
            subject,
            ticket: transition.ticket,
            attempts: 0,
        }
    }

    #[test]
    fn a_notice_says_nothing_about_the_citizen() {
        let mail = mail(MailSubject::Ticket);
        let text = of(
            &mail,
            Register::built_in().procedure("callback"),
            MailContent::Notice,
            Some("https://example.org/tickets/{ticket}"),
        );
        let id = mail.key.ticket.as_str();
        assert_eq!(
            text.subject,
            format!("Rückrufbitte {id}, fällig 23.12.2026, 16:30 Uhr")
        );
        let body = text.body.reveal();
        for said in [
            format!("Ticket: {id}"),
            "Hotline: Steuern".to_owned(),
            "Fällig: 23.12.2026, 16:30 Uhr".to_owned(),
            format!("https://example.org/tickets/{id}"),
        ] {
            assert!(body.contains(&said), "{said} in {body}");
        }
        for personal in ["Groß", "4710123", "Königsallee", "Bescheid"] {
            assert!(!body.contains(personal), "{personal} in {body}");
        }
    }

    #[test]
    fn a_whole_mail_lists_what_was_given_by_label() {
        let mut mail = mail(MailSubject::Ticket);
        let fields = Fields::of([("phone", "0171 7654321")]);
        let concern = Personal::new("Noch etwas");
        let added = add_concern(
            &mail.ticket,
            concern,
            &fields,
            None,
            Actor::System,
            at("2026-12-22T16:00:00Z"),
        );
        mail.ticket = added.unwrap().ticket;
        let register = Register::built_in();
        let body = of(&mail, register.procedure("callback"), MailContent::Whole, None).body;
        let body = body.reveal();
        let expected = "Name: Groß\nStraße: Königsallee\nTelefonnummer: 0221 4710123\n\
            Anliegen: Frage zum Bescheid\n    zweite Zeile\nZuständig, weil: Keine Regel.\n\n\
            Anruf vom 22.12.2026, 17:00 Uhr: Noch etwas\nWeitere Telefonnummer: 0171 7654321\n";
        assert!(body.contains(expected), "{body}");
        assert!(!body.contains("Ort:"), "{body}");
    }

    #[test]
    fn an_escalation_says_nothing_about_the_citizen() {
        let mut mail = mail(MailSubject::Escalated);
        mail.ticket.schedule.raised = Some(domain::ticket::Raised {
            alarm: Alarm::Escalated,
            due_at: mail.ticket.due_at,
        });
        let text = of(&mail, None, MailContent::Whole, None);
        assert!(text.subject.starts_with("Überfällig bei a: "), "{}", text.subject);
        let body = text.body.reveal();
        assert!(body.contains("Fällig: 23.12.2026, 16:30 Uhr"), "{body}");
        for personal in ["Groß", "4710123", "Königsallee", "Bescheid"] {
            assert!(!body.contains(personal), "{personal} in {body}");
        }
        mail.subject = MailSubject::Ticket;
        let text = of(&mail, None, MailContent::Notice, None);
        assert!(text.subject.starts_with("Überfällig: "), "{}", text.subject);
    }

    #[test]
    fn a_withdrawal_names_the_ticket_alone() {
        let text = of(&mail(MailSubject::Withdrawn), None, MailContent::Whole, None);
        assert!(text.subject.contains("liegt nicht mehr bei Ihnen"));
        assert!(!text.body.reveal().contains("Groß"));
    }

    #[test]
    fn whoever_was_told_to_wait_is_told_to_go_on() {
        let mut mail = mail(MailSubject::Ticket);
        mail.ticket.course.lifted_in = Some(mail.key.version);
        let text = of(&mail, None, MailContent::Notice, None);
        assert!(
            text.subject.starts_with("Wieder zu bearbeiten: "),
            "{}",
            text.subject
        );
        assert!(text.body.reveal().contains("nicht mehr eingeschränkt"));
        mail.subject = MailSubject::Rectified;
        let text = of(&mail, None, MailContent::Notice, None);
        assert!(
            text.subject.starts_with("Bitte berichtigen: "),
            "{}",
            text.subject
        );
        assert!(text.body.reveal().contains("bearbeiten Sie das Anliegen weiter"));
        assert!(text.body.reveal().contains("Fällig: 23.12.2026"));
        // News of later is no end of a restriction.
        mail.subject = MailSubject::Ticket;
        mail.key.version.0 += 1;
        let text = of(&mail, None, MailContent::Notice, None);
        assert!(!text.subject.contains("Wieder"), "{}", text.subject);
    }

    #[test]
    fn an_erasure_asks_to_delete_and_an_end_says_so() {
        let text = of(&mail(MailSubject::Erased), None, MailContent::Whole, None);
        assert!(text.subject.starts_with("Bitte löschen: "), "{}", text.subject);
        assert!(!text.body.reveal().contains("Groß"));
        let mut withdrawn = mail(MailSubject::Ticket);
        withdrawn.ticket.state = domain::ticket::TicketState::Withdrawn;
        let text = of(&withdrawn, None, MailContent::Whole, None);
        assert!(text.subject.ends_with("hat sich erledigt"), "{}", text.subject);
        assert!(!text.body.reveal().contains("Groß"));
    }
}
