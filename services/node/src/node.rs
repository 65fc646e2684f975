//! A running node: storage opened, roles started, one server in front, and an orderly end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::{KnownToken, TokenHash};
use anyhow::Context;
use console::{Backend, ConsoleParts};
use domain::access::Principal;
use sd_notify::NotifyState;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth;
use crate::cli::Role;
use crate::config::Config;
use crate::exit::Failure;
use crate::listener::Listener;
use crate::output::say;
use crate::people::{self, People};
use crate::roles::Starting;
use crate::rules::{self, Rules};
use crate::server::{self, Served};
use crate::suppression::SuppressionList;
use crate::{access_log, client, clock, demo, storage, telemetry};

/// How long roles may take to finish what they began.
const ROLES_GRACE: Duration = Duration::from_secs(15);

/// What a node is started with.
pub(crate) struct Start {
    pub(crate) config: Config,
    pub(crate) data: Option<PathBuf>,
    pub(crate) roles: Vec<Role>,
    /// Create topics and migrate the store, as `up` does; otherwise they are only checked.
    pub(crate) prepare: bool,
    /// Play a simulated day into an installation that is still empty.
    pub(crate) demo: bool,
}

/// Runs a node until SIGTERM or Ctrl-C.
pub(crate) async fn run(start: Start) -> anyhow::Result<()> {
    let Start {
        config,
        data,
        roles,
        prepare,
        demo,
    } = start;
    refuse_unsafe_listening(&config)?;
    let stopping = CancellationToken::new();
    tokio::spawn(until_signal(stopping.clone()));
    let metrics = telemetry::start_metrics()?;
    let storage = storage::open(&config, data.as_deref(), prepare).await?;
    let rules = Rules::open(Arc::clone(&storage.rules), &config.documents, prepare).await?;
    let departments = rules::departments(&rules.current()());
    let topics = storage::wanted_topics(&config, departments.iter());
    storage::prepare_topics(&topics, storage.bus.as_ref(), prepare).await?;
    let empty = storage.is_empty().await?;
    let listener = Listener::bind(config.listen, config.tls.as_ref()).await?;
    let address = listener.address();
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let token = operator_token(&config, data.as_deref(), address)?;
    let mut tokens = config.tokens.clone();
    tokens.extend(token.as_deref().map(|token| KnownToken {
        hash: TokenHash::of(token),
        principal: Principal::operator(),
    }));
    let clock = clock::clock()?;
    let is_demo = people::is_demo(&config, data.as_deref(), demo, empty);
    let first = people::first_users(&config, prepare, is_demo);
    let mut people = People::open(&config, &storage, &clock, first, is_demo).await?;
    let gate = people.gate(tokens);

    let suppression = SuppressionList::open(Arc::clone(&storage.erasing.orders))
        .await
        .context("the suppression list")?;
    let stopping_roles = CancellationToken::new();
    let starting = Starting {
        config: &config,
        storage: &storage,
        rules: &rules,
        people: &people,
        suppression: &suppression,
        clock,
        stopping: stopping_roles.clone(),
        running: JoinSet::new(),
    };
    let (services, mut running) = starting.start(&roles).await?;
    let logging = access_log::start(&storage, &rules, &mut running, &stopping_roles)?;
    let topics_on = prepare.then(|| (Arc::clone(&storage.bus), config.pace()));
    running.spawn(Arc::clone(&suppression).follow(stopping_roles.clone()));
    running.spawn(rules.follow(topics_on, stopping_roles.clone()));
    let served = Served {
        services,
        gate,
        console: roles
            .contains(&Role::Console)
            .then(|| console(&config))
            .transpose()?,
        ready: storage.readiness(),
        metrics,
        logging,
    };
    let serving = tokio::spawn(server::serve(listener, served, stopping.clone()));
    if let (true, Some(data), Some(token)) = (demo, &data, &token) {
        let shown = stopping
            .run_until_cancelled(demo::show(data, &url, token, empty))
            .await;
        if let Some(Err(error)) = shown {
            tracing::warn!("the simulated day could not be shown: {error:#}");
        }
    }
    if !stopping.is_cancelled() {
        people.tell_password();
        announce(&url);
    }
    serving.await.context("the server ended badly")?;
    tracing::info!("finishing what was acknowledged");
    stopping_roles.cancel();
    let finished = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(ROLES_GRACE, finished).await.is_err() {
        tracing::warn!(
            "a role did not finish in time; it goes on from its stored position at the next start"
        );
    }
    Ok(())
}

/// Makes the pages of the console, once the services are there.
type Console = Box<dyn FnOnce(axum::Router) -> axum::Router + Send>;

fn console(config: &Config) -> anyhow::Result<Console> {
    let secure = config.tls.is_some();
    let clock = clock::clock()?;
    let others = config
        .console_services
        .clone()
        .map(client::endpoint)
        .transpose()?;
    Ok(Box::new(move |services| {
        console::router(ConsoleParts {
            backend: match others {
                None => Backend::within(services),
                Some(others) => Backend::beside(services, others.connect_lazy()),
            },
            secure,
            clock,
        })
    }))
}

fn refuse_unsafe_listening(config: &Config) -> anyhow::Result<()> {
    let beyond = !config.listen.ip().is_loopback();
    if beyond && (config.tls.is_none() || config.tokens.is_empty()) {
        return Err(Failure::usage(format!(
            "--listen {}: beyond loopback it needs server.tls_certificate, server.tls_key and at least one [[token]]",
            config.listen
        )));
    }
    Ok(())
}

/// The operator's token, left where commands of the same user find it. Only on loopback: elsewhere tokens are
/// configured.
fn operator_token(
    config: &Config,
    data: Option<&std::path::Path>,
    address: SocketAddr,
) -> anyhow::Result<Option<String>> {
    if !config.listen.ip().is_loopback() {
        return Ok(None);
    }
    let token = match data {
        Some(data) => auth::operator_token(data)?,
        None => auth::fresh_token()?,
    };
    let left = auth::leave_token(address.port(), &token)?;
    tracing::info!(token_file = %left.display(), "the operator's token is in a file of this user");
    Ok(Some(token))
}

/// The line that scripts wait for. A service manager that waits for it too is told first: whoever reads the line may ask the
/// node to end at once.
fn announce(url: &str) {
    tell_service_manager(NotifyState::Ready);
    say!("ready {url}");
}

/// Tells systemd, where it started this process (`Type=notify`).
fn tell_service_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager cannot be told how the node stands");
    }
}

/// Asks the node to end at the first signal; later ones change nothing.
pub(crate) async fn until_signal(stopping: CancellationToken) {
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
        tell_service_manager(NotifyState::Stopping);
        stopping.cancel();
    }
}
