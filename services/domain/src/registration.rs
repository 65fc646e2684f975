//! Registrations: what somebody enters for an offer, and the entries that come of it.
//!
//! A registration is one form that was sent; it makes an entry for each offer that was chosen. An entry is pending until
//! the person confirms it by the link in a mail, and gone without a trace once it is ended, undeliverable or past its time.

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::{EntryId, Identity, IdentityKey, OfferId, RegistrationId};
use crate::named::named;
use crate::offers::{Event, Offers};
use crate::personal::Personal;
use crate::privacy::email_key;
use crate::procedure::{
    EntryRules, FaultCode, FieldFault, FieldId, Fields, OfferKind, Procedure, ProcedureId, name_key,
};

/// Offers that are chosen with one form at most.
const OFFERS_MAX: usize = 50;
/// The field that names the chosen newsletter.
pub const SUBSCRIPTIONS: &str = "subscriptions";
/// The field that names chosen items of a programme, one a line.
pub const PROGRAMME_ITEMS: &str = "programme_items";
/// The field that asks for a shuttle.
pub const SHUTTLE: &str = "shuttle";
/// The field that says where somebody can be reached; every procedure with entries has it.
pub const EMAIL: &str = "email";
/// Who registered in time can confirm so long after the deadline.
const CONFIRMED_AFTER_DEADLINE: TimeDelta = TimeDelta::hours(24);

/// Whether the time of an event's entries is over: so long after its deadline, as it was told last. Where nobody knows one it
/// is not.
pub fn is_over(deadline: Option<DateTime<Utc>>, kept: TimeDelta, at: DateTime<Utc>) -> bool {
    deadline.is_some_and(|deadline| deadline + kept <= at)
}

named! {
    /// Where an entry stands; one that is gone is not there.
    EntryState {
        /// It waits for the person to confirm it.
        Pending = "pending",
        /// It holds.
        Confirmed = "confirmed",
    }
}

/// What somebody has registered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id; random.
    pub id: EntryId,
    /// The form that it came with.
    pub registration: RegistrationId,
    /// By which procedure.
    pub procedure: ProcedureId,
    /// For what.
    pub offer: OfferId,
    /// Where it stands.
    pub state: EntryState,
    /// What was entered.
    pub fields: Fields,
    /// When the person consented: when the form was sent.
    pub consented_at: DateTime<Utc>,
    /// When the person confirmed it.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Since when nobody works with it (Art. 18 GDPR): it is kept, and in no list, export or mail.
    pub restricted_at: Option<DateTime<Utc>>,
}

impl Entry {
    /// Whether nobody works with it.
    pub fn is_restricted(&self) -> bool {
        self.restricted_at.is_some()
    }
}

/// What was sent with a form.
#[derive(Clone, Debug)]
pub struct Application {
    /// What was chosen.
    pub offers: Vec<OfferId>,
    /// What was entered.
    pub fields: Fields,
    /// Whether the person consents to the text of the register.
    pub consents: bool,
}

/// A registration that has passed the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRegistration {
    /// By which procedure.
    pub procedure: ProcedureId,
    /// One for each offer.
    pub entries: Vec<CheckedEntry>,
    /// Where the person gets mail, as it was entered.
    pub recipient: Personal,
    /// The same, whatever its capitals: personal.
    pub email_key: String,
    /// Until when it can be confirmed.
    pub expires_at: DateTime<Utc>,
    /// Places of items of the programme that have a limit.
    pub capacities: BTreeMap<String, u32>,
}

/// An entry before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedEntry {
    /// For what.
    pub offer: OfferId,
    /// Tells persons apart within an offer; personal.
    pub person_key: String,
    /// What was entered.
    pub fields: Fields,
}

