//! The file of the embedded bus: who may open it, and what happens when it cannot grow.

use std::sync::Arc;
use std::time::Duration;

use bus::embedded::EmbeddedBus;
use bus::{Bus, BusError, Cleanup, Positions, TopicSpec};

use crate::rig::{message, numbered, read_all, topic};

#[tokio::test]
async fn a_second_opening_is_refused_until_the_first_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bus.db");
    let bus = EmbeddedBus::open(&file).unwrap();
    let error = EmbeddedBus::open(&file).err().unwrap();
    assert!(matches!(error, BusError::Refused(_)), "{error:?}");
    bus.close().await.unwrap();
    EmbeddedBus::open(&file).unwrap();
}

#[tokio::test]
async fn a_closed_bus_is_unavailable_to_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let bus = EmbeddedBus::open(&dir.path().join("bus.db")).unwrap();
    let topic = topic(1);
    bus.apply_topics(std::slice::from_ref(&topic)).await.unwrap();
    bus.publish(&topic.name, numbered("a", 0..3)).await.unwrap();
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    let mut publisher = bus.publisher("owner").await.unwrap();
    bus.close().await.unwrap();
    bus.close().await.unwrap();
    let stopped = |error: BusError| assert!(matches!(error, BusError::Unavailable(_)), "{error:?}");
    stopped(bus.publish(&topic.name, numbered("a", 3..4)).await.unwrap_err());
    stopped(
        publisher
            .publish(&topic.name, numbered("a", 3..4))
            .await
            .unwrap_err(),
    );
    stopped(reader.next(1, Duration::ZERO).await.unwrap_err());
    stopped(bus.probe().await.unwrap_err());
}

#[tokio::test]
async fn a_file_of_a_newer_version_or_of_somebody_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let newer = dir.path().join("newer.db");
    drop(EmbeddedBus::open(&newer).unwrap());
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = EmbeddedBus::open(&newer).err().unwrap();
    assert!(
        matches!(&error, BusError::Refused(why) if why.contains("newer")),
        "{error:?}"
    );

    let other = dir.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE messages (id INTEGER)")
        .unwrap();
    drop(connection);
    let error = EmbeddedBus::open(&other).err().unwrap();
    assert!(matches!(error, BusError::Refused(_)), "{error:?}");

    let garbage = dir.path().join("garbage.db");
    std::fs::write(&garbage, "this is no database at all".repeat(100)).unwrap();
    let error = EmbeddedBus::open(&garbage).err().unwrap();
    assert!(matches!(error, BusError::Corrupt(_)), "{error:?}");
}

#[tokio::test]
async fn a_full_file_is_refused_and_works_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let bus = EmbeddedBus::open_limited(&dir.path().join("bus.db"), 400_000).unwrap();
    let topic = TopicSpec {
        cleanup: Cleanup::Delete {
            retention: Duration::ZERO,
        },
        ..topic(1)
    };
    bus.apply_topics(std::slice::from_ref(&topic)).await.unwrap();
    let large = "x".repeat(50_000);
    let mut acknowledged = 0;
    let error = loop {
        match bus.publish(&topic.name, vec![message("a", &large)]).await {
            Ok(positions) => {
                acknowledged += 1;
                assert_eq!(positions, Positions::from([(0, acknowledged)]));
            }
            Err(error) => break error,
        }
        assert!(acknowledged < 10, "the limit holds");
    };
    assert!(
        matches!(error, BusError::NoRoom) && error.is_temporary(),
        "{error:?}"
    );
    assert!(acknowledged > 3);
    let messages = read_all(&bus, &topic.name, acknowledged as usize).await;
    assert!(
        messages
            .iter()
            .all(|message| message.payload.as_ref().unwrap().len() == 50_000)
    );

    assert_eq!(bus.clean(&|_, _| i64::MAX).await.unwrap(), acknowledged as u64);
    let positions = bus
        .publish(&topic.name, vec![message("a", &large)])
        .await
        .unwrap();
    assert_eq!(positions, Positions::from([(0, acknowledged + 1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_publisher_that_is_already_waiting_cannot_land_behind_its_successor() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Arc::new(EmbeddedBus::open(&dir.path().join("bus.db")).unwrap());
    let topic = topic(1);
    bus.apply_topics(std::slice::from_ref(&topic)).await.unwrap();
    for round in 0..50 {
        let mut former = bus.publisher("owner").await.unwrap();
        let name = topic.name.clone();
        let racing = tokio::spawn(async move {
            let mut version = 0;
            while former
                .publish(
                    &name,
                    vec![message("ticket", &format!("{round} former {version}"))],
                )
                .await
                .is_ok()
            {
                version += 1;
            }
        });
        tokio::task::yield_now().await;
        let mut holder = bus.publisher("owner").await.unwrap();
        holder
            .publish(&topic.name, vec![message("ticket", &format!("{round} holder"))])
            .await
            .unwrap();
        racing.await.unwrap();
        let end = bus.ends(&topic.name).await.unwrap()[&0];
        let from = Positions::from([(0, end - 1)]);
        let mut reader = bus.reader_alone(&topic.name, from).await.unwrap();
        let last = reader.next(1, Duration::ZERO).await.unwrap();
        assert_eq!(crate::rig::text(&last[0]), format!("{round} holder"));
    }
}
