use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, Forgetting, Forgotten, Positions, Received, TopicSpec};

use crate::rig::{PATIENCE, Rig, compacted, message, topic};

/// Segments that are closed soon.
fn short(spec: TopicSpec) -> TopicSpec {
    TopicSpec {
        segments: Duration::from_millis(500),
        ..spec
    }
}

/// Forgets messages with a key; another payload stays in the place of those that say "secret".
fn of_key(key: &str) -> Forgetting {
    Forgetting {
        keys: BTreeSet::from([key.as_bytes().to_vec()]),
        others: None,
        instead: Arc::new(|message: &Received| {
            let text = String::from_utf8_lossy(message.payload.as_deref().unwrap_or_default()).into_owned();
            (text != "all of it").then(|| text.replace("secret", "nothing").into_bytes())
        }),
    }
}

async fn until_forgotten(bus: &dyn Bus, topic: &str, what: &Forgetting, read_up_to: Option<&Positions>) {
    let begun = Instant::now();
    loop {
        let read = match read_up_to {
            Some(read) => read.clone(),
            None => bus.ends(topic).await.unwrap(),
        };
        match bus.forget(topic, what.clone(), read).await.unwrap() {
            Forgotten::Done { .. } => return bus.scrub().await.unwrap(),
            Forgotten::Later { again_in } => tokio::time::sleep(again_in).await,
        }
        assert!(begun.elapsed() < PATIENCE, "it is never done");
    }
}

/// What a new reader is given, without what closes segments; each text once, and in no order.
async fn texts(bus: &dyn Bus, topic: &str) -> BTreeSet<String> {
    let mut reader = bus.reader_alone(topic, Positions::new()).await.unwrap();
    let mut texts = BTreeSet::new();
    loop {
        let messages = reader.next(100, Duration::from_secs(2)).await.unwrap();
        if messages.is_empty() {
            return texts;
        }
        let payloads = messages.into_iter().filter_map(|message| message.payload);
        texts.extend(payloads.map(|payload| String::from_utf8(payload).unwrap()));
    }
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// Whatever else is there can be read as before.
pub(crate) async fn messages_of_a_key_are_forgotten_and_all_others_stay(rig: Rig) {
    let spec = short(topic(1));
    let bus = rig.open_with(&[&spec]).await;
    let all = [
        ("a", "a secret"),
        ("b", "b secret"),
        ("a", "all of it"),
        ("c", "c"),
    ];
    let messages = all.map(|(key, text)| message(key, text)).to_vec();
    bus.publish(&spec.name, messages).await.unwrap();
    until_forgotten(&*bus, &spec.name, &of_key("a"), None).await;
    assert_eq!(
        texts(&*bus, &spec.name).await,
        set(&["a nothing", "b secret", "c"])
    );
    // Again: nothing is left to do.
    let again = bus
        .forget(&spec.name, of_key("a"), bus.ends(&spec.name).await.unwrap())
        .await;
    assert!(matches!(again.unwrap(), Forgotten::Done { .. }));
}

/// What is said under another key is known by its content.
pub(crate) async fn messages_under_other_keys_are_forgotten_by_what_they_say(rig: Rig) {
    let spec = short(topic(1));
    let bus = rig.open_with(&[&spec]).await;
    let all = [("a", "all of it"), ("b", "the secret of a"), ("c", "c")];
    let messages = all.map(|(key, text)| message(key, text)).to_vec();
    bus.publish(&spec.name, messages).await.unwrap();
    let what = Forgetting {
        others: Some(Arc::new(|message: &Received| {
            let text = String::from_utf8_lossy(message.payload.as_deref().unwrap_or_default()).into_owned();
            text.contains("secret")
        })),
        ..of_key("a")
    };
    until_forgotten(&*bus, &spec.name, &what, None).await;
    assert_eq!(texts(&*bus, &spec.name).await, set(&["the nothing of a", "c"]));
}

/// What nobody has read yet is still to be read.
pub(crate) async fn what_was_not_read_is_not_forgotten(rig: Rig) {
    let spec = short(topic(1));
    let bus = rig.open_with(&[&spec]).await;
    bus.publish(&spec.name, vec![message("a", "a secret")])
        .await
        .unwrap();
    let unread = Positions::from([(0, 0)]);
    let outcome = bus.forget(&spec.name, of_key("a"), unread).await.unwrap();
    assert_eq!(texts(&*bus, &spec.name).await, set(&["a secret"]), "{outcome:?}");
}

/// The last message of a key is what readers are to know.
pub(crate) async fn a_compacted_topic_keeps_the_last_message_of_a_forgotten_key(rig: Rig) {
    let spec = short(compacted(1));
    let bus = rig.open_with(&[&spec]).await;
    let all = [("a", "a secret"), ("b", "b"), ("a", "erased")];
    bus.publish(&spec.name, all.map(|(key, text)| message(key, text)).to_vec())
        .await
        .unwrap();
    until_forgotten(&*bus, &spec.name, &of_key("a"), Some(&Positions::new())).await;
    let left = texts(&*bus, &spec.name).await;
    assert!(left.contains("erased") && left.contains("b"), "{left:?}");
    // Brokers remove what was superseded by their own looks.
    if matches!(rig, Rig::Embedded(_)) {
        assert_eq!(left, set(&["erased", "b"]));
    }
}
