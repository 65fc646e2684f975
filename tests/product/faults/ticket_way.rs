//! The way of a ticket, from the call to the tombstone, with a node that dies at every step of it in turn.
//!
//! The points are those of the program's own list, so a new method of store or bus is tried too, or has to be named
//! here as one that is not on the way.

mod steps;
mod traces;

use testkit::Backend;

use super::{AT_ONCE, at_each};
use steps::Way;

/// Points that this way does not lead past.
const NOT_ON_THE_WAY: &[&str] = &[
    "tickets.list",
    // Nobody looks for a citizen on this way.
    "tickets.find",
    // What a broker refuses and what is no reply is told by tests of their own.
    "tickets.set_aside",
    "tickets.skip_replies",
    // Nobody books on this way.
    "tickets.seats_taken",
    "reader.seek",
    // Asked for by readiness alone.
    "bus.probe",
    "tickets.probe",
    "bus.ends",
    // Retention has a way of its own: faults/retention.rs.
    "retention.begin_run",
    "retention.hasten_ends",
    "retention.purge_tickets",
    "retention.drop_past_part",
    "retention.purge_calls",
    "retention.forget_identities",
    "retention.purge_rejected",
    "retention.purge_rejected_replies",
    "retention.take_out_agents",
    "retention.purge_cases",
    "retention.cut_audit",
    "retention.take_over_calls",
    "retention.take_over_tickets",
    "retention.take_over_access",
    "retention.empty_call_log",
    "retention.empty_ticket_log",
    "retention.empty_access_log",
    "retention.finish_run",
    // Nobody is erased to the last copy on this way.
    "bus.forget",
    "bus.scrub",
    "bus.stays",
    // Its way is tried by faults/erasure/steps.rs, that of entries by faults/erasure/entries.rs, and that of replies that
    // come after it by faults/erasure/replies.rs.
    "entries.erase",
    "erasure.enter_order",
    "erasure.add_calls",
    "erasure.note_step",
    "erasure.close_order",
    "erasure.reopen_order",
    "erasure.stray_replies",
    "erasure.forget_stray_replies",
    "erasure.erase_callers",
    "erasure.erase_rejected",
    "erasure.callers_that",
    "erasure.scrub_store",
    "erasure.scrub_owed",
];

/// What changes something, and how often it does on this way: cut before and after each of these calls. Everything else
/// only asks: cut before its first call.
const CHANGES: &[(&str, u64)] = &[
    ("tickets.log", 2),
    ("tickets.add", 1),
    ("tickets.mark_published", 7),
    ("tickets.settle_reply", 3),
    ("tickets.mark_results_published", 3),
    ("tickets.mark_notices_published", 2),
    ("tickets.record", 2),
    ("tickets.mark_tombstoned", 1),
    ("tickets.take_leases", 1),
    ("tickets.release_leases", 1),
    ("bus.publish", 5),
    ("publisher.publish", 10),
];

/// Those that are tried on servers too: what is written there, and said to be.
const ON_SERVERS: &[&str] = &[
    "tickets.log:after:1",
    "bus.publish:after:1",
    "publisher.publish:before:1",
    "publisher.publish:after:1",
    "publisher.publish:after:3",
    "tickets.mark_published:after:1",
    "tickets.settle_reply:before:1",
    "tickets.settle_reply:after:1",
    "tickets.mark_results_published:before:1",
    "tickets.mark_results_published:after:2",
    "tickets.mark_notices_published:before:1",
    "tickets.record:after:1",
    "tickets.mark_tombstoned:before:1",
    "tickets.release_leases:before:1",
];

/// The points that the program has.
async fn points() -> Vec<String> {
    let mut node = testkit::Builder::on(Backend::Embedded).prepare().await;
    node.set_variable(steps::CRASH, Some("?"));
    let refused = node.try_to_start().await.expect_err("not a point");
    assert_eq!(refused.code(), Some(2));
    let log = node.log();
    let (_, names) = log.split_once("these points: ").expect("it lists its points");
    let names = names.lines().next().unwrap_or_default();
    names.split(", ").map(str::to_owned).collect()
}

/// Every place to cut the way at.
async fn cuts() -> Vec<String> {
    let points = points().await;
    for known in NOT_ON_THE_WAY
        .iter()
        .chain(CHANGES.iter().map(|(point, _)| point))
    {
        assert!(
            points.iter().any(|point| point == known),
            "{known} is no point any more"
        );
    }
    let on_the_way = points
        .iter()
        .filter(|point| !NOT_ON_THE_WAY.contains(&point.as_str()));
    on_the_way
        .flat_map(|point| match CHANGES.iter().find(|(change, _)| change == point) {
            Some((_, calls)) => (1..=*calls)
                .flat_map(|call| ["before", "after"].map(|moment| format!("{point}:{moment}:{call}")))
                .collect(),
            None => vec![format!("{point}:before:1")],
        })
        .collect()
}

#[tokio::test]
async fn a_ticket_reaches_the_end_of_its_way_whatever_step_the_node_dies_at() {
    at_each(AT_ONCE, cuts().await, |cut| Way::go(Backend::Embedded, Some(cut))).await;
}

#[tokio::test]
async fn a_ticket_reaches_the_end_of_its_way_on_servers_whatever_step_the_node_dies_at() {
    Backend::on_servers(|backend| {
        let cuts = ON_SERVERS.iter().map(|&cut| cut.to_owned());
        at_each(AT_ONCE, cuts, move |cut| Way::go(backend, Some(cut)))
    })
    .await;
}

#[tokio::test]
async fn an_undisturbed_way_ends_the_same() {
    Backend::each(|backend| Way::go(backend, None)).await;
}
