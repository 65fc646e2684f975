//! `intake_kafka`: calls a second over a stream until acknowledged.

mod forwarding;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bus::topics;
use domain::record::CallRecord;
use forwarding::Forwarding;
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use prost::bytes::Bytes;
use store::calls::CallStore;
use store::sqlite::SqliteCalls;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use wire::v1::calls::intake_server::IntakeServer;

use crate::figures::{Figure, median, rate};
use crate::fixture::{BATCHES_IN_FLIGHT, Calls, REPORTS_A_BATCH, now};
use crate::kafka::{self, BareProducer};
use crate::unseen::UnseenBatch;
use crate::unseen::intake_client::IntakeClient;
use crate::unseen::intake_server::IntakeServer as UnseenServer;

const ROUNDS: usize = 9;
/// Rounds that make connections and let the broker compile what it does often.
const WARM_UP: usize = 4;
const CALLS_A_ROUND: usize = 60_000;

/// Intake, a handler that hands on the bytes, and a producer alone take turns with the same calls.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let calls = Calls::new()?;
    let batches = calls.encoded(0, CALLS_A_ROUND);
    let messages: Vec<Vec<Bytes>> = batches.iter().map(|batch| batch.reports.clone()).collect();

    let bus = Arc::new(kafka::connect()?);
    let forwarded = kafka::fresh("forwarded");
    for topic in [topics::CALLS, &forwarded] {
        kafka::create(bus.as_ref(), topic, kafka::PARTITIONS).await?;
    }
    let producer = Arc::new(BareProducer::new(&forwarded)?);
    let folder = tempfile::tempdir()?;
    let store = Arc::new(SqliteCalls::open(&folder.path().join("calls.db"))?);
    let key = store.identity_key().await?;
    let known = (0..CALLS_A_ROUND).map(|n| calls.call(n).1);
    let hotlines = known
        .map(|CallRecord { hotline, .. }| hotline)
        .collect::<HashSet<_>>();
    let intake = intake::IntakeService::new(
        bus,
        store,
        key,
        Arc::new(move |hotline| hotlines.contains(hotline)),
        Arc::new(now),
    );
    let forwarding = Forwarding {
        producer: Arc::clone(&producer),
    };
    let intake = Served::start(Routes::new(IntakeServer::new(intake))).await?;
    let forwarding = Served::start(Routes::new(UnseenServer::new(forwarding))).await?;

    let (mut taken_in, mut handed_on, mut produced) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let rates = [
            rate(CALLS_A_ROUND, intake.send(&batches).await?),
            rate(CALLS_A_ROUND, forwarding.send(&batches).await?),
            rate(CALLS_A_ROUND, produce(&producer, &messages).await?),
        ];
        if round >= WARM_UP {
            taken_in.push(rates[0]);
            handed_on.push(rates[1]);
            produced.push(rates[2]);
        }
    }
    let beside = "a handler that hands the bytes to rdkafka unseen";
    Ok(vec![
        Figure::new("intake_kafka", median(taken_in), "calls/s")
            .beside(beside, median(handed_on))
            .at_least(0.7),
        Figure::new("intake_kafka_bare_producer", median(produced), "calls/s"),
    ])
}

/// A service on a loopback port, for as long as this lives.
struct Served {
    url: String,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Served {
    async fn start(routes: Routes) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = Server::builder().tcp_nodelay(true).add_routes(routes);
        Ok(Self {
            url,
            serving: tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener))),
        })
    }

    /// Sends batches over one stream; a few of them are without a receipt at any time.
    async fn send(&self, batches: &[UnseenBatch]) -> anyhow::Result<Duration> {
        let mut client = IntakeClient::connect(self.url.clone()).await?;
        let begun = Instant::now();
        let room = Arc::new(Semaphore::new(BATCHES_IN_FLIGHT));
        let sending = {
            let room = Arc::clone(&room);
            stream::iter(batches.to_vec()).then(move |batch| {
                let room = Arc::clone(&room);
                async move {
                    if let Ok(permit) = room.acquire().await {
                        permit.forget();
                    }
                    batch
                }
            })
        };
        let mut receipts = client.stream_reports(sending).await?.into_inner();
        let mut accepted = 0;
        while let Some(receipt) = receipts.try_next().await? {
            accepted += receipt.accepted as usize;
            room.add_permits(1);
        }
        let took = begun.elapsed();
        ensure!(
            accepted == batches.len() * REPORTS_A_BATCH,
            "{accepted} calls were accepted"
        );
        Ok(took)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Appends the same messages with the same number of batches under way, and nothing else.
async fn produce(producer: &BareProducer, batches: &[Vec<Bytes>]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    stream::iter(batches.to_vec())
        .map(|batch| producer.append(batch))
        .buffered(BATCHES_IN_FLIGHT)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(begun.elapsed())
}
