//! The identity of a row: what the row says, not how it is written.

use domain::ids::RowDigest;
use domain::record::{CallRecord, Field};
use importer::DoubleHour;
use importer::hotline_export::{ExportItem, ExportMap, ExportReader};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What can be told of an item however its row is written.
type Told = (RowDigest, u32, Result<CallRecord, (Option<Field>, String)>);

fn told(bytes: &[u8]) -> Vec<Told> {
    told_with(bytes, ExportMap::built_in(), DoubleHour::ByOrder)
}

fn told_with(bytes: &[u8], map: ExportMap, double_hour: DoubleHour) -> Vec<Told> {
    ExportReader::open(bytes, map, double_hour)
        .expect("an export")
        .map(|item| match item.expect("memory can be read") {
            ExportItem::Row(row) => (row.digest, row.occurrence, Ok(row.record)),
            ExportItem::Unreadable(row) => (row.digest, row.occurrence, Err((row.field, row.reason))),
        })
        .collect()
}

/// A value of a row that can be written in two styles.
#[derive(Clone, Debug)]
enum Cell {
    Text(String),
    Duration(i64),
    Flag(Option<bool>),
    Time { day: u32, second: u32 },
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dress {
    /// Windows-1252, `;`, CRLF, `h:mm:ss,mmm`, ja and nein.
    German,
    /// UTF-8 with byte order mark, tab, LF, seconds, 1 and 0, ISO time stamps.
    Plain,
}

impl Cell {
    fn written(&self, dress: Dress) -> String {
        match (self, dress) {
            (Self::Text(text), Dress::German) => text.replace('\n', "\r\n"),
            (Self::Text(text), Dress::Plain) => format!(" {text} "),
            (Self::Flag(None), _) => String::new(),
            (Self::Flag(Some(flag)), Dress::German) => (if *flag { "Ja" } else { "nein" }).to_owned(),
            (Self::Flag(Some(flag)), Dress::Plain) => u8::from(*flag).to_string(),
            (Self::Duration(duration_ms), _) => {
                let sign = if *duration_ms < 0 { "-" } else { "" };
                let (seconds, rest) = (duration_ms.abs() / 1000, duration_ms.abs() % 1000);
                let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
                match dress {
                    Dress::German => format!("{sign}{hours:02}:{minutes:02}:{:02},{rest:03}", seconds % 60),
                    Dress::Plain => format!("{sign}{seconds}.{rest:03}"),
                }
            }
            (Self::Time { day, second }, _) => {
                let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
                match dress {
                    Dress::German => format!("{day:02}.10.2024 {hour:02}:{minute:02}:{second:02}"),
                    Dress::Plain => format!("2024-10-{day:02}T{hour:02}:{minute:02}:{second:02}"),
                }
            }
        }
    }
}

/// The file in a dress, with its columns in the given order.
fn file(rows: &[Vec<Cell>], order: &[usize], dress: Dress) -> Vec<u8> {
    let (separator, end) = if dress == Dress::German {
        (';', "\r\n")
    } else {
        ('\t', "\n")
    };
    let mut text = String::new();
    let line = |cells: Vec<String>| {
        let quoted = cells.iter().map(|cell| {
            if cell.contains([separator, '"', '\n']) || cell.len() % 7 == 3 {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        });
        quoted.collect::<Vec<_>>().join(&separator.to_string()) + end
    };
    text += &line(
        order
            .iter()
            .map(|column| Field::ALL[*column].heading().to_owned())
            .collect(),
    );
    for row in rows {
        text += &line(order.iter().map(|column| row[*column].written(dress)).collect());
    }
    match dress {
        Dress::German => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        Dress::Plain => format!("\u{feff}{text}").into_bytes(),
    }
}

fn text() -> impl Strategy<Value = Cell> {
    "[a-zA-ZäöüßÄÖÜ€„“ ;,\"\t\n0-9+@.-]{0,12}".prop_map(Cell::Text)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Cell> {
    select(words).prop_map(|word| Cell::Text(word.to_owned()))
}

fn cell(field: Field) -> BoxedStrategy<Cell> {
    match field {
        Field::StartedAt => (25..29_u32, 0..86_400_u32)
            .prop_map(|(day, second)| Cell::Time { day, second })
            .boxed(),
        Field::TaskType => word(&["Anruf eingehend", "Rückruf", "E-Mail", "Telegramm"]).boxed(),
        Field::ConnectionStatus => {
            word(&["Verbunden", "Überlauf", "Außerhalb der Servicezeit", "Weiß nicht"]).boxed()
        }
        Field::Caller | Field::DialledAddress => prop_oneof![text(), word(&["unterdrückt", "115"])].boxed(),
        Field::Hotline => prop_oneof![text(), word(&["Bürgertelefon", "Umwelt „Grün“"])].boxed(),
        Field::Billable
        | Field::Ring
        | Field::Talk
        | Field::Hold
        | Field::Wait
        | Field::ConsultTalk
        | Field::AfterCallWork => (-100_000_000..100_000_000_i64).prop_map(Cell::Duration).boxed(),
        Field::CustomerRecordCount
        | Field::CustomerConnectionCount
        | Field::ConsultCount
        | Field::ConsultConnectionCount
        | Field::NetworkOverflowCount => word(&["0", "1", "17", "", "viele"]).boxed(),
        _ => proptest::option::of(any::<bool>()).prop_map(Cell::Flag).boxed(),
    }
}

fn rows() -> impl Strategy<Value = Vec<Vec<Cell>>> {
    vec(Field::ALL.map(cell).to_vec(), 1..8)
}

proptest! {
    #[test]
    fn the_same_rows_in_another_dress_are_the_same_calls(
        rows in rows(),
        order in Just((0..24).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let rows = [&rows[..], &rows[..1]].concat();
        let in_order: Vec<usize> = (0..24).collect();
        let german = told(&file(&rows, &in_order, Dress::German));
        let plain = told(&file(&rows, &order, Dress::Plain));
        prop_assert_eq!(german.len(), rows.len());
        prop_assert_eq!(german.last().map(|told| told.0), german.first().map(|told| told.0));
        prop_assert!(german.last().is_some_and(|told| told.1 >= 2));
        prop_assert_eq!(german, plain);
    }

    #[test]
    fn rows_that_say_something_else_are_other_calls(rows in rows(), field in 0..24_usize, other in rows()) {
        let mut changed = rows[0].clone();
        changed[field] = other[0][field].clone();
        let says_the_same = {
            let [before, after] = [&rows[0][field], &changed[field]].map(|cell| cell.written(Dress::German));
            before.replace("\r\n", "\n").trim() == after.replace("\r\n", "\n").trim()
        };
        let in_order: Vec<usize> = (0..24).collect();
        let told = told(&file(&[rows[0].clone(), changed], &in_order, Dress::German));
        prop_assert_eq!(told[0].0 == told[1].0, says_the_same || is_zero(&rows[0][field]) && is_zero(&other[0][field]));
    }
}

fn is_zero(cell: &Cell) -> bool {
    matches!(cell, Cell::Duration(0))
}

const HEADING: &str =
    "Zeitstempel;Task Typ;Eingangsthema;Verbindungsstatus;Kunden Sprechzeit;Externer Kontakt\n";

#[test]
fn a_rejected_row_keeps_its_identity_when_the_map_learns_its_words() {
    let text = format!("{HEADING}26.10.2024 14:25;Telegramm;BT;Gespräch;5;oui\n");
    let before = told(text.as_bytes());
    let learned = "[task_type]\nletter = [\"Telegramm\"]\n[connection_status]\nanswered = [\"Gespräch\"]\n\
                   [hotlines]\n\"Bürgertelefon\" = [\"BT\"]\n[flags]\nyes = [\"oui\"]";
    let map = ExportMap::built_in().extended(learned).unwrap();
    let after = told_with(text.as_bytes(), map, DoubleHour::ByOrder);
    assert!(before[0].2.is_err());
    assert!(after[0].2.is_ok());
    assert_eq!((before[0].0, before[0].1), (after[0].0, after[0].1));
}

#[test]
fn the_policy_for_the_double_hour_is_no_part_of_the_identity() {
    let text = format!("{HEADING}27.10.2024 02:30;Fax;Fax;Verbunden;5;1\n");
    let [earlier, later, rejected] = [DoubleHour::Earlier, DoubleHour::Later, DoubleHour::Reject]
        .map(|policy| told_with(text.as_bytes(), ExportMap::built_in(), policy).remove(0));
    assert_eq!((earlier.0, later.0), (later.0, rejected.0));
    assert_ne!(earlier.2, later.2);
    assert!(rejected.2.is_err());
}

#[test]
fn an_absent_column_is_an_absent_value() {
    let with = format!("{HEADING}26.10.2024 14:25;Fax;Fax;Verbunden;;\n");
    let without =
        "Zeitstempel;Task Typ;Eingangsthema;Verbindungsstatus\n26.10.2024 14:25:00;Fax;Fax;Verbunden";
    assert_eq!(told(with.as_bytes()), told(without.as_bytes()));
}

#[test]
fn equal_rows_are_numbered_in_the_order_of_the_file_read_or_not() {
    let call = "26.10.2024 14:25;Fax;Fax;Verbunden;5;1\n";
    let torn = "26.10.2024 14:25;Fax\n";
    let text = format!("{HEADING}{call}{torn}{call}{torn}{call}");
    let told = told(text.as_bytes());
    assert_eq!(
        told.iter().map(|told| told.1).collect::<Vec<_>>(),
        [1, 1, 2, 2, 3]
    );
}