/// Checks a registration by the register and the offers of the moment.
///
/// # Errors
/// Every faulty field.
pub fn checked(
    procedure: &Procedure,
    rules: &EntryRules,
    offers: &Offers,
    application: Application,
    at: DateTime<Utc>,
) -> Result<CheckedRegistration, Vec<FieldFault>> {
    let Application {
        offers: mut chosen,
        fields,
        consents,
    } = application;
    chosen.sort();
    chosen.dedup();
    let mut faults = Vec::new();
    if !consents {
        let remedy = "consent, or nothing is kept";
        faults.push(FieldFault::of("consent", FaultCode::Required, remedy));
    }
    let mut expires_at = at + TimeDelta::days(i64::from(rules.confirm_within_days));
    let mut capacities = BTreeMap::new();
    let asked = match rules.offers {
        OfferKind::Newsletters => newsletters(offers, &chosen, &fields, &mut faults),
        OfferKind::Events => {
            let event = the_event(offers, &chosen, at, &mut faults);
            if let Some(event) = event {
                check_programme(event, &fields, &mut faults);
                expires_at = expires_at.min(event.deadline + CONFIRMED_AFTER_DEADLINE);
                let limited = event.items.iter();
                capacities.extend(limited.filter_map(|item| Some((item.title.clone(), item.capacity?))));
            }
            event
                .map(|event| (event.id.clone(), fields.clone()))
                .into_iter()
                .collect()
        }
    };
    let mut entries = Vec::new();
    let mut told = false;
    for (offer, fields) in asked {
        match procedure.checked(fields) {
            Ok(request) => entries.push(CheckedEntry {
                offer,
                person_key: person_key(rules.offers, request.fields()),
                fields: request.fields().clone(),
            }),
            // The fields are the same for each of them, and so are the faults.
            Err(found) if !told => {
                told = true;
                faults.extend(found);
            }
            Err(_) => {}
        }
    }
    if entries.is_empty() && !told {
        // Nothing usable was chosen; what else is wrong is told as well.
        let mut fields = fields.clone();
        fields.set(FieldId::new(SUBSCRIPTIONS), Personal::new("x"));
        let found = procedure.checked(fields).err().unwrap_or_default();
        faults.extend(found.into_iter().filter(|fault| fault.field != SUBSCRIPTIONS));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let recipient = fields.get(EMAIL).cloned().unwrap_or_else(|| Personal::new(""));
    Ok(CheckedRegistration {
        procedure: procedure.id.clone(),
        entries,
        email_key: email_key(recipient.reveal()),
        recipient,
        expires_at,
        capacities,
    })
}

fn newsletters(
    offers: &Offers,
    chosen: &[OfferId],
    fields: &Fields,
    faults: &mut Vec<FieldFault>,
) -> Vec<(OfferId, Fields)> {
    if chosen.is_empty() || chosen.len() > OFFERS_MAX {
        let remedy = format!("choose 1 to {OFFERS_MAX} newsletters");
        faults.push(FieldFault::of(SUBSCRIPTIONS, FaultCode::Required, remedy));
    }
    if fields.get(SUBSCRIPTIONS).is_some() {
        let remedy = "leave it out: the chosen offers say it";
        faults.push(FieldFault::of(SUBSCRIPTIONS, FaultCode::FromSystem, remedy));
    }
    let mut asked = Vec::new();
    for offer in chosen.iter().take(OFFERS_MAX) {
        match offers.newsletter(offer) {
            None => {
                let remedy = "choose newsletters that there are";
                faults.push(FieldFault::of(SUBSCRIPTIONS, FaultCode::NoOffer, remedy));
            }
            Some(newsletter) => {
                let mut fields = fields.clone();
                fields.set(FieldId::new(SUBSCRIPTIONS), Personal::new(&newsletter.title));
                asked.push((offer.clone(), fields));
            }
        }
    }
    asked
}

fn the_event<'o>(
    offers: &'o Offers,
    chosen: &[OfferId],
    at: DateTime<Utc>,
    faults: &mut Vec<FieldFault>,
) -> Option<&'o Event> {
    let event = match chosen {
        [one] => offers.event(one),
        _ => None,
    };
    match event {
        None => faults.push(FieldFault::of(
            "offer",
            FaultCode::NoOffer,
            "choose one event that there is",
        )),
        Some(event) if !event.is_open(at) => {
            let remedy = "the deadline is over: ask the department";
            faults.push(FieldFault::of("offer", FaultCode::OfferClosed, remedy));
        }
        Some(_) => {}
    }
    event
}

fn check_programme(event: &Event, fields: &Fields, faults: &mut Vec<FieldFault>) {
    let mut chosen = chosen_items(fields);
    let is_known = |title: &str| event.items.iter().any(|item| item.title == title);
    if !chosen.all(is_known) {
        let titles: Vec<&str> = event.items.iter().map(|item| item.title.as_str()).collect();
        let remedy = match titles.is_empty() {
            true => "leave it out: this event has no items to choose".to_owned(),
            false => format!("choose from {}, one a line", titles.join(", ")),
        };
        faults.push(FieldFault::of(PROGRAMME_ITEMS, FaultCode::NoOption, remedy));
    }
    if fields.text(SHUTTLE) == "true" && !event.shuttle {
        let remedy = "leave it out: this event has no shuttle";
        faults.push(FieldFault::of(SHUTTLE, FaultCode::Undeclared, remedy));
    }
}

/// The items of the programme that were chosen.
pub fn chosen_items(fields: &Fields) -> impl Iterator<Item = &str> {
    let lines = fields.text(PROGRAMME_ITEMS).lines();
    lines.map(str::trim).filter(|line| !line.is_empty())
}

/// An editorial office may register several persons by one address.
fn person_key(kind: OfferKind, fields: &Fields) -> String {
    let email = email_key(fields.text(EMAIL));
    match kind {
        OfferKind::Newsletters => email,
        OfferKind::Events => [
            email,
            name_key(fields.text("first_name")),
            name_key(fields.text("name")),
            fields.text("birth_date").to_owned(),
        ]
        .join("\n"),
    }
}

/// What a link in a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To confirm the entries of a registration.
    Confirm,
    /// To end an entry, or all entries of a registration.
    End,
}

/// Makes the tokens of links, which nobody else can: nothing secret is stored with an entry.
#[derive(Clone, Debug)]
pub struct LinkKey(IdentityKey);

impl LinkKey {
    /// From the installation's secret.
    pub fn new(key: IdentityKey) -> Self {
        Self(key)
    }

    /// The token for an id.
    pub fn token(&self, purpose: LinkPurpose, id: &str) -> String {
        format!("{id}{}", self.proof(purpose, id).to_hex())
    }

    /// The id that a token was made for with this purpose; `None` for any other text.
    pub fn read<'t>(&self, purpose: LinkPurpose, token: &'t str) -> Option<&'t str> {
        let (id, proof) = token.split_at_checked(32)?;
        let proof = Identity::from_hex(proof)?;
        let expected = self.proof(purpose, id);
        // Every byte is looked at, however early they differ.
        let difference = proof
            .0
            .iter()
            .zip(expected.0)
            .fold(0, |difference, (one, other)| {
                black_box(difference | (one ^ other))
            });
        (difference == 0).then_some(id)
    }

    fn proof(&self, purpose: LinkPurpose, id: &str) -> Identity {
        let purpose: &[u8] = match purpose {
            LinkPurpose::Confirm => b"confirm",
            LinkPurpose::End => b"end",
        };
        self.0.keyed(&[b"entry link", purpose, id.as_bytes()])
    }
}

#[cfg(test)]
mod tests;
