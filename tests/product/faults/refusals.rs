//! Kafka refuses one ticket of a department.

use testkit::{Backend, Builder, Dice, configure_topic, eventually};

use super::ticket_topic::{SCHOOLS, TAXES, becomes, log, show, topic_of, two_departments, versions};

/// Nothing that compression makes much smaller.
fn long_concern(dice: &mut Dice) -> String {
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    (0..3_900).map(|_| *dice.one_of(&letters)).collect()
}

/// Changes the configuration of a topic beside the runtime.
async fn configure(topic: &str, change: &'static str, what: &'static str) {
    let topic = topic.to_owned();
    let done = tokio::task::spawn_blocking(move || configure_topic(&topic, change, what));
    done.await.expect("the broker obeys");
}

#[tokio::test]
async fn a_ticket_that_is_too_large_for_its_topic_waits_aside_until_the_limit_is_raised() {
    Backend::on_servers(|backend| async move {
        let (builder, _rules) = two_departments(Builder::on(backend));
        let mut node = builder.start().await;
        let topic = topic_of(&node, TAXES);
        configure(&topic, "add-config", "max.message.bytes=3000").await;

        let mut dice = Dice::new();
        let changes = log(&node, "Steuern", &long_concern(&mut dice), &[]).await;
        let waits = log(&node, "Steuern", &long_concern(&mut dice), &[]).await;
        let good = log(&node, "Steuern", "Frage", &[]).await;
        let other = log(&node, "Schule", "Frage", &[]).await;
        for ticket in [&good, &other] {
            becomes(&node, ticket, "handed_over").await;
        }
        eventually("both to be set aside, with the reason", async || {
            let log = node.log();
            let aside = |ticket: &String| {
                let said = |line: &str| line.contains("set aside") && line.contains(ticket.as_str());
                log.lines().any(|line| said(line) && line.contains("too large"))
            };
            [&changes, &waits].into_iter().all(aside).then_some(())
        })
        .await;
        assert_eq!(show(&node, &waits).await["state"], "open");
        let metrics = node.get("/metrics", Some(&node.token())).await.body;
        assert!(
            metrics.contains(&format!(
                "nrwdirekt_ticket_messages_set_aside_total{{department=\"{TAXES}\"}} 2"
            )),
            "{metrics}"
        );

        configure(&topic, "delete-config", "max.message.bytes").await;
        log(&node, "Steuern", "Noch etwas", &["--add-to", &changes]).await;
        becomes(&node, &changes, "handed_over").await;
        assert_eq!(
            show(&node, &waits).await["state"],
            "open",
            "its time has not come"
        );
        node.stop().await;
        node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", Some("120"));
        node.start_again().await;
        becomes(&node, &waits, "handed_over").await;
        node.stop().await;
        for (ticket, expected) in [(&changes, 2), (&waits, 1), (&good, 1)] {
            assert_eq!(versions(&topic, "read_committed", ticket), [expected]);
        }
        let schools = topic_of(&node, SCHOOLS);
        assert_eq!(versions(&schools, "read_committed", &other), [1]);
    })
    .await;
}
