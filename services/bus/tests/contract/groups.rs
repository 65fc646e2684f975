//! Sharing partitions: Kafka alone, the embedded bus has one process and one reader a group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::kafka::KafkaBus;
use bus::{Bus, BusError, Reader, Received};

use crate::rig::{From, PATIENCE, Rig, kafka_settings, message, topic, unique};

/// Lets the reader go on until it has so many partitions. Returns what came on the way.
async fn until_assigned(reader: &mut dyn Reader, partitions: usize) -> Vec<Received> {
    let deadline = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    while reader.assigned().len() != partitions {
        assert!(Instant::now() < deadline, "{:?} are assigned", reader.assigned());
        match reader.next(1_000, Duration::from_millis(100)).await {
            Ok(more) => messages.extend(more),
            Err(error) => assert!(error.is_temporary(), "{error:?}"),
        }
    }
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_group_share_partitions_and_a_leaving_one_hands_over() {
    let Some(rig) = Rig::kafka() else { return };
    let topic = topic(4);
    let bus = rig.open_with(&[&topic]).await;
    let group = unique("group");
    let reader = || bus.reader(&topic.name, &group, From::beginning());

    let mut first = reader().await.unwrap();
    until_assigned(first.as_mut(), 4).await;
    let mut second = reader().await.unwrap();
    let sharing = tokio::spawn(async move {
        until_assigned(second.as_mut(), 2).await;
        second
    });
    until_assigned(first.as_mut(), 2).await;
    let mut second = sharing.await.unwrap();
    let mut shared = [first.assigned(), second.assigned()].concat();
    shared.sort_unstable();
    assert_eq!(shared, [0, 1, 2, 3]);

    let keys: Vec<_> = (0..100).map(|number| format!("key {number}")).collect();
    let messages = keys.iter().map(|key| message(key, key)).collect();
    bus.publish(&topic.name, messages).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut counts = [0, 0];
    while counts[0] + counts[1] < 100 {
        assert!(Instant::now() < deadline, "{counts:?}");
        for (reader, count) in [(&mut first, 0), (&mut second, 1)] {
            let own = reader.assigned();
            let messages = reader.next(1_000, Duration::from_millis(100)).await.unwrap();
            assert!(messages.iter().all(|message| own.contains(&message.partition)));
            counts[count] += messages.len();
        }
    }
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");

    drop(first);
    // Its new reader begins where it is told: here, at the beginning.
    let mut again = until_assigned(second.as_mut(), 4).await;
    while again.len() < 100 {
        assert!(Instant::now() < deadline + PATIENCE);
        again.extend(second.next(1_000, Duration::from_millis(100)).await.unwrap());
    }
    assert_eq!(again.len(), 100, "each once, nothing of the former assignment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_away_is_unavailable_and_not_an_endless_wait() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    let bus: Arc<dyn Bus> = Arc::new(KafkaBus::connect(kafka_settings(&nobody)).unwrap());
    let error = bus.probe().await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    let error = bus.publish("topic", vec![message("a", "b")]).await.unwrap_err();
    assert!(matches!(error, BusError::Unavailable(_)), "{error:?}");
}
