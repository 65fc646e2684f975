//! The role privacy: each of its parts with what it needs.

use std::sync::Arc;

use anyhow::Context as _;
use privacy::backups::BackupService;
use privacy::erasure::{ErasureParts, ErasureRunner, ErasuresService};
use privacy::{
    AccessLogService, AuditService, CaseGate, Finder, RegisterService, RetentionParts, RetentionService,
    RightsParts, RightsService,
};
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use wire::v1::privacy::access_log_server::AccessLogServer;
use wire::v1::privacy::audit_server::AuditServer;
use wire::v1::privacy::backups_server::BackupsServer;
use wire::v1::privacy::erasures_server::ErasuresServer;
use wire::v1::privacy::register_server::RegisterServer;
use wire::v1::privacy::retention_server::RetentionServer;
use wire::v1::privacy::rights_server::RightsServer;

use super::Starting;
use crate::backups;

impl Starting<'_> {
    pub(super) async fn privacy(
        &mut self,
        services: Routes,
        health: &HealthReporter,
        wake: &Arc<handover::Wake>,
    ) -> anyhow::Result<Routes> {
        let audit = AuditService::new(Arc::clone(&self.storage.audit), self.audit());
        health.set_serving::<AuditServer<AuditService>>().await;
        let register = RegisterService::new(Arc::new(self.rules.current()));
        health.set_serving::<RegisterServer<RegisterService>>().await;
        let accesses = self.access_log();
        health.set_serving::<AccessLogServer<AccessLogService>>().await;
        let rights = self.rights(wake).await?;
        health.set_serving::<RightsServer<RightsService>>().await;
        let erasures = self.erasures(wake).await?;
        self.acts().await;
        // Not before: nobody who was to be erased gets into a new backup.
        let services = self.backups(services, health).await;
        health.set_serving::<ErasuresServer<ErasuresService>>().await;
        let retention = self.retention();
        health.set_serving::<RetentionServer<RetentionService>>().await;
        Ok(services
            .add_service(AuditServer::new(audit))
            .add_service(RegisterServer::new(register))
            .add_service(AccessLogServer::new(accesses))
            .add_service(RightsServer::new(rights))
            .add_service(ErasuresServer::new(erasures))
            .add_service(RetentionServer::new(retention)))
    }

    fn access_log(&self) -> AccessLogService {
        let current = self.rules.current();
        AccessLogService::new(
            Arc::clone(&self.storage.access_log),
            Arc::new(move || domain::privacy::access_log::kept(&current().register)),
            Arc::clone(&self.clock),
            self.audit(),
        )
    }

    async fn rights(&self, wake: &Arc<handover::Wake>) -> anyhow::Result<RightsService> {
        let wake = Arc::clone(wake);
        let key = self.storage.calls.identity_key().await;
        Ok(RightsService::new(RightsParts {
            finder: self.finder(),
            recipients: Arc::clone(&self.storage.recipients),
            cases: Arc::clone(&self.storage.cases),
            looks: Arc::clone(&self.storage.audit),
            key: key.context("the key of identities")?,
            rules: Arc::new(self.rules.current()),
            due_policy: self.config.due,
            clock: Arc::clone(&self.clock),
            wake: Some(Arc::new(move |department| wake.raise(department))),
            settings: self.config.privacy.rights,
            journal: self.storage.acts.clone(),
            audit: self.audit(),
        }))
    }

    fn finder(&self) -> Finder {
        Finder {
            tickets: Arc::clone(&self.storage.tickets),
            person_tickets: Arc::clone(&self.storage.person_tickets),
            person_entries: Arc::clone(&self.storage.erasing.entries),
            calls: Arc::clone(&self.storage.calls),
            person_calls: Arc::clone(&self.storage.person_calls),
            suppression: Arc::new(self.suppression.current()),
        }
    }

    /// Without a data folder and without `backup.folder` there is no place for backups.
    async fn backups(&mut self, services: Routes, health: &HealthReporter) -> Routes {
        let Some(keeper) = backups::keeper(self.config, self.storage, &self.clock) else {
            return services;
        };
        self.running.spawn(keeper.clone().run(self.stopping.clone()));
        let backups = BackupService::new(keeper, self.audit());
        health.set_serving::<BackupsServer<BackupService>>().await;
        services.add_service(BackupsServer::new(backups))
    }

    /// What was done by right of persons, and a kill kept from being written beside the backups, is written now.
    async fn acts(&mut self) {
        let Some(acts) = &self.storage.acts else { return };
        if let Err(error) = acts.look().await {
            tracing::warn!(%error, "what was done by right of persons is not yet beside the backups; trying on");
        }
        self.running.spawn(Arc::clone(acts).run(self.stopping.clone()));
    }

    /// What was erased is taken out of the store before anything is served: it may have come from a backup.
    async fn erasures(&mut self, wake: &Arc<handover::Wake>) -> anyhow::Result<ErasuresService> {
        let (wake, list) = (Arc::clone(wake), Arc::clone(self.suppression));
        let erasing = &self.storage.erasing;
        let runner = ErasureRunner::new(ErasureParts {
            orders: Arc::clone(&erasing.orders),
            tickets: Arc::clone(&self.storage.tickets),
            of_tickets: Arc::clone(&erasing.of_tickets),
            finder: self.finder(),
            calls: Arc::clone(&self.storage.calls),
            entries: Arc::clone(&erasing.entries),
            callers: Arc::clone(&erasing.callers),
            scrubs: erasing.scrubs.clone(),
            bus: Arc::clone(&self.storage.bus),
            rules: Arc::new(self.rules.current()),
            clock: Arc::clone(&self.clock),
            wake: Arc::new(move |department| wake.raise(department)),
            entered: Arc::new(move || list.entered()),
            audit: self.audit(),
            gate: CaseGate {
                cases: Arc::clone(&self.storage.cases),
                two_persons: self.config.privacy.rights.two_persons,
                clock: Arc::clone(&self.clock),
            },
            bound: self.config.privacy.erasure_bound,
            journal: backups::journal(self.config, self.storage),
            acts: self.storage.acts.clone(),
        });
        runner.begin().await.context("orders to erase")?;
        let owner = uuid::Uuid::new_v4().to_string();
        self.running
            .spawn(Arc::clone(&runner).run(owner, self.stopping.clone()));
        Ok(ErasuresService::new(runner))
    }

    fn own_clocks(&self) -> privacy::OwnClocks {
        let (storage, config) = (self.storage, self.config);
        privacy::OwnClocks {
            calls: Arc::clone(&storage.clocks.calls),
            call_store: Arc::clone(&storage.calls),
            unconfirmed: Arc::clone(&storage.clocks.entries),
            entries: Arc::clone(&storage.entries),
            former: Arc::new(store::former_events::FormerEvents::new(Arc::clone(
                &storage.rules,
            ))),
            access: Arc::clone(&storage.clocks.access),
            access_log: Arc::clone(&storage.access_log),
            users: Arc::clone(&storage.users),
            terms: privacy::ClockTerms {
                event_entries_kept: config.public.event_entries_kept,
                sessions: config.sign_in.limits,
                backups: config.backup.folder(storage.source.data.as_deref()),
                backups_kept: config.backup.kept,
            },
        }
    }

    /// Deletes what is kept no longer, by itself at night or when it is asked to.
    fn retention(&mut self) -> RetentionService {
        let store = self.storage.retention.clone();
        let retention = privacy::Retention::new(RetentionParts {
            calls: store.calls,
            tickets: store.tickets,
            runs: store.runs,
            scrub_calls: store.scrub_calls,
            scrub_tickets: store.scrub_tickets,
            ticket_store: Arc::clone(&self.storage.tickets),
            rules: Arc::new(self.rules.current()),
            trail: self.audit(),
            clock: Arc::clone(&self.clock),
            settings: self.config.retention.clone(),
            clocks: self.own_clocks(),
        });
        let (nightly, stopping) = (privacy::nightly(Arc::clone(&retention)), self.stopping.clone());
        self.running.spawn(async move {
            stopping.run_until_cancelled(nightly).await;
        });
        RetentionService::new(retention)
    }
}
