//! The roles of a node: each with its parts, its gRPC services and its work in the background.

mod privacy;

use std::sync::Arc;

use anyhow::Context;
use domain::registration::LinkKey;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use wire::v1::access::sessions_server::SessionsServer;
use wire::v1::access::users_server::UsersServer;
use wire::v1::calls::intake_server::IntakeServer;
use wire::v1::reporting::figures_server::FiguresServer;
use wire::v1::reporting::live_server::LiveServer;
use wire::v1::reporting::records_server::RecordsServer;
use wire::v1::reporting::rejected_items_server::RejectedItemsServer;
use wire::v1::reporting::reporting_server::ReportingServer;
use wire::v1::tickets::handover_server::HandoverServer;
use wire::v1::tickets::mails_server::MailsServer;
use wire::v1::tickets::registrations_server::RegistrationsServer;
use wire::v1::tickets::rules_server::RulesServer;
use wire::v1::tickets::ticketing_server::TicketingServer;

use crate::cli::Role;
use crate::clock::Clock;
use crate::config::Config;
use crate::people::People;
use crate::rules::{self, Rules};
use crate::storage::Storage;
use crate::suppression::SuppressionList;

/// Starts roles; what they do in the background goes into `running` and ends with `stopping`.
pub(crate) struct Starting<'a> {
    pub(crate) config: &'a Config,
    pub(crate) storage: &'a Storage,
    pub(crate) rules: &'a Rules,
    pub(crate) people: &'a People,
    pub(crate) suppression: &'a Arc<SuppressionList>,
    pub(crate) clock: Clock,
    pub(crate) stopping: CancellationToken,
    pub(crate) running: JoinSet<()>,
}

