//! What every role stands on: the bus and the store, embedded or beside a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bus::embedded::EmbeddedBus;
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::prefixed::PrefixedBus;
use bus::{Bus, topics};
use domain::ids::DepartmentId;
use privacy::journal::{ActJournal, Installation, JournalStores};
use store::access_log::AccessLogStore;
use store::audit::AuditStore;
use store::backups::{ActsOfRight, RestoreStore};
use store::calls::CallStore;
use store::cases::CaseStore;
use store::citizen_mails::CitizenMails;
use store::clocks::{AccessClocks, CallClocks, EntryClocks};
use store::entries::EntryStore;
use store::erasure::{CallErasure, ErasureStore, TicketErasure};
use store::mails::MailStore;
use store::persons::{PersonCalls, PersonEntries, PersonTickets};
use store::postgres::{Database, PostgresAccess, PostgresCalls, PostgresTickets};
use store::recipients::RecipientStore;
use store::retention::{CallRetention, RunStore, TicketRetention};
use store::rules::RuleStore;
use store::scrub::Scrub;
use store::sqlite::{SqliteAccess, SqliteCalls, SqliteTickets};
use store::tickets::TicketStore;
use store::users::UserStore;
use tokio_util::sync::CancellationToken;

use crate::backups;
use crate::config::{BusChoice, Config, StoreChoice};
use crate::exit::Failure;
#[cfg(debug_assertions)]
use crate::failpoints;

/// Partitions of the topic of calls on the embedded bus, which has one reader anyway.
const EMBEDDED_CALL_PARTITIONS: u32 = 4;

/// Bus and store of a node.
pub(crate) struct Storage {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) calls: Arc<dyn CallStore>,
    pub(crate) tickets: Arc<dyn TicketStore>,
    pub(crate) rules: Arc<dyn RuleStore>,
    pub(crate) mails: Arc<dyn MailStore>,
    pub(crate) restores: Arc<dyn RestoreStore>,
    pub(crate) entries: Arc<dyn EntryStore>,
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) audit: Arc<dyn AuditStore>,
    pub(crate) access_log: Arc<dyn AccessLogStore>,
    pub(crate) citizen_mails: Arc<dyn CitizenMails>,
    pub(crate) person_tickets: Arc<dyn PersonTickets>,
    pub(crate) person_calls: Arc<dyn PersonCalls>,
    pub(crate) recipients: Arc<dyn RecipientStore>,
    pub(crate) cases: Arc<dyn CaseStore>,
    pub(crate) erasing: Erasing,
    pub(crate) retention: Retention,
    pub(crate) clocks: Clocks,
    /// Written beside the backups, where there are any.
    pub(crate) acts: Option<Arc<ActJournal>>,
    embedded: Option<Arc<EmbeddedBus>>,
    /// What a backup is a copy of.
    pub(crate) source: backups::Source,
    /// Held while the node runs, so that no other process opens the same files.
    _lock: Option<fs::File>,
}

/// Opens bus and store. `prepare` migrates the store; otherwise its schema is only checked.
pub(crate) async fn open(config: &Config, data: Option<&Path>, prepare: bool) -> anyhow::Result<Storage> {
    let lock = data.map(lock_folder).transpose()?;
    if let Some(data) = data {
        backups::refuse_half_restored(data)?;
        backups::remove_cut_copies(data).with_context(|| format!("--data {}", data.display()))?;
    }
    let (bus, embedded) = open_either_bus(config, data)?;
    let source = backups::Source::of(config, data)?;
    let Stores {
        calls,
        tickets,
        rules,
        mails,
        restores,
        entries,
        users,
        audit,
        access_log,
        citizen_mails,
        person_tickets,
        person_calls,
        recipients,
        cases,
        erasing,
        retention,
        clocks,
        acts,
    } = match &config.store {
        StoreChoice::Sqlite => open_files(folder(data)?)?,
        StoreChoice::Postgres(url) => {
            let database = Database::new(url).context("store.url")?;
            if prepare {
                database.migrate().await.context("PostgreSQL")?;
            }
            for fault in database.settings_at_fault().await.context("PostgreSQL")? {
                tracing::warn!(fault, "PostgreSQL keeps erased data longer than it needs to");
            }
            connect(&database).await.context("PostgreSQL")?
        }
    };
    #[cfg(debug_assertions)]
    let (bus, tickets, retention, erasing) = failpoints::wrap(bus, tickets, retention, erasing)?;
    let journalled = backups::acts(
        config,
        &source,
        Installation::of(&calls.identity_key().await.context("the key of identities")?),
        JournalStores {
            tickets: Arc::clone(&tickets),
            acts,
            calls: Arc::clone(&person_calls),
            entries: Arc::clone(&erasing.entries),
            cases: Arc::clone(&cases),
        },
        Arc::clone(&entries),
    )?;
    let (acts, cases, entries) = match journalled {
        Some(it) => (Some(it.journal), it.cases, it.entries),
        None => (None, cases, entries),
    };
    Ok(Storage {
        bus,
        calls,
        tickets,
        rules,
        mails,
        restores,
        entries,
        users,
        audit,
        access_log,
        citizen_mails,
        person_tickets,
        person_calls,
        recipients,
        cases,
        erasing,
        retention,
        clocks,
        acts,
        embedded,
        source,
        _lock: lock,
    })
}

