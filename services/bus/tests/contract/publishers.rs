use std::time::Duration;

use bus::{BusError, MESSAGE_BYTES_MAX, Positions};

use crate::rig::{Rig, compacted, message, numbered, read, texts, topic, unique};

pub(crate) async fn a_new_holder_of_a_name_fences_the_former(rig: Rig) {
    let topic = compacted(1);
    let bus = rig.open_with(&[&topic]).await;
    let owner = unique("owner");
    let mut former = bus.publisher(&owner).await.unwrap();
    former
        .publish(&topic.name, vec![message("ticket", "version 1")])
        .await
        .unwrap();
    let mut other = bus.publisher(&unique("owner")).await.unwrap();
    let mut holder = bus.publisher(&owner).await.unwrap();
    holder
        .publish(&topic.name, vec![message("ticket", "version 2")])
        .await
        .unwrap();
    for _ in 0..2 {
        let stale = vec![message("ticket", "version 1, again")];
        let error = former.publish(&topic.name, stale).await.unwrap_err();
        assert!(
            matches!(&error, BusError::Fenced(name) if *name == owner),
            "{error:?}"
        );
        assert!(!error.is_temporary());
    }
    other
        .publish(&topic.name, vec![message("other", "other")])
        .await
        .unwrap();
    holder
        .publish(&topic.name, vec![message("ticket", "version 3")])
        .await
        .unwrap();
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    assert_eq!(
        texts(&read(reader.as_mut(), 4).await),
        ["version 1", "version 2", "other", "version 3"]
    );
    assert!(
        reader
            .next(10, Duration::from_millis(300))
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn what_a_publisher_appends_is_in_order_and_visible(rig: Rig) {
    let (tickets, results) = (compacted(1), topic(2));
    let bus = rig.open_with(&[&tickets, &results]).await;
    let mut publisher = bus.publisher(&unique("owner")).await.unwrap();
    let mut reader = bus.reader_alone(&tickets.name, Positions::new()).await.unwrap();
    for number in 0..20 {
        publisher
            .publish(&tickets.name, numbered("a", number * 3..number * 3 + 3))
            .await
            .unwrap();
        publisher
            .publish(&results.name, numbered("b", number..number + 1))
            .await
            .unwrap();
    }
    let wanted: Vec<_> = (0..60).map(|number| number.to_string()).collect();
    assert_eq!(texts(&read(reader.as_mut(), 60).await), wanted);
    // Whoever starts at an end gets nothing of what was there before.
    let ends = bus.ends(&tickets.name).await.unwrap();
    let mut at_end = bus.reader_alone(&tickets.name, ends).await.unwrap();
    assert!(
        at_end
            .next(10, Duration::from_millis(500))
            .await
            .unwrap()
            .is_empty()
    );
    publisher
        .publish(&tickets.name, numbered("a", 60..61))
        .await
        .unwrap();
    assert_eq!(texts(&read(at_end.as_mut(), 1).await), ["60"]);
}

pub(crate) async fn a_refused_batch_leaves_the_publisher_usable(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    let mut publisher = bus.publisher(&unique("owner")).await.unwrap();
    let large = message("a", &"x".repeat(MESSAGE_BYTES_MAX + 1));
    let batch = vec![message("a", "before"), large];
    let error = publisher.publish(&topic.name, batch).await.unwrap_err();
    assert!(matches!(error, BusError::TooLarge { .. }), "{error:?}");
    let missing = unique("missing");
    let error = publisher
        .publish(&missing, numbered("a", 0..1))
        .await
        .unwrap_err();
    assert!(matches!(error, BusError::UnknownTopic(_)), "{error:?}");
    publisher
        .publish(&topic.name, vec![message("a", "after")])
        .await
        .unwrap();
    let mut reader = bus.reader_alone(&topic.name, Positions::new()).await.unwrap();
    assert_eq!(texts(&read(reader.as_mut(), 1).await), ["after"]);
}
