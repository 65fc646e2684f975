//! A procedure as its file writes it, and what can be wrong with that. Every fault is found at once.

mod field;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::register::RegisterFault;
use super::{
    EntryRules, FieldId, FieldKind, FieldRule, Kind, OfferKind, Period, Procedure, ProcedureId, Retention,
    RetentionEvent, TicketRules, UNREACHABLE_AFTER,
};
use crate::ids::DepartmentId;
use field::WrittenField;

#[derive(Deserialize)]
pub(super) struct WrittenProcedure {
    id: Option<String>,
    title: Option<String>,
    kind: Option<String>,
    purpose: Option<String>,
    #[serde(default)]
    legal_basis: Vec<String>,
    #[serde(default)]
    persons: Vec<String>,
    #[serde(default)]
    recipients: Vec<String>,
    #[serde(default)]
    processors: Vec<String>,
    retention: Option<WrittenRetention>,
    department: Option<String>,
    by_phone: Option<bool>,
    counts_as_callback: Option<bool>,
    reachable_by: Option<Vec<String>>,
    concern: Option<Vec<String>>,
    unreachable_after: Option<u32>,
    offers: Option<String>,
    confirm_within_days: Option<u32>,
    consent: Option<String>,
    #[serde(default, rename = "field")]
    fields: Vec<WrittenField>,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct WrittenRetention {
    after: Option<String>,
    days: Option<u32>,
    months: Option<u32>,
    years: Option<u32>,
    text: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

/// Days until an entry that was not confirmed is gone, unless the register says otherwise.
const CONFIRM_WITHIN_DAYS: u32 = 7;

/// Whether a text can be the id of a field.
pub(super) fn is_field_id(text: &str) -> bool {
    is_id(text, '_')
}

/// 1 to 40 lower-case letters, digits and the given sign, a letter first.
fn is_id(text: &str, sign: char) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == sign)
}

impl WrittenProcedure {
    /// Reads a file; `None` if it has faults.
    pub(super) fn read(file: &str, text: &str, faults: &mut Vec<RegisterFault>) -> Option<Procedure> {
        let mut reading = Reading {
            file,
            faults: Vec::new(),
        };
        let procedure = match toml::from_str::<Self>(text) {
            Ok(written) => written.checked(&mut reading),
            Err(error) => {
                reading.fault("TOML", error.to_string().trim());
                None
            }
        };
        let procedure = procedure.filter(|_| reading.faults.is_empty());
        faults.append(&mut reading.faults);
        procedure
    }

    fn checked(self, reading: &mut Reading<'_>) -> Option<Procedure> {
        reading.unknown("", &self.unknown);
        let id = reading.given("id", self.id.as_deref());
        if id.as_deref().is_some_and(|id| !is_id(id, '-')) {
            reading.fault(
                "id",
                "use 1 to 40 lower-case letters, digits and hyphens, a letter first",
            );
        }
        let title = reading.given("title", self.title.as_deref());
        let purpose = reading.given("purpose", self.purpose.as_deref());
        reading.listed("legal_basis", &self.legal_basis);
        reading.listed("recipients", &self.recipients);
        let fields = reading.fields(&self.fields);
        let kind = self.kind(&fields, reading);
        let retention = reading.retention(self.retention.as_ref());
        Some(Procedure {
            id: ProcedureId::new(id?),
            title: title?,
            kind: kind?,
            purpose: purpose?,
            legal_basis: self.legal_basis,
            persons: self.persons,
            recipients: self.recipients,
            processors: self.processors,
            retention: retention?,
            fields,
        })
    }

    fn kind(&self, fields: &[FieldRule], reading: &mut Reading<'_>) -> Option<Kind> {
        match self.kind.as_deref() {
            Some("ticket") => {
                self.leave_out_entry_keys(reading);
                Some(Kind::Ticket(self.ticket_rules(fields, reading)))
            }
            Some("entry") => {
                self.leave_out_ticket_keys(reading);
                self.entry_rules(fields, reading).map(Kind::Entry)
            }
            Some("record") => {
                self.leave_out_ticket_keys(reading);
                self.leave_out_entry_keys(reading);
                Some(Kind::Record)
            }
            _ => {
                reading.fault(
                    "kind",
                    "write \"ticket\", \"entry\" where people register for an offer, or \"record\" for neither",
                );
                None
            }
        }
    }

    fn leave_out_ticket_keys(&self, reading: &mut Reading<'_>) {
        for (key, is_there) in [
            ("department", self.department.is_some()),
            ("by_phone", self.by_phone.is_some()),
            ("counts_as_callback", self.counts_as_callback.is_some()),
            ("reachable_by", self.reachable_by.is_some()),
            ("concern", self.concern.is_some()),
            ("unreachable_after", self.unreachable_after.is_some()),
        ] {
            if is_there {
                reading.fault(
                    key,
                    "leave it out: only procedures of the kind \"ticket\" have it",
                );
            }
        }
    }

    fn leave_out_entry_keys(&self, reading: &mut Reading<'_>) {
        for (key, is_there) in [
            ("offers", self.offers.is_some()),
            ("confirm_within_days", self.confirm_within_days.is_some()),
            ("consent", self.consent.is_some()),
        ] {
            if is_there {
                reading.fault(key, "leave it out: only procedures of the kind \"entry\" have it");
            }
        }
    }

