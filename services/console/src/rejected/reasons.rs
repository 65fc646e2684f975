//! Why something was rejected, in German.

use domain::record::{ConnectionStatus, Field, TaskType};

use crate::shown_ticket::Choice;

/// What a field is called: by its heading where it is one of the 24.
pub(super) fn field(name: &str) -> String {
    let known = Field::ALL.into_iter().find(|field| field.name() == name);
    known.map_or_else(|| name.to_owned(), |field| field.heading().to_owned())
}

/// Where it stood in its file.
pub(super) fn position(position: &str) -> String {
    match position.strip_prefix("line ") {
        Some(line) => format!("Zeile {line}"),
        None => position.to_owned(),
    }
}

/// The reason in German; `None` where it is not known here.
pub(super) fn german(reason: &str) -> Option<String> {
    if let Some(word) = unknown_word(reason) {
        return Some(format!("„{}“ ist nicht bekannt.", word.word));
    }
    let known = KNOWN.iter().find(|(part, _)| reason.contains(part));
    known.map(|(_, german)| (*german).to_owned())
}

const KNOWN: [(&str, &str); 16] = [
    (
        "the call was deleted when its period",
        "Die Aufbewahrungsfrist des Anrufs ist abgelaufen, er ist gelöscht; er kann nicht mehr berichtigt werden. Die Zählwerte bleiben.",
    ),
    (
        "calls of this day were deleted",
        "Anrufe dieses Tages sind nach Ablauf der Aufbewahrungsfrist gelöscht; der Tag kann nicht mehr ersetzt werden. Die Zählwerte bleiben.",
    ),
    (
        "holds a value that is not known",
        "Enthält einen Wert, der nicht bekannt ist.",
    ),
    ("is empty; name the hotline", "Die Hotline fehlt."),
    ("is empty; add the time", "Die Zeit fehlt."),
    ("is empty", "Ist leer."),
    (
        "is no time stamp",
        "Ist keine Zeit; schreiben Sie TT.MM.JJJJ HH:MM:SS.",
    ),
    (
        "happens twice",
        "Liegt in der Stunde, die es bei der Zeitumstellung zweimal gibt.",
    ),
    (
        "for the clock is put forward",
        "Liegt in der Stunde, die es bei der Zeitumstellung nicht gibt.",
    ),
    ("does not exist; correct", "Diese Zeit gibt es nicht."),
    ("lies before 1990", "Die Zeit liegt vor 1990."),
    (
        "lies more than a day in the future",
        "Die Zeit liegt mehr als einen Tag in der Zukunft.",
    ),
    (
        "ended_at lies before started_at",
        "Das Ende liegt vor dem Anfang.",
    ),
    ("is longer than", "Ist zu lang."),
    ("columns", "Die Zeile hat zu wenige oder zu viele Spalten."),
    (
        "give exactly one row",
        "Geben Sie genau eine Zeile an, ohne Überschrift.",
    ),
];

/// A word that no map knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnknownWord {
    pub(super) word: String,
    /// The table of the map that it belongs to.
    pub(super) table: &'static str,
}

const TABLES: [&str; 2] = ["task_type", "connection_status"];

/// Reads `"WORD" is not known; add it to [TABLE] of the map …`.
pub(super) fn unknown_word(reason: &str) -> Option<UnknownWord> {
    let (word, rest) = reason
        .strip_prefix('"')?
        .split_once("\" is not known; add it to [")?;
    let table = TABLES
        .into_iter()
        .find(|table| rest.starts_with(&format!("{table}]")))?;
    Some(UnknownWord {
        word: word.to_owned(),
        table,
    })
}

impl UnknownWord {
    /// What the word may mean.
    pub(super) fn meanings(&self) -> Vec<Choice> {
        let choice = |id: &str, name: &str| Choice {
            id: id.to_owned(),
            name: name.to_owned(),
        };
        match self.table {
            "task_type" => TaskType::ALL
                .iter()
                .map(|it| choice(it.name(), task_type(*it)))
                .collect(),
            _ => ConnectionStatus::ALL
                .iter()
                .map(|it| choice(it.name(), connection_status(*it)))
                .collect(),
        }
    }

    /// The addition to the map that gives the word a meaning; `None` if there is no such meaning.
    pub(super) fn map(&self, meaning: &str) -> Option<String> {
        self.meanings().iter().find(|it| it.id == meaning)?;
        // A JSON string is a basic string of TOML.
        let word = serde_json::Value::from(self.word.as_str());
        Some(format!("[{}]\n{meaning} = [{word}]\n", self.table))
    }

