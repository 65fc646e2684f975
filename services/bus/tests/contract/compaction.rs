//! Compaction and retention of the embedded bus; Kafka does its own by the policies that it is given.

use std::path::Path;
use std::time::Duration;

use bus::embedded::EmbeddedBus;
use bus::{Bus, BusError, Cleanup, Positions, TopicSpec};

use crate::rig::{compacted, message, numbered, read, read_all, texts, tombstone, topic};

async fn open(dir: &Path, topic: &TopicSpec) -> EmbeddedBus {
    let bus = EmbeddedBus::open(&dir.join("bus.db")).unwrap();
    bus.apply_topics(std::slice::from_ref(topic)).await.unwrap();
    bus
}

fn kept_for(tombstones: Duration) -> TopicSpec {
    TopicSpec {
        cleanup: Cleanup::Compact {
            tombstones,
            longest_lag: Duration::from_secs(60),
        },
        ..compacted(1)
    }
}

/// Whether the bytes are anywhere in the files of the bus.
fn is_on_disk(dir: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(dir).unwrap();
    files.into_iter().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        content
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn the_last_message_of_each_key_stays_with_its_position() {
    let dir = tempfile::tempdir().unwrap();
    let topic = compacted(1);
    let bus = open(dir.path(), &topic).await;
    let messages = vec![
        message("a", "a1"),
        message("b", "b1"),
        message("a", "a2"),
        message("c", "c1"),
        message("a", "a3"),
    ];
    bus.publish(&topic.name, messages).await.unwrap();
    assert_eq!(bus.clean(&|_, _| 0).await.unwrap(), 2);
    assert_eq!(bus.clean(&|_, _| 0).await.unwrap(), 0);
    let messages = read_all(&bus, &topic.name, 3).await;
    assert_eq!(texts(&messages), ["b1", "c1", "a3"]);
    assert_eq!(messages[2].offset, 4);
    drop(bus);
    let bus = open(dir.path(), &topic).await;
    bus.publish(&topic.name, vec![message("c", "c2")]).await.unwrap();
    assert_eq!(bus.clean(&|_, _| 0).await.unwrap(), 1);
    assert_eq!(texts(&read_all(&bus, &topic.name, 3).await), ["b1", "a3", "c2"]);
}

#[tokio::test]
async fn superseded_bytes_leave_the_file_and_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let topic = compacted(1);
    let bus = open(dir.path(), &topic).await;
    let secret = "Erika Mustermann, 0221 1234567";
    let long = secret.repeat(1_000);
    // Among others, so that pages are split and merged around them.
    for number in 0..300 {
        let others = format!("other {number}").repeat(20);
        let messages = vec![
            message(&format!("other {number}"), &others),
            message(&format!("person {number}"), &format!("{number} {secret}")),
        ];
        bus.publish(&topic.name, messages).await.unwrap();
    }
    bus.publish(&topic.name, vec![message("long", &long)])
        .await
        .unwrap();
    assert!(is_on_disk(dir.path(), "Mustermann"));
    let mut erasing: Vec<_> = (0..300)
        .map(|number| message(&format!("person {number}"), "erased"))
        .collect();
    erasing.push(tombstone("long"));
    bus.publish(&topic.name, erasing).await.unwrap();
    assert_eq!(bus.clean(&|_, _| 0).await.unwrap(), 301);
    assert!(!is_on_disk(dir.path(), "Mustermann"));
    read_all(&bus, &topic.name, 601).await;
}

#[tokio::test]
async fn tombstones_go_after_their_time_once_they_were_read() {
    let dir = tempfile::tempdir().unwrap();
    let topic = kept_for(Duration::ZERO);
    let bus = open(dir.path(), &topic).await;
    bus.publish(
        &topic.name,
        vec![message("a", "a1"), tombstone("a"), tombstone("b")],
    )
    .await
    .unwrap();
    assert_eq!(bus.clean(&|_, _| 1).await.unwrap(), 1, "unread tombstones stay");
    assert_eq!(bus.clean(&|_, _| 3).await.unwrap(), 2);
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    assert!(
        reader
            .next(10, Duration::from_millis(50))
            .await
            .unwrap()
            .is_empty()
    );
    bus.publish(&topic.name, vec![message("a", "a2")]).await.unwrap();
    let messages = read(reader.as_mut(), 1).await;
    assert_eq!((messages[0].offset, texts(&messages)), (3, vec!["a2".to_owned()]));
    drop(reader);
    drop(bus);

    let topic = kept_for(Duration::from_secs(3_600));
    let bus = open(dir.path(), &topic).await;
    bus.publish(&topic.name, vec![tombstone("c")]).await.unwrap();
    assert_eq!(bus.clean(&|_, _| i64::MAX).await.unwrap(), 0);
}

#[tokio::test]
async fn retention_never_reaches_the_floor_and_what_is_lost_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let topic = TopicSpec {
        cleanup: Cleanup::Delete {
            retention: Duration::ZERO,
        },
        ..topic(1)
    };
    let bus = open(dir.path(), &topic).await;
    bus.publish(&topic.name, numbered("a", 0..5_000)).await.unwrap();
    assert_eq!(bus.clean(&|_, _| 4_500).await.unwrap(), 4_500);
    assert_eq!(read_all(&bus, &topic.name, 500).await[0].offset, 4_500);
    assert_eq!(
        bus.ends(&topic.name).await.unwrap(),
        Positions::from([(0, 5_000)])
    );
    drop(bus);

    let bus = open(dir.path(), &topic).await;
    let mut reader = bus
        .reader_alone(&topic.name, Positions::from([(0, 4_499)]))
        .await
        .unwrap();
    let error = reader.next(10, Duration::ZERO).await.unwrap_err();
    assert!(
        matches!(
            error,
            BusError::Lost {
                position: 4_499,
                first: 4_500,
                end: 5_000,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(bus.clean(&|_, _| i64::MAX).await.unwrap(), 500);
    assert_eq!(
        bus.ends(&topic.name).await.unwrap(),
        Positions::from([(0, 5_000)])
    );
    let young = TopicSpec {
        cleanup: Cleanup::Delete {
            retention: Duration::from_secs(60),
        },
        ..topic
    };
    bus.apply_topics(std::slice::from_ref(&young)).await.unwrap();
    bus.publish(&young.name, numbered("a", 0..3)).await.unwrap();
    assert_eq!(bus.clean(&|_, _| i64::MAX).await.unwrap(), 0);
}

#[tokio::test]
async fn a_topic_that_becomes_compacted_compacts_what_it_held() {
    let dir = tempfile::tempdir().unwrap();
    let before = topic(2);
    let bus = open(dir.path(), &before).await;
    bus.publish(&before.name, numbered("a", 0..5)).await.unwrap();
    bus.publish(&before.name, numbered("b", 0..5)).await.unwrap();
    let after = TopicSpec {
        cleanup: compacted(1).cleanup,
        ..before
    };
    bus.apply_topics(std::slice::from_ref(&after)).await.unwrap();
    bus.publish(&after.name, numbered("a", 5..6)).await.unwrap();
    assert_eq!(bus.clean(&|_, _| 0).await.unwrap(), 9);
    let mut texts = texts(&read_all(&bus, &after.name, 2).await);
    texts.sort();
    assert_eq!(texts, ["4", "5"]);
}
