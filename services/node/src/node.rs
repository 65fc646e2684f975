//! A running node: storage opened, roles wired and started, one server in front.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bus::embedded::EmbeddedBus;
use bus::{Bus, topics};
use store::calls::CallStore;
use store::sqlite::SqliteCalls;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::v1::calls::intake_server::IntakeServer;
use wire::v1::reporting::reporting_server::ReportingServer;

use crate::auth::{self, TokenHash, Tokens};
use crate::cli::Role;
use crate::config::{BusChoice, Config, StoreChoice};
use crate::exit::Failure;
use crate::server::{self, Served};
use crate::telemetry;

/// How long roles may take to finish what they began.
const ROLES_GRACE: Duration = Duration::from_secs(15);
/// Partitions of the topic of calls on the embedded bus, which has one reader anyway.
const EMBEDDED_CALL_PARTITIONS: u32 = 4;

/// What a node is started with.
pub(crate) struct Start {
    pub(crate) config: Config,
    pub(crate) data: Option<PathBuf>,
    pub(crate) roles: Vec<Role>,
    /// Create topics and migrate the store, as `up` does; otherwise they are only checked.
    pub(crate) prepare: bool,
}

/// What every role stands on.
struct Storage {
    bus: Arc<dyn Bus>,
    embedded: Option<Arc<EmbeddedBus>>,
    calls: Arc<dyn CallStore>,
    /// Held while the node runs, so that no other process opens the same files.
    _lock: Option<fs::File>,
}

/// Runs a node until SIGTERM or Ctrl-C.
pub(crate) async fn run(start: Start) -> anyhow::Result<()> {
    let Start {
        config,
        data,
        roles,
        prepare,
    } = start;
    refuse_unsafe_listening(&config)?;
    let metrics = telemetry::start_metrics()?;
    let storage = open(&config, data.as_deref())?;
    prepare_topics(&config, storage.bus.as_ref(), prepare).await?;
    let listener = server::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let token = match &data {
        Some(data) => auth::operator_token(data)?,
        None => auth::fresh_token()?,
    };
    let left = auth::leave_token(address.port(), &token)?;
    tracing::info!(token_file = %left.display(), "the operator's token is in a file of this user");
    let mut tokens = Tokens(config.tokens.clone());
    tokens.0.push(TokenHash::of(&token));

    let stopping_roles = CancellationToken::new();
    let mut running = JoinSet::new();
    let services = start_roles(&config, &storage, &roles, &stopping_roles, &mut running).await?;
    let stopping = CancellationToken::new();
    tokio::spawn(until_signal(stopping.clone()));
    let served = Served {
        services,
        tokens,
        ready: readiness(&storage),
        metrics,
    };
    announce(address);
    let result = server::serve(listener, served, stopping).await;
    tracing::info!("finishing what was acknowledged");
    stopping_roles.cancel();
    let finished = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(ROLES_GRACE, finished).await.is_err() {
        tracing::warn!(
            "a role did not finish in time; it goes on from its stored position at the next start"
        );
    }
    result
}

fn refuse_unsafe_listening(config: &Config) -> anyhow::Result<()> {
    let beyond = !config.listen.ip().is_loopback();
    if beyond && (config.tls.is_none() || config.tokens.is_empty()) {
        return Err(Failure::usage(format!(
            "--listen {}: beyond loopback it needs server.tls_certificate, server.tls_key and at least one [[token]]",
            config.listen
        )));
    }
    if config.tls.is_some() {
        bail!(
            "server.tls_certificate: TLS is not served by this version; put a proxy that speaks it on this machine"
        );
    }
    Ok(())
}

fn open(config: &Config, data: Option<&Path>) -> anyhow::Result<Storage> {
    let lock = data.map(lock_folder).transpose()?;
    let embedded = match &config.bus {
        BusChoice::Embedded => Some(Arc::new(open_embedded(data)?)),
        BusChoice::Kafka(_) => None,
    };
    let bus = match &embedded {
        Some(embedded) => Arc::clone(embedded) as Arc<dyn Bus>,
        None => open_bus(config, data)?,
    };
    let calls: Arc<dyn CallStore> = match &config.store {
        StoreChoice::Sqlite => {
            Arc::new(SqliteCalls::open(&folder(data)?.join("calls.db")).context("calls.db")?)
        }
        StoreChoice::Postgres(_) => bail!("store.url: PostgreSQL is not built into this version"),
    };
    Ok(Storage {
        bus,
        embedded,
        calls,
        _lock: lock,
    })
}

fn folder(data: Option<&Path>) -> anyhow::Result<&Path> {
    data.ok_or_else(|| Failure::usage("--data: embedded storage needs a data folder"))
}

fn open_embedded(data: Option<&Path>) -> anyhow::Result<EmbeddedBus> {
    EmbeddedBus::open(&folder(data)?.join("bus.db")).context("bus.db")
}

/// Opens the bus of a configuration.
pub(crate) fn open_bus(config: &Config, data: Option<&Path>) -> anyhow::Result<Arc<dyn Bus>> {
    match &config.bus {
        BusChoice::Embedded => Ok(Arc::new(open_embedded(data)?)),
        BusChoice::Kafka(_) => bail!("bus.url: Kafka is not built into this version"),
    }
}

