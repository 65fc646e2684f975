//! What is wrong with a field, in German, and where it is shown.

use domain::procedure::{FaultCode, FieldFault};
use wire::v1::tickets as proto;

/// What to do about a fault.
pub(crate) fn text(fault: &FieldFault, procedure: Option<&proto::Procedure>) -> String {
    let rule = procedure.and_then(|procedure| procedure.fields.iter().find(|rule| rule.id == fault.field));
    let titled = |id: &str| {
        let fields = procedure.map_or(&[][..], |procedure| &procedure.fields);
        fields
            .iter()
            .find(|rule| rule.id == id)
            .map(|rule| rule.title.clone())
    };
    match (fault.code, fault.field.as_str()) {
        (FaultCode::Required, "hotline") => "Welche Hotline wurde angerufen? Bitte auswählen.".to_owned(),
        (FaultCode::Required, "reason") => "Bitte begründen Sie, warum.".to_owned(),
        (FaultCode::Required, "slots") => "Bitte mindestens ein Zeitfenster auswählen.".to_owned(),
        (FaultCode::Required, "idempotency_key") => {
            "Die Kennung des Entwurfs fehlt. Bitte laden Sie die Seite neu.".to_owned()
        }
        (FaultCode::RequiredWith, _) => {
            let other = procedure.and_then(|procedure| {
                let mut fields = procedure.fields.iter();
                fields.find(|rule| rule.requires.contains(&fault.field))
            });
            match other {
                Some(other) => format!("Mit der Angabe „{}“ gehört auch diese dazu.", other.title),
                None => "Diese Angabe gehört zu einer anderen dazu.".to_owned(),
            }
        }
        (FaultCode::Unreachable, _) => {
            let ways = procedure.map_or(&[][..], |procedure| &procedure.reachable_by);
            let ways: Vec<String> = ways.iter().filter_map(|way| titled(way)).collect();
            match ways.len() {
                0 | 1 => "Ohne diese Angabe kann niemand antworten.".to_owned(),
                _ => format!(
                    "Wie ist die Person zu erreichen? Bitte angeben: {}.",
                    ways.join(" oder ")
                ),
            }
        }
        (FaultCode::OnlyWith, "video") => "Termine per Video gibt es hier nicht. Bitte abwählen.".to_owned(),
        (FaultCode::OnlyWith, _) => match rule.and_then(|rule| titled(&rule.only_with)) {
            Some(other) => format!("Bitte leer lassen: nur zusammen mit „{other}“."),
            None => "Bitte leer lassen: nur zusammen mit einer anderen Angabe.".to_owned(),
        },
        (FaultCode::NoOption, "brochures") => {
            "Je Zeile eine Broschüre aus der Liste, zum Beispiel „2 x“ und ihre Kennung.".to_owned()
        }
        (FaultCode::TooLong, _) => match rule {
            Some(rule) => format!("Bitte kürzen: höchstens {} Zeichen.", rule.longest),
            None => "Bitte kürzen.".to_owned(),
        },
        (FaultCode::Unusable, "department") => {
            "Diese Stelle kann nicht gewählt werden. Bitte eine andere Stelle auswählen.".to_owned()
        }
        (FaultCode::Unusable, "department_reason") => {
            "Bitte Stelle und Begründung zusammen angeben, oder beides leer lassen.".to_owned()
        }
        (code, _) => plain(code).to_owned(),
    }
}

