//! The hotline's export, from the bytes of a file to its items.

use std::collections::BTreeMap;
use std::io::{self, Read};

use chrono::{DateTime, TimeZone, Utc};
use domain::personal::Caller;
use domain::record::{CallRecord, ConnectionStatus, DoubtReason, Field, TaskType};
use importer::hotline_export::{ExportItem, ExportMap, ExportReader, Row, UnreadableRow};
use importer::{DoubleHour, ImportError, TextEncoding};
use proptest::prelude::*;

const HEADING: &str =
    "Zeitstempel;Task Typ;Eingangsthema;Verbindungsstatus;Anrufer;Kunden Sprechzeit;Externer Kontakt";

fn open(bytes: &[u8]) -> Result<ExportReader<&[u8]>, ImportError> {
    ExportReader::open(bytes, ExportMap::built_in(), DoubleHour::ByOrder)
}

fn items(bytes: &[u8]) -> Vec<ExportItem> {
    open(bytes)
        .expect("an export")
        .map(|item| item.expect("readable"))
        .collect()
}

fn parted(items: Vec<ExportItem>) -> (Vec<Row>, Vec<UnreadableRow>) {
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            ExportItem::Row(row) => rows.push(row),
            ExportItem::Unreadable(row) => unreadable.push(row),
        }
    }
    (rows, unreadable)
}

fn windows_1252(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

/// The one row beneath [`HEADING`], read.
fn row(text: &str) -> CallRecord {
    let (rows, unreadable) = parted(items(format!("{HEADING}\n{text}\n").as_bytes()));
    assert_eq!(unreadable, [], "{text}");
    rows.into_iter().next().expect("a row").record
}

/// The one row beneath [`HEADING`], refused.
fn refused(text: &str) -> UnreadableRow {
    let (rows, unreadable) = parted(items(format!("{HEADING}\n{text}\n").as_bytes()));
    assert_eq!(rows, [], "{text}");
    unreadable.into_iter().next().expect("a row")
}

fn at(hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 10, 26, hour, minute, second).unwrap()
}

#[test]
fn the_mixed_file_gives_every_row_that_it_should() {
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("../data/hotline-export-mixed.expected.json")).unwrap();
    let mut reader = open(include_bytes!("../data/hotline-export-mixed.csv")).unwrap();
    let (rows, unreadable) = parted(reader.by_ref().map(Result::unwrap).collect());
    assert_eq!(
        (reader.encoding(), reader.separator()),
        (Some(TextEncoding::Utf8), '\t')
    );
    assert_eq!(
        (reader.columns().recognised.len(), reader.columns().unknown.len()),
        (24, 0)
    );
    assert_eq!(reader.local_time().double_hour_rows, 19);
    assert_eq!(rows.len(), expected["accepted"]);
    assert_eq!(unreadable.len(), expected["rejected"]);

    let records: Vec<_> = rows
        .iter()
        .map(|row| {
            row.record
                .clone()
                .examined(at(12, 0, 0) + chrono::TimeDelta::days(9))
                .unwrap()
        })
        .collect();
    assert_eq!(
        records.iter().filter(|record| !record.doubts.is_empty()).count(),
        expected["flagged"]
    );
    let mut contacts = BTreeMap::<&str, u64>::new();
    for record in &records {
        *contacts.entry(record.hotline.as_str()).or_default() += 1;
    }
    for group in expected["groups"].as_array().unwrap() {
        assert_eq!(
            contacts[group["group"].as_str().unwrap()],
            group["contacts"].as_u64().unwrap()
        );
    }
    let answered: Vec<_> = records
        .iter()
        .filter(|record| record.task_type == TaskType::InboundCall && !record.is_outbound())
        .filter(|record| record.connection_status == ConnectionStatus::Answered)
        .collect();
    assert_eq!(answered.len(), expected["total"]["answered"]);
    let talk_ms: i64 = answered.iter().filter_map(|record| record.talk_ms).sum();
    assert_eq!(talk_ms, expected["total"]["talk_ms"]);
}

#[test]
fn the_rows_of_the_mixed_file_that_cannot_be_read_say_why() {
    let (rows, unreadable) = parted(items(include_bytes!("../data/hotline-export-mixed.csv")));
    let shown: Vec<_> = unreadable.iter().map(ToString::to_string).collect();
    assert!(shown[0].ends_with(
        "\"Zeitstempel\" (started_at): \"31.02.2024 10:00:00\" does not exist; \
         correct it at its source and import the file again"
    ));
    assert_eq!(
        shown[4],
        "line 612: 3 columns instead of 24; complete the row at its source and import the file again"
    );
    assert_eq!(unreadable[4].raw.reveal(), b"nur\tdrei\tSpalten");
    assert!(rows.iter().any(|row| row.occurrence == 2));
    assert!(rows.iter().all(|row| row.occurrence <= 2));
}

