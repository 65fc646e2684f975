//! What only a broker can do to a bus: refuse, lose, make anew, restart.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::kafka::KafkaBus;
use bus::{Bus, BusError, Outgoing, Positions, Reader};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};

use crate::rig::{
    From, PATIENCE, Rig, kafka_settings, message, numbered, read, read_all, text, texts, topic, unique,
};

fn admin(rig: &Rig) -> AdminClient<DefaultClientContext> {
    let Rig::Kafka(bootstrap) = rig else {
        panic!("a broker is needed")
    };
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .unwrap()
}

/// Reads until an error comes that time does not heal.
async fn lasting_error(reader: &mut dyn Reader) -> BusError {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "no error came");
        match reader.next(10, Duration::from_millis(200)).await {
            Ok(messages) => assert!(messages.is_empty(), "nothing is skipped in silence"),
            Err(error) if error.is_temporary() => {}
            Err(BusError::UnknownTopic(_)) => {}
            Err(error) => return error,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_refuses_a_message_leaves_the_bus_usable() {
    let Some(rig) = Rig::kafka() else { return };
    let name = unique("small");
    let small = NewTopic::new(&name, 1, TopicReplication::Fixed(1)).set("max.message.bytes", "2000");
    admin(&rig)
        .create_topics([&small], &AdminOptions::new())
        .await
        .unwrap();
    let bus = rig.open();
    let mut publisher = bus.publisher(&unique("owner")).await.unwrap();
    let noise = noise(8_000);
    for round in 0..2 {
        let batch = || vec![message("a", "small"), message("a", &noise)];
        let error = bus.publish(&name, batch()).await.unwrap_err();
        assert!(matches!(error, BusError::TooLarge { .. }), "{error:?}");
        let error = publisher.publish(&name, batch()).await.unwrap_err();
        assert!(matches!(error, BusError::TooLarge { .. }), "{error:?}");
        bus.publish(&name, numbered("a", round..round + 1)).await.unwrap();
        publisher
            .publish(&name, vec![message("a", "in a transaction")])
            .await
            .unwrap();
    }
    let mut reader = bus.reader_alone(&name, Positions::new()).await.unwrap();
    let messages = read(reader.as_mut(), 4).await;
    assert_eq!(
        texts(&messages),
        ["0", "in a transaction", "1", "in a transaction"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_deleted_before_they_were_read_are_missed() {
    let Some(rig) = Rig::kafka() else { return };
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..10)).await.unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic.name, 0, Offset::Offset(6))
        .unwrap();
    admin(&rig)
        .delete_records(&list, &AdminOptions::new())
        .await
        .unwrap();
    let starts = Arc::new(From(Positions::from([(0, 2)])));
    let mut reader = bus.reader(&topic.name, &unique("group"), starts).await.unwrap();
    let error = lasting_error(reader.as_mut()).await;
    assert!(
        matches!(
            error,
            BusError::Lost {
                position: 2,
                first: 6,
                end: 10,
                ..
            }
        ),
        "{error:?}"
    );
    let mut from_beginning = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    assert_eq!(read(from_beginning.as_mut(), 4).await[0].offset, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_made_anew_under_a_reader_is_noticed() {
    let Some(rig) = Rig::kafka() else { return };
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..10)).await.unwrap();
    let mut reader = bus
        .reader(&topic.name, &unique("group"), From::beginning())
        .await
        .unwrap();
    read(reader.as_mut(), 10).await;
    admin(&rig)
        .delete_topics(&[&topic.name], &AdminOptions::new())
        .await
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while bus
        .apply_topics(std::slice::from_ref(&topic))
        .await
        .map_or(true, |changes| changes.is_empty())
    {
        assert!(Instant::now() < deadline);
    }
    let error = lasting_error(reader.as_mut()).await;
    assert!(
        matches!(
            error,
            BusError::Lost {
                position: 10,
                first: 0,
                end: 0,
                ..
            }
        ),
        "{error:?}"
    );
    reader.seek(0, 0).await.unwrap();
    insist(bus.as_ref(), &topic.name, numbered("a", 10..12)).await;
    assert_eq!(texts(&read(reader.as_mut(), 2).await), ["10", "11"]);
}

/// A broker of this test's own, that it may stop.
struct OwnBroker {
    ops: String,
    dir: tempfile::TempDir,
}

impl OwnBroker {
    /// `None` where the scripts are not at hand; in CI they have to be.
    fn start() -> Option<(Self, String)> {
        let Ok(ops) = std::env::var("NRWDIREKT_TEST_OPS") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "NRWDIREKT_TEST_OPS is not set; ops/test sets it"
            );
            eprintln!("restarts of Apache Kafka are left out: NRWDIREKT_TEST_OPS is not set");
            return None;
        };
        let broker = Self {
            ops,
            dir: tempfile::tempdir().unwrap(),
        };
        let address = broker.run("start", &[]);
        Some((broker, address))
    }

    fn run(&self, script: &str, options: &[&str]) -> String {
        let output = Command::new(format!("{}/kafka/{script}", self.ops))
            .arg("--dir")
            .arg(self.dir.path())
            .args(options)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().last().unwrap_or_default().to_owned()
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        self.run("stop", &["--immediate"]);
    }
}

