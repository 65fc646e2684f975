use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::{BusError, Positions, StartPositions};

use crate::rig::{From, PATIENCE, Rig, message, numbered, read, text, texts, topic, unique};

pub(crate) async fn readers_start_where_they_are_told(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..10)).await.unwrap();
    let starts = Arc::new(From(Positions::from([(0, 7)])));
    let mut reader = bus.reader(&topic.name, &unique("group"), starts).await.unwrap();
    assert_eq!(texts(&read(reader.as_mut(), 3).await), ["7", "8", "9"]);
    assert_eq!(reader.assigned(), [0]);

    let at_end = Arc::new(From(Positions::from([(0, 10)])));
    let mut reader = bus.reader(&topic.name, &unique("group"), at_end).await.unwrap();
    while reader.assigned().is_empty() {
        assert!(
            reader
                .next(10, Duration::from_millis(100))
                .await
                .unwrap()
                .is_empty()
        );
    }
    bus.publish(&topic.name, numbered("a", 10..11)).await.unwrap();
    assert_eq!(texts(&read(reader.as_mut(), 1).await), ["10"]);
}

/// A store that is away for the first questions.
struct AwayAtFirst(AtomicU32);

#[async_trait]
impl StartPositions for AwayAtFirst {
    async fn start(
        &self,
        _topic: &str,
        _partition: u32,
    ) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>> {
        if self.0.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err("the store is away".into());
        }
        Ok(Some(4))
    }
}

pub(crate) async fn nothing_is_read_before_the_start_is_known(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..5)).await.unwrap();
    let starts = Arc::new(AwayAtFirst(AtomicU32::new(0)));
    let group = unique("group");
    let deadline = Instant::now() + PATIENCE;
    let mut failures = 0;
    // Either taking the reader or reading says so; both may be called again.
    let messages = 'taken: loop {
        assert!(Instant::now() < deadline);
        let starts: Arc<dyn StartPositions> = starts.clone();
        let mut reader = match bus.reader(&topic.name, &group, starts).await {
            Ok(reader) => reader,
            Err(error) => {
                assert!(error.is_temporary(), "{error:?}");
                failures += 1;
                continue;
            }
        };
        while Instant::now() < deadline {
            match reader.next(10, Duration::from_millis(500)).await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => break 'taken messages,
                Err(error) => {
                    assert!(error.is_temporary(), "{error:?}");
                    failures += 1;
                }
            }
        }
    };
    assert_eq!(texts(&messages), ["4"]);
    assert!(failures > 0);
}

pub(crate) async fn seeking_delivers_again_from_there_and_nothing_else_in_between(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..2_000)).await.unwrap();
    let mut reader = bus
        .reader(&topic.name, &unique("group"), From::beginning())
        .await
        .unwrap();
    // Far from what the reader has fetched already, back and forth, in the middle of its stock.
    for seek in [0, 1_500, 100, 100, 1_990, 3] {
        let mut expected = seek;
        while reader.assigned().is_empty() {
            reader.next(1, Duration::from_millis(50)).await.unwrap();
        }
        reader.seek(0, seek).await.unwrap();
        let end = (seek + 50).min(2_000);
        while expected < end {
            for message in reader.next(20, PATIENCE).await.unwrap() {
                assert_eq!(message.offset, expected, "after a seek to {seek}");
                assert_eq!(text(&message), expected.to_string());
                expected += 1;
            }
        }
    }
    reader.seek(5, 0).await.unwrap();
}

pub(crate) async fn reading_alone_begins_at_the_given_positions(rig: Rig) {
    let topic = topic(2);
    let bus = rig.open_with(&[&topic]).await;
    let keys: Vec<_> = (0..20).map(|number| format!("key {number}")).collect();
    let messages = keys.iter().map(|key| message(key, key)).collect();
    let ends = bus.publish(&topic.name, messages).await.unwrap();
    let from = Positions::from([(1, ends[&1])]);
    let mut reader = bus.reader_alone(&topic.name, from).await.unwrap();
    let count = usize::try_from(ends[&0]).unwrap();
    let messages = read(reader.as_mut(), count).await;
    assert!(messages.iter().all(|message| message.partition == 0));
    assert_eq!(reader.assigned(), [0, 1]);
    assert!(
        reader
            .next(10, Duration::from_millis(300))
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn a_waiting_reader_wakes_soon_after_a_publish(rig: Rig) {
    let topic = topic(2);
    let bus = rig.open_with(&[&topic]).await;
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    bus.publish(&topic.name, numbered("a", 0..1)).await.unwrap();
    read(reader.as_mut(), 1).await;
    let waiting = tokio::spawn(async move {
        let messages = reader.next(10, PATIENCE).await.unwrap();
        (messages.len(), Instant::now())
    });
    bus.publish(&topic.name, numbered("a", 1..2)).await.unwrap();
    let published = Instant::now();
    let (count, woken) = waiting.await.unwrap();
    assert_eq!(count, 1);
    let after = woken.saturating_duration_since(published);
    assert!(after < Duration::from_secs(5), "{after:?}");
}

pub(crate) async fn an_idle_reader_returns_after_its_wait(rig: Rig) {
    let (topic, other) = (topic(1), topic(1));
    let bus = rig.open_with(&[&topic, &other]).await;
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    let began = Instant::now();
    let wait = Duration::from_millis(400);
    let reading = tokio::spawn(async move { reader.next(10, wait).await.unwrap().len() });
    // What happens elsewhere does not shorten the wait.
    bus.publish(&other.name, numbered("a", 0..1)).await.unwrap();
    assert_eq!(reading.await.unwrap(), 0);
    assert!(began.elapsed() >= wait);
}

pub(crate) async fn a_position_beyond_the_end_is_reported_until_a_seek(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..3)).await.unwrap();
    // As after a restore, or when the topic was deleted and made anew.
    let starts = Arc::new(From(Positions::from([(0, 100)])));
    let mut reader = bus.reader(&topic.name, &unique("group"), starts).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < deadline);
        match reader.next(10, Duration::from_millis(200)).await {
            Ok(messages) => assert!(messages.is_empty(), "nothing is skipped in silence"),
            Err(error) => break error,
        }
    };
    assert!(!error.is_temporary());
    match error {
        BusError::Lost {
            topic: named,
            partition: 0,
            position: 100,
            first: 0,
            end: 3,
        } => assert_eq!(named, topic.name),
        error => panic!("{error:?}"),
    }
    let again = reader.next(10, Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(again, BusError::Lost { .. }), "{again:?}");
    reader.seek(0, 1).await.unwrap();
    assert_eq!(texts(&read(reader.as_mut(), 2).await), ["1", "2"]);
}

pub(crate) async fn no_partition_starves(rig: Rig) {
    let topic = topic(2);
    let bus = rig.open_with(&[&topic]).await;
    let keys: Vec<_> = (0..4_000).map(|number| format!("key {number}")).collect();
    let messages = keys.iter().map(|key| message(key, "x")).collect();
    bus.publish(&topic.name, messages).await.unwrap();
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    let mut read = 0;
    let mut seen = [false; 2];
    while read < 4_000 {
        let messages = reader.next(1_000, PATIENCE).await.unwrap();
        read += messages.len();
        for message in messages {
            seen[message.partition as usize] = true;
        }
        if read >= 3_000 {
            assert_eq!(seen, [true, true]);
        }
    }
}
