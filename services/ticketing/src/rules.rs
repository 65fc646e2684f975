//! Applying rules, and telling which are in force.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use access::AuditTrail;
use chrono::SubsecRound;
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::DepartmentId;
use domain::procedure::{FieldFault, check_line};
use domain::rulebook::{self, Documents, FIGURES, REGISTER, ROUTING, Rulebook, RulesVersion};
use store::entries::EntryStore;
use store::rules::{AppliedRules, RuleStore, RulesEntry};
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wire::v1::tickets as proto;

use crate::leftovers::{self, Leftover};
use crate::requests::invalid;
use crate::service::{Clock, CurrentRules, refused};

/// How long an answer waits until this node has taken the new version up.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(10);
/// Versions on a page unless asked otherwise.
const PAGE: usize = 100;
/// Versions on a page at most.
const PAGE_MAX: usize = 500;
/// Bytes of the documents of a version at most.
const DOCUMENTS_BYTES_MAX: usize = 2_000_000;

/// What the service works with.
#[derive(Clone)]
pub struct RulesParts {
    /// Keeps the versions.
    pub store: Arc<dyn RuleStore>,
    /// Knows what people have registered for.
    pub entries: Arc<dyn EntryStore>,
    /// What this node goes by.
    pub rules: CurrentRules,
    /// Raised so that this node takes a new version up at once.
    pub applied: Arc<Notify>,
    /// Tells the time.
    pub clock: Clock,
    /// Noted in it is who applied what.
    pub audit: AuditTrail,
}

/// The gRPC service `nrwdirekt.tickets.v1.Rules`.
#[derive(Clone)]
pub struct RulesService {
    parts: Arc<RulesParts>,
}

