//! `callback_path`: from `LogCallback` to the department's consumer, on a whole node.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bus::embedded::EmbeddedBus;
use bus::{Bus, Outgoing, Positions};
use prost::bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use testkit::{Backend, Builder, Connection};
use wire::v1::tickets::handover_client::HandoverClient;
use wire::v1::tickets::ticketing_client::TicketingClient;
use wire::v1::tickets::{LogCallbackRequest, SubscribeRequest, Ticket};

use crate::figures::{Figure, percentile};
use crate::kafka::{self, BareProducer};
use crate::postgres;

const CALLBACKS: usize = 200;
const MESSAGE_BYTES: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(30);

/// On embedded storage, and on PostgreSQL and Kafka.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let times = on_embedded().await?;
    let bare = bare_embedded().await?;
    report(
        &mut figures,
        "embedded",
        "publish to read on the embedded bus",
        &times,
        &bare,
    );
    let times = on_kafka().await?;
    let bare = bare_kafka().await?;
    report(
        &mut figures,
        "kafka",
        "produce to consume on the same broker",
        &times,
        &bare,
    );
    Ok(figures)
}

fn report(figures: &mut Vec<Figure>, backend: &str, beside: &'static str, times: &[f64], bare: &[f64]) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let figure = Figure::new(
            &format!("callback_path_{backend}_{name}"),
            percentile(times, share),
            "ms",
        );
        figures.push(figure.beside(beside, percentile(bare, share)));
    }
}

/// Milliseconds of each callback; the department reads over gRPC.
async fn on_embedded() -> anyhow::Result<Vec<f64>> {
    let mut node = Builder::on(Backend::Embedded).start().await;
    let mut ticketing = TicketingClient::new(node.connection());
    let department = log(&mut ticketing).await?.department;
    let request = SubscribeRequest {
        department,
        follow: true,
    };
    let mut messages = HandoverClient::new(node.connection())
        .subscribe(request)
        .await?
        .into_inner();
    let mut times = Vec::with_capacity(CALLBACKS);
    for _ in 0..CALLBACKS {
        let begun = Instant::now();
        let ticket = log(&mut ticketing).await?.ticket_id;
        loop {
            let message = tokio::time::timeout(PATIENCE, messages.message()).await??;
            if message.context("the subscription goes on")?.key == ticket {
                break;
            }
        }
        times.push(milliseconds(begun));
    }
    node.stop().await;
    Ok(times)
}

/// Milliseconds of each callback; the department reads with a client of Kafka.
async fn on_kafka() -> anyhow::Result<Vec<f64>> {
    let database = postgres::create().await?;
    let prefix = kafka::fresh("");
    let mut node = on_servers(&database, &prefix)?.start().await;
    let mut ticketing = TicketingClient::new(node.connection());
    let department = log(&mut ticketing).await?.department;
    let arrivals = consume(&format!("{prefix}nrwdirekt.tickets.{department}.v1"))?;
    let mut times = Vec::with_capacity(CALLBACKS);
    for _ in 0..CALLBACKS {
        let begun = Instant::now();
        let ticket = log(&mut ticketing).await?.ticket_id;
        while arrivals.recv_timeout(PATIENCE)? != ticket.as_bytes() {}
        times.push(milliseconds(begun));
    }
    node.stop().await;
    Ok(times)
}

fn on_servers(database: &str, prefix: &str) -> anyhow::Result<Builder> {
    let builder = Builder::on(Backend::Embedded)
        .argument("--store")
        .argument(database);
    let builder = builder
        .argument("--bus")
        .argument(&format!("kafka://{}", kafka::address()?));
    Ok(builder
        .set("bus.topic_prefix", prefix)
        .set("bus.call_partitions", "3"))
}

async fn log(ticketing: &mut TicketingClient<Connection>) -> anyhow::Result<Ticket> {
    let request = LogCallbackRequest {
        idempotency_key: uuid::Uuid::new_v4().to_string(),
        fields: [
            ("name", "Beispiel"),
            ("phone", "0221 1234567"),
            ("postal_code", "50667"),
            (
                "concern",
                "Bitte um Rückruf wegen des Bescheids vom letzten Monat",
            ),
        ]
        .map(|(id, text)| (id.to_owned(), text.to_owned()))
        .into(),
        hotline: "Steuern und Finanzen".to_owned(),
        agent: "Agent 7".to_owned(),
        ..LogCallbackRequest::default()
    };
    let response = ticketing.log_callback(request).await?.into_inner();
    response.ticket.context("a ticket")
}

/// Milliseconds from publishing to reading, without anything around the embedded bus.
async fn bare_embedded() -> anyhow::Result<Vec<f64>> {
    let folder = tempfile::tempdir()?;
    let bus = EmbeddedBus::open(&folder.path().join("bus.db"))?;
    kafka::create(&bus, "bare", 1).await?;
    let mut reader = bus.reader_alone("bare", Positions::new()).await?;
    let mut times = Vec::with_capacity(CALLBACKS);
    for number in 0..CALLBACKS {
        let message = Outgoing {
            key: number.to_string().into_bytes(),
            headers: Vec::new(),
            payload: Some(vec![b'x'; MESSAGE_BYTES]),
        };
        let begun = Instant::now();
        let (published, read) = tokio::join!(bus.publish("bare", vec![message]), reader.next(1, PATIENCE));
        published?;
        ensure!(read?.len() == 1, "the message was not read");
        times.push(milliseconds(begun));
    }
    Ok(times)
}

/// Milliseconds from producing to consuming, without anything around the clients.
async fn bare_kafka() -> anyhow::Result<Vec<f64>> {
    let bus = kafka::connect()?;
    let topic = kafka::fresh("bare");
    kafka::create(&bus, &topic, 1).await?;
    let producer = BareProducer::new(&topic)?;
    let arrivals = consume(&topic)?;
    let message = Bytes::from(vec![b'x'; MESSAGE_BYTES]);
    producer.append(vec![message.clone()]).await?;
    arrivals.recv_timeout(PATIENCE)?;
    let mut times = Vec::with_capacity(CALLBACKS);
    for _ in 0..CALLBACKS {
        let begun = Instant::now();
        producer.append(vec![message.clone()]).await?;
        arrivals.recv_timeout(PATIENCE)?;
        times.push(milliseconds(begun));
    }
    Ok(times)
}

/// Reads a topic's only partition on a thread of its own, as long as somebody listens. Tells the keys.
fn consume(topic: &str) -> anyhow::Result<mpsc::Receiver<Vec<u8>>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka::address()?)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    let (arrived, arrivals) = mpsc::channel();
    std::thread::spawn(move || {
        loop {
            // An error may pass; a message that never comes is missed by whoever waits for it.
            let Some(Ok(message)) = consumer.poll(Duration::from_millis(500)) else {
                continue;
            };
            if arrived.send(message.key().unwrap_or_default().to_vec()).is_err() {
                return;
            }
        }
    });
    Ok(arrivals)
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}
