use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{BusError, MESSAGE_BYTES_MAX, Outgoing, Positions};

use crate::rig::{Rig, message, numbered, read_all, text, texts, topic, unique};

pub(crate) async fn messages_of_a_key_keep_their_order(rig: Rig) {
    let topic = topic(4);
    let bus = rig.open_with(&[&topic]).await;
    for batch in 0..10 {
        let mut messages = Vec::new();
        for number in batch * 20..(batch + 1) * 20 {
            for key in ["a", "b", "c", "d", "e"] {
                messages.push(message(key, &format!("{number}")));
            }
        }
        bus.publish(&topic.name, messages).await.unwrap();
    }
    let mut by_key = BTreeMap::<_, Vec<_>>::new();
    for message in read_all(bus.as_ref(), &topic.name, 1_000).await {
        by_key
            .entry(message.key.clone())
            .or_default()
            .push(text(&message));
    }
    let wanted: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    for (key, numbers) in by_key {
        assert_eq!(numbers, wanted, "key {key:?}");
    }
}

pub(crate) async fn acknowledged_messages_survive_a_restart(rig: Rig) {
    let topic = topic(2);
    let bus = rig.open_with(&[&topic]).await;
    bus.publish(&topic.name, numbered("a", 0..10)).await.unwrap();
    let ends = bus.ends(&topic.name).await.unwrap();
    drop(bus);

    let bus = rig.open();
    assert_eq!(bus.ends(&topic.name).await.unwrap(), ends);
    bus.publish(&topic.name, numbered("a", 10..11)).await.unwrap();
    let messages = read_all(bus.as_ref(), &topic.name, 11).await;
    assert_eq!(
        texts(&messages),
        (0..11).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

pub(crate) async fn positions_lie_after_the_last_message_of_each_partition(rig: Rig) {
    let topic = topic(3);
    let bus = rig.open_with(&[&topic]).await;
    let keys: Vec<_> = (0..40).map(|number| format!("key {number}")).collect();
    let messages = keys.iter().map(|key| message(key, "x")).collect();
    let positions = bus.publish(&topic.name, messages).await.unwrap();
    assert_eq!(positions, bus.ends(&topic.name).await.unwrap());
    assert_eq!(positions.len(), 3, "forty keys reach every partition");
    assert_eq!(positions.values().sum::<i64>(), 40);

    let more = bus.publish(&topic.name, numbered("key 1", 0..2)).await.unwrap();
    let (partition, position) = more.first_key_value().unwrap();
    assert_eq!(more.len(), 1);
    assert_eq!(*position, positions[partition] + 2);
}

pub(crate) async fn nothing_to_publish_is_no_error(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    assert_eq!(
        bus.publish(&topic.name, Vec::new()).await.unwrap(),
        Positions::new()
    );
    let mut publisher = bus.publisher(&unique("owner")).await.unwrap();
    publisher.publish(&topic.name, Vec::new()).await.unwrap();
    assert_eq!(bus.ends(&topic.name).await.unwrap(), Positions::from([(0, 0)]));
}

pub(crate) async fn an_unknown_topic_is_named(rig: Rig) {
    let bus = rig.open();
    let missing = unique("missing");
    let names = |error: BusError| match error {
        BusError::UnknownTopic(topic) => topic == missing,
        _ => false,
    };
    assert!(names(
        bus.publish(&missing, numbered("a", 0..1)).await.unwrap_err()
    ));
    assert!(names(bus.publish(&missing, Vec::new()).await.unwrap_err()));
    assert!(names(bus.ends(&missing).await.unwrap_err()));
    assert!(names(bus.topic_id(&missing).await.unwrap_err()));
    assert!(names(
        bus.reader_alone(&missing, Positions::new()).await.err().unwrap()
    ));
    let starts = crate::rig::From::beginning();
    assert!(names(bus.reader(&missing, "group", starts).await.err().unwrap()));
    let mut publisher = bus.publisher(&unique("owner")).await.unwrap();
    assert!(names(
        publisher
            .publish(&missing, numbered("a", 0..1))
            .await
            .unwrap_err()
    ));
}

pub(crate) async fn a_too_large_message_keeps_the_whole_batch_back(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    let large = message("a", &"x".repeat(MESSAGE_BYTES_MAX + 1));
    let batch = vec![message("a", "small"), large];
    let error = bus.publish(&topic.name, batch).await.unwrap_err();
    assert!(
        matches!(&error, BusError::TooLarge { topic: named } if *named == topic.name),
        "{error:?}"
    );
    assert_eq!(bus.ends(&topic.name).await.unwrap(), Positions::from([(0, 0)]));
}

pub(crate) async fn the_largest_message_is_taken(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    // Bytes that do not compress, because the limit of brokers is on what is sent.
    let mut state = 1_u64;
    let noise = (0..MESSAGE_BYTES_MAX - 1).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    let large = Outgoing {
        key: b"a".to_vec(),
        headers: Vec::new(),
        payload: Some(noise.collect()),
    };
    bus.publish(&topic.name, vec![large.clone()]).await.unwrap();
    let messages = read_all(bus.as_ref(), &topic.name, 1).await;
    assert!(messages[0].payload == large.payload);
}

pub(crate) async fn bytes_umlauts_and_tombstones_come_back_as_they_were(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    let headers = vec![
        ("ce_type", "Rückruf für Düsseldorf".into()),
        ("ce_id", "".into()),
        ("zweimal", "1".into()),
        ("zweimal", "2".into()),
    ];
    let sent = vec![
        Outgoing {
            key: "Schlüssel".as_bytes().to_vec(),
            headers: headers.clone(),
            payload: Some((0..=255).collect()),
        },
        Outgoing {
            key: vec![0, 255, 0],
            headers: Vec::new(),
            payload: Some(Vec::new()),
        },
        Outgoing {
            key: b"k".to_vec(),
            headers,
            payload: None,
        },
    ];
    bus.publish(&topic.name, sent.clone()).await.unwrap();
    let came = read_all(bus.as_ref(), &topic.name, 3).await;
    for (offset, (sent, came)) in (0..).zip(sent.iter().zip(&came)) {
        assert_eq!((came.partition, came.offset), (0, offset));
        assert_eq!(sent.key, came.key);

        let expected = sent
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_string()));
        assert_eq!(came.headers, expected.collect::<Vec<_>>());
        assert_eq!(sent.payload, came.payload);
    }
    assert_eq!(came[0].header("ce_type"), Some("Rückruf für Düsseldorf"));
}

pub(crate) async fn many_callers_at_once_lose_nothing(rig: Rig) {
    let topic = topic(4);
    let bus = rig.open_with(&[&topic]).await;
    let callers = (0..16).map(|caller| {
        let (bus, topic) = (Arc::clone(&bus), topic.name.clone());
        tokio::spawn(async move {
            for batch in 0..10 {
                let numbers = batch * 20..(batch + 1) * 20;
                bus.publish(&topic, numbered(&format!("{caller}"), numbers))
                    .await
                    .unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let mut by_caller = BTreeMap::<_, Vec<_>>::new();
    for message in read_all(bus.as_ref(), &topic.name, 16 * 200).await {
        by_caller
            .entry(message.key.clone())
            .or_default()
            .push(text(&message));
    }
    let wanted: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(by_caller.len(), 16);
    assert!(by_caller.values().all(|numbers| *numbers == wanted));
}

pub(crate) async fn the_bus_answers_its_probe(rig: Rig) {
    rig.open().probe().await.unwrap();
}
