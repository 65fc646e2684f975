//! The gRPC service `nrwdirekt.tickets.v1.Registrations`: entries instead of tickets.
//!
//! Whoever comes registers and confirms; departments see their own offers, and administrators newsletters. Nobody learns from
//! an answer whether somebody has registered: only the mail tells, and the link in it.

mod exports;
mod persons;
mod shown;

use std::sync::Arc;

use access::{AuditTrail, client_address};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use domain::access::{AttemptKey, Principal, Role};
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{DepartmentId, EntryId, OfferId, RegistrationId};
use domain::offers::Offers;
use domain::personal::Personal;
use domain::procedure::{EntryRules, FaultCode, FieldFault, FieldId, OfferKind, Procedure};
use domain::registration::{
    self, Application, CheckedRegistration, Entry, LinkKey, LinkPurpose, PROGRAMME_ITEMS, SUBSCRIPTIONS,
};
use domain::rulebook::Rulebook;
use store::entries::{EndedBy, EntryFilter, EntryStore, NewRegistration, NumberedEntry, Registered};
use store::persons::PersonEntries;
use store::users::UserStore;
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::tickets as proto;

use crate::requests::invalid;
use crate::service::{Clock, CurrentRules, refused};

/// Who was told of an entry is not told again sooner.
const QUIET: TimeDelta = TimeDelta::minutes(10);
/// Entries that an event has at most; newsletters have more.
const EVENT_ENTRIES_MAX: u32 = 5_000;
/// Entries that a newsletter has at most.
const NEWSLETTER_ENTRIES_MAX: u32 = 5_000_000;
/// Characters of a reference to an offer that are read at most.
const OFFERS_SENT_MAX: usize = 100;

/// What registrations work with.
#[derive(Clone)]
pub struct RegistrationsParts {
    /// Keeps entries.
    pub store: Arc<dyn EntryStore>,
    /// Finds the entries of an address.
    pub persons: Arc<dyn PersonEntries>,
    /// Counts what comes from an address.
    pub attempts: Arc<dyn UserStore>,
    /// Knows offers and procedures.
    pub rules: CurrentRules,
    /// Makes the tokens of links.
    pub links: LinkKey,
    /// How mails and links are made; nobody can register without.
    pub ways: Option<MailWays>,
    /// So long after its deadline the entries of an event are erased at the latest.
    pub event_entries_kept: TimeDelta,
    /// Tells the time.
    pub clock: Clock,
    /// Noted in it is who has seen or done what.
    pub audit: AuditTrail,
}

/// Where a mail about an entry comes back to, by the id of the entry; `None` where nothing comes back.
pub type ReturnAddress = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How people are reached.
#[derive(Clone)]
pub struct MailWays {
    /// Where the console is for everybody, without a slash at its end.
    pub public_url: String,
    /// Where mails come back to.
    pub return_address: ReturnAddress,
}

/// See the module.
#[derive(Clone)]
pub struct RegistrationsService(Arc<RegistrationsParts>);

/// A procedure with entries, as the rules of the moment have it.
struct Asked<'r> {
    kind: OfferKind,
    procedure: &'r Procedure,
    rules: &'r EntryRules,
    offers: &'r Offers,
}

impl<'r> Asked<'r> {
    fn of(book: &'r Rulebook, kind: &str) -> Result<Self, Status> {
        let kind = OfferKind::from_name(kind.trim());
        let kind = kind.ok_or_else(|| Status::invalid_argument("kind: write newsletters or events"))?;
        let missing = || Status::failed_precondition("the register has no procedure for it");
        let procedure = book.register.entry_procedure(kind).ok_or_else(missing)?;
        let rules = procedure.entry_rules().ok_or_else(missing)?;
        Ok(Self {
            kind,
            procedure,
            rules,
            offers: book.routing.offers(),
        })
    }