/// The units of storage, by what they keep.
struct Stores {
    calls: Arc<dyn CallStore>,
    tickets: Arc<dyn TicketStore>,
    rules: Arc<dyn RuleStore>,
    mails: Arc<dyn MailStore>,
    restores: Arc<dyn RestoreStore>,
    entries: Arc<dyn EntryStore>,
    users: Arc<dyn UserStore>,
    audit: Arc<dyn AuditStore>,
    access_log: Arc<dyn AccessLogStore>,
    citizen_mails: Arc<dyn CitizenMails>,
    person_tickets: Arc<dyn PersonTickets>,
    person_calls: Arc<dyn PersonCalls>,
    recipients: Arc<dyn RecipientStore>,
    cases: Arc<dyn CaseStore>,
    erasing: Erasing,
    retention: Retention,
    clocks: Clocks,
    acts: Arc<dyn ActsOfRight>,
}

/// What erases persons from the units of storage.
pub(crate) struct Erasing {
    pub(crate) orders: Arc<dyn ErasureStore>,
    pub(crate) callers: Arc<dyn CallErasure>,
    pub(crate) entries: Arc<dyn PersonEntries>,
    pub(crate) of_tickets: Arc<dyn TicketErasure>,
    /// Every unit of the store with personal data.
    pub(crate) scrubs: Vec<Arc<dyn Scrub>>,
}

/// What deletes from the units of storage.
#[derive(Clone)]
pub(crate) struct Retention {
    pub(crate) calls: Arc<dyn CallRetention>,
    pub(crate) tickets: Arc<dyn TicketRetention>,
    pub(crate) runs: Arc<dyn RunStore>,
    pub(crate) scrub_calls: Arc<dyn Scrub>,
    pub(crate) scrub_tickets: Arc<dyn Scrub>,
}

/// What says how much is past of what ends by a clock of its own.
#[derive(Clone)]
pub(crate) struct Clocks {
    pub(crate) calls: Arc<dyn CallClocks>,
    pub(crate) entries: Arc<dyn EntryClocks>,
    pub(crate) access: Arc<dyn AccessClocks>,
}

impl Stores {
    fn of<C, T, A>(calls: C, tickets: T, access: A) -> Self
    where
        C: CallStore + PersonCalls + CallErasure + CallRetention + CallClocks + Scrub,
        T: TicketStore
            + RuleStore
            + MailStore
            + CitizenMails
            + PersonTickets
            + PersonEntries
            + RecipientStore
            + TicketErasure
            + TicketRetention
            + RestoreStore
            + ActsOfRight
            + EntryStore
            + EntryClocks
            + Scrub,
        A: UserStore + AuditStore + AccessLogStore + CaseStore + ErasureStore + RunStore + AccessClocks,
    {
        let (calls, tickets, access) = (Arc::new(calls), Arc::new(tickets), Arc::new(access));
        Self {
            person_calls: Arc::clone(&calls) as _,
            citizen_mails: Arc::clone(&tickets) as _,
            person_tickets: Arc::clone(&tickets) as _,
            recipients: Arc::clone(&tickets) as _,
            cases: Arc::clone(&access) as _,
            acts: Arc::clone(&tickets) as _,
            erasing: Erasing {
                orders: Arc::clone(&access) as _,
                callers: Arc::clone(&calls) as _,
                entries: Arc::clone(&tickets) as _,
                of_tickets: Arc::clone(&tickets) as _,
                scrubs: vec![Arc::clone(&calls) as _, Arc::clone(&tickets) as _],
            },
            retention: Retention {
                calls: Arc::clone(&calls) as _,
                tickets: Arc::clone(&tickets) as _,
                runs: Arc::clone(&access) as _,
                scrub_calls: Arc::clone(&calls) as _,
                scrub_tickets: Arc::clone(&tickets) as _,
            },
            clocks: Clocks {
                calls: Arc::clone(&calls) as _,
                entries: Arc::clone(&tickets) as _,
                access: Arc::clone(&access) as _,
            },
            calls,
            rules: Arc::clone(&tickets) as _,
            mails: Arc::clone(&tickets) as _,
            restores: Arc::clone(&tickets) as _,
            entries: Arc::clone(&tickets) as _,
            tickets,
            users: Arc::clone(&access) as _,
            audit: Arc::clone(&access) as _,
            access_log: access,
        }
    }
}

