//! The configuration: read once, checked once, and then only values that make sense.

mod backup;
mod layers;
mod mail;
pub(crate) mod privacy;
mod public;
pub(crate) mod register;
mod retention;
mod sign_in;
mod tickets;
mod video;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::{KnownToken, TokenHash};
use anyhow::Context;
use chrono::TimeDelta;
use domain::access::{Principal, Role};
use domain::counts::Bin;
use domain::ids::DepartmentId;
use domain::policy::ServiceLevelPolicy;
use domain::procedure::Register;
use domain::routing::{RoutingConfig, RoutingTable};
use domain::rulebook::{self, DocumentFault, Documents, Rulebook, RulesVersion};
use domain::service_time::DuePolicy;
use handover::mail::MailSettings;
use serde::{Deserialize, Serialize};
use tonic::transport::Uri;

use crate::cli::ConfigSource;
use crate::exit::Failure;

/// Where a server listens unless told otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:7115";

/// Days that what agents do is kept for live states alone.
const LIVE_STATES_KEPT_DAYS: u32 = 2;

/// The built-in configuration.
pub(crate) const SAMPLE: &str = include_str!("../../../schemas/sample/nrwdirekt.toml");

/// The built-in departments, hotlines and rules.
pub(crate) const SAMPLE_ROUTING: &str = include_str!("../../../schemas/sample/routing.toml");

/// The file as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) server: Server,
    #[serde(default, rename = "token", skip_serializing_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<Token>,
    pub(crate) sign_in: sign_in::SignInSection,
    #[serde(default)]
    pub(crate) console: ConsoleSection,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) ledger: LedgerSection,
    #[serde(default)]
    pub(crate) intervals: Intervals,
    pub(crate) agents: Agents,
    pub(crate) service_level: ServiceLevel,
    pub(crate) due: DuePolicy,
    pub(crate) tickets: tickets::TicketsSection,
    pub(crate) mail: mail::MailSection,
    pub(crate) retention: retention::RetentionSection,
    #[serde(default)]
    pub(crate) video: video::VideoSection,
    pub(crate) backup: backup::BackupSection,
    pub(crate) public: public::PublicSection,
    #[serde(default)]
    pub(crate) routing: Routing,
    #[serde(default)]
    pub(crate) register: RegisterSection,
    #[serde(default)]
    pub(crate) figures: Figures,
    pub(crate) privacy: privacy::PrivacySection,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) sha256: String,
    /// What the program with the token is.
    #[serde(default)]
    pub(crate) roles: Vec<Role>,
    /// Whose tickets it may see, with the role `department`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) department: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) url: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bus {
    pub(crate) url: String,
    pub(crate) call_partitions: u32,
    pub(crate) replication_factor: u16,
    pub(crate) topic_prefix: String,
    #[serde(default)]
    pub(crate) kafka: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerSection {
    pub(crate) batch: usize,
    pub(crate) horizon_s: u64,
    pub(crate) sweep_every_s: u64,
    pub(crate) changes_kept_days: u64,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intervals {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) publish: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agents {
    pub(crate) figures: bool,
    pub(crate) visible_to: Vec<Role>,
    pub(crate) kept_days: u32,
    pub(crate) smallest_group: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceLevel {
    pub(crate) threshold_s: i64,
    pub(crate) short_abandon_s: i64,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Routing {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Figures {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) services: Option<String>,
}

/// Where calls and tickets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// SQLite in the data folder.
    Sqlite,
    /// PostgreSQL at a URL.
    Postgres(String),
}

/// Where messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BusChoice {
    /// SQLite in the data folder.
    Embedded,
    /// Kafka at these servers.
    Kafka(String),
}

/// The configuration, checked.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) tokens: Vec<KnownToken>,
    pub(crate) sign_in: sign_in::SignIn,
    /// The node whose services the console shows; none: this one.
    pub(crate) console_services: Option<Uri>,
    pub(crate) store: StoreChoice,
    pub(crate) bus: BusChoice,
    pub(crate) call_partitions: u32,
    pub(crate) replication_factor: u16,
    pub(crate) topic_prefix: String,
    pub(crate) kafka: BTreeMap<String, String>,
    pub(crate) due: DuePolicy,
    /// How long after it was settled a ticket can be reopened.
    pub(crate) reopen_within: TimeDelta,
    pub(crate) ledger: ledger::LedgerSettings,
    /// Whether intervals are published; unless said, the bus decides.
    pub(crate) publish_intervals: Option<bool>,
    /// Where appointments by video take place.
    pub(crate) video: Option<ticketing::VideoServer>,
    pub(crate) agents: reporting::AgentsShown,
    pub(crate) policy: ServiceLevelPolicy,
    pub(crate) mail: Option<Arc<MailSettings>>,
    /// What is kept how long beside what the register says, and when retention runs.
    pub(crate) retention: ::privacy::RetentionSettings,
    pub(crate) backup: backup::BackupConfig,
    /// What whoever comes is offered.
    pub(crate) public: public::Public,
    pub(crate) privacy: privacy::Privacy,
    pub(crate) routing: Arc<RoutingTable>,
    pub(crate) register: Arc<Register>,
    /// What routing, register and figures were read from: the rules that `up` applies.
    pub(crate) documents: Documents,
}

