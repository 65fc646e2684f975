//! What states and acts are called.

use wire::v1::tickets as proto;

/// A state of a ticket.
pub(super) fn state(name: &str) -> &str {
    match name {
        "open" => "offen",
        "handed_over" => "übergeben",
        "accepted" => "in Bearbeitung",
        "callback_attempted" => "Rückruf versucht",
        "answered" => "beantwortet",
        "unreachable" => "nicht erreicht",
        "withdrawn" => "zurückgezogen",
        "closed" => "abgeschlossen",
        "erased" => "gelöscht",
        other => other,
    }
}

/// Whether an answer is owed in a state.
pub(super) fn is_owed(state: &str) -> bool {
    matches!(state, "open" | "handed_over" | "accepted" | "callback_attempted")
}

/// What happened to a ticket.
pub(super) fn action(name: &str) -> &str {
    match name {
        "logged" => "erfasst",
        "concern_added" => "Anliegen hinzugefügt",
        "handed_over" => "übergeben",
        "accepted" => "angenommen",
        "callback_attempted" => "Rückruf versucht",
        "answered" => "beantwortet",
        "unreachable" => "nicht erreicht",
        "withdrawn" => "zurückgezogen",
        "returned" => "zurückgegeben",
        "rerouted" => "weitergeleitet",
        "rebooked" => "umgebucht",
        "closed" => "abgeschlossen",
        "reopened" => "wieder geöffnet",
        "erased" => "gelöscht",
        "erasure_confirmed" => "Löschung bestätigt",
        "rectified" => "berichtigt",
        "restricted" => "eingeschränkt",
        "restriction_lifted" => "Einschränkung aufgehoben",
        "rectification_confirmed" => "Berichtigung bestätigt",
        "restriction_confirmed" => "Einschränkung bestätigt",
        "mailed" => "E-Mail verschickt",
        "mail_failed" => "E-Mail nicht zustellbar",
        "due_soon" => "bald fällig",
        "overdue" => "überfällig",
        "escalated" => "eskaliert",
        other => other,
    }
}

/// Who did it.
pub(super) fn actor(name: &str, department: impl Fn(&str) -> String) -> String {
    match name.split_once(' ') {
        Some(("agent", name)) => name.to_owned(),
        Some(("department", id)) => department(id),
        _ if name == "nrwdirekt" => "System".to_owned(),
        _ => name.to_owned(),
    }
}

/// Where a call stands.
pub(super) fn phase(name: &str) -> &str {
    match name {
        "ringing" => "klingelt",
        "talking" => "im Gespräch",
        "on_hold" => "gehalten",
        "after_call_work" => "Nachbearbeitung",
        other => other,
    }
}

/// What an agent does.
pub(super) fn activity(name: &str) -> &str {
    match name {
        "ready" => "bereit",
        "talking" => "im Gespräch",
        "after_call_work" => "Nachbearbeitung",
        "paused" => "Pause",
        _ => "nicht angemeldet",
    }
}

/// The beginning of what a ticket is about.
pub(super) fn beginning(ticket: &proto::Ticket) -> String {
    const LONGEST: usize = 110;
    let told = ["concern", "message", "subject", "brochures", "service", "page"];
    let named = told.iter().find_map(|id| ticket.fields.get(*id));
    let text: Vec<&str> = named.map_or("", String::as_str).split_whitespace().collect();
    let text = text.join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", text[..at].trim_end()),
        None => text,
    }
}