fn open_files(folder: &Path) -> anyhow::Result<Stores> {
    let file = |name: &str| private(folder.join(name));
    Ok(Stores::of(
        SqliteCalls::open(&file("calls.db")?).context("calls.db")?,
        SqliteTickets::open(&file("tickets.db")?).context("tickets.db")?,
        SqliteAccess::open(&file("access.db")?).context("access.db")?,
    ))
}

async fn connect(database: &Database) -> Result<Stores, store::StoreError> {
    Ok(Stores::of(
        PostgresCalls::connect(database).await?,
        PostgresTickets::connect(database).await?,
        PostgresAccess::connect(database).await?,
    ))
}

/// Opens the bus of a configuration.
pub(crate) fn open_bus(config: &Config, data: Option<&Path>) -> anyhow::Result<Arc<dyn Bus>> {
    open_either_bus(config, data).map(|(bus, _)| bus)
}

/// A bus, and the embedded one behind it if it is one.
type OpenBus = (Arc<dyn Bus>, Option<Arc<EmbeddedBus>>);

fn open_either_bus(config: &Config, data: Option<&Path>) -> anyhow::Result<OpenBus> {
    let (bus, embedded): (Arc<dyn Bus>, _) = match &config.bus {
        BusChoice::Embedded => {
            let embedded =
                Arc::new(EmbeddedBus::open(&private(folder(data)?.join("bus.db"))?).context("bus.db")?);
            (Arc::clone(&embedded) as Arc<dyn Bus>, Some(embedded))
        }
        BusChoice::Kafka(servers) => {
            let settings = KafkaSettings {
                bootstrap: servers.clone(),
                replication_factor: config.replication_factor,
                properties: config.kafka.clone(),
            };
            (Arc::new(KafkaBus::connect(settings).context("Kafka")?), None)
        }
    };
    match config.topic_prefix.as_str() {
        "" => Ok((bus, embedded)),
        prefix => Ok((Arc::new(PrefixedBus::new(bus, prefix)), embedded)),
    }
}

fn folder(data: Option<&Path>) -> anyhow::Result<&Path> {
    data.ok_or_else(|| Failure::usage("--data: embedded storage needs a data folder"))
}

/// A file that holds personal data: where it is missing it is made readable for its owner only, whatever the folder
/// is. SQLite gives the files beside it the same mode.
pub(crate) fn private(file: std::path::PathBuf) -> anyhow::Result<std::path::PathBuf> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&file)
        .with_context(|| file.display().to_string())?;
    Ok(file)
}

/// Makes the folder, for its owner only, and keeps other processes out of it.
pub(crate) fn lock_folder(data: &Path) -> anyhow::Result<fs::File> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("--data {}", data.display()))?;
    // Also a folder that was there before is for its owner only: it holds what citizens said.
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("--data {}: it must belong to this user", data.display()))?;
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

/// Every topic that a configuration and its departments call for.
pub(crate) fn wanted_topics<'a>(
    config: &Config,
    departments: impl Iterator<Item = &'a DepartmentId>,
) -> Vec<bus::TopicSpec> {
    let partitions = match config.bus {
        BusChoice::Embedded => EMBEDDED_CALL_PARTITIONS,
        BusChoice::Kafka(_) => config.call_partitions,
    };
    let mut wanted = topics::wanted(partitions, departments, config.pace());
    if config.publishes_intervals() {
        wanted.push(topics::intervals());
    }
    wanted
}

