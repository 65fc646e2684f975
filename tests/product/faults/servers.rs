//! PostgreSQL and Apache Kafka end under the node, in order or by a crash, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testkit::{Backend, Builder, OwnServers, Stop, TestNode, eventually};

use super::load::Load;

/// Does something with the servers while others go on.
async fn aside(servers: &Arc<OwnServers>, work: impl FnOnce(&OwnServers) + Send + 'static) {
    let servers = Arc::clone(servers);
    let done = tokio::task::spawn_blocking(move || work(&servers)).await;
    done.expect("the servers obey");
}

async fn node_on(servers: &OwnServers) -> TestNode {
    let builder = Builder::on(Backend::Embedded).set("bus.call_partitions", "3");
    let builder = builder.argument("--store").argument(&servers.store);
    builder.argument("--bus").argument(&servers.bus).start().await
}

/// Sends until everything has its receipt: the servers are back.
async fn send_all(load: &mut Load, node: &TestNode) {
    let load = tokio::sync::Mutex::new(load);
    eventually("every batch to have its receipt", async || {
        let mut load = load.lock().await;
        let _ = load.send(node.connection()).await;
        load.is_done().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_of_postgresql_and_kafka_under_load_lose_nothing_and_count_nothing_twice() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let servers = Arc::new(servers);
    let node = node_on(&servers).await;
    for how in [Stop::Orderly, Stop::Crash] {
        let mut load = Load::of(400);
        let restarts = async {
            aside(&servers, move |servers| {
                servers.stop_postgres(how);
                servers.start_postgres();
            })
            .await;
            aside(&servers, move |servers| {
                servers.stop_kafka(how);
                servers.start_kafka();
            })
            .await;
        };
        let is_over = AtomicBool::new(false);
        let sending = async {
            while !is_over.load(Ordering::Relaxed) && !load.is_done() {
                // Cut, refused or done: what has no receipt is sent again.
                let _ = load.send(node.connection()).await;
            }
        };
        tokio::join!(sending, async {
            restarts.await;
            is_over.store(true, Ordering::Relaxed);
        });
        send_all(&mut load, &node).await;
        // Batches with a receipt are sent again too: they change nothing.
        load.check_complete(&node).await;
        load.send_everything_again(&node).await;
        load.check_complete(&node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_can_be_logged_while_kafka_is_away_and_reaches_its_department_later() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let servers = Arc::new(servers);
    let node = node_on(&servers).await;
    aside(&servers, |servers| servers.stop_kafka(Stop::Crash)).await;
    let concern = "Rückfrage zum Bescheid";
    let log = [
        "callback",
        "log",
        "--hotline",
        "Steuern und Finanzen",
        "--phone",
        "0221 4710123",
        "--postal-code",
        "50667",
        "--concern",
        concern,
        "--json",
    ];
    let logged = node.run(&log).await.exits(0).json();
    let (ticket, department) = (logged["ticket_id"].clone(), logged["department"].clone());
    aside(&servers, OwnServers::start_kafka).await;
    let department = department.as_str().expect("it names its department");
    let consume = ["department", "consume", "--department", department];
    let consume = [&consume[..], &["--follow", "--max", "1", "--json"]].concat();
    let message = node.run(&consume).await.exits(0).json();
    assert_eq!(message["ticket"]["ticket_id"], ticket, "{message}");
}