#[test]
fn a_windows_1252_file_with_clock_durations_is_read() {
    let text = "Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Gewählte Adresse;\
                Eingangsthema (angerufene Hotline);Verbindungsstatus;Kunden Wartezeit;Netzwerk Überläufe;Bemerkung\r\n\
                26.10.2024 14:25:45;Rückruf;unterdrückt;0211 837-1001;Umwelt „Grün“;Überlauf;00:01:22,5;1;€\r\n\r\n";
    let bytes = windows_1252(text);
    let mut reader = open(&bytes).unwrap();
    let (rows, unreadable) = parted(reader.by_ref().map(Result::unwrap).collect());
    assert_eq!(unreadable, []);
    let record = &rows[0].record;
    assert_eq!((rows[0].line, record.started_at), (2, at(12, 25, 45)));
    assert_eq!(
        (record.task_type, record.connection_status),
        (TaskType::Callback, ConnectionStatus::Overflowed)
    );
    assert_eq!(
        (record.hotline.as_str(), record.dialled_address.as_deref()),
        ("Umwelt „Grün“", Some("0211 837-1001"))
    );
    assert_eq!(
        (record.wait_ms, record.network_overflow_count, record.talk_ms),
        (Some(82_500), Some(1), None)
    );
    assert_eq!(record.caller, Some(Caller::Withheld));
    assert_eq!(reader.encoding(), Some(TextEncoding::Windows1252));
    assert_eq!(reader.columns().unknown, ["Bemerkung"]);
    assert_eq!(reader.columns().missing.len(), 16);
}

#[test]
fn the_first_row_beyond_ascii_decides_the_encoding() {
    let ascii = "26.10.2024 14:25:45;Fax;Fax;Verbunden;;;\n";
    let umlaut = "26.10.2024 14:25:46;R\u{fc}ckruf;Fax;\u{dc}berlauf;;;\n";
    let text = format!("{HEADING}\n{ascii}{umlaut}");
    for bytes in [text.clone().into_bytes(), windows_1252(&text)] {
        let (rows, unreadable) = parted(items(&bytes));
        assert_eq!((rows.len(), unreadable.len()), (2, 0));
        assert_eq!(rows[1].record.connection_status, ConnectionStatus::Overflowed);
    }
}

#[test]
fn a_row_of_invalid_utf_8_is_kept_with_the_reason_and_the_rest_goes_in() {
    let mut bytes = format!("\u{feff}{HEADING}\n").into_bytes();
    bytes.extend_from_slice(b"26.10.2024 14:25:45;R\xfcckruf;Fax;Verbunden;;;\n");
    bytes.extend_from_slice("26.10.2024 14:25:45;Rückruf;Fax;Verbunden;;;\n".as_bytes());
    let (rows, unreadable) = parted(items(&bytes));
    assert_eq!(rows.len(), 1);
    assert_eq!(
        unreadable[0].to_string(),
        "line 2, \"Task Typ\" (task_type): invalid UTF-8 (byte 0xFC) in a file that is UTF-8 otherwise; \
         save the whole file in one encoding and import it again"
    );
    assert_eq!(
        unreadable[0].raw.reveal(),
        b"26.10.2024 14:25:45;R\xfcckruf;Fax;Verbunden;;;"
    );
}