/// Publishes until it is acknowledged. What came twice is for the reader to see.
async fn insist(bus: &dyn Bus, topic: &str, messages: Vec<Outgoing>) {
    let deadline = Instant::now() + 2 * PATIENCE;
    while let Err(error) = bus.publish(topic, messages.clone()).await {
        assert!(error.is_temporary(), "{error:?}");
        assert!(Instant::now() < deadline, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_broker_costs_nothing_that_was_acknowledged() {
    if Rig::kafka().is_none() {
        return;
    }
    let Some((broker, address)) = OwnBroker::start() else {
        return;
    };
    let bus: Arc<dyn Bus> = Arc::new(KafkaBus::connect(kafka_settings(&address)).unwrap());
    let topic = topic(2);
    bus.apply_topics(std::slice::from_ref(&topic)).await.unwrap();
    let mut publisher = bus.publisher(&unique("owner")).await.unwrap();
    publisher
        .publish(&topic.name, vec![message("t", "before")])
        .await
        .unwrap();
    let mut reader = bus
        .reader(&topic.name, &unique("group"), From::beginning())
        .await
        .unwrap();
    let publishing = tokio::spawn({
        let (bus, name) = (Arc::clone(&bus), topic.name.clone());
        async move {
            for batch in 0..60 {
                insist(bus.as_ref(), &name, numbered("a", batch * 5..batch * 5 + 5)).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let read_some = reader.next(10, PATIENCE).await.unwrap();
    assert!(!read_some.is_empty());
    for option in [&["--immediate"][..], &[]] {
        broker.run("stop", option);
        assert!(bus.probe().await.is_err());
        broker.run("start", &[]);
    }
    publishing.await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = publisher.publish(&topic.name, vec![message("t", "after")]).await {
        assert!(Instant::now() < deadline, "{error:?}");
        if matches!(error, BusError::Fenced(_)) {
            publisher = bus.publisher(&unique("owner")).await.unwrap();
        }
    }
    // The reader of before gets everything, to the last message.
    let mut numbers: Vec<u32> = read_some
        .iter()
        .filter_map(|message| text(message).parse().ok())
        .collect();
    let mut after = false;
    while !(after && numbers.contains(&299)) {
        assert!(Instant::now() < deadline + PATIENCE, "{numbers:?}");
        match reader.next(100, Duration::from_secs(1)).await {
            Ok(messages) => {
                after |= messages.iter().any(|message| text(message) == "after");
                numbers.extend(
                    messages
                        .iter()
                        .filter_map(|message| text(message).parse::<u32>().ok()),
                );
            }
            Err(error) => assert!(error.is_temporary(), "{error:?}"),
        }
    }
    numbers.dedup();
    let all: Vec<u32> = (0..300).collect();
    let mut known = numbers.clone();
    known.sort_unstable();
    known.dedup();
    assert_eq!(known, all);
    drop(reader);
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    assert!(!reader.next(10, PATIENCE).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_for_a_topic_elsewhere_is_kept() {
    let Some(rig) = Rig::kafka() else { return };
    let topic = topic(1);
    let created = NewTopic::new(&topic.name, 1, TopicReplication::Fixed(1))
        .set("max.message.bytes", "3000")
        .set("retention.ms", "1000");
    admin(&rig)
        .create_topics([&created], &AdminOptions::new())
        .await
        .unwrap();
    let bus = rig.open();
    let changes = bus.apply_topics(std::slice::from_ref(&topic)).await.unwrap();
    assert!(
        changes
            .iter()
            .any(|change| change.contains("retention.ms is 1000")),
        "{changes:?}"
    );
    let too_large = vec![message("a", &"x".repeat(200)), message("a", &noise(5_000))];
    let error = bus.publish(&topic.name, too_large).await.unwrap_err();
    assert!(matches!(error, BusError::TooLarge { .. }), "{error:?}");
    read_all(bus.as_ref(), &topic.name, 0).await;
}

fn noise(length: usize) -> String {
    let text: String = (0..length)
        .map(|number| format!("{:x}", number * 7_919))
        .collect();
    text[..length].to_owned()
}
