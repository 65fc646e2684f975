//! Names of programs in German words. Each table is complete: a test walks what the domain knows.

use domain::audit::AuditAction;
use domain::privacy::CaseOutcome;
use domain::ticket::{ActRefused, Action, Alarm, AttemptOutcome, TicketState};
use tonic::Status;

/// A word, and the class of its badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// What it says.
    pub(crate) word: &'static str,
    /// Its colour; the word says the same.
    pub(crate) class: &'static str,
}

const fn badge(word: &'static str, class: &'static str) -> Badge {
    Badge { word, class }
}

/// Where a ticket stands.
pub(crate) fn state(name: &str) -> Badge {
    match TicketState::from_name(name) {
        Some(TicketState::Open) => badge("offen", "info"),
        Some(TicketState::HandedOver) => badge("übergeben", "info"),
        Some(TicketState::Accepted) => badge("angenommen", "good"),
        Some(TicketState::CallbackAttempted) => badge("Rückruf versucht", "good"),
        Some(TicketState::Answered) => badge("beantwortet", "good"),
        Some(TicketState::Unreachable) => badge("nicht erreicht", "warning"),
        Some(TicketState::Withdrawn) => badge("zurückgezogen", ""),
        Some(TicketState::Closed) => badge("geschlossen", ""),
        Some(TicketState::Erased) => badge("gelöscht", "bad"),
        None => badge("unbekannt", ""),
    }
}

/// What was last said of a due time.
pub(crate) fn alarm(name: &str) -> Option<Badge> {
    Alarm::from_name(name).map(|alarm| match alarm {
        Alarm::DueSoon => badge("bald fällig", "warning"),
        Alarm::Overdue => badge("überfällig", "bad"),
        Alarm::Escalated => badge("eskaliert", "bad"),
    })
}

/// What was done to a ticket.
pub(crate) fn action(name: &str) -> &'static str {
    match Action::from_name(name) {
        Some(Action::Logged) => "aufgenommen",
        Some(Action::ConcernAdded) => "Anliegen ergänzt",
        Some(Action::HandedOver) => "übergeben",
        Some(Action::Accepted) => "angenommen",
        Some(Action::CallbackAttempted) => "Rückruf versucht",
        Some(Action::Answered) => "beantwortet",
        Some(Action::Unreachable) => "nicht erreicht",
        Some(Action::Withdrawn) => "zurückgezogen",
        Some(Action::Returned) => "zurückgegeben",
        Some(Action::Rerouted) => "weitergeleitet",
        Some(Action::Closed) => "geschlossen",
        Some(Action::Rebooked) => "Termin verlegt",
        Some(Action::DueSoon) => "bald fällig",
        Some(Action::Overdue) => "überfällig",
        Some(Action::Escalated) => "eskaliert",
        Some(Action::Reopened) => "wieder geöffnet",
        Some(Action::Erased) => "gelöscht",
        Some(Action::ErasureConfirmed) => "Löschung bestätigt",
        Some(Action::Rectified) => "berichtigt",
        Some(Action::Restricted) => "eingeschränkt",
        Some(Action::RestrictionLifted) => "Einschränkung aufgehoben",
        Some(Action::RectificationConfirmed) => "Berichtigung bestätigt",
        Some(Action::RestrictionConfirmed) => "Einschränkung bestätigt",
        Some(Action::Mailed) => "E-Mail versandt",
        Some(Action::MailFailed) => "E-Mail nicht zustellbar",
        None => "geändert",
    }
}

/// What came of a callback.
pub(crate) fn outcome(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Reached => "erreicht",
        AttemptOutcome::NotReached => "niemand abgehoben",
        AttemptOutcome::Busy => "besetzt",
        AttemptOutcome::VoiceMessage => "Nachricht hinterlassen",
        AttemptOutcome::WrongNumber => "falsche Nummer",
    }
}

