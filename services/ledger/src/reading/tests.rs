use bus::embedded::EmbeddedBus;
use bus::{Bus, Outgoing};
use chrono::{TimeZone, Utc};
use domain::ids::{CallId, HotlineName, Identity, IdentityKey};
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::report::{CallReport, ReportBody, RevisedRecord};
use store::sqlite::SqliteCalls;

use super::*;
use crate::LedgerSettings;

fn message(call: u8) -> Outgoing {
    let started_at = Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap();
    let hotline = HotlineName::new("Steuern");
    let record = CallRecord::new(
        started_at,
        TaskType::InboundCall,
        hotline,
        ConnectionStatus::Answered,
    );
    let report = CallReport {
        identity: Identity([call; 16]),
        source: SourceName::new("test"),
        call_id: Some(CallId::new(format!("call-{call}"))),
        run: ImportRun::new("run"),
        received_at: started_at,
        body: ReportBody::Record(RevisedRecord { revision: 0, record }),
        confirms: false,
    };
    Outgoing {
        key: report.identity.to_hex().into_bytes(),
        headers: Vec::new(),
        payload: Some(wire::calls::encode_report(&report)),
    }
}

/// Moves the position of the only partition, as somebody else would.
async fn set_position(store: &dyn CallStore, topic_id: &str, expected: i64, next: i64) {
    let advance = Advance {
        partition: 0,
        expected,
        next,
    };
    let batch = LedgerBatch {
        topic_id: topic_id.to_owned(),
        advances: vec![advance],
        ..LedgerBatch::default()
    };
    store.apply(batch).await.unwrap();
}

async fn reached(store: &dyn CallStore, topic_id: &str, position: i64) {
    let looks = async {
        while store.position(topic_id, 0).await.unwrap() != position {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looks)
        .await
        .expect("the ledger reads on");
}

#[tokio::test]
async fn a_position_that_the_topic_has_lost_skips_nothing_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let bus = Arc::new(EmbeddedBus::open(&folder.path().join("bus.db")).unwrap());
    let store = Arc::new(SqliteCalls::open(&folder.path().join("calls.db")).unwrap());
    bus.apply_topics(&topics::wanted(
        1,
        std::iter::empty(),
        topics::Pace::of(Duration::from_secs(86_400)),
    ))
    .await
    .unwrap();
    let topic_id = bus.topic_id(topics::CALLS).await.unwrap();
    bus.publish(topics::CALLS, vec![message(1)]).await.unwrap();
    // The topic was made anew, and is shorter than what had been read of the former one.
    set_position(&*store, &topic_id, 0, 3).await;

    let ledger = Ledger {
        suppression: Arc::new(|| {
            Arc::new(domain::erasure::Suppression::new(domain::erasure::MarkKey::new(
                [0; 32],
            )))
        }),
        bus: Arc::clone(&bus) as Arc<dyn Bus>,
        store: Arc::clone(&store) as Arc<dyn CallStore>,
        key: IdentityKey::new([7; 32]),
        clock: Arc::new(Utc::now),
        counting: Arc::new(Arc::default),
        settings: LedgerSettings::default(),
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(ledger.run(shutdown.clone()));
    reached(&*store, &topic_id, 1).await;
    bus.publish(topics::CALLS, vec![message(2), message(3)])
        .await
        .unwrap();
    reached(&*store, &topic_id, 3).await;

    // The store goes back under the running ledger: what it had is applied again, and counts once.
    set_position(&*store, &topic_id, 3, 1).await;
    bus.publish(topics::CALLS, vec![message(4)]).await.unwrap();
    reached(&*store, &topic_id, 4).await;
    shutdown.cancel();
    running.await.unwrap();
    let run = store.import_run(&ImportRun::new("run")).await.unwrap();
    assert_eq!(run.new_reports, 4);
}
