//! Messages that are too large, too old, too new or senseless.

use chrono::{TimeDelta, Utc};
use domain::event::EventKind;
use domain::record::Field;
use testkit::export::{self, Dress, Row};
use testkit::{Backend, TestNode, reports};
use tonic::Code;
use wire::v1::calls::call_report::{Body, Key};
use wire::v1::calls::{CallReport, FinishedRecord, ReportBatch, UnreadableItem};
use wire::v1::reporting::ListRejectedRequest;

use crate::figures;

/// A batch of ten megabytes.
fn ten_megabytes() -> ReportBatch {
    let mut batch = reports::batch(2, Vec::new());
    batch.unreadable.push(UnreadableItem {
        payload: vec![b'x'; 10_000_000],
        ..UnreadableItem::default()
    });
    batch
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_resource_exhausted() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        let refused = node
            .intake()
            .submit_reports(ten_megabytes())
            .await
            .expect_err("too large");
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        let receipt = node
            .intake()
            .submit_reports(reports::batch(3, reports::calls(0, 1)))
            .await;
        assert_eq!(receipt.expect("the node works on").into_inner().accepted, 1);
    })
    .await;
}

#[tokio::test]
async fn in_a_stream_too_the_batches_before_it_have_their_receipts() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        let batches = vec![reports::batch(1, reports::calls(0, 5)), ten_megabytes()];
        let mut receipts = node
            .intake()
            .stream_reports(tokio_stream::iter(batches))
            .await
            .expect("receipts")
            .into_inner();
        let receipt = receipts
            .message()
            .await
            .expect("no failure yet")
            .expect("the receipt of the first");
        assert_eq!((receipt.batch, receipt.accepted), (1, 5));
        let refused = receipts.message().await.expect_err("too large");
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        node.await_figures(reports::positions([&receipt])).await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        assert_eq!(figures::total(&totals).answered, 5);
    })
    .await;
}

#[tokio::test]
async fn long_rows_of_a_file_are_sent_in_pieces_that_pass() {
    Backend::first(|backend| async move {
        let long = "x".repeat(9_000);
        let good = |number: usize| {
            Row::answered("2024-03-04 09:00:00", "Bürgertelefon").caller(&format!("0221 {number}"))
        };
        let rows: Vec<_> = (0..1_200)
            .map(|number| match number % 2 {
                0 => good(number),
                _ => good(number).instead(Field::ConnectionStatus, &long),
            })
            .collect();
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::Commas));
        let import = node
            .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
            .await
            .exits(3);
        figures::check(
            &import.json(),
            &serde_json::json!({ "read": 1_200, "accepted": 600, "rejected": 600 }),
        );
    })
    .await;
}

#[tokio::test]
async fn a_batch_of_too_many_reports_is_to_be_split() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        let refused = node
            .intake()
            .submit_reports(reports::batch(1, reports::calls(0, 10_001)))
            .await;
        let refused = refused.expect_err("too many");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("reports"), "{refused}");
        let receipt = node
            .intake()
            .submit_reports(reports::batch(2, reports::calls(0, 10_000)))
            .await;
        assert_eq!(receipt.expect("a receipt").into_inner().accepted, 10_000);
    })
    .await;
}

#[tokio::test]
async fn a_batch_without_source_or_run_is_refused_and_the_field_named() {
    let node = TestNode::start(Backend::Embedded).await;
    let good = reports::batch(1, reports::calls(0, 1));
    let cases = [
        (
            "source",
            ReportBatch {
                source: String::new(),
                ..good.clone()
            },
        ),
        (
            "source",
            ReportBatch {
                source: "s".repeat(201),
                ..good.clone()
            },
        ),
        (
            "import_run",
            ReportBatch {
                import_run: "  ".to_owned(),
                ..good.clone()
            },
        ),
    ];
    for (field, batch) in cases {
        let refused = node.intake().submit_reports(batch).await.expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{refused}");
    }
}

/// A report whose record was changed.
fn changed(call_id: &str, change: impl FnOnce(&mut FinishedRecord)) -> CallReport {
    let mut report = reports::record(call_id, &reports::answered(0, "Bürgertelefon", 1_000));
    match &mut report.body {
        Some(Body::Record(record)) => change(record),
        _ => unreachable!("a record was asked for"),
    }
    report
}

