//! The hotline's export, written and read again.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use domain::ids::HotlineName;
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, ConnectionStatus, Field, TaskType};
use importer::hotline_export::{ExportError, ExportItem, ExportMap, ExportReader, ExportWriter};
use importer::{DoubleHour, TextEncoding};
use proptest::prelude::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

fn written(records: &[CallRecord], encoding: TextEncoding) -> Vec<u8> {
    let mut writer = ExportWriter::new(Vec::new(), encoding).unwrap();
    for record in records {
        writer.write(record).unwrap();
    }
    writer.finish().unwrap()
}

/// The records of a file, as intake keeps them.
fn read(file: &[u8]) -> Vec<CallRecord> {
    let reader = ExportReader::open(file, ExportMap::built_in(), DoubleHour::default()).unwrap();
    let records = reader.filter_map(|item| match item.unwrap() {
        ExportItem::Row(row) => Some(row.record.examined(now()).unwrap()),
        ExportItem::Unreadable(_) => None,
    });
    records.collect()
}

fn record(at: DateTime<Utc>) -> CallRecord {
    CallRecord::new(
        at,
        TaskType::InboundCall,
        HotlineName::new("Bürgertelefon"),
        ConnectionStatus::Answered,
    )
}

/// Minutes after midnight UTC of the day on which an hour happens twice: 0 to 60 is its first pass, 60 to 120 the
/// second.
fn double_hour(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 10, 27, 0, 0, 0).unwrap() + TimeDelta::minutes(minute)
}

#[test]
fn the_mixed_file_survives_in_both_encodings() {
    let mut records = read(include_bytes!("../data/hotline-export-mixed.csv"));
    assert_eq!(records.len(), 606);
    records.sort_by_key(|record| record.started_at);
    for encoding in [TextEncoding::Utf8, TextEncoding::Windows1252] {
        assert_eq!(read(&written(&records, encoding)), records, "{encoding}");
    }
}

#[test]
fn every_value_is_written_as_the_hotline_writes_it() {
    let mut call = record(Utc.with_ymd_and_hms(2024, 7, 1, 6, 30, 5).unwrap());
    call.caller = Some(Caller::Withheld);
    call.dialled_address = Some("0211 837-1001; \"Zentrale\"".to_owned());
    call.billable_ms = Some(3_661_000);
    call.wait_ms = Some(25_954);
    call.talk_ms = Some(-5_000);
    call.consult_count = Some(2);
    call.external_contact = Some(true);
    call.inbound_contact = Some(false);
    let file = written(&[call.examined(now()).unwrap()], TextEncoding::Utf8);
    let text = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    let headings: Vec<&str> = Field::ALL.iter().map(|field| field.heading()).collect();
    assert_eq!(lines[0], headings.join(";"));
    assert_eq!(
        lines[1],
        "01.07.2024 08:30:05;Anruf eingehend;unterdrückt;\"0211 837-1001; \"\"Zentrale\"\"\";Bürgertelefon;Verbunden;\
         ;;01:01:01;;-00:00:05;;00:00:25,954;2;;;;;1;0;;;;"
    );
    assert_eq!(lines[2..], [""]);
}

#[test]
fn both_passes_of_the_double_hour_survive_however_few_calls_there_are() {
    for minutes in [
        &[-30, 10, 50, 70, 110, 130][..],
        &[10, 70],
        &[10, 110],
        &[70],
        &[0, 60],
        &[59, 119, 130],
        &[60, 61],
    ] {
        let records: Vec<_> = minutes
            .iter()
            .map(|minute| record(double_hour(*minute)))
            .collect();
        let file = written(&records, TextEncoding::Utf8);
        assert_eq!(read(&file), records, "{}", String::from_utf8_lossy(&file));
    }
}

#[test]
fn a_letter_that_the_encoding_lacks_is_named_by_row_and_field() {
    let mut writer = ExportWriter::new(Vec::new(), TextEncoding::Windows1252).unwrap();
    writer.write(&record(now())).unwrap();
    let mut call = record(now());
    call.caller = Some(Caller::Given(Personal::new("Łódź@example.org")));
    let refused = writer.write(&call);
    assert!(
        matches!(
            refused,
            Err(ExportError::Letter {
                row: 2,
                field: Field::Caller
            })
        ),
        "{refused:?}"
    );
}

fn any_record() -> impl Strategy<Value = CallRecord> {
    let duration = || prop::option::of(-10_000_i64..100_000_000);
    let texts = (
        "[a-zA-Z0-9äöüß;\"+/ -]{1,12}",
        "[a-zäöü;\" ]{0,8}x",
        prop::option::of("[0-9]{3,14}"),
    );
    (
        -120 * 60_000_i64..240 * 60_000,
        texts,
        (duration(), duration(), duration(), duration()),
        (prop::option::of(0_u32..9), prop::option::of(any::<bool>())),
        (0..TaskType::ALL.len(), 0..ConnectionStatus::ALL.len()),
    )
        .prop_map(
            |(at_ms, (hotline, address, caller), durations, (count, flag), (kind, status))| {
                let at = double_hour(0) + TimeDelta::milliseconds(at_ms);
                let mut record = CallRecord::new(
                    at,
                    TaskType::ALL[kind],
                    HotlineName::new(format!("H{hotline}")),
                    ConnectionStatus::ALL[status],
                );
                record.caller = caller.map(|caller| Caller::Given(Personal::new(caller)));
                record.dialled_address = Some(address.trim().to_owned());
                (
                    record.ring_ms,
                    record.talk_ms,
                    record.wait_ms,
                    record.consult_talk_ms,
                ) = durations;
                record.consult_count = count;
                record.network_overflow_count = count;
                record.direct_topic_dial = flag;
                record.examined(now()).unwrap()
            },
        )
}

proptest! {
    #[test]
    fn records_in_the_order_of_their_start_survive(mut records in prop::collection::vec(any_record(), 0..40)) {
        records.sort_by_key(|record| record.started_at);
        for encoding in [TextEncoding::Utf8, TextEncoding::Windows1252] {
            prop_assert_eq!(&read(&written(&records, encoding)), &records);
        }
    }
}