/// What to do, whatever the field is.
fn plain(code: FaultCode) -> &'static str {
    match code {
        FaultCode::Required | FaultCode::RequiredWith => "Bitte ausfüllen.",
        FaultCode::Unreachable => "Bitte angeben, wie die Person zu erreichen ist.",
        FaultCode::OnlyWith | FaultCode::FromSystem => "Bitte leer lassen.",
        FaultCode::Undeclared => "Dieses Verfahren hat kein solches Feld. Bitte laden Sie die Seite neu.",
        FaultCode::TooLong => "Bitte kürzen.",
        FaultCode::ControlCharacters => "Enthält unlesbare Zeichen. Bitte neu eintippen statt einfügen.",
        FaultCode::NoOption => "Bitte einen der Vorschläge auswählen.",
        FaultCode::NoPhone => "3 bis 20 Ziffern, dazwischen nur Leerzeichen, + ( ) - und /.",
        FaultCode::NoEmail => "Eine Adresse wie name@beispiel.de, oder leer lassen.",
        FaultCode::NoPostalCode => "Fünf Ziffern, oder leer lassen.",
        FaultCode::NoIban => "Eine Ziffer fehlt, ist zu viel oder stimmt nicht: so wie auf der Bankkarte.",
        FaultCode::NoBic => "8 oder 11 Großbuchstaben und Ziffern.",
        FaultCode::NoBoolean => "Ja oder nein auswählen.",
        FaultCode::NoNumber => "Nur Ziffern.",
        FaultCode::NoDate => "Ein Datum, zum Beispiel 23.12.2026.",
        FaultCode::NoTimestamp => "Ein Zeitpunkt, zum Beispiel 2026-12-23T16:30:00+01:00.",
        FaultCode::NoIpAddress => "Eine IP-Adresse.",
        FaultCode::NoLocalTime => "Tag und Uhrzeit angeben, zum Beispiel 14:30.",
        FaultCode::SkippedHour => "Diese Stunde gibt es bei der Zeitumstellung nicht.",
        FaultCode::NoProcedure => "Dieses Verfahren gibt es nicht. Bitte ein anderes auswählen.",
        FaultCode::NoCall => "Der Anruf ist nicht bekannt. Bitte laden Sie die Seite neu.",
        FaultCode::NoTicketNumber => "Eine Vorgangsnummer wie T-7K3M-9QXW.",
        FaultCode::NoTicket => "Diesen Vorgang gibt es nicht.",
        FaultCode::WindowHalf => "Auch die andere Uhrzeit angeben: von und bis.",
        FaultCode::WindowEmpty => "Das Ende muss nach dem Beginn liegen.",
        FaultCode::WindowPast => "Diese Zeit ist schon vorbei.",
        FaultCode::WindowTooFar => "So weit im Voraus geht es nicht. Bitte einen früheren Tag wählen.",
        FaultCode::WindowClosed => "Dann ist keine Servicezeit. Bitte eine andere Zeit vereinbaren.",
        FaultCode::WindowUnwanted => "Hier ohne Wunschzeit: bitte leeren.",
        code => plain_of_tickets(code),
    }
}

/// What to do about slots, and about tickets that are there.
fn plain_of_tickets(code: FaultCode) -> &'static str {
    match code {
        FaultCode::NothingToPay => "Bitte leer lassen: Die bestellten Broschüren sind kostenlos.",
        FaultCode::NoOffer => "Dieses Angebot gibt es nicht. Bitte ein anderes auswählen.",
        FaultCode::OfferClosed => "Die Frist ist abgelaufen.",
        FaultCode::OfferFull => "Kein Platz mehr frei. Bitte etwas anderes auswählen.",
        FaultCode::NoService => "Dafür bietet keine Stelle Termine an.",
        FaultCode::ServiceElsewhere => {
            "Mehrere Stellen bieten das an, die zuständige aber nicht. Bitte Hotline, Kategorie oder Postleitzahl ergänzen."
        }
        FaultCode::NoSlot => "Dann beginnt kein Zeitfenster. Bitte eines der freien auswählen.",
        FaultCode::SlotTooSoon => "Zu kurzfristig oder schon vorbei. Bitte ein späteres auswählen.",
        FaultCode::SlotTooFar => "So weit im Voraus kann nicht gebucht werden.",
        FaultCode::SlotsApart => "Nur Zeitfenster, die direkt aufeinander folgen.",
        FaultCode::TooManySlots => "Zu viele Zeitfenster für einen Termin.",
        FaultCode::SlotTaken => "Gerade ausgebucht. Bitte ein anderes auswählen.",
        FaultCode::NoAppointment => "Zu diesem Vorgang gibt es keinen Termin.",
        FaultCode::NoDepartment => "Diese Stelle gibt es nicht. Bitte eine andere auswählen.",
        FaultCode::SameDepartment => "Der Vorgang liegt schon bei dieser Stelle.",
        FaultCode::NothingOwed => {
            "Der Vorgang ist erledigt. Öffnen Sie ihn wieder, oder erfassen Sie einen neuen."
        }
        FaultCode::StillOwed => {
            "Der Vorgang ist noch offen. Fügen Sie das Anliegen hinzu, statt ihn wieder zu öffnen."
        }
        FaultCode::SettledLongAgo => {
            "Zu lange erledigt, um ihn wieder zu öffnen. Bitte einen neuen erfassen."
        }
        FaultCode::AlreadyClosed => "Der Vorgang ist schon abgeschlossen.",
        FaultCode::Full => "Der Vorgang hat schon so viele Anliegen wie möglich. Bitte einen neuen erfassen.",
        FaultCode::Erased => "Der Vorgang wurde gelöscht.",
        FaultCode::Restricted => "Die Verarbeitung des Vorgangs ist eingeschränkt.",
        FaultCode::KeyTaken => {
            "Dieser Entwurf wurde schon einmal mit anderen Angaben gespeichert. Sehen Sie unter „Bekannte Vorgänge“ nach; soll \
             es ein weiterer Vorgang werden, senden Sie noch einmal."
        }
        _ => "Diese Angabe kann so nicht verwendet werden.",
    }
}