/// Why a reply was not applied, and what to do; by its code.
pub(crate) fn rejection(code: &str) -> &'static str {
    match code {
        "unknown_ticket" => "Unter dieser Nummer hat Ihre Stelle keinen Vorgang. Prüfen Sie die Nummer.",
        "not_yours" => "Der Vorgang liegt inzwischen bei einer anderen Stelle. Es ist nichts mehr zu tun.",
        "already_accepted" => "Der Vorgang ist schon angenommen. Es ist nichts mehr zu tun.",
        "already_answered" => "Der Vorgang ist schon beantwortet. Mehr kann nicht gemeldet werden.",
        "already_unreachable" => {
            "Der Vorgang ist schon als nicht erreicht gemeldet. Es ist nichts mehr zu tun."
        }
        "already_withdrawn" => {
            "Die Bürgerin oder der Bürger braucht keine Antwort mehr. Es ist nichts mehr zu tun."
        }
        "already_closed" => "Der Vorgang ist geschlossen. Mehr kann nicht gemeldet werden.",
        "outdated" => {
            "Der Vorgang hat sich geändert, seit Sie ihn geöffnet haben. Lesen Sie, was dazugekommen ist, und melden Sie \
             dann noch einmal."
        }
        "erased" => {
            "Der Vorgang wurde gelöscht. Löschen Sie, was Sie davon haben, und bestätigen Sie die Löschung."
        }
        "not_erased" => "Der Vorgang wurde nicht gelöscht. Es gibt nichts zu bestätigen.",
        "restricted" => {
            "Die Verarbeitung des Vorgangs ist eingeschränkt. Bearbeiten Sie ihn nicht weiter, bis er wieder erscheint."
        }
        "not_restricted" => "Der Vorgang ist nicht eingeschränkt. Es gibt nichts zu bestätigen.",
        "not_rectified" => "In dem Vorgang wurde nichts berichtigt. Es gibt nichts zu bestätigen.",
        "already_confirmed" => "Ihre Stelle hat das schon bestätigt. Es ist nichts mehr zu tun.",
        "clearing_must_decide" => {
            "Die Klärungsstelle entscheidet: Nennen Sie eine andere Stelle, die zuständig ist."
        }
        "unreadable" => {
            "Die Meldung konnte nicht gelesen werden. Laden Sie die Seite neu und melden Sie noch einmal."
        }
        "unknown_type" => "Diese Art von Meldung gibt es nicht. Laden Sie die Seite neu.",
        _ => "Die Meldung wurde nicht angewandt.",
    }
}

const REFUSALS: &[(ActRefused, &str)] = &[
    (
        ActRefused::NothingOwed,
        "Bei diesem Vorgang steht keine Antwort mehr aus. Es ist nichts mehr zu tun.",
    ),
    (
        ActRefused::StillOwed,
        "Bei diesem Vorgang steht noch eine Antwort aus; er ist nicht erledigt.",
    ),
    (
        ActRefused::TooLate,
        "Der Vorgang ist zu lange erledigt, um ihn wieder zu öffnen. Nehmen Sie das Anliegen neu auf.",
    ),
    (
        ActRefused::AlreadyClosed,
        "Der Vorgang ist schon geschlossen. Es ist nichts mehr zu tun.",
    ),
    (
        ActRefused::Full,
        "Zu diesem Vorgang sind so viele Anliegen ergänzt, wie es geht. Nehmen Sie dieses neu auf.",
    ),
    (
        ActRefused::Erased,
        "Der Vorgang wurde gelöscht. Von der Person ist nichts mehr bekannt.",
    ),
    (
        ActRefused::Restricted,
        "Die Verarbeitung des Vorgangs ist eingeschränkt. Bis das aufgehoben ist, geschieht nichts mit ihm.",
    ),
    (
        ActRefused::NotRestricted,
        "Der Vorgang ist nicht eingeschränkt. Es gibt nichts aufzuheben.",
    ),
    (
        ActRefused::UnknownDepartment,
        "Diese Stelle gibt es nicht. Wählen Sie eine aus der Liste.",
    ),
    (
        ActRefused::SameDepartment,
        "Der Vorgang liegt schon bei dieser Stelle. Wählen Sie eine andere.",
    ),
];

