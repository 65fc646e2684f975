//! The document, in German: one file that needs nothing from elsewhere, and prints well.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use domain::audit::AuditAction;
use domain::local_time;
use domain::record::Field;

use super::tickets::ToldTicket;
use super::{Look, Told, ToldCall};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:2px solid #003064}h3{font-size:1.05rem}\
table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;\
border-bottom:1px solid #ccc;overflow-wrap:anywhere;white-space:pre-line}th{font-weight:600;width:32%}thead th{width:auto}\
section{break-inside:avoid-page}p.note{color:#444}@media print{body{margin:0;font-size:10.5pt}h2{break-after:avoid}}";

/// Writes the document.
pub(crate) fn document(told: &Told) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    page.raw("<!DOCTYPE html><html lang=\"de\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width\">");
    page.raw("<title>Auskunft nach Art. 15 DSGVO</title><style>");
    page.raw(STYLE);
    page.raw("</style></head><body>");
    page.element("h1", "Auskunft über Ihre personenbezogenen Daten");
    page.element("p", "nach Artikel 15 der Datenschutz-Grundverordnung (DSGVO)");
    let name = format!("{} {}", told.person.first_name, told.person.name);
    let name = match name.trim() {
        "" => "nicht bekannt",
        name => name,
    };
    page.table(&[("Person", name), ("Stand", &local(told.created_at))]);
    summary(&mut page, told);
    purposes(&mut page, told);
    for ticket in &told.tickets {
        ticket_section(&mut page, ticket);
    }
    entries(&mut page, told);
    calls(&mut page, told);
    items(&mut page, told);
    rights(&mut page, told);
    page.raw("</body></html>\n");
    page.0
}

/// A page that is being written.
struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        let _ = write!(self.0, "<{name}>");
        self.text(text);
        let _ = write!(self.0, "</{name}>");
    }

    /// Two columns: what it is, and what it says; rows that say nothing are left out.
    fn table(&mut self, rows: &[(&str, &str)]) {
        self.raw("<table>");
        for (heading, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
            self.raw("<tr>");
            self.element("th", heading);
            self.element("td", text);
            self.raw("</tr>");
        }
        self.raw("</table>");
    }

    /// What was entered, by what its fields are called.
    fn fields(&mut self, fields: &BTreeMap<String, String>, titles: &BTreeMap<String, String>) {
        let rows: Vec<(&str, &str)> = fields
            .iter()
            .map(|(id, text)| (titles.get(id).unwrap_or(id).as_str(), text.as_str()))
            .collect();
        self.table(&rows);
    }

    fn list(&mut self, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        self.raw("<table><thead><tr>");
        headings.iter().for_each(|heading| self.element("th", heading));
        self.raw("</tr></thead><tbody>");
        for row in rows {
            self.raw("<tr>");
            row.iter().for_each(|cell| self.element("td", cell));
            self.raw("</tr>");
        }
        self.raw("</tbody></table>");
    }
}

fn summary(page: &mut Page, told: &Told) {
    page.element("h2", "Was wir gespeichert haben");
    if told.is_empty() {
        page.element("p", "Zu den genannten Angaben ist bei uns nichts gespeichert.");
    }
    let counts = [
        (told.tickets.len(), "Vorgang", "Vorgänge"),
        (told.entries.len(), "Anmeldung", "Anmeldungen"),
        (told.calls.len(), "Anruf", "Anrufe"),
        (
            told.rejected_items.len(),
            "nicht lesbarer Datensatz",
            "nicht lesbare Datensätze",
        ),
    ];
    page.raw("<ul>");
    for (count, one, many) in counts {
        let noun = if count == 1 { one } else { many };
        page.element("li", &format!("{count} {noun}"));
    }
    page.raw("</ul>");
    if told.calls_left_out > 0 {
        page.element(
            "p",
            &format!(
                "Weitere {} Anrufe kamen von einer Rufnummer, die mehrere Personen genannt haben. Wer sie geführt hat, ist \
                 uns nicht bekannt; sie sind deshalb nicht aufgeführt (Art. 11 DSGVO).",
                told.calls_left_out
            ),
        );
    }
}