/// The name of the input that a fault is shown at; `None` for what has none.
pub(super) fn input(fault: &FieldFault, procedure: &proto::Procedure) -> Option<String> {
    let name = match fault.field.as_str() {
        "hotline" => "hotline",
        "category" => "kategorie",
        "wished_from" => "wunsch.von",
        "wished_until" => "wunsch.bis",
        "department" => "stelle",
        "department_reason" => "stelle.grund",
        "add_to" => "zu_vorgang",
        "procedure" => "verfahren",
        id if procedure
            .fields
            .iter()
            .any(|rule| rule.id == id && !rule.from_system) =>
        {
            return Some(format!("{}{id}", super::entered::FIELD));
        }
        _ => return None,
    };
    Some(name.to_owned())
}

/// What a refused act says, in German; `None` if the refusal names no field.
pub(super) fn refusal(status: &tonic::Status) -> Option<String> {
    let faults = wire::faults::faults(status);
    let texts: Vec<String> = faults.iter().map(|fault| text(fault, None)).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_german_words_with_and_without_a_procedure() {
        let procedure = proto::Procedure::default();
        for code in FaultCode::ALL {
            for field in ["phone", "hotline", "slots", "idempotency_key", "department"] {
                let fault = FieldFault::of(field, *code, "enter it");
                for procedure in [None, Some(&procedure)] {
                    let text = text(&fault, procedure);
                    assert!(text.ends_with('.') && text.len() > 10, "{}: {text}", code.name());
                    assert!(!text.contains("enter it"), "{}", code.name());
                }
            }
        }
    }

    #[test]
    fn codes_that_ask_for_different_things_have_different_words() {
        let same = [FaultCode::RequiredWith, FaultCode::FromSystem];
        let codes = FaultCode::ALL.iter().filter(|code| !same.contains(code));
        let texts: Vec<&str> = codes.map(|code| plain(*code)).collect();
        let different: HashSet<&&str> = texts.iter().collect();
        assert_eq!(different.len(), texts.len());
    }

    #[test]
    fn a_fault_names_the_other_ways_by_their_titles() {
        let field = |id: &str, title: &str| proto::FieldRule {
            id: id.to_owned(),
            title: title.to_owned(),
            longest: 40,
            ..Default::default()
        };
        let procedure = proto::Procedure {
            reachable_by: vec!["phone".to_owned(), "email".to_owned()],
            fields: vec![field("phone", "Telefonnummer"), field("email", "E-Mail-Adresse")],
            ..Default::default()
        };
        let fault = FieldFault::of("phone", FaultCode::Unreachable, "");
        let text = text(&fault, Some(&procedure));
        assert!(text.contains("Telefonnummer oder E-Mail-Adresse"), "{text}");
        let fault = FieldFault::of("phone", FaultCode::TooLong, "");
        assert!(super::text(&fault, Some(&procedure)).contains("40 Zeichen"));
        assert_eq!(input(&fault, &procedure).as_deref(), Some("feld.phone"));
    }
}
