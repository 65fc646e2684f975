//! The columns of figures, with their German headings.

use wire::v1::reporting as proto;

use crate::sheet::{Cell, Chart, Column};

/// Places of some columns among those of figures.
const OFFERED: usize = 7;
const ANSWERED: usize = 8;
const ABANDONED: usize = 9;
const SERVICE_LEVEL: usize = 16;

/// The columns of figures; `within` are the thresholds that were asked for.
pub fn columns(within: &[u32]) -> Vec<Column> {
    let both = |pairs: &[(&'static str, &str)]| -> Vec<Column> {
        let column = |(title, heading): &(&'static str, &str)| Column::new(title, *heading);
        pairs.iter().map(column).collect()
    };
    let extra = |headings: &[&str]| -> Vec<Column> { headings.iter().map(|it| Column::extra(*it)).collect() };
    let thresholds = within.iter().flat_map(|seconds| {
        [
            Column::extra(format!("Angenommen in höchstens {seconds} s")),
            Column::extra(format!("Aufgelegt in höchstens {seconds} s")),
        ]
    });
    [
        both(&[("contacts", "Kontakte"), ("not offered", "Nicht angeboten")]),
        extra(&[
            "Abbruch Ansage",
            "Besetzt",
            "Außerhalb der Servicezeit",
            "Keine Antwort",
            "Fehler",
        ]),
        both(&[
            ("offered", "Angeboten"),
            ("answered", "Angenommen"),
            ("abandoned", "Aufgelegt"),
        ]),
        extra(&["davon Kurzabbrüche"]),
        both(&[
            ("overflowed", "Überlauf"),
            ("diverted", "Umgeleitet"),
            ("unresolved", "Ungeklärt"),
            ("waiting", "Wartend"),
        ]),
        extra(&["Servicelevel erfüllt"]),
        both(&[("level", "Servicelevel"), ("asa s", "Mittlere Annahmezeit (s)")]),
        extra(&[
            "Mittlere Zeit bis zum Auflegen (s)",
            "Mittlere Bearbeitungszeit (s)",
            "Mittlere Sprechzeit (s)",
            "Mittlere Haltezeit (s)",
            "Mittlere Nachbearbeitungszeit (s)",
            "Längste Annahmezeit (s)",
            "Längste Zeit bis zum Auflegen (s)",
            "Im Erstkontakt erledigt",
            "Angenommen mit Ticket",
            "Rückrufwünsche",
            "Weiterleitungen",
            "Rückfragen",
            "Sprachnachrichten",
            "Überlauf von anderen",
            "Netzüberläufe",
            "Abgehende Kontakte",
            "Abgehend erreicht",
        ]),
        thresholds.collect(),
    ]
    .concat()
}

/// The figures of a row, in the order of [`columns`].
pub fn cells(figures: &proto::Totals) -> Vec<Cell> {
    let counts = |values: &[i64]| -> Vec<Cell> { values.iter().map(|it| Cell::Count(*it)).collect() };
    let longest = |ms: Option<i64>| Cell::seconds(ms.map(|ms| ms as f64));
    let within = figures
        .answered_within
        .iter()
        .zip(&figures.abandoned_within)
        .flat_map(|(answered, abandoned)| [Cell::Count(answered.visits), Cell::Count(abandoned.visits)]);
    let outbound = figures.outbound.unwrap_or_default();
    [
        counts(&[
            figures.contacts,
            figures.not_offered,
            figures.abandoned_before_queue,
            figures.busy,
            figures.out_of_hours,
            figures.no_answer,
            figures.failed,
            figures.offered,
            figures.answered,
            figures.abandoned,
            figures.short_abandoned,
            figures.overflowed,
            figures.diverted,
            figures.unresolved,
            figures.waiting,
            figures.service_level_met,
        ]),
        vec![
            Cell::share(figures.service_level),
            Cell::seconds(figures.average_speed_of_answer_ms),
            Cell::seconds(figures.average_time_to_abandon_ms),
            Cell::seconds(figures.average_handle_ms),
            Cell::seconds(figures.average_talk_ms),
            Cell::seconds(figures.average_hold_ms),
            Cell::seconds(figures.average_after_call_work_ms),
            longest(figures.longest_time_to_answer_ms),
            longest(figures.longest_time_to_abandon_ms),
            Cell::share(figures.settled_at_first_contact),
        ],
        counts(&[
            figures.answered_with_ticket,
            figures.callbacks_logged,
            figures.transfers,
            figures.consults,
            figures.voice_messages,
            figures.overflowed_in,
            figures.network_overflows,
            outbound.placed,
            outbound.reached,
        ]),
        within.collect(),
    ]
    .concat()
}

/// The charts of figures that stand behind `before` other columns.
pub fn charts(before: usize) -> Vec<Chart> {
    vec![
        Chart {
            title: "Angeboten, angenommen, aufgelegt",
            columns: [OFFERED, ANSWERED, ABANDONED]
                .map(|place| before + place)
                .to_vec(),
            is_share: false,
        },
        Chart {
            title: "Servicelevel",
            columns: vec![before + SERVICE_LEVEL],
            is_share: true,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_has_its_column() {
        let within = |seconds| proto::Within { seconds, visits: 7 };
        let figures = proto::Totals {
            offered: 1,
            answered: 2,
            abandoned: 3,
            service_level: Some(0.5),
            answered_within: vec![within(20), within(30)],
            abandoned_within: vec![within(20), within(30)],
            ..proto::Totals::default()
        };
        let (columns, cells) = (columns(&[20, 30]), cells(&figures));
        assert_eq!(columns.len(), cells.len());
        for (place, heading, cell) in [
            (OFFERED, "Angeboten", Cell::Count(1)),
            (ANSWERED, "Angenommen", Cell::Count(2)),
            (ABANDONED, "Aufgelegt", Cell::Count(3)),
            (SERVICE_LEVEL, "Servicelevel", Cell::Share(0.5)),
        ] {
            assert_eq!((columns[place].heading.as_str(), &cells[place]), (heading, &cell));
        }
    }
}
