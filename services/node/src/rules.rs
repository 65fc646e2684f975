//! The rules that this node goes by: the newest version in the store, taken up while it runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bus::topics::Pace;
use bus::{Bus, topics};
use chrono::{SubsecRound, Utc};
use domain::ids::DepartmentId;
use domain::rulebook::{self, Documents, Rulebook, RulesVersion};
use store::StoreError;
use store::rules::{AppliedRules, RuleStore, RulesEntry};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// How often the store is asked for a newer version.
const EVERY: Duration = Duration::from_secs(2);
/// How long new rules wait for topics of new departments.
const TOPICS_WITHIN: Duration = Duration::from_secs(5);
/// Nodes that start at once, each with rules of its own, at most.
const TRIES: usize = 10;

/// Keeps the newest version of the rules at hand.
pub(crate) struct Rules {
    store: Arc<dyn RuleStore>,
    current: watch::Sender<Arc<Rulebook>>,
    /// Raised when a version was applied through this node.
    pub(crate) applied: Arc<Notify>,
}

impl Rules {
    /// The newest version. With `apply`, documents that were never applied are applied first: those of the
    /// configuration of `up`, at the first start and whenever they were edited.
    pub(crate) async fn open(
        store: Arc<dyn RuleStore>,
        documents: &Documents,
        apply: bool,
    ) -> anyhow::Result<Self> {
        if apply {
            apply_new(store.as_ref(), documents).await?;
        }
        let Some(newest) = store.newest_rules().await? else {
            return Err(Failure::usage(
                "the store has no rules yet: run `nrwdirekt up` once with this store, which applies those of the configuration",
            ));
        };
        let book = read(store.as_ref(), newest).await?;
        tracing::info!(version = %book.version, "rules in force");
        let (current, _) = watch::channel(Arc::new(book));
        Ok(Self {
            store,
            current,
            applied: Arc::new(Notify::new()),
        })
    }

    /// What gives the rules that hold now.
    pub(crate) fn current(&self) -> impl Fn() -> Arc<Rulebook> + Send + Sync + Clone + use<> {
        let current = self.current.subscribe();
        move || Arc::clone(&current.borrow())
    }

    /// Takes newer versions up until `stopping`. With a bus, topics of new departments are made there.
    pub(crate) async fn follow(self, topics_on: Option<(Arc<dyn Bus>, Pace)>, stopping: CancellationToken) {
        let mut topics = Topics {
            of: departments(&self.current.borrow()),
            on: topics_on,
        };
        let mut failing = false;
        loop {
            let waited = stopping.run_until_cancelled(async {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = self.applied.notified() => {}
                }
            });
            if waited.await.is_none() {
                return;
            }
            match self.take_up(&mut topics).await {
                Ok(()) => failing = false,
                Err(error) => {
                    // One warning an outage.
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!("newer rules could not be taken up; trying on: {error:#}");
                    }
                }
            }
        }
    }

    async fn take_up(&self, topics: &mut Topics) -> anyhow::Result<()> {
        let newest = self.store.newest_rules().await?;
        let here = Arc::clone(&self.current.borrow());
        let Some(newest) = newest.filter(|newest| *newest > here.version) else {
            return topics.make(&here).await;
        };
        let book = read(self.store.as_ref(), newest).await?;
        // Topics first, but nobody waits for a bus that is away: what is for new departments is handed over later.
        let made = topics.make(&book).await;
        tracing::info!(version = %newest, "newer rules are in force");
        self.current.send_replace(Arc::new(book));
        made
    }
}

/// The departments whose topics are known to be there.
struct Topics {
    of: BTreeSet<DepartmentId>,
    on: Option<(Arc<dyn Bus>, Pace)>,
}

impl Topics {
    async fn make(&mut self, book: &Rulebook) -> anyhow::Result<()> {
        let departments = departments(book);
        let Some((bus, pace)) = self.on.as_ref().filter(|_| departments != self.of) else {
            return Ok(());
        };
        // The topic of calls is there since the start.
        let mut wanted = topics::wanted(1, departments.iter(), *pace);
        wanted.retain(|topic| topic.name != topics::CALLS);
        let changed = tokio::time::timeout(TOPICS_WITHIN, bus.apply_topics(&wanted)).await??;
        tracing::info!(
            changed = changed.len(),
            "the topics of departments are as they should be"
        );
        self.of = departments;
        Ok(())
    }
}

/// Applies documents unless they were applied before.
async fn apply_new(store: &dyn RuleStore, documents: &Documents) -> anyhow::Result<()> {
    let digest = rulebook::digest(documents);
    for _ in 0..TRIES {
        if store.were_applied(digest).await? {
            return Ok(());
        }
        let version = RulesVersion::after(store.newest_rules().await?);
        let rules = AppliedRules {
            entry: RulesEntry {
                version,
                at: Utc::now().trunc_subsecs(3),
                by: "nrwdirekt".to_owned(),
                note: "configuration at the start of a node".to_owned(),
                digest,
            },
            documents: documents.clone(),
        };
        match store.apply_rules(rules).await {
            Ok(()) => return Ok(()),
            // Another node was first.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the rules of the configuration could not be applied: other nodes were always first")
}

async fn read(store: &dyn RuleStore, version: RulesVersion) -> anyhow::Result<Rulebook> {
    let rules = store.rules(version).await?;
    let rules = rules.with_context(|| format!("version {version} of the rules is not in the store"))?;
    Rulebook::read(version, &rules.documents).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow!(
            "version {version} of the rules cannot be read by this program, which may be older than they are: {}",
            faults.join("; ")
        )
    })
}

/// The departments of a version.
pub(crate) fn departments(book: &Rulebook) -> BTreeSet<DepartmentId> {
    let departments = book.routing.departments().iter();
    departments.map(|department| department.id.clone()).collect()
}