    /// Whose an offer is; `None` if there is no such offer.
    fn department(&self, offer: &OfferId) -> Option<&'r DepartmentId> {
        match self.kind {
            OfferKind::Newsletters => self.offers.newsletter(offer).map(|it| &it.department),
            OfferKind::Events => self.offers.event(offer).map(|it| &it.department),
        }
    }

    /// Whether somebody may see the entries of an offer of this department: birth dates of journalists are the
    /// department's alone.
    fn may_see(&self, principal: &Principal, department: &DepartmentId) -> bool {
        principal.is(Role::Operator)
            || (self.kind == OfferKind::Newsletters && principal.is(Role::Administrator))
            || principal.department.as_ref() == Some(department)
    }

    /// An offer that somebody may see. Another department's is answered like one that is not there.
    fn seen_offer(&self, principal: &Principal, offer: &str) -> Result<OfferId, Status> {
        let offer = OfferId::new(offer);
        match self.department(&offer) {
            Some(department) if self.may_see(principal, department) => Ok(offer),
            _ => Err(Status::not_found(
                "offer: there is no such offer of this department; list those that there are",
            )),
        }
    }
}

impl RegistrationsService {
    /// Registrations with their parts.
    pub fn new(parts: RegistrationsParts) -> Self {
        Self(Arc::new(parts))
    }

    fn now(&self) -> DateTime<Utc> {
        (self.0.clock)().trunc_subsecs(3)
    }

    /// Whole registrations alone are kept.
    async fn keep(
        &self,
        checked: CheckedRegistration,
        asked: &Asked<'_>,
        at: DateTime<Utc>,
    ) -> Result<(), Status> {
        let most = match asked.kind {
            OfferKind::Newsletters => NEWSLETTER_ENTRIES_MAX,
            OfferKind::Events => EVENT_ENTRIES_MAX,
        };
        let entries = checked.entries.into_iter();
        let new = NewRegistration {
            id: RegistrationId::new(random_id()),
            procedure: checked.procedure,
            entries: entries.map(|entry| (EntryId::new(random_id()), entry)).collect(),
            recipient: checked.recipient,
            email_key: checked.email_key,
            consented_at: at,
            expires_at: checked.expires_at,
            quiet_since: at - QUIET,
            capacities: checked.capacities,
            most,
        };
        let registered = self.0.store.register(new).await;
        match registered.map_err(|error| refused(&error))? {
            Registered::Accepted => Ok(()),
            Registered::ItemFull(item) => {
                let remedy = format!("choose another one: {item} has no place left");
                Err(invalid(&[FieldFault::of(
                    PROGRAMME_ITEMS,
                    FaultCode::OfferFull,
                    remedy,
                )]))
            }
            Registered::OfferFull(_) => {
                let field = match asked.kind {
                    OfferKind::Newsletters => SUBSCRIPTIONS,
                    OfferKind::Events => "offer",
                };
                Err(invalid(&[FieldFault::of(
                    field,
                    FaultCode::OfferFull,
                    "no place is left",
                )]))
            }
        }
    }

    /// The entries that a link is for.
    async fn linked(&self, purpose: LinkPurpose, token: &str) -> Result<(String, Vec<Entry>), Status> {
        let id = self.0.links.read(purpose, token.trim()).ok_or_else(gone)?;
        let entries = self.0.store.entries_by_id(id, self.now()).await;
        let mut entries = entries.map_err(|error| refused(&error))?;
        if purpose == LinkPurpose::Confirm {
            // A link to confirm names a registration alone.
            entries.retain(|entry| entry.registration.as_str() == id);
        }
        Ok((id.to_owned(), entries))
    }
}

/// 32 hexadecimal digits that nobody can guess.
fn random_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// What is wrong with a link is not told apart.
fn gone() -> Status {
    Status::not_found("token: the link is not valid, or no longer; register once more")
}

#[tonic::async_trait]
impl proto::registrations_server::Registrations for RegistrationsService {
    async fn list_offers(
        &self,
        request: Request<proto::ListOffersRequest>,
    ) -> Result<Response<proto::ListOffersResponse>, Status> {
        let book = (self.0.rules)();
        let asked = Asked::of(&book, &request.into_inner().kind)?;
        let at = self.now();
        let mut offers = shown::offers(&asked, at);
        // What is over is nobody's business but its department's.
        offers.retain(|offer| offer.is_open);
        for offer in offers
            .iter_mut()
            .filter(|it| it.items.iter().any(|item| item.places_left.is_some()))
        {
            let id = OfferId::new(&offer.id);
            let taken = self.0.store.items_taken(&asked.procedure.id, &id).await;
            let taken = taken.map_err(|error| refused(&error))?;
            for item in &mut offer.items {
                let taken = taken.get(&item.title).copied().unwrap_or(0);
                item.places_left = item.places_left.map(|places| places.saturating_sub(taken));
            }
        }
        Ok(Response::new(proto::ListOffersResponse {
            procedure: Some(wire::tickets::procedure_to_wire(asked.procedure)),
            consent: asked.rules.consent.clone(),
            offers,
            is_possible: self.0.ways.is_some(),
            controller: book.register.head().controller.to_string(),
            data_protection_officer: book.register.head().data_protection_officer.to_string(),
        }))
    }