/// Reads the file with everything that overrides it.
///
/// # Errors
/// The file cannot be read or has unknown keys.
pub(crate) fn written(source: &ConfigSource) -> anyhow::Result<Written> {
    let mut table: toml::Table = SAMPLE.parse().context("the built-in sample")?;
    if let Some(path) = &source.config {
        let text = std::fs::read_to_string(path).with_context(|| format!("--config {}", path.display()))?;
        let file: toml::Table = text
            .parse()
            .map_err(|error| Failure::usage(format!("--config {}: {error}", path.display())))?;
        layers::merge(&mut table, file);
    }
    for (key, value) in layers::from_environment(std::env::vars()) {
        layers::set(&mut table, &key, &value)?;
    }
    for setting in &source.set {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--set {setting}: write KEY=VALUE")))?;
        layers::set(&mut table, key.trim(), value)?;
    }
    toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| Failure::usage(format!("configuration: {}", error.message())))
}

/// Reads and checks the configuration.
///
/// # Errors
/// Names the key and the remedy.
pub(crate) fn read(source: &ConfigSource) -> anyhow::Result<Config> {
    let folder = source
        .config
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_path_buf);
    checked(written(source)?, folder.as_deref())
}

/// Checks what was written. Relative paths start at the folder of the file.
pub(crate) fn checked(written: Written, folder: Option<&Path>) -> anyhow::Result<Config> {
    let at = |path: PathBuf| folder.map_or_else(|| path.clone(), |folder| folder.join(&path));
    let tokens = written.tokens.iter().map(known_token);
    let tokens = tokens.collect::<anyhow::Result<Vec<_>>>()?;
    let tls = match (written.server.tls_certificate, written.server.tls_key) {
        (Some(certificate), Some(key)) => Some((at(certificate), at(key))),
        (None, None) => None,
        _ => {
            return Err(Failure::usage(
                "server.tls_certificate and server.tls_key: give both or none",
            ));
        }
    };
    let LedgerSection {
        batch,
        horizon_s,
        sweep_every_s,
        changes_kept_days,
    } = written.ledger;
    for (key, value, most) in [
        ("batch", batch as u64, 100_000),
        ("horizon_s", horizon_s, 31_536_000),
        ("sweep_every_s", sweep_every_s, 3_600),
        ("changes_kept_days", changes_kept_days, 3_650),
    ] {
        if !(1..=most).contains(&value) {
            return Err(Failure::usage(format!("ledger.{key}: use 1 to {most}")));
        }
    }
    if !(1..=1000).contains(&written.bus.call_partitions) {
        return Err(Failure::usage("bus.call_partitions: use 1 to 1000"));
    }
    let agents = agents_shown(&written.agents)?;
    let kept_days = written.agents.kept_days;
    let agents_kept_days = if agents.figures {
        kept_days
    } else {
        LIVE_STATES_KEPT_DAYS.min(kept_days)
    };
    let ledger = ledger::LedgerSettings {
        agents_kept: Duration::from_secs(u64::from(agents_kept_days) * 86_400),
        batch,
        horizon: Duration::from_secs(horizon_s),
        sweep_every: Duration::from_secs(sweep_every_s),
        changes_kept: Duration::from_secs(changes_kept_days * 86_400),
    };
    let (documents, book) = rules(
        written.routing.file.map(at),
        written.register.folder.map(at).as_deref(),
        written.figures.file.map(at).as_deref(),
    )?;
    let mail = mail::checked(written.mail, &book.routing, at)?.map(Arc::new);
    Ok(Config {
        public: public::checked(&written.public, mail.as_deref())?,
        listen: written.server.listen,
        tls,
        tokens,
        sign_in: sign_in::checked(written.sign_in, at)?,
        console_services: written
            .console
            .services
            .as_deref()
            .map(console_services)
            .transpose()?,
        store: store_choice(&written.store.url)?,
        bus: bus_choice(&written.bus.url)?,
        call_partitions: written.bus.call_partitions,
        replication_factor: written.bus.replication_factor,
        topic_prefix: written.bus.topic_prefix,
        kafka: written.bus.kafka,
        due: written.due,
        reopen_within: tickets::checked(&written.tickets)?,
        video: video::checked(&written.video)?,
        ledger,
        publish_intervals: written.intervals.publish,
        agents,
        policy: policy(&written.service_level)?,
        backup: backup::checked(written.backup, at)?,
        retention: retention::checked(&written.retention, agents_kept_days)?,
        mail,
        privacy: privacy::checked(written.privacy, at)?,
        routing: book.routing,
        register: book.register,
        documents,
    })
}

