use std::time::Duration;

use bus::{Cleanup, TopicSpec};

use crate::rig::{Rig, compacted, topic};

pub(crate) async fn applying_twice_changes_nothing(rig: Rig) {
    let wanted = [topic(3), compacted(1)];
    let bus = rig.open();
    assert_eq!(bus.check_topics(&wanted).await.unwrap().len(), 2);
    assert_eq!(bus.apply_topics(&wanted).await.unwrap().len(), 2);
    assert_eq!(bus.apply_topics(&wanted).await.unwrap(), Vec::<String>::new());
    assert_eq!(bus.check_topics(&wanted).await.unwrap(), Vec::new());
    drop(bus);
    let bus = rig.open();
    assert_eq!(bus.check_topics(&wanted).await.unwrap(), Vec::new());
}

pub(crate) async fn a_changed_policy_is_noticed_and_applied(rig: Rig) {
    let before = topic(2);
    let bus = rig.open_with(&[&before]).await;
    let after = TopicSpec {
        cleanup: Cleanup::Delete {
            retention: Duration::from_secs(60 * 60),
        },
        ..before
    };
    let wanted = [after];
    let faults = bus.check_topics(&wanted).await.unwrap();
    assert_eq!(faults.len(), 1);
    assert!(
        !faults[0].fatal && faults[0].fault.contains("policy"),
        "{faults:?}"
    );
    assert_eq!(bus.apply_topics(&wanted).await.unwrap().len(), 1);
    assert_eq!(bus.check_topics(&wanted).await.unwrap(), Vec::new());
    assert_eq!(bus.apply_topics(&wanted).await.unwrap(), Vec::<String>::new());
}

pub(crate) async fn missing_topics_and_other_partition_counts_are_fatal(rig: Rig) {
    let there = topic(2);
    let missing = topic(1);
    let bus = rig.open_with(&[&there]).await;
    let more = TopicSpec {
        partitions: 5,
        ..there.clone()
    };
    let faults = bus.check_topics(&[more, missing.clone()]).await.unwrap();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.fatal));
    assert_eq!(faults[0].topic, there.name);
    assert!(
        faults[0].fault.contains("2 partitions instead of 5"),
        "{faults:?}"
    );
    assert_eq!(faults[1].topic, missing.name);
    assert!(faults[1].fault.contains("topics apply"), "{faults:?}");
}

pub(crate) async fn the_id_of_a_topic_stays(rig: Rig) {
    let topic = topic(1);
    let bus = rig.open_with(&[&topic]).await;
    let id = bus.topic_id(&topic.name).await.unwrap();
    assert!(!id.is_empty());
    drop(bus);
    assert_eq!(rig.open().topic_id(&topic.name).await.unwrap(), id);
}