    async fn register(
        &self,
        request: Request<proto::RegisterRequest>,
    ) -> Result<Response<proto::RegisterResponse>, Status> {
        let at = self.now();
        let client = client_address(&request, |sent| &sent.client);
        let sent = request.into_inner();
        let book = (self.0.rules)();
        let asked = Asked::of(&book, &sent.kind)?;
        if self.0.ways.is_none() {
            return Err(Status::failed_precondition(
                "nobody can register here: set [mail] and public.url, so that confirmations can be sent",
            ));
        }
        let waits = self
            .0
            .attempts
            .take_attempt(&[AttemptKey::of_form(&client)], at)
            .await;
        if let Some(until) = waits.map_err(|error| refused(&error))? {
            let seconds = (until - at).num_seconds().max(1);
            return Err(Status::resource_exhausted(format!(
                "too many forms; try again in {seconds} s"
            )));
        }
        let fields = sent.fields.iter();
        let application = Application {
            offers: sent
                .offers
                .iter()
                .take(OFFERS_SENT_MAX)
                .map(OfferId::new)
                .collect(),
            fields: fields
                .map(|(id, text)| (FieldId::new(id), Personal::new(text.trim())))
                .collect(),
            consents: sent.consents,
        };
        let checked = registration::checked(asked.procedure, asked.rules, asked.offers, application, at);
        let checked = checked.map_err(|faults| invalid(&faults))?;
        self.keep(checked, &asked, at).await?;
        Ok(Response::new(proto::RegisterResponse {
            confirm_within_days: asked.rules.confirm_within_days,
        }))
    }

    async fn get_link(
        &self,
        request: Request<proto::GetLinkRequest>,
    ) -> Result<Response<proto::GetLinkResponse>, Status> {
        let sent = request.into_inner();
        let purpose = match sent.purpose.trim() {
            "confirm" => LinkPurpose::Confirm,
            "end" => LinkPurpose::End,
            _ => return Err(Status::invalid_argument("purpose: write confirm or end")),
        };
        let (_, entries) = self.linked(purpose, &sent.token).await?;
        let book = (self.0.rules)();
        let first = entries.first().ok_or_else(gone)?;
        Ok(Response::new(proto::GetLinkResponse {
            kind: shown::kind_of(&book, first),
            entries: shown::linked(&book, &entries),
        }))
    }

    async fn confirm(
        &self,
        request: Request<proto::ConfirmRequest>,
    ) -> Result<Response<proto::ConfirmResponse>, Status> {
        let token = request.into_inner().token;
        let id = self
            .0
            .links
            .read(LinkPurpose::Confirm, token.trim())
            .ok_or_else(gone)?;
        let confirmed = self.0.store.confirm(&RegistrationId::new(id), self.now()).await;
        let confirmed = confirmed.map_err(|error| refused(&error))?;
        let (_, entries) = self.linked(LinkPurpose::Confirm, &token).await?;
        let first = entries.first().ok_or_else(gone)?;
        let book = (self.0.rules)();
        if confirmed > 0 {
            tracing::info!(procedure = %first.procedure, entries = confirmed, "entries were confirmed");
        }
        Ok(Response::new(proto::ConfirmResponse {
            kind: shown::kind_of(&book, first),
            entries: shown::linked(&book, &entries),
        }))
    }

