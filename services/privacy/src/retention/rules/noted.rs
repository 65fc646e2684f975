//! What nothing has to be done about: it goes with something else, at once, by people, or is not kept here. The plan tells of
//! it, so that nothing of the register is left open.

use std::time::Duration;

use bus::topics::{self, Cleanup, Pace};
use chrono::TimeDelta;
use domain::procedure::{CALL_RECORDS, Kind, Register, RetentionEvent};

use super::{DATA_SUBJECT_CASES, EndedBy, IMPORTS, Rule, TICKETS, Term, USERS, What, of_register};

/// What is told of an entry of the register that this file does not know: one that an installation has added.
pub(super) const UNKNOWN: &str = "record";

/// What the register's own entries say: what it is called, the unit of storage, and who ends it.
const ENTRIES: &[(&str, &str, &str, EndedBy)] = &[
    ("call-course", "course_of_calls", "calls", EndedBy::WithOwner),
    (IMPORTS, "import_runs", "calls", EndedBy::WithOwner),
    ("tickets", "ticket_data", TICKETS, EndedBy::WithOwner),
    ("department-mails", "department_mails", TICKETS, EndedBy::AtOnce),
    (USERS, "users", "access", EndedBy::People),
    ("administration", "rules_and_statements", TICKETS, EndedBy::People),
    ("exports", "exports", "", EndedBy::Elsewhere),
    ("desk-drafts", "drafts", "", EndedBy::Elsewhere),
];

/// What is kept beside an entry of the register, with the words of this file.
const BESIDE: &[(&str, &str, &str, EndedBy, RetentionEvent, &str)] = &[
    (
        "tickets",
        "recipients_told",
        TICKETS,
        EndedBy::WithOwner,
        RetentionEvent::LastHandled,
        "Welche Stelle wovon unterrichtet wurde und es bestätigt hat (Art. 19 DSGVO): mit dem Vorgang.",
    ),
    (
        "appointment",
        "citizen_mails",
        TICKETS,
        EndedBy::AtOnce,
        RetentionEvent::Dispatched,
        "Mails an Bürgerinnen und Bürger mit dem Raum einer Videosprechstunde: bis der Mailserver sie hat, längstens mit dem Termin; der Raum steht allein im Vorgang.",
    ),
    (
        "newsletter",
        "entry_mails",
        TICKETS,
        EndedBy::AtOnce,
        RetentionEvent::Dispatched,
        "Mails über Anmeldungen: bis der Mailserver sie hat, längstens mit der Anmeldung.",
    ),
    (
        "access-logs",
        "access_counts",
        "access",
        EndedBy::Nobody,
        RetentionEvent::Removed,
        "Zugriffe je Tag, Seite und Ergebnis als Zählwerte ohne Adressen; sie bleiben.",
    ),
    (
        DATA_SUBJECT_CASES,
        "erasure_orders",
        "access",
        EndedBy::Nobody,
        RetentionEvent::Removed,
        "Löschaufträge mit der Sperrliste, nur Kennungen und Prüfwerte (HMAC): solange frühere Meldungen wiederkehren können.",
    ),
];

pub(super) fn rules(register: &Register) -> Vec<Rule> {
    let mut rules = vec![messages()];
    for procedure in register.procedures() {
        let known = ENTRIES.iter().find(|(id, ..)| *id == procedure.id.as_str());
        if let Some((_, name, store, ended_by)) = known {
            rules.push(of_register(procedure, What::Noted { name, store }, *ended_by));
        } else if matches!(procedure.kind, Kind::Record) && !super::KNOWN.contains(&procedure.id.as_str()) {
            let what = What::Noted {
                name: UNKNOWN,
                store: "",
            };
            rules.push(of_register(procedure, what, EndedBy::Elsewhere));
        }
        for (_, name, store, ended_by, after, text) in
            BESIDE.iter().filter(|(id, ..)| *id == procedure.id.as_str())
        {
            rules.push(Rule {
                after: after.name(),
                text: (*text).to_owned(),
                ..of_register(procedure, What::Noted { name, store }, *ended_by)
            });
        }
    }
    rules
}

/// What the bus holds of calls; it forgets that by itself.
fn messages() -> Rule {
    let spec = topics::wanted(1, std::iter::empty(), Pace::of(Duration::from_secs(1)));
    let kept = spec.into_iter().find_map(|topic| match topic.cleanup {
        Cleanup::Delete { retention } => TimeDelta::from_std(retention).ok(),
        Cleanup::Compact { .. } => None,
    });
    Rule {
        what: What::Noted {
            name: "messages_of_calls",
            store: "bus",
        },
        procedure: CALL_RECORDS.to_owned(),
        after: RetentionEvent::Reception.name(),
        term: Term::Exact(kept.unwrap_or_default()),
        text: "Meldungen auf dem Topic der Anrufe; der Bus löscht sie.".to_owned(),
        ended_by: EndedBy::OwnClock,
    }
}