/// Reports that can never be counted, with the field at fault.
fn senseless() -> Vec<(&'static str, CallReport)> {
    let before_1990 = 631_151_999_000;
    let ahead = (Utc::now() + TimeDelta::hours(26)).timestamp_millis();
    let event_at = |at_unix_ms: i64| {
        let mut report = reports::event("event", 0, EventKind::Held);
        if let Some(Body::Event(event)) = &mut report.body {
            event.at_unix_ms = at_unix_ms;
        }
        report
    };
    vec![
        (
            "started_at",
            changed("old", |record| record.started_at_unix_ms = before_1990),
        ),
        (
            "started_at",
            changed("ahead", |record| record.started_at_unix_ms = ahead),
        ),
        (
            "ended_at",
            changed("ends", |record| {
                record.ended_at_unix_ms = Some(record.started_at_unix_ms - 1);
            }),
        ),
        ("task_type", changed("task", |record| record.task_type = 99)),
        ("task_type", changed("no-task", |record| record.task_type = 0)),
        (
            "connection_status",
            changed("status", |record| record.connection_status = 99),
        ),
        ("hotline", changed("hotline", |record| record.hotline.clear())),
        (
            "call_id",
            CallReport {
                key: Some(Key::CallId(String::new())),
                ..changed("x", |_| {})
            },
        ),
        (
            "call_id",
            CallReport {
                key: None,
                ..changed("x", |_| {})
            },
        ),
        (
            "record",
            CallReport {
                body: None,
                ..changed("empty", |_| {})
            },
        ),
        ("at", event_at(before_1990)),
        ("at", event_at(ahead)),
    ]
}

#[tokio::test]
async fn what_can_never_be_counted_is_rejected_by_field_and_kept_and_the_rest_is_taken() {
    Backend::each(|backend| async move {
        let cases = senseless();
        let expected: Vec<_> = (0_u32..)
            .zip(cases.iter().map(|(field, _)| field.to_string()))
            .collect();
        let mut sent: Vec<_> = cases.iter().map(|(_, report)| report.clone()).collect();
        sent.push(changed("good", |_| {}));

        let node = TestNode::start(backend).await;
        let receipt = node
            .intake()
            .submit_reports(reports::batch(1, sent))
            .await
            .expect("a receipt")
            .into_inner();
        let rejected: Vec<_> = receipt
            .rejected
            .iter()
            .map(|item| (item.index, item.field.clone()))
            .collect();
        assert_eq!(rejected, expected);
        assert_eq!(receipt.accepted, 1);
        let kept = node
            .reporting()
            .list_rejected(ListRejectedRequest::default())
            .await
            .expect("a list")
            .into_inner();
        let mut kept: Vec<_> = kept.items.iter().map(|item| item.field.clone()).collect();
        let mut fields: Vec<_> = expected.into_iter().map(|(_, field)| field).collect();
        kept.sort();
        fields.sort();
        assert_eq!(kept, fields);
        node.await_figures(reports::positions([&receipt])).await;
        let totals = node.totals("1990-01-01", "2100-01-01").await;
        assert_eq!(figures::total(&totals).contacts, 1);
    })
    .await;
}

#[tokio::test]
async fn implausible_durations_count_as_absent_and_are_flagged() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let sent = vec![
            changed("negative", |record| record.talk_ms = Some(-7_000)),
            changed("too-long", |record| record.wait_ms = Some(24 * 3_600_000 + 1)),
            changed("a-day", |record| record.talk_ms = Some(24 * 3_600_000)),
        ];
        let receipt = node
            .intake()
            .submit_reports(reports::batch(1, sent))
            .await
            .expect("a receipt")
            .into_inner();
        assert_eq!((receipt.accepted, receipt.flagged), (3, 2));
        node.await_figures(reports::positions([&receipt])).await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        let total = figures::total(&totals);
        assert_eq!((total.answered, total.answered_without_time), (3, 1));
        assert_eq!(
            (total.talk_ms, total.time_to_answer_ms),
            (24 * 3_600_000 + 60_000, 2_000)
        );
    })
    .await;
}
