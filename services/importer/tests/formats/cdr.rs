//! Call detail records of a real Asterisk, one finished record a call.

use std::collections::BTreeMap;

use crate::support::{ASTERISK, Calls, read};
use domain::record::ConnectionStatus;
use importer::cdr::{CdrAdapter, CdrMap};
use importer::{Adapter, CallBody, DoubleHour, Item};

fn adapter() -> CdrAdapter {
    CdrAdapter::new(CdrMap::built_in(), DoubleHour::default())
}

fn statuses(items: &[Item]) -> BTreeMap<&'static str, usize> {
    let mut statuses = BTreeMap::new();
    for call in Calls::of(items).all().into_values() {
        *statuses
            .entry(call.record.unwrap().connection_status.name())
            .or_default() += 1;
    }
    statuses
}

#[test]
fn the_recorded_lines_give_one_record_for_each_call_that_they_tell_of() {
    let mut adapter = adapter();
    let items = read(&mut adapter, &[&ASTERISK.cdr]);
    assert_eq!(adapter.notes().lines, 122);
    assert!(!items.iter().any(|item| matches!(item, Item::Unreadable(_))));
    let calls = Calls::of(&items);
    assert_eq!(calls.all().len(), items.len(), "a record a call");
    println!("{:?} {:?}", statuses(&items), adapter.notes());
    let hung_up = calls.call("1795348108.64").record.unwrap();
    assert_eq!(hung_up.connection_status, ConnectionStatus::AbandonedBeforeQueue);
    let not_answered_before = calls.call("1795347967.2").record.unwrap();
    assert_eq!(not_answered_before.hotline.as_str(), "steuern");
    assert_eq!(not_answered_before.wait_ms, Some(1000));
    assert_eq!(not_answered_before.started_at.timestamp(), 1_795_347_967);
}

#[test]
fn lines_in_another_order_or_in_two_parts_give_the_same_record() {
    let whole = Calls::of(&read(&mut adapter(), &[&ASTERISK.cdr])).all();
    let mut lines: Vec<&[u8]> = ASTERISK.cdr.split_inclusive(|byte| *byte == b'\n').collect();
    lines.reverse();
    let reversed = Calls::of(&read(&mut adapter(), &[&lines.concat()])).all();
    assert_eq!(reversed.len(), whole.len());
    for (id, call) in &whole {
        assert_eq!(reversed[id].record, call.record, "{id}");
    }
    let mut adapter = adapter();
    let (mut given, mut items) = (Calls::default(), Vec::new());
    for (number, line) in ASTERISK.cdr.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let place = importer::Place {
            file: 0,
            offset: number as u64,
            line: number as u64 + 1,
        };
        adapter.read(line.trim_ascii_end(), false, place, &mut items);
        adapter.settle(&mut items);
    }
    given.add(&items);
    for (id, call) in &whole {
        assert_eq!(given.all()[id].record, call.record, "{id}");
    }
}

#[test]
fn the_second_pass_of_the_double_hour_is_known_by_the_unique_id() {
    let line = |unique: &str, start: &str, end: &str| {
        format!(
            "\"\",\"02214710366\",\"8001\",\"in\",\"\",\"SIP/t-1\",\"SIP/a-2\",\"Queue\",\"q,t\",\"{start}\",,\"{end}\",5,0,\
             \"NO ANSWER\",\"DOCUMENTATION\",\"{unique}\",\"\"\n"
        )
    };
    // 2026-10-25 02:30 happens at 00:30 and at 01:30 UTC.
    let text = line("1792891800.1", "2026-10-25 02:30:00", "2026-10-25 02:30:05")
        + &line("1792888200.2", "2026-10-25 02:30:00", "2026-10-25 02:30:05");
    let mut adapter = adapter();
    let items = read(&mut adapter, &[text.as_bytes()]);
    let started: Vec<i64> = items
        .iter()
        .map(|item| match item {
            Item::Call(call) => match &call.body {
                CallBody::Record { record, .. } => record.record.started_at.timestamp(),
                CallBody::Event(_) => panic!(),
            },
            item => panic!("{item:?}"),
        })
        .collect();
    assert_eq!(started, [1_792_891_800, 1_792_888_200]);
    assert!(adapter.notes().local_time.double_hour_rows > 0);
}

#[test]
fn headings_and_columns_of_the_map_name_other_orders() {
    let heading = "start,end,uniqueid,linkedid,src,dst,lastapp,lastdata,disposition\n";
    let line = "2026-11-22 12:46:07,2026-11-22 12:46:17,1.1,1.1,02214710366,8001,Queue,\"q,t\",NO ANSWER\n";
    let own = "columns = [\"start\", \"end\", \"uniqueid\", \"linkedid\", \"src\", \"dst\", \"lastapp\", \"lastdata\", \"disposition\"]\n\
               [hotlines.dst]\n\"Bürgertelefon\" = [\"8001\"]";
    let map = CdrMap::built_in().extended(own).unwrap();
    for (mut adapter, text) in [
        (adapter(), format!("{heading}{line}")),
        (CdrAdapter::new(map, DoubleHour::default()), line.to_owned()),
    ] {
        let calls = Calls::of(&read(&mut adapter, &[text.as_bytes()]));
        let record = calls.call("1.1").record.unwrap();
        assert_eq!(record.wait_ms, Some(10_000));
        assert_eq!(adapter.notes().lines, 1);
        assert!(["q", "Bürgertelefon"].contains(&record.hotline.as_str()));
    }
}

#[test]
fn lines_without_id_time_or_known_columns_are_kept_with_their_reason() {
    let text = "a,b\n\"x\n\
        ,1,2,c,d,ch,,Queue,\"q,t\",2026-11-22 12:46:07,,2026-11-22 12:46:08,1,0,NO ANSWER,3\n\
        ,1,2,c,d,ch,,Queue,\"q,t\",gestern,,2026-11-22 12:46:08,1,0,NO ANSWER,3,1.1\n\
        ,1,2,c,d,ch,,Queue,\"q,t\",2026-11-22 12:46:07,,2026-11-22 12:46:08,1,0,MAYBE,3,1.1\n";
    let mut adapter = adapter();
    let items = read(&mut adapter, &[text.as_bytes()]);
    let fields: Vec<Option<&str>> = items
        .iter()
        .map(|item| match item {
            Item::Unreadable(line) => line.field.as_deref(),
            item => panic!("{item:?}"),
        })
        .collect();
    assert_eq!(
        fields,
        [None, None, Some("uniqueid"), Some("start"), Some("disposition")]
    );
    assert_eq!(adapter.notes().lines, 5);
}