/// What the works council has agreed to.
fn agents_shown(written: &Agents) -> anyhow::Result<reporting::AgentsShown> {
    if !(1..=3_650).contains(&written.kept_days) {
        return Err(Failure::usage("agents.kept_days: use 1 to 3650"));
    }
    if !(1..=1_000).contains(&written.smallest_group) {
        return Err(Failure::usage("agents.smallest_group: use 1 to 1000"));
    }
    let may_be = [Role::Supervisor, Role::DataProtection, Role::Administrator];
    if written.visible_to.iter().any(|role| !may_be.contains(role)) {
        let may_be = may_be.map(Role::name).join(", ");
        return Err(Failure::usage(format!("agents.visible_to: choose from {may_be}")));
    }
    Ok(reporting::AgentsShown {
        figures: written.figures,
        visible_to: written.visible_to.clone(),
        kept: TimeDelta::days(i64::from(written.kept_days)),
        smallest_group: written.smallest_group,
    })
}

/// A token of the configuration, and what it lets a program do.
fn known_token(token: &Token) -> anyhow::Result<KnownToken> {
    let name = &token.name;
    let hash = TokenHash::from_hex(&token.sha256).ok_or_else(|| {
        Failure::usage(format!(
            "token {name:?}: sha256 is not 64 hexadecimal characters; `printf %s TOKEN | sha256sum` gives them"
        ))
    })?;
    if token.roles.is_empty() {
        let all: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        return Err(Failure::usage(format!(
            "token {name:?}: roles says what it is for, for example roles = [\"feed\"]; there are {}",
            all.join(", ")
        )));
    }
    if token.roles.contains(&Role::Department) != token.department.is_some() {
        return Err(Failure::usage(format!(
            "token {name:?}: give department with the role department, and only then"
        )));
    }
    Ok(KnownToken {
        hash,
        principal: Principal {
            name: name.clone(),
            shown_name: name.clone(),
            roles: token.roles.iter().copied().collect(),
            department: token.department.as_ref().map(DepartmentId::new),
            agent: None,
            is_user: false,
        },
    })
}

impl Config {
    /// How soon topics let go of what is to be erased.
    pub(crate) fn pace(&self) -> bus::topics::Pace {
        bus::topics::Pace::of(self.privacy.erasure_bound)
    }

    /// Whether the figures of quarter-hours are published: unless said otherwise, where others can read them.
    pub(crate) fn publishes_intervals(&self) -> bool {
        let is_read_by_others = matches!(self.bus, BusChoice::Kafka(_));
        self.publish_intervals.unwrap_or(is_read_by_others)
    }
}