/// What was registered for, each with what was entered.
fn entries(page: &mut Page, told: &Told) {
    for entry in &told.entries {
        page.element("h2", &format!("{}: {}", entry.procedure_title, entry.offer_title));
        let state = match entry.state {
            "pending" => "wartet auf Ihre Bestätigung",
            _ => "bestätigt",
        };
        page.table(&[
            ("Stand", state),
            (
                "Anbietende Stelle",
                entry.department.as_deref().unwrap_or_default(),
            ),
            ("Eingewilligt", &local(entry.consented_at)),
            ("Bestätigt", &entry.confirmed_at.map(local).unwrap_or_default()),
            (
                "Verarbeitung eingeschränkt",
                &entry.restricted_at.map(local).unwrap_or_default(),
            ),
            (
                "Nachricht an Sie",
                if entry.mail_waits {
                    "wartet auf den Versand"
                } else {
                    ""
                },
            ),
        ]);
        page.element("h3", "Ihre Angaben");
        page.fields(&entry.fields, &entry.titles);
        looks(page, &entry.seen);
    }
    if told.entries_left_out > 0 {
        page.element(
            "p",
            &format!(
                "Weitere {} Anmeldungen sind mit einer E-Mail-Adresse eingetragen, die auch jemand anderes genannt hat, und \
                 nennen keinen Namen. Wessen sie sind, ist uns nicht bekannt; sie sind deshalb nicht aufgeführt (Art. 11 DSGVO).",
                told.entries_left_out
            ),
        );
    }
}

fn purposes(page: &mut Page, told: &Told) {
    if told.purposes.is_empty() {
        return;
    }
    page.element("h2", "Wozu, auf welcher Grundlage, für wen und wie lange");
    for purpose in &told.purposes {
        page.element("h3", &purpose.title);
        page.table(&[
            ("Zweck", &purpose.purpose),
            ("Rechtsgrundlage", &purpose.legal_basis.join("\n")),
            ("Empfänger", &purpose.recipients.join("\n")),
            ("Auftragsverarbeiter", &purpose.processors.join("\n")),
            ("Speicherdauer", &purpose.retention),
        ]);
    }
}

fn ticket_section(page: &mut Page, ticket: &ToldTicket) {
    let title = match ticket.procedure_title.as_str() {
        "" => "Vorgang",
        title => title,
    };
    page.element("h2", &format!("{title} {}", ticket.ticket_id));
    let restricted = if ticket.restricted {
        "ja (Art. 18 DSGVO)"
    } else {
        ""
    };
    page.table(&[
        ("Stand", state(&ticket.state)),
        ("Verarbeitung eingeschränkt", restricted),
        ("Zuständige Stelle", &ticket.department),
        ("Zuständig, weil", &ticket.because),
        ("Hotline", ticket.hotline.as_deref().unwrap_or_default()),
        ("Thema", ticket.category.as_deref().unwrap_or_default()),
        ("Aufgenommen", &local(ticket.created_at)),
        ("Zuletzt geändert", &local(ticket.changed_at)),
        ("Antwort fällig", &local(ticket.due_at)),
        ("Erledigt", &ticket.settled_at.map(local).unwrap_or_default()),
    ]);
    page.element("h3", "Ihre Angaben");
    page.fields(&ticket.fields, &ticket.titles);
    for added in &ticket.added {
        page.table(&[
            ("Weiteres Anliegen", &added.concern),
            ("vom", &local(added.at)),
            ("Telefonnummer", added.phone.as_deref().unwrap_or_default()),
            ("E-Mail-Adresse", added.email.as_deref().unwrap_or_default()),
        ]);
    }
    page.element("h3", "Was mit dem Vorgang geschah");
    let history = ticket.history.iter().map(|entry| {
        let by = match (&entry.department, entry.by) {
            (Some(department), _) => department.clone(),
            (None, "agent") => "Servicecenter".to_owned(),
            _ => "automatisch".to_owned(),
        };
        let note = entry.note.clone().unwrap_or_default();
        vec![local(entry.at), by, action(&entry.action).to_owned(), note]
    });
    page.list(&["Zeit", "durch", "was", "Vermerk"], history);
    if !ticket.sent.is_empty() {
        page.element("h3", "An wen was übermittelt wurde");
        let sent = ticket.sent.iter().map(|sent| {
            let what = match sent.what {
                "ticket" => "der Vorgang",
                "news" => "der Vorgang nach einer Änderung",
                "withdrawn" => "dass der Vorgang zurückgezogen ist",
                "mail" => "Nachricht per E-Mail",
                "rectified" => "die Berichtigung",
                "restricted" => "die Einschränkung",
                _ => "die Löschung",
            };
            let confirmed = sent.confirmed_at.map(|at| format!("bestätigt {}", local(at)));
            vec![
                local(sent.at),
                sent.to.clone(),
                what.to_owned(),
                confirmed.unwrap_or_default(),
            ]
        });
        page.list(&["Zeit", "Empfänger", "was", ""], sent);
    }
    looks(page, &ticket.seen);
}

