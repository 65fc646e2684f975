use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::DepartmentId;
use domain::rulebook::Rulebook;
use store::backups::RestoreStore;
use store::citizen_mails::CitizenMails;
use store::mails::MailStore;
use store::tickets::{LeaseName, TicketStore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::entries::EntryParts;
use crate::mail::MailSettings;
use crate::settings::HandoverSettings;
use crate::wake::Wake;
use crate::{lines, metrics};

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Gives the rules that are in force now.
pub type CurrentRules = Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>;

/// What handover works with.
#[derive(Clone)]
pub struct HandoverParts {
    /// Keeps the tickets.
    pub store: Arc<dyn TicketStore>,
    /// Keeps the mails.
    pub mails: Arc<dyn MailStore>,
    /// Knows whether the store was restored.
    pub restores: Arc<dyn RestoreStore>,
    /// How mails are sent; `None` where no department takes any.
    pub mail: Option<Arc<MailSettings>>,
    /// Keeps mails to citizens; `None` in tests without any.
    pub citizen_mails: Option<Arc<dyn CitizenMails>>,
    /// What entries need; `None` in tests without any.
    pub entries: Option<EntryParts>,
    /// Carries the messages.
    pub bus: Arc<dyn Bus>,
    /// Knows departments and procedures.
    pub rules: CurrentRules,
    /// Tells the time.
    pub clock: Clock,
    /// Shared with ticketing where it runs in the same process.
    pub wake: Arc<Wake>,
    /// How it works.
    pub settings: HandoverSettings,
}

/// The loop of handover: serves every department that no other instance serves.
pub struct HandoverLoop {
    parts: Arc<HandoverParts>,
    served: BTreeMap<LeaseName, Line>,
}

/// A line of work under a lease.
struct Line {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl HandoverLoop {
    /// Handover with its parts.
    pub fn new(parts: HandoverParts) -> Self {
        Self {
            parts: Arc::new(parts),
            served: BTreeMap::new(),
        }
    }

    /// Serves departments until the shutdown, then gives the leases back.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let lease = self.parts.settings.lease;
        let mut lease_ends = Instant::now();
        while !shutdown.is_cancelled() {
            let asked_at = Instant::now();
            match self.renew().await {
                Ok(()) => lease_ends = asked_at + lease,
                Err(error) => {
                    tracing::warn!(%error, "leases could not be renewed");
                    metrics::failed("leases");
                }
            }
            if Instant::now() >= lease_ends {
                self.stop_all_but(&BTreeSet::new()).await;
            }
            tokio::select! {
                () = tokio::time::sleep(lease / 3) => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.stop_all_but(&BTreeSet::new()).await;
        if let Err(error) = self
            .parts
            .store
            .release_leases(&self.parts.settings.instance)
            .await
        {
            tracing::warn!(%error, "leases were not given back; they run out");
        }
    }

    /// Takes and keeps leases, and has a line of work for each that is held.
    async fn renew(&mut self) -> Result<(), store::StoreError> {
        let routing = Arc::clone(&(self.parts.rules)().routing);
        let departments: BTreeMap<LeaseName, DepartmentId> = routing
            .departments()
            .iter()
            .map(|department| (LeaseName::department(&department.id), department.id.clone()))
            .collect();
        let mut wanted: Vec<LeaseName> = departments.keys().cloned().collect();
        wanted.extend([LeaseName::call_notices(), LeaseName::due_times()]);
        wanted.extend(self.parts.entries.is_some().then(LeaseName::entries));
        let settings = &self.parts.settings;
        let now = (self.parts.clock)();
        let until = now + TimeDelta::from_std(settings.lease).unwrap_or(TimeDelta::MAX);
        let held = self
            .parts
            .store
            .take_leases(&wanted, &settings.instance, now, until)
            .await?;
        let held: BTreeSet<LeaseName> = held.into_iter().collect();
        self.stop_all_but(&held).await;
        for name in held {
            if self.served.get(&name).is_none_or(|line| line.task.is_finished()) {
                let line = self.start(&name, departments.get(&name));
                self.served.insert(name, line);
            }
        }
        let served = self.served.keys().filter(|name| departments.contains_key(*name));
        metrics::departments(served.count());
        Ok(())
    }

    fn start(&self, name: &LeaseName, department: Option<&DepartmentId>) -> Line {
        let parts = Arc::clone(&self.parts);
        let stop = CancellationToken::new();
        let task = match department {
            Some(department) => tokio::spawn(lines::department(parts, department.clone(), stop.clone())),
            None if *name == LeaseName::due_times() => tokio::spawn(lines::due_times(parts, stop.clone())),
            None if *name == LeaseName::entries() => tokio::spawn(lines::entries(parts, stop.clone())),
            None => tokio::spawn(lines::call_notices(parts, stop.clone())),
        };
        Line { stop, task }
    }

    async fn stop_all_but(&mut self, held: &BTreeSet<LeaseName>) {
        let lost: Vec<LeaseName> = self
            .served
            .keys()
            .filter(|name| !held.contains(*name))
            .cloned()
            .collect();
        let lines: Vec<Line> = lost.iter().filter_map(|name| self.served.remove(name)).collect();
        for line in &lines {
            line.stop.cancel();
        }
        for line in lines {
            // A line ends at once when it is stopped; if not, it must not hold up the others.
            let abort = line.task.abort_handle();
            match tokio::time::timeout(Duration::from_secs(5), line.task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a line of handover broke down"),
                Err(_) => abort.abort(),
            }
        }
    }
}