/// Creates the topics where `apply`, and makes sure that the node can work with them.
pub(crate) async fn prepare_topics(
    wanted: &[bus::TopicSpec],
    bus: &dyn Bus,
    apply: bool,
) -> anyhow::Result<()> {
    if apply {
        let changes = bus
            .apply_topics(wanted)
            .await
            .context("the topics could not be created")?;
        tracing::info!(
            topics = wanted.len(),
            changed = changes.len(),
            "the topics are as they should be"
        );
    }
    let mut fatal = Vec::new();
    for fault in bus
        .check_topics(wanted)
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

impl Storage {
    /// Whether nothing was ever counted.
    pub(crate) async fn is_empty(&self) -> anyhow::Result<bool> {
        let topic_id = self.bus.topic_id(topics::CALLS).await?;
        Ok(self
            .calls
            .positions(&topic_id)
            .await?
            .values()
            .all(|position| *position == 0))
    }

    /// What keeps an embedded bus small; nothing for a cluster, which does it by itself.
    pub(crate) fn cleaning<F>(
        &self,
        config: &Config,
        departments: F,
        stopping: CancellationToken,
    ) -> Option<impl Future<Output = ()> + use<F>>
    where
        F: Fn() -> BTreeSet<DepartmentId> + Send + 'static,
    {
        let embedded = Arc::clone(self.embedded.as_ref()?);
        let bus = Arc::clone(&self.bus);
        let calls = Arc::clone(&self.calls);
        let tickets = Arc::clone(&self.tickets);
        let prefix = config.topic_prefix.clone();
        Some(async move {
            const EVERY: Duration = Duration::from_secs(600);
            while stopping
                .run_until_cancelled(tokio::time::sleep(EVERY))
                .await
                .is_some()
            {
                let cleaned = clean(
                    &embedded,
                    bus.as_ref(),
                    calls.as_ref(),
                    tickets.as_ref(),
                    &departments(),
                    &prefix,
                )
                .await;
                if let Err(error) = cleaned {
                    tracing::warn!("the bus could not be cleaned: {error:#}");
                }
            }
        })
    }

    /// Whether the node can do its work.
    pub(crate) fn readiness(&self) -> crate::server::Readiness {
        let bus = Arc::clone(&self.bus);
        let calls = Arc::clone(&self.calls);
        let tickets = Arc::clone(&self.tickets);
        let users = Arc::clone(&self.users);
        Arc::new(move || {
            let (bus, calls, tickets) = (Arc::clone(&bus), Arc::clone(&calls), Arc::clone(&tickets));
            let users = Arc::clone(&users);
            Box::pin(async move {
                bus.probe().await.map_err(|error| error.to_string())?;
                calls.probe().await.map_err(|error| error.to_string())?;
                tickets.probe().await.map_err(|error| error.to_string())?;
                users.probe().await.map_err(|error| error.to_string())
            })
        })
    }
}

/// Lets the embedded bus forget what its policies no longer keep, but nothing that a role has yet to read.
async fn clean(
    embedded: &EmbeddedBus,
    bus: &dyn Bus,
    calls: &dyn CallStore,
    tickets: &dyn TicketStore,
    departments: &BTreeSet<DepartmentId>,
    prefix: &str,
) -> anyhow::Result<()> {
    let mut floors = std::collections::HashMap::new();
    floors.insert(
        topics::CALLS.to_owned(),
        calls.positions(&bus.topic_id(topics::CALLS).await?).await?,
    );
    for department in departments {
        let topic = topics::ticket_replies(department);
        let place = handover::reply_place(&topic, &bus.topic_id(&topic).await?);
        floors.insert(topic, tickets.reply_positions(&place).await?);
    }
    // The bus behind the prefix names its topics with it.
    let floor =
        move |topic: &str, partition: u32| match floors.get(topic.strip_prefix(prefix).unwrap_or(topic)) {
            Some(positions) => positions.get(&partition).copied().unwrap_or(0),
            None => i64::MAX,
        };
    embedded.clean(&floor).await?;
    Ok(())
}
