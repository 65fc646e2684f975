//! An instance of handover is held up for longer than its lease, in the moment before it publishes.

use testkit::{Backend, Builder, TestNode, eventually};

use super::ticket_topic::{TAXES, becomes, log, topic_of, two_departments, versions};

const PAUSE: &str = "NRWDIREKT_TEST_PAUSE";

/// Another node on the same store and bus.
async fn beside(node: &TestNode) -> TestNode {
    let mut builder = Builder::on(Backend::Embedded);
    for argument in node.arguments() {
        builder = builder.argument(argument);
    }
    builder.start().await
}

#[tokio::test]
async fn an_owner_that_slept_past_its_lease_puts_nothing_behind_its_successor() {
    Backend::on_servers(|backend| async move {
        let (builder, _rules) = two_departments(Builder::on(backend));
        // What is published is counted: tickets alone.
        let builder = builder
            .set("intervals.publish", "false")
            .variable(PAUSE, "publisher.publish:before:2");
        let mut former = builder.start().await;
        let ticket = log(&former, "Steuern", "Frage", &[]).await;
        becomes(&former, &ticket, "handed_over").await;

        let mut successor = beside(&former).await;
        let add_to = ["--add-to", &ticket[..]];
        log(&successor, "Steuern", "Noch eine Frage", &add_to).await;
        eventually("the owner to sleep with version 2 in its hands", async || {
            former.is_paused().then_some(())
        })
        .await;
        log(&successor, "Steuern", "Und noch eine", &add_to).await;
        let topic = topic_of(&former, TAXES);
        eventually("the other one to publish version 3", async || {
            let published = versions(&topic, "read_committed", &ticket);
            (published == [1, 3]).then_some(())
        })
        .await;

        former.resume();
        let later = log(&former, "Steuern", "Eine andere Frage", &[]).await;
        becomes(&former, &later, "handed_over").await;
        let said = "nrwdirekt_handover_departments 0";
        eventually("the former owner to have given its departments up", async || {
            let metrics = former.get("/metrics", Some(&former.token())).await.body;
            metrics.contains(said).then_some(())
        })
        .await;
        // What it had begun ends with it at the latest.
        former.stop().await;
        for isolation in ["read_committed", "read_uncommitted"] {
            assert_eq!(versions(&topic, isolation, &ticket), [1, 3], "{isolation}");
        }

        former.set_variable(PAUSE, None);
        former.start_again().await;
        successor.kill().await;
        let last = log(&former, "Steuern", "Die letzte Frage", &[]).await;
        becomes(&former, &last, "handed_over").await;
        assert_eq!(versions(&topic, "read_committed", &last), [1]);
        former.stop().await;
    })
    .await;
}