fn looks(page: &mut Page, seen: &[Look]) {
    if seen.is_empty() {
        return;
    }
    page.element("h3", "Wer darauf zugegriffen hat");
    let rows = seen.iter().map(|look| {
        let roles: Vec<&str> = look.roles.iter().map(|name| role(name)).collect();
        vec![
            local(look.at),
            roles.join(", "),
            look_action(&look.action).to_owned(),
        ]
    });
    page.list(&["Zeit", "Rolle", "was"], rows);
}

fn calls(page: &mut Page, told: &Told) {
    if told.calls.is_empty() {
        return;
    }
    page.element("h2", "Anrufe");
    for call in &told.calls {
        call_section(page, call);
    }
}

fn call_section(page: &mut Page, call: &ToldCall) {
    page.raw("<section>");
    let started = call.record.get("started_at").and_then(serde_json::Value::as_str);
    let started = started.and_then(|at| at.parse().ok()).map(local);
    page.element("h3", &format!("Anruf {}", started.unwrap_or_default()));
    let value = |name: &str| match call.record.get(name) {
        None => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Bool(yes)) => (if *yes { "ja" } else { "nein" }).to_owned(),
        Some(value) => value.to_string(),
    };
    let mut rows: Vec<(&str, String)> = Vec::new();
    for field in Field::ALL {
        let name = field.name();
        let text = match field {
            Field::StartedAt => continue,
            Field::TaskType => task_type(&value(name)).to_owned(),
            Field::ConnectionStatus => status(&value(name)).to_owned(),
            _ => match value(&format!("{name}_ms")) {
                ms if ms.is_empty() => value(name),
                ms => ms.parse().map(duration).unwrap_or(ms),
            },
        };
        rows.push((field.heading(), text));
    }
    if call.restricted {
        rows.push(("Verarbeitung eingeschränkt", "ja (Art. 18 DSGVO)".to_owned()));
    }
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|(heading, text)| (*heading, text.as_str()))
        .collect();
    page.table(&rows);
    if call.visits.len() > 1 {
        let visits = call.visits.iter().map(|visit| {
            let wait = visit.wait_ms.map(duration).unwrap_or_default();
            let talk = visit.talk_ms.map(duration).unwrap_or_default();
            vec![visit.hotline.clone(), local(visit.offered_at), wait, talk]
        });
        page.list(&["Hotline", "Zeit", "gewartet", "gesprochen"], visits);
    }
    looks(page, &call.seen);
    page.raw("</section>");
}

fn items(page: &mut Page, told: &Told) {
    if told.rejected_items.is_empty() {
        return;
    }
    page.element("h2", "Nicht lesbare Datensätze");
    page.element(
        "p",
        "Diese Datensätze der Telefonanlage konnten nicht verarbeitet werden. Sie enthalten Ihre Rufnummer oder Adresse und \
         werden zur Fehlerbehebung aufbewahrt. Eine Kopie erhalten Sie auf Verlangen; was darin andere betrifft, wird \
         unkenntlich gemacht (Art. 15 Abs. 4 DSGVO).",
    );
    let rows = told
        .rejected_items
        .iter()
        .map(|item| vec![local(item.received_at), item.source.clone(), item.id.clone()]);
    page.list(&["Zeit", "Quelle", "Kennung"], rows);
}

fn rights(page: &mut Page, told: &Told) {
    page.element("h2", "Ihre Rechte");
    page.table(&[
        ("Verantwortlich", told.controller.as_str()),
        ("An wen Sie sich wenden", told.data_protection_officer.as_str()),
    ]);
    page.element(
        "p",
        "Sie können verlangen, dass unrichtige Daten berichtigt (Art. 16 DSGVO), Daten gelöscht (Art. 17 DSGVO) oder in der \
         Verarbeitung eingeschränkt werden (Art. 18 DSGVO), der Verarbeitung widersprechen (Art. 21 DSGVO), eine Einwilligung \
         widerrufen (Art. 7 Abs. 3 DSGVO) und die von Ihnen bereitgestellten Daten in einem maschinenlesbaren Format erhalten \
         (Art. 20 DSGVO); für Auskunft und Löschung gelten die §§ 10 und 12 des Datenschutzgesetzes Nordrhein-Westfalen. Sie \
         können sich bei einer Aufsichtsbehörde beschweren (Art. 77 DSGVO), in Nordrhein-Westfalen bei der oder dem \
         Landesbeauftragten für Datenschutz und Informationsfreiheit.",
    );
    if told.is_empty() {
        return;
    }
    page.element(
        "p",
        "Die Daten haben Sie selbst angegeben, oder die Telefonanlage hat sie bei Ihrem Anruf aufgezeichnet. Eine \
         automatisierte Entscheidung im Einzelfall (Art. 22 DSGVO) findet nicht statt.",
    );
}

