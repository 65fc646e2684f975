//! The form of a registration, drawn from the register and the offers of the moment.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use askama_web::WebTemplate;
use domain::procedure::{FieldFault, OfferKind};
use domain::registration::{PROGRAMME_ITEMS, SHUTTLE, SUBSCRIPTIONS};
use tonic::Code;
use wire::v1::tickets as proto;

use super::OpenEvent;
use crate::desk::faults;
use crate::layout::Layout;

/// Before the names of inputs that are fields of the procedure.
const FIELD: &str = "feld.";

/// What a browser sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) chosen: Vec<String>,
    items: BTreeSet<String>,
    fields: BTreeMap<String, String>,
    consents: bool,
}

impl Sent {
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        let mut sent = Self::default();
        for (name, text) in pairs {
            let text = text.trim().to_owned();
            match (name.strip_prefix(FIELD), name.as_str()) {
                (Some(field), _) => {
                    sent.fields.insert(field.to_owned(), text);
                }
                (None, "angebot") => sent.chosen.push(text),
                (None, "programm") => {
                    sent.items.insert(text);
                }
                (None, "einwilligung") => sent.consents = text == "ja",
                _ => {}
            }
        }
        sent
    }

    pub(super) fn request(
        &self,
        kind: OfferKind,
        offers: Vec<String>,
        client: String,
    ) -> proto::RegisterRequest {
        let given = self.fields.iter().filter(|(_, text)| !text.is_empty());
        let mut fields: BTreeMap<String, String> =
            given.map(|(id, text)| (id.clone(), text.clone())).collect();
        if !self.items.is_empty() {
            let items: Vec<&str> = self.items.iter().map(String::as_str).collect();
            fields.insert(PROGRAMME_ITEMS.to_owned(), items.join("\n"));
        }
        proto::RegisterRequest {
            kind: kind.name().to_owned(),
            offers,
            fields,
            consents: self.consents,
            client,
        }
    }
}

/// Something that can be ticked.
struct Tick {
    value: String,
    title: String,
    hint: String,
    is_ticked: bool,
}

/// A field of the form.
struct Input {
    id: String,
    title: String,
    /// text, email, tel, date, area, tick
    kind: &'static str,
    autocomplete: &'static str,
    longest: u32,
    required: bool,
    value: String,
    fault: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "registrations/form.html")]
pub(super) struct FormPage {
    layout: Layout,
    heading: String,
    action: String,
    event: Option<OpenEvent>,
    newsletters: Vec<Tick>,
    newsletters_fault: String,
    inputs: Vec<Input>,
    items: Vec<Tick>,
    items_fault: String,
    consent: String,
    consents: bool,
    consent_fault: String,
    general: Vec<String>,
    is_possible: bool,
    controller: String,
    data_protection_officer: String,
    purpose: String,
    legal_basis: String,
    recipients: String,
    retention: String,
}

impl FormPage {
    /// Of all newsletters.
    pub(super) fn newsletters(told: proto::ListOffersResponse, sent: &Sent, faults: &[FieldFault]) -> Self {
        let offers = told.offers.iter().map(|offer| Tick {
            value: offer.id.clone(),
            title: offer.title.clone(),
            hint: String::new(),
            is_ticked: sent.chosen.contains(&offer.id) || told.offers.len() == 1,
        });
        let newsletters = offers.collect();
        let page = Self::of(told, None, sent, faults);
        Self {
            heading: "Newsletter abonnieren".to_owned(),
            action: "/newsletter".to_owned(),
            newsletters,
            layout: Layout::open("Newsletter abonnieren"),
            ..page
        }
    }

    /// Of an event; `None` if there is none that is open.
    pub(super) fn event(
        told: proto::ListOffersResponse,
        id: &str,
        sent: &Sent,
        faults: &[FieldFault],
    ) -> Option<Self> {
        let offer = told.offers.iter().find(|offer| offer.id == id)?.clone();
        let items = offer.items.iter().map(|item| Tick {
            value: item.title.clone(),
            title: item.title.clone(),
            hint: match item.places_left {
                None => String::new(),
                Some(0) => "ausgebucht".to_owned(),
                Some(1) => "noch 1 Platz".to_owned(),
                Some(places) => format!("noch {places} Plätze"),
            },
            is_ticked: sent.items.contains(&item.title),
        });
        let items = items.collect();
        let page = Self::of(told, Some(&offer), sent, faults);
        Some(Self {
            heading: format!("Akkreditierung: {}", offer.title),
            action: format!("/akkreditierung/{}", offer.id),
            event: Some(OpenEvent::of(&offer)),
            items,
            layout: Layout::open("Akkreditierung"),
            ..page
        })
    }