impl RulesService {
    /// The service with its parts.
    pub fn new(parts: RulesParts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    async fn newest(&self) -> Result<Option<AppliedRules>, Status> {
        let store = &self.parts.store;
        match store.newest_rules().await.map_err(|error| refused(&error))? {
            None => Ok(None),
            Some(version) => store.rules(version).await.map_err(|error| refused(&error)),
        }
    }

    /// The documents that a request asks for.
    async fn documents(
        &self,
        sent: &proto::ApplyRulesRequest,
        newest: Option<&AppliedRules>,
    ) -> Result<Documents, Status> {
        if sent.again != 0 {
            let again = self.parts.store.rules(RulesVersion(sent.again)).await;
            let again = again.map_err(|error| refused(&error))?;
            return again
                .map(|again| again.documents)
                .ok_or_else(|| Status::not_found("again: there is no such version; ListRules names all"));
        }
        let mut documents = newest.map(|newest| newest.documents.clone()).unwrap_or_default();
        if let Some(routing) = &sent.routing {
            documents.insert(ROUTING.to_owned(), routing.clone());
        }
        if let Some(figures) = &sent.figures {
            documents.insert(FIGURES.to_owned(), figures.clone());
        }
        if let Some(register) = &sent.register {
            documents.retain(|name, _| !name.starts_with(REGISTER));
            for (name, text) in &register.files {
                documents.insert(format!("{REGISTER}{name}"), text.clone());
            }
        }
        Ok(documents)
    }

    /// Erases the entries of offers that the rules know no longer, as was asked for: first noted, then done.
    async fn discard(&self, principal: &Principal, left: &[Leftover]) -> Result<(), Status> {
        for left in left {
            let subject = AuditSubject::new("offer", left.offer.as_str());
            let noted = self
                .parts
                .audit
                .entry(principal, AuditAction::EntriesErased, subject);
            let noted = noted.because("the rules know it no longer");
            self.parts
                .audit
                .append_done(vec![noted.of_items(left.entries as usize)])
                .await?;
            let erased = leftovers::discard(&self.parts.entries, left, (self.parts.clock)()).await;
            let erased = erased.map_err(|error| refused(&error))?;
            tracing::info!(offer = %left.offer, entries = erased, "entries were erased with their offer");
        }
        Ok(())
    }

    /// Waits until this node goes by a version, for a while: others take it up by themselves.
    async fn taken_up(&self, version: RulesVersion) {
        self.parts.applied.notify_one();
        let deadline = Instant::now() + TAKEN_UP_WITHIN;
        while (self.parts.rules)().version < version && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn check(sent: &proto::ApplyRulesRequest, documents: &Documents) -> Result<(), Status> {
    let mut faults = Vec::new();
    for (field, text) in [("by", &sent.by), ("note", &sent.note)] {
        check_line(field, text, 200, &mut faults);
    }
    if sent.again != 0 && (sent.routing.is_some() || sent.register.is_some() || sent.figures.is_some()) {
        faults.push(FieldFault::new("again", "give a version or documents, not both"));
    }
    if documents.values().map(String::len).sum::<usize>() > DOCUMENTS_BYTES_MAX {
        let remedy = format!("the documents are too long; use {DOCUMENTS_BYTES_MAX} bytes at most");
        faults.push(FieldFault::new("routing", remedy));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(invalid(&faults)),
    }
}

/// Departments by their presence before and after a change.
fn departments(book: &Rulebook) -> BTreeSet<DepartmentId> {
    book.routing
        .departments()
        .iter()
        .map(|department| department.id.clone())
        .collect()
}

fn entry(entry: &RulesEntry) -> proto::RulesEntry {
    proto::RulesEntry {
        version: entry.version.0,
        applied_at_unix_ms: entry.at.timestamp_millis(),
        by: entry.by.clone(),
        note: entry.note.clone(),
        digest: entry.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[tonic::async_trait]
impl proto::rules_server::Rules for RulesService {
    async fn apply_rules(
        &self,
        request: Request<proto::ApplyRulesRequest>,
    ) -> Result<Response<proto::ApplyRulesResponse>, Status> {
        let principal = wire::access::principal(&request)?;
        let mut sent = request.into_inner();
        sent.by = principal.acting_name(&sent.by);
        let newest = self.newest().await?;
        let known = newest.as_ref().map(|newest| newest.entry.version);
        if sent.expected_version != 0 && known != Some(RulesVersion(sent.expected_version)) {
            return Err(Status::aborted(format!(
                "expected_version: version {} is in force; look at it, then apply again",
                known.map_or(0, |known| known.0)
            )));
        }
        let documents = self.documents(&sent, newest.as_ref()).await?;
        check(&sent, &documents)?;
        let version = RulesVersion::after(known);
        let book = Rulebook::read(version, &documents).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Status::invalid_argument(faults.join("\n"))
        })?;
        let digest = rulebook::digest(&documents);
        let unchanged = newest
            .as_ref()
            .is_some_and(|newest| newest.entry.digest == digest);
        let now = (self.parts.rules)();
        let left = leftovers::of(&self.parts.entries, &now, &book).await;
        let left = left.map_err(|error| refused(&error))?;
        if !sent.discard_entries && !unchanged {
            leftovers::refuse(&left, &now)?;
        }
        let (before, after) = (departments(&now), departments(&book));
        let names = |departments: &mut dyn Iterator<Item = &DepartmentId>| -> Vec<String> {
            departments.map(ToString::to_string).collect()
        };
        let answer = proto::ApplyRulesResponse {
            version: match (unchanged, known) {
                (true, Some(known)) => known.0,
                _ => version.0,
            },
            unchanged,
            added_departments: names(&mut after.difference(&before)),
            removed_departments: names(&mut before.difference(&after)),
            discarded_entries: match sent.discard_entries {
                true => left.iter().map(|it| it.entries).sum(),
                false => 0,
            },
        };
        let left = if sent.discard_entries { left } else { Vec::new() };
        if sent.dry_run {
            return Ok(Response::new(answer));
        }
        let subject = AuditSubject::new("rules", answer.version.to_string());
        let done = self
            .parts
            .audit
            .entry(&principal, AuditAction::RulesApplied, subject);
        if unchanged {
            // Perhaps a repetition of what could not be noted, or not be done to its end.
            self.parts
                .audit
                .append_done(vec![done.because("unchanged")])
                .await?;
            self.discard(&principal, &left).await?;
            return Ok(Response::new(answer));
        }
        let rules = AppliedRules {
            entry: RulesEntry {
                version,
                at: (self.parts.clock)().trunc_subsecs(3),
                by: sent.by,
                note: sent.note,
                digest,
            },
            documents,
        };
        let applied = self.parts.store.apply_rules(rules).await;
        applied.map_err(|error| refused(&error))?;
        tracing::info!(%version, "rules applied");
        let ((), noted) = tokio::join!(self.taken_up(version), self.parts.audit.append_done(vec![done]));
        noted?;
        self.discard(&principal, &left).await?;
        Ok(Response::new(answer))
    }

    async fn get_rules(
        &self,
        request: Request<proto::GetRulesRequest>,
    ) -> Result<Response<proto::GetRulesResponse>, Status> {
        wire::access::principal(&request)?;
        let found = match request.into_inner().version {
            0 => self.newest().await?,
            version => {
                let found = self.parts.store.rules(RulesVersion(version)).await;
                found.map_err(|error| refused(&error))?
            }
        };
        let found = found.ok_or_else(|| Status::not_found("version: there is none of this number"))?;
        Ok(Response::new(proto::GetRulesResponse {
            entry: Some(entry(&found.entry)),
            documents: found.documents,
        }))
    }

    async fn list_rules(
        &self,
        request: Request<proto::ListRulesRequest>,
    ) -> Result<Response<proto::ListRulesResponse>, Status> {
        wire::access::principal(&request)?;
        let sent = request.into_inner();
        let before = (sent.before_version != 0).then_some(RulesVersion(sent.before_version));
        let most = match sent.page_size as usize {
            0 => PAGE,
            size => size.min(PAGE_MAX),
        };
        let history = self.parts.store.rules_history(before, most).await;
        let history = history.map_err(|error| refused(&error))?;
        Ok(Response::new(proto::ListRulesResponse {
            entries: history.iter().map(entry).collect(),
        }))
    }
}