    /// What reasons of the same word contain.
    pub(super) fn part_of_reason(&self) -> String {
        format!("\"{}\" is not known; add it to [{}]", self.word, self.table)
    }
}

fn task_type(task_type: TaskType) -> &'static str {
    match task_type {
        TaskType::InboundCall => "Anruf eingehend",
        TaskType::OutboundCall => "Anruf ausgehend",
        TaskType::Callback => "Rückruf",
        TaskType::VoiceMessage => "Sprachnachricht",
        TaskType::Email => "E-Mail",
        TaskType::Fax => "Fax",
        TaskType::Letter => "Brief",
        TaskType::Chat => "Chat",
    }
}

fn connection_status(status: ConnectionStatus) -> &'static str {
    match status {
        ConnectionStatus::Answered => "Verbunden",
        ConnectionStatus::AbandonedQueued => "Abbruch Warteschlange",
        ConnectionStatus::AbandonedRinging => "Abbruch Rufphase",
        ConnectionStatus::Overflowed => "Überlauf",
        ConnectionStatus::VoiceMessage => "Sprachnachricht",
        ConnectionStatus::ClosedWhileQueued => "Servicezeit beendet",
        ConnectionStatus::AbandonedBeforeQueue => "Abbruch Ansage",
        ConnectionStatus::Busy => "Besetzt",
        ConnectionStatus::OutOfHours => "Außerhalb der Servicezeit",
        ConnectionStatus::NoAnswer => "Keine Antwort",
        ConnectionStatus::Failed => "Fehler",
    }
}

#[cfg(test)]
mod tests {
    use importer::DoubleHour;
    use importer::again::{Again, AgainFault, Delivered, read};

    use super::*;

    fn fault(row: &str, map: Option<&str>) -> Result<Again, AgainFault> {
        read(&Delivered {
            format: "hotline-export",
            context: b"Zeitstempel;Task Typ;Eingangsthema (angerufene Hotline);Verbindungsstatus",
            payload: row.as_bytes(),
            map,
            double_hour: DoubleHour::Reject,
        })
    }

    #[test]
    fn what_the_reader_says_is_said_in_german_and_a_word_gets_its_meaning() {
        let row = "27.11.2026 09:00:00;Anruf eingehend;x;Verbundn";
        let Err(AgainFault::Unreadable { reason, .. }) = fault(row, None) else {
            panic!("the word is not known");
        };
        let word = unknown_word(&reason).expect("a word");
        assert_eq!(
            (word.word.as_str(), word.table),
            ("Verbundn", "connection_status")
        );
        assert!(reason.contains(&word.part_of_reason()));
        assert_eq!(german(&reason).as_deref(), Some("„Verbundn“ ist nicht bekannt."));
        let map = word.map("answered").expect("a meaning");
        assert!(matches!(fault(row, Some(&map)), Ok(Again::Row(..))));
        assert_eq!(word.map("invented"), None);
    }

    #[test]
    fn reasons_of_the_reader_have_german_words() {
        for row in [
            ";Anruf eingehend;x;Verbunden",
            "gestern;Anruf eingehend;x;Verbunden",
            "31.02.2026 09:00:00;Anruf eingehend;x;Verbunden",
            "25.10.2026 02:30:00;Anruf eingehend;x;Verbunden",
            "29.03.2026 02:30:00;Anruf eingehend;x;Verbunden",
            "27.11.2026 09:00:00;Anruf eingehend;;Verbunden",
            "27.11.2026 09:00:00;Anruf eingehend;x;",
            "27.11.2026 09:00:00;Anruf eingehend;x;0221 4711",
        ] {
            let Err(AgainFault::Unreadable { reason, .. }) = fault(row, None) else {
                panic!("{row} is read");
            };
            assert!(german(&reason).is_some(), "{row}: {reason}");
        }
        for rejection in [
            domain::record::RecordRejection::TooOld,
            domain::record::RecordRejection::InTheFuture,
            domain::record::RecordRejection::EndsBeforeStart,
            domain::record::RecordRejection::NoHotline,
            domain::record::RecordRejection::TooLong(Field::Hotline),
        ] {
            assert!(german(&rejection.to_string()).is_some(), "{rejection}");
        }
    }
}