/// Makes the folder, for its owner only, and keeps other processes out of it.
fn lock_folder(data: &Path) -> anyhow::Result<fs::File> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("--data {}", data.display()))?;
    let path = data.join("node.lock");
    let file = fs::File::create(&path).with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Failure::usage(format!(
            "--data {}: another node is using this folder; stop it first",
            data.display()
        ))),
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Every topic that the configuration calls for.
pub(crate) fn wanted_topics(config: &Config) -> Vec<bus::TopicSpec> {
    let partitions = match config.bus {
        BusChoice::Embedded => EMBEDDED_CALL_PARTITIONS,
        BusChoice::Kafka(_) => config.call_partitions,
    };
    topics::wanted(
        partitions,
        config
            .routing
            .departments()
            .iter()
            .map(|department| &department.id),
    )
}

async fn prepare_topics(config: &Config, bus: &dyn Bus, apply: bool) -> anyhow::Result<()> {
    let wanted = wanted_topics(config);
    if apply {
        for change in bus
            .apply_topics(&wanted)
            .await
            .context("the topics could not be created")?
        {
            tracing::info!("topic {change}");
        }
    }
    let mut fatal = Vec::new();
    for fault in bus
        .check_topics(&wanted)
        .await
        .context("the topics could not be checked")?
    {
        tracing::warn!(
            topic = fault.topic,
            fault = fault.fault,
            "a topic is not as it should be"
        );
        if fault.fatal {
            fatal.push(format!("{}: {}", fault.topic, fault.fault));
        }
    }
    if !fatal.is_empty() {
        bail!("the bus is not as it should be: {}", fatal.join("; "));
    }
    Ok(())
}

async fn start_roles(
    config: &Config,
    storage: &Storage,
    roles: &[Role],
    stopping: &CancellationToken,
    running: &mut JoinSet<()>,
) -> anyhow::Result<tonic::service::Routes> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut services = tonic::service::Routes::new(health_service).add_service(
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .context("the descriptors for reflection")?,
    );
    let clock: intake::Clock = Arc::new(chrono::Utc::now);
    let key = storage
        .calls
        .identity_key()
        .await
        .context("the key of identities")?;
    if roles.contains(&Role::Intake) {
        let hotlines = config
            .routing
            .hotlines()
            .iter()
            .map(|hotline| hotline.name.clone())
            .collect();
        let intake = intake::IntakeService::new(
            Arc::clone(&storage.bus),
            Arc::clone(&storage.calls),
            key.clone(),
            hotlines,
            Arc::clone(&clock),
        );
        services = services.add_service(IntakeServer::new(intake.clone()));
        health.set_serving::<IntakeServer<intake::IntakeService>>().await;
    }
    if roles.contains(&Role::Reporting) {
        let reporting = reporting::ReportingService::new(
            Arc::clone(&storage.calls),
            Arc::clone(&storage.bus),
            config.policy.clone(),
            Arc::clone(&clock),
        );
        services = services.add_service(ReportingServer::new(reporting));
        health
            .set_serving::<ReportingServer<reporting::ReportingService>>()
            .await;
    }
    if roles.contains(&Role::Ledger) {
        let ledger = ledger::Ledger {
            bus: Arc::clone(&storage.bus),
            store: Arc::clone(&storage.calls),
            key,
            clock,
            settings: config.ledger.clone(),
        };
        running.spawn(ledger.run(stopping.clone()));
    }
    if let Some(embedded) = &storage.embedded {
        running.spawn(clean_bus(
            Arc::clone(embedded),
            Arc::clone(&storage.calls),
            stopping.clone(),
        ));
    }
    Ok(services)
}

/// Lets the embedded bus forget what its policies no longer keep, and what the ledger has read.
async fn clean_bus(bus: Arc<EmbeddedBus>, calls: Arc<dyn CallStore>, stopping: CancellationToken) {
    const EVERY: Duration = Duration::from_secs(600);
    while stopping
        .run_until_cancelled(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        let positions = match bus.topic_id(topics::CALLS).await {
            Ok(topic_id) => calls.positions(&topic_id).await.unwrap_or_default(),
            Err(_) => continue,
        };
        let floor = move |topic: &str, partition: u32| {
            if topic == topics::CALLS {
                positions.get(&partition).copied().unwrap_or(0)
            } else {
                i64::MAX
            }
        };
        if let Err(error) = bus.clean(&floor).await {
            tracing::warn!(%error, "the bus could not be cleaned");
        }
    }
}

fn readiness(storage: &Storage) -> server::Readiness {
    let bus = Arc::clone(&storage.bus);
    let calls = Arc::clone(&storage.calls);
    Arc::new(move || {
        let bus = Arc::clone(&bus);
        let calls = Arc::clone(&calls);
        Box::pin(async move {
            bus.probe().await.map_err(|error| error.to_string())?;
            calls.probe().await.map_err(|error| error.to_string())
        })
    })
}

/// The line that scripts wait for.
#[expect(clippy::print_stdout, reason = "part of the interface of the command line")]
fn announce(address: std::net::SocketAddr) {
    use std::io::Write as _;
    println!("ready http://{address}");
    let _ = std::io::stdout().flush();
}

/// Asks the node to end at the first signal; later ones change nothing.
async fn until_signal(stopping: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be waited for; end the node with SIGKILL, nothing is lost by it");
        return;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to end");
        stopping.cancel();
    }
}
