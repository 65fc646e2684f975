//! A procedure as its file writes it, and what can be wrong with that. Every fault is found at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::register::RegisterFault;
use super::request::FROM_SYSTEM;
use super::{
    FieldId, FieldKind, FieldRule, Kind, Period, Procedure, ProcedureId, Retention, RetentionEvent,
    TicketRules,
};
use crate::ids::DepartmentId;

/// Kinds of fields that have no keys of their own.
const SIMPLE: [(&str, FieldKind); 10] = [
    ("email", FieldKind::Email),
    ("phone", FieldKind::Phone),
    ("postal_code", FieldKind::PostalCode),
    ("iban", FieldKind::Iban),
    ("bic", FieldKind::Bic),
    ("boolean", FieldKind::Boolean),
    ("number", FieldKind::Number),
    ("date", FieldKind::Date),
    ("timestamp", FieldKind::Timestamp),
    ("ip_address", FieldKind::IpAddress),
];
/// Fields that the software reads itself, with the type that they always have.
const WELL_KNOWN: [(&str, &str); 6] = [
    ("phone", "phone"),
    ("email", "email"),
    ("name", "line"),
    ("postal_code", "postal_code"),
    ("timestamp", "timestamp"),
    ("ip_address", "ip_address"),
];
/// Characters of a line unless the register says otherwise.
const LINE_LONGEST: usize = 200;
/// Characters of a text unless the register says otherwise.
const TEXT_LONGEST: usize = 4000;
/// Characters of a text at most: a ticket with all its concerns fits into one message.
const LONGEST: usize = 10_000;

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

#[derive(Deserialize)]
struct WrittenField {
    id: Option<String>,
    title: Option<String>,
    r#type: Option<String>,
    longest: Option<usize>,
    options: Option<Vec<String>>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    requires: Vec<String>,
    only_with: Option<String>,
    #[serde(default)]
    from_system: bool,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

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
            Some("ticket") => Some(Kind::Ticket(self.ticket_rules(fields, reading))),
            Some("record") => {
                for (key, is_there) in [
                    ("department", self.department.is_some()),
                    ("by_phone", self.by_phone.is_some()),
                    ("counts_as_callback", self.counts_as_callback.is_some()),
                    ("reachable_by", self.reachable_by.is_some()),
                    ("concern", self.concern.is_some()),
                ] {
                    if is_there {
                        reading.fault(
                            key,
                            "leave it out: only procedures of the kind \"ticket\" have it",
                        );
                    }
                }
                Some(Kind::Record)
            }
            _ => {
                reading.fault(
                    "kind",
                    "write \"ticket\", or \"record\" where no tickets are made",
                );
                None
            }
        }
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
        TicketRules {
            department: self.department.as_deref().map(DepartmentId::new),
            by_phone,
            counts_as_callback,
            reachable_by,
            concern,
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

    fn fields(&mut self, written: &[WrittenField]) -> Vec<FieldRule> {
        if written.is_empty() {
            self.fault("field", "it is missing: declare at least one [[field]]");
        }
        let mut ids = BTreeSet::new();
        let mut rules = Vec::new();
        for (index, field) in written.iter().enumerate() {
            let id = field.id.as_deref().unwrap_or_default().trim();
            if !is_field_id(id) {
                let place = format!("field {}", index + 1);
                self.fault(
                    &format!("{place}.id"),
                    "use 1 to 40 lower-case letters, digits and underscores, a letter first",
                );
                continue;
            }
            if !ids.insert(id) {
                self.fault(&format!("field {id}"), "declare it once");
            }
            rules.extend(self.field(id, field));
        }
        self.relations(&rules, &ids);
        rules
    }

    fn field(&mut self, id: &str, written: &WrittenField) -> Option<FieldRule> {
        let within = format!("field {id}.");
        self.unknown(&within, &written.unknown);
        let title = self.given(&format!("{within}title"), written.title.as_deref());
        let kind = self.kind(&within, written);
        let fixed = WELL_KNOWN.iter().find(|(known, _)| *known == id);
        if let (Some((_, fixed)), Some(kind)) = (fixed, &kind)
            && kind.name() != *fixed
        {
            self.fault(
                &format!("{within}type"),
                format!("write {fixed:?}: a field of this id always is one"),
            );
        }
        if written.from_system && !FROM_SYSTEM.contains(&id) {
            let remedy = format!("leave it out: the system only knows {}", FROM_SYSTEM.join(", "));
            self.fault(&format!("{within}from_system"), remedy);
        }
        if written.from_system && written.required {
            self.fault(
                &format!("{within}required"),
                "leave it out: the system adds what it knows",
            );
        }
        Some(FieldRule {
            id: FieldId::new(id),
            title: title?,
            kind: kind?,
            required: written.required,
            requires: written.requires.iter().map(FieldId::new).collect(),
            only_with: written.only_with.as_deref().map(FieldId::new),
            from_system: written.from_system,
        })
    }

    fn kind(&mut self, within: &str, written: &WrittenField) -> Option<FieldKind> {
        let name = written.r#type.as_deref().unwrap_or_default();
        let longest = written.longest;
        if longest.is_some_and(|longest| !(1..=LONGEST).contains(&longest)) {
            self.fault(&format!("{within}longest"), format!("use 1 to {LONGEST}"));
        }
        if longest.is_some() && !matches!(name, "line" | "text") {
            self.fault(
                &format!("{within}longest"),
                "leave it out: only line and text have it",
            );
        }
        if written.options.is_some() && name != "choice" {
            self.fault(&format!("{within}options"), "leave it out: only choice has it");
        }
        match name {
            "line" => Some(FieldKind::Line(longest.unwrap_or(LINE_LONGEST))),
            "text" => Some(FieldKind::Text(longest.unwrap_or(TEXT_LONGEST))),
            "choice" => {
                let options = written.options.clone().unwrap_or_default();
                if options
                    .iter()
                    .any(|option| option.trim() != option || option.is_empty())
                    || options.is_empty()
                {
                    self.fault(
                        &format!("{within}options"),
                        "list what can be chosen, without blanks around it",
                    );
                }
                Some(FieldKind::Choice(options))
            }
            _ => {
                let simple = SIMPLE.iter().find(|(known, _)| *known == name);
                if simple.is_none() {
                    let known: Vec<&str> = SIMPLE.iter().map(|(known, _)| *known).collect();
                    let remedy = format!("choose from line, text, choice, {}", known.join(", "));
                    self.fault(&format!("{within}type"), remedy);
                }
                simple.map(|(_, kind)| kind.clone())
            }
        }
    }

    /// Fields that come only together must be there, and can be given together.
    fn relations(&mut self, rules: &[FieldRule], ids: &BTreeSet<&str>) {
        for rule in rules {
            for (key, others) in [
                ("requires", rule.requires.iter().collect::<Vec<_>>()),
                ("only_with", rule.only_with.iter().collect()),
            ] {
                let place = format!("field {}.{key}", rule.id);
                for other in others {
                    if !ids.contains(other.as_str()) {
                        self.fault(
                            &place,
                            format!("`{other}` is no field of this procedure: declare it, or leave it out"),
                        );
                    } else if *other == rule.id {
                        self.fault(&place, "name another field");
                    } else if rules.iter().any(|it| it.id == *other && it.from_system) {
                        self.fault(&place, format!("leave out `{other}`: the system adds it"));
                    }
                }
            }
            if rule.required && rule.only_with.is_some() {
                let place = format!("field {}.only_with", rule.id);
                self.fault(&place, "leave it out: the field is required anyway");
            }
        }
    }
}