/// Why nothing was done with a ticket, in German; `None` if it is another fault.
pub(crate) fn refusal(status: &Status) -> Option<&'static str> {
    let said = |refused: &ActRefused| refused.to_string() == status.message();
    REFUSALS
        .iter()
        .find_map(|(refused, german)| said(refused).then_some(*german))
}

/// What was done, for the audit trail.
pub(crate) fn audit_action(name: &str) -> &'static str {
    match AuditAction::from_name(name) {
        Some(AuditAction::SignedIn) => "angemeldet",
        Some(AuditAction::SignInFailed) => "Anmeldung gescheitert",
        Some(AuditAction::SignedOut) => "abgemeldet",
        Some(AuditAction::PasswordChanged) => "Kennwort geändert",
        Some(AuditAction::UserAdded) => "Benutzer angelegt",
        Some(AuditAction::UserChanged) => "Benutzer geändert",
        Some(AuditAction::PasswordReset) => "Erstkennwort vergeben",
        Some(AuditAction::SessionsEnded) => "Sitzungen beendet",
        Some(AuditAction::TicketLogged) => "Vorgang aufgenommen",
        Some(AuditAction::TicketRead) => "Vorgang gelesen",
        Some(AuditAction::TicketsListed) => "Vorgänge aufgelistet",
        Some(AuditAction::CitizenSearched) => "Person gesucht",
        Some(AuditAction::TicketActed) => "Vorgang bearbeitet",
        Some(AuditAction::TicketErased) => "Vorgang gelöscht",
        Some(AuditAction::DepartmentRead) => "Nachrichten der Stelle gelesen",
        Some(AuditAction::DepartmentReplied) => "Meldung der Stelle",
        Some(AuditAction::DeskShown) => "Anruf am Platz gezeigt",
        Some(AuditAction::CallRevealed) => "Anruf unverdeckt gezeigt",
        Some(AuditAction::CallsListed) => "Anrufe unverdeckt aufgelistet",
        Some(AuditAction::CallsExported) => "Anrufe ausgeleitet",
        Some(AuditAction::RejectedRevealed) => "Abgewiesenes unverdeckt gezeigt",
        Some(AuditAction::RejectedDiscarded) => "Abgewiesenes verworfen",
        Some(AuditAction::RulesApplied) => "Regeln eingespielt",
        Some(AuditAction::FiguresSealed) => "Zahlen festgestellt",
        Some(AuditAction::AgentFiguresRead) => "Zahlen einzelner Agenten gelesen",
        Some(AuditAction::EntriesListed) => "Anmeldungen gelesen",
        Some(AuditAction::EntriesExported) => "Anmeldungen exportiert",
        Some(AuditAction::EntriesErased) => "Anmeldungen gelöscht",
        Some(AuditAction::BackupMade) => "Sicherung erstellt",
        Some(AuditAction::BackupFetched) => "Sicherung abgeholt",
        Some(AuditAction::BackupRestored) => "Sicherung eingespielt",
        Some(AuditAction::AuditRead) => "Protokoll gelesen",
        Some(AuditAction::AccessLogRead) => "Zugriffsprotokoll gelesen",
        Some(AuditAction::PersonSearched) => "Betroffene Person gesucht",
        Some(AuditAction::PersonTold) => "Auskunft erstellt",
        Some(AuditAction::TicketRectified) => "Vorgang berichtigt",
        Some(AuditAction::PersonRestricted) => "Verarbeitung eingeschränkt",
        Some(AuditAction::RestrictionLifted) => "Einschränkung aufgehoben",
        Some(AuditAction::RecipientsRead) => "Empfänger angezeigt",
        Some(AuditAction::RecipientConfirmed) => "Bestätigung vermerkt",
        Some(AuditAction::CaseChanged) => "Antrag bearbeitet",
        Some(AuditAction::CasesRead) => "Anträge gelesen",
        Some(AuditAction::ErasureOrdered) => "Löschung angeordnet",
        Some(AuditAction::RetentionRun) => "Löschlauf begonnen",
        Some(AuditAction::AuditCut) => "Beginn des Protokolls gelöscht",
        _ => UNKNOWN_ACTION,
    }
}