/// The node that the console asks: sessions go there, so it must be by TLS, or on this machine.
fn console_services(url: &str) -> anyhow::Result<Uri> {
    let wrong = || {
        Failure::usage(format!(
            "console.services: {url}: use https://HOST:PORT, or http:// for a node of this machine"
        ))
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let is_here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match uri.scheme_str() {
        Some("https") if uri.host().is_some() => Ok(uri),
        Some("http") if is_here => Ok(uri),
        _ => Err(wrong()),
    }
}

/// Reads `sqlite` or a URL of PostgreSQL.
pub(crate) fn store_choice(url: &str) -> anyhow::Result<StoreChoice> {
    if url == "sqlite" {
        Ok(StoreChoice::Sqlite)
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(StoreChoice::Postgres(url.to_owned()))
    } else {
        Err(Failure::usage(
            "store.url: use sqlite, or postgres://USER@HOST:PORT/DATABASE",
        ))
    }
}

/// Reads `embedded` or the servers of Kafka.
pub(crate) fn bus_choice(url: &str) -> anyhow::Result<BusChoice> {
    match url
        .strip_prefix("kafka://")
        .map(|servers| servers.trim_end_matches('/'))
    {
        None if url == "embedded" => Ok(BusChoice::Embedded),
        Some(servers) if !servers.is_empty() => Ok(BusChoice::Kafka(servers.to_owned())),
        _ => Err(Failure::usage("bus.url: use embedded, or kafka://HOST:PORT")),
    }
}

fn policy(section: &ServiceLevel) -> anyhow::Result<ServiceLevelPolicy> {
    for (key, seconds) in [
        ("threshold_s", section.threshold_s),
        ("short_abandon_s", section.short_abandon_s),
    ] {
        if Bin::at_edge(seconds).is_none() {
            return Err(Failure::usage(format!(
                "service_level.{key}: {seconds} has no exact answer; use 0 to 120, 135, 150, 180, 240, 300, 420, 600, 900, 1800 or 3600"
            )));
        }
    }
    Ok(ServiceLevelPolicy {
        threshold_seconds: section.threshold_s,
        short_abandon_seconds: section.short_abandon_s,
        ..ServiceLevelPolicy::default()
    })
}

/// The documents of departments, hotlines, routing, procedures and figures, and what they say.
fn rules(
    routing: Option<PathBuf>,
    folder: Option<&Path>,
    figures: Option<&Path>,
) -> anyhow::Result<(Documents, Rulebook)> {
    let (name, text) = routing_text(routing)?;
    let mut documents = Documents::from([(rulebook::ROUTING.to_owned(), text)]);
    documents.extend(register::documents(folder)?);
    if let Some(path) = figures {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("figures.file {}", path.display()))?;
        documents.insert(rulebook::FIGURES.to_owned(), text);
    }
    // Not yet a version: the store numbers them.
    let book = Rulebook::read(RulesVersion(0), &documents).map_err(|faults| {
        let fault = |fault: &DocumentFault| match fault.document.as_str() {
            rulebook::ROUTING => format!("{name}: {}", fault.fault),
            _ => fault.to_string(),
        };
        let faults: Vec<String> = faults.iter().map(fault).collect();
        Failure::usage(faults.join("; "))
    })?;
    Ok((documents, book))
}

/// Departments, hotlines and rules as a configuration has them, unchecked, and where they are written.
///
/// # Errors
/// A file cannot be read or has unknown keys.
pub(crate) fn written_routing(source: &ConfigSource) -> anyhow::Result<(String, RoutingConfig)> {
    let folder = source.config.as_deref().and_then(Path::parent);
    let file = written(source)?.routing.file;
    routing_as_written(file.map(|file| folder.map_or_else(|| file.clone(), |folder| folder.join(&file))))
}

/// What the routing is called in messages, and its text.
fn routing_text(file: Option<PathBuf>) -> anyhow::Result<(String, String)> {
    let Some(path) = file else {
        return Ok(("the built-in routing".to_owned(), SAMPLE_ROUTING.to_owned()));
    };
    let text = std::fs::read_to_string(&path).with_context(|| format!("routing.file {}", path.display()))?;
    Ok((path.display().to_string(), text))
}

fn routing_as_written(file: Option<PathBuf>) -> anyhow::Result<(String, RoutingConfig)> {
    let (name, text) = routing_text(file)?;
    let config = toml::from_str(&text).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    Ok((name, config))
}

#[cfg(test)]
mod tests;
