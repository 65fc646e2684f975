//! Clients that ask for more than they take.

use std::time::Duration;

use testkit::{Backend, TestNode, Token, reports};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;
use wire::v1::calls::ReportBatch;
use wire::v1::calls::intake_client::IntakeClient;

use crate::figures;

/// Far more batches than all the buffers under way hold.
const MANY: u32 = 20_000;
/// A node that does not take a batch for so long has pushed back.
const STANDSTILL: Duration = Duration::from_secs(3);
/// A node has less, whatever a client does.
const MEMORY_BYTES: u64 = 300 << 20;

/// One call, with a caller that makes it a kilobyte.
fn batch(number: u32) -> ReportBatch {
    let mut call = reports::answered(i64::from(number), "Bürgertelefon", 1_000);
    call.dialled_address = Some("1".repeat(199));
    reports::batch(
        u64::from(number),
        vec![reports::record(&format!("{number}-{}", "c".repeat(150)), &call)],
    )
}

/// A connection that takes few receipts before the node must wait.
fn narrow_connection(node: &TestNode) -> testkit::Connection {
    let endpoint = Endpoint::from_shared(node.url()).expect("a URL");
    let channel = endpoint
        .initial_stream_window_size(2_048)
        .initial_connection_window_size(65_535)
        .connect_lazy();
    InterceptedService::new(channel, Token::of(&node.token()))
}

#[tokio::test]
async fn a_client_that_takes_no_receipts_is_pushed_back_and_loses_nothing() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        let (sending, requests) = mpsc::channel(1);
        let mut client = IntakeClient::new(narrow_connection(&node));
        let mut receipts = client
            .stream_reports(ReceiverStream::new(requests))
            .await
            .expect("a stream")
            .into_inner();
        let mut sent = 0;
        while let Ok(taken) = tokio::time::timeout(STANDSTILL, sending.send(batch(sent))).await {
            if taken.is_err() {
                while receipts
                    .message()
                    .await
                    .unwrap_or_else(|cut| panic!("{sent} batches sent: {cut:?}"))
                    .is_some()
                {}
                panic!("the stream ended after {sent} batches");
            }
            sent += 1;
            assert!(sent < MANY, "{sent} batches were taken without one receipt read");
        }
        let resident = node.resident_bytes();
        assert!(
            resident < MEMORY_BYTES,
            "{resident} bytes are held for a client that does not read"
        );

        drop(sending);
        let mut came = Vec::new();
        while let Some(receipt) = receipts.message().await.expect("no failure") {
            came.push(receipt);
        }
        assert_eq!(
            came.len(),
            sent as usize,
            "every batch that was taken has its receipt"
        );
        node.await_figures(reports::positions(&came)).await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        assert_eq!(figures::total(&totals).answered, i64::from(sent));
    })
    .await;
}

/// Systems that report every event at once send many small messages, all of a sudden when they were cut off.
#[tokio::test]
async fn a_fast_feed_of_single_events_is_slowed_down_and_not_cut() {
    Backend::first(|backend| async move {
        const EVENTS: u32 = 5_000;
        let node = TestNode::start(backend).await;
        let event = |number: u32| {
            let kind = domain::event::EventKind::Queued {
                hotline: domain::ids::HotlineName::new("Schule"),
            };
            let mut batch = reports::batch(u64::from(number), Vec::new());
            batch
                .reports
                .push(reports::event(&format!("call-{number}"), 0, kind));
            batch
        };
        // One by one, so that each is a frame of its own.
        let (sending, requests) = mpsc::channel(1);
        tokio::spawn(async move {
            for number in 0..EVENTS {
                if sending.send(event(number)).await.is_err() {
                    return; // the stream was cut; its receipts tell why
                }
                tokio::task::yield_now().await;
            }
        });
        let stream = ReceiverStream::new(requests);
        let receipts = node.intake().stream_reports(stream).await;
        let mut receipts = receipts.expect("a stream").into_inner();
        let mut came = Vec::new();
        while let Some(receipt) = receipts
            .message()
            .await
            .unwrap_or_else(|cut| panic!("{}: {cut:?}", came.len()))
        {
            came.push(receipt);
        }
        assert_eq!(came.len(), EVENTS as usize);
        node.await_figures(reports::positions(&came)).await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        assert_eq!(figures::total(&totals).offered, i64::from(EVENTS));
    })
    .await;
}