impl Starting<'_> {
    /// Starts the roles and gives their services, health and reflection among them.
    pub(crate) async fn start(mut self, roles: &[Role]) -> anyhow::Result<(Routes, JoinSet<()>)> {
        let (health, health_service) = tonic_health::server::health_reporter();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .context("the descriptors for reflection")?;
        let mut services = Routes::new(health_service).add_service(reflection);
        let wake = Arc::new(handover::Wake::default());
        for role in roles {
            services = match role {
                Role::Intake => self.intake(services, &health).await?,
                Role::Ledger => self.ledger(services).await?,
                Role::Ticketing => self.ticketing(services, &health, &wake).await?,
                Role::Handover => self.handover(services, &health, &wake).await?,
                Role::Reporting => self.reporting(services, &health).await?,
                Role::Privacy => self.privacy(services, &health, &wake).await?,
                Role::Console => self.console(services, &health).await,
            };
        }
        if let Some(cleaning) = {
            let current = self.rules.current();
            let departments = move || rules::departments(&current());
            self.storage
                .cleaning(self.config, departments, self.stopping.clone())
        } {
            self.running.spawn(cleaning);
        }
        Ok((services, self.running))
    }

    /// The way of a service into the audit trail.
    fn audit(&self) -> access::AuditTrail {
        self.people.trail.clone()
    }

    async fn intake(&mut self, services: Routes, health: &HealthReporter) -> anyhow::Result<Routes> {
        let current = self.rules.current();
        let intake = intake::IntakeService::new(
            Arc::clone(&self.storage.bus),
            Arc::clone(&self.storage.calls),
            self.storage
                .calls
                .identity_key()
                .await
                .context("the key of identities")?,
            Arc::new(move |hotline| current().routing.has_hotline(hotline)),
            Arc::clone(&self.clock),
        )
        .suppressing(Arc::new(self.suppression.current()));
        health.set_serving::<IntakeServer<intake::IntakeService>>().await;
        Ok(services.add_service(IntakeServer::new(intake)))
    }

    async fn ledger(&mut self, services: Routes) -> anyhow::Result<Routes> {
        let current = self.rules.current();
        let ledger = ledger::Ledger {
            bus: Arc::clone(&self.storage.bus),
            store: Arc::clone(&self.storage.calls),
            key: self
                .storage
                .calls
                .identity_key()
                .await
                .context("the key of identities")?,
            clock: Arc::clone(&self.clock),
            suppression: Arc::new(self.suppression.current()),
            counting: Arc::new(move || current().routing.counting_sources()),
            settings: self.config.ledger.clone(),
        };
        self.running.spawn(ledger.run(self.stopping.clone()));
        if self.config.publishes_intervals() {
            let publisher = ledger::IntervalPublisher {
                bus: Arc::clone(&self.storage.bus),
                store: Arc::clone(&self.storage.calls),
                clock: Arc::clone(&self.clock),
                settings: ledger::IntervalSettings::of(uuid::Uuid::new_v4().to_string()),
            };
            self.running.spawn(publisher.run(self.stopping.clone()));
        }
        Ok(services)
    }

    async fn ticketing(
        &mut self,
        services: Routes,
        health: &HealthReporter,
        wake: &Arc<handover::Wake>,
    ) -> anyhow::Result<Routes> {
        let current: ticketing::CurrentRules = Arc::new(self.rules.current());
        let ticketing = ticketing::TicketingService::new(ticketing::TicketingParts {
            store: Arc::clone(&self.storage.tickets),
            rules: Arc::clone(&current),
            due_policy: self.config.due,
            reopen_within: self.config.reopen_within,
            erased_by_case: self.config.privacy.rights.two_persons,
            video: self.config.video.clone(),
            identity_key: self
                .storage
                .calls
                .identity_key()
                .await
                .context("the key of identities")?,
            clock: Arc::clone(&self.clock),
            wake: Some({
                let wake = Arc::clone(wake);
                Arc::new(move |department| wake.raise(department))
            }),
            audit: self.audit(),
        });
        health
            .set_serving::<TicketingServer<ticketing::TicketingService>>()
            .await;
        let rules = ticketing::RulesService::new(ticketing::RulesParts {
            store: Arc::clone(&self.storage.rules),
            entries: Arc::clone(&self.storage.entries),
            rules: current,
            applied: Arc::clone(&self.rules.applied),
            clock: Arc::clone(&self.clock),
            audit: self.audit(),
        });
        health.set_serving::<RulesServer<ticketing::RulesService>>().await;
        let registrations = ticketing::RegistrationsService::new(ticketing::RegistrationsParts {
            store: Arc::clone(&self.storage.entries),
            persons: Arc::clone(&self.storage.erasing.entries),
            attempts: Arc::clone(&self.storage.users),
            rules: Arc::new(self.rules.current()),
            links: self.links().await?,
            ways: self.mail_ways(),
            event_entries_kept: self.config.public.event_entries_kept,
            clock: Arc::clone(&self.clock),
            audit: self.audit(),
        });
        health
            .set_serving::<RegistrationsServer<ticketing::RegistrationsService>>()
            .await;
        Ok(services
            .add_service(RegistrationsServer::new(registrations))
            .add_service(TicketingServer::new(ticketing))
            .add_service(RulesServer::new(rules)))
    }

    /// Makes the tokens of links in mails.
    async fn links(&self) -> anyhow::Result<LinkKey> {
        let key = self.storage.calls.identity_key().await;
        Ok(LinkKey::new(key.context("the key of identities")?))
    }

    /// How people who register are reached; `None` where they cannot be.
    fn mail_ways(&self) -> Option<ticketing::MailWays> {
        let (mail, url) = (self.config.mail.clone()?, self.config.public.url.clone()?);
        Some(ticketing::MailWays {
            public_url: url,
            return_address: Arc::new(move |id| mail.entry_return_address(id).map(|it| it.to_string())),
        })
    }

    async fn handover(
        &mut self,
        services: Routes,
        health: &HealthReporter,
        wake: &Arc<handover::Wake>,
    ) -> anyhow::Result<Routes> {
        let current: handover::CurrentRules = Arc::new(self.rules.current());
        let exchange = handover::HandoverLoop::new(handover::HandoverParts {
            store: Arc::clone(&self.storage.tickets),
            mails: Arc::clone(&self.storage.mails),
            restores: Arc::clone(&self.storage.restores),
            mail: self.config.mail.clone(),
            citizen_mails: Some(Arc::clone(&self.storage.citizen_mails)),
            entries: Some(handover::EntryParts {
                store: Arc::clone(&self.storage.entries),
                links: self.links().await?,
                public_url: self.config.public.url.clone(),
                former: Arc::new(store::former_events::FormerEvents::new(Arc::clone(
                    &self.storage.rules,
                ))),
                audit: self.audit(),
                event_entries_kept: self.config.public.event_entries_kept,
            }),
            bus: Arc::clone(&self.storage.bus),
            rules: Arc::clone(&current),
            clock: Arc::clone(&self.clock),
            wake: Arc::clone(wake),
            settings: handover::HandoverSettings {
                heartbeat: chrono::TimeDelta::from_std(self.config.pace().heartbeat)
                    .unwrap_or(chrono::TimeDelta::hours(1)),
                ..handover::HandoverSettings::of(uuid::Uuid::new_v4().to_string())
            },
        });
        self.running.spawn(exchange.run(self.stopping.clone()));
        let service = handover::HandoverService::new(handover::HandoverServiceParts {
            store: Arc::clone(&self.storage.tickets),
            recipients: Arc::clone(&self.storage.recipients),
            bus: Arc::clone(&self.storage.bus),
            rules: current,
            clock: Arc::clone(&self.clock),
            shutdown: self.stopping.clone(),
            audit: self.audit(),
        });
        health
            .set_serving::<HandoverServer<handover::HandoverService>>()
            .await;
        let mails = handover::mail::MailsService::new(
            Arc::clone(&self.storage.mails),
            Arc::clone(&self.storage.entries),
            handover::mail::MailsToPeople {
                entries: Arc::clone(&self.storage.erasing.entries),
                citizens: Arc::clone(&self.storage.citizen_mails),
            },
            Arc::clone(&self.clock),
        );
        health
            .set_serving::<MailsServer<handover::mail::MailsService>>()
            .await;
        Ok(services
            .add_service(HandoverServer::new(service))
            .add_service(MailsServer::new(mails)))
    }

    async fn console(&mut self, services: Routes, health: &HealthReporter) -> Routes {
        let sign_in = &self.config.sign_in;
        let passwords = access::Passwords::new();
        let sessions = access::SessionsService::new(access::SessionsParts {
            store: Arc::clone(&self.storage.users),
            trail: self.people.trail.clone(),
            passwords: passwords.clone(),
            settings: access::SignInSettings {
                limits: sign_in.limits,
                password: sign_in.password,
                demo: self.people.is_demo,
            },
            openid: sign_in.openid.clone(),
            clock: Arc::clone(&self.clock),
        });
        health
            .set_serving::<SessionsServer<access::SessionsService>>()
            .await;
        let current = self.rules.current();
        let users = access::UsersService::new(access::UsersParts {
            store: Arc::clone(&self.storage.users),
            passwords,
            limits: sign_in.limits,
            is_department: Arc::new(move |department| rules::departments(&current()).contains(department)),
            clock: Arc::clone(&self.clock),
        });
        health.set_serving::<UsersServer<access::UsersService>>().await;
        let sweep = access::sweep(Arc::clone(&self.storage.users), self.people.sessions.clone());
        let stopping = self.stopping.clone();
        self.running.spawn(async move {
            stopping.run_until_cancelled(sweep).await;
        });
        services
            .add_service(SessionsServer::new(sessions))
            .add_service(UsersServer::new(users))
    }

    async fn reporting(&mut self, services: Routes, health: &HealthReporter) -> anyhow::Result<Routes> {
        let figures = reporting::FiguresParts {
            store: Arc::clone(&self.storage.calls),
            tickets: Arc::clone(&self.storage.tickets),
            rules: Arc::new(self.rules.current()),
            policy: self.config.policy.clone(),
            clock: Arc::clone(&self.clock),
            audit: self.audit(),
        };
        let reporting = reporting::ReportingService::new(
            figures.clone(),
            Arc::clone(&self.storage.person_calls),
            Arc::clone(&self.storage.bus),
            self.config.agents.clone(),
        );
        health
            .set_serving::<ReportingServer<reporting::ReportingService>>()
            .await;
        let live = reporting::LiveService::new(reporting::LiveParts {
            figures: figures.clone(),
            agents: self.config.agents.clone(),
            horizon: chrono::TimeDelta::from_std(self.config.ledger.horizon)
                .unwrap_or(chrono::TimeDelta::days(1)),
        });
        let (looking, stopping) = (live.clone().run(), self.stopping.clone());
        self.running.spawn(async move {
            stopping.run_until_cancelled(looking).await;
        });
        health.set_serving::<LiveServer<reporting::LiveService>>().await;
        let figures = reporting::FiguresService::new(figures);
        health
            .set_serving::<FiguresServer<reporting::FiguresService>>()
            .await;
        let records = reporting::RecordsService::new(
            Arc::clone(&self.storage.calls),
            self.storage
                .calls
                .identity_key()
                .await
                .context("the key of identities")?,
            self.config.agents.clone(),
            Arc::clone(&self.clock),
            self.audit(),
        );
        health
            .set_serving::<RecordsServer<reporting::RecordsService>>()
            .await;
        let rejected = reporting::RejectedItemsService::new(
            Arc::clone(&self.storage.calls),
            Arc::clone(&self.storage.person_calls),
            Arc::clone(&self.clock),
            self.audit(),
        );
        health
            .set_serving::<RejectedItemsServer<reporting::RejectedItemsService>>()
            .await;
        Ok(services
            .add_service(ReportingServer::new(reporting))
            .add_service(FiguresServer::new(figures))
            .add_service(LiveServer::new(live))
            .add_service(RecordsServer::new(records))
            .add_service(RejectedItemsServer::new(rejected)))
    }
}