    fn of(
        told: proto::ListOffersResponse,
        event: Option<&proto::Offer>,
        sent: &Sent,
        faults: &[FieldFault],
    ) -> Self {
        let procedure = told.procedure.unwrap_or_default();
        let fault_of = |field: &str| -> String {
            let found = faults.iter().find(|fault| fault.field == field);
            found
                .map(|fault| faults::text(fault, Some(&procedure)))
                .unwrap_or_default()
        };
        let is_asked = |rule: &&proto::FieldRule| match rule.id.as_str() {
            SUBSCRIPTIONS | PROGRAMME_ITEMS => false,
            SHUTTLE => event.is_some_and(|event| event.shuttle),
            _ => !rule.from_system,
        };
        let asked: Vec<&proto::FieldRule> = procedure.fields.iter().filter(is_asked).collect();
        let inputs = asked.iter().map(|rule| Input {
            id: rule.id.clone(),
            title: rule.title.clone(),
            kind: kind_of(&rule.r#type),
            autocomplete: autocomplete(&rule.id),
            longest: rule.longest,
            required: rule.required,
            value: sent.fields.get(&rule.id).cloned().unwrap_or_default(),
            fault: match rule.required {
                // What must be given cannot be left empty.
                true => fault_of(&rule.id).replace(", oder leer lassen", ""),
                false => fault_of(&rule.id),
            },
        });
        let has_place = |field: &str| {
            matches!(field, SUBSCRIPTIONS | PROGRAMME_ITEMS | "consent")
                || asked.iter().any(|it| it.id == field)
        };
        let general = faults.iter().filter(|fault| !has_place(&fault.field));
        let consent_fault = match fault_of("consent").is_empty() {
            true => String::new(),
            false => "Ohne Ihre Einwilligung geht es nicht.".to_owned(),
        };
        let newsletters_fault = match fault_of(SUBSCRIPTIONS) {
            fault if fault == "Bitte ausfüllen." => {
                "Bitte mindestens einen Newsletter auswählen.".to_owned()
            }
            fault => fault,
        };
        Self {
            layout: Layout::open(""),
            heading: String::new(),
            action: String::new(),
            event: None,
            newsletters: Vec::new(),
            newsletters_fault,
            items: Vec::new(),
            items_fault: fault_of(PROGRAMME_ITEMS),
            consent: told.consent,
            consents: sent.consents,
            consent_fault,
            general: general
                .map(|fault| faults::text(fault, Some(&procedure)))
                .collect(),
            is_possible: told.is_possible,
            inputs: inputs.collect(),
            controller: told.controller,
            data_protection_officer: told.data_protection_officer,
            purpose: procedure.purpose.clone(),
            legal_basis: procedure.legal_basis.join("; "),
            recipients: procedure.recipients.join("; "),
            retention: procedure
                .retention
                .as_ref()
                .map(|it| it.text.clone())
                .unwrap_or_default(),
        }
    }

    /// With a refusal that is of no field.
    pub(super) fn with_refusal(mut self, status: &tonic::Status) -> Self {
        match status.code() {
            Code::ResourceExhausted => self.general.push(
                "Von Ihrem Anschluss kamen sehr viele Formulare. Bitte warten Sie einige Minuten und senden Sie es noch einmal."
                    .to_owned(),
            ),
            Code::FailedPrecondition => self.is_possible = false,
            _ => {}
        }
        self
    }
}

fn kind_of(rule: &str) -> &'static str {
    match rule {
        "email" => "email",
        "phone" => "tel",
        "date" => "date",
        "text" => "area",
        "boolean" => "tick",
        _ => "text",
    }
}

/// What browsers may fill in.
fn autocomplete(id: &str) -> &'static str {
    match id {
        "email" => "email",
        "phone" => "tel",
        "first_name" => "given-name",
        "name" => "family-name",
        "birth_date" => "bday",
        "postal_code" => "postal-code",
        "town" => "address-level2",
        "medium" => "organization",
        _ => "off",
    }
}