/// What was done with a case, for the audit trail; `None` if it is another thing.
pub(crate) fn case_change(name: &str) -> Option<&'static str> {
    Some(match name {
        "opened" => "angelegt",
        "repeated" => "wiederholt",
        "note" => "Vermerk",
        "identity checked" => "Identität geprüft",
        "extended" => "Frist verlängert",
        "approved" => "freigegeben",
        _ => case_outcome(CaseOutcome::from_name(name)?),
    })
}

/// What came of a case.
pub(crate) fn case_outcome(outcome: CaseOutcome) -> &'static str {
    match outcome {
        CaseOutcome::Granted => "erfüllt",
        CaseOutcome::PartlyGranted => "teilweise erfüllt",
        CaseOutcome::Refused => "abgelehnt",
        CaseOutcome::NothingKept => "nichts gespeichert",
        CaseOutcome::Dropped => "nicht weiter verfolgt",
    }
}

const UNKNOWN_ACTION: &str = "andere Handlung";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::ticket::ReplyRejection;

    use super::*;

    #[test]
    fn every_state_alarm_and_action_has_a_word_of_its_own() {
        let states: BTreeSet<&str> = TicketState::ALL.iter().map(|it| state(it.name()).word).collect();
        assert_eq!(states.len(), TicketState::ALL.len());
        assert!(!states.contains("unbekannt"));
        for it in Alarm::ALL {
            assert!(alarm(it.name()).is_some_and(|badge| !badge.word.is_empty()));
        }
        assert_eq!(alarm(""), None);
        for it in Action::ALL {
            assert_ne!(action(it.name()), action("of a later version"), "{it:?}");
        }
    }

    #[test]
    fn every_rejection_of_a_reply_has_a_sentence() {
        use ReplyRejection::*;
        let all = [
            UnknownTicket,
            NotYours,
            AlreadyAccepted,
            AlreadyAnswered,
            AlreadyUnreachable,
            AlreadyWithdrawn,
            Outdated,
            Erased,
            NotErased,
            Restricted,
            NotRestricted,
            NotRectified,
            AlreadyConfirmed,
            AlreadyClosed,
            ClearingMustDecide,
            Unreadable(String::new()),
            UnknownType,
        ];
        for one in &all {
            // Whoever adds a variant is led here.
            match one {
                UnknownTicket | NotYours | AlreadyAccepted | AlreadyAnswered | AlreadyUnreachable
                | AlreadyWithdrawn | Outdated | Erased | NotErased | Restricted | NotRestricted
                | NotRectified | AlreadyConfirmed | AlreadyClosed | ClearingMustDecide | Unreadable(_)
                | UnknownType => {}
            }
            let sentence = rejection(one.code());
            assert!(sentence.ends_with('.'), "{}", one.code());
            assert_ne!(sentence, rejection("of a later version"), "{}", one.code());
        }
    }

    #[test]
    fn every_refusal_of_an_act_has_a_sentence() {
        for (refused, german) in REFUSALS {
            // Whoever adds a variant is led here.
            match refused {
                ActRefused::NothingOwed
                | ActRefused::StillOwed
                | ActRefused::TooLate
                | ActRefused::AlreadyClosed
                | ActRefused::Full
                | ActRefused::Erased
                | ActRefused::Restricted
                | ActRefused::NotRestricted
                | ActRefused::UnknownDepartment
                | ActRefused::SameDepartment => {}
            }
            let status = Status::failed_precondition(refused.to_string());
            assert_eq!(refusal(&status), Some(*german));
        }
        assert_eq!(refusal(&Status::unavailable("no")), None);
    }

    #[test]
    fn every_action_of_the_audit_trail_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = AuditAction::ALL
            .iter()
            .map(|it| audit_action(it.name()))
            .collect();
        assert_eq!(words.len(), AuditAction::ALL.len());
        assert!(!words.contains(UNKNOWN_ACTION));
        assert_eq!(audit_action("of a later version"), UNKNOWN_ACTION);
    }
}