#[test]
fn what_is_no_text_file_is_refused_with_the_remedy() {
    for (bytes, expected) in [
        (&b""[..], "the file is empty"),
        (b"\xef\xbb\xbf\n  \n", "the file is empty"),
        (
            b"\xff\xfeZ\0e\0",
            "the file is UTF-16 (\"Unicode\"); save it as UTF-8 or Windows-1252",
        ),
        (
            b"Z\0e\0i\0t\0",
            "the file is no text in a known encoding; save it as",
        ),
        (
            b"PK\x03\x04",
            "an Excel workbook or a ZIP archive; save it as CSV",
        ),
        (b"\x1f\x8b\x08", "the file is compressed; unpack it"),
        (b"Datum;Nummer\n", "line 1 holds none of the headings"),
    ] {
        let message = open(bytes)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn an_optional_value_that_cannot_be_read_is_doubtful_and_the_row_counts() {
    let record = row("26.10.2024 14:25:45;Fax;Fax;Verbunden;115;1:22;vielleicht");
    assert_eq!((record.talk_ms, record.external_contact), (None, None));
    let doubts: Vec<_> = record
        .doubts
        .iter()
        .map(|doubt| (&*doubt.field, doubt.raw.reveal(), doubt.reason))
        .collect();
    assert_eq!(
        doubts,
        [
            ("talk", "1:22", DoubtReason::Unreadable),
            ("external_contact", "vielleicht", DoubtReason::Unreadable)
        ]
    );
}

#[test]
fn a_negative_duration_is_left_to_the_examination_of_the_record() {
    let record = row("26.10.2024 14:25:45;Fax;Fax;Verbunden;115;-5;1");
    assert_eq!((record.talk_ms, record.doubts.len()), (Some(-5_000), 0));
}

#[test]
fn a_caller_is_withheld_unknown_or_as_delivered() {
    for (written, expected) in [
        ("Unterdrueckt", Some(Caller::Withheld)),
        ("anonym", Some(Caller::Withheld)),
        ("unbekannt", None),
        ("", None),
        (
            " 0211/837-3069 ",
            Some(Caller::Given(domain::personal::Personal::new("0211/837-3069"))),
        ),
    ] {
        assert_eq!(
            row(&format!("26.10.2024 14:25:45;Fax;Fax;Verbunden;{written};;")).caller,
            expected
        );
    }
}

#[test]
fn a_flag_is_read_in_every_style() {
    for (written, expected) in [
        ("1", Some(true)),
        ("JA", Some(true)),
        ("x", Some(true)),
        ("false", Some(false)),
        ("nein", Some(false)),
        ("", None),
    ] {
        let record = row(&format!("26.10.2024 14:25:45;Fax;Fax;Verbunden;;;{written}"));
        assert_eq!(
            (record.external_contact, record.doubts.len()),
            (expected, 0),
            "{written}"
        );
    }
}

#[test]
fn a_map_of_ones_own_changes_what_words_mean() {
    let own = "[hotlines]\n\"Bürgertelefon\" = [\"BT\"]\n[flags]\nyes = [\"oui\"]\nempty_is_no = true\n\
               [headings]\nwait = [\"Geduld\"]\n[connection_status]\nanswered = [\"Gespräch\"]";
    let text = format!(
        "{HEADING};Geduld\n26.10.2024 14:25:45;Fax;bt;gespraech;;;oui;5\n26.10.2024 14:25:45;Fax;x;Verbunden;;;;"
    );
    let map = ExportMap::built_in().extended(own).unwrap();
    let reader = ExportReader::open(text.as_bytes(), map, DoubleHour::ByOrder).unwrap();
    let (rows, unreadable) = parted(reader.map(Result::unwrap).collect());
    assert_eq!(unreadable, []);
    let record = &rows[0].record;
    assert_eq!(
        (record.hotline.as_str(), record.wait_ms, record.external_contact),
        ("Bürgertelefon", Some(5000), Some(true))
    );
    assert_eq!(rows[1].record.external_contact, Some(false));
}

#[test]
fn a_row_that_is_no_call_says_which_field_and_what_to_do() {
    for (text, field, reason) in [
        (
            ";Fax;Fax;Verbunden;;;",
            Field::StartedAt,
            "is empty; add the time at its source",
        ),
        (
            "gestern;Fax;Fax;Verbunden;;;",
            Field::StartedAt,
            "is no time stamp; write dd.mm.yyyy HH:MM:SS or",
        ),
        (
            "26.10.2024 14:25;Telegramm;Fax;Verbunden;;;",
            Field::TaskType,
            "\"Telegramm\" is not known; add it to [task_type] of the map",
        ),
        (
            "26.10.2024 14:25;Fax;Fax;;;;",
            Field::ConnectionStatus,
            "is empty; add it at its source",
        ),
        (
            "26.10.2024 14:25;Fax; ;Verbunden;;;",
            Field::Hotline,
            "is empty; name the hotline at its source",
        ),
    ] {
        let unreadable = refused(text);
        assert_eq!((unreadable.line, unreadable.field), (2, Some(field)));
        assert!(unreadable.reason.starts_with(reason), "{}", unreadable.reason);
        assert_eq!(unreadable.raw.reveal(), text.as_bytes());
    }
}

#[test]
fn a_reason_and_debug_show_no_number_and_no_address() {
    for word in ["0221 1234567", "jemand97@example.org"] {
        let unreadable = refused(&format!("26.10.2024 14:25;Fax;Fax;{word};;;"));
        assert!(
            unreadable.reason.starts_with("holds a value that is not known"),
            "{}",
            unreadable.reason
        );
        assert!(!format!("{unreadable:?}").contains(word));
        assert!(
            !refused(&format!("{word};Fax;Fax;Verbunden;;;"))
                .reason
                .contains(word)
        );
    }
    let long = "Weiterverbindung".repeat(5);
    let reason = refused(&format!("26.10.2024 14:25;Fax;Fax;{long};;;")).reason;
    assert!(
        reason.starts_with(&format!("\"{}…\" is not known", &long[..39])),
        "{reason}"
    );
}

#[test]
fn surplus_columns_are_an_error_unless_they_are_empty() {
    let unreadable = refused("26.10.2024 14:25;Fax;Steuern; Finanzen;Verbunden;;;1");
    assert_eq!(
        unreadable.reason,
        "8 columns instead of 7; quote values that contain the separator and import the file again"
    );
    assert_eq!(
        row("26.10.2024 14:25;Fax;Fax;Verbunden;;;1; ;;").external_contact,
        Some(true)
    );
}

#[test]
fn blank_rows_are_no_rows() {
    let text = format!("\n{HEADING}\n\n   \n;;;;;;\n26.10.2024 14:25;Fax;Fax;Verbunden;;;1");
    let (rows, unreadable) = parted(items(text.as_bytes()));
    assert_eq!((rows.len(), unreadable.len(), rows[0].line), (1, 0, 6));
}

#[test]
fn a_quotation_mark_that_is_never_closed_costs_one_row() {
    let text = format!(
        "{HEADING}\n26.10.2024 14:25;Fax;\"Fax;Verbunden;;;1\n26.10.2024 14:26;Fax;Fax;Verbunden;;;1\n\
         26.10.2024 14:27;Fax;\"Schule, Bildung\";Verbunden;;;1\n26.10.2024 14:28;Fax;\"Zwei\nZeilen\";Verbunden;;;1\n"
    );
    let (rows, unreadable) = parted(items(text.as_bytes()));
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(
        unreadable[0].to_string(),
        "line 2: a quotation mark is never closed; correct the row at its source and import the file again"
    );
}

#[test]
fn a_row_longer_than_any_real_one_is_set_aside() {
    let text = format!(
        "{HEADING}\n26.10.2024 14:25;Fax;{};Verbunden;;;1\n26.10.2024 14:26;Fax;Fax;Verbunden;;;1\n",
        "ü".repeat(50_000)
    );
    let (rows, unreadable) = parted(items(text.as_bytes()));
    assert_eq!((rows.len(), unreadable.len()), (1, 1));
    assert!(unreadable[0].reason.starts_with("longer than 64 KiB"));
}

#[test]
fn a_file_that_cannot_be_read_on_ends_with_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let start = format!("{HEADING}\n26.10.2024 14:25;Fax;Fax;Verbunden;;;1\n");
    let mut reader = ExportReader::open(
        start.as_bytes().chain(Broken),
        ExportMap::built_in(),
        DoubleHour::ByOrder,
    )
    .unwrap();
    assert!(matches!(reader.next(), Some(Ok(ExportItem::Row(_)))));
    let message = reader.next().unwrap().unwrap_err().to_string();
    assert!(
        message.starts_with("the file could not be read after line 2: the disk is gone; import it again")
    );
    assert!(reader.next().is_none());
}

/// What a fuzzer does, too: anything may come in.
fn read_to_the_end(bytes: &[u8]) {
    for policy in DoubleHour::ALL {
        let Ok(mut reader) = ExportReader::open(bytes, ExportMap::built_in(), policy) else {
            return;
        };
        for item in reader.by_ref() {
            let _ = item.expect("memory can be read");
        }
        assert!(reader.next().is_none());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..400), heading: bool) {
        let start = if heading { format!("{HEADING}\n") } else { String::new() };
        read_to_the_end(&[start.as_bytes(), &bytes].concat());
    }

    #[test]
    fn any_rows_are_read_to_the_end(rows in "([0-9.: +,\";xü\r\n-]|;|\"|27\\.10\\.2024 02:|Fax;|Verbunden;){0,80}") {
        read_to_the_end(format!("{HEADING}\n{rows}").as_bytes());
    }
}
