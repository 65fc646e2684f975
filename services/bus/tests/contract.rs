//! What every bus promises, tried on each implementation.
//!
//! The embedded bus runs always; Apache Kafka when `NRWDIREKT_TEST_KAFKA` names a broker. In CI a missing broker is a
//! failure.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "contract/broker_faults.rs"]
mod broker_faults;
#[path = "contract/compaction.rs"]
mod compaction;
#[path = "contract/embedded_file.rs"]
mod embedded_file;
#[path = "contract/forgetting.rs"]
mod forgetting;
#[path = "contract/groups.rs"]
mod groups;
#[path = "contract/publishers.rs"]
mod publishers;
#[path = "contract/publishing.rs"]
mod publishing;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/rig.rs"]
mod rig;
#[path = "contract/topic_policies.rs"]
mod topic_policies;

/// Runs each case on every implementation.
macro_rules! on_every_bus {
    ($($area:ident::$case:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$area::$case(super::rig::Rig::embedded()).await;
            })+
        }
        mod kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(rig) = super::rig::Rig::kafka() {
                    super::$area::$case(rig).await;
                }
            })+
        }
    };
}

on_every_bus!(
    publishing::messages_of_a_key_keep_their_order,
    publishing::acknowledged_messages_survive_a_restart,
    publishing::positions_lie_after_the_last_message_of_each_partition,
    publishing::nothing_to_publish_is_no_error,
    publishing::an_unknown_topic_is_named,
    publishing::a_too_large_message_keeps_the_whole_batch_back,
    publishing::the_largest_message_is_taken,
    publishing::bytes_umlauts_and_tombstones_come_back_as_they_were,
    publishing::many_callers_at_once_lose_nothing,
    publishing::the_bus_answers_its_probe,
    reading::readers_start_where_they_are_told,
    reading::nothing_is_read_before_the_start_is_known,
    reading::seeking_delivers_again_from_there_and_nothing_else_in_between,
    reading::reading_alone_begins_at_the_given_positions,
    reading::a_waiting_reader_wakes_soon_after_a_publish,
    reading::an_idle_reader_returns_after_its_wait,
    reading::a_position_beyond_the_end_is_reported_until_a_seek,
    reading::no_partition_starves,
    publishers::a_new_holder_of_a_name_fences_the_former,
    publishers::what_a_publisher_appends_is_in_order_and_visible,
    publishers::a_refused_batch_leaves_the_publisher_usable,
    forgetting::messages_of_a_key_are_forgotten_and_all_others_stay,
    forgetting::messages_under_other_keys_are_forgotten_by_what_they_say,
    forgetting::what_was_not_read_is_not_forgotten,
    forgetting::a_compacted_topic_keeps_the_last_message_of_a_forgotten_key,
    topic_policies::applying_twice_changes_nothing,
    topic_policies::a_changed_policy_is_noticed_and_applied,
    topic_policies::missing_topics_and_other_partition_counts_are_fatal,
    topic_policies::the_id_of_a_topic_stays,
);
