//! The topic of figures, while ledgers come, and end by kills, in the middle of work.

use std::collections::BTreeMap;

use rdkafka::message::Message as _;
use serde_json::Value;
use testkit::{Backend, Builder, Dice, TestNode, eventually, reports};
use wire::v1::reporting::TotalsResponse;

use super::ledgers::{BATCHES, batches, days, kill_and_add};
use super::load::Load;
use super::ticket_topic::{prefixed, read_whole};

/// Contacts, and visits offered, answered and abandoned, by hotline.
type Sums = BTreeMap<String, [i64; 4]>;

/// The topic as a client has it that keeps the last message of each key, summed up.
fn published(topic: &str) -> Sums {
    let mut kept: BTreeMap<Vec<u8>, Value> = BTreeMap::new();
    read_whole(topic, "read_committed", |message| {
        let key = message.key().expect("a key").to_vec();
        match message.payload() {
            Some(payload) => kept.insert(key, serde_json::from_slice(payload).expect("JSON")),
            None => kept.remove(&key),
        };
    });
    let mut sums = Sums::new();
    for message in kept.values() {
        let hotline = message["hotline"].as_str().expect("a hotline");
        let sum = sums.entry(hotline.to_owned()).or_default();
        for figures in message["task_types"].as_array().expect("task types") {
            let figure = |name: &str| figures["figures"][name].as_i64().expect("a figure");
            for (sum, name) in sum
                .iter_mut()
                .zip(["contacts", "offered", "answered", "abandoned"])
            {
                *sum += figure(name);
            }
        }
    }
    sums
}

/// The same by `report totals`.
fn reported(totals: TotalsResponse) -> Sums {
    let groups = totals.groups.into_iter();
    let sums = groups.map(|it| (it.group, [it.contacts, it.offered, it.answered, it.abandoned]));
    sums.collect()
}

async fn totals(node: &TestNode) -> Sums {
    let (from, to) = (days().from.to_string(), days().to.to_string());
    reported(node.totals(&from, &to).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_of_intervals_comes_to_what_is_reported_whatever_ledgers_are_killed() {
    Backend::on_servers(|backend| async move {
        let mut dice = Dice::new();
        let builder = Builder::on(backend).set("ledger.batch", "50");
        let mut whole = builder.set("ledger.sweep_every_s", "1").start().await;
        let topic = prefixed(&whole, "nrwdirekt.intervals.v1");
        let batches = batches(&mut dice);
        let (history, news) = batches.split_at(BATCHES as usize / 5);
        let mut load = Load::with(history.to_vec());
        load.send(whole.connection()).await.expect("nothing fails");
        eventually("something to be published", async || {
            (!published(&topic).is_empty()).then_some(())
        })
        .await;
        // Whoever publishes next waits for its lease to run out.
        whole.kill().await;

        let front = whole.beside("intake,reporting").start().await;
        let mut ledgers = Vec::new();
        for _ in 0..2 {
            ledgers.push(front.beside("ledger").start().await);
        }
        let mut reached: Vec<_> = load.receipts.into_values().collect();
        for part in news.chunks(BATCHES as usize / 5) {
            let mut load = Load::with(part.to_vec());
            let disturbing = kill_and_add(&mut ledgers, &front, &mut dice);
            let (sent, ()) = tokio::join!(load.send(front.connection()), disturbing);
            sent.expect("intake is not disturbed");
            reached.extend(load.receipts.into_values());
        }
        front.await_figures(reports::positions(&reached)).await;
        let expected = totals(&front).await;
        assert_eq!(expected.len(), 3);
        eventually("the topic to tell what is reported", async || {
            (published(&topic) == expected).then_some(())
        })
        .await;

        // In order, the other one goes on at once.
        ledgers.remove(0).stop().await;
        let mut load = Load::of(1);
        load.send(front.connection()).await.expect("nothing fails");
        front
            .await_figures(reports::positions(load.receipts.values()))
            .await;
        let expected = totals(&front).await;
        eventually("the topic to tell the news too", async || {
            (published(&topic) == expected).then_some(())
        })
        .await;
        for mut ledger in ledgers {
            ledger.stop().await;
        }
    })
    .await;
}