    async fn end(&self, request: Request<proto::EndRequest>) -> Result<Response<proto::EndResponse>, Status> {
        let token = request.into_inner().token;
        let id = self
            .0
            .links
            .read(LinkPurpose::End, token.trim())
            .ok_or_else(gone)?;
        let erased = self.0.store.end_entries(id, EndedBy::Person, self.now()).await;
        let erased = erased.map_err(|error| refused(&error))?;
        tracing::info!(entries = erased, "entries were ended by a link");
        if erased > 0 {
            let audit = &self.0.audit;
            let entry = audit.entry_by("link", AuditAction::EntriesErased, AuditSubject::none());
            let entry = entry
                .because("ended by whoever it is of")
                .of_items(erased as usize);
            audit.append_done(vec![entry]).await?;
        }
        Ok(Response::new(proto::EndResponse { erased }))
    }

    async fn list_offer_states(
        &self,
        request: Request<proto::ListOfferStatesRequest>,
    ) -> Result<Response<proto::ListOfferStatesResponse>, Status> {
        let principal = principal(&request)?;
        let book = (self.0.rules)();
        let asked = Asked::of(&book, &request.into_inner().kind)?;
        let known = self.0.store.offer_states(&asked.procedure.id).await;
        let known = known.map_err(|error| refused(&error))?;
        let offers = shown::offers(&asked, self.now()).into_iter();
        let seen = offers.filter(|offer| asked.may_see(&principal, &DepartmentId::new(&offer.department)));
        let states = seen.map(|offer| {
            let state = known.get(&OfferId::new(&offer.id)).cloned().unwrap_or_default();
            shown::state(offer, &state, self.0.event_entries_kept)
        });
        Ok(Response::new(proto::ListOfferStatesResponse {
            states: states.collect(),
        }))
    }

    async fn list_entries(
        &self,
        request: Request<proto::ListEntriesOfOfferRequest>,
    ) -> Result<Response<proto::ListEntriesOfOfferResponse>, Status> {
        let principal = principal(&request)?;
        let sent = request.into_inner();
        let book = (self.0.rules)();
        let asked = Asked::of(&book, &sent.kind)?;
        let offer = asked.seen_offer(&principal, &sent.offer)?;
        let page = page_of(sent.page_size, 100, 500);
        let filter = EntryFilter {
            procedure: asked.procedure.id.clone(),
            offer: offer.clone(),
            state: None,
            after: position(&sent.page_token)?,
            most: page + 1,
        };
        let (found, next_page_token) = self.page(filter, page).await?;
        let subject = AuditSubject::new("offer", offer.as_str());
        let entry = self
            .0
            .audit
            .entry(&principal, AuditAction::EntriesListed, subject);
        self.0.audit.append(entry.of_items(found.len())).await?;
        Ok(Response::new(proto::ListEntriesOfOfferResponse {
            entries: found.iter().map(|it| shown::entry(&it.entry)).collect(),
            next_page_token,
        }))
    }

    async fn export_entries(
        &self,
        request: Request<proto::ExportEntriesRequest>,
    ) -> Result<Response<proto::ExportEntriesResponse>, Status> {
        exports::export(self, request).await.map(Response::new)
    }

    async fn find_entries(
        &self,
        request: Request<proto::FindEntriesRequest>,
    ) -> Result<Response<proto::FindEntriesResponse>, Status> {
        persons::find(self, request).await.map(Response::new)
    }

    async fn clear_offer(
        &self,
        request: Request<proto::ClearOfferRequest>,
    ) -> Result<Response<proto::ClearOfferResponse>, Status> {
        exports::clear(self, request).await.map(Response::new)
    }
}

impl RegistrationsService {
    /// A page of entries, and where the next one begins; the filter asks for one more than the page.
    async fn page(&self, filter: EntryFilter, page: usize) -> Result<(Vec<NumberedEntry>, String), Status> {
        let found = self.0.store.entries(filter).await;
        let mut found = found.map_err(|error| refused(&error))?;
        let more = found.len() > page;
        found.truncate(page);
        let last = found.last().filter(|_| more).map(|last| last.number.to_string());
        Ok((found, last.unwrap_or_default()))
    }
}

fn page_of(sent: u32, usual: usize, most: usize) -> usize {
    match sent as usize {
        0 => usual,
        wanted => wanted.min(most),
    }
}

fn position(token: &str) -> Result<i64, Status> {
    match token {
        "" => Ok(0),
        token => token.parse().map_err(|_| {
            Status::invalid_argument("page_token: repeat the next_page_token of the page before")
        }),
    }
}