    fn entry_rules(&self, fields: &[FieldRule], reading: &mut Reading<'_>) -> Option<EntryRules> {
        let offers = self.offers.as_deref().and_then(OfferKind::from_name);
        if offers.is_none() {
            reading.fault("offers", "write \"newsletters\" or \"events\"");
        }
        let confirm_within_days = self.confirm_within_days.unwrap_or(CONFIRM_WITHIN_DAYS);
        if !(1..=90).contains(&confirm_within_days) {
            reading.fault("confirm_within_days", "use 1 to 90 days, or leave it out");
        }
        let consent = reading.given("consent", self.consent.as_deref());
        let has_email = fields
            .iter()
            .any(|field| field.id.as_str() == "email" && field.required);
        if !has_email {
            reading.fault(
                "field email",
                "declare it as required: entries are confirmed by mail",
            );
        }
        for id in ["consented_at", "confirmed_at"] {
            if !fields
                .iter()
                .any(|field| field.id.as_str() == id && field.from_system)
            {
                let place = format!("field {id}");
                reading.fault(
                    &place,
                    "declare it, a timestamp from the system: it is kept with every entry",
                );
            }
        }
        Some(EntryRules {
            offers: offers?,
            confirm_within_days,
            consent: consent?,
        })
    }

    fn ticket_rules(&self, fields: &[FieldRule], reading: &mut Reading<'_>) -> TicketRules {
        let by_phone = self.by_phone.unwrap_or(false);
        let counts_as_callback = self.counts_as_callback.unwrap_or(false);
        if counts_as_callback && !by_phone {
            reading.fault(
                "counts_as_callback",
                "add by_phone = true: it counts for a hotline",
            );
        }
        if let Some(department) = self.department.as_deref()
            && !is_id(department, '-')
        {
            reading.fault("department", "name a department by its id, or leave it out");
        }
        let reachable_by = reading.known_fields("reachable_by", self.reachable_by.as_deref(), fields);
        let concern = reading.known_fields("concern", self.concern.as_deref(), fields);
        if self.concern.as_deref().is_none_or(<[String]>::is_empty) {
            reading.fault("concern", "name the fields that say what the citizen wants");
        }
        for field in fields.iter().filter(|field| concern.contains(&field.id)) {
            if !matches!(field.kind, FieldKind::Line(_) | FieldKind::Text(_)) {
                reading.fault(
                    "concern",
                    format!("name only lines and texts; `{}` is none", field.id),
                );
            }
        }
        let unreachable_after = self.unreachable_after.unwrap_or(UNREACHABLE_AFTER);
        if !(1..=100).contains(&unreachable_after) {
            reading.fault("unreachable_after", "use 1 to 100 callbacks, or leave it out");
        }
        TicketRules {
            department: self.department.as_deref().map(DepartmentId::new),
            by_phone,
            counts_as_callback,
            reachable_by,
            concern,
            unreachable_after,
        }
    }
}

/// Collects what is wrong with a file.
struct Reading<'f> {
    file: &'f str,
    faults: Vec<RegisterFault>,
}

impl Reading<'_> {
    fn fault(&mut self, key: &str, remedy: impl Into<String>) {
        self.faults.push(RegisterFault {
            file: self.file.to_owned(),
            key: key.to_owned(),
            remedy: remedy.into(),
        });
    }

    fn unknown(&mut self, within: &str, unknown: &BTreeMap<String, toml::Value>) {
        for key in unknown.keys() {
            self.fault(&format!("{within}{key}"), "remove it: no such key is known");
        }
    }

    fn given(&mut self, key: &str, text: Option<&str>) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            self.fault(key, "it is missing: write it");
        }
        text.map(str::to_owned)
    }

    fn listed(&mut self, key: &str, texts: &[String]) {
        if texts.iter().all(|text| text.trim().is_empty()) {
            self.fault(key, "it is missing: list at least one");
        }
    }

    fn known_fields(&mut self, key: &str, ids: Option<&[String]>, fields: &[FieldRule]) -> Vec<FieldId> {
        let ids: Vec<FieldId> = ids.unwrap_or_default().iter().map(FieldId::new).collect();
        for id in &ids {
            match fields.iter().find(|field| field.id == *id) {
                None => self.fault(
                    key,
                    format!("`{id}` is no field of this procedure: declare it, or leave it out"),
                ),
                Some(field) if field.from_system => {
                    self.fault(key, format!("leave out `{id}`: the system adds it"));
                }
                Some(_) => {}
            }
        }
        ids
    }

    fn retention(&mut self, written: Option<&WrittenRetention>) -> Option<Retention> {
        let Some(written) = written else {
            self.fault("retention", "it is missing: say how long the data is kept");
            return None;
        };
        self.unknown("retention.", &written.unknown);
        let after = written.after.as_deref().and_then(RetentionEvent::from_name);
        if after.is_none() {
            let known: Vec<&str> = RetentionEvent::ALL.iter().map(|event| event.name()).collect();
            self.fault("retention.after", format!("choose from {}", known.join(", ")));
        }
        let period = match (written.days, written.months, written.years) {
            (Some(days), None, None) => Some(Period::Days(days)),
            (None, Some(months), None) => Some(Period::Months(months)),
            (None, None, Some(years)) => Some(Period::Years(years)),
            _ => {
                self.fault("retention", "give one of days, months and years");
                None
            }
        };
        let text = self.given("retention.text", written.text.as_deref());
        Some(Retention {
            after: after?,
            period: period?,
            text: text?,
        })
    }
}