fn local(at: DateTime<Utc>) -> String {
    let at = at.with_timezone(&local_time::ZONE);
    at.format("%d.%m.%Y, %H:%M:%S Uhr").to_string()
}

/// Milliseconds as hours, minutes and seconds.
fn duration(ms: i64) -> String {
    let seconds = ms / 1000;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn state(name: &str) -> &str {
    match name {
        "open" => "offen",
        "handed_over" => "der Stelle übergeben",
        "accepted" => "von der Stelle angenommen",
        "callback_attempted" => "Rückruf versucht",
        "answered" => "beantwortet",
        "unreachable" => "nicht erreicht",
        "withdrawn" => "zurückgezogen",
        "closed" => "geschlossen",
        "erased" => "gelöscht",
        other => other,
    }
}

fn action(name: &str) -> &str {
    match name {
        "logged" => "aufgenommen",
        "concern_added" => "Anliegen ergänzt",
        "handed_over" => "übergeben",
        "accepted" => "angenommen",
        "callback_attempted" => "Rückruf versucht",
        "answered" => "beantwortet",
        "unreachable" => "nicht erreicht",
        "withdrawn" => "zurückgezogen",
        "returned" => "zurückgegeben",
        "rerouted" => "weitergeleitet",
        "closed" => "geschlossen",
        "rebooked" => "Termin verlegt",
        "due_soon" => "bald fällig",
        "overdue" => "überfällig",
        "escalated" => "eskaliert",
        "reopened" => "wieder geöffnet",
        "erased" => "gelöscht",
        "erasure_confirmed" => "Löschung bestätigt",
        "rectified" => "berichtigt",
        "restricted" => "Verarbeitung eingeschränkt",
        "restriction_lifted" => "Einschränkung aufgehoben",
        "rectification_confirmed" => "Berichtigung bestätigt",
        "restriction_confirmed" => "Einschränkung bestätigt",
        "mailed" => "E-Mail versandt",
        "mail_failed" => "E-Mail nicht zustellbar",
        other => other,
    }
}

fn role(name: &str) -> &str {
    match name {
        "agent" => "Servicecenter",
        "supervisor" => "Leitung des Servicecenters",
        "department" => "zuständige Stelle",
        "data_protection" => "Datenschutz",
        "administrator" => "Administration",
        "operator" => "Betrieb",
        "feed" => "Telefonanlage",
        other => other,
    }
}

fn look_action(name: &str) -> &str {
    match AuditAction::from_name(name) {
        Some(AuditAction::TicketLogged) => "aufgenommen",
        Some(AuditAction::TicketRead) => "gelesen",
        Some(AuditAction::TicketActed | AuditAction::TicketRectified) => "bearbeitet",
        Some(AuditAction::TicketErased) => "gelöscht",
        Some(AuditAction::ErasureOrdered) => "Löschung angeordnet",
        Some(AuditAction::CallRevealed | AuditAction::DeskShown) => "mit Rufnummer angezeigt",
        Some(AuditAction::EntriesListed) => "Liste der Anmeldungen gelesen",
        Some(AuditAction::EntriesExported) => "Liste der Anmeldungen exportiert",
        Some(AuditAction::PersonTold) => "Auskunft erstellt",
        Some(AuditAction::PersonRestricted) => "Verarbeitung eingeschränkt",
        Some(AuditAction::RestrictionLifted) => "Einschränkung aufgehoben",
        Some(AuditAction::RecipientConfirmed) => "Bestätigung vermerkt",
        _ => "anderer Zugriff",
    }
}

fn task_type(name: &str) -> &str {
    match name {
        "inbound_call" => "Anruf eingehend",
        "outbound_call" => "Anruf ausgehend",
        "callback" => "Rückruf",
        "voice_message" => "Sprachnachricht",
        "email" => "E-Mail",
        "fax" => "Fax",
        "letter" => "Brief",
        "chat" => "Chat",
        other => other,
    }
}

fn status(name: &str) -> &str {
    match name {
        "answered" => "verbunden",
        "abandoned_before_queue" => "in der Ansage aufgelegt",
        "abandoned_queued" => "in der Warteschlange aufgelegt",
        "abandoned_ringing" => "während des Rufens aufgelegt",
        "busy" => "besetzt",
        "no_answer" => "keine Antwort",
        "overflowed" => "Überlauf",
        "voice_message" => "Sprachnachricht",
        "closed_while_queued" => "Servicezeit beendet",
        "out_of_hours" => "außerhalb der Servicezeit",
        "failed" => "Fehler",
        other => other,
    }
}
